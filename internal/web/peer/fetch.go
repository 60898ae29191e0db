package peer

import (
	"context"
	"errors"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// errLeaving ends what waits for another node when this one is about to stop.
var errLeaving = errors.New("the hub is about to stop")

// patience is the context of one who may wait: it ends when this node is about to stop, for as long as nothing has come.
type patience struct {
	context.Context
	cancel context.CancelCauseFunc
	came   chan struct{}
}

func (d *Deliveries) patience(ctx context.Context, wait time.Duration) *patience {
	p := &patience{came: make(chan struct{})}
	p.Context, p.cancel = context.WithCancelCause(ctx)
	if wait <= 0 {
		return p
	}
	go func() {
		select {
		case <-d.own.Engine.WaitsEnd():
			p.cancel(errLeaving)
		case <-p.came:
		case <-p.Done():
		}
	}()
	return p
}

// over reports whether it was the stop that ended it.
func (p *patience) over() bool { return context.Cause(p) == errLeaving } //nolint:errorlint // it is set here, bare

// Fetch reads what is for a subscription in order, as delivery.Engine does. Once an event has come from another node, what
// ends the reading ends it here too; the reader goes on from its cursors.
// Errors: as delivery.Engine; fault.NotHere, fault.NodeUnreachable.
func (d *Deliveries) Fetch(ctx context.Context, id string, from *eventlog.Cursor, limit int, wait time.Duration, visit delivery.Visit) (at eventlog.Cursor, err error) {
	system, err := d.systemOf(id)
	if err != nil {
		return at, err
	}
	p := d.patience(ctx, wait)
	defer p.cancel(nil)
	until, some := d.clock.Now().Add(wait), false
	visited := func(f *fetched) error {
		if !some {
			some = true
			close(p.came)
		}
		return visit(&f.Event, f.Message.Body, f.At)
	}
	err = d.atHolder(p, system, func(n eventlog.Node) (err error) {
		if n.N == here.N {
			if err := d.own.ready(ctx, 0, system); err != nil {
				return err
			}
			at, err = d.own.Engine.Fetch(ctx, id, from, limit, d.left(until), visit)
			return err
		}
		q := asked[fetching]{Head: d.own.Log.Head(), System: system, Ask: fetching{Subscription: id, Limit: limit, Wait: d.left(until)}}
		if from != nil {
			q.Ask.From, q.Ask.FromKnown = *from, true
		}
		var a answered[eventlog.Cursor]
		err = d.caller.call(p, n, fetch.path(), q, visited, &a)
		if at = a.Answer; some && again(err) {
			err = fault.Wrap(fault.NodeUnreachable, err, "node %s broke off", n.Name) // what has come would come again
		}
		return err
	})
	if err != nil && p.over() && !some {
		return d.stands(from), nil
	}
	return at, err
}

// stands is where a reader stands that got nothing.
func (d *Deliveries) stands(from *eventlog.Cursor) eventlog.Cursor {
	if from == nil {
		return d.own.Log.Cursor(0, true)
	}
	return *from
}

// left is how much of a wait is left.
func (d *Deliveries) left(until time.Time) time.Duration { return max(0, until.Sub(d.clock.Now())) }

// Lease lends what is at the head of lanes of a queue, as delivery.Engine does.
// Errors: as delivery.Engine; fault.NotHere, fault.NodeUnreachable.
func (d *Deliveries) Lease(ctx context.Context, id string, most int, hold, wait time.Duration) (lent []delivery.Leased, err error) {
	system, err := d.systemOf(id)
	if err != nil {
		return nil, err
	}
	p := d.patience(ctx, wait)
	defer p.cancel(nil)
	until := d.clock.Now().Add(wait)
	err = d.atHolder(p, system, func(n eventlog.Node) (err error) {
		lent, err = lease.at(p, d, n, asked[leasing]{Head: d.own.Log.Head(), System: system, Ask: leasing{id, most, hold, d.left(until)}})
		return err
	})
	if err != nil && p.over() {
		return nil, nil
	}
	return lent, err
}

// Acknowledge ends what was leased as delivered. Leases are those of the node that gave them: when the system has moved
// since they are gone, and their events come again.
// Errors: as delivery.Engine; fault.NotHere, fault.NodeUnreachable.
func (d *Deliveries) Acknowledge(ctx context.Context, id string, tokens []string) (gone []string, err error) {
	return d.settle(ctx, acknowledge, id, tokens)
}

// Return gives leased events back before their time. Errors as Acknowledge.
func (d *Deliveries) Return(ctx context.Context, id string, tokens []string) (gone []string, err error) {
	return d.settle(ctx, giveBack, id, tokens)
}

func (d *Deliveries) settle(ctx context.Context, v deed[leases, []string], id string, tokens []string) ([]string, error) {
	system, err := d.systemOf(id)
	if err != nil {
		return nil, err
	}
	return v.of(ctx, d, system, leases{id, tokens})
}
