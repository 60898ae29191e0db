package filter

import "github.com/varselhub/varsel/internal/geo"

// Index finds, of many filters, those that an event may fulfil, without evaluating the others: each is kept under values
// of which one must be there, or under an area that one must lie in. The zero value is empty.
type Index[T any] struct {
	byValue map[gate][]T
	byArea  map[areaKey]*shelf[T]
	areas   []*shelf[T] // the same, in the order they came
}

// gate is a value that a filter cannot do without: one of its gates is met by whatever fulfils it.
type gate struct {
	field Field
	value string
	area  *node // in place of the two
}

type areaKey struct {
	limit        *geo.Limit
	relation     geo.Relation
	municipality string
}

type shelf[T any] struct {
	area *node
	kept []T
}

// Add keeps something under a compiled filter; false: the filter has no gates, so it must be asked of every event.
func (x *Index[T]) Add(f *Filter, kept T) bool {
	if f.compiled == nil {
		return false
	}
	gates, _ := f.compiled.gates()
	for _, g := range gates {
		if g.area != nil {
			x.addArea(g.area, kept)
			continue
		}
		if x.byValue == nil {
			x.byValue = map[gate][]T{}
		}
		x.byValue[g] = append(x.byValue[g], kept)
	}
	return len(gates) > 0
}

func (x *Index[T]) addArea(area *node, kept T) {
	key := areaKey{area.limit, area.relation, area.municipality}
	s := x.byArea[key]
	if s == nil {
		if x.byArea == nil {
			x.byArea = map[areaKey]*shelf[T]{}
		}
		s = &shelf[T]{area: area}
		x.byArea[key] = s
		x.areas = append(x.areas, s)
	}
	s.kept = append(s.kept, kept)
}

// Empty reports whether nothing is kept.
func (x *Index[T]) Empty() bool { return len(x.byValue) == 0 && len(x.areas) == 0 }

// Each calls visit for what is kept under filters that the event may fulfil: some of it more than once, and in no order.
func (x *Index[T]) Each(facts *Facts, visit func(T)) {
	for _, registration := range facts.elements {
		for _, field := range Fields {
			if field.related() {
				continue
			}
			x.visit(field, field.of(&facts.message, registration.Objektregistrering, nil), visit)
		}
		for _, s := range x.areas {
			if s.area.admits(registration.place) {
				for _, kept := range s.kept {
					visit(kept)
				}
			}
		}
	}
	for _, related := range facts.related {
		x.visit(RelateretObjektID, related.ObjektID, visit)
		x.visit(RelateretObjekttype, related.Objekttype, visit)
	}
}

func (x *Index[T]) visit(field Field, value string, visit func(T)) {
	if value == "" || len(x.byValue) == 0 {
		return
	}
	for _, kept := range x.byValue[gate{field: field, value: value}] {
		visit(kept)
	}
}

// gates finds what the filter cannot do without, and how much of all that lets through; none where there is nothing of
// the kind. Of conditions that must all hold, the one that lets through least is enough.
func (n *node) gates() (gates []gate, reach int) {
	switch n.kind {
	case equals:
		for _, value := range n.values {
			gates = append(gates, gate{field: n.field, value: value})
		}
		return gates, n.field.reach()
	case lies:
		return []gate{{area: n}}, reachFew
	case all:
		for _, part := range n.parts {
			found, reached := part.gates()
			if len(found) > 0 && (gates == nil || reached < reach || reached == reach && len(found) < len(gates)) {
				gates, reach = found, reached
			}
		}
	case anyOf:
		for _, part := range n.parts {
			found, reached := part.gates()
			if len(found) == 0 {
				return nil, 0
			}
			gates, reach = append(gates, found...), max(reach, reached)
		}
	}
	return gates, reach
}
