package peer

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

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
	at, err = n.whole.Fetch(w.t.Context(), id, from, limit, wait, func(e *event.Event, message []byte, at eventlog.Cursor) error {
		list = append(list, got{e.Position, string(message), at})
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
