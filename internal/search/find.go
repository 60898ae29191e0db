package search

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
)

// Query is what to find. What is empty selects all.
type Query struct {
	ID           string // as its source gave it, or a message id; not together with Key or Person
	Key          string // as it stands in the data
	Person       string // any personal value, as it stands in the data
	Type         string
	Source       string // name or URI
	From         int64  // recorded at or after, µs UTC
	To           int64  // and before
	System       string // that it is for, by the configuration at its position
	Subscription string
	State        string // one of States; with System or Subscription
	Below        int64  // positions below this one, to go on; 0: from the newest
	Limit        int    // at most so many, 1 or more

	Visible func(*event.Event) bool // what the asker may see of; nil: everything. Unless there are filters, it is given no head and no data
}

// Found is one event that was found.
type Found struct {
	*event.Event
	Forgotten bool    // it has no head and no data any more, and no SourceID
	Places    []Place // with Query's system and subscription, where they were asked for
}

// Page is what was found, newest first.
type Page struct {
	Events []Found
	Next   int64 // Below for what follows; 0: there is no more. A page may hold nothing and have one that follows
	UpTo   int64 // the position up to which the index had been written
}

// What one search may cost, before it is to be gone on with.
const (
	mostWalked  = 100_000 // positions
	mostLooked  = 5_000   // events whose skeleton is read
	mostAsked   = 500     // of whom it is asked where they stand
	skeletonsAt = 500     // a time
)

// patience is how long a search waits for the index to come to the log's head.
const patience = time.Second

// Find finds events. When it returns, a search by person or key is in the audit log, as the actor's: a key is a citizen's
// number as often as not, and whether it is shows only in what is found.
//
// Errors: fault.BadRequest for what cannot be asked for, with the members' names as pointers; fault.NotFound for a system
// or subscription that never was.
func (s *Searcher) Find(ctx context.Context, actor string, q Query) (*Page, error) {
	if err := s.check(&q); err != nil {
		return nil, err
	}
	head := s.log.Head()
	if q.Key != "" || q.Person != "" || q.ID != "" {
		soon, cancel := context.WithTimeout(ctx, patience)
		_ = s.Reach(soon, head) // how far it has come is told with the answer
		cancel()
	}
	x := finding{Searcher: s, q: &q, below: head + 1, page: &Page{UpTo: s.UpTo()}}
	if q.Below > 0 {
		x.below = min(x.below, q.Below)
	}
	err := x.bound(ctx)
	if err == nil {
		err = x.find(ctx)
	}
	if err == nil && (q.Person != "" || q.Key != "") {
		err = s.note(ctx, actor, &q, len(x.page.Events))
	}
	if err != nil {
		return nil, err
	}
	return x.page, nil
}

func (s *Searcher) check(q *Query) error {
	var found []fault.Violation
	if q.ID != "" && (q.Key != "" || q.Person != "") {
		found = append(found, refuse("id", "alone", "names one event; leave out key and person"))
	}
	switch {
	case q.State == "":
	case !slices.Contains(States(), q.State):
		found = append(found, refuse("state", "enum", "there is no such state; docs/search.md lists them"))
	case q.System == "" && q.Subscription == "":
		found = append(found, refuse("state", "of-whom", "is one receiver's; name a system or a subscription"))
	case s.where == nil:
		found = append(found, refuse("state", "unavailable", "this hub cannot search by state"))
	}
	if err := fault.Invalid(fault.BadRequest, found); err != nil {
		return err
	}
	if source, _ := s.book.Source(q.Source); source != nil {
		q.Source = source.URI
	}
	if _, ever := s.book.System(q.System); q.System != "" && ever == 0 {
		return fault.New(fault.NotFound, "there is no system of that name")
	}
	if q.Subscription != "" && s.book.Line(q.Subscription) == nil {
		return fault.New(fault.NotFound, "there is no subscription of that id")
	}
	return nil
}

// finding is one search on its way down the log.
type finding struct {
	*Searcher
	q     *Query
	page  *Page
	low   int64 // nothing at or below is meant
	below int64 // everything from here on has been looked at

	clues     []event.Clue // that candidates are found by; none: by ids, or by walking
	positions []int64      // of the one id, newest first
	byID      bool

	walked        int64
	looked, asked int
}

// bound turns times into positions, and what is asked for into what is looked up.
func (x *finding) bound(ctx context.Context) (err error) {
	q := x.q
	if q.From != 0 {
		if x.low, err = x.store.Before(ctx, q.From); err != nil {
			return err
		}
	}
	if q.To != 0 {
		last, err := x.store.Before(ctx, q.To)
		if err != nil {
			return err
		}
		x.below = min(x.below, last+1)
	}
	switch {
	case q.Person != "":
		x.clues = []event.Clue{x.hasher.Clue(event.CluePerson, q.Person)}
	case q.Key != "": // a key that is a personal value is found by it
		x.clues = []event.Clue{x.hasher.Clue(event.ClueKey, q.Key), x.hasher.Clue(event.CluePerson, q.Key)}
	case q.ID != "":
		return x.lookUp(ctx)
	}
	return nil
}

