package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// undefinedTable is what the server answers where a partition is gone.
const undefinedTable = "42P01"

func isUndefinedTable(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == undefinedTable
}

// payloads visits the payload of each skeleton that has one, and tells which those are; of the others it tells whether
// they are gone. query names a segment's partition with %s; its parameters are the segment and either the first and the
// last position that is wanted of it, or all of them.
//
// What this node knows of segments may be old, for another may have forgotten some: they are looked at in the same
// pipeline, and where that, or a partition that is not there, is a surprise, what is known anew is read with.
func (s *Store) payloads(ctx context.Context, list []skeleton, query string, visit func(pgx.Rows, *skeleton) error) (found []bool, err error) {
	w := wanted{store: s, list: list, found: make([]bool, len(list)), query: query, visit: visit}
	w.sort()
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	for turns := 0; err == nil && len(w.left) > 0; turns++ {
		err = w.turn(ctx)
		if isUndefinedTable(err) && turns < 3 {
			err = w.look(ctx)
		}
	}
	if isUndefinedTable(err) {
		err = fault.Wrap(fault.SealBroken, err, "a partition of payloads is missing, and was not forgotten")
	}
	if err == nil {
		err = w.missing(ctx)
	}
	return w.found, trouble(err, "cannot read the log")
}

// wanted is what is still to be read of a list of skeletons.
type wanted struct {
	store *Store
	list  []skeleton
	found []bool
	left  map[int32][]int64 // positions that are wanted of each segment
	query string
	visit func(pgx.Rows, *skeleton) error
}

func (w *wanted) sort() {
	w.left = map[int32][]int64{}
	for i := range w.list {
		if k := &w.list[i]; !k.gone {
			w.left[k.segment] = append(w.left[k.segment], k.Position)
		}
	}
}

// stateOf has which of some segments are not forgotten.
const stateOf = "SELECT n, class, day FROM segments WHERE n = ANY ($1) AND NOT forgotten"

// turn reads, in one pipeline, which of the segments are not forgotten, and the payloads of those this node believes are
// not.
func (w *wanted) turn(ctx context.Context) error {
	batch, open, asked := &pgx.Batch{}, map[int32]bool{}, []int32(nil)
	batch.Queue(stateOf, w.numbers()).Query(w.store.learnSegments(open))
	for n, positions := range w.left {
		if _, known := w.store.segments.class(n); !known {
			continue
		}
		asked = append(asked, n)
		batch.Queue(fmt.Sprintf(w.query, partition("payloads", n)), w.arguments(n, positions)...).Query(func(rows pgx.Rows) error {
			if !open[n] {
				return nil
			}
			return w.take(rows)
		})
	}
	if err := w.store.pool.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	for _, n := range asked {
		if open[n] {
			delete(w.left, n)
		}
	}
	w.close(open)
	return nil
}

// partition is the name of a segment's own of payloads, answers or clues.
func partition(table string, segment int32) string { return fmt.Sprintf("%s_%d", table, segment) }

func (w *wanted) numbers() (list []int32) {
	for n := range w.left {
		list = append(list, n)
	}
	return list
}

func (w *wanted) arguments(segment int32, positions []int64) []any {
	if w.query == payloadsOf {
		return []any{segment, slices.Min(positions), slices.Max(positions)}
	}
	return []any{segment, positions}
}

func (w *wanted) take(rows pgx.Rows) error {
	for rows.Next() {
		var position int64
		if err := rows.Scan(append([]any{&position}, make([]any, len(rows.FieldDescriptions())-1)...)...); err != nil {
			return err
		}
		i := w.at(position)
		if i < 0 || w.list[i].gone {
			continue
		}
		w.found[i] = true
		if err := w.visit(rows, &w.list[i]); err != nil {
			return err
		}
	}
	return rows.Err()
}

// at finds the skeleton at a position: they are in order, rising or falling.
func (w *wanted) at(position int64) int {
	falling := len(w.list) > 1 && w.list[0].Position > w.list[1].Position
	i, found := slices.BinarySearchFunc(w.list, position, func(k skeleton, position int64) int {
		if falling {
			return cmp.Compare(position, k.Position)
		}
		return cmp.Compare(k.Position, position)
	})
	if !found {
		return -1
	}
	return i
}

// learnSegments reads rows of stateOf into open, and has the node know them.
func (s *Store) learnSegments(open map[int32]bool) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := s.learnSegment(rows, open); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

func (s *Store) learnSegment(row pgx.Rows, open map[int32]bool) error {
	var n int32
	var class string
	var of eventlog.Class
	err := row.Scan(&n, &class, &of.Day)
	of.Retention, open[n] = event.Retention(class), true
	s.segments.learn(n, of)
	return err
}

// learn notes a segment that is open.
func (g *segments) learn(n int32, of eventlog.Class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open[of], g.known[n] = n, of
}

// forget notes that a segment is forgotten, and tells whether that is news.
func (g *segments) forget(n int32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	of, known := g.known[n]
	if known && g.open[of] == n {
		delete(g.open, of)
	}
	delete(g.known, n)
	return known
}

// look finds out which segments are forgotten, after a partition was not there.
func (w *wanted) look(ctx context.Context) error {
	open := map[int32]bool{}
	err := each(ctx, w.store.pool, stateOf, []any{w.numbers()}, func(row pgx.Rows) error { return w.store.learnSegment(row, open) })
	if err == nil {
		w.close(open)
	}
	return err
}

// close takes the segments that are not open for forgotten.
func (w *wanted) close(open map[int32]bool) {
	for n := range w.left {
		if !open[n] {
			if w.store.segments.forget(n) {
				w.store.keys.Forget() // another node has destroyed some: they must not live on in this one's memory
			}
			delete(w.left, n)
			for i := range w.list {
				w.list[i].gone = w.list[i].gone || w.list[i].segment == n
			}
		}
	}
}

const erasedOf = "SELECT position FROM events WHERE position = ANY ($1) AND flags & 2 <> 0"

// missing looks again at the skeletons whose payload is not there: some may have been erased since they were read.
func (w *wanted) missing(ctx context.Context) error {
	var positions []int64
	for i := range w.list {
		if !w.found[i] && !w.list[i].gone {
			positions = append(positions, w.list[i].Position)
		}
	}
	if positions == nil {
		return nil
	}
	return each(ctx, w.store.pool, erasedOf, []any{positions}, func(row pgx.Rows) error {
		var position int64
		err := row.Scan(&position)
		if i := w.at(position); i >= 0 {
			w.list[i].gone = true
		}
		return err
	})
}
