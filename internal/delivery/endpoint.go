package delivery

import (
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
)

// The breaker's numbers. What they mean stands in docs/delivery.md.
const (
	firstSlots   = 8  // sends in flight to an endpoint nobody has heard from yet
	defaultSlots = 64 // and at most
	openAfter    = 5  // failures in a row, of at least two lanes: the endpoint is down
	rejectAfter  = 5  // rejections in a row, each of another lane: the endpoint rejects
)

// endpoint is one system's URL, with its breaker. All consumers of the system that send to the URL share it.
type endpoint struct {
	system, url string

	mu       sync.Mutex
	state    breaker
	inFlight int
	window   int // how many may be in flight: grows with success, halves with failure
	most     int
	until    time.Time // the receiver asked us to wait until then

	failures int       // in a row
	victims  []laneRef // the lanes whose heads failed in this row
	prober   *laneRef  // while it is down: the one delivery that tries

	rejects []laneRef // the lanes of the rejections in a row
	spell   int64     // µs UTC of the first of them; marks what they parked
	since   time.Time // when the breaker left closed

	waiters fifo[*consumer] // with lanes that are ready, in the order they came
	waits   map[*consumer]bool

	sender *sender
}

type breaker uint8

const (
	closed    breaker = iota
	down              // failures in a row: one delivery probes, by its own schedule
	rejecting         // rejections in a row: nothing is sent until a test message passes
)

// How an EndpointView says that an endpoint stands.
const (
	BreakerOpen      = "open for messages"
	BreakerDown      = "down"
	BreakerRejecting = "rejecting"
)

var breakerNames = [...]string{BreakerOpen, BreakerDown, BreakerRejecting}

// laneRef names a lane for later.
type laneRef struct {
	consumer *consumer
	key      event.Lane
}

// takesNothing reports whether nothing is sent to it until a test passes.
func (ep *endpoint) takesNothing() bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.state == rejecting
}

func newEndpoint(system, url string) *endpoint {
	return &endpoint{system: system, url: url, window: firstSlots, most: defaultSlots, waits: map[*consumer]bool{}}
}

// acquire gives leave for one send of the lane's head, or notes that the consumer waits. While the endpoint is down one
// lane has leave: the first that asks, and from then on that lane alone, when its schedule says so (DESIGN promise 5).
func (ep *endpoint) acquire(c *consumer, l *lane) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.mayGo(c, l) {
		ep.inFlight++
		return true
	}
	ep.note(c)
	return false
}

func (ep *endpoint) note(c *consumer) {
	if !ep.waits[c] {
		ep.waits[c] = true
		ep.waiters.push(c)
	}
}

// enqueue notes that a consumer has more for the endpoint.
func (ep *endpoint) enqueue(c *consumer) {
	ep.mu.Lock()
	ep.note(c)
	ep.mu.Unlock()
}

func (ep *endpoint) mayGo(c *consumer, l *lane) bool {
	if c.engine.clock.Now().Before(ep.until) {
		return false
	}
	switch ep.state {
	case closed:
		return ep.inFlight < ep.window
	case down:
		ref := laneRef{c, l.key}
		if ep.prober == nil {
			ep.prober = &ref
		}
		return *ep.prober == ref
	}
	return false
}

// waiter takes the next consumer that waits and could go now, or nil.
func (ep *endpoint) waiter(now time.Time) *consumer {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	switch {
	case ep.waiters.len() == 0 || ep.state == rejecting || now.Before(ep.until),
		ep.state == down && ep.prober != nil,
		ep.state == closed && ep.inFlight >= ep.window:
		return nil
	}
	c := ep.waiters.pop()
	delete(ep.waits, c)
	return c
}

// leave gives a slot back.
func (ep *endpoint) leave() {
	ep.mu.Lock()
	ep.inFlight--
	ep.mu.Unlock()
}

func (ep *endpoint) slots() int {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.window
}

func (ep *endpoint) closed() bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.state == closed
}

// change is what a result did to the breaker.
type change struct {
	revived  []laneRef // the endpoint answers again: these heads are due at once
	spell    int64     // the spell that a rejection belongs to
	rejected bool      // it began to reject with this result
	fell     bool      // it went down with this result
}

// observe moves the breaker by one result of a lane.
func (ep *endpoint) observe(ref laneRef, r channel.Result, now time.Time) change {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	switch r.Class {
	case channel.Retry:
		return ep.failed(ref, now)
	case channel.Rejected:
		revived := ep.answered()
		ch := ep.rejected(ref, now)
		ch.revived = revived
		return ch
	case channel.Deferred:
		ep.until = now.Add(r.After)
		return change{revived: ep.answered()}
	default:
		ep.window = min(ep.window+1, ep.most)
		ep.rejects = ep.rejects[:0]
		return change{revived: ep.answered()}
	}
}

func (ep *endpoint) failed(ref laneRef, now time.Time) change {
	ep.failures++
	ep.window = max(1, ep.window/2)
	if len(ep.victims) <= defaultSlots {
		ep.victims = append(ep.victims, ref)
	}
	if ep.state != closed || ep.failures < openAfter || !several(ep.victims) {
		return change{}
	}
	ep.state, ep.since = down, now
	return change{fell: true}
}

func several(refs []laneRef) bool {
	for _, ref := range refs[1:] {
		if ref != refs[0] {
			return true
		}
	}
	return false
}

// answered notes that the receiver is there, whatever it said.
func (ep *endpoint) answered() (revived []laneRef) {
	ep.failures = 0
	if ep.state == down {
		ep.state, ep.prober = closed, nil
		revived = append(revived, ep.victims...)
	}
	ep.victims = ep.victims[:0]
	return revived
}

func (ep *endpoint) rejected(ref laneRef, now time.Time) change {
	if len(ep.rejects) == 0 {
		ep.spell = now.UnixMicro()
	}
	known := false
	for _, other := range ep.rejects {
		known = known || other == ref
	}
	if !known && len(ep.rejects) < rejectAfter {
		ep.rejects = append(ep.rejects, ref)
	}
	ch := change{spell: ep.spell}
	if ep.state == closed && len(ep.rejects) == rejectAfter {
		ep.state, ep.since, ch.rejected = rejecting, now, true
	}
	return ch
}

// probedBy reports whether the lane is the one that tries while the endpoint is down.
func (ep *endpoint) probedBy(ref laneRef) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.prober != nil && *ep.prober == ref
}

// vacate lets another lane probe: the prober's head is parked or over. It reports whether it was the prober's.
func (ep *endpoint) vacate(ref laneRef) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.prober == nil || *ep.prober != ref {
		return false
	}
	ep.prober = nil
	return true
}

// heal ends a rejecting or down breaker because a test message passed, and returns the spell whose parked deliveries
// are to be released with it (0: none) and the heads that waited.
func (ep *endpoint) heal() (spell int64, revived []laneRef) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.state == rejecting {
		spell = ep.spell
		ep.state = closed
	}
	ep.rejects = ep.rejects[:0]
	return spell, ep.answered()
}

// restore puts back what the store remembers.
func (ep *endpoint) restore(spell int64) {
	ep.mu.Lock()
	ep.state, ep.spell, ep.since = rejecting, spell, time.UnixMicro(spell).UTC()
	ep.mu.Unlock()
}
