package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// replayAhead bounds how many replayed deliveries of a pass stand in lanes at a time.
const replayAhead = 1024

// pass is a replay under way. It puts past events into their lanes, in order of position, as waiting rows: these are
// lower than anything new, so a lane has what is replayed first. Between the first and the last event that a lane gets,
// nothing new leaves it (DESIGN section 5): lanes says for each how far that is.
type pass struct {
	eventlog.Pass
	lanes   map[event.Lane]int64 // the last position that the pass has for a lane; a lane it has left is not in it
	left    int                  // put into lanes and not over
	waits   bool                 // for some of them to be over
	stopped bool
}

// ToReplay counts what a filter selects of a subscription's past, and fixes the filter's end. What is not over yet is
// counted too, and not repeated.
// Errors: fault.NotFound, fault.Conflict where a cursor reads: its reader goes back by itself.
func (e *Engine) ToReplay(ctx context.Context, id string, f eventlog.Filter) (eventlog.Filter, int64, error) {
	line, err := e.replayable(id)
	if err != nil {
		return f, 0, err
	}
	if routed := e.routed.Load(); f.UpTo == 0 || f.UpTo > routed {
		f.UpTo = routed
	}
	count := int64(0)
	err = e.past(ctx, line, f, f.After, func(*event.Event) { count++ })
	return f, count, err
}

func (e *Engine) replayable(id string) (*revision.Line, error) {
	line := e.line(id)
	if line == nil || line.Now() == nil {
		return nil, fault.New(fault.NotFound, "there is no subscription %q", id)
	}
	if line.Channel() == subscription.Cursor {
		return nil, fault.New(fault.Conflict, "the subscription is read by cursor: its reader fetches with an older one")
	}
	return line, nil
}

// past visits what a filter selects of a subscription's past after a position.
func (e *Engine) past(ctx context.Context, line *revision.Line, f eventlog.Filter, after int64, visit func(*event.Event)) error {
	for after < f.UpTo {
		events, upTo, err := e.log.Read(ctx, after, min(routeRange, int(f.UpTo-after)))
		if err != nil || upTo <= after {
			return err
		}
		for _, ev := range events {
			if f.Selects(ev) && line.Consumer.Match(ev) == line {
				visit(ev)
			}
		}
		after = upTo
	}
	return nil
}

// Replay begins a pass, and returns when that is committed. count is what ToReplay said, typed by whoever begins it.
// Errors: as ToReplay; fault.NothingSelected; fault.ReplayCount; fault.ShuttingDown.
func (e *Engine) Replay(ctx context.Context, id, author string, f eventlog.Filter, rate int, count int64) (eventlog.Pass, error) {
	f, total, err := e.ToReplay(ctx, id, f)
	switch {
	case err != nil:
		return eventlog.Pass{}, err
	case total == 0:
		return eventlog.Pass{}, fault.New(fault.NothingSelected, "no past event of the subscription is selected")
	case total != count:
		return eventlog.Pass{}, fault.New(fault.ReplayCount, "%d events are selected", total).With("count", total)
	}
	line := e.line(id)
	c := e.known(line.Consumer)
	if c == nil {
		return eventlog.Pass{}, fault.New(fault.Conflict, "nothing was ever for the subscription")
	}
	p := &pass{Pass: eventlog.Pass{
		N: e.lastPass.Add(1), Consumer: c.id, Line: id, Author: author, Began: clock.Micros(e.clock.Now()),
		Filter: f, Rate: rate, Total: total, Place: f.After,
	}}
	if err := e.aimPass(ctx, p, line); err != nil {
		return eventlog.Pass{}, err
	}
	err = e.log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{audit.Of(author, audit.Replay, string(revision.OfSubscription(id)), audit.Detail{Pass: p.N, Events: total})}})
	if err != nil {
		return eventlog.Pass{}, err
	}
	c.mu.Lock()
	begun := p.Pass
	if c.ended || c.mode != inLanes {
		c.mu.Unlock()
		return eventlog.Pass{}, fault.New(fault.Conflict, "the subscription is being changed")
	}
	c.passes = append(c.passes, p)
	cut := c.tell(p)
	c.mu.Unlock()
	e.runPass(c, p, line)
	return begun, c.committedBy(ctx, cut)
}

// aimPass finds which lanes the pass will go through.
func (e *Engine) aimPass(ctx context.Context, p *pass, line *revision.Line) error {
	p.lanes = map[event.Lane]int64{}
	return e.past(ctx, line, p.Filter, p.Place, func(ev *event.Event) { p.lanes[ev.Lane] = ev.Position })
}

