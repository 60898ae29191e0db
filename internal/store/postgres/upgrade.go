package postgres

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/fault"
)

// migrations are the steps from an empty database to the schema of today, 0001.sql, 0002.sql and so on: a new database
// goes the same way as an old one, so both end alike. Their number is the one of the last step taken, in table schema.
//
//go:embed migrations
var migrations embed.FS

func readSteps(dir fs.FS) (steps []string, err error) {
	for {
		text, err := fs.ReadFile(dir, fmt.Sprintf("migrations/%04d.sql", len(steps)+1))
		if errors.Is(err, fs.ErrNotExist) {
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, string(text))
	}
}

// schemaLock is the advisory lock under which one node upgrades while those that start beside it wait. It is held by a
// transaction, so that it works behind a pooler of transactions as well.
const schemaLock = 0x76617273656c // "varsel"

// upgrade takes the steps that the database has not taken, each in a transaction of its own: what is interrupted goes on
// where it was at the next start, of whichever node.
// Error: fault.StoreNewer when the database has taken steps that this program does not know.
func (s *Store) upgrade(ctx context.Context, dir fs.FS, o *Options) error {
	steps, err := readSteps(dir)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'"}, func(tx pgx.Tx) (err error) {
			more, err = s.takeNext(ctx, tx, steps)
			return err
		})
	}
	if err == nil {
		_, err = s.pool.Exec(ctx, "INSERT INTO hub (name, value) VALUES ('version', $1) ON CONFLICT (name) DO UPDATE SET value = $1 WHERE hub.value <> $1", cmp.Or(o.Version, "dev"))
	}
	return trouble(err, "the schema could not be made or upgraded")
}

// takeNext takes one step under the lock; more is false when there is none left.
func (s *Store) takeNext(ctx context.Context, tx pgx.Tx, steps []string) (more bool, err error) {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", schemaLock); err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS schema (step integer PRIMARY KEY, taken timestamptz NOT NULL DEFAULT now())"); err != nil {
		return false, err
	}
	taken := 0
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(step), 0) FROM schema").Scan(&taken); err != nil {
		return false, err
	}
	if taken > len(steps) {
		version := "of an unknown version"
		_ = tx.QueryRow(ctx, "SELECT value FROM hub WHERE name = 'version'").Scan(&version) // a later schema may keep it elsewhere
		return false, fault.New(fault.StoreNewer, "the database has schema %d, written by varsel %s; this varsel knows schemas up to %d", taken, version, len(steps))
	}
	if taken == len(steps) {
		return false, nil
	}
	began := time.Now()
	if _, err := tx.Exec(ctx, steps[taken]); err != nil {
		return false, fmt.Errorf("step %d of the schema: %w", taken+1, err)
	}
	if taken > 0 {
		s.tell(fmt.Sprintf("step %d of the schema done in %s", taken+1, time.Since(began).Round(time.Millisecond)))
	}
	_, err = tx.Exec(ctx, "INSERT INTO schema (step) VALUES ($1)", taken+1)
	return true, err
}
