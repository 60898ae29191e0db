package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hostile is a receiver that behaves badly on the wire until it is told to behave.
type hostile struct {
	ledger  *ledger
	healthy atomic.Bool
	meet    func(net.Conn)

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (h *hostile) listen(t *testing.T) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.ledger, h.conns = newLedger(), map[net.Conn]bool{}
	good := &handedOver{conns: make(chan net.Conn, 1000), addr: socket.Addr(), closed: make(chan struct{})}
	server := &http.Server{Handler: h.ledger}
	go func() { _ = server.Serve(good) }()
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			if h.healthy.Load() {
				good.conns <- conn
				continue
			}
			h.mu.Lock()
			h.conns[conn] = true
			h.mu.Unlock()
			go h.meet(conn)
		}
	}()
	t.Cleanup(func() { _, _ = socket.Close(), server.Close(); h.recover() })
	return "http://" + socket.Addr().String()
}

// recover drops every bad connection and behaves from now on.
func (h *hostile) recover() {
	h.healthy.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	for conn := range h.conns {
		conn.Close()
	}
}

// handedOver is a listener whose connections were accepted by somebody else.
type handedOver struct {
	conns  chan net.Conn
	addr   net.Addr
	closed chan struct{}
	once   sync.Once
}

func (l *handedOver) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *handedOver) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *handedOver) Addr() net.Addr { return l.addr }

// readRequest takes in a request, so that the hub has sent all of it.
func readRequest(conn net.Conn) bool {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return false
	}
	buffer := make([]byte, 4096)
	for left := request.ContentLength; left > 0; {
		n, err := request.Body.Read(buffer)
		if err != nil && n == 0 {
			break
		}
		left -= int64(n)
	}
	return true
}

var misbehaviours = map[string]func(net.Conn){
	"hangs":  func(conn net.Conn) { readRequest(conn) },
	"resets": func(conn net.Conn) { _, _ = conn.(*net.TCPConn).SetLinger(0), conn.Close() },
	"drips": func(conn net.Conn) {
		if readRequest(conn) {
			for _, b := range []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000000\r\n\r\n") {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				<-time.After(100 * time.Millisecond)
			}
		}
	},
	"floods": func(conn net.Conn) {
		if readRequest(conn) {
			fmt.Fprint(conn, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000000000\r\n\r\n")
			chunk := make([]byte, 1<<20)
			for range 1000 {
				if _, err := conn.Write(chunk); err != nil {
					return
				}
			}
		}
	},
	"lies": func(conn net.Conn) {
		if readRequest(conn) {
			fmt.Fprint(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 500\r\n\r\nshort")
			conn.Close()
		}
	},
	"redirects": func(conn net.Conn) {
		if readRequest(conn) {
			fmt.Fprint(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/latest/meta-data\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}
	},
}

// S41 and DESIGN promise 5: receivers that misbehave in every way cost only themselves. A healthy one gets everything, in
// order, meanwhile; the hub's memory stays bounded; and when they behave again they get everything too.
func TestHostileReceiversCostOnlyThemselves(t *testing.T) {
	healthy := newLedger()
	server := httptest.NewServer(healthy)
	t.Cleanup(server.Close)
	addresses, bad := map[string]string{"healthy": server.URL}, map[string]*hostile{}
	for name, meet := range misbehaviours {
		bad[name] = &hostile{meet: meet}
		addresses[name] = bad[name].listen(t)
	}
	p := newProcess(t, t.TempDir())
	p.start()
	p.world(addresses)
	before := p.memory()
	f := startPublishers(p, 2, 30)
	for deadline := time.Now().Add(60 * time.Second); f.total.Load() < 3000; {
		if time.Now().After(deadline) {
			t.Fatalf("published only %d events", f.total.Load())
		}
		wait(10 * time.Millisecond)
	}
	published := f.stop()
	settle(t, p, published)
	healthy.await(t, "healthy", published, 30*time.Second)
	if grown := p.memory() - before; grown > 200<<20 {
		t.Errorf("the hub grew by %d MiB", grown>>20)
	}
	for _, h := range bad {
		h.recover()
	}
	for name, h := range bad {
		h.ledger.await(t, name, published, 120*time.Second)
	}
}
