package sqlite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

func backUp(t testing.TB, file, to string) sqlite.Manifest {
	t.Helper()
	m, err := sqlite.Backup(t.Context(), file, to, sqlite.Copying{Version: "v-test"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// names lists what is in a directory, besides the secrets.
func names(t testing.TB, dir string) (list []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.Name() != "secrets" {
			list = append(list, file.Name())
		}
	}
	return list
}

// A backup of a hub under load is the log up to one moment: all that was accepted before it began, in order, and nothing
// half. Neither the person nor the vault's key is in it.
func TestBackupWhileCommitting(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	var accepted atomic.Int64
	stop, stopped, committed := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			r := &eventlog.Request{}
			for i := range 20 {
				r.Entries = append(r.Entries, fresh(fmt.Sprint(n, "-", i), large(n, i), 1))
			}
			if err := s.Commit(context.Background(), &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: day}); err != nil {
				t.Error(err)
				return
			}
			accepted.Store(r.Entries[19].Position)
			select {
			case committed <- struct{}{}:
			default:
			}
		}
	}()
	for range 15 {
		<-committed
	}
	before, steps := accepted.Load(), 0
	to := filepath.Join(t.TempDir(), "hub.backup")
	m, err := sqlite.Backup(t.Context(), file, to, sqlite.Copying{Version: "v-test", Tell: func(done, total int64) {
		if done < total {
			steps++
			<-committed // so that there is a commit between two steps
		}
	}})
	if steps == 0 {
		t.Error("the copy was made in one step: it was not under load")
	}
	after := accepted.Load()
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	if m.Head < before || m.Head > after+20 || m.Head%20 != 0 || m.Version != "v-test" || m.Schema != 3 || len(m.KEKs) != 1 {
		t.Errorf("accepted before %d, after %d: %+v", before, after, m)
	}
	if got := names(t, filepath.Dir(to)); fmt.Sprint(got) != "[hub.backup hub.backup.json]" {
		t.Errorf("the backup is %v", got)
	}
	for name, marker := range map[string][]byte{"the person": []byte(person), "the key": kekBytes(t, file, m.KEKs[0]), "the key's text": []byte(hex.EncodeToString(kekBytes(t, file, m.KEKs[0])))} {
		if files := standsIn(t, filepath.Dir(to), marker); files != nil {
			t.Errorf("%s stands in %v", name, files)
		}
	}
	restored := filepath.Join(t.TempDir(), "hub.db")
	if _, err := sqlite.Restore(t.Context(), to, restored, sqlite.Copying{}); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.Open(restored, sqlite.Options{Keys: vault(t, file), Same: same})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	events, err := r.Range(t.Context(), 0, m.Head+10, 1<<20)
	if err != nil || int64(len(events)) != m.Head {
		t.Fatalf("%d events of %d, %v", len(events), m.Head, err)
	}
	for i, e := range events {
		if e.Position != int64(i+1) || string(e.Data) != large(i/20, i%20) {
			t.Fatalf("at %d stands %.50s", e.Position, e.Data)
		}
	}
}

// large is the data of an event of 40 KB.
func large(n, i int) string {
	return fmt.Sprintf("%s %d %d %s", person, n, i, strings.Repeat("x", 40_000))
}

