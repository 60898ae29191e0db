package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/store/lockfile"
)

// Server is a PostgreSQL server.
type Server struct {
	bin      string
	dir      string // with the data, the socket and the lock
	port     int
	settings []string
	lock     *lockfile.Lock // held for as long as the folder is used
	run      *running       // nil: it is stopped
}

// running is one run of the server's processes.
type running struct {
	process *os.Process
	ready   chan struct{} // closed when it takes connections
	gone    chan struct{} // closed when the last of its processes is
	mu      sync.Mutex
	last    []string // what it said last
}

// fast makes no difference to what a killed process leaves behind, only to what a machine without power does.
var fast = []string{"fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200", "log_checkpoints=off", "max_wal_size=512MB"}

// patience bounds each step of a server's life.
const patience = time.Minute

const folders = "varsel-pgtest-"

func start(bin string, settings []string) (*Server, error) {
	s, err := newServer(bin, settings)
	if err != nil {
		return nil, err
	}
	err = s.tool("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata="+s.data())
	if err == nil {
		err = s.begin()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// newServer makes its folder, and removes those whose process is gone.
func newServer(bin string, settings []string) (*Server, error) {
	removeStale()
	dir, err := os.MkdirTemp("", folders)
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, settings: settings}
	if s.lock, err = lockfile.Take(dir); err != nil {
		return nil, err
	}
	return s, giveAway(dir)
}

func removeStale() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folders+"*")) // the pattern is well-formed
	for _, dir := range dirs {
		file, err := os.Stat(filepath.Join(dir, lockfile.Name))
		if err != nil || time.Since(file.ModTime()) < patience {
			continue // it is being made, or of somebody else
		}
		if lock, err := lockfile.Take(dir); err == nil {
			_ = os.RemoveAll(dir) // the next one tries again
			_ = lock.Release()
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Addr is where the server listens.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Socket is the folder of its Unix socket.
func (s *Server) Socket() string { return s.dir }

// URL is that of its database postgres.
func (s *Server) URL() string { return s.url("postgres") }

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Addr(), database)
}

// command is one of PostgreSQL's programs, as a user that is not root.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes()
	return cmd
}

func (s *Server) tool(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// begin starts the server's processes, on a port that is free: the one it had, where it had one.
func (s *Server) begin() error {
	var err error
	for range 5 { // another process may take the port between the look and the start
		port := s.port
		if port == 0 {
			if port, err = freePort(); err != nil {
				return err
			}
		}
		if err = s.beginAt(port); err == nil {
			return nil
		}
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) beginAt(port int) error {
	args := []string{"-D", s.data(), "-p", fmt.Sprint(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + s.dir}
	for _, setting := range append(fast[:len(fast):len(fast)], s.settings...) {
		args = append(args, "-c", setting)
	}
	r, err := launch(s.command("postgres", args...), "database system is ready to accept")
	if err == nil {
		s.port, s.run = port, r
	}
	return err
}

// launch starts a process that is told when this one ends, and waits until it says a word. Linux tells it when the thread
// ends that started it: that thread waits here.
func launch(cmd *exec.Cmd, word string) (*running, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = in
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ends is said in what it said last
		}
	}()
	err = <-started
	in.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	r := &running{process: cmd.Process, ready: make(chan struct{}), gone: make(chan struct{})}
	go r.listen(out, word)
	select {
	case <-r.ready:
		return r, nil
	case <-r.gone:
	case <-time.After(patience):
		_ = r.process.Kill() // it did not start
	}
	return nil, fmt.Errorf("%s did not start:\n%s", cmd.Path, r.said())
}

// listen reads what the server says. All its processes hold the other end: when that is closed, all are gone.
func (r *running) listen(out io.ReadCloser, word string) {
	defer close(r.gone)
	defer out.Close()
	var once sync.Once
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		r.mu.Lock()
		r.last = append(r.last[max(0, len(r.last)-50):], lines.Text())
		r.mu.Unlock()
		if strings.Contains(lines.Text(), word) {
			once.Do(func() { close(r.ready) })
		}
	}
	_, _ = io.Copy(io.Discard, out) // after a line that is too long
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.last, "\n")
}

// Said is what the server has said last, of this run.
func (s *Server) Said() string { return s.run.said() }

// Stop shuts the server down: connections are broken off, and what is committed is written out.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Abort shuts it down without writing anything out: at its next start it recovers.
func (s *Server) Abort() { s.end(syscall.SIGQUIT) }

// Kill ends it as a crash would.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(sig syscall.Signal) {
	if s.run != nil {
		s.run.end(sig)
		s.run = nil
	}
}

func (r *running) end(sig syscall.Signal) {
	_ = r.process.Signal(sig) // it may have ended by itself
	select {
	case <-r.gone:
	case <-time.After(patience):
		_ = r.process.Kill() // it had its time
		<-r.gone
	}
}

// Restart starts it again after it was stopped, where it was before.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
}

// Standby starts a copy of the server that follows it, with the same settings and others. It is gone when the test ends.
func (s *Server) Standby(t testing.TB, settings ...string) *Server {
	t.Helper()
	copied, err := newServer(s.bin, append(s.settings[:len(s.settings):len(s.settings)], settings...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(copied.remove)
	err = s.tool("pg_basebackup", "--pgdata="+copied.data(), "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf",
		fmt.Sprintf("--dbname=host=127.0.0.1 port=%d user=postgres application_name=standby", s.port))
	if err == nil {
		err = copied.begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// Promote makes a standby a server that takes writes; it does when Promote returns.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.exec(t, fmt.Sprintf("SELECT pg_promote(true, %d)", int(patience.Seconds())))
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

func (s *Server) remove() {
	s.Abort()
	_ = os.RemoveAll(s.dir) // the next start tries again
	if s.lock != nil {
		_ = s.lock.Release()
	}
}
