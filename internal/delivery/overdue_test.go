package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// downFrom is a world whose receiver is down from the start, at an instant.
func downFrom(t *testing.T, at time.Time) (w *world, id string) {
	t.Helper()
	w, id = register(t)
	w.clock.Advance(at.Sub(w.clock.Now()))
	w.answers(func(*sent) channel.Result { return channel.Result{Class: channel.Retry, Reason: "connect-refused"} })
	return w, id
}

// answers lets every request be answered at once; nil: by the test.
func (w *world) answers(with func(*sent) channel.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.auto = nil
	if with != nil {
		w.auto = func(s *sent) *channel.Result {
			w.mu.Lock()
			w.requests = append(w.requests, w.clock.Now())
			w.mu.Unlock()
			r := with(s)
			return &r
		}
	}
}

// attempted takes when requests came since it was last asked.
func (w *world) attempted() []time.Time {
	w.flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.requests
	w.requests = nil
	return list
}

func (w *world) toldOf(kind delivery.NoticeKind) (list []delivery.Notice) {
	w.flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.notices {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

// until lets time pass: a day at a time as long as there are many, then hour by hour.
func (w *world) until(end time.Time) {
	for left := end.Sub(w.clock.Now()); left > 0; left = end.Sub(w.clock.Now()) {
		step := time.Hour
		if left > 48*time.Hour {
			step = 24 * time.Hour
		}
		w.clock.Advance(min(step, left))
		w.flush()
	}
}

// F20: an event is pushed when it is there, and no clock is waited for; so is the next, when the one before is over.
func TestF20PushFollowsTheEventAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("register", profile.Datafordeler)
	w.subscribe("register", "/r")
	began := w.clock.Now()
	w.publish("A#1")
	first := w.next()
	w.publish("B#2")
	first.reply(200)
	if second := w.next(); first.body != "A#1" || second.body != "B#2" || !w.clock.Now().Equal(began) {
		t.Errorf("%s, then %s, after %v", first.body, second.body, w.clock.Now().Sub(began))
	}
}

// Requirements 7, "Datafordeler push": down from 2024-01-31T12:00, attempts every hour, deactivated when the oldest message
// passes 2024-03-31T12:00, the messages deleted, mail sent (reading 7: at the first failure, after a day, a week before, and
// then).
func TestF21TwoMonthsAndThenNoMore(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	end := time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC)
	w, id := downFrom(t, from)
	oldest := w.publish("A#1")[0]
	if got := w.attempted(); len(got) != 1 {
		t.Fatalf("%d requests at once, want one", len(got))
	}
	younger := w.publish("B#2", "C#3")
	w.until(from.Add(10 * time.Hour))
	if got := w.attempted(); len(got) != 10 || !got[9].Equal(from.Add(10*time.Hour)) {
		t.Errorf("requests in ten hours: %v", got)
	}
	w.until(from.AddDate(0, 0, 30))
	w.restart()
	w.until(end.Add(-time.Second))
	w.attempted()
	if s := w.log.Book().Line(id).Now(); s.State != subscription.Active {
		t.Fatalf("before the end it is %s", s.State)
	}
	late := w.publish("D#4")[0]
	w.until(end)
	if got := w.attempted(); len(got) != 1 || !got[0].Equal(end) {
		t.Errorf("requests at the end: %v", got)
	}
	s := w.log.Book().Line(id).Now()
	if s.State != subscription.Deactivated || s.Reason != "nothing could be delivered for 2 months" {
		t.Errorf("at the end it is %s: %s", s.State, s.Reason)
	}
	for _, position := range append([]int64{oldest, late}, younger...) {
		if state := w.stateAt(position); state != delivery.StateExpired {
			t.Errorf("position %d is %s", position, state)
		}
	}
	if pending := w.hub.Totals().Pending; pending != 0 {
		t.Errorf("%d are pending", pending)
	}
	w.until(end.Add(48 * time.Hour))
	if got := w.attempted(); len(got) > 0 {
		t.Errorf("requests after the end: %v", got)
	}

	var warned []string
	for _, n := range w.toldOf(delivery.SubscriptionFailing) {
		if n.Subscription != id || n.Position != oldest || n.Ends != end.Format(time.RFC3339) || n.Reason != "connect-refused" {
			t.Errorf("%+v", n)
		}
		if at := time.UnixMicro(n.At).UTC().Format("01-02T15:04"); !slices.Contains(warned, at) { // a restart tells the last again, with the same id
			warned = append(warned, at)
		}
	}
	if want := []string{"05-31T12:00", "06-01T12:00", "07-24T12:00"}; !slices.Equal(warned, want) {
		t.Errorf("warned %v, want %v", warned, want)
	}
	if ended := w.toldOf(delivery.SubscriptionOverdue); len(ended) != 1 || ended[0].Subscription != id {
		t.Errorf("told of the end: %+v", ended)
	}
}

