package delivery

import (
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/subscription"
)

// reasonInvalid marks a message that breaks its own contract (S23): the operator is told, not the receiver.
const reasonInvalid = string(fault.InvalidMessage)

// job is one delivery in a worker's hands.
type job struct {
	d     *delivery
	event *event.Event // nil: still to be read
	ep    *endpoint    // whose slot it holds; nil when it needs none
}

// verdict is what came of a job.
type verdict struct {
	outcome eventlog.Outcome
	gone    bool // the receiver wants no message any more (410)
	result  channel.Result
	event   *event.Event // when it was read
}

// start hands a delivery to a worker that rests, or to a new one. The caller holds the consumer's lock.
func (e *Engine) start(d *delivery, ep *endpoint) {
	j := job{d: d, event: d.event, ep: ep}
	e.inFlight.Add(1)
	e.active.Add(1)
	select {
	case e.idle <- j:
		return // the worker that rested counts as active again
	default:
		e.active.Add(-1)
	}
	if !e.begin() {
		e.leave()
		return
	}
	go e.work(j)
}

// work sends deliveries one after the other: after each the worker goes on with the next that waits for the same
// endpoint, so that nothing is handed over while an endpoint is busy. Without one it rests.
func (e *Engine) work(j job) {
	defer e.end()
	for more := true; more; {
		v, company := e.attempt(j)
		cut := j.d.lane.consumer.hold.ctx.Err() != nil && !v.outcome.Ends()
		if cut && e.ctx.Err() != nil {
			return // the hub is stopping: the attempt was cut short and counts for nothing
		}
		if !cut {
			e.observe(j, v)
		}
		e.observeCompany(v, company)
		j.d.lane.consumer.finish(j, v, company...)
		if j, more = e.next(j); !more {
			j, more = e.await()
		}
	}
}

// next passes the slot on to the consumer that has waited longest for the endpoint, in the same worker.
func (e *Engine) next(done job) (job, bool) {
	if done.ep == nil {
		return job{}, false
	}
	done.ep.leave()
	now := e.clock.Now()
	for c := done.ep.waiter(now); c != nil; c = done.ep.waiter(now) {
		j, ok := c.takeFor(done.ep)
		if !ok {
			continue
		}
		e.wake(done.ep) // the window may have grown by one
		return j, true
	}
	return job{}, false
}

// takeFor takes a ready delivery for an endpoint, and waits for the next slot with what is left.
func (c *consumer) takeFor(ep *endpoint) (job, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.hold.over() {
		return job{}, false
	}
	if !c.engine.sendable() {
		c.engine.crowd(c)
		return job{}, false
	}
	for _, o := range c.waiting {
		if o.endpoint != ep || o.removed {
			continue
		}
		if d := c.take(o); d != nil {
			if o.ready.len() > 0 {
				ep.enqueue(c)
			}
			return job{d: d, event: d.event, ep: ep}, true
		}
	}
	return job{}, false
}

// wake lets whoever waits for an endpoint use the slots that are free.
func (e *Engine) wake(ep *endpoint) {
	now := e.clock.Now()
	for c := ep.waiter(now); c != nil; c = ep.waiter(now) {
		c.mu.Lock()
		c.pump()
		c.mu.Unlock()
	}
}

// await rests until there is work; false ends the worker.
func (e *Engine) await() (job, bool) {
	e.leave()
	e.uncrowd()
	if e.resting.Add(1) > mostResting {
		e.resting.Add(-1)
		return job{}, false
	}
	defer e.resting.Add(-1)
	e.active.Add(-1)
	select {
	case j := <-e.idle:
		return j, true
	case <-e.ctx.Done():
		e.active.Add(1)
		return job{}, false
	}
}

// attempt is one try of one delivery, and of those that go in the same send: everything that is decided at the moment of
// sending, and the send itself.
func (e *Engine) attempt(j job) (v verdict, company []fellow) {
	s := j.d.line.Now()
	if s == nil || j.ep == nil {
		return verdict{outcome: eventlog.Dropped}, nil
	}
	r, v := e.prepare(j, s)
	if v.outcome != 0 {
		return v, nil
	}
	sender, err := j.ep.senderFor(e, s.System)
	if err != nil {
		v.judge(channel.Result{Class: channel.Retry, Reason: string(fault.SenderConfig), Detail: fault.Of(err).Detail})
		return v, nil
	}
	defer sender.done()
	began := e.clock.Now()
	if batcher, ok := sender.Sender.(channel.Batcher); ok {
		if most := batcher.Most(); most > 1 {
			company = e.companyOf(j, s, most-1)
		}
		e.sendAll(batcher, j, &v, message(j, v.event, r, began), company)
		return v, company
	}
	v.judge(took(e.clock, began, sender.Send(j.d.lane.consumer.hold.ctx, message(j, v.event, r, began))))
	return v, nil
}

