package webhook_test

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/signature"
)

var update = flag.Bool("update", false, "write the golden files anew")

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func signed(t testing.TB, keys ...string) option {
	t.Helper()
	signer, err := signature.NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *webhook.Config) { c.Signer = signer }
}

// capture is a receiver that passes on the raw bytes of each request and accepts it.
func capture(t testing.TB) (*receiver, <-chan []byte) {
	requests := make(chan []byte, 16)
	return receive(t, func(conn net.Conn) {
		var raw bytes.Buffer
		reader := bufio.NewReader(io.TeeReader(conn, &raw))
		for {
			if r, _ := request(reader); r == nil {
				return
			}
			requests <- bytes.Clone(raw.Bytes())
			raw.Reset()
			io.WriteString(conn, ok)
		}
	}), requests
}

// The request as it is on the wire, byte for byte.
func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file    string
		path    string
		message func(*channel.Message)
		options []option
	}{
		{"signed", "/hooks/varsel?org=101", func(*channel.Message) {}, []option{signed(t, secret)}},
		{"unsigned", "", func(*channel.Message) {}, nil},
		{"test", "/hook", func(m *channel.Message) { m.Test = true }, []option{signed(t, secret)}},
		{"retry", "/hook", func(m *channel.Message) {
			m.Attempt, m.At = 14, noon.Add(3*time.Hour)
			m.Headers = []event.Header{{Name: "Varsel-Replay", Value: "7"}, {Name: "ce-id", Value: "a-1"}}
		}, []option{signed(t, secret, "whsec_"+strings.Repeat("QUJD", 8))}},
		{"empty", "/hook", func(m *channel.Message) { m.Body = nil }, []option{func(c *webhook.Config) { c.UserAgent = "Varsel/1.2 (T3)" }}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			r, requests := capture(t)
			m := message()
			test.message(m)
			wantDelivered(t, to(t, "http://"+r.addr+test.path, test.options...).Send(t.Context(), m))
			golden(t, test.file, bytes.ReplaceAll(<-requests, []byte(r.addr), []byte("receiver:80")))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".request")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the request differs from %s\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// A large message arrives whole and signed; it is not copied, and not touched.
func TestLargeMessage(t *testing.T) {
	t.Parallel()
	verifier, err := signature.NewVerifier(clock.NewFake(noon), secret)
	if err != nil {
		t.Fatal(err)
	}
	big := message()
	big.Body = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	before := bytes.Clone(big.Body)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		err := verifier.Verify(r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body)
		if err != nil || !bytes.Equal(body, before) {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	sender := to(t, server.URL, signed(t, secret))
	for range 3 {
		wantDelivered(t, sender.Send(t.Context(), big))
	}
	if !bytes.Equal(big.Body, before) {
		t.Error("the message was written to")
	}
}

// webhook-timestamp is the attempt's time; a message that carries none is stamped by the clock.
func TestTimestampByTheClock(t *testing.T) {
	t.Parallel()
	r, requests := capture(t)
	m := message()
	m.At = time.Time{}
	wantDelivered(t, to(t, "http://"+r.addr).Send(t.Context(), m))
	if raw := string(<-requests); !strings.Contains(raw, "\r\nwebhook-timestamp: 1795348800\r\n") {
		t.Errorf("not stamped by the clock:\n%s", raw)
	}
}

// What an envelope makes of an event's data never becomes another header or another request.
func TestMessageThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	header := func(name, value string) func(*channel.Message) {
		return func(m *channel.Message) { m.Headers = []event.Header{{Name: name, Value: value}} }
	}
	tests := []struct {
		name    string
		message func(*channel.Message)
		bad     bool
	}{
		{"plain header", header("ce-source", "/a"), false},
		{"Latin letters", header("ce-subject", "Bælt"), false},
		{"tab in a value", header("ce-subject", "a\tb"), false},
		{"line break in a value", header("ce-subject", "a\r\nX: y"), true},
		{"line feed in a value", header("ce-subject", "a\nb"), true},
		{"NUL in a value", header("ce-subject", "a\x00b"), true},
		{"no name", header("", "x"), true},
		{"colon in a name", header("a:b", "x"), true},
		{"space in a name", header("a b", "x"), true},
		{"line break in a name", header("a\r\nb", "x"), true},
		{"Host", header("Host", "evil"), true},
		{"content-length", header("content-length", "0"), true},
		{"Transfer-Encoding", header("Transfer-Encoding", "chunked"), true},
		{"a signature of its own", header("Webhook-Signature", "v1,x"), true},
		{"a second id", header("webhook-id", "x"), true},
		{"no id", func(m *channel.Message) { m.ID = "" }, true},
		{"a dot in the id", func(m *channel.Message) { m.ID = "a.1" }, true},
		{"line break in the id", func(m *channel.Message) { m.ID = "a\r\nb" }, true},
		{"no content type", func(m *channel.Message) { m.ContentType = "" }, true},
		{"line break in the content type", func(m *channel.Message) { m.ContentType = "a\r\nb: c" }, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, answering(ok, always))
			m := message()
			test.message(m)
			got := to(t, "http://"+r.addr).Send(t.Context(), m)
			if !test.bad {
				wantDelivered(t, got)
				return
			}
			if got.Class != channel.Rejected || got.Reason != string(fault.InvalidMessage) || r.connections() != 0 {
				t.Errorf("got %s, %s, %d connections; want rejected, %s, none", got.Class, got.Reason, r.connections(), fault.InvalidMessage)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "ftp://a.dk/", "https:///x", "https://u:p@a.dk/", "https://a.dk/%zz"} {
		if _, err := webhook.New(webhook.Config{URL: url}); !fault.Has(err, fault.SenderConfig) {
			t.Errorf("%q: %v, want %s", url, err, fault.SenderConfig)
		}
	}
	if _, err := webhook.New(webhook.Config{URL: "https://a.dk/"}); !fault.Has(err, fault.SenderConfig) {
		t.Errorf("no time limit: %v, want %s", err, fault.SenderConfig)
	}
}

// One connection serves message after message, and as many as there are sends at once.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no content":            "HTTP/1.1 204 No Content\r\n\r\n",
		"a body":                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"a large body":          "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + strings.Repeat("x", 50_000),
		"chunks":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"trailers":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n",
		"an error":              "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello",
		"not modified":          "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"interim answers":       "HTTP/1.1 103 Early Hints\r\n\r\n" + ok,
		"bare line feeds":       "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"a list":                "HTTP/1.1 200 OK\r\nConnection: keep-alive, x\r\nContent-Length: 0\r\n\r\n",
		"the same length twice": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, answering(answer, always))
			sender := to(t, "http://"+r.addr)
			for range 5 {
				if got := sender.Send(t.Context(), message()); got.Status == 0 {
					t.Errorf("got %s, %s: %s", got.Class, got.Reason, got.Detail)
				}
			}
			if r.connections() != 1 {
				t.Errorf("%d connections for 5 messages, want 1", r.connections())
			}
		})
	}
}

