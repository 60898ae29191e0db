package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

func pulledBy(by subscription.Channel) func(*subscription.Subscription) {
	return func(s *subscription.Subscription) { s.Channel, s.Path = by, "" }
}

// lease leases at once what there is, as "key#n".
func (w *world) lease(id string, most int) (bodies []string, tokens map[string]string) {
	w.t.Helper()
	w.flush()
	leased, err := w.hub.Lease(context.Background(), id, most, time.Minute, 0)
	w.must(err)
	tokens = map[string]string{}
	for _, l := range leased {
		bodies = append(bodies, string(l.Message.Body))
		tokens[string(l.Message.Body)] = l.Lease
	}
	slices.Sort(bodies)
	return bodies, tokens
}

func (w *world) acknowledge(id string, tokens ...string) (gone []string) {
	w.t.Helper()
	gone, err := w.hub.Acknowledge(context.Background(), id, tokens)
	w.must(err)
	w.flush()
	return gone
}

// fetch reads on from a cursor, nil for where the hub knows the reader to stand.
func (w *world) fetch(id string, from *eventlog.Cursor, limit int) (bodies []string, end eventlog.Cursor) {
	w.t.Helper()
	w.flush()
	end, err := w.hub.Fetch(context.Background(), id, from, limit, 0, func(e *event.Event, _ []byte, _ eventlog.Cursor) error {
		bodies = append(bodies, string(e.Data))
		return nil
	})
	w.must(err)
	w.flush()
	return bodies, end
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// S59, DESIGN section 5: the queue form has one unacknowledged message per lane; other lanes do not wait.
func TestS59AQueueLendsOneOfALane(t *testing.T) {
	t.Parallel()
	for _, p := range []profile.Name{profile.Standard, profile.Star} {
		w := newWorld(t)
		w.system("q", p)
		id := w.subscribeQueue("q")
		w.publish("A#1", "A#2", "B#1", "A#3")
		got, leases := w.lease(id, 10)
		same(t, "first", got, "A#1", "B#1")
		got, _ = w.lease(id, 10)
		same(t, "while both are out", got)
		if gone := w.acknowledge(id, leases["A#1"], "nonsense", leases["A#1"]); len(gone) != 2 {
			t.Errorf("gone: %v", gone)
		}
		got, leases = w.lease(id, 10)
		same(t, "after the first of A", got, "A#2")
		w.acknowledge(id, leases["A#2"])
		got, _ = w.lease(id, 10)
		same(t, "after the second of A", got, "A#3")
	}
}

// subscribeQueue makes a queue of a system, whose consumer is its own in every profile.
func (w *world) subscribeQueue(system string) string {
	return w.subscribe(system, "queue", pulledBy(subscription.Queue))
}

// A lease that is over brings the event again, at the head of its lane, and says so in the attempts log.
func TestALeaseThatIsOverComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribeQueue("q")
	positions := w.publish("A#1", "A#2")
	got, first := w.lease(id, 10)
	same(t, "first", got, "A#1")
	w.clock.Advance(59 * time.Second)
	got, _ = w.lease(id, 10)
	same(t, "before it is over", got)
	w.clock.Advance(time.Second)
	got, second := w.lease(id, 10)
	same(t, "when it is over", got, "A#1")
	if gone := w.acknowledge(id, first["A#1"]); len(gone) != 1 {
		t.Error("the lease that was over could be acknowledged")
	}
	w.acknowledge(id, second["A#1"])
	attempts, err := w.store.AttemptsAt(t.Context(), positions[0])
	w.must(err)
	var told []string
	for _, a := range attempts {
		told = append(told, fmt.Sprint(a.Number, " ", a.Outcome, " ", a.Result.Reason))
	}
	same(t, "attempts", told, "1 failed lease-over", "2 delivered ")
	w.mu.Lock()
	told = nil
	for _, o := range w.observed {
		told = append(told, fmt.Sprint(o.Number, " ", o.Outcome, " ", o.Result.Reason))
	}
	w.mu.Unlock()
	same(t, "what the operator sees", told, "1 failed lease-over", "2 delivered ")
	got, _ = w.lease(id, 10)
	same(t, "then", got, "A#2")
}

