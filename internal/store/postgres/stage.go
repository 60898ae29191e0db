package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// Stage implements deposit.Store. It does not wait for the disk: Commit does, for all that was staged before it. It locks its
// delivery and its register, and not the end of the log.
func (r *Registers) Stage(ctx context.Context, b *register.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	w := staging{Store: r.store, batch: b}
	return insist(ctx, couldNotWrite, r.store.again, func() error {
		err := w.draw(ctx)
		if err == nil {
			err = r.transaction(ctx, false, w.write)
		}
		if isUnique(err, "register_rows_by_id") {
			return cmp.Or(w.taken(ctx), err)
		}
		return err
	})
}

// staging is a batch on its way into the database.
type staging struct {
	*Store
	batch                 *register.Batch
	keys                  []*store.SealingKey // for the rows, and then for the events
	seals                 store.Sealer
	register              int64 // registers.n
	lastRow, lastOutgoing int64 // before the batch
	kinds                 map[string]int64
}

// draw takes keys for what is to be sealed: they are of the day on which the delivery was begun. The sealing itself keeps
// nobody waiting who publishes.
func (w *staging) draw(ctx context.Context) error {
	s, of := w.Store, store.ClassOf("", w.batch.Delivery.Begun)
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.keys.Renewed()
	w.keys = w.keys[:0]
	for range len(w.batch.Rows) + len(w.batch.Outgoing) {
		key, _, err := s.sealingKey(ctx, of)
		if err != nil {
			return err
		}
		w.keys = append(w.keys, key)
	}
	return nil
}

func (w *staging) write(ctx context.Context, tx pgx.Tx) error {
	return w.steps(func(step func(context.Context, pgx.Tx) error) error { return step(ctx, tx) })
}

// steps has each step of the batch taken, in order. The first looks whether the keys may be lost, in another history.
func (w *staging) steps(take func(step func(context.Context, pgx.Tx) error) error) error {
	for _, step := range []func(context.Context, pgx.Tx) error{w.sameEpoch, w.advance, w.number, w.insertRows, w.close, w.insertOutgoing, w.insertPersons} {
		if err := take(step); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the delivery on, if it stands where the batch begins. Its row is locked from here on.
func (w *staging) advance(ctx context.Context, tx pgx.Tx) error {
	d := w.batch.Delivery
	v, err := seen(ctx, tx, d.Register)
	if err != nil {
		return err
	}
	w.register = v.N
	return changed(ctx, tx, store.DeliveryStaged, d.Staged, append([]byte{}, d.Digest...), d.Rows, d.Closed, d.Events, v.N, d.Number, w.batch.Before)
}

// number gives the rows and the events their numbers, and finds the types of the rows.
func (w *staging) number(ctx context.Context, tx pgx.Tx) error {
	b := w.batch
	names := map[string]bool{}
	for i := range b.Rows {
		names[b.Rows[i].Type] = true
	}
	kinds := []string{}
	for name := range names {
		kinds = append(kinds, name)
	}
	slices.Sort(kinds)
	w.kinds = map[string]int64{}
	p := pipeline{}
	p.queue("UPDATE registers SET last_row = last_row + $2, last_outgoing = last_outgoing + $3 WHERE n = $1 RETURNING last_row - $2, last_outgoing - $3",
		func(row pgx.Rows) error { return row.Scan(&w.lastRow, &w.lastOutgoing) }, w.register, len(b.Rows), len(b.Outgoing))
	p.queue("INSERT INTO register_types (register, name) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING", nil, w.register, kinds)
	p.queue(store.RegisterTypes, func(row pgx.Rows) error {
		var kind store.RegisterKind
		err := row.Scan(&kind.N, &kind.Name)
		w.kinds[kind.Name] = kind.N
		return err
	}, w.register)
	if err := p.run(ctx, tx); err != nil {
		return err
	}
	for i := range b.Rows {
		b.Rows[i].Number = w.lastRow + int64(i) + 1
	}
	for i := range b.Outgoing {
		b.Outgoing[i].Number, b.Outgoing[i].Delivery = w.lastOutgoing+int64(i)+1, b.Delivery.Number
	}
	return nil
}

func (w *staging) insertRows(ctx context.Context, tx pgx.Tx) error {
	rows := w.batch.Rows
	if len(rows) == 0 {
		return nil
	}
	columns := []string{"type", "number", "id", "object", "registered_from", "registered_to", "effect_from", "effect_to", "delivery", "key", "sealed"}
	values := make([]any, len(columns))
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"register_rows"}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r, kind, key := &rows[i], w.kinds[rows[i].Type], w.keys[i]
		values[0], values[1], values[2], values[3] = kind, r.Number, [16]byte(r.ID), [16]byte(r.Object)
		values[4], values[5], values[6], values[7] = r.Registration.From, r.Registration.To, r.Effect.From, r.Effect.To
		values[8], values[9], values[10] = w.batch.Delivery.Number, key.N, w.seals.Row(key, kind, r.Number, r.Data)
		return values, nil
	}))
	return err
}

