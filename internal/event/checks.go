package event

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
)

// Longest names of configuration documents, in bytes.
const (
	maxSlug    = 63
	maxTitle   = 200
	maxText    = 10_000
	maxVersion = 32
)

// checks gathers violations of one document.
type checks struct{ found []fault.Violation }

func (c *checks) refuse(pointer, rule, message string) {
	c.found = append(c.found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
}

// below adds violations of a part of the document, whose pointers start at prefix.
func (c *checks) below(prefix string, found []fault.Violation) {
	for _, v := range found {
		v.Pointer = prefix + v.Pointer
		c.found = append(c.found, v)
	}
}

func at(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

func (c *checks) slug(pointer, text string) {
	if !isSlug(text) {
		c.refuse(pointer, "slug", "want 1 to 63 of a-z, 0-9 and -, with - only between others")
	}
}

func isSlug(text string) bool {
	if text == "" || len(text) > maxSlug || text[0] == '-' || text[len(text)-1] == '-' || strings.Contains(text, "--") {
		return false
	}
	return only(text, func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' })
}

func (c *checks) title(text string) {
	if strings.TrimSpace(text) == "" || len(text) > maxTitle || !utf8.ValidString(text) {
		c.refuse("/title", "length", "want 1 to 200 bytes of text")
	}
}

func (c *checks) text(pointer, text string) {
	if len(text) > maxText || !utf8.ValidString(text) {
		c.refuse(pointer, "length", "want at most 10000 bytes of text")
	}
}

// typeName checks the name of an event type, which is used in addresses too.
func (c *checks) typeName(pointer, name string) {
	ok := name != "" && len(name) <= maxType && (isLetter(name[0]) || isDigit(name[0])) &&
		only(name, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '_' })
	if !ok {
		c.refuse(pointer, "type-name", "want 1 to 255 of a-z, A-Z, 0-9, . - and _, starting with a letter or digit")
	}
}

func (c *checks) version(pointer, text string) {
	ok := text != "" && len(text) <= maxVersion && (isLetter(text[0]) || isDigit(text[0])) &&
		only(text, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '_' })
	if !ok {
		c.refuse(pointer, "version", "want 1 to 32 of a-z, A-Z, 0-9, . - and _, starting with a letter or digit")
	}
}

func only(text string, allowed func(byte) bool) bool {
	for i := 0; i < len(text); i++ {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

func isLower(c byte) bool  { return c >= 'a' && c <= 'z' }
func isLetter(c byte) bool { return isLower(c) || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// checkURI says what keeps text from being a URI reference of at most limit bytes; "" when nothing does. It looks at
// the characters (RFC 3986 section 2) and leaves the structure to who uses it.
func checkURI(text string, limit int) string {
	if text == "" || len(text) > limit {
		return "want 1 to " + strconv.Itoa(limit) + " bytes"
	}
	if !only(text, isURI) {
		return "has a character that a URI must have percent-encoded"
	}
	return ""
}

func isURI(c byte) bool {
	return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}'
}
