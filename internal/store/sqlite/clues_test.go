package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
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

// The index answers newest first over days and classes, in pages, and by either of two hashes; the cursor comes with it.
func TestCluesAreFoundNewestFirst(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	var rows []eventlog.Clue
	for i := range int64(9) {
		publish(t, s, fmt.Sprint(i), []event.Retention{"P1D", "", "P2D"}[i%3], i/3*day)
		rows = append(rows, eventlog.Clue{Position: i + 1, Hash: clue(byte(i % 2))})
	}
	maker := clue(99)
	index(t, s, eventlog.Clues{Maker: maker, UpTo: 9, Rows: rows})
	for _, test := range []struct {
		below int64
		limit int
		clues []event.Clue
		want  []int64
	}{
		{100, 100, []event.Clue{clue(0)}, []int64{9, 7, 5, 3, 1}},
		{100, 2, []event.Clue{clue(0)}, []int64{9, 7}},
		{7, 2, []event.Clue{clue(0)}, []int64{5, 3}},
		{6, 3, []event.Clue{clue(0), clue(1)}, []int64{5, 4, 3}},
		{100, 9, []event.Clue{clue(2)}, nil},
		{100, 9, []event.Clue{event.ClueOf(ident.Message("urn:s", "4"))}, []int64{5}},
	} {
		if got := positions(t, s, test.below, test.limit, test.clues...); !slices.Equal(got, test.want) {
			t.Errorf("below %d, %d at most: %v, want %v", test.below, test.limit, got, test.want)
		}
	}
	upTo, made, err := s.Indexed(t.Context())
	if upTo != 9 || made != maker || err != nil {
		t.Errorf("up to %d, by %x, %v", upTo, made, err)
	}
}

// DESIGN promise 11: what is forgotten is not found by its hashes any more, also where the index comes after; its message
// id still finds the skeleton.
func TestForgettingTakesTheClues(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	for i, retention := range []event.Retention{"P1D", "P2D", "P1D", "P1D"} {
		publish(t, s, fmt.Sprint(i), retention, int64(i)/2*day)
	}
	index(t, s, eventlog.Clues{UpTo: 2, Rows: []eventlog.Clue{{Position: 1, Hash: clue(1)}, {Position: 2, Hash: clue(1)}}})
	for d := range int64(2) {
		if _, err := s.Forget(t.Context(), "P1D", d); err != nil {
			t.Fatal(err)
		}
	}
	index(t, s, eventlog.Clues{After: 2, UpTo: 4, Rows: []eventlog.Clue{{Position: 3, Hash: clue(1)}, {Position: 4, Hash: clue(1)}}})
	prune(t, s, 100)
	if got := positions(t, s, 100, 100, clue(1)); !slices.Equal(got, []int64{2}) {
		t.Errorf("found %v", got)
	}
	for i := range int64(4) {
		if got := positions(t, s, 100, 100, event.ClueOf(ident.Message("urn:s", fmt.Sprint(i)))); !slices.Equal(got, []int64{i + 1}) {
			t.Errorf("message %d: %v", i, got)
		}
	}
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

// What other secrets made goes as a whole, and the same rows again change nothing.
func TestCluesAreMadeAnew(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	publish(t, s, "a", "P1D", 0)
	old := eventlog.Clues{UpTo: 1, Rows: []eventlog.Clue{{Position: 1, Hash: clue(1)}}}
	index(t, s, old)
	index(t, s, old)
	if got := positions(t, s, 100, 100, clue(1)); !slices.Equal(got, []int64{1}) {
		t.Errorf("twice: %v", got)
	}
	index(t, s, eventlog.Clues{Anew: true, UpTo: 1, Rows: []eventlog.Clue{{Position: 1, Hash: clue(2)}}})
	if got := positions(t, s, 100, 100, clue(1), clue(2)); !slices.Equal(got, []int64{1}) || positions(t, s, 100, 100, clue(1)) != nil {
		t.Errorf("anew: %v", got)
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

// A time is a range of positions, over gaps that are no events.
func TestBeforeATime(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	before := func(at, want int64) {
		t.Helper()
		if got, err := s.Before(t.Context(), at); got != want || err != nil {
			t.Errorf("before %d: %d, want %d, %v", at, got, want, err)
		}
	}
	before(5, 0)
	for i := range 20 {
		commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Expect: max(0, int64(2*i-1)), Revisions: []revision.Revision{revision.Removal("me", revision.Source, "b")}}}})
		publish(t, s, fmt.Sprint(i), "", int64(i/2*10))
	}
	before(0, 0)
	for i := range int64(10) {
		before(i*10+1, i*4+4)
		before(i*10+10, i*4+4)
	}
	before(1000, 40)
}

// Skeletons come newest first, by type and source, forgotten or not.
func TestSkeletons(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	for i := range 6 {
		entry := fresh(fmt.Sprint(i), "data", byte(i))
		entry.Event.Source, entry.Event.Type, entry.Event.Version = []string{"urn:s", "urn:r"}[i%2], []string{"t", "u", "t"}[i%3], fmt.Sprint("v", i)
		commit(t, s, &eventlog.Commit{Now: 1, Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}})
	}
	if _, err := s.Forget(t.Context(), "", 0); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		w     eventlog.Stretch
		limit int
		want  []int64
	}{
		{eventlog.Stretch{Below: 9}, 9, []int64{6, 5, 4, 3, 2, 1}},
		{eventlog.Stretch{Above: 2, Below: 6}, 2, []int64{5, 4}},
		{eventlog.Stretch{Below: 9, Type: "t"}, 9, []int64{6, 4, 3, 1}},
		{eventlog.Stretch{Below: 9, Source: "urn:r"}, 9, []int64{6, 4, 2}},
		{eventlog.Stretch{Below: 9, Source: "urn:r", Type: "u"}, 9, []int64{2}},
		{eventlog.Stretch{Below: 9, Source: "urn:x"}, 9, nil},
		{eventlog.Stretch{Below: 9, Type: "x"}, 9, nil},
	} {
		list, err := s.Skeletons(t.Context(), test.w, test.limit)
		var got []int64
		for _, e := range list {
			got = append(got, e.Position)
		}
		if !slices.Equal(got, test.want) || err != nil {
			t.Errorf("%+v: %v, want %v, %v", test.w, got, test.want, err)
		}
	}
	e, err := s.Skeleton(t.Context(), 4)
	if err != nil || e.Source != "urn:r" || e.Type != "t" || e.Version != "v3" || e.Lane != (event.Lane{3}) || e.ID != ident.Message("urn:s", "3") || !e.Personal || e.Recorded != 1 {
		t.Errorf("%+v %v", e, err)
	}
	if e, err := s.Skeleton(t.Context(), 7); e != nil || err != nil {
		t.Errorf("%+v %v", e, err)
	}
	if at, err := s.Called(t.Context(), "3"); !slices.Equal(at, []int64{4}) || err != nil {
		t.Errorf("%v %v", at, err)
	}
}
