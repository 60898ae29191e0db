package sqlite_test

import (
	"path/filepath"
	"slices"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// clue is a hash for a test.
func clue(n byte) event.Clue { return event.Clue{n, 1} }

// publish commits one event, of a retention, recorded at a time.
func publish(t *testing.T, s *sqlite.Store, id string, retention event.Retention, at int64) {
	t.Helper()
	entry := fresh(id, "data", 1)
	entry.Event.Retention = retention
	commit(t, s, &eventlog.Commit{Now: at, Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}})
}

func index(t *testing.T, s *sqlite.Store, c eventlog.Clues) {
	t.Helper()
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Clues: &c}}})
}

func positions(t *testing.T, s *sqlite.Store, below int64, limit int, clues ...event.Clue) []int64 {
	t.Helper()
	list, err := s.Positions(t.Context(), clues, below, limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A data key that is not there, which is damage, keeps its events out of the index and refuses nobody's commit.
func TestDamageToAKeyRefusesNoCommit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	publish(t, s, "a", "P1D", 0)
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err == nil {
		err = sqlitex.ExecuteTransient(c, "DELETE FROM data_keys", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	index(t, s, eventlog.Clues{UpTo: 1, Rows: []eventlog.Clue{{Position: 1, Hash: clue(1)}}})
	if got := positions(t, s, 9, 9, clue(1)); got != nil {
		t.Error(got)
	}
	if upTo, _, err := s.Indexed(t.Context()); upTo != 1 || err != nil {
		t.Error(upTo, err)
	}
}

// Neither lookup reads more than it must: the plan begins with days and seeks in each.
func TestLookupsSeek(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	open(t, file)
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var plan []string
	err = sqlitex.Execute(c, "EXPLAIN QUERY PLAN "+sqlite.PositionsQuery, &sqlitex.ExecOptions{
		Args: []any{[]byte{1}, []byte{2}, 3, 4}, ResultFunc: func(row *zombiezen.Stmt) error {
			plan = append(plan, row.ColumnText(3))
			return nil
		},
	})
	want := []string{
		"SCAN s USING COVERING INDEX sqlite_autoindex_segments_1",
		"SEARCH c USING PRIMARY KEY (segment=? AND clue=? AND position<?)",
		"USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
	}
	if err != nil || !slices.Equal(plan, want) {
		t.Errorf("%q, %v", plan, err)
	}
}
