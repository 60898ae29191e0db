package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// DESIGN promise 1: the same source and id with the same content is one event; with other content it is a conflict.
// Entries succeed or fail one by one in partial mode, all together otherwise, and a refused one holds its lane.
func appendOnceAndInOrder(t *testing.T, w *world) {
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
			s := newWorld(t, w.engine).open(t)
			publish(t, s, 1000, fresh("0", "first", 1))
			r := &eventlog.Request{Partial: test.partial, Entries: test.entries}
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: 2000})
			var got []eventlog.Status
			for _, e := range r.Entries {
				got = append(got, e.Status)
			}
			if test.refused { // of one that is refused whole only what it was refused for is told
				got, test.want = got[len(got)-1:], test.want[len(got)-1:]
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("want statuses %v, got %v", test.want, got)
			}
			if (r.Err != nil) != test.refused || test.refused && !fault.Has(r.Err, fault.EventConflict) {
				t.Errorf("want refused %v, got %v", test.refused, r.Err)
			}
			if head, _, err := s.Head(t.Context()); head != test.head || err != nil {
				t.Errorf("want the log's head at %d, got %d, %v", test.head, head, err)
			}
			if events := read(t, s); int64(len(events)) != test.head {
				t.Errorf("want %d events stored, got %d", test.head, len(events))
			}
		})
	}
}

// What is read back is what was appended, after the database was closed and opened again.
func eventsReadBackAsWritten(t *testing.T, w *world) {
	s := w.open(t)
	entry := fresh("1", "data", 7)
	entry.Event.Time, entry.Event.Retention = 123, "P30D"
	unordered := fresh("2", "", 0)
	unordered.Event.Lane, unordered.Event.Organisation, unordered.Event.Personal = event.Lane{}, event.Organisation{}, false
	publish(t, s, 5000, entry, unordered)
	s = w.again(t, s)
	e, err := s.At(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := entry.Event
	if e.ID != want.ID || e.Source != want.Source || e.SourceID != "1" || e.Type != "t" || e.Version != "v1" || e.Time != 123 ||
		e.Recorded != 5000 || e.Organisation != want.Organisation || e.Lane != want.Lane || !e.Personal || e.Retention != "P30D" ||
		string(e.Head) != string(want.Head) || e.MediaType != "text/plain" || string(e.Data) != "data" {
		t.Errorf("want %+v, got %+v", want, e)
	}
	alone, err := s.At(t.Context(), 2)
	if err != nil || alone.Lane != event.Alone(2) || len(alone.Data) != 0 || alone.Time != 5000 || !alone.Organisation.IsZero() || alone.Personal {
		t.Errorf("want an event with a lane of its own and its recorded time, got %+v, %v", alone, err)
	}
	if unordered.Event.Lane != event.Alone(2) || unordered.Event.Position != 2 || unordered.Event.Time != 5000 {
		t.Errorf("its publisher is told %+v", unordered.Event)
	}
	if position, err := s.Find(t.Context(), "urn:s", "2"); position != 2 || err != nil {
		t.Errorf("want position 2, got %d, %v", position, err)
	}
	if position, err := s.Find(t.Context(), "urn:s", "3"); position != 0 || err != nil {
		t.Errorf("want no position, got %d, %v", position, err)
	}
	if _, err := s.At(t.Context(), 3); !fault.Has(err, fault.NotFound) {
		t.Errorf("want not-found, got %v", err)
	}
	if events, err := s.Range(t.Context(), 1, 1, 10); len(events) != 0 || err != nil {
		t.Errorf("of nothing there are %d, %v", len(events), err)
	}
	if events, err := s.Range(t.Context(), 0, 1, 10); len(events) != 1 || err != nil || events[0].Position != 1 {
		t.Errorf("up to 1 there are %d, %v", len(events), err)
	}
}

func eventsOfAnyNumber(t *testing.T, w *world) {
	s, before := w.open(t), int64(0)
	for _, count := range []int{1, 7, 8, 9, 31, 32, 33, 41, 105} {
		var requests []*eventlog.Request
		for n := range count {
			entry := fresh(fmt.Sprint(count, "-", n), fmt.Sprint(n), byte(n))
			entry.Event.Retention = []event.Retention{"", "P1D", "P2D"}[n%3]
			requests = append(requests, &eventlog.Request{Entries: []eventlog.Entry{entry}})
		}
		commit(t, s, &eventlog.Commit{Requests: requests, Now: 1})
		events, err := s.Range(t.Context(), before, before+1000, 1000)
		if err != nil || len(events) != count {
			t.Fatalf("%d of %d events, %v", len(events), count, err)
		}
		for i, got := range events {
			want := requests[i].Entries[0].Event
			if got.Position != before+int64(i+1) || got.Position != want.Position || got.ID != want.ID || got.Lane != want.Lane || got.Organisation != want.Organisation ||
				got.Personal != want.Personal || got.Retention != want.Retention || !bytes.Equal(got.Head, want.Head) || !bytes.Equal(got.Data, want.Data) {
				t.Errorf("of %d, event %d came back as %+v, was %+v", count, i, got, want)
			}
		}
		before += int64(count)
	}
}

// An event larger than what buffers keep, and none at all.
func eventsOfAnySize(t *testing.T, w *world) {
	s := w.open(t)
	sizes := []int{0, 1 << 20, 1, 70 << 10, 100}
	for i, size := range sizes {
		publish(t, s, day, fresh(fmt.Sprint(i), strings.Repeat("x", size), 1))
	}
	for i, e := range read(t, s) {
		if len(e.Data) != sizes[i] || e.MediaType != "text/plain" {
			t.Errorf("event %d has %d bytes of %s", i, len(e.Data), e.MediaType)
		}
	}
}

// request makes a request of events, each given as its id; its data is its id, and its source's id that without primes.
func request(ids ...string) *eventlog.Request {
	r := &eventlog.Request{}
	for _, id := range ids {
		r.Entries = append(r.Entries, fresh(strings.TrimRight(id, "'"), id, 0))
		r.Entries[len(r.Entries)-1].Event.Lane = event.Lane{}
	}
	return r
}

// logged is what the log holds, by the events' data.
func logged(t *testing.T, s Store) string {
	t.Helper()
	var data []string
	for i, e := range read(t, s) {
		if e.Position != int64(i+1) {
			t.Errorf("event %d is at position %d", i+1, e.Position)
		}
		data = append(data, string(e.Data))
	}
	return strings.Join(data, " ")
}

func aRefusedRequest(t *testing.T, w *world) {
	s := w.open(t)
	alone, clashing, after := request("a"), request("b", "a'", "c"), request("d")
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{alone, clashing, after}, Now: 1})
	if !fault.Has(clashing.Err, fault.EventConflict) || alone.Err != nil || after.Err != nil {
		t.Errorf("the requests ended as %v, %v, %v", alone.Err, clashing.Err, after.Err)
	}
	if got := logged(t, s); got != "a d" {
		t.Errorf("the log holds %s", got)
	}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{request("b", "c")}, Now: 1})
	if got := logged(t, s); got != "a d b c" {
		t.Errorf("what was refused could not come again: %s", got)
	}
}

