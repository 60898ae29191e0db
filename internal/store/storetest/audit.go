package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// change is a request of one revision with its audit entry.
func change(t testing.TB, s Store, name string) *eventlog.Request {
	t.Helper()
	r := revisions(t, s, revision.Of("eva", revision.Source, name, event.Source{Name: name}))
	r.Audit = []audit.Entry{audit.Of("eva", audit.PutSource, "source/"+name, audit.Detail{Created: true})}
	return r
}

// forged is a row in the way of the third entry.
const forged = "INSERT INTO audit (number, at, actor, act, subject, detail, position, mac) SELECT 3, at, actor, act, subject, detail, position, mac FROM audit WHERE number = 2"

// The act and its entry are one transaction: when the entry cannot be written there is no revision, and when the
// revision is refused there is no entry. Numbers and times are drawn in the order of the append.
func anActAndItsEntry(t *testing.T, w *world) {
	s := w.open(t)
	first, stale, bare := change(t, s, "a"), change(t, s, "b"), &eventlog.Request{Audit: []audit.Entry{audit.Of("eva", audit.Discard, "hub", audit.Detail{Lanes: 2})}}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{first, stale, bare}, Now: 7, Chain: newChain(t)})
	if first.Err != nil || bare.Err != nil || !fault.Has(stale.Err, fault.Precondition) {
		t.Fatalf("%v %v %v", first.Err, bare.Err, stale.Err)
	}
	if first.Audit[0].Number != 1 || first.Audit[0].Position != 1 || bare.Audit[0].Number != 2 || bare.Audit[0].Position != 0 || bare.Audit[0].At != 7 {
		t.Errorf("%+v %+v", first.Audit[0], bare.Audit[0])
	}
	w.Execute(t, forged)
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{change(t, s, "c")}, Now: 8, Chain: newChain(t)}); err == nil {
		t.Fatal("the entry stands where another does")
	}
	if list, err := s.Revisions(t.Context(), 0); err != nil || len(list) != 1 {
		t.Errorf("%d revisions, %v: one without an entry", len(list), err)
	}
	w.Execute(t, "DELETE FROM audit WHERE number = 3")
	again := change(t, s, "c")
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{again}, Now: 5, Chain: newChain(t)})
	if entry := again.Audit[0]; entry.At != 7 || entry.Position != 2 { // time never goes back
		t.Errorf("%+v", entry)
	}
	keyless := change(t, s, "d")
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{keyless}, Now: 9})
	if !fault.Has(keyless.Err, fault.Internal) {
		t.Errorf("without a key: %v", keyless.Err)
	}
	if head, err := s.AuditHead(t.Context()); err != nil || head.Number != again.Audit[0].Number || head.MAC != again.Audit[0].MAC {
		t.Errorf("the head is %+v, %v", head, err)
	}
}

