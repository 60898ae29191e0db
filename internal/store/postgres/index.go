package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// writeClues brings the index of search up to where its follower has read. Its cursor stands in the same transaction, and
// holds against whoever follows on another node: who comes second is refused, and looks where the index stands. Losing
// the last of it only repeats reading, so nobody waits for the disk.
func (s *Store) writeClues(ctx context.Context, r *eventlog.Request) error {
	began := time.Now()
	defer func() { r.Clues.Took = time.Since(began) }()
	return insist(ctx, "the index of search could not be written", s.again, func() error {
		x := indexing{clues: r.Clues}
		if err := x.sort(ctx, s); err != nil {
			return err
		}
		return s.inTransaction(ctx, func(tx pgx.Tx) error {
			if err := s.sameEpoch(ctx, tx); err != nil {
				return err
			}
			return x.write(ctx, tx, r)
		})
	})
}

// indexing is one batch on its way into the index, by segment.
type indexing struct {
	clues  *eventlog.Clues
	days   map[int64]int32 // the segments of message ids
	hashes map[int32]*hashes
}

type hashes struct {
	clues     []pgtype.UUID
	positions []int64
}

// sort finds out which segment each clue belongs to. Those of message ids are made; the others are there, or forgotten.
func (x *indexing) sort(ctx context.Context, s *Store) error {
	x.days, x.hashes = map[int64]int32{}, map[int32]*hashes{}
	var days []int64
	const recordedOn = "SELECT DISTINCT recorded / 86400000000 FROM events WHERE position > $1 AND position <= $2"
	err := each(ctx, s.pool, recordedOn, []any{x.clues.After, x.clues.UpTo}, func(row pgx.Rows) error { return scanInto(row, &days) })
	for _, day := range days {
		if err == nil {
			x.days[day], err = s.segment(ctx, eventlog.Class{Retention: ofMessageIDs, Day: day})
		}
	}
	if err != nil || len(x.clues.Rows) == 0 {
		return err
	}
	positions := make([]int64, len(x.clues.Rows))
	for i := range positions {
		positions[i] = x.clues.Rows[i].Position
	}
	of, err := s.readable(ctx, slices.Compact(positions))
	for _, clue := range x.clues.Rows {
		segment, ok := of[clue.Position]
		if !ok {
			continue
		}
		h := x.hashes[segment]
		if h == nil {
			h = &hashes{}
			x.hashes[segment] = h
		}
		h.clues, h.positions = append(h.clues, uuid(clue.Hash)), append(h.positions, clue.Position)
	}
	return err
}

// hashesInto adds hashes of events whose payload can still be read, and keeps these from being erased meanwhile: an index
// that comes behind a forgetting does not bring back what that took.
const hashesInto = `WITH kept AS MATERIALIZED (
		SELECT p.position FROM payloads_%[1]d p WHERE p.segment = $1::integer AND p.position = ANY ($3::bigint[]) FOR KEY SHARE)
	INSERT INTO clues_%[1]d (segment, clue, position)
	SELECT $1, u.clue, u.position FROM unnest($2::uuid[], $3::bigint[]) AS u (clue, position) JOIN kept USING (position)
	WHERE EXISTS (SELECT 1 FROM segments WHERE n = $1 AND NOT forgotten)
	ON CONFLICT DO NOTHING`

// messagesInto adds the message ids of the events of a day, forgotten ones too: they are nobody's secret.
const messagesInto = `INSERT INTO clues_%d (segment, clue, position)
	SELECT $1, id, position FROM events WHERE position > $2 AND position <= $3 AND recorded >= $4 AND recorded < $5 ON CONFLICT DO NOTHING`

func (x *indexing) write(ctx context.Context, tx pgx.Tx, r *eventlog.Request) error {
	c := x.clues
	if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
		return err
	}
	stands := ""
	if err := tx.QueryRow(ctx, "SELECT value FROM hub WHERE name = 'clues' FOR UPDATE").Scan(&stands); err != nil {
		return err
	}
	if !c.Anew && stands != strconv.FormatInt(c.After, 10) {
		r.Err = fault.New(fault.Conflict, "another node has brought the index of search to position %s", stands)
		return nil
	}
	batch := &pgx.Batch{}
	if c.Anew {
		batch.Queue("TRUNCATE clues")
	}
	for _, day := range slices.Sorted(maps.Keys(x.days)) {
		n := x.days[day]
		batch.Queue(fmt.Sprintf(messagesInto, n), n, c.After, c.UpTo, day*event.MicrosPerDay, (day+1)*event.MicrosPerDay)
	}
	for _, n := range slices.Sorted(maps.Keys(x.hashes)) {
		batch.Queue(fmt.Sprintf(hashesInto, n), n, x.hashes[n].clues, x.hashes[n].positions)
	}
	batch.Queue("UPDATE hub SET value = CASE name WHEN 'clues' THEN $1 ELSE $2 END WHERE name IN ('clues', 'clue maker')",
		strconv.FormatInt(c.UpTo, 10), hex.EncodeToString(c.Maker[:]))
	return tx.SendBatch(ctx, batch).Close()
}
