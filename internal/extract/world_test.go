package extract_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store/extractfile"
)

// ledger keeps rows as a store does: with the delivery that made each, and the one that closed it.
type ledger struct {
	mu         sync.Mutex
	rows       []kept
	deliveries []register.Delivery // newest first
	reads      int
	fail       error
	before     func() // called before a read of rows
}

type kept struct {
	row          register.Row
	made, closed int64
	until        int64
}

func (l *ledger) deliver(state register.State) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int64(len(l.deliveries)) + 1
	l.deliveries = slices.Insert(l.deliveries, 0, register.Delivery{Register: "dagi", Number: n, State: state})
	return n
}

// add adds a row of a delivery, known from a time on.
func (l *ledger) add(delivery int64, id, name, status string, known time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	data, _ := json.Marshal(map[string]string{"objectid": id, "navn": name, "registreringFra": known.Format(time.RFC3339), "status": status, "virkningFra": "2007-01-01T00:00:00Z"})
	l.rows = append(l.rows, kept{made: delivery, row: register.Row{
		Number: int64(len(l.rows)) + 1, Type: "Kommuneinddeling", ID: handle(id), Object: handle(name),
		Registration: register.Interval{From: clock.Micros(known), To: register.Open}, Effect: register.Interval{From: 0, To: register.Open}, Data: data,
	}})
}

func (l *ledger) close(delivery int64, id string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.rows {
		if l.rows[i].row.ID == handle(id) {
			l.rows[i].closed, l.rows[i].until = delivery, clock.Micros(at)
		}
	}
}

func handle(text string) (h register.Handle) {
	copy(h[:], text)
	return h
}

// Changes implements extract.Rows as Span says.
func (l *ledger) Changes(_ context.Context, s *register.Span) ([]register.Row, error) {
	if l.before != nil {
		l.before()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.fail != nil {
		return nil, l.fail
	}
	var found []register.Row
	for _, k := range l.rows {
		closed := k.closed > 0 && k.closed <= s.UpTo
		if k.row.Number <= s.After || k.made > s.UpTo || k.made <= s.Since && !(closed && k.closed > s.Since) || len(found) == s.Limit {
			continue
		}
		row := k.row
		if closed {
			row.Registration.To = k.until
		}
		found = append(found, row)
	}
	return found, nil
}

// Deliveries implements extract.Rows.
func (l *ledger) Deliveries(_ context.Context, _ string, below int64, limit int) ([]register.Delivery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []register.Delivery
	for _, d := range l.deliveries {
		if (below == 0 || d.Number < below) && len(list) < limit {
			list = append(list, d)
		}
	}
	return list, nil
}

// plain has handles be what they are of.
type plain struct{}

func (plain) Clue(_ event.ClueKind, value string) event.Clue {
	return handle(value[bytes.LastIndexByte([]byte(value), 0x1f)+1:])
}

// world is a hub with a register, a system and what makes extracts.
type world struct {
	*managetest.World
	rows  *ledger
	dir   string
	maker *extract.Maker
	stop  func()

	mu      sync.Mutex
	trouble []string
	log     extract.Log
	files   extract.Files
}

var by = manage.By{Author: "test", Condition: manage.Condition{}}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: managetest.New(t), rows: &ledger{}, dir: filepath.Join(t.TempDir(), "extracts"), stop: func() {}}
	w.Must(w.Log.Append(t.Context(), &eventlog.Request{Revisions: notify.Register(false, false)}))
	_, err := w.Manager.PutSource(t.Context(), event.Source{Name: "dagi", URI: "urn:dagi", Title: "DAGI", Types: []string{"*"}}, by)
	w.Must(err)
	_, err = w.Manager.PutRegister(t.Context(), register.Register{Name: "dagi", Source: "dagi", Types: []register.EntityType{{
		Name: "Kommuneinddeling", Namespace: "http://data.gov.dk/schemas/dagi", Row: "objectid", Object: []string{"navn"},
		Columns: []register.Column{{Name: "objectid", Required: true}, {Name: "navn", Required: true}, {Name: "feltliste", EventOnly: true}},
	}}}, by)
	w.Must(err)
	system := managetest.Agreement("jobnet", profile.Standard)
	system.Agreement.Sources = []string{"dagi"}
	_, err = w.Manager.PutSystem(t.Context(), system, by)
	w.Must(err)
	w.log, w.files = w.Log, shelf{extractfile.New(w.dir)}
	w.renew()
	t.Cleanup(func() { w.stop() })
	return w
}

