package delivery

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Engine delivers the log of one hub. Start it once; Stop lets what is in flight finish.
type Engine struct {
	log   *eventlog.Log
	store eventlog.Store
	book  *revision.Book
	clock clock.Clock
	opts  Options

	ctx      context.Context
	cancel   context.CancelFunc
	waits    context.Context // of those who wait for something to fetch
	endWaits context.CancelFunc

	running sync.WaitGroup
	life    sync.RWMutex // guards stopping, so that nothing begins once Stop waits
	stopped bool

	lastPass atomic.Int64        // the number of the newest replay
	passed   *eventlog.Broadcast // routed has moved
	routed   atomic.Int64        // the router has offered everything up to here
	inFlight atomic.Int64
	active   atomic.Int64 // goroutines of the engine's that do something, not counting those that wait for work
	resting  atomic.Int64
	idle     chan job
	calm     chan struct{} // nothing is in flight
	nonce    uint32        // of this process: its leases are no other's
	due      *dueTimes
	totals   totals

	forgotten forgotten
	marks     marks // of the windows that systems page through

	whole  *holding      // everything, in a hub of one process; nil in one of several nodes
	called chan struct{} // capacity 1: the router is to look at what arrived

	mu        sync.Mutex
	holdings  map[string]*holding // by system
	arrivals  []*arrival          // to be taken up by the router
	consumers map[*revision.Consumer]*consumer
	bySystem  map[string][]*consumer
	endpoints map[endpointKey]*endpoint
	crowded   []*consumer // could not start for want of the node's slots
	fresh     []*consumer // the router's: made since it last followed the revisions, or about to end
	seen      int64       // the router's: the newest revision the engine follows
	notices   []Notice
	telling   bool
}

type endpointKey struct{ system, url string }

// mostResting bounds the workers that wait for work with their stacks warm.
const mostResting = 512

// readRetry is how long a reader rests when the store failed it.
const readRetry = time.Second

// Options say how the engine meets the world; app fills them in.
type Options struct {
	// Connect makes the sender of one endpoint of a system. It is called again when the system's document changes.
	Connect func(system *subscription.System, url string) (channel.Sender, error)
	// Render makes the message of an event for a subscription.
	Render func(e *event.Event, s *subscription.Subscription) *event.Rendering
	// Append appends the same message, for a reader who takes many and keeps none. nil: what Render makes.
	Append func(dst []byte, e *event.Event, s *subscription.Subscription) ([]byte, error)
	// Tell passes on what a contact or the operator should know. It is called in a goroutine of its own, in order.
	Tell func(Notice) error
	// Revise appends a change of configuration that the engine itself decides: a 410 deactivates a subscription.
	Revise func(ctx context.Context, line *revision.Line, change func(*subscription.Subscription)) error
	// Trouble reports what an operator should see in the log.
	Trouble func(doing string, err error)
	// Observe is told of every attempt; it must be quick. nil: nobody is.
	Observe func(Observation)
	// Random is in [0,1): jitter.
	Random func() float64
	// InFlight bounds the sends of this node; 0: 4,096.
	InFlight int
	// Shared says that the hub has other nodes: a system is delivered here between TakeUp and LetGo, and not otherwise.
	Shared bool
	// Sure reports whether what is held here is still this node's; nil: it always is.
	Sure func() bool
	// Lost hears of a system whose recording was refused: what this node knows of it is not true any more, and whoever
	// holds it takes it up anew. Not called where nobody else delivers.
	Lost func(system string)
	// DrawPass gives a replay a number that no other has, on any node; nil: the engine counts.
	DrawPass func(context.Context) (int64, error)
	// ReplayAhead bounds what of a replay stands in lanes at a time; 0: 1,024.
	ReplayAhead int
}

// totals count what happened since the start, for a person to watch.
type totals struct {
	delivered, retried, parked, blockedLanes atomic.Int64
}

// New makes an engine that is not started.
func New(log *eventlog.Log, store eventlog.Store, clk clock.Clock, opts Options) *Engine {
	if opts.InFlight == 0 {
		opts.InFlight = 4096
	}
	if opts.Append == nil {
		opts.Append = func(dst []byte, e *event.Event, s *subscription.Subscription) ([]byte, error) {
			r := opts.Render(e, s)
			return append(dst, r.Body...), r.Err
		}
	}
	if opts.ReplayAhead == 0 {
		opts.ReplayAhead = replayAhead
	}
	ctx, cancel := context.WithCancel(context.Background())
	waits, endWaits := context.WithCancel(ctx)
	e := &Engine{
		log: log, store: store, book: log.Book(), clock: clk, opts: opts, ctx: ctx, cancel: cancel, waits: waits, endWaits: endWaits, passed: eventlog.NewBroadcast(),
		idle: make(chan job), calm: make(chan struct{}, 1), consumers: map[*revision.Consumer]*consumer{}, bySystem: map[string][]*consumer{},
		endpoints: map[endpointKey]*endpoint{}, nonce: rand.Uint32(), holdings: map[string]*holding{}, called: make(chan struct{}, 1),
	}
	if !opts.Shared {
		e.whole = newHolding(ctx, 0)
		close(e.whole.taken)
	}
	e.marks.clock = clk
	e.due = newDueTimes(clk, e.fall)
	return e
}

