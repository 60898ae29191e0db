package storetest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// at reads the state of one consumer.
func at(t testing.TB, s Store, name string) eventlog.Consumer {
	t.Helper()
	list, err := s.Consumers(t.Context(), name)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// several publishes events "2" to "N", which stand at these positions behind the consumer's revision.
func several(t testing.TB, s Store, last int) {
	t.Helper()
	var entries []eventlog.Entry
	for position := 2; position <= last; position++ {
		entries = append(entries, personal(fmt.Sprint(position), "P30D"))
	}
	publish(t, s, day, entries...)
}

// Engine invariants I2, I5: a cut goes in whole, and what is read back at start says exactly what is settled.
func cutsReadBack(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	several(t, s, 8)
	lane := event.Lane{1}
	blocked := eventlog.Blocked{
		Lane: lane, Position: 4, Line: "l", State: eventlog.ParkedAt, Attempts: 3, Failures: 2, Since: 5, Due: 6, Spell: 7, Status: 422, Reason: "r", Pass: 9,
	}
	body := []byte("oops")
	w.record(t, s, &eventlog.Cut{
		Consumer: id, Low: 3, High: 9, Pending: 2, Counted: 9,
		Attempts: []eventlog.Attempt{
			{Position: 5, Number: 1, At: 10, Outcome: eventlog.Done, Result: channel.Result{Status: 200, Duration: time.Millisecond}},
			{Position: 6, Number: 1, At: 11, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{Status: 500, Reason: "why", Detail: "more", Body: body}},
			{Position: 6, Number: 2, At: 12, Outcome: eventlog.Failed, Pass: 3, Result: channel.Result{Status: 500}},
		},
		Blocked: []eventlog.Blocked{blocked},
		Waiting: []eventlog.Waiting{
			{Lane: lane, Position: 7, Line: "l"}, {Lane: lane, Position: 8, Line: "l", Pass: 9, Attempts: 1}, {Lane: lane, Position: 8, Line: "l", Pass: 9, Attempts: 3},
		},
	})
	for _, attempts := range []int{4, 2} { // made since it waits there: they become more, and never fewer
		w.record(t, s, &eventlog.Cut{
			Consumer: id, Low: 3, High: 9, Pending: 2, Counted: 9,
			Waiting: []eventlog.Waiting{{Lane: lane, Position: 8, Line: "m", Attempts: attempts}},
		})
	}
	s = w.again(t, s)
	k := w.takeUp(t, s, "c")[0]
	if k.Low != 3 || k.High != 9 || k.Pending != 2 || k.Counted != 9 || len(k.Blocked) != 1 || k.Blocked[0] != blocked || k.Behind[lane] != 2 || k.Replays != 2 {
		t.Errorf("got %+v", k)
	}
	if want := map[int64]bool{4: true, 5: true, 7: true, 8: true}; !maps.Equal(k.Settled, want) {
		t.Errorf("settled are %v", k.Settled)
	}
	rows, err := s.AttemptsAt(t.Context(), 6)
	if err != nil || len(rows) != 2 || rows[0].Consumer != "c" || rows[0].Result.Reason != "why" || rows[0].Result.Detail != "more" ||
		string(rows[0].Result.Body) != "oops" || !rows[0].Detailed || rows[1].Detailed || rows[1].Number != 2 || rows[1].Pass != 3 || rows[1].At != 12 {
		t.Errorf("got %+v, %v", rows, err)
	}
	rows, err = s.AttemptsAt(t.Context(), 5)
	if err != nil || len(rows) != 1 || rows[0].Result.Status != 200 || rows[0].Result.Duration != time.Millisecond || rows[0].Outcome != eventlog.Done {
		t.Errorf("got %+v, %v", rows, err)
	}
	if rows, err := s.AttemptsAt(t.Context(), 1); err != nil || rows != nil {
		t.Errorf("of no event there are %+v, %v", rows, err)
	}
	waiting, err := s.WaitingIn(t.Context(), id, lane, 7, 10)
	if err != nil || !slices.Equal(waiting, []eventlog.Waiting{{Lane: lane, Position: 8, Line: "l", Pass: 9, Attempts: 4}}) {
		t.Errorf("want only position 8 behind 7, got %+v, %v", waiting, err)
	}
	tried, err := s.Tried(t.Context(), id, 4, 6)
	if err != nil || !maps.Equal(tried, map[int64]int{5: 1, 6: 2}) {
		t.Errorf("tried %v, %v", tried, err)
	}
	blocked.Position, blocked.Pass = 7, 0
	w.record(t, s, &eventlog.Cut{Consumer: id, Low: 10, High: 9, Blocked: []eventlog.Blocked{blocked}, Served: waiting})
	if k := at(t, s, "c"); len(k.Blocked) != 1 || k.Blocked[0] != blocked || k.Behind[lane] != 1 || k.Replays != 0 || len(k.Settled) != 0 {
		t.Errorf("want the lane's next head and one waiting, got %+v", k)
	}
	w.record(t, s, &eventlog.Cut{Consumer: id, Low: 10, High: 9, Unblocked: []eventlog.Lane{lane}})
	if k := at(t, s, "c"); len(k.Blocked) != 0 {
		t.Errorf("want the lane unblocked, got %+v", k)
	}
}

// What a consumer owes one subscription is counted, and what is settled is known, as of one moment.
func whatIsOwed(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	several(t, s, 6)
	w.record(t, s, &eventlog.Cut{
		Consumer: id, Low: 2, High: 6,
		Attempts: []eventlog.Attempt{{Position: 3, Number: 1, Outcome: eventlog.Withheld}},
		Blocked:  []eventlog.Blocked{{Lane: event.Lane{1}, Position: 4, Line: "l", State: eventlog.Retrying}},
		Waiting:  []eventlog.Waiting{{Lane: event.Lane{1}, Position: 5, Line: "l"}, {Lane: event.Lane{1}, Position: 6, Line: "m"}},
	})
	for line, onDisk := range map[string]int64{"l": 2, "m": 1, "n": 0} {
		owed, err := s.Owed(t.Context(), "c", line)
		if err != nil || owed.Low != 2 || owed.OnDisk != onDisk || !maps.Equal(owed.Settled, map[int64]bool{3: true, 4: true, 5: true, 6: true}) {
			t.Errorf("%s: %+v, %v", line, owed, err)
		}
	}
	if owed, err := s.Owed(t.Context(), "another", "l"); err != nil || owed.Low != 0 {
		t.Errorf("%+v, %v", owed, err)
	}
}

// What is on disk comes in order of position, heads and what waits alike, in pages.
func restComesInOrder(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	several(t, s, 9)
	w.record(t, s, &eventlog.Cut{
		Consumer: id, Low: 10, High: 9,
		Blocked: []eventlog.Blocked{{Lane: event.Lane{1}, Position: 4, Line: "l", State: eventlog.Retrying, Attempts: 2, Pass: 1}, {Lane: event.Lane{2}, Position: 7, Line: "m", State: eventlog.ParkedAt}},
		Waiting: []eventlog.Waiting{{Lane: event.Lane{1}, Position: 8, Line: "l"}, {Lane: event.Lane{1}, Position: 5, Line: "l"}, {Lane: event.Lane{2}, Position: 9, Line: "m"}},
	})
	var got []int64
	for after := int64(0); ; after = got[len(got)-1] {
		page, err := s.Rest(t.Context(), id, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		if after == 0 && !reflect.DeepEqual(page[0], eventlog.Waiting{Lane: event.Lane{1}, Position: 4, Line: "l", Pass: 1, Attempts: 2}) {
			t.Errorf("the first is %+v", page[0])
		}
		for _, one := range page {
			got = append(got, one.Position)
		}
	}
	if !slices.Equal(got, []int64{4, 5, 7, 8, 9}) {
		t.Errorf("got %v", got)
	}
}

func endpointsAreRemembered(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	a, b := eventlog.Endpoint{System: "s", URL: "https://a", Spell: 5}, eventlog.Endpoint{System: "s", URL: "https://b", Spell: 6}
	for _, step := range []struct{ write, want []eventlog.Endpoint }{
		{[]eventlog.Endpoint{a, b}, []eventlog.Endpoint{a, b}},
		{[]eventlog.Endpoint{{System: "s", URL: a.URL, Spell: 9}, {System: "s", URL: b.URL}}, []eventlog.Endpoint{{System: "s", URL: a.URL, Spell: 9}}},
	} {
		w.record(t, s, &eventlog.Cut{Consumer: id, Low: 2, High: 1, Endpoints: step.write})
		got, err := s.Endpoints(t.Context())
		slices.SortFunc(got, func(a, b eventlog.Endpoint) int { return int(a.Spell - b.Spell) })
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("%+v, want %+v, %v", got, step.want, err)
		}
	}
}

// A replay is written as it stands, and read back newest first.
func passesGoOn(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	first := eventlog.Pass{
		N: 1, Consumer: id, Line: "l", Author: "me", Began: 3, Rate: 4, Total: 5, Place: 6, Done: 7,
		Filter: eventlog.Filter{After: 1, UpTo: 9, Types: []string{"t"}, Organisations: []event.Organisation{{Type: "5", Code: "101"}}},
	}
	second := eventlog.Pass{N: 2, Consumer: id, Line: "m", Author: "me", Began: 4}
	w.record(t, s, &eventlog.Cut{Consumer: id, Low: 2, High: 1, Passes: []eventlog.Pass{first, second}})
	first.Place, first.Done, first.Ended = 9, 5, 8
	w.record(t, s, &eventlog.Cut{Consumer: id, Low: 2, High: 1, Passes: []eventlog.Pass{first}})
	for _, test := range []struct {
		ended bool
		limit int
		want  []eventlog.Pass
	}{
		{false, 9, []eventlog.Pass{second}},
		{true, 9, []eventlog.Pass{second, first}},
		{true, 1, []eventlog.Pass{second}},
	} {
		if got, err := s.Passes(t.Context(), test.ended, test.limit); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v, want %+v, %v", got, test.want, err)
		}
	}
}

