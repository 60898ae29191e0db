package sink

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
)

// Bounds of what is kept. The oldest goes first.
const (
	mostKept  = 1000           // messages of one sink
	bytesKept = 4 << 20        // and their bytes; a larger body is not kept
	bytesAll  = 64 << 20       // of all sinks together
	timeKept  = 24 * time.Hour // and no longer than this
	overhead  = 512            // bytes that a message costs beside its headers and body
)

// Sinks hold what the sinks of a hub have taken. They are safe for concurrent use.
type Sinks struct {
	clock clock.Clock

	mu    sync.Mutex
	boxes map[string]*box // by subscription
	bytes int
	swept time.Time
}

// box is one sink's.
type box struct {
	arrivals []channel.Arrival // oldest first
	bytes    int
	last     int64
	history  history
	grown    chan struct{} // closed by the next arrival
}

// New returns sinks that hold nothing.
func New(clk clock.Clock) *Sinks {
	return &Sinks{clock: clk, boxes: map[string]*box{}, swept: clk.Now()}
}

// box is that of a subscription, made at first use. The caller holds the lock.
func (k *Sinks) box(subscription string) *box {
	b := k.boxes[subscription]
	if b == nil {
		b = &box{grown: make(chan struct{})}
		k.boxes[subscription] = b
	}
	return b
}

func (k *Sinks) see(subscription string, m *channel.Message) channel.Sighting {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.box(subscription).history.see(m)
}

func (k *Sinks) accept(subscription string, m *channel.Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.box(subscription).history.accept(m)
}

// keep numbers a message by the time it came, so that numbers rise over restarts too, and makes room for it.
func (k *Sinks) keep(subscription string, a *channel.Arrival) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	if now.Sub(k.swept) >= time.Minute {
		k.sweep(now)
	}
	b := k.box(subscription)
	a.At = now
	a.Number = max(b.last+1, clock.Micros(now))
	if b.last = a.Number; a.Size > bytesKept {
		a.Body = nil
	}
	b.arrivals = append(b.arrivals, *a)
	k.grow(b, cost(a))
	for len(b.arrivals) > mostKept || b.bytes > bytesKept+overhead && len(b.arrivals) > 1 {
		k.drop(b)
	}
	for k.bytes > bytesAll {
		k.drop(k.largest())
	}
	close(b.grown)
	b.grown = make(chan struct{})
}

func (k *Sinks) grow(b *box, by int) {
	b.bytes += by
	k.bytes += by
}

func cost(a *channel.Arrival) int {
	n := overhead + len(a.Body)
	for _, h := range a.Headers {
		n += len(h.Name) + len(h.Value)
	}
	return n
}

// drop lets go of a box's oldest.
func (k *Sinks) drop(b *box) {
	k.grow(b, -cost(&b.arrivals[0]))
	b.arrivals[0] = channel.Arrival{} // its body is not held by the array behind
	b.arrivals = b.arrivals[1:]
}

func (k *Sinks) largest() *box {
	var most *box
	for _, b := range k.boxes {
		if most == nil || b.bytes > most.bytes {
			most = b
		}
	}
	return most
}

// sweep lets go of what is too old, in every box.
func (k *Sinks) sweep(now time.Time) {
	k.swept = now
	for _, b := range k.boxes {
		for len(b.arrivals) > 0 && now.Sub(b.arrivals[0].At) >= timeKept {
			k.drop(b)
		}
	}
}

// Arrivals lists what a sink keeps after a number, oldest first and without bodies, at most limit of it. grown is closed
// when more has come than that.
func (k *Sinks) Arrivals(subscription string, after int64, limit int) (list []channel.Arrival, grown <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep(k.clock.Now())
	b := k.box(subscription)
	from, _ := slices.BinarySearchFunc(b.arrivals, after+1, func(a channel.Arrival, n int64) int { return int(a.Number - n) })
	list = slices.Clone(b.arrivals[from:min(from+limit, len(b.arrivals))])
	for i := range list {
		list[i].Body = nil
	}
	return list, b.grown
}

// Await is Arrivals, and waits that long for the first. When ctx ends there is none.
func (k *Sinks) Await(ctx context.Context, subscription string, after int64, limit int, wait time.Duration) ([]channel.Arrival, error) {
	over := make(chan struct{})
	if wait > 0 {
		defer k.clock.AfterFunc(wait, func() { close(over) }).Stop()
	}
	for {
		found, grown := k.Arrivals(subscription, after, limit)
		if len(found) > 0 || wait <= 0 {
			return found, nil
		}
		select {
		case <-grown:
		case <-over:
			return nil, nil
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// Arrival returns one message with its body.
func (k *Sinks) Arrival(_ context.Context, subscription string, number int64) (a channel.Arrival, found bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep(k.clock.Now())
	for _, a := range k.box(subscription).arrivals {
		if a.Number == number {
			return a, true, nil
		}
	}
	return channel.Arrival{}, false, nil
}

// Holds is how many messages a sink keeps.
func (k *Sinks) Holds(_ context.Context, subscription string) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.box(subscription).arrivals), nil
}

// Empty lets go of all that a sink keeps. What it knows of order and repeats stays.
func (k *Sinks) Empty(_ context.Context, subscription string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := k.box(subscription)
	for len(b.arrivals) > 0 {
		k.drop(b)
	}
	return nil
}

// Forget lets go of the messages of these positions, in every sink.
func (k *Sinks) Forget(positions []int64) {
	gone := map[int64]bool{}
	for _, position := range positions {
		gone[position] = true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range k.boxes {
		b.arrivals = slices.DeleteFunc(b.arrivals, func(a channel.Arrival) bool {
			if gone[a.Position] {
				k.grow(b, -cost(&a))
			}
			return gone[a.Position]
		})
	}
}
