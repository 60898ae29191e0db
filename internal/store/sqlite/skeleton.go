package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

const skeletonColumns = "SELECT position, recorded, id, source, type, time, organisation, lane, flags FROM events "

// skeleton reads one row of skeletonColumns, or the same columns of another: all of an event but its head and data.
func (s *Store) skeleton(row *sqlite.Stmt) *event.Event {
	kind := s.names.kind(row.ColumnInt64(4))
	e := &event.Event{
		Position: row.ColumnInt64(0), Recorded: row.ColumnInt64(1),
		Source: s.names.source(row.ColumnInt64(3)), Type: kind.name, Version: kind.version,
		Time: row.ColumnInt64(5), Organisation: event.ParseOrganisation(row.ColumnText(6)),
		Personal: row.ColumnInt64(8)&personal != 0, Forgotten: row.ColumnInt64(8)&forgotten != 0,
	}
	row.ColumnBytes(2, e.ID[:])
	row.ColumnBytes(7, e.Lane[:])
	return e
}

// Skeletons reads events without head and data, newest first: at most limit of those that a stretch holds.
func (s *Store) Skeletons(ctx context.Context, w eventlog.Stretch, limit int) (list []*event.Event, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, skeletonColumns+`WHERE position > ?1 AND position < ?2
			AND (?3 = '' OR source = (SELECT n FROM sources WHERE uri = ?3))
			AND (?4 = '' OR type IN (SELECT n FROM types WHERE type = ?4))
			ORDER BY position DESC LIMIT ?5`, func(st *sqlite.Stmt) {
			st.BindInt64(1, w.Above)
			st.BindInt64(2, w.Below)
			st.BindText(3, w.Source)
			st.BindText(4, w.Type)
			st.BindInt64(5, int64(limit))
		}, func(row *sqlite.Stmt) error {
			list = append(list, s.skeleton(row))
			return nil
		})
	})
	return list, err
}

// Skeleton reads one event without head and data. Error: fault.NotFound.
func (s *Store) Skeleton(ctx context.Context, position int64) (*event.Event, error) {
	list, err := s.Skeletons(ctx, eventlog.Stretch{Above: position - 1, Below: position + 1}, 1)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, fault.New(fault.NotFound, "no event at position %d", position)
	}
	return list[0], nil
}

// Named lists the positions of the events that their sources gave an id, in order: a look-up for each source there is.
func (s *Store) Named(ctx context.Context, id string) (positions []int64, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, "SELECT i.position FROM sources s CROSS JOIN event_ids i ON i.source = s.n AND i.id = ? ORDER BY i.position", func(st *sqlite.Stmt) {
			st.BindText(1, id)
		}, func(row *sqlite.Stmt) error {
			positions = append(positions, row.ColumnInt64(0))
			return nil
		})
	})
	return positions, err
}

// Before is the position of the last event recorded before a time in µs UTC, 0 when there is none: recorded never falls
// as position rises, so it halves what is left some thirty times.
func (s *Store) Before(ctx context.Context, recorded int64) (found int64, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		end, err := number(c, "SELECT coalesce(max(position), 0) FROM events")
		for low := int64(1); err == nil && low <= end; {
			middle := low + (end-low)/2
			position, at := int64(0), int64(0)
			err = each(c, "SELECT position, recorded FROM events WHERE position <= ? ORDER BY position DESC LIMIT 1", func(st *sqlite.Stmt) {
				st.BindInt64(1, middle)
			}, func(row *sqlite.Stmt) error {
				position, at = row.ColumnInt64(0), row.ColumnInt64(1)
				return nil
			})
			if position == 0 || at < recorded {
				found, low = max(found, position), middle+1
			} else {
				end = position - 1
			}
		}
		return err
	})
	return found, err
}
