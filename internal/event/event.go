// Package event holds the nouns of the log: the event, its type, its source and the mapping that reads its data.
package event

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/varselhub/varsel/internal/ident"
)

// Event is an immutable fact in the log. Nothing in it changes after the append; its slices are shared by every
// delivery and must not be written to.
type Event struct {
	Position int64      // place in the log; 0 before the append
	Recorded int64      // µs UTC, drawn under the append lock: never goes back from one position to the next
	ID       ident.UUID // message id: the same on every retry and replay

	Source   string // CloudEvents source: the registered source's URI
	SourceID string // CloudEvents id as the source gave it; unique within Source; empty in a range read from the store
	Type     string
	Version  string // version of the type, taken from the end of dataschema, or the active one
	Time     int64  // µs UTC, when it happened; Recorded when the source gave none

	Organisation Organisation // at most one; zero when the event concerns none
	Lane         Lane         // what it must stay in order with
	Retention    Retention    // of its type when it was accepted: what is forgotten together is encrypted together
	Personal     bool         // its type names personal values: nothing of Data may appear outside Data
	Forgotten    bool         // it is a skeleton: Head, MediaType and Data are gone, and so is the lane it had

	// Head is the CloudEvents context as one JSON object without data, built once when the event is accepted, so
	// that the structured form is Head plus Data without parsing anything.
	Head      []byte
	MediaType string // datacontenttype; empty when Data is empty
	Data      []byte // as received, byte for byte

	renderings [renderingSlots]atomic.Pointer[Rendering]
	facts      atomic.Value // see Facts
}

const renderingSlots = 7 // internal/envelope names them

// Rendering is what one envelope made of one event: shared by all its deliveries, so an event is rendered and
// validated once however many subscribers it has.
type Rendering struct {
	Revision    int64 // the configuration it was rendered under
	ContentType string
	Headers     []Header
	Body        []byte
	Err         error // the rendered message breaks its own contract (S23)
}

// Header is one header line of a rendered message.
type Header struct{ Name, Value string }

// Rendered returns the rendering kept in slot (one per envelope), or nil.
func (e *Event) Rendered(slot int) *Rendering { return e.renderings[slot].Load() }

// KeepRendering stores r in slot for the event's other deliveries.
func (e *Event) KeepRendering(slot int, r *Rendering) { e.renderings[slot].Store(r) }

// Facts returns what filters look at of the event (internal/filter), or nil where none has looked yet.
func (e *Event) Facts() any { return e.facts.Load() }

// KeepFacts stores them for the other subscriptions. They are always of one type.
func (e *Event) KeepFacts(facts any) { e.facts.Store(facts) }

// SourceIDIn reads the id, as the source gave it, out of a Head.
func SourceIDIn(head []byte) string {
	var attributes struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(head, &attributes) // we wrote it
	return attributes.ID
}

// Size is what the event holds in memory, in bytes, near enough for bounding buffers.
func (e *Event) Size() int { return len(e.Head) + len(e.Data) + 256 }

// Skeleton is what is left of an event that is forgotten: that it was, when, and of what kind; not what it said, nor what
// it had to stay in order with.
func (e *Event) Skeleton() *Event {
	return &Event{
		Position: e.Position, Recorded: e.Recorded, ID: e.ID, Source: e.Source, Type: e.Type, Version: e.Version, Time: e.Time,
		Organisation: e.Organisation, Lane: Alone(e.Position), Retention: e.Retention, Personal: e.Personal, Forgotten: true,
	}
}

// MicrosPerDay is a day UTC in the hub's unit of time.
const MicrosPerDay = 24 * 60 * 60 * 1_000_000

// Day is the day UTC of a time in µs, in days since 1970-01-01.
func Day(us int64) int64 { return us / MicrosPerDay }

// Organisation is what an event concerns or a subscription asks for: a type and a code within it. Its text form is
// "type:code", for example "5:101".
type Organisation struct {
	Type string `json:"type"`
	Code string `json:"code"`
}

// IsZero reports whether there is no organisation.
func (o Organisation) IsZero() bool { return o == Organisation{} }

// String returns "type:code", or "" for none.
func (o Organisation) String() string {
	if o.IsZero() {
		return ""
	}
	return o.Type + ":" + o.Code
}

// ParseOrganisation is the inverse of String. The type holds no colon, so the first one divides.
func ParseOrganisation(text string) Organisation {
	kind, code, found := strings.Cut(text, ":")
	if !found {
		return Organisation{}
	}
	return Organisation{Type: kind, Code: code}
}

// Lane names what an event must stay in order with: a keyed hash of its source and key (see Hasher), so that no
// personal value leaves the data. Events of an unordered type each have a lane of their own.
type Lane [16]byte

// IsZero reports whether the lane is not set yet: an unordered event gets its lane with its position.
func (l Lane) IsZero() bool { return l == Lane{} }

// Alone returns the lane of an unordered event: no other event shares it.
func Alone(position int64) Lane {
	var l Lane
	for i := range 8 {
		l[8+i] = byte(position >> (56 - 8*i))
	}
	return l
}

// String returns 32 hexadecimal digits.
func (l Lane) String() string {
	const digits = "0123456789abcdef"
	var text [32]byte
	for i, b := range l {
		text[2*i], text[2*i+1] = digits[b>>4], digits[b&15]
	}
	return string(text[:])
}

// ParseLane reads the 32 hexadecimal digits of String.
func ParseLane(text string) (Lane, bool) {
	var l Lane
	if len(text) != 32 {
		return l, false
	}
	for i := range l {
		b, err := strconv.ParseUint(text[2*i:2*i+2], 16, 8)
		if err != nil {
			return Lane{}, false
		}
		l[i] = byte(b)
	}
	return l, true
}
