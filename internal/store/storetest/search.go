package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
)

// clue is a hash for a test.
func clue(n byte) event.Clue { return event.Clue{n, 1} }

func of(position int64, n byte) eventlog.Clue {
	return eventlog.Clue{Position: position, Hash: clue(n)}
}

func index(t testing.TB, s Store, c eventlog.Clues) {
	t.Helper()
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Clues: &c}}})
}

func positions(t testing.TB, s Store, below int64, limit int, clues ...event.Clue) []int64 {
	t.Helper()
	list, err := s.Positions(t.Context(), clues, below, limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The index answers newest first over days and classes, in pages, and by either of two hashes; the cursor comes with it.
func cluesAreFoundNewestFirst(t *testing.T, w *world) {
	s := w.open(t)
	var rows []eventlog.Clue
	for i := range int64(9) {
		publish(t, s, i/3*day, personal(fmt.Sprint(i), []event.Retention{"P1D", "", "P2D"}[i%3]))
		rows = append(rows, of(i+1, byte(i%2)))
	}
	maker := clue(99)
	if upTo, _, err := s.Indexed(t.Context()); upTo != 0 || err != nil {
		t.Errorf("at first up to %d, %v", upTo, err)
	}
	index(t, s, eventlog.Clues{Maker: maker, UpTo: 4, Rows: rows[:5]}) // the fifth has more than go in at once
	index(t, s, eventlog.Clues{Maker: maker, After: 4, UpTo: 9, Rows: rows[5:]})
	for _, test := range []struct {
		below int64
		limit int
		clues []event.Clue
		want  []int64
	}{
		{100, 100, []event.Clue{clue(0)}, []int64{9, 7, 5, 3, 1}},
		{100, 2, []event.Clue{clue(0)}, []int64{9, 7}},
		{7, 2, []event.Clue{clue(0)}, []int64{5, 3}},
		{6, 3, []event.Clue{clue(0), clue(1)}, []int64{5, 4, 3}},
		{1, 3, []event.Clue{clue(0)}, nil},
		{100, 9, []event.Clue{clue(2)}, nil},
		{100, 9, []event.Clue{event.ClueOf(ident.Message("urn:s", "4"))}, []int64{5}},
	} {
		if got := positions(t, s, test.below, test.limit, test.clues...); !slices.Equal(got, test.want) {
			t.Errorf("below %d, %d at most: %v, want %v", test.below, test.limit, got, test.want)
		}
	}
	if upTo, made, err := s.Indexed(t.Context()); upTo != 9 || made != maker || err != nil {
		t.Errorf("up to %d, by %x, %v", upTo, made, err)
	}
}

// What other secrets made goes as a whole, and the same rows again change nothing.
func cluesAreMadeAnew(t *testing.T, w *world) {
	s := w.open(t)
	publish(t, s, 0, personal("a", "P1D"))
	old := eventlog.Clues{UpTo: 1, Rows: []eventlog.Clue{of(1, 1)}}
	index(t, s, old)
	index(t, s, old)
	if got := positions(t, s, 100, 100, clue(1)); !slices.Equal(got, []int64{1}) {
		t.Errorf("twice: %v", got)
	}
	index(t, s, eventlog.Clues{Anew: true, UpTo: 1, Rows: []eventlog.Clue{of(1, 2)}})
	if got := positions(t, s, 100, 100, clue(1), clue(2)); !slices.Equal(got, []int64{1}) || positions(t, s, 100, 100, clue(1)) != nil {
		t.Errorf("anew: %v", got)
	}
}

// DESIGN promise 11: what is forgotten is not found by its hashes any more, also where the index comes after; its message
// id still finds the skeleton.
func forgettingTakesTheClues(t *testing.T, w *world) {
	s := w.open(t)
	for i, retention := range []event.Retention{"P1D", "P2D", "P1D", "P1D"} {
		publish(t, s, int64(i)/2*day, personal(fmt.Sprint(i), retention))
	}
	index(t, s, eventlog.Clues{UpTo: 2, Rows: []eventlog.Clue{of(1, 1), of(2, 1)}})
	for d := range int64(2) {
		if _, err := s.Forget(t.Context(), "P1D", d); err != nil {
			t.Fatal(err)
		}
	}
	index(t, s, eventlog.Clues{After: 2, UpTo: 4, Rows: []eventlog.Clue{of(3, 1), of(4, 1)}})
	for range 2 {
		if got := positions(t, s, 100, 100, clue(1)); !slices.Equal(got, []int64{2}) {
			t.Errorf("found %v", got)
		}
		for i := range int64(4) {
			if got := positions(t, s, 100, 100, event.ClueOf(ident.Message("urn:s", fmt.Sprint(i)))); !slices.Equal(got, []int64{i + 1}) {
				t.Errorf("message %d: %v", i, got)
			}
		}
		prune(t, s, 100)
	}
}

// A time is a range of positions, over gaps that are no events.
func beforeATime(t *testing.T, w *world) {
	s := w.open(t)
	before := func(at, want int64) {
		t.Helper()
		if got, err := s.Before(t.Context(), at); got != want || err != nil {
			t.Errorf("before %d: %d, want %d, %v", at, got, want, err)
		}
	}
	before(5, 0)
	for i := range 20 {
		commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Expect: max(0, int64(2*i-1)), Revisions: []revision.Revision{revision.Removal("me", revision.Source, "b")}}}})
		publish(t, s, int64(i/2*10), fresh(fmt.Sprint(i), "data", 1))
	}
	before(0, 0)
	for i := range int64(10) {
		before(i*10+1, i*4+4)
		before(i*10+10, i*4+4)
	}
	before(1000, 40)
}

