package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// Place implements eventlog.Store: a handful of look-ups by key, in one read transaction.
func (s *Store) Place(ctx context.Context, consumer string, lane eventlog.Lane, position int64) (place eventlog.Place, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		err = each(c, store.PlaceOf, func(st *sqlite.Stmt) { st.BindText(1, consumer) }, func(row *sqlite.Stmt) error {
			place.ID, place.Low, place.Ended = row.ColumnInt64(0), row.ColumnInt64(1), row.ColumnInt64(2)
			return nil
		})
		if err != nil || place.ID == 0 {
			return err
		}
		if err := readLane(c, &place, lane, position); err != nil {
			return err
		}
		return readReadings(c, &place, position)
	})
	return place, err
}

// readLane reads the lane's blocked head, its first waiting row, and the row of the event itself.
func readLane(c *sqlite.Conn, place *eventlog.Place, lane eventlog.Lane, position int64) error {
	of := func(st *sqlite.Stmt) {
		st.BindInt64(1, place.ID)
		st.BindBytes(2, lane[:])
	}
	err := each(c, store.BlockedLane, of, func(row *sqlite.Stmt) error {
		b := readBlocked(row)
		place.Blocked = &b
		return nil
	})
	if err != nil {
		return err
	}
	waiting := func(row *sqlite.Stmt) *eventlog.Waiting {
		return &eventlog.Waiting{Lane: lane, Position: row.ColumnInt64(0), Line: row.ColumnText(1), Pass: row.ColumnInt64(2), Attempts: int(row.ColumnInt64(3))}
	}
	err = each(c, store.WaitingIn, func(st *sqlite.Stmt) {
		of(st)
		st.BindInt64(3, 0)
		st.BindInt64(4, 1)
	}, func(row *sqlite.Stmt) error {
		place.First = waiting(row)
		return nil
	})
	if err != nil {
		return err
	}
	return each(c, store.WaitingAt, func(st *sqlite.Stmt) {
		of(st)
		st.BindInt64(3, position)
	}, func(row *sqlite.Stmt) error {
		place.Waiting = waiting(row)
		return nil
	})
}

// readReadings reads when an event was handed out and confirmed.
func readReadings(c *sqlite.Conn, place *eventlog.Place, position int64) error {
	return each(c, store.HandedOut, func(st *sqlite.Stmt) {
		st.BindInt64(1, place.ID)
		st.BindInt64(2, position)
	}, func(row *sqlite.Stmt) error {
		place.Served, place.Confirmed = row.ColumnInt64(0), row.ColumnInt64(1)
		return nil
	})
}
