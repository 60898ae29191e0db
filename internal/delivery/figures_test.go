package delivery_test

import (
	"context"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

func (w *world) figures(system string, days int) *delivery.SystemFigures {
	w.t.Helper()
	w.flush()
	f, err := w.hub.SystemFigures(context.Background(), system, days)
	w.must(err)
	return f
}

// S51, S55, DESIGN promise 10: a system's figures tell what it has coming by subscription, also where subscriptions share
// a consumer; what is the oldest of it; and what came, by day. A restart changes none of it.
func TestS55FiguresOfASystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Star)
	all := w.subscribe("s", "/all")
	one := w.subscribe("s", "/one", func(s *subscription.Subscription) { s.Types = []string{"thing"} })
	w.publish("A#1")
	w.next().reply(200)
	w.flush()
	w.clock.Advance(24 * time.Hour)
	parked := w.publish("A#2", "A#3", "A#4", "B#1", "B#2")
	for range 2 { // the heads
		s := w.next()
		if s.body == "A#2" {
			s.give(starAnswer(422))
		} else {
			s.give(starAnswer(500))
		}
	}
	w.flush()
	other := w.event(sourceURI, "C#1")
	other.Type = "other"
	w.append(other)
	w.next().reply(200)
	check := func(when string) {
		t.Helper()
		f := w.figures("s", 1)
		if len(f.Subscriptions) != 2 || f.Subscriptions[0].Subscription != all || f.Subscriptions[1].Subscription != one {
			t.Fatalf("%s: %+v", when, f.Subscriptions)
		}
		now := delivery.Coming{Pending: 5, Waiting: 3, Retrying: 1, Parked: 1}
		if f.Now != now || f.Subscriptions[1].Now != now || f.Subscriptions[0].Now != (delivery.Coming{}) {
			t.Errorf("%s: coming %+v, of one %+v, of all %+v", when, f.Now, f.Subscriptions[1].Now, f.Subscriptions[0].Now)
		}
		if f.Total.First != (delivery.Ends{Matched: 7, Delivered: 2}) || len(f.Days) != 1 || f.Days[0].Day != "2026-03-02" ||
			f.Days[0].First != (delivery.Ends{Matched: 6, Delivered: 1}) {
			t.Errorf("%s: total %+v days %+v", when, f.Total, f.Days)
		}
		if f.Oldest == nil || *f.Oldest != (delivery.Oldest{Position: parked[0], Subscription: one, Recorded: epoch.Add(24 * time.Hour).UnixMicro()}) {
			t.Errorf("%s: the oldest is %+v", when, f.Oldest)
		}
		if days := w.figures("s", 2).Days; len(days) != 2 || days[1].Day != "2026-03-01" || days[1].First.Delivered != 1 {
			t.Errorf("%s: two days are %+v", when, days)
		}
	}
	check("at first")
	w.restart()
	check("after a restart")
}

// What went with a subscription is told of after it, also after a restart.
func TestFiguresOfWhatWasRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	w.revise(revision.Of("test", revision.Pause, string(revision.Hub), revision.PauseDocument{}))
	w.publish("A#1", "A#2", "B#1")
	w.flush()
	if f := w.figures("s", 1); f.Now != (delivery.Coming{Pending: 3, Waiting: 1}) || f.Total.First.Matched != 3 {
		t.Errorf("while it is paused %+v %+v", f.Now, f.Total.First)
	}
	w.revise(revision.Removal("test", revision.Subscription, id))
	w.restart()
	f := w.figures("s", 1)
	if f.Now != (delivery.Coming{}) || f.Oldest != nil || len(f.Subscriptions) != 1 || !f.Subscriptions[0].Removed || f.Subscriptions[0].Name != "/a" ||
		f.Total.First != (delivery.Ends{Matched: 3, Dropped: 3}) {
		t.Errorf("%+v", f)
	}
	if _, err := w.hub.SystemFigures(t.Context(), "nobody", 1); !fault.Has(err, fault.NotFound) {
		t.Errorf("nobody's: %v", err)
	}
}

// A reader by cursor: what it was handed out is served once, however often it reads it; coming back confirms.
func TestFiguresOfAReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "c", pulledBy(subscription.Cursor))
	w.publish("A#1", "A#2", "B#1", "B#2")
	counts := func(want delivery.Ends) {
		t.Helper()
		if f := w.figures("s", 1); f.Total.First != want || f.Now.Pending != want.Matched-want.Confirmed {
			t.Errorf("%+v pending %d, want %+v", f.Total.First, f.Now.Pending, want)
		}
	}
	w.fetch(id, nil, 2)
	counts(delivery.Ends{Matched: 4, Served: 2})
	w.restart()
	_, at := w.fetch(id, nil, 3)
	counts(delivery.Ends{Matched: 4, Served: 3})
	w.fetch(id, &at, 1)
	counts(delivery.Ends{Matched: 4, Served: 4, Confirmed: 3})
	w.fetch(id, nil, 4)
	counts(delivery.Ends{Matched: 4, Served: 4, Confirmed: 3})

	// An answer that a crash forgot is served all the same when its reader comes back with it.
	w.publish("C#1")
	w.flush()
	end := eventlog.Cursor{}
	w.log.Abandon()
	end, err := w.hub.Fetch(t.Context(), id, nil, 10, 0, func(*event.Event, []byte, eventlog.Cursor) error { return nil })
	w.must(err)
	w.restart()
	w.fetch(id, &end, 1)
	counts(delivery.Ends{Matched: 5, Served: 5, Confirmed: 5})
}
