package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/storetest"
)

// address is that of a database of the suite's.
type address string

func (a address) Open(o storetest.Options) (storetest.Store, error) {
	return postgres.Open(context.Background(), string(a), postgres.Options{Keys: o.Keys, Same: o.Same})
}

func (a address) Execute(t testing.TB, statements string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), string(a))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

func (a address) Entries(t testing.TB) audit.Entries {
	t.Helper()
	r, err := postgres.OpenAudit(t.Context(), string(a))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Entries()
}

func (a address) Registers(s storetest.Store) deposit.Store { return s.(*postgres.Store).Registers() }

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Engine{New: func(t testing.TB) storetest.Database { return address(pgtest.Database(t)) }, Shared: true})
}
