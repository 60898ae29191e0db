package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// toPrune puts a class that was just forgotten on the list, from its first position on.
func toPrune(c *sqlite.Conn, of eventlog.Class) error {
	first, err := firstAt(c, of.Day*event.MicrosPerDay)
	if err != nil {
		return err
	}
	after, err := firstAt(c, (of.Day+1)*event.MicrosPerDay)
	if err != nil {
		return err
	}
	if err := hideClues(c, of); err != nil {
		return err
	}
	return sqlitex.Execute(c, "INSERT OR REPLACE INTO pruning (class, day, place, last) VALUES (?, ?, ?, ?)", &sqlitex.ExecOptions{
		Args: []any{string(of.Retention), of.Day, first - 1, after - 1},
	})
}

// firstAt is the first position that was recorded at a time or later, or the one behind the last. Times never fall as
// positions rise, so it is found by halving.
func firstAt(c *sqlite.Conn, at int64) (position int64, err error) {
	last, err := number(c, "SELECT coalesce(max(position), 0) FROM events")
	low, high := int64(1), last+1
	for err == nil && low < high {
		middle := low + (high-low)/2
		recorded := at
		err = each(c, "SELECT recorded FROM events WHERE position >= ? ORDER BY position LIMIT 1", func(st *sqlite.Stmt) {
			st.BindInt64(1, middle)
		}, func(row *sqlite.Stmt) error {
			recorded = row.ColumnInt64(0)
			return nil
		})
		if recorded >= at {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low, err
}

// Prune takes the next few rows that nobody can read any more out of the file: payloads, what receivers answered, the
// lanes in the skeletons, and the hashes that events are found by. It looks at no more than so many events, in one short transaction, and the list of what is
// left stands in the file: whoever comes after a crash goes on there.
//
// What it deletes is ciphertext whose key is gone, so it is overwritten only where that costs nothing.
//
// The log's writer does it, between two commits: what another connection commits would empty the writer's cache.
func (s *Store) Prune(ctx context.Context, most int) (p eventlog.Pruned, err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err = ctx.Err(); err == nil {
		err = s.synchronous(false) // a step that a power cut takes back is made again
	}
	if err == nil {
		p, err = s.pruneNext(s.writer, most)
	}
	if err != nil {
		return p, fault.Wrap(fault.StorageFull, err, "cannot prune")
	}
	return p, nil
}

func (s *Store) pruneNext(c *sqlite.Conn, most int) (p eventlog.Pruned, err error) {
	var of eventlog.Class
	var place, last int64
	err = each(c, "SELECT class, day, place, last FROM pruning ORDER BY day, class LIMIT 1", nil, func(row *sqlite.Stmt) error {
		of, p.More = eventlog.Class{Retention: event.Retention(row.ColumnText(0)), Day: row.ColumnInt64(1)}, true
		place, last = row.ColumnInt64(2), row.ColumnInt64(3)
		return nil
	})
	if err != nil || !p.More {
		return p, err
	}
	upTo, err := reach(c, place, last, most)
	if err != nil {
		return p, err
	}
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return p, err
	}
	defer end(&err)
	if dropped, err := dropClues(c, cluesAtOnce*most); dropped > 0 || err != nil {
		return p, err
	}
	if upTo == 0 {
		return p, sqlitex.Execute(c, "DELETE FROM pruning WHERE class = ? AND day = ?", &sqlitex.ExecOptions{Args: []any{string(of.Retention), of.Day}})
	}
	p.Events, err = pruneRange(c, of, place, upTo)
	if err == nil {
		err = sqlitex.Execute(c, "UPDATE pruning SET place = ? WHERE class = ? AND day = ?", &sqlitex.ExecOptions{Args: []any{upTo, string(of.Retention), of.Day}})
	}
	return p, err
}

// cluesAtOnce is how many hashes are pruned in the time of a payload.
const cluesAtOnce = 4

// reach is the position of the last of so many payloads behind a place; 0: there is none.
func reach(c *sqlite.Conn, place, last int64, most int) (upTo int64, err error) {
	err = each(c, "SELECT coalesce(max(position), 0) FROM (SELECT position FROM payloads WHERE position > ? AND position <= ? ORDER BY position LIMIT ?)", func(st *sqlite.Stmt) {
		st.BindInt64(1, place)
		st.BindInt64(2, last)
		st.BindInt64(3, int64(most))
	}, func(row *sqlite.Stmt) error {
		upTo = row.ColumnInt64(0)
		return nil
	})
	return upTo, err
}

// destroyed names the keys of a class that are gone. One that was made since, for events that came late, is not.
const destroyed = "(SELECT n FROM data_keys WHERE class = ?3 AND day = ?4 AND wrapped IS NULL)"

func pruneRange(c *sqlite.Conn, of eventlog.Class, after, upTo int64) (events int64, err error) {
	args := &sqlitex.ExecOptions{Args: []any{after, upTo, string(of.Retention), of.Day}}
	const skeleton = "UPDATE events SET flags = flags | 2, lane = zeroblob(16) WHERE position IN " +
		"(SELECT position FROM payloads WHERE position > ?1 AND position <= ?2 AND key IN " + destroyed + ")"
	const answers = "UPDATE attempt_details SET key = NULL, sealed = NULL WHERE position > ?1 AND position <= ?2 AND key IN " + destroyed
	const payloads = "DELETE FROM payloads WHERE position > ?1 AND position <= ?2 AND key IN " + destroyed
	for _, query := range []string{skeleton, answers, payloads} {
		if err := sqlitex.Execute(c, query, args); err != nil {
			return 0, err
		}
	}
	return int64(c.Changes()), nil
}

// Forgotten implements eventlog.Store.
func (s *Store) Forgotten(ctx context.Context, from, upTo int64, limit int) (list []int64, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, `SELECT e.position FROM (
				SELECT position FROM blocked WHERE position BETWEEN ?1 AND ?2
				UNION SELECT position FROM waiting WHERE position BETWEEN ?1 AND ?2) lanes
			JOIN events e USING (position) LEFT JOIN payloads p USING (position) LEFT JOIN data_keys k ON k.n = p.key
			WHERE e.flags & 2 <> 0 OR k.wrapped IS NULL LIMIT ?3`, func(st *sqlite.Stmt) {
			st.BindInt64(1, from)
			st.BindInt64(2, upTo)
			st.BindInt64(3, int64(limit))
		}, func(row *sqlite.Stmt) error {
			list = append(list, row.ColumnInt64(0))
			return nil
		})
	})
	return list, err
}
