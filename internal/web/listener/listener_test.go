package listener_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/listener"
)

// Whoever is not a trusted proxy is who the connection says, whatever the headers say; and no handler sees them.
func TestHeadersOfAnyoneAreTakenOff(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "clients", nil)
	forged := []string{
		"Client-Cert", rfc9440(a.client("forged").Leaf), "Client-Cert-Chain", rfc9440(a.cert), "Forwarded", "for=192.0.2.1;proto=https",
		"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Port", "443", "X-Real-IP", "192.0.2.1",
	}
	behind := plainly()
	behind.TrustedProxies = prefixes("127.0.0.2/32")
	behind.Client = config.Client{Certificate: "optional", CA: a.file()}
	for name, c := range map[string]config.Listener{"without proxies": plainly(), "beside the proxy": behind} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := get(t, client(nil), listen(t, c).url(), forged...)
			if want := (seen{Addr: "127.0.0.1", Proto: "HTTP/1.1"}); status != 200 || !reflect.DeepEqual(got, want) {
				t.Errorf("%d %+v, want %+v", status, got, want)
			}
		})
	}
}

// Where a certificate is required, one forged beside the proxy is none.
func TestAForgedCertificateIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "clients", nil)
	c := plainly()
	c.TrustedProxies = prefixes("127.0.0.2/32")
	c.Client = config.Client{Certificate: "required", CA: a.file()}
	if status, got := get(t, client(nil), listen(t, c).url(), "Client-Cert", rfc9440(a.client("known").Leaf)); status != 403 {
		t.Errorf("%d %+v", status, got)
	}
}

func TestRequiredCertificateIsAskedOfEveryone(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "clients", nil), newAuthority(t, "others", nil)
	between := newAuthority(t, "between", a)
	known, far, stranger := a.client("known"), between.client("far"), other.client("stranger")
	c := plainly()
	c.TrustedProxies = prefixes("127.0.0.1/32")
	c.Client = config.Client{Certificate: "required", CA: a.file()}
	url := listen(t, c).url()
	for name, x := range map[string]struct {
		headers []string
		status  int
		who     string
	}{
		"known":                    {[]string{"Client-Cert", rfc9440(known.Leaf)}, 200, "known"},
		"with its chain":           {[]string{"Client-Cert", rfc9440(far.Leaf), "Client-Cert-Chain", rfc9440(between.cert) + ", " + rfc9440(a.cert)}, 200, "far"},
		"without its chain":        {[]string{"Client-Cert", rfc9440(far.Leaf)}, 403, ""},
		"of another authority":     {[]string{"Client-Cert", rfc9440(stranger.Leaf), "Client-Cert-Chain", rfc9440(other.cert)}, 403, ""},
		"a server's":               {[]string{"Client-Cert", rfc9440(a.server("hub.example").Leaf)}, 403, ""},
		"none":                     {nil, 403, ""},
		"twice":                    {[]string{"Client-Cert", rfc9440(known.Leaf), "Client-Cert", rfc9440(known.Leaf)}, 400, ""},
		"a list":                   {[]string{"Client-Cert", rfc9440(known.Leaf) + ", " + rfc9440(known.Leaf)}, 400, ""},
		"PEM, as older proxies do": {[]string{"Client-Cert", "-----BEGIN%20CERTIFICATE-----"}, 400, ""},
		"no base64":                {[]string{"Client-Cert", ":*:"}, 400, ""},
		"no certificate":           {[]string{"Client-Cert", ":AAAA:"}, 400, ""},
		"a chain of nothing":       {[]string{"Client-Cert-Chain", rfc9440(a.cert)}, 400, ""},
		"a chain that is none":     {[]string{"Client-Cert", rfc9440(known.Leaf), "Client-Cert-Chain", "?1"}, 400, ""},
		"a chain without end":      {[]string{"Client-Cert", rfc9440(known.Leaf), "Client-Cert-Chain", strings.Repeat(rfc9440(a.cert)+",", 11) + rfc9440(a.cert)}, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := get(t, client(nil), url, x.headers...)
			if status != x.status || got.Name != x.who || got.Headers != nil {
				t.Errorf("%d %+v, want %d and %q", status, got, x.status, x.who)
			}
		})
	}
}