// prepare decides what is decided at the moment an event leaves, and renders it. A verdict without an outcome lets it
// go.
func (e *Engine) prepare(j job, s *subscription.Subscription) (*event.Rendering, verdict) {
	ev, err := e.eventOf(j)
	switch {
	case err != nil:
		return nil, verdict{outcome: eventlog.Failed, result: channel.Result{Reason: string(fault.Internal), Detail: "the hub could not read the event"}}
	case e.expired(ev):
		return nil, verdict{outcome: eventlog.Expired}
	case !e.book.GrantsNow(s.System, ev):
		return nil, verdict{outcome: eventlog.Withheld}
	}
	r := e.opts.Render(ev, s)
	if r.Err != nil {
		return nil, verdict{outcome: eventlog.Parked, event: ev, result: channel.Result{Reason: reasonInvalid, Detail: fault.Of(r.Err).Detail}}
	}
	return r, verdict{event: ev}
}

func (e *Engine) eventOf(j job) (*event.Event, error) {
	if j.event != nil {
		return j.event, nil
	}
	return e.log.At(e.ctx, j.d.position)
}

// message is what leaves of an event.
func message(j job, ev *event.Event, r *event.Rendering, at time.Time) *channel.Message {
	return &channel.Message{
		ID: ev.ID.String(), ContentType: r.ContentType, Headers: r.Headers, Body: r.Body,
		Attempt: j.d.attempts + 1, Replay: j.d.pass, Lease: j.d.lane.consumer.hold.token, At: at, Position: ev.Position, Lane: j.d.lane.key,
	}
}

// took has a result say how long the send took, where its channel does not.
func took(clk clock.Clock, began time.Time, result channel.Result) channel.Result {
	if result.Duration == 0 {
		result.Duration = clk.Now().Sub(began)
	}
	return result
}

func (v *verdict) judge(r channel.Result) {
	v.result = r
	switch r.Class {
	case channel.Delivered:
		v.outcome = eventlog.Done
	case channel.Deferred:
		v.outcome = eventlog.Deferred
	case channel.Rejected:
		v.outcome = eventlog.Parked
	default:
		v.outcome, v.gone = eventlog.Failed, r.Class == channel.Gone
	}
}

// expired reports whether the event may not be had any more: its retention is over, or it was forgotten.
func (e *Engine) expired(ev *event.Event) bool {
	if ev.Forgotten || e.forgotten.has(ev.Position) {
		return true
	}
	t, _ := e.book.Type(ev.Type)
	return t != nil && t.Retention.Over(clock.FromMicros(ev.Recorded), e.clock.Now())
}

// expiry is when the retention of the event's type ends.
func (e *Engine) expiry(ev *event.Event) (time.Time, bool) {
	t, _ := e.book.Type(ev.Type)
	if t == nil {
		return time.Time{}, false
	}
	return t.Retention.End(clock.FromMicros(ev.Recorded))
}

// finish records the verdicts of a send and moves the breaker and the lane.
func (c *consumer) finish(j job, v verdict, company ...fellow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	j.d.lane.company = nil
	if !v.outcome.Ends() {
		c.putBackCompany(company)
	}
	c.settleOne(j, v)
	if v.outcome.Ends() {
		c.goWith(company)
	} else {
		c.noteCompany(company)
	}
}

// settleOne records one verdict.
func (c *consumer) settleOne(j job, v verdict) {
	d, a := j.d, eventlog.Attempt{Outcome: v.outcome, Result: v.result}
	ch := c.observe(j, v)
	switch {
	case v.gone:
		c.stopGone(d, a)
	case v.outcome.Ends():
		c.conclude(d, a)
	case v.outcome != eventlog.Parked && c.overdue(d, a, v.event):
		c.giveUp(d, a)
	case v.outcome == eventlog.Deferred:
		c.note(d, a)
		c.makeReady(d.lane)
		c.touch()
	case v.outcome == eventlog.Parked:
		c.park(d, a, v.event, ch.spell)
	default:
		c.retryLater(d, a, v.event)
	}
	c.engine.revive(ch.revived)
}

// observe tells the endpoint's breaker of a result, when there was a send.
func (c *consumer) observe(j job, v verdict) change {
	if j.ep == nil || v.result.Class == 0 {
		return change{}
	}
	e := c.engine
	ch := j.ep.observe(laneRef{c, j.d.lane.key}, v.result, e.clock.Now())
	c.slots = j.ep.slots()
	if v.result.Class == channel.Deferred {
		e.clock.AfterFunc(v.result.After, func() { e.wake(j.ep) })
	}
	if ch.rejected {
		c.cut.Endpoints = append(c.cut.Endpoints, eventlog.Endpoint{System: j.ep.system, URL: j.ep.url, Spell: ch.spell})
		e.tell(Notice{Kind: EndpointRejecting, System: j.ep.system, URL: j.ep.url, Subscription: j.d.line.ID, Status: v.result.Status, At: ch.spell})
	}
	if ch.fell {
		e.tell(Notice{Kind: EndpointDown, System: j.ep.system, URL: j.ep.url, Subscription: j.d.line.ID, Status: v.result.Status, Reason: v.result.Reason, At: clock.Micros(e.clock.Now())})
	}
	return ch
}

