package client_test

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/brokertest"
)

// streams goes through what an operator does whose source is read from a stream: how it stands, what was set aside, and
// letting that go.
func (w *world) streams(ctx context.Context) {
	w.t.Helper()
	kafka := brokertest.NewKafka(w.t, 1, "orders")
	kafka.Say(kafka.Client(), &kgo.Record{Topic: "orders", Key: []byte("a"), Value: []byte("odd")}, &kgo.Record{Topic: "orders", Key: []byte("b"), Value: []byte("odd too")})
	source, _, err := w.PutSource(ctx, client.Source{Name: "orders", URI: "urn:orders", Title: "Orders", Types: []string{"*"}, Stream: &client.Stream{
		Kind: "kafka", Name: "orders", Broker: client.Broker{Servers: []string{kafka.Address}, PlainText: true},
	}}, "")
	w.must(err)
	if source.Stream == nil || source.Stream.Name != "orders" {
		w.t.Errorf("%+v", source)
	}
	var status client.StreamStatus
	for status.Aside < 2 {
		status, err = w.Stream(ctx, "orders")
		w.must(err)
	}
	w.whole(status)
	if status.State != "reading" || len(status.Partitions) != 1 || status.Partitions[0].Next != 2 || status.Lag != 0 {
		w.t.Errorf("%+v", status)
	}
	all, err := w.Streams(ctx)
	w.must(err)
	w.whole(map[string]any{"items": all})
	aside, err := w.Asides(ctx, "orders", 0, 1)
	w.must(err)
	w.whole(map[string]any{"items": aside})
	if len(aside) != 1 || aside[0].Number != 1 || !aside[0].Keyed || aside[0].Code != "invalid-event" {
		w.t.Fatalf("%+v", aside)
	}
	one, err := w.RevealAside(ctx, "orders", 1, "case 7")
	w.must(err)
	w.whole(one)
	if one.Data != "odd" {
		w.t.Errorf("%+v", one)
	}
	done, err := w.ReleaseAside(ctx, "orders", 1)
	w.must(err)
	w.whole(done)
	if done.Code != "invalid-event" || done.Position != 0 {
		w.t.Errorf("%+v", done)
	}
	done, err = w.DiscardAside(ctx, "orders", 1)
	w.must(err)
	w.whole(done)
	if _, err := w.DiscardAside(ctx, "orders", 1); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
}
