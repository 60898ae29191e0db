package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/varselhub/varsel/client"
)

// fetchesAndLeases goes through what a system does that fetches: by cursor, in pages, and from a queue.
func (w *world) fetchesAndLeases(ctx context.Context) {
	w.t.Helper()
	_, _, err := w.PutSystem(ctx, client.System{Name: "reader", Agreement: client.Agreement{
		Profile: "standard", BaseURL: "https://reader.example", Sources: []string{"permits"},
		Contacts: client.Contacts{Technical: client.Contact{Email: "ops@reader.example"}},
	}}, "")
	w.must(err)
	report, err := w.PutSubscriptionSet(ctx, "reader", []client.Subscription{{Name: "c", Channel: client.Cursor}, {Name: "q", Channel: client.Queue}}, "", client.SetOptions{})
	w.must(err)
	cursor, queue := report.Created[0].ID, report.Created[1].ID
	_, err = w.Publish(ctx, permit("10", "x"), permit("11", "x"), permit("12", "y"))
	w.must(err)
	var ids []string
	take := func(f client.Fetched) error {
		var e struct{ ID string }
		w.must(json.Unmarshal(f.Event, &e))
		ids = append(ids, e.ID)
		return nil
	}
	next, err := w.Fetch(ctx, cursor, client.FetchOptions{Limit: 2}, take)
	w.must(err)
	full := errors.New("full")
	at, err := w.Fetch(ctx, cursor, client.FetchOptions{After: next}, func(client.Fetched) error { return full })
	if !errors.Is(err, full) || at != next {
		w.t.Errorf("a reader that is full: %q %v, stood at %q", at, err, next)
	}
	_, err = w.Fetch(ctx, cursor, client.FetchOptions{After: next, Wait: time.Second}, take)
	w.must(err)
	if !slices.Equal(ids, []string{"10", "11", "12"}) {
		w.t.Errorf("fetched %v", ids)
	}
	if _, err := w.Fetch(ctx, cursor, client.FetchOptions{After: "nonsense"}, take); !client.Has(err, client.CodeBadCursor) {
		w.t.Errorf("%v", err)
	}
	leased, err := w.Lease(ctx, queue, client.LeaseOptions{Hold: time.Minute, Wait: time.Second})
	w.must(err)
	w.whole(map[string]any{"messages": leased})
	if len(leased) != 2 {
		w.t.Fatalf("leased %+v", leased)
	}
	gone, err := w.Return(ctx, queue, leased[0].Lease)
	w.must(err)
	again, err := w.Acknowledge(ctx, queue, leased[0].Lease, leased[1].Lease)
	w.must(err)
	if len(gone) != 0 || !slices.Equal(again, []string{leased[0].Lease}) {
		w.t.Errorf("gone %v, then %v", gone, again)
	}
	w.replays(ctx, queue)
	w.forgets(ctx)
}

// forgets erases a person, looks at the report, and reveals what is left of another's.
func (w *world) forgets(ctx context.Context) {
	w.t.Helper()
	_, _, err := w.PutEventType(ctx, client.EventType{Name: "citizen", Title: "C", Order: "key", Personal: true, Retention: "P6M"}, "")
	w.must(err)
	_, _, err = w.PutVersion(ctx, client.Version{Type: "citizen", Version: "v1", State: "active", Sample: json.RawMessage(`{"cpr":"x"}`),
		Mapping: client.Mapping{Fields: map[string]string{"key": "/cpr"}, Personal: []string{"/cpr"}}}, "")
	w.must(err)
	one, other := permit("20", "x"), permit("21", "x")
	one.Type, one.Data, other.Type, other.Data = "citizen", json.RawMessage(`{"cpr":"one"}`), "citizen", json.RawMessage(`{"cpr":"other"}`)
	accepted, err := w.Publish(ctx, one, other)
	w.must(err)
	count, err := w.CountErasure(ctx, "one")
	w.must(err)
	if _, err := w.Erase(ctx, "one", "case 7", count+1); !client.Has(err, client.CodeEraseCount) {
		w.t.Errorf("%v", err)
	}
	erased, err := w.Erase(ctx, "one", "case 7", count)
	w.must(err)
	if w.whole(erased); erased.State != client.ErasureEnded || erased.Events != 1 {
		w.t.Errorf("%+v", erased)
	}
	listed, err := w.Erasures(ctx)
	w.must(err)
	report, err := w.Erasure(ctx, erased.Number)
	w.must(err)
	if w.whole(report); len(listed) != 1 || report.Number != erased.Number {
		w.t.Errorf("%+v %+v", listed, report)
	}
	if _, err := w.Reveal(ctx, accepted[0].Position, "case 8"); !client.Has(err, client.CodeForgotten) {
		w.t.Errorf("%v", err)
	}
	shown, err := w.Reveal(ctx, accepted[1].Position, "case 8")
	w.must(err)
	if w.whole(shown); string(shown.Data) != `{"cpr":"other"}` {
		w.t.Errorf("%+v", shown)
	}
}

// replays counts, begins, lists and stops one.
func (w *world) replays(ctx context.Context, queue string) {
	w.t.Helper()
	counted, err := w.CountReplay(ctx, queue, client.ReplayFilter{Types: []string{"permit.changed"}})
	w.must(err)
	w.whole(counted)
	if counted.Count != 3 {
		w.t.Errorf("%+v", counted)
	}
	filter := client.ReplayFilter{UpTo: counted.UpTo}
	if _, err := w.BeginReplay(ctx, queue, filter, 1, 2); !client.Has(err, client.CodeReplayCount) {
		w.t.Errorf("%v", err)
	}
	begun, err := w.BeginReplay(ctx, queue, filter, 1, 3)
	w.must(err)
	listed, err := w.Replays(ctx, queue)
	w.must(err)
	if len(listed) != 1 || listed[0].Pass != begun.Pass || begun.Selected != 3 {
		w.t.Errorf("%+v, then %+v", begun, listed)
	}
	w.must(w.StopReplay(ctx, queue, begun.Pass))
	w.must(w.StopReplay(ctx, queue, begun.Pass))
	if err := w.StopReplay(ctx, queue, begun.Pass+1); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
}
