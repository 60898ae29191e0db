package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
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

// pulled is a hub of some nodes, and a system that fetches by a channel and is delivered by the second of them.
func pulled(t testing.TB, by subscription.Channel, nodes int) (w *world, id string) {
	t.Helper()
	w = newWorld(t, nodes)
	w.system("east", profile.Standard)
	id = w.subscribe("east", by)
	w.hold("east", w.nodes[1])
	return w, id
}

// got is one event as it was visited.
type got struct {
	position int64
	body     string
	at       eventlog.Cursor
}

func (w *world) fetch(n *node, id string, from *eventlog.Cursor, limit int, wait time.Duration) (list []got, at eventlog.Cursor, err error) {
	at, err = n.whole.Fetch(w.t.Context(), id, from, limit, wait, func(e *event.Event, r *event.Rendering, at eventlog.Cursor) error {
		list = append(list, got{e.Position, string(r.Body), at})
		return nil
	})
	return list, at, err
}

// A reader by cursor gets the same at every node, and may come to another each time.
func TestACursorIsGoodAtEveryNode(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Cursor, 3)
	w.publish("a", "b", "c", "d")
	want, wantAt, err := w.fetch(w.nodes[1], id, nil, 10, 0)
	w.must(err)
	if len(want) != 4 {
		t.Fatalf("got %+v", want)
	}
	elsewhere, at, err := w.fetch(w.nodes[0], id, nil, 10, 0)
	if err != nil || !reflect.DeepEqual(elsewhere, want) || at != wantAt {
		t.Errorf("got %+v up to %v, %v; want %+v", elsewhere, at, err, want)
	}
	var cursor *eventlog.Cursor
	var bodies string
	for i := range 4 {
		list, at, err := w.fetch(w.nodes[i%3], id, cursor, 1, 0)
		w.must(err)
		for _, one := range list {
			bodies += one.body
		}
		cursor = &at
	}
	if bodies != "abcd" {
		t.Errorf("got %q", bodies)
	}
	if list, _, err := w.fetch(w.nodes[0], id, &eventlog.Cursor{Epoch: 4711}, 1, 0); !fault.Has(err, fault.BadCursor) || list != nil {
		t.Errorf("another hub's cursor: %v, %v", list, err)
	}
	if _, _, err := w.fetch(w.nodes[0], "none", nil, 1, 0); !fault.Has(err, fault.NotFound) {
		t.Errorf("no subscription: %v", err)
	}
	if _, err := w.nodes[0].whole.Lease(t.Context(), id, 1, time.Minute, 0); !fault.Has(err, fault.Conflict) {
		t.Errorf("no queue: %v", err)
	}
}

// What a reader waits for comes to it, whichever node it waits at.
func TestALongPollHearsFromAnotherNode(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Cursor, 2)
	_, at, err := w.fetch(w.nodes[0], id, nil, 10, 0)
	w.must(err)
	w.nodes[1].asked("fetch")
	came := make(chan []got)
	go func() {
		list, _, _ := w.fetch(w.nodes[0], id, &at, 10, time.Minute)
		came <- list
	}()
	w.nodes[1].asked("fetch")
	w.publish("a")
	if list := <-came; len(list) != 1 || list[0].body != "a" {
		t.Errorf("got %+v", list)
	}
}

// The queue form: lent, acknowledged and given back through a node that does not have it.
func TestAQueueIsServedFromEveryNode(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Queue, 2)
	w.publish("a", "b", "c")
	ctx, first := t.Context(), w.nodes[0].whole
	lent, err := first.Lease(ctx, id, 2, time.Minute, time.Minute)
	w.must(err)
	for len(lent) < 3 {
		more, err := first.Lease(ctx, id, 2, time.Minute, time.Minute)
		w.must(err)
		lent = append(lent, more...)
	}
	if lent[0].Event.ID.String() == "" || lent[0].Event.Position == 0 || len(lent[0].Message.Body) != 1 || lent[0].Message.ContentType != "application/json" {
		t.Errorf("got %+v", lent[0])
	}
	gone, err := first.Acknowledge(ctx, id, []string{lent[0].Lease, "another"})
	if err != nil || !slices.Equal(gone, []string{"another"}) {
		t.Errorf("gone %v, %v", gone, err)
	}
	if gone, err = first.Return(ctx, id, []string{lent[1].Lease}); err != nil || len(gone) != 0 {
		t.Errorf("gone %v, %v", gone, err)
	}
	again, err := w.nodes[1].whole.Lease(ctx, id, 10, time.Minute, time.Minute)
	if err != nil || len(again) != 1 || again[0].Event.Position != lent[1].Event.Position {
		t.Errorf("lent again %+v, %v", again, err)
	}
}

