// Package chaos is the proof of a hub of several nodes: real processes over one PostgreSQL, steady publishing to many
// subscriptions, and one trouble after the other. Nodes are killed, stopped, made to stand still, and cut off from the
// database; the database is restarted and crashes. All the while a receiver that knows the order holds what comes against
// the promises (DESIGN section 3): nothing accepted is lost, first sends are in order, and repeats are no more than what
// was in flight or without an outcome.
//
// Read plan.go for the troubles, ledger.go for what is checked of each message, and check.go for what is at the end.
package chaos

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/fleet"
)

// Options say how much trouble there is.
type Options struct {
	For   time.Duration // how long the troubles last; what was published has to settle after that
	Nodes int
	Rate  float64 // events a second, over all nodes; each is delivered to every subscription
	Seed  uint64  // of the order of troubles
	Dir   string  // where everything is kept while it runs; "": the system's place for what is temporary
	Store string  // a database that is there, and empty; "": a PostgreSQL of its own, which has troubles too
	// Only names the kinds of trouble; none: all.
	Only []string
	// Serve makes the command that runs varsel with arguments.
	Serve func(args ...string) *exec.Cmd
	// Progress is told what is going on, a line at a time; nil: nobody.
	Progress func(line string)
}

const (
	recoverWithin = 60 * time.Second // how long a trouble may be felt
	settleWithin  = 120 * time.Second
	restBetween   = time.Second
	// least is how short a run may be.
	least = 20 * time.Second
)

// scene is a run.
type scene struct {
	*Options
	kinds   []kind
	faults  *faults
	ledger  *ledger
	press   *press
	fleet   *fleet.Fleet
	proxies []*proxy
	meant   []atomic.Bool // the node's end is
	cursor  string        // id of the subscription that is fetched at the end
	began   time.Time
	report  *Report
	picture picture
	closers []func()
}

// Run lets troubles come for a time, waits until all is quiet and everything has arrived, and reports. The error is for
// what could not be tried; promises that were broken are in the report.
// Errors: fault.Configuration; fault.Internal.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.For < least || o.Nodes < 2 || o.Rate <= 0 {
		return nil, fault.New(fault.Configuration, "chaos takes at least %s, two nodes, and a rate above 0", least)
	}
	chosen, err := o.kinds()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "varsel-chaos-")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot make a directory")
	}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL, which is not root's, has its folder in it
		return nil, fault.Wrap(fault.Internal, err, "cannot open the directory")
	}
	o.Dir = dir
	s := &scene{Options: &o, kinds: chosen, faults: &faults{}, meant: make([]atomic.Bool, o.Nodes)}
	s.ledger = newLedger(s.faults)
	s.report = &Report{Seed: o.Seed, Nodes: o.Nodes, Systems: systems, Subscriptions: systems * subscriptions, Lanes: lanes}
	defer s.close()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	err = s.play(ctx)
	s.close()
	if err == nil && len(s.report.Violations) == 0 {
		_ = os.RemoveAll(dir) // what is left is temporary
	} else {
		s.report.Kept = dir
	}
	return s.report, err
}

// kinds are those that may come.
// Error: fault.Configuration for a name that is no kind's.
func (o *Options) kinds() (chosen []kind, err error) {
	unknown := slices.Clone(o.Only)
	for _, k := range kinds() {
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == k.name })
		if (len(o.Only) == 0 || slices.Contains(o.Only, k.name)) && (!k.server || o.Store == "") {
			chosen = append(chosen, k)
		}
	}
	if len(unknown) > 0 || len(chosen) == 0 {
		return nil, fault.New(fault.Configuration, "there is no trouble %q, or not with a database of somebody else's", o.Only)
	}
	return chosen, nil
}

func (s *scene) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *scene) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

func (s *scene) progress(format string, args ...any) {
	if s.Progress != nil {
		s.Progress(fmt.Sprintf(format, args...))
	}
}

// open starts everything: the receiver, PostgreSQL, a proxy for each node, the nodes, and the world.
func (s *scene) open(ctx context.Context) error {
	receiver, err := s.receive()
	if err != nil {
		return err
	}
	s.progress("starting PostgreSQL and %d nodes", s.Nodes)
	starting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	s.fleet, err = fleet.Start(starting, fleet.Options{
		Nodes: s.Nodes, Dir: s.Dir, Store: s.Store, Serve: s.Serve, Through: s.through,
		Settings: []string{"shared_buffers=128MB"},
	})
	if err != nil {
		return err
	}
	s.onClose(s.fleet.Stop)
	var urls []string
	for _, node := range s.fleet.Nodes {
		urls = append(urls, node.URL)
	}
	if s.press, err = newPress(s.faults, urls, lanes); err != nil {
		return err
	}
	hub, err := patient(urls[0])
	if err != nil {
		return err
	}
	s.cursor, err = configure(starting, hub, s.ledger, receiver)
	return err
}

