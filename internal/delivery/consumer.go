package delivery

import (
	"sync"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Bounds of what one consumer holds.
const (
	windowSize   = 8192 // positions between the watermark and what is read (invariant I8)
	heldPerSlot  = 16   // deliveries in memory for each send an endpoint may have in flight
	heldMin      = 16
	readMin      = 64  // positions read from the log at a time,
	readMax      = 512 // at least and at most
	fetchSize    = 64  // waiting rows read at a time
	uncommitted  = 4096
	idlePosition = 200_000 // a consumer that nothing is for writes its watermark this seldom (invariant I9)
)

// consumer reads the log in order by one hand: one watermark, its lanes.
type consumer struct {
	engine *Engine
	book   *revision.Consumer
	id     int64
	hold   *holding // under which it is delivered here

	mu      sync.Mutex
	read    int64 // every position up to here has been looked at, in this life
	high    int64 // and up to here in any: reading again from the watermark must not lower it
	live    bool  // the router hands it what is for it; otherwise it reads ranges by itself
	missed  int64 // the last position the router had for it while it was not live
	reading bool  // a goroutine reads ranges
	window  window
	lanes   map[event.Lane]*lane
	outlets map[string]*outlet // by subscription
	waiting []*outlet          // those with lanes that are ready
	held    int                // deliveries with their event in memory
	slots   int                // what the endpoint last used may have in flight: bounds what is held
	settled map[int64]bool     // after a restart: positions above the watermark that are done or on disk

	standing [eventlog.ParkedAt + 1]int // lanes on disk, by their state

	pending int64            // matched and not over
	counted int64            // of all up to here
	replays int64            // of the pending: brought by replays
	byLine  map[string]int64 // the pending by subscription

	channel  subscription.Channel // as the configuration that is followed says
	mode     mode
	leases   map[int64]*lease // of a queue, by position
	leased   uint32           // leases given so far
	pages    []page           // of a cursor: handed out since where its reader stands
	restUpTo int64            // and what of the left-over it has
	served   [2]int64         // a cursor's reader was handed out the log up to here, and what was left over up to here
	passes   []*pass          // replays under way
	spell    spell            // of failing, where the profile ends a subscription for it
	told     bool             // that what waits is not fetched
	watched  bool             // a look at that is on its way

	cut       *eventlog.Cut // changes since the last cut
	cutting   *eventlog.Cut // the last one, while it is being committed
	spare     *eventlog.Cut
	settling  []*delivery         // whose outcomes are in cut
	committed []*delivery         // whose outcomes are in the cut that is being committed
	starved   []*lane             // whose next waiting rows are not in the store yet
	cuts      int                 // made so far
	commits   int                 // and committed
	recorded  *eventlog.Broadcast // a cut was committed
	came      *eventlog.Broadcast // something can be leased
	touched   bool                // the log will ask for a cut
	ended     bool
	lost      bool // with ended: it goes on at another node
}

// outlet is where one subscription's deliveries leave: its lanes that are ready, and the endpoint they wait for.
type outlet struct {
	line        *revision.Line
	endpoint    *endpoint
	stopped     bool                       // paused or deactivated, or fetched and not sent
	pulled      bool                       // what is ready waits to be leased
	gone        *subscription.Subscription // its receiver answered 410 to it as it was then; nil: it did not
	removed     bool                       // its deliveries end as dropped, without the endpoint
	expiredUpTo int64                      // what stands here or below was given up
	ready       fifo[*lane]
	listed      bool // in consumer.waiting
	loose       int  // at most so many ready lanes are in memory only
}

func newConsumer(e *Engine, book *revision.Consumer, k *eventlog.Consumer, h *holding) *consumer {
	c := &consumer{
		engine: e, book: book, id: k.ID, hold: h, read: k.Low - 1, high: k.High, missed: k.Low - 1,
		lanes: map[event.Lane]*lane{}, outlets: map[string]*outlet{}, settled: k.Settled,
		pending: k.Pending, counted: k.Counted, replays: k.Replays, byLine: k.ByLine, served: [2]int64{k.Served, k.RestServed}, slots: firstSlots,
		cut: &eventlog.Cut{Consumer: k.ID, Token: h.token}, spare: &eventlog.Cut{Consumer: k.ID, Token: h.token},
		channel: book.Channel(), recorded: eventlog.NewBroadcast(), came: eventlog.NewBroadcast(),
	}
	if c.byLine == nil {
		c.byLine = map[string]int64{}
	}
	if c.channel == subscription.Cursor {
		c.mode = byCursor
	}
	if c.ended = k.Ended; !c.ended { // one that has ended is here when the router meets events of its time again
		c.watch()
	}
	return c
}

// offer is the router's: an event at the log's tail is for this consumer. Live, it is admitted; otherwise it is counted
// and left to be read later.
func (c *consumer) offer(e *event.Event, l *revision.Line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.count(e.Position, l)
	if c.mode != inLanes {
		c.missed = max(c.missed, e.Position)
		return
	}
	if c.live && !c.room() {
		c.live = false
	}
	if !c.live {
		c.missed = max(c.missed, e.Position)
		c.readOn()
		return
	}
	if e.Position > c.read {
		c.admit(e, l)
		c.read = e.Position
		c.pump()
	}
}

// count adds a matched event to the pending figures, once.
func (c *consumer) count(position int64, l *revision.Line) {
	if position > c.counted {
		c.pending++
		c.byLine[l.ID]++
		c.counted = position
		c.tally(l.ID, clock.Micros(c.engine.clock.Now()), eventlog.Matched, false, 1)
	}
}

// room reports whether one more delivery may be held in memory. When every endpoint is down nothing leaves, so nothing
// more is read: the cursor is the backlog (invariant I10). When only some are, what waits for them goes to disk.
func (c *consumer) room() bool {
	if c.space() <= 0 && len(c.outlets) > 1 {
		c.spillDetours()
	}
	return c.space() > 0
}

func (c *consumer) space() int {
	limit := max(heldMin, heldPerSlot*c.slots)
	return min(limit-c.held, uncommitted-len(c.settling)-len(c.committed))
}

// admit takes one event into its lane.
func (c *consumer) admit(e *event.Event, line *revision.Line) {
	if c.settled != nil {
		if c.settled[e.Position] {
			delete(c.settled, e.Position)
			return
		}
		if len(c.settled) == 0 {
			c.settled = nil
		}
	}
	for c.window.full() {
		c.spillOldest()
	}
	d := &delivery{position: e.Position, event: e, line: line}
	c.window.push(d)
	key := c.book.Lane(e)
	l := c.lanes[key]
	if l == nil {
		l = &lane{consumer: c, key: key}
		c.lanes[key] = l
	}
	d.lane = l
	switch {
	case l.disk != nil:
		c.wait(d)
	case l.head != nil:
		c.held++
		l.queue = append(l.queue, d)
	default:
		c.held++
		l.head = d
		c.makeReady(l)
		if d.stage != settling && c.detours(c.outlet(line)) {
			c.spill(l)
		}
	}
}

// detours reports whether an outlet's lanes belong on disk: it cannot send, but another can and must not wait for it.
func (c *consumer) detours(o *outlet) bool {
	if len(c.outlets) < 2 || c.open(o) {
		return false
	}
	for _, other := range c.outlets {
		if c.open(other) {
			return true
		}
	}
	return false
}

func (c *consumer) open(o *outlet) bool { return !o.stopped && o.endpoint.closed() }

// spillDetours puts on disk what is held in memory for outlets that cannot send while others can.
func (c *consumer) spillDetours() {
	for _, o := range c.waiting {
		if o.loose == 0 || !c.detours(o) {
			continue
		}
		o.loose = 0
		for _, l := range o.ready.all() {
			if l.disk == nil && l.head != nil && l.head.stage == ready {
				c.spill(l)
			}
		}
	}
}

// readOn sees to it that a goroutine reads what this consumer has not seen, if there is room for it.
func (c *consumer) readOn() {
	if c.reading || c.live || c.ended || c.hold.over() || c.mode != inLanes || !c.room() || !c.engine.begin() {
		return
	}
	c.reading = true
	go func() {
		defer c.engine.end()
		c.catchUp()
	}()
}

// catchUp reads ranges of the log until the consumer is full or has seen all that the router left to it.
func (c *consumer) catchUp() {
	ctx := c.engine.ctx
	for {
		after, limit, more := c.nextRange()
		if !more {
			return
		}
		events, upTo, err := c.engine.log.Read(ctx, after, limit)
		if err != nil || upTo <= after {
			c.stopReading(err)
			return
		}
		c.takeIn(events, upTo)
	}
}

// nextRange decides what to read next. Having seen all that the router left to it, the consumer goes live: from now on
// the router finds it so, and hands it the next.
func (c *consumer) nextRange() (after int64, limit int, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode != inLanes {
		c.reading = false
		c.touch() // the move waits for this
		return 0, 0, false
	}
	if c.read >= c.missed {
		c.live = true
	}
	full := !c.room()
	if c.live || c.ended || full || c.hold.over() {
		c.reading = false
		return 0, 0, false
	}
	return c.read, min(max(c.space(), readMin), readMax), true
}

func (c *consumer) stopReading(err error) {
	c.mu.Lock()
	c.reading = false
	if c.mode != inLanes {
		c.touch()
	}
	c.mu.Unlock()
	if err != nil && c.engine.ctx.Err() == nil {
		c.engine.trouble("reading the log for "+c.book.Name, err)
		c.engine.clock.AfterFunc(readRetry, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.readOn()
		})
	}
}