// What comes while it is deactivated is kept (docs/states.md); activated again it gets that, and not what was given up,
// which a replay brings.
func TestF21WhatComesAfterIsKept(t *testing.T) {
	t.Parallel()
	w, id := downFrom(t, epoch)
	w.publish("A#1", "B#2")
	w.until(epoch.AddDate(0, 2, 0))
	w.attempted()
	after := w.publish("C#3")[0]
	w.restart()
	if state := w.stateAt(after); state != delivery.StatePending {
		t.Errorf("what comes later is %s", state)
	}
	w.answers(nil)
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.State, s.Reason = subscription.Active, "" })
	w.arrives("C#3").reply(200)
	w.drained()

	f, count, err := w.hub.ToReplay(context.Background(), id, eventlog.Filter{UpTo: after - 1})
	w.must(err)
	_, err = w.hub.Replay(context.Background(), id, "eva", f, 0, count)
	w.must(err)
	var got []string
	for len(got) < 2 {
		s := w.next()
		got = append(got, s.bodies()...)
		s.reply(200)
	}
	if !slices.Equal(got, []string{"A#1", "B#2"}) {
		t.Errorf("replayed %v", got)
	}
	w.drained()
}

// More than fits into memory ends, too, also when the process dies meanwhile.
func TestF21AllThatWaitsEnds(t *testing.T) {
	t.Parallel()
	w, id := downFrom(t, epoch)
	for n := range 150 {
		w.publish(fmt.Sprintf("%c#%d", 'A'+n%10, n))
	}
	w.flush()
	total := w.hub.Totals().Pending
	w.until(epoch.AddDate(0, 2, 0).Add(-time.Hour))
	w.clock.Advance(time.Hour)
	w.restart()
	w.flush()
	w.clock.Advance(time.Second)
	w.flush()
	if s := w.log.Book().Line(id).Now(); s.State != subscription.Deactivated {
		t.Fatalf("it is %s", s.State)
	}
	if pending := w.hub.Totals().Pending; pending != 0 || total != 150 {
		t.Errorf("%d of %d are pending", pending, total)
	}
}

// One that works now and then is warned of each time, and goes on; one that asks to be left alone for ever does not.
func TestF21ASuccessBeginsAnew(t *testing.T) {
	t.Parallel()
	w, id := register(t)
	fails := true
	w.answers(func(*sent) channel.Result {
		fails = !fails
		return registerAnswer(map[bool]int{false: 500, true: 200}[fails])
	})
	for n := range 80 {
		w.publish(fmt.Sprintf("A#%d", n))
		w.flush()
		w.until(w.clock.Now().Add(2 * time.Hour))
		w.clock.Advance(22 * time.Hour)
	}
	if s := w.log.Book().Line(id).Now(); s.State != subscription.Active {
		t.Errorf("it is %s", s.State)
	}
	if warned := w.toldOf(delivery.SubscriptionFailing); len(warned) < 2 {
		t.Errorf("warned %d times", len(warned))
	}

	w.answers(func(*sent) channel.Result {
		return channel.Result{Class: channel.Deferred, Status: 503, After: time.Hour}
	})
	w.publish("A#99")
	w.until(w.clock.Now().AddDate(0, 2, 1))
	if s := w.log.Book().Line(id).Now(); s.State != subscription.Deactivated {
		t.Errorf("asked to wait for two months it is %s", s.State)
	}
}
