package event

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Cursor walks JSON once, and takes only what is certainly right: what Scan finds nothing in, written as nearly all of
// it is. Where it says no, something may be wrong or only rare (an escape in a member's name, a surrogate pair written
// as escapes, more than maxNames in one object, a number that may be beyond the limits), and there is no more to be had
// from it: the decoder then decides, and says what it is. So nothing is taken that the decoder would refuse, in a third of its time.
type Cursor struct {
	text  []byte
	at    int
	names []stretch // of the objects that are open, outermost first
}

// stretch is where something stands in the text. (A slice of slices would have to be made on the heap for every cursor.)
type stretch struct{ from, to int }

// maxNames bounds the names of one object, which are compared one by one.
const maxNames = 64

// maxPower is how many digits an exponent has that is beyond the limits.
const maxPower = 3

// NewCursor returns a cursor before the first byte of text.
func NewCursor(text []byte) Cursor { return Cursor{text: text, names: make([]stretch, 0, 16)} }

// Value steps over one value.
func (c *Cursor) Value() bool { return c.value(0) }

// Object steps over one object. Its members are handed to take as they stand in the text: the name in quotes and
// without escapes, the value nested no deeper than MaxDepth.
func (c *Cursor) Object(take func(name, value []byte)) bool {
	return c.space() == '{' && c.object(0, take)
}

// Array steps over one array; item steps over each of its items.
func (c *Cursor) Array(item func() bool) bool { return c.space() == '[' && c.array(item) }

// AtEnd reports whether nothing follows but white space.
func (c *Cursor) AtEnd() bool { return c.space() == 0 && c.at == len(c.text) }

// space steps over white space and returns the byte after it; 0 at the end, which no JSON token starts with.
func (c *Cursor) space() byte {
	for ; c.at < len(c.text); c.at++ {
		if b := c.text[c.at]; b > ' ' || !isSpace(b) {
			return b
		}
	}
	return 0
}

func (c *Cursor) value(depth int) bool {
	switch c.space() {
	case '{':
		return depth < MaxDepth && c.object(depth+1, nil)
	case '[':
		return depth < MaxDepth && c.array(func() bool { return c.value(depth + 1) })
	case '"':
		return c.quoted()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	return c.number()
}

// object stands on the opening bracket. depth is that of its members' values.
func (c *Cursor) object(depth int, take func(name, value []byte)) bool {
	outer := len(c.names)
	for more := c.enter('}'); more; more = c.follows() {
		if c.space() != '"' {
			return false
		}
		start := c.at
		if !c.quoted() {
			return false
		}
		name := stretch{start, c.at}
		if !c.fresh(outer, name) || c.space() != ':' {
			return false
		}
		c.at++
		c.space()
		start = c.at
		if !c.value(depth) {
			return false
		}
		if take != nil {
			take(c.text[name.from:name.to:name.to], c.text[start:c.at:c.at])
		}
	}
	c.names = c.names[:outer]
	return c.leave('}')
}

func (c *Cursor) array(item func() bool) bool {
	for more := c.enter(']'); more; more = c.follows() {
		if !item() {
			return false
		}
	}
	return c.leave(']')
}

// enter steps over the opening bracket; false when the closing one comes at once.
func (c *Cursor) enter(closing byte) bool {
	c.at++
	return c.space() != closing
}

// follows steps over the comma that stands before another member or item; false when there is none.
func (c *Cursor) follows() bool {
	if c.space() != ',' {
		return false
	}
	c.at++
	return true
}

func (c *Cursor) leave(closing byte) bool {
	if c.space() != closing {
		return false
	}
	c.at++
	return true
}

// fresh keeps a name, and reports whether it is new among those of its object, from the outer-th on.
func (c *Cursor) fresh(outer int, name stretch) bool {
	known, text := c.names[outer:], c.text[name.from:name.to]
	if len(known) == maxNames || bytes.IndexByte(text, '\\') >= 0 {
		return false
	}
	for _, other := range known {
		if other.to-other.from == len(text) && bytes.Equal(c.text[other.from:other.to], text) {
			return false
		}
	}
	c.names = append(c.names, name)
	return true
}

func (c *Cursor) literal(word string) bool {
	if !bytes.HasPrefix(c.text[c.at:], []byte(word)) {
		return false
	}
	c.at += len(word)
	return true
}

func (c *Cursor) number() bool {
	start := c.at
	return c.numeral() && c.at-start <= maxNumber
}

func (c *Cursor) numeral() bool {
	c.optional('-', '-')
	if !c.optional('0', '0') && c.digits() == 0 {
		return false
	}
	if c.optional('.', '.') && c.digits() == 0 {
		return false
	}
	if !c.optional('e', 'E') {
		return true
	}
	c.optional('+', '-')
	n := c.digits()
	return n > 0 && n < maxPower
}

// optional steps over one byte if it is one of the two.
func (c *Cursor) optional(a, b byte) bool {
	if c.at == len(c.text) || c.text[c.at] != a && c.text[c.at] != b {
		return false
	}
	c.at++
	return true
}

func (c *Cursor) digits() (n int) {
	for ; c.at < len(c.text) && isDigit(c.text[c.at]); c.at++ {
		n++
	}
	return n
}

// quoted steps over a string, from its opening quote.
func (c *Cursor) quoted() bool {
	c.at++
	end := bytes.IndexByte(c.text[c.at:], '"')
	if end < 0 {
		return false
	}
	if plain(c.text[c.at : c.at+end]) {
		c.at += end + 1
		return true
	}
	for c.at < len(c.text) {
		switch b := c.text[c.at]; {
		case b == '"':
			c.at++
			return true
		case b == '\\':
			if !c.escape() {
				return false
			}
		case b < ' ':
			return false
		case b < utf8.RuneSelf:
			c.at++
		default:
			_, size := utf8.DecodeRune(c.text[c.at:])
			if size == 1 {
				return false
			}
			c.at += size
		}
	}
	return false
}

// escape steps over an escape, from its backslash.
func (c *Cursor) escape() bool {
	const short, long = len(`\n`), len(`\u0000`)
	switch rest := c.text[c.at:]; {
	case len(rest) >= short && strings.IndexByte(`"\/bfnrt`, rest[1]) >= 0:
		c.at += short
		return true
	case len(rest) >= long && rest[1] == 'u':
		c.at += long
		code, err := strconv.ParseUint(string(rest[short:long]), 16, 16)
		return err == nil && !utf16.IsSurrogate(rune(code))
	}
	return false
}

// plain reports whether text has neither escapes, control characters nor anything outside ASCII, eight bytes at a time.
func plain(text []byte) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		eight := binary.LittleEndian.Uint64(text)
		// A byte's high bit is set in the first where it is not ASCII, in the second where it is less than a space, in
		// the third where it is a backslash. A borrow can reach the next byte only from one that is not plain itself.
		if (eight|(eight-each*' ')|((eight^each*'\\')-each))&high != 0 {
			return false
		}
	}
	for _, b := range text {
		if b < ' ' || b >= utf8.RuneSelf || b == '\\' {
			return false
		}
	}
	return true
}
