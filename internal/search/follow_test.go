package search_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/search"
)

// stage is a log and a store for a follower alone: the log's writer does what the test says, and nothing else.
type stage struct {
	search.Store // what is not told here is not to be used
	t            *testing.T
	head         int64
	damaged      map[int64]bool
	crowded      int64 // position of an event about 1,200 people
	appended     func(*eventlog.Clues) error
	commits      int64
	grown        chan struct{}
	batches      []eventlog.Clues
	trouble      []error
	pauses       []time.Duration
	others       []int64 // groups that others commit during each pause
}

func (s *stage) Indexed(context.Context) (int64, event.Clue, error) {
	return 3, s.hasher().ClueMaker(), nil
}

func (s *stage) hasher() *event.Hasher {
	h, err := event.NewHasher(make([]byte, 32))
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

func (s *stage) Head() int64            { return s.head }
func (s *stage) Commits() int64         { return s.commits }
func (s *stage) Grown() <-chan struct{} { return s.grown }
func (s *stage) At(context.Context, int64) (*event.Event, error) {
	return nil, errors.New("not asked for")
}
func (s *stage) Read(_ context.Context, after int64, limit int) ([]*event.Event, int64, error) {
	if after >= s.head || after < 3 {
		s.t.Errorf("reads after %d of %d", after, s.head)
	}
	upTo := min(after+int64(limit), s.head)
	var events []*event.Event
	for position := after + 1; position <= upTo; position++ {
		if s.damaged[position] {
			return nil, upTo, fault.New(fault.SealBroken, "position %d", position)
		}
		data := []byte(`{"p":["a","b"]}`)
		if position == s.crowded {
			data, _ = json.Marshal(map[string]any{"p": crowd()})
		}
		events = append(events, &event.Event{Position: position, Type: "t", Version: "v1", Data: data, MediaType: "application/json"})
	}
	return events, upTo, nil
}

func (s *stage) Append(_ context.Context, r *eventlog.Request) error {
	if r.Clues == nil || len(r.Entries)+len(r.Revisions)+len(r.Audit) > 0 {
		s.t.Errorf("appends %+v", r)
	}
	if s.appended != nil {
		if err := s.appended(r.Clues); err != nil {
			return err
		}
	}
	kept := *r.Clues
	kept.Rows = slices.Clone(kept.Rows)
	s.batches = append(s.batches, kept)
	s.commits++
	r.Clues.Took = time.Second
	return nil
}

// run follows until the index is at the head, or the follower has come to rest on its own.
func (s *stage) run() *search.Searcher {
	s.t.Helper()
	s.grown = make(chan struct{})
	book := revision.NewBook(time.UTC)
	err := book.Apply([]revision.Revision{
		revision.Of("t", revision.Type, "t", event.Type{Name: "t", Title: "t", Order: event.OrderNone, Personal: true, Retention: "P1D"}),
		revision.Of("t", revision.Version, "t/v1", event.Version{Type: "t", Version: "v1", State: event.StateActive, Sample: []byte(`{}`), Mapping: event.Mapping{Personal: []string{"/p"}}}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	found := search.New(s, s, book, s.hasher(), search.Options{
		Trouble: func(_ string, err error) { s.trouble = append(s.trouble, err) },
		Pause: func(_ context.Context, d time.Duration) {
			s.pauses = append(s.pauses, d)
			if len(s.others) > 0 {
				s.commits, s.others = s.commits+s.others[0], s.others[1:]
			}
		},
	})
	if err := found.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if err := found.Reach(s.t.Context(), s.head); err != nil {
		s.t.Fatal(err)
	}
	found.Stop()
	return found
}

// What the writer is kept with at a time is bounded, in positions and in rows, and nothing is left out or twice.
func TestTheFollowersBatchesAreBounded(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, head: 1000}
	s.run()
	at, position := int64(3), int64(3)
	for _, b := range s.batches {
		if b.After != at || b.UpTo > b.After+128 || b.UpTo <= b.After || len(b.Rows) != int(2*(b.UpTo-b.After)) || b.Anew {
			t.Errorf("after %d up to %d, %d rows, anew %v; before it up to %d", b.After, b.UpTo, len(b.Rows), b.Anew, at)
		}
		at = b.UpTo
		for i, r := range b.Rows {
			if i%2 == 0 {
				position++
			}
			if r.Position != position {
				t.Fatalf("row of %d, want %d", r.Position, position)
			}
		}
	}
	if at != 1000 {
		t.Errorf("up to %d", at)
	}
}

func crowd() (people []string) {
	for i := range 1200 {
		people = append(people, fmt.Sprint(i))
	}
	return people
}

// An event about more people than go in at once takes several batches, and the cursor moves with the last: a crash between
// them leaves nobody out.
func TestACrowdedEventTakesSeveralBatches(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, head: 20, crowded: 7}
	s.run()
	want := [][3]int64{{3, 3, 512}, {3, 3, 512}, {3, 7, 3*2 + 1200 - 2*512}, {7, 20, 13 * 2}}
	var got [][3]int64
	seen := map[event.Clue]bool{}
	for _, b := range s.batches {
		got = append(got, [3]int64{b.After, b.UpTo, int64(len(b.Rows))})
		for _, r := range b.Rows {
			seen[r.Hash] = true
		}
	}
	if !slices.Equal(got, want) || len(seen) != 1202 {
		t.Errorf("%v, want %v; %d people", got, want, len(seen))
	}
}

// The follower leaves the writer nine tenths while others have work for it, and goes on at once when nobody has.
func TestTheFollowerRestsWhileTheWriterIsBusy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		others []int64
		pauses int
	}{
		{"idle", []int64{0}, 1},
		{"busy", []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 9},
		{"busy for a while", []int64{5, 2, 0, 1}, 3},
	} {
		s := &stage{t: t, head: 4, others: test.others}
		s.run()
		if len(s.pauses) != test.pauses || len(s.batches) != 1 || slices.ContainsFunc(s.pauses, func(d time.Duration) bool { return d != time.Second }) {
			t.Errorf("%s: %d batches that took a second, pauses %v", test.name, len(s.batches), s.pauses)
		}
	}
}

// One damaged event is told of, and all others are found.
func TestADamagedEventIsPassedOver(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, head: 300, damaged: map[int64]bool{5: true, 299: true}}
	s.run()
	rows := 0
	for _, b := range s.batches {
		rows += len(b.Rows)
	}
	if len(s.trouble) != 2 || !fault.Has(s.trouble[0], fault.SealBroken) || rows != 2*(297-2) {
		t.Errorf("%d rows, %v", rows, s.trouble)
	}
}

// While the log takes no commits the follower waits for that, and then goes on where it stood.
func TestTheFollowerWaitsForALogThatIsFull(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, head: 10}
	refused := 0
	s.appended = func(c *eventlog.Clues) error {
		if refused++; refused > 2 {
			return nil
		}
		old := s.grown
		s.grown = make(chan struct{})
		close(old) // it has recovered
		return fault.New(fault.StorageFull, "no space")
	}
	s.run()
	if len(s.trouble) != 2 || len(s.batches) != 1 || s.batches[0].After != 3 || s.batches[0].UpTo != 10 {
		t.Errorf("%+v %v", s.batches, s.trouble)
	}
}

// Who waits for the index is told when it will not come.
func TestNobodyWaitsForAFollowerThatHasEnded(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, head: 10}
	found := s.run()
	if err := found.Reach(t.Context(), 11); !fault.Has(err, fault.ShuttingDown) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := found.Reach(ended, 10); err != nil || found.UpTo() != 10 {
		t.Errorf("%v, up to %d", err, found.UpTo())
	}
}
