package peer

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// Forget ends the deliveries of events that were forgotten in the store, on every node, and lets nothing of them be in any
// node's memory. It has been done only when all nodes have done it.
// Errors: fault.NodeUnreachable, fault.ShuttingDown.
func (d *Deliveries) Forget(ctx context.Context, positions []int64) error {
	for part := range slices.Chunk(positions, mostGone) {
		if err := d.forgetBy(ctx, forget, forgetting{Positions: part}); err != nil {
			return err
		}
	}
	return nil
}

// ForgetDay is Forget for all that was recorded on one day under one retention.
// Errors: fault.NodeUnreachable, fault.ShuttingDown.
func (d *Deliveries) ForgetDay(ctx context.Context, retention event.Retention, day int64) error {
	return d.forgetBy(ctx, forgetDay, forgetting{Retention: retention, Day: day})
}

// forgetBy goes on until there is no node that has not done it: one that comes meanwhile may have read what was there.
func (d *Deliveries) forgetBy(ctx context.Context, v deed[forgetting, nothing], q forgetting) error {
	done := map[int64]bool{}
	for nodes := append(d.others(), here); len(nodes) > 0; {
		if _, _, err := v.among(ctx, d, nodes, q); err != nil {
			return err
		}
		for _, n := range nodes {
			done[n.N] = true
		}
		nodes = slices.DeleteFunc(d.others(), func(n eventlog.Node) bool { return done[n.N] })
	}
	return nil
}
