package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// Changes implements deposit.Store.
func (r *Registers) Changes(ctx context.Context, s *register.Span) ([]register.Row, error) {
	kind, sealed := store.RegisterKind{Name: s.Type}, []sealedRow(nil)
	err := r.moment(ctx, s.Register, func(ctx context.Context, tx pgx.Tx, v store.RegisterView) (err error) {
		if kind.N, err = kindOf(ctx, tx, v.N, s.Type); err != nil || kind.N == 0 {
			return err
		}
		var ends [2]int64
		for i, delivery := range []int64{s.Since, s.UpTo} {
			err := each(ctx, tx, store.RowsUpTo, []any{v.Rows, v.N, delivery}, func(row pgx.Rows) error { return row.Scan(&ends[i]) })
			if err != nil {
				return err
			}
		}
		changes := store.ChangesOf(s, v, kind.N, ends[0], ends[1])
		query, args := changes.Closed()
		if sealed, err = readRows(ctx, tx, query, args); err != nil || len(sealed) == s.Limit {
			return err
		}
		query, args = changes.Made(len(sealed))
		made, err := readRows(ctx, tx, query, args)
		sealed = append(sealed, made...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.store.openRows(ctx, kind, sealed)
}
