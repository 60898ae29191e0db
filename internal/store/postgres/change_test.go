package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// keptFor makes a request's events of a retention.
func keptFor(retention event.Retention, r *eventlog.Request) *eventlog.Request {
	for _, entry := range r.Entries {
		entry.Event.Retention = retention
	}
	return r
}

// A node whose clock is behind seals what it appends for the day on which it is recorded, which the log's end decides.
func TestTheLogDecidesTheDay(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	ahead, behind := d.node(t), d.node(t)
	commitAt(t, ahead, 3*day+5, keptFor("P1D", request("a")))
	commitAt(t, behind, 2*day, keptFor("P1D", request("b")))
	commitAt(t, behind, 2*day, keptFor("P1D", request("c")))
	if events, err := ahead.Range(t.Context(), 0, 3, 9); err != nil || events[1].Recorded != 3*day+5 || events[2].Recorded != 3*day+5 {
		t.Errorf("they are recorded at %d and %d, %v", events[1].Recorded, events[2].Recorded, err)
	}
	for forget, want := range map[int64]bool{2: false, 3: true} {
		if _, err := ahead.Forget(t.Context(), "P1D", forget); err != nil {
			t.Fatal(err)
		}
		if e, err := behind.At(t.Context(), 2); err != nil || (forget == 3 && e.Forgotten != want) {
			t.Errorf("after day %d was forgotten the event is %+v, %v", forget, e, err)
		}
	}
}

// A node does not know that another has forgotten the day that it appends to: its events go into another segment, and
// are not forgotten with the first.
func TestAnAppendToAForgottenDayBeginsAnotherSegment(t *testing.T) {
	t.Parallel()
	for _, prune := range []bool{false, true} {
		d := newDatabase(t)
		one, other := d.node(t), d.node(t)
		commitAt(t, one, day, keptFor("P1D", request("a")))
		commitAt(t, other, day, keptFor("P1D", request("b")))
		if _, err := one.Forget(t.Context(), "P1D", 1); err != nil {
			t.Fatal(err)
		}
		if prune {
			if _, err := one.Prune(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		commitAt(t, other, day, keptFor("P1D", request("c", "d")), request("e"))
		commitAt(t, one, day, keptFor("P1D", request("f")))
		for _, s := range []*postgres.Store{one, other} {
			if got := fmt.Sprint(logged(t, s)); got != `[  "c" "d" "e" "f"]` {
				t.Errorf("pruned %v: the log holds %s", prune, got)
			}
		}
		again := keptFor("P1D", request("a", "c"))
		if commitAt(t, other, day, again); again.Err != nil || again.Entries[0].Status != eventlog.Duplicate || again.Entries[1].Status != eventlog.Duplicate {
			t.Errorf("pruned %v: published again they are %+v, %v", prune, again.Entries, again.Err)
		}
	}
}

// Nodes that meet a source, a type and a day for the first time do so together.
func TestNodesMakeNamesAndSegmentsTogether(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	var all sync.WaitGroup
	const nodes, rounds = 4, 5
	for n := range nodes {
		s := d.node(t)
		all.Go(func() {
			for round := range rounds {
				r := keptFor(event.Retention(fmt.Sprintf("P%dD", round+1)), request(fmt.Sprint(n, "-", round)))
				r.Entries[0].Event.Source, r.Entries[0].Event.Type = fmt.Sprint("urn:", round), fmt.Sprint("t", round)
				if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: int64(round) * day}); err != nil || r.Err != nil {
					t.Error(err, r.Err)
				}
			}
		})
	}
	all.Wait()
	if got := logged(t, d.node(t)); len(got) != nodes*rounds {
		t.Errorf("the log holds %v", got)
	}
	for _, table := range []string{"sources", "types"} {
		if n := d.number(t, "SELECT count(*) FROM "+table); n != rounds {
			t.Errorf("%d %s", n, table)
		}
	}
}

