package revision

import (
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/subscription"
)

// index finds the lines that may want an event: a superset, since it only grows; wants has the last word. It is in
// four maps, one per shape of S6, most specific first.
type index struct {
	byBoth, byOrganisation, byType map[indexKey]*shelf
	byNeither                      shelf
}

type indexKey struct {
	kind string
	org  event.Organisation
}

// shelf holds the lines of one key: those that are asked of every event, and those that are found by what the event says.
// Lines with filters are of profiles in which every subscription gets its own, so among those no order matters.
type shelf struct {
	plain    []*Line
	filtered filter.Index[*Line]
}

func (x *index) each(b *Book, e *event.Event, visit func(*Line) bool) {
	shelves := [4]*shelf{
		x.byBoth[indexKey{e.Type, e.Organisation}],
		x.byOrganisation[indexKey{"", e.Organisation}],
		x.byType[indexKey{e.Type, event.Organisation{}}],
		&x.byNeither,
	}
	for _, s := range shelves {
		if s == nil {
			continue
		}
		for _, l := range s.plain {
			if !visit(l) {
				return
			}
		}
		if s.filtered.Empty() {
			continue
		}
		for _, l := range s.filtered.Find(b.facts(e)) {
			if !holds(s.plain, l) && !visit(l) { // there as an earlier revision had it
				return
			}
		}
	}
}

// facts are what filters look at of an event, made when the first of them asks. Call it with the book locked.
func (b *Book) facts(e *event.Event) *filter.Facts {
	if known, ok := e.Facts().(*filter.Facts); ok {
		return known
	}
	facts := filter.Of(b.compiled[e.Type+"/"+e.Version], e)
	e.KeepFacts(facts)
	return facts
}

func (x *index) add(l *Line, s *subscription.Subscription) {
	if x.byBoth == nil {
		x.byBoth, x.byOrganisation, x.byType = map[indexKey]*shelf{}, map[indexKey]*shelf{}, map[indexKey]*shelf{}
	}
	switch {
	case len(s.Types) > 0 && len(s.Organisations) > 0:
		for _, t := range s.Types {
			for _, o := range s.Organisations {
				insert(x.byBoth, indexKey{t, o}, l, s)
			}
		}
	case len(s.Organisations) > 0:
		for _, o := range s.Organisations {
			insert(x.byOrganisation, indexKey{"", o}, l, s)
		}
	case len(s.Types) > 0:
		for _, t := range s.Types {
			insert(x.byType, indexKey{t, event.Organisation{}}, l, s)
		}
	default:
		x.byNeither.add(l, s)
	}
}

func insert(m map[indexKey]*shelf, key indexKey, l *Line, s *subscription.Subscription) {
	if m[key] == nil {
		m[key] = &shelf{}
	}
	m[key].add(l, s)
}

func (s *shelf) add(l *Line, document *subscription.Subscription) {
	if document.Filter == nil || !s.filtered.Add(document.Filter, l) {
		s.plain = with(s.plain, l)
	}
}

// with adds l once, in order of id, so that every node visits lines in the same order.
func with(lines []*Line, l *Line) []*Line {
	at, there := slices.BinarySearchFunc(lines, l.ID, byID)
	if there {
		return lines
	}
	return slices.Insert(lines, at, l)
}

func holds(lines []*Line, l *Line) bool {
	_, there := slices.BinarySearchFunc(lines, l.ID, byID)
	return there
}

func byID(l *Line, id string) int { return strings.Compare(l.ID, id) }
