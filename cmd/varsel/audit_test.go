package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/revision"
)

// audited is the data directory of a hub that was started, paused and resumed so often, and is still running until stop.
func audited(t *testing.T, data string, pauses int) (stop func()) {
	t.Helper()
	hub, err := app.New(t.Context(), app.Config{Data: data, NoAccess: true}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range pauses {
		if err := hub.Manager.Pause(t.Context(), revision.Hub, "eva", "for a test"); err != nil {
			t.Fatal(err)
		}
		if err := hub.Manager.Resume(t.Context(), revision.Hub, "ole"); err != nil {
			t.Fatal(err)
		}
	}
	return func() { hub.Stop(t.Context()) }
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The log is read and verified while the hub runs and when it is stopped, and reading changes nothing.
func TestTheAuditLogIsReadAndVerified(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	stop := audited(t, data, 2)
	for _, running := range []bool{true, false} {
		if !running {
			stop()
		}
		varsel("", "audit", "verify", "--data", data).want(t, 0, "✓ the audit log is whole", "5 entries are right")
		varsel("", "audit", "list", "--data", data).want(t, 0, "varsel            register", "eva               pause", "ole               resume", `{"documents":`)
	}
	list := varsel("", "audit", "list", "--data", data, "--actor", "eva", "--act", "pause", "--subject", "hub", "--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z", "--oldest", "--json")
	lines := strings.Split(strings.TrimSpace(list.out), "\n")
	var first struct {
		Number int
		Actor  string
		MAC    string
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || len(lines) != 2 || first.Number != 2 || first.Actor != "eva" || len(first.MAC) != 64 {
		t.Errorf("%s %v", list.out, err)
	}
	varsel("", "audit", "list", "--data", data, "--limit", "1").want(t, 0, "       5  ")
	head := varsel("", "audit", "head", "--data", data)
	head.want(t, 0, "5 ")
	varsel("", "audit", "head", "--data", data, "--json").want(t, 0, `{"mac":"`+strings.Fields(head.out)[1]+`","number":5}`)
}

// What is wrong is said in one sentence, with exit code 1.
func TestVerifySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	data, backup := t.TempDir(), filepath.Join(t.TempDir(), "varsel.db")
	audited(t, data, 1)()
	copyFile(t, filepath.Join(data, "varsel.db"), backup)
	audited(t, data, 2)()
	heads := filepath.Join(data, "audit-heads.jsonl")
	varsel("", "audit", "verify", "--data", data).want(t, 0, "7 entries are right, held against 4 exported heads")

	copyFile(t, backup, filepath.Join(data, "varsel.db")) // the end of the log is gone
	varsel("", "audit", "verify", "--data", data).want(t, 1, "✗ the end was removed: the head exported at ", "says that there were 7 entries, and there are 3")
	broken := varsel("", "audit", "verify", "--data", data, "--json")
	var report struct {
		Whole   bool
		Entries int
		Says    string
		Break   struct{ Kind string }
	}
	if err := json.Unmarshal([]byte(broken.out), &report); err != nil || broken.code != 1 || report.Whole || report.Entries != 3 || report.Break.Kind != "truncated" || report.Says == "" {
		t.Errorf("%+v %v", broken, err)
	}
	moved := filepath.Join(t.TempDir(), "heads")
	if err := os.Rename(heads, moved); err != nil {
		t.Fatal(err)
	}
	varsel("", "audit", "verify", "--data", data).want(t, 0, "! there are no exported heads")
	varsel("", "audit", "verify", "--data", data, "--heads", moved).want(t, 1, "the end was removed")
	varsel("", "audit", "verify", "--data", data, "--heads", heads).want(t, 1, "there is no file of heads")
	copyFile(t, filepath.Join(data, "secrets", "lane.key"), filepath.Join(data, "secrets", "audit.key"))
	varsel("", "audit", "verify", "--data", data).want(t, 1, "no entry fits the key")
	if err := os.Remove(filepath.Join(data, "secrets", "audit.key")); err != nil {
		t.Fatal(err)
	}
	varsel("", "audit", "verify", "--data", data).want(t, 1, "audit.key is gone: restore it from the backup")
	if _, err := app.New(t.Context(), app.Config{Data: data, NoAccess: true}, slog.New(slog.NewTextHandler(io.Discard, nil))); err == nil || !strings.Contains(err.Error(), "audit.key is gone") {
		t.Errorf("a hub went on with another key: %v", err)
	}
}

func TestAuditSaysWhatItCannotUse(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, what := range []string{"list", "verify", "head"} {
		varsel("", "audit", what, "--data", empty).want(t, 1, "there is no hub's database in "+empty)
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("reading left %v %v", left, err)
	}
	varsel("", "audit", "list", "--data", empty, "--act", "nothing").want(t, 1, "use one of [put-source")
	varsel("", "audit", "list", "--data", empty, "--from", "yesterday").want(t, 1, `--from is "yesterday"; give a time such as`)
	varsel("", "audit", "list", "--data", empty, "--to", "tomorrow").want(t, 1, `--to is "tomorrow"`)
	varsel("", "audit", "list", "--data", empty, "--limit=-1").want(t, 1, "--limit is -1")
}
