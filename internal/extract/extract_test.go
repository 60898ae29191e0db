package extract_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/register"
)

var update = flag.Bool("update", false, "write the golden files anew")

var known = managetest.Epoch.Add(-time.Hour)

// F43: a file in each format, and what it is of.
func TestF43Formats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.rows.deliver(register.Published)
	w.rows.add(d, "1", "Aarhus", "Gældende", known)
	w.rows.add(d, "2", `Ærø, "the <island>"`, "Gældende", known)
	w.rows.add(d, "3", "Svendborg\r\nand so on", "Gældende", known)
	w.rows.close(w.rows.deliver(register.Committed), "1", known.Add(time.Minute))
	w.run()
	for _, format := range []register.Format{register.JSONLines, register.CSV, register.XML} {
		name := "kommuner-" + string(format)
		w.put(register.Extract{Name: name, Format: format})
		run := w.order(name)
		files := w.content(run)
		if want := name + "-000001-total-2." + string(format) + ".zip"; run.File != want || run.Rows != 3 {
			t.Errorf("made %+v, want %s", run, want)
		}
		golden(t, string(format), files[strings.TrimSuffix(run.File, ".zip")])
		golden(t, string(format)+"-manifest.json", files[extract.ManifestName])
		text, err := os.ReadFile(filepath.Join(w.dir, name, run.File))
		w.Must(err)
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != run.SHA256 || int64(len(text)) != run.Size {
			t.Errorf("%s: the run says another checksum or size", name)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "extract."+name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
	}
}

