package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

func same(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }

// vault is the one beside a database.
func vault(t testing.TB, file string) *secret.Vault {
	t.Helper()
	v, err := secret.Open(filepath.Join(filepath.Dir(file), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// options are those of a store in a directory of its own.
func options(t testing.TB, same func(stored, offered *event.Event) bool) sqlite.Options {
	t.Helper()
	return sqlite.Options{Keys: vault(t, filepath.Join(t.TempDir(), "hub.db")), Same: same}
}

func open(t testing.TB, file string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(id, data string, lane byte) eventlog.Entry {
	return eventlog.Entry{Event: &event.Event{
		ID: ident.Message("urn:s", id), Source: "urn:s", SourceID: id, Type: "t", Version: "v1", Lane: event.Lane{lane},
		Organisation: event.Organisation{Type: "5", Code: "101"}, Personal: true,
		Head: fmt.Appendf(nil, `{"id":%q}`, id), MediaType: "text/plain", Data: []byte(data),
	}}
}

func commit(t *testing.T, s *sqlite.Store, c *eventlog.Commit) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func statuses(r *eventlog.Request) (list []eventlog.Status) {
	for _, e := range r.Entries {
		list = append(list, e.Status)
	}
	return list
}

// DESIGN promise 1: the same source and id with the same content is one event; with other content it is a conflict.
// Entries succeed or fail one by one in partial mode, all together otherwise, and a refused one holds its lane.
func TestAppendOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const a, d, c, h = eventlog.Appended, eventlog.Duplicate, eventlog.Clashes, eventlog.Held
	for _, test := range []struct {
		name    string
		partial bool
		entries []eventlog.Entry
		want    []eventlog.Status
		refused bool
		head    int64
	}{
		{"new", false, []eventlog.Entry{fresh("1", "x", 1), fresh("2", "y", 1)}, []eventlog.Status{a, a}, false, 3},
		{"repeated", false, []eventlog.Entry{fresh("0", "first", 1), fresh("2", "y", 1)}, []eventlog.Status{d, a}, false, 2},
		{"twice in one request", false, []eventlog.Entry{fresh("1", "x", 1), fresh("1", "x", 1)}, []eventlog.Status{a, d}, false, 2},
		{"conflict refuses the whole", false, []eventlog.Entry{fresh("1", "x", 1), fresh("0", "other", 1)}, []eventlog.Status{a, c}, true, 1},
		{"conflict alone", false, []eventlog.Entry{fresh("0", "other", 1)}, []eventlog.Status{c}, true, 1},
		{"conflict in partial mode holds its lane", true, []eventlog.Entry{fresh("0", "other", 1), fresh("1", "x", 1), fresh("2", "y", 2)}, []eventlog.Status{c, h, a}, false, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, filepath.Join(t.TempDir(), "hub.db"))
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{fresh("0", "first", 1)}}}, Now: 1000})
			r := &eventlog.Request{Partial: test.partial, Entries: test.entries}
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: 2000})
			if got := statuses(r); !slices.Equal(got, test.want) {
				t.Errorf("want statuses %v, got %v", test.want, got)
			}
			if (r.Err != nil) != test.refused || test.refused && !fault.Has(r.Err, fault.EventConflict) {
				t.Errorf("want refused %v, got %v", test.refused, r.Err)
			}
			if head, _, _ := s.Head(t.Context()); head != test.head {
				t.Errorf("want the log's head at %d, got %d", test.head, head)
			}
			events, err := s.Range(t.Context(), 0, 100, 100)
			if err != nil || int64(len(events)) != test.head {
				t.Errorf("want %d events stored, got %d, %v", test.head, len(events), err)
			}
		})
	}
}