// The client is the last on the way that is no trusted proxy; what stands before it may be made up.
func TestTheWayBackToTheClient(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		header string
		lines  []string
		want   seen
	}{
		"nothing said":                 {"x-forwarded-for", nil, seen{Addr: "127.0.0.1"}},
		"one":                          {"x-forwarded-for", []string{"X-Forwarded-For", "192.0.2.1"}, seen{Addr: "192.0.2.1"}},
		"by TLS":                       {"x-forwarded-for", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, seen{Addr: "192.0.2.1", Secure: true}},
		"by two schemes":               {"x-forwarded-for", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http"}, seen{Addr: "192.0.2.1"}},
		"made up before":               {"x-forwarded-for", []string{"X-Forwarded-For", "198.51.100.9, 192.0.2.1"}, seen{Addr: "192.0.2.1"}},
		"made up in a line of its own": {"x-forwarded-for", []string{"X-Forwarded-For", "198.51.100.9", "X-Forwarded-For", "192.0.2.1"}, seen{Addr: "192.0.2.1"}},
		"nonsense before":              {"x-forwarded-for", []string{"X-Forwarded-For", "root, 192.0.2.1"}, seen{Addr: "192.0.2.1"}},
		"through two proxies":          {"x-forwarded-for", []string{"X-Forwarded-For", "192.0.2.1, 10.0.0.7"}, seen{Addr: "192.0.2.1"}},
		"hidden":                       {"x-forwarded-for", []string{"X-Forwarded-For", "unknown"}, seen{Addr: "invalid IP"}},
		"hidden behind two":            {"x-forwarded-for", []string{"X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.7"}, seen{Addr: "invalid IP"}},
		"with a port":                  {"x-forwarded-for", []string{"X-Forwarded-For", "192.0.2.1:4711"}, seen{Addr: "192.0.2.1"}},
		"IPv6":                         {"x-forwarded-for", []string{"X-Forwarded-For", "[2001:db8::1]:4711"}, seen{Addr: "2001:db8::1"}},
		"IPv4 in IPv6":                 {"x-forwarded-for", []string{"X-Forwarded-For", "::ffff:10.0.0.7"}, seen{Addr: "10.0.0.7"}},
		"the other header":             {"x-forwarded-for", []string{"Forwarded", "for=192.0.2.1"}, seen{Addr: "127.0.0.1"}},
		"forwarded":                    {"forwarded", []string{"Forwarded", "for=198.51.100.9, For=192.0.2.1;proto=HTTPS;by=10.0.0.1"}, seen{Addr: "192.0.2.1", Secure: true}},
		"forwarded by two":             {"forwarded", []string{"Forwarded", `for="[2001:db8::1]:4711"`, "Forwarded", "for=10.0.0.7;proto=https"}, seen{Addr: "2001:db8::1"}},
		"forwarded, hidden":            {"forwarded", []string{"Forwarded", "for=_secret"}, seen{Addr: "invalid IP"}},
		"forwarded, marks in a string": {"forwarded", []string{"Forwarded", `for=198.51.100.9;x="a,b;c\",", for=192.0.2.1`}, seen{Addr: "192.0.2.1"}},
		"forwarded, the older header":  {"forwarded", []string{"X-Forwarded-For", "192.0.2.1"}, seen{Addr: "127.0.0.1"}},
		"neither is believed":          {"none", []string{"X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.1"}, seen{Addr: "127.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := plainly()
			c.ProxyHeader, c.TrustedProxies = x.header, prefixes("127.0.0.1/32", "10.0.0.0/8")
			x.want.Proto = "HTTP/1.1"
			if status, got := get(t, client(nil), listen(t, c).url(), x.lines...); status != 200 || !reflect.DeepEqual(got, x.want) {
				t.Errorf("%d %+v, want %+v", status, got, x.want)
			}
		})
	}
}

// A client that begins a string would swallow in it what the proxy adds, and be whom it likes.
func TestAStringThatDoesNotEndIsRefused(t *testing.T) {
	t.Parallel()
	c := plainly()
	c.ProxyHeader, c.TrustedProxies = "forwarded", prefixes("127.0.0.1/32")
	url := listen(t, c).url()
	for _, line := range []string{`for=198.51.100.9;x=", for=192.0.2.1`, `for=198.51.100.9;x="\, for=192.0.2.1`, `for=198.51.100.9;x=", for="[2001:db8::1]"`} {
		if status, got := get(t, client(nil), url, "Forwarded", line); status != 400 {
			t.Errorf("%s: %d %+v", line, status, got)
		}
	}
}

