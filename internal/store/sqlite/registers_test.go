package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/sqlite"
	"github.com/varselhub/varsel/internal/store/storetest"
)

// always is from some time on.
var always = register.Interval{From: 1, To: register.Open}

// deliver has a register deliver a row about a person, which is ended in the same delivery, and an event about it.
func deliver(t testing.TB, s *sqlite.Store, id string) {
	t.Helper()
	r := s.Registers()
	d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: id, Begun: day})
	if err != nil {
		t.Fatal(err)
	}
	d.Staged, d.Rows, d.Closed, d.Events, d.Digest = 2, 1, 1, 1, []byte{7}
	about := []byte(`{"cpr":"` + person + `"}`)
	handle := register.Handle{byte(len(id)), id[0]}
	b := &register.Batch{
		Delivery: d, Rows: []register.Row{{Type: "Person", ID: handle, Object: register.Handle{1}, Registration: always, Effect: register.Interval{From: 2, To: 8}, Data: about}},
		Closings: []register.Closing{{Type: "Person", Row: handle, At: 9}}, Outgoing: []register.Outgoing{{Draft: about}},
	}
	if err := r.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	d.Ended = day + 3
	if err := r.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// readDelivered holds what a store reads against what deliver has left, with these ids.
func readDelivered(t testing.TB, s *sqlite.Store, ids ...string) {
	t.Helper()
	r := s.Registers()
	rows, _, err := r.Rows(t.Context(), &register.Query{Register: "r", Type: "Person", History: true, Limit: 10})
	if err != nil || len(rows) != len(ids) {
		t.Fatalf("the rows are %+v, %v", rows, err)
	}
	outgoing, err := r.Outgoing(t.Context(), "r", 0, 10)
	if err != nil || len(outgoing) != len(ids) {
		t.Fatalf("outgoing is %+v, %v", outgoing, err)
	}
	for i, id := range ids {
		row := &rows[i]
		if row.ID != (register.Handle{byte(len(id)), id[0]}) || row.Object != (register.Handle{1}) || row.Registration != (register.Interval{From: 1, To: 9}) ||
			row.Effect != (register.Interval{From: 2, To: 8}) || !strings.Contains(string(row.Data), person) || !strings.Contains(string(outgoing[i].Draft), person) {
			t.Errorf("of the delivery %s are read %+v, %+v", id, row, outgoing[i])
		}
		d, err := r.Delivery(t.Context(), "r", id)
		if err != nil || d.State != register.Committed || d.Number != int64(i)+1 || d.Staged != 2 || d.Begun != day || d.Ended != day+3 || d.Digest[0] != 7 {
			t.Errorf("the delivery %s is %+v, %v", id, d, err)
		}
	}
}

// DESIGN section 5: what a register says of a person stands in clear nowhere; keys are rotated beneath it, and a backup has it.
func TestRowsAreSealedRotatedAndBackedUp(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	deliver(t, s, "1")
	if files := standsIn(t, filepath.Dir(file), []byte(person)); files != nil {
		t.Errorf("it stands in clear in %v", files)
	}
	if standsIn(t, filepath.Dir(file), []byte("Person")) == nil {
		t.Error("not even what is kept in clear was found: the search is blind")
	}
	if r, err := sqlite.Rotate(t.Context(), file, vault(t, file)); err != nil || r.Wrapped != 1 {
		t.Fatal(r, err)
	}
	s.Close()
	s = open(t, file)
	deliver(t, s, "2")
	readDelivered(t, s, "1", "2")
	backup, restored := filepath.Join(t.TempDir(), "backup"), filepath.Join(filepath.Dir(file), "restored.db")
	if _, err := sqlite.Backup(t.Context(), file, backup, sqlite.Copying{}); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Restore(t.Context(), backup, restored, sqlite.Copying{}); err != nil {
		t.Fatal(err)
	}
	readDelivered(t, open(t, restored), "1", "2")
}

