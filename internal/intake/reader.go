package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// How often a broker that cannot be read is tried, and one that can is looked at.
const (
	firstDelay = time.Second
	mostDelay  = time.Minute
	lookEvery  = 15 * time.Second
)

// reader reads one source's stream. What it knows of the log is held against the log at every step, so two of them, on
// two nodes, do no more harm than to hinder each other.
type reader struct {
	*Intake
	source *event.Source
	wake   chan struct{} // capacity 1: something was let go
	status standing

	// Of one session.
	state  eventlog.StreamState
	order  *order
	free   bool // something that is set aside stands behind nothing any more
	looked time.Time
}

func newReader(k *Intake, source *event.Source) *reader {
	return &reader{Intake: k, source: source, wake: make(chan struct{}, 1), status: standing{state: Waiting, clock: k.Clock}}
}

// errAgain ends a session that is to begin anew at once.
var errAgain = errors.New("the stream has other partitions by now")

// run reads until ctx ends. Whatever goes wrong ends a session, and the next one goes on at the place that is in the log.
func (r *reader) run(ctx context.Context) {
	defer r.status.is(Waiting, nil)
	delay := firstDelay
	for ctx.Err() == nil {
		r.status.is(Connecting, nil)
		moved := r.status.moved()
		err := r.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errAgain) {
			continue
		}
		if r.status.is(stateOf(err), err) && !fault.Has(err, fault.ShuttingDown) {
			r.Trouble("reading the stream of "+r.source.Name+", which is tried again", err)
		}
		if r.status.moved() != moved {
			delay = firstDelay
		}
		r.rest(ctx, delay)
		delay = min(2*delay, mostDelay)
	}
}

// rest waits, or until something was let go.
func (r *reader) rest(ctx context.Context, d time.Duration) {
	over := make(chan struct{})
	timer := r.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-r.wake:
	case <-ctx.Done():
	}
}

// poke tells the reader that something was let go.
func (r *reader) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// session connects and reads until something goes wrong. A batch is in the log before the next one is read: that is all
// there is in memory of a stream, however much comes.
func (r *reader) session(ctx context.Context) error {
	if err := r.tidy(ctx); err != nil {
		return err
	}
	if r.state.Aside >= r.source.Stream.AsideLimit() {
		return r.full()
	}
	s, err := r.Open(ctx, r.source.Stream)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := r.enter(ctx, s); err != nil {
		return err
	}
	r.status.is(Reading, nil)
	for {
		batch, err := s.Read(ctx)
		if err == nil && len(batch.Messages) > 0 {
			err = r.take(ctx, &batch)
		}
		if err == nil {
			err = r.look(ctx, s)
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) full() error {
	return fault.New(fault.AsideFull, "%d messages are set aside, and %d may be", r.state.Aside, r.source.Stream.AsideLimit())
}

// load learns how the stream stands in the log.
func (r *reader) load(ctx context.Context) (err error) {
	if r.state, err = r.store.Stream(ctx, r.source.Name, r.source.Stream.ID()); err != nil {
		return err
	}
	rows, err := r.store.Asides(ctx, r.source.Name, 0, allAside, false)
	if err != nil {
		return err
	}
	r.order, r.free, r.state.Aside = newOrder(), false, len(rows)
	for i := range rows {
		a := &rows[i]
		r.free = r.free || a.Waits() && !r.order.behind(a.Lane, a.Outer)
		r.order.add(a.Lane, a.Outer)
	}
	r.status.stands(&r.state)
	return nil
}

// tidy learns how the stream stands, and takes what waits for nothing any more: what it waited for was forgotten, or the
// hub was ended while it was let go.
func (r *reader) tidy(ctx context.Context) error {
	if err := r.load(ctx); err != nil || !r.free {
		return err
	}
	if _, err := r.settle(ctx, r.source, choice{}); err != nil {
		return err
	}
	return r.load(ctx)
}

// enter finds the places to read from.
func (r *reader) enter(ctx context.Context, s Stream) error {
	ends, err := s.Ends(ctx)
	if err != nil {
		return err
	}
	if len(r.state.Next) == 0 && r.source.Stream.Start == event.StartNew {
		if err := r.startNew(ctx, ends); err != nil {
			return err
		}
	}
	places := map[int32]int64{}
	for partition, end := range ends {
		next, known := r.state.Next[partition]
		switch {
		case known && next > end.Next:
			return fault.New(fault.StreamRewound, "partition %d was read up to %d, and ends at %d", partition, next-1, end.Next-1)
		case known && next < end.First:
			r.missed(partition, next, end.First)
		}
		places[partition] = max(next, end.First)
	}
	r.status.ends(ends)
	r.looked = r.Clock.Now()
	return s.From(ctx, places)
}

// startNew notes the ends of a stream of which only what comes from now on is asked for.
func (r *reader) startNew(ctx context.Context, ends map[int32]Ends) error {
	in := &eventlog.Intake{Source: r.source.Name, Stream: r.source.Stream.ID(), Changes: r.state.Changes}
	for partition, end := range ends {
		in.Places = append(in.Places, eventlog.StreamPlace{Partition: partition, To: end.Next})
	}
	if err := r.log.Append(ctx, &eventlog.Request{Intake: in}); err != nil {
		return err
	}
	return r.load(ctx)
}

// missed tells of messages that the broker let go before they were read. Of a filtered stream nobody knows whether there
// were any for us.
func (r *reader) missed(partition int32, from, to int64) {
	if r.source.Stream.Filter != "" {
		return
	}
	r.Counted(r.source.Name, "missed", int(to-from))
	r.Trouble("reading the stream of "+r.source.Name, fmt.Errorf("the broker has let go of %d messages of partition %d before they were read; reading goes on behind them", to-from, partition))
}

// look learns, now and then, how far the stream reaches and whether something was let go elsewhere.
func (r *reader) look(ctx context.Context, s Stream) error {
	now := r.Clock.Now()
	if now.Sub(r.looked) < lookEvery {
		return nil
	}
	r.looked = now
	ends, err := s.Ends(ctx)
	if err != nil {
		return err
	}
	if r.status.ends(ends) {
		return errAgain
	}
	return r.tidy(ctx)
}

func stateOf(err error) State {
	if fault.Has(err, fault.AsideFull) {
		return Full
	}
	return Failing
}
