package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Place implements eventlog.Store: a handful of look-ups by key, in one read transaction.
func (s *Store) Place(ctx context.Context, consumer string, lane eventlog.Lane, position int64) (place eventlog.Place, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		err = each(c, "SELECT id, low, ended FROM consumers WHERE name = ?", func(st *sqlite.Stmt) { st.BindText(1, consumer) }, func(row *sqlite.Stmt) error {
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
	err := each(c, `SELECT lane, position, line, state, attempts, failures, since, due, spell, status, reason, pass
		FROM blocked WHERE consumer = ? AND lane = ?`, of, func(row *sqlite.Stmt) error {
		b := readBlocked(row)
		place.Blocked = &b
		return nil
	})
	if err != nil {
		return err
	}
	const columns = "SELECT position, line, pass, attempts FROM waiting WHERE consumer = ?1 AND lane = ?2 "
	waiting := func(row *sqlite.Stmt) *eventlog.Waiting {
		return &eventlog.Waiting{Lane: lane, Position: row.ColumnInt64(0), Line: row.ColumnText(1), Pass: row.ColumnInt64(2), Attempts: int(row.ColumnInt64(3))}
	}
	err = each(c, columns+"ORDER BY position LIMIT 1", of, func(row *sqlite.Stmt) error {
		place.First = waiting(row)
		return nil
	})
	if err != nil {
		return err
	}
	return each(c, columns+"AND position = ?3", func(st *sqlite.Stmt) {
		of(st)
		st.BindInt64(3, position)
	}, func(row *sqlite.Stmt) error {
		place.Waiting = waiting(row)
		return nil
	})
}

// readReadings reads when an event was handed out and confirmed: with the first reading that reaches it, first of what
// was left over, which the log comes after.
func readReadings(c *sqlite.Conn, place *eventlog.Place, position int64) error {
	return each(c, `SELECT
		coalesce((SELECT served FROM readings WHERE consumer = ?1 AND rest = 1 AND upto >= ?2 ORDER BY upto LIMIT 1),
			(SELECT served FROM readings WHERE consumer = ?1 AND rest = 0 AND upto >= ?2 ORDER BY upto LIMIT 1), 0),
		coalesce((SELECT confirmed FROM readings WHERE consumer = ?1 AND rest = 1 AND upto >= ?2 AND confirmed <> 0 ORDER BY upto LIMIT 1),
			(SELECT confirmed FROM readings WHERE consumer = ?1 AND rest = 0 AND upto >= ?2 AND confirmed <> 0 ORDER BY upto LIMIT 1), 0)`, func(st *sqlite.Stmt) {
		st.BindInt64(1, place.ID)
		st.BindInt64(2, position)
	}, func(row *sqlite.Stmt) error {
		place.Served, place.Confirmed = row.ColumnInt64(0), row.ColumnInt64(1)
		return nil
	})
}

// Skeleton implements eventlog.Store.
func (s *Store) Skeleton(ctx context.Context, position int64) (e *event.Event, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, "SELECT position, recorded, id, source, type, time, organisation, lane, flags FROM events WHERE position = ?", func(st *sqlite.Stmt) {
			st.BindInt64(1, position)
		}, func(row *sqlite.Stmt) error {
			e = s.skeleton(row)
			return nil
		})
	})
	if err == nil && e == nil {
		err = fault.New(fault.NotFound, "no event at position %d", position)
	}
	return e, err
}

// Named implements eventlog.Store: a look-up for each source there is.
func (s *Store) Named(ctx context.Context, id string) (positions []int64, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, "SELECT i.position FROM sources s JOIN event_ids i ON i.source = s.n AND i.id = ? ORDER BY i.position", func(st *sqlite.Stmt) {
			st.BindText(1, id)
		}, func(row *sqlite.Stmt) error {
			positions = append(positions, row.ColumnInt64(0))
			return nil
		})
	})
	return positions, err
}