// What is refused costs no data key: those who try again and again do not make the table of keys grow.
func TestRefusalsMakeNoKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	commitEvents(t, s, day, personal("1", ""))
	r := s.Registers()
	for n := range 3 {
		d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: "1", Begun: day})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: "2"}); !fault.Has(err, fault.Conflict) {
			t.Errorf("a second delivery: %v", err)
		}
		d.Staged = 1
		row := register.Row{Type: "T", Registration: always, Effect: always}
		if err := r.Stage(t.Context(), &register.Batch{Delivery: d, Rows: []register.Row{row, row}}); !fault.Has(err, fault.InvalidDocument) {
			t.Errorf("a row twice: %v", err)
		}
		commitEvents(t, s, day, personal(fmt.Sprint("next ", n), ""))
	}
	if n := count(t, file, "SELECT count(*) FROM data_keys"); n != 1 {
		t.Errorf("there are %d data keys, want one", n)
	}
}

// What grows with a register is never gone through as a whole.
func TestRowsAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	open(t, file)
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	known, _ := store.RowsKnown(&register.Query{}, store.RegisterView{}, 1, 2)
	object, _ := store.RowsKnown(&register.Query{Object: register.Handle{1}}, store.RegisterView{}, 1, 2)
	history, _ := store.RowsKnown(&register.Query{Object: register.Handle{1}, History: true}, store.RegisterView{}, 1, 2)
	for query, want := range map[string]string{
		known: "register_rows_by_number (type=? AND number>? AND number<?)", object: "register_rows_by_object (type=? AND object=?", history: "register_rows_by_object (type=? AND object=?",
		store.RowUpTo: "COVERING INDEX register_rows_by_number", store.RowByID: "register_rows_by_id (type=? AND id=?)", store.RowToClose: "register_rows_by_id (type=? AND id=?)",
		store.Clashes(false): "b USING INDEX register_rows_by_object (type=? AND object=? AND number<?)", store.DropRows: "register_rows_by_number (type=? AND number>?)",
		store.DropClosings: "register_closings_by_delivery (register=? AND delivery=?)", store.Outgoing: "register_outgoing_by_number (register=? AND number>?",
		store.DeliveriesPublished: "register_deliveries_committed", store.RegisterSeen: "register_deliveries_staging", store.DeliveryNamed: "register_deliveries_by_id",
		store.DeliveriesBelow: "PRIMARY KEY (register=? AND number<?)",
		store.DropPersons:     "register_persons_by_number (type=? AND number>?", store.SentPersons: "register_persons_by_number (type=? AND number<?)",
		store.PersonsFound: "p USING PRIMARY KEY (clue=?)", store.CluesOfRow: "register_persons_by_number (type=? AND number=?)", store.EventsToBeOf: "PRIMARY KEY (clue=? AND type<?)",
	} {
		var plan []string
		args := map[string]any{}
		for i := range 9 {
			if name := fmt.Sprint("$", i+1); strings.Contains(query, name) {
				args[name] = 1
			}
		}
		err := sqlitex.ExecuteTransient(c, "EXPLAIN QUERY PLAN "+query, &sqlitex.ExecOptions{Named: args, ResultFunc: func(row *zombiezen.Stmt) error {
			plan = append(plan, row.ColumnText(3))
			return nil
		}})
		text := strings.Join(plan, "\n")
		if err != nil || !strings.Contains(text, want) || strings.Contains(text, "TEMP B-TREE") || strings.Contains(text, "SCAN") {
			t.Errorf("%s\nis planned as\n%s, %v; want %s", query, text, err, want)
		}
	}
}

// One operation is a batch of 500 rows of about 1 KiB, as a register's delivery stages it.
func BenchmarkStage(b *testing.B) {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "bench.db"), options(b, func(_, _ *event.Event) bool { return true }))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	storetest.BenchmarkStage(b, s.Registers())
}
