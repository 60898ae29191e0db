package event_test

import (
	"testing"

	"github.com/varselhub/varsel/internal/event"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// Trace Context section 3.2: what is not exactly a traceparent is none, and never reaches a header.
func TestTraceParent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		parent: true,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00":   true,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01":   false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01":   false,
		"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":   false,
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":   false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x": false,
		"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01":   false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-\r\n": false,
		"": false,
	} {
		if got := event.IsTraceParent(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestTheTraceOfAnEvent(t *testing.T) {
	t.Parallel()
	for head, want := range map[string][2]string{
		`{"id":"1"}`:                       {},
		`{"traceparent":"` + parent + `"}`: {parent, ""},
		`{"traceparent":"` + parent + `","tracestate":"a=1"}`:            {parent, "a=1"},
		`{"traceparent":"` + parent + `","tracestate":"a=1\r\nHost: x"}`: {parent, ""},
		`{"traceparent":"nonsense","tracestate":"a=1"}`:                  {},
		`{"tracestate":"a=1"}`:                                           {},
		`{"id":"traceparent"}`:                                           {},
	} {
		e := event.Event{Head: []byte(head)}
		if gotParent, gotState := e.Trace(); gotParent != want[0] || gotState != want[1] {
			t.Errorf("%s: %q %q", head, gotParent, gotState)
		}
	}
}

// What the event says of itself stays; otherwise the request's trace is the one it began in.
func TestCarryTrace(t *testing.T) {
	t.Parallel()
	other := event.Extension{Name: event.TraceParent, Value: "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	for name, c := range map[string]struct {
		has           []event.Extension
		parent, state string
		want          string
		wantState     string
	}{
		"none":            {nil, "", "", "", ""},
		"the request's":   {nil, parent, "a=1", parent, "a=1"},
		"no state":        {nil, parent, "a=\x00", parent, ""},
		"nonsense":        {nil, "nonsense", "a=1", "", ""},
		"the event's own": {[]event.Extension{other}, parent, "a=1", other.Value, ""},
	} {
		d := event.Draft{Extensions: c.has}
		d.CarryTrace(c.parent, c.state)
		if got, state := d.Extension(event.TraceParent), d.Extension(event.TraceState); got != c.want || state != c.wantState {
			t.Errorf("%s: %q %q", name, got, state)
		}
	}
}
