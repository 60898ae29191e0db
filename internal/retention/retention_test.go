package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/store/erasurefile"
)

// person stands for a personal value.
const person = "0101701234"

// world is a hub that forgets. Its finder finds what the test says.
type world struct {
	*managetest.World
	options Options
	keeper  *Keeper
	journal *erasurefile.Journal
	logged  *safeBuffer
	found   []int64
	mu      sync.Mutex
	counted map[string]int64
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: managetest.New(t), logged: &safeBuffer{}, journal: erasurefile.New(t.TempDir(), []byte("a key")), counted: map[string]int64{}}
	w.options = Options{
		Store: w.Store, Log: w.Log, Engine: w.Engine, Journal: w.journal, Book: w.Book, Clock: w.Clock, Finder: w,
		Logger: slog.New(slog.NewTextHandler(w.logged, nil)), Counted: func(cause string, events int64) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.counted[cause] += events
		},
	}
	w.keeper = New(w.options)
	return w
}

// OfPerson implements Finder.
func (w *world) OfPerson(ctx context.Context, _ string) (still []int64, upTo int64, err error) {
	for _, position := range w.found {
		if e, err := w.Log.At(ctx, position); err == nil && !e.Forgotten {
			still = append(still, position)
		}
	}
	return still, w.Log.Head(), nil
}

// accept appends an event of each retention and returns their positions.
func (w *world) accept(retentions ...event.Retention) (positions []int64) {
	w.T.Helper()
	r := &eventlog.Request{}
	for _, retention := range retentions {
		id := ident.New()
		r.Entries = append(r.Entries, eventlog.Entry{Event: &event.Event{
			ID: id, Source: "urn:s", SourceID: id.String(), Type: "t", Version: "v1", Retention: retention, Personal: true,
			Lane: event.Lane{7}, Head: fmt.Appendf(nil, `{"id":%q}`, id), Data: []byte(`{"cpr":"` + person + `"}`),
		}})
	}
	w.Must(w.Log.Append(context.Background(), r))
	for _, entry := range r.Entries {
		positions = append(positions, entry.Position)
	}
	return positions
}

// round lets a started keeper do all there is to do now.
func (w *world) round() {
	for range 2 { // the first may have begun before
		over := w.keeper.rounds.Wait()
		w.keeper.poke()
		<-over
	}
}

func (w *world) forgotten(positions ...int64) (gone []bool) {
	w.T.Helper()
	for _, position := range positions {
		e, err := w.Log.At(context.Background(), position)
		w.Must(err)
		stored, err := w.Store.At(context.Background(), position)
		w.Must(err)
		if e.Forgotten != stored.Forgotten {
			w.T.Errorf("position %d: the memory says %v, the store %v", position, e.Forgotten, stored.Forgotten)
		}
		gone = append(gone, e.Forgotten)
	}
	return gone
}

// S24, DESIGN promise 11: what a type's retention has ended for goes by itself, day by day, and nothing before; what has
// none stays.
func TestDaysGoAtTheirEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.accept("P6M", "P14D", "")
	w.keeper.Start()
	t.Cleanup(w.keeper.Stop)
	w.Clock.Advance(12*time.Hour + time.Minute) // the next day
	second := w.accept("P14D")
	all := append(first, second...)
	for _, step := range []struct {
		days int
		want string
	}{{0, "[false false false false]"}, {13, "[false false false false]"}, {1, "[false true false false]"}, {1, "[false true false true]"}, {170, "[true true false true]"}, {4000, "[true true false true]"}} {
		w.Clock.Advance(time.Duration(step.days) * 24 * time.Hour)
		w.round()
		if got := fmt.Sprint(w.forgotten(all...)); got != step.want {
			t.Errorf("after %d more days %s, want %s", step.days, got, step.want)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counted["retention"] != 3 {
		t.Errorf("counted %v", w.counted)
	}
	if n := strings.Count(w.logged.String(), "its retention is over"); n != 3 || !strings.Contains(w.logged.String(), "day=2026-03-01 retention=P14D") {
		t.Errorf("the log says:\n%s", w.logged)
	}
	if strings.Contains(w.logged.String(), "level=ERROR") {
		t.Errorf("%s", w.logged)
	}
}

// It is done every hour, with nobody asking.
func TestItRunsEveryHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.accept("PT1H")
	over := w.keeper.rounds.Wait()
	w.keeper.Start()
	t.Cleanup(w.keeper.Stop)
	for range 13 { // 12:00 until the day has ended, and an hour more
		<-over
		over = w.keeper.rounds.Wait()
		w.Clock.Advance(time.Hour)
	}
	<-over
	if !w.forgotten(at...)[0] {
		t.Error("it is still there")
	}
}