// A system moves while somebody waits for its messages: the wait goes on at the node that has it then.
func TestAWaitFollowsItsSystem(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Queue, 3)
	came := make(chan []delivery.Leased)
	go func() {
		lent, err := w.nodes[0].whole.Lease(context.Background(), id, 1, time.Minute, time.Minute)
		if err != nil {
			t.Error(err)
		}
		came <- lent
	}()
	w.nodes[1].asked("lease")
	w.nodes[1].engine.LetGo(t.Context(), "east")
	w.nodes[1].signal(w.nodes[1].ended, "lease")
	w.hold("east", w.nodes[2])
	w.nodes[2].asked("lease")
	w.publish("a")
	if lent := <-came; len(lent) != 1 || string(lent[0].Message.Body) != "a" {
		t.Errorf("got %+v", lent)
	}
}

// A subscription that nobody delivers yet is waited for.
func TestANewSystemIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.system("east", profile.Standard)
	id := w.subscribe("east", subscription.Queue)
	w.publish("a")
	w.tell("east", w.nodes[1]) // it has it, and is about to take it up
	came := make(chan []delivery.Leased)
	go func() {
		lent, err := w.nodes[0].whole.Lease(context.Background(), id, 1, time.Minute, time.Minute)
		if err != nil {
			t.Error(err)
		}
		came <- lent
	}()
	w.nodes[1].signal(w.nodes[1].ended, "lease") // and says that it has not
	w.hold("east", w.nodes[1])
	if lent := <-came; len(lent) != 1 {
		t.Errorf("got %+v", lent)
	}
}

// When nobody takes a system up in time, that is what is said; and at once when the node that has it cannot be asked at
// all.
func TestWhatIsNowhereIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.system("east", profile.Standard)
	id := w.subscribe("east", subscription.Queue)
	w.nodes[0].whole.clock = brisk{}
	asked := &asking{Directory: w.nodes[0].view()}
	w.nodes[0].whole.nodes = asked
	if _, err := w.nodes[0].whole.Acknowledge(t.Context(), id, []string{"a"}); !fault.Has(err, fault.NotHere) {
		t.Errorf("got %v", err)
	}
	if asked.times != looks {
		t.Errorf("it was looked for %d times", asked.times)
	}
	w.tell("east", w.nodes[1])
	w.nodes[1].url = ""
	if _, err := w.nodes[0].whole.Acknowledge(t.Context(), id, []string{"a"}); !fault.Has(err, fault.NotHere) || !errors.Is(err, errNoAddress) {
		t.Errorf("got %v", err)
	}
}

// began is when this test program did.
var began = time.Now()

// brisk is a clock on which a second takes a hundredth of one.
type brisk struct{ clock.System }

func (b brisk) Now() time.Time {
	return began.Add(100 * time.Since(began))
}

func (b brisk) AfterFunc(d time.Duration, f func()) clock.Timer {
	return b.System.AfterFunc(d/100, f)
}

// asking counts how often it is asked who holds a system.
type asking struct {
	Directory
	times int
}

func (a *asking) Holder(name string) (eventlog.Node, bool) {
	a.times++
	return a.Directory.Holder(name)
}

// A list that is not whole is not given for one: who is missing is said, and what there is comes with it.
func TestAMissingNodeIsSaid(t *testing.T) {
	t.Parallel()
	w, _ := pushed(t, "a")
	w.nodes[0].whole.clock = brisk{}
	w.nodes[2].server.Close()
	lanes, err := w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{All: true})
	if !fault.Has(err, fault.NodeUnreachable) || !strings.Contains(err.Error(), "node-3") {
		t.Errorf("got %v", err)
	}
	if len(lanes) != 1 || lanes[0].System != "east" {
		t.Errorf("what there is: %+v", lanes)
	}
	if err := w.nodes[0].whole.Forget(t.Context(), []int64{1}); !fault.Has(err, fault.NodeUnreachable) {
		t.Errorf("forgotten by some: %v", err)
	}
	w.leave(w.nodes[2])
	if _, err := w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{All: true}); err != nil {
		t.Errorf("one that left is missing: %v", err)
	}
	w.must(w.nodes[0].whole.Forget(t.Context(), []int64{1}))
}

