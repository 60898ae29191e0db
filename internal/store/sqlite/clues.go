package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// clueRow is a clue whose segment is known.
type clueRow struct {
	segment  int64
	clue     event.Clue
	position int64
}

// writeClues brings the index of search up to where its follower has read, in the transaction of the commit: the cursor
// stands in the same one as everything it vouches for. A hash is written only while the payload it was made of can be
// read, so that an index that comes behind a forgetting does not bring back what that took.
func (s *Store) writeClues(c *eventlog.Clues) error {
	began := time.Now()
	if c.Anew {
		for _, query := range []string{"DELETE FROM clues", "DELETE FROM segments"} { // without WHERE: whole pages at a time
			if err := s.run(query, nil); err != nil {
				return err
			}
		}
	}
	x := indexing{store: s, segments: map[eventlog.Class]int64{}, classes: map[int64]store.DataKey{}}
	err := x.messageIDs(c.After, c.UpTo)
	if err == nil {
		err = x.hashes(c.Rows)
	}
	if err == nil {
		// In their order in the index: neighbours meet their page while it is at hand.
		slices.SortFunc(x.rows, func(a, b clueRow) int {
			return cmp.Or(cmp.Compare(a.segment, b.segment), bytes.Compare(a.clue[:], b.clue[:]))
		})
		err = s.insert(&clueRows, len(x.rows), func(st *sqlite.Stmt, at, i int) {
			st.BindInt64(at+1, x.rows[i].segment)
			st.BindBytes(at+2, x.rows[i].clue[:])
			st.BindInt64(at+3, x.rows[i].position)
		})
	}
	if err == nil {
		err = s.run("UPDATE hub SET value = CASE name WHEN 'clues' THEN ? ELSE ? END WHERE name IN ('clues', 'clue maker')", func(st *sqlite.Stmt) {
			st.BindText(1, strconv.FormatInt(c.UpTo, 10))
			st.BindText(2, hex.EncodeToString(c.Maker[:]))
		})
	}
	c.Took = time.Since(began)
	return err
}

// tookFor adds what the end of a commit took to what clues in it took: they lie all over the index, so that their pages
// are most of what is written then.
func tookFor(c *eventlog.Commit, end time.Duration) {
	for _, r := range c.Requests {
		if r.Clues != nil {
			r.Clues.Took += end
		}
	}
}

// ofMessageIDs stands for the class of segments that are never forgotten; no retention is written so.
const ofMessageIDs = "message ids"

// indexing is one batch on its way into the index.
type indexing struct {
	store    *Store
	rows     []clueRow
	segments map[eventlog.Class]int64
	classes  map[int64]store.DataKey // by number, without what is wrapped
}

// messageIDs adds the ids of the events between two positions, forgotten ones too.
func (x *indexing) messageIDs(after, upTo int64) error {
	type found struct {
		recorded int64
		row      clueRow
	}
	var list []found
	err := each(x.store.writer, "SELECT position, recorded, id FROM events WHERE position > ? AND position <= ? ORDER BY position", func(st *sqlite.Stmt) {
		st.BindInt64(1, after)
		st.BindInt64(2, upTo)
	}, func(row *sqlite.Stmt) error {
		f := found{recorded: row.ColumnInt64(1), row: clueRow{position: row.ColumnInt64(0)}}
		row.ColumnBytes(2, f.row.clue[:])
		list = append(list, f)
		return nil
	})
	for i := range list {
		if err == nil {
			list[i].row.segment, err = x.segment(store.ClassOf(ofMessageIDs, list[i].recorded))
			x.rows = append(x.rows, list[i].row)
		}
	}
	return err
}

// hashes adds those of events that are not forgotten.
func (x *indexing) hashes(clues []eventlog.Clue) error {
	at, segment := int64(0), int64(0)
	for i := range clues {
		if clues[i].Position != at {
			var err error
			at = clues[i].Position
			if segment, err = x.segmentOf(at); err != nil {
				return err
			}
		}
		if segment != 0 {
			x.rows = append(x.rows, clueRow{segment, clues[i].Hash, at})
		}
	}
	return nil
}

// segmentOf is the segment of an event's class and day, 0 when its payload was forgotten or nothing can open it.
func (x *indexing) segmentOf(position int64) (int64, error) {
	n := int64(0)
	err := each(x.store.writer, "SELECT key FROM payloads WHERE position = ?", func(st *sqlite.Stmt) {
		st.BindInt64(1, position)
	}, func(row *sqlite.Stmt) error {
		n = row.ColumnInt64(0)
		return nil
	})
	if err != nil || n == 0 {
		return 0, err
	}
	key, known := x.classes[n]
	if !known {
		key, err = readDataKey(x.store.writer, n)
		if err != nil && !fault.Has(err, fault.SealBroken) { // damage to one key must not refuse the commit of everyone
			return 0, err
		}
		x.classes[n] = key
	}
	if len(key.Wrapped) == 0 {
		return 0, nil
	}
	return x.segment(key.Class)
}

