package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

var (
	registerRows = manyRows("INSERT OR FAIL INTO register_rows (type, number, id, object, registered_from, registered_to, effect_from, effect_to, delivery, key, sealed)", 11)
	outgoingRows = manyRows("INSERT OR FAIL INTO register_outgoing (register, number, delivery, key, sealed)", 5)
	personRows   = manyRows("INSERT OR FAIL INTO register_persons (clue, type, number, delivery, object)", 5)
	closingRows  = manyRows("INSERT OR FAIL INTO register_closings (register, number, at, delivery)", 4)
)

// Stage implements deposit.Store. It does not wait for the disk: Commit does, for all that was staged before it.
func (r *Registers) Stage(ctx context.Context, b *register.Batch) error {
	w := staging{Store: r.store, batch: b}
	return r.writing(ctx, false, w.write)
}

// staging is a batch on its way into the file.
type staging struct {
	*Store
	batch                 *register.Batch
	register              int64 // registers.n
	lastRow, lastOutgoing int64
	kinds                 []int64 // of the batch's rows
}

func (w *staging) write() error {
	return w.steps(func(step func() error) error { return step() })
}

// steps has each step of the batch taken, in order.
func (w *staging) steps(take func(step func() error) error) error {
	for _, step := range []func() error{w.advance, w.number, w.insertRows, w.close, w.insertOutgoing, w.insertPersons} {
		if err := take(step); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the delivery on, if it stands where the batch begins.
func (w *staging) advance() error {
	d := w.batch.Delivery
	v, err := seen(w.writer, d.Register)
	if err != nil {
		return err
	}
	w.register = v.N
	digest := append([]byte{}, d.Digest...)
	return w.move(store.DeliveryStaged, d.Staged, digest, d.Rows, d.Closed, d.Events, v.N, d.Number, w.batch.Before)
}

// number gives the rows and the events their numbers, and finds the types of the rows.
func (w *staging) number() error {
	b := w.batch
	err := all(w.writer, "SELECT last_row, last_outgoing FROM registers WHERE n = ?", []any{w.register}, func(row *sqlite.Stmt) error {
		w.lastRow, w.lastOutgoing = row.ColumnInt64(0), row.ColumnInt64(1)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range b.Rows {
		b.Rows[i].Number = w.lastRow + int64(i) + 1
	}
	for i := range b.Outgoing {
		b.Outgoing[i].Number, b.Outgoing[i].Delivery = w.lastOutgoing+int64(i)+1, b.Delivery.Number
	}
	_, err = w.changed("UPDATE registers SET last_row = ?, last_outgoing = ? WHERE n = ?", w.lastRow+int64(len(b.Rows)), w.lastOutgoing+int64(len(b.Outgoing)), w.register)
	if err != nil {
		return err
	}
	known := map[string]int64{}
	for i := range b.Rows {
		if known[b.Rows[i].Type] == 0 {
			if known[b.Rows[i].Type], err = w.kind(b.Rows[i].Type); err != nil {
				return err
			}
		}
		w.kinds = append(w.kinds, known[b.Rows[i].Type])
	}
	return nil
}

// kind is the number of an entity type, made at first use.
func (w *staging) kind(name string) (n int64, err error) {
	if _, err := w.changed("INSERT INTO register_types (register, name) VALUES (?, ?) ON CONFLICT DO NOTHING", w.register, name); err != nil {
		return 0, err
	}
	return kindOf(w.writer, w.register, name)
}

// kindOf is the number of an entity type; 0: there is none of that name.
func kindOf(c *sqlite.Conn, n int64, name string) (kind int64, err error) {
	err = all(c, store.RegisterType, []any{n, name}, func(row *sqlite.Stmt) error {
		kind = row.ColumnInt64(0)
		return nil
	})
	return kind, err
}

// sealingKeys are keys for so many seals of what a delivery brings: they are of the day on which it was begun.
func (w *staging) sealingKeys(count int) ([]*store.SealingKey, error) {
	of, keys := store.ClassOf("", w.batch.Delivery.Begun), make([]*store.SealingKey, count)
	for i := range keys {
		key, err := w.sealingKey(of)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

func (w *staging) insertRows() error {
	rows := w.batch.Rows
	keys, err := w.sealingKeys(len(rows))
	if err != nil {
		return err
	}
	err = w.insert(&registerRows, len(rows), func(st *sqlite.Stmt, at, i int) {
		r := &rows[i]
		st.BindInt64(at+1, w.kinds[i])
		st.BindInt64(at+2, r.Number)
		st.BindBytes(at+3, r.ID[:])
		st.BindBytes(at+4, r.Object[:])
		st.BindInt64(at+5, r.Registration.From)
		st.BindInt64(at+6, r.Registration.To)
		st.BindInt64(at+7, r.Effect.From)
		st.BindInt64(at+8, r.Effect.To)
		st.BindInt64(at+9, w.batch.Delivery.Number)
		st.BindInt64(at+10, keys[i].N)
		st.BindBytes(at+11, w.sealer.Row(keys[i], w.kinds[i], r.Number, r.Data))
	})
	if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultConstraint {
		return err
	}
	if taken := w.taken(); taken != nil {
		return taken
	}
	return err
}

// taken finds the rows whose handles are there already. Those of the batch itself, that were inserted, have later numbers.
func (w *staging) taken() error {
	var failed error
	taken := store.TakenRows(w.batch.Rows, func(i int) (stored bool) {
		err := all(w.writer, "SELECT 1 FROM register_rows WHERE type = ? AND id = ? AND number <= ?", []any{w.kinds[i], w.batch.Rows[i].ID, w.lastRow}, func(*sqlite.Stmt) error {
			stored = true
			return nil
		})
		if err != nil {
			failed = err
		}
		return stored
	})
	if failed != nil {
		return failed
	}
	return taken
}

// close notes what ends the registrations of rows, of this batch too.
func (w *staging) close() error {
	closings := w.batch.Closings
	rows, kinds := make([]store.ClosedRow, len(closings)), map[string]int64{}
	for i := range closings {
		kind, known := kinds[closings[i].Type]
		if !known {
			var err error
			if kind, err = kindOf(w.writer, w.register, closings[i].Type); err != nil {
				return err
			}
			kinds[closings[i].Type] = kind
		}
		err := all(w.writer, store.RowToClose, []any{w.register, kind, closings[i].Row}, func(row *sqlite.Stmt) error {
			rows[i] = store.ClosedRow{Number: row.ColumnInt64(0), From: row.ColumnInt64(1), To: row.ColumnInt64(2), Closings: row.ColumnInt64(3)}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := store.CheckClosings(closings, rows); err != nil {
		return err
	}
	return w.insert(&closingRows, len(closings), func(st *sqlite.Stmt, at, i int) {
		st.BindInt64(at+1, w.register)
		st.BindInt64(at+2, rows[i].Number)
		st.BindInt64(at+3, closings[i].At)
		st.BindInt64(at+4, w.batch.Delivery.Number)
	})
}

func (w *staging) insertOutgoing() error {
	outgoing := w.batch.Outgoing
	keys, err := w.sealingKeys(len(outgoing))
	if err != nil {
		return err
	}
	return w.insert(&outgoingRows, len(outgoing), func(st *sqlite.Stmt, at, i int) {
		o := &outgoing[i]
		st.BindInt64(at+1, w.register)
		st.BindInt64(at+2, o.Number)
		st.BindInt64(at+3, o.Delivery)
		st.BindInt64(at+4, keys[i].N)
		st.BindBytes(at+5, w.sealer.Draft(keys[i], w.register, o.Number, o.Draft))
	})
}

// insertPersons notes whom the rows and the events to be name.
func (w *staging) insertPersons() error {
	list := store.PersonsOf(w.batch, w.register, func(row int) int64 { return w.kinds[row] })
	return w.insert(&personRows, len(list), func(st *sqlite.Stmt, at, i int) {
		p := &list[i]
		st.BindBytes(at+1, p.Naming.Clue[:])
		st.BindInt64(at+2, p.Kind)
		st.BindInt64(at+3, p.Number)
		st.BindInt64(at+4, w.batch.Delivery.Number)
		st.BindBool(at+5, p.Naming.Object)
	})
}
