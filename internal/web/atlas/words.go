package atlas

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// tongues are the languages that the pages are in, in the order of every message.
var tongues = []string{"en", "da", "fr", "pl"}

var tongueNames = map[string]string{"en": "English", "da": "Dansk", "fr": "Français", "pl": "Polski"}

// speech says the pages' words in one language.
type speech struct {
	Lang string
	at   int
}

// languageCookie is where a browser keeps the language that was chosen here.
const languageCookie = "varsel-language"

// spoken chooses the language: the one that is asked for by lang, which is remembered, the one that was chosen before, or else
// the browser's.
func spoken(w http.ResponseWriter, r *http.Request) speech {
	asked := r.URL.Query().Get("lang")
	if slices.Contains(tongues, asked) {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: asked, Path: "/registers", MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	} else if c, err := r.Cookie(languageCookie); err == nil {
		asked = c.Value
	}
	at := slices.Index(tongues, asked)
	if at < 0 {
		tags := make([]language.Tag, len(tongues))
		for i, tongue := range tongues {
			tags[i] = language.Make(tongue)
		}
		_, at = language.MatchStrings(language.NewMatcher(tags), r.Header.Get("Accept-Language"))
	}
	return speech{tongues[at], at}
}

// Say is a message, with {0} and so on for what it is said of. A test holds the pages to the table.
func (s speech) Say(key string, args ...string) string {
	message, known := words[key]
	if !known {
		return key
	}
	text := message[s.at]
	for i, arg := range args {
		text = strings.ReplaceAll(text, "{"+string(rune('0'+i))+"}", arg)
	}
	return text
}

