package client_test

import (
	"context"
	"time"

	"github.com/varselhub/varsel/client"
)

// sinks goes through what a developer does whose subscription has a sink: what came, one of them whole, and empty it.
func (w *world) sinks(ctx context.Context) {
	w.t.Helper()
	_, _, err := w.PutSystem(ctx, client.System{Name: "dev", Agreement: client.Agreement{
		Profile: "standard", BaseURL: "https://dev.example", Sources: []string{"permits"},
		Contacts: client.Contacts{Technical: client.Contact{Email: "dev@example.org"}},
	}}, "")
	w.must(err)
	report, err := w.PutSubscriptionSet(ctx, "dev", []client.Subscription{{Name: "all", Path: "/in", Sink: &client.Sink{Status: 202}}}, "", client.SetOptions{})
	w.must(err)
	id := report.Created[0].ID
	_, err = w.Publish(ctx, permit("s1", "x"))
	w.must(err)
	came, on, err := w.Arrivals(ctx, id, 0, 10, time.Minute)
	w.must(err)
	w.whole(map[string]any{"items": came, "on": on})
	if len(came) != 1 || !on || came[0].Status != 202 || came[0].Request != "POST /in" || came[0].Type != "permit.changed" || came[0].Fault != "" {
		w.t.Fatalf("%v %+v", on, came)
	}
	if more, _, err := w.Arrivals(ctx, id, came[0].Number, 0, 0); err != nil || len(more) != 0 {
		w.t.Errorf("%+v %v", more, err)
	}
	one, err := w.RevealArrival(ctx, id, came[0].Number)
	w.must(err)
	w.whole(one)
	if one.Body == "" || one.Size != len(one.Body) {
		w.t.Errorf("%+v", one)
	}
	w.must(w.EmptySink(ctx, id))
	if _, err := w.RevealArrival(ctx, id, came[0].Number); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
	w.streams(ctx)
	w.sites(ctx)
	w.registers(ctx)
	w.extracts(ctx)
}
