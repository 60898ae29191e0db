package netguard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// names is a resolver whose name gets another answer at each look-up, the last one for ever: DNS rebinding.
type names struct {
	answers [][]string
	asked   atomic.Int32
	err     error
}

func (n *names) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	i := int(n.asked.Add(1)) - 1
	if n.err != nil {
		return nil, n.err
	}
	var addrs []netip.Addr
	for _, text := range n.answers[min(i, len(n.answers)-1)] {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

func guard(t testing.TB, rules netguard.Rules, resolver netguard.Resolver) *netguard.Guard {
	t.Helper()
	g, err := netguard.New(rules, resolver)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// wantRule checks that err is the refusal of one rule and names it.
func wantRule(t testing.TB, err error, rule string) {
	t.Helper()
	if rule == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if !fault.Has(err, fault.AddressRefused) || !strings.Contains(err.Error(), "(rule "+rule+")") {
		t.Errorf("got %v, want a refusal by rule %s", err, rule)
	}
}

// F19, S45: an address that only the hub can reach is refused, whatever its form.
func TestCheckAddr(t *testing.T) {
	t.Parallel()
	tests := []struct{ addr, rule string }{
		{"8.8.8.8", ""}, {"193.3.142.1", ""}, {"2a00:1450:4009::1", ""}, {"172.15.255.255", ""}, {"172.32.0.0", ""},
		{"100.63.255.255", ""}, {"100.128.0.0", ""}, {"223.255.255.255", ""}, {"2001:470::1", ""},
		{"0.0.0.0", "unspecified"}, {"0.1.2.3", "unspecified"}, {"::", "unspecified"},
		{"127.0.0.1", "loopback"}, {"127.255.255.254", "loopback"}, {"::1", "loopback"},
		{"10.0.0.1", "private"}, {"172.16.0.1", "private"}, {"172.31.255.255", "private"}, {"192.168.1.1", "private"},
		{"169.254.169.254", "link-local"}, {"fe80::1", "link-local"}, {"febf::1", "link-local"},
		{"fd00:ec2::254", "unique-local"}, {"fc00::1", "unique-local"}, {"fec0::1", "site-local"},
		{"100.64.0.1", "cgnat"}, {"100.127.255.255", "cgnat"},
		{"192.0.0.8", "ietf-protocol"}, {"2001::1", "ietf-protocol"}, {"2001:20::1", "ietf-protocol"},
		{"192.0.2.1", "documentation"}, {"198.51.100.7", "documentation"}, {"203.0.113.9", "documentation"},
		{"2001:db8::1", "documentation"}, {"3fff::1", "documentation"},
		{"198.18.0.1", "benchmarking"}, {"198.19.255.255", "benchmarking"},
		{"224.0.0.1", "multicast"}, {"239.255.255.255", "multicast"}, {"ff02::1", "multicast"},
		{"240.0.0.1", "reserved"}, {"255.255.255.255", "broadcast"},
		{"192.88.99.1", "6to4"}, {"2002:7f00:1::", "6to4"},
		{"64:ff9b::7f00:1", "nat64"}, {"64:ff9b:1::1", "nat64"}, {"64:ff9b::808:808", "nat64"},
		{"::ffff:127.0.0.1", "mapped-ipv4"}, {"::ffff:8.8.8.8", "mapped-ipv4"},
		{"::7f00:1", "not-global"}, {"100::1", "discard"}, {"5f00::1", "not-global"}, {"4000::1", "not-global"},
		{"2a00::1%eth0", "zone"},
	}
	g := guard(t, netguard.Rules{}, nil)
	for _, test := range tests {
		t.Run(test.addr, func(t *testing.T) {
			t.Parallel()
			wantRule(t, g.CheckAddr(netip.MustParseAddr(test.addr)), test.rule)
		})
	}
	wantRule(t, g.CheckAddr(netip.Addr{}), "invalid")
}

func TestRefusalIsOneAPersonUnderstands(t *testing.T) {
	t.Parallel()
	err := guard(t, netguard.Rules{}, nil).CheckAddr(netip.MustParseAddr("169.254.169.254"))
	if want := "169.254.169.254 is link-local (rule link-local)"; fault.Of(err).Detail != want {
		t.Errorf("got %q, want %q", fault.Of(err).Detail, want)
	}
}

// Public bodies run on private ranges: allowed where the operator says so, and nowhere else.
func TestAllowedRangeCoversOnlyItself(t *testing.T) {
	t.Parallel()
	g := guard(t, netguard.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00:20::/32")}}, nil)
	tests := []struct{ addr, rule string }{
		{"10.20.0.1", ""}, {"10.20.255.255", ""}, {"fd00:20::1", ""},
		{"10.21.0.1", "private"}, {"fd00:21::1", "unique-local"}, {"169.254.169.254", "link-local"},
		{"::ffff:10.20.0.1", "mapped-ipv4"}, {"fd00:20::1%lo", "zone"},
	}
	for _, test := range tests {
		wantRule(t, g.CheckAddr(netip.MustParseAddr(test.addr)), test.rule)
	}
}

// S3, S45, C13: what can be known of a URL when it is configured.
func TestCheckURL(t *testing.T) {
	t.Parallel()
	only443 := guard(t, netguard.Rules{Ports: []uint16{443}}, nil)
	demo := guard(t, netguard.Rules{AllowHTTP: true, Allow: loopback}, nil)
	tests := []struct {
		name, url string
		guard     *netguard.Guard
		rule      string
	}{
		{"https", "https://test.minakasse.dk/webhooknavn", only443, ""},
		{"port 443 written out", "https://test.minakasse.dk:443/", only443, ""},
		{"query", "https://a.dk/hook?org=101", only443, ""},
		{"punycode", "https://xn--rhus-gra.dk/", only443, ""},
		{"another port", "https://a.dk:8443/", only443, "port"},
		{"http", "http://a.dk/", only443, "https"},
		{"http where allowed", "http://a.dk/", demo, ""},
		{"port 0", "https://a.dk:0/", demo, "port"},
		{"port 65536", "https://a.dk:65536/", demo, "port"},
		{"file", "file:///etc/passwd", demo, "scheme"},
		{"gopher", "gopher://a.dk/", demo, "scheme"},
		{"no scheme", "a.dk/hook", demo, "scheme"},
		{"scheme-relative", "//a.dk/hook", demo, "scheme"},
		{"opaque", "https:a.dk", demo, "host"},
		{"no host", "https:///hook", demo, "host"},
		{"user", "https://user:secret@a.dk/", demo, "userinfo"},
		{"user as disguise", "https://a.dk@127.0.0.1/", only443, "userinfo"},
		{"fragment", "https://a.dk/#x", demo, "fragment"},
		{"not a URL", "https://a.dk/%zz", demo, "url"},
		{"line break", "https://a.dk/\r\nx", demo, "url"},
		{"loopback", "https://127.0.0.1/", only443, "loopback"},
		{"loopback where allowed", "http://127.0.0.1:8080/", demo, ""},
		{"localhost", "https://localhost/", only443, "loopback"},
		{"localhost where allowed", "http://localhost:8080/", demo, ""},
		{"name under localhost", "https://a.LOCALHOST/", only443, "loopback"},
		{"IPv6 loopback", "https://[::1]/", only443, "loopback"},
		{"mapped", "https://[::ffff:169.254.169.254]/", only443, "mapped-ipv4"},
		{"zone", "https://[fe80::1%25eth0]/", only443, "zone"},
		{"metadata", "https://169.254.169.254/latest/meta-data/", only443, "link-local"},
		{"decimal", "https://2130706433/", only443, "host"},
		{"hexadecimal", "https://0x7f000001/", only443, "host"},
		{"octal", "https://0177.0.0.1/", only443, "host"},
		{"short form", "https://127.1/", only443, "host"},
		{"hexadecimal part", "https://127.0.0.0x1/", only443, "host"},
		{"trailing dot", "https://a.dk./", only443, "host"},
		{"empty label", "https://a..dk/", only443, "host"},
		{"Danish letters", "https://århus.dk/", only443, "host"},
		{"space", "https://a%20b.dk/", only443, "url"},
		{"label too long", "https://" + strings.Repeat("a", 64) + ".dk/", only443, "host"},
		{"name too long", "https://" + strings.Repeat("a.", 126) + "dk/", only443, "host"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := test.guard.CheckURL(test.url)
			wantRule(t, err, test.rule)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the refusal quotes a password: %v", err)
			}
		})
	}
}

// S45, vectors of requirements section 7, "Base URL".
func TestJoinPath(t *testing.T) {
	t.Parallel()
	const base = "https://test.minakasse.dk/webhooknavn"
	tests := []struct{ path, want string }{
		{"", base},
		{"/x", base + "/x"},
		{"/x/y?org=101", base + "/x/y?org=101"},
		{"/x..y/...", base + "/x..y/..."},
		{"https://evil/", ""}, {"//evil", ""}, {"/../x", ""}, {"/x/..", ""}, {"/./x", ""}, {"x", ""}, {"@evil/", ""}, {".evil/", ""},
		{"/%2e%2e/x", ""}, {"/%2E./x", ""}, {"/x%2f..%2f..", ""}, {"/..%5cx", ""}, {"/..\\x", ""}, {"/..;/x", ""}, {"/%252e%252e/x", ""},
		{"/x#y", ""}, {"/x\r\ny", ""}, {"/%zz", ""},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			got, err := netguard.JoinPath(base, test.path)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
			if err != nil {
				wantRule(t, err, "path")
			}
		})
	}
	if got, _ := netguard.JoinPath("https://a.dk/", "/x"); got != "https://a.dk/x" {
		t.Errorf("a base with a slash at its end gave %q", got)
	}
	_, err := netguard.JoinPath("https://a.dk/?q=", "/x")
	wantRule(t, err, "base")
}