func (c *consumer) takeIn(events []*event.Event, upTo int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.mode != inLanes {
		return
	}
	for _, e := range events {
		if e.Position <= c.read {
			continue
		}
		line := c.book.Match(e)
		if line != nil {
			if !c.room() {
				upTo = c.read
				break
			}
			c.admit(e, line)
		}
		c.read = e.Position
	}
	c.read = max(c.read, upTo)
	c.pump()
}

// pump starts whatever can be sent.
func (c *consumer) pump() {
	if c.ended || len(c.waiting) == 0 || c.hold.over() {
		return
	}
	if !c.engine.sendable() {
		c.engine.crowd(c)
		return
	}
	still := c.waiting[:0]
	for _, o := range c.waiting {
		for d := c.take(o); d != nil; d = c.take(o) {
			c.engine.start(d, o.target())
		}
		if o.listed = o.ready.len() > 0; o.listed {
			still = append(still, o)
		}
	}
	clear(c.waiting[len(still):])
	c.waiting = still
}

// take takes the next ready delivery of an outlet and its endpoint's leave to send it, or returns nil.
func (c *consumer) take(o *outlet) *delivery {
	for o.ready.len() > 0 {
		l := o.ready.peek()
		if l.head != nil && l.head.stage == ready && c.holdsBack(l) {
			l.head.stage = queued // a pass has more for its lane, and lets it go then
		}
		if l.head == nil || l.head.stage != ready {
			o.ready.pop() // discarded or taken another way while it waited
			continue
		}
		if !o.removed && (o.stopped || !o.endpoint.acquire(c, l)) {
			return nil
		}
		o.ready.pop()
		l.head.stage = sending
		return l.head
	}
	return nil
}

