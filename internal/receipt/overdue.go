package receipt

import (
	"context"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
)

// Bounds of one page of what is overdue.
const (
	mostWalked = 20_000 // positions of the log
	walkedAt   = 500    // a time
)

// Overdue is a delivery whose receipt is required (F40) and has not come in time.
type Overdue struct {
	System    string
	Consumer  string
	Message   ident.UUID
	Position  int64
	Type      string
	Delivered int64 // µs UTC
	Since     int64 // µs UTC: when the receipt was due
}

// Overdue lists, in order of position after one, deliveries of the last 30 days whose receipts are overdue, to systems that
// acts allows, at most about limit of them. upTo is how far the log was looked at: the next page is after it; more is false
// where there is no other.
//
// It is worked out when somebody asks: a delivery costs nothing more for it. What a system fetches by itself is not in
// it, for nobody knows when it was.
func (d *Desk) Overdue(ctx context.Context, acts func(system string) bool, after int64, limit int) (list []Overdue, upTo int64, more bool, err error) {
	now := clock.Micros(d.Clock.Now())
	due := now - d.Patience.Microseconds()
	first, err := d.Store.Before(ctx, now-kept.Microseconds())
	if err != nil {
		return nil, after, false, err
	}
	last, err := d.Store.Before(ctx, due+1)
	if err != nil {
		return nil, after, false, err
	}
	upTo = max(after, first)
	end := min(last, upTo+mostWalked)
	for upTo < end && len(list) < limit {
		events, read, err := d.Log.Read(ctx, upTo, int(min(walkedAt, end-upTo)))
		if err != nil {
			return nil, after, false, err
		}
		for _, e := range events {
			found, err := d.overdueOf(ctx, e, acts, due)
			if err != nil {
				return nil, after, false, err
			}
			if list = append(list, found...); len(list) >= limit {
				return list, e.Position, true, nil
			}
		}
		upTo = read
	}
	return list, upTo, upTo < last, nil
}

func (d *Desk) overdueOf(ctx context.Context, e *event.Event, acts func(string) bool, due int64) ([]Overdue, error) {
	version := d.Book.Version(e.Type, e.Version)
	if version == nil || e.Forgotten || !version.Maps(event.FieldBeskedHandling) && !version.Maps(event.FieldBeskedMessage) {
		return nil, nil
	}
	if m := d.message(e); m == nil || !m.NeedsReceipt() {
		return nil, nil
	}
	rows, err := d.Store.AttemptsAt(ctx, e.Position)
	if err != nil {
		return nil, err
	}
	var list []Overdue
	for i := range rows {
		system := d.Book.SystemOf(rows[i].Consumer)
		if rows[i].Outcome != eventlog.Done || rows[i].Pass != 0 || rows[i].At > due || system == "" || !acts(system) {
			continue
		}
		came, err := d.Store.Receipts(ctx, eventlog.ReceiptQuery{Message: e.ID, System: system, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(came) == 0 {
			list = append(list, Overdue{
				System: system, Consumer: rows[i].Consumer, Message: e.ID, Position: e.Position, Type: e.Type, Delivered: rows[i].At,
				Since: rows[i].At + d.Patience.Microseconds(),
			})
		}
	}
	return list, nil
}