func FuzzJoinPath(f *testing.F) {
	for _, seed := range []string{"", "/x", "//evil", "/../x", "/%2e%2e/", "/a/..;/b", "/?/../x", "/\\x"} {
		f.Add(seed)
	}
	const base = "https://test.minakasse.dk/webhooknavn"
	f.Fuzz(func(t *testing.T, path string) {
		joined, err := netguard.JoinPath(base, path)
		if err != nil {
			return
		}
		u, err := url.Parse(joined)
		if err != nil {
			t.Fatalf("%q gave %q, which is no URL: %v", path, joined, err)
		}
		cleaned := u.JoinPath() // resolves dot segments as a server would
		if u.Host != "test.minakasse.dk" || u.User != nil || !strings.HasPrefix(cleaned.Path, "/webhooknavn") {
			t.Errorf("%q left its base: %q", path, joined)
		}
	})
}

// listen accepts one connection after the other and greets each with a line.
func listen(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "hello\n")
			conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func dial(t *testing.T, g *netguard.Guard, addr string) error {
	t.Helper()
	conn, err := g.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	greeting, err := io.ReadAll(conn)
	if err != nil || string(greeting) != "hello\n" {
		t.Errorf("reached something else: %q, %v", greeting, err)
	}
	return nil
}

// The name is looked up once; what was checked is what is dialled, whatever the name server would say next.
func TestDialGoesToTheCheckedAddress(t *testing.T) {
	t.Parallel()
	port := listen(t)
	rebinding := &names{answers: [][]string{{"127.0.0.1"}, {"10.0.0.1"}}}
	g := guard(t, netguard.Rules{Allow: loopback}, rebinding)
	if err := dial(t, g, "hooks.example.dk:"+port); err != nil {
		t.Error(err)
	}
	if n := rebinding.asked.Load(); n != 1 {
		t.Errorf("%d look-ups for one call, want 1", n)
	}
	wantRule(t, dial(t, g, "hooks.example.dk:"+port), "private")
}