// shelf joins the package and the port, as app does.
type shelf struct{ *extractfile.Shelf }

func (s shelf) Create(x, name string) (extract.Part, error) { return s.Shelf.Create(x, name) }
func (s shelf) Open(x, name string) (extract.File, error)   { return s.Shelf.Open(x, name) }

// renew makes the maker anew, as a start of the hub does.
func (w *world) renew() {
	w.maker = extract.New(extract.Options{
		Rows: w.rows, Files: w.files, Log: w.log, Book: w.Book, Clock: w.Clock, Handles: plain{}, URL: "https://hub.test",
		Ready: func(id string, n *extract.Notice) (*event.Event, error) {
			return w.accepted(notify.ExtractReady, id, n)
		},
		Failed: func(id string, f *extract.Failure) (*event.Event, error) {
			return w.accepted(notify.ExtractFailed, id, f)
		},
		Trouble: func(doing string, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.trouble = append(w.trouble, fmt.Sprint(doing, ": ", err))
		},
	})
}

func (w *world) accepted(kind, id string, data any) (*event.Event, error) {
	d, err := notify.Draft(kind, id, data)
	w.Must(err)
	hasher, err := event.NewHasher(make([]byte, 32))
	w.Must(err)
	e, found := publish.NewAccepter(directory{w}, hasher, w.Clock, publish.Limits{}).Accept(d)
	return e, fault.Invalid(fault.InvalidEvent, found)
}

type directory struct{ w *world }

func (d directory) Source(uri string) *event.Source { return d.w.Book.SourceAt(uri) }
func (d directory) Version(name, version string) *event.Compiled {
	return d.w.Book.Version(name, version)
}

// run has extracts made until the test ends, or stop is called.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.maker.Run(ctx)
	}()
	w.stop = func() { cancel(); <-done }
}

func (w *world) put(x register.Extract) {
	w.T.Helper()
	if x.Name == "" {
		x.Name = "kommuner"
	}
	x.System, x.Register, x.Type = "jobnet", "dagi", "Kommuneinddeling"
	x.Format = cmpOr(x.Format, register.JSONLines)
	x.Selection = cmpOr(x.Selection, register.Total)
	_, err := w.Manager.PutExtract(w.T.Context(), x, manage.By{Author: "test", Condition: manage.Condition{Present: w.known(x.Name)}})
	w.Must(err)
}

func (w *world) known(name string) bool {
	x, _ := w.Book.Extract(name)
	return x != nil
}

func cmpOr[T comparable](a, b T) T {
	var zero T
	if a == zero {
		return b
	}
	return a
}

// order has an extract made and waits for its run.
func (w *world) order(name string) *register.Run {
	w.T.Helper()
	before := w.Book.ExtractState(name).Number
	w.Must(w.Manager.OrderExtract(w.T.Context(), "test", name))
	return w.await(name, before+1)
}

func (w *world) await(name string, number int64) *register.Run {
	w.T.Helper()
	w.Until(fmt.Sprintf("run %d of %s", number, name), func() bool { return w.Book.ExtractState(name).Number >= number })
	return w.Book.ExtractState(name).Last
}

// idle waits until the maker waits for a time, or for nothing, after it has seen everything.
func (w *world) until(at time.Time) {
	w.T.Helper()
	w.Until("the maker waits for "+at.String(), func() bool {
		next, ok := w.Clock.Next()
		return ok && next.Equal(at)
	})
}

// content reads what is in a file of an extract, by name.
func (w *world) content(run *register.Run) map[string]string {
	w.T.Helper()
	opened, err := w.maker.Open(run.Extract, run.File)
	w.Must(err)
	defer opened.Close()
	text, err := io.ReadAll(opened)
	w.Must(err)
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	w.Must(err)
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		w.Must(err)
		inside, err := io.ReadAll(r)
		w.Must(err)
		files[f.Name] = string(inside)
	}
	return files
}

func (w *world) names() []string {
	var names []string
	_ = filepath.WalkDir(w.dir, func(path string, d os.DirEntry, _ error) error {
		if d != nil && !d.IsDir() {
			names = append(names, d.Name())
		}
		return nil
	})
	return names
}

func shelfOf(t testing.TB) extract.Files {
	return shelf{extractfile.New(filepath.Join(t.TempDir(), "extracts"))}
}
