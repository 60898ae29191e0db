package eventlog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// groupLimit bounds one commit, so that the first of a flood is not kept waiting for the last.
const groupLimit = 4096

// retryAfterFailure is how long the writer rests when the store refuses a commit (a full disk), before it tries the
// outcomes again.
const retryAfterFailure = 250 * time.Millisecond

// Cutter is a consumer whose outcomes go into the next commit. Both methods are called by the writer, one consumer's
// never at the same time.
type Cutter interface {
	// Cut takes the changes since the last cut. The cut is kept until Committed is called for it.
	Cut() *Cut
	// Committed says that the cut is in the store.
	Committed(*Cut)
}

// Log is the event log of one hub, as one of its nodes has it. Any number append and read.
type Log struct {
	store   Store
	book    *revision.Book
	clock   clock.Clock
	chain   *audit.Chain
	shared  *Shared                       // nil: nobody else appends
	trouble func(doing string, err error) // tells the operator

	appends  *writer // takes what is to be appended,
	outcomes *writer // and what is to be recorded: the same one, unless the log is shared
	halt     context.CancelFunc
	followed chan struct{} // closed when other nodes are not followed any more

	mu     sync.Mutex
	queue  []*Request
	dirty  []Cutter
	closed bool

	epochs  atomic.Pointer[[]Epoch] // oldest first; the last is the one in which positions are given now
	coming  sync.Mutex              // held while what was committed is made visible
	unsure  atomic.Bool             // the store was out of reach: it may not be what it was
	looked  atomic.Int64            // µs UTC: when what is visible here was last known to be all there is
	head    atomic.Int64            // the last position that is visible here; nothing above is visible to anyone here
	commits atomic.Int64            // groups appended since the start
	tail    *tail
	growth  *Broadcast // the head has moved
}

// Open reads the head and the configuration, and starts the writer.
func Open(ctx context.Context, store Store, book *revision.Book, clk clock.Clock, opts Options) (*Log, error) {
	head, _, err := store.Head(ctx)
	if err != nil {
		return nil, err
	}
	epochs, err := store.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	revisions, err := store.Revisions(ctx, 0)
	if err != nil {
		return nil, err
	}
	l := &Log{
		store: store, book: book, clock: clk, chain: opts.Chain, shared: opts.Shared, trouble: opts.Trouble,
		growth: NewBroadcast(), followed: make(chan struct{}),
	}
	l.accept(epochs)
	opts = opts.withDefaults()
	shown, _ := l.revisionsUpTo(&revisions, head) // another node may have appended since
	if err := book.Apply(shown); err != nil {
		return nil, err
	}
	l.trouble, l.tail = opts.Trouble, newTail(head, opts)
	l.head.Store(head)
	l.looked.Store(clock.Micros(clk.Now()))
	l.begin()
	return l, nil
}

// begin starts whoever writes and follows.
func (l *Log) begin() {
	working, halt := context.WithCancel(context.Background())
	l.halt = halt
	if l.shared == nil {
		l.appends = newWriter(l, true, true)
		l.outcomes = l.appends
		close(l.followed)
		go l.appends.write(working)
		return
	}
	l.appends, l.outcomes = newWriter(l, true, false), newWriter(l, false, true)
	go l.appends.write(working)
	go l.outcomes.write(working)
	go l.follow(working)
}

// Options bound what the log keeps in memory, and say what it seals audit entries with.
type Options struct {
	TailEvents int          // newest events kept for readers that keep up; 0: 32,768
	TailBytes  int          // and how many bytes of them; 0: 64 MiB
	Chain      *audit.Chain // nil: requests with audit entries are refused
	Shared     *Shared      // nil: nobody else appends
	// Trouble tells the operator what goes wrong where nobody waits for an answer; nil: nobody hears.
	Trouble func(doing string, err error)
}

func (o Options) withDefaults() Options {
	if o.Trouble == nil {
		o.Trouble = func(string, error) {}
	}
	if o.TailEvents == 0 {
		o.TailEvents = 32 << 10
	}
	if o.TailBytes == 0 {
		o.TailBytes = 64 << 20
	}
	return o
}

