package storetest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// prune takes steps until nothing is left to do, at most so many, and returns how many events went.
func prune(t testing.TB, s Store, steps int) (events int64) {
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

// answer records attempts whose answers echo what was sent.
func (w *world) answer(t testing.TB, s Store, consumer int64, positions ...int64) {
	t.Helper()
	cut := &eventlog.Cut{Consumer: consumer, Low: 1, High: 1}
	for _, position := range positions {
		cut.Attempts = append(cut.Attempts, eventlog.Attempt{Position: position, Number: 1, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{
			Status: 500, Reason: "why", Detail: "no place for " + person, Body: []byte("cannot take " + person),
		}})
	}
	w.record(t, s, cut)
}

// readable lists the positions whose events can be read, and holds the others to be skeletons.
func readable(t testing.TB, s Store) (list []int64) {
	t.Helper()
	for _, e := range read(t, s) {
		if e.Forgotten != (e.Data == nil && e.Head == nil) || e.Type != "t" || e.Forgotten && e.Lane != event.Alone(e.Position) {
			t.Errorf("want a whole event or a skeleton, got %+v", e)
		}
		if one, err := s.At(t.Context(), e.Position); err != nil || one.Forgotten != e.Forgotten || !bytes.Equal(one.Data, e.Data) {
			t.Errorf("At reads %+v, %v", one, err)
		}
		if !e.Forgotten {
			list = append(list, e.Position)
		}
	}
	return list
}

func wantAnswer(t testing.TB, s Store, position int64, there bool) {
	t.Helper()
	rows, err := s.AttemptsAt(t.Context(), position)
	if err != nil || len(rows) != 1 || rows[0].Result.Status != 500 || rows[0].Result.Reason != "why" ||
		(rows[0].Result.Detail == "no place for "+person) != there || (string(rows[0].Result.Body) == "cannot take "+person) != there ||
		!there && (rows[0].Result.Detail != "" || len(rows[0].Result.Body) > 0) {
		t.Errorf("of the answer at %d there is %+v, %v; want it whole: %v", position, rows, err, there)
	}
}

// DESIGN promise 11: with its data keys destroyed a class and day is gone, and nothing else is.
func forgetting(t *testing.T, w *world) {
	s := w.open(t)
	c := w.found(t, s, "c").ID
	publish(t, s, day+5, personal("2", "P30D"), personal("3", ""))
	w.answer(t, s, c, 2, 3)
	s = w.again(t, s)
	publish(t, s, day+6, personal("4", "P30D")) // under a second key
	publish(t, s, 2*day, personal("5", "P30D"))
	if got := readable(t, s); !slices.Equal(got, []int64{2, 3, 4, 5}) {
		t.Fatalf("read %v", got)
	}
	if kept, err := s.Kept(t.Context()); err != nil || !slices.Equal(kept, []eventlog.Class{{Retention: "P30D", Day: 1}, {Retention: "P30D", Day: 2}}) {
		t.Errorf("kept are %+v %v", kept, err)
	}
	keys, err := s.Forget(t.Context(), "P30D", 1)
	if err != nil || keys != 2 {
		t.Fatalf("want 2 keys destroyed, got %d, %v", keys, err)
	}
	for _, then := range []func(){func() { prune(t, s, 100) }, func() { s = w.again(t, s) }, func() {}} {
		if got := readable(t, s); !slices.Equal(got, []int64{3, 5}) {
			t.Errorf("after forgetting it reads %v", got)
		}
		wantAnswer(t, s, 2, false)
		wantAnswer(t, s, 3, true)
		then()
	}
	if kept, err := s.Kept(t.Context()); err != nil || !slices.Equal(kept, []eventlog.Class{{Retention: "P30D", Day: 2}}) {
		t.Errorf("kept are %+v %v", kept, err)
	}
	if keys, err := s.Forget(t.Context(), "P30D", 1); err != nil || keys != 0 {
		t.Errorf("forgotten again: %d, %v", keys, err)
	}
	// What comes after, even of that day, is kept; what was forgotten is still known.
	again := &eventlog.Request{Entries: []eventlog.Entry{personal("2", "P30D")}}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{again}})
	if again.Entries[0].Status != eventlog.Duplicate {
		t.Errorf("the forgotten event, published again, is %v", again.Entries[0].Status)
	}
	c = w.takeUp(t, s, "c")[0].ID
	w.answer(t, s, c, 4)
	wantAnswer(t, s, 4, false)
}