// What is read back is what was appended, after the file was closed and opened again.
func TestEventsReadBackAsWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	entry := fresh("1", "data", 7)
	entry.Event.Time = 123
	unordered := fresh("2", "", 0)
	unordered.Event.Lane = event.Lane{}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry, unordered}}}, Now: 5000})
	s.Close()
	s = open(t, file)
	e, err := s.At(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := entry.Event
	if e.ID != want.ID || e.Source != want.Source || e.SourceID != "1" || e.Type != "t" || e.Version != "v1" || e.Time != 123 ||
		e.Recorded != 5000 || e.Organisation != want.Organisation || e.Lane != want.Lane || !e.Personal ||
		string(e.Head) != string(want.Head) || e.MediaType != "text/plain" || string(e.Data) != "data" {
		t.Errorf("want %+v, got %+v", want, e)
	}
	alone, err := s.At(t.Context(), 2)
	if err != nil || alone.Lane != event.Alone(2) || len(alone.Data) != 0 || alone.Time != 5000 {
		t.Errorf("want an event with a lane of its own and its recorded time, got %+v, %v", alone, err)
	}
	if position, err := s.Find(t.Context(), "urn:s", "2"); position != 2 || err != nil {
		t.Errorf("want position 2, got %d, %v", position, err)
	}
	if _, err := s.At(t.Context(), 3); !fault.Has(err, fault.NotFound) {
		t.Errorf("want not-found, got %v", err)
	}
}

// DESIGN promise 7: recorded times never go back, whatever the clock does, also over a restart.
func TestRecordedTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	var got []int64
	for i, now := range []int64{1000, 900, 1100, 500} {
		if i == 2 {
			s.Close()
			s = open(t, file)
		}
		entry := fresh(fmt.Sprint(i), "x", 1)
		commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}, Now: now})
		got = append(got, entry.Event.Recorded)
	}
	if want := []int64{1000, 1000, 1100, 1100}; !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
}

// A change of configuration that was checked against an older one is refused whole; the others of its group go in.
func TestRevisionsExpectWhatTheirAuthorSaw(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	rev := func(expect int64) *eventlog.Request {
		return &eventlog.Request{Expect: expect, Consumers: []eventlog.Founding{{Name: "subscription/x"}}, Revisions: []revision.Revision{
			revision.Of("me", revision.Source, "a", event.Source{Name: "a"}), revision.Removal("me", revision.Source, "b"),
		}}
	}
	first, stale, entry := rev(0), rev(0), fresh("1", "x", 1)
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{first, stale, {Entries: []eventlog.Entry{entry}}}, Now: 1})
	if first.Err != nil || !fault.Has(stale.Err, fault.Precondition) {
		t.Fatalf("want the first in and the stale one refused, got %v and %v", first.Err, stale.Err)
	}
	list, err := s.Revisions(t.Context(), 0)
	if err != nil || len(list) != 2 || list[0].Position != 1 || list[1].Document != nil || entry.Event.Position != 3 {
		t.Fatalf("want revisions at 1 and 2 and the event at 3, got %+v, event at %d, %v", list, entry.Event.Position, err)
	}
	consumers, err := s.Consumers(t.Context())
	if err != nil || len(consumers) != 1 || consumers[0].Low != 3 || consumers[0].High != 2 {
		t.Fatalf("want one consumer that begins after its revision, got %+v, %v", consumers, err)
	}
}