// target is the endpoint whose leave a delivery of the outlet needs: none when it ends as dropped.
func (o *outlet) target() *endpoint {
	if o.removed {
		return nil
	}
	return o.endpoint
}

// makeReady puts a lane whose head may be sent behind the others of its outlet.
func (c *consumer) makeReady(l *lane) {
	if c.forgot(l.head) {
		c.conclude(l.head, eventlog.Attempt{Outcome: eventlog.Expired})
		return
	}
	if c.holdsBack(l) {
		l.head.stage = queued
		return
	}
	o := c.outlet(l.head.line)
	if o.gaveUp(l.head) {
		c.expireLane(l)
		return
	}
	l.head.stage = ready
	if o.endpoint.probedBy(laneRef{c, l.key}) {
		o.ready.pushFront(l) // the others of its outlet wait for what it finds
	} else {
		o.ready.push(l)
	}
	if l.disk == nil {
		o.loose++
	}
	if !o.listed {
		o.listed = true
		c.waiting = append(c.waiting, o)
	}
	if o.pulled {
		c.came.Signal()
	}
}

// outlet returns the outlet of a subscription, made at first use.
func (c *consumer) outlet(line *revision.Line) *outlet {
	o := c.outlets[line.ID]
	if o == nil {
		o = &outlet{line: line}
		c.aim(o)
		c.outlets[line.ID] = o
	}
	return o
}

