// Package node divides what one node of a hub does at a time among the nodes there are: the delivery of each system, and
// duties such as forgetting. Each is held by one node, for as long as the database hears of it (DESIGN section 5,
// Scale-out).
//
// Read node.go for the life of a node, and share.go for who gets what.
package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Store is where the nodes meet. Its clock is the only one that they share.
type Store interface {
	// Join makes this process a node, and returns its number.
	Join(ctx context.Context, name, url, version string, ttl time.Duration) (n int64, err error)
	// Beat says that the node is there, so that what it holds is its own for so long from now, and tells who else is.
	// fault.NotFound is for a node that the others have given up: it holds nothing.
	Beat(ctx context.Context, n int64, ttl time.Duration) ([]eventlog.Node, error)
	// Claim takes holdings that nobody has, or a node that is not heard of any more; it returns those it got. It is a beat.
	Claim(ctx context.Context, n int64, ttl time.Duration, names []string) ([]eventlog.Holding, error)
	// Yield gives holdings back that the node still has.
	Yield(ctx context.Context, n int64, holdings []eventlog.Holding) error
	// Leave gives everything back and ends the node.
	Leave(ctx context.Context, n int64) error
}

// Work is what is done under one holding.
type Work interface {
	// Begin begins it under a token, and returns when it is under way.
	Begin(ctx context.Context, token int64) error
	// End lets what is under way come to its end, until ctx ends. It is not this node's when End returns.
	End(ctx context.Context)
	// Cut ends it at once: it may be another node's already.
	Cut()
}

// The times of a node. One that dies is taken over from after hold and another look, within ten seconds; one that cannot
// reach the database ends what it does before the others begin.
const (
	beatEvery = 1500 * time.Millisecond
	hold      = 8 * time.Second
	margin    = 1500 * time.Millisecond // between what a node takes for its own and what the others do
	beatLimit = 3 * time.Second         // how long one beat may take
	workLimit = 30 * time.Second        // how long work may take to begin
	handOver  = 20 * time.Second        // how long work may take to end before it is cut
)

// Options say how a node meets the world; app fills them in.
type Options struct {
	Name    string // for people
	URL     string // where the other nodes reach this one; "": nowhere
	Version string
	// Now is a clock that never jumps; nil: the machine's monotonic one. Only how far apart its times are is looked at.
	Now func() time.Time
	// Wanted lists what is to be held by somebody, in the same order on every node.
	Wanted func() []string
	// Work makes what is done under a holding of a name.
	Work func(name string) Work
	// Changed returns a channel that is closed when Wanted may list more. Take it before asking Wanted.
	Changed func() <-chan struct{}
	// Report tells the operator.
	Report func(doing string, err error)
	// Told hears of what the node does, for the log: "holds", "lets go of", "lost".
	Told func(what, name string, token int64)
}

// Node is this process among the nodes of its hub.
type Node struct {
	store Store
	clock clock.Clock
	opts  Options

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	leave  sync.Once
	taking sync.WaitGroup

	until atomic.Pointer[time.Time] // what is held is this node's own up to then, by its own clock

	mu      sync.Mutex
	n       int64 // 0: it is to join
	former  int64 // its number before it lost all it held; 0: none, or it has left under it
	mine    map[string]*held
	nodes   []eventlog.Node // as the last beat told
	watched clock.Timer
}

// held is a holding of this node's.
type held struct {
	eventlog.Holding
	work   Work
	begun  bool
	ending bool
}

// New makes a node that has not joined.
func New(store Store, clk clock.Clock, opts Options) *Node {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Node{store: store, clock: clk, opts: opts, ctx: ctx, cancel: cancel, done: make(chan struct{}), mine: map[string]*held{}}
}

// Sure reports whether what this node holds is still its own. It is asked before each send: a process that was stopped for
// a while may not have noticed yet that others have taken over.
func (n *Node) Sure() bool {
	until := n.until.Load()
	return until != nil && n.opts.Now().Before(*until)
}

// Start joins the hub and begins to take its share.
// Errors: what the store gives.
func (n *Node) Start(ctx context.Context) error {
	if err := n.join(ctx); err != nil {
		close(n.done)
		return err
	}
	go n.run()
	return nil
}

// Stop lets go of everything, until ctx ends, and leaves. What is held then is cut, and taken over when the others do not
// hear of this node any more. Stopping again does nothing.
func (n *Node) Stop(ctx context.Context) { n.leave.Do(func() { n.stop(ctx) }) }

func (n *Node) stop(ctx context.Context) {
	n.cancel()
	<-n.done
	n.taking.Wait()
	var all sync.WaitGroup
	for _, h := range n.holding() {
		all.Go(func() { h.work.End(ctx) })
	}
	all.Wait()
	n.mu.Lock()
	number := n.n
	if n.watched != nil {
		n.watched.Stop()
	}
	n.mu.Unlock()
	if number == 0 {
		return
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatLimit)
	defer cancel()
	if err := n.store.Leave(leaving, number); err != nil {
		n.opts.Report("leaving the hub's other nodes, which take over in some seconds", err)
	}
}