// taken finds the rows whose handles are there already, once the batch is rolled back.
func (w *staging) taken(ctx context.Context) error {
	rows, stored := w.batch.Rows, map[int64]bool{}
	kinds, ids := make([]int64, len(rows)), make([][16]byte, len(rows))
	for i := range rows {
		kinds[i], ids[i] = w.kinds[rows[i].Type], rows[i].ID
	}
	const there = "SELECT u.i FROM unnest($1::bigint[], $2::uuid[]) WITH ORDINALITY AS u (type, id, i) JOIN register_rows r USING (type, id)"
	err := each(ctx, w.pool, there, []any{kinds, uuids(ids)}, func(row pgx.Rows) error {
		var i int64
		err := row.Scan(&i)
		stored[i-1] = true
		return err
	})
	if err != nil {
		return err
	}
	return store.TakenRows(rows, func(i int) bool { return stored[int64(i)] })
}

func uuids(list [][16]byte) []pgtype.UUID {
	ids := make([]pgtype.UUID, len(list))
	for i := range list {
		ids[i] = uuid(list[i])
	}
	return ids
}

// rowsToClose has the rows of some handles as they stand, with what is staged.
var rowsToClose = "SELECT u.i, " + store.ToClose + " FROM unnest($2::bigint[], $3::uuid[]) WITH ORDINALITY AS u (type, id, i) JOIN register_rows r USING (type, id)"

// close notes what ends the registrations of rows, of this batch too. The delivery is locked, so nobody else closes any
// meanwhile.
func (w *staging) close(ctx context.Context, tx pgx.Tx) error {
	closings := w.batch.Closings
	if len(closings) == 0 {
		return nil
	}
	kinds, ids, ats, rows := make([]int64, len(closings)), make([][16]byte, len(closings)), make([]int64, len(closings)), make([]store.ClosedRow, len(closings))
	for i := range closings {
		kinds[i], ids[i], ats[i] = w.kinds[closings[i].Type], closings[i].Row, closings[i].At
	}
	err := each(ctx, tx, rowsToClose, []any{w.register, kinds, uuids(ids)}, func(row pgx.Rows) error {
		var i int64
		var found store.ClosedRow
		err := row.Scan(&i, &found.Number, &found.From, &found.To, &found.Closings)
		rows[i-1] = found
		return err
	})
	if err == nil {
		err = store.CheckClosings(closings, rows)
	}
	if err != nil {
		return err
	}
	numbers := make([]int64, len(rows))
	for i := range rows {
		numbers[i] = rows[i].Number
	}
	const ended = "INSERT INTO register_closings (register, number, at, delivery) SELECT $1, u.number, u.at, $2 FROM unnest($3::bigint[], $4::bigint[]) AS u (number, at)"
	_, err = tx.Exec(ctx, ended, w.register, w.batch.Delivery.Number, numbers, ats)
	return err
}

func (w *staging) insertOutgoing(ctx context.Context, tx pgx.Tx) error {
	outgoing, keys := w.batch.Outgoing, w.keys[len(w.batch.Rows):]
	if len(outgoing) == 0 {
		return nil
	}
	columns := []string{"register", "number", "delivery", "key", "sealed"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"register_outgoing"}, columns, pgx.CopyFromSlice(len(outgoing), func(i int) ([]any, error) {
		o, key := &outgoing[i], keys[i]
		return []any{w.register, o.Number, o.Delivery, key.N, w.seals.Draft(key, w.register, o.Number, o.Draft)}, nil
	}))
	return err
}

// insertPersons notes whom the rows and the events to be name.
func (w *staging) insertPersons(ctx context.Context, tx pgx.Tx) error {
	list := store.PersonsOf(w.batch, w.register, func(row int) int64 { return w.kinds[w.batch.Rows[row].Type] })
	if len(list) == 0 {
		return nil
	}
	columns := []string{"clue", "type", "number", "delivery", "object"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"register_persons"}, columns, pgx.CopyFromSlice(len(list), func(i int) ([]any, error) {
		p, object := &list[i], int64(0)
		if p.Naming.Object {
			object = 1
		}
		return []any{[16]byte(p.Naming.Clue), p.Kind, p.Number, w.batch.Delivery.Number, object}, nil
	}))
	return err
}
