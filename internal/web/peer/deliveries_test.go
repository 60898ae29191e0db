package peer

import (
	"reflect"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
)

// pushed is a hub of three nodes: the first has nothing, and each of the others a star system whose receiver refuses, with
// lanes that are parked.
func pushed(t *testing.T, positions ...string) (w *world, subscriptions map[string]string) {
	t.Helper()
	w = newWorld(t, 3)
	w.answering(400)
	subscriptions = map[string]string{}
	for i, system := range []string{"east", "west"} {
		w.system(system, profile.Star)
		subscriptions[system] = w.subscribe(system, "")
		w.hold(system, w.nodes[1+i])
	}
	w.publish(positions...)
	w.until("every lane is parked", func() bool {
		parked := 0
		for _, n := range w.nodes {
			for _, l := range n.engine.Lanes(delivery.Selection{All: true}) {
				if l.State == "parked" {
					parked++
				}
			}
		}
		return parked == 2*len(positions) && w.log.Idle()
	})
	return w, subscriptions
}

// Every node tells the same of all deliveries, whichever of them has them.
func TestEveryNodeTellsTheWhole(t *testing.T) {
	t.Parallel()
	w, subscriptions := pushed(t, "a", "b")
	ctx, all := t.Context(), delivery.Selection{All: true}
	for _, n := range w.nodes {
		lanes, err := n.whole.Lanes(ctx, all)
		w.must(err)
		if len(lanes) != 4 || !slices.IsSortedFunc(lanes, func(a, b delivery.LaneView) int { return int(a.Position - b.Position) }) {
			t.Errorf("node %d lists lanes %+v", n.number, lanes)
		}
		if lanes, err = n.whole.Lanes(ctx, delivery.Selection{System: "east"}); err != nil || len(lanes) != 2 {
			t.Errorf("node %d lists of one system %v, %v", n.number, lanes, err)
		}
		if lanes, err = n.whole.Lanes(ctx, delivery.Selection{Subscription: subscriptions["west"]}); err != nil || len(lanes) != 2 {
			t.Errorf("node %d lists of one subscription %v, %v", n.number, lanes, err)
		}
		if lanes, err = n.whole.Lanes(ctx, delivery.Selection{System: "nowhere"}); err != nil || len(lanes) != 0 {
			t.Errorf("node %d lists of no system %v, %v", n.number, lanes, err)
		}
		endpoints, err := n.whole.Endpoints(ctx)
		w.must(err)
		if len(endpoints) != 2 || endpoints[0].System != "east" || endpoints[1].System != "west" {
			t.Errorf("node %d lists endpoints %+v", n.number, endpoints)
		}
		sum, err := n.whole.Totals(ctx)
		w.must(err)
		if sum.Parked != 4 || sum.Pending != 4 {
			t.Errorf("node %d counts %+v", n.number, sum)
		}
		standings, err := n.whole.Standings(ctx)
		w.must(err)
		want := []delivery.Standing{{System: "east", Pending: 2, Parked: 2}, {System: "west", Pending: 2, Parked: 2}}
		if !reflect.DeepEqual(standings, want) {
			t.Errorf("node %d tells %+v", n.number, standings)
		}
		if got, err := n.whole.Pending(ctx, "system/east"); err != nil || got != 2 {
			t.Errorf("node %d says %d are pending, %v", n.number, got, err)
		}
		if got, err := n.whole.Owed(ctx, subscriptions["east"]); err != nil || got != 2 {
			t.Errorf("node %d says %d are owed, %v", n.number, got, err)
		}
	}
}

// A message is where the node says that has it; who has nobody to deliver it is told of by the store.
func TestWhereIsAskedOfWhoHasIt(t *testing.T) {
	t.Parallel()
	w, _ := pushed(t, "a")
	w.system("north", profile.Star)
	w.subscribe("north", "")
	position := w.publish("b")[0]
	w.until("it is refused", func() bool {
		parked := 0
		for _, n := range w.nodes {
			parked += len(n.engine.Lanes(delivery.Selection{All: true}))
		}
		return parked == 4 && w.log.Idle()
	})
	for _, n := range w.nodes {
		list, err := n.whole.Where(t.Context(), position)
		w.must(err)
		var got []string
		for _, at := range list {
			got = append(got, at.System+" "+at.State)
		}
		if want := []string{"east parked", "north pending", "west parked"}; !slices.Equal(got, want) {
			t.Errorf("node %d: got %q, want %q", n.number, got, want)
		}
		if len(list[0].Tries) != 1 {
			t.Errorf("node %d: the attempts do not travel", n.number)
		}
		f, err := n.whole.SystemFigures(t.Context(), "east", 7)
		if err != nil || f.Now.Parked != 2 || f.Oldest == nil || f.Total.First.Matched != 2 {
			t.Errorf("node %d: figures %+v, %v", n.number, f, err)
		}
		if f, err = n.whole.SystemFigures(t.Context(), "north", 7); err != nil || f.Days == nil || f.Subscriptions == nil || f.Subscriptions[0].Days == nil {
			t.Errorf("node %d: of nobody's %+v, %v", n.number, f, err)
		}
		if _, err = n.whole.SystemFigures(t.Context(), "nowhere", 7); !fault.Has(err, fault.NotFound) {
			t.Errorf("node %d: of no system: %v", n.number, err)
		}
		if _, err = n.whole.Where(t.Context(), 4711); !fault.Has(err, fault.NotFound) {
			t.Errorf("node %d: of no event: %v", n.number, err)
		}
	}
}