func aRepeatInOneCommit(t *testing.T, w *world) {
	s := w.open(t)
	first, again, other, batch := request("a"), request("a"), request("a'"), request("b", "b", "c")
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{first, again, other, batch}, Now: 1})
	if e := again.Entries[0]; e.Status != eventlog.Duplicate || e.Position != 1 {
		t.Errorf("the repeat is %+v", e)
	}
	if !fault.Has(other.Err, fault.EventConflict) {
		t.Errorf("other content under the same id ended as %v", other.Err)
	}
	if e := batch.Entries[1]; e.Status != eventlog.Duplicate || e.Position != 2 {
		t.Errorf("the repeat in the batch is %+v", e)
	}
	if got := logged(t, s); got != "a b c" {
		t.Errorf("the log holds %s", got)
	}
}

// DESIGN promise 7: recorded times never go back, whatever the clock does, also over a restart.
func recordedTimeNeverGoesBack(t *testing.T, w *world) {
	s := w.open(t)
	var got []int64
	for i, now := range []int64{1000, 900, day + 1100, 500} {
		if i == 2 {
			s = w.again(t, s)
		}
		entry := fresh(fmt.Sprint(i), "x", 1)
		publish(t, s, now, entry)
		got = append(got, entry.Event.Recorded)
	}
	if want := []int64{1000, 1000, day + 1100, day + 1100}; !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
	if head, recorded, err := s.Head(t.Context()); head != 4 || recorded != day+1100 || err != nil {
		t.Errorf("the head is %d, recorded at %d, %v", head, recorded, err)
	}
}

// A commit of nothing asks whether the store takes writes, and changes nothing.
func anEmptyCommitAsks(t *testing.T, w *world) {
	s := w.open(t)
	commit(t, s, &eventlog.Commit{Now: 1})
	if head, _, err := s.Head(t.Context()); head != 0 || err != nil {
		t.Error(head, err)
	}
}

