package event

import "bytes"

// The attributes of the Distributed Tracing extension of CloudEvents: the trace that the event began in, however many
// hops it has made since.
const (
	TraceParent = "traceparent"
	TraceState  = "tracestate"
)

// maxTraceState is what every participant must at least pass on, in bytes (Trace Context section 3.3.1.5).
const maxTraceState = 512

// IsTraceParent reports whether text is a traceparent of version 00 (Trace Context section 3.2): ids that are all zero
// are none.
func IsTraceParent(text string) bool {
	const form = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	if len(text) != len(form) || text[:3] != form[:3] || text[35] != '-' || text[52] != '-' {
		return false
	}
	return isID(text[3:35]) && isID(text[36:52]) && isHex(text[53:])
}

func isID(text string) bool {
	zero := true
	for i := range len(text) {
		zero = zero && text[i] == '0'
	}
	return !zero && isHex(text)
}

func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isTraceState reports whether text can be passed on in a header; what is in it is its makers' affair.
func isTraceState(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxTraceState
}

// Trace is the trace context that the event began in; "" when it has none that can be passed on.
func (e *Event) Trace() (parent, state string) {
	if !bytes.Contains(e.Head, []byte(`"`+TraceParent+`"`)) { // most events have none, and need not be read for it
		return "", ""
	}
	for _, a := range e.Attributes() {
		switch {
		case a.Name == TraceParent && IsTraceParent(a.Value):
			parent = a.Value
		case a.Name == TraceState && isTraceState(a.Value):
			state = a.Value
		}
	}
	if parent == "" {
		return "", ""
	}
	return parent, state
}

// CarryTrace makes the trace of the request that brought the draft the one it began in. What the event says itself stays:
// a request may be a later hop.
func (d *Draft) CarryTrace(parent, state string) {
	full := len(d.Extensions)+2 > maxExtensions
	if full || d.Extension(TraceParent) != "" || d.Extension(TraceState) != "" || !IsTraceParent(parent) {
		return
	}
	d.Extensions = append(d.Extensions, Extension{Name: TraceParent, Value: parent})
	if isTraceState(state) {
		d.Extensions = append(d.Extensions, Extension{Name: TraceState, Value: state})
	}
}