// words are the messages, each in every one of tongues.
var words = map[string][4]string{
	"map of":      {"Map of {0}", "Kort over {0}", "Carte de {0}", "Mapa: {0}"},
	"registers":   {"Registers", "Registre", "Registres", "Rejestry"},
	"maps":        {"Registers on a map", "Registre på kort", "Registres sur une carte", "Rejestry na mapie"},
	"no register": {"There is no register whose events you may see.", "Der er intet register, hvis hændelser du må se.", "Il n’y a aucun registre dont vous pouvez voir les événements.", "Nie ma rejestru, którego zdarzenia możesz oglądać."},
	"recent":      {"Recent events", "Seneste hændelser", "Événements récents", "Ostatnie zdarzenia"},
	"skip":        {"Skip to the list", "Gå til listen", "Aller à la liste", "Przejdź do listy"},
	"none":        {"No events here yet.", "Endnu ingen hændelser her.", "Pas encore d’événements ici.", "Nie ma tu jeszcze zdarzeń."},
	"none walked": {"None in this stretch of the log. Older ones may follow.", "Ingen på dette stykke af loggen. Der kan være ældre.", "Aucun dans cette partie du journal. Il peut y en avoir de plus anciens.", "Brak w tej części dziennika. Mogą być starsze."},

	"create": {"New", "Ny", "Nouveau", "Nowy"},
	"update": {"Changed", "Ændret", "Modifié", "Zmieniony"},
	"delete": {"Removed", "Udgået", "Supprimé", "Usunięty"},

	"says":     {"Events in view: {0} of {1}. The map is {2} km wide.", "Hændelser på kortet: {0} af {1}. Kortet er {2} km bredt.", "Événements visibles : {0} sur {1}. La carte a {2} km de large.", "Zdarzenia w widoku: {0} z {1}. Szerokość mapy: {2} km."},
	"selected": {"Selected: {0}.", "Valgt: {0}.", "Sélection : {0}.", "Wybrane: {0}."},
	"keys":     {"Arrow keys move the map, + and − zoom, Home shows all.", "Piletaster flytter kortet, + og − zoomer, Home viser det hele.", "Les flèches déplacent la carte, + et − zooment, Origine montre tout.", "Strzałki przesuwają mapę, + i − zmieniają skalę, Home pokazuje całość."},
	"in":       {"Zoom in", "Zoom ind", "Agrandir", "Przybliż"},
	"out":      {"Zoom out", "Zoom ud", "Réduire", "Oddal"},
	"whole":    {"Show all", "Vis det hele", "Tout afficher", "Pokaż całość"},
	"west":     {"Move west", "Mod vest", "Vers l’ouest", "Na zachód"},
	"east":     {"Move east", "Mod øst", "Vers l’est", "Na wschód"},
	"north":    {"Move north", "Mod nord", "Vers le nord", "Na północ"},
	"south":    {"Move south", "Mod syd", "Vers le sud", "Na południe"},
	"moves":    {"Move and zoom", "Flyt og zoom", "Déplacer et zoomer", "Przesuwanie i skala"},
	"legend":   {"Signs", "Signaturer", "Légende", "Legenda"},
	"outlines": {"Outlines of land: approximate; towns of GeoNames (CC BY 4.0), coast of Natural Earth. Plane coordinates of EPSG:25832.",
		"Landets omrids: omtrentlige; byer fra GeoNames (CC BY 4.0), kyst fra Natural Earth. Plane koordinater i EPSG:25832.",
		"Contours des terres : approximatifs ; villes de GeoNames (CC BY 4.0), côtes de Natural Earth. Coordonnées planes EPSG:25832.",
		"Kontury lądu: przybliżone; miasta z GeoNames (CC BY 4.0), wybrzeże z Natural Earth. Współrzędne płaskie EPSG:25832."},

	"show":        {"Show", "Vis", "Afficher", "Pokaż"},
	"what":        {"What", "Hvad", "Quoi", "Co"},
	"all":         {"Everything", "Alt", "Tout", "Wszystko"},
	"all of type": {"{0}: all", "{0}: alle", "{0} : tout", "{0}: wszystkie"},
	"of type":     {"{0}: {1}", "{0}: {1}", "{0} : {1}", "{0}: {1}"},
	"older":       {"Older", "Ældre", "Plus anciens", "Starsze"},
	"newer":       {"Newer", "Nyere", "Plus récents", "Nowsze"},
	"newest":      {"Newest", "Nyeste", "Les plus récents", "Najnowsze"},
	"nowhere":     {"no place", "uden sted", "sans lieu", "bez miejsca"},
	"not drawn":   {"its place cannot be drawn", "stedet kan ikke tegnes", "lieu impossible à dessiner", "miejsca nie można narysować"},
	"withheld":    {"not shown: its type names personal values", "vises ikke: typen har personoplysninger", "non affiché : le type contient des données personnelles", "ukryte: typ zawiera dane osobowe"},

	"close":    {"Close", "Luk", "Fermer", "Zamknij"},
	"position": {"Position", "Position", "Position", "Pozycja"},
	"type":     {"Event type", "Beskedtype", "Type d’événement", "Typ zdarzenia"},
	"recorded": {"Recorded", "Modtaget", "Enregistré", "Zapisano"},
	"time":     {"Registered", "Registreret", "Inscrit", "Zarejestrowano"},
	"fields":   {"Fields", "Felter", "Champs", "Pola"},
	"message":  {"Message id", "Besked-id", "Identifiant du message", "Identyfikator wiadomości"},
	"history":  {"The object’s history", "Objektets historik", "Historique de l’objet", "Historia obiektu"},
	"geojson":  {"These events as GeoJSON", "Hændelserne som GeoJSON", "Ces événements en GeoJSON", "Te zdarzenia jako GeoJSON"},
	"the api":  {"The same from the API:", "Det samme fra API’et:", "La même chose par l’API :", "To samo przez API:"},

	"live":    {"Follows along", "Følger med", "En direct", "Na bieżąco"},
	"paused":  {"Paused", "På pause", "En pause", "Wstrzymano"},
	"pause":   {"Pause", "Pause", "Pause", "Wstrzymaj"},
	"go on":   {"Go on", "Fortsæt", "Reprendre", "Wznów"},
	"lost":    {"No contact with the hub, trying again", "Ingen kontakt, prøver igen", "Pas de contact, nouvel essai", "Brak połączenia, ponawiam próbę"},
	"arrived": {"New events: {0}.", "Nye hændelser: {0}.", "Nouveaux événements : {0}.", "Nowe zdarzenia: {0}."},

	"languages": {"Languages", "Sprog", "Langues", "Języki"},
	"sign out":  {"Sign out", "Log ud", "Se déconnecter", "Wyloguj się"},
}
