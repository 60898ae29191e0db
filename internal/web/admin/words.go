package admin

import "maps"

// words are all that the pages say by themselves: en, da, fr, pl. What the public pages say too is said alike.
var words = allOf(statusWords, topWords, noticeWords, siteWords, troubleWords)

func allOf(tables ...map[string]word) map[string]word {
	all := map[string]word{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

// statusWords are those of status sites themselves.
var statusWords = map[string]word{
	"headline All Systems Operational":    {"All systems operational", "Alle systemer er i drift", "Tous les services sont opérationnels", "Wszystkie usługi działają"},
	"headline Service Under Maintenance":  {"Maintenance in progress", "Vedligeholdelse er i gang", "Maintenance en cours", "Trwa konserwacja"},
	"headline Partially Degraded Service": {"Some services are degraded", "Nogle tjenester har nedsat ydelse", "Certains services sont perturbés", "Część usług działa gorzej"},
	"headline Degraded System Service":    {"All services are degraded", "Alle tjenester har nedsat ydelse", "Tous les services sont perturbés", "Wszystkie usługi działają gorzej"},
	"headline Minor Service Outage":       {"Some services are partly out", "Nogle tjenester er delvist nede", "Certains services sont fortement perturbés", "Część usług częściowo nie działa"},
	"headline Partial System Outage":      {"Partial system outage", "Systemet er delvist nede", "Panne partielle", "Częściowa awaria systemu"},
	"headline Major System Outage":        {"Major system outage", "Hele systemet er nede", "Panne générale", "Poważna awaria systemu"},
	"headline Open Incident":              {"An incident is open", "Der er en åben hændelse", "Un incident est en cours", "Trwa incydent"},
	"headline No Data":                    {"State unknown", "Tilstanden er ukendt", "État inconnu", "Stan nieznany"},

	"means operational":          {"Works as it should, with no known problem.", "Virker, som den skal, uden kendte problemer.", "Fonctionne normalement, sans problème connu.", "Działa prawidłowo, bez znanych problemów."},
	"means under_maintenance":    {"Planned work is going on; some disturbance is normal.", "Planlagt arbejde er i gang; nogen forstyrrelse er normal.", "Maintenance planifiée ; quelques perturbations sont normales.", "Trwają planowane prace; pewne zakłócenia są normalne."},
	"means degraded_performance": {"Works, with minor problems, or with less in reserve than usual.", "Virker, med mindre problemer eller med mindre i reserve end normalt.", "Fonctionne, avec des problèmes mineurs ou moins de réserve que d’habitude.", "Działa, z drobnymi problemami lub mniejszą rezerwą niż zwykle."},
	"means partial_outage":       {"Most functions, or some of those who use it, are affected.", "De fleste funktioner eller en del af brugerne er ramt.", "La majorité des fonctions, ou une partie des clients, est touchée.", "Problem dotyczy większości funkcji lub części użytkowników."},
	"means major_outage":         {"Is not available at all.", "Er slet ikke tilgængelig.", "Totalement indisponible.", "Jest całkowicie niedostępna."},

	"kind incident":     {"Incident", "Hændelse", "Incident", "Incydent"},
	"kind maintenance":  {"Maintenance", "Vedligeholdelse", "Maintenance", "Konserwacja"},
	"kind action":       {"Action required", "Handling påkrævet", "Action à effectuer", "Wymagane działanie"},
	"kind announcement": {"Announcement", "Meddelelse", "Annonce", "Ogłoszenie"},
	"kind bulletin":     {"General message", "Generel besked", "Message général", "Komunikat ogólny"},

	"kind means incident":     {"Something is wrong that nobody planned.", "Noget er galt, som ingen har planlagt.", "Quelque chose d’imprévu ne va pas.", "Coś nie działa i nikt tego nie planował."},
	"kind means maintenance":  {"Work that is planned, with a beginning and an end.", "Planlagt arbejde med en begyndelse og en slutning.", "Des travaux planifiés, avec un début et une fin.", "Planowane prace, z początkiem i końcem."},
	"kind means action":       {"Something that readers must do, by a time.", "Noget, som læserne skal gøre inden en frist.", "Ce que les lecteurs doivent faire, avant une date.", "Coś, co czytelnicy muszą zrobić w terminie."},
	"kind means announcement": {"A change, something new, something to come.", "En ændring, noget nyt, noget kommende.", "Un changement, une nouveauté, une évolution à venir.", "Zmiana, nowość, zapowiedź."},
	"kind means bulletin":     {"A word to everyone that is about no single service.", "En besked til alle, som ikke angår en enkelt tjeneste.", "Un mot à tous, qui ne concerne pas un service en particulier.", "Wiadomość dla wszystkich, niezwiązana z jedną usługą."},

	"stage investigating": {"Investigating", "Undersøges", "En cours d’analyse", "Badanie"},
	"stage identified":    {"Identified", "Identificeret", "Identifié", "Zidentyfikowano"},
	"stage monitoring":    {"Monitoring", "Overvåges", "Sous surveillance", "Obserwacja"},
	"stage resolved":      {"Resolved", "Løst", "Résolu", "Rozwiązano"},
	"stage postmortem":    {"Account afterwards", "Redegørelse", "Bilan", "Podsumowanie"},
	"stage scheduled":     {"Planned", "Planlagt", "Planifiée", "Zaplanowano"},
	"stage in_progress":   {"In progress", "I gang", "En cours", "W toku"},
	"stage verifying":     {"Being checked", "Kontrolleres", "En vérification", "Sprawdzanie"},
	"stage completed":     {"Completed", "Afsluttet", "Terminée", "Zakończono"},
	"stage planned":       {"To come", "Kommende", "À venir", "Nadchodzące"},
	"stage published":     {"Current", "Gældende", "En vigueur", "Aktualne"},
	"stage ended":         {"Ended", "Udløbet", "Terminé", "Zakończone"},

	"hint investigating": {"We see it and look for the cause.", "Vi ser det og leder efter årsagen.", "Nous le constatons et cherchons la cause.", "Widzimy problem i szukamy przyczyny."},
	"hint identified":    {"We know the cause and mend it.", "Vi kender årsagen og udbedrer den.", "La cause est connue, la correction est en cours.", "Znamy przyczynę i ją usuwamy."},
	"hint monitoring":    {"It is mended; we keep watch.", "Det er udbedret; vi holder øje.", "C’est corrigé ; nous surveillons.", "Naprawione; obserwujemy."},
	"hint resolved":      {"It is over. What this notice has set of services goes back.", "Det er overstået. Det, som meddelelsen har sat af tjenester, går tilbage.", "C’est terminé. Les états fixés par cet événement sont rétablis.", "To już koniec. Stany usług ustawione przez to zdarzenie wracają."},
	"hint scheduled":     {"Still to come.", "Endnu ikke begyndt.", "Pas encore commencée.", "Jeszcze przed nami."},
	"hint in_progress":   {"It has begun. Its services go under maintenance.", "Den er begyndt. Dens tjenester går under vedligeholdelse.", "Elle a commencé. Ses services passent en maintenance.", "Rozpoczęto. Jej usługi przechodzą w konserwację."},
	"hint verifying":     {"The work is done and is being checked.", "Arbejdet er udført og kontrolleres.", "Les travaux sont faits, vérification en cours.", "Prace wykonane, trwa sprawdzanie."},
	"hint completed":     {"It is over. Its services go back.", "Den er overstået. Dens tjenester går tilbage.", "Elle est terminée. Ses services sont rétablis.", "Zakończona. Jej usługi wracają."},
	"hint planned":       {"Not shown yet.", "Vises ikke endnu.", "Pas encore affiché.", "Jeszcze niepokazywane."},
	"hint published":     {"Shown now.", "Vises nu.", "Affiché.", "Pokazywane."},
	"hint ended":         {"It applies no more.", "Det gælder ikke længere.", "Ne s’applique plus.", "Już nie obowiązuje."},

	"impact minor":          {"Minor impact", "Mindre betydning", "Impact mineur", "Niewielki wpływ"},
	"impact major":          {"Major impact", "Stor betydning", "Impact majeur", "Duży wpływ"},
	"impact critical":       {"Critical impact", "Kritisk betydning", "Impact critique", "Krytyczny wpływ"},
	"impact of none":        {"None", "Ingen", "Aucun", "Brak"},
	"impact of maintenance": {"Maintenance", "Vedligeholdelse", "Maintenance", "Konserwacja"},
	"impact of minor":       {"Minor", "Mindre", "Mineur", "Niewielki"},
	"impact of major":       {"Major", "Stor", "Majeur", "Duży"},
	"impact of critical":    {"Critical", "Kritisk", "Critique", "Krytyczny"},
}

// topWords are those of the top of every page, and of the lists.
var topWords = map[string]word{
	"skip":              {"Skip to the content", "Gå til indholdet", "Aller au contenu", "Przejdź do treści"},
	"language":          {"Language", "Sprog", "Langue", "Język"},
	"signed in as":      {"Signed in as {0}", "Logget ind som {0}", "Connecté en tant que {0}", "Zalogowano jako {0}"},
	"sign out":          {"Sign out", "Log ud", "Se déconnecter", "Wyloguj się"},
	"pages of the site": {"Pages of the site", "Sitets sider", "Pages du site", "Strony serwisu"},
	"public page":       {"Public page", "Offentlig side", "Page publique", "Strona publiczna"},
	"times in":          {"Times are in {0}.", "Tider er i {0}.", "Les heures sont celles de {0}.", "Czas podano dla strefy {0}."},
	"unsaved":           {"What you have typed is not published.", "Det, du har skrevet, er ikke udgivet.", "Ce que vous avez saisi n’est pas publié.", "To, co wpisano, nie jest opublikowane."},
	"tab overview":      {"Overview", "Overblik", "Vue d’ensemble", "Przegląd"},
	"tab notices":       {"Notices", "Meddelelser", "Événements", "Zdarzenia"},
	"tab components":    {"Services", "Tjenester", "Services", "Usługi"},
	"tab looks":         {"Site and looks", "Site og udseende", "Site et apparence", "Serwis i wygląd"},
	"tab history":       {"Who did what", "Hvem gjorde hvad", "Qui a fait quoi", "Kto co zrobił"},

	"sites":             {"Status sites", "Statussites", "Sites d’état", "Serwisy stanu"},
	"no sites for you":  {"There is no status site that you may edit.", "Der er intet statussite, som du må redigere.", "Il n’y a aucun site d’état que vous puissiez modifier.", "Nie ma serwisu stanu, który możesz edytować."},
	"your roles":        {"Your roles: {0}", "Dine roller: {0}", "Vos rôles : {0}", "Twoje role: {0}"},
	"new site":          {"New site", "Nyt site", "Nouveau site", "Nowy serwis"},
	"maps":              {"Registers on a map", "Registre på kort", "Registres sur une carte", "Rejestry na mapie"},
	"nothing open":      {"Nothing is open.", "Intet er åbent.", "Rien en cours.", "Nic nie jest otwarte."},
	"n planned":         {"{0} maintenance is planned.|{0} maintenances are planned.", "{0} vedligeholdelse er planlagt.|{0} vedligeholdelser er planlagt.", "{0} maintenance planifiée.|{0} maintenances planifiées.", "{0} planowana konserwacja.|{0} planowane konserwacje.|{0} planowanych konserwacji."},
	"open incident":     {"Report an incident", "Meld en hændelse", "Signaler un incident", "Zgłoś incydent"},
	"open maintenance":  {"Plan maintenance", "Planlæg vedligeholdelse", "Planifier une maintenance", "Zaplanuj konserwację"},
	"open action":       {"Ask for an action", "Bed om en handling", "Demander une action", "Poproś o działanie"},
	"open announcement": {"Announce something", "Giv en meddelelse", "Publier une annonce", "Ogłoś coś"},
	"open bulletin":     {"Write a general message", "Skriv en generel besked", "Écrire un message général", "Napisz komunikat ogólny"},
	"set a state":       {"Set a state", "Sæt en tilstand", "Fixer un état", "Ustaw stan"},
	"something else":    {"Something else", "Noget andet", "Autre chose", "Coś innego"},
	"open now":          {"Open now", "Åbent nu", "En cours", "Otwarte teraz"},
	"to come":           {"To come", "Kommende", "À venir", "Nadchodzące"},
	"over":              {"Over", "Overstået", "Terminés", "Zakończone"},
	"lately over":       {"Lately over", "Overstået for nylig", "Terminés récemment", "Niedawno zakończone"},
	"nothing over":      {"Nothing is over yet.", "Intet er overstået endnu.", "Rien n’est encore terminé.", "Nic się jeszcze nie zakończyło."},
	"all notices":       {"All notices", "Alle meddelelser", "Tous les événements", "Wszystkie zdarzenia"},
	"older":             {"Older", "Ældre", "Plus anciens", "Starsze"},
	"no components":     {"There are no services here yet.", "Her er endnu ingen tjenester.", "Il n’y a pas encore de services ici.", "Nie ma tu jeszcze żadnych usług."},
	"last said":         {"Last update", "Seneste opdatering", "Dernière mise à jour", "Ostatnia aktualizacja"},
	"for so long":       {"for {0}", "i {0}", "depuis {0}", "od {0}"},
	"overdue":           {"Overdue by {0}", "Forsinket {0}", "En retard de {0}", "Opóźnienie: {0}"},
	"in":                {"in {0}", "om {0}", "dans {0}", "za {0}"},
	"from":              {"from {0}", "fra {0}", "à partir du {0}", "od {0}"},
	"until":             {"until {0}", "indtil {0}", "jusqu’au {0}", "do {0}"},

	"done opened":       {"It is published.", "Det er udgivet.", "C’est publié.", "Opublikowano."},
	"done update":       {"The update is published.", "Opdateringen er udgivet.", "La mise à jour est publiée.", "Aktualizacja opublikowana."},
	"done state":        {"The state is set.", "Tilstanden er sat.", "L’état est fixé.", "Stan ustawiony."},
	"done facts":        {"The facts are changed.", "Oplysningerne er ændret.", "Les informations sont modifiées.", "Dane zmienione."},
	"done reworded":     {"The update is put otherwise. What it said before can still be read.", "Opdateringen er rettet. Det, der stod før, kan stadig læses.", "La mise à jour est reformulée. L’ancien texte reste lisible.", "Aktualizację zmieniono. Poprzednią treść nadal można przeczytać."},
	"done account":      {"The account is published.", "Redegørelsen er udgivet.", "Le bilan est publié.", "Podsumowanie opublikowane."},
	"done removed":      {"It is off the site.", "Den er fjernet fra sitet.", "Il est retiré du site.", "Usunięto z serwisu."},
	"done components":   {"It is saved.", "Det er gemt.", "C’est enregistré.", "Zapisano."},
	"done part-removed": {"It is off the site.", "Den er fjernet fra sitet.", "C’est retiré du site.", "Usunięto z serwisu."},
	"done looks":        {"It is saved.", "Det er gemt.", "C’est enregistré.", "Zapisano."},
	"done founded":      {"The site is made. Add its services now.", "Sitet er oprettet. Tilføj nu dets tjenester.", "Le site est créé. Ajoutez maintenant ses services.", "Serwis utworzony. Dodaj teraz jego usługi."},
}
