package delivery_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// deliverAll publishes and accepts everything, and returns the positions.
func (w *world) deliverAll(bodies ...string) []int64 {
	w.t.Helper()
	positions := w.publish(bodies...)
	for range bodies {
		w.next().reply(200)
	}
	w.drained()
	w.flush()
	return positions
}

// replay begins a pass with the count that is asked for first.
func (w *world) replay(id string, f eventlog.Filter) eventlog.Pass {
	w.t.Helper()
	f, count, err := w.hub.ToReplay(context.Background(), id, f)
	w.must(err)
	p, err := w.hub.Replay(context.Background(), id, "eva", f, 0, count)
	w.must(err)
	w.flush()
	return p
}

// again waits for one replayed event and accepts it.
func (w *world) again(body string, pass int64) {
	w.t.Helper()
	s := w.next()
	if s.body != body || s.pass != pass {
		w.t.Fatalf("got %s by pass %d, want %s by %d", s.body, s.pass, body, pass)
	}
	s.reply(200)
	w.flush()
}

// DESIGN section 5: a lane in a pass sends nothing new until the pass has left it, also over a restart; other lanes do not
// wait. Three of a pass stand in lanes at a time here.
func TestALaneInAPassSendsNothingNew(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		for _, p := range []profile.Name{profile.Standard, profile.Star} {
			w := newWorld(t)
			w.system("s", p)
			id := w.subscribe("s", "/a")
			w.deliverAll("A#1", "B#1", "B#2", "B#3", "B#4", "B#5", "A#2")
			pass := w.replay(id, eventlog.Filter{})
			sent := w.expect("A#1", "B#1")
			w.publish("A#3", "C#1")
			w.expect("C#1")["C#1"].reply(200)
			sent["A#1"].reply(200)
			w.quiet() // A#2 is still to come by the pass
			if restart {
				w.restart()
				w.flush()
			} else {
				sent["B#1"].reply(200)
			}
			var lane []string
			for len(lane) < 2 {
				s := w.next()
				if s.body[0] == 'A' {
					lane = append(lane, fmt.Sprint(s.body, " ", s.pass))
				}
				s.reply(200)
				w.flush()
			}
			same(t, string(p), lane, fmt.Sprint("A#2 ", pass.N), "A#3 0")
		}
	}
}

// What is new and has not left yet waits behind what is replayed.
func TestWhatHasNotLeftWaitsBehindAReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	w.deliverAll("A#1", "A#2")
	pause := revision.OfSubscription(id)
	w.revise(revision.Of("test", revision.Pause, string(pause), revision.PauseDocument{}))
	w.publish("A#3", "A#4")
	w.flush()
	pass := w.replay(id, eventlog.Filter{})
	w.revise(revision.Removal("test", revision.Pause, string(pause)))
	w.again("A#1", pass.N)
	w.again("A#2", pass.N)
	w.again("A#3", 0)
	w.again("A#4", 0)
}

// What is new waits for what a pass still has to bring before it, also where the new is itself in the pass's range, and
// where it waits on disk because its endpoint cannot be sent to while another of the system can. Three of a pass stand in
// lanes at a time here.
func TestWhatIsNewWaitsForWhatAPassStillBrings(t *testing.T) {
	t.Parallel()
	for _, spilled := range []bool{false, true} {
		w := newWorld(t)
		w.system("s", profile.Star)
		id := w.subscribe("s", "/a", func(s *subscription.Subscription) { s.Types = []string{"thing"} })
		if spilled {
			w.revise(revision.Of("test", revision.Type, "other", event.Type{Name: "other", Order: event.OrderKey, Retention: "P180D"}))
			w.subscribe("s", "/rest")
			other := w.event(sourceURI, "O#1")
			other.Type = "other"
			w.append(other)
			w.next().reply(200)
		}
		positions := w.deliverAll("B#1", "B#2", "B#3", "C#1", "D#1", "E#1", "A#1")
		pause := revision.OfSubscription(id)
		w.revise(revision.Of("test", revision.Pause, string(pause), revision.PauseDocument{}))
		w.publish("A#2", "F#1")
		w.flush()
		if standing := len(w.hub.Lanes(delivery.Selection{Subscription: id})); (standing == 2) != spilled {
			t.Fatalf("%d lanes stand on disk, spilled %v", standing, spilled)
		}
		pass := w.replay(id, eventlog.Filter{After: positions[0] - 1})
		w.revise(revision.Removal("test", revision.Pause, string(pause)))
		sent := w.expect("B#1", "F#1")
		sent["B#1"].reply(200)
		sent = w.expect("B#2", "C#1", "D#1", "E#1")
		w.quiet() // A#1 is still to come by the pass
		for _, body := range []string{"C#1", "D#1", "E#1"} {
			sent[body].reply(200)
		}
		w.again("A#1", pass.N)
		w.again("A#2", 0)
	}
}

