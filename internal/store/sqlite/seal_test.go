package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// person stands for a personal value.
const person = "0101701234"

const day = 24 * 60 * 60 * 1_000_000 // µs

// personal is an event whose data and attributes hold the marker.
func personal(id string, retention event.Retention) eventlog.Entry {
	entry := fresh(id, `{"cpr":"`+person+`","id":"`+id+`"}`, 1)
	entry.Event.Retention = retention
	entry.Event.Head = fmt.Appendf(nil, `{"id":%q,"subject":%q}`, id, person)
	return entry
}

func commitEvents(t testing.TB, s *sqlite.Store, now int64, entries ...eventlog.Entry) {
	t.Helper()
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{{Entries: entries}}, Now: now}); err != nil {
		t.Fatal(err)
	}
}

// answer records an attempt whose answer echoes what was sent.
func answer(t testing.TB, s *sqlite.Store, positions ...int64) {
	t.Helper()
	consumers, err := s.Consumers(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if len(consumers) == 0 {
		make := &eventlog.Request{Consumers: []eventlog.Founding{{Name: "c"}}, Revisions: []revision.Revision{revision.Removal("me", revision.Source, "b")}}
		if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{make}}); err != nil || make.Err != nil {
			t.Fatal(err, make.Err)
		}
		if consumers, err = s.Consumers(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
	}
	cut := &eventlog.Cut{Consumer: consumers[0].ID}
	for _, position := range positions {
		cut.Attempts = append(cut.Attempts, eventlog.Attempt{Position: position, Number: 1, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{
			Status: 500, Reason: "why", Detail: "no place for " + person, Body: []byte("cannot take " + person),
		}})
	}
	if err := s.Commit(t.Context(), &eventlog.Commit{Cuts: []*eventlog.Cut{cut}}); err != nil {
		t.Fatal(err)
	}
}

// standsIn lists the files of a directory, not of those below it, that hold the bytes.
func standsIn(t testing.TB, dir string, marker []byte) (files []string) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	searched := 0
	for _, file := range found {
		if file.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		searched++
		if bytes.Contains(content, marker) {
			files = append(files, file.Name())
		}
	}
	if searched == 0 {
		t.Fatal("there is no file to search")
	}
	return files
}

// execute changes a database behind the store's back.
func execute(t testing.TB, file, query string) {
	t.Helper()
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, query, nil); err != nil {
		t.Fatal(err)
	}
}

