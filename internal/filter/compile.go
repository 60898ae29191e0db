package filter

import (
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/grunddata"
)

// Shapes keeps areas that are ready to be compared with, each once however many filters name it. The zero value has
// none yet. It is not safe for concurrent use.
type Shapes struct{ limits map[string]*geo.Limit }

func (s *Shapes) of(wkt string) (*geo.Limit, error) {
	if limit := s.limits[wkt]; limit != nil {
		return limit, nil
	}
	area, err := read(wkt)
	if err != nil {
		return nil, err
	}
	limit, err := geo.NewLimit(area)
	if err != nil {
		return nil, err
	}
	if s.limits == nil {
		s.limits = map[string]*geo.Limit{}
	}
	s.limits[wkt] = limit
	return limit, nil
}

// read reads a geometry. One that does not say its reference system is longitude and latitude where its numbers can be
// that, and else in what Danish registers deliver: no place in Denmark has such numbers in EPSG:25832.
func read(wkt string) (geo.Geometry, error) {
	g, err := geo.Parse(wkt)
	if err != nil || g.System != geo.Unsaid {
		return g, err
	}
	if b := g.Box(); b.MinX >= -180 && b.MaxX <= 180 && b.MinY >= -90 && b.MaxY <= 90 {
		return g.In(geo.WGS84)
	}
	return g.In(geo.UTM32)
}

// node is a compiled filter.
type node struct {
	kind    kind
	parts   []*node
	field   Field
	values  []string        // of equals and anyOf, in order
	set     map[string]bool // the same, where they are many
	text    string          // of contains
	related bool            // something in it looks at related objects

	limit        *geo.Limit
	relation     geo.Relation
	municipality string
}

type kind uint8

const (
	all kind = iota
	anyOf
	equals
	contains
	lies
)

// many is how many values are looked up and not gone through.
const many = 8

// Compile makes the filter ready; call it before Match. A filter that Check finds nothing in compiles.
func (f *Filter) Compile(shapes *Shapes) error {
	compiled, err := f.compile(shapes, 1)
	if err != nil {
		return err
	}
	f.compiled = compiled
	return nil
}

func (f *Filter) compile(shapes *Shapes, depth int) (*node, error) {
	if f == nil || depth > maxDepth {
		return nil, fault.New(fault.InvalidDocument, "is no filter")
	}
	n := &node{}
	switch {
	case len(f.All) > 0:
		n.kind = all
	case len(f.Any) > 0:
		n.kind = anyOf
	case f.Place != nil:
		return f.Place.compile(shapes)
	case f.Contains != "":
		n.kind, n.field, n.text, n.related = contains, f.Field, f.Contains, f.Field.related()
	default:
		n.kind, n.field, n.related = equals, f.Field, f.Field.related()
		n.values = slices.Compact(slices.Sorted(slices.Values(f.values())))
		if len(n.values) > many {
			n.set = make(map[string]bool, len(n.values))
			for _, value := range n.values {
				n.set[value] = true
			}
		}
	}
	for _, part := range f.parts() {
		compiled, err := part.compile(shapes, depth+1)
		if err != nil {
			return nil, err
		}
		n.parts, n.related = append(n.parts, compiled), n.related || compiled.related
	}
	return n, nil
}

// values are those that a condition takes.
func (f *Filter) values() []string {
	if f.Equals != "" {
		return []string{f.Equals}
	}
	return f.AnyOf
}

func (p *Place) compile(shapes *Shapes) (*node, error) {
	area, within := p.area()
	if area == nil {
		return nil, fault.New(fault.InvalidDocument, "is no place")
	}
	n := &node{kind: lies, municipality: area.Municipality, relation: geo.Intersects}
	if within {
		n.relation = geo.Within
	}
	if area.WKT == "" { // not resolved: it is met by references alone
		return n, nil
	}
	var err error
	n.limit, err = shapes.of(area.WKT)
	return n, err
}

// Match reports whether a message fulfils the filter.
func (f *Filter) Match(facts *Facts) bool {
	n := f.compiled
	if n == nil {
		return false
	}
	for _, registration := range facts.elements {
		if !n.related || facts.crowded {
			if n.holds(facts, registration, nil) {
				return true
			}
			continue
		}
		for _, related := range facts.related {
			if n.holds(facts, registration, related) {
				return true
			}
		}
	}
	return false
}

// holds evaluates one registration with one related object; with nil, conditions on related objects ask all of them.
func (n *node) holds(facts *Facts, registration *element, related *grunddata.RelateretObjekt) bool {
	switch n.kind {
	case all:
		for _, part := range n.parts {
			if !part.holds(facts, registration, related) {
				return false
			}
		}
		return true
	case anyOf:
		for _, part := range n.parts {
			if part.holds(facts, registration, related) {
				return true
			}
		}
		return false
	case lies:
		return n.admits(registration.place)
	}
	if related == nil && n.field.related() {
		return slices.ContainsFunc(facts.related, func(one *grunddata.RelateretObjekt) bool {
			return n.takes(n.field.of(&facts.message, registration.Objektregistrering, one))
		})
	}
	return n.takes(n.field.of(&facts.message, registration.Objektregistrering, related))
}

// takes reports whether a value is one that the condition asks for. What is not there is nothing that is asked for.
func (n *node) takes(value string) bool {
	switch {
	case value == "":
		return false
	case n.kind == contains:
		return strings.Contains(value, n.text)
	case n.set != nil:
		return n.set[value]
	}
	return slices.Contains(n.values, value)
}

// admits compares a place with the limit. A reference is only known to lie in the municipality that it names.
func (n *node) admits(p *place) bool {
	if p.text == "" {
		return p.code != "" && p.code == n.municipality
	}
	shape, known := p.shape()
	return known && n.limit != nil && n.limit.Admits(n.relation, shape)
}