// receive serves the ledger.
func (s *scene) receive() (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "the receiver cannot listen")
	}
	server := &http.Server{Handler: s.ledger}
	go server.Serve(listener)
	s.onClose(func() { server.Close() })
	return "http://" + listener.Addr().String(), nil
}

// through puts a proxy between a node and the store.
func (s *scene) through(_ int, store string) (string, error) {
	to, err := addressOf(store)
	if err != nil {
		return "", err
	}
	p, err := newProxy(to)
	if err != nil {
		return "", err
	}
	s.onClose(p.close)
	s.proxies = append(s.proxies, p)
	return p.through(store)
}

// play has the troubles come one after the other, and checks what is left behind.
func (s *scene) play(ctx context.Context) error {
	s.began = time.Now()
	s.press.start(s.Rate)
	watching, stop := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	for n := range s.fleet.Nodes {
		watchers.Go(func() { s.mind(watching, n) })
	}
	watchers.Go(func() { s.draw(watching) })
	defer watchers.Wait()
	defer stop()
	if err := s.calm(ctx); err != nil {
		return err
	}
	p := newPlan(s.Seed, s.Nodes, s.kinds)
	for end := s.began.Add(s.For); ctx.Err() == nil; {
		next, ok := p.next(time.Until(end))
		if !ok {
			break
		}
		if err := s.trouble(ctx, next); err != nil {
			return err
		}
		rest(ctx, restBetween)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.settle(ctx)
	return nil
}

// calm waits until every system is delivered to, before the first trouble.
func (s *scene) calm(ctx context.Context) error {
	w := s.ledger.await(systems)
	w.since.Store(1)
	for end := time.Now().Add(recoverWithin); ; {
		if _, ok := w.all(); ok {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fault.New(fault.Internal, "the systems %v got nothing within %s, before any trouble; %s has what the nodes said", w.missing(), recoverWithin, s.Dir)
		}
		rest(ctx, 20*time.Millisecond)
	}
}

// trouble has one come, and waits until every system gets what is published since it took hold.
func (s *scene) trouble(ctx context.Context, next step) error {
	t := Trouble{Kind: next.kind.name, At: time.Since(s.began).Seconds()}
	if !next.kind.server {
		t.Node = s.fleet.Nodes[next.node].Name
	}
	s.progress("%5.1f s  %s %s", t.At, t.Kind, t.Node)
	t.before = s.ledger.count()
	from := time.Now()
	w := s.ledger.await(systems)
	s.picture.begin(next)
	err := next.kind.come(ctx, s, next.node, func() { w.since.Store(time.Now().UnixNano()) })
	s.picture.end()
	t.Seconds = time.Since(from).Seconds()
	if err != nil {
		return err
	}
	t.Recovery = -1
	for end := time.Now().Add(recoverWithin); time.Now().Before(end) && ctx.Err() == nil; rest(ctx, 5*time.Millisecond) {
		if at, ok := w.all(); ok {
			t.Recovery = time.Unix(0, at).Sub(from).Seconds()
			break
		}
	}
	if t.Recovery < 0 && ctx.Err() == nil {
		s.faults.add("recovery: %s of %s at %.0f s: the systems %v got nothing new for %s after it", t.Kind, t.Node, t.At, w.missing(), recoverWithin)
	}
	to := time.Now()
	for n, door := range s.press.doors {
		if next.kind.server || n != next.node {
			t.Gap = max(t.Gap, door.gap(from, to).Seconds())
		}
	}
	t.until(s.ledger.count())
	s.report.Troubles = append(s.report.Troubles, t)
	s.progress("%5.1f s  %s", time.Since(s.began).Seconds(), t.String())
	return nil
}

// mind starts a node again that ends without having been told to, which none should.
func (s *scene) mind(ctx context.Context, n int) {
	node := s.fleet.Nodes[n]
	for ctx.Err() == nil {
		select {
		case <-node.Gone():
			if !s.meant[n].Load() {
				s.faults.add("%s ended by itself; its last words: %v", node.Name, node.Said("ERROR", 1))
				starting, cancel := context.WithTimeout(ctx, recoverWithin)
				_ = node.Start(starting) // if it does not come back its systems' messages are missed
				cancel()
			}
		case <-ctx.Done():
		}
		rest(ctx, 100*time.Millisecond)
	}
}
