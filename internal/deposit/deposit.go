// Package deposit takes deliveries of registers in: what a register sends is kept as bitemporal rows, and the events that it
// asks for go into the log, each exactly once and in order, and only of a delivery that is there as a whole (F1, F2, F10 to
// F14).
//
// Read take.go first: a delivery's way from its first byte to the commit that makes it seen. post.go brings its events into
// the log. store.go says what is asked of the store.
//
// No delivery is ever half there. What is staged is seen by nobody until the delivery's mark is committed; the events to be
// are staged with the rows they come from, so that neither is without the other; and how far they are in the log is committed
// with them. A crash between any two steps leaves a delivery that is staged as far as it says, or events that go on where the
// log says they stand.
package deposit

import (
	"context"
	"io"
	"strconv"
	"sync"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// Reader reads a delivery, entity by entity, in bounded memory.
type Reader interface {
	// Next returns the next entity, which is the caller's until the next call; io.EOF at the end of a delivery that is whole.
	// fault.InvalidDocument for what breaks a rule.
	Next() (*register.Entity, error)
	// Header is what the delivery says of itself. It is known after the first Next.
	Header() register.Header
}

// Log is where events go.
type Log interface {
	Append(ctx context.Context, r *eventlog.Request) error
	Grown() <-chan struct{}
}

// Places tells how far the events of registers are in the log.
type Places interface {
	Stream(ctx context.Context, source, stream string) (eventlog.StreamState, error)
}

// Directory is the configuration.
type Directory interface {
	Register(name string) (*register.Register, int64)
	Registers() []*register.Register
	Source(name string) (*event.Source, int64)
	Version(typeName, version string) *event.Compiled
	Last() int64
}

// Accepter decides what becomes an event, as for everything that is published.
type Accepter interface {
	Accept(d event.Draft) (*event.Event, []fault.Violation)
}

// Options are what a Depositor stands on; all must be set but those that say otherwise.
type Options struct {
	Store     Store
	Log       Log
	Places    Places
	Past      Past
	Index     Index
	Directory Directory
	Accepter  Accepter
	Handles   register.Handler
	Read      func(body io.Reader, r *register.Register) Reader
	Clock     clock.Clock
	// Trouble reports what an operator should see in the log.
	Trouble func(doing string, err error)
}

// Depositor takes deliveries in. It is safe for concurrent use.
type Depositor struct {
	Options

	mu    sync.Mutex
	posts map[string]*post // by register
	halt  context.CancelFunc
	over  sync.WaitGroup
}

// New makes a depositor that publishes nothing until it is started.
func New(options Options) *Depositor {
	return &Depositor{Options: options, posts: map[string]*post{}}
}

// Delivery tells how a delivery stands. fault.NotFound.
func (d *Depositor) Delivery(ctx context.Context, registerName, id string) (*register.Delivery, error) {
	return d.Store.Delivery(ctx, registerName, id)
}

// Deliveries lists the deliveries of a register with numbers below one, newest first; below 0 all.
func (d *Depositor) Deliveries(ctx context.Context, registerName string, below int64, limit int) ([]register.Delivery, error) {
	return d.Store.Deliveries(ctx, registerName, below, limit)
}

// Drop gives up a delivery that was begun and is not to go on: nothing of it is kept.
// It is in the audit log before it is done. Errors: fault.NotFound; fault.Conflict when it is not being staged.
func (d *Depositor) Drop(ctx context.Context, actor, registerName, id string) (*register.Delivery, error) {
	delivery, err := d.Store.Delivery(ctx, registerName, id)
	if err != nil {
		return nil, err
	}
	if delivery.State != register.Staging {
		return nil, fault.New(fault.Conflict, "the delivery is %s; only one that is being staged can be dropped", delivery.State)
	}
	subject := "delivery/" + registerName + "/" + strconv.FormatInt(delivery.Number, 10)
	if err := d.Log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{audit.Of(actor, audit.DropDelivery, subject, audit.Detail{})}}); err != nil {
		return nil, err
	}
	return delivery, d.refuse(ctx, delivery, "it was dropped")
}

func (d *Depositor) refuse(ctx context.Context, delivery *register.Delivery, reason string) error {
	delivery.State, delivery.Ended, delivery.Reason = register.Refused, clock.Micros(d.Clock.Now()), reason
	return d.Store.Refuse(ctx, delivery)
}