// lookUp finds the positions of an id.
func (x *finding) lookUp(ctx context.Context) (err error) {
	x.byID = true
	if x.positions, err = x.store.Named(ctx, x.q.ID); err != nil {
		return err
	}
	if message, err := ident.Parse(x.q.ID); err == nil {
		same, err := x.store.Positions(ctx, []event.Clue{event.ClueOf(message)}, math.MaxInt64, mostLooked)
		if err != nil {
			return err
		}
		x.positions = append(x.positions, same...)
	}
	slices.Sort(x.positions)
	x.positions = slices.Compact(x.positions)
	slices.Reverse(x.positions)
	return nil
}

// find goes down the log until the page is full, there is no more, or it has cost enough.
func (x *finding) find(ctx context.Context) error {
	for x.below > x.low+1 {
		candidates, below, err := x.candidates(ctx)
		if err != nil {
			return err
		}
		for _, e := range candidates {
			if x.full() {
				x.page.Next = x.below
				return nil
			}
			if err := x.look(ctx, e); err != nil {
				return err
			}
			x.below = e.Position
		}
		x.below = below
		if (x.full() || x.walked >= mostWalked) && x.below > x.low+1 {
			x.page.Next = x.below
			return nil
		}
	}
	return nil
}

// full reports whether no further event is looked at.
func (x *finding) full() bool {
	return len(x.page.Events) == x.q.Limit || x.looked >= mostLooked || x.asked >= mostAsked
}

// candidates are the next events that may be meant, newest first, and below what they leave nothing out.
func (x *finding) candidates(ctx context.Context) (list []*event.Event, below int64, err error) {
	var positions []int64
	switch {
	case x.clues != nil:
		if positions, err = x.store.Positions(ctx, x.clues, x.below, skeletonsAt); err != nil {
			return nil, 0, err
		}
		if len(positions) == skeletonsAt {
			below = positions[len(positions)-1]
		}
	case x.byID:
		positions = x.positions
	default:
		return x.walk(ctx)
	}
	for _, position := range positions {
		if position >= x.below || position <= x.low {
			continue
		}
		e, err := x.store.Skeleton(ctx, position)
		if fault.Has(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		list = append(list, e)
	}
	return list, below, nil
}

// walk reads on in the log itself, with type and source.
func (x *finding) walk(ctx context.Context) (list []*event.Event, below int64, err error) {
	above := max(x.low, x.below-1-(mostWalked-x.walked))
	list, err = x.store.Skeletons(ctx, eventlog.Stretch{Above: above, Below: x.below, Type: x.q.Type, Source: x.q.Source}, skeletonsAt)
	if below = above + 1; len(list) == skeletonsAt {
		below = list[len(list)-1].Position
	}
	x.walked += x.below - below
	return list, below, err
}

// look takes an event into the page if it is meant.
func (x *finding) look(ctx context.Context, e *event.Event) error {
	x.looked++
	q := x.q
	switch {
	case q.Type != "" && e.Type != q.Type,
		q.Source != "" && e.Source != q.Source,
		q.Key != "" && e.Lane != x.hasher.Lane(e.Source, q.Key):
		return nil
	}
	filtered := x.book.Filters() // who it is for depends on what it says
	found := Found{Event: e}
	if filtered {
		if err := x.fill(ctx, &found); err != nil {
			return err
		}
	}
	if q.Visible != nil && !q.Visible(found.Event) || !x.isFor(found.Event) {
		return nil
	}
	var err error
	found.Places, err = x.places(ctx, e.Position)
	if err != nil || q.State != "" && len(found.Places) == 0 {
		return err
	}
	if !filtered {
		if err := x.fill(ctx, &found); err != nil {
			return err
		}
	}
	x.page.Events = append(x.page.Events, found)
	return nil
}

// fill puts the whole event in the place of its skeleton, where there is more than that.
func (x *finding) fill(ctx context.Context, found *Found) error {
	whole, err := x.log.At(ctx, found.Position)
	switch {
	case err == nil:
		found.Event = whole
	case fault.Has(err, fault.NotFound), fault.Has(err, fault.SealBroken):
		found.Forgotten = true
	default:
		return err
	}
	return nil
}

// isFor reports whether an event is for the system and the subscription that are asked for.
func (x *finding) isFor(e *event.Event) (is bool) {
	q := x.q
	if q.System == "" && q.Subscription == "" {
		return true
	}
	x.book.Route(e, func(l *revision.Line) {
		is = is || (q.System == "" || l.Consumer.System == q.System) && (q.Subscription == "" || l.ID == q.Subscription)
	})
	return is
}

// places are where an event stands with whom it is asked for, in the state that is asked for.
func (x *finding) places(ctx context.Context, position int64) ([]Place, error) {
	q := x.q
	if x.where == nil || q.System == "" && q.Subscription == "" {
		return nil, nil
	}
	x.asked++
	all, err := x.where(ctx, position)
	if fault.Has(err, fault.NotFound) {
		return nil, nil
	}
	return slices.DeleteFunc(all, func(s Place) bool {
		return q.System != "" && s.System != q.System || q.Subscription != "" && s.Subscription != q.Subscription || q.State != "" && s.State != q.State
	}), err
}
