package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

func openTemp(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "log.db"), options(t, same))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// request makes a request of events, each given as its id; its data is its id without the primes.
func request(ids ...string) *eventlog.Request {
	r := &eventlog.Request{}
	for _, id := range ids {
		source := bytes.TrimRight([]byte(id), "'")
		r.Entries = append(r.Entries, eventlog.Entry{Event: &event.Event{
			ID: ident.New(), Source: "urn:test", SourceID: string(source), Type: "t", Version: "v1", Organisation: event.Organisation{Type: "5", Code: id},
			Head: fmt.Appendf(nil, `{"id":%q}`, source), MediaType: "application/json", Data: fmt.Appendf(nil, "%q", id), Personal: len(id)%2 == 0,
		}})
	}
	return r
}

func commitAll(t *testing.T, store *sqlite.Store, requests ...*eventlog.Request) {
	t.Helper()
	if err := store.Commit(context.Background(), &eventlog.Commit{Requests: requests, Now: 1}); err != nil {
		t.Fatal(err)
	}
}

// logged is what the log holds, by the events' data.
func logged(t *testing.T, store *sqlite.Store) (data []string) {
	t.Helper()
	head, _, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, err := store.Range(t.Context(), 0, head, 1000)
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

func TestEventsOfAnyNumberGoIntoOneCommitWhole(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1, 7, 8, 9, 31, 32, 33, 41, 105} {
		store, requests := openTemp(t), []*eventlog.Request(nil)
		for n := range count {
			requests = append(requests, request(fmt.Sprint("e", n)))
		}
		commitAll(t, store, requests...)
		head, _, _ := store.Head(t.Context())
		events, err := store.Range(t.Context(), 0, head, 1000)
		if err != nil || len(events) != count {
			t.Fatalf("%d of %d events, %v", len(events), count, err)
		}
		for i, got := range events {
			want := requests[i].Entries[0].Event
			if got.Position != want.Position || got.ID != want.ID || got.Lane != want.Lane || got.Organisation != want.Organisation ||
				got.Personal != want.Personal || !bytes.Equal(got.Head, want.Head) || !bytes.Equal(got.Data, want.Data) {
				t.Errorf("of %d, event %d came back as %+v, was %+v", count, i, got, want)
			}
		}
	}
}

func TestARefusedRequestTakesNothingElseBack(t *testing.T) {
	t.Parallel()
	store := openTemp(t)
	alone, clashing, after := request("a"), request("b", "a'", "c"), request("d")
	commitAll(t, store, alone, clashing, after)
	if !fault.Has(clashing.Err, fault.EventConflict) || alone.Err != nil || after.Err != nil {
		t.Errorf("the requests ended as %v, %v, %v", alone.Err, clashing.Err, after.Err)
	}
	if got := fmt.Sprint(logged(t, store)); got != `["a" "d"]` {
		t.Errorf("the log holds %s", got)
	}
	commitAll(t, store, request("b", "c"))
	if got := fmt.Sprint(logged(t, store)); got != `["a" "d" "b" "c"]` {
		t.Errorf("what was refused could not come again: %s", got)
	}
}

func TestARepeatInOneCommitIsADuplicate(t *testing.T) {
	t.Parallel()
	store := openTemp(t)
	first, again, other, batch := request("a"), request("a"), request("a'"), request("b", "b", "c")
	commitAll(t, store, first, again, other, batch)
	if e := again.Entries[0]; e.Status != eventlog.Duplicate || e.Position != 1 {
		t.Errorf("the repeat is %+v", e)
	}
	if !fault.Has(other.Err, fault.EventConflict) {
		t.Errorf("other content under the same id ended as %v", other.Err)
	}
	if e := batch.Entries[1]; e.Status != eventlog.Duplicate || e.Position != 2 {
		t.Errorf("the repeat in the batch is %+v", e)
	}
	if got := fmt.Sprint(logged(t, store)); got != `["a" "b" "c"]` {
		t.Errorf("the log holds %s", got)
	}
}
