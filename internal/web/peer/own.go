// Package peer lets the nodes of a hub ask each other: each system is delivered by one node at a time, and every node
// answers for all of them (docs/adr/0012).
//
// Read own.go (what a node does for whoever asks), deed.go (the list of it), then the two ends of the wire: caller.go and
// door.go, with seal.go (who may call) and frame.go (what travels). deliveries.go puts the nodes together again; the files
// beside it are its parts: operate.go, fetch.go, where.go, forget.go, sinks.go.
package peer

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// Own is what this node has of the hub's deliveries.
type Own struct {
	Engine *delivery.Engine
	Log    Log
	Sinks  Arrivals // nil: there are none
}

// Log is the hub's log, as this node follows it.
type Log interface {
	Head() int64
	Book() *revision.Book
	At(ctx context.Context, position int64) (*event.Event, error)
	Cursor(position int64, rest bool) eventlog.Cursor
	// Forget drops what the memory holds of events.
	Forget(forgotten func(*event.Event) bool)
}

// Arrivals are what this node's sinks have taken.
type Arrivals interface {
	Await(ctx context.Context, subscription string, after int64, limit int, wait time.Duration) ([]channel.Arrival, error)
	Arrival(ctx context.Context, subscription string, number int64) (a channel.Arrival, found bool, err error)
	Holds(ctx context.Context, subscription string) (int, error)
	Empty(ctx context.Context, subscription string) error
	Forget(positions []int64)
}

// ready waits until the node has followed the log as far as the caller has seen it, and has taken up the system that is
// asked about.
// Errors: fault.NotHere, fault.ShuttingDown.
func (o *Own) ready(ctx context.Context, head int64, system string) error {
	if system != "" {
		if err := o.Engine.Here(ctx, system); err != nil {
			return err
		}
	}
	if err := o.Engine.Reached(ctx, head); err != nil {
		return fault.Wrap(fault.ShuttingDown, err, "gave up following the log to position %d", head)
	}
	return nil
}

func (o *Own) lanes(_ context.Context, sel delivery.Selection) ([]delivery.LaneView, error) {
	return o.Engine.Lanes(sel), nil
}

func (o *Own) selected(_ context.Context, sel delivery.Selection) ([]delivery.LaneView, error) {
	return o.Engine.Selected(sel)
}

// acting is an operation that is in the audit log, on some of the lanes it was recorded with.
type acting struct {
	Act   audit.Act
	Lanes []delivery.LaneView
}

func (o *Own) act(_ context.Context, q acting) ([]delivery.LaneView, error) {
	if q.Act != audit.Release && q.Act != audit.Discard {
		return nil, fault.New(fault.BadRequest, "lanes are released or discarded")
	}
	return o.Engine.Act(q.Act, q.Lanes), nil
}

// nothing is asked, or answered, where that it was done is all there is to say.
type nothing struct{ Said bool }

func (o *Own) endpoints(context.Context, nothing) ([]delivery.EndpointView, error) {
	return o.Engine.Endpoints(), nil
}

func (o *Own) totals(context.Context, nothing) (delivery.Totals, error) {
	return o.Engine.Totals(), nil
}

func (o *Own) standings(context.Context, nothing) ([]delivery.Standing, error) {
	return o.Engine.Standings(), nil
}

func (o *Own) pending(_ context.Context, consumer string) (int64, error) {
	return o.Engine.Pending(consumer), nil
}

func (o *Own) owed(ctx context.Context, subscription string) (int64, error) {
	return o.Engine.Owed(ctx, subscription)
}

type endpoint struct{ System, URL string }

func (o *Own) passed(_ context.Context, q endpoint) (nothing, error) {
	o.Engine.Passed(q.System, q.URL)
	return nothing{}, nil
}

// leasing asks for messages of a queue.
type leasing struct {
	Subscription string
	Most         int
	Hold, Wait   time.Duration
}

func (o *Own) lease(ctx context.Context, q leasing) ([]delivery.Leased, error) {
	lent, err := o.Engine.Lease(ctx, q.Subscription, q.Most, q.Hold, q.Wait)
	for i := range lent {
		lent[i].Event = bones(lent[i].Event)
	}
	return lent, err
}

// leases are those of a queue's messages, by their tokens.
type leases struct {
	Subscription string
	Tokens       []string
}

func (o *Own) acknowledge(ctx context.Context, q leases) ([]string, error) {
	return o.Engine.Acknowledge(ctx, q.Subscription, q.Tokens)
}

func (o *Own) giveBack(ctx context.Context, q leases) ([]string, error) {
	return o.Engine.Return(ctx, q.Subscription, q.Tokens)
}

// fetching reads what is for a subscription.
type fetching struct {
	Subscription string
	From         eventlog.Cursor
	FromKnown    bool // false: from where the hub knows the reader to stand
	Limit        int
	Wait         time.Duration
}

// fetched is one event of it.
type fetched struct {
	Event   event.Event
	Message event.Rendering
	At      eventlog.Cursor
}

