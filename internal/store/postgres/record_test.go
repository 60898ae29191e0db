package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/postgres"
)

const day = event.MicrosPerDay

// found makes consumers of a system, with a change of configuration.
func found(t testing.TB, s *postgres.Store, system string, names ...string) {
	t.Helper()
	revisions, err := s.Revisions(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &eventlog.Request{Revisions: []revision.Revision{revision.Removal("me", revision.Source, "b")}}
	if n := len(revisions); n > 0 {
		r.Expect = revisions[n-1].Position
	}
	for _, name := range names {
		r.Consumers = append(r.Consumers, eventlog.Founding{Name: name, System: system})
	}
	if commit(t, s, r); r.Err != nil {
		t.Fatal(r.Err)
	}
}

// execute changes the database behind the stores' backs.
func (d database) execute(t testing.TB, statements string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

// number reads one.
func (d database) number(t testing.TB, query string) (n int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// claim has a new node of a store hold a system, and take up its consumers. The one before it is dead.
func (d database) claim(t testing.TB, s *postgres.Store, system string, names ...string) (token int64, list []eventlog.Consumer) {
	t.Helper()
	d.execute(t, "UPDATE nodes SET until = 0")
	node, err := s.Join(t.Context(), "n", "", "dev", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := s.Claim(t.Context(), node, time.Minute, []string{eventlog.SystemHolding + system})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	if list, err = s.TakeUp(t.Context(), claimed[0].Token, names...); err != nil {
		t.Fatal(err)
	}
	return claimed[0].Token, list
}

// cut is one that says how far it is, and counts one delivery.
func cut(consumer, token int64, number int, low int64) *eventlog.Cut {
	c := &eventlog.Cut{Consumer: consumer, Token: token, Number: number, Low: low, High: low}
	c.Tally(eventlog.Tally{Line: "l", Day: 1, Outcome: eventlog.Done, Count: 1})
	return c
}

func record(t testing.TB, s *postgres.Store, cuts ...*eventlog.Cut) {
	t.Helper()
	if err := s.Commit(t.Context(), &eventlog.Commit{Cuts: cuts, Now: 1}); err != nil {
		t.Fatal(err)
	}
}

// DESIGN section 5, Scale-out: what a node records for a consumer goes in only while it is the last that took it up, and
// once. Each step is a cut; what is in the database after it is what is asked.
func TestCutsAreFenced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token int64 // the cut's, from the one it was taken up under
		steps []int // numbers of the cuts, in order
		lost  []bool
		low   int64 // in the end: number + 10 of the last that went in
		count int64 // how many went in
	}{
		"in order":                     {0, []int{1, 2, 3}, []bool{false, false, false}, 13, 3},
		"again, its end was not known": {0, []int{1, 2, 2, 1}, []bool{false, false, false, false}, 12, 2},
		"with one missing":             {0, []int{1, 3}, []bool{false, true}, 11, 1},
		"under an earlier token":       {-1, []int{1, 2}, []bool{true, true}, 2, 0},
		"under a later token":          {1, []int{1}, []bool{true}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			s := d.node(t)
			found(t, s, "s", "c")
			_, _ = d.claim(t, s, "s", "c")
			token, list := d.claim(t, s, "s", "c")
			for i, number := range test.steps {
				c := cut(list[0].ID, token+test.token, number, int64(10+number))
				if record(t, s, c); c.Lost != test.lost[i] {
					t.Errorf("cut %d of %v: lost is %v", number, test.steps, c.Lost)
				}
			}
			after, err := s.Consumers(t.Context(), "c")
			if err != nil || after[0].Low != test.low {
				t.Errorf("the watermark is %d, want %d; %v", after[0].Low, test.low, err)
			}
			if n := d.number(t, "SELECT coalesce(sum(count), 0)::bigint FROM tallies"); n != test.count {
				t.Errorf("%d were counted, want %d", n, test.count)
			}
		})
	}
}

// A cut that is lost takes none of the others with it, nor does what it says of its own get in.
func TestALostCutIsLostAlone(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	one, other := d.node(t), d.node(t)
	found(t, one, "s", "c")
	found(t, one, "r", "e")
	commitAt(t, one, day, request("a"))
	first, list := d.claim(t, one, "s", "c")
	second, rest := d.claim(t, other, "r", "e")
	again, _ := d.claim(t, other, "s", "c")
	if again <= first {
		t.Errorf("the token went from %d to %d", first, again)
	}
	lost, kept := cut(list[0].ID, first, 1, 7), cut(rest[0].ID, second, 1, 8)
	for _, c := range []*eventlog.Cut{lost, kept} {
		c.Attempts = []eventlog.Attempt{{Position: 3, Number: 1, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{Reason: "no\x00\xff", Detail: "d"}}}
		c.Blocked = []eventlog.Blocked{{Lane: event.Lane{1}, Position: 3, Reason: "no\x00\xff"}}
		c.Waiting = []eventlog.Waiting{{Lane: event.Lane{1}, Position: 4}}
		c.Endpoints = []eventlog.Endpoint{{System: fmt.Sprint(c.Token), URL: "u", Spell: 1}}
		c.Readings = []eventlog.Reading{{UpTo: 1, At: 1}}
		c.Passes = []eventlog.Pass{{N: c.Consumer, Consumer: c.Consumer}}
	}
	record(t, one, lost, kept)
	if !lost.Lost || kept.Lost {
		t.Errorf("lost: %v and %v", lost.Lost, kept.Lost)
	}
	for _, table := range []string{"attempts", "answers", "blocked", "waiting", "endpoints", "readings", "passes", "tallies"} {
		if n := d.number(t, "SELECT count(*) FROM "+table); n != 1 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	attempts, err := other.AttemptsAt(t.Context(), 3)
	if err != nil || len(attempts) != 1 || attempts[0].Consumer != "e" || attempts[0].Result.Reason != "no\uFFFD\uFFFD" || attempts[0].Result.Detail != "d" {
		t.Errorf("the attempts are %+v, %v", attempts, err)
	}
}

// In one cut what comes later counts, as if each came by itself.
func TestTheLastOfACutCounts(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	found(t, s, "s", "c")
	list, err := s.TakeUp(t.Context(), 0, "c")
	if err != nil {
		t.Fatal(err)
	}
	lane, gone := event.Lane{1}, event.Lane{2}
	record(t, s, &eventlog.Cut{
		Consumer: list[0].ID, Number: 1, Low: 2, High: 9,
		Attempts:  []eventlog.Attempt{{Position: 3, Number: 1, Outcome: eventlog.Failed}, {Position: 3, Number: 1, Outcome: eventlog.Done}},
		Blocked:   []eventlog.Blocked{{Lane: lane, Position: 3}, {Lane: gone, Position: 4}, {Lane: lane, Position: 5}},
		Unblocked: []eventlog.Lane{gone},
		Waiting:   []eventlog.Waiting{{Lane: lane, Position: 6}, {Lane: lane, Position: 6}, {Lane: lane, Position: 7}},
		Served:    []eventlog.Waiting{{Lane: lane, Position: 7}},
		Endpoints: []eventlog.Endpoint{{System: "s", URL: "u", Spell: 1}, {System: "s", URL: "u"}, {System: "s", URL: "v", Spell: 1}, {System: "s", URL: "v", Spell: 2}},
		Tallies:   []eventlog.Tally{{Line: "l", Outcome: eventlog.Done, Count: 1}, {Line: "l", Outcome: eventlog.Done, Count: 2}},
	})
	k, err := s.Consumers(t.Context(), "c")
	if err != nil || len(k[0].Blocked) != 1 || k[0].Blocked[0].Position != 5 || k[0].Behind[lane] != 1 || !k[0].Settled[3] {
		t.Errorf("the consumer is %+v, %v", k, err)
	}
	if endpoints, err := s.Endpoints(t.Context()); err != nil || len(endpoints) != 1 || endpoints[0].Spell != 2 {
		t.Errorf("the endpoints are %v, %v", endpoints, err)
	}
	if n := d.number(t, "SELECT sum(count)::bigint FROM tallies"); n != 3 {
		t.Errorf("%d are counted", n)
	}
}

// DESIGN promise 11: what a receiver answered to an event that another node has forgotten is not kept, and its attempt is.
func TestAnswersToWhatIsForgottenAreNotKept(t *testing.T) {
	t.Parallel()
	for _, prune := range []bool{false, true} {
		d := newDatabase(t)
		s, other := d.node(t), d.node(t)
		found(t, s, "s", "c")
		list, err := s.TakeUp(t.Context(), 0, "c")
		if err != nil {
			t.Fatal(err)
		}
		r := request("a", "b")
		for _, entry := range r.Entries {
			entry.Event.Retention = "P1D"
		}
		commitAt(t, s, day, r)
		answered := func(number int) *eventlog.Cut {
			return &eventlog.Cut{Consumer: list[0].ID, Number: number, Attempts: []eventlog.Attempt{
				{Position: 2, Number: number, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{Reason: "why", Detail: "d"}},
			}}
		}
		record(t, s, answered(1))
		if _, err := other.Forget(t.Context(), "P1D", 1); err != nil {
			t.Fatal(err)
		}
		if prune {
			if _, err := other.Prune(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		record(t, s, answered(2))
		attempts, err := s.AttemptsAt(t.Context(), 2)
		if err != nil || len(attempts) != 2 || attempts[1].Result.Reason != "why" || attempts[0].Result.Detail != "" || attempts[1].Result.Detail != "" {
			t.Errorf("pruned %v: the attempts are %+v, %v", prune, attempts, err)
		}
		again := request("c")
		again.Entries[0].Event.Retention = "P1D"
		commitAt(t, s, day, again)
		if e, err := other.At(t.Context(), 4); err != nil || string(e.Data) != `"c"` {
			t.Errorf("pruned %v: what came after the day was forgotten is %+v, %v", prune, e, err)
		}
	}
}

// A node that has taken a consumer up anew may have a cut of before on its way beside the new one: that is lost, by itself,
// and the new one goes in whole.
func TestACutOfBeforeDoesNotTakeTheNewOnesPlace(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	found(t, s, "s", "c")
	before, list := d.claim(t, s, "s", "c")
	now, _ := d.claim(t, s, "s", "c")
	id := list[0].ID
	blocked := eventlog.Blocked{Lane: event.Lane{1}, Position: 1, Line: "l", State: eventlog.Retrying}
	old, fresh := cut(id, before, 1, 9), cut(id, now, 1, 5)
	old.Blocked, fresh.Blocked = []eventlog.Blocked{blocked}, []eventlog.Blocked{blocked}
	record(t, s, old, fresh)
	after, err := s.Consumers(t.Context(), "c")
	if err != nil || !old.Lost || fresh.Lost || after[0].Low != 5 || len(after[0].Blocked) != 1 {
		t.Errorf("lost %v and %v, %+v, %v", old.Lost, fresh.Lost, after, err)
	}
}
