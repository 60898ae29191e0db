package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/revision"
)

// S42: while the hub is down its broker keeps what is published; on return the hub drains it, in order, and takes nothing
// twice, wherever it was killed.
func TestS42OnReturnTheBacklogIsDrained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "a1 a", "b1 b", "a2 a", "a3 a")
	w.intake.Start()
	w.until("four are taken", func() bool { return len(w.ids()) == 4 })
	want := []string{"a1", "b1", "a2", "a3"}
	for i := range 20 {
		id := fmt.Sprintf("k%d", i)
		w.say("orders", 0, id+" a")
		want = append(want, id)
		if i%4 == 3 { // killed in the middle of whatever it does
			w.crash()
			w.open()
			w.intake.Start()
		}
	}
	w.until("all are taken", func() bool { return len(w.ids()) >= len(want) })
	w.until("the place is behind the last", func() bool { return w.state("orders").Next[0] == 24 })
	if got := w.logged(); got != strings.Join(want, " ") {
		t.Errorf("the log has\n%s, want\n%s", got, strings.Join(want, " "))
	}
}

// S43: one source whose broker is down and one that floods leave a third, and publishing, as they were; nothing of the
// flood is in memory but a batch.
func TestS43OneSourceDownOrFloodingLeavesTheOthersUntouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "down", "flood", "fine")
	w.brokers["down"].set(func(b *broker) { b.down = errDown })
	for i := range 3000 {
		w.say("flood", 0, fmt.Sprintf("f%d k%d", i, i%7))
	}
	w.intake.Start()
	w.until("the flood comes in", func() bool { return w.count("flood accepted") > 30 })
	w.say("fine", 1, "x1 x", "x2 x")
	w.until("the third is read", func() bool { return w.count("fine accepted") == 2 })
	if w.count("flood accepted") == 3000 {
		t.Log("the flood was over before")
	}
	statuses, err := w.intake.Statuses(t.Context(), "")
	w.must(err)
	by := map[string]intake.Status{}
	for _, s := range statuses {
		by[s.Source] = s
	}
	w.until("the one that is down says so", func() bool { return len(w.troubles()) > 0 })
	if s := by["fine"]; s.State != intake.Reading || s.Code != "" {
		t.Errorf("the third is %+v", s)
	}
	w.until("it fails", func() bool {
		s, err := w.intake.Statuses(t.Context(), "down")
		return err == nil && s[0].State == intake.Failing && s[0].Code == fault.ConnectFailed
	})
	w.say("down", 0, "d1 d")
	w.brokers["down"].set(func(b *broker) { b.down = nil })
	w.until("it waits to be tried again", func() bool { _, ok := w.clock.Next(); return ok })
	w.clock.Advance(intakeDelay)
	w.until("and is read once it is back", func() bool { return w.count("down accepted") == 1 })
	w.until("and all of the flood", func() bool { return w.count("flood accepted") == 3000 })
}

const intakeDelay = 61_000_000_000 // more than the longest rest between two tries, in ns

// S42: what is published twice, or by two ways, is one event; the place moves on.
func TestS42WhatWasPublishedBeforeIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "a1 a", "a2 a", "a1 a")
	w.say("orders", 1, "a2 a")
	w.intake.Start()
	w.until("all are read", func() bool { s := w.state("orders"); return s.Next[0] == 3 && s.Next[1] == 1 })
	w.until("and counted", func() bool { return w.count("orders duplicate") == 2 })
	if got := w.logged(); got != "a1 a2" {
		t.Errorf("the log has %s", got)
	}
}

