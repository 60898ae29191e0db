package postgres

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store"
)

// receive writes a request's receipts, under the lock of the log's end. One that is there is what it was. A segment that
// is forgotten at this moment has the whole made anew, as in append_events.
func (s *Store) receive(ctx context.Context, tx pgx.Tx, w *change) error {
	list := w.request.Receipts
	if len(list) == 0 {
		return nil
	}
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.keys.Renewed()
	var used []int32
	for i := range list {
		r := &list[i]
		known, err := s.readReceipts(ctx, tx, store.ReceiptsOf, uuid(r.Message), r.System)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			*r = known[0]
			continue
		}
		r.At = w.recorded
		key, segment, err := s.sealingKey(ctx, store.ClassOf(eventlog.ReceiptRetention, w.recorded))
		if err != nil {
			return err
		}
		used = append(used, segment)
		w.batch.Queue("INSERT INTO receipts (system, message, position, type, at, key, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			r.System, uuid(r.Message), r.Position, r.Type, r.At, key.N, slices.Clone(s.sealer.Receipt(key, r)))
	}
	gone := false
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM segments WHERE n = ANY ($1) AND forgotten)", append([]int32{}, used...)).Scan(&gone)
	if err == nil && gone {
		err = &pgconn.PgError{Code: "VR002", Message: "a segment was forgotten"}
	}
	return err
}

// Receipts implements eventlog.Store.
func (s *Store) Receipts(ctx context.Context, q eventlog.ReceiptQuery) (list []eventlog.Receipt, err error) {
	if q.Message != (ident.UUID{}) {
		list, err = s.readReceipts(ctx, s.pool, store.ReceiptsOf, uuid(q.Message), q.System)
	} else {
		after, to := q.After, q.To
		if after == nil {
			after = &eventlog.Receipt{}
		}
		if to == 0 {
			to = math.MaxInt64
		}
		list, err = s.readReceipts(ctx, s.pool, store.Receipts, q.System, q.From, to, after.At, after.System, uuid(after.Message), q.Limit)
	}
	return list, trouble(err, "cannot read the receipts")
}

// readReceipts leaves out those that are forgotten at this moment.
func (s *Store) readReceipts(ctx context.Context, q querier, query string, args ...any) (list []eventlog.Receipt, err error) {
	type row struct {
		eventlog.Receipt
		key    int64
		sealed []byte
	}
	var rows []row
	err = each(ctx, q, query, args, func(r pgx.Rows) error {
		var one row
		err := r.Scan(&one.System, (*[16]byte)(&one.Message), &one.Position, &one.Type, &one.At, &one.key, &one.sealed)
		rows = append(rows, one)
		return err
	})
	o := s.opener(ctx)
	for i := range rows {
		if err != nil {
			return nil, err
		}
		one := &rows[i]
		if err = o.Receipt(one.key, one.sealed, &one.Receipt); errors.Is(err, store.ErrForgotten) {
			err = nil
			continue
		}
		list = append(list, one.Receipt)
	}
	return list, err
}

// dropReceipts deletes the receipts of a class that is forgotten.
func dropReceipts(batch *pgx.Batch, class string, day int64) {
	batch.Queue("DELETE FROM receipts WHERE "+asideOfClass, class, day)
	batch.Queue("DELETE FROM receipts WHERE key IS NULL AND at / 86400000000 = $1 AND $2 = 'P30D'", day, class)
}

// receipts seals anew the receipts that are moved here.
func (m *Import) receipts(ctx context.Context, t *store.Table, rows []store.Row) ([]copied, error) {
	p := copied{table: t.Name, columns: t.Columns + ", key, sealed"}
	m.sealing.Lock()
	defer m.sealing.Unlock()
	for _, r := range rows {
		about, is := r[5].(*store.Opened)
		if !is {
			p.rows = append(p.rows, append(slices.Clone(r[:5]), nil, nil))
			continue
		}
		key, _, err := m.sealingKey(ctx, about.Class)
		one := movedReceipt(r)
		if err == nil {
			err = one.Unseal(about.Body)
		}
		if err != nil {
			return nil, err
		}
		p.rows = append(p.rows, append(slices.Clone(r[:5]), key.N, slices.Clone(m.sealer.Receipt(key, &one))))
	}
	return []copied{p}, nil
}

// visitReceipts reads and opens the receipts that were moved here.
func (m *Import) visitReceipts(ctx context.Context, t *store.Table, visit func(store.Row) error) error {
	query := "SELECT " + t.Columns + `, coalesce(g.class, ''), coalesce(g.day, 0), coalesce(key, 0), sealed
		FROM receipts LEFT JOIN data_keys k ON k.n = key LEFT JOIN segments g ON g.n = k.segment ORDER BY ` + t.Order
	o := m.opener(ctx)
	return each(ctx, m.pool, query, nil, func(row pgx.Rows) error {
		r, err := plainRow(row)
		if err != nil {
			return err
		}
		sealed, is := r[8].([]byte)
		if !is {
			return visit(append(r[:5:5], nil))
		}
		class := eventlog.Class{Retention: event.Retention(r[5].(string)), Day: r[6].(int64)}
		one := movedReceipt(r)
		if err := o.Receipt(r[7].(int64), sealed, &one); err != nil {
			return err
		}
		return visit(append(r[:5:5], &store.Opened{Class: class, Body: one.Sealed()}))
	})
}

func movedReceipt(r store.Row) eventlog.Receipt {
	one := eventlog.Receipt{System: r[0].(string)}
	switch id := r[1].(type) {
	case []byte:
		copy(one.Message[:], id)
	case [16]byte:
		one.Message = id
	}
	return one
}
