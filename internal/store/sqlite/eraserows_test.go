package sqlite_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// of is the hash of a person of a number.
func of(n int) event.Clue {
	return event.Clue{0xC1, 0xE5, byte(n), 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
}

// deliverOf has a register deliver a row, and an event about it, of each of some persons: of the first there is the largest.
func deliverOf(t testing.TB, s *sqlite.Store, id string, begun int64, persons ...int) {
	t.Helper()
	r := s.Registers()
	d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: id, Begun: begun})
	if err != nil {
		t.Fatal(err)
	}
	b := &register.Batch{Delivery: d}
	for i, n := range persons {
		about := []byte(person)
		if i%10 == 0 {
			about = bytes.Repeat(about, 2000)
		}
		naming := []register.Naming{{Clue: of(n), Object: true}}
		b.Rows = append(b.Rows, register.Row{
			Type: "Person", ID: register.Handle{byte(n), id[0]}, Object: register.Handle{0x0B, 0x1E, byte(n), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, Registration: always, Effect: always,
			Data: about, Persons: naming,
		})
		b.Outgoing = append(b.Outgoing, register.Outgoing{Draft: about, Persons: naming})
	}
	d.Staged, d.Digest = int64(len(persons)), []byte{1}
	d.Rows, d.Events = d.Staged, d.Staged
	if err := r.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// ofPersons are the rows and the events to be of some persons, and these as they are withdrawn.
func ofPersons(t testing.TB, s *sqlite.Store, persons ...int) (list []eventlog.RowsOf, w eventlog.Withdrawn) {
	t.Helper()
	w = eventlog.Withdrawn{Register: "r", Source: "s", Stream: "register/r"}
	for _, n := range persons {
		some, err := s.Registers().OfPerson(t.Context(), of(n))
		if err != nil {
			t.Fatal(err)
		}
		for i := range some {
			list, w.Numbers = append(list, some[i]), append(w.Numbers, some[i].Outgoing...)
		}
	}
	slices.Sort(w.Numbers)
	return list, w
}

// seals are the ciphertexts of rows and events to be, by their numbers, and the hashes of the rows' objects.
func seals(t testing.TB, file string) map[string][]byte {
	t.Helper()
	return blobs(t, file, `SELECT 'row ' || number, sealed FROM register_rows UNION ALL SELECT 'object ' || number, object FROM register_rows
		UNION ALL SELECT 'event ' || number, sealed FROM register_outgoing`)
}

// Promise 11: nothing of an erased person's rows, of the events that were to follow from them and of the hashes that they were
// found by stands in the file or in the WAL any more; of others all does.
func TestErasingRowsLeavesNoTraces(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	const persons = 60
	var all, gone []int
	for n := 1; n <= persons; n++ {
		all = append(all, n)
		if n%3 == 0 || n%10 == 1 {
			gone = append(gone, n)
		}
	}
	deliverOf(t, s, "1", day, all...)
	before := seals(t, file)
	list, withdrawn := ofPersons(t, s, gone...)
	r := &eventlog.Request{Erasure: &eventlog.Erasure{N: 1, Author: "me", Reason: "case 7", Rows: list}, Withdrawn: []eventlog.Withdrawn{withdrawn}}
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: 7}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	for range 2 {
		if err := s.EraseRows(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range all {
		erased, hash := slices.Contains(gone, n), of(n)
		marks := map[string][]byte{"hash": hash[:]}
		for _, kind := range []string{"row ", "event ", "object "} {
			blob := before[fmt.Sprint(kind, n)]
			for i, part := range slices.Collect(slices.Chunk(blob, max(16, len(blob)/6))) {
				if len(part) >= 10 {
					marks[fmt.Sprint(kind, i)] = part
				}
			}
		}
		if len(marks) < 4 {
			t.Fatalf("of %d are known %d marks", n, len(marks))
		}
		for what, mark := range marks {
			if files := standsIn(t, filepath.Dir(file), mark); erased != (files == nil) {
				t.Errorf("%s of %d stands in %v", what, n, files)
			}
		}
	}
}

// What was erased of rows is erased again in a restored copy; and never a row of another history that has the same number.
func TestARestoreErasesRowsAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	deliverOf(t, s, "1", day, 1, 2, 3)
	older, _ := copied(t, file)
	deliverOf(t, s, "2", day+1, 1, 2)
	newer, _ := copied(t, file)
	rows, _ := ofPersons(t, s, 1)
	if text := eventlog.FormatRows(rows); len(rows) != 4 { // of each delivery rows, and events
		t.Errorf("to be erased are %s", text)
	}
	e := journaled(t, s, 1)
	e.Rows = rows

	published := e // when the erasure was made, what followed from the deliveries was in the log
	published.Rows = slices.DeleteFunc(slices.Clone(rows), func(of eventlog.RowsOf) bool { return len(of.Outgoing) > 0 })

	for _, c := range []struct {
		name, from string
		with       eventlog.Journaled
		left       string
		erased     string
	}{
		{"older", older, e, "2 3 | 2 3", "1 rows of 1"},
		{"newer", newer, e, "2 3 5 | 2 3 5", "2 rows of 1"},
		{"published", newer, published, "2 3 5 | 2 3 5", "2 rows of 1"},
		{"without", newer, journaled(t, s, 1), "1 2 3 4 5 | 1 2 3 4 5", "0 rows of 0"},
	} {
		restored, erased := filepath.Join(filepath.Dir(file), c.name+".db"), ""
		_, err := sqlite.Restore(t.Context(), c.from, restored, sqlite.Copying{Erasures: []eventlog.Journaled{c.with}, Erased: func(_, rows, erasures int) {
			erased = fmt.Sprintf("%d rows of %d", rows, erasures)
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := standing(t, open(t, restored)); got != c.left || erased != c.erased {
			t.Errorf("%s: left are %s, %s; want %s, %s", c.name, got, erased, c.left, c.erased)
		}
	}
	// The older copy is restored and goes on: its numbers 4 and 5 are of others, delivered at another time.
	other := filepath.Join(filepath.Dir(file), "other.db")
	if _, err := sqlite.Restore(t.Context(), older, other, sqlite.Copying{}); err != nil {
		t.Fatal(err)
	}
	o := open(t, other)
	deliverOf(t, o, "2", day+99, 8, 9)
	history, _ := copied(t, other)
	again := filepath.Join(filepath.Dir(file), "again.db")
	if _, err := sqlite.Restore(t.Context(), history, again, sqlite.Copying{Erasures: []eventlog.Journaled{e}}); err != nil {
		t.Fatal(err)
	}
	a := open(t, again)
	if got := standing(t, a); got != "2 3 4 5 | 2 3 4 5" {
		t.Errorf("of another history are left %s", got)
	}
	if known, err := a.Erasure(t.Context(), 1); err != nil || known.Ended == 0 || eventlog.FormatRows(known.Rows) == eventlog.FormatRows(rows) || len(known.Rows) == 0 {
		t.Errorf("it knows of %+v, %v", known, err)
	}
}

// standing are the numbers of the rows and of the events to be that can be read.
func standing(t testing.TB, s *sqlite.Store) string {
	t.Helper()
	rows, _, err := s.Registers().Rows(t.Context(), &register.Query{Register: "r", Type: "Person", History: true, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	outgoing, err := s.Registers().Outgoing(t.Context(), "r", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i := range rows {
		if !rows[i].Erased {
			text += fmt.Sprint(rows[i].Number, " ")
		}
	}
	text += "|"
	for i := range outgoing {
		text += fmt.Sprint(" ", outgoing[i].Number)
	}
	return text
}
