package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// Passes implements eventlog.Store.
func (s *Store) Passes(ctx context.Context, ended bool, limit int) (list []eventlog.Pass, err error) {
	err = s.read(ctx, store.Passes, []any{ended, limit}, func(row pgx.Rows) error {
		var p eventlog.Pass
		var filter string
		err := row.Scan(&p.N, &p.Consumer, &p.Line, &p.Author, &p.Began, &filter, &p.Rate, &p.Total, &p.Place, &p.Done, &p.Ended)
		if err == nil {
			err = json.Unmarshal([]byte(filter), &p.Filter)
		}
		list = append(list, p)
		return err
	})
	return list, err
}
