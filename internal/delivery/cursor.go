package delivery

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/subscription"
)

// restRange is how many rows of what was left over are read at a time.
const restRange = 512

// keptPages bounds how many answers are remembered, so that confirming the last of them needs no count.
const keptPages = 16

// page is what one answer held: from where its reader stood to where it stands with it, and the events that were for it.
type page struct {
	from, to eventlog.Cursor
	moved    moved
}

// Visit takes one event of a fetch with its message, which holds until Visit returns, and the cursor of a reader that has it.
type Visit func(e *event.Event, message []byte, at eventlog.Cursor) error

// Fetch reads what is for a subscription in order, from where its reader says it stands, and returns where it stands
// after that: behind the last event, or behind everything there was when the read began (DESIGN promise 7). It visits at
// most limit events, one at a time. When there is nothing it waits that long for something. A nil from goes on where the
// hub knows the reader to stand.
//
// Coming back with a cursor confirms what is before it: that is not pending any more. With an older one the reader gets
// again what it had, and nothing is unconfirmed.
// Errors: fault.NotFound, fault.Conflict when it is not read by cursor, fault.FetchPaused, fault.BadCursor,
// fault.LogRewound, fault.ShuttingDown, and what visit returns.
func (e *Engine) Fetch(ctx context.Context, id string, from *eventlog.Cursor, limit int, wait time.Duration, visit Visit) (eventlog.Cursor, error) {
	c, err := e.pulledBy(ctx, id, subscription.Cursor)
	if err != nil {
		return eventlog.Cursor{}, err
	}
	if err := e.Reached(ctx, e.log.Head()); err != nil { // what was answered as accepted is there to be had
		return eventlog.Cursor{}, fault.Wrap(fault.ShuttingDown, err, "gave up reading")
	}
	at, err := c.stand(ctx, from)
	if err != nil {
		return eventlog.Cursor{}, err
	}
	f := fetch{consumer: c, began: at, at: at, served: c.servedUpTo(), left: limit, visit: visit}
	over, stop := e.after(wait)
	defer stop()
	for {
		passed := e.passed.Wait()
		if err := f.read(ctx); err != nil {
			return f.at, err
		}
		if f.changed || f.left < limit || e.routed.Load() > f.at.Position {
			break
		}
		select {
		case <-passed:
			continue
		case <-over:
		case <-ctx.Done():
		case <-e.ctx.Done():
		}
		break
	}
	c.handedOut(page{from: f.began, to: f.at, moved: f.moved})
	return f.at, nil
}

// fetch is one read under way.
type fetch struct {
	consumer  *consumer
	began, at eventlog.Cursor
	served    [2]int64 // what the reader was handed out before: consumer.served
	left      int
	moved     moved                      // matched events that the cursor has moved over, whether they were shown or not
	standing  map[int64]eventlog.Waiting // what was left over above the watermark: it comes at its place in the log
	changed   bool                       // the channel was, meanwhile: what comes from here on goes another way, and may be on it
	visit     Visit
	message   []byte // the last one's memory is that of the next
}

// read visits what there is now: first what was left over below the watermark, then the log. What a crash in the middle of
// a change left over above the watermark comes at its place in the log: a cursor there says whether its reader has it.
func (f *fetch) read(ctx context.Context) error {
	c := f.consumer
	for f.at.Rest && f.left > 0 && !f.changed {
		rows, err := c.engine.store.Rest(ctx, c.id, f.at.Position, min(restRange, f.left))
		if err != nil {
			return err
		}
		read := c.readUpTo()
		if above := slices.IndexFunc(rows, func(w eventlog.Waiting) bool { return w.Position > read }); above >= 0 {
			rows = rows[:above]
		}
		if len(rows) == 0 {
			f.at = c.engine.log.Cursor(read, false)
		}
		for _, row := range rows {
			if _, f.changed = c.holds(row.Position); f.changed {
				return nil
			}
			if err := f.take(ctx, row); err != nil {
				return err
			}
		}
	}
	// The end is fixed first. What is behind it has been counted by the router, and nothing before it can change.
	end := c.engine.routed.Load()
	if err := f.readStanding(ctx, end); err != nil {
		return err
	}
	log := ahead{engine: c.engine, at: f.at.Position, end: end}
	for f.left > 0 && f.at.Position < end {
		r := log.next(ctx, f.left)
		if r.err != nil {
			return r.err
		}
		if err := f.takeAll(r.events); err != nil || f.changed {
			return err
		}
		if f.left > 0 {
			f.at.Position = r.upTo
		}
	}
	return nil
}

