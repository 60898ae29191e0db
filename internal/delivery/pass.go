package delivery

import (
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// replayAhead bounds how many replayed deliveries of a pass stand in lanes at a time.
const replayAhead = 1024

// pass is a replay under way. It puts past events into their lanes, in order of position, as waiting rows: these are
// lower than anything new, so a lane has what is replayed first. Until a lane has got the last event that the pass has for
// it, nothing new leaves it (DESIGN section 5): lanes says for each which that is.
type pass struct {
	eventlog.Pass
	lanes   map[event.Lane]int64 // the last position that the pass brings to a lane; a lane it has left is not in it
	left    int                  // put into lanes and not over
	waits   bool                 // for some of them to be over
	stopped bool
}

// endPass ends a pass, and lets its lanes go on.
func (c *consumer) endPass(p *pass) (cut int) {
	for i, other := range c.passes {
		if other == p {
			c.passes = append(c.passes[:i:i], c.passes[i+1:]...)
		}
	}
	p.Ended = max(1, clock.Micros(c.engine.clock.Now()))
	left := p.lanes
	p.lanes = nil
	for key := range left {
		c.letGo(key)
	}
	return c.tell(p)
}

// letGo makes the head of a lane ready that a pass held back.
func (c *consumer) letGo(key event.Lane) {
	if l := c.lanes[key]; l != nil && l.head != nil && l.head.stage == queued && !c.holdsBack(l) {
		c.makeReady(l)
	}
}

// holdsBack reports whether a pass has more for the lane, and so its head, which is new, may not go yet.
func (c *consumer) holdsBack(l *lane) bool {
	return c.comesLater(l.head)
}

// comesLater reports whether a delivery is new, and a pass has more for its lane.
func (c *consumer) comesLater(d *delivery) bool {
	if len(c.passes) == 0 || d.pass != 0 || d.attempts > 0 {
		return false
	}
	for _, p := range c.passes {
		if last, ok := p.lanes[d.lane.key]; ok && d.position > last {
			return true
		}
	}
	return false
}

func (e *Engine) runPass(c *consumer, p *pass, line *revision.Line) {
	if !e.begin() {
		return
	}
	go func() {
		defer e.end()
		for c.stepOn(p, line) {
		}
	}()
}

// stepOn puts the next stretch of a pass into lanes; false when there is no more to do now: the pass has ended, or will be
// taken up again by whoever makes room for it.
func (c *consumer) stepOn(p *pass, line *revision.Line) bool {
	e := c.engine
	after, upTo, state := c.stretch(p)
	switch state {
	case passEnds, passWaits:
		return false
	case passRests:
		e.clock.AfterFunc(readRetry, func() { e.runPass(c, p, line) })
		return false
	}
	var chosen []*event.Event
	stretch := p.Filter
	stretch.UpTo = upTo
	err := e.past(e.ctx, line, stretch, after, func(ev *event.Event) { chosen = append(chosen, ev) })
	var unfinished map[int64]bool
	var tried map[int64]int
	if err == nil && len(chosen) > 0 {
		unfinished, tried, err = c.notOver(after, upTo)
	}
	if err != nil {
		e.trouble("reading for replay "+c.book.Name, err)
		e.clock.AfterFunc(readRetry, func() { e.runPass(c, p, line) })
		return false
	}
	count := c.putBack(p, line, chosen, upTo, unfinished, tried)
	if p.Rate > 0 && count > 0 {
		e.clock.AfterFunc(time.Duration(count)*time.Second/time.Duration(p.Rate), func() { e.runPass(c, p, line) })
		return false
	}
	return true
}

type passState uint8

const (
	passGoes  passState = iota
	passEnds            // it is through, or stopped
	passWaits           // enough of it stands in lanes
	passRests           // the consumer has not come so far itself
)

// stretch says which positions are next.
func (c *consumer) stretch(p *pass) (after, upTo int64, state passState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended || c.hold.over() || p.stopped || p.Ended != 0:
		return 0, 0, passEnds
	case c.mode != inLanes || p.Place >= p.Filter.UpTo:
		c.endPass(p)
		c.pump()
		return 0, 0, passEnds
	case p.left >= c.engine.opts.ReplayAhead:
		p.waits = true
		return 0, 0, passWaits
	case p.Place >= c.read:
		return 0, 0, passRests
	}
	reach := int64(routeRange)
	if p.Rate > 0 {
		reach = min(reach, int64(max(1, p.Rate)))
	}
	return p.Place, min(p.Place+min(reach, int64(c.engine.opts.ReplayAhead)), p.Filter.UpTo, c.read), passGoes
}

