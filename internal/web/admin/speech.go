package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/varselhub/varsel/internal/status"
)

// tongues are the languages that the pages are in, in the order of every message.
var tongues = []string{"en", "da", "fr", "pl"}

// word is one message in each of tongues. {0} and so on stand for what it is said of; where it counts something its forms
// stand with | between: one, more; in Polish one, few, many.
type word [4]string

// speech says the pages' own words in one language.
type speech struct {
	Lang string
	at   int
}

func speechOf(lang string) speech { return speech{lang, max(0, slices.Index(tongues, lang))} }

// languageCookie is where a browser keeps the language that was chosen here.
const languageCookie = "varsel-language"

// spoken chooses the language: the one that is asked for by lang, which is remembered, the one that was chosen before, or
// else the browser's.
func spoken(w http.ResponseWriter, r *http.Request) speech {
	if asked := r.URL.Query().Get("lang"); slices.Contains(tongues, asked) {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: asked, Path: "/admin/", MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		return speechOf(asked)
	}
	if c, err := r.Cookie(languageCookie); err == nil && slices.Contains(tongues, c.Value) {
		return speechOf(c.Value)
	}
	tags := make([]language.Tag, len(tongues))
	for i, tongue := range tongues {
		tags[i] = language.Make(tongue)
	}
	_, i := language.MatchStrings(language.NewMatcher(tags), r.Header.Get("Accept-Language"))
	return speechOf(tongues[i])
}

// Knows reports whether there is a message of a key.
func (s speech) Knows(key string) bool {
	_, known := words[key]
	return known
}

// Say is a message. A key that is not in the table is shown as it is: a test holds the pages to the table.
func (s speech) Say(key string, args ...any) string {
	message, known := words[key]
	if !known {
		return key
	}
	text := message[s.at]
	if len(args) > 0 {
		if n, counts := args[0].(int); counts && strings.Contains(text, "|") {
			text = s.form(text, n)
		}
	}
	pairs := make([]string, 0, 2*len(args))
	for i, arg := range args {
		said, _ := arg.(string)
		if n, counts := arg.(int); counts {
			said = strconv.Itoa(n)
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", said)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// form chooses the form of a message for a number (CLDR plural rules, for whole numbers).
func (s speech) form(text string, n int) string {
	forms := strings.Split(text, "|")
	which := 1
	switch {
	case n == 1 || n == 0 && s.Lang == "fr":
		which = 0
	case s.Lang == "pl" && (n%10 < 2 || n%10 > 4 || n%100 >= 12 && n%100 <= 14):
		which = 2
	}
	return forms[min(which, len(forms)-1)]
}

// Headline is a headline in words; its English description is the name of the message.
func (s speech) Headline(h status.Headline) string { return s.Say("headline " + h.Description) }

// Tongue is what a language calls itself.
func (s speech) Tongue(language string) string {
	if name := names[language]; name != "" {
		return name
	}
	return language
}

var names = map[string]string{"da": "Dansk", "en": "English", "fr": "Français", "pl": "Polski"}