func kekBytes(t testing.TB, file, id string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "secrets", "kek-"+id))
	if err != nil {
		t.Fatal(err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// DESIGN section 5: a restore begins a new epoch. Cursors of before hold up to the backup's head; beyond it the log was
// rewound. The data keys of the lost tail are not used again.
func TestRestoreBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	file, to := filepath.Join(t.TempDir(), "hub.db"), filepath.Join(t.TempDir(), "hub.backup")
	s := open(t, file)
	commitEvents(t, s, day, personal("1", "P30D"), personal("2", "P30D"))
	m := backUp(t, file, to)
	commitEvents(t, s, day, personal("3", "P30D"), personal("4", "P30D"))
	old := openLog(t, s)
	cursor := map[int64]eventlog.Cursor{}
	for position := int64(0); position <= 4; position++ {
		cursor[position] = old.Cursor(position, false)
	}
	restored := filepath.Join(t.TempDir(), "sub", "hub.db")
	if _, err := sqlite.Restore(t.Context(), to, restored, sqlite.Copying{}); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.Open(restored, sqlite.Options{Keys: vault(t, file), Same: same})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	epochs, err := r.Epochs(t.Context())
	if err != nil || len(epochs) != 2 || epochs[0].ID != m.Epoch || epochs[1].ID == m.Epoch || epochs[1].After != 2 {
		t.Fatalf("epochs %+v, %v", epochs, err)
	}
	commitEvents(t, r, day, personal("5", "P30D"), personal("6", "P30D"), personal("7", "P30D"))
	if n := count(t, restored, "SELECT count(DISTINCT key) FROM payloads"); n != 2 {
		t.Errorf("want what comes after a restore under a key of its own, got %d keys", n)
	}
	anew := openLog(t, r)
	for position, c := range cursor {
		got, err := anew.Resolve(c)
		if position <= 2 {
			if err != nil || got.Position != position || got.Epoch == c.Epoch {
				t.Errorf("the cursor at %d is %+v, %v", position, got, err)
			}
		} else if !fault.Has(err, fault.LogRewound) {
			t.Errorf("the cursor at %d, beyond the backup, is %+v, %v", position, got, err)
		}
	}
}

func openLog(t testing.TB, s *sqlite.Store) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(context.Background(), s, revision.NewBook(time.UTC), clock.System{}, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// What is not whole, or not what its manifest says, is refused, and nothing is left of the attempt.
func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	edit := func(change func(m *sqlite.Manifest)) func(t *testing.T, to string) {
		return func(t *testing.T, to string) {
			text, err := os.ReadFile(to + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var m sqlite.Manifest
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			change(&m)
			if text, err = json.Marshal(m); err != nil {
				t.Fatal(err)
			}
			write(t, to+".json", text)
		}
	}
	change := func(do func(content []byte) []byte) func(t *testing.T, to string) {
		return func(t *testing.T, to string) {
			content, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			write(t, to, do(content))
		}
	}
	// both changes the file and describes what came of it: damage from before the backup.
	both := func(do func(content []byte) []byte) func(t *testing.T, to string) {
		return func(t *testing.T, to string) {
			change(do)(t, to)
			content, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			edit(func(m *sqlite.Manifest) { sum := sha256.Sum256(content); m.SHA256 = hex.EncodeToString(sum[:]) })(t, to)
		}
	}
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, to string)
		want   fault.Code
	}{
		{"a bit", change(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), fault.BackupInvalid},
		{"cut short", change(func(b []byte) []byte { return b[:len(b)-8192] }), fault.BackupInvalid},
		{"too long", change(func(b []byte) []byte { return append(b, 0) }), fault.BackupInvalid},
		{"the file missing", func(t *testing.T, to string) { remove(t, to) }, fault.BackupInvalid},
		{"the manifest missing", func(t *testing.T, to string) { remove(t, to+".json") }, fault.BackupInvalid},
		{"the manifest not one", func(t *testing.T, to string) { write(t, to+".json", []byte("x")) }, fault.BackupInvalid},
		{"another format", edit(func(m *sqlite.Manifest) { m.Format = 2 }), fault.BackupInvalid},
		{"another head", edit(func(m *sqlite.Manifest) { m.Head++ }), fault.BackupInvalid},
		{"another epoch", edit(func(m *sqlite.Manifest) { m.Epoch++ }), fault.BackupInvalid},
		{"a page damaged before", both(damagePage(3)), fault.BackupInvalid},
		{"another page damaged before", both(damagePage(5)), fault.BackupInvalid},
		{"a page that is not read at once damaged before", both(damagePage(-1)), fault.BackupInvalid},
		{"a later schema", both(func(b []byte) []byte { b[63] = 99; return b }), fault.StoreNewer},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file, to := filepath.Join(t.TempDir(), "hub.db"), filepath.Join(t.TempDir(), "hub.backup")
			s := open(t, file)
			commitEvents(t, s, day, personal("1", "P30D"), personal("2", event.Retention("")))
			backUp(t, file, to)
			test.damage(t, to)
			restored := filepath.Join(t.TempDir(), "hub.db")
			if _, err := sqlite.Restore(t.Context(), to, restored, sqlite.Copying{}); !fault.Has(err, test.want) {
				t.Errorf("want %s, got %v", test.want, err)
			}
			if left := names(t, filepath.Dir(restored)); left != nil {
				t.Errorf("it left %v", left)
			}
		})
	}
}

// damagePage spoils the head of a page, counted from the end when it is negative.
func damagePage(n int) func(b []byte) []byte {
	return func(b []byte) []byte {
		copy(b[(n*8192+len(b))%len(b):][:100], bytes.Repeat([]byte{0xa5}, 100))
		return b
	}
}

func write(t testing.TB, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// Nothing is ever overwritten, and what was given up leaves nothing.
func TestCopiesOverwriteNothing(t *testing.T) {
	t.Parallel()
	file, to := filepath.Join(t.TempDir(), "hub.db"), filepath.Join(t.TempDir(), "hub.backup")
	s := open(t, file)
	commitEvents(t, s, day, personal("1", "P30D"))
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := sqlite.Backup(ended, file, to, sqlite.Copying{}); err == nil {
		t.Error("a backup that was given up is there")
	}
	if left := names(t, filepath.Dir(to)); left != nil {
		t.Errorf("given up, it left %v", left)
	}
	backUp(t, file, to)
	if _, err := sqlite.Backup(t.Context(), file, to, sqlite.Copying{}); !fault.Has(err, fault.StoreNotEmpty) {
		t.Errorf("a second backup under the same name: %v", err)
	}
	if _, err := sqlite.Restore(t.Context(), to, file, sqlite.Copying{}); !fault.Has(err, fault.StoreNotEmpty) {
		t.Errorf("a restore over a hub: %v", err)
	}
	if _, err := sqlite.Backup(t.Context(), filepath.Join(t.TempDir(), "hub.db"), to+"2", sqlite.Copying{}); !fault.Has(err, fault.NoDatabase) {
		t.Errorf("a backup of nothing: %v", err)
	}
	commitEvents(t, s, day, personal("2", "P30D"))
}
