package search_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/search"
)

// vast is a log of events that only their positions tell apart: every 100,000th is of the type "rare".
type vast struct {
	stage
	walked, read int64
	asked        int
}

func (v *vast) At(context.Context, int64) (*event.Event, error) {
	return nil, fault.New(fault.NotFound, "forgotten")
}

func (v *vast) Skeletons(_ context.Context, w eventlog.Stretch, limit int) (list []*event.Event, err error) {
	position := w.Below - 1
	for ; position > w.Above && len(list) < limit; position-- {
		v.walked++
		if w.Type == "" || position%100_000 == 0 {
			v.read++
			list = append(list, &event.Event{Position: position, Type: w.Type})
		}
	}
	return list, nil
}

func (v *vast) Skeleton(_ context.Context, position int64) (*event.Event, error) {
	v.read++
	return &event.Event{Position: position}, nil
}

// Positions: everything is about one person.
func (v *vast) Positions(_ context.Context, _ []event.Clue, below int64, limit int) (list []int64, err error) {
	for position := below - 1; position > 0 && len(list) < limit; position-- {
		list = append(list, position)
	}
	return list, nil
}

func (v *vast) Append(context.Context, *eventlog.Request) error { return nil }

func (v *vast) where(_ context.Context, position int64) ([]search.Place, error) {
	v.asked++
	if position%1000 == 0 {
		return []search.Place{{System: "town", State: "parked"}}, nil
	}
	return []search.Place{{System: "town", State: "delivered"}, {System: "county", State: "parked"}}, nil
}

// One search costs so much and no more, however long the log and however rare what it looks for; what it did not come to
// is found by going on.
func TestASearchIsBounded(t *testing.T) {
	t.Parallel()
	book := revision.NewBook(time.UTC)
	err := book.Apply([]revision.Revision{
		revision.Of("t", revision.Source, "s", event.Source{Name: "s", Types: []string{"*"}}),
		{Position: -3, Kind: revision.System, Subject: "town", Document: []byte(`{"name":"town","agreement":{"profile":"standard","sources":["*"]}}`)},
		{Position: -2, Kind: revision.Subscription, Subject: "sub", Document: []byte(`{"id":"sub","system":"town","state":"active"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	third := func(e *event.Event) bool { return e.Position%20_000 == 0 }
	for _, test := range []struct {
		name  string
		head  int64
		q     search.Query
		every int64 // what is found
		pages int   // at least, and not many more
	}{
		{"a rare type", 300_000, search.Query{Type: "rare", Limit: 10}, 100_000, 3},
		{"what may be seen of all", 100_000, search.Query{Limit: 10, Visible: third}, 20_000, 20},
		{"what may be seen of a person", 100_000, search.Query{Person: "x", Limit: 10, Visible: third}, 20_000, 20},
		{"all by pages", 10_000, search.Query{Limit: 500}, 1, 20},
		{"by state", 10_000, search.Query{System: "town", State: "parked", Limit: 10}, 1000, 20},
	} {
		v := &vast{stage: stage{t: t, head: test.head}}
		s := search.New(v, v, book, v.hasher(), search.Options{Where: v.where})
		var got []int64
		pages := 0
		for q := test.q; ; pages++ {
			v.walked, v.read, v.asked = 0, 0, 0
			page, err := s.Find(ended(), "eva", q)
			if err != nil {
				t.Fatal(err)
			}
			if v.walked > 100_000+500 || v.read > 5_000+500 || v.asked > 500 || len(page.Events) > q.Limit {
				t.Fatalf("%s: walks %d, reads %d, asks %d, finds %d", test.name, v.walked, v.read, v.asked, len(page.Events))
			}
			for _, f := range page.Events {
				got = append(got, f.Position)
			}
			if page.Next == 0 {
				break
			}
			if page.Next >= q.Below && q.Below != 0 {
				t.Fatalf("%s: after %d comes %d", test.name, q.Below, page.Next)
			}
			q.Below = page.Next
		}
		var want []int64
		for position := test.head / test.every * test.every; position > 0; position -= test.every {
			want = append(want, position)
		}
		if !slices.Equal(got, want) || pages < test.pages-1 || pages > test.pages*11/10+1 {
			t.Errorf("%s: %d pages, %d found, want %d", test.name, pages, len(got), len(want))
		}
	}
}

// ended waits for no index.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
