// Package pgtest gives tests a PostgreSQL of their own (internal/pgserver). Only tests import it.
//
// Where there is none the test fails under CI=true and is skipped elsewhere, with a loud word.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/pgserver"
)

// shared is the one server of a test process. It ends with the process.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	count  atomic.Int64 // of databases that were made in it
}

// Server is a PostgreSQL server of a test's.
type Server struct{ *pgserver.Server }

// fast makes no difference to what a killed process leaves behind, only to what a machine without power does.
var fast = []string{"fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_wal_size=512MB"}

func start(bin string, settings []string) (*Server, error) {
	s, err := pgserver.Start(bin, "", append(fast[:len(fast):len(fast)], settings...)...)
	return &Server{s}, err
}

// Database returns the URL of a database that is empty, and the test's own: on a server that every test of the process
// shares. It goes when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	bin := Programs(t)
	shared.once.Do(func() { shared.server, shared.err = start(bin, nil) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	name := fmt.Sprintf("test_%d", shared.count.Add(1))
	shared.server.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { shared.server.exec(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return shared.server.Server.URL(name)
}

// Start starts a server that is the test's own, with settings such as "fsync=on" beside or instead of those that make
// tests fast. It is gone when the test ends.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := start(Programs(t), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Remove)
	return s
}

// exec runs a statement as the superuser.
func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	ctx := context.Background() // the test's own is over when it cleans up
	c, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }() // what counted was done
	if _, err := c.Exec(ctx, query); err != nil {
		t.Fatal(err)
	}
}

// URL is that of its database postgres.
func (s *Server) URL() string { return s.Server.URL("postgres") }

// Restart starts it again after it was stopped, where it was before.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.Server.Restart(); err != nil {
		t.Fatal(err)
	}
}

// Standby starts a copy of the server that follows it, with the same settings and others. It is gone when the test ends.
func (s *Server) Standby(t testing.TB, settings ...string) *Server {
	t.Helper()
	copied, err := s.Server.Standby(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(copied.Remove)
	return &Server{copied}
}

// Promote makes a standby a server that takes writes; it does when Promote returns.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.exec(t, fmt.Sprintf("SELECT pg_promote(true, %d)", int(time.Minute.Seconds())))
}

// Query reads one number from the database postgres.
func (s *Server) Query(t testing.TB, query string) (n int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }() // what counted was read
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Hold runs a statement in a transaction that has what it locks until it is released.
func Hold(t testing.TB, database, query string) (release func()) {
	t.Helper()
	ctx := context.Background() // the test's own is over when it cleans up
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { _ = c.Close(ctx) }) // the server rolls back
	t.Cleanup(release)
	for _, statement := range []string{"BEGIN", query} {
		if _, err := c.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	return release
}

// Pooler starts a PgBouncer that pools by transaction before a server, and returns the URL of a database through it. It is
// gone when the test ends.
func Pooler(t testing.TB, database string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // where Debian has it, and not every PATH
	}
	if _, err := os.Stat(program); err != nil {
		oracle.Missing(t, "PgBouncer")
	}
	through, end, err := pgserver.Pooler(program, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return through
}

// Programs is the folder of PostgreSQL's programs, of the newest version there is.
func Programs(t testing.TB) string {
	t.Helper()
	if bin := pgserver.Programs(); bin != "" {
		return bin
	}
	oracle.Missing(t, "PostgreSQL")
	return ""
}