// Counts are added up with what they count; days before the first that is asked for are one.
func talliesAddUp(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	tally := func(line string, day int64, o eventlog.Outcome, replayed bool, count int64) eventlog.Tally {
		return eventlog.Tally{Line: line, Day: day, Outcome: o, Replayed: replayed, Count: count}
	}
	for range 2 {
		w.record(t, s, &eventlog.Cut{Consumer: id, Low: 2, High: 1, Tallies: []eventlog.Tally{
			tally("l", 1, eventlog.Matched, false, 5), tally("l", 2, eventlog.Matched, false, 2), tally("l", 4, eventlog.Done, false, 3),
			tally("l", 4, eventlog.Done, true, 1), tally("m", 4, eventlog.Served, false, 7), tally("m", 4, eventlog.Matched, false, 1),
		}})
	}
	got, err := s.Tallies(t.Context(), "c", 3)
	want := map[eventlog.Tally]bool{
		tally("l", 2, eventlog.Matched, false, 14): true, tally("l", 4, eventlog.Done, false, 6): true, tally("l", 4, eventlog.Done, true, 2): true,
		tally("m", 4, eventlog.Served, false, 14): true, tally("m", 4, eventlog.Matched, false, 2): true,
	}
	for _, one := range got {
		if !want[one] {
			t.Errorf("got %+v", one)
		}
		delete(want, one)
	}
	if err != nil || len(want) > 0 {
		t.Errorf("not there are %+v, %v", want, err)
	}
	if k := at(t, s, "c"); !maps.Equal(k.ByLine, map[string]int64{"l": 6, "m": 2}) {
		t.Errorf("pending are %v", k.ByLine)
	}
}

