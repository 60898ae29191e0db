package mail

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

var update = flag.Bool("update", false, "write the golden mails anew")

const messageID = "0198c2f0-6f6e-7a10-8f10-3c9c2f3b1a55"

func message(headers ...event.Header) *channel.Message {
	if len(headers) == 0 {
		headers = []event.Header{{Name: "To", Value: "ida@example.org"}, {Name: "Subject", Value: "Betaling: drift genoprettet på Østerbro"}}
	}
	return &channel.Message{
		ID: messageID, Attempt: 1, At: time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), Headers: headers,
		Body: []byte("Hej\n\nBetalingsløsningen virker igen.\n.\nEn linje, der er længere end de 76 tegn, som quoted-printable tillader på en linje.\n"),
	}
}

func (s *server) sender(t *testing.T, encrypt TLS, change ...func(*Config)) *Sender {
	t.Helper()
	config := Config{Host: "127.0.0.1", Port: s.port, TLS: encrypt, Roots: s.roots, From: "Driftsstatus <drift@hub.example>", Dial: dial, Timeout: time.Minute}
	for _, f := range change {
		f(&config)
	}
	sender, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sender.Close() })
	return sender
}

func TestAMailAsItLeaves(t *testing.T) {
	t.Parallel()
	withMore := message(
		event.Header{Name: "To", Value: "Ida Åkjær <ida@example.org>"}, event.Header{Name: "to", Value: "bo@example.org"},
		event.Header{Name: "Subject", Value: "Test"}, event.Header{Name: "List-Unsubscribe", Value: "<https://status.example/u/1>"})
	withMore.Test = true
	for name, m := range map[string]*channel.Message{"plain": message(), "headers": withMore} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server server
			server.start(t, Plain)
			result := server.sender(t, Plain).Send(t.Context(), m)
			if result.Class != channel.Delivered || result.Status != 250 {
				t.Fatalf("got %+v", result)
			}
			mails := server.mails()
			if len(mails) != 1 || mails[0].from != "drift@hub.example" {
				t.Fatalf("got %+v", mails)
			}
			golden(t, "testdata/"+name+".eml", mails[0].content)
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (write anew with -update)\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestARepliedRefusalIsClassified(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		replies map[string]error // by recipient
		data    error
		want    channel.Class
		status  int
		detail  string
	}{
		"an unknown recipient":                 {map[string]error{"ida@example.org": reply(550, "no such ida@example.org")}, nil, channel.Rejected, 550, "RCPT TO: 550 5.1.1"},
		"a greylisted recipient":               {map[string]error{"ida@example.org": reply(451, "later")}, nil, channel.Retry, 451, "RCPT TO: 451 4.1.1"},
		"one of two unknown: nobody gets it":   {map[string]error{"bo@example.org": reply(550, "unknown")}, nil, channel.Rejected, 550, "RCPT TO: 550 5.1.1"},
		"the permanent reply counts, if last":  {map[string]error{"ida@example.org": reply(451, "later"), "bo@example.org": reply(553, "never")}, nil, channel.Rejected, 553, "RCPT TO: 553 5.1.1"},
		"the permanent reply counts, if first": {map[string]error{"ida@example.org": reply(553, "never"), "bo@example.org": reply(451, "later")}, nil, channel.Rejected, 553, "RCPT TO: 553 5.1.1"},
		"content refused":                      {nil, reply(554, "spam"), channel.Rejected, 554, "end of content: 554 5.1.1"},
		"no room for the content":              {nil, reply(452, "full"), channel.Retry, 452, "end of content: 452 4.1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := server{
				onRcpt: func(to string) error { return c.replies[to] },
				onData: func(_ *smtp.Conn, r io.Reader) error { _, _ = io.Copy(io.Discard, r); return c.data },
			}
			server.start(t, Plain)
			sender := server.sender(t, Plain)
			to := message(event.Header{Name: "To", Value: "ida@example.org, bo@example.org"}, event.Header{Name: "Subject", Value: "x"})

			result := sender.Send(t.Context(), to)
			if result.Class != c.want || result.Status != c.status || result.Detail != c.detail {
				t.Errorf("got %+v, want %s %d %q", result, c.want, c.status, c.detail)
			}
			if len(result.Body) == 0 {
				t.Error("the server's text is not kept")
			}
			if strings.Contains(result.Detail, "ida") {
				t.Errorf("the detail, which is logged, names the recipient: %s", result.Detail)
			}
			if mails := server.mails(); len(mails) != 0 {
				t.Errorf("somebody got it: %+v", mails)
			}

			result = sender.Send(t.Context(), message(event.Header{Name: "To", Value: "eva@example.org"}, event.Header{Name: "Subject", Value: "x"}))
			if c.data == nil && result.Class != channel.Delivered {
				t.Errorf("the next message over the same connection: %+v", result)
			}
			if n := server.connections(); n != 1 {
				t.Errorf("%d connections for two messages", n)
			}
		})
	}
}

