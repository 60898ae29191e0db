package delivery

import (
	"context"
	"sync/atomic"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// holding is what lets this node deliver a system's consumers: all of them, so that the system's endpoints have one
// breaker and one window. A hub of one process has everything under one that never ends.
type holding struct {
	token   int64
	ctx     context.Context // ends with it: what is in flight then is cut short
	end     context.CancelFunc
	leaving atomic.Bool   // no new send begins
	gone    atomic.Bool   // the router offers its consumers nothing more
	taken   chan struct{} // closed when its consumers are taken up
}

func newHolding(ctx context.Context, token int64) *holding {
	h := &holding{token: token, taken: make(chan struct{})}
	h.ctx, h.end = context.WithCancel(ctx)
	return h
}

// settled reports whether its consumers are taken up.
func (h *holding) settled() bool {
	select {
	case <-h.taken:
		return true
	default:
		return false
	}
}

// over reports whether nothing may begin under it any more.
func (h *holding) over() bool { return h.leaving.Load() || h.ctx.Err() != nil }

// held returns the holding that a system is under; nil when another node has it, or nobody.
func (e *Engine) held(system string) *holding {
	if e.whole != nil {
		return e.whole
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.holdings[system]
}

// Holds reports whether this node delivers a system's consumers.
func (e *Engine) Holds(system string) bool { return e.held(system) != nil }

// here refuses what only the node can do that delivers the system.
// Error: fault.NotHere.
func (e *Engine) here(system string) error {
	if e.Holds(system) {
		return nil
	}
	return notHere(system)
}

// Here waits until a system's consumers are taken up by this node, if that is under way.
// Errors: fault.NotHere when another node has them, or nobody; fault.ShuttingDown when ctx ends.
func (e *Engine) Here(ctx context.Context, system string) error {
	h := e.held(system)
	if h == nil {
		return notHere(system)
	}
	select {
	case <-h.taken:
	case <-h.ctx.Done():
	case <-ctx.Done():
		return fault.Wrap(fault.ShuttingDown, ctx.Err(), "gave up waiting for the deliveries of %s to be taken up", system)
	}
	if h.ctx.Err() != nil {
		return notHere(system)
	}
	return nil
}

func notHere(system string) error {
	return fault.New(fault.NotHere, "the deliveries of %s are not this node's", system)
}

// arrival are the consumers of a system that this node takes up, on their way to the router.
type arrival struct {
	system  string
	holding *holding
	stored  map[*consumer]*eventlog.Consumer
	byBook  map[*revision.Consumer]*consumer
	counted int64    // what is for them up to here has been counted
	resumed []func() // replays to go on with
}

// TakeUp has this node deliver a system's consumers from now on, where the store says they stand, under a token that no
// node had before. It returns when they are under way. What the node before had in flight, or had not recorded, is sent
// again (DESIGN promise 3); its cuts are refused from here on.
// Errors: what the store gives, and ctx; then nothing was taken up.
func (e *Engine) TakeUp(ctx context.Context, system string, token int64) error {
	h := newHolding(e.ctx, token)
	a, err := e.arrive(ctx, system, h)
	if err != nil {
		h.end()
		return err
	}
	e.Lose(system) // of before, should it not have been heard that it is over
	e.mu.Lock()
	e.holdings[system] = h
	e.arrivals = append(e.arrivals, a)
	e.mu.Unlock()
	e.call()
	select {
	case <-h.taken:
		return nil
	case <-h.ctx.Done():
		return notHere(system)
	case <-ctx.Done():
		e.Lose(system)
		return ctx.Err()
	}
}

// arrive reads the system's consumers and counts for them what the router has offered to others meanwhile, all but the
// last of it.
func (e *Engine) arrive(ctx context.Context, system string, h *holding) (*arrival, error) {
	a := &arrival{system: system, holding: h, stored: map[*consumer]*eventlog.Consumer{}, byBook: map[*revision.Consumer]*consumer{}}
	var names []string
	byName := map[string]*revision.Consumer{}
	for _, book := range e.book.Consumers() {
		if book.System == system {
			names, byName[book.Name] = append(names, book.Name), book
		}
	}
	a.counted = e.routed.Load()
	if len(names) > 0 {
		stored, err := e.store.TakeUp(ctx, h.token, names...)
		if err != nil {
			return nil, err
		}
		for i := range stored {
			k := &stored[i]
			if book := byName[k.Name]; book != nil && !k.Ended {
				c := newConsumer(e, book, k, h)
				a.stored[c], a.byBook[book] = k, c
				a.counted = min(a.counted, k.Counted)
			}
		}
	}
	if err := e.restoreBreakers(ctx, system); err != nil {
		return nil, err
	}
	if err := e.resumePasses(ctx, a); err != nil { // before any lane moves: they hold some of them back
		return nil, err
	}
	for a.counted+routeRange < e.routed.Load() {
		if err := e.countOn(ctx, a, a.counted+routeRange); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// restoreBreakers forgets what this node knew of a system's endpoints, and puts back what the store remembers.
func (e *Engine) restoreBreakers(ctx context.Context, system string) error {
	rejecting, err := e.store.Endpoints(ctx)
	if err != nil {
		return err
	}
	e.forgetEndpoints(system)
	for _, ep := range rejecting {
		if ep.System == system {
			e.endpointAt(ep.System, ep.URL).restore(ep.Spell)
		}
	}
	return nil
}

func (e *Engine) forgetEndpoints(system string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key := range e.endpoints {
		if key.system == system {
			delete(e.endpoints, key)
		}
	}
}

// countOn counts what is for arriving consumers up to a position.
func (e *Engine) countOn(ctx context.Context, a *arrival, upTo int64) error {
	for a.counted < upTo && len(a.byBook) > 0 {
		events, read, err := e.log.Read(ctx, a.counted, min(routeRange, int(upTo-a.counted)))
		if err != nil {
			return err
		}
		for _, ev := range events {
			e.countFor(a, ev)
		}
		a.counted = read
	}
	return nil
}

func (e *Engine) countFor(a *arrival, ev *event.Event) {
	e.book.Route(ev, func(l *revision.Line) {
		if c := a.byBook[l.Consumer]; c != nil {
			c.count(ev.Position, l)
		}
	})
}

// call wakes the router.
func (e *Engine) call() {
	select {
	case e.called <- struct{}{}:
	default:
	}
}

// welcome is the router's: it counts the last of what is for those that arrive, and has them from here on.
func (e *Engine) welcome() {
	e.mu.Lock()
	arrivals := e.arrivals
	e.arrivals = nil
	e.mu.Unlock()
	for i, a := range arrivals {
		if a.holding.ctx.Err() != nil {
			continue
		}
		routed := e.routed.Load()
		if err := e.countOn(e.ctx, a, routed); err != nil {
			e.trouble("counting for the consumers of "+a.system, err)
			e.mu.Lock()
			e.arrivals = append(e.arrivals, arrivals[i:]...)
			e.mu.Unlock()
			e.clock.AfterFunc(readRetry, e.call)
			return
		}
		e.settleIn(a, routed)
	}
}

func (e *Engine) settleIn(a *arrival, routed int64) {
	for c, k := range a.stored {
		if e.adoptUnder(a.holding, a.system, c) {
			e.takeUp(c, k, routed)
		}
	}
	for c := range a.stored {
		e.reconfigure(c) // also those that were removed and not ended yet
	}
	for _, goOn := range a.resumed {
		goOn()
	}
	e.takeUpPulled(a.system)
	close(a.holding.taken)
	e.passed.Signal()
}

// LetGo ends the delivery of a system's consumers: no new send begins, what is in flight is let finish until ctx ends,
// and everything is recorded. When it returns another node may take them up.
func (e *Engine) LetGo(ctx context.Context, system string) {
	h := e.held(system)
	if h == nil {
		return
	}
	h.leaving.Store(true)
	for _, c := range e.of(system) {
		c.settle(ctx)
	}
	e.Lose(system)
}

// settle waits until nothing of the consumer is in flight and everything is recorded, or ctx ends.
func (c *consumer) settle(ctx context.Context) {
	c.mu.Lock()
	c.revoke()
	c.mu.Unlock()
	for {
		recorded := c.recorded.Wait()
		c.mu.Lock()
		unrecorded := !c.cut.Empty() || len(c.settling) > 0
		busy := unrecorded || c.cutting != nil || c.sends()
		if unrecorded {
			c.touch()
		}
		busy = busy && !c.ended
		c.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-recorded:
		case <-c.hold.ctx.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// Lose ends the delivery of a system's consumers at once: the holding is over, or cannot be told to be this node's any
// more. What is in flight is cut short; whoever takes them up sends it again.
func (e *Engine) Lose(system string) {
	if e.whole == nil {
		e.drop(system, e.held(system))
	}
}

// drop ends what is under a holding, if it still stands.
func (e *Engine) drop(system string, h *holding) bool {
	e.mu.Lock()
	if h == nil || e.holdings[system] != h {
		e.mu.Unlock()
		return false
	}
	h.gone.Store(true) // before its consumers are: what the router passes by without them is not theirs to vouch for
	list := e.bySystem[system]
	delete(e.holdings, system)
	delete(e.bySystem, system)
	for _, c := range list {
		delete(e.consumers, c.book)
	}
	e.mu.Unlock()
	for _, c := range list {
		c.lose()
	}
	h.end()
	e.marks.forget(system) // whoever has the system now serves pages that are not noted here
	e.forgetEndpoints(system)
	e.passed.Signal() // whoever waits for them to be taken up hears that they are not here
	return true
}

// lose lets nothing come of what is still under way.
func (c *consumer) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.lost = true, true
	for _, o := range c.outlets {
		c.forsake(o.endpoint)
	}
	c.recorded.Signal()
	c.came.Signal()
}

// of lists a system's consumers that this node delivers.
func (e *Engine) of(system string) []*consumer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*consumer(nil), e.bySystem[system]...)
}
