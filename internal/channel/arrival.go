package channel

import (
	"time"

	"github.com/varselhub/varsel/internal/event"
)

// Arrival is one message as a sink took it: what a receiver's log would show. Its body is payload, and is shown only by
// an audited reveal.
type Arrival struct {
	Number   int64 // ascending, and unique in its sink; also over restarts
	At       time.Time
	ID       string // webhook-id
	Position int64  // of the event in the log; 0: of a test
	Lane     event.Lane
	Attempt  int
	Pass     int64 // of a replay; 0: none
	Test     bool

	Request string         // method and path
	Headers []event.Header // as they stood in the request, but the body's length

	Signature string   // "valid", "none", or the code of why it is not believed
	Sighting  Sighting // what it is in the history of its message
	Fault     string   // why a receiver could not read it; "" when it can

	Status int   // what the sink answered
	Class  Class // and what that meant

	Type string // what it is about, as it says itself; "" when it cannot be read
	Size int    // of the body, in bytes
	Body []byte // nil when it was too large to keep
}

// Sighting says what a message is in the history of its kind, for one who knows the order of keys.
type Sighting string

// The sightings.
const (
	First     Sighting = "first"
	Again     Sighting = "again"        // a repeat of one that was not accepted: a retry
	Duplicate Sighting = "duplicate"    // a repeat of one that was accepted
	Late      Sighting = "out-of-order" // the first of its message, after a later one of its key
)
