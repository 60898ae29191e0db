package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/app"
)

// stopped is the data directory of a hub that has run and holds events.
func stopped(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	hub, err := app.New(context.Background(), app.Config{Data: data, Version: "v-test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	hub.Stop(context.Background())
	return data
}

// What a person who restores at night must be told, and what is refused.
func TestBackupAndRestoreTellWhatToDoNext(t *testing.T) {
	t.Parallel()
	data, dir := stopped(t), t.TempDir()
	to, anew := filepath.Join(dir, "backup"), filepath.Join(dir, "anew")
	varsel("", "backup", "--data", data, "--to", to).want(t, exitDone, "up to position", to+".json", "cannot be read without", "copying")
	varsel("", "backup", "--data", data, "--to", to).want(t, exitFail, "there already", "Nothing is overwritten")
	varsel("", "backup", "--data", dir, "--to", to+"2").want(t, exitFail, "no-database", "--data")
	varsel("", "restore", "--from", to, "--data", anew).want(t, exitDone, "new epoch", "publish it again", "lane.key", "checking every page")
	varsel("", "restore", "--from", to, "--data", anew).want(t, exitFail, "there already")
	if err := os.WriteFile(to, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	varsel("", "restore", "--from", to, "--data", filepath.Join(dir, "other")).want(t, exitFail, "backup-invalid", "SHA-256", "older backup")
}

func TestKeysTellWhichAreNeeded(t *testing.T) {
	t.Parallel()
	data := stopped(t)
	varsel("", "keys", "list", "--data", data).want(t, exitDone, "in use")
	varsel("", "keys", "rotate", "--data", data).want(t, exitDone, "wraps from now on", "Back up")
	after := varsel("", "keys", "list", "--data", data)
	after.want(t, exitDone, "needed by backups", "in use")
	if lines := strings.Count(after.out, "kek-"); lines != 2 {
		t.Errorf("%d keys are listed", lines)
	}
	other := filepath.Join(t.TempDir(), "none")
	varsel("", "keys", "rotate", "--data", other).want(t, exitFail, "no-database")
	if _, err := os.Stat(other); err == nil {
		t.Error("a mistyped directory was made")
	}
}
