// Package pgserver starts PostgreSQL servers of one's own: Debian's programs, or those of the PATH, without root and
// without a container, in a folder that goes with them. The bench measures and disturbs hubs over one, and tests share it.
package pgserver

import (
	"bufio"
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
	"time"

	"github.com/varselhub/varsel/internal/store/lockfile"
)

// Server is a PostgreSQL server.
type Server struct {
	bin      string
	parent   string // where its folder is made; "": where the system has what is temporary
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

// usual are settings that every server has, unless its own say otherwise.
var usual = []string{"max_connections=200", "log_checkpoints=off"}

// patience bounds each step of a server's life.
const patience = time.Minute

const folders = "varsel-postgres-"

// Programs is the folder of PostgreSQL's programs, of the newest version there is; "" when there is none. Debian keeps
// them apart from the PATH.
func Programs() (newest string) {
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

// Start makes a server by the programs in bin, with settings such as "fsync=off", and starts it. Its folder is made in
// parent; "" is where the system has what is temporary.
func Start(bin, parent string, settings ...string) (*Server, error) {
	s, err := newServer(bin, parent, settings)
	if err != nil {
		return nil, err
	}
	err = s.tool("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata="+s.data())
	if err == nil {
		err = s.Restart()
	}
	if err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// newServer makes its folder, and removes those whose process is gone.
func newServer(bin, parent string, settings []string) (*Server, error) {
	removeStale(parent)
	dir, err := os.MkdirTemp(parent, folders)
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, parent: parent, dir: dir, settings: settings}
	if s.lock, err = lockfile.Take(dir); err != nil {
		return nil, err
	}
	return s, giveAway(dir)
}

func removeStale(parent string) {
	if parent == "" {
		parent = os.TempDir()
	}
	dirs, _ := filepath.Glob(filepath.Join(parent, folders+"*")) // the pattern is well-formed
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

// URL is that of one of its databases; postgres is there from the start.
func (s *Server) URL(database string) string {
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

// Restart starts the server's processes after they were ended, on the port they had; at first on one that is free.
func (s *Server) Restart() error {
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
	for _, setting := range append(usual[:len(usual):len(usual)], s.settings...) {
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

// Standby starts a copy of the server that follows it, with the same settings and others.
func (s *Server) Standby(settings ...string) (*Server, error) {
	copied, err := newServer(s.bin, s.parent, append(s.settings[:len(s.settings):len(s.settings)], settings...))
	if err != nil {
		return nil, err
	}
	err = s.tool("pg_basebackup", "--pgdata="+copied.data(), "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf",
		fmt.Sprintf("--dbname=host=127.0.0.1 port=%d user=postgres application_name=standby", s.port))
	if err == nil {
		err = copied.Restart()
	}
	if err != nil {
		copied.Remove()
		return nil, err
	}
	return copied, nil
}

// Leader is the number of the process that all of the server's are children of; 0 while it is stopped.
func (s *Server) Leader() int {
	if s.run == nil {
		return 0
	}
	return s.run.process.Pid
}

// Remove ends the server and removes its folder.
func (s *Server) Remove() {
	s.Abort()
	_ = os.RemoveAll(s.dir) // the next start tries again
	if s.lock != nil {
		_ = s.lock.Release()
	}
}
