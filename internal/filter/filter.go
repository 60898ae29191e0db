// Package filter narrows a subscription to the messages of registers that it is meant for: conditions on what a
// Hændelsesbesked is filtered by (F17; requirements 4b "Filter fields") and on where its object is, joined by all and
// any. A filter is a document; it is compiled once, and then asked of the Facts of each event.
package filter

import (
	"github.com/go-json-experiment/json"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Filter is one condition, or several joined: exactly one of All, Any, Field and Place.
//
// A message is about one registration or more (F4). It fulfils a filter when one of its registrations, together with one
// of its related objects where the filter asks of those, fulfils the whole of it.
type Filter struct {
	All []*Filter `json:"all,omitempty"` // every one holds
	Any []*Filter `json:"any,omitempty"` // at least one holds

	Field    Field    `json:"field,omitempty"` // with one of the three
	Equals   string   `json:"equals,omitempty"`
	AnyOf    []string `json:"anyOf,omitempty"`
	Contains string   `json:"contains,omitempty"`

	Place *Place `json:"place,omitempty"` // the geographic limit

	compiled *node
}

// Place is where the object must be: exactly one of the two.
type Place struct {
	Within     *Area `json:"within,omitempty"`     // no point of it is outside
	Intersects *Area `json:"intersects,omitempty"` // some point of it is inside or on the border
}

// Area is a municipality by its code, or any area by its outline.
type Area struct {
	Municipality string `json:"municipality,omitempty"` // four digits
	// WKT is the outline, in EPSG:25832 or as longitude and latitude; SRID=25832; or SRID=4326; before it says which. The
	// hub fills in that of a municipality when the filter is saved, and keeps it: who is sent what must not change because
	// a border was drawn anew (DESIGN promise 9).
	WKT string `json:"wkt,omitempty"`
}

// Parse reads a filter that stands by itself, and checks it.
// Error: InvalidDocument.
func Parse(text []byte) (*Filter, error) {
	if v := event.Scan(text); v != nil {
		v.Pointer = ""
		return nil, fault.Invalid(fault.InvalidDocument, []fault.Violation{*v})
	}
	var f Filter
	if err := json.Unmarshal(text, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, fault.New(fault.InvalidDocument, "does not have the form of a filter")
	}
	if err := fault.Invalid(fault.InvalidDocument, f.Check("", &Shapes{})); err != nil {
		return nil, err
	}
	return &f, nil
}

func (f *Filter) parts() []*Filter {
	if len(f.All) > 0 {
		return f.All
	}
	return f.Any
}

// area is the one that a place names, and whether the object must lie within it; nil: it names none, or two.
func (p *Place) area() (area *Area, within bool) {
	switch {
	case p.Within != nil && p.Intersects == nil:
		return p.Within, true
	case p.Within == nil:
		return p.Intersects, false
	}
	return nil, false
}

// Singles reports whether the filter asks for single objects by their ids: in some registers those are persons' numbers.
func (f *Filter) Singles() bool {
	for _, part := range f.parts() {
		if part.Singles() {
			return true
		}
	}
	return f.Field != "" && f.Field.reach() == reachOne
}
