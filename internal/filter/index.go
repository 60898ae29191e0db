package filter

import (
	"slices"

	"github.com/varselhub/varsel/internal/geo"
)

// Index finds, of many filters, those that an event may fulfil, without evaluating the others: each is kept under values
// of which one must be there, or under an area that one must lie in. The zero value is empty.
type Index[T comparable] struct {
	byValue map[gate]*shelf[T]
	byArea  map[areaKey]*shelf[T]
	areas   []*shelf[T] // the same, in the order they came
	known   map[T]bool  // what has been added
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

type shelf[T comparable] struct {
	area *node
	kept []T
}

// Add keeps something under a compiled filter; false: the filter has no gates, so it must be asked of every event. What is
// added again, under another filter, is found by both.
func (x *Index[T]) Add(f *Filter, kept T) bool {
	if f.compiled == nil {
		return false
	}
	if x.byValue == nil {
		x.byValue, x.byArea, x.known = map[gate]*shelf[T]{}, map[areaKey]*shelf[T]{}, map[T]bool{}
	}
	gates, _ := f.compiled.gates()
	for _, g := range gates {
		x.shelfOf(g).add(kept, x.known[kept])
	}
	x.known[kept] = x.known[kept] || len(gates) > 0
	return len(gates) > 0
}

func (x *Index[T]) shelfOf(g gate) *shelf[T] {
	if g.area == nil {
		if x.byValue[g] == nil {
			x.byValue[g] = &shelf[T]{}
		}
		return x.byValue[g]
	}
	key := areaKey{g.area.limit, g.area.relation, g.area.municipality}
	if x.byArea[key] == nil {
		x.byArea[key] = &shelf[T]{area: g.area}
		x.areas = append(x.areas, x.byArea[key])
	}
	return x.byArea[key]
}

func (s *shelf[T]) add(kept T, known bool) {
	if !known || !slices.Contains(s.kept, kept) {
		s.kept = append(s.kept, kept)
	}
}

// Empty reports whether nothing is kept.
func (x *Index[T]) Empty() bool { return len(x.known) == 0 }

// Find returns what is kept under filters that the event may fulfil, each once, in an order that is the same wherever the
// same was added. The list is the index's own.
func (x *Index[T]) Find(facts *Facts) []T {
	found := finding[T]{index: x}
	for _, registration := range facts.elements {
		for _, field := range Fields {
			if !field.related() {
				found.byValue(field, field.of(&facts.message, registration.Objektregistrering, nil))
			}
		}
		for _, s := range x.areas {
			if s.area.admits(registration.place) {
				found.take(s)
			}
		}
	}
	for _, related := range facts.related {
		found.byValue(RelateretObjektID, related.ObjektID)
		found.byValue(RelateretObjekttype, related.Objekttype)
	}
	return found.list
}

// finding is a search under way. Mostly one shelf is met, and then its list is the answer.
type finding[T comparable] struct {
	index  *Index[T]
	list   []T
	met    *shelf[T] // the only one so far
	listed map[T]bool
}

func (f *finding[T]) byValue(field Field, value string) {
	if value == "" {
		return
	}
	if s := f.index.byValue[gate{field: field, value: value}]; s != nil {
		f.take(s)
	}
}

func (f *finding[T]) take(s *shelf[T]) {
	switch {
	case f.list == nil:
		f.list, f.met = slices.Clip(s.kept), s
		return
	case f.met == s:
		return
	case f.listed == nil:
		f.listed = make(map[T]bool, len(f.list)+len(s.kept))
		for _, kept := range f.list {
			f.listed[kept] = true
		}
	}
	f.met = nil
	for _, kept := range s.kept {
		if !f.listed[kept] {
			f.listed[kept] = true
			f.list = append(f.list, kept)
		}
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
