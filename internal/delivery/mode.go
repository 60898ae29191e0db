package delivery

import (
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/subscription"
)

// mode is how a consumer holds what it has coming: in lanes, whether they are pushed or leased from a queue; or not at
// all while a cursor reads the log for it. Then its watermark is where its reader said it stands, and what its lanes had
// left over is on disk, for the reader to have first.
type mode uint8

const (
	inLanes  mode = iota
	toCursor      // nothing new is admitted; what is in flight ends, everything else goes to disk
	byCursor
	toLanes // what stands on disk is read back
)

// follow takes up a change of channel. It is a change from here on: what is unfinished leaves by the new way first, and
// only what is in flight or not acknowledged repeats (DESIGN section 5).
func (c *consumer) follow(want subscription.Channel) {
	if c.ended || want == c.channel {
		return
	}
	c.channel = want
	c.watch()
	c.revoke()
	switch {
	case want == subscription.Cursor:
		c.leaveLanes()
	case c.mode == byCursor || c.mode == toCursor:
		c.mode = toLanes
		c.touch()
	default:
		c.dueNow()
	}
}

// dueNow makes heads due that waited for another attempt at the endpoint of before.
func (c *consumer) dueNow() {
	c.slots = firstSlots
	if c.channel == subscription.Queue {
		c.slots = queueSlots
	}
	for _, l := range c.lanes {
		if l.head != nil && l.head.stage == blocked && l.disk.row.State == eventlog.Retrying {
			c.releaseHead(l)
		}
	}
}

// leaveLanes puts every lane on disk. A head in flight is there too, until its outcome takes it away.
func (c *consumer) leaveLanes() {
	if c.mode == inLanes {
		c.mode, c.live = toCursor, false
		for _, l := range c.lanes {
			c.leave(l)
		}
	}
	if c.mode == toLanes {
		c.mode = toCursor
	}
	c.touch()
}

func (c *consumer) leave(l *lane) {
	switch {
	case l.disk != nil:
	case l.head.stage != settling:
		c.spill(l)
	case len(l.queue) > 0:
		c.toDisk(l)
	}
}

// moveOn ends a move between lanes and cursor once nothing of the old way is under way: no goroutine reads, nothing is in
// flight, and everything is committed.
func (c *consumer) moveOn() {
	if c.mode == inLanes || c.mode == byCursor {
		return
	}
	if c.reading || len(c.settling) > 0 || !c.cut.Empty() || c.sends() {
		if !c.cut.Empty() {
			c.touch()
		}
		return
	}
	c.forgetLanes()
	if c.mode == toCursor {
		c.mode = byCursor
		return
	}
	if !c.engine.begin() {
		return
	}
	c.reading = true
	go func() {
		defer c.engine.end()
		c.readBack()
	}()
}

func (c *consumer) sends() bool {
	for _, l := range c.lanes {
		if l.head != nil && (l.head.stage == sending || l.head.stage == settling) {
			return true
		}
	}
	return false
}

// forgetLanes lets go of what is all on disk. A replay ends with them: its reader goes back by itself from now on.
func (c *consumer) forgetLanes() {
	for len(c.passes) > 0 {
		c.endPass(c.passes[0])
	}
	for _, o := range c.outlets {
		c.forsake(o.endpoint)
	}
	c.lanes, c.outlets, c.waiting, c.window = map[event.Lane]*lane{}, map[string]*outlet{}, nil, window{}
	c.held, c.starved, c.pages, c.restUpTo = 0, nil, nil, 0
	clear(c.standing[:])
}

// readBack takes the lanes up from the disk, as after a start.
func (c *consumer) readBack() {
	known, err := c.engine.store.Consumers(c.engine.ctx, c.book.Name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if c.ended || c.mode != toLanes {
		c.moveOn() // it was changed again meanwhile
		return
	}
	if err != nil || len(known) == 0 {
		c.engine.trouble("taking up the lanes of "+c.book.Name, err)
		c.engine.clock.AfterFunc(readRetry, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.moveOn()
		})
		return
	}
	k := &known[0]
	c.mode, c.settled = inLanes, k.Settled
	c.read = k.Low - 1
	c.engine.putBack(c, k)
	c.dueNow()
	c.pump()
	c.readOn()
}

// forsake gives up probing an endpoint that nothing of this consumer's goes to any more.
func (c *consumer) forsake(ep *endpoint) {
	if ep == nil || !ep.forsakenBy(c) || !c.engine.begin() {
		return
	}
	go func() {
		defer c.engine.end()
		c.engine.wake(ep)
	}()
}

// forsakenBy lets another consumer probe; it reports whether this one did.
func (ep *endpoint) forsakenBy(c *consumer) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.prober == nil || ep.prober.consumer != c {
		return false
	}
	ep.prober = nil
	return true
}

// lookEvery is how often the age of what waits to be fetched is looked at.
const lookEvery = time.Minute

// watch looks from time to time whether what is to be fetched is (S59).
func (c *consumer) watch() {
	if c.watched || c.channel != subscription.Queue && c.channel != subscription.Cursor {
		return
	}
	c.watched = true
	c.engine.clock.AfterFunc(lookEvery, func() {
		if !c.engine.begin() {
			return
		}
		defer c.engine.end()
		c.look()
	})
}

func (c *consumer) look() {
	oldest := c.oldest()
	s := c.book.Subscription()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = false
	if c.ended || s == nil {
		return
	}
	defer c.watch()
	if oldest == nil || c.engine.clock.Now().Sub(clock.FromMicros(oldest.Recorded)) < s.Patience() {
		c.told = false
		return
	}
	if !c.told {
		c.told = true
		c.engine.tell(Notice{Kind: NotFetched, System: c.book.System, Subscription: s.ID, Position: oldest.Position, At: oldest.Recorded})
	}
}

// oldest is the first event that waits to be fetched, or nil.
func (c *consumer) oldest() *event.Event {
	c.mu.Lock()
	position, mode, read, pending := int64(0), c.mode, c.read, c.pending
	for _, l := range c.lanes {
		if l.head != nil && l.head.stage != settling && (position == 0 || l.head.position < position) {
			position = l.head.position
		}
	}
	c.mu.Unlock()
	e := c.engine
	if mode == byCursor && pending > 0 {
		if rest, err := e.store.Rest(e.ctx, c.id, 0, 1); err == nil && len(rest) > 0 {
			position = rest[0].Position
		} else {
			return c.firstAfter(read)
		}
	}
	if position == 0 {
		return nil
	}
	ev, err := e.log.At(e.ctx, position)
	if err != nil || e.expired(ev) {
		return nil // it waits for nobody
	}
	return ev
}

// firstAfter is the first event for the consumer after a position.
func (c *consumer) firstAfter(position int64) *event.Event {
	for {
		events, upTo, err := c.engine.log.Read(c.engine.ctx, position, routeRange)
		if err != nil || upTo <= position {
			return nil
		}
		for _, ev := range events {
			if !c.engine.expired(ev) && c.book.Match(ev) != nil {
				return ev
			}
		}
		position = upTo
	}
}
