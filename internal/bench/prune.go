package bench

import (
	"context"
	"errors"
	"time"

	"github.com/varselhub/varsel/internal/event"
)

// prune measures what publishers get delivered while the hub takes out of its file what it has forgotten, beside the same
// hub when there is nothing to take out. What is pruned is what the turns before have published.
func prune(ctx context.Context, r *run, f *Figure) error {
	if err := r.startReceiver(nil); err != nil {
		return err
	}
	h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1}, lag)
	if err != nil {
		return err
	}
	var rs rounds
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		s, err := r.turn(ctx, r.Size.Window, h.publish)
		if err != nil {
			return err
		}
		rs.ceiling = append(rs.ceiling, s)
		if err := h.forget(ctx); err != nil {
			return err
		}
		stop := r.profile(n == 0)
		s, err = r.turn(ctx, r.Size.Window, h.publishPruning)
		stop()
		if err != nil {
			return err
		}
		rs.hub = append(rs.hub, s)
		if err := h.Prune(ctx); err != nil { // the rest, before the next turn without
			return err
		}
	}
	rs.summarise(f)
	return nil
}

// forget destroys the keys of all that was accepted until now. All of it has arrived.
func (h *hub) forget(ctx context.Context) error {
	today := event.Day(time.Now().UnixMicro())
	for _, day := range []int64{today - 1, today} { // it may have turned midnight
		if _, err := h.Store.Forget(ctx, retention, day); err != nil {
			return err
		}
	}
	return nil
}

// publishPruning is publish while what was forgotten is pruned.
func (h *hub) publishPruning(ctx context.Context) error {
	pruning, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- h.Prune(pruning) }()
	err := h.publish(ctx)
	select {
	case e := <-done: // it had come to its end, or failed
		done <- nil
		if ctx.Err() == nil {
			err = errors.Join(err, e)
		}
	default:
	}
	stop()
	<-done
	return err
}
