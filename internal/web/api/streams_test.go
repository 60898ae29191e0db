package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
)

// streaming is a source that is read from a stream.
func streaming(name string) event.Source {
	return event.Source{Name: name, URI: "urn:" + name, Title: name, Types: []string{"*"}, Stream: &event.Stream{
		Kind: event.Kafka, Name: name, Broker: event.Broker{Servers: []string{"secret.example:9093"}, CABundle: "/etc/varsel/secret.ca"},
	}}
}

// setAside sets a message of a source's stream aside, the first of it.
func (w *world) setAside(source string) {
	in := &eventlog.Intake{Source: source, Stream: "kafka:" + source, Aside: []eventlog.Aside{{
		Code: fault.InvalidEvent, Reason: "/data: is no JSON", Message: []byte(`{"header":{"Content-Type":["text/plain"]},"data":"c2VjcmV0"}`),
	}}}
	w.Must(w.Log.Append(context.Background(), &eventlog.Request{Intake: in}))
}

// aStream is a source with one message set aside.
func aStream(w *world) string {
	_, err := w.Manager.PutSource(context.Background(), streaming("orders"), manage.By{Author: "test"})
	w.Must(err)
	w.setAside("orders")
	return "orders"
}

func lettingGo(act audit.Act, doing, refused, body, detail string) administrative {
	return administrative{
		act: act, subject: "source/orders/aside/1", detail: detail, prepare: aStream,
		refused: request{path: "/sources/orders/aside/" + doing, body: refused}, changes: request{path: "/sources/orders/aside/1/" + strings.TrimPrefix(doing[1:], "/"), body: body},
	}
}

// S42: what is set aside is visible, without what it says.
func TestS42WhatIsSetAsideIsVisible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	aStream(w)
	if a := w.ok(200, w.call("GET", "/streams", "")); len(a.items()) != 1 || !strings.Contains(a.text, `"state":"stopped"`) || !strings.Contains(a.text, `"aside":1`) {
		t.Error(a.text)
	}
	w.ok(404, w.call("GET", "/sources/none/stream", ""))
	a := w.ok(200, w.call("GET", "/sources/orders/aside", ""))
	if !strings.Contains(a.text, `"code":"invalid-event"`) || !strings.Contains(a.text, `"keyed":false`) || strings.Contains(a.text, "secret") {
		t.Error(a.text)
	}
	if a := w.ok(200, w.call("GET", "/sources/orders/aside?after=1", "")); len(a.items()) != 0 {
		t.Error(a.text)
	}
	if a := w.ok(200, w.call("POST", "/sources/orders/aside/1/reveal", `{"reason":"case 7"}`)); a.json["data"] != "secret" {
		t.Error(a.text)
	}
	if a := w.ok(200, w.call("POST", "/sources/orders/aside/1/release", "")); a.json["code"] == nil || a.json["position"] != nil {
		t.Error(a.text)
	}
	w.ok(200, w.call("POST", "/sources/orders/aside/1/discard", ""))
	w.ok(404, w.call("POST", "/sources/orders/aside/1/discard", ""))
}
