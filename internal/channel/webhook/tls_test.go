package webhook_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
)

// S46: a receiver that demands a client certificate and verifies it, and has its own authority, over TLS 1.2 and 1.3.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "Our CA"), newAuthority(t, "Their CA")
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receiveTLS(t, &tls.Config{
				Certificates: []tls.Certificate{theirs.issue(nil)}, MinVersion: version, MaxVersion: version,
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours.pool(),
			})
			dir, pair := newFolder(t), ours.issue(nil)
			dir.certificate(pair)
			dir.write(dir.files.CA, theirs.pem())
			identity := exchange.NewIdentity(dir.files, clock.NewFake(noon))
			if err := identity.Check(); err != nil || !identity.Expires().Equal(noon.AddDate(1, 0, 0)) {
				t.Errorf("check %v, expires %s", err, identity.Expires())
			}
			sender := to(t, "https://"+r.addr, as(identity))
			for range 3 {
				wantDelivered(t, sender.Send(t.Context(), message()))
			}
			for _, serial := range r.seen() {
				if serial != serialOf(t, pair) {
					t.Errorf("the receiver saw certificate %d", serial)
				}
			}
			if r.connections() != 1 {
				t.Errorf("%d connections for 3 messages, want 1", r.connections())
			}
		})
	}
}

// A receiver that only asks, for certificates of authorities that are not ours, is shown ours all the same: it must not
// take us for a stranger.
func TestClientCertificateIsShownToWhoeverAsks(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "Our CA"), newAuthority(t, "Their CA")
	r := receiveTLS(t, &tls.Config{Certificates: []tls.Certificate{theirs.issue(nil)}, ClientAuth: tls.RequestClientCert, ClientCAs: theirs.pool()})
	dir, pair := newFolder(t), ours.issue(nil)
	dir.certificate(pair)
	dir.write(dir.files.CA, theirs.pem())
	wantDelivered(t, to(t, "https://"+r.addr, as(exchange.NewIdentity(dir.files, clock.NewFake(noon)))).Send(t.Context(), message()))
	if seen := r.seen(); len(seen) != 1 || seen[0] != serialOf(t, pair) {
		t.Errorf("the receiver saw %v", seen)
	}
}

// What stands between us and a TLS session is told so that both sides know who must mend what.
func TestTLSTrouble(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "Their CA"), newAuthority(t, "Another CA")
	good := ca.issue(nil)
	expired := ca.issue(func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, 0, -10) })
	tests := []struct {
		name   string
		server *tls.Config
		words  string
	}{
		{"expired", &tls.Config{Certificates: []tls.Certificate{expired}}, `expired on 2026-11-12 12:00 UTC`},
		{"not yet valid", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) { c.NotBefore = noon.AddDate(0, 0, 1) })}},
			`is not valid until 2026-11-23 12:00 UTC`},
		{"unknown authority", &tls.Config{Certificates: []tls.Certificate{other.issue(nil)}},
			`was issued by "CN=Another CA", which is not among the system's CA bundle`},
		{"another name", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"hooks.example.dk"}
		})}}, `is for "hooks.example.dk", not for 127.0.0.1`},
		{"no name", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) { c.IPAddresses = nil })}}, "is for no name at all"},
		{"not for servers", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})}}, "incompatible key usage"},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "TLS 1.2 or later"},
		{"another protocol", &tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{"mqtt"}}, "no application protocol"},
		{"wants a client certificate", &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert},
			"it may want a client certificate, and none is configured"},
		{"wants a client certificate, TLS 1.2", &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12},
			"it may want a client certificate, and none is configured"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := newFolder(t)
			dir.write(dir.files.CA, ca.pem())
			r := receiveTLS(t, test.server)
			identity := exchange.NewIdentity(exchange.Files{CA: dir.files.CA}, clock.NewFake(noon))
			wantNoAnswer(t, to(t, "https://"+r.addr, as(identity)).Send(t.Context(), message()), fault.TLSFailed, test.words)
			if len(r.seen()) != 0 {
				t.Error("the message was sent all the same")
			}
		})
	}
}