// readStanding reads what was left over above the watermark.
func (f *fetch) readStanding(ctx context.Context, upTo int64) error {
	clear(f.standing)
	if f.at.Rest || f.left == 0 || !f.consumer.tookUp() {
		return nil
	}
	return f.consumer.rest(ctx, f.at.Position, upTo, func(w eventlog.Waiting) {
		if f.standing == nil {
			f.standing = map[int64]eventlog.Waiting{}
		}
		f.standing[w.Position] = w
	})
}

// take visits one event that was left over.
func (f *fetch) take(ctx context.Context, row eventlog.Waiting) error {
	ev, err := f.consumer.engine.log.At(ctx, row.Position)
	f.at.Position = row.Position
	if err != nil {
		return err
	}
	return f.show(ev, row)
}

func (f *fetch) takeAll(events []*event.Event) error {
	for _, ev := range events {
		if f.left == 0 {
			return nil
		}
		over := false
		if over, f.changed = f.consumer.holds(ev.Position); f.changed {
			return nil
		}
		f.at.Position = ev.Position
		w, stands := f.standing[ev.Position]
		if !stands {
			if over || f.consumer.book.Match(ev) == nil {
				continue
			}
			w.Position = ev.Position
		}
		if err := f.show(ev, w); err != nil {
			return err
		}
	}
	return nil
}

// fate is what a cursor that moves over an event makes of it, now (DESIGN promise 8).
func (c *consumer) fate(ev *event.Event) eventlog.Outcome {
	switch s := c.book.Subscription(); {
	case s == nil || !c.engine.book.GrantsNow(s.System, ev):
		return eventlog.Withheld
	case c.engine.expired(ev):
		return eventlog.Expired
	}
	return eventlog.Confirmed
}

// largeMessage is whose memory is not kept for the next, in bytes.
const largeMessage = 256 << 10

// show visits an event if it may be had now.
func (f *fetch) show(ev *event.Event, w eventlog.Waiting) error {
	c := f.consumer
	fate := c.fate(ev)
	if fate != eventlog.Confirmed {
		f.moved.over(w, fate, false)
		return nil
	}
	s := c.book.Subscription()
	if s == nil {
		return nil
	}
	message, err := c.engine.opts.Append(f.message[:0], ev, s)
	if err != nil {
		return fault.Wrap(fault.InvalidMessage, err, "the event at position %d cannot be rendered", ev.Position)
	}
	if f.message = message; cap(message) > largeMessage {
		f.message = nil
	}
	f.left--
	f.moved.over(w, fate, f.at.Position > f.served[part(f.at.Rest)])
	return f.visit(ev, message, f.at)
}

func (c *consumer) servedUpTo() [2]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// part is the half of what a cursor reads: the log, or what was left over.
func part(rest bool) int {
	if rest {
		return 1
	}
	return 0
}

// tookUp reports whether something above the watermark is known to be over or on disk, from before a crash.
func (c *consumer) tookUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.settled) > 0
}

// isOver reports whether a position above the watermark ended by the way of before, or is on disk (after a crash in the
// middle of a change of channel).
func (c *consumer) isOver(position int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settled[position]
}

// holds reports whether a position is over, as isOver does, and whether the cursor's reader has it coming no more: the
// channel was changed, and what isOver says is about the other way's lanes.
func (c *consumer) holds(position int64) (over, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settled[position], c.mode != byCursor
}

func (c *consumer) readUpTo() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

// stand says where a read begins, and confirms what is before it.
func (c *consumer) stand(ctx context.Context, from *eventlog.Cursor) (eventlog.Cursor, error) {
	if err := c.untilRead(ctx); err != nil {
		return eventlog.Cursor{}, err
	}
	if from == nil {
		return c.engine.log.Cursor(0, true), nil
	}
	at, err := c.engine.log.Resolve(*from)
	if fault.Has(err, fault.LogRewound) && c.engine.opts.Shared {
		// It may be of another node, which has the system no more, and has read further than this one.
		if err := c.engine.log.CatchUp(ctx); err != nil {
			return at, err
		}
		at, err = c.engine.log.Resolve(*from)
	}
	if err != nil {
		return at, err
	}
	return at, c.confirm(ctx, at)
}

// untilRead waits until a change of channel is carried out.
func (c *consumer) untilRead(ctx context.Context) error {
	for {
		recorded := c.recorded.Wait()
		c.mu.Lock()
		moving, lost := c.mode != byCursor, c.lost
		c.mu.Unlock()
		if lost {
			return notHere(c.book.System)
		}
		if !moving {
			return nil
		}
		select {
		case <-recorded:
		case <-ctx.Done():
			return fault.New(fault.ShuttingDown, "the change to reading by cursor is not carried out yet")
		case <-c.engine.ctx.Done():
			return fault.New(fault.ShuttingDown, "the hub is stopping")
		}
	}
}