// A node that dies in the middle of an answer: the reader has what came, and no end.
func TestAPeerThatDiesMidStream(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Cursor, 2)
	var bodies []string
	for i := range 60 {
		bodies = append(bodies, fmt.Sprintf("%03d", i)+strings.Repeat("x", 200_000)) // more than any buffer between them
	}
	w.publish(bodies...)
	count := 0
	_, err := w.nodes[0].whole.Fetch(t.Context(), id, nil, 1000, 0, func(*event.Event, *event.Rendering, eventlog.Cursor) error {
		if count++; count == 1 {
			w.nodes[1].server.Close()
		}
		return nil
	})
	if !fault.Has(err, fault.NodeUnreachable) || count == 0 || count == len(bodies) {
		t.Errorf("%d events, then %v", count, err)
	}
	w.nodes[1].signal(w.nodes[1].ended, "fetch")
}

// A node that loses a system in the middle of an answer: what has come is not read again from the next one.
func TestASystemThatIsLostMidStream(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Cursor, 2)
	loses := &door{own: &Own{}, key: theKey, guard: newGuard(theKey, clock.System{}), nodes: w.nodes[1].view(), clock: clock.System{}, deeds: map[string]served{
		fetch.path(): losing{},
	}}
	server := httptest.NewServer(loses)
	t.Cleanup(server.Close)
	w.nodes[1].url = server.URL
	list, _, err := w.fetch(w.nodes[0], id, nil, 10, 0)
	if len(list) != 1 || !fault.Has(err, fault.NodeUnreachable) {
		t.Errorf("got %v, %v", list, err)
	}
}

// losing is a fetch that gives one event, and then has the system no more.
type losing struct{}

func (losing) path() string { return fetch.path() }
func (losing) serve(_ context.Context, _ *Own, _ []byte, visit func(*fetched) error) (any, error) {
	return nil, errors.Join(visit(&fetched{}), fault.New(fault.NotHere, "it has moved"))
}

// A node that leaves while it is asked is not missed: what it had is another's.
func TestWhoLeavesMeanwhileIsNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.nodes[1].server.Close()
	w.nodes[0].whole.nodes = &leaving{Directory: w.nodes[0].view(), after: 3, gone: func() { w.leave(w.nodes[1]) }}
	if _, err := w.nodes[0].whole.Totals(t.Context()); err != nil {
		t.Error(err)
	}
}

// A node that comes while something is forgotten may have read it before: it forgets too.
func TestWhoComesMeanwhileForgetsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.leave(w.nodes[1])
	w.nodes[0].whole.nodes = &leaving{Directory: w.nodes[0].view(), after: 2, gone: func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.gone, w.nodes[1])
	}}
	w.must(w.nodes[0].whole.Forget(t.Context(), []int64{1}))
	if w.nodes[1].log.forgot.Load() != 1 {
		t.Error("it has not")
	}
}

// leaving is a directory of which somebody leaves, or comes, after it was asked so often.
type leaving struct {
	Directory
	mu    sync.Mutex
	after int
	gone  func()
}

func (l *leaving) Nodes() ([]eventlog.Node, int64) {
	l.mu.Lock()
	if l.after--; l.after == 0 {
		l.gone()
	}
	l.mu.Unlock()
	return l.Directory.Nodes()
}

// Lanes are released or discarded, whatever another node calls it.
func TestNothingElseIsDoneToLanes(t *testing.T) {
	t.Parallel()
	if _, err := (&Own{}).act(t.Context(), acting{Act: audit.Reveal}); !fault.Has(err, fault.BadRequest) {
		t.Errorf("got %v", err)
	}
}

// A reader that goes away, or fails, ends what the other node does for it.
func TestWhoGoesAwayIsNotServed(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Queue, 2)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		w.nodes[1].asked("lease")
		leave()
	}()
	if _, err := w.nodes[0].whole.Lease(ctx, id, 1, time.Minute, time.Hour); err == nil {
		t.Error("nobody waited, and there was an answer")
	}
	w.nodes[1].signal(w.nodes[1].ended, "lease")
}

