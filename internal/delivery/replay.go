package delivery

import (
	"context"
	"maps"
	"slices"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

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
	if line.Windowed() {
		return nil, fault.New(fault.Conflict, "the subscription is asked for by window: its system asks for an earlier one")
	}
	if line.Channel() == subscription.Cursor {
		return nil, fault.New(fault.Conflict, "the subscription is read by cursor: its reader fetches with an older one")
	}
	return line, nil
}

// past visits what a filter selects of a subscription's past after a position. What was forgotten has no past.
func (e *Engine) past(ctx context.Context, line *revision.Line, f eventlog.Filter, after int64, visit func(*event.Event)) error {
	for after < f.UpTo {
		events, upTo, err := e.log.Read(ctx, after, min(routeRange, int(f.UpTo-after)))
		if err != nil || upTo <= after {
			return err
		}
		for _, ev := range events {
			if !e.expired(ev) && f.Selects(ev, line.Consumer.Lane(ev)) && line.Consumer.Match(ev) == line {
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
	if err := e.here(line.Consumer.System); err != nil {
		return eventlog.Pass{}, err
	}
	c := e.known(line.Consumer)
	if c == nil {
		return eventlog.Pass{}, fault.New(fault.Conflict, "nothing was ever for the subscription")
	}
	n, err := e.drawPass(ctx)
	if err != nil {
		return eventlog.Pass{}, err
	}
	p := &pass{Pass: eventlog.Pass{
		N: n, Consumer: c.id, Line: id, Author: author, Began: clock.Micros(e.clock.Now()),
		Filter: f, Rate: rate, Total: total, Place: f.After,
	}}
	if err := e.aimPass(ctx, p, c, line); err != nil {
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

// aimPass finds which lanes the pass will go through, and how far: what is not over yet comes by itself, and is not
// brought.
func (e *Engine) aimPass(ctx context.Context, p *pass, c *consumer, line *revision.Line) error {
	p.lanes = map[event.Lane]int64{}
	isNew, err := c.whatIsNew(ctx, p.Place, p.Filter.UpTo)
	if err != nil {
		return err
	}
	return e.past(ctx, line, p.Filter, p.Place, func(ev *event.Event) {
		if !isNew(ev) {
			p.lanes[c.book.Lane(ev)] = ev.Position
		}
	})
}

// whatIsNew tells, of the positions after one and up to another, what is not over yet, apart from what replays brought.
// A lane is in order, so its first that is not over says it of all behind. The consumer must have nothing uncommitted, or
// be one that runs: what is in memory is taken first and committed then, and the disk is read after that, so nothing
// falls between.
func (c *consumer) whatIsNew(ctx context.Context, after, upTo int64) (func(*event.Event) bool, error) {
	first := map[event.Lane]int64{}
	note := func(lane event.Lane, position int64) {
		if known, ok := first[lane]; !ok || position < known {
			first[lane] = position
		}
	}
	c.mu.Lock()
	for key, l := range c.lanes {
		if l.head != nil && l.head.pass == 0 && l.head.stage != settling {
			note(key, l.head.position)
		}
		if len(l.queue) > 0 {
			note(key, l.queue[0].position)
		}
	}
	read, settled := c.read, maps.Clone(c.settled)
	cut := c.cuts
	if c.touched {
		cut++
	}
	c.mu.Unlock()
	if err := c.committedBy(ctx, cut); err != nil {
		return nil, err
	}
	err := c.rest(ctx, after, upTo, func(w eventlog.Waiting) {
		if w.Pass == 0 {
			note(w.Lane, w.Position)
		}
	})
	return func(ev *event.Event) bool {
		from, waits := first[c.book.Lane(ev)]
		return waits && ev.Position >= from || ev.Position > read && !settled[ev.Position]
	}, err
}

// rest visits what stands on disk after a position and up to another.
func (c *consumer) rest(ctx context.Context, after, upTo int64, visit func(eventlog.Waiting)) error {
	for {
		rows, err := c.engine.store.Rest(ctx, c.id, after, restRange)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Position > upTo {
				return nil
			}
			visit(row)
			after = row.Position
		}
		if len(rows) < restRange {
			return nil
		}
	}
}

// tell writes the pass as it stands with the next cut, whose number it returns.
func (c *consumer) tell(p *pass) (cut int) {
	c.cut.Passes = append(c.cut.Passes, p.Pass)
	c.touch()
	return c.cuts + 1
}

// drawPass gives a replay its number, which no other has.
func (e *Engine) drawPass(ctx context.Context) (int64, error) {
	if e.opts.DrawPass != nil {
		return e.opts.DrawPass(ctx)
	}
	return e.lastPass.Add(1), nil
}

// resumePasses takes up the replays that went on when their consumers were left, before anything is sent.
func (e *Engine) resumePasses(ctx context.Context, a *arrival) error {
	newest, err := e.store.Passes(ctx, true, 1)
	if err != nil {
		return err
	}
	for _, p := range newest {
		e.lastPass.Store(max(p.N, e.lastPass.Load()))
	}
	under, err := e.store.Passes(ctx, false, 1<<20)
	if err != nil {
		return err
	}
	for _, stored := range under {
		line := e.line(stored.Line)
		if line == nil || a.byBook[line.Consumer] == nil {
			continue
		}
		c, p := a.byBook[line.Consumer], &pass{Pass: stored}
		if err := e.aimPass(ctx, p, c, line); err != nil {
			return err
		}
		c.mu.Lock()
		c.passes = append(c.passes, p)
		c.mu.Unlock()
		a.resumed = append(a.resumed, func() { e.runPass(c, p, line) })
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
