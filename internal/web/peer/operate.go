package peer

import (
	"context"
	"slices"
	"sync"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// Lanes lists the selected lanes that are on disk, by position.
// Error: fault.NodeUnreachable, with what the other nodes have.
func (d *Deliveries) Lanes(ctx context.Context, sel delivery.Selection) ([]delivery.LaneView, error) {
	list, err := d.ofSelection(ctx, lanes, sel)
	delivery.SortLanes(list)
	return list, err
}

// ofSelection asks the node that has all of a selection, or every node.
func (d *Deliveries) ofSelection(ctx context.Context, v deed[delivery.Selection, []delivery.LaneView], sel delivery.Selection) ([]delivery.LaneView, error) {
	system := sel.System
	if system == "" && sel.Subscription != "" {
		system, _ = d.systemOf(sel.Subscription) // one that never was has no lanes anywhere
	}
	if system == "" || !d.subscribed(system) {
		return joined(v.everywhere(ctx, d, sel))
	}
	return v.of(ctx, d, system, sel)
}

// subscribed reports whether a system has subscriptions, so that a node is to deliver it.
func (d *Deliveries) subscribed(system string) bool {
	set, _ := d.own.Log.Book().Subscriptions(system)
	return len(set) > 0
}

// Endpoints lists the endpoints that were sent to.
// Error: fault.NodeUnreachable, with what the other nodes have.
func (d *Deliveries) Endpoints(ctx context.Context) ([]delivery.EndpointView, error) {
	list, err := joined(endpoints.everywhere(ctx, d, nothing{}))
	delivery.SortEndpoints(list)
	return list, err
}

// Totals count what happened on all nodes since each of them started.
// Error: fault.NodeUnreachable, with what the other nodes counted.
func (d *Deliveries) Totals(ctx context.Context) (delivery.Totals, error) {
	list, err := totals.everywhere(ctx, d, nothing{})
	var sum delivery.Totals
	for i := range list {
		sum.Add(&list[i])
	}
	return sum, err
}

// Standings lists the systems that have subscriptions, by name.
// Error: fault.NodeUnreachable, with what the other nodes have.
func (d *Deliveries) Standings(ctx context.Context) ([]delivery.Standing, error) {
	list, err := joined(standings.everywhere(ctx, d, nothing{}))
	delivery.SortStandings(list)
	return list, err
}

// Release makes the selected heads due now, wherever they are: as delivery.Engine does.
// Errors: NothingSelected, StorageFull, ShuttingDown, NotHere, NodeUnreachable. Of what was recorded a part may have been
// done then.
func (d *Deliveries) Release(ctx context.Context, actor string, sel delivery.Selection, dryRun bool) ([]delivery.LaneView, error) {
	return d.operate(ctx, actor, audit.Release, sel, dryRun)
}

// Discard ends the selected heads as discarded, wherever they are. Errors as Release.
func (d *Deliveries) Discard(ctx context.Context, actor string, sel delivery.Selection, dryRun bool) ([]delivery.LaneView, error) {
	return d.operate(ctx, actor, audit.Discard, sel, dryRun)
}

// operate finds what is selected on every node, has it on record here, once and whole, and then has each node do its part
// of that and nothing else (DESIGN promise 12).
func (d *Deliveries) operate(ctx context.Context, actor string, what audit.Act, sel delivery.Selection, dryRun bool) ([]delivery.LaneView, error) {
	if _, err := d.own.Engine.Selected(sel); err != nil {
		return nil, err
	}
	heads, err := d.ofSelection(ctx, selected, sel)
	if err != nil {
		return nil, err
	}
	if delivery.SortLanes(heads); dryRun || len(heads) == 0 {
		return heads, nil
	}
	if err := d.own.Engine.Record(ctx, actor, what, sel, heads); err != nil {
		return nil, err
	}
	return d.act(ctx, what, heads)
}

// act does what is on record, system by system, where each is by now.
func (d *Deliveries) act(ctx context.Context, what audit.Act, heads []delivery.LaneView) ([]delivery.LaneView, error) {
	bySystem := map[string][]delivery.LaneView{}
	for i := range heads {
		bySystem[heads[i].System] = append(bySystem[heads[i].System], heads[i])
	}
	var mu sync.Mutex
	var done []delivery.LaneView
	err := each(bySystem, func(system string, of []delivery.LaneView) error {
		for part := range slices.Chunk(of, mostHeads) {
			list, err := act.of(ctx, d, system, acting{what, part})
			mu.Lock()
			done = append(done, list...)
			mu.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	})
	delivery.SortLanes(done)
	return done, err
}

// atOnce bounds how many systems are asked about at a time.
const atOnce = 16

// each does something for every entry, some at a time, and returns the first error there was.
func each[V any](of map[string]V, do func(string, V) error) (first error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	room := make(chan struct{}, atOnce)
	for name, v := range of {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			if err := do(name, v); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
			}
		})
	}
	all.Wait()
	return first
}

