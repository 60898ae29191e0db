package eventlog

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Between is a time window as a range of positions: what was recorded from one time on and before another, µs UTC, stands
// behind after and up to last, and all of it is visible here. Of a window that reaches into the present the end is fixed
// first, so it never gains an event behind a position that was read (DESIGN promise 7): what is on its way into the log is
// waited for, and whatever comes later is recorded later.
// Errors: what the store gives; fault.ShuttingDown when ctx ends.
func (l *Log) Between(ctx context.Context, from, before int64) (after, last int64, err error) {
	end, err := l.store.Settle(ctx, before, clock.Micros(l.clock.Now()))
	if err != nil {
		return 0, 0, err
	}
	if after, err = l.store.Before(ctx, from); err != nil {
		return 0, 0, err
	}
	if last, err = l.store.Before(ctx, end); err != nil {
		return 0, 0, err
	}
	return after, max(after, last), l.shown(ctx, last)
}

// shown returns when a position that is in the store is visible here.
func (l *Log) shown(ctx context.Context, position int64) error {
	if l.shared != nil && l.Head() < position {
		if err := l.CatchUp(ctx); err != nil {
			return err
		}
	}
	for {
		grown := l.Grown()
		if l.Head() >= position {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fault.Wrap(fault.ShuttingDown, ctx.Err(), "gave up waiting for position %d", position)
		}
	}
}

// Kinds reads what kind of events stand behind a position and up to another, in order: without what they say, which need
// not be unsealed for that. It reads memory when it can.
func (l *Log) Kinds(ctx context.Context, after, upTo int64) ([]*event.Event, error) {
	if events, ok := l.tail.read(after, upTo); ok {
		return events, nil
	}
	events, err := l.store.Skeletons(ctx, Stretch{Above: after, Below: upTo + 1}, int(upTo-after))
	slices.Reverse(events)
	return events, err
}
