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
