package delivery

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// Coming is how much is on its way now, in deliveries, replays included.
type Coming struct {
	Pending  int64 `json:"pending"`  // for it and not over; the others are of these
	Waiting  int64 `json:"waiting"`  // behind the head of their lane
	Sending  int64 `json:"sending"`  // in flight
	Leased   int64 `json:"leased"`   // lent from a queue
	Retrying int64 `json:"retrying"` // at the head of their lane
	Parked   int64 `json:"parked"`   // at the head of their lane
}

// Ends count how deliveries ended.
type Ends struct {
	Matched   int64 `json:"matched"` // that there were
	Delivered int64 `json:"delivered"`
	Confirmed int64 `json:"confirmed"`
	Withheld  int64 `json:"withheld"`
	Dropped   int64 `json:"dropped"`
	Expired   int64 `json:"expired"`
	Discarded int64 `json:"discarded"`
	Served    int64 `json:"served"` // handed out to a cursor's reader, confirmed since or not
}

// Counts are ends of first deliveries, and of replays.
type Counts struct {
	First   Ends `json:"first"`
	Replays Ends `json:"replays"`
}

// Day are the counts of one day.
type Day struct {
	Day string `json:"day"` // UTC, YYYY-MM-DD
	Counts
}

// Figures are what is coming, and what came: of all time, and day by day, the newest first. Days without any are left out.
type Figures struct {
	Now   Coming `json:"now"`
	Total Counts `json:"total"`
	Days  []Day  `json:"days"`
}

// SubscriptionFigures are those of one subscription. In a profile with one consumer for a system, what waits is counted
// where the head of its lane is.
type SubscriptionFigures struct {
	Subscription string `json:"subscription"`
	Name         string `json:"name"`
	Channel      string `json:"channel"`
	Removed      bool   `json:"removed"`
	Figures
}

// Oldest is the first of what has not arrived.
type Oldest struct {
	Position     int64  `json:"position"`
	Subscription string `json:"subscription"`
	Recorded     int64  `json:"recorded"` // µs UTC
}

// SystemFigures are those of a system and each of its subscriptions, also of those that were removed.
type SystemFigures struct {
	System string `json:"system"`
	Figures
	Oldest        *Oldest               `json:"oldest,omitempty"`
	Subscriptions []SubscriptionFigures `json:"subscriptions"`
}

// SystemFigures tells how a system stands: what it has coming from what is kept in memory, and what came to it from the
// tallies, over so many days. Nothing is counted from the log or the attempts (DESIGN promise 10).
// Errors: fault.NotFound when there never was such a system, fault.ShuttingDown.
func (e *Engine) SystemFigures(ctx context.Context, system string, days int) (*SystemFigures, error) {
	doc, _ := e.book.System(system)
	f := &SystemFigures{System: system, Figures: Figures{Days: []Day{}}, Subscriptions: []SubscriptionFigures{}}
	now := e.clock.Now()
	from := eventlog.DayOf(clock.Micros(now)) - int64(days) + 1
	known := doc != nil
	for _, book := range e.book.Consumers() {
		if book.System != system {
			continue
		}
		known = true
		if c := e.known(book); c != nil {
			if err := c.writeTallies(ctx); err != nil {
				return nil, err
			}
		}
		tallies, err := e.store.Tallies(ctx, book.Name, from)
		if err != nil {
			return nil, err
		}
		subscriptions := e.figuresOf(book, tallies, from)
		for i := range subscriptions {
			f.Figures.add(&subscriptions[i].Figures)
		}
		f.Subscriptions = append(f.Subscriptions, subscriptions...)
		f.older(e, book)
	}
	if !known {
		return nil, fault.New(fault.NotFound, "there is no system %q", system)
	}
	slices.SortFunc(f.Subscriptions, func(a, b SubscriptionFigures) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Subscription, b.Subscription))
	})
	return f, nil
}

// writeTallies brings to the store what was counted and is not there yet: a consumer that is paused has nothing else to
// write. While the store refuses commits the figures are those it has.
func (c *consumer) writeTallies(ctx context.Context) error {
	c.mu.Lock()
	cut, counted := c.cuts, c.cutting != nil
	if len(c.cut.Tallies) > 0 {
		c.touch()
		cut, counted = c.cuts+1, true
	}
	c.mu.Unlock()
	if !counted || !c.engine.log.Healthy() {
		return nil
	}
	return c.committedBy(ctx, cut)
}