// S42: a message that cannot be taken is set aside with all that comes behind it of its key, and of no other; released, it
// is tried again, and they follow in order.
func TestS42APoisonMessageHoldsItsKeyUntilReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "a1 a", "!a2 a", "b1 b", "a3 a", "b2 b", "a4 a")
	w.intake.Start()
	w.until("all are read", func() bool { return w.state("orders").Next[0] == 6 })
	const held = "1@1 invalid-event, 2@3 after-refused, 3@5 after-refused"
	if got, aside := w.logged(), w.aside("orders"); got != "a1 b1 b2" || aside != held {
		t.Fatalf("the log has %s, set aside are %s", got, aside)
	}
	w.crash() // it is all on disk
	w.open()
	w.intake.Start()
	settled, err := w.intake.Release(t.Context(), "eva", "orders", 1)
	if err != nil || settled.Code != fault.InvalidEvent || !strings.Contains(settled.Reason, "/data/n") || settled.Followed != 0 {
		t.Fatalf("released as it was: %+v, %v", settled, err)
	}
	if _, err := w.intake.Release(t.Context(), "eva", "orders", 2); !fault.Has(err, fault.Conflict) {
		t.Errorf("one that waits is released: %v", err)
	}
	w.mend()
	if settled, err = w.intake.Release(t.Context(), "eva", "orders", 1); err != nil || settled.Position == 0 || settled.Followed != 2 {
		t.Fatalf("released when it was mended: %+v, %v", settled, err)
	}
	w.say("orders", 0, "a5 a")
	w.until("the next of the key is taken", func() bool { return w.state("orders").Next[0] == 7 })
	if got, aside := w.logged(), w.aside("orders"); got != "a1 b1 b2 a2 a3 a4 a5" || aside != "" {
		t.Errorf("the log has %s, set aside are %q", got, aside)
	}
	if _, err := w.intake.Release(t.Context(), "eva", "orders", 1); !fault.Has(err, fault.NotFound) {
		t.Errorf("released twice: %v", err)
	}
}

// mend makes a version of the type that takes what the first refused.
func (w *world) mend() {
	w.Helper()
	v, _ := w.book.VersionDocument("order", "v1")
	old, mended := *v, *v
	old.State = event.StateDeprecated
	mended.Version, mended.Schema = "v2", nil
	w.put(revision.Version, "order/v1", old)
	w.put(revision.Version, "order/v2", mended)
}

// S42: a message that is discarded lets its key go on; one behind it that is bad too holds the rest.
func TestS42ADiscardLetsTheKeyGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "!a1 a", "a2 a", "!a3 a", "a4 a")
	w.intake.Start()
	w.until("all are read", func() bool { return w.state("orders").Next[0] == 4 })
	settled, err := w.intake.Discard(t.Context(), "eva", "orders", 1)
	if err != nil || settled.Followed != 1 || settled.Refused != 0 {
		t.Fatalf("%+v, %v", settled, err)
	}
	if got, aside := w.logged(), w.aside("orders"); got != "a2" || aside != "3@2 invalid-event, 4@3 after-refused" {
		t.Fatalf("the log has %s, set aside are %s", got, aside)
	}
	if settled, err = w.intake.Discard(t.Context(), "eva", "orders", 3); err != nil || settled.Followed != 1 {
		t.Fatalf("%+v, %v", settled, err)
	}
	entries, err := w.store.Audit(t.Context(), audit.Query{})
	w.must(err)
	var acts []string
	for _, e := range entries {
		acts = append(acts, e.Actor+" "+string(e.Act)+" "+e.Subject)
	}
	if got := strings.Join(acts, ", "); w.logged() != "a2 a4" || got != "eva discard source/orders/aside/1, eva discard source/orders/aside/3" {
		t.Errorf("the log has %s, the audit log %s", w.logged(), got)
	}
}

// S42: what cannot even be read holds what the broker has under its key; without one, nothing but its place.
func TestS42WhatCannotBeReadHoldsTheBrokersKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "a1 a", "?a", "?", "a2 a", "b1 b")
	w.say("orders", 1, "a3 a") // of the same key in another partition: where it was before nobody knows, but not now
	w.intake.Start()
	w.until("all are read", func() bool { s := w.state("orders"); return s.Next[0] == 5 && s.Next[1] == 1 })
	if got, aside := w.logged(), w.aside("orders"); got != "a1 b1" || aside != "1@1 invalid-event, 2@2 invalid-event, 3@3 after-refused, 4@0 after-refused" {
		t.Fatalf("the log has %s, set aside are %s", got, aside)
	}
	if settled, err := w.intake.Discard(t.Context(), "eva", "orders", 1); err != nil || settled.Followed != 2 {
		t.Errorf("%+v, %v", settled, err)
	}
	if got := w.logged(); got != "a1 b1 a2 a3" {
		t.Errorf("the log has %s", got)
	}
}

