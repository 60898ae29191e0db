package delivery_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// S56: a pause of any scope holds what it names and loses nothing; what is owed is counted meanwhile.
func TestS56PauseHoldsAndKeeps(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"hub", "system", "subscription", "endpoint"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.system("p", profile.Standard)
			w.system("q", profile.Standard)
			id := w.subscribe("p", "/in")
			w.subscribe("q", "/in")
			paused := map[string]revision.Scope{
				"hub": revision.Hub, "system": revision.OfSystem("p"), "subscription": revision.OfSubscription(id),
				"endpoint": revision.OfEndpoint("p", "https://p.test/in"),
			}[scope]
			w.revise(revision.Of("test", revision.Pause, string(paused), revision.PauseDocument{Reason: "release"}))
			w.publish("A#1", "A#2")
			if scope != "hub" {
				if s := w.next(); s.system != "q" {
					t.Fatalf("want only q to get something, got %+v", s)
				}
			}
			w.quiet()
			w.clock.Advance(time.Hour)
			w.quiet()
			if owed := w.hub.Pending("subscription/" + id); owed != 2 {
				t.Fatalf("want 2 owed to p, got %d", owed)
			}
			w.revise(revision.Removal("test", revision.Pause, string(paused)))
			for range 3 {
				s := w.next()
				if s.system == "p" {
					if s.body != "A#1" {
						t.Fatalf("want A#1 first, got %s", s.body)
					}
					return
				}
				s.reply(200)
			}
		})
	}
}

// DESIGN promise 8: what the agreement no longer grants when it is to be sent ends as withheld, and its lane goes on.
func TestRevokedGrantEndsAsWithheld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	id := w.subscribe("p", "")
	positions := w.publish("A#1", "A#2")
	first := w.next()
	doc, _ := w.log.Book().System("p")
	changed := *doc
	changed.Agreement.Sources = []string{"other"}
	w.revise(revision.Of("test", revision.System, "p", changed))
	first.reply(500)
	w.flush()
	w.clock.Advance(2 * time.Second)
	w.drained()
	w.quiet()
	for _, position := range positions {
		rows, err := w.store.AttemptsAt(t.Context(), position)
		w.must(err)
		if last := rows[len(rows)-1]; last.Outcome.String() != "withheld" {
			t.Fatalf("want position %d withheld for %s, got %+v", position, id, rows)
		}
	}
}

// Issue "Delivery": expiry ends a delivery and unblocks its lane. The retention of the world's type is 180 days.
func TestExpiryEndsAndUnblocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	old := w.publish("A#1")[0]
	w.next().give(starAnswer(404))
	w.quiet()
	w.clock.Advance(179 * 24 * time.Hour)
	w.publish("A#2")
	w.quiet()
	w.clock.Advance(25 * time.Hour)
	if s := w.next(); s.body != "A#2" {
		t.Fatalf("want A#2 after A#1 expired, got %s", s.body)
	}
	rows, err := w.store.AttemptsAt(t.Context(), old)
	w.must(err)
	if last := rows[len(rows)-1]; last.Outcome.String() != "expired" {
		t.Fatalf("want A#1 expired, got %+v", rows)
	}
	w.told(t, delivery.LaneExpired, delivery.LaneParked)
}

// told waits until the engine has told exactly these kinds, in any order.
func (w *world) told(t *testing.T, kinds ...delivery.NoticeKind) {
	t.Helper()
	w.flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []delivery.NoticeKind
	for _, n := range w.notices {
		got = append(got, n.Kind)
	}
	slices.Sort(got)
	slices.Sort(kinds)
	if !slices.Equal(got, kinds) {
		t.Fatalf("want %v told, got %v", kinds, got)
	}
}

// DESIGN section 1, profile standard: any failure held for 72 hours parks, and the contact is told.
func TestStandardParksAfter72Hours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	w.subscribe("p", "")
	w.publish("A#1")
	w.next().reply(404)
	for range 200 {
		w.flush()
		lanes := w.hub.Lanes(delivery.Selection{All: true})
		if len(lanes) == 1 && lanes[0].State == "parked" {
			held := w.clock.Now().Sub(time.UnixMicro(lanes[0].Since))
			if held < 72*time.Hour || held > 76*time.Hour {
				t.Fatalf("parked after %s", held)
			}
			w.told(t, delivery.LaneParked)
			return
		}
		next, ok := w.clock.Next()
		if !ok {
			continue
		}
		w.clock.Advance(next.Sub(w.clock.Now()))
		w.next().reply(404)
	}
	t.Fatal("never parked")
}

