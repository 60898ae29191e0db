// Package envelope is the port through which an event becomes a message: one event in, bytes out.
package envelope

import "github.com/varselhub/varsel/internal/event"

// The slots in which an event keeps what each envelope made of it.
const (
	SlotStructured = iota // CloudEvents, structured
	SlotBinary            // CloudEvents, binary
	SlotStar              // STAR webservicebesked
	SlotStatuspage        // Statuspage's webhooks

	SlotHaendelsesbeskedJSON // Hændelsesbesked, JSON
	SlotHaendelsesbeskedXML  // Hændelsesbesked, XML
	SlotHaendelsesbeskedBare // Hændelsesbesked, JSON as the documentation of Datafordeleren prints it
)

// Envelope renders events in one format. It is safe for concurrent use.
type Envelope interface {
	// Slot is where an event keeps this envelope's rendering; no two envelopes of a hub share one.
	Slot() int
	// Render always returns a rendering of its own. Its Err is set when the message would break its contract (S23);
	// such a message is not sent. Render leaves Revision to Of.
	Render(e *event.Event) *event.Rendering
}

// Appender is an envelope that writes a message behind others, for who keeps none. Where it returns an error, what it returns
// besides is not looked at.
type Appender interface {
	Append(dst []byte, e *event.Event) ([]byte, error)
}

// Append appends the body of the event's message. It is kept with the event only by an envelope that is no Appender.
func Append(dst []byte, env Envelope, e *event.Event, revision int64) ([]byte, error) {
	if appender, ok := env.(Appender); ok {
		return appender.Append(dst, e)
	}
	r := Of(env, e, revision)
	return append(dst, r.Body...), r.Err
}

// Of returns the event as a message under a revision of the configuration, with the trace it began in as headers of the
// transport (Trace Context), whatever the envelope. It is rendered and checked once for all
// deliveries; only when several goroutines ask for the first time at once may each do the work.
func Of(env Envelope, e *event.Event, revision int64) *event.Rendering {
	if r := e.Rendered(env.Slot()); r != nil && r.Revision == revision {
		return r
	}
	r := env.Render(e)
	r.Revision = revision
	if parent, state := e.Trace(); parent != "" && r.Err == nil {
		r.Headers = append(r.Headers, event.Header{Name: event.TraceParent, Value: parent})
		if state != "" {
			r.Headers = append(r.Headers, event.Header{Name: event.TraceState, Value: state})
		}
	}
	e.KeepRendering(env.Slot(), r)
	return r
}