func TestARetryCarriesTheSameMessageID(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var first, second string
	server := server{onData: func(_ *smtp.Conn, r io.Reader) error {
		parsed, err := netmail.ReadMessage(r)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, parsed.Body)
		if calls.Add(1) == 1 {
			first = parsed.Header.Get("Message-ID")
			return reply(451, "later")
		}
		second = parsed.Header.Get("Message-ID")
		return nil
	}}
	server.start(t, Plain)
	sender := server.sender(t, Plain)
	m := message()
	if result := sender.Send(t.Context(), m); result.Class != channel.Retry {
		t.Fatalf("first: %+v", result)
	}
	m.Attempt, m.At = 2, m.At.Add(time.Hour)
	if result := sender.Send(t.Context(), m); result.Class != channel.Delivered {
		t.Fatalf("second: %+v", result)
	}
	if want := "<" + messageID + "@hub.example>"; first != want || second != want {
		t.Errorf("got %s and %s, want %s", first, second, want)
	}
}

func TestAMessageThatIsNoMailIsRejectedBeforeConnecting(t *testing.T) {
	t.Parallel()
	to := event.Header{Name: "To", Value: "ida@example.org"}
	subject := event.Header{Name: "Subject", Value: "x"}
	tooMany := event.Header{Name: "To", Value: strings.Repeat("ida@example.org, ", maxRecipients) + "ida@example.org"}
	for name, m := range map[string]*channel.Message{
		"a subject that injects a header":   message(to, event.Header{Name: "Subject", Value: "x\r\nBcc: eve@example.net"}),
		"a bare line feed":                  message(to, event.Header{Name: "Subject", Value: "x\nBcc: eve@example.net"}),
		"a bare carriage return":            message(to, event.Header{Name: "Subject", Value: "x\rBcc: eve@example.net"}),
		"a null byte":                       message(to, event.Header{Name: "Subject", Value: "x\x00"}),
		"a recipient that injects":          message(event.Header{Name: "To", Value: "ida@example.org\r\nBcc: eve@example.net"}, subject),
		"a header name that injects":        message(to, subject, event.Header{Name: "X: y\r\nBcc", Value: "eve@example.net"}),
		"a header name with a space":        message(to, subject, event.Header{Name: "X Y", Value: "z"}),
		"a header without a name":           message(to, subject, event.Header{Name: "", Value: "z"}),
		"a blind copy":                      message(to, subject, event.Header{Name: "bcc", Value: "eve@example.net"}),
		"a sender of its own":               message(to, subject, event.Header{Name: "FROM", Value: "eve@example.net"}),
		"a content type of its own":         message(to, subject, event.Header{Name: "Content-Type", Value: "text/html"}),
		"two subjects":                      message(to, subject, subject),
		"no subject":                        message(to),
		"no recipient":                      message(subject),
		"a recipient that is no address":    message(event.Header{Name: "To", Value: "ida"}, subject),
		"more recipients than servers take": message(tooMany, subject),
		"a header that is not UTF-8":        message(to, event.Header{Name: "Subject", Value: "\xff"}),
		"a body that is not UTF-8":          {ID: messageID, Headers: []event.Header{to, subject}, Body: []byte{0xff}},
		"an id that injects":                {ID: "x>\r\nBcc: eve@example.net", Headers: []event.Header{to, subject}},
		"no id":                             {Headers: []event.Header{to, subject}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender := (&server{port: 1}).sender(t, Plain, func(c *Config) {
				c.Dial = func(context.Context, string, string) (net.Conn, error) {
					t.Error("connected")
					return nil, io.EOF
				}
			})
			result := sender.Send(t.Context(), m)
			if result.Class != channel.Rejected || result.Reason != string(fault.InvalidMessage) || result.Detail == "" {
				t.Errorf("got %+v", result)
			}
			if strings.Contains(result.Detail, "@") {
				t.Errorf("the detail shows a value: %s", result.Detail)
			}
		})
	}
}

