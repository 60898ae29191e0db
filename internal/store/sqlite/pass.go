package sqlite

import (
	"context"
	"encoding/json"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// writePass writes a replay as it stands. It stands in the same transaction as the waiting rows it has made, so after a
// crash it goes on where these end.
func (s *Store) writePass(p *eventlog.Pass) error {
	filter, err := json.Marshal(p.Filter)
	if err != nil {
		return err
	}
	return s.run(`INSERT OR REPLACE INTO passes (n, consumer, line, author, began, filter, rate, total, place, done, ended)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, func(st *sqlite.Stmt) {
		st.BindInt64(1, p.N)
		st.BindInt64(2, p.Consumer)
		st.BindText(3, p.Line)
		st.BindText(4, p.Author)
		st.BindInt64(5, p.Began)
		st.BindText(6, string(filter))
		st.BindInt64(7, int64(p.Rate))
		st.BindInt64(8, p.Total)
		st.BindInt64(9, p.Place)
		st.BindInt64(10, p.Done)
		st.BindInt64(11, p.Ended)
	})
}

// Passes implements eventlog.Store.
func (s *Store) Passes(ctx context.Context, ended bool, limit int) (list []eventlog.Pass, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Passes, func(st *sqlite.Stmt) {
			st.BindBool(1, ended)
			st.BindInt64(2, int64(limit))
		}, func(row *sqlite.Stmt) error {
			p := eventlog.Pass{
				N: row.ColumnInt64(0), Consumer: row.ColumnInt64(1), Line: row.ColumnText(2), Author: row.ColumnText(3), Began: row.ColumnInt64(4),
				Rate: int(row.ColumnInt64(6)), Total: row.ColumnInt64(7), Place: row.ColumnInt64(8), Done: row.ColumnInt64(9), Ended: row.ColumnInt64(10),
			}
			list = append(list, p)
			return json.Unmarshal([]byte(row.ColumnText(5)), &list[len(list)-1].Filter)
		})
	})
	return list, err
}

// Tried implements eventlog.Store.
func (s *Store) Tried(ctx context.Context, consumer, after, upTo int64) (tried map[int64]int, err error) {
	tried = map[int64]int{}
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Tried, func(st *sqlite.Stmt) {
			st.BindInt64(1, after)
			st.BindInt64(2, upTo)
			st.BindInt64(3, consumer)
		}, func(row *sqlite.Stmt) error {
			tried[row.ColumnInt64(0)] = int(row.ColumnInt64(1))
			return nil
		})
	})
	return tried, err
}