func TestTLSWithClientCertificates(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "clients", nil), newAuthority(t, "others", nil)
	server := a.server("hub.example", "localhost")
	for mode, ok := range map[string]struct{ with, without, stranger bool }{
		"none": {true, true, true}, "optional": {true, true, false}, "required": {true, false, false},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			c := plainly()
			c.Certificates = []config.Certificate{{Chain: server.chain, Key: server.key}}
			if c.Client.Certificate = mode; mode != "none" {
				c.Client.CA = a.file()
			}
			url := listen(t, c).url()
			for name, x := range map[string]struct {
				client *http.Client
				ok     bool
				who    string
			}{
				"known":    {client(a, a.client("known").Certificate), ok.with, map[bool]string{true: "known"}[mode != "none"]},
				"nobody":   {client(a), ok.without, ""},
				"stranger": {client(a, other.client("stranger").Certificate), ok.stranger, ""},
			} {
				response, err := x.client.Get(url)
				if (err == nil) != x.ok {
					t.Errorf("%s: answered %v, want %v: %v", name, err == nil, x.ok, err)
				}
				if err != nil {
					continue
				}
				response.Body.Close()
				_, got := get(t, x.client, url, "Client-Cert", rfc9440(a.client("forged").Leaf))
				want := seen{Addr: "127.0.0.1", Secure: true, Proto: "HTTP/2.0", Name: x.who}
				if x.who != "" {
					want.Chain = 2
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %+v, want %+v", name, got, want)
				}
			}
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "servers", nil)
	server := a.server("localhost")
	c := plainly()
	c.Certificates = []config.Certificate{{Chain: server.chain, Key: server.key}}
	address := listen(t, c).Address()
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool(), MinVersion: version, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// A renewed certificate serves the next connection; one that cannot be used leaves the old one in use.
func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "servers", nil)
	first, second := a.server("first.example"), a.server("second.example")
	c := plainly()
	c.Certificates = []config.Certificate{{Chain: first.chain, Key: first.key}}
	l := listen(t, c)
	shown := func() string {
		t.Helper()
		l.clock.Advance(time.Minute)
		conn, err := tls.Dial("tcp", l.Address(), &tls.Config{RootCAs: a.pool(), ServerName: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	replace := func(to, from string) {
		t.Helper()
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, text)
		l.clock.Advance(time.Minute)
		later := l.clock.Now()
		if err := os.Chtimes(to, later, later); err != nil { // whatever the file system's clock shows
			t.Fatal(err)
		}
	}
	if got := shown(); got != "first.example" {
		t.Fatal(got)
	}
	replace(first.chain, second.chain)
	if got := shown(); got != "first.example" {
		t.Errorf("a certificate without its key is shown: %s", got)
	}
	// The key comes without a trace in size and time, as a second write within the clock's tick would.
	before, err := os.Stat(first.key)
	if err != nil {
		t.Fatal(err)
	}
	replace(first.key, second.key)
	if err := os.Chtimes(first.key, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "second.example" {
		t.Errorf("the renewed certificate is not shown, but %s", got)
	}
	if got := l.Expires(); !got.Equal(second.Leaf.NotAfter) {
		t.Errorf("expires %s, want %s", got, second.Leaf.NotAfter)
	}
}

// A resumed session would bring a client in whose authority was taken out since: each connection is verified anew.
func TestSessionsOfClientsWithCertificatesAreNotResumed(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "clients", nil)
	server := a.server("localhost")
	c := plainly()
	c.Certificates = []config.Certificate{{Chain: server.chain, Key: server.key}}
	asking := c
	asking.Client = config.Client{Certificate: "optional", CA: a.file()}
	for name, x := range map[string]struct {
		config  config.Listener
		resumes bool
	}{"clients are not asked": {c, true}, "clients are asked": {asking, false}} {
		address := listen(t, x.config).Address()
		known := a.client("known")
		settings := &tls.Config{
			RootCAs: a.pool(), Certificates: []tls.Certificate{known.Certificate}, MaxVersion: tls.VersionTLS12, // whose ticket is part of the handshake
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}
		resumed := false
		for range 2 {
			conn, err := tls.Dial("tcp", address, settings)
			if err != nil {
				t.Fatal(err)
			}
			resumed = conn.ConnectionState().DidResume
			conn.Close()
		}
		if resumed != x.resumes {
			t.Errorf("%s: resumed %v", name, resumed)
		}
	}
}

func TestTheCertificateIsChosenByName(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "servers", nil)
	c := plainly()
	for _, name := range []string{"one.example", "two.example"} {
		id := a.server(name)
		c.Certificates = append(c.Certificates, config.Certificate{Chain: id.chain, Key: id.key})
	}
	address := listen(t, c).Address()
	for _, name := range []string{"one.example", "two.example"} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool(), ServerName: name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		conn.Close()
	}
}

