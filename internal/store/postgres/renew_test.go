package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// copied is the database as it is now, as a restore brings it back. Nobody may have it open.
func (d database) copied(t *testing.T) database {
	t.Helper()
	to := newDatabase(t)
	from, err := pgx.ParseConfig(d.url)
	if err != nil {
		t.Fatal(err)
	}
	target, err := pgx.ParseConfig(to.url)
	if err != nil {
		t.Fatal(err)
	}
	names := fmt.Sprintf("%s TEMPLATE %s", target.Database, from.Database)
	from.Database = "postgres"
	c, err := pgx.ConnectConfig(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	execute(t, c, "DROP DATABASE "+target.Database)
	execute(t, c, "CREATE DATABASE "+names)
	return database{url: to.url, secrets: d.secrets}
}

// left lists the positions that can still be read.
func left(t *testing.T, s *postgres.Store) (list []int64) {
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

// Who was erased is not brought back by a restore, of whatever age, and never is an event of another history erased at the
// same position; cursors beyond what was restored are of an epoch that is over.
func TestARestoreErasesAgain(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	add := func(s *postgres.Store, from, to int) {
		for n := from; n <= to; n++ {
			commit(t, s, personal(fmt.Sprint(n), "P30D"))
		}
	}
	add(s, 1, 4)
	epochs, err := s.Epochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	older := d.copied(t)
	s = d.node(t)
	add(s, 5, 8)
	if err := s.Erase(t.Context(), []int64{2, 6}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	newer := d.copied(t)
	journal := []eventlog.Journaled{{N: 1, At: 100, Epochs: epochs, Positions: []int64{2, 6}}, {N: 2, At: 101, Epochs: epochs, Positions: []int64{3, 7}}}

	for _, c := range []struct {
		from    database
		journal []eventlog.Journaled
		left    []int64
		erased  string
		head    int64
	}{
		{older, journal[:1], []int64{1, 3, 4}, "1 of 1", 4},
		{newer, journal, []int64{1, 4, 5, 8}, "2 of 1", 8},
		{newer, nil, []int64{1, 4, 5, 8}, "", 8}, // again
	} {
		erased := ""
		r, err := postgres.Renew(t.Context(), c.from.url, postgres.Renewing{Erasures: c.journal, Erased: func(events, rows, erasures int) { erased = fmt.Sprintf("%d of %d", events, erasures) }})
		if err != nil || r.Head != c.head || erased != c.erased {
			t.Fatalf("%+v, %s, want %s, %v", r, erased, c.erased, err)
		}
		s := c.from.node(t)
		now, err := s.Epochs(t.Context())
		if err != nil || now[0] != epochs[0] || now[len(now)-1] != (eventlog.Epoch{ID: r.Epoch, After: c.head}) {
			t.Errorf("the epochs are %+v, %v", now, err)
		}
		if got := left(t, s); !slices.Equal(got, c.left) {
			t.Errorf("%v are left, want %v", got, c.left)
		}
		for _, e := range c.journal {
			if known, err := s.Erasure(t.Context(), e.N); err != nil || known.Ended == 0 {
				t.Errorf("it knows of %+v, %v", known, err)
			}
		}
		s.Close()
	}

	// Another history: the older one goes on with other events at positions 5 to 8.
	s = older.node(t)
	add(s, 15, 18)
	s.Close()
	if _, err := postgres.Renew(t.Context(), older.url, postgres.Renewing{Erasures: journal}); err != nil {
		t.Fatal(err)
	}
	if got := left(t, older.node(t)); !slices.Equal(got, []int64{1, 4, 5, 6, 7, 8}) {
		t.Errorf("of the other history are left %v", got)
	}
}

func TestNothingIsRenewedUnderARunningHub(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	n, err := s.Join(t.Context(), "a", "", "dev", time.Hour)
	if err == nil {
		_, err = s.Beat(t.Context(), n, time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Renew(t.Context(), d.url, postgres.Renewing{}); !fault.Has(err, fault.DataInUse) {
		t.Error(err)
	}
	if epochs, err := s.Epochs(t.Context()); err != nil || len(epochs) != 1 {
		t.Errorf("%+v %v", epochs, err)
	}
}
