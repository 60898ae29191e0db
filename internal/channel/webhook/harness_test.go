package webhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
)

// noon is where every test's clock stands unless the test moves it.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// brief is a time limit for sends that are meant to run into it; ample is for those that are not.
const (
	brief = 60 * time.Millisecond
	ample = 30 * time.Second
)

// receiver is a raw TCP server: what it says is up to the test, valid HTTP or not.
type receiver struct {
	addr  string
	mu    sync.Mutex
	conns []net.Conn
	done  sync.WaitGroup
}

// receive serves each connection with handle until the test ends, when every connection is closed.
func receive(t testing.TB, handle func(conn net.Conn)) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{addr: listener.Addr().String()}
	r.done.Go(func() { r.accept(listener, handle) })
	t.Cleanup(func() {
		listener.Close()
		r.mu.Lock()
		for _, conn := range r.conns {
			conn.Close()
		}
		r.mu.Unlock()
		r.done.Wait()
	})
	return r
}

func (r *receiver) accept(listener net.Listener, handle func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.conns = append(r.conns, conn)
		r.mu.Unlock()
		r.done.Go(func() {
			defer conn.Close()
			handle(conn)
		})
	}
}

// connections is how many have been accepted.
func (r *receiver) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

// request reads one request from a connection, or returns nil when it ends.
func request(reader *bufio.Reader) (*http.Request, []byte) {
	r, err := http.ReadRequest(reader)
	if err != nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil
	}
	return r, body
}

// answering answers every request of a connection with the same bytes, n times, then closes it.
func answering(answer string, n int) func(net.Conn) {
	return func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for range n {
			if r, _ := request(reader); r == nil {
				return
			}
			io.WriteString(conn, answer)
		}
	}
}

const (
	ok     = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	always = 1 << 30
)

// option changes the configuration of a test's sender.
type option func(*webhook.Config)

func limit(d time.Duration) option          { return func(c *webhook.Config) { c.Profile.Timeout = d } }
func bodyWait(d time.Duration) option       { return func(c *webhook.Config) { c.BodyWait = d } }
func timed(by clock.Clock) option           { return func(c *webhook.Config) { c.Clock = by } }
func as(identity *exchange.Identity) option { return func(c *webhook.Config) { c.Identity = identity } }
func under(name profile.Name) option {
	return func(c *webhook.Config) {
		timeout := c.Profile.Timeout
		c.Profile, _ = profile.Get(name)
		c.Profile.Timeout = timeout
	}
}

// to makes a sender to url under the standard profile, with an ample limit and a clock that stands at noon.
func to(t testing.TB, url string, options ...option) *webhook.Sender {
	t.Helper()
	guard, err := netguard.New(netguard.Rules{AllowHTTP: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := webhook.Config{URL: url, Dial: guard.DialContext, Clock: clock.NewFake(noon)}
	config.Profile, _ = profile.Get(profile.Standard)
	config.Profile.Timeout = ample
	for _, option := range options {
		option(&config)
	}
	sender, err := webhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sender.Close() })
	return sender
}

// message is an ordinary one.
func message() *channel.Message {
	return &channel.Message{
		ID: "019b1f2e-0000-7000-8000-000000000000", ContentType: "application/cloudevents+json; charset=UTF-8",
		Body: []byte(`{"specversion":"1.0"}`), Attempt: 1, At: noon,
	}
}

func wantDelivered(t testing.TB, r channel.Result) {
	t.Helper()
	if r.Class != channel.Delivered {
		t.Errorf("got %s, status %d, %s: %s; want delivered", r.Class, r.Status, r.Reason, r.Detail)
	}
}
