package chaos

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echoing is a server that says what it hears.
func echoing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// call is a connection through a proxy.
type call struct {
	t *testing.T
	net.Conn
}

func dialed(t *testing.T, p *proxy) *call {
	t.Helper()
	conn, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &call{t, conn}
}

func (c *call) echo(word string, within time.Duration) error {
	c.t.Helper()
	if _, err := c.Write([]byte(word)); err != nil {
		return err
	}
	answer := make([]byte, len(word))
	c.SetReadDeadline(time.Now().Add(within))
	_, err := io.ReadFull(c, answer)
	if err == nil && string(answer) != word {
		c.t.Errorf("%q came back as %q", word, answer)
	}
	return err
}

func TestTheProxyMakesTheWeather(t *testing.T) {
	t.Parallel()
	p, err := newProxy(echoing(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	early := dialed(t, p)
	if err := early.echo("fine", time.Minute); err != nil {
		t.Fatal(err)
	}
	p.weather.Store(&weather{delay: 2 * time.Millisecond, jitter: time.Millisecond})
	if err := early.echo("late", time.Minute); err != nil {
		t.Fatal(err)
	}

	p.weather.Store(&weather{swallow: true})
	during := dialed(t, p)
	for _, c := range []*call{early, during} {
		if err := c.echo("lost", 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("what is swallowed is answered with %v", err)
		}
	}
	p.weather.Store(&weather{})
	if err := early.echo("still lost", 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection that lost something came back: %v", err)
	}
	fresh := dialed(t, p)
	if err := fresh.echo("fine again", time.Minute); err != nil {
		t.Fatal(err)
	}

	p.reset()
	if err := fresh.echo("broken", time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection that was broken off says %v", err)
	}
	if err := dialed(t, p).echo("and again", time.Minute); err != nil {
		t.Error(err)
	}
}

func TestTheStoreIsReachedThroughTheProxy(t *testing.T) {
	t.Parallel()
	p, err := newProxy("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	got, err := p.through("postgres://varsel:word@db.example/hub?sslmode=disable")
	if want := "postgres://varsel:word@" + p.listener.Addr().String() + "/hub?sslmode=disable"; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	for store, want := range map[string]string{"postgres://db.example/hub": "db.example:5432", "postgres://db.example:7/hub": "db.example:7"} {
		if addr, err := addressOf(store); err != nil || addr != want {
			t.Errorf("%s is at %q, %v", store, addr, err)
		}
	}
	if _, err := addressOf("host=db.example"); err == nil {
		t.Error("what is no URL has an address")
	}
}
