package delivery

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// queueSlots stands for an endpoint's window where the system fetches: heldPerSlot times as much is held in memory.
const queueSlots = 64

// reasonLapsed marks an attempt whose lease ran out.
const reasonLapsed = "lease-over"

// Leased is an event lent to its receiver: nothing after it in its lane is lent before it is acknowledged.
type Leased struct {
	Lease    string
	Event    *event.Event
	Message  *event.Rendering
	Attempts int   // how often it was tried before
	Replay   int64 // the pass it is replayed by; 0: none
	Until    time.Time
}

// lease is one delivery that a receiver has in hand. It is kept in memory only: after a crash the event is lent again.
type lease struct {
	d      *delivery
	serial uint32
	began  time.Time
	until  time.Time
}

// Lease lends what is at the head of lanes of a queue, at most so many, each until hold is over. When nothing is there it
// waits that long for something.
// Errors: fault.NotFound, fault.Conflict when it is no queue, fault.FetchPaused, fault.ShuttingDown.
func (e *Engine) Lease(ctx context.Context, id string, most int, hold, wait time.Duration) ([]Leased, error) {
	c, err := e.pulledBy(ctx, id, subscription.Queue)
	if err != nil {
		return nil, err
	}
	over, stop := e.after(wait)
	defer stop()
	for {
		came := c.came.Wait()
		if lent := c.lend(most, hold); len(lent) > 0 {
			return lent, nil
		}
		select {
		case <-came:
		case <-over:
			return nil, nil
		case <-ctx.Done():
			return nil, nil // nobody waits any more
		case <-e.ctx.Done():
			return nil, fault.New(fault.ShuttingDown, "the hub is stopping")
		}
		if c, err = e.pulledBy(ctx, id, subscription.Queue); err != nil {
			return nil, err
		}
	}
}

// after is closed when the hub's clock has moved on by d, or nobody is to wait any more.
func (e *Engine) after(d time.Duration) (over <-chan struct{}, stop func()) {
	waiting, end := context.WithCancel(e.waits)
	if d <= 0 {
		end()
		return waiting.Done(), end
	}
	timer := e.clock.AfterFunc(d, end)
	return waiting.Done(), func() { timer.Stop(); end() }
}

// EndWaits answers those who wait for something to fetch, and lets nobody wait from now on: the hub is about to stop.
func (e *Engine) EndWaits() { e.endWaits() }

// WaitsEnd is closed when nobody is to wait any more.
func (e *Engine) WaitsEnd() <-chan struct{} { return e.waits.Done() }

// pulledBy finds the consumer of a subscription that is fetched by the given channel, if it may be now. The router takes
// up a new one in a moment.
func (e *Engine) pulledBy(ctx context.Context, id string, by subscription.Channel) (*consumer, error) {
	line := e.line(id)
	if line == nil || line.Now() == nil {
		return nil, fault.New(fault.NotFound, "there is no subscription %q", id)
	}
	s := line.Now()
	switch {
	case s.Channel != by:
		return nil, fault.New(fault.Conflict, "the subscription's channel is %s, not %s", line.Channel(), by)
	case s.State != subscription.Active:
		return nil, fault.New(fault.Conflict, "the subscription is %s", s.State)
	case e.book.Paused(s.System, s.ID, ""):
		return nil, fault.New(fault.FetchPaused, "an operator has paused it; what is published meanwhile is kept")
	}
	for {
		passed := e.passed.Wait()
		if err := e.here(s.System); err != nil {
			return nil, err
		}
		if c := e.known(line.Consumer); c != nil {
			return c, nil
		}
		select {
		case <-passed:
		case <-ctx.Done():
			return nil, fault.New(fault.ShuttingDown, "the subscription is not taken up yet")
		case <-e.ctx.Done():
			return nil, fault.New(fault.ShuttingDown, "the hub is stopping")
		}
	}
}

// lend takes ready heads and prepares them, without the lock. What may not go ends here, and others take its place.
func (c *consumer) lend(most int, hold time.Duration) []Leased {
	var lent []Leased
	for len(lent) < most {
		taken := c.takeReady(most - len(lent))
		if len(taken) == 0 {
			break
		}
		for _, j := range taken {
			if r, v := c.prepare(j); v.outcome != 0 {
				c.finish(j, v)
			} else if l, ok := c.grant(j.d, hold); ok {
				l.Event, l.Message = v.event, r
				lent = append(lent, l)
			}
		}
	}
	return lent
}

func (c *consumer) prepare(j job) (*event.Rendering, verdict) {
	s := j.d.line.Now()
	if s == nil {
		return nil, verdict{outcome: eventlog.Dropped}
	}
	return c.engine.prepare(j, s)
}

// takeReady takes ready heads for lending. None are taken while their outcome could not be committed.
func (c *consumer) takeReady(most int) (taken []job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.hold.over() || c.mode != inLanes || !c.engine.log.Healthy() {
		return nil
	}
	for _, o := range c.waiting {
		for o.pulled && o.ready.len() > 0 && len(taken) < most {
			switch l := o.ready.pop(); {
			case l.head == nil || l.head.stage != ready:
			case c.holdsBack(l):
				l.head.stage = queued
			default:
				l.head.stage = sending
				taken = append(taken, job{d: l.head, event: l.head.event})
			}
		}
	}
	return taken
}