// aim points an outlet at what the configuration says now.
func (c *consumer) aim(o *outlet) {
	target := c.engine.target(o.line)
	o.stopped, o.removed, o.expiredUpTo = target.stopped || target.pulled, target.removed, target.expiredUpTo
	if target.pulled && !o.pulled && o.endpoint != nil {
		c.forsake(o.endpoint)
	}
	o.pulled = target.pulled
	if o.gone != nil && o.line.Now() == o.gone { // its deactivation is on its way
		o.stopped = true
	} else {
		o.gone = nil
	}
	if target.url != "" || o.endpoint == nil {
		o.endpoint = c.engine.endpointAt(c.book.System, target.url)
	}
}

// reconfigure follows a change of configuration.
func (c *consumer) reconfigure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.outlets {
		if c.aim(o); o.removed {
			c.drop(o)
		}
		c.expireUpTo(o)
	}
	c.follow(c.book.Channel())
	c.pump()
	c.readOn()
}

// drop ends the blocked heads of a subscription that was removed from a consumer that others share. What is ready or
// comes later ends when it is taken.
func (c *consumer) drop(o *outlet) {
	for _, l := range c.lanes {
		if l.head != nil && l.head.line == o.line && l.head.stage == blocked {
			c.conclude(l.head, eventlog.Attempt{Outcome: eventlog.Dropped})
		}
	}
}

// touch asks the log for a cut.
func (c *consumer) touch() {
	if !c.touched {
		c.touched = true
		c.engine.log.Touch(c)
	}
}

// Cut implements eventlog.Cutter: everything since the last cut, with the watermark that it makes true. What a consumer
// knew when its holding ended is true still, and goes in for as long as nobody else has it.
func (c *consumer) Cut() *eventlog.Cut {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = false
	c.cuts++
	routed := c.engine.routed.Load() // what is for this consumer up to here was offered to it
	if !c.hold.gone.Load() {         // looked at after routed
		c.counted = max(c.counted, routed)
		if c.live {
			c.read = max(c.read, routed)
		}
	}
	cut := c.cut
	c.high = max(c.high, c.read)
	cut.Low, cut.High = c.watermark(), c.high
	cut.Pending, cut.Counted, cut.Number = c.pending, c.counted, c.cuts
	c.cut, c.cutting, c.spare = c.spare, c.cut, nil
	c.settling, c.committed = c.committed[:0], c.settling
	return cut
}

// watermark is the lowest position that is not over and not on disk.
func (c *consumer) watermark() int64 {
	if position, ok := c.window.low(); ok {
		return position
	}
	return c.read + 1
}

// Committed implements eventlog.Cutter: the outcomes are in the store, so their lanes go on.
func (c *consumer) Committed(cut *eventlog.Cut) {
	if cut.Lost {
		if c.engine.drop(c.book.System, c.hold) {
			c.engine.opts.Lost(c.book.System)
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cut.Reset()
	c.spare, c.cutting = cut, nil
	c.commits++
	defer c.recorded.Signal()
	if c.ended {
		return
	}
	for i, d := range c.committed {
		c.goOn(d)
		c.committed[i] = nil
	}
	c.committed = c.committed[:0]
	starved := c.starved
	c.starved = nil
	for _, l := range starved {
		c.fetch(l)
	}
	c.moveOn()
	c.pump()
	c.readOn()
}

// keepUp writes the watermark of a consumer that has been idle long.
func (c *consumer) keepUp(routed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended && routed-c.counted > idlePosition {
		c.touch()
	}
}
