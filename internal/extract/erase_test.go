package extract_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// erase has the rows of some ids say nothing.
func (l *ledger) erase(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.rows {
		if row := &l.rows[i].row; slices.ContainsFunc(ids, func(id string) bool { return row.ID == handle(id) }) {
			row.Erase()
		}
	}
}

var erasedRows = []eventlog.RowsOf{{Register: "dagi", Type: "Kommuneinddeling", Delivery: 1, Rows: []int64{1}}}

// Promise 11: of whoever is erased nothing stands in the files that were made before; those of other types stay. The next run
// makes another, and a delta goes on from where the oldest of those began that are gone.
func TestFilesOfWhoeverIsErasedGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg, _ := w.Book.Register("dagi")
	next := *reg
	next.Types = slices.Clone(reg.Types)
	next.Types[0].Columns = append(slices.Clone(reg.Types[0].Columns), register.Column{Name: "ejer", Personal: true})
	_, err := w.Manager.PutRegister(t.Context(), next, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.run()
	w.put(register.Extract{Format: register.CSV})
	w.put(register.Extract{Name: "delta", Selection: register.Delta, Keep: 2})
	w.order("kommuner")
	w.order("delta")
	for _, id := range []string{"2", "3"} {
		w.rows.add(w.rows.deliver(register.Published), id, "By "+id, "Gældende", known)
		w.order("delta")
	}
	before := w.names()
	w.Must(w.maker.Erase(t.Context(), 7, []eventlog.RowsOf{{Register: "dagi", Type: "Another", Rows: []int64{1}}, {Register: "dagi", Outgoing: []int64{1}}}))
	if got := w.names(); !slices.Equal(got, before) {
		t.Errorf("for another type they go: %q, were %q", got, before)
	}
	w.rows.erase("1")
	w.stop()      // nobody tidies up
	for range 2 { // made again it does what is left
		w.Must(w.maker.Erase(t.Context(), 7, erasedRows))
	}
	if got := w.names(); len(got) > 0 {
		t.Errorf("left are %q", got)
	}
	if n := w.maker.Erased(7); n != 3 || w.maker.Erased(8) != 0 {
		t.Errorf("%d files are counted", n)
	}
	for _, name := range []string{"kommuner", "delta"} {
		for _, run := range w.maker.Kept(name) {
			if run.Erased == 0 {
				t.Errorf("%s is listed as there", run.File)
			}
			for _, file := range []string{run.File, run.File + ".sha256"} {
				if _, err := w.maker.Open(name, file); !fault.Has(err, fault.Forgotten) {
					t.Errorf("%s opens with %v", file, err)
				}
			}
		}
	}
	w.run()
	text := w.content(w.order("kommuner"))["kommuner-000002-total-3.csv"]
	if lines := strings.Split(text, "\r\n"); !strings.HasSuffix(lines[0], ",erased") || !strings.HasSuffix(lines[1], ",true") || strings.Contains(text, "Aarhus") || !strings.HasSuffix(lines[2], ",") {
		t.Errorf("the next is\n%s", text)
	}
	if run := w.order("delta"); run.Since != 1 || run.UpTo != 3 || run.Rows != 2 { // the first file was not kept any more
		t.Errorf("the next delta is %+v", run)
	}
	w.rows.add(w.rows.deliver(register.Published), "4", "By 4", "Gældende", known)
	if run := w.order("delta"); run.Since != 3 || run.UpTo != 4 || run.Rows != 1 {
		t.Errorf("the one behind it is %+v", run)
	}
}

// erasing is the log of a node that makes a file while somebody is erased: when it is written, and not in the log yet.
type erasing struct {
	logOf
	once sync.Once
	by   func()
}

type logOf interface {
	Append(ctx context.Context, r *eventlog.Request) error
}

func (e *erasing) Append(ctx context.Context, r *eventlog.Request) error {
	e.once.Do(e.by)
	return e.logOf.Append(ctx, r)
}

// What was read of somebody before the erasure comes to nothing, though it is committed after: the run is made anew.
func TestAFileThatIsBeingMadeIsMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.put(register.Extract{})
	eraser := w.maker
	w.log = &erasing{logOf: w.Log, by: func() {
		w.rows.erase("1")
		w.Must(eraser.Erase(t.Context(), 7, erasedRows))
	}}
	w.renew()
	w.run()
	run := w.order("kommuner")
	for name, text := range w.content(run) {
		if strings.Contains(text, "Aarhus") {
			t.Errorf("%s is %s", name, text)
		}
	}
	if run.Number != 1 || len(w.maker.Kept("kommuner")) != 1 {
		t.Errorf("it is %+v", run)
	}
}

// What is half written goes too.
func TestWhatIsHalfWrittenGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(register.Extract{})
	part, err := w.files.Create("kommuner", "half")
	w.Must(err)
	if _, err := fmt.Fprint(part, "Aarhus"); err != nil {
		t.Fatal(err)
	}
	w.Must(w.maker.Erase(t.Context(), 7, erasedRows))
	if left := w.names(); len(left) > 0 {
		t.Errorf("left is %q", left)
	}
	if err := part.Keep(); err == nil {
		t.Error("who writes it does not find out")
	}
	if _, err := os.Stat(filepath.Join(w.dir, "kommuner", "half")); err == nil {
		t.Error("it is there")
	}
}
