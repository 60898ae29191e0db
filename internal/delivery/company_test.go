package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
)

// register is a world with one subscription of a register's events.
func register(t *testing.T) (w *world, subscription string) {
	t.Helper()
	w = newWorld(t)
	w.system("register", profile.Datafordeler)
	return w, w.subscribe("register", "/odata")
}

// arrives waits for one request and wants exactly these in it.
func (w *world) arrives(bodies ...string) *sent {
	w.t.Helper()
	s := w.next()
	if !slices.Equal(s.bodies(), bodies) {
		w.t.Fatalf("want %v in one request, got %v", bodies, s.bodies())
	}
	w.quiet()
	return s
}

// Everything is one lane, whatever its key and its source.
func TestARegistersEventsAreOneLane(t *testing.T) {
	t.Parallel()
	w, _ := register(t)
	w.publish("A#1")
	first := w.arrives("A#1")
	w.publish("B#2")
	w.publishFrom(sourceURI+":other", "C#3")
	w.quiet()
	first.reply(201)
	w.arrives("B#2", "C#3").reply(200)
	w.drained()
}

// Requirements 7, "Batch": 201+201, both are done; 201+500, both again in one hour, with the same Ids.
func TestReading6ABatchIsTriedAgainWhole(t *testing.T) {
	t.Parallel()
	w, id := register(t)
	w.revise(revision.Of("test", revision.Pause, string(revision.OfSubscription(id)), revision.PauseDocument{}))
	positions := w.publish("A#1", "A#2")
	w.quiet() // both wait
	w.revise(revision.Removal("test", revision.Pause, string(revision.OfSubscription(id))))
	first := w.arrives("A#1", "A#2")
	first.give(registerAnswer(500))
	w.quiet()
	for n := range 3 {
		w.clock.Advance(time.Hour - time.Millisecond)
		w.quiet()
		w.clock.Advance(time.Millisecond)
		again := w.arrives("A#1", "A#2")
		for i, s := range again.all() {
			if s.attempt != n+2 || s.id != first.all()[i].id {
				t.Errorf("want attempt %d with id %s, got %d with %s", n+2, first.all()[i].id, s.attempt, s.id)
			}
		}
		if n < 2 {
			again.give(registerAnswer(400))
			w.quiet()
			continue
		}
		again.give(registerAnswer(201))
	}
	w.drained()
	for i, position := range positions {
		rows, err := w.store.AttemptsAt(t.Context(), position)
		w.must(err)
		if len(rows) != 4 || rows[3].Outcome != eventlog.Done || rows[2].Outcome != eventlog.Failed {
			t.Errorf("A#%d: %+v", i+1, rows)
		}
	}
}

// What waits goes along: from memory, from disk, after a crash, and never more than the profile allows.
func TestABatchIsWhatWaitsAndNoMore(t *testing.T) {
	t.Parallel()
	w, _ := register(t)
	w.publish("A#0")
	head := w.arrives("A#0")
	var bodies []string
	for n := range 250 {
		bodies = append(bodies, fmt.Sprintf("%c#%d", 'A'+n%7, n+1))
	}
	w.publish(bodies...)
	w.quiet()
	head.give(registerAnswer(503))
	w.quiet()
	w.restart()
	w.quiet()
	w.clock.Advance(time.Hour)
	w.arrives(append([]string{"A#0"}, bodies[:99]...)...).give(registerAnswer(200))
	w.arrives(bodies[99:199]...).give(registerAnswer(200))
	last := w.arrives(bodies[199:]...)
	w.restart()
	last = w.arrives(last.bodies()...)
	last.give(registerAnswer(200))
	w.drained()
}

// A service without $batch: what it took is over, what failed heads the lane, what was not sent waits its turn.
func TestReading6OneByOneUpToTheFirstThatFails(t *testing.T) {
	t.Parallel()
	for _, onDisk := range []bool{false, true} {
		w, _ := register(t)
		w.publish("A#0")
		head := w.arrives("A#0")
		w.publish("A#1", "B#2", "C#3", "D#4")
		w.quiet()
		if onDisk {
			head.give(registerAnswer(500))
			w.quiet()
			w.clock.Advance(time.Hour)
			head = w.arrives("A#0", "A#1", "B#2", "C#3", "D#4")
			head.giveEach(registerAnswer(200), registerAnswer(200), registerAnswer(500))
		} else {
			head.give(registerAnswer(200))
			w.arrives("A#1", "B#2", "C#3", "D#4").giveEach(registerAnswer(200), registerAnswer(500))
		}
		w.quiet()
		lanes := w.hub.Lanes(delivery.Selection{All: true})
		if len(lanes) != 1 || lanes[0].Behind != 2 || lanes[0].State != "retrying" {
			t.Fatalf("want B#2 at the head and two behind, got %+v", lanes)
		}
		w.restart()
		w.clock.Advance(time.Hour)
		s := w.arrives("B#2", "C#3", "D#4")
		for i, one := range s.all() {
			if want := []int{2, 1, 1}[i]; one.attempt != want {
				t.Errorf("%s: attempt %d, want %d", one.body, one.attempt, want)
			}
		}
		s.give(registerAnswer(200))
		w.drained()
	}
}

