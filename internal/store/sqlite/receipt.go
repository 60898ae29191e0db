package sqlite

import (
	"context"
	"errors"
	"math"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store"
)

// appendReceipts writes a request's receipts. One that is there is what it was.
func (s *Store) appendReceipts(list []eventlog.Receipt) error {
	for i := range list {
		r := &list[i]
		known, err := readReceipts(s.writer, s.opener(s.writer), store.ReceiptsOf, ofOne(r))
		if err != nil {
			return err
		}
		if len(known) > 0 {
			*r = known[0]
			continue
		}
		r.At = s.recorded
		if err := s.insertReceipt(r); err != nil {
			return err
		}
	}
	return nil
}

func ofOne(r *eventlog.Receipt) func(*sqlite.Stmt) {
	return func(st *sqlite.Stmt) {
		st.BindBytes(1, r.Message[:])
		st.BindText(2, r.System)
	}
}

func (s *Store) insertReceipt(r *eventlog.Receipt) error {
	key, err := s.sealingKey(store.ClassOf(eventlog.ReceiptRetention, s.recorded))
	if err != nil {
		return err
	}
	sealed := s.sealer.Receipt(key, r)
	return s.run("INSERT INTO receipts (system, message, position, type, at, key, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)", func(st *sqlite.Stmt) {
		st.BindText(1, r.System)
		st.BindBytes(2, r.Message[:])
		st.BindInt64(3, r.Position)
		st.BindText(4, r.Type)
		st.BindInt64(5, r.At)
		st.BindInt64(6, key.N)
		st.BindBytes(7, sealed)
	})
}

// Receipts implements eventlog.Store.
func (s *Store) Receipts(ctx context.Context, q eventlog.ReceiptQuery) (list []eventlog.Receipt, err error) {
	query, bind := store.Receipts, func(st *sqlite.Stmt) {
		after := q.After
		if after == nil {
			after = &eventlog.Receipt{}
		}
		to := q.To
		if to == 0 {
			to = math.MaxInt64
		}
		st.BindText(1, q.System)
		st.BindInt64(2, q.From)
		st.BindInt64(3, to)
		st.BindInt64(4, after.At)
		st.BindText(5, after.System)
		st.BindBytes(6, after.Message[:])
		st.BindInt64(7, int64(q.Limit))
	}
	if q.Message != (ident.UUID{}) {
		query, bind = store.ReceiptsOf, ofOne(&eventlog.Receipt{Message: q.Message, System: q.System})
	}
	err = s.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		list, err = readReceipts(c, s.opener(c), query, bind)
		return err
	})
	return list, err
}

// readReceipts leaves out those that are forgotten at this moment.
func readReceipts(c *sqlite.Conn, o *store.Opener, query string, bind func(*sqlite.Stmt)) (list []eventlog.Receipt, err error) {
	err = each(c, query, bind, func(row *sqlite.Stmt) error {
		r := eventlog.Receipt{System: row.ColumnText(0), Position: row.ColumnInt64(2), Type: row.ColumnText(3), At: row.ColumnInt64(4)}
		row.ColumnBytes(1, r.Message[:])
		err := o.Receipt(row.ColumnInt64(5), blob(row, 6), &r)
		if errors.Is(err, store.ErrForgotten) {
			return nil
		}
		list = append(list, r)
		return err
	})
	return list, err
}

// dropReceipts deletes the receipts of a class that was just forgotten.
func dropReceipts(c *sqlite.Conn, of eventlog.Class) error {
	return sqlitex.Execute(c, "DELETE FROM receipts WHERE key IN (SELECT n FROM data_keys WHERE class = ? AND day = ?) OR key IS NULL AND at / 86400000000 = ? AND ? = 'P30D'",
		&sqlitex.ExecOptions{Args: []any{string(of.Retention), of.Day, of.Day, string(of.Retention)}})
}