// What was acknowledged is committed before the answer; what was only leased comes again after a crash.
func TestACrashKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribeQueue("q")
	w.publish("A#1", "A#2", "B#1", "B#2")
	_, leases := w.lease(id, 10)
	w.acknowledge(id, leases["A#1"])
	w.restart()
	got, _ := w.lease(id, 10)
	same(t, "after the crash", got, "A#2", "B#1")
	if gone := w.acknowledge(id, leases["B#1"]); len(gone) != 1 {
		t.Error("a lease of the process before was good")
	}
}

// A lease that was given back comes again at once, and costs no attempt.
func TestALeaseIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribeQueue("q")
	positions := w.publish("A#1")
	_, leases := w.lease(id, 1)
	gone, err := w.hub.Return(t.Context(), id, []string{leases["A#1"]})
	w.must(err)
	got, _ := w.lease(id, 1)
	same(t, "again", got, "A#1")
	if attempts, _ := w.store.AttemptsAt(t.Context(), positions[0]); len(gone)+len(attempts) > 0 {
		t.Errorf("gone %v, attempts %+v", gone, attempts)
	}
}

func TestAQueueWaitsForWhatComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribeQueue("q")
	came := make(chan []delivery.Leased)
	wait := func() {
		leased, err := w.hub.Lease(context.Background(), id, 1, time.Minute, 30*time.Second)
		w.must(err)
		came <- leased
	}
	go wait()
	w.publish("A#1")
	if leased := <-came; len(leased) != 1 {
		t.Fatalf("got %v", leased)
	}
	before, _ := w.clock.Next()
	go wait()
	for { // until the wait has set its timer
		if at, ok := w.clock.Next(); ok && at.Before(before) {
			break
		}
	}
	w.clock.Advance(30 * time.Second)
	if leased := <-came; len(leased) != 0 {
		t.Fatalf("got %v", leased)
	}
}

func TestFetchingIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	queue, cursor := w.subscribeQueue("q"), w.subscribe("q", "c", pulledBy(subscription.Cursor))
	draft := w.subscribe("q", "d", pulledBy(subscription.Queue), func(s *subscription.Subscription) { s.State = subscription.Draft })
	lease := func(id string) error {
		_, err := w.hub.Lease(t.Context(), id, 1, time.Minute, 0)
		return err
	}
	fetch := func(id string, from eventlog.Cursor) error {
		_, err := w.hub.Fetch(t.Context(), id, &from, 1, 0, nil)
		return err
	}
	here := w.log.Cursor(0, false)
	for _, test := range []struct {
		name string
		err  error
		want fault.Code
	}{
		{"no such queue", lease("none"), fault.NotFound},
		{"a cursor is no queue", lease(cursor), fault.Conflict},
		{"a queue is no cursor", fetch(queue, here), fault.Conflict},
		{"a draft", lease(draft), fault.Conflict},
		{"a cursor of another hub", fetch(cursor, eventlog.Cursor{Epoch: here.Epoch + 1}), fault.BadCursor},
		{"a cursor beyond the log", fetch(cursor, eventlog.Cursor{Epoch: here.Epoch, Position: 1 << 40}), fault.LogRewound},
	} {
		if !fault.Has(test.err, test.want) {
			t.Errorf("%s: got %v, want %s", test.name, test.err, test.want)
		}
	}
	w.revise(revision.Of("test", revision.Pause, string(revision.OfSystem("q")), revision.PauseDocument{}))
	if err := lease(queue); !fault.Has(err, fault.FetchPaused) {
		t.Errorf("a paused queue: %v", err)
	}
	if err := fetch(cursor, here); !fault.Has(err, fault.FetchPaused) {
		t.Errorf("a paused cursor: %v", err)
	}
}

