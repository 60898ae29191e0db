package status

// The hub's own words for what is on a site, in every language it speaks: pages, feeds, calendars and badges say the same.

// Words is what people call a kind of notice.
func (k Kind) Words() Text { return kindWords[k] }

// Words is what people call a stage.
func (s Stage) Words() Text { return stageWords[s] }

// Words is the headline as people read it. The Statuspage API has Description in its place.
func (h Headline) Words() Text {
	if words := headlineWords[h.Description]; words != nil {
		return words
	}
	return Text{English: h.Description}
}

var kindWords = map[Kind]Text{
	Incident:     {"en": "Incident", "da": "Hændelse", "fr": "Incident", "pl": "Incydent"},
	Planned:      {"en": "Maintenance", "da": "Vedligeholdelse", "fr": "Maintenance", "pl": "Konserwacja"},
	Action:       {"en": "Action required", "da": "Handling påkrævet", "fr": "Action à effectuer", "pl": "Wymagane działanie"},
	Announcement: {"en": "Announcement", "da": "Meddelelse", "fr": "Annonce", "pl": "Ogłoszenie"},
	Bulletin:     {"en": "General message", "da": "Generel besked", "fr": "Message général", "pl": "Komunikat ogólny"},
}

var stageWords = map[Stage]Text{
	Investigating: {"en": "Investigating", "da": "Undersøges", "fr": "En cours d’analyse", "pl": "Badanie"},
	Identified:    {"en": "Identified", "da": "Identificeret", "fr": "Identifié", "pl": "Zidentyfikowano"},
	Monitoring:    {"en": "Monitoring", "da": "Overvåges", "fr": "Sous surveillance", "pl": "Obserwacja"},
	Resolved:      {"en": "Resolved", "da": "Løst", "fr": "Résolu", "pl": "Rozwiązano"},
	Postmortem:    {"en": "Account afterwards", "da": "Redegørelse", "fr": "Bilan", "pl": "Podsumowanie"},
	Scheduled:     {"en": "Planned", "da": "Planlagt", "fr": "Planifiée", "pl": "Zaplanowano"},
	InProgress:    {"en": "In progress", "da": "I gang", "fr": "En cours", "pl": "W toku"},
	Verifying:     {"en": "Being checked", "da": "Kontrolleres", "fr": "En vérification", "pl": "Sprawdzanie"},
	Completed:     {"en": "Completed", "da": "Afsluttet", "fr": "Terminée", "pl": "Zakończono"},
	Coming:        {"en": "To come", "da": "Kommende", "fr": "À venir", "pl": "Nadchodzące"},
	Published:     {"en": "Current", "da": "Gældende", "fr": "En vigueur", "pl": "Aktualne"},
	Ended:         {"en": "Ended", "da": "Udløbet", "fr": "Terminé", "pl": "Zakończone"},
}

var headlineWords = map[string]Text{
	AllOperational.Description:    {"en": "All systems operational", "da": "Alle systemer er i drift", "fr": "Tous les services sont opérationnels", "pl": "Wszystkie usługi działają"},
	UnderMaintenance.Description:  {"en": "Maintenance in progress", "da": "Vedligeholdelse er i gang", "fr": "Maintenance en cours", "pl": "Trwa konserwacja"},
	PartiallyDegraded.Description: {"en": "Some services are degraded", "da": "Nogle tjenester har nedsat ydelse", "fr": "Certains services sont perturbés", "pl": "Część usług działa gorzej"},
	DegradedService.Description:   {"en": "All services are degraded", "da": "Alle tjenester har nedsat ydelse", "fr": "Tous les services sont perturbés", "pl": "Wszystkie usługi działają gorzej"},
	MinorOutage.Description:       {"en": "Some services are partly out", "da": "Nogle tjenester er delvist nede", "fr": "Certains services sont fortement perturbés", "pl": "Część usług częściowo nie działa"},
	PartialSystem.Description:     {"en": "Partial system outage", "da": "Systemet er delvist nede", "fr": "Panne partielle", "pl": "Częściowa awaria systemu"},
	MajorSystem.Description:       {"en": "Major system outage", "da": "Hele systemet er nede", "fr": "Panne générale", "pl": "Poważna awaria systemu"},
	Disturbed.Description:         {"en": "An incident is open", "da": "Der er en åben hændelse", "fr": "Un incident est en cours", "pl": "Trwa incydent"},
	NoneKnown.Description:         {"en": "No known problem", "da": "Ingen kendte problemer", "fr": "Aucun problème connu", "pl": "Brak znanych problemów"},
	Unknown.Description:           {"en": "State unknown", "da": "Tilstanden er ukendt", "fr": "État inconnu", "pl": "Stan nieznany"},
}
