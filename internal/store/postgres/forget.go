package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Kept lists what has a retention and was not forgotten, oldest day first.
func (s *Store) Kept(ctx context.Context) (list []eventlog.Class, err error) {
	const kept = "SELECT class, day FROM segments WHERE NOT forgotten AND class NOT IN ('', $1) ORDER BY day, class"
	err = s.read(ctx, kept, []any{string(ofMessageIDs)}, func(row pgx.Rows) error {
		var of eventlog.Class
		err := row.Scan(&of.Retention, &of.Day)
		list = append(list, of)
		return err
	})
	return list, err
}

// Forget destroys the data keys of what was recorded on one day (UTC, days since 1970-01-01) under one retention, and
// returns how many there were. When it returns, no node can read these payloads or the answers to them any more, nor can
// anyone in a copy made from now on; the skeletons stay, with their message ids. Nothing else finds them. Events that are
// accepted later, of that day even, are sealed under another key, in another segment. Copies made before, replicas that
// lag and archives of the WAL have the wrapped keys: they forget when they are deleted.
//
// What is left of the rows is for Prune.
func (s *Store) Forget(ctx context.Context, retention event.Retention, day int64) (keys int, err error) {
	if keys, err = s.destroy(ctx, string(retention), day); err != nil {
		return 0, trouble(err, "cannot forget")
	}
	s.keys.Forget()
	s.keys.Renew()
	return keys, s.segments.reload(ctx, s)
}

// destroy destroys a class's keys and closes its segments. Atomic: all of it, and under the lock of the log's end, so that
// no append is in the middle of using the segment: it goes before, or is told by append_events to make another. All is at
// the server when the lock is taken (see append_events), as one pipeline, which is one transaction.
func (s *Store) destroy(ctx context.Context, class string, day int64) (keys int, err error) {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	for range attempts {
		if keys, err = s.destroyOnce(ctx, class, day); err == nil {
			return keys, nil
		}
		if err = s.again(ctx, err); err != nil {
			return 0, err
		}
	}
	return 0, fault.New(fault.StoreUnreachable, "somebody has had the lock of the log's end for too long")
}

func (s *Store) destroyOnce(ctx context.Context, class string, day int64) (keys int, err error) {
	batch := &pgx.Batch{}
	batch.Queue("SELECT set_config('lock_timeout', $1, true)", milliseconds(freezeWithin))
	batch.Queue("SELECT position FROM log_end FOR UPDATE")
	destroyed := batch.Queue(`UPDATE data_keys SET wrapped = NULL
		WHERE segment IN (SELECT n FROM segments WHERE class = $1 AND day = $2) AND wrapped IS NOT NULL`, class, day)
	destroyed.Exec(func(done pgconn.CommandTag) error {
		keys = int(done.RowsAffected())
		return nil
	})
	dropAside(batch, class, day)
	dropReceipts(batch, class, day)
	batch.Queue("UPDATE segments SET forgotten = true WHERE class = $1 AND day = $2 AND NOT forgotten", class, day)
	return keys, s.pool.SendBatch(ctx, batch).Close()
}

// dropWithin is how long the drop of a partition waits for those who are in the way. It is not urgent: nobody can read
// what is in it.
const dropWithin = 5 * time.Second

// Prune drops the partitions of segments that are forgotten, of this Forget or of an earlier one that was killed on the
// way, here or on another node; and it tells how many events were in them. Where somebody, such as pg_dump, is in the way
// for long it leaves the rest to the next time.
//
// A drop by itself would take the parent's ACCESS EXCLUSIVE lock, wait for it behind whoever reads, and have every append
// wait behind it. So a partition is detached first: CONCURRENTLY, which waits for the readers of the parent and is in
// nobody's way meanwhile. That cannot be in a transaction, which is why none of this is in Forget's; broken off, it is
// ended with FINALIZE. What is dropped then is a table by itself.
func (s *Store) Prune(ctx context.Context, _ int) (p eventlog.Pruned, err error) {
	// A node may have made a key at the moment when its class was forgotten. Nothing is sealed with it.
	const stray = "UPDATE data_keys SET wrapped = NULL WHERE wrapped IS NOT NULL AND segment IN (SELECT n FROM segments WHERE forgotten)"
	if _, err := s.pool.Exec(ctx, stray); err != nil {
		return p, trouble(err, "cannot forget")
	}
	left, err := s.leftovers(ctx)
	for i := 0; i < len(left) && err == nil; i++ {
		var events int64
		events, err = s.drop(ctx, &left[i])
		p.Events += events
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return p, nil
	}
	return p, trouble(err, "cannot drop what was forgotten")
}

// leftover is the partition of a segment that was forgotten.
type leftover struct {
	table, name string
	attached    bool
	pending     bool // somebody began to detach it
}

// leftovers are the partitions of forgotten segments. Clues and answers go before payloads: while these are there the
// segment is not done.
func (s *Store) leftovers(ctx context.Context) (list []leftover, err error) {
	err = s.read(ctx, `SELECT t.of, c.relname, i.inhparent IS NOT NULL, coalesce(i.inhdetachpending, false)
		FROM pg_class c
		CROSS JOIN LATERAL (SELECT substring(c.relname FROM '^(clues|answers|payloads)_[0-9]+$'), substring(c.relname FROM '[0-9]+$')) t (of, n)
		LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
		WHERE c.relkind = 'r' AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'payloads'::regclass)
			AND t.of IS NOT NULL AND t.n::bigint IN (SELECT n FROM segments WHERE forgotten)
		ORDER BY t.n::bigint, t.of`, nil, func(row pgx.Rows) error {
		var l leftover
		err := row.Scan(&l.table, &l.name, &l.attached, &l.pending)
		list = append(list, l)
		return err
	})
	return list, err
}

// drop detaches a partition and drops it, and tells how many events were in it.
func (s *Store) drop(ctx context.Context, l *leftover) (events int64, err error) {
	if l.table == "payloads" {
		if err := s.read(ctx, "SELECT count(*) FROM "+l.name, nil, func(row pgx.Rows) error { return row.Scan(&events) }); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dropWithin)
	defer cancel()
	switch {
	case l.pending:
		err = s.alone(ctx, fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE", l.table, l.name))
	case l.attached:
		err = s.alone(ctx, fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY", l.table, l.name))
	}
	if err == nil {
		err = s.alone(ctx, "DROP TABLE IF EXISTS "+l.name)
	}
	return events, err
}

// alone runs a statement that can be in no transaction, and is not worth being prepared.
func (s *Store) alone(ctx context.Context, statement string) error {
	_, err := s.pool.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return err
}

// Forgotten implements eventlog.Store.
func (s *Store) Forgotten(ctx context.Context, from, upTo int64, limit int) (list []int64, err error) {
	err = s.read(ctx, `SELECT e.position FROM (
			SELECT position FROM blocked WHERE position BETWEEN $1 AND $2
			UNION SELECT position FROM waiting WHERE position BETWEEN $1 AND $2) lanes
		JOIN events e USING (position) JOIN segments g ON g.n = e.segment
		WHERE e.flags & 2 <> 0 OR g.forgotten LIMIT $3`, []any{from, upTo, limit}, func(row pgx.Rows) error { return scanInto(row, &list) })
	return list, err
}