func newChain(t testing.TB) *audit.Chain {
	t.Helper()
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

func act(subject string) *eventlog.Request {
	return &eventlog.Request{Audit: []audit.Entry{audit.Of("eva", audit.PutSource, subject, audit.Detail{Created: true})}}
}

// The audit log is one chain, whichever nodes write it.
func TestNodesWriteOneAuditLog(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	chain := newChain(t)
	var all sync.WaitGroup
	const nodes, rounds = 3, 10
	for n := range nodes {
		s := d.node(t)
		all.Go(func() {
			for round := range rounds {
				requests := []*eventlog.Request{act(fmt.Sprint(n, "/", round)), request(fmt.Sprint(n, "-", round)), act("nul\x00")}
				if err := s.Commit(t.Context(), &eventlog.Commit{Requests: requests, Chain: chain, Now: 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	log, err := postgres.OpenAudit(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	verified, err := audit.Verify(log.Entries(), chain, nil, nil)
	if err != nil || verified.Break != nil || verified.Entries != 2*nodes*rounds {
		t.Errorf("the log is %+v, %v", verified, err)
	}
}

// Each request of a group has its own end: what refuses one is no matter to the others.
func TestRequestsOfAGroupEndByThemselves(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	change := func(expect int64) *eventlog.Request {
		r := act("source/b")
		r.Revisions, r.Expect = []revision.Revision{revision.Removal("me", revision.Source, "b")}, expect
		return r
	}
	behind := &eventlog.Request{Clues: &eventlog.Clues{After: 5, UpTo: 6}}
	erasure, same := act(audit.OfErasure(1)), act(audit.OfErasure(1))
	erasure.Erasure, same.Erasure = &eventlog.Erasure{N: 1}, &eventlog.Erasure{N: 1}
	withEvents := request("e", "a")
	withEvents.Audit = act("events").Audit
	refused := request("f", "a'")
	refused.Audit = act("refused").Audit
	requests := []*eventlog.Request{
		request("a"), change(9), request("b", "nul\x00"), request("c"), change(0), change(0), behind, erasure, same, withEvents, refused, request("d"),
	}
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: requests, Chain: newChain(t), Now: 1}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range requests {
		code := "ok"
		if r.Err != nil {
			code = string(fault.Of(r.Err).Code)
		}
		got = append(got, code)
	}
	const want = "ok precondition-failed internal ok ok precondition-failed conflict ok conflict ok event-conflict ok"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("the requests ended as %s, want %s", text, want)
	}
	events, err := s.Range(t.Context(), 0, 9, 9)
	var data []string
	for _, e := range events {
		data = append(data, fmt.Sprint(e.Position, string(e.Data)))
	}
	if text := strings.Join(data, " "); text != `1"a" 2"c" 4"e" 5"d"` || err != nil {
		t.Errorf("the log holds %s, %v", text, err)
	}
	if n := d.number(t, "SELECT count(*) FROM audit"); n != 3 {
		t.Errorf("%d entries in the audit log", n)
	}
	if e := withEvents.Entries; e[0].Status != eventlog.Appended || e[0].Position != 4 || e[1].Status != eventlog.Duplicate || e[1].Position != 1 {
		t.Errorf("the request with an audit entry ended as %+v", e)
	}
}

// While there is no database everything is refused as such, and when it is back all goes on by itself.
func TestADatabaseComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	d := newDatabaseAt(t, server.URL())
	s := d.node(t)
	found(t, s, "s", "c")
	list, err := s.TakeUp(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, request("a"))
	for name, end := range map[string]func(){"stopped": server.Stop, "killed": server.Kill} {
		end()
		waiting := cut(list[0].ID, 0, 1, 7)
		errs := []error{
			s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{request(name)}, Now: 1}),
			s.Commit(t.Context(), &eventlog.Commit{Cuts: []*eventlog.Cut{waiting}}),
			s.Commit(t.Context(), &eventlog.Commit{}),
		}
		for _, err := range errs {
			if !fault.Has(err, fault.StoreUnreachable) {
				t.Errorf("without a database the end is %v", err)
			}
		}
		server.Restart(t)
		commit(t, s, request(name))
		if record(t, s, waiting); waiting.Lost {
			t.Error("the cut was lost")
		}
		// What a crash took back of the cuts before is missed by the one that builds on them.
		if _, err := s.TakeUp(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if events, err := s.Range(t.Context(), 0, 9, 9); err != nil || len(events) != 3 {
		t.Errorf("there are %d events, %v", len(events), err)
	}
}

// A standby that lagged takes over, and has lost what nodes still know of: they learn anew, and nothing is taken for what
// another node has made in its place.
func TestNodesLearnAnewAfterAStandbyTookOver(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	d := newDatabaseAt(t, server.URL())
	commit(t, d.node(t), request("a"))
	standby := server.Standby(t)
	d.url = fmt.Sprintf("postgres://postgres@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write", server.Addr(), standby.Addr())
	one := d.node(t)
	standby.Stop()
	of := func(source, id string) *eventlog.Request {
		r := keptFor("P9D", request(id))
		r.Entries[0].Event.Source, r.Entries[0].Event.Type = source, "of "+source
		return r
	}
	commit(t, one, of("urn:lost", "b"))
	server.Kill()
	standby.Restart(t)
	standby.Promote(t)
	other := d.node(t)
	commit(t, other, of("urn:other", "c"))
	reconnected(t, one)
	commit(t, one, of("urn:lost", "d"))
	for _, s := range []*postgres.Store{one, other} {
		events, err := s.Range(t.Context(), 0, 3, 9)
		if err != nil || len(events) != 3 || events[1].Source != "urn:other" || events[2].Source != "urn:lost" || events[2].Type != "of urn:lost" || string(events[2].Data) != `"d"` {
			t.Errorf("the log holds %+v, %v", events, err)
		}
	}
}

// reconnected has a store find out that its server was another process: who asks first may get a connection to that one.
func reconnected(t *testing.T, s *postgres.Store) {
	t.Helper()
	for {
		_, _, err := s.Head(t.Context())
		if err == nil {
			return
		}
		if !fault.Has(err, fault.StoreUnreachable) || t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// DESIGN promise 1: what was accepted is there after a crash, whatever kind of request it was; and a database that is set
// not to wait for its disk is refused.
func TestAcceptedIsDurable(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "wal_writer_delay=10s")
	d := newDatabaseAt(t, server.URL())
	s := d.node(t)
	commit(t, s, request("a"))
	server.Kill()
	server.Restart(t)
	reconnected(t, s)
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{act("b")}, Chain: newChain(t), Now: 1}); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Restart(t)
	reconnected(t, s)
	if n := d.number(t, "SELECT count(*) FROM audit"); n != 1 || len(logged(t, s)) != 1 {
		t.Errorf("there are %v, and %d entries in the audit log", logged(t, s), n)
	}
	d.execute(t, "ALTER DATABASE postgres SET synchronous_commit = off")
	vault, err := secret.Open(d.secrets)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), d.url, postgres.Options{Keys: vault, Same: sameData}); !fault.Has(err, fault.Configuration) {
		t.Errorf("a database that does not wait for its disk is opened: %v", err)
	}
}
