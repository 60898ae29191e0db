package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// group is requests whose events are appended in one transaction.
type group struct {
	store    *Store
	requests []*eventlog.Request
	now      int64 // when they are recorded, as far as is known

	known   map[identity]stored // what of them is in the log
	fresh   map[identity]int    // which row brings what
	rows    []row
	repeats []repeat
}

// identity is what makes an event the same as another.
type identity struct{ source, id string }

func identityOf(e *event.Event) identity { return identity{e.Source, e.SourceID} }

// stored is an event in the log; event is nil when nothing is left to compare with.
type stored struct {
	position int64
	event    *event.Event
}

// row is an event that is to be appended.
type row struct {
	entry        *eventlog.Entry
	source, kind int32
	segment      int32
	key          int64
	sealed       []byte
}

// repeat is an entry of the same identity as a row of the group.
type repeat struct {
	entry *eventlog.Entry
	row   int
}

// write makes the group and has it written, as often as what it assumed turns out to be otherwise.
func (g *group) write(ctx context.Context, in func(context.Context) error) error {
	return insist(ctx, "the events could not be appended", g.again, func() error {
		g.plan()
		if err := g.seal(ctx); err != nil {
			return err
		}
		if err := in(ctx); err != nil {
			return err
		}
		g.refuse()
		return nil
	})
}

// again is Store.again with what a group assumes of its own.
func (g *group) again(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || ctx.Err() != nil {
		return g.store.again(ctx, err)
	}
	switch {
	case refused.Code == "23505" && refused.ConstraintName == "event_ids_pkey":
		return g.lookUp(ctx)
	case refused.Code == "VR001":
		now, e := strconv.ParseInt(refused.Detail, 10, 64)
		if g.now = now; e != nil {
			return err
		}
		return nil
	}
	return g.store.again(ctx, err)
}

// plan settles each entry against what is known, and collects what is to be appended.
func (g *group) plan() {
	g.rows, g.repeats, g.fresh = g.rows[:0], g.repeats[:0], map[identity]int{}
	for _, r := range g.requests {
		g.add(r)
	}
}

// add adds a request's events. When one that goes in whole is refused, what was added of it is taken back.
func (g *group) add(r *eventlog.Request) {
	r.Err = nil
	rows, refused := len(g.rows), 0
	for i := range r.Entries {
		entry := &r.Entries[i]
		entry.Status, entry.Position = eventlog.Pending, 0
		if refused > 0 && heldBack(r.Entries[:i], entry) {
			entry.Status = eventlog.Held
		} else {
			g.addEntry(entry)
		}
		if entry.Status > eventlog.Duplicate {
			refused++
		}
	}
	if refused == 0 || !r.Whole() {
		return
	}
	for _, taken := range g.rows[rows:] {
		delete(g.fresh, identityOf(taken.entry.Event))
		taken.entry.Status = eventlog.Appended // as it would have been
	}
	g.rows, g.repeats = g.rows[:rows], slices.DeleteFunc(g.repeats, func(again repeat) bool { return again.row >= rows })
}

func (g *group) addEntry(entry *eventlog.Entry) {
	e := entry.Event
	if known, ok := g.known[identityOf(e)]; ok {
		entry.Position, entry.Status = known.position, eventlog.Duplicate
		if known.event != nil && !g.store.same(known.event, e) {
			entry.Status = eventlog.Clashes
		}
		return
	}
	if at, ok := g.fresh[identityOf(e)]; ok {
		entry.Status = eventlog.Duplicate
		if !g.store.same(g.rows[at].entry.Event, e) {
			entry.Status = eventlog.Clashes
		}
		g.repeats = append(g.repeats, repeat{entry, at})
		return
	}
	g.fresh[identityOf(e)] = len(g.rows)
	g.rows = append(g.rows, row{entry: entry})
}

// heldBack reports whether an earlier entry of the same lane was refused.
func heldBack(earlier []eventlog.Entry, e *eventlog.Entry) bool {
	return !e.Event.Lane.IsZero() && slices.ContainsFunc(earlier, func(before eventlog.Entry) bool {
		return before.Status > eventlog.Duplicate && before.Event.Lane == e.Event.Lane
	})
}

// appended gives the events their positions.
func (g *group) appended(first, stamp int64) {
	for i := range g.rows {
		entry := g.rows[i].entry
		e, position := entry.Event, first+int64(i)
		entry.Status, entry.Position = eventlog.Appended, position
		e.Position, e.Recorded = position, stamp
		if e.Time == 0 {
			e.Time = stamp
		}
		if e.Lane.IsZero() {
			e.Lane = event.Alone(position)
		}
	}
	for _, again := range g.repeats {
		again.entry.Position = first + int64(again.row)
	}
	g.store.moved(first+int64(len(g.rows))-1, stamp)
}

// refuse tells the requests that go in whole and cannot.
func (g *group) refuse() {
	for _, r := range g.requests {
		if r.Err == nil && r.Whole() {
			r.Err = refusal(r.Entries)
		}
	}
}

func refusal(entries []eventlog.Entry) error {
	for i := range entries {
		if entries[i].Status == eventlog.Clashes && entries[i].Position == 0 {
			return fault.New(fault.EventConflict, "source and id are those of an earlier entry of the request, which has other content")
		}
		if err := entries[i].Refusal(); err != nil {
			return err
		}
	}
	return nil
}