func (o *Own) fetch(ctx context.Context, q fetching, visit func(*fetched) error) (eventlog.Cursor, error) {
	var from *eventlog.Cursor
	if q.FromKnown {
		from = &q.From
	}
	return o.Engine.Fetch(ctx, q.Subscription, from, q.Limit, q.Wait, func(e *event.Event, message []byte, at eventlog.Cursor) error {
		return visit(&fetched{Event: *bones(e), Message: event.Rendering{Body: message}, At: at})
	})
}

// bones is an event without what its message says anyway: head and data are the most of it, and would travel twice.
func bones(e *event.Event) *event.Event {
	return &event.Event{
		Position: e.Position, Recorded: e.Recorded, ID: e.ID, Source: e.Source, SourceID: e.SourceID, Type: e.Type, Version: e.Version, Time: e.Time,
		Organisation: e.Organisation, Lane: e.Lane, Retention: e.Retention, Personal: e.Personal, Forgotten: e.Forgotten,
	}
}

// replaying begins a pass, on behalf of its author.
type replaying struct {
	Subscription, Author string
	Filter               eventlog.Filter
	Rate                 int
	Count                int64
}

func (o *Own) replay(ctx context.Context, q replaying) (eventlog.Pass, error) {
	return o.Engine.Replay(ctx, q.Subscription, q.Author, q.Filter, q.Rate, q.Count)
}

type stopping struct {
	Pass  int64
	Actor string
}

func (o *Own) stopReplay(ctx context.Context, q stopping) (nothing, error) {
	return nothing{}, o.Engine.StopReplay(ctx, q.Pass, q.Actor)
}

// whereOf asks where an event is for some systems, all of which the node delivers.
type whereOf struct {
	Position int64
	Systems  []string
}

func (o *Own) where(ctx context.Context, q whereOf) ([]delivery.Whereabouts, error) {
	wanted := make(map[string]bool, len(q.Systems))
	for _, system := range q.Systems {
		if err := o.Engine.Here(ctx, system); err != nil {
			return nil, err
		}
		wanted[system] = true
	}
	return o.Engine.WhereOf(ctx, q.Position, func(system string) bool { return wanted[system] })
}

type figuresOf struct {
	System string
	Days   int
}

func (o *Own) figures(ctx context.Context, q figuresOf) (delivery.SystemFigures, error) {
	f, err := o.Engine.SystemFigures(ctx, q.System, q.Days)
	if err != nil {
		return delivery.SystemFigures{}, err
	}
	return *f, nil
}

// forgetting is of events at positions, or of all of one day under one retention.
type forgetting struct {
	Positions []int64
	Retention event.Retention
	Day       int64
}

func (o *Own) forget(ctx context.Context, q forgetting) (nothing, error) {
	gone := make(map[int64]bool, len(q.Positions))
	for _, position := range q.Positions {
		gone[position] = true
	}
	o.Log.Forget(func(e *event.Event) bool { return gone[e.Position] })
	err := o.Engine.Forget(ctx, q.Positions)
	if o.Sinks != nil {
		o.Sinks.Forget(q.Positions)
	}
	return nothing{}, err
}

func (o *Own) forgetDay(ctx context.Context, q forgetting) (nothing, error) {
	o.Log.Forget(func(e *event.Event) bool { return e.Retention == q.Retention && event.Day(e.Recorded) == q.Day })
	return nothing{}, o.Engine.ForgetDay(ctx, q.Retention, q.Day)
}

// arriving asks what a sink has taken.
type arriving struct {
	Subscription string
	After        int64
	Limit        int
	Wait         time.Duration
}

func (o *Own) arrivals(ctx context.Context, q arriving) ([]channel.Arrival, error) {
	if o.Sinks == nil {
		return nil, nil
	}
	ctx, stop := o.waiting(ctx)
	defer stop()
	return o.Sinks.Await(ctx, q.Subscription, q.After, q.Limit, q.Wait)
}

// waiting ends when this node is about to stop.
func (o *Own) waiting(ctx context.Context) (waiting context.Context, stop context.CancelFunc) {
	waiting, stop = context.WithCancel(ctx)
	go func() {
		select {
		case <-o.Engine.WaitsEnd():
			stop()
		case <-waiting.Done():
		}
	}()
	return waiting, stop
}

type numbered struct {
	Subscription string
	Number       int64
}

// found is a message in a sink, or that it is not there.
type found struct {
	Arrival channel.Arrival
	Found   bool
}

func (o *Own) arrival(ctx context.Context, q numbered) (f found, err error) {
	if o.Sinks != nil {
		f.Arrival, f.Found, err = o.Sinks.Arrival(ctx, q.Subscription, q.Number)
	}
	return f, err
}

func (o *Own) holds(ctx context.Context, subscription string) (int, error) {
	if o.Sinks == nil {
		return 0, nil
	}
	return o.Sinks.Holds(ctx, subscription)
}

func (o *Own) empty(ctx context.Context, subscription string) (nothing, error) {
	if o.Sinks == nil {
		return nothing{}, nil
	}
	return nothing{}, o.Sinks.Empty(ctx, subscription)
}
