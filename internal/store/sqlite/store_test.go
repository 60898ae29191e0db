package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

func same(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }

// vault is the one beside a database.
func vault(t testing.TB, file string) *secret.Vault {
	t.Helper()
	v, err := secret.Open(filepath.Join(filepath.Dir(file), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// options are those of a store in a directory of its own.
func options(t testing.TB, same func(stored, offered *event.Event) bool) sqlite.Options {
	t.Helper()
	return sqlite.Options{Keys: vault(t, filepath.Join(t.TempDir(), "hub.db")), Same: same}
}

func open(t testing.TB, file string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(id, data string, lane byte) eventlog.Entry {
	return eventlog.Entry{Event: &event.Event{
		ID: ident.Message("urn:s", id), Source: "urn:s", SourceID: id, Type: "t", Version: "v1", Lane: event.Lane{lane},
		Organisation: event.Organisation{Type: "5", Code: "101"}, Personal: true,
		Head: fmt.Appendf(nil, `{"id":%q}`, id), MediaType: "text/plain", Data: []byte(data),
	}}
}

func commit(t *testing.T, s *sqlite.Store, c *eventlog.Commit) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// A file of another schema is refused, not guessed at.
func TestOtherSchemaIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	first, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same, Version: "v7.0"})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bytes[63] = 99 // user_version, SQLite file format section 1.3
	if err := os.WriteFile(file, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same})
	if !fault.Has(err, fault.StoreNewer) || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), "varsel v7.0") {
		t.Errorf("want it refused, and said which version wrote it, got %v", err)
	}
	if err == nil {
		s.Close()
	}
}

// Promise 1 and DESIGN section 5, Record: on a full disk a commit is refused whole, what was accepted stays, and when
// there is room again commits go through.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	s := open(t, filepath.Join(dir, "hub.db"))
	accepted := int64(0)
	var err error
	for i := 0; err == nil; i++ {
		entry := fresh(fmt.Sprint(i), string(make([]byte, 8<<10)), 1)
		if err = s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}, Now: 1}); err == nil {
			accepted = entry.Event.Position
		}
	}
	events, rangeErr := s.Range(t.Context(), 0, accepted+10, 1000)
	if rangeErr != nil || int64(len(events)) != accepted {
		t.Fatalf("want the %d accepted events readable, got %d, %v", accepted, len(events), rangeErr)
	}
	if out, err := exec.Command("mount", "-o", "remount,size=64m", dir).CombinedOutput(); err != nil {
		t.Fatalf("cannot grow the disk: %v %s", err, out)
	}
	entry := fresh("after", "x", 1)
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{entry}}}, Now: 1})
	if entry.Event.Position != accepted+1 {
		t.Errorf("want position %d after the full disk, got %d", accepted+1, entry.Event.Position)
	}
}

// smallDisk mounts a file system of a size; it needs root, as CI has.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", size), "tmpfs", dir).CombinedOutput()
	if err != nil {
		message := fmt.Sprintf("NOT TESTED: a full disk needs a small tmpfs, which only root can mount: %v %s", err, out)
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("cannot unmount: %v %s", err, out)
		}
	})
	return dir
}