// ids are the rows of a file of JSON lines, "-" where one is closed.
func (w *world) ids(run *register.Run) string {
	w.T.Helper()
	if !run.Made() {
		return "no file"
	}
	var ids []string
	for line := range strings.Lines(w.content(run)[strings.TrimSuffix(run.File, ".zip")]) {
		var row map[string]string
		w.Must(json.Unmarshal([]byte(line), &row))
		id := row["objectid"]
		if row["registreringTil"] != "" {
			id += "-"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// F43: snapshot, total and delta, and a small part of each.
func TestF43Selections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.rows.deliver(register.Published)
	w.rows.add(first, "1", "Aarhus", "Gældende", known)
	w.rows.add(first, "2", "Odense", "Foreløbig", known)
	w.rows.add(first, "3", "Aarhus", "Gældende", managetest.Epoch.Add(48*time.Hour)) // is not known yet
	second := w.rows.deliver(register.Published)
	w.rows.close(second, "1", known.Add(time.Minute))
	w.rows.add(second, "4", "Aarhus", "Gældende", known.Add(time.Minute))
	staging := w.rows.deliver(register.Staging)
	w.rows.add(staging, "5", "Vejle", "Gældende", known)
	w.run()
	for name, c := range map[string]struct {
		extract register.Extract
		want    string
	}{
		"snapshot": {register.Extract{Selection: register.Snapshot}, "2 4"},
		"total":    {register.Extract{Selection: register.Total}, "1- 2 3 4"},
		"delta":    {register.Extract{Selection: register.Delta}, "1- 2 3 4"}, // the first has all
		"object":   {register.Extract{Selection: register.Total, Object: []string{"Aarhus"}}, "1- 3 4"},
		"status":   {register.Extract{Selection: register.Total, Status: []string{"Foreløbig", "Historisk"}}, "2"},
	} {
		c.extract.Name = name
		w.put(c.extract)
		if got := w.ids(w.order(name)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// F43: a delta has what deliveries have brought since the one before, each row and each closing exactly once, and says which
// deliveries it covers. Where there is nothing, there is no file, and nobody is told.
func TestF43DeltasGoOnFromEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.rows.deliver(register.Published)
	w.rows.add(d, "1", "Aarhus", "Gældende", known)
	w.run()
	w.put(register.Extract{Selection: register.Delta, Keep: 1})
	check := func(rows, file string, since, upTo int64) {
		t.Helper()
		run := w.order("kommuner")
		if got := w.ids(run); got != rows || run.File != file || run.Since != since || run.UpTo != upTo {
			t.Errorf("made %s as %+v, want %s in %q of %d to %d", got, run, rows, file, since, upTo)
		}
	}
	check("1", "kommuner-000001-delta-0-1.jsonl.zip", 0, 1)
	check("no file", "", 1, 1)
	w.rows.deliver(register.Refused)
	d = w.rows.deliver(register.Published)
	w.rows.close(d, "1", known.Add(time.Minute))
	w.rows.add(d, "2", "Aarhus", "Gældende", known.Add(time.Minute))
	check("1- 2", "kommuner-000003-delta-1-3.jsonl.zip", 1, 3) // its predecessor's file is not kept any more
	w.rows.close(w.rows.deliver(register.Published), "2", known.Add(2*time.Minute))
	check("2-", "kommuner-000004-delta-3-4.jsonl.zip", 3, 4)
	told := 0
	events, _, err := w.Log.Read(t.Context(), 0, 1000)
	w.Must(err)
	for _, e := range events {
		if e.Type == notify.ExtractReady {
			told++
		}
	}
	if told != 3 {
		t.Errorf("told of %d files, want 3", told)
	}
}

// A file is of one moment, whatever is delivered while it is written.
func TestF43ASnapshotIsOfOneMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.rows.deliver(register.Published)
	for i := range 250 { // more than a page
		w.rows.add(d, fmt.Sprint(i), "Aarhus", "Gældende", known)
	}
	w.rows.before = func() {
		later := w.rows.deliver(register.Published)
		w.rows.close(later, "0", known.Add(time.Minute))
		w.rows.close(later, "249", known.Add(time.Minute))
		w.rows.add(later, "250", "Aarhus", "Gældende", known)
		w.Clock.Advance(time.Second)
	}
	w.run()
	w.put(register.Extract{Selection: register.Snapshot})
	run := w.order("kommuner")
	ids := strings.Fields(w.ids(run))
	if len(ids) != 250 || ids[0] != "0" || ids[249] != "249" || run.UpTo != 1 || w.rows.reads != 4 {
		t.Errorf("%d rows from %s to %s of %d, in %d reads", len(ids), ids[0], ids[len(ids)-1], run.UpTo, w.rows.reads)
	}
}

// F43: at its interval, once for each time that is due; what was missed while no hub ran is made up for by one run.
func TestF43WhatIsDueIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.put(register.Extract{Schedule: "30 2 * * *"}) // the world's zone is UTC, and it is noon
	w.run()
	due := time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC)
	w.until(due)
	w.Clock.Advance(due.Sub(w.Clock.Now()))
	w.await("kommuner", 1)
	w.until(due.AddDate(0, 0, 1))
	w.stop()
	w.renew() // a restart at the time itself
	w.run()
	w.until(due.AddDate(0, 0, 1))
	w.order("kommuner") // an order in between takes nothing away
	w.until(due.AddDate(0, 0, 1))
	w.stop()
	w.Clock.Advance(5*24*time.Hour + time.Minute) // nobody is there for five days
	w.renew()
	w.run()
	w.await("kommuner", 3)
	w.until(due.AddDate(0, 0, 6))
	if n := w.Book.ExtractState("kommuner").Number; n != 3 {
		t.Errorf("%d runs, want 3: %q", n, w.names())
	}
	w.put(register.Extract{}) // no schedule any more
	w.Until("nothing is waited for", func() bool {
		_, waits := w.Clock.Next()
		return !waits
	})
}

// crashing ends where a test says.
type crashing struct {
	extract.Log
	files   extract.Files
	commits bool // the request is committed, and nobody is told
}

var errCrash = errors.New("crash")

func (c *crashing) Append(ctx context.Context, r *eventlog.Request) error {
	if c.commits {
		_ = c.Log.Append(ctx, r)
	}
	return errCrash
}

// F43: a crash leaves no half file, no file without its run, and neither skips nor doubles what is due.
func TestF43ACrashSkipsAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ commits bool }{"before the commit": {false}, "behind the commit": {true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
			w.log = &crashing{Log: w.Log, commits: c.commits}
			w.renew()
			w.put(register.Extract{})
			w.Must(w.Manager.OrderExtract(t.Context(), "test", "kommuner"))
			w.run()
			w.Until("it fails", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.trouble) > 0 })
			w.stop()
			w.Must(os.WriteFile(filepath.Join(w.dir, "kommuner", ".part-x"), []byte("half"), 0o600))
			w.log = w.Log
			w.renew()
			w.run()
			w.await("kommuner", 1)
			w.order("kommuner")
			w.Until("what is left of the crash is gone", func() bool {
				return slices.Equal(w.names(), []string{"kommuner-000001-total-1.jsonl.zip", "kommuner-000002-total-1.jsonl.zip"})
			})
		})
	}
}

