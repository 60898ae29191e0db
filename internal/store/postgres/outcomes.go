package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// The rows of cuts, those of one kind in one statement for all cuts. Cuts are of different consumers, so only what one
// cut has twice meets itself in a statement: there the last counts.

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// lastOf keeps the last row of each key, in order.
func lastOf[R any, K comparable](rows []R, key func(*R) K) []R {
	at := make(map[K]int, len(rows))
	for i := range rows {
		at[key(&rows[i])] = i
	}
	if len(at) == len(rows) {
		return rows
	}
	kept := make([]R, 0, len(at))
	for i := range rows {
		if at[key(&rows[i])] == i {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

// deliveryOf is what an attempt is one of.
type deliveryOf struct {
	position int64
	number   int
}

func lastAttempts(cut *eventlog.Cut) []eventlog.Attempt {
	return lastOf(cut.Attempts, func(a *eventlog.Attempt) deliveryOf { return deliveryOf{a.Position, a.Number} })
}

func (w *recording) attempts() {
	var positions, consumers, at, durations, passes []int64
	var numbers []int32
	var outcomes, statuses []int16
	var reasons []*string
	for _, cut := range w.cuts {
		for _, a := range lastAttempts(cut) {
			positions, consumers, numbers = append(positions, a.Position), append(consumers, cut.Consumer), append(numbers, int32(a.Number))
			at, outcomes, statuses = append(at, a.At), append(outcomes, int16(a.Outcome)), append(statuses, int16(a.Result.Status))
			durations, passes = append(durations, a.Result.Duration.Microseconds()), append(passes, a.Pass)
			var reason *string
			if a.Detailed {
				text := plainText(a.Result.Reason)
				reason = &text
			}
			reasons = append(reasons, reason)
		}
	}
	if len(positions) == 0 {
		return
	}
	w.batch.Queue(`INSERT INTO attempts (position, consumer, number, at, outcome, status, duration, pass, reason)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::smallint[], $6::smallint[], $7::bigint[], $8::bigint[], $9::text[])
		ON CONFLICT (position, consumer, number) DO UPDATE SET at = excluded.at, outcome = excluded.outcome, status = excluded.status,
			duration = excluded.duration, pass = excluded.pass, reason = coalesce(excluded.reason, attempts.reason)`,
		positions, consumers, numbers, at, outcomes, statuses, durations, passes, reasons)
}

// sealedAnswers are what receivers answered to the events of one segment.
type sealedAnswers struct {
	positions, keys []int64
	consumers       []int64
	numbers         []int32
	sealed          [][]byte
}

// add adds one that is sealed.
func (l *sealedAnswers) add(consumer int64, a *eventlog.Attempt, key int64, sealed []byte) {
	l.positions, l.consumers, l.numbers = append(l.positions, a.Position), append(l.consumers, consumer), append(l.numbers, int32(a.Number))
	l.keys, l.sealed = append(l.keys, key), append(l.sealed, sealed)
}

// detailed visits the attempts of which more is kept.
func detailed(cuts []*eventlog.Cut, visit func(*eventlog.Cut, *eventlog.Attempt) error) error {
	for _, cut := range cuts {
		for i := range cut.Attempts {
			if !cut.Attempts[i].Detailed {
				continue
			}
			if err := visit(cut, &cut.Attempts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// sealAnswers seals what receivers answered, by segment: under a key of the event's class and day, for answers echo what
// was sent and must go when it goes. What was answered to an event that has gone already is left out.
func (s *Store) sealAnswers(ctx context.Context, cuts []*eventlog.Cut) (map[int32]*sealedAnswers, error) {
	var positions []int64
	_ = detailed(cuts, func(_ *eventlog.Cut, a *eventlog.Attempt) error { // nothing fails
		positions = append(positions, a.Position)
		return nil
	})
	if len(positions) == 0 {
		return nil, nil
	}
	of, err := s.readable(ctx, positions)
	if err != nil {
		return nil, err
	}
	list := map[int32]*sealedAnswers{}
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.keys.Renewed()
	err = detailed(cuts, func(cut *eventlog.Cut, a *eventlog.Attempt) error {
		segment, ok := of[a.Position]
		if !ok {
			return nil
		}
		key, err := s.answerKey(ctx, segment)
		if err != nil || key == nil {
			return err
		}
		if list[segment] == nil {
			list[segment] = &sealedAnswers{}
		}
		list[segment].add(cut.Consumer, a, key.N, slices.Clone(s.sealer.Attempt(key, cut.Consumer, a)))
		return nil
	})
	return list, err
}

// readable has the segments of those events, at some positions, that are not forgotten.
func (s *Store) readable(ctx context.Context, positions []int64) (map[int64]int32, error) {
	of := make(map[int64]int32, len(positions))
	const standIn = "SELECT e.position, g.n FROM events e JOIN segments g ON g.n = e.segment WHERE e.position = ANY ($1) AND NOT g.forgotten AND e.flags & 2 = 0"
	err := each(ctx, s.pool, standIn, []any{positions}, func(row pgx.Rows) error {
		var position int64
		var segment int32
		err := row.Scan(&position, &segment)
		of[position] = segment
		return err
	})
	return of, err
}

// answerKey is a key of a segment that is open; nil: it was forgotten meanwhile.
func (s *Store) answerKey(ctx context.Context, segment int32) (*store.SealingKey, error) {
	of, known := s.segments.class(segment)
	if !known {
		if err := s.segments.reload(ctx, s); err != nil {
			return nil, err
		}
		if of, known = s.segments.class(segment); !known {
			return nil, nil
		}
	}
	key, its, err := s.sealingKey(ctx, of)
	if err == nil && its != segment {
		if err = s.segments.reload(ctx, s); err == nil {
			key, its, err = s.sealingKey(ctx, of)
		}
	}
	if err != nil || its != segment {
		return nil, err
	}
	return key, nil
}

// answersInto adds answers to events whose payload can still be read, and keeps these from being erased meanwhile.
const answersInto = `WITH kept AS MATERIALIZED (
		SELECT p.position FROM payloads_%[1]d p WHERE p.segment = $1::integer AND p.position = ANY ($2::bigint[]) FOR KEY SHARE)
	INSERT INTO answers_%[1]d (segment, position, consumer, number, key, sealed)
	SELECT $1::integer, u.position, u.consumer, u.number, u.key, u.sealed
	FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::bigint[], $6::bytea[]) AS u (position, consumer, number, key, sealed)
	JOIN kept USING (position) JOIN data_keys k ON k.n = u.key AND k.segment = $1 AND k.wrapped IS NOT NULL
	ON CONFLICT (position, consumer, number, segment) DO UPDATE SET key = excluded.key, sealed = excluded.sealed`

// answers adds those of the cuts that are written; the others' are left out.
func (w *recording) answers(list map[int32]*sealedAnswers) {
	if len(list) == 0 {
		return
	}
	mine := map[int64]bool{}
	for _, cut := range w.cuts {
		mine[cut.Consumer] = true
	}
	for _, n := range slices.Sorted(maps.Keys(list)) {
		if l := list[n].of(mine); len(l.positions) > 0 {
			w.batch.Queue(fmt.Sprintf(answersInto, n), n, l.positions, l.consumers, l.numbers, l.keys, l.sealed)
		}
	}
}

// of has those of some consumers, and of each attempt the last.
func (l *sealedAnswers) of(consumers map[int64]bool) (some sealedAnswers) {
	type answer struct {
		consumer, position int64
		number             int32
	}
	last := map[answer]int{}
	for i := range l.positions {
		last[answer{l.consumers[i], l.positions[i], l.numbers[i]}] = i
	}
	for i, consumer := range l.consumers {
		if consumers[consumer] && last[answer{consumer, l.positions[i], l.numbers[i]}] == i {
			some.add(consumer, &eventlog.Attempt{Position: l.positions[i], Number: int(l.numbers[i])}, l.keys[i], l.sealed[i])
		}
	}
	return some
}

// tallies adds to the counts. They stand in the same transaction as what they count, so a figure and its attempts cannot
// part.
func (w *recording) tallies() {
	var consumers, days, counts []int64
	var lines []string
	var outcomes, replayed []int16
	for _, cut := range w.cuts {
		for i := range cut.Tallies {
			t := &cut.Tallies[i]
			consumers, lines, days, outcomes = append(consumers, cut.Consumer), append(lines, t.Line), append(days, t.Day), append(outcomes, int16(t.Outcome))
			replayed, counts = append(replayed, bit(t.Replayed)), append(counts, t.Count)
		}
	}
	if len(consumers) == 0 {
		return
	}
	w.batch.Queue(`INSERT INTO tallies (consumer, line, day, outcome, replayed, count)
		SELECT consumer, line, day, outcome, replayed, sum(count)
		FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::smallint[], $5::smallint[], $6::bigint[]) AS u (consumer, line, day, outcome, replayed, count)
		GROUP BY consumer, line, day, outcome, replayed
		ON CONFLICT (consumer, line, day, outcome, replayed) DO UPDATE SET count = tallies.count + excluded.count`,
		consumers, lines, days, outcomes, replayed, counts)
}

func bit(b bool) int16 {
	if b {
		return 1
	}
	return 0
}

// readings writes what readers were handed out, and what they came back with. The first time of each stands. A reader may
// come back with a cursor from within an answer: what it then has was handed out with that answer.
func (w *recording) readings() {
	const served = "INSERT INTO readings (consumer, rest, upto, served, confirmed) VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING"
	const confirmed = `INSERT INTO readings (consumer, rest, upto, served, confirmed) VALUES ($1, $2, $3,
			coalesce((SELECT served FROM readings WHERE consumer = $1 AND rest = $2 AND upto >= $3 ORDER BY upto LIMIT 1), $4), $4)
		ON CONFLICT (consumer, rest, upto) DO UPDATE SET confirmed = excluded.confirmed WHERE readings.confirmed = 0`
	for _, cut := range w.cuts {
		for i := range cut.Readings {
			r, query := &cut.Readings[i], served
			if r.Confirmed {
				query = confirmed
			}
			w.batch.Queue(query, cut.Consumer, bit(r.Rest), r.UpTo, r.At)
		}
	}
}

func (w *recording) blocked() {
	var consumers, positions, since, due, spells, passes []int64
	var lanes []pgtype.UUID
	var lines, reasons []string
	var states, statuses []int16
	var attempts, failures []int32
	w.going(func(cut *eventlog.Cut) {
		for _, b := range lastOf(cut.Blocked, func(b *eventlog.Blocked) eventlog.Lane { return b.Lane }) {
			consumers, lanes, positions, lines = append(consumers, cut.Consumer), append(lanes, uuid(b.Lane)), append(positions, b.Position), append(lines, b.Line)
			states, attempts, failures = append(states, int16(b.State)), append(attempts, int32(b.Attempts)), append(failures, int32(b.Failures))
			since, due, spells = append(since, b.Since), append(due, b.Due), append(spells, b.Spell)
			statuses, reasons, passes = append(statuses, int16(b.Status)), append(reasons, plainText(b.Reason)), append(passes, b.Pass)
		}
	})
	if len(consumers) == 0 {
		return
	}
	w.batch.Queue(`INSERT INTO blocked (consumer, lane, position, line, state, attempts, failures, since, due, spell, status, reason, pass)
		SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::smallint[], $6::integer[], $7::integer[], $8::bigint[], $9::bigint[],
			$10::bigint[], $11::smallint[], $12::text[], $13::bigint[])
		ON CONFLICT (consumer, lane) DO UPDATE SET position = excluded.position, line = excluded.line, state = excluded.state, attempts = excluded.attempts,
			failures = excluded.failures, since = excluded.since, due = excluded.due, spell = excluded.spell, status = excluded.status,
			reason = excluded.reason, pass = excluded.pass`,
		consumers, lanes, positions, lines, states, attempts, failures, since, due, spells, statuses, reasons, passes)
}

func (w *recording) unblocked() {
	var consumers []int64
	var lanes []pgtype.UUID
	w.going(func(cut *eventlog.Cut) {
		for _, lane := range cut.Unblocked {
			consumers, lanes = append(consumers, cut.Consumer), append(lanes, uuid(lane))
		}
	})
	if len(consumers) > 0 {
		w.batch.Queue("DELETE FROM blocked b USING unnest($1::bigint[], $2::uuid[]) AS u (consumer, lane) WHERE b.consumer = u.consumer AND b.lane = u.lane", consumers, lanes)
	}
}

// waitingRow is what a waiting row is one of, within its consumer.
type waitingRow struct {
	lane     eventlog.Lane
	position int64
}

func waitingAt(w *eventlog.Waiting) waitingRow { return waitingRow{w.Lane, w.Position} }

func (w *recording) waiting() {
	var consumers, positions, passes []int64
	var lanes []pgtype.UUID
	var lines []string
	var attempts []int32
	w.going(func(cut *eventlog.Cut) {
		for _, row := range lastOf(cut.Waiting, waitingAt) {
			consumers, lanes, positions, lines = append(consumers, cut.Consumer), append(lanes, uuid(row.Lane)), append(positions, row.Position), append(lines, row.Line)
			passes, attempts = append(passes, row.Pass), append(attempts, int32(row.Attempts))
		}
	})
	if len(consumers) > 0 {
		w.batch.Queue(`INSERT INTO waiting (consumer, lane, position, line, pass, attempts)
			SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::integer[])
			ON CONFLICT (consumer, lane, position) DO UPDATE SET attempts = greatest(waiting.attempts, excluded.attempts)`,
			consumers, lanes, positions, lines, passes, attempts)
	}
}

func (w *recording) served() {
	var consumers, positions []int64
	var lanes []pgtype.UUID
	w.going(func(cut *eventlog.Cut) {
		for i := range cut.Served {
			consumers, lanes, positions = append(consumers, cut.Consumer), append(lanes, uuid(cut.Served[i].Lane)), append(positions, cut.Served[i].Position)
		}
	})
	if len(consumers) > 0 {
		w.batch.Queue(`DELETE FROM waiting w USING unnest($1::bigint[], $2::uuid[], $3::bigint[]) AS u (consumer, lane, position)
			WHERE w.consumer = u.consumer AND w.lane = u.lane AND w.position = u.position`, consumers, lanes, positions)
	}
}

// pass writes a replay as it stands. It stands in the same transaction as the waiting rows it has made, so after a crash
// it goes on where these end.
func (w *recording) pass(p *eventlog.Pass) {
	filter, _ := json.Marshal(p.Filter) // plain strings and numbers
	w.batch.Queue(`INSERT INTO passes (n, consumer, line, author, began, filter, rate, total, place, done, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (n) DO UPDATE SET consumer = excluded.consumer, line = excluded.line, author = excluded.author, began = excluded.began,
			filter = excluded.filter, rate = excluded.rate, total = excluded.total, place = excluded.place, done = excluded.done, ended = excluded.ended`,
		p.N, p.Consumer, p.Line, plainText(p.Author), p.Began, string(filter), p.Rate, p.Total, p.Place, p.Done, p.Ended)
}

// endpoints writes the breakers that reject, and forgets those that take messages again, in the order of the cuts.
func (w *recording) endpoints() {
	w.going(func(cut *eventlog.Cut) {
		for i := range cut.Endpoints {
			if e := &cut.Endpoints[i]; e.Spell == 0 {
				w.batch.Queue("DELETE FROM endpoints WHERE system = $1 AND url = $2", e.System, e.URL)
			} else {
				w.batch.Queue("INSERT INTO endpoints (system, url, spell) VALUES ($1, $2, $3) ON CONFLICT (system, url) DO UPDATE SET spell = excluded.spell", e.System, e.URL, e.Spell)
			}
		}
	})
}