func TestAVisitorsErrorEndsTheFetch(t *testing.T) {
	t.Parallel()
	w, id := pulled(t, subscription.Cursor, 2)
	w.publish("a", "b")
	broken := errors.New("the reader's connection broke")
	_, err := w.nodes[0].whole.Fetch(t.Context(), id, nil, 10, 0, func(*event.Event, *event.Rendering, eventlog.Cursor) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// Those who wait are let go when either node is about to stop.
func TestWaitsEndWithEitherNode(t *testing.T) {
	t.Parallel()
	for i, by := range []subscription.Channel{subscription.Queue, subscription.Cursor, subscription.Queue, subscription.Cursor} {
		stops := i / 2
		t.Run(fmt.Sprintf("%s when node %d stops", by, stops+1), func(t *testing.T) {
			t.Parallel()
			w, id := pulled(t, by, 2)
			done := make(chan error)
			go func() {
				if by == subscription.Queue {
					lent, err := w.nodes[0].whole.Lease(context.Background(), id, 1, time.Minute, time.Hour)
					done <- errors.Join(err, none(len(lent)))
					return
				}
				list, _, err := w.fetch(w.nodes[0], id, nil, 1, time.Hour)
				done <- errors.Join(err, none(len(list)))
			}()
			if by == subscription.Queue {
				w.nodes[1].asked("lease")
			} else {
				w.nodes[1].asked("fetch")
			}
			w.nodes[stops].engine.EndWaits()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func none(n int) error {
	if n != 0 {
		return fmt.Errorf("got %d", n)
	}
	return nil
}

// What is forgotten is forgotten by every node: what was parked with one of them ends as expired.
func TestEveryNodeForgets(t *testing.T) {
	t.Parallel()
	w, _ := pushed(t, "a", "b")
	lanes, err := w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{All: true})
	w.must(err)
	w.sinksTake(w.nodes[2], "s", lanes[0].Position)
	w.must(w.nodes[0].whole.Forget(t.Context(), []int64{lanes[0].Position}))
	left, err := w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{All: true})
	w.must(err)
	if len(left) != 2 || left[0].Position == lanes[0].Position {
		t.Errorf("left %+v", left)
	}
	if n, err := w.nodes[0].whole.Sinks().Holds(t.Context(), "s"); err != nil || n != 0 {
		t.Errorf("a sink keeps %d, %v", n, err)
	}
	day := event.Day(time.Now().UnixMicro())
	_, err = w.store.Forget(t.Context(), "P180D", day)
	w.must(err)
	w.must(w.nodes[0].whole.ForgetDay(t.Context(), "P180D", day))
	for _, n := range w.nodes {
		if got := n.log.forgot.Load(); got != 2 {
			t.Errorf("the memory of node %d forgot %d times", n.number, got)
		}
	}
	if left, err = w.nodes[0].whole.Lanes(t.Context(), delivery.Selection{All: true}); err != nil || len(left) != 0 {
		t.Errorf("left %+v, %v", left, err)
	}
}

// Sinks keep what came to them, on whichever node that was.
func TestSinksAreReadAsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	ctx, all := t.Context(), w.nodes[0].whole.Sinks()
	came := make(chan []channel.Arrival)
	go func() {
		list, err := all.Await(context.Background(), "s", 0, 10, time.Hour)
		if err != nil {
			t.Error(err)
		}
		came <- list
	}()
	w.nodes[2].asked("arrivals") // once for what there is,
	w.nodes[2].asked("arrivals") // and then to wait
	w.sinksTake(w.nodes[2], "s", 7)
	if list := <-came; len(list) != 1 || list[0].Position != 7 || list[0].Body != nil {
		t.Errorf("got %+v", list)
	}
	w.sinksTake(w.nodes[1], "s", 8)
	list, err := all.Await(ctx, "s", 0, 10, 0)
	if err != nil || len(list) != 2 || list[0].Position != 7 || list[1].Position != 8 {
		t.Fatalf("got %+v, %v", list, err)
	}
	if a, found, err := all.Arrival(ctx, "s", list[1].Number); err != nil || !found || string(a.Body) != "body" {
		t.Errorf("got %+v, %v, %v", a, found, err)
	}
	if _, found, err := all.Arrival(ctx, "s", 1); err != nil || found {
		t.Errorf("found %v, %v", found, err)
	}
	w.must(all.Empty(ctx, "s"))
	if n, err := all.Holds(ctx, "s"); err != nil || n != 0 {
		t.Errorf("it keeps %d, %v", n, err)
	}
}