// A run that fails is tried again, later and later, and leaves nothing behind.
func TestF43AFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.rows.fail = errors.New("no database")
	w.put(register.Extract{})
	w.Must(w.Manager.OrderExtract(t.Context(), "test", "kommuner"))
	w.run()
	w.until(managetest.Epoch.Add(time.Minute))
	w.Clock.Advance(time.Minute)
	w.until(managetest.Epoch.Add(3 * time.Minute))
	if names := w.names(); len(names) > 0 || len(w.trouble) != 2 {
		t.Errorf("left %q after %q", names, w.trouble)
	}
	w.rows.mu.Lock()
	w.rows.fail = nil
	w.rows.mu.Unlock()
	if told := w.toldOf(notify.ExtractFailed); len(told) != 1 || !strings.Contains(told[0], `"reason":"internal"`) || !strings.Contains(told[0], `"failingSince":"`+managetest.Epoch.UTC().Format(time.RFC3339)) {
		t.Errorf("the operator was told %q", told) // at the second failure, once
	}
	w.Clock.Advance(2 * time.Minute)
	w.await("kommuner", 1)
}

// toldOf lists what events of the hub's own say.
func (w *world) toldOf(kind string) (list []string) {
	w.T.Helper()
	events, _, err := w.Log.Read(w.T.Context(), 0, 1000)
	w.Must(err)
	for _, e := range events {
		if e.Type == kind {
			list = append(list, string(e.Data))
		}
	}
	return list
}

// overtaken is the log of a node that another one overtakes, between its look and its commit.
type overtaken struct {
	extract.Log
	once sync.Once
	by   func()
}

func (o *overtaken) Append(ctx context.Context, r *eventlog.Request) error {
	o.once.Do(o.by)
	return o.Log.Append(ctx, r)
}

// Two nodes that both believe it is theirs make one run, and tell of it once.
func TestF43AnotherNodeWasFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.put(register.Extract{})
	w.Must(w.Manager.OrderExtract(t.Context(), "test", "kommuner"))
	other := w.maker
	w.files = shelfOf(t)
	w.log = &overtaken{Log: w.Log, by: func() {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); other.Run(ctx) }()
		w.await("kommuner", 1)
		stop()
		<-done
	}}
	w.renew()
	w.run()
	w.await("kommuner", 1)
	w.order("kommuner")
	if state := w.Book.ExtractState("kommuner"); state.Number != 2 || state.Pending() || len(state.Files) != 2 {
		t.Errorf("%+v", state)
	}
}

// F43: old files go: all but the newest, those whose time is over, and those of an extract that is no more.
func TestF43OldFilesGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.run()
	w.put(register.Extract{Keep: 2, KeepDays: 3})
	for range 3 {
		w.order("kommuner")
	}
	w.Until("the first is gone", func() bool {
		return slices.Equal(w.names(), []string{"kommuner-000002-total-1.jsonl.zip", "kommuner-000003-total-1.jsonl.zip"})
	})
	if _, err := w.maker.Open("kommuner", "kommuner-000001-total-1.jsonl.zip"); !fault.Has(err, fault.NotFound) {
		t.Errorf("want the first gone, got %v", err)
	}
	w.until(managetest.Epoch.AddDate(0, 0, 3))
	w.Clock.Advance(3 * 24 * time.Hour)
	w.Until("their time is over", func() bool { return len(w.names()) == 0 })
	if kept := w.maker.Kept("kommuner"); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
	w.order("kommuner")
	w.Must(w.Manager.RemoveExtract(t.Context(), "kommuner", manage.By{Author: "test", Condition: manage.Condition{Present: true}}))
	w.Until("the extract's files are gone", func() bool { return len(w.names()) == 0 })
	w.put(register.Extract{Selection: register.Delta})
	if run := w.order("kommuner"); run.File != "kommuner-000005-delta-0-1.jsonl.zip" {
		t.Errorf("one of the same name began with %+v", run)
	}
}

func TestTheChecksumIsAFileToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rows.add(w.rows.deliver(register.Published), "1", "Aarhus", "Gældende", known)
	w.run()
	w.put(register.Extract{})
	run := w.order("kommuner")
	opened, err := w.maker.Open("kommuner", run.File+extract.ChecksumEnding)
	w.Must(err)
	text := make([]byte, opened.Size)
	_, err = opened.Read(text)
	if want := run.SHA256 + "  " + run.File + "\n"; err != nil || string(text) != want {
		t.Errorf("%q %v, want %q", text, err, want)
	}
	for _, name := range []string{"", "..", "x.zip", "../" + run.File, ".part-" + run.File} {
		if _, err := w.maker.Open("kommuner", name); !fault.Has(err, fault.NotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
