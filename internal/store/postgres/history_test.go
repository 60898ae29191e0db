package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// A server tells of no other history when its disk is put back to what it was. Whoever knows what was lost finds what is
// common by comparing, and begins the epoch.
func TestALogThatWentBackBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		commit(t, s, request(id))
	}
	knows := followed(t, d.node(t))
	commit(t, s, request("e"))
	commit(t, s, request("f"))
	commit(t, s, request("g"))
	if err := knows.CatchUp(t.Context()); err != nil || knows.Head() != 7 {
		t.Fatal(knows.Head(), err)
	}
	d.execute(t, "DELETE FROM events WHERE position > 5; DELETE FROM payloads WHERE position > 5; DELETE FROM event_ids WHERE position > 5; UPDATE log_end SET position = 5")
	commit(t, d.node(t), request("x")) // at the position of another
	for range 2 {
		if err := knows.CatchUp(t.Context()); !fault.Has(err, fault.LogRewound) {
			t.Errorf("it goes on: %v", err)
		}
	}
	if now := epochsOf(t, s); len(now) != 2 || now[1].After != 5 {
		t.Errorf("the epochs are %+v", now)
	}
}

// An event whose node gave up waiting for the standby is in the log and may be lost: published again, it is not taken for
// accepted before the standby has it.
func TestADuplicateIsAtTheStandbyToo(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "synchronous_standby_names=*")
	standby := server.Standby(t, "synchronous_standby_names=")
	d := newDatabaseAt(t, server.URL())
	s := d.node(t)
	commit(t, s, request("a"))
	standby.Stop()
	again := func() (*eventlog.Request, error) {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := request("b")
		err := s.Commit(short, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: 1})
		return r, errors.Join(err, r.Err)
	}
	for range 2 {
		if r, err := again(); !fault.Has(err, fault.StoreUnreachable) {
			t.Errorf("without its standby the database answers %+v, %v", r.Entries, err)
		}
	}
	// A node that finds it there.
	for len(logged(t, s)) < 2 && t.Context().Err() == nil {
		_, _ = again()
	}
	if r, err := again(); !fault.Has(err, fault.StoreUnreachable) {
		t.Errorf("without its standby the database answers %+v, %v", r.Entries, err)
	}
	standby.Restart(t)
	r := request("b")
	if commit(t, s, r); r.Err != nil || r.Entries[0].Status != eventlog.Duplicate {
		t.Errorf("%+v, %v", r.Entries, r.Err)
	}
}

// takenOver is a database after a standby took over that lacks its last event. Something is done before, and when the event
// is there.
func takenOver(t *testing.T, before func(d database, s *postgres.Store), lost ...func()) (d database, one *postgres.Store) {
	t.Helper()
	server := pgtest.Start(t)
	d = newDatabaseAt(t, server.URL())
	first := d.node(t)
	found(t, first, "s", "c")
	commit(t, first, request("a"))
	first.Close()
	standby := server.Standby(t)
	d.url = fmt.Sprintf("postgres://postgres@%s,%s/postgres?sslmode=disable", server.Addr(), standby.Addr())
	one = d.node(t)
	before(d, one)
	standby.Stop()
	commit(t, one, request("b"))
	for _, see := range lost {
		see()
	}
	server.Kill()
	standby.Restart(t)
	standby.Promote(t)
	return d, one
}

func epochsOf(t *testing.T, s *postgres.Store) []eventlog.Epoch {
	t.Helper()
	epochs, err := s.Epochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return epochs
}