// S42: an event that clashes with what the log has is set aside like any other that cannot be taken.
func TestS42AConflictIsSetAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.brokers["orders"].most = 10
	w.say("orders", 0, "a1 a", "a1 b", "a2 a", "b1 b", "c1 c")
	w.intake.Start()
	w.until("all are read", func() bool { return w.state("orders").Next[0] == 5 })
	if got, aside := w.logged(), w.aside("orders"); got != "a1 a2 c1" || aside != "1@1 event-conflict, 2@3 after-refused" {
		t.Errorf("the log has %s, set aside are %s", got, aside)
	}
	if settled, err := w.intake.Release(t.Context(), "eva", "orders", 1); err != nil || settled.Code != fault.EventConflict || settled.Followed != 0 {
		t.Errorf("%+v, %v", settled, err)
	}
}

// S42: what is set aside is bounded: then the stream is not read, says so, and goes on when there is room.
func TestS42TooMuchSetAsideStopsReading(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	s := source("orders")
	s.Stream.MostAside = 2
	w.put(revision.Source, "orders", s)
	w.say("orders", 0, "!a1 a", "b1 b", "!a2 a", "b2 b", "!c1 c", "b3 b")
	w.intake.Start()
	w.until("it is full", func() bool {
		s, err := w.intake.Statuses(t.Context(), "orders")
		return err == nil && s[0].State == intake.Full && s[0].Code == fault.AsideFull
	})
	if got, next := w.logged(), w.state("orders").Next[0]; got != "b1 b2" || next != 4 {
		t.Fatalf("the log has %s, the place is %d", got, next)
	}
	if _, err := w.intake.Discard(t.Context(), "eva", "orders", 1); err != nil {
		t.Fatal(err)
	}
	w.until("it goes on", func() bool { return w.state("orders").Next[0] == 6 })
	if got := w.logged(); got != "b1 b2 b3" {
		t.Errorf("the log has %s", got)
	}
}

// S42: two nodes that read one stream bring nothing in twice, and skip nothing.
func TestS42TwoReadersOfOneStreamDoNoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	other := w.node()
	defer other.Stop()
	var want []string
	for i := range 200 {
		id := fmt.Sprintf("m%d", i)
		if i%50 == 49 {
			w.say("orders", 0, "!"+id+" k"+id)
			continue
		}
		w.say("orders", 0, id+" k")
		want = append(want, id)
	}
	w.intake.Start()
	other.Start()
	w.until("all are read", func() bool {
		w.clock.Advance(intakeDelay) // whoever rests comes back
		return w.state("orders").Next[0] == 200
	})
	if got := w.logged(); got != strings.Join(want, " ") {
		t.Errorf("the log has\n%s, want\n%s", got, strings.Join(want, " "))
	}
	if state := w.state("orders"); state.Aside != 4 {
		t.Errorf("%d are set aside", state.Aside)
	}
}

// S42: a stream that is shorter than what was read of it was made anew: nobody guesses, until the operator says so.
func TestS42AStreamThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "a1 a", "a2 a", "a3 a")
	w.intake.Start()
	w.until("all are read", func() bool { return w.state("orders").Next[0] == 3 })
	w.intake.Stop()
	w.brokers["orders"].set(func(b *broker) { b.parts[0] = nil })
	w.say("orders", 0, "b1 b")
	w.intake = w.node()
	w.intake.Start()
	w.until("it says so", func() bool { return strings.Contains(strings.Join(w.troubles(), ""), string(fault.StreamRewound)) })
	s := source("orders")
	s.Stream.Generation = 1
	w.put(revision.Source, "orders", s)
	w.until("it is read from its beginning", func() bool { return w.state("orders").Next[0] == 1 })
	if got := w.logged(); got != "a1 a2 a3 b1" {
		t.Errorf("the log has %s", got)
	}
}

