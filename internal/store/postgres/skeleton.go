package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Bits of events.flags.
const (
	personal = 1
	erased   = 2
)

const skeletonColumns = "SELECT position, recorded, id, source, type, time, organisation, flags, segment FROM events "

// The ways skeletons are read.
const (
	skeletonRange  = skeletonColumns + "WHERE position > $1 AND position <= $2 ORDER BY position"
	skeletonAt     = skeletonColumns + "WHERE position = $1"
	skeletonsAmong = skeletonColumns + "WHERE position = ANY ($1) ORDER BY position"
	// skeletonsDown ends with the limit: partitions of positions come in order, and those behind it are not opened.
	skeletonsDown = skeletonColumns + `WHERE position > $1 AND position < $2
		AND (source = (SELECT n FROM sources WHERE uri = $3) OR $3 = '')
		AND (type = ANY (ARRAY(SELECT n FROM types t WHERE t.type = $4)) OR $4 = '')
		ORDER BY position DESC LIMIT $5`
)

// skeleton is a row of events, and where its payload stands.
type skeleton struct {
	*event.Event
	source, kind int32
	segment      int32
	gone         bool // it was erased, or its segment forgotten: there is no payload to read
}

// skeletons reads rows of skeletonColumns. Names are looked up when the rows are read: a reader never waits for a second
// connection while it holds one.
func (s *Store) skeletons(ctx context.Context, query string, args ...any) (list []skeleton, err error) {
	err = s.read(ctx, query, args, func(row pgx.Rows) error {
		k := skeleton{Event: &event.Event{}}
		var flags int16
		var organisation string
		err := row.Scan(&k.Position, &k.Recorded, (*[16]byte)(&k.ID), &k.source, &k.kind, &k.Time, &organisation, &flags, &k.segment)
		k.Organisation = event.ParseOrganisation(organisation)
		k.Personal, k.gone = flags&personal != 0, flags&erased != 0
		list = append(list, k)
		return err
	})
	for i := range list {
		if err == nil {
			err = s.name(ctx, &list[i])
		}
	}
	return list, err
}

func (s *Store) name(ctx context.Context, k *skeleton) (err error) {
	if k.Source, err = s.source(ctx, k.source); err != nil {
		return trouble(err, "cannot read a source's name")
	}
	kind, err := s.kind(ctx, k.kind)
	k.Type, k.Version = kind.name, kind.version
	return trouble(err, "cannot read a type's name")
}

// Skeletons reads events without head and data, newest first: at most limit of those that a stretch holds.
func (s *Store) Skeletons(ctx context.Context, w eventlog.Stretch, limit int) ([]*event.Event, error) {
	list, err := s.skeletons(ctx, skeletonsDown, w.Above, w.Below, w.Source, w.Type, limit)
	if err != nil {
		return nil, err
	}
	return s.withLanes(ctx, list)
}

// Skeleton reads one event without head and data. Error: fault.NotFound.
func (s *Store) Skeleton(ctx context.Context, position int64) (*event.Event, error) {
	list, err := s.skeletons(ctx, skeletonAt, position)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.NotFound, "no event at position %d", position)
	}
	if err != nil {
		return nil, err
	}
	events, err := s.withLanes(ctx, list)
	if err != nil {
		return nil, err
	}
	return events[0], nil
}

// lanesOf are some of a segment's.
const lanesOf = "SELECT position, lane FROM %s WHERE segment = $1 AND position = ANY ($2)"

// withLanes adds the lanes, which stand beside the payloads and go with them.
func (s *Store) withLanes(ctx context.Context, list []skeleton) ([]*event.Event, error) {
	lanes, err := s.payloads(ctx, list, lanesOf, func(row pgx.Rows, k *skeleton) error {
		return row.Scan(nil, (*[16]byte)(&k.Lane))
	})
	if err != nil {
		return nil, err
	}
	events := make([]*event.Event, len(list))
	for i := range list {
		if events[i] = list[i].Event; !lanes[i] {
			events[i].Lane, events[i].Forgotten = event.Alone(events[i].Position), list[i].gone
		}
	}
	return events, nil
}

// Named lists the positions of the events that their sources gave an id, in order: a look-up for each source there is.
func (s *Store) Named(ctx context.Context, id string) (positions []int64, err error) {
	err = s.read(ctx, named, []any{id}, func(row pgx.Rows) error { return scanInto(row, &positions) })
	return positions, err
}

const named = "SELECT position FROM event_ids WHERE source = ANY (ARRAY(SELECT n FROM sources)) AND id = $1 ORDER BY position"

// scanInto adds a row's one column to a list.
func scanInto[T any](row pgx.Rows, list *[]T) error {
	var one T
	err := row.Scan(&one)
	*list = append(*list, one)
	return err
}

// Before is the position of the last event recorded before a time in µs UTC, 0 when there is none: recorded never falls
// as position rises, so it halves what is left some thirty times, at the server.
func (s *Store) Before(ctx context.Context, recorded int64) (found int64, err error) {
	err = s.read(ctx, before, []any{recorded}, func(row pgx.Rows) error { return row.Scan(&found) })
	return found, err
}

const before = `WITH RECURSIVE halving (low, high, found) AS (
		SELECT bigint '1', (SELECT coalesce(max(position), 0) FROM events), bigint '0'
	UNION ALL
		SELECT CASE WHEN e.late THEN h.low ELSE h.middle + 1 END,
			CASE WHEN e.late THEN e.position - 1 ELSE h.high END,
			CASE WHEN e.late THEN h.found ELSE greatest(h.found, e.position) END
		FROM (SELECT *, low + (high - low) / 2 AS middle FROM halving WHERE low <= high) h
		LEFT JOIN LATERAL (SELECT position, recorded >= $1 AS late FROM events WHERE position <= h.middle ORDER BY position DESC LIMIT 1) e ON true
	)
	SELECT max(found) FROM halving`