// Engine invariants I2, I5: a cut goes in whole, and what is read back at start says exactly what is settled.
func TestCutsReadBack(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Consumers: []eventlog.Founding{{Name: "c"}}, Revisions: []revision.Revision{revision.Removal("me", revision.Source, "b")}}}})
	consumers, _ := s.Consumers(t.Context(), "c")
	id := consumers[0].ID
	events := &eventlog.Request{}
	for position := 2; position <= 8; position++ {
		events.Entries = append(events.Entries, fresh(fmt.Sprint(position), "x", 1))
	}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{events}})
	blocked := eventlog.Blocked{
		Lane: event.Lane{1}, Position: 4, Line: "l", State: eventlog.ParkedAt, Attempts: 3, Failures: 2, Since: 5, Due: 6, Spell: 7, Status: 422, Reason: "r",
	}
	commit(t, s, &eventlog.Commit{Cuts: []*eventlog.Cut{{
		Consumer: id, Low: 3, High: 9, Pending: 2, Counted: 9,
		Attempts: []eventlog.Attempt{
			{Position: 5, Number: 1, At: 10, Outcome: eventlog.Done, Result: channel.Result{Status: 200, Duration: time.Millisecond}},
			{Position: 6, Number: 1, At: 11, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{Status: 500, Reason: "why", Detail: "more", Body: []byte("oops")}},
		},
		Blocked: []eventlog.Blocked{blocked},
		Waiting: []eventlog.Waiting{{Lane: event.Lane{1}, Position: 7, Line: "l"}, {Lane: event.Lane{1}, Position: 8, Line: "l"}},
	}}})
	s.Close()
	s = open(t, file)
	consumers, err := s.Consumers(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	k := consumers[0]
	if k.Low != 3 || k.High != 9 || k.Pending != 2 || len(k.Blocked) != 1 || k.Blocked[0] != blocked || k.Behind[event.Lane{1}] != 2 {
		t.Errorf("got %+v", k)
	}
	for position, settled := range map[int64]bool{3: false, 4: true, 5: true, 6: false, 7: true, 8: true, 9: false} {
		if k.Settled[position] != settled {
			t.Errorf("position %d: want settled %v", position, settled)
		}
	}
	rows, err := s.AttemptsAt(t.Context(), 6)
	if err != nil || len(rows) != 1 || rows[0].Consumer != "c" || rows[0].Result.Reason != "why" || rows[0].Result.Detail != "more" || string(rows[0].Result.Body) != "oops" {
		t.Errorf("got %+v, %v", rows, err)
	}
	waiting, err := s.WaitingIn(t.Context(), id, event.Lane{1}, 7, 10)
	if err != nil || len(waiting) != 1 || waiting[0].Position != 8 {
		t.Errorf("want only position 8 behind 7, got %+v, %v", waiting, err)
	}
	commit(t, s, &eventlog.Commit{Cuts: []*eventlog.Cut{{Consumer: id, Low: 10, High: 9, Unblocked: []eventlog.Lane{{1}}, Served: waiting}}})
	consumers, _ = s.Consumers(t.Context(), "c")
	if k := consumers[0]; len(k.Blocked) != 0 || k.Behind[event.Lane{1}] != 1 {
		t.Errorf("want the lane unblocked and one waiting, got %+v", k)
	}
	commit(t, s, &eventlog.Commit{Cuts: []*eventlog.Cut{{Consumer: id, Ended: true, Dropped: 1}}})
	consumers, _ = s.Consumers(t.Context(), "c")
	if !consumers[0].Ended {
		t.Error("want the consumer ended")
	}
}

// A file of another schema is refused, not guessed at.
func TestOtherSchemaIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	first, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same, Version: "v7.0"})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bytes[63] = 99 // user_version, SQLite file format section 1.3
	if err := os.WriteFile(file, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same})
	if !fault.Has(err, fault.StoreNewer) || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), "varsel v7.0") {
		t.Errorf("want it refused, and said which version wrote it, got %v", err)
	}
	if err == nil {
		s.Close()
	}
}

// Promise 1 and DESIGN section 5, Record: on a full disk a commit is refused whole, what was accepted stays, and when
// there is room again commits go through.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	s := open(t, filepath.Join(dir, "hub.db"))
	accepted := int64(0)
	var err error
	for i := 0; err == nil; i++ {
		entry := fresh(fmt.Sprint(i), string(make([]byte, 8<<10)), 1)
		if err = s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}, Now: 1}); err == nil {
			accepted = entry.Event.Position
		}
	}
	events, rangeErr := s.Range(t.Context(), 0, accepted+10, 1000)
	if rangeErr != nil || int64(len(events)) != accepted {
		t.Fatalf("want the %d accepted events readable, got %d, %v", accepted, len(events), rangeErr)
	}
	if out, err := exec.Command("mount", "-o", "remount,size=64m", dir).CombinedOutput(); err != nil {
		t.Fatalf("cannot grow the disk: %v %s", err, out)
	}
	entry := fresh("after", "x", 1)
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}, Now: 1})
	if entry.Event.Position != accepted+1 {
		t.Errorf("want position %d after the full disk, got %d", accepted+1, entry.Event.Position)
	}
}

// smallDisk mounts a file system of a size; it needs root, as CI has.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", size), "tmpfs", dir).CombinedOutput()
	if err != nil {
		message := fmt.Sprintf("NOT TESTED: a full disk needs a small tmpfs, which only root can mount: %v %s", err, out)
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("cannot unmount: %v %s", err, out)
		}
	})
	return dir
}