// DESIGN section 6: every event carries its own cursor, and the last one moves over what is not for the reader.
func TestACursorMovesOverWhatIsForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("c", profile.Standard)
	id := w.subscribe("c", "c", pulledBy(subscription.Cursor), func(s *subscription.Subscription) { s.Types = []string{"thing"} })
	other := w.event(sourceURI, "X#1")
	other.Type = "other"
	w.publish("A#1", "B#1", "A#2")
	w.append(other)
	var cursors []eventlog.Cursor
	end, err := w.hub.Fetch(t.Context(), id, nil, 100, 0, func(_ *event.Event, _ []byte, at eventlog.Cursor) error {
		cursors = append(cursors, at)
		return nil
	})
	w.must(err)
	if end.Position != w.log.Head() || len(cursors) != 3 {
		t.Fatalf("the end is %+v of %d; %d events", end, w.log.Head(), len(cursors))
	}
	got, _ := w.fetch(id, &cursors[0], 100)
	same(t, "from the first event's cursor", got, "B#1", "A#2")
	got, _ = w.fetch(id, &end, 100)
	same(t, "from the end", got)
	got, _ = w.fetch(id, &cursors[1], 1)
	same(t, "an older cursor", got, "A#2")
}

// DESIGN promise 7: pages of any size never skip and never repeat, while the log grows.
func TestPagesNeverSkip(t *testing.T) {
	t.Parallel()
	for limit := 1; limit <= 7; limit++ {
		w := newWorld(t)
		w.system("c", profile.Standard)
		id := w.subscribe("c", "c", pulledBy(subscription.Cursor))
		var got, want []string
		var at *eventlog.Cursor
		for n := range 40 {
			body := fmt.Sprintf("%c#%d", 'A'+n%3, n)
			want = append(want, body)
			w.publish(body)
			if n%5 == 4 {
				page, end := w.fetch(id, at, limit)
				got, at = append(got, page...), &end
			}
		}
		for len(got) < len(want) {
			page, end := w.fetch(id, at, limit)
			got, at = append(got, page...), &end
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pages of %d: %v", limit, got)
		}
		if w.fetch(id, at, limit); w.hub.Totals().Pending != 0 {
			t.Errorf("pages of %d: %d pending", limit, w.hub.Totals().Pending)
		}
	}
}

// Coming back confirms; the pending figure says what is not confirmed, also after a restart and whichever cursor comes.
func TestComingBackConfirms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("c", profile.Standard)
	id := w.subscribe("c", "c", pulledBy(subscription.Cursor))
	var want []string
	for n := range 10 {
		want = append(want, fmt.Sprintf("A#%d", n))
	}
	w.publish(want...)
	pending := func(n int64) {
		t.Helper()
		w.flush()
		if got := w.hub.Totals().Pending; got != n {
			t.Fatalf("%d pending, want %d", got, n)
		}
	}
	pending(10)
	_, first := w.fetch(id, nil, 4)
	pending(10)
	_, second := w.fetch(id, &first, 4)
	pending(6)
	w.restart()
	pending(6)
	got, _ := w.fetch(id, nil, 100)
	same(t, "from where the hub knows the reader to stand", got, want[4:]...)
	w.fetch(id, &second, 1) // its page was the process before's: it is counted anew
	pending(2)
	w.fetch(id, &first, 100) // an older one confirms nothing back
	pending(2)
	own := w.log.Cursor(second.Position+1, false)
	w.fetch(id, &own, 1)
	pending(1)
}

// Promise 8: what the agreement no longer grants is moved over.
func TestACursorDoesNotShowWhatIsNotGranted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("c", profile.Standard)
	id := w.subscribe("c", "c", pulledBy(subscription.Cursor))
	w.publish("A#1")
	w.publishFrom(sourceURI+":other", "B#1")
	doc, _ := w.log.Book().System("c")
	changed := *doc
	changed.Agreement.Sources = []string{"other"}
	w.revise(revision.Of("test", revision.System, "c", changed))
	got, end := w.fetch(id, nil, 10)
	same(t, "what is granted now", got, "B#1")
	if w.fetch(id, &end, 10); w.hub.Totals().Pending != 0 {
		t.Errorf("%d pending", w.hub.Totals().Pending)
	}
}

