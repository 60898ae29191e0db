package manage

import (
	"context"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// RevealArrival returns a message that a subscription's sink has taken, with its body. That is payload: whoever looks,
// the subscriber itself too, is in the audit log before it is shown (DESIGN promise 12), and what the agreement does not
// grant any more, or the log has forgotten, is not shown (promises 8 and 11).
// Errors: NotFound, Conflict when its body was too large to keep, StorageFull, ShuttingDown, NodeUnreachable.
func (m *Manager) RevealArrival(ctx context.Context, id string, number int64, author string) (*channel.Arrival, error) {
	line := m.book.Line(id)
	if line == nil || line.Now() == nil {
		return nil, noSubscription(id)
	}
	arrival, ok, err := m.arrival(ctx, id, number)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fault.New(fault.NotFound, "the sink keeps no message of that number")
	}
	detail := audit.Detail{}
	if arrival.Position != 0 { // a test's data is invented
		e, err := m.log.At(ctx, arrival.Position)
		if err != nil {
			return nil, err
		}
		if m.forgotten(e) || !m.book.GrantsNow(line.Consumer.System, e) {
			return nil, fault.New(fault.NotFound, "the message may not be shown any more")
		}
		detail.Positions = []int64{arrival.Position}
	}
	if arrival.Body == nil && arrival.Size > 0 {
		return nil, fault.New(fault.Conflict, "its body of %d bytes was too large for the sink to keep", arrival.Size)
	}
	if err := m.record(ctx, audit.Of(author, audit.Reveal, subscriptionSubject(id), detail)); err != nil {
		return nil, err
	}
	return &arrival, nil
}

func (m *Manager) arrival(ctx context.Context, id string, number int64) (a channel.Arrival, found bool, err error) {
	if m.opts.Sinks == nil {
		return a, false, nil
	}
	return m.opts.Sinks.Arrival(ctx, id, number)
}

// forgotten reports whether the retention of an event's type is over.
func (m *Manager) forgotten(e *event.Event) bool {
	t, _ := m.book.Type(e.Type)
	return t != nil && t.Retention.Over(clock.FromMicros(e.Recorded), m.clock.Now())
}

// EmptySink lets go of what a subscription's sink has taken. Emptying an empty one changes nothing.
// Errors: NotFound, StorageFull, ShuttingDown, NodeUnreachable.
func (m *Manager) EmptySink(ctx context.Context, id, author string) error {
	if line := m.book.Line(id); line == nil || line.Now() == nil {
		return noSubscription(id)
	}
	if m.opts.Sinks == nil {
		return nil
	}
	count, err := m.opts.Sinks.Holds(ctx, id)
	if err != nil || count == 0 {
		return err
	}
	if err := m.record(ctx, audit.Of(author, audit.EmptySink, subscriptionSubject(id), audit.Detail{Removed: count})); err != nil {
		return err
	}
	return m.opts.Sinks.Empty(ctx, id)
}

// record writes an act that changes no configuration.
func (m *Manager) record(ctx context.Context, entry audit.Entry) error {
	_, err := m.change(ctx, func() (plan, error) { return plan{entry: entry}, nil })
	return err
}
