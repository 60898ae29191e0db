package delivery

import (
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// sight is what memory has of one event at one consumer, at one moment.
type sight struct {
	known    bool
	byCursor bool
	read     int64 // of a cursor: confirmed; of lanes: looked at
	restUpTo int64
	served   [2]int64

	head     *Ahead // of the event's lane; the event itself, perhaps
	pausedBy []revision.Scope
	lent     int64 // when the head was, if it is leased
	queued   bool  // the event is in memory behind the head
	waits    bool  // its waiting row is on its way to the store
	passes   []int64

	attempts             []eventlog.Attempt // on their way to the store
	handedOut, confirmed int64              // readings on their way there
}

// see looks at an event in memory. It takes the consumer's lock and does no I/O.
func (e *Engine) see(ev *event.Event, line *revision.Line) (s sight) {
	c := e.known(line.Consumer)
	if c == nil {
		return s
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return s
	}
	s.known, s.read, s.restUpTo, s.served = true, c.read, c.restUpTo, c.served
	if c.live {
		s.read = max(s.read, e.routed.Load())
	}
	lane := c.book.Lane(ev)
	l := c.lanes[lane]
	s.byCursor = c.mode == byCursor || c.mode != inLanes && l == nil
	if l != nil {
		c.seeLane(&s, l, ev.Position)
	}
	for _, p := range c.passes {
		last, goes := p.lanes[lane]
		if goes && ev.Position <= last && ev.Position > p.Place && p.Line == line.ID && p.Filter.Selects(ev, lane) {
			s.passes = append(s.passes, p.N)
		}
	}
	for _, cut := range []*eventlog.Cut{c.cutting, c.cut} {
		if cut != nil {
			s.seeCut(cut, ev)
		}
	}
	return s
}

// seeLane looks at the head of the event's lane.
func (c *consumer) seeLane(s *sight, l *lane, position int64) {
	for _, d := range l.queue {
		s.queued = s.queued || d.position == position
	}
	for _, d := range l.company {
		if d.position == position {
			s.head = &Ahead{Position: position, State: StateSending, Attempts: d.attempts, Replay: d.pass}
			return
		}
	}
	if d := l.head; d != nil {
		why, by := c.engine.hold(d.line)
		if s.head = c.ahead(l, why); s.head.Why == WhyPaused {
			s.pausedBy = by
		}
		if lease := c.leases[d.position]; lease != nil {
			s.lent = clock.Micros(lease.began)
		}
	}
}

// ahead describes the head of a lane. why is what holds its outlet, if anything does.
func (c *consumer) ahead(l *lane, why string) *Ahead {
	d := l.head
	a := &Ahead{Position: d.position, State: StatePending, Attempts: d.attempts, Since: d.since, Status: d.status, Reason: d.reason, Replay: d.pass}
	var row eventlog.Blocked
	if l.disk != nil {
		row = l.disk.row
	}
	lease := c.leases[d.position]
	switch {
	case lease != nil:
		a.State, a.Due = StateLeased, clock.Micros(lease.until)
	case d.stage == settling:
		a.State = StateSending
	case d.stage == sending && !c.outlet(d.line).pulled:
		a.State = StateSending
	case row.State == eventlog.ParkedAt:
		a.State, a.Due = StateParked, row.Due
	case row.State == eventlog.Retrying:
		a.State, a.Due, a.Why = StateRetrying, row.Due, why
	case c.holdsBack(l):
		a.Why = WhyReplay
	case why == "" && c.outlet(d.line).pulled:
		a.Why = WhyNotFetched
	default:
		a.Why = why
	}
	return a
}

// seeCut looks for the event in what is not in the store yet.
func (s *sight) seeCut(cut *eventlog.Cut, ev *event.Event) {
	for i := range cut.Attempts {
		if cut.Attempts[i].Position == ev.Position {
			s.attempts = append(s.attempts, cut.Attempts[i])
		}
	}
	for i := range cut.Waiting {
		s.waits = s.waits || cut.Waiting[i].Position == ev.Position && cut.Waiting[i].Pass == 0
	}
	for i := range cut.Served {
		s.waits = s.waits && cut.Served[i].Position != ev.Position
	}
	for i := range cut.Readings {
		switch r := &cut.Readings[i]; {
		case r.UpTo < ev.Position:
		case r.Confirmed && s.confirmed == 0:
			s.confirmed = r.At
		case !r.Confirmed && s.handedOut == 0:
			s.handedOut = r.At
		}
	}
}

// holds says what keeps an endpoint from taking messages; "" for nothing.
func (ep *endpoint) holds(now time.Time) string {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	switch {
	case ep.state == rejecting:
		return WhyRejecting
	case ep.state == down:
		return WhyDown
	case now.Before(ep.until) || ep.inFlight >= ep.window:
		return WhyBusy
	}
	return ""
}