// figuresOf sums up a consumer's tallies by subscription, and adds what each has coming.
func (e *Engine) figuresOf(book *revision.Consumer, tallies []eventlog.Tally, from int64) []SubscriptionFigures {
	var list []SubscriptionFigures
	of := func(id string) *SubscriptionFigures {
		at := slices.IndexFunc(list, func(f SubscriptionFigures) bool { return f.Subscription == id })
		if at < 0 {
			list, at = append(list, e.subscriptionFigures(id)), len(list)
		}
		return &list[at]
	}
	set, _ := e.book.Subscriptions(book.System)
	for _, s := range set {
		if line := e.book.Line(s.ID); line != nil && line.Consumer == book {
			of(s.ID)
		}
	}
	for i := range tallies {
		of(tallies[i].Line).count(&tallies[i], from)
	}
	if c := e.known(book); c != nil {
		c.coming(func(id string) *Coming { return &of(id).Now })
	}
	return list
}

func (e *Engine) subscriptionFigures(id string) SubscriptionFigures {
	f := SubscriptionFigures{Subscription: id, Removed: true, Figures: Figures{Days: []Day{}}}
	if line := e.line(id); line != nil {
		f.Name, f.Channel, f.Removed = line.Name(), string(line.Channel()), line.Now() == nil
	}
	return f
}

// count adds a tally to the total and, when it is of the days that are told, to its day.
func (f *Figures) count(t *eventlog.Tally, from int64) {
	f.Total.count(t)
	if t.Day < from {
		return
	}
	f.dayOf(time.Unix(t.Day*24*3600, 0).UTC().Format(time.DateOnly)).count(t)
}

func (f *Figures) dayOf(day string) *Day {
	at, found := slices.BinarySearchFunc(f.Days, day, func(d Day, day string) int { return cmp.Compare(day, d.Day) })
	if !found {
		f.Days = slices.Insert(f.Days, at, Day{Day: day})
	}
	return &f.Days[at]
}

func (c *Counts) count(t *eventlog.Tally) {
	ends := &c.First
	if t.Replayed {
		ends = &c.Replays
	}
	if figure := ends.of(t.Outcome); figure != nil {
		*figure += t.Count
	}
}

func (n *Ends) of(o eventlog.Outcome) *int64 {
	switch o {
	case eventlog.Matched:
		return &n.Matched
	case eventlog.Done:
		return &n.Delivered
	case eventlog.Confirmed:
		return &n.Confirmed
	case eventlog.Withheld:
		return &n.Withheld
	case eventlog.Dropped:
		return &n.Dropped
	case eventlog.Expired:
		return &n.Expired
	case eventlog.Discarded:
		return &n.Discarded
	case eventlog.Served:
		return &n.Served
	}
	return nil
}

// add adds another subscription's figures.
func (f *Figures) add(other *Figures) {
	n, o := &f.Now, &other.Now
	n.Pending, n.Waiting, n.Sending = n.Pending+o.Pending, n.Waiting+o.Waiting, n.Sending+o.Sending
	n.Leased, n.Retrying, n.Parked = n.Leased+o.Leased, n.Retrying+o.Retrying, n.Parked+o.Parked
	f.Total.add(&other.Total)
	for i := range other.Days {
		f.dayOf(other.Days[i].Day).add(&other.Days[i].Counts)
	}
}

func (c *Counts) add(other *Counts) {
	for o := eventlog.Done; o <= eventlog.Matched; o++ {
		*c.First.of(o) += *other.First.of(o)
		*c.Replays.of(o) += *other.Replays.of(o)
	}
}

// coming adds what the consumer has coming, by subscription.
func (c *consumer) coming(of func(id string) *Coming) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	for id, pending := range c.byLine {
		if pending > 0 {
			of(id).Pending += pending
		}
	}
	for _, l := range c.lanes {
		if l.head == nil {
			continue // being read from the disk
		}
		f := of(l.head.line.ID)
		f.Waiting += int64(len(l.queue))
		if l.disk != nil {
			f.Waiting += int64(l.disk.waiting())
		}
		switch c.ahead(l, "").State {
		case StateSending:
			f.Sending++
		case StateLeased:
			f.Leased++
		case StateRetrying:
			f.Retrying++
		case StateParked:
			f.Parked++
		}
	}
}

// waiting is how many wait behind the head, which may be one of the rows itself.
func (d *diskLane) waiting() int {
	if d.row.State == 0 && d.behind > 0 {
		return d.behind - 1
	}
	return d.behind
}

// older looks whether what a consumer has waited for longest is the system's oldest.
func (f *SystemFigures) older(e *Engine, book *revision.Consumer) {
	c := e.known(book)
	if c == nil || e.Pending(book.Name) == 0 {
		return
	}
	ev := c.oldest()
	if ev == nil || f.Oldest != nil && f.Oldest.Position <= ev.Position {
		return
	}
	if line := book.Match(ev); line != nil {
		f.Oldest = &Oldest{Position: ev.Position, Subscription: line.ID, Recorded: ev.Recorded}
	}
}
