package status

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
)

// Text is one text in several languages, by their BCP 47 tag: "en", "da", "fr", "pl".
type Text map[string]string

// In is the text in a language, else in the first of the others that has one, with the language it is really in. Pages
// mark what is in another language than they are (WCAG 3.1.2), so it is told.
func (t Text) In(language string, others ...string) (text, in string) {
	if text := t[language]; text != "" {
		return text, language
	}
	for _, other := range others {
		if text := t[other]; text != "" {
			return text, other
		}
	}
	for _, other := range slices.Sorted(maps.Keys(t)) {
		if t[other] != "" {
			return t[other], other
		}
	}
	return "", language
}

// Empty reports whether there is no text in any language.
func (t Text) Empty() bool {
	for _, text := range t {
		if text != "" {
			return false
		}
	}
	return true
}

// Same reports whether two texts say the same in every language.
func (t Text) Same(u Text) bool { return maps.Equal(t, u) }

// Languages that pages and the hub's own words are in.
var Languages = []string{"da", "en", "fr", "pl"}

// check collects the rules that a document breaks.
type check struct{ found []fault.Violation }

func (c *check) refuse(pointer, rule, message string) {
	c.found = append(c.found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
}

// text holds a text to its bound, in characters, and to the site's languages; with required there is some.
func (c *check) text(pointer string, t Text, most int, required bool, languages []string) {
	if required && t.Empty() {
		c.refuse(pointer, "required", "say it in at least one language, such as {\"en\": \"…\"}")
	}
	for _, language := range slices.Sorted(maps.Keys(t)) {
		at := pointer + "/" + escape(language)
		switch text := t[language]; {
		case !slices.Contains(languages, language):
			c.refuse(at, "language", "is no language of the site; it has "+strings.Join(languages, ", "))
		case !utf8.ValidString(text):
			c.refuse(at, "utf-8", "is not text in UTF-8")
		case utf8.RuneCountInString(text) > most:
			c.refuse(at, "length", "is longer than "+number(most)+" characters")
		case strings.ContainsFunc(text, isControl):
			c.refuse(at, "control", "has control characters")
		}
	}
}

// listed holds a list of names to what there is, each once.
func (c *check) listed(pointer string, names []string, known func(string) bool, missing string) {
	for i, name := range names {
		switch {
		case !known(name):
			c.refuse(pointer+number(i), "exists", missing)
		case slices.Contains(names[:i], name):
			c.refuse(pointer+number(i), "unique", "is listed twice")
		}
	}
}

func isControl(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f }

// escape writes a name into a JSON Pointer (RFC 6901 section 3).
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// slug is what stands in addresses.
func isSlug(text string) bool {
	if text == "" || len(text) > maxSlug || text[0] < 'a' || text[0] > 'z' {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

const maxSlug = 40

// MaxReason bounds why a component is as it is, in characters.
const MaxReason = 300

// CheckText holds a text to a bound, in characters, and to the site's languages.
func (s *Site) CheckText(pointer string, t Text, most int) []fault.Violation {
	var c check
	c.text(pointer, t, most, false, s.Languages)
	return c.found
}

// Own is a text in the languages of the site only.
func (s *Site) Own(t Text) Text {
	if t == nil {
		return nil
	}
	own := Text{}
	for _, language := range s.Languages {
		if text := t[language]; text != "" {
			own[language] = text
		}
	}
	return own
}
