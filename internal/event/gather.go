package event

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Gatherer reads what some fields are filled with straight from data: in one walk, and without making a tree of it. Like a
// Cursor it takes only what is certainly right and usual. Where it says no, Compiled.Text over a tree decides, and says
// what is wrong.
type Gatherer struct {
	members []string // of the object that the data is, in quotes
	fields  []recipe
}

// recipe is how a field is filled: its terms, one after the other.
type recipe []ingredient

type ingredient struct {
	member   int    // among Gatherer.members; -1: it is constant
	constant string // as it stands between the quotes of JSON
}

// mostMembers bounds what is gathered, members and fields: each member of the data is looked for among them one by one.
const mostMembers = 32

// Gathered is what was gathered of one event: a text for each field, as it stands between the quotes of JSON. The texts share
// the memory of the data and of the scratch.
type Gathered struct {
	*Scratch
	Texts [mostMembers][]byte // by field

	found [mostMembers][]byte // values of the members, as they stand in the data, and then their texts
}

// Scratch is memory that gathering needs. It can be used for another event as soon as this one's texts are not needed any
// more, and holds nothing of the data.
type Scratch struct {
	Joined []byte // texts that stand nowhere in the data as they are
	names  []stretch
}

// largeScratch is what is kept at most between two events, in bytes: one huge event must not hold its memory for ever.
const largeScratch = 64 << 10

// Reset makes it ready for another event.
func (s *Scratch) Reset() {
	if s.Joined = s.Joined[:0]; cap(s.Joined) > largeScratch {
		s.Joined = nil
	}
}

// Gatherer returns what gathers the fields, each of which is mapped; nil where one of them stands anywhere but in a member of
// the data itself.
func (c *Compiled) Gatherer(fields []Field) *Gatherer {
	g := &Gatherer{}
	for _, field := range fields {
		var r recipe
		for _, t := range c.mapping.fields[field].terms {
			if t.load && len(t.pointer) != 1 {
				return nil
			}
			r = append(r, g.ingredient(t))
		}
		g.fields = append(g.fields, r)
	}
	if len(g.members) > mostMembers || len(g.fields) > mostMembers {
		return nil
	}
	return g
}

func (g *Gatherer) ingredient(t term) ingredient {
	if !t.load {
		return ingredient{member: -1, constant: between(quote(t.constant))}
	}
	name := quote(t.pointer[0])
	for i, known := range g.members {
		if known == name {
			return ingredient{member: i}
		}
	}
	g.members = append(g.members, name)
	return ingredient{member: len(g.members) - 1}
}

func quote(text string) string {
	quoted, _ := jsontext.AppendQuote(nil, text) // it has an error for what is no UTF-8, and writes something all the same
	return string(quoted)
}

// between takes the quotes off.
func between[T string | []byte](quoted T) T { return quoted[1 : len(quoted)-1] }

// Gather reads data into what holds nothing yet. Where it says no, there is nothing to be had of what was gathered.
func (g *Gatherer) Gather(data []byte, into *Gathered) bool {
	c := Cursor{text: data, names: into.names[:0]}
	whole := c.space() == '{' && c.object(1, func(name, value []byte) { g.take(name, value, into) }) && c.AtEnd()
	if into.names = c.names; !whole {
		return false
	}
	for i, value := range into.found[:len(g.members)] {
		text, ok := into.text(value)
		if !ok {
			return false
		}
		into.found[i] = text
	}
	for i, r := range g.fields {
		into.Texts[i] = into.fill(r)
	}
	return true
}

func (g *Gatherer) take(name, value []byte, into *Gathered) {
	for i, wanted := range g.members {
		if string(name) == wanted {
			into.found[i] = value
			return
		}
	}
}

// text is what a value that is a scalar says; nothing where it is null, or not there.
func (g *Gathered) text(value []byte) (text []byte, ok bool) {
	if len(value) == 0 {
		return nil, true
	}
	switch value[0] {
	case '"':
		if text = between(value); bytes.IndexByte(text, '\\') >= 0 {
			text = g.canonical(value)
		}
		return text, true
	case '{', '[':
		return nil, false
	case 'n':
		return nil, true
	}
	return value, true // a number as written, true or false
}

// canonical writes a text with no more escapes than it needs.
func (g *Gathered) canonical(quoted []byte) []byte {
	var room [64]byte
	text, _ := jsontext.AppendUnquote(room[:0], quoted) // the cursor has passed it
	from := len(g.Joined)
	g.Joined, _ = jsontext.AppendQuote(g.Joined, text)
	return between(g.Joined[from:])
}

// fill is what a recipe makes: nothing, when something that it loads is not there. The found are texts by now.
func (g *Gathered) fill(r recipe) []byte {
	if len(r) == 1 && r[0].member >= 0 {
		return g.found[r[0].member]
	}
	from := len(g.Joined)
	for _, i := range r {
		if i.member < 0 {
			g.Joined = append(g.Joined, i.constant...)
			continue
		}
		part := g.found[i.member]
		if len(part) == 0 {
			return nil
		}
		g.Joined = append(g.Joined, part...)
	}
	return g.Joined[from:]
}