// Abandon ends everything as a crash would, for tests.
func (n *Node) Abandon() {
	n.cancel()
	<-n.done
	for _, h := range n.holding() {
		h.work.Cut()
	}
}

// Nodes lists the nodes of the hub as this one heard of them last, and its own number.
func (n *Node) Nodes() (nodes []eventlog.Node, self int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.nodes, n.n
}

// Holder finds the node that has a holding, as this one heard last. ok is false when nobody has it.
func (n *Node) Holder(name string) (node eventlog.Node, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, other := range n.nodes {
		for _, h := range other.Holds {
			if h.Name == name {
				return other, true
			}
		}
	}
	return node, false
}

func (n *Node) holding() []*held {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]*held, 0, len(n.mine))
	for _, h := range n.mine {
		list = append(list, h)
	}
	return list
}

func (n *Node) join(ctx context.Context) error {
	joining, cancel := context.WithTimeout(ctx, beatLimit)
	defer cancel()
	if err := n.leaveFormer(joining); err != nil {
		return err
	}
	began := n.opts.Now()
	number, err := n.store.Join(joining, n.opts.Name, n.opts.URL, n.opts.Version, hold)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.n = number
	n.mu.Unlock()
	n.keep(began)
	return nil
}

// leaveFormer gives back what the node held before it lost it: nothing of that is done here any more, and nobody need wait
// until the time is over.
func (n *Node) leaveFormer(ctx context.Context) error {
	n.mu.Lock()
	former := n.former
	n.mu.Unlock()
	if former == 0 {
		return nil
	}
	if err := n.store.Leave(ctx, former); err != nil {
		return err
	}
	n.mu.Lock()
	n.former = 0
	n.mu.Unlock()
	return nil
}

// run beats, and takes and gives what is due, until the node stops.
func (n *Node) run() {
	defer close(n.done)
	for n.ctx.Err() == nil {
		changed := n.opts.Changed()
		if err := n.turn(); err != nil && n.ctx.Err() == nil {
			n.opts.Report("telling the hub's other nodes that this one is there", err)
		}
		due := make(chan struct{})
		timer := n.clock.AfterFunc(beatEvery, func() { close(due) })
		select {
		case <-due:
		case <-changed:
		case <-n.ctx.Done():
		}
		timer.Stop()
	}
}

// turn is one beat, and what follows from it.
func (n *Node) turn() error {
	n.mu.Lock()
	number := n.n
	n.mu.Unlock()
	if number == 0 {
		if err := n.join(n.ctx); err != nil {
			return err
		}
		return n.turn()
	}
	beating, cancel := context.WithTimeout(n.ctx, beatLimit)
	defer cancel()
	began := n.opts.Now()
	nodes, err := n.store.Beat(beating, number, hold)
	if fault.Has(err, fault.NotFound) {
		n.lose()
		return n.turn()
	}
	if err != nil {
		return err
	}
	n.keep(began)
	n.mu.Lock()
	n.nodes = nodes
	n.mu.Unlock()
	if err := n.agree(beating, nodes, number); err != nil {
		return err
	}
	return n.divide(beating, nodes, number)
}

// keep notes that what is held is this node's own, counted from before it was asked for, and sees to it that it is cut
// when that is over.
func (n *Node) keep(from time.Time) {
	until := from.Add(hold - margin)
	n.until.Store(&until)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watched != nil {
		n.watched.Stop()
	}
	n.watched = n.clock.AfterFunc(until.Sub(n.opts.Now()), n.expire)
}

// expire cuts everything when the last beat is too long ago: the others may take over at any moment.
func (n *Node) expire() {
	if !n.Sure() && n.ctx.Err() == nil {
		n.lose()
	}
}

// lose cuts all work. The node joins anew, as another, when the database hears it again.
func (n *Node) lose() {
	n.mu.Lock()
	lost, number := n.mine, n.n
	n.mine, n.n = map[string]*held{}, 0
	n.mu.Unlock()
	for _, h := range lost {
		h.work.Cut()
		n.opts.Told("lost", h.Name, h.Token)
	}
	if number != 0 {
		n.mu.Lock()
		n.former = number // not before its work is cut
		n.mu.Unlock()
	}
}

// agree makes what this node has, and what the others think that it has, the same: what is not its own any more is cut,
// and what it did not take up is given back.
func (n *Node) agree(ctx context.Context, nodes []eventlog.Node, number int64) error {
	has := map[string]eventlog.Holding{}
	for _, node := range nodes {
		if node.N == number {
			for _, h := range node.Holds {
				has[h.Name] = h
			}
		}
	}
	var gone []*held
	n.mu.Lock()
	for name, h := range n.mine {
		if has[name].Token != h.Token {
			gone = append(gone, h)
			delete(n.mine, name)
		} else {
			delete(has, name)
		}
	}
	n.mu.Unlock()
	for _, h := range gone {
		h.work.Cut()
		n.opts.Told("lost", h.Name, h.Token)
	}
	if len(has) == 0 {
		return nil
	}
	return n.store.Yield(ctx, number, slices.Collect(maps.Values(has)))
}
