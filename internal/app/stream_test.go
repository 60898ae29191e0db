package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/brokertest"
	"github.com/varselhub/varsel/internal/netguard"
)

// reading is a hub that reads from brokers.
func reading(t *testing.T, brokers bool) *client.Client {
	t.Helper()
	hub, err := app.New(t.Context(), app.Config{
		Data: t.TempDir(), NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true, Brokers: brokers},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Stop(context.Background()) })
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = hub.Start(t.Context())
	}
	if err == nil {
		err = hub.Serve(socket)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New("http://"+socket.Addr().String(), client.Options{})
	if err == nil {
		_, _, err = c.PutEventType(t.Context(), client.EventType{Name: "thing", Title: "T", Order: "key", Retention: "P30D"}, "")
	}
	if err == nil {
		_, _, err = c.PutVersion(t.Context(), client.Version{Type: "thing", Version: "v1", State: "active", Sample: []byte(`{"key":"k"}`),
			Mapping: client.Mapping{Fields: map[string]string{"key": "/key"}}}, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func streamed(name string, s client.Stream) client.Source {
	return client.Source{Name: name, URI: "urn:" + name, Title: name, Types: []string{"thing"}, Stream: &s}
}

// status waits until a stream is as asked for.
func status(t *testing.T, c *client.Client, source string, is func(*client.StreamStatus) bool) client.StreamStatus {
	t.Helper()
	for t.Context().Err() == nil {
		one, err := c.Stream(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		if is(&one) {
			return one
		}
	}
	t.Fatal("the test is over")
	return client.StreamStatus{}
}

// S43: with real clients: a broker that is down and one that floods leave another stream, of plain JSON, and publishing as
// they are.
func TestS43StreamsAreApart(t *testing.T) {
	t.Parallel()
	n, k := brokertest.NewNATS(t, nil), brokertest.NewKafka(t, 1, "fine")
	n.Stream("FLOOD", "flood.>")
	js := n.JetStream()
	const flood = 5000
	for i := range flood {
		body := fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"urn:flood","type":"thing","data":{"key":"k%d"}}`, i, i%10)
		if _, err := js.PublishAsync("flood.a", body, jetstream.WithStallWait(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	c := reading(t, true)
	down := fmt.Sprintf("127.0.0.1:%d", brokertest.FreePort(t))
	for _, s := range []client.Source{
		streamed("down", client.Stream{Kind: "kafka", Name: "down", Broker: client.Broker{Servers: []string{down}, PlainText: true}}),
		streamed("flood", client.Stream{Kind: "nats", Name: "FLOOD", Broker: client.Broker{Servers: []string{n.Address}, PlainText: true}}),
		streamed("fine", client.Stream{Kind: "kafka", Name: "fine", Form: "json", Broker: client.Broker{Servers: []string{k.Address}, PlainText: true},
			JSON: &client.PlainJSON{Type: "thing", ID: "/no", Time: "/at"}}),
		{Name: "direct", URI: "urn:direct", Title: "D", Types: []string{"thing"}},
	} {
		if _, _, err := c.PutSource(t.Context(), s, ""); err != nil {
			t.Fatal(err)
		}
	}
	k.Say(k.Client(), &kgo.Record{Topic: "fine", Value: []byte(`{"key":"a","no":7,"at":1767225600000}`)}, &kgo.Record{Topic: "fine", Value: []byte(`{"key":"a"}`)})
	fine := status(t, c, "fine", func(s *client.StreamStatus) bool { return len(s.Partitions) == 1 && s.Partitions[0].Next == 2 })
	if fine.State != "reading" || fine.Aside != 1 || fine.Code != "" {
		t.Errorf("%+v", fine)
	}
	results, err := c.Publish(t.Context(), client.Event{ID: "1", Source: "urn:direct", Type: "thing", Data: []byte(`{"key":"a"}`)})
	if err != nil || results[0].Status != "accepted" {
		t.Errorf("%+v, %v", results, err)
	}
	status(t, c, "down", func(s *client.StreamStatus) bool { return s.State == "failing" && s.Code != "" })
	status(t, c, "flood", func(s *client.StreamStatus) bool { return s.Partitions[0].Next == flood+1 })
	aside, err := c.Asides(t.Context(), "fine", 0, 0)
	if err != nil || len(aside) != 1 || aside[0].Offset != 1 {
		t.Errorf("%+v, %v", aside, err)
	}
	found, err := c.Find(t.Context(), client.FindQuery{Source: "fine", ID: "7"})
	if err != nil || len(found.Items) != 1 || found.Items[0].Time.UnixMilli() != 1767225600000 {
		t.Errorf("%+v, %v", found, err)
	}
}

// What the hub may not call is refused when it is written.
func TestBrokersAreRefusedWhereNotAllowed(t *testing.T) {
	t.Parallel()
	c := reading(t, false)
	_, _, err := c.PutSource(t.Context(), streamed("s", client.Stream{Kind: "kafka", Name: "s", Broker: client.Broker{Servers: []string{"127.0.0.1:9093"}}}), "")
	if !client.Has(err, client.CodeInvalidDocument) {
		t.Errorf("%v", err)
	}
	_, _, err = c.PutSystem(t.Context(), client.System{Name: "out", Agreement: client.Agreement{
		Profile: "standard", BaseURL: "nats+tls://127.0.0.1:4222", Sources: []string{"*"}, Contacts: client.Contacts{Technical: client.Contact{Email: "a@b.test"}},
	}}, "")
	if !client.Has(err, client.CodeInvalidDocument) {
		t.Errorf("%v", err)
	}
}
