package delivery

import (
	"cmp"
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// LaneView is a blocked lane as an operator sees it.
type LaneView struct {
	Consumer     string `json:"consumer"`
	System       string `json:"system"`
	Subscription string `json:"subscription"`
	Lane         string `json:"lane"`
	Position     int64  `json:"position"` // of the event it stands at
	State        string `json:"state"`    // retrying, standing or parked
	Behind       int    `json:"behind"`   // events that wait behind it
	Attempts     int    `json:"attempts"`
	Replay       int64  `json:"replay,omitempty"` // the pass its head belongs to
	Since        int64  `json:"since"`            // µs UTC of the first failure
	Due          int64  `json:"due"`              // µs UTC of the next attempt; when parked, of its expiry; 0: none
	Status       int    `json:"status,omitempty"`
	Reason       string `json:"reason,omitempty"`
}

// Selection names blocked lanes. Empty fields select all; nothing at all selects nothing.
type Selection struct {
	System       string
	Subscription string
	Lane         string
	All          bool
}

func (s Selection) empty() bool { return s == Selection{} }

func (s Selection) names(v *LaneView) bool {
	return (s.System == "" || s.System == v.System) && (s.Subscription == "" || s.Subscription == v.Subscription) &&
		(s.Lane == "" || s.Lane == v.Lane)
}

// Lanes lists the selected lanes that are on disk, by position.
func (e *Engine) Lanes(sel Selection) []LaneView {
	return e.lanesOf(func(l *lane, v *LaneView) bool { return sel.names(v) })
}

// lanesOf lists the lanes on disk that are wanted, by position.
func (e *Engine) lanesOf(wanted func(*lane, *LaneView) bool) []LaneView {
	var list []LaneView
	for _, c := range e.all() {
		c.each(func(l *lane) {
			if v := c.view(l); wanted(l, &v) {
				list = append(list, v)
			}
		})
	}
	SortLanes(list)
	return list
}

// SortLanes puts lanes in the order that Lanes lists them in.
func SortLanes(list []LaneView) {
	slices.SortFunc(list, func(a, b LaneView) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Consumer, b.Consumer))
	})
}

// each visits the consumer's lanes that stand on disk with their head known.
func (c *consumer) each(visit func(*lane)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		if l.disk != nil && l.head != nil && l.disk.row.State != 0 {
			visit(l)
		}
	}
}

func (c *consumer) view(l *lane) LaneView {
	row := l.disk.row
	return LaneView{
		Consumer: c.book.Name, System: c.book.System, Subscription: l.head.line.ID, Lane: l.key.String(),
		Position: l.head.position, State: row.State.String(), Behind: l.disk.behind, Attempts: l.head.attempts, Replay: l.head.pass,
		Since: row.Since, Due: row.Due, Status: row.Status, Reason: row.Reason,
	}
}

// Release makes the selected parked or retrying heads due now, their delay counted anew, and returns them. With dryRun
// it only returns them.
//
// That an actor asked for it, of what and of how many, is committed to the audit log before anything happens; when it
// cannot be, nothing does (DESIGN promise 12). A crash between leaves what was asked for in the log and not done.
// Errors: NothingSelected, StorageFull, ShuttingDown.
func (e *Engine) Release(ctx context.Context, actor string, sel Selection, dryRun bool) ([]LaneView, error) {
	return e.operate(ctx, actor, audit.Release, sel, dryRun)
}

// Discard ends the selected heads as discarded; their lanes go on when that is committed. With dryRun it only returns
// them. A head that is in flight at that moment is left alone. It is audited as Release is, with the same errors.
func (e *Engine) Discard(ctx context.Context, actor string, sel Selection, dryRun bool) ([]LaneView, error) {
	return e.operate(ctx, actor, audit.Discard, sel, dryRun)
}

func (e *Engine) operate(ctx context.Context, actor string, act audit.Act, sel Selection, dryRun bool) ([]LaneView, error) {
	selected, err := e.Selected(sel)
	if err != nil || dryRun || len(selected) == 0 {
		return selected, err
	}
	if err := e.Record(ctx, actor, act, sel, selected); err != nil {
		return nil, err
	}
	return e.Act(act, selected), nil
}

// Selected lists the heads that an operation would meet now, of the systems that this node delivers.
// Error: NothingSelected.
func (e *Engine) Selected(sel Selection) ([]LaneView, error) {
	if sel.empty() {
		return nil, fault.New(fault.NothingSelected, "name a lane, a subscription or a system, or say all")
	}
	return e.lanesOf(func(l *lane, v *LaneView) bool { return sel.names(v) && l.head.stage == blocked }), nil
}

