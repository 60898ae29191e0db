package erasurefile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/erasurefile"
)

var key = bytes.Repeat([]byte{7}, 32)

func erasure(n int64) eventlog.Journaled {
	return eventlog.Journaled{N: n, At: 1_000_000 * n, Epochs: []eventlog.Epoch{{ID: 5}, {ID: 9, After: 40}}, Positions: []int64{n, n + 7, 1 << 40}}
}

func written(t *testing.T, numbers ...int64) (j *erasurefile.Journal, file string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	j = erasurefile.New(dir, key)
	for _, n := range numbers {
		if err := j.Append(erasure(n)); err != nil {
			t.Fatal(err)
		}
	}
	return j, filepath.Join(dir, erasurefile.Name)
}

func change(t *testing.T, file string, how func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, how(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestErasuresAreReadBackAsAppended(t *testing.T) {
	t.Parallel()
	j, file := written(t, 1, 2, 2, 3)
	list, torn, err := j.Read()
	if want := []eventlog.Journaled{erasure(1), erasure(2), erasure(2), erasure(3)}; err != nil || torn || !reflect.DeepEqual(list, want) {
		t.Errorf("%+v %v %v", list, torn, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, _, err := erasurefile.At(file+".none", key).Read(); !errors.Is(err, fs.ErrNotExist) || !fault.Has(err, fault.JournalMissing) {
		t.Error(err)
	}
}

// A crash in the middle of a line leaves the others; what comes after it replaces the half.
func TestATornLineIsNoErasure(t *testing.T) {
	t.Parallel()
	whole, file := written(t, 1, 2)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(text, '\n') + 1
	for cut := first; cut < len(text); cut++ {
		change(t, file, func([]byte) []byte { return text[:cut] })
		list, torn, err := whole.Read()
		if err != nil || len(list) != 1 || torn != (cut > first) {
			t.Fatalf("cut at %d: %d %v %v", cut, len(list), torn, err)
		}
	}
	if err := whole.Append(erasure(3)); err != nil {
		t.Fatal(err)
	}
	if list, torn, err := whole.Read(); err != nil || torn || len(list) != 2 || list[1].N != 3 {
		t.Errorf("%+v %v %v", list, torn, err)
	}
}

// Nobody without the key changes a line, takes one out or puts one in unseen.
func TestAChangedJournalIsNotBelieved(t *testing.T) {
	t.Parallel()
	lines := func(text []byte) [][]byte { return bytes.SplitAfter(text, []byte("\n")) }
	for name, how := range map[string]func([]byte) []byte{
		"another position": func(text []byte) []byte { return bytes.Replace(text, []byte(`"erasure":2`), []byte(`"erasure":4`), 1) },
		"one taken out":    func(text []byte) []byte { l := lines(text); return append(l[0], l[2]...) },
		"the first gone":   func(text []byte) []byte { return bytes.Join(lines(text)[1:], nil) },
		"one twice":        func(text []byte) []byte { l := lines(text); return append(append(text, l[2]...), '\n') },
		"no JSON":          func(text []byte) []byte { return append(text, "rubbish\n"...) },
		"an empty line":    func(text []byte) []byte { return append(text, '\n') },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, file := written(t, 1, 2, 3)
			change(t, file, how)
			if list, _, err := j.Read(); !fault.Has(err, fault.JournalInvalid) || list != nil {
				t.Errorf("%+v %v", list, err)
			}
			if err := j.Append(erasure(4)); !fault.Has(err, fault.JournalInvalid) {
				t.Errorf("it was written on: %v", err)
			}
		})
	}
	_, file := written(t, 1)
	if _, _, err := erasurefile.At(file, bytes.Repeat([]byte{8}, 32)).Read(); !fault.Has(err, fault.JournalInvalid) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"entry":{"erasure":1},"mac":"00"}` + "\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), erasurefile.Name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if list, _, err := erasurefile.At(file, key).Read(); len(list) > 0 {
			t.Errorf("%+v %v", list, err)
		}
	})
}
