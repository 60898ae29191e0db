package peer

import (
	"context"
	"sync"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// Where tells where the event at a position is for everyone whom it was for: of each system what the node says that
// delivers it, and of one that nobody has just now what the store does.
// Errors: fault.NotFound, fault.NotHere, fault.NodeUnreachable.
func (d *Deliveries) Where(ctx context.Context, position int64) ([]delivery.Whereabouts, error) {
	byNode, err := d.holders(ctx, position)
	if err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var list []delivery.Whereabouts
	var failed error
	for n, systems := range byNode {
		all.Go(func() {
			part, err := d.whereAt(ctx, n.Node, position, systems)
			mu.Lock()
			defer mu.Unlock()
			if list = append(list, part...); failed == nil {
				failed = err
			}
		})
	}
	all.Wait()
	if failed != nil {
		return nil, failed
	}
	delivery.SortWhereabouts(list)
	return list, nil
}

// holders groups the systems that an event is for by who can tell of them.
func (d *Deliveries) holders(ctx context.Context, position int64) (map[*teller][]string, error) {
	ev, err := d.own.Log.At(ctx, position)
	if err != nil {
		return nil, err
	}
	known, byNumber, byNode := map[string]bool{}, map[int64]*teller{}, map[*teller][]string{}
	d.own.Log.Book().Route(ev, func(l *revision.Line) {
		system := l.Consumer.System
		if known[system] {
			return
		}
		known[system] = true
		n, err := d.holder(system)
		if err != nil {
			n = here
		}
		if byNumber[n.N] == nil {
			byNumber[n.N] = &teller{n}
		}
		byNode[byNumber[n.N]] = append(byNode[byNumber[n.N]], system)
	})
	return byNode, nil
}

// teller is a node that is asked about some systems.
type teller struct{ eventlog.Node }

// whereAt asks one node. What has moved away from it meanwhile is looked for, one by one.
func (d *Deliveries) whereAt(ctx context.Context, n eventlog.Node, position int64, systems []string) ([]delivery.Whereabouts, error) {
	if n.N == here.N {
		wanted := map[string]bool{}
		for _, system := range systems {
			wanted[system] = true
		}
		return d.own.Engine.WhereOf(ctx, position, func(system string) bool { return wanted[system] })
	}
	list, err := where.at(ctx, d, n, asked[whereOf]{Head: position, Ask: whereOf{position, systems}})
	if !again(err) {
		return list, err
	}
	list = nil
	for _, system := range systems {
		part, err := where.of(ctx, d, system, whereOf{position, []string{system}})
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
	}
	return list, nil
}

// SystemFigures tells how a system stands, as the node says that delivers it; of one that nobody has just now, what came
// to it. Errors: fault.NotFound, fault.NotHere, fault.NodeUnreachable, fault.ShuttingDown.
func (d *Deliveries) SystemFigures(ctx context.Context, system string, days int) (*delivery.SystemFigures, error) {
	if _, err := d.holder(system); err != nil {
		return d.own.Engine.SystemFigures(ctx, system, days)
	}
	f, err := figures.of(ctx, d, system, figuresOf{system, days})
	if err != nil {
		return nil, err
	}
	listed(&f)
	return &f, nil
}

// listed makes lists of those that are empty: on the way they are as those that are not there.
func listed(f *delivery.SystemFigures) {
	if f.Days == nil {
		f.Days = []delivery.Day{}
	}
	if f.Subscriptions == nil {
		f.Subscriptions = []delivery.SubscriptionFigures{}
	}
	for i := range f.Subscriptions {
		if s := &f.Subscriptions[i]; s.Days == nil {
			s.Days = []delivery.Day{}
		}
	}
}
