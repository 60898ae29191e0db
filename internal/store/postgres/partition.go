package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// segments knows the open ones: those that are appended to, and what each number stands for.
type segments struct {
	mu      sync.RWMutex
	open    map[eventlog.Class]int32
	known   map[int32]eventlog.Class
	reached atomic.Int64 // positions below this one have partitions of events and attempts
}

// stretch is how many positions a partition of events and attempts holds.
const stretch = 4_000_000

// ofMessageIDs stands for the class of segments that are never forgotten and hold clues alone; no retention is written so.
const ofMessageIDs event.Retention = "message ids"

// reload reads the segments that are open, and how far partitions reach.
func (g *segments) reload(ctx context.Context, s *Store) error {
	open, known := map[eventlog.Class]int32{}, map[int32]eventlog.Class{}
	err := s.read(ctx, "SELECT n, class, day FROM segments WHERE NOT forgotten", nil, func(rows pgx.Rows) error {
		var n int32
		var class string
		var day int64
		err := rows.Scan(&n, &class, &day)
		of := eventlog.Class{Retention: event.Retention(class), Day: day}
		open[of], known[n] = n, of
		return err
	})
	if err == nil {
		g.mu.Lock()
		g.open, g.known = open, known
		g.mu.Unlock()
	}
	return err
}

// class is what a segment's number stands for. ok is false for one that was forgotten, or is not known yet.
func (g *segments) class(n int32) (of eventlog.Class, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	of, ok = g.known[n]
	return of, ok
}

// segment returns the number of a class's open segment, made with its partitions at first use.
func (s *Store) segment(ctx context.Context, of eventlog.Class) (n int32, err error) {
	s.segments.mu.RLock()
	n, ok := s.segments.open[of]
	s.segments.mu.RUnlock()
	if ok {
		return n, nil
	}
	if n, err = s.makeSegment(ctx, of); err != nil {
		return 0, err
	}
	s.segments.mu.Lock()
	defer s.segments.mu.Unlock()
	s.segments.open[of], s.segments.known[n] = n, of
	return n, nil
}

// makeSegment makes a segment and its partitions, or finds the one that another node has made. Atomic: a segment has its
// partitions. They are made apart and attached, which keeps nobody from reading or writing the others.
func (s *Store) makeSegment(ctx context.Context, of eventlog.Class) (n int32, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", schemaLock); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, "SELECT n FROM segments WHERE class = $1 AND day = $2 AND NOT forgotten", string(of.Retention), of.Day).Scan(&n)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err := tx.QueryRow(ctx, "INSERT INTO segments (class, day) VALUES ($1, $2) RETURNING n", string(of.Retention), of.Day).Scan(&n); err != nil {
			return err
		}
		tables := []string{"clues", "payloads", "answers"}
		if of.Retention == ofMessageIDs {
			tables = tables[:1]
		}
		for _, table := range tables {
			if err := attach(ctx, tx, table, fmt.Sprintf("%s_%d", table, n), fmt.Sprintf("IN (%d)", n)); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// attach makes a partition: beside the table first, so that its lock is short and keeps out neither readers nor writers.
func attach(ctx context.Context, tx pgx.Tx, table, name, bounds string) error {
	for _, query := range []string{
		fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)", name, table),
		fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES %s", table, name, bounds),
	} {
		if _, err := tx.Exec(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// reach sees to it that positions up to one, and half a partition more, have partitions of events and attempts.
func (s *Store) reach(ctx context.Context, position int64) error {
	if position < s.segments.reached.Load() {
		return nil
	}
	var reached int64
	err := s.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", schemaLock); err != nil {
			return err
		}
		made := int64(0)
		const count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass"
		if err := tx.QueryRow(ctx, count).Scan(&made); err != nil {
			return err
		}
		for ; made*stretch <= position+stretch/2; made++ {
			bounds := fmt.Sprintf("FROM (%d) TO (%d)", made*stretch, (made+1)*stretch)
			for _, table := range []string{"events", "attempts"} {
				if err := attach(ctx, tx, table, fmt.Sprintf("%s_%d", table, made), bounds); err != nil {
					return err
				}
			}
		}
		reached = made*stretch - stretch/2
		return nil
	})
	if err == nil {
		s.segments.reached.Store(reached)
	}
	return err
}