// Where an event is at a consumer: in its lane, and what a reader was handed out and came back with.
func whereAnEventIs(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	several(t, s, 9)
	lane := event.Lane{1}
	head := eventlog.Blocked{Lane: lane, Position: 4, Line: "l", State: eventlog.Retrying, Attempts: 1, Reason: "r"}
	w.record(t, s, &eventlog.Cut{
		Consumer: id, Low: 8, High: 9, Blocked: []eventlog.Blocked{head},
		Waiting:  []eventlog.Waiting{{Lane: lane, Position: 5, Line: "l"}, {Lane: lane, Position: 7, Line: "l", Pass: 2}},
		Readings: []eventlog.Reading{{UpTo: 5, At: 50}, {UpTo: 9, At: 60}, {UpTo: 3, Rest: true, At: 40}, {UpTo: 5, At: 70, Confirmed: true}, {UpTo: 5, At: 99}},
	})
	w.record(t, s, &eventlog.Cut{Consumer: id, Low: 8, High: 9, Readings: []eventlog.Reading{{UpTo: 7, At: 80, Confirmed: true}, {UpTo: 5, At: 90, Confirmed: true}}})
	place, err := s.Place(t.Context(), "c", lane, 7)
	if err != nil || place.ID != id || place.Low != 8 || place.Ended != 0 || place.Blocked == nil || *place.Blocked != head ||
		place.First == nil || place.First.Position != 5 || place.Waiting == nil || *place.Waiting != (eventlog.Waiting{Lane: lane, Position: 7, Line: "l", Pass: 2}) ||
		place.Served != 60 || place.Confirmed != 80 {
		t.Errorf("%+v, %v", place, err)
	}
	if place, err := s.Place(t.Context(), "c", event.Lane{2}, 2); err != nil || place.Blocked != nil || place.First != nil || place.Waiting != nil || place.Served != 40 || place.Confirmed != 70 {
		t.Errorf("%+v, %v", place, err)
	}
	if place, err := s.Place(t.Context(), "another", lane, 7); err != nil || place.ID != 0 {
		t.Errorf("%+v, %v", place, err)
	}
	if k := at(t, s, "c"); k.Served != 9 || k.RestServed != 3 {
		t.Errorf("handed out up to %d and %d", k.Served, k.RestServed)
	}
}

