package eventlog

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Intake is what a request has from a source's stream: how far it was read, and which of its messages are set aside, in
// one with the events that were made of the others. With an intake a request's entries go in together or not at all, and
// only where the log is as the caller knew it; else it is refused with fault.StreamMoved. So whoever else reads the same
// stream, none of its messages is taken twice or skipped.
type Intake struct {
	Source  string // its name
	Stream  string // which stream of that source's: another one has places of its own
	Changes int64  // how often what is set aside of the source has changed, as the caller knows it
	Places  []StreamPlace
	Aside   []Aside // set aside now; the append sets Number and At
	Again   []Aside // tried again and refused again, by Number: Code, Reason, Lane and Outer are what they are now
	Taken   []int64 // set aside no longer: numbers
}

// StreamPlace is how far a partition of a stream is read: up to the message before the offset.
type StreamPlace struct {
	Partition int32
	From      int64 // as the caller knows it; 0: it was never read
	To        int64
}

// Aside is a message of a stream that could not be taken and is kept until somebody has looked at it, or that waits behind
// such a one.
type Aside struct {
	Number    int64 // within its source; never used twice
	Partition int32
	Offset    int64
	At        int64      // µs UTC
	Lane      event.Lane // of its key; zero: the key could not be read, or there is none
	Outer     event.Lane // of the key that the broker has it under; zero: none
	Code      fault.Code // why; fault.AfterRefused: it waits behind another
	Reason    string     // one line for a person; never a value of the message

	Retention event.Retention // of its type, or the shortest it could be
	Message   []byte          // as it was read; nil where only the rest was asked for
}

// Waits reports whether nothing is wrong with it but what it stands behind.
func (a *Aside) Waits() bool { return a.Code == fault.AfterRefused }

// StreamState is how a source's stream stands in the store.
type StreamState struct {
	Changes int64           // how often what is set aside has changed
	Aside   int             // how many are
	Next    map[int32]int64 // by partition: the offset to read next
}

// AsideOf are messages of one source that are set aside.
type AsideOf struct {
	Source  string
	Numbers []int64
}
