package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// Nodes reach the database through a pooler that gives each transaction another connection, and keeps no prepared
// statements. There are no hints then, and nobody fails for it.
func TestNodesWorkThroughAPooler(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.url = pgtest.Pooler(t, d.url) + "&default_query_exec_mode=exec"
	one, other := d.node(t), d.node(t)
	ctx, end := context.WithCancel(t.Context())
	signs := one.Listen(ctx)
	found(t, one, "s", "c")
	list, err := one.TakeUp(t.Context(), 0, "c")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		s := one
		if n%2 == 1 {
			s = other
		}
		commit(t, s, request(fmt.Sprint("e", n)), request("a"))
		if err := s.Notify(t.Context(), int64(n)); err != nil {
			t.Error(err)
		}
		c := cut(list[0].ID, 0, n+1, 2)
		c.Attempts = []eventlog.Attempt{{Position: 2, Number: n + 1, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{Reason: "r", Detail: "d"}}}
		c.Blocked = []eventlog.Blocked{{Lane: event.Lane{1}, Position: 2}}
		c.Waiting = []eventlog.Waiting{{Lane: event.Lane{1}, Position: int64(n)}}
		if record(t, s, c); c.Lost {
			t.Fatal("the cut was lost")
		}
	}
	commit(t, other, &eventlog.Request{Clues: &eventlog.Clues{UpTo: 9, Rows: []eventlog.Clue{{Position: 2, Hash: event.Clue{1}}}}})
	head, _, err := other.Head(t.Context())
	if events, e := other.Range(t.Context(), 0, head, 100); err != nil || e != nil || len(events) != 21 {
		t.Errorf("%d events, %v, %v", len(events), err, e)
	}
	if list, err := one.WaitingIn(t.Context(), list[0].ID, event.Lane{1}, 0, 100); err != nil || len(list) != 19 {
		t.Errorf("%d wait, %v", len(list), err)
	}
	if found, err := one.Positions(t.Context(), []event.Clue{{1}}, 100, 10); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
	end()
	for range signs { // some may have come through
	}
}
