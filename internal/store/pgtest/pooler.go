package pgtest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// pooling is a PgBouncer's configuration: each transaction may have another connection to the server.
const pooling = `[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
`

// Pooler starts a PgBouncer that pools by transaction before a server, and returns the URL of a database through it. It is
// gone when the test ends.
func Pooler(t testing.TB, database string) string {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // where Debian has it, and not every PATH
	}
	if _, err := os.Stat(program); err != nil {
		missing(t, "PgBouncer")
	}
	s, err := newServer(filepath.Dir(program), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	if s.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	users, config := filepath.Join(s.dir, "users"), filepath.Join(s.dir, "pgbouncer.ini")
	text := fmt.Sprintf(pooling, to.Hostname(), to.Port(), s.port, users)
	for file, text := range map[string]string{users: `"postgres" ""` + "\n", config: text} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := launch(s.command(filepath.Base(program), config), "process up")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.end(syscall.SIGTERM) })
	to.Host = s.Addr()
	return to.String()
}
