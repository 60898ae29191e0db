package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/fault"
)

// Limits of the JSON that the hub reads. A number is bounded because schemas compare numbers exactly: 1e999999999
// would be worked out to its last digit.
const (
	MaxDepth     = 64  // objects and arrays within one another
	maxNumber    = 400 // characters of one number
	maxMagnitude = 400 // its power of ten, either way
)

// Scan reports what keeps data from being one JSON text that every receiver reads alike (RFC 7493): syntax, invalid
// UTF-8, a name twice in one object, nesting deeper than MaxDepth. It returns nil when there is nothing. The
// violation names a byte and not a member, because names in data may be personal.
func Scan(data []byte) *fault.Violation {
	if c := NewCursor(data); c.Value() && c.AtEnd() {
		return nil
	}
	if !jsontext.Value(data).IsValid() {
		return notJSON(data)
	}
	if Deep(data) {
		return &fault.Violation{Pointer: "/data", Rule: "depth", Message: "is nested deeper than 64 objects and arrays"}
	}
	return nil
}

func notJSON(data []byte) *fault.Violation {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data))
	_, err := decoder.ReadValue()
	if err == nil {
		return &fault.Violation{Pointer: "/data", Rule: "json", Message: "has more after the JSON value"}
	}
	v := SyntaxViolation(err)
	v.Pointer = "/data"
	return v
}

// SyntaxViolation tells what a jsontext decoder could not read, by byte offset from 0.
func SyntaxViolation(err error) *fault.Violation {
	v := &fault.Violation{Rule: "json", Message: "is not valid JSON"}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		v.Rule, v.Message = "duplicate-name", "has an object with the same name twice"
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		v.Message += " at byte " + strconv.Itoa(int(syntax.ByteOffset))
	}
	return v
}

// Deep reports whether valid JSON is nested deeper than MaxDepth.
func Deep(data []byte) bool {
	// Most data has fewer opening brackets than that in all, and counting is far cheaper than walking.
	if bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) <= MaxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// Tree reads data, which Scan has found valid, into map[string]any, []any, string, json.Number, bool and nil. A
// number keeps the text it was written with. Strings share one copy of data. The only thing it can still refuse is
// a number beyond the limits.
func Tree(data []byte) (any, *fault.Violation) { return everything.tree(data) }

// outline says which members of an object a tree is wanted of, and what of each; of an array it is all. nil is everything.
type outline map[string]outline

var everything outline

// outlineOf is what the pointers need: the members on the way to what they name, and all of that.
func outlineOf(pointers []Pointer) outline {
	root := outline{}
	for _, pointer := range pointers {
		if len(pointer) == 0 {
			return everything
		}
		root.add(pointer)
	}
	return root
}

func (o outline) add(pointer Pointer) {
	inner, known := o[pointer[0]]
	switch {
	case len(pointer) == 1:
		o[pointer[0]] = everything
		return
	case !known:
		inner = outline{}
		o[pointer[0]] = inner
	case inner == nil:
		return
	}
	inner.add(pointer[1:])
}

// tree is Tree without the members that are not wanted. Their numbers are held against the limits all the same.
func (o outline) tree(data []byte) (any, *fault.Violation) {
	b := builder{text: string(data)}
	tree := b.value(o)
	if b.excess {
		return nil, &fault.Violation{Pointer: "/data", Rule: "number", Message: "has a number longer than 400 characters or beyond 10^±400"}
	}
	return tree, nil
}

// builder walks JSON that is known to be valid, so it only has to tell values apart.
type builder struct {
	text   string
	at     int
	excess bool
}

func (b *builder) value(wanted outline) any {
	b.space()
	switch b.text[b.at] {
	case '{':
		return b.object(wanted)
	case '[':
		return b.array()
	case '"':
		return b.quoted()
	case 't':
		b.at += len("true")
		return true
	case 'f':
		b.at += len("false")
		return false
	case 'n':
		b.at += len("null")
		return nil
	}
	return b.number()
}

func (b *builder) space() {
	for c := b.text[b.at]; c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = b.text[b.at] {
		b.at++
	}
}

func (b *builder) object(wanted outline) map[string]any {
	members := make(map[string]any)
	for b.more('}') {
		name := b.quoted()
		b.space()
		b.at++ // the colon
		if inner, known := wanted[name]; known || wanted == nil {
			members[name] = b.value(inner)
		} else {
			b.skip()
		}
	}
	return members
}

func (b *builder) array() []any {
	items := []any{}
	for b.more(']') {
		items = append(items, b.value(everything))
	}
	return items
}

// skip steps over a value.
func (b *builder) skip() {
	b.space()
	switch b.text[b.at] {
	case '{':
		for b.more('}') {
			b.unread()
			b.space()
			b.at++ // the colon
			b.skip()
		}
	case '[':
		for b.more(']') {
			b.skip()
		}
	case '"':
		b.unread()
	case 't', 'f', 'n':
		b.value(everything)
	default:
		b.number()
	}
}

// more steps over the opening bracket or a comma; at the closing bracket it steps over that and says no.
func (b *builder) more(closing byte) bool {
	if c := b.text[b.at]; c == '{' || c == '[' {
		// Only the first call of a walk stands on an opening bracket: later ones stand after a value.
		b.at++
		b.space()
		if b.text[b.at] == closing {
			b.at++
			return false
		}
		return true
	}
	b.space()
	done := b.text[b.at] == closing
	b.at++
	if !done {
		b.space()
	}
	return !done
}

func (b *builder) quoted() string {
	text, plain := b.unread()
	if plain {
		return text[1 : len(text)-1]
	}
	unquoted, _ := jsontext.AppendUnquote(nil, text)
	return string(unquoted)
}

// unread steps over a string and returns it as it stands, and whether that is without escapes.
func (b *builder) unread() (text string, plain bool) {
	start := b.at
	b.at++
	end := b.at + strings.IndexByte(b.text[b.at:], '"')
	if strings.IndexByte(b.text[b.at:end], '\\') < 0 {
		b.at = end + 1
		return b.text[start:b.at], true
	}
	for b.text[b.at] != '"' {
		if b.text[b.at] == '\\' {
			b.at++
		}
		b.at++
	}
	b.at++
	return b.text[start:b.at], false
}

func (b *builder) number() json.Number {
	start := b.at
	for b.at < len(b.text) && strings.IndexByte("+-.0123456789eE", b.text[b.at]) >= 0 {
		b.at++
	}
	number := b.text[start:b.at]
	if len(number) > maxNumber || magnitude(number) > maxMagnitude {
		b.excess = true
	}
	return json.Number(number)
}

// magnitude is the absolute value of a number's exponent, counted no further than past the limit.
func magnitude(number string) int {
	e := strings.IndexAny(number, "eE")
	if e < 0 {
		return 0
	}
	power := 0
	for _, c := range number[e+1:] {
		if c >= '0' && c <= '9' && power <= maxMagnitude {
			power = power*10 + int(c-'0')
		}
	}
	return power
}
