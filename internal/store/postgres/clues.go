package postgres

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/store"
)

// Indexed tells up to which position there are clues, and what made them.
func (s *Store) Indexed(ctx context.Context) (upTo int64, maker event.Clue, err error) {
	err = s.read(ctx, store.Indexed, nil, func(row pgx.Rows) error {
		var name, value string
		err := row.Scan(&name, &value)
		switch {
		case err != nil:
		case name == "clues":
			upTo, err = strconv.ParseInt(value, 10, 64)
		default:
			_, err = hex.Decode(maker[:], []byte(value))
		}
		return err
	})
	return upTo, maker, err
}

// toSearch has the segments that may have clues of events below a position, newest day first.
const toSearch = `SELECT n, day FROM segments WHERE NOT forgotten
	AND day <= (SELECT recorded FROM events WHERE position < $1 ORDER BY position DESC LIMIT 1) / 86400000000 ORDER BY day DESC, n`

// cluesOf has a segment's, from its own partition.
const cluesOf = "SELECT position FROM clues_%d WHERE clue IN ($1, $2) AND position < $3 ORDER BY position DESC LIMIT $4"

// Positions lists the events that have any of the clues, of which there are one or two, newest first: at most limit of
// them that are below a position.
//
// It goes back day by day and ends with the limit, some partitions in each pipeline, each by its name: a query of the
// parent would open and lock all there are.
func (s *Store) Positions(ctx context.Context, clues []event.Clue, below int64, limit int) (list []int64, err error) {
	for tries := 0; ; tries++ {
		list, err = s.positions(ctx, clues, below, limit)
		if !isUndefinedTable(err) || tries == 3 {
			return list, trouble(err, "cannot search")
		}
		// A day was forgotten meanwhile.
	}
}

type searched struct {
	segment int32
	day     int64
}

func (s *Store) positions(ctx context.Context, clues []event.Clue, below int64, limit int) (list []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	var segments []searched
	err = each(ctx, s.pool, toSearch, []any{below}, func(row pgx.Rows) error {
		var one searched
		err := row.Scan(&one.segment, &one.day)
		segments = append(segments, one)
		return err
	})
	for many := 8; err == nil && len(segments) > 0 && len(list) < limit; many = min(64, 2*many) {
		some := segments[:wholeDays(segments, many)]
		segments = segments[len(some):]
		p, found := pipeline{}, []int64(nil)
		for _, one := range some {
			p.queue(fmt.Sprintf(cluesOf, one.segment), func(row pgx.Rows) error { return scanInto(row, &found) },
				[16]byte(clues[0]), [16]byte(clues[len(clues)-1]), below, limit)
		}
		err = p.run(ctx, s.pool)
		// Of different days the positions do not mix: recorded never falls as they rise.
		slices.SortFunc(found, func(a, b int64) int { return cmp.Compare(b, a) })
		list = append(list, found...)
	}
	return list[:min(len(list), limit)], err
}

// wholeDays is how many of the first segments to take so that no day is divided: at least so many, where there are.
func wholeDays(segments []searched, many int) int {
	if many >= len(segments) {
		return len(segments)
	}
	for many < len(segments) && segments[many].day == segments[many-1].day {
		many++
	}
	return many
}
