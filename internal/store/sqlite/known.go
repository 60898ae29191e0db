package sqlite

import (
	"cmp"
	"context"
	"slices"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// rowReader reads rows of one type.
type rowReader struct {
	opener *store.Opener
	kind   int64 // register_types.n
	name   string
}

// read reads a row whose columns begin at one.
func (r *rowReader) read(row *sqlite.Stmt, at int) (found register.Row, err error) {
	found = register.Row{
		Number: row.ColumnInt64(at), Type: r.name,
		Registration: register.Interval{From: row.ColumnInt64(at + 3), To: row.ColumnInt64(at + 4)},
		Effect:       register.Interval{From: row.ColumnInt64(at + 5), To: row.ColumnInt64(at + 6)},
	}
	row.ColumnBytes(at+1, found.ID[:])
	row.ColumnBytes(at+2, found.Object[:])
	err = r.opener.Row(row.ColumnInt64(at+7), blob(row, at+8), r.kind, &found)
	return found, err
}

// Rows implements deposit.Store.
func (r *Registers) Rows(ctx context.Context, q *register.Query) (rows []register.Row, next int64, err error) {
	err = r.moment(ctx, q.Register, func(c *sqlite.Conn, v store.RegisterView) error {
		kind, err := kindOf(c, v.N, q.Type)
		if err != nil || kind == 0 {
			return err
		}
		if q.Object == (register.Handle{}) {
			if next, err = lookedAt(c, kind, q.After, v.Rows, store.RowsLookedAt); err != nil {
				return err
			}
		}
		read := rowReader{r.store.opener(c), kind, q.Type}
		query, args := store.RowsKnown(q, v, kind, cmp.Or(next, v.Rows))
		return all(c, query, args, func(row *sqlite.Stmt) error {
			found, err := read.read(row, 0)
			rows = append(rows, found)
			return err
		})
	})
	if len(rows) > 0 && len(rows) == q.Limit {
		next = rows[len(rows)-1].Number
	}
	return rows, next, err
}

// lookedAt is the number of the last of so many rows of a type behind one, 0 when there are fewer.
func lookedAt(c *sqlite.Conn, kind, after, upTo, most int64) (number int64, err error) {
	err = all(c, store.RowUpTo, []any{kind, after, upTo, most - 1}, func(row *sqlite.Stmt) error {
		number = row.ColumnInt64(0)
		return nil
	})
	return number, err
}

// RowsAt implements deposit.Store.
func (r *Registers) RowsAt(ctx context.Context, name, typeName string, handles []register.Handle, delivery int64) (rows []register.Row, err error) {
	err = r.moment(ctx, name, func(c *sqlite.Conn, v store.RegisterView) error {
		v = v.For(delivery)
		kind, err := kindOf(c, v.N, typeName)
		if err != nil || kind == 0 {
			return err
		}
		read := rowReader{r.store.opener(c), kind, typeName}
		for _, handle := range handles {
			err := all(c, store.RowByID, []any{v.N, v.Hidden, kind, handle, v.Rows}, func(row *sqlite.Stmt) error {
				found, err := read.read(row, 0)
				rows = append(rows, found)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	byNumber := func(a, b register.Row) int { return cmp.Compare(a.Number, b.Number) }
	slices.SortFunc(rows, byNumber)
	return slices.CompactFunc(rows, func(a, b register.Row) bool { return a.Number == b.Number }), err
}

// Clashes implements deposit.Store. It looks at some rows at a time, for a long read would keep the WAL from being emptied.
func (r *Registers) Clashes(ctx context.Context, name string, delivery int64, limit int) (list []register.Clash, err error) {
	var v store.RegisterView
	var kinds []store.RegisterKind
	err = r.moment(ctx, name, func(c *sqlite.Conn, seen store.RegisterView) (err error) {
		v = seen
		kinds, err = kindsOf(c, v.N)
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

var clashes = store.Clashes(false)

// clashesBehind finds the clashes of the next rows of a type behind one; next is the last of them, 0 when there are no more.
func (r *Registers) clashesBehind(ctx context.Context, v store.RegisterView, kind store.RegisterKind, after int64, limit int) (list []register.Clash, next int64, err error) {
	err = r.store.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		if next, err = lookedAt(c, kind.N, after, register.Open, store.ClashesLookedAt); err != nil {
			return err
		}
		read := rowReader{r.store.opener(c), kind.N, kind.Name}
		return all(c, clashes, []any{v.N, kind.N, after, cmp.Or(next, register.Open), int64(limit)}, func(row *sqlite.Stmt) error {
			a, err := read.read(row, 0)
			if err != nil {
				return err
			}
			b, err := read.read(row, store.RowColumns)
			list = append(list, register.Clash{Row: a, Other: b})
			return err
		})
	})
	return list, next, err
}
