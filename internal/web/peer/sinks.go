package peer

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/channel"
)

// Sinks are what the sinks of all nodes have taken, as one: what a subscription had taken stays where it came when the
// system moves, and a test message is where the test was asked for.
type Sinks struct{ d *Deliveries }

// Sinks are those of all nodes.
func (d *Deliveries) Sinks() Sinks { return Sinks{d} }

// Await lists what a subscription's sink keeps after a number, oldest first and without bodies, at most limit of it; when
// there is nothing it waits that long for something, or until ctx ends.
// Error: fault.NodeUnreachable.
func (s Sinks) Await(ctx context.Context, subscription string, after int64, limit int, wait time.Duration) ([]channel.Arrival, error) {
	q := arriving{Subscription: subscription, After: after, Limit: limit}
	list, err := s.list(ctx, q)
	if err != nil || len(list) > 0 || wait <= 0 {
		return list, err
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	q.Wait = wait
	nodes := append(s.d.others(), here)
	came := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() {
			found, err := arrivals.at(waiting, s.d, n, asked[arriving]{Ask: q})
			if err == nil && len(found) > 0 {
				stop() // the others need not wait any more
			}
			came <- err
		}()
	}
	for range nodes {
		if e := <-came; waiting.Err() == nil {
			err = cmp.Or(err, e)
		}
	}
	if err != nil || ctx.Err() != nil {
		return nil, err
	}
	q.Wait = 0
	return s.list(ctx, q)
}

func (s Sinks) list(ctx context.Context, q arriving) ([]channel.Arrival, error) {
	list, err := joined(arrivals.everywhere(ctx, s.d, q))
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b channel.Arrival) int { return cmp.Compare(a.Number, b.Number) })
	return list[:min(len(list), q.Limit)], nil
}

// Arrival returns one message with its body.
// Error: fault.NodeUnreachable.
func (s Sinks) Arrival(ctx context.Context, subscription string, number int64) (channel.Arrival, bool, error) {
	list, err := arrival.everywhere(ctx, s.d, numbered{subscription, number})
	for i := range list {
		if list[i].Found {
			return list[i].Arrival, true, nil
		}
	}
	return channel.Arrival{}, false, err
}

// Holds is how many messages a sink keeps.
// Error: fault.NodeUnreachable.
func (s Sinks) Holds(ctx context.Context, subscription string) (count int, err error) {
	list, err := holds.everywhere(ctx, s.d, subscription)
	for _, n := range list {
		count += n
	}
	return count, err
}

// Empty lets go of all that a sink keeps.
// Error: fault.NodeUnreachable.
func (s Sinks) Empty(ctx context.Context, subscription string) error {
	_, err := empty.everywhere(ctx, s.d, subscription)
	return err
}
