package register

import (
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/event"
)

// Naming is a personal value that a row or an event to be holds, as a keyed hash: what it is found by when the person is
// erased. It is the hash that events are found by.
type Naming struct {
	Clue   event.Clue
	Object bool // the value is one of those that tell the row's object apart
}

// PersonClue is the hash of a personal value as a person, or a column, gives it.
func PersonClue(h Handler, value string) event.Clue {
	return h.Clue(event.CluePerson, strings.TrimSpace(value))
}

// Persons are whom an entity names, each once.
func (m *Maker) Persons(e *Entity) (list []Naming) {
	for i := range e.Fields {
		if f := &e.Fields[i]; f.Personal {
			list = m.named(list, e.Type, f.Name, f.Value)
		}
	}
	return list
}

// PersonsIn are whom a row of a type names that was read.
func (m *Maker) PersonsIn(t *EntityType, row *Row) (list []Naming, err error) {
	cells, err := row.Cells()
	for _, cell := range cells {
		if c := t.Find(cell.Name); c != nil && c.Personal {
			list = m.named(list, t, cell.Name, cell.Text)
		}
	}
	return list, err
}

func (m *Maker) named(list []Naming, t *EntityType, column, value string) []Naming {
	if strings.TrimSpace(value) == "" {
		return list
	}
	return Also(list, Naming{PersonClue(m.handler, value), slices.Contains(t.Object, column)})
}

// Also adds namings to others, each once.
func Also(list []Naming, more ...Naming) []Naming {
	for _, n := range more {
		at := slices.IndexFunc(list, func(o Naming) bool { return o.Clue == n.Clue })
		if at < 0 {
			list = append(list, n)
		} else {
			list[at].Object = list[at].Object || n.Object
		}
	}
	return list
}

// ErasedMark is the member, or the column, that says of a row that it was erased.
const ErasedMark = "erased"

// Erase has the row say nothing but when it was known, and about when.
func (r *Row) Erase() {
	r.Erased = true
	to := append([]byte{}, `{"erased":true`...)
	for _, at := range []struct {
		name string
		us   int64
	}{{RegistrationFrom, r.Registration.From}, {EffectFrom, r.Effect.From}, {EffectTo, r.Effect.To}} {
		if at.us != Open {
			to = append(quoted(append(to, ','), at.name), ':')
			to = quoted(to, string(event.AppendTime(nil, at.us)))
		}
	}
	r.Data = append(to, '}')
}

// PersonalObject reports whether an object of the type is told by what tells a person.
func (t *EntityType) PersonalObject() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Personal && slices.Contains(t.Object, c.Name) })
}

// Personal reports whether rows of the type can name a person.
func (t *EntityType) Personal() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Personal })
}
