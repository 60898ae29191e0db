package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// settle is how long the last messages of a turn may take to arrive.
const settle = 20 * time.Second

// run is one figure being taken.
type run struct {
	*Options
	figure   string
	dir      string
	receiver *child
	addr     string // of the receiver
	hubs     []*hub // that were started
	again    int64  // attempts that hubs which are processes had to make again
	closers  []func()
	// used is what the processes have used of the processors so far; nil: this one alone counts.
	used func() usage
}

// usage is time of processors.
type usage struct{ hub, store, receiver, publisher time.Duration }

func (r *run) usage() usage {
	if r.used == nil {
		return usage{hub: cpuTime()}
	}
	return r.used()
}

func (r *run) onClose(f func()) { r.closers = append(r.closers, f) }

func (r *run) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
	r.closers = nil
}

func (r *run) progress(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(r.figure + ": " + fmt.Sprintf(format, args...))
	}
}

// retried is how many attempts of the hubs were made again.
func (r *run) retried() (count int64) {
	count = r.again
	for _, h := range r.hubs {
		count += h.Engine.Totals().Retried
	}
	return count
}

// startReceiver starts the process that everything is sent to.
func (r *run) startReceiver(secure *identity) error {
	var ready receiverReady
	c, err := r.spawn(roleReceiver, receiverSetup{Identity: secure}, &ready)
	r.receiver, r.addr = c, ready.Addr
	return err
}

func (r *run) received(ctx context.Context) (receiverAnswer, error) {
	var a receiverAnswer
	return a, r.receiver.ask(ctx, receiverQuestion{}, &a)
}

// arrived waits until exactly so many messages have come since the receiver began: no fewer, and no more.
func (r *run) arrived(ctx context.Context, count int64, within time.Duration) (receiverAnswer, error) {
	var a receiverAnswer
	err := r.receiver.ask(ctx, receiverQuestion{Until: count, Within: within}, &a)
	switch {
	case err != nil:
	case a.Count < count:
		err = fault.New(fault.Internal, "%d of %d messages did not arrive within %s", count-a.Count, count, within)
	case a.Count > count:
		err = fault.New(fault.Internal, "%d messages arrived more than once", a.Count-count)
	}
	return a, err
}

// speed is what one turn came to.
type speed struct {
	rate float64 // messages received a second
	cpu  float64 // µs of this process, or of the nodes, for each
	// µs of the others' for each, where they are looked at
	store, receiver, publisher float64
}

// turn lets work run and takes its speed at the receiver, once it has come up to it. work goes on until its context ends.
func (r *run) turn(ctx context.Context, window time.Duration, work func(context.Context) error) (speed, error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- work(working) }()
	s, err := r.sample(ctx, window, done)
	stop()
	if err != nil {
		return s, err
	}
	return s, <-done
}

func (r *run) sample(ctx context.Context, window time.Duration, done chan error) (speed, error) {
	if err := pass(ctx, r.Size.Warm, done); err != nil {
		return speed{}, err
	}
	first, err := r.received(ctx)
	if err != nil {
		return speed{}, err
	}
	used := r.usage()
	if err := pass(ctx, window, done); err != nil {
		return speed{}, err
	}
	// On a machine that is busy with other things a short window may pass without a message: it then lasts until one comes.
	var last receiverAnswer
	if err := r.receiver.ask(ctx, receiverQuestion{Until: first.Count + 1, Within: settle}, &last); err != nil {
		return speed{}, err
	}
	now := r.usage()
	count := last.Count - first.Count
	if count == 0 {
		return speed{}, fault.New(fault.Internal, "nothing arrived for %s", settle)
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(count) }
	return speed{
		rate: float64(count) / (float64(last.At-first.At) / 1e9), cpu: each(now.hub - used.hub),
		store: each(now.store - used.store), receiver: each(now.receiver - used.receiver), publisher: each(now.publisher - used.publisher),
	}, nil
}

// pass waits for a time to pass; work that ends meanwhile has failed.
func pass(ctx context.Context, d time.Duration, done chan error) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err := <-done:
		return cmp.Or(err, ctx.Err(), error(fault.New(fault.Internal, "the work ended by itself")))
	case <-ctx.Done():
		return fmt.Errorf("the time for this figure is over: %w", ctx.Err())
	}
}

// rounds are the turns of one figure.
type rounds struct{ hub, ceiling, second []speed }

// summarise fills the figure with medians; the ratio is the median of the rounds' own ratios, for a machine that is
// slower in one round than in the next is so for both.
func (rs *rounds) summarise(f *Figure) {
	f.Value, f.Ceiling = median(rs.hub, rate), median(rs.ceiling, rate)
	f.CPU, f.CeilingCPU = median(rs.hub, cpu), median(rs.ceiling, cpu)
	f.StoreCPU = median(rs.hub, func(s speed) float64 { return s.store })
	f.ReceiverCPU = median(rs.hub, func(s speed) float64 { return s.receiver })
	f.PublisherCPU = median(rs.hub, func(s speed) float64 { return s.publisher })
	f.Ratio = ratio(rs.hub, rs.ceiling)
	if len(rs.second) > 0 {
		f.Ceiling2, f.Ratio2 = median(rs.second, rate), ratio(rs.hub, rs.second)
	}
}

func rate(s speed) float64 { return s.rate }
func cpu(s speed) float64  { return s.cpu }

func ratio(hub, ceiling []speed) float64 {
	var ratios []float64
	for i := range hub {
		ratios = append(ratios, hub[i].rate/ceiling[i].rate)
	}
	return middle(ratios)
}

func median(speeds []speed, of func(speed) float64) float64 {
	var values []float64
	for _, s := range speeds {
		values = append(values, of(s))
	}
	return middle(values)
}

// middle is the median; 0 of nothing.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
