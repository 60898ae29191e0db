package event

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Pointer is a compiled JSON Pointer (RFC 6901): one unescaped token for each step. Empty is the whole document.
type Pointer []string

// maxPointer bounds a pointer's text, in bytes.
const maxPointer = 512

// ParsePointer reads a JSON Pointer such as "/person/cpr". The empty text is the whole document. The error says at
// which character, from 1, the text goes wrong.
func ParsePointer(text string) (Pointer, error) {
	if text == "" {
		return nil, nil
	}
	if text[0] != '/' {
		return nil, &SyntaxError{Column: 1, Message: "a JSON Pointer starts with /"}
	}
	if len(text) > maxPointer {
		return nil, &SyntaxError{Column: maxPointer + 1, Message: "the pointer is longer than 512 bytes"}
	}
	for i := 0; i < len(text); i++ {
		if text[i] == '~' && (i+1 == len(text) || text[i+1] != '0' && text[i+1] != '1') {
			return nil, &SyntaxError{Column: i + 1, Message: "~ must be written ~0, and / within a name ~1 (RFC 6901)"}
		}
	}
	tokens := strings.Split(text[1:], "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

// String is the inverse of ParsePointer.
func (p Pointer) String() string {
	var text strings.Builder
	for _, token := range p {
		text.WriteByte('/')
		text.WriteString(escapeToken(token))
	}
	return text.String()
}

func escapeToken(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// In returns the value that the pointer names in a tree made by Tree; ok is false when there is none.
func (p Pointer) In(tree any) (value any, ok bool) {
	for _, token := range p {
		switch node := tree.(type) {
		case map[string]any:
			if tree, ok = node[token]; !ok {
				return nil, false
			}
		case []any:
			i, ok := index(token)
			if !ok || i >= len(node) {
				return nil, false
			}
			tree = node[i]
		default:
			return nil, false
		}
	}
	return tree, true
}

// Raw returns the bytes of the value that the pointer names, exactly as they stand in data; they share its memory.
// Data is valid JSON (see Scan).
func (p Pointer) Raw(data []byte) (raw []byte, ok bool) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	for _, token := range p {
		switch decoder.PeekKind() {
		case '{':
			ok = enterMember(decoder, token)
		case '[':
			ok = enterItem(decoder, token)
		default:
			return nil, false
		}
		if !ok {
			return nil, false
		}
	}
	value, err := decoder.ReadValue()
	if err != nil {
		return nil, false
	}
	end := int(decoder.InputOffset())
	return data[end-len(value) : end : end], true
}

// enterMember moves the decoder to the value of the member of that name.
func enterMember(decoder *jsontext.Decoder, name string) bool {
	if _, err := decoder.ReadToken(); err != nil {
		return false
	}
	for decoder.PeekKind() == '"' {
		token, err := decoder.ReadToken()
		if err != nil {
			return false
		}
		if token.String() == name {
			return true
		}
		if decoder.SkipValue() != nil {
			return false
		}
	}
	return false
}

// enterItem moves the decoder to the item of that number.
func enterItem(decoder *jsontext.Decoder, token string) bool {
	skip, ok := index(token)
	if _, err := decoder.ReadToken(); !ok || err != nil {
		return false
	}
	for ; skip > 0; skip-- {
		if decoder.PeekKind() == ']' || decoder.SkipValue() != nil {
			return false
		}
	}
	return decoder.PeekKind() != ']'
}

// index reads an array index: digits without a leading zero (RFC 6901 section 4).
func index(token string) (i int, ok bool) {
	if token == "" || len(token) > 9 || token[0] == '0' && len(token) > 1 {
		return 0, false
	}
	for _, digit := range []byte(token) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
	}
	i, err := strconv.Atoi(token)
	return i, err == nil
}

// Within reports whether p names outer or something inside it.
func (p Pointer) Within(outer Pointer) bool {
	if len(p) < len(outer) {
		return false
	}
	for i, token := range outer {
		if p[i] != token {
			return false
		}
	}
	return true
}
