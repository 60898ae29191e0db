package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/store"
)

// rows is an INSERT of many rows at a time: what SQLite spends on beginning and ending a statement costs as much as a
// small row.
type rows struct {
	columns int
	by      [len(chunks)]string // the statement for each chunk size
}

// chunks are how many rows go in at a time, the largest that fits first.
var chunks = [...]int{32, 8, 1}

func manyRows(into string, columns int) rows {
	r := rows{columns: columns}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	for i, n := range chunks {
		r.by[i] = into + " VALUES " + strings.TrimSuffix(strings.Repeat(row+",", n), ",")
	}
	return r
}

// OR FAIL: whatever goes wrong, the transaction is rolled back, so SQLite need not keep a journal of each statement.
var (
	eventRows   = manyRows("INSERT OR FAIL INTO events (position, recorded, id, source, type, time, organisation, lane, flags)", 9)
	payloadRows = manyRows("INSERT OR FAIL INTO payloads (position, key, sealed)", 3)
	attemptRows = manyRows("INSERT OR REPLACE INTO attempts (position, consumer, number, at, outcome, status, duration, pass)", 8)
	clueRows    = manyRows("INSERT OR IGNORE INTO clues (segment, clue, position)", 3)
)

// insert inserts rows 0 to count-1. bind binds row i to the parameters after at.
func (s *Store) insert(r *rows, count int, bind func(st *sqlite.Stmt, at, i int)) error {
	done := 0
	for size, n := range chunks {
		for ; count-done >= n; done += n {
			st, err := s.stmt(r.by[size])
			if err != nil {
				return err
			}
			for i := range n {
				bind(st, i*r.columns, done+i)
			}
			if err := step(st); err != nil {
				return err
			}
		}
	}
	return nil
}

// row is an event whose position is taken and whose rows are still to be inserted.
type row struct {
	event        *event.Event
	source, kind int64
	key          *store.SealingKey
}

// insertEvents inserts the rows that wait, together.
func (s *Store) insertEvents() error {
	waiting := s.waiting
	err := s.insert(&eventRows, len(waiting), func(st *sqlite.Stmt, at, i int) {
		e := waiting[i].event
		st.BindInt64(at+1, e.Position)
		st.BindInt64(at+2, e.Recorded)
		st.BindBytes(at+3, e.ID[:])
		st.BindInt64(at+4, waiting[i].source)
		st.BindInt64(at+5, waiting[i].kind)
		st.BindInt64(at+6, e.Time)
		st.BindText(at+7, e.Organisation.String())
		st.BindBytes(at+8, e.Lane[:])
		st.BindInt64(at+9, flags(e))
	})
	if err == nil {
		err = s.insert(&payloadRows, len(waiting), func(st *sqlite.Stmt, at, i int) {
			e := waiting[i].event
			st.BindInt64(at+1, e.Position)
			st.BindInt64(at+2, waiting[i].key.N)
			st.BindBytes(at+3, s.sealer.Event(waiting[i].key, e))
		})
	}
	s.forgetWaiting()
	return err
}

func (s *Store) forgetWaiting() {
	clear(s.waiting)
	s.waiting = s.waiting[:0]
}