// Issue "Delivery": Retry-After pauses the endpoint and is no failure: the other lanes wait too, and the delay after
// the next failure is still the first one.
func TestRetryAfterPausesTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	w.publish("A#1")
	w.next().give(channel.Result{Class: channel.Deferred, Status: 503, After: time.Minute})
	w.quiet()
	w.publish("B#1")
	w.quiet()
	w.clock.Advance(59 * time.Second)
	w.quiet()
	w.clock.Advance(time.Second)
	both := w.expect("A#1", "B#1")
	if both["A#1"].attempt != 2 {
		t.Fatalf("want attempt 2, got %d", both["A#1"].attempt)
	}
	both["B#1"].reply(200)
	both["A#1"].reply(500)
	w.quiet()
	w.clock.Advance(time.Second)
	if s := w.next(); s.body != "A#1" || s.attempt != 3 {
		t.Fatalf("want A#1 again after 1 s, got %+v", s)
	}
}

// DESIGN section 1, profile standard: 410 deactivates; what comes is kept, and sent when it is activated again.
func TestGoneDeactivatesAndKeeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	id := w.subscribe("p", "")
	w.publish("A#1")
	w.next().reply(410)
	for w.log.Book().Line(id).Now().State != subscription.Deactivated {
		w.flush()
	}
	w.publish("A#2", "B#1")
	w.quiet()
	w.restart()
	w.quiet()
	w.must(w.reviseLine(t.Context(), w.log.Book().Line(id), func(s *subscription.Subscription) { s.State = subscription.Active }))
	w.expect("A#1", "B#1")["A#1"].reply(200)
	if s := w.next(); s.body != "A#2" {
		t.Fatalf("want A#2, got %s", s.body)
	}
}

// A deactivation that others' changes come between is made again; nothing is sent meanwhile.
func TestGoneDeactivatesAlthoughOthersChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Standard)
	id := w.subscribe("p", "")
	w.publish("A#1")
	w.busy.Store(2)
	w.next().reply(410)
	state := func() subscription.State { return w.log.Book().Line(id).Now().State }
	for range 2 {
		w.system("p", profile.Standard) // what others change of the system does not let it go on
		w.publish("B#1")
		w.quiet()
		if state() != subscription.Active {
			t.Fatalf("it is %s, although the change was refused", state())
		}
		w.clock.Advance(time.Second)
	}
	w.quiet()
	if state() != subscription.Deactivated {
		t.Errorf("it is %s", state())
	}
}

// Engine invariant I8: one slow request does not stop the others, however far they get ahead of it; what comes for its
// lane waits on disk, in order.
func TestOneSlowRequestDoesNotHoldTheWindow(t *testing.T) {
	t.Parallel()
	w := newQuickWorld(t)
	defer w.stop()
	w.system("p", profile.Standard)
	w.subscribe("p", "")
	w.publish("slow#0")
	slow := w.next()
	ok := answer(200)
	w.answerAll(func(s *sent) *channel.Result { return &ok })
	const rounds, size = 40, 300 // more than the window of 8,192
	for round := range rounds {
		var bodies []string
		for i := range size {
			bodies = append(bodies, fmt.Sprintf("K%d#%d", i, round))
		}
		bodies = append(bodies, fmt.Sprintf("slow#%d", round+1))
		w.publish(bodies...)
	}
	w.flush()
	if pending := w.hub.Totals().Pending; pending != rounds+1 {
		t.Fatalf("want only the slow lane's %d pending, got %d", rounds+1, pending)
	}
	lanes := w.hub.Lanes(delivery.Selection{All: true})
	if len(lanes) != 1 || lanes[0].State != "standing" {
		t.Fatalf("want the slow lane on disk, got %+v", lanes)
	}
	w.answerAll(nil)
	slow.reply(200)
	for round := range rounds {
		s := w.next()
		if want := fmt.Sprintf("slow#%d", round+1); s.body != want {
			t.Fatalf("want %s, got %s", want, s.body)
		}
		s.reply(200)
	}
	w.drained()
}

func (w *world) answerAll(f func(*sent) *channel.Result) {
	w.mu.Lock()
	w.auto = f
	w.mu.Unlock()
}

