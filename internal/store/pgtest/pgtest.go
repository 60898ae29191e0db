// Package pgtest gives tests a PostgreSQL of their own: Debian's programs, started without root and without a container.
// Only tests import it.
//
// Where there is none the test fails under CI=true and is skipped elsewhere, with a loud word.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the one server of a test process. It ends with the process.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	count  atomic.Int64 // of databases that were made in it
}

// Database returns the URL of a database that is empty, and the test's own: on a server that every test of the process
// shares. It goes when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	bin := programs(t)
	shared.once.Do(func() { shared.server, shared.err = start(bin, nil) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	name := fmt.Sprintf("test_%d", shared.count.Add(1))
	shared.server.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { shared.server.exec(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return shared.server.url(name)
}

// Start starts a server that is the test's own, with settings such as "fsync=on" beside or instead of those that make
// tests fast. It is gone when the test ends.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := start(programs(t), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
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

// programs is the folder of PostgreSQL's programs, of the newest version there is. Debian keeps them apart from the PATH.
func programs(t testing.TB) string {
	t.Helper()
	if bin := newestPrograms(); bin != "" {
		return bin
	}
	missing(t, "PostgreSQL")
	return ""
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s missing, and under CI nothing is skipped: run scripts/install-test-tools", what)
	}
	t.Skipf("!! SKIPPED, not checked: %s missing. Install with scripts/install-test-tools", what)
}

func newestPrograms() (newest string) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	folders = append(folders, filepath.SplitList(os.Getenv("PATH"))...)
	version := 0
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err != nil {
			continue
		}
		v := 0
		_, _ = fmt.Sscanf(filepath.Base(filepath.Dir(folder)), "%d", &v) // of the PATH it is not known: 0
		if newest == "" || v > version {
			newest, version = folder, v
		}
	}
	return newest
}