// The class of today can be forgotten while the hub goes on sealing for it.
func forgettingToday(t *testing.T, w *world) {
	s := w.open(t)
	for n := range int64(3) {
		publish(t, s, day+n, personal(fmt.Sprint(n), "P30D"))
		if got := readable(t, s); !slices.Equal(got, []int64{n + 1}) {
			t.Errorf("it reads %v", got)
		}
		if keys, err := s.Forget(t.Context(), "P30D", 1); keys != 1 || err != nil {
			t.Fatal(keys, err)
		}
		if n == 1 {
			prune(t, s, 10)
		}
	}
	if got := readable(t, s); got != nil {
		t.Errorf("it reads %v", got)
	}
}

// At the end of a retention payloads, answers, lanes and hashes go, the skeleton and the attempts stay. Nothing else is
// touched, and a process that died between any two steps finds what is left to do.
func pruning(t *testing.T, w *world) {
	s := w.open(t)
	c := w.found(t, s, "c").ID
	for i := range 20 {
		publish(t, s, day+int64(i), personal(fmt.Sprint("a", i), "P30D"), personal(fmt.Sprint("b", i), "P60D"))
		if i == 10 {
			s = w.again(t, s) // another key of the same class and day
		}
	}
	c = w.takeUp(t, s, "c")[0].ID
	w.answer(t, s, c, 2, 3)
	publish(t, s, 2*day, personal("later", "P30D"))
	const last = 42
	index(t, s, eventlog.Clues{UpTo: last, Rows: []eventlog.Clue{of(2, 1), of(3, 1), of(last, 1)}})
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
		s = w.again(t, s) // as a crash would: nothing is kept but the database
		if !p.More {
			break
		}
	}
	if pruned != 20 {
		t.Errorf("%d events were pruned", pruned)
	}
	var want []int64
	for position := int64(3); position < last; position += 2 {
		want = append(want, position)
	}
	if got := readable(t, s); !slices.Equal(got, append(want, last)) {
		t.Errorf("it reads %v", got)
	}
	wantAnswer(t, s, 2, false)
	wantAnswer(t, s, 3, true)
	if got := positions(t, s, 100, 100, clue(1)); !slices.Equal(got, []int64{last, 3}) {
		t.Errorf("found %v", got)
	}
	for _, e := range mustSkeletons(t, s) {
		if gone := e.Position < last && e.Position%2 == 0; e.Forgotten != gone || (e.Lane == event.Lane{1}) == gone {
			t.Errorf("the skeleton %+v", e)
		}
	}
	if again := prune(t, s, 10); again != 0 {
		t.Errorf("%d events were pruned twice", again)
	}
}