func TestAnAddressCannotAddAParameterToItsCommand(t *testing.T) {
	t.Parallel()
	var server server
	server.start(t, Plain)
	m := message(event.Header{Name: "To", Value: `"a> NOTIFY=NEVER"@example.org`}, event.Header{Name: "Subject", Value: "x"})
	if result := server.sender(t, Plain).Send(t.Context(), m); result.Class != channel.Delivered {
		t.Fatalf("got %+v", result)
	}
	if got := server.mails()[0].to; !slices.Equal(got, []string{"a> NOTIFY=NEVER@example.org"}) {
		t.Errorf("got %q", got)
	}
}

func TestAnAddressBeyondASCIINeedsAServerThatTakesIt(t *testing.T) {
	t.Parallel()
	m := message(event.Header{Name: "To", Value: "åse@example.org"}, event.Header{Name: "Subject", Value: "x"})
	for name, c := range map[string]struct {
		offered bool
		want    channel.Class
	}{"offered": {true, channel.Delivered}, "not offered": {false, channel.Rejected}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server server
			server.start(t, Plain)
			server.smtp.EnableSMTPUTF8 = c.offered
			if result := server.sender(t, Plain).Send(t.Context(), m); result.Class != c.want {
				t.Errorf("got %+v", result)
			}
		})
	}
}

func TestEncryptionAndLogin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tls      TLS
		auth     []string
		password string
		want     channel.Class
		status   int
		reason   fault.Code
	}{
		"STARTTLS, PLAIN":        {StartTLS, []string{"PLAIN"}, "secret", channel.Delivered, 250, ""},
		"STARTTLS, LOGIN":        {StartTLS, []string{"LOGIN"}, "secret", channel.Delivered, 250, ""},
		"implicit TLS, PLAIN":    {Implicit, []string{"LOGIN", "PLAIN"}, "secret", channel.Delivered, 250, ""},
		"a wrong password":       {StartTLS, []string{"PLAIN"}, "guess", channel.Retry, 535, fault.SenderConfig},
		"no way known to us":     {StartTLS, []string{"GSSAPI"}, "secret", channel.Retry, 0, fault.SenderConfig},
		"the server has no AUTH": {StartTLS, nil, "secret", channel.Retry, 0, fault.SenderConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := server{auth: c.auth}
			server.start(t, c.tls)
			sender := server.sender(t, c.tls, func(config *Config) { config.User, config.Password = "hub", c.password })
			result := sender.Send(t.Context(), message())
			if result.Class != c.want || result.Status != c.status || result.Reason != string(c.reason) {
				t.Fatalf("got %+v", result)
			}
			if strings.Contains(result.Detail, c.password) {
				t.Error("the detail shows the password")
			}
			if c.want != channel.Delivered {
				return
			}
			if mail := server.mails()[0]; !mail.tls || mail.user != "hub" {
				t.Errorf("encrypted %t, as %q", mail.tls, mail.user)
			}
		})
	}
}

func TestNoPlainTextWhereTLSIsRequired(t *testing.T) {
	t.Parallel()
	t.Run("no STARTTLS", func(t *testing.T) {
		t.Parallel()
		var server server
		server.start(t, Plain)
		expectNoAnswer(t, server.sender(t, StartTLS).Send(t.Context(), message()), fault.TLSFailed)
		if len(server.mails()) > 0 {
			t.Error("sent without encryption")
		}
	})
	for _, encrypt := range []TLS{StartTLS, Implicit} {
		t.Run("a stranger's certificate, "+string(encrypt), func(t *testing.T) {
			t.Parallel()
			var server server
			server.start(t, encrypt)
			server.roots = nil // the machine's do not know it
			expectNoAnswer(t, server.sender(t, encrypt).Send(t.Context(), message()), fault.TLSFailed)
		})
	}
}

func TestTroubleWithTheConnectionIsARetryWithItsReason(t *testing.T) {
	t.Parallel()
	failing := func(err error) func(*Config) {
		return func(c *Config) { c.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, err } }
	}
	for name, c := range map[string]struct {
		talk   func(net.Conn) // nil: the dialer fails with dial
		dial   error
		reason fault.Code
	}{
		"an unknown host name":    {nil, &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, fault.DNSFailed},
		"an address not allowed":  {nil, &net.OpError{Op: "dial", Err: fault.New(fault.AddressRefused, "loopback")}, fault.AddressRefused},
		"nobody listens":          {nil, &net.OpError{Op: "dial", Err: io.EOF}, fault.ConnectFailed},
		"hangs up at once":        {func(net.Conn) {}, nil, fault.ConnectionReset},
		"hangs up after greeting": {func(c net.Conn) { fmt.Fprint(c, "220 hi\r\n"); readLine(c) }, nil, fault.ConnectionReset},
		"not SMTP at all":         {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n"); readLine(c) }, nil, fault.BadAnswer},
		"an answer without end":   {endless, nil, fault.BadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server server
			var change []func(*Config)
			if c.talk == nil {
				server.port, change = 1, append(change, failing(c.dial))
			} else {
				server.port = raw(t, c.talk)
			}
			expectNoAnswer(t, server.sender(t, Plain, change...).Send(t.Context(), message()), c.reason)
		})
	}
}

