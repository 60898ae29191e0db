package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/store/sqlite"
	"github.com/varselhub/varsel/internal/store/storetest"
)

// file is a database of the suite's.
type file string

func (f file) Open(o storetest.Options) (storetest.Store, error) {
	return sqlite.Open(string(f), sqlite.Options{Keys: o.Keys, Same: o.Same})
}

func (f file) Execute(t testing.TB, statements string) { execute(t, string(f), statements) }

func (f file) Entries(t testing.TB) audit.Entries {
	r, err := sqlite.OpenAudit(string(f))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Entries()
}

func (f file) Registers(s storetest.Store) deposit.Store { return s.(*sqlite.Store).Registers() }

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Engine{New: func(t testing.TB) storetest.Database { return file(filepath.Join(t.TempDir(), "hub.db")) }})
}