// An empty list is a list on every node: a client's program does not meet null on some of them.
func TestEmptyFiguresAreLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.system("east", profile.Standard)
	w.subscribe("east", "")
	w.hold("east", w.nodes[1])
	f, err := w.nodes[0].whole.SystemFigures(t.Context(), "east", 7)
	w.must(err)
	if f.Days == nil || len(f.Subscriptions) != 1 || f.Subscriptions[0].Days == nil {
		t.Errorf("got %+v", f)
	}
}

// What an operator does to lanes of several nodes is in the audit log once, whole, before any of it is done.
func TestAnOperationIsAuditedOnceAndDoneEverywhere(t *testing.T) {
	t.Parallel()
	w, subscriptions := pushed(t, "a", "b")
	ctx, first := t.Context(), w.nodes[0].whole
	before, err := w.store.AuditHead(ctx)
	w.must(err)
	if _, err := first.Release(ctx, "eva", delivery.Selection{}, false); !fault.Has(err, fault.NothingSelected) {
		t.Errorf("nothing is selected: %v", err)
	}
	seen, err := first.Discard(ctx, "eva", delivery.Selection{All: true}, true)
	if err != nil || len(seen) != 4 {
		t.Fatalf("a dry run finds %v, %v", seen, err)
	}
	if dry, err := w.store.AuditHead(ctx); err != nil || dry.Number != before.Number {
		t.Errorf("a dry run is in the audit log, %v", err)
	}
	done, err := first.Discard(ctx, "eva", delivery.Selection{All: true}, false)
	if err != nil || len(done) != 4 || !reflect.DeepEqual(done, seen) {
		t.Errorf("done %+v, %v", done, err)
	}
	after, err := w.store.AuditHead(ctx)
	w.must(err)
	if after.Number != before.Number+1 {
		t.Errorf("%d entries", after.Number-before.Number)
	}
	w.until("nothing stands", func() bool {
		lanes, err := first.Lanes(ctx, delivery.Selection{All: true})
		return err == nil && len(lanes) == 0
	})
	if done, err = first.Release(ctx, "eva", delivery.Selection{Subscription: subscriptions["east"]}, false); err != nil || len(done) != 0 {
		t.Errorf("of nothing: %v, %v", done, err)
	}
}

// Only what was audited is done: a head that came meanwhile is left alone.
func TestOnlyWhatWasAuditedIsDoneElsewhere(t *testing.T) {
	t.Parallel()
	w, _ := pushed(t, "a", "b")
	heads, err := w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{System: "east"})
	w.must(err)
	done, err := w.nodes[0].whole.act(t.Context(), audit.Discard, heads[:1])
	if err != nil || len(done) != 1 || done[0].Position != heads[0].Position {
		t.Errorf("done %+v, %v", done, err)
	}
	w.until("one stands", func() bool {
		lanes, err := w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{System: "east"})
		return err == nil && len(lanes) == 1 && lanes[0].Position == heads[1].Position
	})
}

// A test that passed is told to the node that sends to the endpoint; that one rejects is known everywhere from the store.
func TestATestPassesForTheNodeThatSends(t *testing.T) {
	t.Parallel()
	w, _ := pushed(t, "a", "b", "c", "d", "e", "f")
	ctx := t.Context()
	want := []revision.Scope{revision.OfEndpoint("east", "https://east.test/in")}
	for _, n := range w.nodes {
		if list, err := n.whole.Rejecting(ctx, "east"); err != nil || !slices.Equal(list, want) {
			t.Errorf("node %d: rejecting %v, %v", n.number, list, err)
		}
		if list, err := n.whole.Rejecting(ctx, ""); err != nil || len(list) != 2 {
			t.Errorf("node %d: rejecting %v, %v", n.number, list, err)
		}
	}
	w.answering(204)
	w.must(w.nodes[0].whole.Passed(ctx, "east", "https://east.test/in"))
	w.until("what was parked goes", func() bool {
		lanes, err := w.nodes[2].whole.Lanes(ctx, delivery.Selection{System: "east"})
		return err == nil && len(lanes) == 0 && w.log.Idle()
	})
	for _, n := range w.nodes {
		if list, err := n.whole.Rejecting(ctx, "east"); err != nil || len(list) != 0 {
			t.Errorf("node %d: rejecting %v, %v", n.number, list, err)
		}
	}
}

// A replay is made by the node that delivers, in the name of who began it.
func TestAReplayIsMadeWhereItIsDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	ctx, first := t.Context(), w.nodes[0].whole
	w.system("east", profile.Standard)
	id := w.subscribe("east", "")
	w.hold("east", w.nodes[1])
	w.publish("a", "b", "c")
	w.until("all is delivered", func() bool { return w.nodes[1].engine.Delivered() == 3 && w.log.Idle() })
	f, count, err := first.ToReplay(ctx, id, eventlog.Filter{})
	if err != nil || count != 3 {
		t.Fatalf("counted %d, %v", count, err)
	}
	if _, err := first.Replay(ctx, id, "eva", f, 0, 2); !fault.Has(err, fault.ReplayCount) || fault.Of(err).Extra["count"] != int64(3) {
		t.Errorf("another count: %v", err)
	}
	pass, err := first.Replay(ctx, id, "eva", f, 1, 3) // slowly, so that it can be stopped
	if err != nil || pass.Author != "eva" || pass.Total != 3 {
		t.Fatalf("got %+v, %v", pass, err)
	}
	if err := first.StopReplay(ctx, pass.N+1, "ole"); !fault.Has(err, fault.NotFound) {
		t.Errorf("of none: %v", err)
	}
	w.must(first.StopReplay(ctx, pass.N, "ole"))
	w.until("it has ended", func() bool {
		list, err := first.Replays(ctx, true, 10)
		return err == nil && len(list) == 1 && list[0].Ended != 0
	})
}
