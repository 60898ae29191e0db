package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// inTransaction runs f in a transaction that keeps others waiting for no longer than freezeWithin when this process
// stands still in the middle of it, and that waits for others no longer than that without an error.
func (s *Store) inTransaction(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: "BEGIN; " + bounded}, f)
}

// bounded are the settings of a transaction, with freezeWithin.
const bounded = "SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '2s'"

// evict ends the sessions that stand in everybody's way because their process does not go on: it is frozen, or cut off,
// in the middle of a transaction. The server waits for its client then: one that works, on a slow disk say, does not, and
// is left alone. What it had begun is rolled back, and its process finds out when it goes on.
//
// Those are hubs of this database, with something written or a lock of the schema; and whoever has the end of the log,
// which the lock of its row tells.
func (s *Store) evict(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
		WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid() AND a.wait_event_type = 'Client'
			AND greatest(a.xact_start, a.state_change) < clock_timestamp() - make_interval(secs => $1)
			AND (a.backend_xid = (SELECT xmax FROM log_end)
				OR a.application_name = current_setting('application_name')
					AND (a.backend_xid IS NOT NULL OR EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted)))`,
		freezeWithin.Seconds()/2)
	return err
}