// However many nodes meet the server that took over, however they do, one epoch begins, after the last position that it
// took over. What a node knew before counts for nothing until it has looked: neither what it has to append nor what it
// has to record goes in, for it may be said of positions that others have given to other events since.
func TestATakeoverBeginsOneEpoch(t *testing.T) {
	t.Parallel()
	consumer, head := int64(0), int64(0)
	var known []eventlog.Epoch
	d, one := takenOver(t, func(_ database, s *postgres.Store) {
		list, err := s.TakeUp(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		consumer, known = list[0].ID, epochsOf(t, s)
		head, _, _ = s.Head(t.Context())
		s.Accept(known[0].ID)
	})
	refused := func(c *eventlog.Commit) {
		t.Helper()
		if err := one.Commit(t.Context(), c); !fault.Has(err, fault.StoreUnreachable) {
			t.Errorf("what is of another epoch ended as %v", err)
		}
	}
	// The cut follows the last one that the standby has, and says that the lost event is done.
	lost := cut(consumer, 0, 1, head+2)
	refused(&eventlog.Commit{Cuts: []*eventlog.Cut{lost}})

	var nodes sync.WaitGroup
	for n := range 4 {
		nodes.Go(func() {
			s, err := d.open(t)
			if err == nil {
				err = s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{request(fmt.Sprint("other-", n))}, Now: 1})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	refused(&eventlog.Commit{Requests: []*eventlog.Request{request("c")}, Now: 1})
	nodes.Wait()
	refused(&eventlog.Commit{Requests: []*eventlog.Request{act("d")}, Chain: newChain(t), Now: 1})
	refused(&eventlog.Commit{Cuts: []*eventlog.Cut{lost}})
	if err := one.Erase(t.Context(), []int64{head + 1}, func(int) {}); !fault.Has(err, fault.StoreUnreachable) {
		t.Errorf("an event that has the position of another is erased: %v", err)
	}

	now := epochsOf(t, one)
	if len(now) != 2 || now[0] != known[0] || now[1].After != head {
		t.Fatalf("the epochs are %+v, and the standby had the log up to %d", now, head)
	}
	if got := one.Epoch(); got != now[1].ID {
		t.Errorf("the store is in epoch %d, of %+v", got, now)
	}
	one.Accept(now[1].ID)
	commit(t, one, request("c")) // by a connection to the new server: what was refused before has met it
	if d.node(t); len(epochsOf(t, one)) != 2 || d.number(t, "SELECT max(low) FROM consumers") > head {
		t.Errorf("the epochs are %+v", epochsOf(t, one))
	}
	if end, _, err := one.Head(t.Context()); err != nil || end != head+5 {
		t.Errorf("the log ends at %d, %v", end, err)
	}

	// Begun by a node that found by itself that the log went back: once.
	for range 2 {
		if err := one.BeginEpoch(t.Context(), now[1].ID, 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := epochsOf(t, one); len(got) != 3 || got[2].After != 1 {
		t.Errorf("the epochs are %+v", got)
	}
}

// A hub that was down meanwhile: whoever starts first begins the epoch, and cursors of all that there is stay good.
func TestANodeThatWasDownBeginsTheEpoch(t *testing.T) {
	t.Parallel()
	var known []eventlog.Epoch
	head := int64(0)
	d, one := takenOver(t, func(_ database, s *postgres.Store) {
		known = epochsOf(t, s)
		head, _, _ = s.Head(t.Context())
	})
	one.Close()
	s := d.node(t)
	if now := epochsOf(t, s); len(now) != 2 || now[0] != known[0] || now[1].After != head {
		t.Errorf("the epochs are %+v, and the standby had the log up to %d", now, head)
	}
}

// A connection to a server that became a standby, or takes no writes for another reason, is not kept, and none is made.
func TestAServerThatIsReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	d := newDatabaseAt(t, pgtest.Start(t).URL())
	s := d.node(t)
	commit(t, s, request("a"))
	d.execute(t, "ALTER SYSTEM SET default_transaction_read_only = on")
	d.execute(t, "SELECT pg_reload_conf()")
	connected := int64(1)
	for tries := 0; connected > 0 && tries < 200; tries++ { // the server's processes hear of it one by one
		err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{request(fmt.Sprint("b-", tries))}, Now: 1})
		if err != nil && !fault.Has(err, fault.StoreUnreachable) {
			t.Fatal(err)
		}
		connected = d.number(t, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'varsel'")
	}
	if connected > 0 {
		t.Errorf("%d connections are kept", connected)
	}
	if _, err := d.open(t); !fault.Has(err, fault.StoreUnreachable) {
		t.Errorf("a server that takes no writes is taken: %v", err)
	}
	d.execute(t, "ALTER SYSTEM RESET default_transaction_read_only")
	d.execute(t, "SELECT pg_reload_conf()")
	for t.Context().Err() == nil {
		if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{request("c")}, Now: 1}); err == nil {
			return
		}
	}
}

// followed is a node's log on a store, which looks for others when it is told.
func followed(t *testing.T, s *postgres.Store) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(t.Context(), s, revision.NewBook(time.UTC), clock.System{}, eventlog.Options{Shared: &eventlog.Shared{Every: time.Hour, History: s}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Abandon)
	return l
}

// caughtUp has a log look, again where it did so by a connection to the server that is gone.
func caughtUp(t *testing.T, l *eventlog.Log) (err error) {
	t.Helper()
	for err = l.CatchUp(t.Context()); fault.Has(err, fault.StoreUnreachable) && t.Context().Err() == nil; {
		err = l.CatchUp(t.Context())
	}
	return err
}

// Others have appended after the takeover, so many that the log is longer than it ever was: who knows what was lost finds
// out all the same, and who knows nothing of it goes on, with cursors of the new epoch.
func TestWhoKnowsWhatWasLostFindsOut(t *testing.T) {
	t.Parallel()
	var knows, goesOn *eventlog.Log
	d, _ := takenOver(t, func(d database, s *postgres.Store) { knows, goesOn = followed(t, s), followed(t, d.node(t)) }, func() {
		if err := knows.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	known := epochsOf(t, d.node(t))
	for n := range 3 {
		commit(t, d.node(t), request(fmt.Sprint("other-", n)))
	}
	if err := caughtUp(t, knows); !fault.Has(err, fault.LogRewound) {
		t.Errorf("who knows what was lost goes on: %v", err)
	}
	if err := caughtUp(t, goesOn); err != nil || goesOn.Head() != knows.Head()+2 || goesOn.Cursor(1, false).Epoch != known[1].ID {
		t.Errorf("it is at %d, in %+v, %v", goesOn.Head(), goesOn.Epochs(), err)
	}
}