// DESIGN section 5, push and pull: what is unfinished is served first by the new way, what is done does not come again.
func TestSwitchingServesTheUnfinishedFirst(t *testing.T) {
	t.Parallel()
	begin := func() (*world, string) {
		w := newWorld(t)
		w.system("s", profile.Standard)
		id := w.subscribe("s", "/a")
		w.publish("A#1", "A#2", "B#1", "C#1", "C#2")
		sent := w.expect("A#1", "B#1", "C#1")
		sent["A#1"].reply(500) // blocks its lane on disk, with a second behind it
		sent["B#1"].reply(200)
		w.flush()
		return w, id // C#1 is in flight
	}
	rechannel := func(w *world, id string, to subscription.Channel) {
		w.reviseSubscription(id, func(s *subscription.Subscription) { s.Channel = to })
		w.must(w.hub.Reached(context.Background(), w.log.Head()))
	}
	t.Run("to a queue", func(t *testing.T) {
		t.Parallel()
		w, id := begin()
		rechannel(w, id, subscription.Queue)
		got, _ := w.lease(id, 10)
		same(t, "leased", got, "A#1")
		w.publish("D#1")
		got, _ = w.lease(id, 10)
		same(t, "a new lane", got, "D#1")
	})
	t.Run("to a cursor, and back", func(t *testing.T) {
		t.Parallel()
		w, id := begin()
		w.publish("B#2")
		rest := w.expect("B#2")
		rechannel(w, id, subscription.Cursor)
		w.publish("D#1")
		w.clock.Advance(time.Hour) // what was due is due by push no more
		w.flush()
		soon, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := w.hub.Fetch(soon, id, nil, 10, 0, nil); !strings.Contains(fault.Of(err).Detail, "not carried out yet") {
			t.Errorf("while something is in flight: %v", err)
		}
		rest["B#2"].reply(500)
		w.flush()
		w.restart() // C#1 was in flight all the time: the crash ends that, in the middle of the change
		got, end := w.fetch(id, nil, 3)
		same(t, "first what was left over, in order", got, "A#1", "A#2", "C#1")
		got, end = w.fetch(id, &end, 10)
		same(t, "then what came later", got, "C#2", "B#2", "D#1")
		rechannel(w, id, subscription.Webhook)
		_ = end // what came with it was not confirmed, so it is pushed; what came before is not
		w.expect("C#2", "B#2", "D#1")
		w.quiet()
	})
}

// A crash right after the revision, before the engine has followed it: what is done above the watermark is not read again.
func TestACrashInTheMiddleOfASwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("s", profile.Standard)
	id := w.subscribe("s", "/a")
	w.publish("A#1", "B#1", "A#2")
	w.expect("A#1", "B#1")["B#1"].reply(200)
	w.flush()
	w.die()
	w.hub.Abandon()
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.Channel = subscription.Cursor })
	w.restart()
	got, end := w.fetch(id, nil, 10)
	same(t, "what is not done", got, "A#1", "A#2")
	if w.fetch(id, &end, 1); w.hub.Totals().Pending != 0 {
		t.Errorf("%d pending", w.hub.Totals().Pending)
	}
}

// S59: a queue that is not emptied is told, once a spell; so is a cursor whose reader stays away.
func TestS59WhatIsNotFetchedIsTold(t *testing.T) {
	t.Parallel()
	for _, by := range []subscription.Channel{subscription.Queue, subscription.Cursor} {
		w := newWorld(t)
		w.system("q", profile.Standard)
		id := w.subscribe("q", "q", pulledBy(by), func(s *subscription.Subscription) { s.AlertAfter = 30 })
		w.clock.Advance(3 * time.Hour)
		w.flush()
		w.publish("A#1", "A#2")
		w.flush()
		told := func(want int) {
			t.Helper()
			w.flush()
			w.mu.Lock()
			defer w.mu.Unlock()
			var got []string
			for _, n := range w.notices {
				got = append(got, string(n.Kind)+" "+n.Subscription)
			}
			if len(got) != want || want > 0 && got[0] != "varsel.subscription.not-fetched "+id {
				t.Fatalf("%s: told %v, want %d", by, got, want)
			}
		}
		w.clock.Advance(29 * time.Minute)
		told(0)
		w.clock.Advance(3 * time.Minute)
		told(1)
		w.clock.Advance(time.Hour)
		told(1)
		w.empty(id, by)
		w.clock.Advance(time.Hour)
		w.publish("A#3")
		w.clock.Advance(29 * time.Minute)
		told(1)
		w.clock.Advance(3 * time.Minute)
		told(2)
	}
}