// Reached waits until everything up to a position is counted here. Who is asked about it counts up to there too.
func (d *Deliveries) Reached(ctx context.Context, position int64) error {
	return d.own.Engine.Reached(ctx, position)
}

// Pending is how many deliveries a consumer owes.
// Errors: fault.NotHere, fault.NodeUnreachable, fault.ShuttingDown.
func (d *Deliveries) Pending(ctx context.Context, consumer string) (int64, error) {
	at := slices.IndexFunc(d.own.Log.Book().Consumers(), func(c *revision.Consumer) bool { return c.Name == consumer })
	if at < 0 {
		return 0, nil
	}
	return pending.of(ctx, d, d.own.Log.Book().Consumers()[at].System, consumer)
}

// Owed is how many of a shared consumer's deliveries are one subscription's.
// Errors: fault.NotFound, fault.NotHere, fault.NodeUnreachable, fault.ShuttingDown.
func (d *Deliveries) Owed(ctx context.Context, subscription string) (int64, error) {
	system, err := d.systemOf(subscription)
	if err != nil {
		return 0, err
	}
	return owed.of(ctx, d, system, subscription)
}

// Passed tells the node that sends to an endpoint that a test message to it was accepted.
// Errors: fault.NotHere, fault.NodeUnreachable.
func (d *Deliveries) Passed(ctx context.Context, system, url string) error {
	_, err := passed.of(ctx, d, system, endpoint{system, url})
	return err
}

// Rejecting lists the endpoints, of a system or with "" of all, that take nothing until a test passes. The store has those
// of other nodes.
func (d *Deliveries) Rejecting(ctx context.Context, system string) ([]revision.Scope, error) {
	return d.own.Engine.Rejecting(ctx, system)
}

// ToReplay counts what a filter selects of a subscription's past: the log is the same on every node.
func (d *Deliveries) ToReplay(ctx context.Context, id string, f eventlog.Filter) (eventlog.Filter, int64, error) {
	return d.own.Engine.ToReplay(ctx, id, f)
}

// Replay begins a pass where the subscription is delivered. Errors as delivery.Engine; NotHere, NodeUnreachable.
func (d *Deliveries) Replay(ctx context.Context, id, author string, f eventlog.Filter, rate int, count int64) (eventlog.Pass, error) {
	system, err := d.systemOf(id)
	if err != nil {
		return eventlog.Pass{}, err
	}
	return replay.of(ctx, d, system, replaying{id, author, f, rate, count})
}

// Replays lists passes, newest first, at most limit, as they were recorded last.
func (d *Deliveries) Replays(ctx context.Context, ended bool, limit int) ([]eventlog.Pass, error) {
	return d.own.Engine.Replays(ctx, ended, limit)
}

// mostPasses are looked through for one that goes on.
const mostPasses = 1 << 20

// StopReplay ends a pass where it is, on the node that makes it.
// Errors: fault.NotFound, fault.NotHere, fault.NodeUnreachable, fault.ShuttingDown.
func (d *Deliveries) StopReplay(ctx context.Context, pass int64, actor string) error {
	under, err := d.own.Engine.Replays(ctx, false, mostPasses)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(under, func(p eventlog.Pass) bool { return p.N == pass })
	if at < 0 {
		return fault.New(fault.NotFound, "no replay %d is under way", pass)
	}
	system, err := d.systemOf(under[at].Line)
	if err != nil {
		return err
	}
	_, err = stopReplay.of(ctx, d, system, stopping{pass, actor})
	return err
}
