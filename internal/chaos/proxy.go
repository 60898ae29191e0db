package chaos

import (
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// proxy stands between one node and PostgreSQL, and passes on what they say as well, or as badly, as it is told.
type proxy struct {
	to       string
	listener net.Listener
	weather  atomic.Pointer[weather]

	mu    sync.Mutex
	conns map[net.Conn]bool // both ends of what is open
}

// weather is how the way is. The zero weather is fine.
type weather struct {
	delay, jitter time.Duration // of everything, each way
	// swallow takes what is sent and passes nothing on, as a firewall does that has forgotten a connection. One that has
	// lost something stays so for ever: nothing on the way tells its ends.
	swallow bool
}

// forgotten is how long one end of a connection that lost something may wait for the other, which is gone.
const forgotten = 30 * time.Second

func newProxy(to string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the proxy cannot listen")
	}
	p := &proxy{to: to, listener: listener, conns: map[net.Conn]bool{}}
	p.weather.Store(&weather{})
	go p.accept()
	return p, nil
}

// through returns the URL of a database with the proxy in the place of its server.
func (p *proxy) through(store string) (string, error) {
	u, err := url.Parse(store)
	if err != nil || u.Host == "" {
		return "", fault.New(fault.Configuration, "the store must be a URL such as postgres://user@host:5432/database")
	}
	u.Host = p.listener.Addr().String()
	return u.String(), nil
}

// addressOf is where a database's URL says that its server listens.
func addressOf(store string) (string, error) {
	u, err := url.Parse(store)
	if err != nil || u.Hostname() == "" {
		return "", fault.New(fault.Configuration, "the store must be a URL such as postgres://user@host:5432/database")
	}
	port := u.Port()
	if port == "" {
		port = "5432"
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.join(client)
	}
}

// join connects a client with the server and passes on what each says.
func (p *proxy) join(client net.Conn) {
	defer p.drop(client)
	p.keep(client)
	if p.weather.Load().swallow {
		_, _ = io.Copy(io.Discard, client) // its end is all there is to learn
		return
	}
	server, err := net.DialTimeout("tcp", p.to, 5*time.Second)
	if err != nil {
		return
	}
	defer p.drop(server)
	p.keep(server)
	var lost atomic.Bool
	var both sync.WaitGroup
	both.Go(func() { p.pass(client, server, &lost) })
	both.Go(func() { p.pass(server, client, &lost) })
	both.Wait()
}

// pass carries one way until either end is gone, in the weather of the moment.
func (p *proxy) pass(from, to net.Conn, lost *atomic.Bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w := p.weather.Load()
		switch {
		case lost.Load() || n > 0 && w.swallow:
			lost.Store(true)
		case n > 0:
			w.wait()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if lost.Load() { // nor does the end of one reach the other, until that finds out by itself
				_ = to.SetReadDeadline(time.Now().Add(forgotten))
				_, _ = io.Copy(io.Discard, to)
			}
			return
		}
	}
}

func (w *weather) wait() {
	if w.delay > 0 {
		time.Sleep(w.delay + time.Duration((rand.Float64()*2-1)*float64(w.jitter)))
	}
}

// reset breaks off everything that is open, with a word (RST).
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it is closed already, then
		}
		conn.Close()
	}
}

func (p *proxy) keep(conn net.Conn) {
	p.mu.Lock()
	p.conns[conn] = true
	p.mu.Unlock()
}

func (p *proxy) drop(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	delete(p.conns, conn)
	p.mu.Unlock()
}

func (p *proxy) close() {
	p.listener.Close()
	p.reset()
}
