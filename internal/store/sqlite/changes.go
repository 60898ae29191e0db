package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// Changes implements deposit.Store.
func (r *Registers) Changes(ctx context.Context, s *register.Span) (rows []register.Row, err error) {
	err = r.moment(ctx, s.Register, func(c *sqlite.Conn, v store.RegisterView) error {
		kind, err := kindOf(c, v.N, s.Type)
		if err != nil || kind == 0 {
			return err
		}
		var ends [2]int64
		for i, delivery := range []int64{s.Since, s.UpTo} {
			err := all(c, store.RowsUpTo, []any{v.Rows, v.N, delivery}, func(row *sqlite.Stmt) error {
				ends[i] = row.ColumnInt64(0)
				return nil
			})
			if err != nil {
				return err
			}
		}
		read := rowReader{r.store.opener(c), kind, s.Type}
		add := func(row *sqlite.Stmt) error {
			found, err := read.read(row, 0)
			rows = append(rows, found)
			return err
		}
		changes := store.ChangesOf(s, v, kind, ends[0], ends[1])
		query, args := changes.Closed()
		if err := all(c, query, args, add); err != nil || len(rows) == s.Limit {
			return err
		}
		query, args = changes.Made(len(rows))
		return all(c, query, args, add)
	})
	return rows, err
}
