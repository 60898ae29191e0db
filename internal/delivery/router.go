package delivery

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// routeRange is how far the router reads at a time.
const routeRange = 512

// route follows the log's tail: it matches every event once against the index of subscriptions and offers it to the
// consumers it is for. Thousands of subscriptions that an event is not for cost nothing. It goes on counting for
// consumers that are stopped or behind, so their pending figures are true.
func (e *Engine) route() {
	var lines []*revision.Line
	rested := e.routed.Load()
	for {
		grown := e.log.Grown()
		e.welcome()
		e.followRevisions()
		for e.routed.Load() < e.log.Head() && e.ctx.Err() == nil {
			events, upTo, err := e.log.Read(e.ctx, e.routed.Load(), routeRange)
			if err != nil {
				e.trouble("reading the tail of the log", err)
				break
			}
			for _, ev := range events {
				lines = e.offer(ev, lines[:0])
			}
			e.routed.Store(upTo)
			e.followRevisions()
			e.passed.Signal()
		}
		if routed := e.routed.Load(); routed-rested > idlePosition {
			rested = routed
			for _, c := range e.all() {
				c.keepUp(routed)
			}
		}
		if e.log.Healthy() {
			e.resume()
		}
		e.active.Add(-1)
		select {
		case <-grown:
			e.active.Add(1)
		case <-e.called:
			e.active.Add(1)
		case <-e.ctx.Done():
			e.active.Add(1)
			return
		}
	}
}

// offer hands one event to its consumers. The lines are collected first: the book is not held while consumers act.
func (e *Engine) offer(ev *event.Event, lines []*revision.Line) []*revision.Line {
	e.book.Route(ev, func(l *revision.Line) {
		if !l.Windowed() {
			lines = append(lines, l)
		}
	})
	for _, l := range lines {
		if c := e.consumerOf(l.Consumer); c != nil {
			c.offer(ev, l)
		}
	}
	return lines
}

// resume lets every consumer go on that stopped because outcomes could not be committed.
func (e *Engine) resume() {
	e.mu.Lock()
	waiting := e.crowded
	e.crowded = nil
	e.mu.Unlock()
	for _, c := range waiting {
		c.mu.Lock()
		c.pump()
		c.mu.Unlock()
	}
}

// consumerOf returns the engine's consumer; one that a revision has just made is read from the store.
func (e *Engine) consumerOf(book *revision.Consumer) *consumer {
	e.mu.Lock()
	c := e.consumers[book]
	e.mu.Unlock()
	if c != nil {
		return c
	}
	h := e.held(book.System)
	if h == nil || !h.settled() {
		return nil // another node's, or on its way here: then it is counted when it is here
	}
	known, err := e.store.TakeUp(e.ctx, h.token, book.Name)
	if err != nil || len(known) == 0 {
		e.trouble("taking up the new consumer "+book.Name, err)
		return nil
	}
	c = newConsumer(e, book, &known[0], h)
	if err := e.begins(c, &known[0]); err != nil {
		e.trouble("counting for the new consumer "+book.Name, err)
		return nil
	}
	if !e.adoptUnder(h, book.System, c) {
		return nil
	}
	e.fresh = append(e.fresh, c) // its subscription may have been removed already, further up the log
	return c
}

// begins lets a new consumer begin at the log's tail, where the router stands. Where the router has gone on without it,
// since its system's consumers were on their way here, that is counted first, and it reads it by itself.
func (e *Engine) begins(c *consumer, k *eventlog.Consumer) error {
	routed := e.routed.Load()
	if e.whole != nil || k.Counted >= routed {
		c.live = c.mode == inLanes
		return nil
	}
	c.missed = routed
	a := &arrival{byBook: map[*revision.Consumer]*consumer{c.book: c}, counted: k.Counted}
	return e.countOn(e.ctx, a, routed)
}

// adoptUnder has a consumer under a holding, unless that is over.
func (e *Engine) adoptUnder(h *holding, system string, c *consumer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h != e.whole && e.holdings[system] != h {
		return false
	}
	e.consumers[c.book] = c
	e.bySystem[c.book.System] = append(e.bySystem[c.book.System], c)
	return true
}

// followRevisions makes the consumers follow what was configured since the last look.
func (e *Engine) followRevisions() {
	fresh := e.fresh
	e.fresh = nil
	for _, c := range fresh {
		e.reconfigure(c)
	}
	systems, everyone, last := e.book.ChangedSince(e.seen)
	if last == e.seen {
		return
	}
	e.seen = last
	if everyone {
		for _, c := range e.all() {
			e.reconfigure(c)
		}
		return
	}
	for _, system := range systems {
		e.takeUpPulled(system)
		e.mu.Lock()
		list := append([]*consumer(nil), e.bySystem[system]...)
		e.mu.Unlock()
		for _, c := range list {
			e.reconfigure(c)
		}
	}
}

// takeUpPulled makes the consumers of what a system fetches at once: its receiver may come before the first event.
func (e *Engine) takeUpPulled(system string) {
	set, _ := e.book.Subscriptions(system)
	for _, s := range set {
		if line := e.book.Line(s.ID); line != nil && s.Pulled() && !line.Windowed() {
			e.consumerOf(line.Consumer)
		}
	}
}

// reconfigure lets a consumer follow the configuration. One whose subscription was removed ends when the router has
// offered it all that was for it before, so that what is dropped is counted whole.
func (e *Engine) reconfigure(c *consumer) {
	switch at := c.book.RemovedAt(); {
	case at == 0:
		c.reconfigure()
	case at <= e.routed.Load():
		c.finishEnded()
	default:
		e.fresh = append(e.fresh, c)
	}
}

// finishEnded ends the consumer of a removed subscription: what it had left is dropped, and counted (DESIGN promise 9).
// What ended before and is not committed yet stays as it ended.
func (c *consumer) finishEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	ended := *c.cut
	c.cut.Reset()
	c.cut.Attempts, c.cut.Tallies, c.cut.Readings = ended.Attempts, ended.Tallies, ended.Readings
	c.cut.Ended, c.cut.Dropped = true, max(0, c.pending)
	c.tallyRest(eventlog.Dropped)
	c.lanes, c.waiting, c.window, c.leases, c.passes = nil, nil, window{}, nil, nil
	c.held = 0
	clear(c.standing[:])
	c.touch()
}
