package headfile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/headfile"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func read(t *testing.T, dir string) []audit.Head {
	t.Helper()
	heads, unreadable, err := headfile.Read(filepath.Join(dir, headfile.Name))
	if err != nil || unreadable > 0 {
		t.Fatalf("%d unreadable, %v", unreadable, err)
	}
	return heads
}

func TestHeadsAreReadBackAsAppended(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	want := []audit.Head{{At: 1}, {Number: 7, MAC: audit.MAC{1, 2}, At: clock.Micros(epoch)}, {Number: 7, MAC: audit.MAC{1, 2}, At: clock.Micros(epoch) + 1}}
	for _, head := range want {
		if err := headfile.Append(dir, head); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, dir); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	info, err := os.Stat(filepath.Join(dir, headfile.Name))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// A crash may leave half a line: the next one stands on a line of its own, and the half is counted, not believed.
func TestATornLineHarmsNoOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, headfile.Name)
	torn := `{"number":1,"mac":"00"}` + "\nnot json\n\n" + `{"number":-1,"mac":"` + (audit.MAC{}).String() + `","at":"2026-03-01T12:00:00Z"}` + "\n" + `{"numb`
	if err := os.WriteFile(file, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := headfile.Append(dir, audit.Head{Number: 3, At: 5}); err != nil {
		t.Fatal(err)
	}
	heads, unreadable, err := headfile.Read(file)
	if err != nil || unreadable != 4 || len(heads) != 1 || heads[0].Number != 3 {
		t.Errorf("%+v, %d unreadable, %v", heads, unreadable, err)
	}
	if _, _, err := headfile.Read(file + ".none"); !errors.Is(err, fs.ErrNotExist) || !fault.Has(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// world is an exporter of a log that the test moves.
type world struct {
	clock    *clock.Fake
	dir      string
	log      audit.Head
	err      error
	reported []error
	exporter *headfile.Exporter
}

func newWorld(dir string) *world {
	w := &world{clock: clock.NewFake(epoch), dir: dir, log: audit.Head{Number: 5, MAC: audit.MAC{5}}}
	w.exporter = headfile.NewExporter(dir, func(context.Context) (audit.Head, error) { return w.log, w.err }, w.clock, func(_ string, err error) {
		if err != nil {
			w.reported = append(w.reported, err)
		}
	})
	return w
}

func TestHeadsAreExportedAtStartAtStopAndDaily(t *testing.T) {
	t.Parallel()
	w := newWorld(t.TempDir())
	w.exporter.Stop(t.Context()) // before it was started: nothing
	w.exporter.Start(t.Context())
	w.clock.Advance(72 * time.Hour)
	w.log = audit.Head{Number: 6, MAC: audit.MAC{6}}
	w.exporter.Stop(t.Context())
	w.clock.Advance(72 * time.Hour)
	var days, numbers []int64
	for _, head := range read(t, w.dir) {
		days, numbers = append(days, (head.At-clock.Micros(epoch))/(24*time.Hour).Microseconds()), append(numbers, head.Number)
	}
	if !slices.Equal(days, []int64{0, 1, 2, 3, 3}) || !slices.Equal(numbers, []int64{5, 5, 5, 5, 6}) || len(w.reported) > 0 {
		t.Errorf("days %v, numbers %v, %v", days, numbers, w.reported)
	}
}

func TestAnExportThatFailsIsToldAndTriedAgainSoon(t *testing.T) {
	t.Parallel()
	w := newWorld(t.TempDir())
	w.err = errors.New("no log")
	w.exporter.Start(t.Context())
	w.clock.Advance(10 * time.Minute)
	if len(w.reported) != 2 {
		t.Errorf("%v", w.reported)
	}
	w.err = nil
	w.clock.Advance(10 * time.Minute)
	if heads := read(t, w.dir); len(heads) != 1 || heads[0].At != clock.Micros(epoch.Add(20*time.Minute)) {
		t.Errorf("%+v", heads)
	}
	file := filepath.Join(w.dir, "file") // no directory can be made there
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := headfile.Append(file, w.log); !fault.Has(err, fault.StorageFull) {
		t.Errorf("%v", err)
	}
}

// A log that ends before, or otherwise than, its last exported head is told of at once when the hub starts.
func TestALogThatLostItsEndIsToldOfAtStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		log    audit.Head
		amends bool
	}{
		"as it was": {audit.Head{Number: 5, MAC: audit.MAC{5}}, false},
		"longer":    {audit.Head{Number: 9, MAC: audit.MAC{9}}, false},
		"shorter":   {audit.Head{Number: 4, MAC: audit.MAC{4}}, true},
		"another":   {audit.Head{Number: 5, MAC: audit.MAC{6}}, true},
		"empty":     {audit.Head{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := newWorld(t.TempDir())
			before.exporter.Start(t.Context())
			before.exporter.Stop(t.Context())
			w := newWorld(before.dir)
			w.log = c.log
			w.exporter.Start(t.Context())
			if told := len(w.reported) > 0; told != c.amends {
				t.Errorf("%v", w.reported)
			}
		})
	}
}

// Whatever stands in the file, it is read or counted, and a head appended behind it is read back.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"number":1,"mac":"00"}` + "\n"))
	f.Add([]byte("{}\n\n[]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, headfile.Name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		before, _, err := headfile.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		want := audit.Head{Number: 3, MAC: audit.MAC{9}, At: clock.Micros(epoch)}
		if err := headfile.Append(dir, want); err != nil {
			t.Fatal(err)
		}
		after, _, err := headfile.Read(file)
		if err != nil || len(after) != len(before)+1 || after[len(before)] != want {
			t.Errorf("%d heads, then %+v %v", len(before), after, err)
		}
	})
}