// alone appends the group in a call of its own. It is one message to the server: nothing of what comes after the lock of
// the log's end waits for this process.
func (g *group) alone(ctx context.Context) error {
	if len(g.rows) == 0 {
		return g.store.replicated(ctx)
	}
	first, stamp, err := g.call(ctx, g.store.pool)
	if err == nil {
		g.appended(first, stamp)
	}
	return err
}

// lookUp reads which of the group's events are in the log.
func (g *group) lookUp(ctx context.Context) error {
	sources, ids := make([]int32, len(g.rows)), make([]string, len(g.rows))
	by := map[int64]identity{}
	for i := range g.rows {
		sources[i], ids[i] = g.rows[i].source, g.rows[i].entry.Event.SourceID
	}
	const known = "SELECT s.uri, i.id, i.position FROM unnest($1::integer[], $2::text[]) AS u (source, id) JOIN event_ids i USING (source, id) JOIN sources s ON s.n = i.source"
	err := each(ctx, g.store.pool, known, []any{sources, ids}, func(row pgx.Rows) error {
		var is identity
		var position int64
		err := row.Scan(&is.source, &is.id, &position)
		by[position] = is
		return err
	})
	if err != nil {
		return err
	}
	if g.known == nil {
		g.known = map[identity]stored{}
	}
	for position, is := range by {
		g.known[is] = stored{position: position}
	}
	return g.readKnown(ctx, by)
}

// readKnown reads the events at some positions. One whose payload was forgotten, or is damaged, has nothing left to
// compare: it counts as the same, and must not refuse the commit of everyone.
func (g *group) readKnown(ctx context.Context, by map[int64]identity) error {
	positions := make([]int64, 0, len(by))
	for position := range by {
		positions = append(positions, position)
	}
	slices.Sort(positions)
	events, err := g.store.among(ctx, positions)
	if fault.Has(err, fault.SealBroken) {
		events, err = nil, nil
		for _, position := range positions {
			one, e := g.store.among(ctx, []int64{position})
			if e != nil && !fault.Has(e, fault.SealBroken) {
				return e
			}
			events = append(events, one...)
		}
	}
	for _, e := range events {
		if is := by[e.Position]; !e.Forgotten {
			e.SourceID = is.id
			g.known[is] = stored{e.Position, e}
		}
	}
	return err
}

// among reads the events at some positions, which rise.
func (s *Store) among(ctx context.Context, positions []int64) ([]*event.Event, error) {
	list, err := s.skeletons(ctx, skeletonsAmong, positions)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, list)
}

// seal makes the rows ready to be appended: names, segments, partitions and keys are in the database before what is
// recorded with them, each by itself. One that is left over from an append that failed does no harm.
func (g *group) seal(ctx context.Context) error {
	if len(g.rows) == 0 {
		return nil
	}
	s := g.store
	if err := s.reach(ctx, s.end.Load()+int64(len(g.rows))); err != nil {
		return err
	}
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.keys.Renewed()
	for i := range g.rows {
		if err := g.sealRow(ctx, &g.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) sealRow(ctx context.Context, r *row) (err error) {
	s, e := g.store, r.entry.Event
	if r.source, err = s.sourceNumber(ctx, e.Source); err != nil {
		return err
	}
	if r.kind, err = s.typeNumber(ctx, typeVersion{e.Type, e.Version}); err != nil {
		return err
	}
	key, segment, err := s.sealingKey(ctx, store.ClassOf(e.Retention, g.now))
	if err != nil {
		return err
	}
	r.segment, r.key, r.sealed = segment, key.N, slices.Clone(s.sealer.Event(key, e))
	return nil
}

const appendEvents = "SELECT first, stamp FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"

// call appends the rows.
func (g *group) call(ctx context.Context, q interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}) (first, stamp int64, err error) {
	epoch, err := g.store.current()
	if err != nil {
		return 0, 0, err
	}
	n := len(g.rows)
	sources, ids, messages, types, times := make([]int32, n), make([]string, n), make([]pgtype.UUID, n), make([]int32, n), make([]int64, n)
	organisations, lanes, flags, segments := make([]string, n), make([]pgtype.UUID, n), make([]int16, n), make([]int32, n)
	keys, sealed := make([]int64, n), make([][]byte, n)
	for i := range g.rows {
		r := &g.rows[i]
		e := r.entry.Event
		sources[i], ids[i], messages[i], types[i], times[i] = r.source, e.SourceID, uuid(e.ID), r.kind, e.Time
		organisations[i], lanes[i], segments[i], keys[i], sealed[i] = e.Organisation.String(), uuid(e.Lane), r.segment, r.key, r.sealed
		if e.Personal {
			flags[i] = personal
		}
	}
	err = q.QueryRow(ctx, appendEvents, epoch, freezeWithin.Milliseconds(), g.now, event.Day(g.now), sources, ids, messages, types, times,
		organisations, lanes, flags, segments, keys, sealed).Scan(&first, &stamp)
	return first, stamp, err
}

func uuid[T ~[16]byte](b T) pgtype.UUID { return pgtype.UUID{Bytes: b, Valid: true} }