// A replayed event keeps its id; its attempts go on from those before, and say which pass made them.
func TestAReplayKeepsIdentityAndHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	position := w.publish("A#1")[0]
	first := w.next()
	first.reply(200)
	w.drained()
	w.flush()
	pass := w.replay(id, eventlog.Filter{})
	second := w.next()
	if second.id != first.id || second.attempt != 2 || second.pass != pass.N {
		t.Errorf("%+v, was %+v", second, first)
	}
	second.reply(500)
	w.flush()
	if lanes := w.hub.Lanes(delivery.Selection{All: true}); len(lanes) != 1 || lanes[0].Replay != pass.N {
		t.Errorf("%+v", lanes)
	}
	w.restart()
	w.clock.Advance(2e9)
	w.again("A#1", pass.N)
	attempts, err := w.store.AttemptsAt(t.Context(), position)
	w.must(err)
	if len(attempts) != 3 || attempts[0].Pass != 0 || attempts[2].Pass != pass.N || attempts[2].Number != 3 {
		t.Errorf("%+v", attempts)
	}
	ended, err := w.hub.Replays(t.Context(), true, 10)
	w.must(err)
	if len(ended) != 1 || ended[0].Ended == 0 || ended[0].Done != 1 || ended[0].Author != "eva" {
		t.Errorf("%+v", ended)
	}
}

// S50: one, a filtered set, everything since a position.
func TestS50WhatIsReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	positions := w.deliverAll("A#1", "B#1", "C#1", "D#1")
	e, err := w.log.At(t.Context(), positions[1])
	w.must(err)
	for name, c := range map[string]struct {
		filter eventlog.Filter
		want   int64
	}{
		"everything":                   {eventlog.Filter{}, 4},
		"one":                          {eventlog.Filter{After: positions[1] - 1, UpTo: positions[1]}, 1},
		"since a position":             {eventlog.Filter{After: positions[1]}, 2},
		"a lane":                       {eventlog.Filter{Lane: e.Lane.String()}, 1},
		"a type":                       {eventlog.Filter{Types: []string{"thing"}}, 4},
		"another type":                 {eventlog.Filter{Types: []string{"other"}}, 0},
		"recorded later":               {eventlog.Filter{Since: e.Recorded + 1e6}, 0},
		"beyond what there is to come": {eventlog.Filter{UpTo: 1 << 40}, 4},
	} {
		if _, count, err := w.hub.ToReplay(t.Context(), id, c.filter); count != c.want || err != nil {
			t.Errorf("%s: %d, %v", name, count, err)
		}
	}
	if _, err := w.hub.Replay(t.Context(), id, "eva", eventlog.Filter{}, 0, 3); !fault.Has(err, fault.ReplayCount) {
		t.Errorf("another count: %v", err)
	}
	if _, err := w.hub.Replay(t.Context(), id, "eva", eventlog.Filter{Types: []string{"other"}}, 0, 0); !fault.Has(err, fault.NothingSelected) {
		t.Errorf("nothing: %v", err)
	}
	if _, _, err := w.hub.ToReplay(t.Context(), "none", eventlog.Filter{}); !fault.Has(err, fault.NotFound) {
		t.Errorf("no subscription: %v", err)
	}
	cursor := w.subscribe("s", "c", pulledBy(subscription.Cursor))
	if _, _, err := w.hub.ToReplay(t.Context(), cursor, eventlog.Filter{}); !fault.Has(err, fault.Conflict) {
		t.Errorf("a cursor: %v", err)
	}
	pass := w.replay(id, eventlog.Filter{After: positions[1]})
	sent := w.expect("C#1", "D#1")
	if sent["C#1"].pass != pass.N {
		t.Errorf("pass %d", sent["C#1"].pass)
	}
}

