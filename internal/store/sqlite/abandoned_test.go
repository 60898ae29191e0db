package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
)

// F10: whatever a process was in the middle of when it died, a batch is there as a whole or not at all. The file is looked at
// as a crash leaves it after each step of a batch, with all that the writer has put into the WAL by then; the last step's is
// looked at after its commit as well.
func TestABatchThatIsNeverCommittedLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := secret.Open(filepath.Join(dir, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "hub.db"), Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.run("PRAGMA cache_size=10", nil); err != nil { // what is written does not wait for the commit
		t.Fatal(err)
	}
	r := s.Registers()
	d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	next := *d
	next.Staged, next.Rows, next.Closed, next.Events = 1001, 1000, 1, 1
	b := &register.Batch{Delivery: &next, Outgoing: []register.Outgoing{{Draft: []byte("draft")}}, Closings: []register.Closing{{Type: "T", At: 5}}}
	for i := range 1000 {
		row := register.Row{Type: "T", Registration: register.Interval{To: register.Open}, Effect: register.Interval{To: register.Open}, Data: make([]byte, 1000)}
		copy(row.ID[8:], fmt.Sprint(i))
		if i == 0 {
			row.ID = register.Handle{}
		}
		b.Rows = append(b.Rows, row)
	}
	crashes := 0
	w := staging{Store: s, batch: b}
	err = r.writing(t.Context(), false, func() error {
		return w.steps(func(step func() error) error {
			err := step()
			crashes++
			asACrashLeavesIt(t, dir, keys, 0)
			return err
		})
	})
	if err != nil || crashes < 5 {
		t.Fatal(err, crashes)
	}
	asACrashLeavesIt(t, dir, keys, 1001)
}

// asACrashLeavesIt opens a copy of a database that is being written to.
func asACrashLeavesIt(t *testing.T, dir string, keys *secret.Vault, staged int64) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "hub.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, "hub.db"+suffix))
		if err == nil {
			err = os.WriteFile(copied+suffix, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(copied, Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := s.Registers().Delivery(t.Context(), "r", "1")
	if err != nil || d.Staged != staged || d.State != register.Staging {
		t.Errorf("the delivery stands at %+v, %v", d, err)
	}
	for table, many := range map[string]int64{"register_rows": 1000, "register_closings": 1, "register_outgoing": 1, "register_types": 1} {
		if n, err := number(s.writer, "SELECT count(*) FROM "+table); err != nil || n != min(staged, many) {
			t.Errorf("of %s there are %d, %v", table, n, err)
		}
	}
}

// Who goes on with a refusal that another has ended takes nothing from the delivery that came after it, though its rows stand
// behind the same number.
func TestARefusalThatIsOverTakesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := secret.Open(filepath.Join(dir, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "hub.db"), Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.Registers()
	begin := func(id string) *register.Delivery {
		d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: id})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	refused := begin("1")
	v, err := seen(s.writer, "r")
	if err != nil || v.Hidden != refused.Number {
		t.Fatal(v, err)
	}
	if err := r.Refuse(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	next := *begin("2")
	next.Staged = 1
	always := register.Interval{To: register.Open}
	if err := r.Stage(t.Context(), &register.Batch{Delivery: &next, Rows: []register.Row{{Type: "T", Registration: always, Effect: always}}}); err != nil {
		t.Fatal(err)
	}
	if err := r.drop(t.Context(), nil, refused, v, store.DropRows, 1, v.Rows); !fault.Has(err, fault.Conflict) {
		t.Errorf("it goes on: %v", err)
	}
	if rows, err := r.RowsAt(t.Context(), "r", "T", []register.Handle{{}}, next.Number); err != nil || len(rows) != 1 {
		t.Errorf("the next delivery has %+v, %v", rows, err)
	}
}