// DESIGN promise 7: what was settled gains no event, whatever the clock of who appends shows.
func aSettledTime(t *testing.T, w *world) {
	s := w.open(t)
	settle := func(before, now, want int64) {
		t.Helper()
		if end, err := s.Settle(t.Context(), before, now); end != want || err != nil {
			t.Errorf("before %d at %d: %d, want %d, %v", before, now, end, want, err)
		}
	}
	recorded := func() int64 {
		events := read(t, s)
		return events[len(events)-1].Recorded
	}
	publish(t, s, 100, fresh("a", "data", 1))
	settle(90, 120, 90) // that is over
	publish(t, s, 100, fresh("b", "data", 1))
	if at := recorded(); at != 100 {
		t.Errorf("recorded at %d", at)
	}
	settle(110, 120, 110)
	publish(t, s, 105, fresh("c", "data", 1))
	if at := recorded(); at != 110 {
		t.Errorf("after all before 110 was read there comes an event recorded at %d", at)
	}
	settle(1000, 120, 121) // what lies ahead is cut
	publish(t, s, 115, fresh("d", "data", 1))
	if at := recorded(); at != 121 {
		t.Errorf("after all before 121 was read there comes an event recorded at %d", at)
	}
	settle(1000, 50, 122) // a clock that was set back: what is accepted is there to be read
	if at, err := s.Before(t.Context(), 122); at != 4 || err != nil {
		t.Errorf("the last before it is %d, %v", at, err)
	}
}

// Skeletons come newest first, by type and source, forgotten or not.
func skeletons(t *testing.T, w *world) {
	s := w.open(t)
	for i := range 6 {
		entry := fresh(fmt.Sprint(i), "data", byte(i))
		entry.Event.Source, entry.Event.Type, entry.Event.Version = []string{"urn:s", "urn:r"}[i%2], []string{"t", "u", "t"}[i%3], fmt.Sprint("v", i)
		publish(t, s, 1, entry)
	}
	for _, forgotten := range []bool{false, true} {
		for _, test := range []struct {
			w     eventlog.Stretch
			limit int
			want  []int64
		}{
			{eventlog.Stretch{Below: 9}, 9, []int64{6, 5, 4, 3, 2, 1}},
			{eventlog.Stretch{Above: 2, Below: 6}, 2, []int64{5, 4}},
			{eventlog.Stretch{Below: 9, Type: "t"}, 9, []int64{6, 4, 3, 1}},
			{eventlog.Stretch{Below: 9, Source: "urn:r"}, 9, []int64{6, 4, 2}},
			{eventlog.Stretch{Below: 9, Source: "urn:r", Type: "u"}, 9, []int64{2}},
			{eventlog.Stretch{Below: 9, Source: "urn:x"}, 9, nil},
			{eventlog.Stretch{Below: 9, Type: "x"}, 9, nil},
		} {
			list, err := s.Skeletons(t.Context(), test.w, test.limit)
			var got []int64
			for _, e := range list {
				got = append(got, e.Position)
			}
			if !slices.Equal(got, test.want) || err != nil {
				t.Errorf("%+v: %v, want %v, %v", test.w, got, test.want, err)
			}
		}
		e, err := s.Skeleton(t.Context(), 4)
		if err != nil || e.Source != "urn:r" || e.Type != "t" || e.Version != "v3" || e.ID != ident.Message("urn:s", "3") || !e.Personal || e.Recorded != 1 || e.Data != nil {
			t.Errorf("%+v %v", e, err)
		}
		if !forgotten && e.Lane != (event.Lane{3}) {
			t.Errorf("its lane is %s", e.Lane)
		}
		if _, err := s.Forget(t.Context(), "", 0); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := s.Skeleton(t.Context(), 7); e != nil || !fault.Has(err, fault.NotFound) {
		t.Errorf("%+v %v", e, err)
	}
	if at, err := s.Named(t.Context(), "3"); !slices.Equal(at, []int64{4}) || err != nil {
		t.Errorf("%v %v", at, err)
	}
	other := fresh("3", "data", 1)
	other.Event.Source = "urn:q"
	publish(t, s, 1, other)
	if at, err := s.Named(t.Context(), "3"); !slices.Equal(at, []int64{4, 7}) || err != nil {
		t.Errorf("%v %v", at, err)
	}
}
