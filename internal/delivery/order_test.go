package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
)

// S26, S38, S39 and requirements 7 "Order, STAR": a1 a2 (citizen A, domain X), b1 (citizen B, X), a3 (A, domain Y). a1
// fails with 500: b1 and a3 are sent at once, a2 only after a1 is done, and then immediately.
func TestS38OnlyTheFailedLaneWaits(t *testing.T) {
	t.Parallel()
	for _, p := range []profile.Name{profile.Standard, profile.Star} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.system("p", p)
			w.subscribe("p", "/in")
			w.publish("A#1")
			a1 := w.next()
			w.publish("A#2", "B#1")
			w.publishFrom(sourceURI+":other", "A#3")
			w.expect("B#1", "A#3")
			a1.reply(500)
			w.quiet()
			w.clock.Advance(999 * time.Millisecond / 2)
			w.quiet()
			w.clock.Advance(time.Second)
			again := w.next()
			if again.body != "A#1" || again.attempt != 2 || again.id != a1.id {
				t.Fatalf("want the second attempt of A#1 with the same id, got %+v", again)
			}
			again.reply(200)
			if a2 := w.next(); a2.body != "A#2" || a2.attempt != 1 {
				t.Fatalf("want A#2 at once after A#1, got %+v", a2)
			}
		})
	}
}

// S37 and requirements 7 "Back-off": 1, 3, 7 … 8191, 10800, 10800 seconds, exact in star.
func TestS37BackOffOfAMessageThatFailsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	w.publish("A#1")
	w.next().reply(500)
	for n, seconds := range []int{1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 10800, 10800} {
		w.quiet()
		w.clock.Advance(time.Duration(seconds)*time.Second - time.Millisecond)
		w.quiet()
		w.clock.Advance(time.Millisecond)
		s := w.next()
		if s.attempt != n+2 {
			t.Fatalf("attempt %d after %d s, got number %d", n+2, seconds, s.attempt)
		}
		s.reply(503)
	}
}

// S32, S34 and requirements 5c.1: in star a 4xx parks, holds its lane and leaves the others alone; released, it is sent
// again and its lane goes on; discarded, its lane goes on without it.
func TestS32RejectedParksAndHolds(t *testing.T) {
	t.Parallel()
	for _, release := range []bool{true, false} {
		t.Run(fmt.Sprintf("release=%v", release), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.system("p", profile.Star)
			w.subscribe("p", "")
			w.publish("A#1", "A#2", "B#1")
			first := w.expect("A#1", "B#1")
			first["B#1"].reply(200)
			first["A#1"].give(starAnswer(422))
			w.quiet()
			w.clock.Advance(24 * time.Hour)
			w.quiet()
			lanes := w.hub.Lanes(delivery.Selection{All: true})
			if len(lanes) != 1 || lanes[0].State != "parked" || lanes[0].Behind != 1 || lanes[0].Status != 422 {
				t.Fatalf("want one parked lane with one behind, got %+v", lanes)
			}
			w.restart()
			w.quiet()
			sel := delivery.Selection{Lane: lanes[0].Lane}
			if release {
				_, err := w.hub.Release(context.Background(), "eva", sel, false)
				w.must(err)
				s := w.next()
				if s.body != "A#1" {
					t.Fatalf("want A#1 again, got %s", s.body)
				}
				s.reply(200)
			} else {
				_, err := w.hub.Discard(context.Background(), "eva", sel, false)
				w.must(err)
			}
			if s := w.next(); s.body != "A#2" {
				t.Fatalf("want A#2, got %s", s.body)
			}
		})
	}
}

// DESIGN promise 2: an outcome is committed before the next of its lane is sent, so a crash repeats at most the last
// message of a lane.
func TestCrashRepeatsAtMostTheLastOfALane(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	w.subscribe("p", "")
	for i := range 20 {
		w.publish(fmt.Sprintf("A#%d", i))
	}
	for i := range 7 {
		s := w.next()
		if want := fmt.Sprintf("A#%d", i); s.body != want {
			t.Fatalf("want %s, got %s", want, s.body)
		}
		s.reply(200)
	}
	if s := w.next(); s.body != "A#7" { // so A#6 is committed
		t.Fatalf("want A#7, got %s", s.body)
	}
	w.restart()
	for i := 7; i < 20; i++ {
		s := w.next()
		if want := fmt.Sprintf("A#%d", i); s.body != want {
			t.Fatalf("after the crash want %s, got %s", want, s.body)
		}
		s.reply(200)
	}
}

// DESIGN promise 5: a dead endpoint is probed by one delivery; when it answers, all that waited go at once.
func TestDeadEndpointIsProbedByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	for i := range 40 {
		w.publish(fmt.Sprintf("K%d#1", i))
	}
	failed := 0
	for range 8 { // what a fresh endpoint may have in flight
		w.next().reply(500)
		failed++
	}
	w.flush()
	probe := w.next()
	probe.reply(500)
	for range 4 {
		w.quiet()
		w.clock.Advance(4 * time.Hour)
		s := w.next()
		w.quiet()
		s.reply(500)
	}
	w.quiet()
	w.clock.Advance(4 * time.Hour)
	w.next().reply(200)
	got := map[string]bool{}
	for range 39 {
		s := w.next()
		got[s.body] = true
		s.reply(200)
	}
	w.flush()
	if len(got) != 39 || w.hub.Totals().Pending != 0 {
		t.Fatalf("want the other 39 delivered, got %d, totals %+v", len(got), w.hub.Totals())
	}
}

// DESIGN promise 5: five rejections in a row from different lanes stop the endpoint until a test passes; what the spell
// parked is released with it.
func TestRejectingStopsUntilATestPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	for i := range 30 {
		w.publish(fmt.Sprintf("K%d#1", i))
	}
	for range 8 {
		w.next().give(starAnswer(400))
	}
	w.flush()
	for len(w.arrived) > 0 { // those that took the slots of the first rejections
		w.next().give(starAnswer(400))
		w.flush()
	}
	parked := w.hub.Totals().Parked
	rejects := func() bool {
		list, err := w.hub.Rejecting(t.Context(), "p")
		w.must(err)
		return slices.Equal(list, []revision.Scope{revision.OfEndpoint("p", "https://p.test")})
	}
	if !rejects() {
		t.Fatal("want the endpoint to be rejecting")
	}
	w.restart()
	w.quiet()
	if !rejects() {
		t.Fatal("want the endpoint to be rejecting after a restart")
	}
	w.mu.Lock()
	w.auto = func(*sent) *channel.Result { r := answer(200); return &r }
	w.mu.Unlock()
	w.hub.Passed("p", "https://p.test")
	w.drained()
	if parked < 5 {
		t.Fatalf("want at least 5 parked, got %d", parked)
	}
}
