package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// copied backs a store up and returns the file.
func copied(t *testing.T, file string) (to string, m sqlite.Manifest) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "backup")
	m, err := sqlite.Backup(t.Context(), file, to, sqlite.Copying{})
	if err != nil {
		t.Fatal(err)
	}
	return to, m
}

// restored makes a store of a backup with the vault of another, erasing what the journal says.
func restored(t *testing.T, from, vaultOf string, journal ...eventlog.Journaled) (s *sqlite.Store, file, erased string) {
	t.Helper()
	file = filepath.Join(filepath.Dir(vaultOf), fmt.Sprint(len(t.Name()), "-", filepath.Base(filepath.Dir(from)), "-restored.db"))
	_, err := sqlite.Restore(t.Context(), from, file, sqlite.Copying{Erasures: journal, Erased: func(events, rows, erasures int) {
		erased = fmt.Sprintf("%d of %d", events, erasures)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, file), file, erased
}

// left lists the positions that can still be read.
func left(t *testing.T, s *sqlite.Store) (list []int64) {
	t.Helper()
	events, err := s.Range(t.Context(), 0, 1000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if !e.Forgotten {
			list = append(list, e.Position)
		}
	}
	return list
}

func journaled(t *testing.T, s *sqlite.Store, n int64, positions ...int64) eventlog.Journaled {
	t.Helper()
	epochs, err := s.Epochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return eventlog.Journaled{N: n, At: 100 + n, Epochs: epochs, Positions: positions}
}

// Who was erased is not brought back by a restore: the journal erases again what the copy holds, from backups of any age,
// and never an event of another history at the same position.
func TestARestoreErasesAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	add := func(s *sqlite.Store, from, to int) {
		for n := from; n <= to; n++ {
			commitEvents(t, s, day, personal(fmt.Sprint(n), "P30D"))
		}
	}
	add(s, 1, 4)
	older, _ := copied(t, file)
	add(s, 5, 8)
	first := journaled(t, s, 1, 2, 6)
	begin(t, s, &eventlog.Erasure{N: 1, Author: "me", Reason: "case 7", UpTo: 8, Positions: first.Positions})
	if err := s.Erase(t.Context(), first.Positions, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if err := s.EndErasure(t.Context(), 1, 99); err != nil {
		t.Fatal(err)
	}
	newer, manifest := copied(t, file)
	second := journaled(t, s, 2, 3, 7)
	if manifest.Erasures != 1 {
		t.Errorf("the manifest says %d", manifest.Erasures)
	}

	for _, c := range []struct {
		from    string
		journal []eventlog.Journaled
		left    []int64
		erased  string
	}{
		{older, nil, []int64{1, 2, 3, 4}, ""},
		{older, []eventlog.Journaled{first}, []int64{1, 3, 4}, "1 of 1"},
		{older, []eventlog.Journaled{first, second, second}, []int64{1, 4}, "2 of 2"},
		{newer, []eventlog.Journaled{first}, []int64{1, 3, 4, 5, 7, 8}, "0 of 0"},
		{newer, []eventlog.Journaled{first, second}, []int64{1, 4, 5, 8}, "2 of 1"},
	} {
		file := filepath.Join(filepath.Dir(file), fmt.Sprint(len(c.journal), filepath.Base(filepath.Dir(c.from)), ".db"))
		erased := ""
		_, err := sqlite.Restore(t.Context(), c.from, file, sqlite.Copying{Erasures: c.journal, Erased: func(events, rows, erasures int) {
			erased = fmt.Sprintf("%d of %d", events, erasures)
		}})
		if err != nil {
			t.Fatal(err)
		}
		r := open(t, file)
		if got := left(t, r); !slices.Equal(got, c.left) || erased != c.erased {
			t.Errorf("with %d lines %v are left, %s; want %v, %s", len(c.journal), got, erased, c.left, c.erased)
		}
		known, err := r.Erasures(t.Context(), 0, false, 10)
		if last := len(c.journal); err != nil || len(c.journal) > 0 && (len(known) == 0 || known[0].N != c.journal[last-1].N || known[0].Ended == 0) {
			t.Errorf("it knows of %+v, %v", known, err)
		}
	}

	// Another history: the older backup goes on with other events at positions 5 to 8, of which 6 is erased there.
	other, otherFile, _ := restored(t, older, file, first)
	add(other, 15, 18)
	third := journaled(t, other, 3, 1, 6)
	if got := left(t, other); !slices.Equal(got, []int64{1, 3, 4, 5, 6, 7, 8}) {
		t.Fatalf("the other history has %v", got)
	}
	again, _ := copied(t, otherFile)
	if r, _, erased := restored(t, again, file, first, second, third); erased != "3 of 2" || !slices.Equal(left(t, r), []int64{4, 5, 7, 8}) {
		t.Errorf("of the other history are left %v, %s", left(t, r), erased)
	}
	if r, _, erased := restored(t, newer, file, third); erased != "1 of 1" || !slices.Equal(left(t, r), []int64{3, 4, 5, 7, 8}) {
		t.Errorf("of this history are left %v, %s", left(t, r), erased)
	}
}
