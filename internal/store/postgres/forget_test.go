package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
)

const person = "0101701234" // stands for a personal value

// personal is a request of one event of a retention.
func personal(id string, retention event.Retention) *eventlog.Request {
	return &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
		ID: ident.Message("urn:s", id), Source: "urn:s", SourceID: id, Type: "t", Version: "v1", Lane: event.Lane{1}, Retention: retention, Personal: true,
		Head: fmt.Appendf(nil, `{"id":%q,"subject":%q}`, id, person), MediaType: "text/plain", Data: []byte("of " + person),
	}}}}
}

// answered records an attempt whose answer echoes what was sent, as the consumer's next cut.
func answered(t testing.TB, s *postgres.Store, consumer int64, number int, position int64) {
	t.Helper()
	err := s.Commit(t.Context(), &eventlog.Commit{Cuts: []*eventlog.Cut{{Consumer: consumer, Number: number, Attempts: []eventlog.Attempt{{
		Position: position, Number: 1, Outcome: eventlog.Failed, Detailed: true, Result: channel.Result{Status: 500, Detail: "no place for " + person, Body: []byte("not " + person)},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// consumer makes one and takes it up.
func consumer(t testing.TB, s *postgres.Store) int64 {
	t.Helper()
	commit(t, s, &eventlog.Request{Revisions: []revision.Revision{revision.Removal("me", revision.Source, "b")}, Consumers: []eventlog.Founding{{Name: "c", System: "s"}}})
	list, err := s.TakeUp(t.Context(), 0, "c")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].ID
}

func (d database) connect(t testing.TB) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func execute(t testing.TB, c *pgx.Conn, statements string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(statements, err)
	}
}

func count(t testing.TB, c *pgx.Conn, query string) (n int) {
	t.Helper()
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(query, err)
	}
	return n
}

// tables of partitions, with what of them is detached and what is left to be.
const partitions = `SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^(payloads|answers|clues)_[0-9]+$'`

// DESIGN promise 11: whatever a process that forgot left behind, at whichever step it died, the next Prune takes away.
func TestWhatWasForgottenHalfwayIsDropped(t *testing.T) {
	t.Parallel()
	for name, died := range map[string]string{
		"before the first drop":      "",
		"with one dropped":           "DROP TABLE answers_1",
		"with one detached":          "ALTER TABLE answers DETACH PARTITION answers_1",
		"with only the payload left": "DROP TABLE answers_1; ALTER TABLE clues DETACH PARTITION clues_1; DROP TABLE clues_1; ALTER TABLE payloads DETACH PARTITION payloads_1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			s, c := d.node(t), d.connect(t)
			commitAt(t, s, 0, personal("a", "P1D"), personal("b", "P1D"))
			commitAt(t, s, 0, personal("c", "P2D"))
			if keys, err := s.Forget(t.Context(), "P1D", 0); keys != 1 || err != nil {
				t.Fatal(keys, err)
			}
			execute(t, c, died)
			if e, err := s.At(t.Context(), 1); err != nil || !e.Forgotten {
				t.Errorf("%+v %v", e, err)
			}
			if p, err := s.Prune(t.Context(), 1); err != nil || p.Events != 2 || p.More {
				t.Errorf("%+v %v", p, err)
			}
			if n := count(t, c, partitions); n != 3 {
				t.Errorf("%d partitions are left", n)
			}
			if p, err := s.Prune(t.Context(), 1); err != nil || p.Events != 0 {
				t.Errorf("again: %+v %v", p, err)
			}
			if e, err := s.At(t.Context(), 3); err != nil || e.Forgotten {
				t.Errorf("another class: %+v %v", e, err)
			}
		})
	}
}

// Who reads for long, as pg_dump does, is in the way of the drop alone: what is forgotten cannot be read meanwhile, appends
// and reads go on, and Prune takes it away when it can.
func TestForgettingBesideALongReader(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s, reader, c := d.node(t), d.connect(t), d.connect(t)
	commitAt(t, s, 0, personal("a", "P1D"))
	execute(t, reader, "BEGIN; SELECT count(*) FROM payloads; SELECT count(*) FROM answers; SELECT count(*) FROM clues")
	if _, err := s.Forget(t.Context(), "P1D", 0); err != nil {
		t.Fatal(err)
	}
	pruned := make(chan error, 1)
	go func() {
		_, err := s.Prune(t.Context(), 1)
		pruned <- err
	}()
	for waits := 0; waits == 0; {
		waits = count(t, c, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE%DETACH%' AND wait_event_type = 'Lock'")
	}
	commitAt(t, s, 0, personal("b", "P1D"), personal("c", "P2D"))
	for position, forgotten := range map[int64]bool{1: true, 2: false, 3: false} {
		if e, err := s.At(t.Context(), position); err != nil || e.Forgotten != forgotten {
			t.Errorf("%+v %v", e, err)
		}
	}
	if err := <-pruned; err != nil {
		t.Errorf("who is in the way is no error: %v", err)
	}
	if n := count(t, c, "SELECT count(*) FROM pg_inherits WHERE inhdetachpending"); n != 1 {
		t.Errorf("%d are being detached", n)
	}
	execute(t, reader, "COMMIT")
	if p, err := s.Prune(t.Context(), 1); err != nil || p.Events != 1 {
		t.Errorf("%+v %v", p, err)
	}
	if n := count(t, c, partitions); n != 6 {
		t.Errorf("%d partitions are left", n)
	}
}

// A partition that is gone without having been forgotten is damage, and of what is not touched everything is read.
func TestAMissingPartitionIsDamage(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s, c := d.node(t), d.connect(t)
	commitAt(t, s, 0, personal("a", "P1D"))
	commitAt(t, s, 0, personal("b", "P2D"))
	execute(t, c, "DROP TABLE payloads_1")
	for range 2 {
		if e, err := s.At(t.Context(), 1); !fault.Has(err, fault.SealBroken) {
			t.Errorf("%+v %v", e, err)
		}
		if _, err := s.At(t.Context(), 2); err != nil {
			t.Error(err)
		}
	}
}

// What was changed, moved or damaged in the database is refused, never served.
func TestChangedRowsAreRefused(t *testing.T) {
	t.Parallel()
	const payload, reply = "payload", "answer"
	for _, test := range []struct{ name, change, refused string }{
		{"a byte of a payload", "UPDATE payloads SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE position = 2", payload},
		{"a payload cut short", "UPDATE payloads SET sealed = substr(sealed, 1, 27) WHERE position = 2", payload},
		{"the payload of another event", "UPDATE payloads SET sealed = (SELECT sealed FROM payloads WHERE position = 3) WHERE position = 2", payload},
		{"the message id of another event", "UPDATE events SET id = (SELECT id FROM events WHERE position = 3) WHERE position = 2", payload},
		{"a payload under another key", "UPDATE payloads SET key = (SELECT key FROM payloads WHERE position = 4) WHERE position = 2", payload},
		{"an answer as payload", "UPDATE payloads SET sealed = (SELECT sealed FROM answers WHERE position = 2) WHERE position = 2", payload},
		{"the answer to another event", "UPDATE answers SET sealed = (SELECT sealed FROM answers WHERE position = 3) WHERE position = 2", reply},
		{"the answer to another attempt", "UPDATE attempts SET number = 7; UPDATE answers SET number = 7", reply},
		{"a segment kept longer", "UPDATE segments SET class = 'P10Y' WHERE class = 'P30D'", payload},
		{"a segment of another day", "UPDATE segments SET day = 5 WHERE class = 'P30D'", payload},
		{"data keys swapped", "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE n = (SELECT key FROM payloads WHERE position = 4)) WHERE n = (SELECT key FROM payloads WHERE position = 2)", payload},
		{"a data key lost", "DELETE FROM data_keys WHERE n = (SELECT key FROM payloads WHERE position = 2)", payload},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			s := d.node(t)
			of := consumer(t, s)
			commit(t, s, personal("2", "P30D"), personal("3", "P30D"), personal("4", ""))
			answered(t, s, of, 1, 2)
			answered(t, s, of, 2, 3)
			s.Close()
			execute(t, d.connect(t), test.change)
			s, err := d.open(t)
			if fault.Has(err, fault.SealBroken) {
				return // found at the start
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.refused == payload {
				if e, err := s.At(t.Context(), 2); !fault.Has(err, fault.SealBroken) || e != nil {
					t.Errorf("At gives %+v, %v", e, err)
				}
				if _, err := s.Range(t.Context(), 0, 4, 10); !fault.Has(err, fault.SealBroken) {
					t.Errorf("Range ends as %v", err)
				}
			} else if _, err := s.AttemptsAt(t.Context(), 2); !fault.Has(err, fault.SealBroken) {
				t.Errorf("AttemptsAt ends as %v", err)
			}
			again, next := personal("2", "P30D"), personal("next", "P30D")
			commit(t, s, again, next)
			if _, err := s.At(t.Context(), next.Entries[0].Position); again.Err != nil || next.Err != nil || err != nil {
				t.Errorf("what is published beside a repeat of it: %v, %v, %v", again.Err, next.Err, err)
			}
			if e, err := s.At(t.Context(), 4); err != nil || !strings.Contains(string(e.Data), person) {
				t.Errorf("what was not touched reads as %+v, %v", e, err)
			}
		})
	}
}

// DESIGN section 5: payloads and error bodies are encrypted. Whoever has the server's disk reads neither what was sent nor
// what was answered, from no file, the WAL among them; and what was forgotten is gone from its tables.
func TestNothingStandsInClear(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	d := database{url: server.URL(), secrets: filepath.Join(t.TempDir(), "secrets")}
	s := d.node(t)
	of := consumer(t, s)
	commit(t, s, personal("2", "P30D"), personal("3", ""))
	answered(t, s, of, 1, 2)
	if _, shown, err := s.Signing().Create(t.Context(), "s", "v1"); err != nil || files(t, server, shown) != nil {
		t.Errorf("the signing key stands in %v, %v", files(t, server, shown), err)
	}
	execute(t, d.connect(t), "CHECKPOINT")
	if found := files(t, server, person); found != nil {
		t.Errorf("it stands in clear in %v", found)
	}
	if files(t, server, "urn:s") == nil {
		t.Error("not even what is kept in clear was found: the search is blind")
	}
}

// files lists those of a server's that hold a text.
func files(t *testing.T, server *pgtest.Server, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(server.Socket(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) { // the server goes on
		return nil
	}
	return err
}

// What is erased leaves its tables with the vacuum that Erase makes: no dead row is left for anyone to look at.
func TestErasingVacuums(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s, c := d.node(t), d.connect(t)
	of := consumer(t, s)
	commit(t, s, personal("2", "P30D"), personal("3", "P30D"))
	answered(t, s, of, 1, 2)
	before := count(t, c, "SELECT pg_relation_size('payloads_1') + pg_relation_size('answers_1')")
	if err := s.Erase(t.Context(), []int64{2, 3}, func(int) {}); err != nil || before == 0 {
		t.Fatal(before, err)
	}
	// Vacuum cuts off pages at the end in which nothing is left.
	if after := count(t, c, "SELECT pg_relation_size('payloads_1') + pg_relation_size('answers_1')"); after != 0 {
		t.Errorf("of %d bytes %d are left", before, after)
	}
}
