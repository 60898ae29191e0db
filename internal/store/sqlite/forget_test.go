package sqlite_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// prune takes steps until nothing is left to do, at most so many, and returns how many events went.
func prune(t testing.TB, s *sqlite.Store, steps int) (events int64) {
	t.Helper()
	for range steps {
		p, err := s.Prune(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		if events += p.Events; !p.More {
			return events
		}
	}
	t.Fatalf("there is more to prune after %d steps", steps)
	return 0
}

// DESIGN promise 11: at the end of a retention payloads, answers, lanes and hashes go, the skeleton and the attempts stay.
// Nothing else is touched, and a process that died between any two steps finds what is left to do.
func TestPruning(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	for i := range 20 {
		commitEvents(t, s, day+int64(i), personal(fmt.Sprint("a", i), "P30D"), personal(fmt.Sprint("b", i), "P60D"))
		if i == 10 {
			s.Close() // another key of the same class and day
			s = open(t, file)
		}
	}
	answer(t, s, 1, 2)
	commitEvents(t, s, 2*day, personal("later", "P30D"))
	last := int64(42)
	index(t, s, eventlog.Clues{UpTo: last, Rows: []eventlog.Clue{{Position: 1, Hash: clue(1)}, {Position: 2, Hash: clue(1)}, {Position: last, Hash: clue(1)}}})
	if keys, err := s.Forget(t.Context(), "P30D", 1); keys != 2 || err != nil {
		t.Fatal(keys, err)
	}
	pruned := int64(0)
	for steps := 0; ; steps++ {
		if steps == 100 {
			t.Fatal("it does not come to an end")
		}
		p, err := s.Prune(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		pruned += p.Events
		s.Close() // as a crash would: nothing is kept but the file
		s = open(t, file)
		if !p.More {
			break
		}
	}
	if pruned != 20 {
		t.Errorf("%d events were pruned", pruned)
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM payloads":                                       21,
		"SELECT count(*) FROM events":                                         41,
		"SELECT count(*) FROM events WHERE lane = zeroblob(16)":               20,
		"SELECT count(*) FROM events WHERE flags = 3":                         20,
		"SELECT count(*) FROM attempts":                                       2,
		"SELECT count(*) FROM attempt_details WHERE sealed IS NULL":           1,
		"SELECT count(*) FROM attempt_details WHERE reason = 'why'":           2,
		"SELECT count(*) FROM pruning":                                        0,
		"SELECT count(*) FROM clues WHERE length(clue) = 16 AND position = 1": 1, // its message id
		"SELECT count(*) FROM clues WHERE position = 2":                       2,
	} {
		if got := count(t, file, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	events, err := s.Range(t.Context(), 0, 100, 100)
	if err != nil || len(events) != 41 {
		t.Fatal(len(events), err)
	}
	for _, e := range events {
		if gone := e.Retention != "P60D" && e.Position != last; e.Forgotten != gone || gone != (e.Data == nil) || !e.Personal || gone && e.Lane != event.Alone(e.Position) {
			t.Errorf("%+v", e)
		}
	}
	if got := positions(t, s, 100, 100, clue(1)); !slices.Equal(got, []int64{last, 2}) {
		t.Errorf("found %v", got)
	}
	if kept, err := s.Kept(t.Context()); err != nil || !slices.Equal(kept, []eventlog.Class{{Retention: "P60D", Day: 1}, {Retention: "P30D", Day: 2}}) {
		t.Errorf("%+v %v", kept, err)
	}
}

// begin commits an erasure.
func begin(t testing.TB, s *sqlite.Store, e *eventlog.Erasure) {
	t.Helper()
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r := &eventlog.Request{Erasure: e, Audit: []audit.Entry{audit.Of("me", audit.Erase, "erasure/1", audit.Detail{Events: 2})}}
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: 7, Chain: chain}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
}

// sealed are the ciphertexts of events and answers.
func sealed(t testing.TB, file string) map[string][]byte {
	t.Helper()
	return blobs(t, file, "SELECT 'e' || position, sealed FROM payloads UNION ALL SELECT 'a' || position, sealed FROM attempt_details UNION ALL SELECT 'l' || position, lane FROM events")
}

// blobs are those that a query has, by its first column.
func blobs(t testing.TB, file, query string) map[string][]byte {
	t.Helper()
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	blobs := map[string][]byte{}
	err = sqlitex.Execute(c, query, &sqlitex.ExecOptions{ResultFunc: func(row *zombiezen.Stmt) error {
		blob := make([]byte, row.ColumnLen(1))
		row.ColumnBytes(1, blob)
		blobs[row.ColumnText(0)] = blob
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return blobs
}

// DESIGN promise 11: what was erased is in no file of the database any more, not even as ciphertext, while the class's
// key lives on and the neighbours stay. Made again, it does what is left.
func TestErasingLeavesNoTraces(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	const events = 60
	large := string(bytes.Repeat([]byte("x"), 20_000))
	for n := 1; n <= events; n++ {
		entry := personal(fmt.Sprint(n), "P30D")
		if n%10 == 0 {
			entry.Event.Data = []byte(large)
		}
		entry.Event.Lane = event.Lane{byte(n), 1, 2, 3, 4, 5, 6, 7, 8, 9}
		commitEvents(t, s, day, entry)
	}
	var all, erased []int64
	var rows []eventlog.Clue
	for n := int64(1); n <= events; n++ {
		all = append(all, n)
		rows = append(rows, eventlog.Clue{Position: n, Hash: clue(byte(n))})
		if n%3 == 0 || n%10 == 0 {
			erased = append(erased, n)
		}
	}
	for i := range all {
		answer(t, s, all[i*7%events]) // in another order: pages are divided in their middle
	}
	index(t, s, eventlog.Clues{UpTo: events, Rows: rows})
	e := &eventlog.Erasure{N: 1, Author: "me", Reason: "case 7", UpTo: events, Positions: erased}
	begin(t, s, e)
	before := sealed(t, file)
	if list, err := s.Erasures(t.Context(), 0, true, 10); err != nil || len(list) != 1 || !slices.Equal(list[0].Positions, erased) || list[0].Reason != "case 7" || list[0].At != day {
		t.Fatalf("%+v %v", list, err)
	}
	for range 2 {
		done := 0
		if err := s.Erase(t.Context(), erased, func(n int) { done = n }); err != nil || done != len(erased) {
			t.Fatal(done, err)
		}
	}
	if err := s.EndErasure(t.Context(), 1, 99); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Erasures(t.Context(), 0, true, 10); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	if e, err := s.Erasure(t.Context(), 1); err != nil || e.Ended != 99 {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := s.Erasure(t.Context(), 2); !fault.Has(err, fault.NotFound) {
		t.Error(err)
	}
	for n := int64(1); n <= events; n++ {
		gone := slices.Contains(erased, n)
		for _, kind := range []string{"e", "a", "l"} {
			blob := before[fmt.Sprint(kind, n)]
			for part := range slices.Chunk(blob, max(10, len(blob)/6)) {
				if len(part) < 10 {
					continue
				}
				if files := standsIn(t, filepath.Dir(file), part); gone != (files == nil) {
					t.Errorf("a part of %s%d stands in %v", kind, n, files)
				}
			}
		}
		read, err := s.At(t.Context(), n)
		if err != nil || read.Forgotten != gone {
			t.Errorf("%+v %v", read, err)
		}
		want := []int64{n}
		if gone {
			want = nil
		}
		if got := positions(t, s, 100, 100, clue(byte(n))); !slices.Equal(got, want) {
			t.Errorf("by its clue %d finds %v", n, got)
		}
	}
}

// While a backup reads, the WAL cannot be emptied: the erasure says so instead of claiming to be whole.
func TestErasingBesideALongReader(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	commitEvents(t, s, day, personal("1", "P30D"), personal("2", "P30D"))
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteTransient(c, "BEGIN", nil); err != nil {
		t.Fatal(err)
	}
	if n, err := sqlitex.ResultInt(c.Prep("SELECT count(*) FROM events")); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if err := s.Erase(t.Context(), []int64{1}, func(int) {}); !fault.Has(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if err := sqlitex.ExecuteTransient(c, "COMMIT", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Erase(t.Context(), []int64{1}, func(int) {}); err != nil {
		t.Errorf("%v", err)
	}
}