func TestManySendsAtOnce(t *testing.T) {
	t.Parallel()
	verifier, err := signature.NewVerifier(clock.NewFake(noon), secret)
	if err != nil {
		t.Fatal(err)
	}
	var good atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if verifier.Verify(r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body) == nil {
			good.Add(1)
		}
	}))
	defer server.Close()
	sender := to(t, server.URL, signed(t, secret))
	const workers, each = 16, 50
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range each {
				wantDelivered(t, sender.Send(t.Context(), message()))
			}
		})
	}
	all.Wait()
	if n := good.Load(); n != workers*each {
		t.Errorf("%d messages arrived with a good signature, want %d", n, workers*each)
	}
}

// What a receiver said on an unused connection is never taken for the answer to the next message.
func TestUnaskedAnswerOnAnUnusedConnection(t *testing.T) {
	t.Parallel()
	answered, said := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	r := receive(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		request(reader)
		io.WriteString(conn, ok)
		if first.CompareAndSwap(false, true) {
			<-answered
			io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			close(said)
		}
		io.Copy(io.Discard, reader)
	})
	now := clock.NewFake(noon)
	sender := to(t, "http://"+r.addr, timed(now))
	wantDelivered(t, sender.Send(t.Context(), message()))
	close(answered)
	<-said
	now.Advance(5 * time.Second)
	wantDelivered(t, sender.Send(t.Context(), message()))
}

func TestUnusedConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 2)
	r := receive(t, func(conn net.Conn) {
		answering(ok, always)(conn)
		closed <- struct{}{}
	})
	now := clock.NewFake(noon)
	sender := to(t, "http://"+r.addr, timed(now))
	wantDelivered(t, sender.Send(t.Context(), message()))
	now.Advance(30 * time.Second)
	wantDelivered(t, sender.Send(t.Context(), message())) // used again: its minute begins anew
	now.Advance(50 * time.Second)
	wantDelivered(t, sender.Send(t.Context(), message()))
	if r.connections() != 1 {
		t.Fatalf("%d connections, want 1", r.connections())
	}
	now.Advance(2 * time.Minute)
	<-closed

	wantDelivered(t, sender.Send(t.Context(), message()))
	now.Advance(30 * time.Second)
	wantDelivered(t, sender.Send(t.Context(), message()))
	now.Advance(70 * time.Second) // too old, though the next round of closing is still to come
	wantDelivered(t, sender.Send(t.Context(), message()))
	<-closed
	sender.Close()
	<-closed
	if _, due := now.Next(); due {
		t.Error("a timer is left after Close")
	}
}
