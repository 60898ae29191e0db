package pgserver

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
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

// Pooler starts a PgBouncer that pools by transaction before a server, and returns the URL of a database through it, and
// what ends it.
func Pooler(program, database string) (through string, end func(), err error) {
	to, err := url.Parse(database)
	if err != nil {
		return "", nil, err
	}
	s, err := newServer(filepath.Dir(program), "", nil)
	if err != nil {
		return "", nil, err
	}
	if s.port, err = freePort(); err == nil {
		err = s.pool(filepath.Base(program), to)
	}
	if err != nil {
		s.Remove()
		return "", nil, err
	}
	to.Host = s.Addr()
	return to.String(), func() {
		s.run.end(syscall.SIGTERM)
		s.run = nil
		s.Remove()
	}, nil
}

func (s *Server) pool(program string, to *url.URL) error {
	users, config := filepath.Join(s.dir, "users"), filepath.Join(s.dir, "pgbouncer.ini")
	text := fmt.Sprintf(pooling, to.Hostname(), to.Port(), s.port, users)
	for file, text := range map[string]string{users: `"postgres" ""` + "\n", config: text} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	var err error
	s.run, err = launch(s.command(program, config), "process up")
	return err
}