func mustSkeletons(t testing.TB, s Store) []*event.Event {
	t.Helper()
	list, err := s.Skeletons(t.Context(), eventlog.Stretch{Below: 1 << 40}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What stands in lanes on disk and was forgotten is found, whether its rows are pruned or not.
func forgottenInLanes(t *testing.T, w *world) {
	s := w.open(t)
	c := w.found(t, s, "c").ID
	publish(t, s, day, personal("2", "P1D"), personal("3", "P1D"), personal("4", "P2D"), personal("5", "P2D"))
	lane := event.Lane{1}
	w.record(t, s, &eventlog.Cut{
		Consumer: c, Low: 6, High: 5, Blocked: []eventlog.Blocked{{Lane: lane, Position: 2, State: eventlog.ParkedAt}},
		Waiting: []eventlog.Waiting{{Lane: lane, Position: 3}, {Lane: lane, Position: 4}, {Lane: lane, Position: 5}},
	})
	for _, want := range [][]int64{nil, {2, 3}, {2, 3}} {
		got, err := s.Forgotten(t.Context(), 1, 10, 10)
		slices.Sort(got)
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%v, want %v, %v", got, want, err)
		}
		if _, err := s.Forget(t.Context(), "P1D", 1); err != nil {
			t.Fatal(err)
		}
		if want != nil {
			prune(t, s, 10)
		}
	}
	if err := s.Erase(t.Context(), []int64{5}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		from, upTo int64
		limit      int
		want       int
	}{{1, 10, 10, 3}, {1, 10, 2, 2}, {3, 3, 10, 1}, {4, 10, 10, 1}} {
		if got, err := s.Forgotten(t.Context(), test.from, test.upTo, test.limit); len(got) != test.want || err != nil {
			t.Errorf("%+v: %v, %v", test, got, err)
		}
	}
}

// DESIGN promise 11: of what was erased there is a skeleton, and nothing finds it by what it said; its neighbours stay.
// Made again, it does what is left.
func erasing(t *testing.T, w *world) {
	s := w.open(t)
	c := w.found(t, s, "c").ID
	const events = 300 // more than go in one step
	var entries []eventlog.Entry
	var all, erased []int64
	clues := eventlog.Clues{UpTo: events + 1}
	for n := int64(2); n <= events+1; n++ {
		entries = append(entries, personal(fmt.Sprint(n), []event.Retention{"P30D", ""}[n%2]))
		all = append(all, n)
		clues.Rows = append(clues.Rows, eventlog.Clue{Position: n, Hash: event.Clue{byte(n), byte(n >> 8), 7}})
		if n%3 == 0 || n%10 == 0 {
			erased = append(erased, n)
		}
	}
	publish(t, s, day, entries...)
	w.answer(t, s, c, all...)
	index(t, s, clues)
	r := &eventlog.Request{
		Erasure: &eventlog.Erasure{N: 1, Author: "me", Reason: "case 7", UpTo: events + 1, Positions: erased},
		Audit:   []audit.Entry{audit.Of("me", audit.Erase, audit.OfErasure(1), audit.Detail{Events: int64(len(erased))})},
	}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: 7, Chain: newChain(t)})
	if list, err := s.Erasures(t.Context(), 0, true, 10); err != nil || len(list) != 1 || !slices.Equal(list[0].Positions, erased) || list[0].Reason != "case 7" ||
		list[0].Author != "me" || list[0].UpTo != events+1 || list[0].At != day || list[0].Ended != 0 || r.Erasure.At != day {
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
	if list, err := s.Erasures(t.Context(), 1, false, 10); err != nil || len(list) != 0 {
		t.Errorf("before the first: %+v %v", list, err)
	}
	if e, err := s.Erasure(t.Context(), 1); err != nil || e.Ended != 99 {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := s.Erasure(t.Context(), 2); !fault.Has(err, fault.NotFound) {
		t.Error(err)
	}
	want := slices.DeleteFunc(slices.Clone(all), func(n int64) bool { return slices.Contains(erased, n) })
	if got := readable(t, s); !slices.Equal(got, want) {
		t.Errorf("it reads %v", got)
	}
	for i, n := range all[:40] {
		gone := slices.Contains(erased, n)
		wantAnswer(t, s, n, !gone)
		if got := positions(t, s, 1000, 100, clues.Rows[i].Hash); (len(got) == 0) != gone {
			t.Errorf("by its clue %d finds %v", n, got)
		}
	}
	if kept, err := s.Kept(t.Context()); err != nil || len(kept) != 1 {
		t.Errorf("kept are %+v, %v", kept, err)
	}
}

// A payload that is not there, and was not forgotten, is damage.
func aMissingPayloadIsDamage(t *testing.T, w *world) {
	s := w.open(t)
	publish(t, s, day, personal("1", "P1D"))
	w.Execute(t, "DELETE FROM payloads")
	if _, err := s.At(t.Context(), 1); !fault.Has(err, fault.SealBroken) {
		t.Error(err)
	}
}

// Without its key-encryption key, or with another one of its name, the hub does not start, and changes nothing.
func keysAreNeededToStart(t *testing.T, w *world) {
	s := w.open(t)
	publish(t, s, day, personal("1", "P30D"))
	s.Close()
	kek, err := w.keys.NewestKEK()
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(w.dir, "kek-"+kek)
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func() error
		want   fault.Code
	}{
		{"lost", func() error { return os.Remove(kept) }, fault.KeyMissing},
		{"unreadable", func() error { return os.WriteFile(kept, []byte("no key"), 0o600) }, fault.KeyMissing},
		{"another", func() error { return os.WriteFile(kept, bytes.Repeat([]byte("ab"), 32), 0o600) }, fault.SealBroken},
	} {
		if err := test.change(); err != nil {
			t.Fatal(err)
		}
		s, err := w.Open(Options{Keys: w.keys})
		if !fault.Has(err, test.want) {
			t.Errorf("%s: want %s, got %v", test.name, test.want, err)
		}
		if err == nil {
			s.Close()
		}
		if ids, _ := w.keys.KEKs(); len(ids) > 1 {
			t.Errorf("%s: another key was made: %v", test.name, ids)
		}
	}
	if err := os.WriteFile(kept, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open(t).At(t.Context(), 1); err != nil {
		t.Errorf("with the key back it reads %v", err)
	}
}