// slow is a store whose pruning takes time on the test's clock.
type slow struct {
	Store
	advance func()
	steps   chan struct{}
}

func (s slow) Prune(context.Context, int) (eventlog.Pruned, error) {
	s.advance()
	s.steps <- struct{}{}
	return eventlog.Pruned{Events: 1, More: true}, nil
}

// Pruning never harms delivery (promise 11): after each step it rests nineteen times as long as the step took.
func TestPruningLeavesTheWriterToOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	steps := make(chan struct{}, 10)
	w.options.Store = slow{w.Store, func() { w.Clock.Advance(2 * time.Millisecond) }, steps}
	w.keeper = New(w.options)
	w.keeper.Start()
	t.Cleanup(w.keeper.Stop)
	<-steps
	for range 3 {
		began := w.Clock.Now()
		var at time.Time
		for ok := false; !ok || at.Sub(began) > time.Minute; runtime.Gosched() {
			at, ok = w.Clock.Next()
		}
		if rest := at.Sub(began); rest != 38*time.Millisecond {
			t.Fatalf("it rests %v", rest)
		}
		w.Clock.Advance(37 * time.Millisecond)
		if len(steps) > 0 {
			t.Fatal("it did not rest")
		}
		w.Clock.Advance(time.Millisecond)
		<-steps
	}
}

var errDied = errors.New("the process died")

// dying is everything an erasure touches; it dies at the call numbered at, before it or after.
type dying struct {
	Store
	Engine
	Journal
	mu    sync.Mutex
	calls int
	at    int
	after bool
}

func (d *dying) step(do func() error) error {
	d.mu.Lock()
	d.calls++
	dies, dead := d.calls == d.at, d.at > 0 && d.calls > d.at
	d.mu.Unlock()
	if dead || dies && !d.after {
		return errDied
	}
	err := do()
	if dies {
		return errDied
	}
	return err
}

func (d *dying) Erase(ctx context.Context, positions []int64, tell func(int)) error {
	return d.step(func() error { return d.Store.Erase(ctx, positions, tell) })
}
func (d *dying) EraseRows(ctx context.Context, rows []eventlog.RowsOf) error {
	return d.step(func() error { return d.Store.EraseRows(ctx, rows) })
}
func (d *dyingFiles) Erase(ctx context.Context, n int64, rows []eventlog.RowsOf) error {
	return d.step(func() error { return d.Files.Erase(ctx, n, rows) })
}
func (d *dying) EndErasure(ctx context.Context, n, at int64) error {
	return d.step(func() error { return d.Store.EndErasure(ctx, n, at) })
}
func (d *dying) Forget(ctx context.Context, positions []int64) error {
	return d.step(func() error { return d.Engine.Forget(ctx, positions) })
}
func (d *dying) Append(e eventlog.Journaled) error {
	return d.step(func() error { return d.Journal.Append(e) })
}

// store and engine tell the two Forgets apart.
type (
	dyingStore  struct{ *dying }
	dyingEngine struct{ *dying }
	dyingFiles  struct {
		*dying
		Files
	}
)

func (d dyingStore) Forget(ctx context.Context, r event.Retention, day int64) (int, error) {
	return d.Store.Forget(ctx, r, day)
}