func TestABatchThatIsAskedToWait(t *testing.T) {
	t.Parallel()
	w, _ := register(t)
	w.publish("A#0")
	head := w.arrives("A#0")
	w.publish("A#1", "B#2")
	w.quiet()
	head.reply(200)
	w.arrives("A#1", "B#2").give(channel.Result{Class: channel.Deferred, Status: 503, After: 2 * time.Minute})
	w.quiet()
	w.clock.Advance(2 * time.Minute)
	w.arrives("A#1", "B#2").giveEach(registerAnswer(200), channel.Result{Class: channel.Deferred, Status: 503, After: 2 * time.Minute})
	w.quiet()
	w.clock.Advance(2 * time.Minute)
	if s := w.arrives("B#2"); s.attempt != 3 {
		t.Errorf("attempt %d, want 3", s.attempt)
	} else {
		s.reply(200)
	}
	w.drained()
}

// What may not go is decided before the send, one by one; the others go.
func TestABatchWithoutWhatMayNotGo(t *testing.T) {
	t.Parallel()
	w, _ := register(t)
	broken := "C#3"
	w.render = func(e *event.Event) *event.Rendering {
		if string(e.Data) == broken {
			return &event.Rendering{Err: fault.New(fault.InvalidMessage, "it cannot be written")}
		}
		return &event.Rendering{Body: e.Data}
	}
	w.publish("A#0")
	head := w.arrives("A#0")
	positions := w.publish("A#1")
	positions = append(positions, w.publishFrom(sourceURI+":other", "B#2")...)
	positions = append(positions, w.publish(broken, "D#4")...)
	w.quiet()
	doc, _ := w.log.Book().System("register")
	changed := *doc
	changed.Agreement.Sources = []string{"source"} // and not the other
	w.revise(revision.Of("test", revision.System, "register", changed))
	w.quiet()
	head.reply(200)
	s := w.arrives("A#1")
	if where := w.stateAt(positions[0]); where != delivery.StateSending {
		t.Errorf("A#1 is %s", where)
	}
	s.reply(200)
	w.quiet()
	for i, want := range []string{delivery.StateDelivered, delivery.StateWithheld, delivery.StateParked, delivery.StateWaiting} {
		if where := w.stateAt(positions[i]); where != want {
			t.Errorf("%d is %s, want %s", i+1, where, want)
		}
	}
	_, err := w.hub.Discard(context.Background(), "eva", delivery.Selection{All: true}, false)
	w.must(err)
	w.arrives("D#4").reply(200)
	w.drained()
}

func (w *world) stateAt(position int64) string {
	w.t.Helper()
	stops, err := w.hub.Where(context.Background(), position)
	w.must(err)
	if len(stops) != 1 {
		w.t.Fatalf("%+v", stops)
	}
	return stops[0].State
}

// "Where is it?" says of all that are in one request that they are being sent.
func TestWhereABatchIs(t *testing.T) {
	t.Parallel()
	w, _ := register(t)
	w.publish("A#0")
	head := w.arrives("A#0")
	positions := w.publish("A#1", "B#2")
	w.quiet()
	if where := w.stateAt(positions[1]); where != delivery.StateWaiting {
		t.Errorf("behind the head it is %s", where)
	}
	head.reply(200)
	batch := w.arrives("A#1", "B#2")
	for _, position := range positions {
		if where := w.stateAt(position); where != delivery.StateSending {
			t.Errorf("in flight it is %s", where)
		}
	}
	batch.give(registerAnswer(500))
	w.quiet()
	for i, want := range []string{delivery.StateRetrying, delivery.StateWaiting} {
		if where := w.stateAt(positions[i]); where != want {
			t.Errorf("%d is %s, want %s", i+1, where, want)
		}
	}
}

// A replay goes in batches, too, and before what is new, also where it comes to the lane bit by bit; and the lane can be
// named.
func TestAReplayInBatches(t *testing.T) {
	t.Parallel()
	w, id := register(t)
	var past []string
	for n := range 8 {
		past = append(past, fmt.Sprintf("%c#%d", 'A'+n%3, n+1))
		w.publish(past[n])
		w.arrives(past[n]).reply(200)
	}
	w.drained()
	stops, err := w.hub.Where(context.Background(), w.log.Head())
	w.must(err)
	f, count, err := w.hub.ToReplay(t.Context(), id, eventlog.Filter{Lane: stops[0].Lane})
	w.must(err)
	if count != int64(len(past)) {
		t.Fatalf("%d events of the lane, want %d", count, len(past))
	}
	_, err = w.hub.Replay(t.Context(), id, "eva", f, 0, count)
	w.must(err)
	first := w.next()
	w.publish("N#9", "N#10")
	w.quiet()
	var got []string
	largest := 0
	for s := first; ; s = w.next() {
		got, largest = append(got, s.bodies()...), max(largest, len(s.fellows))
		for _, one := range s.all() {
			if isNew := one.body[0] == 'N'; isNew == (one.pass != 0) {
				t.Errorf("got %s by pass %d", one.body, one.pass)
			}
		}
		s.reply(200)
		if len(got) == len(past)+2 {
			break
		}
	}
	if want := append(past, "N#9", "N#10"); !slices.Equal(got, want) || largest == 0 {
		t.Errorf("got %v, want %v, some together", got, want)
	}
	w.drained()
}
