package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

var (
	everything = eventlog.Filter{}
	everyLane  = delivery.Selection{All: true}
)

// erase forgets events as an erasure does: in the store, in the log's memory, and in the engine.
func (w *world) erase(positions ...int64) {
	w.t.Helper()
	gone := map[int64]bool{}
	for _, position := range positions {
		gone[position] = true
	}
	ctx := context.Background()
	w.must(w.hub.Forget(ctx, positions))
	w.must(w.store.Erase(ctx, positions, func(int) {}))
	w.log.Forget(func(e *event.Event) bool { return gone[e.Position] })
	w.must(w.hub.Forget(ctx, positions))
}

// ended is how the delivery of an event stands, by its last attempt.
func (w *world) ended(position int64) string {
	w.t.Helper()
	w.flush()
	rows, err := w.store.AttemptsAt(context.Background(), position)
	w.must(err)
	if len(rows) == 0 {
		return "nothing"
	}
	last := rows[len(rows)-1]
	if len(last.Result.Body)+len(last.Result.Detail) > 0 {
		w.t.Errorf("what was answered at %d is kept", position)
	}
	return last.Outcome.String()
}

// DESIGN promise 11: wherever a forgotten event stands, in memory, on disk, parked, behind another or in a stopped
// subscription, nothing of it leaves any more; it ends as expired, never silently, and its lane goes on.
func TestWhatIsForgottenEndsAsExpired(t *testing.T) {
	t.Parallel()
	star := func(status int) func(*sent) { return func(s *sent) { s.give(starAnswer(status)) } }
	for name, prepare := range map[string]func(w *world, id string) (positions []int64){
		"parked, and waiting behind it": func(w *world, _ string) []int64 {
			p := w.publish("A#1", "A#2", "A#3")
			star(404)(w.next())
			w.flush()
			return p
		},
		"retrying": func(w *world, _ string) []int64 {
			p := w.publish("A#1", "A#2", "A#3")
			star(500)(w.next())
			w.flush()
			return p
		},
		"in a subscription that is stopped": func(w *world, id string) []int64 {
			w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Deactivated })
			p := w.publish("A#1", "A#2", "A#3")
			w.flush()
			return p
		},
		"on disk, after a crash": func(w *world, _ string) []int64 {
			p := w.publish("A#1", "A#2", "A#3")
			star(404)(w.next())
			w.flush()
			w.restart()
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.system("p", profile.Star)
			id := w.subscribe("p", "")
			p := prepare(w, id)
			w.erase(p[0], p[1])
			w.flush()
			w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Active })
			if s := w.next(); s.body != "A#3" {
				t.Fatalf("%s left", s.body)
			} else {
				s.reply(204)
			}
			w.drained()
			for i, want := range []string{"expired", "expired", "delivered"} {
				if got := w.ended(p[i]); got != want {
					t.Errorf("A#%d is %s, want %s", i+1, got, want)
				}
			}
		})
	}
}

// What is in flight when it is forgotten is let finish, and counts; it is not tried again.
func TestForgettingWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{204: "delivered", 500: "expired"} {
		w := newWorld(t)
		w.system("p", profile.Standard)
		w.subscribe("p", "")
		at := w.publish("A#1", "B#1")
		sent := w.expect("A#1", "B#1")
		w.erase(at[0])
		sent["A#1"].reply(status)
		sent["B#1"].reply(204)
		w.flush()
		w.clock.Advance(time.Minute)
		w.quiet()
		if got := w.ended(at[0]); got != want {
			t.Errorf("answered %d, it is %s, want %s", status, got, want)
		}
		if got := w.ended(at[1]); got != "delivered" {
			t.Errorf("its neighbour is %s", got)
		}
	}
}

// Readers pass over what was forgotten, however far they had come, and no figure is left over.
func TestReadersPassOverWhatIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	w.system("q", profile.Standard)
	cursor := w.subscribe("p", "", pulledBy(subscription.Cursor))
	queue := w.subscribe("q", "", pulledBy(subscription.Queue))
	at := w.publish("A#1", "A#2", "A#3", "B#1")
	w.flush()
	_, tokens := w.lease(queue, 1)
	bodies, end := w.fetch(cursor, nil, 1)
	same(t, "the first page", bodies, "A#1")
	w.erase(at[1], at[3])
	bodies, end = w.fetch(cursor, &end, 10)
	same(t, "the rest", bodies, "A#3")
	if bodies, _ := w.fetch(cursor, &end, 10); len(bodies) > 0 {
		t.Errorf("then %v", bodies)
	}
	for _, token := range tokens {
		w.acknowledge(queue, token)
	}
	bodies, tokens = w.lease(queue, 10)
	same(t, "lent", bodies, "A#3")
	w.acknowledge(queue, tokens["A#3"])
	for _, c := range w.log.Book().Consumers() {
		if n := w.hub.Pending(c.Name); n != 0 {
			t.Errorf("%s has %d pending", c.Name, n)
		}
	}
	if _, count, err := w.hub.ToReplay(t.Context(), queue, everything); err != nil || count != 2 {
		t.Errorf("%d could be replayed, %v", count, err)
	}
}

// A consumer that comes behind the forgetting finds skeletons: they are over for it, and are recorded as that.
func TestWhoIsBehindFindsSkeletons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	id := w.subscribe("p", "")
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Deactivated })
	const events = 300 // more than is held in memory
	var at []int64
	for i := range events {
		at = append(at, w.publish(fmt.Sprintf("%c#%d", 'A'+i%5, i/5))...)
	}
	w.flush()
	w.must(w.store.Erase(t.Context(), at, func(int) {}))
	w.restart() // nothing is known in memory
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Active })
	w.publish("A#last")
	if s := w.next(); s.body != "A#last" {
		t.Fatalf("%s left", s.body)
	} else {
		s.reply(204)
	}
	w.drained()
	for _, position := range at {
		if got := w.ended(position); got != "expired" {
			t.Fatalf("position %d is %s", position, got)
		}
	}
}

// A day whose retention is over is forgotten where it stands in lanes, also where nothing moves.
func TestForgettingADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	id := w.subscribe("p", "")
	parked := w.publish("A#1", "A#2")
	w.next().give(starAnswer(404))
	w.flush()
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Deactivated })
	loose := w.publish("B#1")
	w.flush()
	day := event.Day(epoch.UnixMicro())
	if keys, err := w.store.Forget(t.Context(), "", day); keys == 0 || err != nil {
		t.Fatal(keys, err)
	}
	w.log.Forget(func(*event.Event) bool { return true })
	w.must(w.hub.ForgetDay(t.Context(), "", day))
	w.flush()
	for _, position := range append(parked, loose...) {
		if got := w.ended(position); got != "expired" {
			t.Errorf("position %d is %s", position, got)
		}
	}
	w.told(t, delivery.LaneExpired, delivery.LaneParked)
	w.mu.Lock()
	for _, n := range w.notices {
		if n.Kind == delivery.LaneExpired && n.Lane != "" {
			t.Errorf("the lane is told: %+v", n)
		}
	}
	w.mu.Unlock()
	if lanes := w.hub.Lanes(everyLane); len(lanes) > 0 {
		t.Errorf("there stand %+v", lanes)
	}
}
