// Package register holds the nouns of a register: the entity types that it delivers, their bitemporal rows, and the rules
// that these keep (requirements F6 to F14, 4b). It has no I/O.
//
// A row is known from one instant to another (registration) about a time from one instant to another (effect). Rows are
// never changed: what is not so any more is de-registered, which ends its registration, and what is so instead is another
// row. All intervals are half-open: their end is not in them.
package register

import (
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// Register is what one authority keeps and delivers.
type Register struct {
	Name   string       `json:"name"` // slug, such as "dagi"
	Title  string       `json:"title,omitempty"`
	Source string       `json:"source"`         // name of the source whose events are derived from its data
	Zone   string       `json:"zone,omitempty"` // IANA zone of times that say no offset; empty: Europe/Copenhagen
	Types  []EntityType `json:"types"`
	Public bool         `json:"public,omitempty"` // the feed of what it publishes is everyone's to read, not its rows
}

// EntityType is one kind of object that a register keeps: how its rows are told apart, and what stands in them.
type EntityType struct {
	Name      string   `json:"name"`                // the XML element's local name, such as "Kommuneinddeling"
	Namespace string   `json:"namespace,omitempty"` // the XML element's namespace; empty: of no namespace
	Row       string   `json:"row"`                 // the column that tells its rows apart, such as "objectid"
	Object    []string `json:"object"`              // the columns that together tell its objects apart, such as "id_namespace", "id_lokalId"
	Columns   []Column `json:"columns"`             // besides the temporal ones, which every type has

	// Events names the event type of each kind of event; a kind that is not there is called by the entity type's name and
	// its own: KommuneinddelingUpdate (F3).
	Events map[EventKind]string `json:"events,omitempty"`
}

// Column is one field of an entity type. The columns of time, status and actors need not be declared.
type Column struct {
	Name      string     `json:"name"` // the XML element's local name
	Type      ColumnType `json:"type,omitempty"`
	Required  bool       `json:"required,omitempty"`
	EventOnly bool       `json:"eventOnly,omitempty"` // is not kept, and only fills events, such as feltliste (F12)
	Personal  bool       `json:"personal,omitempty"`  // holds what tells a person: rows are erased by it
}

// ColumnType is what a column's text must be. It is kept as it was delivered.
type ColumnType string

// The types of columns.
const (
	Text     ColumnType = "text" // the default
	Integer  ColumnType = "integer"
	Decimal  ColumnType = "decimal"
	Boolean  ColumnType = "boolean"
	Instant  ColumnType = "time"     // ISO 8601 with seconds
	Date     ColumnType = "date"     // ISO 8601
	UUID     ColumnType = "uuid"     // in 36 characters
	Geometry ColumnType = "geometry" // WKT, or a GML element; kept as WKT in the reference system it came in
)

var columnTypes = []ColumnType{"", Text, Integer, Decimal, Boolean, Instant, Date, UUID, Geometry}

// The temporal columns, which every entity type has (F6), and who answers for a registration and its effect.
const (
	RegistrationFrom  = "registreringFra"
	RegistrationTo    = "registreringTil"
	EffectFrom        = "virkningFra"
	EffectTo          = "virkningTil"
	Status            = "status"
	RegistrationActor = "registreringsaktør"
	EffectActor       = "virkningsaktør"
)

// Temporal lists the columns that every entity type has.
var Temporal = []Column{
	{Name: RegistrationFrom, Type: Instant, Required: true},
	{Name: RegistrationTo, Type: Instant},
	{Name: EffectFrom, Type: Instant, Required: true},
	{Name: EffectTo, Type: Instant},
	{Name: Status, Required: true},
	{Name: RegistrationActor},
	{Name: EffectActor},
}

// EventKind is what a register says has happened to an object (F11): it need not be what happens to the row.
type EventKind string

// The kinds of events, as a delivery's CreateEvent spells them.
const (
	NoEvent     EventKind = "NoEvent"
	CreateEvent EventKind = "CreateEvent"
	UpdateEvent EventKind = "UpdateEvent"
	DeleteEvent EventKind = "DeleteEvent"
)

// EventKinds are those that make an event.
var EventKinds = []EventKind{CreateEvent, UpdateEvent, DeleteEvent}

// EventType is the type of the event that a kind makes; "" when it makes none.
func (t *EntityType) EventType(kind EventKind) string {
	if name := t.Events[kind]; name != "" {
		return name
	}
	if !slices.Contains(EventKinds, kind) {
		return ""
	}
	return t.Name + strings.TrimSuffix(string(kind), "Event")
}

// Type finds an entity type by the name and namespace of its element.
func (r *Register) Type(namespace, name string) *EntityType {
	for i := range r.Types {
		if r.Types[i].Name == name && r.Types[i].Namespace == namespace {
			return &r.Types[i]
		}
	}
	return nil
}

// Named finds an entity type by its name alone, as addresses have it.
func (r *Register) Named(name string) *EntityType {
	for i := range r.Types {
		if r.Types[i].Name == name {
			return &r.Types[i]
		}
	}
	return nil
}

// Column finds a column, a temporal one too.
func (t *EntityType) Column(name string) (Column, bool) {
	for _, list := range [][]Column{t.Columns, Temporal} {
		for i := range list {
			if list[i].Name == name {
				return list[i], true
			}
		}
	}
	return Column{}, false
}

// The bounds of a register.
const (
	maxTypes   = 500
	maxColumns = 300
	maxName    = 100
)

// Check reports what is wrong with the document.
func (r *Register) Check() []fault.Violation {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if _, err := r.Location(); err != nil {
		refuse("/zone", "zone", "want the name of an IANA time zone, such as Europe/Copenhagen")
	}
	if len(r.Types) == 0 || len(r.Types) > maxTypes {
		refuse("/types", "count", "want 1 to 500 entity types")
		return found
	}
	for i := range r.Types {
		t, at := &r.Types[i], pointer("/types", i)
		if r.Named(t.Name) != t {
			refuse(at+"/name", "unique", "another entity type has this name")
		}
		t.check(at, refuse)
	}
	return found
}

func (t *EntityType) check(at string, refuse func(pointer, rule, message string)) {
	if !isName(t.Name) {
		refuse(at+"/name", "name", "want the local name of an XML element, of at most 100 characters")
	}
	if len(t.Columns) > maxColumns {
		refuse(at+"/columns", "count", "want at most 300 columns")
		return
	}
	for i := range t.Columns {
		c, at := &t.Columns[i], pointer(at+"/columns", i)
		switch first, _ := t.Column(c.Name); {
		case !isName(c.Name):
			refuse(at+"/name", "name", "want the local name of an XML element, of at most 100 characters")
		case slices.ContainsFunc(t.Columns[:i], func(o Column) bool { return o.Name == c.Name }), first != *c:
			refuse(at+"/name", "unique", "another column has this name")
		case slices.ContainsFunc(Temporal, func(o Column) bool { return o.Name == c.Name }):
			refuse(at+"/name", "reserved", "every entity type has this column: leave it out")
		}
		if !slices.Contains(columnTypes, c.Type) {
			refuse(at+"/type", "enum", `want "text", "integer", "decimal", "boolean", "time", "date", "uuid" or "geometry"`)
		}
	}
	kept := func(name string) bool {
		c, ok := t.Column(name)
		return ok && c.Required && !c.EventOnly && slices.ContainsFunc(t.Columns, func(o Column) bool { return o.Name == name })
	}
	if !kept(t.Row) {
		refuse(at+"/row", "column", "want one of the columns that is required and kept")
	}
	if c, _ := t.Column(t.Row); c.Personal {
		refuse(at+"/row", "personal", "a row is told apart also when what it says is erased: want a column that holds nothing personal")
	}
	if len(t.Object) == 0 || slices.ContainsFunc(t.Object, func(name string) bool { return !kept(name) }) {
		refuse(at+"/object", "column", "want columns that are required and kept")
	}
	for kind := range t.Events {
		if !slices.Contains(EventKinds, kind) {
			refuse(at+"/events/"+string(kind), "enum", "want CreateEvent, UpdateEvent or DeleteEvent")
		}
	}
}
