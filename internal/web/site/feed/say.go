package feed

import (
	"html"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// said is a text with the language that it is really in.
type said struct{ text, in string }

func say(l *site.Look, t status.Text) said {
	text, in := l.Site().Say(t, l.Language)
	return said{text, in}
}

// line is the text in one line.
func (s said) line() string { return strings.Join(strings.Fields(s.text), " ") }

// paragraphs is the text as HTML. What is in another language than the feed is marked (WCAG 3.1.2).
func (s said) paragraphs(language string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(unix(s.text), "\n\n") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		b.WriteString("<p")
		if s.in != language {
			b.WriteString(` lang="` + html.EscapeString(s.in) + `"`)
		}
		b.WriteString(">" + broken(part) + "</p>")
	}
	return b.String()
}

// inline is the text in one line as HTML, its language marked where it is another than the feed's.
func (s said) inline(language string) string {
	if s.in != language {
		return `<span lang="` + html.EscapeString(s.in) + `">` + html.EscapeString(s.line()) + "</span>"
	}
	return html.EscapeString(s.line())
}

// broken is a text as HTML whose lines stay lines, as Statuspage writes them.
func broken(text string) string {
	return strings.ReplaceAll(html.EscapeString(unix(text)), "\n", "<br />")
}

// unix is a text whose lines end as ours do.
func unix(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// link is HTML that leads somewhere.
func link(address, label string) string {
	return `<a href="` + html.EscapeString(address) + `">` + label + "</a>"
}

// labels are the words of feeds besides those of the status itself.
var labels = map[string]status.Text{
	"history":   {"en": "notices", "da": "meddelelser", "fr": "événements", "pl": "zdarzenia"},
	"updates":   {"en": "updates", "da": "opdateringer", "fr": "mises à jour", "pl": "aktualizacje"},
	"bulletins": {"en": "general messages", "da": "generelle beskeder", "fr": "messages généraux", "pl": "komunikaty ogólne"},
	"state":     {"en": "state", "da": "tilstand", "fr": "état", "pl": "stan"},
	"calendar":  {"en": "maintenance calendar", "da": "vedligeholdelseskalender", "fr": "calendrier des maintenances", "pl": "kalendarz konserwacji"},

	"about updates":   {"en": "Everything that is said, one entry for each update.", "da": "Alt, hvad der skrives, én post for hver opdatering.", "fr": "Tout ce qui est publié, une entrée par mise à jour.", "pl": "Wszystko, co jest publikowane, po jednym wpisie na aktualizację."},
	"about notice":    {"en": "What is said of this, one entry for each update.", "da": "Hvad der skrives om dette, én post for hver opdatering.", "fr": "Ce qui est publié à ce sujet, une entrée par mise à jour.", "pl": "Co jest o tym publikowane, po jednym wpisie na aktualizację."},
	"about bulletins": {"en": "What concerns everyone.", "da": "Det, der angår alle.", "fr": "Ce qui concerne l’ensemble de la plateforme.", "pl": "To, co dotyczy wszystkich."},
	"about state":     {"en": "The topmost entry is the current state; earlier states follow.", "da": "Den øverste post er den aktuelle tilstand; tidligere tilstande følger.", "fr": "L’entrée la plus haute indique l’état actuel ; les états précédents suivent.", "pl": "Najwyższy wpis to stan obecny; poniżej są stany wcześniejsze."},

	"affects":     {"en": "Affects", "da": "Berører", "fr": "Services concernés", "pl": "Dotyczy"},
	"window":      {"en": "Window", "da": "Vindue", "fr": "Créneau", "pl": "Okno"},
	"expected":    {"en": "Expected to be restored", "da": "Forventes løst", "fr": "Rétablissement prévu", "pl": "Przewidywane przywrócenie"},
	"next update": {"en": "Next update by", "da": "Næste opdatering senest", "fr": "Prochaine mise à jour avant", "pl": "Następna aktualizacja do"},
	"deadline":    {"en": "Do it by", "da": "Gør det senest", "fr": "À faire avant le", "pl": "Termin"},
	"audience":    {"en": "For", "da": "For", "fr": "Pour", "pl": "Dla"},
	"since":       {"en": "Since", "da": "Siden", "fr": "Depuis", "pl": "Od"},
	"from":        {"en": "From", "da": "Fra", "fr": "Du", "pl": "Od"},
	"until":       {"en": "until", "da": "til", "fr": "au", "pl": "do"},
}

// label is one of the feed's own words in the language that is looked in.
func label(l *site.Look, name string) string { return word(l, labels[name]) }

// word is one of the hub's own words in the language that is looked in.
func word(l *site.Look, t status.Text) string {
	text, _ := t.In(l.Language, status.English)
	return text
}

// stateWord is what a state is called on the site.
func stateWord(l *site.Look, s status.State) string { return say(l, l.Site().Look(s).Name).line() }

// fact is a line of HTML that gives something a name. The value is HTML.
func fact(l *site.Look, name, value string) string {
	colon := ": "
	if l.Language == "fr" {
		colon = "\u00a0: "
	}
	return "<p>" + html.EscapeString(label(l, name)) + colon + value + "</p>"
}

// moment writes a moment for people, in the site's zone.
func moment(l *site.Look, t status.Time) string { return html.EscapeString(l.Site().LocalTime(t)) }