// Start takes up every consumer where the store says it stands, unless the hub has other nodes, and follows the log from
// there.
func (e *Engine) Start(ctx context.Context) error {
	if e.whole == nil {
		e.routed.Store(e.log.Head())
		_, _, e.seen = e.book.ChangedSince(0)
	} else if err := e.recover(ctx); err != nil {
		return err
	}
	if e.begin() {
		go func() {
			defer e.end()
			e.route()
		}()
	}
	return nil
}

// Stop ends all sending and waits for it: attempts in flight are given until ctx ends, then cut short; they will be
// made again. Outcomes stay to be committed by the log's Close.
func (e *Engine) Stop(ctx context.Context) {
	e.life.Lock()
	e.stopped = true
	e.life.Unlock()
	for e.inFlight.Load() > 0 && ctx.Err() == nil {
		select {
		case <-e.calm:
		case <-ctx.Done():
		}
	}
	e.cancel()
	e.due.stop()
	e.running.Wait()
	for _, c := range e.all() {
		c.mu.Lock()
		c.touch()
		c.mu.Unlock()
	}
}

// Abandon ends everything as a crash would: nothing in flight is heard of again. Tests of recovery use it, after the
// log's Abandon.
func (e *Engine) Abandon() {
	e.life.Lock()
	e.stopped = true
	e.life.Unlock()
	e.cancel()
	e.due.stop()
	e.running.Wait()
}

// leave ends a send of this node.
func (e *Engine) leave() {
	if e.inFlight.Add(-1) == 0 {
		select {
		case e.calm <- struct{}{}:
		default:
		}
	}
}

// begin counts a goroutine of the engine's; false when it is stopping.
func (e *Engine) begin() bool {
	e.life.RLock()
	defer e.life.RUnlock()
	if e.stopped {
		return false
	}
	e.running.Add(1)
	e.active.Add(1)
	return true
}

func (e *Engine) end() {
	e.active.Add(-1)
	e.running.Done()
}

// atRest reports whether the engine has nothing to do but wait: for receivers, for the clock, for new events.
func (e *Engine) atRest() bool {
	return e.active.Load() == 0 && e.log.Idle() && e.routed.Load() == e.log.Head() && e.active.Load() == 0
}

// sendable reports whether a send may start: its outcome can be committed, and the node has a slot.
func (e *Engine) sendable() bool {
	e.life.RLock()
	defer e.life.RUnlock()
	return !e.stopped && e.log.Healthy() && e.inFlight.Load() < int64(e.opts.InFlight) && (e.opts.Sure == nil || e.opts.Sure())
}

// crowd notes a consumer that could not start.
func (e *Engine) crowd(c *consumer) {
	e.mu.Lock()
	e.crowded = append(e.crowded, c)
	e.mu.Unlock()
}

// uncrowd lets one that could not start try again; the store's recovery lets all.
func (e *Engine) uncrowd() {
	e.mu.Lock()
	if len(e.crowded) == 0 || !e.log.Healthy() {
		e.mu.Unlock()
		return
	}
	c := e.crowded[0]
	e.crowded = e.crowded[1:]
	e.mu.Unlock()
	c.mu.Lock()
	c.pump()
	c.mu.Unlock()
}

// all lists the consumers.
func (e *Engine) all() []*consumer {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*consumer, 0, len(e.consumers))
	for _, c := range e.consumers {
		list = append(list, c)
	}
	return list
}

// target is where a subscription's deliveries go by the configuration of now.
type target struct {
	url                      string
	stopped, removed, pulled bool
	expiredUpTo              int64
}

func (e *Engine) target(l *revision.Line) target {
	s := l.Now()
	if s == nil {
		return target{removed: true}
	}
	system, _ := e.book.System(s.System)
	if system == nil {
		return target{removed: true}
	}
	if s.Pulled() {
		return target{pulled: true, expiredUpTo: s.ExpiredUpTo}
	}
	url, err := s.Address(&system.Agreement)
	if err != nil {
		return target{stopped: true, expiredUpTo: s.ExpiredUpTo}
	}
	return target{url: url, expiredUpTo: s.ExpiredUpTo, stopped: s.State != subscription.Active || e.book.Paused(s.System, s.ID, url)}
}

func (e *Engine) endpointAt(system, url string) *endpoint {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := endpointKey{system, url}
	ep := e.endpoints[key]
	if ep == nil {
		ep = newEndpoint(system, url)
		e.endpoints[key] = ep
	}
	return ep
}

// line finds a subscription by its id; every id on disk was once in the book.
func (e *Engine) line(id string) *revision.Line { return e.book.Line(id) }

func (e *Engine) policy(system string) profile.Profile {
	s, _ := e.book.System(system)
	if s == nil {
		p, _ := profile.Get(profile.Standard)
		return p
	}
	return s.Agreement.Policy()
}

func (e *Engine) trouble(doing string, err error) {
	if err != nil && e.ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		e.opts.Trouble(doing, err)
	}
}