func TestDialRefusesBeforeItConnects(t *testing.T) {
	t.Parallel()
	port := listen(t) // a refusal that came too late would reach this
	tests := []struct {
		name   string
		host   string
		answer []string
		rule   string
	}{
		{"an address", "127.0.0.1", nil, "loopback"},
		{"a mapped address", "::ffff:127.0.0.1", nil, "mapped-ipv4"},
		{"a name of an inner address", "hooks.example.dk", []string{"127.0.0.1"}, "loopback"},
		{"a name whose address comes mapped", "hooks.example.dk", []string{"::ffff:127.0.0.1"}, "loopback"},
		{"a name that points out and in", "hooks.example.dk", []string{"8.8.8.8", "127.0.0.1"}, "loopback"},
		{"a number in disguise", "2130706433", nil, "host"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := guard(t, netguard.Rules{}, &names{answers: [][]string{test.answer}})
			wantRule(t, dial(t, g, net.JoinHostPort(test.host, port)), test.rule)
		})
	}
	wantRule(t, dial(t, guard(t, netguard.Rules{Ports: []uint16{443}, Allow: loopback}, nil), "127.0.0.1:"+port), "port")
	_, err := guard(t, netguard.Rules{}, nil).DialContext(t.Context(), "udp", "8.8.8.8:53")
	wantRule(t, err, "network")
}