// S42: what the broker has let go before it was read is told of.
func TestS42WhatWasMissedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "a1 a")
	w.intake.Start()
	w.until("it is read", func() bool { return w.state("orders").Next[0] == 1 })
	w.intake.Stop()
	w.say("orders", 0, "a2 a", "a3 a", "a4 a")
	w.brokers["orders"].set(func(b *broker) { b.first[0] = 3 })
	w.intake = w.node()
	w.intake.Start()
	w.until("the rest is read", func() bool { return w.state("orders").Next[0] == 4 })
	if got := w.logged(); got != "a1 a4" || w.count("orders missed") != 2 {
		t.Errorf("the log has %s, %d are missed", got, w.count("orders missed"))
	}
}

// Only what comes from now on, where that is asked for; and what comes then is not skipped by a restart.
func TestS42FromNowOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	s := source("orders")
	s.Stream.Start = event.StartNew
	w.put(revision.Source, "orders", s)
	w.say("orders", 0, "old1 a", "old2 a")
	w.intake.Start()
	w.until("it stands at the end", func() bool { return w.state("orders").Next[0] == 2 })
	w.crash()
	w.say("orders", 0, "new1 a")
	w.open()
	w.intake.Start()
	w.until("what is new is read", func() bool { return w.state("orders").Next[0] == 3 })
	if got := w.logged(); got != "new1" {
		t.Errorf("the log has %s", got)
	}
}

// Promise 11: a person's messages are found however they are written, and nobody else's.
func TestAPersonsMessagesAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "!a1 0101701234", "!a2 01017012345", "?0101701234", "!a3 other", "?x0101701234")
	w.intake.Start()
	w.until("all are set aside", func() bool { return w.state("orders").Aside == 5 })
	found, err := w.intake.OfPerson(t.Context(), "0101701234")
	if err != nil || fmt.Sprint(found) != "[{orders [1 3]}]" {
		t.Fatalf("found %v, %v", found, err)
	}
	w.say("orders", 0, "a4 0101701234")
	w.until("another waits behind", func() bool { return w.state("orders").Aside == 6 })
	w.must(w.log.Append(t.Context(), &eventlog.Request{Erasure: &eventlog.Erasure{N: 1, Author: "eva", Reason: "case 7"}, Erased: found}))
	w.say("orders", 0, "a5 other2")
	w.until("what waited goes on", func() bool { return strings.Contains(w.logged(), "a4") })
	if aside := w.aside("orders"); aside != "2@1 invalid-event, 4@3 invalid-event, 5@4 invalid-event" {
		t.Errorf("set aside are %s", aside)
	}
}

// Promise 11: what is set aside goes when its retention is over, and what waited behind it goes on.
func TestWhatIsForgottenHoldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "orders")
	w.say("orders", 0, "!a1 a")
	w.intake.Start()
	w.until("it is set aside", func() bool { return w.state("orders").Next[0] == 1 })
	w.clock.Advance(24 * 3600_000_000_000)
	w.say("orders", 0, "a2 a")
	w.until("one waits behind it", func() bool { return w.state("orders").Aside == 2 })
	if keys, err := w.store.Forget(t.Context(), "P2D", event.Day(w.clock.Now().UnixMicro())-1); err != nil || keys == 0 {
		t.Fatal(keys, err)
	}
	w.say("orders", 0, "a3 a")
	w.until("both are taken", func() bool { return len(w.ids()) == 2 })
	if got, aside := w.logged(), w.aside("orders"); got != "a2 a3" || aside != "" {
		t.Errorf("the log has %s, set aside are %s", got, aside)
	}
}
