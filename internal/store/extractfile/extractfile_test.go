package extractfile_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/extractfile"
)

func TestAFileIsThereAsAWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "extracts")
	shelf := extractfile.New(dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kept, err := shelf.Create("a", "a-1.zip")
	must(err)
	_, err = kept.Write([]byte("whole"))
	must(err)
	if _, err := shelf.Open("a", "a-1.zip"); !fault.Has(err, fault.NotFound) {
		t.Errorf("it is read before it is kept: %v", err)
	}
	must(kept.Keep())
	file, err := shelf.Open("a", "a-1.zip")
	must(err)
	defer file.Close()
	if text, err := io.ReadAll(file); err != nil || string(text) != "whole" {
		t.Errorf("%q %v", text, err)
	}
	info, err := file.Stat()
	must(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	dropped, err := shelf.Create("a", "a-2.zip")
	must(err)
	dropped.Drop()
	if _, err := shelf.Create("b", "b-1.zip"); err != nil { // a crash leaves it so
		t.Fatal(err)
	}
	must(shelf.Tidy(func(extract, name string) bool { return extract == "a" && name == "a-1.zip" }))
	var left []string
	must(filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		left = append(left, filepath.Base(path))
		return err
	}))
	if len(left) != 3 || left[1] != "a" || left[2] != "a-1.zip" {
		t.Errorf("left %q", left)
	}
}

func TestNamesAreNames(t *testing.T) {
	t.Parallel()
	shelf := extractfile.New(t.TempDir())
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".part-x", "c:x", "/etc/passwd"} {
		if _, err := shelf.Create("a", name); !fault.Has(err, fault.NotFound) {
			t.Errorf("%q is created: %v", name, err)
		}
		if _, err := shelf.Open(name, "a"); !fault.Has(err, fault.NotFound) {
			t.Errorf("%q is opened: %v", name, err)
		}
	}
}

func TestFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shelf := extractfile.New(dir)
	for _, name := range []string{"a-1.zip", "a-2.zip"} {
		part, err := shelf.Create("a", name)
		if err == nil {
			err = part.Keep()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	half, err := shelf.Create("a", "a-3.zip")
	if err != nil {
		t.Fatal(err)
	}
	if err := shelf.Remove("a", func(name string) bool { return name != "a-1.zip" }); err != nil {
		t.Fatal(err)
	}
	if err := shelf.Remove("none", func(string) bool { return false }); err != nil {
		t.Errorf("of no extract: %v", err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "a"))
	if err != nil || len(left) != 1 || left[0].Name() != "a-2.zip" {
		t.Errorf("left are %v, %v", left, err)
	}
	if err := half.Keep(); err == nil {
		t.Error("what was half written is kept")
	}
}
