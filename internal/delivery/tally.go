package delivery

import (
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
)

// tally counts deliveries that ended at an instant, in the cut that ends them: what is counted and what counts it are
// committed together, so a figure is as true after a crash as the outcomes are (DESIGN promise 10).
func (c *consumer) tally(line string, at int64, outcome eventlog.Outcome, replayed bool, count int64) {
	c.cut.Tally(eventlog.Tally{Line: line, Day: eventlog.DayOf(at), Outcome: outcome, Replayed: replayed, Count: count})
}

// moved is how many events a cursor moved over, by what comes of them when its reader comes back with it.
type moved [2]passedOver

// passedOver are those of the first delivery, or those that a replay had put into lanes before the cursor.
type passedOver struct {
	confirmed, withheld, expired int64
	fresh                        int64 // of the confirmed: not handed out before
}

// over adds one event.
func (m *moved) over(outcome eventlog.Outcome, replayed, fresh bool) {
	p := &m[0]
	if replayed {
		p = &m[1]
	}
	switch outcome {
	case eventlog.Withheld:
		p.withheld++
	case eventlog.Expired:
		p.expired++
	default:
		p.confirmed++
		if fresh {
			p.fresh++
		}
	}
}

func (m *moved) add(other *moved) {
	for i := range m {
		m[i].confirmed += other[i].confirmed
		m[i].withheld += other[i].withheld
		m[i].expired += other[i].expired
	}
}

func (p *passedOver) count() int64 { return p.confirmed + p.withheld + p.expired }

func (m *moved) count() int64 { return m[0].count() + m[1].count() }

// tallyServed counts what was handed out to a cursor's reader for the first time.
func (c *consumer) tallyServed(m *moved) {
	at := clock.Micros(c.engine.clock.Now())
	for i := range m {
		c.tally(c.book.Line().ID, at, eventlog.Served, i == 1, m[i].fresh)
	}
}

// tallyMoved counts what a cursor's reader has come back with.
func (c *consumer) tallyMoved(m *moved) {
	at, line := clock.Micros(c.engine.clock.Now()), c.book.Line().ID
	for i := range m {
		c.tally(line, at, eventlog.Confirmed, i == 1, m[i].confirmed)
		c.tally(line, at, eventlog.Withheld, i == 1, m[i].withheld)
		c.tally(line, at, eventlog.Expired, i == 1, m[i].expired)
	}
}

// tallyRest counts all that the consumer still has coming as ended alike.
func (c *consumer) tallyRest(outcome eventlog.Outcome) {
	at, line := clock.Micros(c.engine.clock.Now()), c.book.Line().ID
	replays := min(c.replays, max(0, c.pending))
	c.tally(line, at, outcome, false, max(0, c.pending)-replays)
	c.tally(line, at, outcome, true, replays)
	c.pending, c.replays = 0, 0
}
