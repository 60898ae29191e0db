package lockfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/lockfile"
)

func TestADirectoryIsHeldByOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// What a longer id of a process that was killed has left says nothing.
	if err := os.WriteFile(filepath.Join(dir, lockfile.Name), []byte("99999999999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockfile.Take(dir)
	if want := fmt.Sprintf("process %d has %s", os.Getpid(), dir); !fault.Has(err, fault.DataInUse) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if err := os.Truncate(filepath.Join(dir, lockfile.Name), 0); err != nil {
		t.Fatal(err)
	}
	if _, err = lockfile.Take(dir); !fault.Has(err, fault.DataInUse) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("not signed yet: %v", err)
	}
	other, err := lockfile.Take(t.TempDir())
	if err != nil || other.Release() != nil {
		t.Errorf("another directory: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := lockfile.Take(dir)
	if err != nil || again.Release() != nil {
		t.Errorf("after its release: %v", err)
	}
	if _, err := lockfile.Take(filepath.Join(dir, "none")); !fault.Has(err, fault.Internal) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
