package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// takeIn holds what was read of a stream against what the log knows of it, under the lock of the log's end, and has the
// request refused when another node was there first. What it writes goes in with the events.
func (s *Store) takeIn(ctx context.Context, tx pgx.Tx, w *change) error {
	in := w.request.Intake
	if in == nil {
		return nil
	}
	state, last, err := readStream(ctx, tx, in.Source, in.Stream)
	if err != nil {
		return err
	}
	if moved(in, &state) {
		w.request.Err = fault.New(fault.StreamMoved, "the stream of %s stands elsewhere by now", in.Source)
		return nil
	}
	for _, p := range in.Places {
		w.batch.Queue(`INSERT INTO stream_places (source, stream, partition, next) VALUES ($1, $2, $3, $4)
			ON CONFLICT (source, stream, partition) DO UPDATE SET next = excluded.next`, in.Source, in.Stream, p.Partition, p.To)
	}
	if len(in.Aside)+len(in.Again)+len(in.Taken) == 0 {
		return nil
	}
	if err := s.setAside(ctx, tx, w, last); err != nil {
		return err
	}
	for i := range in.Again {
		a := &in.Again[i]
		w.batch.Queue("UPDATE aside SET code = $3, reason = $4, lane = $5, outside = $6 WHERE source = $1 AND number = $2",
			in.Source, a.Number, string(a.Code), plainText(a.Reason), [16]byte(a.Lane), [16]byte(a.Outer))
	}
	w.batch.Queue("DELETE FROM aside WHERE source = $1 AND number = ANY ($2)", in.Source, slices.Concat([]int64{}, in.Taken))
	w.batch.Queue("INSERT INTO streams (source, changes, last) VALUES ($1, $2, $3) ON CONFLICT (source) DO UPDATE SET changes = excluded.changes, last = excluded.last",
		in.Source, state.Changes+1, last+int64(len(in.Aside)))
	return nil
}

func moved(in *eventlog.Intake, state *eventlog.StreamState) bool {
	return in.Changes != state.Changes || slices.ContainsFunc(in.Places, func(p eventlog.StreamPlace) bool { return state.Next[p.Partition] != p.From })
}

// setAside numbers and seals the messages that are set aside. A segment that is forgotten at this moment has the whole
// made anew, as in append_events.
func (s *Store) setAside(ctx context.Context, tx pgx.Tx, w *change, last int64) error {
	in := w.request.Intake
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.keys.Renewed()
	var used []int32
	for i := range in.Aside {
		a := &in.Aside[i]
		a.Number, a.At = last+int64(i)+1, w.recorded
		key, segment, err := s.sealingKey(ctx, store.ClassOf(a.Retention, w.recorded))
		if err != nil {
			return err
		}
		used = append(used, segment)
		w.batch.Queue("INSERT INTO aside (source, number, partition, place, at, lane, outside, code, reason, key, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
			in.Source, a.Number, a.Partition, a.Offset, a.At, [16]byte(a.Lane), [16]byte(a.Outer), string(a.Code), plainText(a.Reason), key.N,
			slices.Clone(s.sealer.Aside(key, in.Source, a)))
	}
	gone := false
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM segments WHERE n = ANY ($1) AND forgotten)", append([]int32{}, used...)).Scan(&gone)
	if err == nil && gone {
		err = &pgconn.PgError{Code: "VR002", Message: "a segment was forgotten"}
	}
	return err
}

func readStream(ctx context.Context, q querier, source, stream string) (state eventlog.StreamState, last int64, err error) {
	state.Next = map[int32]int64{}
	err = each(ctx, q, store.StreamOf, []any{source}, func(row pgx.Rows) error { return row.Scan(&state.Changes, &last) })
	if err != nil {
		return state, 0, err
	}
	err = each(ctx, q, store.StreamPlaces, []any{source, stream}, func(row pgx.Rows) error {
		var partition int32
		var next int64
		err := row.Scan(&partition, &next)
		state.Next[partition] = next
		return err
	})
	return state, last, err
}

// Stream reads how a source's stream stands.
func (s *Store) Stream(ctx context.Context, source, stream string) (state eventlog.StreamState, err error) {
	err = s.moment(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if state, _, err = readStream(ctx, tx, source, stream); err != nil {
			return err
		}
		return tx.QueryRow(ctx, store.AsideCount, source).Scan(&state.Aside)
	})
	return state, err
}

// Asides reads what is set aside of a source after a number, in order, at most limit; with messages, or all but those.
// What is forgotten at this moment is left out.
func (s *Store) Asides(ctx context.Context, source string, after int64, limit int, messages bool) (list []eventlog.Aside, err error) {
	type row struct {
		eventlog.Aside
		key    int64
		sealed []byte
	}
	var rows []row
	const columns = `SELECT a.number, a.partition, a.place, a.at, a.lane, a.outside, a.code, a.reason, g.class, a.key, a.sealed
		FROM aside a JOIN data_keys k ON k.n = a.key JOIN segments g ON g.n = k.segment WHERE a.source = $1 AND a.number > $2 ORDER BY a.number LIMIT $3`
	err = s.read(ctx, columns, []any{source, after, limit}, func(r pgx.Rows) error {
		var a row
		var code, class string
		err := r.Scan(&a.Number, &a.Partition, &a.Offset, &a.At, (*[16]byte)(&a.Lane), (*[16]byte)(&a.Outer), &code, &a.Reason, &class, &a.key, &a.sealed)
		a.Code, a.Retention = fault.Code(code), event.Retention(class)
		rows = append(rows, a)
		return err
	})
	o := s.opener(ctx)
	for i := range rows {
		a := &rows[i]
		if messages && err == nil {
			if err = o.Aside(a.key, a.sealed, source, &a.Aside); errors.Is(err, store.ErrForgotten) {
				err = nil
				continue
			}
		}
		list = append(list, a.Aside)
	}
	return list, trouble(err, "cannot read what is set aside")
}

// eraseAside deletes messages that are set aside and name a person who is erased.
func (w *change) eraseAside() {
	for _, of := range w.request.Erased {
		w.batch.Queue("DELETE FROM aside WHERE source = $1 AND number = ANY ($2)", of.Source, of.Numbers)
		w.batch.Queue("UPDATE streams SET changes = changes + 1 WHERE source = $1", of.Source)
	}
}

// asideOfClass are the messages set aside whose class and day are forgotten: nobody can read them any more, and they are
// not to hold their key for ever.
const asideOfClass = "key IN (SELECT k.n FROM data_keys k JOIN segments g ON g.n = k.segment WHERE g.class = $1 AND g.day = $2)"

func dropAside(batch *pgx.Batch, class string, day int64) {
	batch.Queue("UPDATE streams SET changes = changes + 1 WHERE source IN (SELECT source FROM aside WHERE "+asideOfClass+")", class, day)
	batch.Queue("DELETE FROM aside WHERE "+asideOfClass, class, day)
}
