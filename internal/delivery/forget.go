package delivery

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// mostForgotten bounds how many deliveries on disk one Forget ends: those of a subscription that has been stopped for
// longer than the retention of what waits for it. The rest end when it is their turn.
const mostForgotten = 100_000

// forgotten are positions whose events are gone from the store, and may still be in somebody's hands here: nothing of
// them leaves any more. It is empty in a hub where nobody was erased since the start.
type forgotten struct {
	any       atomic.Bool
	mu        sync.RWMutex
	positions map[int64]struct{}
}

func (f *forgotten) add(positions []int64) {
	if len(positions) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.positions == nil {
		f.positions = map[int64]struct{}{}
	}
	for _, position := range positions {
		f.positions[position] = struct{}{}
	}
	f.any.Store(true)
}

func (f *forgotten) has(position int64) bool {
	if !f.any.Load() {
		return false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, ok := f.positions[position]
	return ok
}

// Forget ends the deliveries of events that were forgotten in the store: at these positions, or with none given, of one
// retention and all up to a position. Nothing of them leaves any more, also where it was read before. What is in flight
// is let finish, and counts. What rests in a lane ends as expired, and its lane goes on; the outcomes of all that is at
// the head of a lane now are committed when Forget returns. A reader by cursor passes over them.
// Error: fault.ShuttingDown.
func (e *Engine) Forget(ctx context.Context, positions []int64) error {
	e.forgotten.add(positions)
	return e.expireForgotten(ctx, func(d *delivery) bool { return e.forgotten.has(d.position) })
}

// ForgetDay is Forget for all that was recorded on one day (UTC, since 1970-01-01) under one retention.
// Errors: as the store's; fault.ShuttingDown.
func (e *Engine) ForgetDay(ctx context.Context, retention event.Retention, day int64) error {
	onDisk, err := e.store.Forgotten(ctx, 1, e.log.Head(), mostForgotten)
	if err != nil {
		return err
	}
	e.forgotten.add(onDisk)
	return e.expireForgotten(ctx, func(d *delivery) bool {
		ofDay := d.event != nil && d.event.Retention == retention && event.Day(d.event.Recorded) == day
		return ofDay || e.forgotten.has(d.position)
	})
}

// expireForgotten ends what rests at the head of lanes, and lets go of the events behind.
func (e *Engine) expireForgotten(ctx context.Context, gone func(*delivery) bool) error {
	type ended struct {
		consumer *consumer
		cut      int
	}
	var all []ended
	for _, c := range e.all() {
		if cut := c.expireForgotten(gone); cut > 0 {
			all = append(all, ended{c, cut})
		}
	}
	for _, one := range all {
		if err := one.consumer.committedBy(ctx, one.cut); err != nil {
			return err
		}
	}
	return nil
}

// expireForgotten returns the cut that has the outcomes; 0: there are none.
func (c *consumer) expireForgotten(gone func(*delivery) bool) (cut int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return 0
	}
	for _, l := range c.lanes {
		for _, d := range slices.Concat(l.company, l.queue) {
			if gone(d) {
				d.forget()
			}
		}
		if d := l.head; d != nil && gone(d) {
			d.forget()
			if d.stage != sending && d.stage != settling {
				c.endForgotten(d)
				cut = c.cuts + 1
			}
		}
	}
	c.pump()
	return cut
}

// forgot reports whether nothing is left of what a delivery is of: it is over without a look at its endpoint.
func (c *consumer) forgot(d *delivery) bool {
	return d.event != nil && d.event.Forgotten || c.engine.forgotten.has(d.position)
}

// forget keeps only the skeleton. What it holds is counted as before, until the delivery is over.
func (d *delivery) forget() {
	if d.event != nil && !d.event.Forgotten {
		d.event = d.event.Skeleton()
	}
}

// endForgotten ends a delivery that rests. Who was told that it is parked, is told how that ended; the lane, a hash of what
// is forgotten, is not told again.
func (c *consumer) endForgotten(d *delivery) {
	if d.stage != blocked {
		c.conclude(d, eventlog.Attempt{Outcome: eventlog.Expired})
		return
	}
	c.vacate(d)
	c.expireIn(d, "")
}
