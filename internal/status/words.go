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
	Investigating: {"en": "Investigating", "da": "Undersøges", "fr": "En cours d’analyse", "pl": "Badamy"},
	Identified:    {"en": "Identified", "da": "Årsag fundet", "fr": "Cause identifiée", "pl": "Znana przyczyna"},
	Monitoring:    {"en": "Monitoring", "da": "Overvåges", "fr": "Sous surveillance", "pl": "Monitorujemy"},
	Resolved:      {"en": "Resolved", "da": "Løst", "fr": "Résolu", "pl": "Rozwiązane"},
	Postmortem:    {"en": "Postmortem", "da": "Efterfølgende redegørelse", "fr": "Bilan", "pl": "Podsumowanie"},
	Scheduled:     {"en": "Scheduled", "da": "Planlagt", "fr": "Planifiée", "pl": "Zaplanowana"},
	InProgress:    {"en": "In progress", "da": "I gang", "fr": "En cours", "pl": "W toku"},
	Verifying:     {"en": "Verifying", "da": "Efterprøves", "fr": "En vérification", "pl": "Weryfikacja"},
	Completed:     {"en": "Completed", "da": "Afsluttet", "fr": "Terminée", "pl": "Zakończona"},
	Coming:        {"en": "Planned", "da": "Kommer", "fr": "À venir", "pl": "Planowane"},
	Published:     {"en": "Published", "da": "Udsendt", "fr": "Publié", "pl": "Opublikowano"},
	Ended:         {"en": "Ended", "da": "Slut", "fr": "Terminé", "pl": "Zakończone"},
}

var headlineWords = map[string]Text{
	AllOperational.Description:    {"en": "All systems operational", "da": "Alle systemer er i drift", "fr": "Tous les services sont opérationnels", "pl": "Wszystkie usługi działają"},
	UnderMaintenance.Description:  {"en": "Service under maintenance", "da": "Under vedligeholdelse", "fr": "Maintenance en cours", "pl": "Trwa konserwacja"},
	PartiallyDegraded.Description: {"en": "Partially degraded service", "da": "Delvist nedsat ydelse", "fr": "Service partiellement perturbé", "pl": "Częściowo obniżona wydajność"},
	DegradedService.Description:   {"en": "Degraded service", "da": "Nedsat ydelse", "fr": "Service perturbé", "pl": "Obniżona wydajność"},
	MinorOutage.Description:       {"en": "Minor service outage", "da": "Mindre driftsforstyrrelse", "fr": "Interruption mineure", "pl": "Niewielka awaria"},
	PartialSystem.Description:     {"en": "Partial system outage", "da": "Delvist nedbrud", "fr": "Interruption partielle", "pl": "Częściowa awaria"},
	MajorSystem.Description:       {"en": "Major system outage", "da": "Omfattende nedbrud", "fr": "Interruption majeure", "pl": "Poważna awaria"},
	Disturbed.Description:         {"en": "Open incident", "da": "Åben hændelse", "fr": "Incident en cours", "pl": "Otwarty incydent"},
	Unknown.Description:           {"en": "No data", "da": "Ingen data", "fr": "Pas de données", "pl": "Brak danych"},
}
