package envelope_test

import (
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
)

// counting is an envelope that tells how often it was asked to render.
type counting struct{ slot, renders int }

func (c *counting) Slot() int { return c.slot }

func (c *counting) Render(*event.Event) *event.Rendering {
	c.renders++
	return &event.Rendering{}
}

// The trace that an event began in goes on with its messages (Distributed Tracing extension of CloudEvents).
func TestTheTraceOfAnEventIsAHeader(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for head, want := range map[string][]event.Header{
		`{"id":"1"}`: nil,
		`{"id":"1","traceparent":"` + parent + `"}`:                    {{Name: "traceparent", Value: parent}},
		`{"id":"1","traceparent":"` + parent + `","tracestate":"a=1"}`: {{Name: "traceparent", Value: parent}, {Name: "tracestate", Value: "a=1"}},
		`{"id":"1","traceparent":"00-nonsense"}`:                       nil,
	} {
		e := event.Event{Head: []byte(head)}
		if got := envelope.Of(&counting{}, &e, 1).Headers; !slices.Equal(got, want) {
			t.Errorf("%s: %v", head, got)
		}
	}
}

func TestAnEventIsRenderedOncePerEnvelopeAndRevision(t *testing.T) {
	t.Parallel()
	var e event.Event
	structured, star := &counting{slot: envelope.SlotStructured}, &counting{slot: envelope.SlotStar}
	for range 3 {
		envelope.Of(structured, &e, 7)
		envelope.Of(star, &e, 7)
	}
	if structured.renders != 1 || star.renders != 1 {
		t.Errorf("rendered %d and %d times, want once each", structured.renders, star.renders)
	}
	r := envelope.Of(structured, &e, 8)
	if structured.renders != 2 || star.renders != 1 || r.Revision != 8 {
		t.Errorf("a new revision: rendered %d and %d times, as revision %d", structured.renders, star.renders, r.Revision)
	}
	if e.Rendered(envelope.SlotStructured) != r || e.Rendered(envelope.SlotBinary) != nil {
		t.Error("the rendering is not kept in its slot")
	}
}