// Record has it in the audit log that an actor releases or discards what was selected, on whichever nodes that is. Act
// comes after it, and does no more.
// Errors: StorageFull, ShuttingDown.
func (e *Engine) Record(ctx context.Context, actor string, act audit.Act, sel Selection, selected []LaneView) error {
	return e.log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{entry(actor, act, sel, selected)}})
}

// Act releases or discards those of the selected heads that still stand here, and no other: they are what the audit log
// says. It returns them.
func (e *Engine) Act(act audit.Act, selected []LaneView) []LaneView {
	do := (*consumer).releaseHead
	if act == audit.Discard {
		do = (*consumer).discardHead
	}
	type head struct {
		consumer, lane string
		position       int64
	}
	audited := make(map[head]bool, len(selected))
	for i := range selected {
		audited[head{selected[i].Consumer, selected[i].Lane, selected[i].Position}] = true
	}
	var done []LaneView
	for _, c := range e.all() {
		before := len(done)
		c.each(func(l *lane) {
			if v := c.view(l); l.head.stage == blocked && audited[head{v.Consumer, v.Lane, v.Position}] {
				done = append(done, v)
				do(c, l)
			}
		})
		if len(done) > before {
			c.mu.Lock()
			c.pump()
			c.mu.Unlock()
		}
	}
	SortLanes(done)
	return done
}

// positionsAudited is how many of the selected heads an audit entry names; it counts them all.
const positionsAudited = 20

// entry is an operation's entry in the audit log.
func entry(actor string, act audit.Act, sel Selection, lanes []LaneView) audit.Entry {
	subject := string(revision.Hub)
	switch {
	case sel.Subscription != "":
		subject = string(revision.OfSubscription(sel.Subscription))
	case sel.System != "":
		subject = string(revision.OfSystem(sel.System))
	}
	detail := audit.Detail{
		Selected: &audit.Selected{System: sel.System, Subscription: sel.Subscription, Lane: sel.Lane != "", All: sel.All},
		Lanes:    len(lanes),
	}
	for i := range lanes {
		detail.Positions = append(detail.Positions, lanes[i].Position)
	}
	slices.Sort(detail.Positions)
	detail.Positions = detail.Positions[:min(len(detail.Positions), positionsAudited)]
	return audit.Of(actor, act, subject, detail)
}

func (c *consumer) releaseHead(l *lane) {
	d := l.head
	d.failures, d.since = 0, 0
	row := l.disk.row
	row.State, row.Failures, row.Since, row.Due, row.Spell = eventlog.Standing, 0, 0, 0, 0
	c.standAs(l, row)
	c.cut.Blocked = append(c.cut.Blocked, row)
	c.makeReady(l)
	c.touch()
}

func (c *consumer) discardHead(l *lane) {
	c.vacate(l.head)
	c.conclude(l.head, eventlog.Attempt{Outcome: eventlog.Discarded})
}

// Passed tells the engine that a test message to an endpoint was accepted. An endpoint that rejected takes messages
// again, and what that spell parked is released with it (DESIGN promise 5).
func (e *Engine) Passed(system, url string) {
	ep := e.endpointAt(system, url)
	spell, revived := ep.heal()
	e.revive(revived)
	e.mu.Lock()
	list := append([]*consumer(nil), e.bySystem[system]...)
	e.mu.Unlock()
	for i, c := range list {
		c.heal(ep, spell, i == 0)
	}
	e.wake(ep)
}

func (c *consumer) heal(ep *endpoint, spell int64, remember bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if spell != 0 {
		for _, l := range c.lanes {
			if l.disk != nil && l.head != nil && l.head.stage == blocked && l.disk.row.Spell == spell && c.outlet(l.head.line).endpoint == ep {
				c.releaseHead(l)
			}
		}
		if remember {
			c.cut.Endpoints = append(c.cut.Endpoints, eventlog.Endpoint{System: ep.system, URL: ep.url})
			c.touch()
		}
	}
	c.pump()
	c.readOn()
}

// EndpointView is an endpoint as an operator sees it.
type EndpointView struct {
	System   string `json:"system"`
	URL      string `json:"url"`
	State    string `json:"state"` // BreakerOpen, BreakerDown or BreakerRejecting
	InFlight int    `json:"inFlight"`
	Window   int    `json:"window"`
	Failures int    `json:"failures"`        // in a row
	Since    int64  `json:"since,omitempty"` // µs UTC when the breaker left "open for messages"
	Until    int64  `json:"until,omitempty"` // µs UTC until when the receiver asked us to wait
}