func TestDialTakesMappedAnswersOfTheResolverAsIPv4(t *testing.T) {
	t.Parallel()
	g := guard(t, netguard.Rules{Allow: loopback}, &names{answers: [][]string{{"::ffff:127.0.0.1"}}})
	if err := dial(t, g, "hooks.example.dk:"+listen(t)); err != nil {
		t.Error(err)
	}
}

func TestDialTriesTheNextAddress(t *testing.T) {
	t.Parallel()
	port := listen(t) // on 127.0.0.1 only
	g := guard(t, netguard.Rules{Allow: loopback}, &names{answers: [][]string{{"127.0.0.9", "127.0.0.1"}}})
	if err := dial(t, g, "hooks.example.dk:"+port); err != nil {
		t.Error(err)
	}
}

func TestDialSaysWhyThereIsNoConnection(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().String()
	free.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name, addr string
		ctx        context.Context
		err        error
		want       fault.Code
		words      string
	}{
		{"nothing listens", closed, t.Context(), nil, fault.ConnectFailed, "nothing listens there"},
		{"no such name", "nx.example.dk:443", t.Context(), &net.DNSError{IsNotFound: true}, fault.DNSFailed, "does not exist"},
		{"name server silent", "nx.example.dk:443", t.Context(), &net.DNSError{IsTimeout: true}, fault.DNSFailed, "in time"},
		{"name server broken", "nx.example.dk:443", t.Context(), errors.New("SERVFAIL"), fault.DNSFailed, "could not be resolved"},
		{"no address", "nx.example.dk:443", t.Context(), nil, fault.DNSFailed, "has no address"},
		{"given up", closed, cancelled, nil, fault.ConnectFailed, "gave up"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := guard(t, netguard.Rules{Allow: loopback}, &names{answers: [][]string{nil}, err: test.err})
			_, err := g.DialContext(test.ctx, "tcp", test.addr)
			if !fault.Has(err, test.want) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want %s with %q", err, test.want, test.words)
			}
		})
	}
}

// Brokers are called only where the operator says so, and without TLS only where http is allowed too.
func TestBrokersAreCalledWhereAllowed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules netguard.Rules
		url   string
		want  string
	}{
		"unasked":            {netguard.Rules{}, "kafka+tls://broker.example:9093", "scheme"},
		"allowed":            {netguard.Rules{Brokers: true}, "kafka+tls://broker.example:9093", ""},
		"nats":               {netguard.Rules{Brokers: true}, "nats+tls://broker.example", ""},
		"in clear":           {netguard.Rules{Brokers: true}, "nats://broker.example", "tls"},
		"in clear, allowed":  {netguard.Rules{Brokers: true, AllowHTTP: true}, "nats://broker.example", ""},
		"http alone":         {netguard.Rules{AllowHTTP: true}, "kafka://broker.example", "scheme"},
		"this machine":       {netguard.Rules{Brokers: true}, "kafka+tls://127.0.0.1:9093", "loopback"},
		"a user in the URL":  {netguard.Rules{Brokers: true}, "nats+tls://u:p@broker.example", "userinfo"},
		"another port":       {netguard.Rules{Brokers: true, Ports: []uint16{443}}, "nats+tls://broker.example", "port"},
		"another protocol":   {netguard.Rules{Brokers: true}, "amqp://broker.example", "scheme"},
		"web pages as usual": {netguard.Rules{Brokers: true}, "https://receiver.example", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := guard(t, c.rules, nil).CheckURL(c.url)
			wantRule(t, err, c.want)
		})
	}
}