func TestFilesThatCannotBeUsedAreSaidAtTheStart(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "servers", nil)
	one, two := a.server("one.example"), a.server("two.example")
	for name, change := range map[string]func(*config.Listener){
		"no such certificate":        func(c *config.Listener) { c.Certificates[0].Chain = "/nowhere" },
		"another's key":              func(c *config.Listener) { c.Certificates[0].Key = two.key },
		"no such authority":          func(c *config.Listener) { c.Client.CA = "/nowhere" },
		"an authority that is a key": func(c *config.Listener) { c.Client.CA = two.key },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := plainly()
			c.Certificates = []config.Certificate{{Chain: one.chain, Key: one.key}}
			change(&c)
			if err := listener.Check(&c, clock.System{}); !fault.Has(err, fault.Configuration) {
				t.Error(err)
			}
			if _, err := listener.Open(t.Context(), &c, clock.System{}); !fault.Has(err, fault.Configuration) {
				t.Error(err)
			}
		})
	}
}

func TestOnlyItsNamesAreAnswered(t *testing.T) {
	t.Parallel()
	named, everywhere := plainly(), plainly()
	named.Names = []string{"hub.example", "10.0.0.1"}
	everywhere.Address = "0.0.0.0:0"
	for name, x := range map[string]struct {
		config config.Listener
		hosts  map[string]int
	}{
		"loopback":   {plainly(), map[string]int{"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "[::1]:1": 200, "evil.example": 421, "localhost.evil.example:80": 421}},
		"named":      {named, map[string]int{"hub.example": 200, "Hub.Example:8080": 200, "10.0.0.1": 200, "localhost": 421, "127.0.0.1": 421, "a.hub.example": 421}},
		"everywhere": {everywhere, map[string]int{"localhost": 200, "any.example": 200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, port, _ := net.SplitHostPort(listen(t, x.config).Address())
			for host, want := range x.hosts {
				if got, _ := get(t, client(nil), "http://127.0.0.1:"+port, "Host", host); got != want {
					t.Errorf("%s: %d, want %d", host, got, want)
				}
			}
		})
	}
}

// With all its connections taken a listener lets the next wait, and takes it when one has ended.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	c := plainly()
	c.MaxConnections = 1
	l := listen(t, c)
	if got := l.Connections(); got != 0 {
		t.Errorf("%d connections before the first", got)
	}
	first, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	answer(t, first)
	second, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if got := l.Connections(); got != 1 {
		t.Errorf("%d connections", got)
	}
	first.Close()
	answer(t, second)
}

func answer(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestALargeHeadIsRefused(t *testing.T) {
	t.Parallel()
	c := plainly()
	c.MaxHeader = 4 << 10
	if got, _ := get(t, client(nil), listen(t, c).url(), "X-Large", strings.Repeat("x", 64<<10)); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", got)
	}
}

// A hub that is not told where it is reached takes its listener's first name for it.
func TestOutsideIsTheFirstName(t *testing.T) {
	t.Parallel()
	proxied, named, plain := plainly(), plainly(), plainly()
	proxied.TrustedProxies, proxied.Names = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"hub.example", "localhost"}
	named.Names = []string{"::1"}
	a, certified, wild := newAuthority(t, "servers", nil), plainly(), plainly()
	server, all := a.server("*.example", "hub.example"), a.server("*.example")
	certified.Certificates = []config.Certificate{{Chain: server.chain, Key: server.key}}
	wild.Certificates = []config.Certificate{{Chain: all.chain, Key: all.key}}
	for want, c := range map[string]config.Listener{
		`^https://hub\.example:[0-9]+$`: certified, `^https://127\.0\.0\.1:[0-9]+$`: wild, // no name is a better one than a guess
		`^https://hub\.example$`: proxied, `^http://\[::1\]:[0-9]+$`: named, `^http://127\.0\.0\.1:[0-9]+$`: plain,
	} {
		if got := listen(t, c).Outside(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