// notOver finds what of a stretch is not over, in memory or on disk, and how often each was tried. What it knew in memory
// is committed before the disk is read, so nothing falls between.
func (c *consumer) notOver(after, upTo int64) (unfinished map[int64]bool, tried map[int64]int, err error) {
	c.mu.Lock()
	unfinished = c.window.unsettled(after, upTo)
	for _, l := range c.lanes {
		if l.head != nil && l.head.position > after && l.head.position <= upTo {
			unfinished[l.head.position] = true
		}
	}
	c.touch()
	cut := c.cuts + 1
	c.mu.Unlock()
	if err := c.committedBy(c.engine.ctx, cut); err != nil {
		return nil, nil, err
	}
	err = c.rest(c.engine.ctx, after, upTo, func(w eventlog.Waiting) { unfinished[w.Position] = true })
	if err != nil {
		return nil, nil, err
	}
	tried, err = c.engine.store.Tried(c.engine.ctx, c.id, after, upTo)
	return unfinished, tried, err
}

// putBack puts a stretch of a pass into lanes, and returns how many events that were.
func (c *consumer) putBack(p *pass, line *revision.Line, chosen []*event.Event, upTo int64, unfinished map[int64]bool, tried map[int64]int) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.hold.over() || p.stopped || p.Ended != 0 || c.mode != inLanes {
		return 0
	}
	var left []event.Lane
	for _, ev := range chosen {
		lane := c.book.Lane(ev)
		last, more := p.lanes[lane]
		if more && !unfinished[ev.Position] {
			c.putBefore(eventlog.Waiting{Lane: lane, Position: ev.Position, Line: line.ID, Pass: p.N, Attempts: tried[ev.Position]})
			count++
		}
		if more && last == ev.Position {
			delete(p.lanes, lane)
			left = append(left, lane)
		}
	}
	p.Place, p.Done, p.left = upTo, p.Done+int64(count), p.left+count
	c.tell(p)
	for _, key := range left {
		c.letGo(key)
	}
	c.pump()
	return count
}

// putBefore makes an event wait at its place in its lane, before everything that is new there.
func (c *consumer) putBefore(w eventlog.Waiting) {
	l := c.lanes[w.Lane]
	if l == nil {
		l = &lane{consumer: c, key: w.Lane, disk: &diskLane{}}
		c.lanes[w.Lane] = l
	}
	if d := l.head; d != nil {
		switch {
		case d.spilled():
			c.unspill(d)
		case l.disk != nil && l.disk.row.State != 0, d.stage == settling:
			c.toDisk(l) // the head was there before
		case d.stage == sending:
			if l.disk == nil {
				c.spill(l)
			}
		default: // nothing of it has left: it waits its turn behind what is replayed
			c.toDisk(l)
			if d.slot >= 0 {
				c.held--
				c.wait(d)
			}
			l.head = nil
		}
	}
	l.disk.behind++
	l.disk.next, l.disk.ripe = nil, c.cuts+1
	c.cut.Waiting = append(c.cut.Waiting, w)
	c.pending++
	c.replays++
	c.byLine[w.Line]++
	c.tally(w.Line, clock.Micros(c.engine.clock.Now()), eventlog.Matched, true, 1)
	if l.head == nil {
		c.fetch(l)
	}
}

// spilled reports whether a head stands on disk and nothing of it has left: it waited for its endpoint, or for a pass.
func (d *delivery) spilled() bool {
	return d.lane.disk != nil && d.lane.disk.row.State == eventlog.Standing && d.attempts == 0 && d.stage <= ready
}

// unspill makes a spilled head the first of what waits, so that it has its turn behind what is replayed. Its rows change
// places in one cut.
func (c *consumer) unspill(d *delivery) {
	l := d.lane
	c.cut.Unblocked = append(c.cut.Unblocked, l.key)
	c.standAs(l, eventlog.Blocked{})
	l.disk.behind++
	c.cut.Waiting = append(c.cut.Waiting, eventlog.Waiting{Lane: l.key, Position: d.position, Line: d.line.ID, Pass: d.pass})
	l.head = nil
}

// replayed notes that a replayed delivery is over.
func (c *consumer) replayed(d *delivery) {
	for _, p := range c.passes {
		if p.N != d.pass {
			continue
		}
		p.left--
		if p.waits && p.left < c.engine.opts.ReplayAhead {
			p.waits = false
			c.engine.runPass(c, p, d.line)
		}
	}
}
