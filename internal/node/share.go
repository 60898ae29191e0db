package node

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/eventlog"
)

// share is how many of so many holdings are this node's, so that all nodes together have all of them: the eldest have one
// more where they do not come out even.
func share(wanted int, nodes []eventlog.Node, number int64) int {
	if len(nodes) == 0 {
		return wanted
	}
	rank := 0
	for _, node := range nodes {
		if node.N < number {
			rank++
		}
	}
	mine := wanted / len(nodes)
	if rank < wanted%len(nodes) {
		mine++
	}
	return mine
}

// divide takes what is free, up to this node's share, and gives back what it has above that.
func (n *Node) divide(ctx context.Context, nodes []eventlog.Node, number int64) error {
	wanted := n.opts.Wanted()
	mine := share(len(wanted), nodes, number)
	taken := map[string]bool{} // by nodes that are there
	for _, node := range nodes {
		for _, h := range node.Holds {
			taken[h.Name] = true
		}
	}
	n.mu.Lock()
	have := 0
	for _, h := range n.mine {
		if !h.ending {
			have++
		}
	}
	n.mu.Unlock()
	if have > mine {
		n.giveBack(have - mine)
		return nil
	}
	free := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return taken[name] })
	if len(free) == 0 || have == mine {
		return nil
	}
	// Nodes that look at the same moment begin at different places, so that few of them ask for the same.
	free = rotate(free, int(number))
	claimed, err := n.store.Claim(ctx, number, hold, free[:min(len(free), mine-have)])
	if err != nil {
		return err
	}
	for _, h := range claimed {
		n.begin(number, h)
	}
	return nil
}

func rotate(list []string, by int) []string {
	at := by * 7919 % len(list)
	return append(slices.Clone(list[at:]), list[:at]...)
}

// begin begins the work of a holding. One that cannot begin is given back, for another node or another try.
func (n *Node) begin(number int64, claimed eventlog.Holding) {
	h := &held{Holding: claimed, work: n.opts.Work(claimed.Name)}
	n.mu.Lock()
	if n.n != number { // it was lost since
		n.mu.Unlock()
		return
	}
	n.mine[h.Name] = h
	n.mu.Unlock()
	n.opts.Told("holds", h.Name, h.Token)
	n.taking.Go(func() {
		ctx, cancel := context.WithTimeout(n.ctx, workLimit)
		defer cancel()
		err := h.work.Begin(ctx, h.Token)
		n.mu.Lock()
		still := n.mine[h.Name] == h
		h.begun = err == nil
		n.mu.Unlock()
		switch {
		case !still:
			h.work.Cut()
		case err != nil && n.ctx.Err() == nil:
			n.opts.Report("taking up "+h.Name, err)
			n.yield(number, h)
		}
	})
}

// giveBack lets go of some, the ones taken last first: they have the least under way.
func (n *Node) giveBack(many int) {
	n.mu.Lock()
	var list []*held
	for _, h := range n.mine {
		if h.begun && !h.ending {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b *held) int { return int(min(1, max(-1, b.Since-a.Since))) })
	list = list[:min(many, len(list))]
	for _, h := range list {
		h.ending = true
	}
	number := n.n
	n.mu.Unlock()
	for _, h := range list {
		n.taking.Go(func() {
			ctx, cancel := context.WithTimeout(n.ctx, handOver)
			defer cancel()
			h.work.End(ctx)
			n.yield(number, h)
		})
	}
}

// GiveUp has the work of a holding begin anew, here or elsewhere: what was known of it is not true any more.
func (n *Node) GiveUp(name string) {
	n.mu.Lock()
	h, number := n.mine[name], n.n
	n.mu.Unlock()
	if h != nil && n.ctx.Err() == nil {
		n.taking.Go(func() { n.yield(number, h) })
	}
}

// yield gives a holding back whose work has ended.
func (n *Node) yield(number int64, h *held) {
	n.mu.Lock()
	still := n.mine[h.Name] == h
	if still {
		delete(n.mine, h.Name)
	}
	n.mu.Unlock()
	if !still {
		return
	}
	h.work.Cut()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.ctx), beatLimit)
	defer cancel()
	n.opts.Told("lets go of", h.Name, h.Token)
	if err := n.store.Yield(ctx, number, []eventlog.Holding{h.Holding}); err != nil {
		n.opts.Report("giving back "+h.Name, err) // the next beat tells that it is still this node's, and gives it back
	}
}
