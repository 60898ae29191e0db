package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// follow reads the log as a follower does, until it has so many events, and holds it to be without holes. A store that
// shows a later event before an earlier one would have a follower miss that.
func follow(s Store, t *testing.T, many int64) error {
	for after := int64(0); after < many; {
		head, recorded, err := s.Head(t.Context())
		if err != nil {
			return err
		}
		events, err := s.Range(t.Context(), after, head, 100)
		if err != nil {
			return err
		}
		for _, e := range events {
			if after++; e.Position != after || e.Recorded > recorded {
				return fmt.Errorf("after %d comes %d, recorded at %d, the head's is %d", after-1, e.Position, e.Recorded, recorded)
			}
		}
		if after < head {
			return fmt.Errorf("the head is %d, and %d can be read", head, after)
		}
	}
	return nil
}

// Readers see the log whole up to its head while it grows, and all of an event or nothing.
func readersBesideAWriter(t *testing.T, w *world) {
	s := w.open(t)
	c := w.found(t, s, "c").ID
	const many = 150
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for seen := 0; seen < many; {
				head, _, err := s.Head(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				events, err := s.Range(t.Context(), 1, head, many)
				if err != nil || len(events) < seen || len(events) != int(head)-1 {
					t.Errorf("of %d there are %d, after %d, %v", head, len(events), seen, err)
					return
				}
				seen = len(events)
				if _, err := s.Consumers(t.Context()); err != nil {
					t.Error(err)
				}
				if seen > 0 {
					if _, err := s.AttemptsAt(t.Context(), head); err != nil {
						t.Error(err)
					}
					if _, err := s.Skeletons(t.Context(), eventlog.Stretch{Below: head}, 10); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for n := range int64(many) {
		publish(t, s, n*day/10, personal(fmt.Sprint(n), []event.Retention{"P1D", ""}[n%2]))
		if n%10 == 0 {
			w.answer(t, s, c, n+2)
		}
	}
	readers.Wait()
}

// Forgetting and erasing beside readers and a writer fails nobody, and nobody reads what is forgotten as damage.
func forgettingBeside(t *testing.T, w *world) {
	s := w.open(t)
	const days, each = 6, 10
	published := make(chan int64, days)
	var beside sync.WaitGroup
	done := make(chan struct{})
	beside.Go(func() {
		for {
			head, _, err := s.Head(t.Context())
			if err == nil {
				_, err = s.Range(t.Context(), 0, head, 1000)
			}
			if err == nil {
				_, err = s.Skeletons(t.Context(), eventlog.Stretch{Below: head}, 50)
			}
			if err == nil {
				_, err = s.Positions(t.Context(), []event.Clue{clue(1)}, head, 5)
			}
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	beside.Go(func() {
		defer close(done)
		for d := range published {
			err := s.Erase(t.Context(), []int64{d*each + 1, d*each + 2}, func(int) {})
			if err == nil && d%2 == 0 {
				_, err = s.Forget(t.Context(), "P1D", d)
			}
			for more := true; more && err == nil; {
				var p eventlog.Pruned
				p, err = s.Prune(t.Context(), 10)
				more = p.More
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for d := range int64(days) {
		for n := range int64(each) {
			publish(t, s, d*day, personal(fmt.Sprint(d, "-", n), []event.Retention{"P1D", ""}[n%2]))
		}
		published <- d
	}
	close(published)
	beside.Wait()
	var want []int64
	for n := range int64(days * each) {
		if in := n % each; in >= 2 && (in%2 == 1 || n/each%2 == 1) {
			want = append(want, n+1)
		}
	}
	if got := readable(t, s); !slices.Equal(got, want) {
		t.Errorf("it reads %v\nwant %v", got, want)
	}
}

// An index that comes behind an erasure, or beside it, does not bring back what that took; nor do answers.
func erasingBesideTheIndex(t *testing.T, w *world) {
	s := w.open(t)
	c := w.found(t, s, "c").ID
	rounds := 10
	if w.engine.Shared { // nobody waits for a turn there, so that more goes on at a time
		rounds = 30
	}
	for n := range int64(rounds) {
		publish(t, s, day, personal(fmt.Sprint(n), "P30D"))
		position := n + 2
		var both sync.WaitGroup
		both.Go(func() {
			if err := s.Erase(t.Context(), []int64{position}, func(int) {}); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			r := &eventlog.Request{Clues: &eventlog.Clues{After: n, UpTo: n + 1, Rows: []eventlog.Clue{of(position, 1)}}}
			if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{r}}); err != nil || r.Err != nil {
				t.Error(err, r.Err)
			}
			w.answer(t, s, c, position)
		})
		both.Wait()
		wantAnswer(t, s, position, false)
	}
	if got := positions(t, s, 1000, rounds, clue(1)); got != nil {
		t.Errorf("found %v", got)
	}
}

// Two that append to one database draw their positions from one log, without holes for who follows it; what both were
// given goes in once.
func twoWriters(t *testing.T, w *world) {
	const many = 200
	stores := []Store{w.open(t), w.open(t)}
	var all sync.WaitGroup
	for _, s := range stores {
		all.Go(func() {
			if err := follow(s, t, 2*many+many/4); err != nil {
				t.Error(err)
			}
		})
	}
	appended := make([]int, len(stores))
	for i, s := range stores {
		all.Go(func() {
			for n := range many {
				r := &eventlog.Request{Entries: []eventlog.Entry{personal(fmt.Sprint(i, "-", n), "P1D")}}
				if n%4 == 0 {
					r.Entries = append(r.Entries, personal(fmt.Sprint("both-", n), "P1D"))
				}
				if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: int64(n) * day / 50}); err != nil || r.Err != nil {
					t.Error(errors.Join(err, r.Err))
				}
				for _, e := range r.Entries {
					if e.Status == eventlog.Appended {
						appended[i]++
					} else if e.Status != eventlog.Duplicate {
						t.Errorf("%+v", e)
					}
				}
			}
		})
	}
	all.Wait()
	if appended[0]+appended[1] != 2*many+many/4 {
		t.Errorf("appended were %v", appended)
	}
}

// What one node forgets and erases no other reads, whatever it knew before.
func anotherForgets(t *testing.T, w *world) {
	a, b := w.open(t), w.open(t)
	c := w.found(t, a, "c").ID
	publish(t, a, day, personal("2", "P1D"), personal("3", ""), personal("4", "P1D"), personal("5", ""))
	w.answer(t, a, c, 2, 3)
	index(t, a, eventlog.Clues{UpTo: 5, Rows: []eventlog.Clue{of(2, 1), of(3, 1)}})
	if got := readable(t, b); !slices.Equal(got, []int64{2, 3, 4, 5}) {
		t.Fatalf("it reads %v", got)
	}
	wantAnswer(t, b, 2, true)
	if _, err := a.Forget(t.Context(), "P1D", 1); err != nil {
		t.Fatal(err)
	}
	if err := a.Erase(t.Context(), []int64{5}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	for _, then := range []func(){func() { prune(t, a, 10) }, func() {}} {
		if got := readable(t, b); !slices.Equal(got, []int64{3}) {
			t.Errorf("it reads %v", got)
		}
		wantAnswer(t, b, 2, false)
		if got := positions(t, b, 100, 9, clue(1)); !slices.Equal(got, []int64{3}) {
			t.Errorf("found %v", got)
		}
		for _, e := range mustSkeletons(t, b) {
			if e.Forgotten == (e.Position == 3) {
				t.Errorf("%+v", e)
			}
		}
		then()
	}
	publish(t, b, day, personal("6", "P1D")) // into a segment that it believes is open
	if got := readable(t, a); !slices.Equal(got, []int64{3, 6}) {
		t.Errorf("it reads %v", got)
	}
}
