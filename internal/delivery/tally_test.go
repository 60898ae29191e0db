package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
)

// tallies are what is kept of a subscription, as "day+N outcome count", with "again" for what was replayed.
func (w *world) tallies(id string) (list []string) {
	w.t.Helper()
	w.flush()
	kept, err := w.store.Tallies(context.Background(), w.log.Book().Line(id).Consumer.Name, 0)
	w.must(err)
	for _, t := range kept {
		if t.Outcome == eventlog.Matched {
			continue
		}
		again := ""
		if t.Replayed {
			again = " again"
		}
		list = append(list, fmt.Sprintf("day+%d %s%s %d", t.Day-eventlog.DayOf(epoch.UnixMicro()), t.Outcome, again, t.Count))
	}
	slices.Sort(list)
	return list
}

// DESIGN promise 10: days are counted apart, and replays from first deliveries; a restart changes nothing.
func TestTalliesByDayAndReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	w.deliverAll("A#1", "B#1")
	w.clock.Advance(24 * time.Hour)
	w.deliverAll("A#2")
	pass := w.replay(id, eventlog.Filter{UpTo: 1 << 40, Lane: w.event(sourceURI, "B#1").Lane.String()})
	w.again("B#1", pass.N)
	want := []string{"day+0 delivered 2", "day+1 delivered 1", "day+1 delivered again 1"}
	same(t, "tallies", w.tallies(id), want...)
	w.restart()
	same(t, "after a restart", w.tallies(id), want...)
	since, err := w.store.Tallies(t.Context(), "subscription/"+id, eventlog.DayOf(epoch.UnixMicro())+2)
	w.must(err)
	if len(since) != 4 || since[0].Day != since[3].Day || since[0].Count+since[1].Count+since[2].Count+since[3].Count != 8 {
		t.Errorf("what is before a day is summed up: %+v", since)
	}
}

// A deleted subscription's rest is dropped (DESIGN promise 9): all that was for it before, also what the router had not
// offered to it when the process died; and once, however often the router meets it again.
func TestWhatIsDroppedIsCountedWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id, other := w.subscribe("s", "/a"), w.subscribe("s", "/b")
	w.publish("A#1")
	w.next().reply(200)
	w.next().reply(200)
	w.flush()
	w.hub.Abandon()
	w.publish("A#2", "B#1", "A#3")
	w.revise(revision.Removal("test", revision.Subscription, id))
	w.publish("A#4")
	w.restart()
	same(t, "tallies", w.tallies(id), "day+0 delivered 1", "day+0 dropped 3")
	w.restart()
	same(t, "after another crash", w.tallies(id), "day+0 delivered 1", "day+0 dropped 3")
	same(t, "the other", w.tallies(other), "day+0 delivered 1")
}
