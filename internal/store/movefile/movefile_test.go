package movefile_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/movefile"
)

// A move is one from its beginning to its end, and keeps the directory's hub from starting in between and after.
func TestAMoveIsNoted(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Unix(1_000_000, 0)
	if err := movefile.Refuse(dir); err != nil {
		t.Errorf("a hub that stays is refused: %v", err)
	}
	m, err := movefile.Begin(dir, "postgres://a/b", now)
	if err != nil || m.Resumed() {
		t.Fatal(m, err)
	}
	again, err := movefile.Begin(dir, "postgres://a/b", now.Add(time.Hour))
	if err != nil || again.ID != m.ID || !again.Began.Equal(now) || !again.Resumed() {
		t.Errorf("begun again it is %+v, %v", again, err)
	}
	if again.Undo(dir); !fault.Has(movefile.Refuse(dir), fault.MoveUnfinished) {
		t.Error("who goes on with a move takes it back")
	}
	if _, err := movefile.Begin(dir, "postgres://a/c", now); !fault.Has(err, fault.MoveUnfinished) {
		t.Errorf("to another database: %v", err)
	}
	if err := again.Finish(dir, now.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := movefile.Begin(dir, "postgres://a/b", now); !fault.Has(err, fault.HubMoved) || !fault.Has(movefile.Refuse(dir), fault.HubMoved) {
		t.Errorf("after its end: %v", err)
	}
}

// What Begin noted can be taken back while nothing was moved, and what cannot be read is not taken for nothing.
func TestANoteIsTakenBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := movefile.Begin(dir, "postgres://a/b", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if m.Undo(dir); movefile.Refuse(dir) != nil {
		t.Error("it is still there")
	}
	if err := os.WriteFile(filepath.Join(dir, movefile.Name), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := movefile.Refuse(dir); err == nil {
		t.Error("half a note is taken for none")
	}
}