// tell writes the pass as it stands with the next cut, whose number it returns.
func (c *consumer) tell(p *pass) (cut int) {
	c.cut.Passes = append(c.cut.Passes, p.Pass)
	c.touch()
	return c.cuts + 1
}

// resumePasses takes up the replays that went on when the process ended, before anything is sent.
func (e *Engine) resumePasses(ctx context.Context) error {
	newest, err := e.store.Passes(ctx, true, 1)
	if err != nil {
		return err
	}
	for _, p := range newest {
		e.lastPass.Store(p.N)
	}
	under, err := e.store.Passes(ctx, false, 1<<20)
	if err != nil {
		return err
	}
	for _, stored := range under {
		line := e.line(stored.Line)
		if line == nil || e.known(line.Consumer) == nil {
			continue
		}
		c, p := e.known(line.Consumer), &pass{Pass: stored}
		if err := e.aimPass(ctx, p, line); err != nil {
			return err
		}
		c.mu.Lock()
		c.passes = append(c.passes, p)
		c.mu.Unlock()
		e.resumed = append(e.resumed, func() { e.runPass(c, p, line) })
	}
	return nil
}

// StopReplay ends a pass where it is. What it has put into lanes already is delivered.
// Errors: fault.NotFound, fault.ShuttingDown.
func (e *Engine) StopReplay(ctx context.Context, n int64, actor string) error {
	c, p := e.underWay(n)
	if p == nil {
		return fault.New(fault.NotFound, "no replay %d is under way", n)
	}
	err := e.log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{audit.Of(actor, audit.StopReplay, string(revision.OfSubscription(p.Line)), audit.Detail{Pass: n})}})
	if err != nil {
		return err
	}
	c.mu.Lock()
	cut := c.cuts
	if p.Ended == 0 { // it may have come to its end by itself since
		p.stopped = true
		cut = c.endPass(p)
		c.pump()
	}
	c.mu.Unlock()
	return c.committedBy(ctx, cut)
}

// underWay finds a replay that goes on.
func (e *Engine) underWay(n int64) (*consumer, *pass) {
	for _, c := range e.all() {
		c.mu.Lock()
		at := slices.IndexFunc(c.passes, func(p *pass) bool { return p.N == n })
		if at >= 0 {
			defer c.mu.Unlock()
			return c, c.passes[at]
		}
		c.mu.Unlock()
	}
	return nil, nil
}

// Replays lists passes, newest first, at most limit.
func (e *Engine) Replays(ctx context.Context, ended bool, limit int) ([]eventlog.Pass, error) {
	return e.store.Passes(ctx, ended, limit)
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
	if len(c.passes) == 0 || l.head.pass != 0 || l.head.attempts > 0 {
		return false
	}
	for _, p := range c.passes {
		if last, ok := p.lanes[l.key]; ok && l.head.position > last {
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
	case c.ended || p.stopped || p.Ended != 0:
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
	for at := after; ; {
		rows, err := c.engine.store.Rest(c.engine.ctx, c.id, at, restRange)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			unfinished[row.Position] = true
			at = row.Position
		}
		if len(rows) < restRange || at >= upTo {
			break
		}
	}
	tried, err = c.engine.store.Tried(c.engine.ctx, c.id, after, upTo)
	return unfinished, tried, err
}

// putBack puts a stretch of a pass into lanes, and returns how many events that were.
func (c *consumer) putBack(p *pass, line *revision.Line, chosen []*event.Event, upTo int64, unfinished map[int64]bool, tried map[int64]int) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || p.stopped || p.Ended != 0 || c.mode != inLanes {
		return 0
	}
	var left []event.Lane
	for _, ev := range chosen {
		if !unfinished[ev.Position] {
			c.putBefore(ev, eventlog.Waiting{Lane: ev.Lane, Position: ev.Position, Line: line.ID, Pass: p.N, Attempts: tried[ev.Position]})
			count++
		}
		if p.lanes[ev.Lane] == ev.Position {
			delete(p.lanes, ev.Lane)
			left = append(left, ev.Lane)
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
func (c *consumer) putBefore(ev *event.Event, w eventlog.Waiting) {
	l := c.lanes[ev.Lane]
	if l == nil {
		l = &lane{consumer: c, key: ev.Lane, disk: &diskLane{}}
		c.lanes[ev.Lane] = l
	}
	if d := l.head; d != nil {
		switch {
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
	if l.head == nil {
		c.fetch(l)
	}
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
