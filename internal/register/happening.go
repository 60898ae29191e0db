package register

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/event"
)

// Columns that say something to people, where a type has them, by the names that Danish registers give them.
const (
	ChangedFields = "feltliste" // which fields an event is about (F12)
	ObjectName    = "navn"
)

// Happening is what an event of a register tells of an object: where the object is, and what has happened to it.
type Happening struct {
	*event.Event // it is not to be written to
	Of           *EntityType
	Kind         EventKind
	Withheld     bool    // its type names personal values, so it is told without what it says
	Object       []Value // what tells the object apart, in the type's order
	Name         string  // ObjectName, of a type that has it
	Fields       []string
	Place        string // where the object is: the first of its geometries, WKT as it was delivered; "": not said
}

// Value is a column's value.
type Value struct{ Column, Text string }

// Told finds the entity type that an event type is derived of, and what has happened; nil when it is none of the register's.
// Where several are told by one event type it is the first.
func (r *Register) Told(eventType string) (*EntityType, EventKind) {
	for i := range r.Types {
		for _, kind := range EventKinds {
			if r.Types[i].EventType(kind) == eventType {
				return &r.Types[i], kind
			}
		}
	}
	return nil, NoEvent
}

// Happening reads what an event tells; nil when it is none of the register's. Of one whose type names personal values nothing
// that it says is read: that is shown by a reveal alone, which is on record.
func (r *Register) Happening(e *event.Event) *Happening {
	of, kind := r.Told(e.Type)
	if of == nil || e.Forgotten {
		return nil
	}
	h := &Happening{Event: e, Of: of, Kind: kind, Withheld: e.Personal}
	if h.Withheld {
		return h
	}
	values := texts(e.Data)
	for _, column := range of.Object {
		if text, said := values[column]; said {
			h.Object = append(h.Object, Value{column, text})
		}
	}
	if _, has := of.Column(ObjectName); has {
		h.Name = values[ObjectName]
	}
	h.Fields = strings.FieldsFunc(values[ChangedFields], func(c rune) bool { return strings.ContainsRune(",; \t\r\n", c) })
	for i := range of.Columns {
		if c := &of.Columns[i]; c.Type == Geometry && values[c.Name] != "" {
			h.Place = values[c.Name]
			break
		}
	}
	return h
}

// texts are the members of an object that are texts, as those of a delivered row are. Of what is no object there are none.
func texts(data []byte) map[string]string {
	var members map[string]jsontext.Value
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	values := make(map[string]string, len(members))
	for name, value := range members {
		if value.Kind() != '"' {
			continue
		}
		if text, err := jsontext.AppendUnquote(nil, value); err == nil {
			values[name] = string(text)
		}
	}
	return values
}
