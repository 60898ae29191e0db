package page

import (
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/status"
)

// word is one message in the hub's languages, in the order of tongues. Forms for different numbers stand between bars:
// "one|more", in Polish "one|few|many". {0} is the first argument, which the form is chosen by; {1} the next.
type word [4]string

// tongues is the order of the languages in a word.
var tongues = []string{"en", "da", "fr", "pl"}

// speech says words in one language.
type speech struct {
	lang string
	at   int
}

func speechOf(lang string) speech {
	return speech{lang, max(0, slices.Index(tongues, lang))}
}

// Say is a message. A key that is not in the table is shown as it is: a test holds the templates to the table.
func (s speech) Say(key string, args ...any) string {
	message, found := words[key]
	if !found {
		return key
	}
	text := message[s.at]
	if len(args) > 0 {
		if n, ok := args[0].(int); ok && strings.Contains(text, "|") {
			text = s.form(text, n)
		}
	}
	var pairs []string
	for i, arg := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", textOf(arg))
	}
	return strings.NewReplacer(pairs...).Replace(text) // at once: an argument may look like another's place
}

// form chooses the form of a message for a number (CLDR plural rules, for whole numbers).
func (s speech) form(text string, n int) string {
	forms := strings.Split(text, "|")
	which := 1
	switch {
	case n == 1 || n == 0 && s.lang == "fr":
		which = 0
	case s.lang == "pl" && (n%10 < 2 || n%10 > 4 || n%100 >= 12 && n%100 <= 14):
		which = 2
	}
	return forms[min(which, len(forms)-1)]
}

func textOf(arg any) string {
	switch v := arg.(type) {
	case int:
		return strconv.Itoa(v)
	case string:
		return v
	case said:
		return v.Text
	}
	return ""
}

// Word is one of the hub's own words for what is on a site: of a kind, a stage or a headline.
func (s speech) Word(t status.Text) string {
	text, _ := t.In(s.lang, status.English)
	return text
}

// Headline is a headline in words.
func (s speech) Headline(h status.Headline) string { return s.Word(h.Words()) }

// nameOf is what a language calls itself.
var nameOf = map[string]string{"da": "Dansk", "en": "English", "fr": "Français", "pl": "Polski"}