// The audit log is asked by actor, act, subject, status site and time, from either end, in pages.
func theAuditLogIsAsked(t *testing.T, w *world) {
	s := w.open(t)
	for i, e := range []audit.Entry{
		audit.Of("eva", audit.Pause, "system/a", audit.Detail{}), audit.Of("ole", audit.Pause, "system/b", audit.Detail{}),
		audit.Of("eva", audit.Resume, "system/a", audit.Detail{Lanes: 3}), audit.Of("eva", audit.Pause, "system/b", audit.Detail{}),
		audit.Of("ole", audit.PutSite, "site/prod", audit.Detail{}), audit.Of("ole", audit.OpenNotice, "notice/prod/n1", audit.Detail{}),
		audit.Of("ole", audit.SetState, "component/prod/c1", audit.Detail{}), audit.Of("ole", audit.SetState, "component/production/c1", audit.Detail{}),
		audit.Of("ole", audit.PutSite, "site/production", audit.Detail{}), audit.Of("ole", audit.PutSource, "source/prod", audit.Detail{}),
	} {
		commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Audit: []audit.Entry{e}}}, Now: int64(1000 * (i + 1)), Chain: newChain(t)})
	}
	for _, test := range []struct {
		q    audit.Query
		want []int64
	}{
		{audit.Query{}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{audit.Query{Newest: true, Limit: 2}, []int64{10, 9}},
		{audit.Query{Newest: true, Limit: 2, After: 3}, []int64{2, 1}},
		{audit.Query{After: 7}, []int64{8, 9, 10}},
		{audit.Query{Actor: "eva", Act: audit.Pause}, []int64{1, 4}},
		{audit.Query{Subject: "system/b", Newest: true}, []int64{4, 2}},
		{audit.Query{From: 2000, To: 4000}, []int64{2, 3}},
		{audit.Query{Site: "prod"}, []int64{5, 6, 7}},
		{audit.Query{Site: "prod", Newest: true, After: 7}, []int64{6, 5}},
		{audit.Query{Site: "prod", Act: audit.SetState}, []int64{7}},
		{audit.Query{Site: "pro"}, nil},
		{audit.Query{Actor: "ida"}, nil},
	} {
		list, err := s.Audit(t.Context(), test.q)
		var got []int64
		for i := range list {
			got = append(got, list[i].Number)
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v, %v", test.q, got, test.want, err)
		}
	}
	if list, err := s.Audit(t.Context(), audit.Query{After: 2, Limit: 1}); err != nil || len(list) != 1 || string(list[0].Detail) != `{"lanes":3}` || list[0].At != 3000 || list[0].Act != audit.Resume {
		t.Errorf("%+v %v", list, err)
	}
}

// DESIGN promise 12: whatever is done to the rows of the audit log is found and told.
func tamperingIsFound(t *testing.T, w *world) {
	s := w.open(t)
	for i := range 8 {
		commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{change(t, s, fmt.Sprintf("s%d", i))}, Now: int64(1000 + i), Chain: newChain(t)})
	}
	head, err := s.AuditHead(t.Context())
	if err != nil || head.Number != 8 {
		t.Fatalf("%+v %v", head, err)
	}
	w.Execute(t, "CREATE TABLE untouched AS SELECT * FROM audit")
	const copied = "INSERT INTO audit (number, at, actor, act, subject, detail, position, mac) SELECT %d, at, actor, act, subject, detail, position, mac FROM audit WHERE number = %d"
	for name, c := range map[string]struct {
		script string
		want   audit.Kind
		number int64
	}{
		"nothing":                    {"", "", 0},
		"another actor":              {"UPDATE audit SET actor = 'ole' WHERE number = 3", audit.Changed, 3},
		"another time":               {"UPDATE audit SET at = at + 1 WHERE number = 8", audit.Changed, 8},
		"another MAC":                {"UPDATE audit SET mac = (SELECT mac FROM audit WHERE number = 4) WHERE number = 5", audit.Changed, 5},
		"all changed":                {"UPDATE audit SET actor = 'ole'", audit.OtherKey, 1},
		"one deleted":                {"DELETE FROM audit WHERE number = 4", audit.Missing, 4},
		"two swapped":                {"UPDATE audit SET number = 99 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 6; UPDATE audit SET number = 6 WHERE number = 99", audit.Moved, 3},
		"a copy as a new row":        {fmt.Sprintf(copied, 9, 5), audit.Repeated, 9},
		"the tail cut off":           {"DELETE FROM audit WHERE number > 6", audit.Truncated, 7},
		"all cut off":                {"DELETE FROM audit", audit.Truncated, 1},
		"a tail cut off, and forged": {"DELETE FROM audit WHERE number = 8; " + fmt.Sprintf(copied, 8, 2), audit.Repeated, 8},
	} {
		t.Run(name, func(t *testing.T) {
			w.Execute(t, "DELETE FROM audit; INSERT INTO audit SELECT * FROM untouched; "+c.script)
			v, err := audit.Verify(w.Entries(t), newChain(t), []audit.Head{head}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if v.Break != nil || v.Entries != 8 || v.Heads != 1 {
					t.Errorf("%+v", v)
				}
			} else if v.Break == nil || v.Break.Kind != c.want || v.Break.Number != c.number || v.Entries != c.number-1 {
				t.Errorf("%d right, then %+v", v.Entries, v.Break)
			}
		})
	}
}
