package delivery_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// DESIGN promise 11: forgetting a payload leaves the proof: where it went, when and at which attempt.
func TestWhereWasWhatIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	e := w.event(sourceURI, "A#1")
	e.Retention = "P1D"
	position := w.append(e)[0]
	w.next().reply(200)
	w.flush()
	if keys, err := w.store.Forget(t.Context(), "P1D", eventlog.DayOf(epoch.UnixMicro())); keys == 0 || err != nil {
		t.Fatal(keys, err)
	}
	w.restart() // the tail in memory goes
	if e, err := w.log.At(t.Context(), position); err != nil || !e.Forgotten {
		t.Fatalf("it is not forgotten: %v", err)
	}
	if got, want := w.where(position, id), "delivered, at +0s, tried 1, status 200"; got != want {
		t.Errorf("it was %s, want %s", got, want)
	}
	for _, nothing := range []int64{1, position + 1, 1 << 40} {
		if _, err := w.hub.Where(t.Context(), nothing); !fault.Has(err, fault.NotFound) {
			t.Errorf("at position %d, where no event is: %v", nothing, err)
		}
	}
}

// What was forgotten before anybody looked at it has expired, and is not pending for ever.
func TestWhatIsForgottenUnreadHasExpired(t *testing.T) {
	t.Parallel()
	for _, p := range []profile.Name{profile.Standard, profile.Star} {
		w := newWorld(t)
		w.system("s", p)
		id := w.subscribe("s", "/a")
		w.revise(revision.Of("test", revision.Pause, string(revision.Hub), revision.PauseDocument{}))
		e := w.event(sourceURI, "A#1")
		e.Retention = "P1D"
		position := w.append(e)[0]
		if f := w.figures("s", 1); f.Now.Pending != 1 || f.Total.First.Matched != 1 {
			t.Errorf("%s: at first %+v %+v", p, f.Now, f.Total.First)
		}
		if keys, err := w.store.Forget(t.Context(), "P1D", eventlog.DayOf(epoch.UnixMicro())); keys == 0 || err != nil {
			t.Fatal(keys, err)
		}
		for range 2 {
			w.restart()
			if got := w.where(position, id); got != "expired, at +0s" {
				t.Errorf("%s: it is %s, want expired", p, got)
			}
			if f := w.figures("s", 1); f.Now.Pending != 0 || f.Total.First != (delivery.Ends{Matched: 1, Expired: 1}) {
				t.Errorf("%s: pending %d, %+v", p, f.Now.Pending, f.Total.First)
			}
		}
		kept := w.publish("B#1")
		if got := w.where(kept[0], id); got != "pending, why paused, by hub" {
			t.Errorf("%s: the next is %s", p, got)
		}
	}
}

// What waits behind another subscription's head in a system's lane is dropped with its own subscription, although its turn
// to end has not come.
func TestWhereWhatIsDroppedInASharedLane(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Star)
	w.subscribe("s", "/thing", func(s *subscription.Subscription) { s.Types = []string{"thing"} })
	rest := w.subscribe("s", "/rest")
	first := w.publish("A#1")[0]
	w.next().give(starAnswer(422))
	w.flush()
	e := w.event(sourceURI, "A#2")
	e.Type = "other"
	position := w.append(e)[0]
	if got, want := w.where(position, rest), fmt.Sprintf("waiting, behind %d parked tried 1 status 422, since +0s", first); got != want {
		t.Errorf("at first it is %s, want %s", got, want)
	}
	w.revise(revision.Removal("test", revision.Subscription, rest))
	for range 2 {
		if got := w.where(position, rest); got != "dropped" {
			t.Errorf("it is %s, want dropped", got)
		}
		w.restart()
	}
}

// While outcomes cannot be committed it is told what is known: the answer has come, and what is behind it has not gone.
func TestWhereBeforeTheCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	w.subscribe("s", "/a")
	positions := w.publish("A#1", "A#2")
	s := w.next()
	w.flush()
	w.log.Abandon() // nothing is committed any more
	s.reply(200)
	for w.hub.Delivered() == 0 {
		runtime.Gosched()
	}
	for i, want := range []string{"delivered, at +0s, tried 1, status 200", fmt.Sprintf("waiting, behind %d sending tried 1 status 200", positions[0])} {
		found, err := w.hub.Where(t.Context(), positions[i])
		w.must(err)
		if got := told(&found[0]); got != want {
			t.Errorf("event %d is %s, want %s", i+1, got, want)
		}
	}
}
