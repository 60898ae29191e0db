// Package channel is the port through which a message leaves the hub: bytes in, one classified result out.
package channel

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Class is what one send ended as. It alone drives retry, parking, the breaker and the counters.
type Class uint8

const (
	// Delivered means that the receiver has it.
	Delivered Class = iota + 1
	// Retry means to try again by the schedule; nothing says the message itself is at fault.
	Retry
	// Deferred means that the receiver asked us to wait (Retry-After). Not a failure; the whole endpoint waits.
	Deferred
	// Rejected means that the receiver will not take this message; it is parked.
	Rejected
	// Gone means that the receiver does not want any message any more (410).
	Gone
)

// String returns the word used in the log, the API and the metrics.
func (c Class) String() string {
	switch c {
	case Delivered:
		return "delivered"
	case Retry:
		return "retry"
	case Deferred:
		return "deferred"
	case Rejected:
		return "rejected"
	case Gone:
		return "gone"
	}
	return "unknown"
}

// Result is the outcome of one attempt.
type Result struct {
	Class    Class
	Status   int           // the protocol's status, for HTTP 100–599; 0 when no answer came
	After    time.Duration // with Deferred: how long the receiver asked us to wait, clamped
	Duration time.Duration
	Reason   string // stable code from the fault catalogue when no answer came, such as "connect-refused"
	Detail   string // one line for a person; never contains payload
	Body     []byte // the start of the answer's body when it was not a success; limited, and the caller's to keep
}

// NoAnswer is the outcome where none came, as err says: to be tried again.
func NoAnswer(err error) Result {
	f := fault.Of(err)
	return Result{Class: Retry, Reason: string(f.Code), Detail: f.Detail}
}

// Message is one thing to send.
type Message struct {
	ID          string // webhook-id
	ContentType string
	Body        []byte // not written to and not kept
	Headers     []event.Header
	Attempt     int   // 1 for the first
	Lease       int64 // of the node that sends it: a later holder has a higher one; 0: there is one process
	Replay      int64 // the pass it is replayed by: Varsel-Replay; 0: none
	Test        bool  // sample data: Varsel-Test: 1
	At          time.Time

	// Where it stands in the log, for channels that show or keep the order: never a part of what a receiver gets.
	Position int64 // 0: of a test
	Lane     event.Lane
}

// Sender delivers messages to one endpoint. It is safe for concurrent use; the caller bounds how many run at once.
type Sender interface {
	// Send makes exactly one attempt and always returns a result: a failure is a result, not an error. It returns
	// soon after ctx ends.
	Send(ctx context.Context, m *Message) Result
	// Close releases the connections.
	Close() error
}

// Batcher is a Sender that can carry several messages of one lane in one request.
type Batcher interface {
	Sender
	// Most is how many messages one request may carry now; 1: they go one by one, by Send.
	Most() int
	// SendAll makes exactly one attempt of the messages, which are in order, and returns the results of the first of them,
	// at least one: those that are left out were not sent. It returns soon after ctx ends.
	SendAll(ctx context.Context, messages []*Message) []Result
}
