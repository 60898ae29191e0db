package register

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What follows is what XML 1.0 wants and encoding/xml lets pass. It is looked for in a token as it was delivered.

// declaration is the content of an XML declaration (section 2.8).
var declaration = regexp.MustCompile(`^version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*$`)

// hasReplacement reports whether a text has the character that encoding/xml puts in the place of one that is none.
func hasReplacement(text []byte) bool { return bytes.Contains(text, []byte("\uFFFD")) }

// hasSurrogate reports whether a text or a tag refers to half of a pair of surrogates, which is no character (section 4.1).
func hasSurrogate(raw []byte) bool {
	for {
		at := bytes.Index(raw, []byte("&#"))
		if at < 0 {
			return false
		}
		raw = raw[at+len("&#"):]
		number, _, _ := bytes.Cut(raw[:min(len(raw), 64)], []byte(";"))
		base := 10
		if bytes.HasPrefix(number, []byte("x")) {
			base, number = 16, number[1:]
		}
		if n, err := strconv.ParseUint(string(number), base, 32); err == nil && n >= 0xD800 && n <= 0xDFFF {
			return true
		}
	}
}

// isApart reports whether white space stands before every attribute of a start tag (section 3.1).
func isApart(tag []byte) bool {
	quote := byte(0)
	for i, b := range tag {
		switch {
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case b == quote && quote != 0:
			quote = 0
			if next := tag[i+1]; !isSpace(rune(next)) && next != '>' && next != '/' {
				return false
			}
		}
	}
	return true
}

// isText reports whether there is nothing but characters of XML in a comment or an instruction (section 2.2).
func isText(raw []byte) bool {
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size == 1 || r < ' ' && !isSpace(r) || r == 0xFFFE || r == 0xFFFF {
			return false
		}
		raw = raw[size:]
	}
	return true
}

// isInstruction reports whether white space stands between the target of a processing instruction and what it says (section
// 2.6).
func isInstruction(raw []byte, target string) bool {
	rest := strings.TrimPrefix(string(raw[len("<?"):]), target)
	return rest == "?>" || isSpace(rune(rest[0]))
}
