package retention

import (
	"context"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Reveal shows an event with its data, and what receivers answered to it. That it is shown, to whom and why, is in the
// audit log before it is.
// Errors: fault.InvalidDocument for no reason, or one that names the person; fault.NotFound; fault.Forgotten;
// fault.StorageFull.
func (k *Keeper) Reveal(ctx context.Context, actor string, position int64, reason string) (*event.Event, []eventlog.AttemptRow, error) {
	if err := CheckReason(reason, ""); err != nil {
		return nil, nil, err
	}
	if err := k.revealable(ctx, position); err != nil {
		return nil, nil, err
	}
	entry := audit.Of(actor, audit.Reveal, "event/"+strconv.FormatInt(position, 10), audit.Detail{Reason: reason})
	if err := k.Log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{entry}}); err != nil {
		return nil, nil, err
	}
	rows, err := k.Store.AttemptsAt(ctx, position)
	if err != nil {
		return nil, nil, err
	}
	e, err := k.Log.At(ctx, position)
	if err != nil || e.Forgotten { // it may have been forgotten since
		return nil, nil, firstOf(err, gone(position))
	}
	return e, rows, nil
}

// revealable finds out whether there is something to show, so that nobody is on record for having seen nothing.
func (k *Keeper) revealable(ctx context.Context, position int64) error {
	e, err := k.Log.At(ctx, position)
	if err != nil {
		return err
	}
	if e.Forgotten {
		return gone(position)
	}
	return nil
}

func gone(position int64) error {
	return fault.New(fault.Forgotten, "the event at position %d is forgotten: its retention is over, or its person was erased", position)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