// words are all that the pages say by themselves: en, da, fr, pl.
var words = map[string]word{

	// What the states mean (D10).
	"means operational":          {"Works as it should, with no known problem.", "Virker, som den skal, uden kendte problemer.", "Le service fonctionne normalement, sans aucun problème connu.", "Działa prawidłowo, bez znanych problemów."},
	"means under_maintenance":    {"Planned work is going on; some disturbance is normal.", "Planlagt arbejde er i gang; nogen forstyrrelse er normal.", "Le service est en maintenance planifiée, ce qui peut entraîner quelques perturbations normales.", "Trwają planowane prace; pewne zakłócenia są normalne."},
	"means degraded_performance": {"Works, with minor problems in some functions, or slower or with less in reserve than usual.", "Virker, men med mindre problemer i nogle funktioner, langsommere eller med mindre i reserve end normalt.", "Le service fonctionne mais rencontre des problèmes mineurs qui peuvent affecter certaines fonctionnalités.", "Działa, lecz z drobnymi problemami w niektórych funkcjach, wolniej lub z mniejszą rezerwą niż zwykle."},
	"means partial_outage":       {"Most functions, or some of those who use it, are affected.", "De fleste funktioner eller en del af brugerne er ramt.", "Le service rencontre des problèmes significatifs qui affectent la majorité de ses fonctionnalités, ou une partie de nos clients.", "Problem dotyczy większości funkcji lub części użytkowników."},
	"means major_outage":         {"Is not available at all.", "Er slet ikke tilgængelig.", "Le service est totalement indisponible.", "Jest całkowicie niedostępna."},
	"means no_data":              {"Nothing is known of it now. That is never counted as up.", "Der vides intet om den nu. Det tæller aldrig som oppe.", "Rien n’est connu pour le moment. Cela ne compte jamais comme opérationnel.", "Obecnie nic o niej nie wiadomo. Nigdy nie liczy się to jako działanie."},
	"what the states mean":       {"What the states mean", "Hvad tilstandene betyder", "Ce que signifient les états", "Co oznaczają stany"},

	// One notice.
	"impact minor":    {"Minor impact", "Mindre betydning", "Impact mineur", "Niewielki wpływ"},
	"impact major":    {"Major impact", "Stor betydning", "Impact majeur", "Duży wpływ"},
	"impact critical": {"Critical impact", "Kritisk betydning", "Impact critique", "Krytyczny wpływ"},

	// The top of every page.
	"skip":        {"Skip to the content", "Gå til indholdet", "Aller au contenu", "Przejdź do treści"},
	"sections":    {"Sections", "Afsnit", "Sections", "Sekcje"},
	"all sites":   {"All sites", "Alle sites", "Tous les sites", "Wszystkie serwisy"},
	"choose site": {"Choose another site", "Vælg et andet site", "Choisir un autre site", "Wybierz inny serwis"},
	"overview":    {"Overview", "Overblik", "Vue d’ensemble", "Przegląd"},
	"history":     {"History", "Historik", "Historique", "Historia"},
	"calendar":    {"Calendar", "Kalender", "Calendrier", "Kalendarz"},
	"follow":      {"Follow", "Følg", "Suivre", "Obserwuj"},
	"follow one":  {"Follow {0}", "Følg {0}", "Suivre {0}", "Obserwuj: {0}"},
	"language":    {"Language", "Sprog", "Langue", "Język"},
	"theme":       {"Theme", "Tema", "Thème", "Motyw"},
	"theme auto":  {"As my device", "Som min enhed", "Comme mon appareil", "Jak urządzenie"},
	"theme light": {"Light", "Lyst", "Clair", "Jasny"},
	"theme dark":  {"Dark", "Mørkt", "Sombre", "Ciemny"},

	// The headline.
	"as of":               {"As of", "Pr.", "Au", "Stan na"},
	"open incidents":      {"{0} open incident|{0} open incidents", "{0} åben hændelse|{0} åbne hændelser", "{0} incident en cours|{0} incidents en cours", "{0} otwarty incydent|{0} otwarte incydenty|{0} otwartych incydentów"},
	"running maintenance": {"{0} maintenance in progress|{0} maintenances in progress", "{0} vedligeholdelse i gang|{0} vedligeholdelser i gang", "{0} maintenance en cours|{0} maintenances en cours", "{0} trwająca konserwacja|{0} trwające konserwacje|{0} trwających konserwacji"},
	"planned maintenance": {"{0} maintenance planned|{0} maintenances planned", "{0} vedligeholdelse planlagt|{0} vedligeholdelser planlagt", "{0} maintenance planifiée|{0} maintenances planifiées", "{0} planowana konserwacja|{0} planowane konserwacje|{0} planowanych konserwacji"},
	"actions for you":     {"{0} action for you|{0} actions for you", "{0} handling for dig|{0} handlinger for dig", "{0} action à effectuer|{0} actions à effectuer", "{0} działanie dla Ciebie|{0} działania dla Ciebie|{0} działań dla Ciebie"},
	"without data":        {"No data of {0} service|No data of {0} services", "Ingen data om {0} tjeneste|Ingen data om {0} tjenester", "Pas de données pour {0} service|Pas de données pour {0} services", "Brak danych o {0} usłudze|Brak danych o {0} usługach|Brak danych o {0} usługach"},
	"nothing going on":    {"Nothing is going on, and nothing is planned.", "Der foregår intet, og intet er planlagt.", "Aucun événement en cours ou planifié.", "Nic się nie dzieje i nic nie jest planowane."},
	"stale":               {"What is shown here is {0} old: the status hub has lost contact with its data.", "Det viste er {0} gammelt: statustjenesten har mistet forbindelsen til sine data.", "Les informations affichées datent de {0} : le service d’état a perdu le contact avec ses données.", "Informacje mają {0}: usługa stanu utraciła kontakt ze swoimi danymi."},
	"stale title":         {"Data is {0} old", "Data er {0} gamle", "Les données datent de {0}", "Dane mają {0}"},

	// Notices.
	"now":             {"Now", "Nu", "En ce moment", "Teraz"},
	"to know":         {"Good to know", "Værd at vide", "Bon à savoir", "Warto wiedzieć"},
	"upcoming":        {"Planned maintenance", "Planlagt vedligeholdelse", "Maintenances planifiées", "Planowana konserwacja"},
	"since lower":     {"since", "siden", "depuis", "od"},
	"lasted":          {"Lasted", "Varede", "Durée", "Czas trwania"},
	"began":           {"Began", "Begyndte", "Début", "Początek"},
	"window":          {"Window", "Vindue", "Créneau", "Okno"},
	"shown until":     {"Applies until", "Gælder til", "Jusqu’au", "Obowiązuje do"},
	"repeats day":     {"every day|every {0} days", "hver dag|hver {0}. dag", "tous les jours|tous les {0} jours", "codziennie|co {0} dni|co {0} dni"},
	"repeats week":    {"every week|every {0} weeks", "hver uge|hver {0}. uge", "toutes les semaines|toutes les {0} semaines", "co tydzień|co {0} tygodnie|co {0} tygodni"},
	"repeats month":   {"every month|every {0} months", "hver måned|hver {0}. måned", "tous les mois|tous les {0} mois", "co miesiąc|co {0} miesiące|co {0} miesięcy"},
	"repeats":         {"Repeats", "Gentages", "Récurrence", "Powtarza się"},
	"affects":         {"Affects", "Berører", "Services concernés", "Dotyczy"},
	"about sections":  {"About", "Angår", "Concerne", "Dotyczy"},
	"expected":        {"Expected to be restored", "Forventes løst", "Rétablissement prévu", "Przewidywane przywrócenie"},
	"next update":     {"Next update by", "Næste opdatering senest", "Prochaine mise à jour avant", "Następna aktualizacja do"},
	"overdue":         {"overdue by {0}", "forsinket {0}", "en retard de {0}", "opóźnienie: {0}"},
	"deadline":        {"Do it by", "Gør det senest", "À faire avant le", "Termin"},
	"deadline over":   {"The deadline has passed", "Fristen er overskredet", "L’échéance est dépassée", "Termin minął"},
	"audience":        {"For", "For", "Pour", "Dla"},
	"earlier updates": {"{0} earlier update|{0} earlier updates", "{0} tidligere opdatering|{0} tidligere opdateringer", "{0} mise à jour précédente|{0} mises à jour précédentes", "{0} wcześniejsza aktualizacja|{0} wcześniejsze aktualizacje|{0} wcześniejszych aktualizacji"},
	"updates":         {"Updates", "Opdateringer", "Mises à jour", "Aktualizacje"},
	"update":          {"Update", "Opdatering", "Mise à jour", "Aktualizacja"},
	"edited":          {"Edited {0} – show what it said before", "Rettet {0} – vis, hvad der stod før", "Modifié le {0} – afficher le texte précédent", "Zmieniono {0} – pokaż wcześniejszą treść"},
	"said until":      {"Until {0} it said:", "Indtil {0} stod der:", "Jusqu’au {0}, le texte était :", "Do {0} treść brzmiała:"},
	"title before":    {"The title has been changed – show what it was before", "Titlen er ændret – vis, hvad den var før", "Le titre a été modifié – afficher le précédent", "Tytuł zmieniono – pokaż poprzedni"},
	"became":          {"became", "blev", "devient", "zmiana na"},
	"shown in da":     {"shown in Danish", "vist på dansk", "affiché en danois", "po duńsku"},
	"shown in en":     {"shown in English", "vist på engelsk", "affiché en anglais", "po angielsku"},
	"shown in fr":     {"shown in French", "vist på fransk", "affiché en français", "po francusku"},
	"shown in pl":     {"shown in Polish", "vist på polsk", "affiché en polonais", "po polsku"},
	"postmortem":      {"Account afterwards", "Redegørelse efter hændelsen", "Bilan de l’incident", "Podsumowanie po incydencie"},
	"postmortem at":   {"Published", "Offentliggjort", "Publié", "Opublikowano"},
	"details":         {"Details", "Detaljer", "Détails", "Szczegóły"},
	"automatic":       {"written by the hub itself", "skrevet af tjenesten selv", "rédigé automatiquement", "napisane automatycznie"},
	"imported":        {"First published at", "Først offentliggjort på", "Publié d’abord sur", "Opublikowano najpierw na"},
	"no updates":      {"Nothing has been said yet.", "Der er endnu ikke skrevet noget.", "Rien n’a encore été publié.", "Nic jeszcze nie opublikowano."},
	"calendar file":   {"Put it into your calendar", "Læg den i din kalender", "Ajouter à votre calendrier", "Dodaj do kalendarza"},
	"notice of":       {"{0}: {1}", "{0}: {1}", "{0} : {1}", "{0}: {1}"},
	"back to now":     {"How everything is now", "Hvordan alt står nu", "L’état actuel", "Obecny stan"},
	"past":            {"The last 14 days", "De seneste 14 dage", "Les 14 derniers jours", "Ostatnie 14 dni"},
	"past none":       {"No notice has ended in the last 14 days.", "Ingen meddelelse er afsluttet de seneste 14 dage.", "Aucun événement terminé ces 14 derniers jours.", "W ciągu ostatnich 14 dni nie zakończyło się żadne zdarzenie."},
	"whole history":   {"The whole history", "Hele historikken", "Tout l’historique", "Cała historia"},
	"whole calendar":  {"The calendar", "Kalenderen", "Le calendrier", "Kalendarz"},
	"ended at":        {"Over", "Afsluttet", "Fin", "Koniec"},
	"so far":          {"{0} so far", "{0} indtil nu", "{0} jusqu’ici", "dotąd {0}"},

	// Components.
	"components":       {"Services", "Tjenester", "Services", "Usługi"},
	"impact":           {"Impact", "Betydning", "Impact", "Skutek"},
	"reason":           {"Why", "Hvorfor", "Pourquoi", "Dlaczego"},
	"n components":     {"{0} service|{0} services", "{0} tjeneste|{0} tjenester", "{0} service|{0} services", "{0} usługa|{0} usługi|{0} usług"},
	"n affected":       {"{0} of {1} affected", "{0} af {1} berørt", "{0} sur {1} concernés", "dotyczy {0} z {1}"},
	"ninety days":      {"The last 90 days", "De seneste 90 dage", "Les 90 derniers jours", "Ostatnie 90 dni"},
	"thirty days":      {"The last 30 days", "De seneste 30 dage", "Les 30 derniers jours", "Ostatnie 30 dni"},
	"thirty of ninety": {"Bars: the last 30 days. Uptime: 90 days.", "Søjler: de seneste 30 dage. Oppetid: 90 dage.", "Barres : 30 derniers jours. Disponibilité : 90 jours.", "Słupki: ostatnie 30 dni. Dostępność: 90 dni."},
	"uptime of":        {"{0}, the last 90 days: {1}", "{0}, de seneste 90 dage: {1}", "{0}, les 90 derniers jours : {1}", "{0}, ostatnie 90 dni: {1}"},
	"uptime in":        {"uptime in 90 days: the numbers", "oppetid i 90 dage: tallene", "de disponibilité sur 90 jours : les chiffres", "dostępności w 90 dni: liczby"},
	"uptime":           {"Uptime", "Oppetid", "Disponibilité", "Dostępność"},
	"uptime 90":        {"Uptime in 90 days", "Oppetid i 90 dage", "Disponibilité sur 90 jours", "Dostępność w 90 dni"},
	"no uptime":        {"no data", "ingen data", "pas de données", "brak danych"},
	"day":              {"Day", "Dag", "Jour", "Dzień"},
	"what happened":    {"What happened", "Hvad der skete", "Ce qui s’est passé", "Co się wydarzyło"},
	"undisturbed":      {"undisturbed", "uforstyrret", "sans perturbation", "bez zakłóceń"},
	"unknown for":      {"no data", "ingen data", "pas de données", "brak danych"},
	"weights":          {"How uptime is counted", "Sådan beregnes oppetid", "Calcul de la disponibilité", "Jak liczona jest dostępność"},
	"weight whole":     {"{0} counts in full against it.", "{0} tæller fuldt imod den.", "{0} compte en totalité contre elle.", "{0} liczy się w całości na minus."},
	"weight part":      {"{0} counts with {1} of its time.", "{0} tæller med {1} af sin tid.", "{0} compte pour {1} de sa durée.", "{0} liczy się w {1} swojego czasu."},
	"weight none":      {"{0} costs nothing.", "{0} koster intet.", "{0} ne compte pas.", "{0} nie liczy się na minus."},
	"weight unknown":   {"Time of which nothing is known counts for neither side, and is hatched in the bars.", "Tid, som der intet vides om, tæller hverken for eller imod og er skraveret i søjlerne.", "Le temps pour lequel rien n’est connu ne compte ni pour ni contre, et est hachuré dans les barres.", "Czas, o którym nic nie wiadomo, nie liczy się ani na plus, ani na minus, a na wykresie jest zakreskowany."},
	"weight whole90":   {"Uptime is of the last 90 days, today until now, in days of {0}.", "Oppetid er for de seneste 90 dage, i dag indtil nu, i døgn i {0}.", "La disponibilité porte sur les 90 derniers jours, aujourd’hui inclus, en journées de {0}.", "Dostępność dotyczy ostatnich 90 dni, dziś do teraz, w dobach strefy {0}."},
	"find":             {"Find a service", "Find en tjeneste", "Chercher un service", "Znajdź usługę"},
	"only affected":    {"Only what is affected", "Kun det, der er berørt", "Seulement ce qui est touché", "Tylko to, czego dotyczy problem"},
	"show":             {"Show", "Vis", "Afficher", "Pokaż"},
	"show all":         {"Show all", "Vis alle", "Tout afficher", "Pokaż wszystko"},
	"shown of":         {"{0} of {1} services shown", "{0} af {1} tjenester vises", "{0} sur {1} services affichés", "pokazano {0} z {1} usług"},
	"nothing found":    {"No service is called that.", "Ingen tjeneste hedder sådan.", "Aucun service ne correspond.", "Żadna usługa się tak nie nazywa."},
	"none affected":    {"No service is affected.", "Ingen tjeneste er berørt.", "Aucun service n’est touché.", "Problem nie dotyczy żadnej usługi."},
	"no components":    {"There are no services here yet.", "Her er endnu ingen tjenester.", "Il n’y a pas encore de services ici.", "Nie ma tu jeszcze żadnych usług."},
	"notices of it":    {"What has been said of it", "Hvad der er skrevet om den", "Événements de ce service", "Co o niej opublikowano"},
	"no notices":       {"Nothing has been said of it.", "Der er intet skrevet om den.", "Aucun événement pour ce service.", "Nic o niej nie opublikowano."},
	"known since":      {"Counted since", "Tælles siden", "Compté depuis", "Liczone od"},
	"state since":      {"Since", "Siden", "Depuis", "Od"},
	"cause monitor":    {"seen by monitoring", "set af overvågningen", "vu par la supervision", "wykryte przez monitoring"},
	"cause manual":     {"set by a person", "sat af en person", "indiqué par une personne", "ustawione przez osobę"},
	"cause hub":        {"seen by the hub itself", "set af tjenesten selv", "vu par le service lui-même", "wykryte przez samą usługę"},
	"set by":           {"Source", "Kilde", "Source", "Źródło"},
	"impact if down":   {"If it is down", "Hvis den er nede", "En cas de panne", "Gdy nie działa"},

	// History and calendar.
	"history of":       {"History: {0}", "Historik: {0}", "Historique : {0}", "Historia: {0}"},
	"newest first":     {"Incidents, maintenances and messages, the newest first.", "Hændelser, vedligeholdelser og beskeder, de nyeste først.", "Incidents, maintenances et messages, du plus récent au plus ancien.", "Incydenty, konserwacje i komunikaty, od najnowszych."},
	"quiet month":      {"Nothing happened.", "Der skete intet.", "Rien à signaler.", "Nic się nie wydarzyło."},
	"earlier":          {"Earlier: {0}", "Tidligere: {0}", "Avant : {0}", "Wcześniej: {0}"},
	"later":            {"Later: {0}", "Senere: {0}", "Après : {0}", "Później: {0}"},
	"newest":           {"The newest months", "De nyeste måneder", "Les derniers mois", "Najnowsze miesiące"},
	"pages":            {"Other months", "Andre måneder", "Autres mois", "Inne miesiące"},
	"n notices":        {"{0} notice|{0} notices", "{0} meddelelse|{0} meddelelser", "{0} événement|{0} événements", "{0} zdarzenie|{0} zdarzenia|{0} zdarzeń"},
	"calendar of":      {"Calendar: {0}", "Kalender: {0}", "Calendrier : {0}", "Kalendarz: {0}"},
	"month grid":       {"Maintenances and deadlines in {0}", "Vedligeholdelser og frister i {0}", "Maintenances et échéances de {0}", "Konserwacje i terminy: {0}"},
	"in this month":    {"In this month", "I denne måned", "Ce mois-ci", "W tym miesiącu"},
	"nothing in month": {"Nothing is planned in this month.", "Intet er planlagt i denne måned.", "Rien n’est planifié ce mois-ci.", "W tym miesiącu nic nie zaplanowano."},
	"subscribe ics":    {"The calendar as a feed (.ics)", "Kalenderen som feed (.ics)", "Le calendrier en flux (.ics)", "Kalendarz jako kanał (.ics)"},
	"ics what":         {"Subscribe to it in your calendar, and planned maintenances are there.", "Abonnér på den i din kalender, så står planlagte vedligeholdelser der.", "Abonnez-y votre agenda : les maintenances planifiées y figureront.", "Zasubskrybuj go w swoim kalendarzu, a pojawią się w nim planowane konserwacje."},
	"this month":       {"This month", "Denne måned", "Ce mois", "Bieżący miesiąc"},

	// Follow.
	"follow title":      {"Follow by feed", "Følg med via feed", "Suivre par flux", "Obserwuj przez kanał"},
	"follow lead":       {"Copy an address into a feed reader, a mail program or a widget, and what changes comes to you.", "Kopiér en adresse til en feedlæser, et mailprogram eller en widget, så kommer ændringerne til dig.", "Copiez une adresse dans un lecteur de flux, un client de messagerie ou un widget : les changements viendront à vous.", "Skopiuj adres do czytnika kanałów, programu pocztowego lub widżetu, a zmiany trafią do Ciebie."},
	"recommended":       {"Recommended", "Anbefalet", "Recommandé", "Zalecane"},
	"recommended why":   {"It is recommended to follow the global state and the general messages of what you use.", "Det anbefales at følge den samlede tilstand og de generelle beskeder for det, du bruger.", "Il est recommandé de suivre les statuts globaux et les messages généraux pour la ou les plateformes qui vous intéressent.", "Zaleca się obserwowanie stanu ogólnego i komunikatów ogólnych tego, czego używasz."},
	"feed state":        {"Global state", "Samlet tilstand", "État global", "Stan ogólny"},
	"feed state of":     {"State of {0}", "Tilstand: {0}", "État : {0}", "Stan: {0}"},
	"feed bulletins":    {"General messages", "Generelle beskeder", "Messages généraux", "Komunikaty ogólne"},
	"feed history":      {"Notices, one entry for each", "Meddelelser, én post for hver", "Événements, une entrée pour chacun", "Zdarzenia, po jednym wpisie"},
	"feed updates":      {"Updates, one entry for each", "Opdateringer, én post for hver", "Mises à jour, une entrée pour chacune", "Aktualizacje, po jednym wpisie"},
	"feed calendar":     {"Calendar of maintenances", "Kalender over vedligeholdelser", "Calendrier des maintenances", "Kalendarz konserwacji"},
	"feed calendar one": {"Calendar of this service", "Tjenestens kalender", "Calendrier de ce service", "Kalendarz tej usługi"},
	"feed notice":       {"Follow this by feed", "Følg dette via feed", "Suivre cet événement par flux", "Obserwuj to przez kanał"},
	"feed badge":        {"Badge: the state as an image", "Mærke: tilstanden som billede", "Badge : l’état en image", "Znaczek: stan jako obraz"},
	"feed frame":        {"Frame: the state in a page of yours", "Ramme: tilstanden på en side hos jer", "Cadre : l’état dans une de vos pages", "Ramka: stan na Twojej stronie"},
	"on your pages":     {"On your own pages", "På jeres egne sider", "Sur vos propres pages", "Na Twoich stronach"},
	"feeds all":         {"Everything on the site", "Alt på sitet", "Tout le site", "Cały serwis"},
	"feeds sections":    {"By section", "Pr. afsnit", "Par section", "Według sekcji"},
	"feeds components":  {"By service", "Pr. tjeneste", "Par service", "Według usługi"},
	"feeds of it":       {"Follow this service", "Følg denne tjeneste", "Suivre ce service", "Obserwuj tę usługę"},
	"topmost":           {"The topmost entry is the current state; earlier states follow.", "Den øverste post er den aktuelle tilstand; tidligere tilstande følger.", "L’entrée la plus haute indique l’état actuel ; les états précédents suivent.", "Najwyższy wpis to stan obecny; poniżej są stany wcześniejsze."},
	"other ways":        {"All the ways to follow", "Alle måder at følge med på", "Toutes les façons de suivre", "Wszystkie sposoby obserwowania"},
	"machines":          {"For programs", "For programmer", "Pour les programmes", "Dla programów"},
	"feed api":          {"State as JSON (Statuspage’s form)", "Tilstand som JSON (Statuspages form)", "État en JSON (format Statuspage)", "Stan w JSON (format Statuspage)"},
	"copy":              {"Copy", "Kopiér", "Copier", "Kopiuj"},
	"copied":            {"Copied", "Kopieret", "Copié", "Skopiowano"},
	"copy address":      {"Copy the address: {0}", "Kopiér adressen: {0}", "Copier l’adresse : {0}", "Kopiuj adres: {0}"},

	"outlook title": {"In Outlook", "I Outlook", "Dans Outlook", "W programie Outlook"},
	"outlook lead":  {"In classic Outlook for Windows; other mail programs are alike.", "I klassisk Outlook til Windows; andre mailprogrammer ligner.", "Dans Outlook classique pour Windows ; la procédure est similaire pour d’autres logiciels de messagerie.", "W klasycznym programie Outlook dla systemu Windows; w innych programach jest podobnie."},
	"outlook 1":     {"Copy the address of what you want to follow.", "Kopiér adressen på det, du vil følge.", "Copiez l’URL de ce que vous voulez suivre.", "Skopiuj adres tego, co chcesz obserwować."},
	"outlook 2":     {"Open Outlook and choose File, at the top left.", "Åbn Outlook, og vælg Filer øverst til venstre.", "Ouvrez Outlook et cliquez sur l’onglet « Fichier » dans le coin supérieur gauche.", "Otwórz program Outlook i wybierz Plik w lewym górnym rogu."},
	"outlook 3":     {"Choose Account Settings, then Account Settings in the menu that opens.", "Vælg Kontoindstillinger og så Kontoindstillinger i menuen.", "Sélectionnez « Paramètres du compte », puis « Paramètres du compte » dans le menu déroulant.", "Wybierz Ustawienia kont, a następnie Ustawienia kont w menu."},
	"outlook 4":     {"On the tab RSS Feeds choose New.", "Vælg Ny på fanen RSS-feeds.", "Dans l’onglet « Flux RSS », cliquez sur « Nouveau ».", "Na karcie Źródła danych RSS wybierz Nowe."},
	"outlook 5":     {"Paste the address, choose Add, then OK.", "Indsæt adressen, vælg Tilføj og så OK.", "Collez l’URL, cliquez sur « Ajouter » puis sur « OK ».", "Wklej adres, wybierz Dodaj, a następnie OK."},
	"outlook 6":     {"Let it refresh every 5 minutes.", "Lad den opdatere hvert 5. minut.", "Temps de rafraîchissement conseillé : 5 minutes.", "Ustaw odświeżanie co 5 minut."},
	"widget title":  {"In a widget", "I en widget", "Dans un widget", "W widżecie"},
	"widget lead":   {"In a program that shows feeds on its start page, such as Divalto infinity.", "I et program, der viser feeds på sin startside, såsom Divalto infinity.", "Dans un logiciel qui affiche des flux sur sa page d’accueil, comme Divalto infinity.", "W programie, który pokazuje kanały na stronie startowej, takim jak Divalto infinity."},
	"widget 1":      {"Copy the address of what you want to follow.", "Kopiér adressen på det, du vil følge.", "Copiez l’URL de ce que vous voulez suivre.", "Skopiuj adres tego, co chcesz obserwować."},
	"widget 2":      {"Open the program and click the gear at the bottom right.", "Åbn programmet, og klik på tandhjulet nederst til højre.", "Ouvrez le logiciel et cliquez sur l’engrenage en bas à droite.", "Otwórz program i kliknij koło zębate w prawym dolnym rogu."},
	"widget 3":      {"Choose the RSS widget and put it where you want it.", "Vælg RSS-widgetten, og anbring den, hvor du vil.", "Sélectionnez et placez le widget flux RSS.", "Wybierz widżet RSS i umieść go."},
	"widget 4":      {"Click the symbol at its top right and paste the address.", "Klik på symbolet øverst til højre på den, og indsæt adressen.", "Cliquez sur le symbole en haut à droite et saisissez l’URL du flux.", "Kliknij symbol w jego prawym górnym rogu i wklej adres."},

	// The foot, and what the script says.
	"support":         {"Get help", "Få hjælp", "Obtenir de l’aide", "Uzyskaj pomoc"},
	"made by":         {"A Varsel status site", "Et statussite fra Varsel", "Site d’état propulsé par Varsel", "Serwis stanu Varsel"},
	"times in":        {"Times are in {0}.", "Tider er i {0}.", "Les heures sont celles de {0}.", "Czas podano dla strefy {0}."},
	"times in mine":   {"Show times in my zone", "Vis tider i min zone", "Afficher les heures de mon fuseau", "Pokaż czas w mojej strefie"},
	"times in site":   {"Show times in the site’s zone", "Vis tider i sitets zone", "Afficher les heures du site", "Pokaż czas w strefie serwisu"},
	"checking":        {"This page asks every minute whether anything has changed.", "Siden spørger hvert minut, om noget er ændret.", "Cette page vérifie chaque minute si quelque chose a changé.", "Ta strona co minutę sprawdza, czy coś się zmieniło."},
	"paused":          {"This page does not ask whether anything has changed.", "Siden spørger ikke, om noget er ændret.", "Cette page ne vérifie pas les changements.", "Ta strona nie sprawdza zmian."},
	"pause":           {"Pause", "Sæt på pause", "Suspendre", "Wstrzymaj"},
	"resume":          {"Go on", "Fortsæt", "Reprendre", "Wznów"},
	"changed":         {"Something has changed. Now: {0}.", "Noget er ændret. Nu: {0}.", "Quelque chose a changé. Maintenant : {0}.", "Coś się zmieniło. Teraz: {0}."},
	"reload":          {"Show the page as it is now", "Vis siden, som den er nu", "Afficher la page à jour", "Pokaż aktualną stronę"},
	"lost":            {"No contact with the status hub. What is shown is {0} old.", "Ingen forbindelse til statustjenesten. Det viste er {0} gammelt.", "Pas de contact avec le service d’état. Les informations affichées datent de {0}.", "Brak kontaktu z usługą stanu. Informacje mają {0}."},
	"minutes":         {"{0} min", "{0} min", "{0} min", "{0} min"},
	"close":           {"Close", "Luk", "Fermer", "Zamknij"},
	"keys":            {"Arrow keys move between days; Home and End go to the first and the last.", "Piletaster går fra dag til dag; Home og End går til den første og den sidste.", "Les flèches vont d’un jour à l’autre ; Début et Fin vont au premier et au dernier.", "Strzałki przechodzą między dniami; Home i End do pierwszego i ostatniego."},
	"not found":       {"There is nothing here", "Her er ingenting", "Il n’y a rien ici", "Nic tu nie ma"},
	"not found words": {"The address may be wrong, or what stood here has been removed.", "Adressen kan være forkert, eller det, der stod her, er fjernet.", "L’adresse est peut-être erronée, ou ce qui s’y trouvait a été supprimé.", "Adres może być błędny albo to, co tu było, zostało usunięte."},

	// The hub's own address.
	"chooser title":     {"Status", "Driftsstatus", "État des services", "Stan usług"},
	"chooser lead":      {"Choose what you use, and see how it does.", "Vælg, hvad du bruger, og se, hvordan det står til.", "Choisissez ce que vous utilisez pour voir son état.", "Wybierz, z czego korzystasz, i zobacz stan."},
	"no sites title":    {"No status site yet", "Intet statussite endnu", "Pas encore de site d’état", "Nie ma jeszcze serwisu stanu"},
	"no sites what":     {"This hub is running. A status site shows people how services do, what is planned and what they need to do; it gives the same as feeds, as a calendar and to programs.", "Denne hub kører. Et statussite viser folk, hvordan tjenester har det, hvad der er planlagt, og hvad de skal gøre; det samme fås som feeds, som kalender og til programmer.", "Ce hub fonctionne. Un site d’état montre comment vont les services, ce qui est planifié et ce qu’il faut faire ; il le donne aussi en flux, en calendrier et aux programmes.", "Ten hub działa. Serwis stanu pokazuje, jak działają usługi, co jest planowane i co należy zrobić; to samo daje jako kanały, kalendarz i dla programów."},
	"no sites how":      {"An operator makes one with a document such as this:", "En operatør laver et med et dokument som dette:", "Un opérateur en crée un avec un document comme celui-ci :", "Operator tworzy go takim dokumentem:"},
	"no sites live":     {"What the hub is doing right now", "Hvad hubben laver lige nu", "Ce que fait le hub en ce moment", "Co hub robi w tej chwili"},
	"no sites services": {"Our services", "Vores tjenester", "Nos services", "Nasze usługi"},
	"no sites search":   {"Search", "Søgning", "Recherche", "Wyszukiwanie"},
}
