package main

import (
	"context"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
)

// S42: on the command line: which streams there are, what is set aside, and letting it go.
func TestS42SourceOnTheCommandLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := func(args ...string) outcome {
		return varsel("", append(append([]string{"source"}, args...), "--url", w.url)...)
	}
	source("list").want(t, exitDone, "No source is read from a stream")
	_, err := w.hub.Manager.PutSource(context.Background(), event.Source{Name: "orders", URI: "urn:orders", Title: "O", Types: []string{"*"}, Stream: &event.Stream{
		Kind: event.Kafka, Name: "orders", Stopped: true, Broker: event.Broker{Servers: []string{"127.0.0.1:9093"}},
	}}, manage.By{Author: "test"})
	if err == nil {
		err = w.hub.Log.Append(context.Background(), &eventlog.Request{Intake: &eventlog.Intake{Source: "orders", Stream: "kafka:orders", Aside: []eventlog.Aside{
			{Offset: 4, Code: fault.InvalidEvent, Reason: "/data: is no JSON", Message: []byte(`{"header":{"Content-Type":["text/plain"]},"data":"c2VjcmV0"}`)},
		}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	source("list").want(t, exitDone, "orders", "kafka orders", "stopped", "1 set aside")
	source("list", "--json").want(t, exitDone, `"state":"stopped"`)
	listed := source("aside", "orders")
	listed.want(t, exitDone, "offset 4", "invalid-event", "/data: is no JSON")
	if strings.Contains(listed.out, "secret") {
		t.Errorf("the list shows what it says: %s", listed.out)
	}
	source("aside", "orders", "1").want(t, exitUsage, "--reason")
	source("aside", "orders", "1", "--reason", "case 7").want(t, exitDone, "Content-Type: text/plain", "secret")
	source("release", "orders", "1").want(t, exitFail, "still set aside", "media-type")
	source("discard", "orders", "1").want(t, exitDone, "It is gone")
	source("discard", "orders", "1").want(t, exitFail, "not-found")
	source("aside", "none").want(t, exitFail, "not-found")
}
