package peer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Directory says which nodes there are, and which of them has what, as this node heard last.
type Directory interface {
	// Holder finds the node that has a holding.
	Holder(name string) (n eventlog.Node, ok bool)
	// Nodes lists all, and says which of them this one is.
	Nodes() (nodes []eventlog.Node, self int64)
}

// How long a holder is looked for that is not where it was said to be: while a system moves, and a little longer than the
// nodes take to hear of it.
const (
	looks = 20
	pause = 250 * time.Millisecond
)

// Deliveries are those of all nodes of a hub as one. What is about one system is asked of the node that has it; what is
// about all, of every node.
type Deliveries struct {
	own    *Own
	nodes  Directory
	caller *Caller
	clock  clock.Clock
}

// New puts the deliveries of this node and of the others together.
func New(own *Own, nodes Directory, caller *Caller, clk clock.Clock) *Deliveries {
	return &Deliveries{own: own, nodes: nodes, caller: caller, clock: clk}
}

// here is this node, among those that are asked.
var here = eventlog.Node{}

// node is the one of a number, or here.
func (d *Deliveries) node(n eventlog.Node) eventlog.Node {
	if _, self := d.nodes.Nodes(); n.N == self {
		return here
	}
	return n
}

// at asks one node.
func (v deed[Q, A]) at(ctx context.Context, d *Deliveries, n eventlog.Node, q asked[Q]) (A, error) {
	if n.N != here.N {
		return ask[Q, A](ctx, d.caller, n, v.name, q)
	}
	if err := d.own.ready(ctx, q.Head, q.System); err != nil {
		var none A
		return none, err
	}
	return v.do(d.own, ctx, q.Ask)
}

// of asks the node that delivers a system.
func (v deed[Q, A]) of(ctx context.Context, d *Deliveries, system string, q Q) (a A, err error) {
	err = d.atHolder(ctx, system, func(n eventlog.Node) (err error) {
		a, err = v.at(ctx, d, n, asked[Q]{Head: d.own.Log.Head(), System: system, Ask: q})
		return err
	})
	return a, err
}

// atHolder asks the node that delivers a system, and looks for it again while it is not where it was said to be.
// Error: fault.NotHere when it is not found in time.
func (d *Deliveries) atHolder(ctx context.Context, system string, do func(eventlog.Node) error) error {
	for look := 1; ; look++ {
		n, err := d.holder(system)
		if err == nil {
			err = do(n)
		}
		if !again(err) || look == looks || !clock.Wait(ctx, d.clock, pause) {
			return err
		}
	}
}

// again reports whether another look may find what this one did not: nothing was done yet.
func again(err error) bool {
	return fault.Has(err, fault.NotHere) && !errors.Is(err, errNoAddress) || errors.Is(err, errNotSent)
}

// holder is the node that delivers a system.
func (d *Deliveries) holder(system string) (eventlog.Node, error) {
	if d.own.Engine.Holds(system) {
		return here, nil
	}
	n, ok := d.nodes.Holder(eventlog.SystemHolding + system)
	if !ok {
		return n, fault.New(fault.NotHere, "no node has the deliveries of %s just now", system)
	}
	return d.node(n), nil
}

// others lists the nodes besides this one.
func (d *Deliveries) others() []eventlog.Node {
	nodes, self := d.nodes.Nodes()
	return slices.DeleteFunc(slices.Clone(nodes), func(n eventlog.Node) bool { return n.N == self })
}

// gone reports whether a node is not heard of any more.
func (d *Deliveries) gone(n eventlog.Node) bool {
	return !slices.ContainsFunc(d.others(), func(other eventlog.Node) bool { return other.N == n.N })
}

// everywhere asks every node. What those say that answered comes with the error.
// Error: fault.NodeUnreachable, naming who is missing.
func (v deed[Q, A]) everywhere(ctx context.Context, d *Deliveries, q Q) ([]A, error) {
	answers, _, err := v.among(ctx, d, append(d.others(), here), q)
	return answers, err
}

// among asks some nodes, all at once. One that has left meanwhile has nothing to say.
func (v deed[Q, A]) among(ctx context.Context, d *Deliveries, nodes []eventlog.Node, q Q) (answers []A, from []eventlog.Node, err error) {
	var all sync.WaitGroup
	got, errs := make([]A, len(nodes)), make([]error, len(nodes))
	for i, n := range nodes {
		all.Go(func() { got[i], errs[i] = v.patiently(ctx, d, n, q) })
	}
	all.Wait()
	var missing []string
	for i, n := range nodes {
		switch {
		case errs[i] == nil:
			answers, from = append(answers, got[i]), append(from, n)
		case n.N != here.N && again(errs[i]) && d.gone(n):
		case fault.Has(errs[i], fault.NodeUnreachable), fault.Has(errs[i], fault.NotHere):
			missing = append(missing, n.Name)
			err = cmp.Or(err, errs[i])
		default:
			return answers, from, errs[i]
		}
	}
	if len(missing) > 0 {
		err = fault.Wrap(fault.NodeUnreachable, err, "not heard from: %s", strings.Join(missing, ", "))
	}
	return answers, from, err
}

// patiently asks a node, and again while the question does not reach it and it is said to be there: one that stops is in
// the list for a moment longer.
func (v deed[Q, A]) patiently(ctx context.Context, d *Deliveries, n eventlog.Node, q Q) (A, error) {
	for until := d.clock.Now().Add(looks / 2 * pause); ; {
		a, err := v.at(ctx, d, n, asked[Q]{Ask: q})
		if n.N == here.N || !again(err) || d.gone(n) || d.clock.Now().After(until) || !clock.Wait(ctx, d.clock, pause) {
			return a, err
		}
	}
}

// joined are lists as one.
func joined[E any](lists [][]E, err error) ([]E, error) { return slices.Concat(lists...), err }

// systemOf is the system that a subscription is of.
// Error: fault.NotFound when there never was such a subscription.
func (d *Deliveries) systemOf(subscription string) (string, error) {
	line := d.own.Log.Book().Line(subscription)
	if line == nil {
		return "", fault.New(fault.NotFound, "there is no subscription %q", subscription)
	}
	return line.Consumer.System, nil
}
