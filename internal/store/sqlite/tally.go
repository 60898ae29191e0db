package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// addTallies adds to the counts of a consumer. They stand in the same transaction as what they count, so a figure and
// its attempts cannot part.
func (s *Store) addTallies(consumer int64, tallies []eventlog.Tally) error {
	for i := range tallies {
		t := &tallies[i]
		err := s.run(`INSERT INTO tallies (consumer, line, day, outcome, replayed, count) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET count = count + excluded.count`, func(st *sqlite.Stmt) {
			st.BindInt64(1, consumer)
			st.BindText(2, t.Line)
			st.BindInt64(3, t.Day)
			st.BindInt64(4, int64(t.Outcome))
			st.BindBool(5, t.Replayed)
			st.BindInt64(6, t.Count)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Tallies implements eventlog.Store.
func (s *Store) Tallies(ctx context.Context, consumer string, from int64) (list []eventlog.Tally, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Tallies, func(st *sqlite.Stmt) {
			st.BindInt64(1, from)
			st.BindText(2, consumer)
		}, func(row *sqlite.Stmt) error {
			list = append(list, eventlog.Tally{
				Line: row.ColumnText(0), Day: row.ColumnInt64(1), Outcome: eventlog.Outcome(row.ColumnInt64(2)),
				Replayed: row.ColumnBool(3), Count: row.ColumnInt64(4),
			})
			return nil
		})
	})
	return list, err
}

// writeReadings writes what a reader was handed out, and what it came back with. The first time of each stands. A reader
// may come back with a cursor from within an answer: what it then has was handed out with that answer.
func (s *Store) writeReadings(consumer int64, readings []eventlog.Reading) error {
	const served = "INSERT INTO readings (consumer, rest, upto, served, confirmed) VALUES (?1, ?2, ?3, ?4, 0) ON CONFLICT DO NOTHING"
	const confirmed = `INSERT INTO readings (consumer, rest, upto, served, confirmed) VALUES (?1, ?2, ?3,
			coalesce((SELECT served FROM readings WHERE consumer = ?1 AND rest = ?2 AND upto >= ?3 ORDER BY upto LIMIT 1), ?4), ?4)
		ON CONFLICT DO UPDATE SET confirmed = excluded.confirmed WHERE confirmed = 0`
	for i := range readings {
		r, query := &readings[i], served
		if r.Confirmed {
			query = confirmed
		}
		err := s.run(query, func(st *sqlite.Stmt) {
			st.BindInt64(1, consumer)
			st.BindBool(2, r.Rest)
			st.BindInt64(3, r.UpTo)
			st.BindInt64(4, r.At)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// loadPending reads what of each subscription's deliveries has not ended.
func loadPending(c *sqlite.Conn, k *eventlog.Consumer) error {
	k.ByLine = map[string]int64{}
	return each(c, store.Pending, func(st *sqlite.Stmt) {
		st.BindInt64(1, int64(eventlog.Matched))
		st.BindInt64(2, k.ID)
		st.BindInt64(3, int64(eventlog.Served))
	}, func(row *sqlite.Stmt) error {
		k.ByLine[row.ColumnText(0)] = row.ColumnInt64(1)
		return nil
	})
}

// loadServed reads how far a reader was handed out to.
func loadServed(c *sqlite.Conn, k *eventlog.Consumer) error {
	return each(c, store.Furthest, func(st *sqlite.Stmt) { st.BindInt64(1, k.ID) }, func(row *sqlite.Stmt) error {
		k.Served, k.RestServed = row.ColumnInt64(0), row.ColumnInt64(1)
		return nil
	})
}
