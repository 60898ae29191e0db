package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// failing is the real store, except that commits fail while told so, and that the commits are counted.
type failing struct {
	eventlog.Store
	refuse  atomic.Bool
	commits atomic.Int64
	hold    chan struct{} // not nil: a commit waits for it
	entered chan struct{}
}

func (f *failing) Commit(ctx context.Context, c *eventlog.Commit) error {
	if f.hold != nil {
		f.entered <- struct{}{}
		<-f.hold
	}
	if f.refuse.Load() {
		return errors.New("no space left on device")
	}
	f.commits.Add(1)
	return f.Store.Commit(ctx, c)
}

func openLog(t *testing.T, f *failing) *eventlog.Log {
	t.Helper()
	vault, err := secret.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "hub.db"), sqlite.Options{Keys: vault, Same: func(a, b *event.Event) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	f.Store = store
	l, err := eventlog.Open(t.Context(), f, revision.NewBook(time.UTC), clock.System{}, eventlog.Options{TailEvents: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); store.Close() })
	return l
}

func one(id string) *eventlog.Request {
	return &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
		ID: ident.Message("urn:s", id), Source: "urn:s", SourceID: id, Type: "t", Version: "v1", Lane: event.Lane{1}, Head: fmt.Appendf(nil, `{"id":%q}`, id), Data: []byte("x"),
	}}}}
}

// DESIGN section 5, Append: requests that come while a commit runs go together into the next one.
func TestConcurrentRequestsShareACommit(t *testing.T) {
	t.Parallel()
	f := &failing{hold: make(chan struct{}), entered: make(chan struct{}, 100)}
	l := openLog(t, f)
	var wg sync.WaitGroup
	publish := func(id string) {
		wg.Go(func() {
			if err := l.Append(context.Background(), one(id)); err != nil {
				t.Error(err)
			}
		})
	}
	publish("first")
	<-f.entered
	for i := range 50 {
		publish(fmt.Sprint(i))
	}
	for !l.Waiting(50) {
	}
	close(f.hold)
	wg.Wait()
	if n := f.commits.Load(); n != 2 {
		t.Errorf("want the 50 in one commit after the first, got %d commits", n)
	}
	if l.Head() != 51 {
		t.Errorf("want 51 events, got %d", l.Head())
	}
}

// DESIGN section 5, Record: when the store takes nothing, publish is told so, outcomes are kept, and both go on when it
// does again. Nothing refused is in the log.
func TestFullStoreRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	f := &failing{}
	l := openLog(t, f)
	f.refuse.Store(true)
	if err := l.Append(t.Context(), one("a")); !fault.Has(err, fault.StorageFull) {
		t.Fatalf("want storage-full, got %v", err)
	}
	if l.Healthy() || l.Head() != 0 {
		t.Fatalf("want the log unhealthy and empty, got %v and %d", l.Healthy(), l.Head())
	}
	c := &cutter{done: make(chan *eventlog.Cut, 1)}
	l.Touch(c)
	if err := l.Append(t.Context(), one("b")); !fault.Has(err, fault.StorageFull) {
		t.Fatalf("want storage-full while it lasts, got %v", err)
	}
	grown := l.Grown()
	f.refuse.Store(false)
	<-grown // it finds out by itself
	if cut := <-c.done; cut.Low != 7 {
		t.Errorf("want the outcome that waited committed, got %+v", cut)
	}
	if err := l.Append(t.Context(), one("a")); err != nil || l.Head() != 1 {
		t.Errorf("want a accepted as the first, got %v at %d", err, l.Head())
	}
}

type cutter struct{ done chan *eventlog.Cut }

func (c *cutter) Cut() *eventlog.Cut          { return &eventlog.Cut{Consumer: 99, Low: 7} }
func (c *cutter) Committed(cut *eventlog.Cut) { c.done <- cut }

