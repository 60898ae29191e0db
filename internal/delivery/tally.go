package delivery

import (
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
)

// tally counts deliveries of an instant, in the cut that has what is counted: both are committed together, so a figure is
// as true after a crash as the outcomes are (DESIGN promise 10).
func (c *consumer) tally(line string, at int64, outcome eventlog.Outcome, replayed bool, count int64) {
	c.cut.Tally(eventlog.Tally{Line: line, Day: eventlog.DayOf(at), Outcome: outcome, Replayed: replayed, Count: count})
}

// moved is which events a cursor moved over, by what comes of them when its reader comes back with it.
type moved struct {
	confirmed [2]int64 // of the first delivery; and those that a replay had put into lanes before the cursor
	fresh     [2]int64 // of these, not handed out before
	skipped   []skip   // withheld or expired
}

// skip is an event that a cursor moved over without showing it.
type skip struct {
	eventlog.Waiting
	outcome eventlog.Outcome
}

// over adds one event.
func (m *moved) over(w eventlog.Waiting, outcome eventlog.Outcome, fresh bool) {
	if outcome != eventlog.Confirmed {
		m.skipped = append(m.skipped, skip{w, outcome})
		return
	}
	m.confirmed[replayed(w.Pass)]++
	if fresh {
		m.fresh[replayed(w.Pass)]++
	}
}

// replayed is 1 for what a pass brought.
func replayed(pass int64) int {
	if pass != 0 {
		return 1
	}
	return 0
}

// add adds what was handed out in an answer after this one.
func (m *moved) add(other *moved) {
	for i := range m.confirmed {
		m.confirmed[i] += other.confirmed[i]
	}
	m.skipped = append(m.skipped, other.skipped...)
}

// shown reports whether there was anything to hand out.
func (m *moved) shown() bool { return m.confirmed[0]+m.confirmed[1] > 0 }

// tallyServed counts what was handed out to a cursor's reader for the first time.
func (c *consumer) tallyServed(m *moved) {
	at := clock.Micros(c.engine.clock.Now())
	for i := range m.fresh {
		c.tally(c.book.Line().ID, at, eventlog.Served, i == 1, m.fresh[i])
	}
}

// moveOver ends what a cursor's reader has come back with. What was not shown to it has a row in the attempts log.
func (c *consumer) moveOver(m *moved) {
	at, line := clock.Micros(c.engine.clock.Now()), c.book.Line().ID
	end := func(outcome eventlog.Outcome, kind int, count int64) {
		c.tally(line, at, outcome, kind == 1, count)
		c.pending -= count
		c.byLine[line] -= count
		if kind == 1 {
			c.replays -= count
		}
	}
	for i := range m.confirmed {
		end(eventlog.Confirmed, i, m.confirmed[i])
	}
	for _, s := range m.skipped {
		end(s.outcome, replayed(s.Pass), 1)
		c.cut.Attempts = append(c.cut.Attempts, eventlog.Attempt{Position: s.Position, Number: s.Attempts + 1, At: at, Outcome: s.outcome, Pass: s.Pass})
	}
}

// tallyRest counts all that the consumer still has coming as ended alike.
func (c *consumer) tallyRest(outcome eventlog.Outcome) {
	at := clock.Micros(c.engine.clock.Now())
	for line, pending := range c.byLine {
		replays := min(c.replays, max(0, pending)) // a consumer of several subscriptions has none left when it comes here
		c.tally(line, at, outcome, false, max(0, pending)-replays)
		c.tally(line, at, outcome, true, replays)
	}
	c.pending, c.replays = 0, 0
	clear(c.byLine)
}
