package listener

import (
	"net"
	"sync"
	"sync/atomic"
)

// limited is a socket that lets in only so many connections at once; the next wait in the system's queue.
type limited struct {
	net.Listener
	slots  chan struct{} // one is held by who waits for a connection
	opened atomic.Int64
	closed chan struct{}
	once   sync.Once
}

func limit(socket net.Listener, most int) *limited {
	return &limited{Listener: socket, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

func (l *limited) open() int { return int(l.opened.Load()) }

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	l.opened.Add(1)
	return &counted{Conn: conn, leave: sync.OnceFunc(func() {
		l.opened.Add(-1)
		<-l.slots
	})}, nil
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted is a connection that gives its slot back once.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