// A reader gets the same events from memory and from the store, in order, with revisions leaving holes.
func TestReadFromMemoryAndStore(t *testing.T) {
	t.Parallel()
	l := openLog(t, &failing{})
	for i := range 30 {
		if i%10 == 5 {
			r := &eventlog.Request{Expect: l.Book().Last(), Revisions: []revision.Revision{revision.Removal("me", revision.Source, "s")}}
			if err := l.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := l.Append(t.Context(), one(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []int{1, 3, 7, 100} {
		var got []int64
		for after := int64(0); after < l.Head(); {
			events, upTo, err := l.Read(t.Context(), after, step)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				got = append(got, e.Position)
			}
			after = upTo
		}
		if len(got) != 27 {
			t.Fatalf("step %d: want 27 events, got %d", step, len(got))
		}
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				t.Fatalf("step %d: out of order at %d", step, got[i])
			}
		}
	}
}

// telling makes a request of events and a change of configuration that they tell.
func telling(events int, expect int64) *eventlog.Request {
	r := &eventlog.Request{Expect: expect, Revisions: []revision.Revision{revision.Removal("me", revision.Source, "s")}}
	for i := range events {
		r.Entries = append(r.Entries, one(fmt.Sprint("told ", expect, " ", i)).Entries...)
	}
	return r
}

// Whoever waits for the log to grow sees a change of configuration and the events that tell it at once, and whoever does
// not wait sees no event before the change.
func TestAChangeIsSeenWithItsEvents(t *testing.T) {
	t.Parallel()
	l := openLog(t, &failing{})
	const rounds = 100
	var all sync.WaitGroup
	all.Go(func() {
		for head := int64(0); head < 3*rounds; {
			grown := l.Grown()
			was := head
			head = l.Head()
			events, upTo, err := l.Read(t.Context(), was, 3*rounds)
			if err != nil || l.Book().Last() < upTo || upTo < head || int64(len(events)) != (upTo-was)/3*2 {
				t.Errorf("there are %d events from %d to %d, and revisions up to %d, %v", len(events), was, upTo, l.Book().Last(), err)
				return
			}
			if head = upTo; head < 3*rounds {
				<-grown
			}
		}
	})
	all.Go(func() {
		for head := int64(0); head < 3*rounds; {
			if head = l.Head(); l.Book().Last() < head {
				t.Errorf("the head is at %d before the revisions up to it are seen", head)
				return
			}
		}
	})
	for n := range int64(rounds) {
		if err := l.Append(t.Context(), telling(2, 3*n)); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
}

// looking is the store as another node has it, which looks around while it reads.
type looking struct {
	eventlog.Store
	look func() error
	ends int64 // where the log ends, when it is not 0: the rest was lost
}

func (s *looking) Head(ctx context.Context) (position, recorded int64, err error) {
	position, recorded, err = s.Store.Head(ctx)
	if s.ends != 0 {
		position = s.ends
	}
	return position, recorded, err
}

func (s *looking) Range(ctx context.Context, after, upTo int64, limit int) ([]*event.Event, error) {
	if err := s.look(); err != nil {
		return nil, err
	}
	return s.Store.Range(ctx, after, upTo, limit)
}

// A node that follows reads only so much at a time, and may be cut off: it sees no event before the change of
// configuration that it tells, and finds out when that is lost meanwhile.
func TestAnotherNodeSeesAChangeWithItsEvents(t *testing.T) {
	t.Parallel()
	for name, tail := range map[string]int{"bit by bit": 1 << 13, "from far behind": 64} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{}
			l := openLog(t, f)
			s := &looking{Store: f.Store}
			other, err := eventlog.Open(t.Context(), s, revision.NewBook(time.UTC), clock.System{}, eventlog.Options{TailEvents: tail, Shared: &eventlog.Shared{Every: time.Hour}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(other.Abandon)
			for n := range int64(2) { // what is read at a time, and the half of the tail, ends among the events of the second
				if err := l.Append(t.Context(), telling(1500, 1501*n)); err != nil {
					t.Fatal(err)
				}
			}
			amid, cut := false, errors.New("cut off")
			s.look = func() error {
				if other.Head() <= 1501 {
					return nil
				}
				if other.Book().Last() != 3002 {
					t.Errorf("the head is at %d, and the revisions are seen up to %d", other.Head(), other.Book().Last())
				}
				if !amid {
					amid = true
					return cut
				}
				return nil
			}
			if err := other.CatchUp(t.Context()); !errors.Is(err, cut) {
				t.Errorf("it was not cut off amid the events: %v", err)
			}
			s.ends = other.Head()
			if err := other.CatchUp(t.Context()); !fault.Has(err, fault.LogRewound) {
				t.Errorf("it knows of a revision that was lost, and goes on: %v", err)
			}
			s.ends = 0
			if err := other.CatchUp(t.Context()); err != nil || other.Head() != 3002 || other.Book().Last() != 3002 {
				t.Errorf("it is at %d, with revisions up to %d, %v", other.Head(), other.Book().Last(), err)
			}
		})
	}
}

// A closed log refuses, and what was accepted before is committed.
func TestCloseCommitsWhatWaits(t *testing.T) {
	t.Parallel()
	l := openLog(t, &failing{})
	c := &cutter{done: make(chan *eventlog.Cut, 1)}
	l.Touch(c)
	l.Close()
	if len(c.done) != 1 {
		t.Error("want the outcome committed by Close")
	}
	if err := l.Append(t.Context(), one("late")); !fault.Has(err, fault.ShuttingDown) {
		t.Errorf("want shutting-down, got %v", err)
	}
}