func TestReceiverRefusesOurCertificate(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "Our CA"), newAuthority(t, "Their CA")
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receiveTLS(t, &tls.Config{
				Certificates: []tls.Certificate{theirs.issue(nil)}, MaxVersion: version,
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: theirs.pool(),
			})
			dir := newFolder(t)
			dir.certificate(ours.issue(nil))
			dir.write(dir.files.CA, theirs.pem())
			got := to(t, "https://"+r.addr, as(exchange.NewIdentity(dir.files, clock.NewFake(noon)))).Send(t.Context(), message())
			// After a TLS 1.3 handshake the alert may be lost to a reset; the sentence says the same.
			if got.Class != channel.Retry || got.Reason != string(fault.TLSFailed) && got.Reason != string(fault.ConnectionReset) ||
				!strings.Contains(got.Detail, "may not trust our client certificate") {
				t.Errorf("got %s, %s: %s", got.Class, got.Reason, got.Detail)
			}
		})
	}
}

func TestWhatListensDoesNotSpeakTLS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		handle func(net.Conn)
		limit  time.Duration
		reason fault.Code
		words  string
	}{
		{"plain HTTP", func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }, ample, fault.TLSFailed, "does not speak TLS"},
		{"hangs up", func(conn net.Conn) { bufio.NewReader(conn).ReadByte() }, ample, fault.TLSFailed, "hung up during the TLS handshake"},
		{"silent", func(conn net.Conn) { io.Copy(io.Discard, conn) }, brief, fault.SendTimeout, "handshake was not finished within"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, test.handle)
			wantNoAnswer(t, to(t, "https://"+r.addr, limit(test.limit)).Send(t.Context(), message()), test.reason, test.words)
		})
	}
}

// Without a bundle of its own a system is checked against the machine's authorities, never against nothing.
func TestMachinesAuthoritiesByDefault(t *testing.T) {
	t.Parallel()
	r := receiveTLS(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t, "Their CA").issue(nil)}})
	wantNoAnswer(t, to(t, "https://"+r.addr).Send(t.Context(), message()), fault.TLSFailed, "not among the machine's authorities")
}

// A renewed certificate is used from the next send on; connections made with the old one are dropped. No restart.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "CA")
	r := receiveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool()})
	dir, now := newFolder(t), clock.NewFake(noon)
	older, newer := ca.issue(nil), ca.issue(nil)
	dir.certificate(older)
	dir.write(dir.files.CA, ca.pem())
	sender := to(t, "https://"+r.addr, as(exchange.NewIdentity(dir.files, now)), timed(now))
	wantDelivered(t, sender.Send(t.Context(), message()))
	now.Advance(10 * time.Second) // nothing has changed: the connection stays
	wantDelivered(t, sender.Send(t.Context(), message()))
	if r.connections() != 1 {
		t.Fatalf("%d connections before the renewal, want 1", r.connections())
	}

	dir.certificate(newer)
	now.Advance(10 * time.Second)
	wantDelivered(t, sender.Send(t.Context(), message()))
	want := []int64{serialOf(t, older), serialOf(t, older), serialOf(t, newer)}
	seen := r.seen()
	for i := range want {
		if i >= len(seen) || seen[i] != want[i] {
			t.Fatalf("the receiver saw %v, want %v", seen, want)
		}
	}
}