// A change of configuration that was checked against an older one is refused whole; the others of its group go in.
func revisionsExpect(t *testing.T, w *world) {
	s := w.open(t)
	rev := func(expect int64) *eventlog.Request {
		return &eventlog.Request{Expect: expect, Consumers: []eventlog.Founding{{Name: "subscription/x", System: "x"}}, Revisions: []revision.Revision{
			revision.Of("me", revision.Source, "a", event.Source{Name: "a"}), revision.Removal("me", revision.Source, "b"),
		}}
	}
	first, stale, entry := rev(0), rev(0), fresh("1", "x", 1)
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{first, stale, {Entries: []eventlog.Entry{entry}}}, Now: 1})
	if first.Err != nil || !fault.Has(stale.Err, fault.Precondition) {
		t.Fatalf("want the first in and the stale one refused, got %v and %v", first.Err, stale.Err)
	}
	list, err := s.Revisions(t.Context(), 0)
	if err != nil || len(list) != 2 || list[0].Position != 1 || list[0].Document == nil || list[0].Author != "me" || list[0].Subject != "a" ||
		list[1].Document != nil || entry.Event.Position != 3 {
		t.Fatalf("want revisions at 1 and 2 and the event at 3, got %+v, event at %d, %v", list, entry.Event.Position, err)
	}
	if list, err := s.Revisions(t.Context(), 1); err != nil || len(list) != 1 || list[0].Position != 2 {
		t.Errorf("after the first there are %+v, %v", list, err)
	}
	consumers, err := s.Consumers(t.Context())
	if err != nil || len(consumers) != 1 || consumers[0].Name != "subscription/x" || consumers[0].Low != 3 || consumers[0].High != 2 || consumers[0].Counted != 2 {
		t.Fatalf("want one consumer that begins after its revision, got %+v, %v", consumers, err)
	}
	if consumers, err = s.Consumers(t.Context(), "another"); err != nil || len(consumers) != 0 {
		t.Errorf("of a name that there is not: %+v, %v", consumers, err)
	}
	next := rev(2)
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{next}, Now: 2})
	if next.Err != nil || next.Revisions[0].Position != 4 {
		t.Errorf("the next is at %d, %v", next.Revisions[0].Position, next.Err)
	}
	if consumers, err := s.Consumers(t.Context()); err != nil || len(consumers) != 1 || consumers[0].Low != 3 {
		t.Errorf("a consumer that there is was made anew: %+v, %v", consumers, err)
	}
}

// telling is a request of a change of configuration by someone who saw what was before a position, with the events that
// tell it, a consumer and an audit entry.
func telling(expect int64, partial bool, ids ...string) *eventlog.Request {
	r := request(ids...)
	r.Expect, r.Partial = expect, partial
	r.Revisions = []revision.Revision{
		revision.Of("me", revision.Source, "y", event.Source{Name: "y"}), revision.Removal("me", revision.Source, "z"),
	}
	r.Consumers = []eventlog.Founding{{Name: "subscription/y", System: "y"}}
	r.Audit = []audit.Entry{audit.Of("me", audit.PutSource, "source/y", audit.Detail{})}
	return r
}