// An erasure that died between any two of its steps is whole after the next start; until then it does not say that it is.
func TestAnErasureSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	steps := 0
	for at := 0; at <= steps; at++ {
		for _, after := range []bool{false, true} {
			w := newWorld(t)
			w.found = w.accept("P6M", "P6M")
			rows := w.register()
			files := &deleted{}
			d := &dying{Store: w.Store, Engine: w.Engine, Journal: w.journal, at: at, after: after}
			w.options.Store, w.options.Engine, w.options.Journal = dyingStore{d}, dyingEngine{d}, d
			w.options.Rows, w.options.Files = rows, &dyingFiles{d, files}
			w.keeper = New(w.options)
			e, err := w.keeper.Erase(t.Context(), "eva", person, "case 7", 4)
			w.Must(err)
			w.keeper.Stop()
			if e.At == 0 {
				t.Error("it does not say when it began")
			}
			if steps = max(steps, d.calls); (e.Ended != 0) != (at == 0) || e.N != 1 {
				t.Errorf("died at %d (after: %v): it says %+v", at, after, e)
			}
			// The next process.
			w.options.Store, w.options.Engine, w.options.Journal = w.Store, w.Engine, w.journal
			w.options.Files = files
			w.keeper = New(w.options)
			over := w.keeper.rounds.Wait()
			w.keeper.Start()
			<-over
			w.keeper.Stop()
			if got := fmt.Sprint(w.forgotten(w.found...)); got != "[true true]" {
				t.Errorf("died at %d (after: %v): forgotten %s", at, after, got)
			}
			report, err := w.keeper.Report(t.Context(), 1)
			list, torn, errJournal := w.journal.Read()
			if err != nil || report.Ended == 0 || errJournal != nil || torn || len(list) == 0 || fmt.Sprint(list[0].Positions) != fmt.Sprint(w.found) ||
				eventlog.FormatRows(list[0].Rows) != eventlog.FormatRows(report.Rows) || len(report.Rows) != 2 || report.Files != 3 {
				t.Errorf("died at %d (after: %v): %+v %v, journal %+v %v", at, after, report, err, list, errJournal)
			}
			if left := w.rowsLeft(); left != "[true false] false" {
				t.Errorf("died at %d (after: %v): of the rows is erased %s", at, after, left)
			}
		}
	}
	if steps != 7 {
		t.Errorf("there are %d steps", steps)
	}
}

// An erasure is on record before anything is deleted; one that cannot be is not begun.
func TestAnErasureIsOnRecordFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found = w.accept("P6M")
	w.Must(w.Log.Close())
	if _, err := w.keeper.Erase(t.Context(), "eva", person, "case 7", 1); err == nil {
		t.Error("it was begun")
	}
	if w.forgotten(w.found...)[0] {
		t.Error("it is forgotten")
	}
	entries, err := w.Store.Audit(t.Context(), audit.Query{Act: audit.Erase})
	if err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// A hub that begins another journal, after a restore, puts into it what it knows, so that it is good for older backups.
func TestTheJournalIsMadeComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.found = w.accept("P6M")
		_, err := w.keeper.Erase(t.Context(), "eva", person, "case 7", 1)
		w.Must(err)
	}
	fresh := erasurefile.New(t.TempDir(), []byte("a key"))
	w.options.Journal = fresh
	w.keeper = New(w.options)
	over := w.keeper.rounds.Wait()
	w.keeper.Start()
	t.Cleanup(w.keeper.Stop)
	<-over
	old, _, err := w.journal.Read()
	w.Must(err)
	list, _, err := fresh.Read()
	if err != nil || fmt.Sprint(list) != fmt.Sprint(old) || len(list) != 3 {
		t.Errorf("%+v, want %+v, %v", list, old, err)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for reason, fine := range map[string]bool{
		"case 2026-123456": true, "sag 12345678901": true, "GDPR 17(1)(a), j.nr. 26/1234": true, "": false, "  ": false, "a\nb": false, "tab\t": false,
		"0101701234": false, "for 010170-1234.": false, "010170 1234": false, strings.Repeat("x", 501): false, "ask anna": false, "\xff": false,
	} {
		if err := CheckReason(reason, "anna"); (err == nil) != fine {
			t.Errorf("%q: %v", reason, err)
		}
	}
}