// retryLater blocks the lane until the schedule says to try its head again (S37, S38).
func (c *consumer) retryLater(d *delivery, a eventlog.Attempt, ev *event.Event) {
	now := c.engine.clock.Now()
	d.failures++
	if d.since == 0 {
		d.since = clock.Micros(now)
	}
	policy := c.engine.policy(c.book.System)
	if policy.Hold > 0 && now.Sub(clock.FromMicros(d.since)) >= policy.Hold {
		a.Outcome = eventlog.Parked
		c.park(d, a, ev, 0)
		return
	}
	c.note(d, a)
	due := now.Add(policy.Retry.Delay(d.failures, c.engine.opts.Random()))
	if end, ever := c.ends(d, ev); ever && end.Before(due) {
		due = end
	}
	d.stage = blocked
	c.block(d, eventlog.Blocked{State: eventlog.Retrying, Due: clock.Micros(due), Status: a.Result.Status, Reason: a.Result.Reason})
	c.engine.due.add(due, laneRef{c, d.lane.key})
	c.engine.totals.retried.Add(1)
}

// park blocks the lane until a person, or a passed test, releases it. Expiry still ends it.
func (c *consumer) park(d *delivery, a eventlog.Attempt, ev *event.Event, spell int64) {
	if d.since == 0 {
		d.since = clock.Micros(c.engine.clock.Now())
	}
	a.Detailed = true
	c.note(d, a)
	d.stage = blocked
	row := eventlog.Blocked{State: eventlog.ParkedAt, Spell: spell, Status: a.Result.Status, Reason: a.Result.Reason}
	if ev != nil {
		if end, ok := c.engine.expiry(ev); ok {
			row.Due = clock.Micros(end)
			c.engine.due.add(end, laneRef{c, d.lane.key})
		}
	}
	c.block(d, row)
	c.vacate(d)
	c.engine.tell(c.parkedNotice(d))
	c.engine.totals.parked.Add(1)
}

// stopGone keeps the delivery and stops its subscription: 410 says that nothing more is wanted there.
func (c *consumer) stopGone(d *delivery, a eventlog.Attempt) {
	c.note(d, a)
	o := c.outlet(d.line)
	o.stopped, o.gone = true, d.line.Now()
	c.block(d, eventlog.Blocked{State: eventlog.Standing, Status: a.Result.Status})
	c.makeReady(d.lane)
	c.engine.deactivate(d.line, func(s *subscription.Subscription) {
		s.State, s.Reason = subscription.Deactivated, "the receiver answered 410 Gone"
	}, Notice{Kind: SubscriptionGone, System: c.book.System, Subscription: d.line.ID, Position: d.position, Status: 410})
}

// vacate lets another lane probe the endpoint when this one's head no longer will.
func (c *consumer) vacate(d *delivery) {
	ep := c.outlet(d.line).endpoint
	if !ep.vacate(laneRef{c, d.lane.key}) || !c.engine.begin() {
		return
	}
	go func() {
		defer c.engine.end()
		c.engine.wake(ep)
	}()
}

// senderFor returns the endpoint's sender, connected anew when the system's agreement or keys have changed since.
func (ep *endpoint) senderFor(e *Engine, system string) (*sender, error) {
	doc, revision := e.book.System(system)
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.sender != nil && ep.sender.revision == revision {
		ep.sender.users++
		return ep.sender, nil
	}
	fresh, err := e.opts.Connect(doc, ep.url)
	if err != nil {
		return nil, err
	}
	ep.sender.retire()
	if doc.Agreement.MaxInFlight > 0 {
		ep.most = doc.Agreement.MaxInFlight
	}
	ep.sender = &sender{Sender: fresh, ep: ep, revision: revision, users: 1}
	return ep.sender, nil
}

// sender is a channel.Sender that is closed when it was replaced and its last send is done.
type sender struct {
	channel.Sender
	ep       *endpoint
	revision int64
	users    int
	retired  bool
}

func (s *sender) done() {
	s.ep.mu.Lock()
	defer s.ep.mu.Unlock()
	s.users--
	s.close()
}

func (s *sender) retire() {
	if s != nil {
		s.retired = true
		s.close()
	}
}

func (s *sender) close() {
	if s.retired && s.users == 0 {
		_ = s.Sender.Close() // nothing is lost with an idle connection
	}
}