// DESIGN section 5, Lanes: where a star system has one endpoint down and others up, only the lanes that meet the dead
// endpoint wait; they go in order when it answers, also after a restart.
func TestDeadEndpointOfOneSystemLeavesItsOthers(t *testing.T) {
	t.Parallel()
	w := newQuickWorld(t)
	defer w.stop()
	w.revise(revision.Of("test", revision.Type, "other", event.Type{Name: "other", Order: event.OrderKey, Retention: "P180D"}))
	w.system("p", profile.Star)
	w.subscribe("p", "/things", func(s *subscription.Subscription) { s.Types = []string{"thing"} })
	w.subscribe("p", "/rest")
	down, up := answer(503), answer(200)
	w.answerAll(func(s *sent) *channel.Result {
		if s.url == "https://p.test/things" {
			return &down
		}
		return &up
	})
	const many = 3000
	for i := range many {
		thing, other := w.event(sourceURI, fmt.Sprintf("T%d#%d", i%50, i)), w.event(sourceURI, fmt.Sprintf("O%d#%d", i%50, i))
		other.Type = "other"
		w.append(thing, other)
	}
	w.flush()
	if pending := w.hub.Totals().Pending; pending != many {
		t.Fatalf("want the %d for the dead endpoint pending, got %d", many, pending)
	}
	w.restart()
	seen := map[string]int{}
	inOrder := true
	w.answerAll(func(s *sent) *channel.Result {
		if s.url != "https://p.test/things" {
			return &up // the last of a lane, whose outcome was not committed when the process died
		}
		var key string
		var n int
		at := lastHash(s.body)
		key = s.body[:at]
		fmt.Sscan(s.body[at+1:], &n)
		w.mu.Lock()
		inOrder = inOrder && n >= seen[key]
		seen[key] = n
		w.mu.Unlock()
		return &up
	})
	w.clock.Advance(4 * time.Hour)
	w.drained()
	if !inOrder || len(seen) != 50 {
		t.Fatalf("want 50 lanes in order, got %d, in order %v", len(seen), inOrder)
	}
}

// S23: a message that breaks its own contract is not sent; it parks and holds, and the operator is told.
func TestS23InvalidMessageParks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.render = func(e *event.Event) *event.Rendering {
		if string(e.Data) == "A#1" {
			return &event.Rendering{Err: fault.New(fault.InvalidMessage, "no entity")}
		}
		return &event.Rendering{Body: e.Data}
	}
	w.system("p", profile.Star)
	w.subscribe("p", "")
	w.publish("A#1", "A#2", "B#1")
	if s := w.next(); s.body != "B#1" {
		t.Fatalf("want only B#1 sent, got %s", s.body)
	}
	w.quiet()
	w.told(t, delivery.MessageInvalid)
}

// S5, S6: in star an event gives one delivery for each system, by the most specific subscription; elsewhere every
// subscription gets it.
func TestS6MostSpecificSubscription(t *testing.T) {
	t.Parallel()
	org := event.Organisation{Type: "5", Code: "101"}
	shapes := []struct {
		path   string
		change func(*subscription.Subscription)
	}{
		{"/all", func(*subscription.Subscription) {}},
		{"/type", func(s *subscription.Subscription) { s.Types = []string{"thing"} }},
		{"/org", func(s *subscription.Subscription) { s.Organisations = []event.Organisation{org} }},
		{"/both", func(s *subscription.Subscription) {
			s.Types, s.Organisations = []string{"thing"}, []event.Organisation{org}
		}},
	}
	for _, test := range []struct {
		kind string
		org  event.Organisation
		want string
	}{
		{"thing", org, "/both"}, {"other", org, "/org"}, {"thing", event.Organisation{}, "/type"}, {"other", event.Organisation{}, "/all"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.revise(revision.Of("test", revision.Type, "other", event.Type{Name: "other", Order: event.OrderKey, Retention: "P180D"}))
			w.system("star", profile.Star)
			w.system("standard", profile.Standard)
			for _, shape := range shapes {
				w.subscribe("star", shape.path, shape.change)
				w.subscribe("standard", shape.path, shape.change)
			}
			e := w.event(sourceURI, "A#1")
			e.Type, e.Organisation = test.kind, test.org
			w.append(e)
			var star, standard []string
			for range 1 + map[string]int{"/both": 4, "/org": 2, "/type": 2, "/all": 1}[test.want] {
				s := w.next()
				if s.system == "star" {
					star = append(star, s.url)
				} else {
					standard = append(standard, s.url)
				}
			}
			w.quiet()
			if len(star) != 1 || star[0] != "https://star.test"+test.want {
				t.Fatalf("want one delivery to %s, got %v", test.want, star)
			}
		})
	}
}

// Requirements 7 "Same message, two subscriptions": a failing endpoint of system P does not delay system Q.
func TestFailingSystemDoesNotDelayAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.system("q", profile.Star)
	w.subscribe("p", "")
	w.subscribe("q", "")
	w.publish("A#1", "A#2")
	for range 3 {
		s := w.next()
		if s.system == "p" {
			s.reply(500)
			continue
		}
		s.reply(200)
	}
}
