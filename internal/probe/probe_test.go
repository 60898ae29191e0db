package probe

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/netguard"
)

// names is a name server.
type names map[string]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if address, known := n[host]; known {
		return []netip.Addr{netip.MustParseAddr(address)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// place is a receiver and how it is probed. A test changes it before walk.
type place struct {
	server  *httptest.Server
	target  Target
	options Options
	date    string // the Date header of answers; empty: the right one
}

func newPlace(t *testing.T, secure bool, change func(*httptest.Server)) *place {
	t.Helper()
	p := &place{options: Options{
		Rules:    netguard.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: !secure},
		Resolver: names{"receiver.test": "127.0.0.1", "inside.test": "10.0.0.1", "example.com": "127.0.0.1"},
		Clock:    clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), Timeout: 10 * time.Second,
	}}
	p.date = p.options.Clock.Now().Format(http.TimeFormat)
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			t.Errorf("the receiver was asked to %s", r.Method)
		}
		w.Header().Set("Date", p.date)
	}))
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if change != nil {
		change(p.server)
	}
	if secure {
		p.server.StartTLS()
		p.target.CA = filepath.Join(t.TempDir(), "ca.pem")
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
		if err := os.WriteFile(p.target.CA, text, 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		p.server.Start()
	}
	t.Cleanup(p.server.Close)
	p.target.URL = p.server.URL + "/hook"
	return p
}

// named is the receiver's URL under a name.
func (p *place) named(name string) {
	p.target.URL = strings.Replace(p.target.URL, "127.0.0.1", name, 1)
}

// ends walks, and expects the last finding; what fails must say what to do.
func (p *place) ends(t *testing.T, grade Grade, step, text string) []Finding {
	t.Helper()
	findings := Run(context.Background(), p.target, p.options)
	last := findings[len(findings)-1]
	if last.Grade != grade || last.Step != step || !strings.Contains(last.Text, text) {
		t.Errorf("want %s at %s: %q; got %+v", grade, step, text, findings)
	}
	for _, f := range findings {
		if (f.Grade == Fine) != (f.Next == "") {
			t.Errorf("says what to do when nothing is wrong, or the other way: %+v", f)
		}
	}
	return findings
}

func TestAReceiverThatIsWell(t *testing.T) {
	t.Parallel()
	findings := newPlace(t, true, nil).ends(t, Fine, "clock", "agree")
	for _, f := range findings {
		if f.Grade != Fine {
			t.Errorf("%+v", f)
		}
	}
	if len(findings) != 5 {
		t.Errorf("want address, connection, TLS, certificate, clock: %+v", findings)
	}
}

func TestPlainHTTPIsWarnedOf(t *testing.T) {
	t.Parallel()
	p := newPlace(t, false, nil)
	p.named("receiver.test")
	findings := p.ends(t, Fine, "clock", "agree")
	if findings[3].Step != "TLS" || findings[3].Grade != Warning {
		t.Errorf("%+v", findings)
	}
}

func TestWhereTheWayEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		breaks func(*place)
		step   string
		text   string
	}{
		{"http is not allowed", func(p *place) { p.target.URL = "http://127.0.0.1/" }, "address", "https"},
		{"the range is not allowed", func(p *place) { p.options.Rules.Allow = nil }, "address", "127.0.0.1"},
		{"the proxy is no URL", func(p *place) { p.options.Rules.Proxy = "::" }, "address", ""},
		{"the name does not exist", func(p *place) { p.named("nobody.test") }, "name", "has no address"},
		{"the name points inside", func(p *place) { p.named("inside.test") }, "name", "10.0.0.1"},
		{"nothing listens", func(p *place) { p.server.Close() }, "connection", "refused the connection"},
		{"the authority is not trusted", func(p *place) { p.target.CA = "" }, "TLS", "not trusted"},
		{"the authorities cannot be read", func(p *place) { p.target.CA = "nowhere.pem" }, "authorities", "nowhere.pem"},
		{"the certificate is for another name", func(p *place) { p.named("receiver.test") }, "TLS", "receiver.test"},
		{"the certificate is over", func(p *place) { p.options.Clock.(*clock.Fake).Advance(100 * 365 * 24 * time.Hour) }, "TLS", "not valid today"},
		{"our certificate cannot be read", func(p *place) { p.target.Certificate, p.target.Key = "nowhere.pem", "nowhere.pem" }, "our certificate", "nowhere.pem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, true, nil)
			c.breaks(p)
			p.ends(t, Failed, c.step, c.text)
		})
	}
}

// With TLS 1.3 the client's handshake is over before the server has seen that a certificate is missing.
func TestAMissingClientCertificateIsFound(t *testing.T) {
	t.Parallel()
	for version, step := range map[uint16]string{tls.VersionTLS12: "TLS", tls.VersionTLS13: "answer"} {
		p := newPlace(t, true, func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: version, MaxVersion: version}
		})
		findings := p.ends(t, Failed, step, "")
		if next := findings[len(findings)-1].Next; !strings.Contains(next, "client certificate") {
			t.Errorf("%s: %q", tls.VersionName(version), next)
		}
	}
}

func TestACertificateThatEndsSoonIsWarnedOf(t *testing.T) {
	t.Parallel()
	p := newPlace(t, true, nil)
	fake := p.options.Clock.(*clock.Fake)
	fake.Advance(p.server.Certificate().NotAfter.Add(-10*24*time.Hour - time.Hour).Sub(fake.Now()))
	p.date = fake.Now().Format(http.TimeFormat)
	findings := p.ends(t, Fine, "clock", "agree")
	if f := findings[3]; f.Grade != Warning || !strings.Contains(f.Text, "in 10 days") {
		t.Errorf("%+v", findings)
	}
}

func TestAClockThatIsOffIsWarnedOf(t *testing.T) {
	t.Parallel()
	for off, grade := range map[time.Duration]Grade{29 * time.Second: Fine, 31 * time.Second: Warning, -31 * time.Second: Warning} {
		p := newPlace(t, true, nil)
		p.date = p.options.Clock.Now().Add(off).Format(http.TimeFormat)
		p.ends(t, grade, "clock", "")
	}
	p := newPlace(t, true, nil)
	p.date = "yesterday"
	p.ends(t, Fine, "clock", "does not tell")
}

func TestAServerThatSaysNothingIsSaid(t *testing.T) {
	t.Parallel()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		if conn, err := socket.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	p := newPlace(t, false, nil)
	p.target.URL = "http://" + socket.Addr().String()
	p.ends(t, Failed, "answer", "gave no answer")
}
