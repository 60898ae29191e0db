package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Erasures reads erasures numbered below before (0: all), newest first, at most limit; with under way only those that go
// on.
func (s *Store) Erasures(ctx context.Context, before int64, underWay bool, limit int) (list []eventlog.Erasure, err error) {
	err = s.read(ctx, store.Erasures, []any{before, underWay, limit}, func(row pgx.Rows) error {
		var e eventlog.Erasure
		var positions []byte
		var rows string
		err := row.Scan(&e.N, &e.At, &e.Author, &e.Reason, &e.UpTo, &positions, &e.Ended, &rows)
		if err == nil {
			e.Positions, err = eventlog.ParsePositions(positions)
		}
		if err == nil {
			e.Rows, err = eventlog.ParseRows(rows)
		}
		list = append(list, e)
		return err
	})
	return list, err
}

// Erasure reads one.
// Error: fault.NotFound.
func (s *Store) Erasure(ctx context.Context, n int64) (e eventlog.Erasure, err error) {
	list, err := s.Erasures(ctx, n+1, false, 1)
	if err == nil && (len(list) == 0 || list[0].N != n) {
		return e, fault.New(fault.NotFound, "there is no erasure %d", n)
	}
	if err != nil {
		return e, err
	}
	return list[0], nil
}

// EndErasure notes that nothing is left to do for an erasure. It is on disk when it returns.
func (s *Store) EndErasure(ctx context.Context, n, at int64) error {
	_, err := s.pool.Exec(ctx, store.EndErasure, at, n)
	return trouble(err, "cannot end an erasure")
}

// erasedAtOnce is how many events are erased in one transaction.
const erasedAtOnce = 128

// Erase makes skeletons of events: their payloads with their lanes, what receivers answered to them, and the hashes they
// are found by are deleted, and the tables they stood in vacuumed, so that their space is used again. Each step is a short
// transaction; made again, after a crash between two of them, it does what is left. tell hears how far it is.
//
// PostgreSQL overwrites nothing at once: see docs/forgetting.md for what is left where.
func (s *Store) Erase(ctx context.Context, positions []int64, tell func(done int)) error {
	touched, done := map[int32]bool{}, 0
	for some := range slices.Chunk(positions, erasedAtOnce) {
		if err := s.eraseSome(ctx, some, touched); err != nil {
			return trouble(err, "cannot erase")
		}
		done += len(some)
		tell(done)
	}
	for n := range touched {
		err := s.alone(ctx, fmt.Sprintf("VACUUM payloads_%d, answers_%[1]d, clues_%[1]d", n))
		if err != nil && !isUndefinedTable(err) { // forgotten meanwhile
			return trouble(err, "the events are erased, but the space they took is not free yet")
		}
	}
	return nil
}

// eraseSome erases a few events. Atomic: an event has all of what is erased, or nothing. A segment that was forgotten
// meanwhile has nothing left to erase.
func (s *Store) eraseSome(ctx context.Context, positions []int64, touched map[int32]bool) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	for range attempts {
		of, err := s.segmentsOf(ctx, positions)
		if err == nil {
			err = s.eraseRows(ctx, positions, of)
		}
		if err == nil {
			for n := range of {
				touched[n] = true
			}
			return nil
		}
		if err = s.again(ctx, err); err != nil {
			return err
		}
	}
	return fault.New(fault.StoreUnreachable, "others have changed the same events each time")
}

// segmentsOf has which of these positions stand in which segment; those in forgotten ones are left out.
func (s *Store) segmentsOf(ctx context.Context, positions []int64) (map[int32][]int64, error) {
	of := map[int32][]int64{}
	err := each(ctx, s.pool, "SELECT e.position, g.n FROM events e JOIN segments g ON g.n = e.segment WHERE e.position = ANY ($1) AND NOT g.forgotten", []any{positions}, func(row pgx.Rows) error {
		var position int64
		var n int32
		err := row.Scan(&position, &n)
		of[n] = append(of[n], position)
		return err
	})
	return of, err
}

// eraseRows deletes what stands of events, by segment, in one pipeline, which is one transaction. Payloads go first: who
// adds a clue or an answer of an event holds its payload meanwhile (FOR KEY SHARE), so that it is waited for here; what it
// has added is seen by the statements that come after, and who comes later finds no payload. Clues are no index by
// position: the deletion walks through those of the class and day.
func (s *Store) eraseRows(ctx context.Context, positions []int64, of map[int32][]int64) error {
	epoch, err := s.current()
	if err != nil {
		return err
	}
	segments, batch := slices.Sorted(maps.Keys(of)), &pgx.Batch{}
	batch.Queue("SELECT same_epoch($1)", epoch) // at these positions there may be other events
	for _, table := range []string{"payloads", "answers", "clues"} {
		for _, n := range segments {
			batch.Queue(fmt.Sprintf("DELETE FROM %s WHERE segment = $1 AND position = ANY ($2)", partition(table, n)), n, of[n])
		}
	}
	batch.Queue("UPDATE receipts SET key = NULL, sealed = NULL WHERE position = ANY ($1)", positions)
	batch.Queue("UPDATE events SET flags = flags | 2 WHERE position = ANY ($1) AND flags & 2 = 0", positions)
	return s.pool.SendBatch(ctx, batch).Close()
}