// Append hands a request to the writer and returns when it is committed (DESIGN promise 1). The request's Err and
// its entries' statuses say what became of it. When ctx ends first the request may still be committed.
func (l *Log) Append(ctx context.Context, r *Request) error {
	r.done = make(chan struct{})
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return fault.New(fault.ShuttingDown, "the hub is stopping")
	}
	l.queue = append(l.queue, r)
	l.mu.Unlock()
	l.appends.poke()
	select {
	case <-r.done:
		if l.shared != nil && fault.Has(r.Err, fault.Precondition) {
			_ = l.CatchUp(ctx) // what came first is another node's: whoever tries again has it in the book
		}
		return r.Err
	case <-ctx.Done():
		return fault.Wrap(fault.ShuttingDown, ctx.Err(), "gave up waiting for the commit; publish again with the same id to learn whether it was accepted")
	}
}

// Touch asks for a cut of c in the next commit. The caller sees to it that c is asked for once until it is cut.
func (l *Log) Touch(c Cutter) {
	l.mu.Lock()
	l.dirty = append(l.dirty, c)
	l.mu.Unlock()
	l.outcomes.poke()
}

// Head is the last position that is visible here.
func (l *Log) Head() int64 { return l.head.Load() }

// Idle reports whether nothing waits to be committed and no commit runs.
func (l *Log) Idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.appends.writing && !l.outcomes.writing && len(l.queue) == 0 && len(l.dirty) == 0
}

// Commits counts the groups appended since the start: who finds it as it was has the writer to itself.
func (l *Log) Commits() int64 { return l.commits.Load() }

// Healthy reports whether outcomes can be committed now. While they cannot, no new send may start (DESIGN section 5,
// Record): what a receiver accepted must be remembered.
func (l *Log) Healthy() bool { return l.appends.healthy.Load() && l.outcomes.healthy.Load() }

// Behind is how long ago what is visible here was known to be all there is; 0: it is. Where other nodes append it is so
// until the next look at the store; where none do, unless the store takes no commits.
func (l *Log) Behind() time.Duration {
	if l.shared == nil && l.Healthy() {
		return 0
	}
	return max(0, time.Duration(clock.Micros(l.clock.Now())-l.looked.Load())*time.Microsecond)
}

// Book is the configuration folded from the log.
func (l *Log) Book() *revision.Book { return l.book }

// Grown returns a channel that is closed when the head next moves, or the store takes commits again. Take it before
// looking at Head and Healthy.
func (l *Log) Grown() <-chan struct{} { return l.growth.Wait() }

// Reconfigured returns a channel that is closed when the configuration next changes. Take it before looking at Book.
func (l *Log) Reconfigured() <-chan struct{} { return l.book.Changed() }

// Read returns the events after a position, at most limit positions far, and the position up to which it has read.
// It reads memory when it can and the store when it must.
func (l *Log) Read(ctx context.Context, after int64, limit int) (events []*event.Event, upTo int64, err error) {
	head := l.Head()
	upTo = min(after+int64(limit), head)
	if upTo <= after {
		return nil, after, nil
	}
	if events, ok := l.tail.read(after, upTo); ok {
		return events, upTo, nil
	}
	events, err = l.store.Range(ctx, after, upTo, limit)
	return events, upTo, err
}

// At returns the event at a position.
func (l *Log) At(ctx context.Context, position int64) (*event.Event, error) {
	if e := l.tail.at(position); e != nil {
		return e, nil
	}
	return l.store.At(ctx, position)
}

// Forget drops what the memory holds of events that were forgotten in the store.
func (l *Log) Forget(forgotten func(*event.Event) bool) { l.tail.forgetEvents(forgotten) }

// Close commits what waits and stops the writer. Appends from now on are refused.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, w := range []*writer{l.appends, l.outcomes} {
		w.poke()
		<-w.stopped
	}
	l.halt()
	<-l.followed
	return nil
}

// Abandon stops the writer where it stands, as a crash would: what waits is neither committed nor answered. Tests of
// recovery use it.
func (l *Log) Abandon() {
	l.halt()
	<-l.appends.stopped
	<-l.outcomes.stopped
	<-l.followed
}

// Broadcast wakes everyone who waits for something to move on.
type Broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// NewBroadcast returns one that nobody waits for.
func NewBroadcast() *Broadcast { return &Broadcast{ch: make(chan struct{})} }

// Wait returns a channel that the next Signal closes. Take it before looking at what it guards.
func (b *Broadcast) Wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

// Signal wakes all who wait.
func (b *Broadcast) Signal() {
	b.mu.Lock()
	close(b.ch)
	b.ch = make(chan struct{})
	b.mu.Unlock()
}
