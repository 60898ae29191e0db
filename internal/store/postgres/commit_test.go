package postgres_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// request makes a request of events, each given as its id; its data is its id without the primes. What stands before a
// colon is its lane.
func request(ids ...string) *eventlog.Request {
	r := &eventlog.Request{}
	for _, id := range ids {
		var lane event.Lane
		if before, _, ok := strings.Cut(id, ":"); ok {
			lane = event.Lane{before[0]}
		}
		source := bytes.TrimRight([]byte(id), "'")
		r.Entries = append(r.Entries, eventlog.Entry{Event: &event.Event{
			ID: ident.New(), Source: "urn:test", SourceID: string(source), Type: "t", Version: "v1", Organisation: event.Organisation{Type: "5", Code: id},
			Head: fmt.Appendf(nil, `{"id":%q}`, source), MediaType: "application/json", Data: fmt.Appendf(nil, "%q", id), Personal: len(id)%2 == 0, Lane: lane,
		}})
	}
	return r
}

func partial(ids ...string) *eventlog.Request {
	r := request(ids...)
	r.Partial = true
	return r
}

func commit(t testing.TB, s *postgres.Store, requests ...*eventlog.Request) {
	t.Helper()
	commitAt(t, s, 1, requests...)
}

func commitAt(t testing.TB, s *postgres.Store, now int64, requests ...*eventlog.Request) {
	t.Helper()
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: requests, Now: now}); err != nil {
		t.Fatal(err)
	}
}

// logged is what the log holds, by the events' data.
func logged(t testing.TB, s *postgres.Store) (data []string) {
	t.Helper()
	head, _, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Range(t.Context(), 0, head, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if e.Position != int64(i+1) {
			t.Errorf("event %d is at position %d", i+1, e.Position)
		}
		data = append(data, string(e.Data))
	}
	return data
}

func TestEventsComeBackAsTheyWentIn(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s, other := d.node(t), d.node(t)
	for _, count := range []int{1, 7, 105} {
		before, _, _ := s.Head(t.Context())
		var requests []*eventlog.Request
		for n := range count {
			requests = append(requests, request(fmt.Sprintf("%c:%d-%d", 'a'+n%3, count, n), fmt.Sprintf("e%d-%d", count, n)))
		}
		commitAt(t, s, int64(count), requests...)
		events, err := other.Range(t.Context(), before, before+int64(2*count), 1000)
		if err != nil || len(events) != 2*count {
			t.Fatalf("%d of %d events, %v", len(events), 2*count, err)
		}
		for i, got := range events {
			want := requests[i/2].Entries[i%2].Event
			if got.Position != want.Position || got.Recorded != want.Recorded || got.Time != want.Time || got.ID != want.ID || got.Lane != want.Lane ||
				got.Organisation != want.Organisation || got.Personal != want.Personal || !bytes.Equal(got.Head, want.Head) || !bytes.Equal(got.Data, want.Data) {
				t.Errorf("of %d, event %d came back as %+v, was %+v", count, i, got, want)
			}
		}
	}
}

// DESIGN promises 1 and 3: an event is in the log once, whole requests go in whole, and what comes after a refused event
// of its lane is held back. It is the same in one commit, in another, and on another node.
func TestRepeatsAreSettled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		commits [][]*eventlog.Request
		want    string // of the last commit: each entry's status and position, or what refuses the request
		logged  string
	}{
		"a repeat in one commit": {
			[][]*eventlog.Request{{request("a"), request("a"), request("b", "b", "c")}},
			"1@1 2@1 1@2 2@2 1@3", `"a" "b" "c"`},
		"a repeat in another commit": {
			[][]*eventlog.Request{{request("a", "b")}, {request("x"), request("b"), request("a", "c")}},
			"1@3 2@2 2@1 1@4", `"a" "b" "x" "c"`},
		"nothing but repeats": {
			[][]*eventlog.Request{{request("a", "b")}, {request("b", "a"), request("a")}},
			"2@2 2@1 2@1", `"a" "b"`},
		"other content in one commit": {
			[][]*eventlog.Request{{request("a"), request("b", "a'", "c"), request("d", "b")}},
			"1@1 event-conflict 1@2 1@3", `"a" "d" "b"`},
		"other content in another commit": {
			[][]*eventlog.Request{{request("a")}, {request("b", "a'", "c"), request("d")}},
			"event-conflict 1@2", `"a" "d"`},
		"other content within a request": {
			[][]*eventlog.Request{{request("a", "b", "a'"), request("a'")}},
			"event-conflict 1@1", `"a'"`},
		"in parts": {
			[][]*eventlog.Request{{request("a:1", "b:1")}, {partial("a:1'", "a:2", "b:2", "a:3", "b:1", "c")}},
			"3@1 4@0 1@3 4@0 2@2 1@4", `"a:1" "b:1" "b:2" "c"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			nodes := []*postgres.Store{d.node(t), d.node(t)}
			for i, requests := range test.commits {
				commit(t, nodes[i%2], requests...)
			}
			var got []string
			for _, r := range test.commits[len(test.commits)-1] {
				if r.Err != nil {
					got = append(got, string(fault.Of(r.Err).Code))
					continue
				}
				for _, entry := range r.Entries {
					got = append(got, fmt.Sprintf("%d@%d", entry.Status, entry.Position))
				}
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("the requests ended as %s, want %s", text, test.want)
			}
			if text := strings.Join(logged(t, nodes[0]), " "); text != test.logged {
				t.Errorf("the log holds %s, want %s", text, test.logged)
			}
		})
	}
}