// count runs a query that returns one number.
func count(t testing.TB, file, query string) int {
	t.Helper()
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := sqlitex.ResultInt(c.Prep(query))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// DESIGN section 5: payloads and error bodies are encrypted. A stolen disk tells neither what was sent nor what was
// answered, from no file, while the hub runs and after.
func TestNothingStandsInClear(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	commitEvents(t, s, day, personal("1", "P30D"), personal("2", ""))
	answer(t, s, 1, 2)
	for _, when := range []string{"running", "checkpointed", "stopped"} {
		if files := standsIn(t, filepath.Dir(file), []byte(person)); files != nil {
			t.Errorf("%s: it stands in clear in %v", when, files)
		}
		switch when {
		case "running":
			if standsIn(t, filepath.Dir(file), []byte("urn:s")) == nil {
				t.Error("not even what is kept in clear was found: the search is blind")
			}
			execute(t, file, "PRAGMA wal_checkpoint(TRUNCATE)")
		case "checkpointed":
			s.Close()
		}
	}
	s = open(t, file)
	e, err := s.At(t.Context(), 2)
	if err != nil || !strings.Contains(string(e.Data), person) || !strings.Contains(string(e.Head), person) || e.SourceID != "2" {
		t.Errorf("the hub reads %+v, %v", e, err)
	}
	if e, err := s.At(t.Context(), 1); err != nil || e.Retention != "P30D" {
		t.Errorf("want the retention back, got %+v, %v", e, err)
	}
	rows, err := s.AttemptsAt(t.Context(), 1)
	if err != nil || len(rows) != 1 || string(rows[0].Result.Body) != "cannot take "+person || rows[0].Result.Detail != "no place for "+person {
		t.Errorf("the hub reads %+v, %v", rows, err)
	}
}

// What was changed, moved or damaged on disk is refused, never served.
func TestChangedRowsAreRefused(t *testing.T) {
	t.Parallel()
	const events, answers = "payloads", "answers"
	for _, test := range []struct{ name, change, refused string }{
		{"a byte of a payload", "UPDATE payloads SET sealed = CAST(substr(sealed, 1, 20) || CASE substr(sealed, 21, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(sealed, 22) AS BLOB) WHERE position = 1", events},
		{"a payload cut short", "UPDATE payloads SET sealed = substr(sealed, 1, 27) WHERE position = 1", events},
		{"two payloads of one key swapped", `UPDATE payloads SET position = -1 WHERE position = 1; UPDATE payloads SET position = 1 WHERE position = 2;
			UPDATE payloads SET position = 2 WHERE position = -1`, events},
		{"a payload under another key", "UPDATE payloads SET key = 2 WHERE position = 1", events},
		{"an answer as payload", "UPDATE payloads SET sealed = (SELECT sealed FROM attempt_details WHERE position = 1) WHERE position = 1", events},
		{"the answer to another event", "UPDATE attempt_details SET sealed = (SELECT sealed FROM attempt_details WHERE position = 2) WHERE position = 1", answers},
		{"the answer to another attempt", "UPDATE attempts SET number = 7; UPDATE attempt_details SET number = 7", answers},
		{"a data key kept longer", "UPDATE data_keys SET class = 'P10Y' WHERE n = 1", events},
		{"a data key of another day", "UPDATE data_keys SET day = 5 WHERE n = 1", events},
		{"data keys swapped", "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE n = 2) WHERE n = 1", events},
		{"a data key lost", "DELETE FROM data_keys WHERE n = 1", events},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "hub.db")
			s := open(t, file)
			commitEvents(t, s, day, personal("1", "P30D"), personal("2", "P30D"), personal("3", ""))
			answer(t, s, 1, 2)
			s.Close()
			execute(t, file, test.change)
			s, err := sqlite.Open(file, sqlite.Options{Keys: vault(t, file), Same: same})
			if fault.Has(err, fault.SealBroken) {
				return // found at the start
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			if test.refused == events {
				if e, err := s.At(t.Context(), 1); !fault.Has(err, fault.SealBroken) || e != nil {
					t.Errorf("At gives %+v, %v", e, err)
				}
				if _, err := s.Range(t.Context(), 0, 3, 10); !fault.Has(err, fault.SealBroken) {
					t.Errorf("Range ends as %v", err)
				}
			} else if _, err := s.AttemptsAt(t.Context(), 1); !fault.Has(err, fault.SealBroken) {
				t.Errorf("AttemptsAt ends as %v", err)
			}
			again, next := personal("1", "P30D"), personal("next", "P30D")
			commitEvents(t, s, day, again, next)
			if _, err := s.At(t.Context(), next.Event.Position); err != nil {
				t.Errorf("what is published beside a repeat of it: %v", err)
			}
			if e, err := s.At(t.Context(), 3); err != nil || !strings.Contains(string(e.Data), person) {
				t.Errorf("what was not touched reads as %+v, %v", e, err)
			}
		})
	}
}