// A reader by cursor that comes back takes what stood on disk with it, up to where it is; nobody has tried it.
func aReaderConfirms(t *testing.T, w *world) {
	s := w.open(t)
	id := w.found(t, s, "c").ID
	several(t, s, 9)
	w.record(t, s, &eventlog.Cut{
		Consumer: id, Low: 4, High: 9,
		Blocked: []eventlog.Blocked{{Lane: event.Lane{1}, Position: 3, Line: "l", State: eventlog.Standing}, {Lane: event.Lane{2}, Position: 5, Line: "l", State: eventlog.Standing, Attempts: 2}},
		Waiting: []eventlog.Waiting{{Lane: event.Lane{1}, Position: 6, Line: "l"}, {Lane: event.Lane{1}, Position: 8, Line: "l"}},
	})
	w.record(t, s, &eventlog.Cut{Consumer: id, Low: 8, High: 9, Confirmed: 7})
	k := at(t, s, "c")
	if len(k.Blocked) != 0 || k.Behind[event.Lane{1}] != 1 || !maps.Equal(k.Settled, map[int64]bool{8: true}) {
		t.Errorf("%+v", k)
	}
	if rows, err := s.AttemptsAt(t.Context(), 5); err != nil || len(rows) != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// A consumer that ends has nothing on disk any more, and its replays are over; what was tried stays.
func aConsumerEnds(t *testing.T, w *world) {
	s := w.open(t)
	id, other := w.found(t, s, "c").ID, w.found(t, s, "d").ID
	publish(t, s, day, personal("3", ""), personal("4", ""))
	for _, consumer := range []int64{id, other} {
		w.record(t, s, &eventlog.Cut{
			Consumer: consumer, Low: 3, High: 4, Pending: 2, Attempts: []eventlog.Attempt{{Position: 3, Number: 1, Outcome: eventlog.Failed}},
			Blocked: []eventlog.Blocked{{Lane: event.Lane{1}, Position: 3, Line: "l", State: eventlog.Retrying}},
			Waiting: []eventlog.Waiting{{Lane: event.Lane{1}, Position: 4, Line: "l"}},
			Passes:  []eventlog.Pass{{N: consumer, Consumer: consumer, Line: "l"}},
		})
	}
	w.record(t, s, &eventlog.Cut{Consumer: id, Ended: true, Dropped: 2})
	if k := at(t, s, "c"); !k.Ended || k.Pending != 0 || len(k.Blocked) != 0 {
		t.Errorf("%+v", k)
	}
	if k := at(t, s, "d"); k.Ended || k.Pending != 2 || len(k.Blocked) != 1 || k.Behind[event.Lane{1}] != 1 {
		t.Errorf("another: %+v", k)
	}
	if owed, err := s.Owed(t.Context(), "c", "l"); err != nil || owed.Low != 0 {
		t.Errorf("%+v %v", owed, err)
	}
	if rest, err := s.Rest(t.Context(), id, 0, 10); err != nil || len(rest) != 0 {
		t.Errorf("%+v %v", rest, err)
	}
	if place, err := s.Place(t.Context(), "c", event.Lane{1}, 3); err != nil || place.Ended == 0 {
		t.Errorf("%+v %v", place, err)
	}
	if passes, err := s.Passes(t.Context(), false, 10); err != nil || len(passes) != 1 || passes[0].N != other {
		t.Errorf("%+v %v", passes, err)
	}
	if rows, err := s.AttemptsAt(t.Context(), 3); err != nil || len(rows) != 2 {
		t.Errorf("%+v %v", rows, err)
	}
	if list, err := s.Consumers(t.Context(), "d", "c"); err != nil || len(list) != 2 || list[0].Name != "d" || list[1].Name != "c" {
		t.Errorf("by name they are %+v %v", list, err)
	}
}