// empty fetches all there is and confirms it.
func (w *world) empty(id string, by subscription.Channel) {
	w.t.Helper()
	if by == subscription.Cursor {
		_, end := w.fetch(id, nil, 1000)
		w.fetch(id, &end, 1)
		return
	}
	for {
		bodies, tokens := w.lease(id, 100)
		if len(bodies) == 0 {
			return
		}
		for _, token := range tokens {
			w.acknowledge(id, token)
		}
	}
}

// In star a fetched subscription is its own consumer: it competes with no pushed one, whatever both want.
func TestAStarQueueStandsBesideWhatIsPushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("star", profile.Star)
	id := w.subscribeQueue("star")
	w.subscribe("star", "/push")
	w.publish("A#1")
	w.expect("A#1")["A#1"].reply(200)
	got, _ := w.lease(id, 10)
	same(t, "leased", got, "A#1")
	for _, c := range w.log.Book().Consumers() {
		if c.System == "star" && !strings.Contains(c.Name, id) && c.Name != "system/star" {
			t.Errorf("consumer %s", c.Name)
		}
	}
}

// What a cursor's reader has confirmed of the left-over stays over when the channel changes again, also where it stands
// above the watermark: a crash leaves the watermark behind what is on disk. However much of it the reader took, and
// wherever it stands then: what it has does not come again, and the rest comes.
func TestWhatWasConfirmedOfTheLeftOverStaysOver(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*world, string){
		"by another change": func(w *world, id string) { w.reviseSubscription(id, pushed) },
		"by a crash":        func(w *world, id string) { w.restart() },
		"by both": func(w *world, id string) {
			w.restart()
			w.reviseSubscription(id, pushed)
		},
	} {
		for has := range 5 {
			t.Run(fmt.Sprintf("%s, having %d", name, has), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.system("q", profile.Standard)
				id := w.subscribe("q", "/in")
				w.publish("A#1", "B#1", "C#1", "C#2")
				sent := w.expect("A#1", "B#1", "C#1") // A stays in flight, and the watermark below it
				sent["B#1"].reply(500)
				sent["C#1"].reply(500)
				w.flush()
				// The hub dies with the change to a cursor in its log, before it has followed it.
				w.hub.Abandon() // before its receivers go: what is in flight has no outcome
				w.die()
				w.reviseSubscription(id, pulledBy(subscription.Cursor))
				w.log.Abandon()
				w.must(w.store.Close())
				for len(w.arrived) > 0 {
					<-w.arrived
				}
				w.boot()
				all := []string{"A#1", "B#1", "C#1", "C#2"}
				got, at := w.fetch(id, nil, has)
				same(t, "left over, at its place in the log", got, all[:has]...)
				w.fetch(id, &at, 1) // which confirms it
				again(w, id)
				if w.log.Book().Line(id).Now().Channel == subscription.Cursor {
					got, _ = w.fetch(id, nil, 10)
					same(t, "from where the hub knows the reader to stand", got, all[has:]...)
					return
				}
				var came []string
				for range all[has:] {
					s := w.next()
					came = append(came, s.body)
					s.reply(200)
				}
				slices.Sort(came)
				same(t, "pushed", came, all[has:]...)
				w.quiet()
			})
		}
	}
}

func pushed(s *subscription.Subscription) { s.Channel, s.Path = subscription.Webhook, "/in" }

// A fetch ends where the channel changes: what it would go on with is on its way by the new one, and could overtake there.
func TestAFetchEndsWhereTheChannelChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("q", profile.Standard)
	id := w.subscribe("q", "/in", pulledBy(subscription.Cursor))
	positions := w.publish("A#1", "A#2", "B#1")
	var got []string
	end, err := w.hub.Fetch(context.Background(), id, nil, 10, time.Minute, func(e *event.Event, _ []byte, _ eventlog.Cursor) error {
		if got = append(got, string(e.Data)); len(got) == 1 {
			w.reviseSubscription(id, pushed)
			w.expect("A#1", "B#1")["A#1"].reply(200) // A#2 is next by the new way
			w.next()
		}
		return nil
	})
	w.must(err)
	same(t, "fetched", got, "A#1")
	if end.Position != positions[0] {
		t.Errorf("the cursor stands at %d, want %d", end.Position, positions[0])
	}
}