// Endpoints lists the endpoints this node has sent to, of the systems that it delivers.
func (e *Engine) Endpoints() []EndpointView {
	views := []EndpointView{}
	for _, ep := range e.endpointsHere() {
		views = append(views, ep.view())
	}
	SortEndpoints(views)
	return views
}

// SortEndpoints puts endpoints in the order that Endpoints lists them in.
func SortEndpoints(list []EndpointView) {
	slices.SortFunc(list, func(a, b EndpointView) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.URL, b.URL))
	})
}

// endpointsHere are those that are this node's. It may know of others since it was asked where an event is.
func (e *Engine) endpointsHere() []*endpoint {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*endpoint, 0, len(e.endpoints))
	for key, ep := range e.endpoints {
		if key.url != "" && (e.whole != nil || e.holdings[key.system] != nil) {
			list = append(list, ep)
		}
	}
	return list
}

func (ep *endpoint) view() EndpointView {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	v := EndpointView{
		System: ep.system, URL: ep.url, State: breakerNames[ep.state], InFlight: ep.inFlight, Window: ep.window, Failures: ep.failures,
	}
	if ep.state != closed {
		v.Since = ep.since.UnixMicro()
	}
	if !ep.until.IsZero() {
		v.Until = ep.until.UnixMicro()
	}
	return v
}

// Rejecting lists the endpoints of a system, with "" of all, that take nothing until a test passes. Of systems that this
// node does not deliver it reads what the store remembers.
// Errors: as the store's.
func (e *Engine) Rejecting(ctx context.Context, system string) ([]revision.Scope, error) {
	var list []revision.Scope
	for _, ep := range e.endpointsHere() {
		if (system == "" || ep.system == system) && ep.takesNothing() {
			list = append(list, revision.OfEndpoint(ep.system, ep.url))
		}
	}
	if e.whole != nil || system != "" && e.Holds(system) {
		return list, nil
	}
	stored, err := e.store.Endpoints(ctx)
	for i := range stored {
		if s := &stored[i]; (system == "" || s.System == system) && !e.Holds(s.System) {
			list = append(list, revision.OfEndpoint(s.System, s.URL))
		}
	}
	return list, err
}

// Pending is how many deliveries a consumer still owes: matched by the router and not over.
func (e *Engine) Pending(name string) int64 {
	for _, c := range e.all() {
		if c.book.Name == name {
			c.mu.Lock()
			defer c.mu.Unlock()
			return max(0, c.pending)
		}
	}
	return 0
}

// Totals count what happened since the start.
type Totals struct {
	Delivered int64 `json:"delivered"`
	Retried   int64 `json:"retried"`
	Parked    int64 `json:"parked"`
	Blocked   int64 `json:"blockedLanes"` // lanes that were blocked at some time
	Pending   int64 `json:"pending"`
	InFlight  int64 `json:"inFlight"`
}

// Delivered is how many deliveries have been made since the start.
func (e *Engine) Delivered() int64 { return e.totals.delivered.Load() }

// Add adds another node's.
func (t *Totals) Add(other *Totals) {
	t.Delivered += other.Delivered
	t.Retried += other.Retried
	t.Parked += other.Parked
	t.Blocked += other.Blocked
	t.Pending += other.Pending
	t.InFlight += other.InFlight
}

// Totals returns the counters.
func (e *Engine) Totals() Totals {
	t := Totals{
		Delivered: e.totals.delivered.Load(), Retried: e.totals.retried.Load(), Parked: e.totals.parked.Load(),
		Blocked: e.totals.blockedLanes.Load(), InFlight: e.inFlight.Load(),
	}
	for _, c := range e.all() {
		c.mu.Lock()
		t.Pending += max(0, c.pending)
		c.mu.Unlock()
	}
	return t
}

// deactivate stops a subscription whose receiver answered 410, or was tried for long enough, by a revision like any other,
// and tells of it. Until that is committed nothing is sent to it all the same: its outlet is stopped.
func (e *Engine) deactivate(l *revision.Line, change func(*subscription.Subscription), told Notice) {
	if l.Now() == nil || !e.begin() {
		return
	}
	go func() {
		defer e.end()
		if err := e.opts.Revise(e.ctx, l, change); err != nil {
			e.trouble("deactivating subscription "+l.ID, err)
			e.clock.AfterFunc(readRetry, func() { e.deactivate(l, change, told) })
			return
		}
		e.tell(told)
	}()
}

// Reached waits until the router has offered everything up to a position.
func (e *Engine) Reached(ctx context.Context, position int64) error {
	for {
		passed := e.passed.Wait()
		if e.routed.Load() >= position {
			return nil
		}
		select {
		case <-passed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
