package register

import (
	"strconv"

	"github.com/varselhub/varsel/internal/fault"
)

// Action is what a delivery does to a row. There is no other: a row is never deleted (F8), and an update does nothing but
// de-register it (F10).
type Action string

// The actions, as a delivery spells them.
const (
	Create Action = "Create"
	Update Action = "Update"
)

// Entity is one operation of a delivery: a row that is made or de-registered, with the event that the register asks for, or
// a ready message in its place (F2, F12).
type Entity struct {
	Number  int64       // in the delivery, from 1
	Line    int64       // of the delivery, where its element begins
	Type    *EntityType // nil: a ready message
	Action  Action
	Event   EventKind
	Fields  []Field // in the order of the document
	Message []byte  // a ready Haendelsesbesked: its element as it was delivered, with every namespace in scope declared on it
	Bare    bool    // it is a ready message that stands in no DataEntity
}

// Field is a column as an entity has it. A column that is not there at all has no field.
type Field struct {
	*Column
	Value string // a geometry is WKT already
	Nil   bool   // it is there and said to be nothing: xsi:nil
	Line  int64
}

// Empty reports whether the field says nothing.
func (f *Field) Empty() bool { return f.Value == "" }

// Header is what stands above the entities of a delivery.
type Header struct {
	ID      string // "": none that is known
	Members []Member
}

// Member is a text in a header, by the path of its element in it, such as "Sender/Name".
type Member struct{ Name, Value string }

// Field finds a column of the entity; nil when it has none of that name.
func (e *Entity) Field(name string) *Field {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return &e.Fields[i]
		}
	}
	return nil
}

// Find is Column for those who keep what they find.
func (t *EntityType) Find(name string) *Column {
	for _, list := range [][]Column{t.Columns, Temporal} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// Violation tells that the entity breaks a rule, of a column or ("") as a whole, where it stands in the delivery. The message
// must not hold a value.
func (e *Entity) Violation(column, rule, message string) fault.Violation {
	element, line := "DataEntity", e.Line
	if e.Bare {
		element = "Haendelsesbesked"
	}
	v := fault.Violation{Pointer: "/DatafordelerDataDelivery/Data/" + element + "[" + strconv.FormatInt(e.Number, 10) + "]", Rule: rule}
	if e.Type != nil {
		v.Pointer += "/" + e.Type.Name
	}
	if column != "" {
		v.Pointer += "/" + column
		if f := e.Field(column); f != nil {
			line = f.Line
		}
	}
	v.Line, v.Message = line, message
	return v
}