// Fail closed: a certificate or bundle that cannot be used stops every send, also over a connection made before, until
// it can; nothing goes out without.
func TestUnusableFilesStopSending(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t, "CA"), newAuthority(t, "Stranger")
	tests := []struct {
		name  string
		spoil func(*folder)
		words string
	}{
		{"no certificate", func(f *folder) { os.Remove(f.files.Certificate) }, "client certificate cannot be used"},
		{"no key", func(f *folder) { os.Remove(f.files.Key) }, "client certificate cannot be used"},
		{"garbled certificate", func(f *folder) { f.write(f.files.Certificate, []byte("garbage")) }, "client certificate cannot be used"},
		{"the key of another", func(f *folder) {
			certificate, _ := os.ReadFile(f.files.Certificate)
			f.certificate(stranger.issue(nil))
			f.write(f.files.Certificate, certificate)
		}, "client certificate cannot be used"},
		{"no bundle", func(f *folder) { os.Remove(f.files.CA) }, "CA bundle cannot be read"},
		{"empty bundle", func(f *folder) { f.write(f.files.CA, nil) }, "CA bundle holds no certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receiveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(nil)}, ClientAuth: tls.RequestClientCert})
			dir, now, pair := newFolder(t), clock.NewFake(noon), ca.issue(nil)
			whole := func() {
				dir.certificate(pair)
				dir.write(dir.files.CA, ca.pem())
			}
			whole()
			identity := exchange.NewIdentity(dir.files, now)
			sender := to(t, "https://"+r.addr, as(identity), timed(now))
			wantDelivered(t, sender.Send(t.Context(), message()))

			test.spoil(dir)
			now.Advance(10 * time.Second)
			wantNoAnswer(t, sender.Send(t.Context(), message()), fault.SenderConfig, test.words)
			if err := identity.Check(); !fault.Has(err, fault.SenderConfig) || !identity.Expires().IsZero() {
				t.Errorf("check: %v, want %s", err, fault.SenderConfig)
			}
			if n := len(r.seen()); n != 1 {
				t.Errorf("%d messages arrived, want 1", n)
			}

			whole()
			now.Advance(10 * time.Second)
			wantDelivered(t, sender.Send(t.Context(), message()))
		})
	}
}

// A hub that starts before its certificates are there sends nothing until they are.
func TestFilesThatComeLater(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "CA")
	r := receiveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool()})
	dir, now := newFolder(t), clock.NewFake(noon)
	sender := to(t, "https://"+r.addr, as(exchange.NewIdentity(dir.files, now)), timed(now))
	wantNoAnswer(t, sender.Send(t.Context(), message()), fault.SenderConfig, "client certificate cannot be used")
	dir.certificate(ca.issue(nil))
	dir.write(dir.files.CA, ca.pem())
	now.Advance(10 * time.Second)
	wantDelivered(t, sender.Send(t.Context(), message()))
}

// What made a file unusable can change without a trace in its size and time, as access rights do.
func TestUnusableFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	ca, dir, now := newAuthority(t, "CA"), newFolder(t), clock.NewFake(noon)
	dir.write(dir.files.CA, bytes.Repeat([]byte("x"), len(ca.pem())))
	identity := exchange.NewIdentity(exchange.Files{CA: dir.files.CA}, now)
	if err := identity.Check(); !fault.Has(err, fault.SenderConfig) {
		t.Fatalf("check: %v, want %s", err, fault.SenderConfig)
	}
	dir.written--
	dir.write(dir.files.CA, ca.pem())
	if now.Advance(time.Second); identity.Check() == nil {
		t.Error("the files were looked at again within a second")
	}
	if now.Advance(time.Minute); identity.Check() != nil {
		t.Error(identity.Check())
	}
}

// An authority taken out of the bundle is no longer believed, also not over a connection it vouched for.
func TestReplacedAuthority(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "CA"), newAuthority(t, "Other")
	r := receiveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(nil)}})
	dir, now := newFolder(t), clock.NewFake(noon)
	dir.write(dir.files.CA, ca.pem())
	sender := to(t, "https://"+r.addr, as(exchange.NewIdentity(exchange.Files{CA: dir.files.CA}, now)), timed(now))
	wantDelivered(t, sender.Send(t.Context(), message()))
	dir.write(dir.files.CA, other.pem())
	now.Advance(10 * time.Second)
	wantNoAnswer(t, sender.Send(t.Context(), message()), fault.TLSFailed, "not among the system's CA bundle")
}