// confirm moves the watermark to where the reader stands, and takes what it has off the pending figure.
func (c *consumer) confirm(ctx context.Context, at eventlog.Cursor) error {
	c.mu.Lock()
	if at.Rest {
		at.Position = min(at.Position, c.read) // what is left over above comes with the log
	}
	if c.confirmed(at) {
		c.mu.Unlock()
		return nil
	}
	over, known := c.turnPages(at)
	rest, read := c.restUpTo, c.read
	c.mu.Unlock()
	if !known {
		var err error
		if over, err = c.countUpTo(ctx, at, rest, read); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.mode != byCursor || c.confirmed(at) || c.restUpTo != rest || c.read != read {
		return nil // another request of the same reader was faster
	}
	c.restUpTo = at.Position
	c.cut.Confirmed = max(c.cut.Confirmed, at.Position)
	c.moveOver(&over)
	if !known {
		c.tallyServed(&over) // it was handed out in an earlier life, which did not come to say so
		c.reach(at)
	}
	c.cut.Read(eventlog.Reading{UpTo: at.Position, Rest: at.Rest, At: clock.Micros(c.engine.clock.Now()), Confirmed: true})
	if !at.Rest {
		c.read = at.Position
		maps.DeleteFunc(c.settled, func(position int64, _ bool) bool { return position <= c.read })
		if c.read >= c.counted {
			c.tallyRest(eventlog.Expired) // it has all there is; the rest was forgotten before it was read
		}
	}
	c.touch()
	return nil
}

// confirmed reports whether a cursor stands no further than the reader is known to.
func (c *consumer) confirmed(at eventlog.Cursor) bool {
	if at.Rest {
		return at.Position <= c.restUpTo
	}
	return at.Position < c.read || at.Position == c.read && c.restUpTo >= at.Position
}

// handedOut remembers an answer, when it goes on from the one before or from where the reader is known to stand.
func (c *consumer) handedOut(p page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.high = max(c.high, p.to.Position)
	if p.moved.shown() && !c.ended {
		c.tallyServed(&p.moved)
		c.reach(p.to)
		c.cut.Read(eventlog.Reading{UpTo: p.to.Position, Rest: p.to.Rest, At: clock.Micros(c.engine.clock.Now())})
		c.touch()
	}
	n := len(c.pages)
	switch {
	case n == keptPages:
		c.pages = c.pages[:0]
	case n > 0 && c.pages[n-1].to == p.from,
		n == 0 && p.from.Rest && p.from.Position <= c.restUpTo,
		n == 0 && !p.from.Rest && p.from.Position == c.read && c.restUpTo >= c.read:
		c.pages = append(c.pages, p)
	}
}

// reach notes how far the reader was handed out to.
func (c *consumer) reach(to eventlog.Cursor) {
	at := &c.served[part(to.Rest)]
	*at = max(*at, to.Position)
}

// turnPages counts the events of the answers that a cursor confirms, and forgets them; known is false when the cursor is
// not the end of one of them.
func (c *consumer) turnPages(at eventlog.Cursor) (over moved, known bool) {
	for i := range c.pages {
		over.add(&c.pages[i].moved)
		if c.pages[i].to == at {
			c.pages = slices.Delete(c.pages, 0, i+1)
			return over, true
		}
	}
	c.pages = c.pages[:0]
	return moved{}, false
}

// countUpTo counts what a cursor has of what the reader was not known to have, by reading it.
func (c *consumer) countUpTo(ctx context.Context, at eventlog.Cursor, rest, read int64) (over moved, err error) {
	served := c.servedUpTo()
	err = c.rest(ctx, rest, at.Position, func(w eventlog.Waiting) {
		fate := eventlog.Expired
		if ev, err := c.engine.log.At(ctx, w.Position); err == nil {
			fate = c.fate(ev)
		}
		over.over(w, fate, w.Position > served[part(w.Position <= read)])
	})
	for err == nil && !at.Rest && read < at.Position {
		events, upTo, err := c.engine.log.Read(ctx, read, min(routeRange, int(at.Position-read)))
		if err != nil {
			return over, err
		}
		for _, ev := range events {
			if c.book.Match(ev) != nil && !c.isOver(ev.Position) {
				over.over(eventlog.Waiting{Position: ev.Position}, c.fate(ev), ev.Position > served[0])
			}
		}
		read = upTo
	}
	return over, err
}