// grant makes the lease, unless the channel was changed since the head was taken.
func (c *consumer) grant(d *delivery, hold time.Duration) (Leased, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return Leased{}, false
	}
	if c.channel != subscription.Queue {
		c.makeReady(d.lane)
		c.touch()
		c.pump()
		return Leased{}, false
	}
	if c.leases == nil {
		c.leases = map[int64]*lease{}
	}
	c.leased++
	now := c.engine.clock.Now()
	l := &lease{d: d, serial: c.leased, began: now, until: now.Add(hold)}
	c.leases[d.position] = l
	c.engine.clock.AfterFunc(hold, func() { c.lapse(l) })
	return Leased{Lease: c.token(l), Attempts: d.attempts, Replay: d.pass, Until: l.until}, true
}

// lapse takes an event back that was not acknowledged in time.
func (c *consumer) lapse(l *lease) {
	if !c.engine.begin() {
		return
	}
	defer c.engine.end()
	if seen, lapsed := c.takeBack(l); lapsed {
		c.engine.pass(seen)
	}
}

// takeBack records that a lease is over, if it still stands.
func (c *consumer) takeBack(l *lease) (seen Observation, lapsed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.leases[l.d.position] != l {
		return seen, false
	}
	result := channel.Result{
		Class: channel.Retry, Reason: reasonLapsed, Detail: "not acknowledged in time", Duration: c.engine.clock.Now().Sub(l.began),
	}
	seen = l.observed(eventlog.Failed, result)
	c.note(l.d, eventlog.Attempt{Outcome: eventlog.Failed, Result: result})
	c.touch()
	c.giveBack(l)
	c.engine.totals.retried.Add(1)
	return seen, true
}

// observed is how a lease ended, for the operator's figures and log.
func (l *lease) observed(outcome eventlog.Outcome, result channel.Result) Observation {
	return Observation{
		System: l.d.lane.consumer.book.System, Subscription: l.d.line.ID, Position: l.d.position, Number: l.d.attempts + 1,
		Event: l.d.event, Outcome: outcome, Result: result,
	}
}

// giveBack makes a lent head ready again.
func (c *consumer) giveBack(l *lease) {
	delete(c.leases, l.d.position)
	c.makeReady(l.d.lane)
}

// revoke takes back what is lent: the channel was changed.
func (c *consumer) revoke() {
	for _, l := range c.leases {
		c.giveBack(l)
	}
}

// token names a lease to its holder: one of this process, at a position, given once.
func (c *consumer) token(l *lease) string {
	b := binary.BigEndian.AppendUint32(nil, c.engine.nonce)
	b = binary.BigEndian.AppendUint64(b, uint64(l.d.position))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, l.serial))
}

// holder finds the lease of a token that is still good.
func (c *consumer) holder(token string) *lease {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 16 || binary.BigEndian.Uint32(b) != c.engine.nonce {
		return nil
	}
	l := c.leases[int64(binary.BigEndian.Uint64(b[4:]))]
	if l == nil || l.serial != binary.BigEndian.Uint32(b[12:]) {
		return nil
	}
	return l
}

// Acknowledge ends what was leased as delivered, and returns when that is committed. A lease that is over, or was never
// given, is returned in gone: its event comes again.
// Errors: fault.NotFound, fault.Conflict, fault.ShuttingDown when ctx ends before the commit.
func (e *Engine) Acknowledge(ctx context.Context, id string, tokens []string) (gone []string, err error) {
	var seen []Observation
	gone, err = e.settleLeases(ctx, id, tokens, func(c *consumer, l *lease) {
		delete(c.leases, l.d.position)
		result := channel.Result{Class: channel.Delivered, Duration: e.clock.Now().Sub(l.began)}
		seen = append(seen, l.observed(eventlog.Done, result))
		c.conclude(l.d, eventlog.Attempt{Outcome: eventlog.Done, Result: result})
	})
	e.pass(seen...)
	return gone, err
}

// Return gives leased events back before their time, to be leased again at once.
// Errors: as Acknowledge.
func (e *Engine) Return(ctx context.Context, id string, tokens []string) (gone []string, err error) {
	return e.settleLeases(ctx, id, tokens, (*consumer).giveBack)
}

func (e *Engine) settleLeases(ctx context.Context, id string, tokens []string, settle func(*consumer, *lease)) (gone []string, err error) {
	line := e.line(id)
	if line == nil || line.Now() == nil {
		return nil, fault.New(fault.NotFound, "there is no subscription %q", id)
	}
	if err := e.here(line.Consumer.System); err != nil {
		return nil, err
	}
	c := e.known(line.Consumer)
	if c == nil {
		return tokens, nil
	}
	c.mu.Lock()
	for _, token := range tokens {
		if l := c.holder(token); l != nil {
			settle(c, l)
		} else {
			gone = append(gone, token)
		}
	}
	cut := c.cuts + 1 // the one that has it
	clean := c.cut.Empty()
	c.mu.Unlock()
	if clean {
		return gone, nil
	}
	return gone, c.committedBy(ctx, cut)
}

func (e *Engine) known(book *revision.Consumer) *consumer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.consumers[book]
}

// committedBy waits until a cut is in the store.
func (c *consumer) committedBy(ctx context.Context, cut int) error {
	for {
		recorded := c.recorded.Wait()
		c.mu.Lock()
		done, lost := c.commits >= cut, c.lost
		c.mu.Unlock()
		if done {
			return nil
		}
		if lost {
			return notHere(c.book.System)
		}
		select {
		case <-recorded:
		case <-ctx.Done():
			return fault.New(fault.ShuttingDown, "it was not committed in time; what was acknowledged may come again")
		case <-c.engine.ctx.Done():
			return fault.New(fault.ShuttingDown, "the hub is stopping; what was acknowledged may come again")
		}
	}
}
