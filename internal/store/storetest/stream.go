package storetest

import (
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// taking is a request of what was read of one partition, from one place to another.
func taking(from, to, changes int64, ids ...string) *eventlog.Request {
	r := &eventlog.Request{Intake: &eventlog.Intake{
		Source: "orders", Stream: "kafka:orders", Changes: changes, Places: []eventlog.StreamPlace{{Partition: 2, From: from, To: to}},
	}}
	for _, id := range ids {
		r.Entries = append(r.Entries, fresh(id, "data of "+id, 1))
	}
	return r
}

func streamOf(t *testing.T, s Store) eventlog.StreamState {
	t.Helper()
	state, err := s.Stream(t.Context(), "orders", "kafka:orders")
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func headOf(t *testing.T, s Store) int64 {
	t.Helper()
	head, _, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// S42: what is read of a stream is in the log together with how far it was read, and whoever reads the same again, or
// from elsewhere, changes nothing.
func placesMoveWithTheEvents(t *testing.T, w *world) {
	s := w.open(t)
	commitAll(t, s, taking(0, 3, 0, "a", "b"))
	if state := streamOf(t, s); state.Next[2] != 3 || headOf(t, s) != 2 {
		t.Fatalf("stands at %+v, %d", state, headOf(t, s))
	}
	for name, c := range map[string]struct {
		request *eventlog.Request
		want    fault.Code
	}{
		"the same once more":  {taking(0, 3, 0, "a", "b"), fault.StreamMoved},
		"a place skipped":     {taking(4, 5, 0, "skipped"), fault.StreamMoved},
		"another's knowledge": {taking(3, 5, 1, "unseen"), fault.StreamMoved},
		"other content": {func() *eventlog.Request {
			r := taking(3, 5, 0, "a", "new")
			r.Entries[0].Event.Data = []byte("other")
			return r
		}(), fault.EventConflict},
	} {
		commitAll(t, s, c.request)
		if !fault.Has(c.request.Err, c.want) {
			t.Errorf("%s: %v, want %s", name, c.request.Err, c.want)
		}
		if state := streamOf(t, s); state.Next[2] != 3 || headOf(t, s) != 2 {
			t.Errorf("%s: stands at %+v, %d", name, state, headOf(t, s))
		}
	}
	again := taking(3, 5, 0, "b", "c") // b was published meanwhile: it is there, and the place moves on
	commitAll(t, s, again)
	if state := streamOf(t, s); again.Err != nil || again.Entries[0].Status != eventlog.Duplicate || state.Next[2] != 5 || headOf(t, s) != 3 {
		t.Errorf("%v, %+v, %+v, %d", again.Err, again.Entries, state, headOf(t, s))
	}
	if other, err := s.Stream(t.Context(), "orders", "kafka:orders/2"); err != nil || len(other.Next) > 0 {
		t.Errorf("another stream of the source stands at %+v, %v", other, err)
	}
}

func someAside(offset int64, lane byte, text string) eventlog.Aside {
	return eventlog.Aside{Partition: 2, Offset: offset, Lane: event.Lane{lane}, Outer: event.Lane{lane, 1}, Code: fault.InvalidEvent, Reason: "/n type", Retention: "P1D", Message: []byte(text)}
}

// S42: what cannot be taken is kept with its place, numbered, and changed only by those who know how it stands.
func whatIsSetAside(t *testing.T, w *world) {
	s := w.open(t)
	r := taking(0, 4, 0, "a")
	r.Intake.Aside = []eventlog.Aside{someAside(1, 1, "one"), someAside(2, 1, "two"), someAside(3, 2, "three")}
	commitAll(t, s, r)
	if state := streamOf(t, s); r.Err != nil || state.Aside != 3 || state.Changes != 1 || r.Intake.Aside[2].Number != 3 {
		t.Fatalf("%v, %+v, %+v", r.Err, state, r.Intake.Aside)
	}
	changed := someAside(3, 3, "")
	changed.Number, changed.Code, changed.Reason = 3, fault.EventConflict, "why"
	change := &eventlog.Request{Intake: &eventlog.Intake{Source: "orders", Stream: "kafka:orders", Changes: 1, Taken: []int64{1}, Again: []eventlog.Aside{changed}}}
	late := &eventlog.Request{Intake: &eventlog.Intake{Source: "orders", Stream: "kafka:orders", Changes: 1, Taken: []int64{2}}}
	commitAll(t, s, change, late)
	if change.Err != nil || !fault.Has(late.Err, fault.StreamMoved) {
		t.Fatalf("%v, then %v", change.Err, late.Err)
	}
	list, err := s.Asides(t.Context(), "orders", 0, 10, true)
	if err != nil || len(list) != 2 || list[0].Number != 2 || string(list[0].Message) != "two" || list[0].Retention != "P1D" || list[0].At != 1 ||
		list[1].Code != fault.EventConflict || list[1].Reason != "why" || list[1].Lane != (event.Lane{3}) || list[1].Offset != 3 || string(list[1].Message) != "three" {
		t.Errorf("%+v, %v", list, err)
	}
	if some, err := s.Asides(t.Context(), "orders", 2, 10, false); err != nil || len(some) != 1 || some[0].Message != nil {
		t.Errorf("%+v, %v", some, err)
	}
	more := taking(4, 5, 2)
	more.Intake.Aside = []eventlog.Aside{someAside(4, 1, "four")}
	commitAll(t, s, more)
	if more.Err != nil || more.Intake.Aside[0].Number != 4 {
		t.Errorf("a number is used twice: %+v, %v", more.Intake.Aside, more.Err)
	}
}

// Promise 11: what is set aside goes with its class; its key is held no longer.
func whatIsSetAsideIsForgotten(t *testing.T, w *world) {
	s := w.open(t)
	r := taking(0, 2, 0)
	r.Intake.Aside = []eventlog.Aside{someAside(1, 1, "about "+person)}
	commitAll(t, s, r)
	if keys, err := s.Forget(t.Context(), "P1D", 0); keys != 1 || err != nil {
		t.Fatal(keys, err)
	}
	if state := streamOf(t, s); state.Aside != 0 || state.Changes != 2 || state.Next[2] != 2 {
		t.Errorf("stands at %+v", state)
	}
}

// A person's erasure takes what is set aside with it, in the same commit.
func whatIsSetAsideIsErased(t *testing.T, w *world) {
	s := w.open(t)
	r := taking(0, 3, 0)
	r.Intake.Aside = []eventlog.Aside{someAside(1, 1, "about "+person), someAside(2, 2, "about nobody")}
	commitAll(t, s, r, &eventlog.Request{Erasure: &eventlog.Erasure{N: 1, Author: "me", Reason: "asked"}, Erased: []eventlog.AsideOf{{Source: "orders", Numbers: []int64{1}}}})
	list, err := s.Asides(t.Context(), "orders", 0, 10, true)
	if err != nil || len(list) != 1 || list[0].Number != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	if state := streamOf(t, s); state.Aside != 1 || state.Changes != 2 {
		t.Errorf("stands at %+v", state)
	}
}

func commitAll(t testing.TB, s Store, requests ...*eventlog.Request) {
	t.Helper()
	commit(t, s, &eventlog.Commit{Requests: requests, Now: 1})
}