// NIST SP 800-38D section 8.3: a key seals a limited number of times. It is counted in the process that made the key,
// so a restart seals under another.
func TestDataKeysWearOut(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	commitEvents(t, s, day, personal("1", "P30D"), personal("2", "P30D"))
	commitEvents(t, s, day+1, personal("3", "P30D"))
	const keys = "SELECT count(DISTINCT key) FROM payloads"
	if n := count(t, file, keys); n != 1 {
		t.Errorf("want one key for a class and day, got %d", n)
	}
	s.WearOut()
	commitEvents(t, s, day+2, personal("4", "P30D"))
	if n := count(t, file, keys); n != 2 {
		t.Errorf("want another key when one is worn out, got %d", n)
	}
	s.Close()
	s = open(t, file)
	commitEvents(t, s, day+3, personal("5", "P30D"))
	if n := count(t, file, keys); n != 3 {
		t.Errorf("want another key after a restart, got %d", n)
	}
	commitEvents(t, s, day+4, personal("6", "P6M"))
	commitEvents(t, s, 2*day, personal("7", "P30D"))
	if n := count(t, file, keys); n != 5 {
		t.Errorf("want another key for another retention and another day, got %d", n)
	}
	if events, err := s.Range(t.Context(), 0, 7, 10); err != nil || len(events) != 7 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// failingKeys wraps as often as it is told to.
type failingKeys struct {
	*secret.Vault
	left int
}

func (f *failingKeys) Wrap(kek string, key, bound []byte) ([]byte, error) {
	if f.left--; f.left < 0 {
		return nil, errors.New("the vault cannot be read")
	}
	return f.Vault.Wrap(kek, key, bound)
}

// A commit that was taken back takes its data keys with it: nothing is ever sealed under a key that is not stored.
func TestKeysGoBackWithTheirCommit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	keys := &failingKeys{vault(t, file), 1}
	s, err := sqlite.Open(file, sqlite.Options{Keys: keys, Same: same})
	if err != nil {
		t.Fatal(err)
	}
	group := func() *eventlog.Commit {
		return &eventlog.Commit{Requests: []*eventlog.Request{{Entries: []eventlog.Entry{personal("1", "P30D"), personal("1", "P30D"), personal("2", "P6M")}}}, Now: day}
	}
	if err := s.Commit(t.Context(), group()); err == nil {
		t.Fatal("the commit went through without a key")
	}
	if n := count(t, file, "SELECT (SELECT count(*) FROM payloads) + (SELECT count(*) FROM data_keys)"); n != 0 {
		t.Errorf("%d rows stayed", n)
	}
	keys.left = 10
	if err := s.Commit(t.Context(), group()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if events, err := open(t, file).Range(t.Context(), 0, 2, 10); err != nil || len(events) != 2 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// Of a destroyed key nothing is left in the file's free space or in the WAL, while the hub runs.
func TestForgettingLeavesNoTraces(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	const classes, forgotten = 40, 13
	for n := 1; n <= classes; n++ {
		commitEvents(t, s, day, personal(fmt.Sprint(n), event.Retention(fmt.Sprintf("P%dD", n))))
	}
	keys := wrappedKeys(t, file)
	if keys, err := s.Forget(t.Context(), event.Retention(fmt.Sprintf("P%dD", forgotten)), 1); keys != 1 || err != nil {
		t.Fatal(keys, err)
	}
	for n, key := range keys {
		for part := range slices.Chunk(key, len(key)/6) {
			if files := standsIn(t, filepath.Dir(file), part); (n == forgotten) != (files == nil) {
				t.Errorf("a part of the wrapped key %d stands in %v", n, files)
			}
		}
	}
}

func wrappedKeys(t testing.TB, file string) map[int64][]byte {
	t.Helper()
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	keys := map[int64][]byte{}
	err = sqlitex.Execute(c, "SELECT n, wrapped FROM data_keys", &sqlitex.ExecOptions{ResultFunc: func(row *zombiezen.Stmt) error {
		key := make([]byte, row.ColumnLen(1))
		row.ColumnBytes(1, key)
		keys[row.ColumnInt64(0)] = key
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Keys are rotated while the hub runs: what was sealed before, meanwhile and after is read without the old key.
func TestRotation(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	keys := vault(t, file)
	first, err := keys.NewestKEK()
	if err != nil {
		t.Fatal(err)
	}
	commitEvents(t, s, day, personal("1", "P30D"))
	answer(t, s, 1)
	stop, stopped, committed := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	last := 1
	go func() { // each commit makes a data key: the day is another
		defer close(stopped)
		for {
			last++
			one := &eventlog.Request{Entries: []eventlog.Entry{personal(fmt.Sprint(last), "P30D")}}
			if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{one}, Now: int64(last) * day}); err != nil {
				t.Error(err)
			}
			select {
			case committed <- struct{}{}:
			case <-stop:
				return
			}
		}
	}()
	for range 3 {
		<-committed
	}
	rotation, err := sqlite.Rotate(t.Context(), file, keys)
	if err != nil || rotation.KEK == first || rotation.Wrapped < 3 || len(rotation.Retired) != 1 || rotation.Retired[0] != first {
		t.Fatalf("rotation %+v, %v", rotation, err)
	}
	for range 3 {
		<-committed
	}
	close(stop)
	<-stopped
	uses, err := sqlite.KEKsInUse(t.Context(), file)
	if err != nil || len(uses) != 1 || uses[rotation.KEK] < last {
		t.Errorf("in use are %v, %v", uses, err)
	}
	s.Close()
	if err := os.Remove(filepath.Join(filepath.Dir(file), "secrets", "kek-"+first)); err != nil {
		t.Fatal(err)
	}
	s = open(t, file)
	if events, err := s.Range(t.Context(), 0, 1000, 1000); err != nil || len(events) != last {
		t.Errorf("without the old key %d of %d events are read, %v", len(events), last, err)
	}
	if rows, err := s.AttemptsAt(t.Context(), 1); err != nil || string(rows[0].Result.Body) != "cannot take "+person {
		t.Errorf("without the old key the answer is %+v, %v", rows, err)
	}
}
