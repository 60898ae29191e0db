package bench

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/revision"
)

// drain lets events pile up behind a pause and measures how fast they leave once it ends, beside the rate at which the
// same hub delivers what is published at the time: before the backlog and after it.
func drain(ctx context.Context, r *run, f *Figure) error {
	if err := r.startReceiver(nil); err != nil {
		return err
	}
	h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1}, lag)
	if err != nil {
		return err
	}
	live, err := r.turn(ctx, r.Size.Window, h.publish)
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what came before is not what is measured
	peak := watchMemory()
	drained, err := h.drain(ctx, r.Size.Pending)
	f.PeakMiB = float64(peak()) / (1 << 20)
	if err != nil {
		return err
	}
	again, err := r.turn(ctx, r.Size.Window, h.publish)
	if err != nil {
		return err
	}
	f.Pending = r.Size.Pending
	f.Value, f.Ceiling = drained, (live.rate+again.rate)/2
	f.Ratio = f.Value / f.Ceiling
	return nil
}

// drain returns how many a second left.
func (h *hub) drain(ctx context.Context, count int) (float64, error) {
	before, err := h.run.received(ctx)
	if err != nil {
		return 0, err
	}
	if err := h.Manager.Pause(ctx, revision.Hub, "bench", "to let messages pile up"); err != nil {
		return 0, err
	}
	h.run.progress("publishing %d while paused", count)
	if err := h.pileUp(ctx, count); err != nil {
		return 0, err
	}
	h.run.progress("draining %d", count)
	began := time.Now().UnixNano()
	stop := h.run.profile(true)
	defer stop()
	if err := h.Manager.Resume(ctx, revision.Hub, "bench"); err != nil {
		return 0, err
	}
	after, err := h.run.arrived(ctx, before.Count+int64(count), h.run.Size.Limit)
	return float64(count) / (float64(after.At-began) / 1e9), err
}

// pileUp publishes so many events in batches.
func (h *hub) pileUp(ctx context.Context, count int) error {
	const batch = 50
	var left atomic.Int64
	left.Store(int64(count))
	return together(8, func() error {
		for ctx.Err() == nil {
			rest := left.Add(-batch)
			if rest <= -batch {
				return nil
			}
			var drafts []event.Draft
			for range min(batch, batch+rest) {
				drafts = append(drafts, h.drafts.next(h.drafts.data))
			}
			if _, err := h.Publisher.Publish(ctx, drafts, false); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// watchMemory follows the resident memory of this process until the function it returns is called, which tells the most
// it was, in bytes.
func watchMemory() (peak func() int64) {
	done, result := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		most := residentMemory()
		for {
			select {
			case <-ticker.C:
				most = max(most, residentMemory())
			case <-done:
				result <- most
				return
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-result
	}
}
