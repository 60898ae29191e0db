package postgres_test

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
)

func sameData(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }

// database is a new one, with the vault that all its nodes share.
type database struct {
	url, secrets string
}

func newDatabase(t testing.TB) database {
	t.Helper()
	return newDatabaseAt(t, pgtest.Database(t))
}

func newDatabaseAt(t testing.TB, url string) database {
	t.Helper()
	return database{url: url, secrets: filepath.Join(t.TempDir(), "secrets")}
}

// node opens the database as one more node does.
func (d database) node(t testing.TB) *postgres.Store {
	t.Helper()
	s, err := d.open(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (d database) open(t testing.TB) (*postgres.Store, error) {
	t.Helper()
	s, err := postgres.Open(t.Context(), d.url, postgres.Options{Keys: d.vault(t), Same: sameData})
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func (d database) vault(t testing.TB) *secret.Vault {
	t.Helper()
	vault, err := secret.Open(d.secrets)
	if err != nil {
		t.Fatal(err)
	}
	return vault
}

// Nodes of a new hub are started together: one makes the tables, and the others find them.
func TestNodesStartTogetherOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	vault, err := secret.Open(d.secrets)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		all.Go(func() {
			s, err := postgres.Open(t.Context(), d.url, postgres.Options{Keys: vault, Same: sameData})
			if errs[i] = err; err == nil {
				s.Close()
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
