package postgres

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// sealedRow is a row as it is read, before it is opened.
type sealedRow struct {
	register.Row
	key int64
}

// columns are where the columns of a row go.
func (r *sealedRow) columns() []any {
	return []any{
		&r.Number, (*[16]byte)(&r.ID), (*[16]byte)(&r.Object), &r.Registration.From, &r.Registration.To, &r.Effect.From, &r.Effect.To, &r.key, &r.Data,
	}
}

// openRows opens rows of one type, which were read.
func (s *Store) openRows(ctx context.Context, kind store.RegisterKind, sealed []sealedRow) ([]register.Row, error) {
	o, rows := s.opener(ctx), make([]register.Row, len(sealed))
	for i := range sealed {
		rows[i] = sealed[i].Row
		rows[i].Type = kind.Name
		if err := o.Row(sealed[i].key, rows[i].Data, kind.N, &rows[i]); err != nil {
			return nil, trouble(err, "cannot read the register")
		}
	}
	return rows, nil
}

// readRows reads rows of one type at a moment.
func readRows(ctx context.Context, q querier, query string, args []any) (rows []sealedRow, err error) {
	for i, arg := range args {
		if handle, ok := arg.(register.Handle); ok {
			args[i] = [16]byte(handle)
		}
	}
	err = each(ctx, q, query, args, func(row pgx.Rows) error {
		var r sealedRow
		err := row.Scan(r.columns()...)
		rows = append(rows, r)
		return err
	})
	return rows, err
}

// kindOf is the number of an entity type; 0: there is none of that name.
func kindOf(ctx context.Context, q querier, n int64, name string) (kind int64, err error) {
	err = each(ctx, q, store.RegisterType, []any{n, name}, func(row pgx.Rows) error { return row.Scan(&kind) })
	return kind, err
}

// Rows implements deposit.Store.
func (r *Registers) Rows(ctx context.Context, q *register.Query) (rows []register.Row, next int64, err error) {
	kind, sealed := store.RegisterKind{Name: q.Type}, []sealedRow(nil)
	err = r.moment(ctx, q.Register, func(ctx context.Context, tx pgx.Tx, v store.RegisterView) (err error) {
		if kind.N, err = kindOf(ctx, tx, v.N, q.Type); err != nil || kind.N == 0 {
			return err
		}
		if q.Object == (register.Handle{}) {
			if next, err = lookedAt(ctx, tx, kind.N, q.After, v.Rows, store.RowsLookedAt); err != nil {
				return err
			}
		}
		query, args := store.RowsKnown(q, v, kind.N, cmp.Or(next, v.Rows))
		sealed, err = readRows(ctx, tx, query, args)
		return err
	})
	if err == nil {
		rows, err = r.store.openRows(ctx, kind, sealed)
	}
	if len(rows) > 0 && len(rows) == q.Limit {
		next = rows[len(rows)-1].Number
	}
	return rows, next, err
}

// lookedAt is the number of the last of so many rows of a type behind one, 0 when there are fewer.
func lookedAt(ctx context.Context, q querier, kind, after, upTo, most int64) (number int64, err error) {
	err = each(ctx, q, store.RowUpTo, []any{kind, after, upTo, most - 1}, func(row pgx.Rows) error { return row.Scan(&number) })
	return number, err
}

// RowsAt implements deposit.Store.
func (r *Registers) RowsAt(ctx context.Context, name, typeName string, handles []register.Handle, delivery int64) (rows []register.Row, err error) {
	kind, sealed, ids := store.RegisterKind{Name: typeName}, []sealedRow(nil), make([][16]byte, len(handles))
	for i := range handles {
		ids[i] = handles[i]
	}
	err = r.moment(ctx, name, func(ctx context.Context, tx pgx.Tx, v store.RegisterView) (err error) {
		v = v.For(delivery)
		if kind.N, err = kindOf(ctx, tx, v.N, typeName); err != nil || kind.N == 0 {
			return err
		}
		sealed, err = readRows(ctx, tx, store.RowsByID, []any{v.N, v.Hidden, kind.N, uuids(ids), v.Rows})
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.store.openRows(ctx, kind, sealed)
}

// Clashes implements deposit.Store. It looks at some rows at a time, so that no statement takes long.
func (r *Registers) Clashes(ctx context.Context, name string, delivery int64, limit int) (list []register.Clash, err error) {
	var v store.RegisterView
	var kinds []store.RegisterKind
	err = r.moment(ctx, name, func(ctx context.Context, tx pgx.Tx, seen store.RegisterView) (err error) {
		v = seen
		kinds, err = kindsOf(ctx, tx, v.N)
		return err
	})
	if err == nil && (v.N == 0 || v.Hidden != delivery) {
		err = store.ErrDeliveryMoved()
	}
	for _, kind := range kinds {
		for after, more := v.Rows, true; more && err == nil && len(list) < limit; {
			var some []register.Clash
			some, after, err = r.clashesBehind(ctx, v, kind, after, limit-len(list))
			list, more = append(list, some...), after != 0
		}
	}
	return list, err
}

var clashes = store.Clashes(true)

// clashesBehind finds the clashes of the next rows of a type behind one; next is the last of them, 0 when there are no more.
func (r *Registers) clashesBehind(ctx context.Context, v store.RegisterView, kind store.RegisterKind, after int64, limit int) (list []register.Clash, next int64, err error) {
	var sealed []sealedRow // each with the one it clashes with behind it
	err = r.store.moment(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if next, err = lookedAt(ctx, tx, kind.N, after, register.Open, store.ClashesLookedAt); err != nil {
			return err
		}
		args := []any{v.N, kind.N, after, cmp.Or(next, register.Open), limit}
		return each(ctx, tx, clashes, args, func(row pgx.Rows) error {
			var a, b sealedRow
			err := row.Scan(append(a.columns(), b.columns()...)...)
			sealed = append(sealed, a, b)
			return err
		})
	})
	if err != nil {
		return nil, 0, err
	}
	rows, err := r.store.openRows(ctx, kind, sealed)
	for i := 0; i+1 < len(rows); i += 2 {
		list = append(list, register.Clash{Row: rows[i], Other: rows[i+1]})
	}
	return list, next, err
}
