package delivery

import (
	"cmp"
	"slices"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// Observation is one attempt, for the operator's figures and log.
type Observation struct {
	System, Subscription string
	Position             int64
	Number               int          // 1 for the first
	Event                *event.Event // nil when it was not read
	Outcome              eventlog.Outcome
	Result               channel.Result // zero when nothing was sent
}

// observe passes an attempt on before its lane goes on; no lock is held.
func (e *Engine) observe(j job, v verdict) {
	if e.opts.Observe == nil {
		return
	}
	ev := v.event
	if ev == nil {
		ev = j.event
	}
	e.pass(Observation{
		System: j.d.lane.consumer.book.System, Subscription: j.d.line.ID, Position: j.d.position, Number: j.d.attempts + 1,
		Event: ev, Outcome: v.outcome, Result: v.result,
	})
}

// pass tells the operator's figures and log of attempts.
func (e *Engine) pass(seen ...Observation) {
	for _, o := range seen {
		if e.opts.Observe != nil {
			e.opts.Observe(o)
		}
	}
}

// standAs sets how a lane stands on disk, and keeps count of it.
func (c *consumer) standAs(l *lane, row eventlog.Blocked) {
	c.standing[l.disk.row.State]--
	c.standing[row.State]++
	l.disk.row = row
}

// Standing is what one system has coming and how its lanes on disk stand, from figures that are kept as it happens.
type Standing struct {
	System                     string
	Pending                    int64 // deliveries
	Retrying, Standing, Parked int   // lanes
}

// Standings lists the systems that have subscriptions, by name.
func (e *Engine) Standings() []Standing {
	bySystem := map[string]*Standing{}
	for _, c := range e.all() {
		c.mu.Lock()
		pending, standing, ended := max(0, c.pending), c.standing, c.ended
		c.mu.Unlock()
		s := bySystem[c.book.System]
		switch {
		case ended:
			continue
		case s == nil:
			s = &Standing{System: c.book.System}
			bySystem[c.book.System] = s
		}
		s.Pending += pending
		s.Retrying += standing[eventlog.Retrying]
		s.Standing += standing[eventlog.Standing]
		s.Parked += standing[eventlog.ParkedAt]
	}
	list := make([]Standing, 0, len(bySystem))
	for _, s := range bySystem {
		list = append(list, *s)
	}
	SortStandings(list)
	return list
}

// SortStandings puts them in the order that Standings lists them in.
func SortStandings(list []Standing) {
	slices.SortFunc(list, func(a, b Standing) int { return cmp.Compare(a.System, b.System) })
}

// Routed is the position up to which every event has been offered to its consumers.
func (e *Engine) Routed() int64 { return e.routed.Load() }
