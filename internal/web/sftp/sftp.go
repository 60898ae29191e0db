// Package sftp serves the files of extracts by SFTP (F43), on a port of the hub's own: /EXTRACT/FILE, to be read and nothing
// else, by accounts of the systems that get them. There is no shell behind it, no command, no forwarding, and no directory of
// the machine: what is shown is made of the configuration, and what is opened is opened by the maker of extracts.
//
// Read sftp.go for a connection's way from the first byte to the subsystem, login.go for who is let in, and tree.go for what
// is shown.
package sftp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/web"
)

// Book is the configuration.
type Book interface {
	Account(name string) (*account.Account, int64)
	Extract(name string) (*register.Extract, int64)
	Extracts() []*register.Extract
	GrantsExtract(x *register.Extract) bool
}

// Files are the files of extracts.
type Files interface {
	Kept(extract string) []*register.Run
	Open(extract, file string) (*extract.Opened, error)
}

// Options are what a server stands on; all must be set.
type Options struct {
	Book  Book
	Files Files
	Clock clock.Clock
	Key   ssh.Signer // of the host
	// LoggedIn puts on record that somebody has logged in; a login that cannot be recorded does not happen.
	LoggedIn func(ctx context.Context, p *account.Principal) error
	Logger   *slog.Logger
	Limits   Limits
}

// Limits bound what callers may take.
type Limits struct {
	Connections int           // at once; 0: 64
	Address     int           // and from one address; 0: 8
	Login       time.Duration // until someone is logged in; 0: 20 s
	Idle        time.Duration // that a connection may be silent; 0: 5 min
	Logins      int           // tries a second of one account and from one address; 0: 1, and for a moment 10
}

func (l Limits) withDefaults() Limits {
	if l.Connections == 0 {
		l.Connections = 64
	}
	if l.Address == 0 {
		l.Address = 8
	}
	if l.Login == 0 {
		l.Login = 20 * time.Second
	}
	if l.Idle == 0 {
		l.Idle = 5 * time.Minute
	}
	if l.Logins == 0 {
		l.Logins = 1
	}
	return l
}

// Server serves connections.
type Server struct {
	Options
	config *ssh.ServerConfig
	logins *web.Limiter

	mu     sync.Mutex
	closed bool
	socket net.Listener
	open   map[net.Conn]string // and the address it counts for
	each   map[string]int      // connections of an address
	over   sync.WaitGroup
}

// New makes a server.
func New(o Options) *Server {
	o.Limits = o.Limits.withDefaults()
	s := &Server{Options: o, open: map[net.Conn]string{}, each: map[string]int{}, logins: web.NewLimiter(float64(o.Limits.Logins), 10*o.Limits.Logins, remembered)}
	s.config = s.serverConfig()
	return s
}

// remembered is of how many callers the logins are counted.
const remembered = 10_000

// Serve takes connections until Stop.
func (s *Server) Serve(socket net.Listener) {
	s.mu.Lock()
	s.socket = socket
	closed := s.closed
	s.mu.Unlock()
	if closed {
		_ = socket.Close()
		return
	}
	for {
		conn, err := socket.Accept()
		if err != nil {
			var passing interface{ Temporary() bool } // too many files, and the like: those that are open go on
			if errors.As(err, &passing) && passing.Temporary() {
				time.Sleep(acceptAgain)
				continue
			}
			return
		}
		if !s.begin(conn) {
			_ = conn.Close()
			continue
		}
		go func() {
			defer s.end(conn)
			s.connection(&patient{Conn: conn, idle: s.Limits.Idle})
		}()
	}
}

// acceptAgain is how long it is before a connection is taken again when none could be.
const acceptAgain = 50 * time.Millisecond

func (s *Server) begin(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := neighbourhood(conn.RemoteAddr())
	if s.closed || len(s.open) >= s.Limits.Connections || s.each[from] >= s.Limits.Address {
		return false
	}
	s.open[conn] = from
	s.each[from]++
	s.over.Add(1)
	return true
}

func (s *Server) end(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.open[conn]
	delete(s.open, conn)
	if s.each[from]--; s.each[from] == 0 {
		delete(s.each, from)
	}
	s.over.Done()
}

// neighbourhood is what counts as a caller's address.
func neighbourhood(from net.Addr) string {
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return ""
	}
	return web.Neighbourhood(at.Addr())
}

// Stop takes no more connections, lets those that are open go on until ctx ends, and closes them then.
func (s *Server) Stop(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	if s.socket != nil {
		_ = s.socket.Close()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.over.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	<-done
}

// patient closes a connection on which nothing has moved for some time.
type patient struct {
	net.Conn
	idle time.Duration
	mu   sync.Mutex
	end  time.Time // whatever moves: that somebody logs in takes no longer
}

func (p *patient) until(end time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = end
	_ = p.Conn.SetDeadline(end)
}

func (p *patient) moves() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end.IsZero() {
		_ = p.Conn.SetDeadline(time.Now().Add(p.idle))
	}
}

// Read implements net.Conn.
func (p *patient) Read(b []byte) (int, error) {
	p.moves()
	return p.Conn.Read(b)
}

// Write implements net.Conn.
func (p *patient) Write(b []byte) (int, error) {
	p.moves()
	return p.Conn.Write(b)
}

// connection serves one: a handshake in good time, and then sessions that are SFTP and nothing else.
func (s *Server) connection(conn *patient) {
	conn.until(time.Now().Add(s.Limits.Login))
	secure, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		s.Logger.Debug("sftp: nobody has logged in", "error", err)
		return
	}
	conn.until(time.Time{})
	defer func() { _ = secure.Close() }()
	p := s.principal(secure)
	if p == nil {
		return
	}
	if err := s.LoggedIn(context.Background(), p); err != nil {
		s.Logger.Error("sftp: a login cannot be put on record, so it does not happen", "error", err)
		return
	}
	go ssh.DiscardRequests(requests) // no forwarding: each is refused
	sessions := make(chan struct{}, maxSessions)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.Prohibited, "there are sessions of SFTP alone")
			continue
		}
		select {
		case sessions <- struct{}{}:
		default:
			_ = offered.Reject(ssh.ResourceShortage, "there are too many sessions")
			continue
		}
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { <-sessions }()
			s.session(channel, asked, p)
		}()
	}
}

// maxSessions is how many one connection has at once.
const maxSessions = 4

// session refuses all that is asked but the subsystem (draft-ietf-secsh-filexfer-02).
func (s *Server) session(channel ssh.Channel, asked <-chan *ssh.Request, p *account.Principal) {
	defer func() { _ = channel.Close() }()
	for request := range asked {
		var subsystem struct{ Name string }
		if request.Type != "subsystem" || ssh.Unmarshal(request.Payload, &subsystem) != nil || subsystem.Name != "sftp" {
			_ = request.Reply(false, nil)
			continue
		}
		if request.Reply(true, nil) != nil {
			return
		}
		go ssh.DiscardRequests(asked)
		shown := &tree{book: s.Book, files: s.Files, account: p.Name}
		server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: shown, FilePut: shown, FileCmd: shown, FileList: shown})
		_ = server.Serve() // it ends with its client
		_ = server.Close()
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
		return
	}
}
