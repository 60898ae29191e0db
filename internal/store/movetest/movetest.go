// Package movetest makes hubs to be moved from SQLite to PostgreSQL, and reaches into both sides. Only tests import it; its
// own are those of the move.
package movetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Load makes a data directory of a dump of a hub's database, which has its secrets beside it.
func Load(t testing.TB, dump string) (data string) {
	t.Helper()
	script, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	data = filepath.Join(t.TempDir(), "data")
	secrets := filepath.Join(data, "secrets")
	if err := os.MkdirAll(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(secrets, os.DirFS(strings.TrimSuffix(dump, ".sql")+".secrets")); err != nil {
		t.Fatal(err)
	}
	Local(t, data, string(script))
	return data
}

// Local runs statements in the SQLite database of a data directory.
func Local(t testing.TB, data, statements string) {
	t.Helper()
	c, err := sqlite.OpenConn(filepath.Join(data, "varsel.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, statements, nil); err != nil {
		t.Fatal(err)
	}
}

// Shared runs statements in a PostgreSQL database.
func Shared(t testing.TB, url, statements string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}
