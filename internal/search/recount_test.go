package search_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/search"
)

// The index finds exactly what a plain scan of the events does, by every value and every id, after random publishing,
// forgetting and restarts, and crashes between two batches. It is never ahead of what is committed.
func TestTheIndexIsWhatAScanFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for round := range 5 {
		crashes := round%3 != 0
		stalled := make(chan struct{})
		w.again(w.stalling(crashes, stalled))
		w.publish(200)
		if round%2 == 1 {
			w.forget([]event.Retention{"P1D", "P2D"}[w.random.IntN(2)], w.events[w.random.IntN(len(w.events))].at/day24)
		}
		if crashes {
			select {
			case <-stalled:
			case <-w.reached():
			}
			w.again(w.stalling(false, nil))
		}
		if round%2 == 0 {
			w.reach()
			w.recount()
		}
		w.clock.Advance(5 * time.Hour)
	}
	w.reach()
	w.recount()
}

// stalling makes the follower stand still between two batches, if it is to, until it is stopped.
func (w *world) stalling(is bool, stalled chan struct{}) func(context.Context) {
	batches := w.random.IntN(12)
	return func(ctx context.Context) {
		if upTo, _, err := w.store.Indexed(context.Background()); err != nil || upTo != w.searcher.UpTo() || upTo > w.log.Head() {
			w.Errorf("the index stands at %d, says %d, and the log ends at %d, %v", upTo, w.searcher.UpTo(), w.log.Head(), err)
		}
		if batches--; is && batches == -1 {
			close(stalled)
			<-ctx.Done()
		}
	}
}

func (w *world) reached() <-chan struct{} {
	reached := make(chan struct{})
	head, searcher := w.log.Head(), w.searcher
	go func() {
		if searcher.Reach(context.Background(), head) == nil {
			close(reached)
		}
	}()
	return reached
}

// recount asks for every value there is, and for some there are not.
func (w *world) recount() {
	w.Helper()
	check := func(what string, q search.Query, meant func(*recorded) bool) {
		w.Helper()
		q.Limit = 20 + w.random.IntN(200)
		if got, want := w.all(q), w.scan(meant); !slices.Equal(got, want) {
			w.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	values := map[string]bool{"": true, "true": true, "null": true}
	for _, r := range w.events {
		values[r.key] = true
		for _, p := range r.persons {
			if len(values) < 20 {
				values[p] = true
			}
		}
	}
	for value := range values {
		has := func(r *recorded) bool { return !r.forgotten && slices.Contains(r.persons, value) }
		if value == "" {
			continue
		}
		check("person "+value, search.Query{Person: value}, has)
		of, upTo, err := w.searcher.OfPerson(w.Context(), value)
		want := w.scan(has)
		slices.Reverse(want)
		if !slices.Equal(of, want) || upTo != w.log.Head() || err != nil {
			w.Errorf("of person %s: %v, want %v, up to %d, %v", value, of, want, upTo, err)
		}
		check("key "+value, search.Query{Key: value}, func(r *recorded) bool { return !r.forgotten && r.key == value })
		check("key of a source "+value, search.Query{Key: value, Source: "register"}, func(r *recorded) bool {
			return !r.forgotten && r.key == value && r.source == "urn:register"
		})
	}
	for range 10 {
		r := w.events[w.random.IntN(len(w.events))]
		check("id", search.Query{ID: r.id}, func(o *recorded) bool { return o == r })
		check("message id", search.Query{ID: r.message.String()}, func(o *recorded) bool { return o == r })
		check("time", search.Query{From: r.at, To: r.at + day24/6, Type: r.typ}, func(o *recorded) bool {
			return o.typ == r.typ && o.at >= r.at && o.at < r.at+day24/6
		})
	}
	check("all", search.Query{}, func(*recorded) bool { return true })
	check("nothing", search.Query{ID: "no such id"}, func(*recorded) bool { return false })
	check("for a system", search.Query{System: "town"}, func(r *recorded) bool { return r.source == "urn:register" })
	check("for a subscription", search.Query{Subscription: "sub-county", Type: "free"}, func(r *recorded) bool { return r.source == "urn:case" && r.typ == "free" })
}

// A secret that is another, or clues that are made in another way, are an index that finds nothing: it is made anew.
func TestAnotherSecretMakesTheIndexAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(200)
	w.reach()
	var err error
	w.hasher, err = event.NewHasher([]byte("another secret, as long as it must be"))
	w.must(err)
	w.again(func(context.Context) {})
	w.reach()
	for value := range 12 {
		person := fmt.Sprintf("%010d", value)
		if got, want := w.all(search.Query{Person: person, Limit: 9}), w.scan(func(r *recorded) bool { return slices.Contains(r.persons, person) }); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