// whole is what the log holds by position: the events' data, and the subjects of the revisions after a slash.
func whole(t *testing.T, s Store) string {
	t.Helper()
	list, err := s.Revisions(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	at := make([]string, headOf(t, s))
	for _, r := range list {
		at[r.Position-1] += "/" + r.Subject
	}
	for _, e := range read(t, s) {
		at[e.Position-1] += string(e.Data)
	}
	return strings.Join(at, " ")
}

// A change of configuration and the events that tell it are in the log together, the events first, or nothing of them is:
// when another change came first, and when one of the events clashes, whether the others could go in or not.
func aChangeAndItsEvents(t *testing.T, w *world) {
	const a, d = eventlog.Appended, eventlog.Duplicate
	change := &eventlog.Request{Expect: 2, Revisions: []revision.Revision{revision.Removal("me", revision.Source, "w")}}
	for _, test := range []struct {
		name    string
		before  *eventlog.Request // in the same commit
		request *eventlog.Request
		want    string
		last    int64 // position of the last revision
		as      []eventlog.Status
		refused fault.Code
	}{
		{"all go in", request("b"), telling(2, false, "c", "d"), "a /x b c d /y /z after", 7, []eventlog.Status{a, a}, ""},
		{"a duplicate", request("b"), telling(2, false, "a", "c"), "a /x b c /y /z after", 6, []eventlog.Status{d, a}, ""},
		{"nothing but a duplicate", request("b"), telling(2, false, "a"), "a /x b /y /z after", 5, []eventlog.Status{d}, ""},
		{"a duplicate of the same commit", request("b"), telling(2, false, "c", "b", "c"), "a /x b c /y /z after", 6, []eventlog.Status{a, d, d}, ""},
		{"another change came first", request("b"), telling(0, false, "c", "d"), "a /x b after", 2, nil, fault.Precondition},
		{"another change of the same commit", change, telling(2, false, "c", "d"), "a /x /w after", 3, nil, fault.Precondition},
		{"a clash", request("b"), telling(2, false, "c", "a'", "d"), "a /x b after", 2, nil, fault.EventConflict},
		{"a clash within the request", request("b"), telling(2, false, "c", "d", "c'"), "a /x b after", 2, nil, fault.EventConflict},
		{"a clash is not let pass", request("b"), telling(2, true, "c", "a'", "d"), "a /x b after", 2, nil, fault.EventConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, w.engine)
			s := w.open(t)
			first := &eventlog.Request{Revisions: []revision.Revision{revision.Removal("me", revision.Source, "x")}}
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{request("a"), first}, Now: 1})
			r := test.request
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{test.before, r, request("after")}, Now: 2, Chain: newChain(t)})
			s = w.again(t, s)
			if got := whole(t, s); got != test.want {
				t.Errorf("the log holds %s, want %s", got, test.want)
			}
			if test.refused == "" {
				wentIn(t, s, r, test.last, test.as)
				return
			}
			if !fault.Has(r.Err, test.refused) {
				t.Errorf("it ended as %v, want %s", r.Err, test.refused)
			}
			leftNothing(t, s)
			again := telling(test.last, false, "c''", "d''") // other content: the ids are free
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{again}, Now: 3, Chain: newChain(t)})
			if got, want := whole(t, s), test.want+" c'' d'' /y /z"; got != want {
				t.Errorf("after it came again the log holds %s, want %s", got, want)
			}
			wentIn(t, s, again, headOf(t, s), []eventlog.Status{a, a})
		})
	}
}

// wentIn holds what a request was told, with its last revision at a position, against what is in the store.
func wentIn(t *testing.T, s Store, r *eventlog.Request, last int64, as []eventlog.Status) {
	t.Helper()
	if n := len(r.Revisions); r.Err != nil || r.Revisions[n-1].Position != last || r.Revisions[0].Position != last-1 {
		t.Errorf("the revisions are told as %+v, %v", r.Revisions, r.Err)
	}
	for i, e := range r.Entries {
		if position, err := s.Find(t.Context(), "urn:s", e.Event.SourceID); e.Status != as[i] || e.Position != position || err != nil {
			t.Errorf("event %d is told as %d at %d, and stands at %d, %v", i, e.Status, e.Position, position, err)
		}
	}
	if list, err := s.Consumers(t.Context()); err != nil || len(list) != 1 || list[0].Low != last+1 || list[0].Counted != last {
		t.Errorf("the consumers are %+v, %v", list, err)
	}
	if list, err := s.Audit(t.Context(), audit.Query{}); err != nil || len(list) != 1 || list[0].Position != last {
		t.Errorf("the audit log is %+v, %v", list, err)
	}
}

func leftNothing(t *testing.T, s Store) {
	t.Helper()
	for _, id := range []string{"c", "d"} {
		if position, err := s.Find(t.Context(), "urn:s", id); position != 0 || err != nil {
			t.Errorf("event %s was refused, and is known at %d, %v", id, position, err)
		}
	}
	consumers, err := s.Consumers(t.Context())
	entries, e := s.Audit(t.Context(), audit.Query{})
	if len(consumers)+len(entries) > 0 || err != nil || e != nil {
		t.Errorf("there are consumers %+v, %v and audit entries %+v, %v", consumers, err, entries, e)
	}
}

// A log has an epoch from its first day, and keeps it.
func thereIsAnEpoch(t *testing.T, w *world) {
	s := w.open(t)
	first, err := s.Epochs(t.Context())
	if err != nil || len(first) != 1 || first[0].ID == 0 || first[0].After != 0 {
		t.Fatalf("%+v %v", first, err)
	}
	if again, err := w.again(t, s).Epochs(t.Context()); err != nil || !slices.Equal(again, first) {
		t.Errorf("after a restart: %+v %v", again, err)
	}
}