func TestAServerThatTurnsUsAwayIsARetry(t *testing.T) {
	t.Parallel()
	server := server{port: raw(t, func(c net.Conn) { fmt.Fprint(c, "554 5.7.1 not you\r\n"); readLine(c) })}
	result := server.sender(t, Plain).Send(t.Context(), message())
	if result.Class != channel.Retry || result.Status != 554 || result.Detail != "greeting: 554 5.7.1" {
		t.Errorf("the message is not at fault, got %+v", result)
	}
}

func TestAConnectionLostDuringTheContentIsARetry(t *testing.T) {
	t.Parallel()
	for name, readAll := range map[string]bool{"in the middle": false, "after its end, before the answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := server{onData: func(c *smtp.Conn, r io.Reader) error {
				if readAll {
					_, _ = io.Copy(io.Discard, r)
				} else {
					_, _ = io.CopyN(io.Discard, r, 1000)
				}
				return c.Conn().Close()
			}}
			server.start(t, Plain)
			m := message()
			m.Body = []byte(strings.Repeat("En linje.\n", 200_000)) // more than the buffers between take
			expectNoAnswer(t, server.sender(t, Plain).Send(t.Context(), m), fault.ConnectionReset)
		})
	}
}

func TestASendEndsSoonAfterItsContext(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	server := server{port: raw(t, func(c net.Conn) {
		close(reached)
		_, _ = io.Copy(io.Discard, c) // says nothing until the other side hangs up
	})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	expectNoAnswer(t, server.sender(t, Plain).Send(ctx, message()), fault.SendTimeout)
}

func TestConnectionsAreKeptAndRenewed(t *testing.T) {
	t.Parallel()
	var last atomic.Pointer[smtp.Conn]
	server := server{onData: func(c *smtp.Conn, _ io.Reader) error { last.Store(c); return nil }}
	server.start(t, Plain)
	sender := server.sender(t, Plain)
	deliver := func(wantConnections int) {
		t.Helper()
		if result := sender.Send(t.Context(), message()); result.Class != channel.Delivered {
			t.Fatalf("got %+v", result)
		}
		if n := server.connections(); n != wantConnections {
			t.Fatalf("%d connections, want %d", n, wantConnections)
		}
	}
	deliver(1)
	deliver(1)
	_ = last.Load().Conn().Close() // the server's idle limit
	deliver(2)
	for range maxPerSession - 1 {
		deliver(2)
	}
	deliver(3) // the second has carried its share
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	deliver(4)
	deliver(5) // a closed sender keeps none
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	good := Config{Host: "mx.test", Port: 587, TLS: StartTLS, From: "a@hub.example", Dial: dial, Timeout: time.Second}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no host":                     func(c *Config) { c.Host = "" },
		"a host that injects":         func(c *Config) { c.Host = "mx.test\r\nRSET" },
		"no port":                     func(c *Config) { c.Port = 0 },
		"a port too high":             func(c *Config) { c.Port = 65536 },
		"no word on TLS":              func(c *Config) { c.TLS = "" },
		"a password in plain text":    func(c *Config) { c.TLS, c.User = Plain, "hub" },
		"no sender address":           func(c *Config) { c.From = "hub" },
		"a sender address in Unicode": func(c *Config) { c.From = "årsag@hub.example" },
		"no dialer":                   func(c *Config) { c.Dial = nil },
		"no timeout":                  func(c *Config) { c.Timeout = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := good
			change(&config)
			if _, err := New(config); !fault.Has(err, fault.SenderConfig) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func expectNoAnswer(t *testing.T, result channel.Result, reason fault.Code) {
	t.Helper()
	if result.Class != channel.Retry || result.Status != 0 || result.Reason != string(reason) || result.Detail == "" {
		t.Errorf("got %+v, want a retry with reason %s", result, reason)
	}
}

func readLine(c net.Conn) { _, _ = bufio.NewReader(c).ReadString('\n') }

func endless(c net.Conn) {
	for {
		if _, err := c.Write([]byte("220-still more to say\r\n")); err != nil {
			return
		}
	}
}
