package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
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
	"github.com/varselhub/varsel/internal/subscription"
)

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
	_, err := w.nodes[0].whole.Fetch(t.Context(), id, nil, 1000, 0, func(*event.Event, []byte, eventlog.Cursor) error {
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
	_, err := w.nodes[0].whole.Fetch(t.Context(), id, nil, 10, 0, func(*event.Event, []byte, eventlog.Cursor) error { return broken })
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
