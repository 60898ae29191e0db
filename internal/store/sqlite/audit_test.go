package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	store "github.com/varselhub/varsel/internal/store/sqlite"
)

func newChain(t *testing.T) *audit.Chain {
	t.Helper()
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// change is a request of one revision with its audit entry.
func change(s *store.Store, t *testing.T, name string) *eventlog.Request {
	t.Helper()
	revisions, err := s.Revisions(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &eventlog.Request{
		Revisions: []revision.Revision{revision.Of("eva", revision.Source, name, event.Source{Name: name})},
		Audit:     []audit.Entry{audit.Of("eva", audit.PutSource, "source/"+name, audit.Detail{Created: true})},
	}
	if len(revisions) > 0 {
		r.Expect = revisions[len(revisions)-1].Position
	}
	return r
}

func verifyFile(t *testing.T, file string, heads ...audit.Head) audit.Verified {
	t.Helper()
	log, err := store.OpenAudit(file)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	v, err := audit.Verify(log.Entries(), newChain(t), heads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// alter does to a database what someone with access to the file can do, with the hub running.
func alter(t *testing.T, file, script string) {
	t.Helper()
	c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, script, nil); err != nil {
		t.Fatal(err)
	}
}

// DESIGN promise 12: whatever is done to the rows of the audit log is found and told.
func TestTamperingWithTheFileIsFound(t *testing.T) {
	t.Parallel()
	const copied = "INSERT INTO audit SELECT %s, at, actor, act, subject, detail, position, mac FROM audit WHERE number = %d;"
	for name, c := range map[string]struct {
		script string
		want   audit.Kind
		number int64
	}{
		"nothing":                        {"", "", 0},
		"UPDATE of the actor":            {"UPDATE audit SET actor = 'ole' WHERE number = 3", audit.Changed, 3},
		"UPDATE of the time":             {"UPDATE audit SET at = at + 1 WHERE number = 8", audit.Changed, 8},
		"UPDATE of the detail":           {"UPDATE audit SET detail = '' WHERE number = 1", audit.Changed, 1},
		"UPDATE of the position":         {"UPDATE audit SET position = 0 WHERE number = 4", audit.Changed, 4},
		"UPDATE of a MAC":                {"UPDATE audit SET mac = zeroblob(32) WHERE number = 5", audit.Changed, 5},
		"UPDATE of a MAC to none":        {"UPDATE audit SET mac = x'' WHERE number = 5", audit.Changed, 5},
		"UPDATE of all":                  {"UPDATE audit SET actor = 'ole'", audit.OtherKey, 1},
		"DELETE in the middle":           {"DELETE FROM audit WHERE number = 4", audit.Missing, 4},
		"DELETE of the first":            {"DELETE FROM audit WHERE number < 3", audit.Missing, 1},
		"DELETE, the rest renumbered":    {"DELETE FROM audit WHERE number = 4; UPDATE audit SET number = number - 1 WHERE number = 5; UPDATE audit SET number = number - 1 WHERE number = 6; UPDATE audit SET number = 6 WHERE number = 7; UPDATE audit SET number = 7 WHERE number = 8;", audit.Changed, 4},
		"two swapped":                    {"UPDATE audit SET number = 99 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 6; UPDATE audit SET number = 6 WHERE number = 99;", audit.Moved, 3},
		"a copy as a new row":            {fmt.Sprintf(copied, "9", 5), audit.Repeated, 9},
		"a forged row":                   {"INSERT INTO audit VALUES (9, 1, 'ole', 'discard', 'hub', '', 0, randomblob(32))", audit.Changed, 9},
		"the tail cut off":               {"DELETE FROM audit WHERE number > 6", audit.Truncated, 7},
		"all cut off":                    {"DELETE FROM audit", audit.Truncated, 1},
		"the tail cut off and forged":    {"DELETE FROM audit WHERE number = 8; " + fmt.Sprintf(copied, "8", 2), audit.Repeated, 8},
		"the table replaced by an empty": {"CREATE TABLE fake AS SELECT * FROM audit WHERE 0; DROP TABLE audit; ALTER TABLE fake RENAME TO audit;", audit.Truncated, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "hub.db")
			s := open(t, file)
			for i := range 8 {
				commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{change(s, t, fmt.Sprintf("s%d", i))}, Now: int64(1000 + i), Chain: newChain(t)})
			}
			head, err := s.AuditHead(t.Context())
			if err != nil || head.Number != 8 {
				t.Fatalf("%+v %v", head, err)
			}
			alter(t, file, c.script)
			v := verifyFile(t, file, head)
			if c.want == "" {
				if v.Break != nil || v.Entries != 8 || v.Heads != 1 {
					t.Errorf("%+v", v)
				}
				return
			}
			if v.Break == nil || v.Break.Kind != c.want || v.Break.Number != c.number || v.Entries != c.number-1 {
				t.Errorf("%d right, then %+v", v.Entries, v.Break)
			}
		})
	}
}

// A tail that is cut off while the hub is stopped is found although the hub goes on writing behind what is left.
func TestACutTailIsFoundAfterMoreWasWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	write := func(names ...string) audit.Head {
		s := open(t, file)
		for _, name := range names {
			commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{change(s, t, name)}, Now: 1, Chain: newChain(t)})
		}
		head, err := s.AuditHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		return head
	}
	head := write("a", "b", "c")
	alter(t, file, "DELETE FROM audit WHERE number = 3")
	write("d", "e")
	if v := verifyFile(t, file, head); v.Break == nil || v.Break.Kind != audit.Rewritten || v.Break.Number != 3 {
		t.Errorf("%+v", v.Break)
	}
	if v := verifyFile(t, file); v.Break != nil || v.Entries != 4 {
		t.Errorf("without a head nothing tells: %+v", v.Break)
	}
}

func TestWhoOnlyReadsMakesNoDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	if _, err := store.OpenAudit(file); err == nil {
		t.Error("a database that is not there was opened")
	}
	alter := func(version int) {
		c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite|sqlite.OpenCreate)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := sqlitex.ExecuteScript(c, fmt.Sprintf("PRAGMA user_version=%d", version), nil); err != nil {
			t.Fatal(err)
		}
	}
	alter(99)
	if _, err := store.OpenAudit(file); err == nil {
		t.Error("a database of another varsel was read")
	}
}