// segment is the number of a class and day, made at first use.
func (x *indexing) segment(of eventlog.Class) (n int64, err error) {
	if n, known := x.segments[of]; known {
		return n, nil
	}
	s := x.store
	bind := func(st *sqlite.Stmt) {
		st.BindInt64(1, of.Day)
		st.BindText(2, string(of.Retention))
	}
	if err := s.run("INSERT OR IGNORE INTO segments (day, class) VALUES (?, ?)", bind); err != nil {
		return 0, err
	}
	err = each(s.writer, "SELECT n FROM segments WHERE day = ? AND class = ?", bind, func(row *sqlite.Stmt) error {
		n = row.ColumnInt64(0)
		return nil
	})
	x.segments[of] = n
	return n, err
}

// hideClues takes what a day's events of one class are found by out of every lookup; the rows are for dropClues. Message
// ids are in another segment, and stay.
func hideClues(c *sqlite.Conn, of eventlog.Class) error {
	return sqlitex.Execute(c, "UPDATE segments SET day = -n WHERE day = ? AND class = ?", &sqlitex.ExecOptions{Args: []any{of.Day, string(of.Retention)}})
}

// dropClues deletes some clues of a hidden segment, and tells how many that was; 0: there are no more of it, or there is
// none.
func dropClues(c *sqlite.Conn, most int) (dropped int, err error) {
	segment, err := number(c, "SELECT coalesce(min(n), 0) FROM segments WHERE day < 0")
	if err != nil || segment == 0 {
		return 0, err
	}
	const some = "DELETE FROM clues WHERE segment = ?1 AND (segment, clue, position) IN (SELECT segment, clue, position FROM clues WHERE segment = ?1 ORDER BY clue, position LIMIT ?2)"
	err = sqlitex.Execute(c, some, &sqlitex.ExecOptions{Args: []any{segment, most}})
	if dropped = c.Changes(); err != nil || dropped > 0 {
		return dropped, err
	}
	return 0, sqlitex.Execute(c, "DELETE FROM segments WHERE n = ?", &sqlitex.ExecOptions{Args: []any{segment}})
}

// cluesOf finds what events, at rising positions, are found by, apart from their message ids. It walks through all clues
// of their days.
func cluesOf(c *sqlite.Conn, positions []int64) (list []clueRow, err error) {
	wanted, days := map[int64]bool{}, map[int64]bool{}
	for _, position := range positions {
		wanted[position] = true
		err := each(c, "SELECT recorded FROM events WHERE position = ?", func(st *sqlite.Stmt) { st.BindInt64(1, position) }, func(row *sqlite.Stmt) error {
			days[event.Day(row.ColumnInt64(0))] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for day := range days {
		err := each(c, "SELECT segment, clue, position FROM segments JOIN clues ON segment = n WHERE day = ? AND class <> ?", func(st *sqlite.Stmt) {
			st.BindInt64(1, day)
			st.BindText(2, ofMessageIDs)
		}, func(row *sqlite.Stmt) error {
			if !wanted[row.ColumnInt64(2)] {
				return nil
			}
			found := clueRow{segment: row.ColumnInt64(0), position: row.ColumnInt64(2)}
			row.ColumnBytes(1, found.clue[:])
			list = append(list, found)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func deleteClues(c *sqlite.Conn, clues []clueRow) error {
	for i := range clues {
		err := sqlitex.Execute(c, "DELETE FROM clues WHERE segment = ? AND clue = ? AND position = ?", &sqlitex.ExecOptions{
			Args: []any{clues[i].segment, clues[i].clue[:], clues[i].position},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Indexed tells up to which position there are clues, and what made them.
func (s *Store) Indexed(ctx context.Context) (upTo int64, maker event.Clue, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Indexed, nil, func(row *sqlite.Stmt) (err error) {
			if row.ColumnText(0) == "clues" {
				upTo, err = strconv.ParseInt(row.ColumnText(1), 10, 64)
				return err
			}
			_, err = hex.Decode(maker[:], []byte(row.ColumnText(1)))
			return err
		})
	})
	return upTo, maker, err
}

// positionsQuery: days come newest first by their index, and only the rows of one day are sorted, so it ends with the limit.
const positionsQuery = `SELECT c.position FROM segments s CROSS JOIN clues c ON c.segment = s.n
	WHERE +s.day >= 0 AND c.clue IN (?1, ?2) AND c.position < ?3 ORDER BY s.day DESC, c.position DESC LIMIT ?4`

// Positions lists the events that have any of the clues, of which there are one or two, newest first: at most limit of
// them that are below a position.
func (s *Store) Positions(ctx context.Context, clues []event.Clue, below int64, limit int) (list []int64, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, positionsQuery, func(st *sqlite.Stmt) {
			st.BindBytes(1, clues[0][:])
			st.BindBytes(2, clues[len(clues)-1][:])
			st.BindInt64(3, below)
			st.BindInt64(4, int64(limit))
		}, func(row *sqlite.Stmt) error {
			list = append(list, row.ColumnInt64(0))
			return nil
		})
	})
	return list, err
}
