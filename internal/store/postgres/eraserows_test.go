package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// deliverOf has a register deliver a row, and an event about it, of each of some persons.
func deliverOf(t testing.TB, s *postgres.Store, id string, begun int64, persons ...byte) {
	t.Helper()
	r := s.Registers()
	d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: id, Begun: begun})
	if err != nil {
		t.Fatal(err)
	}
	b := &register.Batch{Delivery: d}
	always := register.Interval{From: 1, To: register.Open}
	for _, n := range persons {
		naming := []register.Naming{{Clue: event.Clue{n}, Object: true}}
		b.Rows = append(b.Rows, register.Row{Type: "T", ID: register.Handle{n, id[0]}, Object: register.Handle{n}, Registration: always, Effect: always, Data: []byte("{}"), Persons: naming})
		b.Outgoing = append(b.Outgoing, register.Outgoing{Draft: []byte("{}"), Persons: naming})
	}
	d.Staged, d.Rows, d.Events = int64(len(persons)), int64(len(persons)), int64(len(persons))
	if err := r.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// standing are the numbers of the rows and of the events to be that can be read.
func standing(t testing.TB, s *postgres.Store) string {
	t.Helper()
	rows, _, err := s.Registers().Rows(t.Context(), &register.Query{Register: "r", Type: "T", History: true, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	outgoing, err := s.Registers().Outgoing(t.Context(), "r", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i := range rows {
		if !rows[i].Erased {
			text += fmt.Sprint(rows[i].Number, " ")
		}
	}
	text += "|"
	for i := range outgoing {
		text += fmt.Sprint(" ", outgoing[i].Number)
	}
	return text
}

// What was erased of rows is erased again in a restored database; and never a row of another history that has the same number.
func TestARestoreErasesRowsAgain(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	deliverOf(t, s, "1", 5, 1, 2)
	epochs, err := s.Epochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	other := d.copied(t)
	s = d.node(t)
	deliverOf(t, s, "2", 6, 1, 3)
	rows, err := s.Registers().OfPerson(t.Context(), event.Clue{1})
	if err != nil || len(rows) != 4 {
		t.Fatalf("%+v, %v", rows, err)
	}
	s.Close()
	published := d.copied(t)
	o := other.node(t) // goes on by itself: its rows 3 and 4 are others
	deliverOf(t, o, "2", 99, 8, 9)
	o.Close()
	journal := []eventlog.Journaled{{N: 1, At: 100, Epochs: epochs, Rows: rows}}
	early := slices.DeleteFunc(slices.Clone(rows), func(of eventlog.RowsOf) bool { return len(of.Outgoing) > 0 })
	for _, c := range []struct {
		name         string
		of           database
		left, erased string
	}{
		{"what followed was in the log", published, "2 4 | 2 4", "2 rows of 1"},
		{"the same", d, "2 4 | 2 4", "2 rows of 1"},
		{"again", d, "2 4 | 2 4", "0 rows of 0"},
		{"another history", other, "2 3 4 | 2 3 4", "1 rows of 1"},
	} {
		erased := ""
		journal[0].Rows = rows
		if c.of == published {
			journal[0].Rows = early
		}
		_, err := postgres.Renew(t.Context(), c.of.url, postgres.Renewing{Erasures: journal, Erased: func(_, rows, erasures int) {
			erased = fmt.Sprintf("%d rows of %d", rows, erasures)
		}})
		if err != nil {
			t.Fatal(err)
		}
		s := c.of.node(t)
		if got := standing(t, s); got != c.left || erased != c.erased {
			t.Errorf("%s: left are %s, %s; want %s, %s", c.name, got, erased, c.left, c.erased)
		}
		if known, err := s.Erasure(t.Context(), 1); err != nil || known.Ended == 0 || len(known.Rows) == 0 {
			t.Errorf("%s: it knows of %+v, %v", c.name, known, err)
		}
		s.Close()
	}
}