// A pass with a rate puts so many into lanes each second.
func TestAReplayKeepsItsRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	w.deliverAll("A#1", "B#1", "C#1", "D#1")
	f, count, err := w.hub.ToReplay(t.Context(), id, eventlog.Filter{})
	w.must(err)
	pass, err := w.hub.Replay(t.Context(), id, "eva", f, 1, count)
	w.must(err)
	total := 0
	for range 20 {
		w.flush()
		now := len(w.arrived)
		if now > 1 {
			t.Fatalf("%d at once", now)
		}
		for range now {
			s := <-w.arrived
			if s.pass != pass.N {
				t.Errorf("pass %d", s.pass)
			}
			s.reply(200)
			total++
		}
		w.clock.Advance(1e9)
	}
	if total != 4 {
		t.Errorf("%d came", total)
	}
}

// A pass that is stopped brings nothing more than stands in lanes, and lets the others go.
func TestAReplayIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	w.deliverAll("A#1", "A#2", "A#3", "A#4", "A#5", "A#6", "A#7", "B#1")
	pass := w.replay(id, eventlog.Filter{})
	w.publish("B#2")
	first := w.expect("A#1")["A#1"]
	w.quiet() // B#2 waits for B#1 of the pass
	w.must(w.hub.StopReplay(t.Context(), pass.N, "eva"))
	w.expect("B#2")["B#2"].reply(200)
	first.reply(200)
	for len(w.arrived) > 0 {
		s := <-w.arrived
		if s.pass != pass.N || s.body == "A#7" {
			t.Errorf("got %s by pass %d", s.body, s.pass)
		}
		s.reply(200)
		w.flush()
	}
	if err := w.hub.StopReplay(t.Context(), pass.N, "eva"); !fault.Has(err, fault.NotFound) {
		t.Errorf("stopped twice: %v", err)
	}
}

// A queue lends what is replayed, marked.
func TestAQueueIsReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribeQueue("q")
	w.publish("A#1", "A#2")
	w.empty(id, subscription.Queue)
	pass := w.replay(id, eventlog.Filter{})
	leased, err := w.hub.Lease(t.Context(), id, 10, 60e9, 0)
	w.must(err)
	if len(leased) != 1 || leased[0].Replay != pass.N || string(leased[0].Event.Data) != "A#1" || leased[0].Attempts != 1 {
		t.Errorf("%+v", leased)
	}
}

// A change to a cursor ends a pass that waits for room: it holds nothing back when the lanes come again.
func TestAChangeToACursorEndsAReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribeQueue("q")
	w.publish("A#1", "A#2", "A#3", "A#4", "A#5", "A#6", "A#7", "B#1")
	w.empty(id, subscription.Queue)
	w.replay(id, eventlog.Filter{})
	for _, to := range []subscription.Channel{subscription.Cursor, subscription.Queue} {
		w.reviseSubscription(id, func(s *subscription.Subscription) { s.Channel = to })
		w.must(w.hub.Reached(t.Context(), w.log.Head()))
		w.flush()
	}
	if going, err := w.hub.Replays(t.Context(), false, 10); err != nil || len(going) > 0 {
		t.Errorf("going on: %+v, %v", going, err)
	}
	w.publish("B#2")
	if got, _ := w.lease(id, 10); len(got) != 2 || got[1] != "B#2" {
		t.Errorf("leased %v", got)
	}
}
