package delivery_test

import (
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// counted compares what the engine keeps count of with the lanes that really stand, and returns it.
func (w *world) counted(system string) delivery.Standing {
	w.t.Helper()
	w.flush()
	var kept delivery.Standing
	for _, s := range w.hub.Standings() {
		if s.System == system {
			kept = s
		}
	}
	live := delivery.Standing{System: system, Pending: kept.Pending}
	for _, v := range w.hub.Lanes(delivery.Selection{System: system}) {
		switch v.State {
		case "retrying":
			live.Retrying++
		case "standing":
			live.Standing++
		case "parked":
			live.Parked++
		}
	}
	if kept != live {
		w.t.Fatalf("kept count of %+v, there are %+v", kept, live)
	}
	return kept
}

// What is shown as standing is kept as it happens, and true: through failure, parking, release, discard, success and a
// restart.
func TestStandingsAreKeptAsItHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	want := func(pending int64, retrying, parked int) {
		t.Helper()
		if s := w.counted("p"); s.Pending != pending || s.Retrying != retrying || s.Parked != parked {
			t.Fatalf("%+v, want %d pending, %d retrying, %d parked", s, pending, retrying, parked)
		}
	}
	w.publish("A#1", "A#2", "B#1", "C#1")
	sent := w.expect("A#1", "B#1", "C#1")
	sent["A#1"].reply(500)
	sent["B#1"].give(starAnswer(400))
	sent["C#1"].give(starAnswer(400))
	want(4, 1, 2)
	w.restart()
	want(4, 1, 2)
	parked := w.hub.Lanes(delivery.Selection{System: "p"})[1]
	if _, err := w.hub.Discard(t.Context(), "eva", delivery.Selection{Lane: parked.Lane}, false); err != nil {
		t.Fatal(err)
	}
	want(3, 1, 1)
	parked = w.hub.Lanes(delivery.Selection{System: "p"})[1]
	if _, err := w.hub.Release(t.Context(), "eva", delivery.Selection{Lane: parked.Lane}, false); err != nil {
		t.Fatal(err)
	}
	w.next().reply(200)
	want(2, 1, 0)
	w.clock.Advance(time.Minute)
	w.next().reply(200)
	w.next().reply(200)
	want(0, 0, 0)
}

// Lanes that a cursor read meanwhile are not counted twice when they stand again.
func TestStandingsOutliveAChangeOfChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	fail := func() {
		t.Helper()
		for _, one := range w.expect("A#1", "B#1") {
			one.reply(500)
		}
		if s := w.counted("s"); s.Retrying != 2 {
			t.Fatalf("%+v, want 2 retrying", s)
		}
	}
	w.publish("A#1", "B#1")
	fail()
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.Channel = subscription.Cursor })
	w.fetch(id, nil, 1) // which waits until the change is carried out
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.Channel = subscription.Webhook })
	fail()
}
