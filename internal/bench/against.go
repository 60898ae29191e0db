package bench

import (
	"context"
	"time"
)

// hang measures nine subscriptions while the endpoint of a tenth reads and never answers, beside the same nine without
// the tenth: what the hanging one costs the others.
func hang(ctx context.Context, r *run, f *Figure) error {
	return r.against(ctx, f, r.Size.Hang,
		world{subscriptions: 10, systems: 10, types: 1, hanging: 1}, world{subscriptions: 9, systems: 9, types: 1})
}

// manySubscriptions measures a hub with very many subscriptions, of which each event is for ten, beside one with those
// ten alone.
func manySubscriptions(ctx context.Context, r *run, f *Figure) error {
	const matching = 10
	return r.against(ctx, f, r.Size.Window,
		world{subscriptions: r.Size.Subscriptions, systems: matching, types: r.Size.Subscriptions / matching},
		world{subscriptions: matching, systems: matching, types: 1})
}

// against takes turns between two hubs.
func (r *run) against(ctx context.Context, f *Figure, window time.Duration, measured, reference world) error {
	if err := r.startReceiver(nil); err != nil {
		return err
	}
	one, err := r.newHub(ctx, measured, lag)
	if err != nil {
		return err
	}
	other, err := r.newHub(ctx, reference, lag)
	if err != nil {
		return err
	}
	var rs rounds
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		s, err := r.turn(ctx, window, other.publish)
		if err != nil {
			return err
		}
		rs.ceiling = append(rs.ceiling, s)
		stop := r.profile(n == 0)
		s, err = r.turn(ctx, window, one.publish)
		stop()
		if err != nil {
			return err
		}
		rs.hub = append(rs.hub, s)
	}
	rs.summarise(f)
	return nil
}
