// Package netguard is the one way out of the hub: every outgoing call is checked here, so that nobody can make the hub
// call what only the hub can reach. A name is resolved once, every address it has is checked, and the checked address
// itself is dialled; no second look-up can give another answer.
package netguard

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// Rules say what may be called. The zero value allows https to every public address on every port.
type Rules struct {
	Allow     []netip.Prefix // ranges that may be called although they are not public, such as 127.0.0.0/8 in a demo
	Ports     []uint16       // the only ports that may be called; none: every port
	AllowHTTP bool           // http as well as https; brokers without TLS, where there may be any
	Brokers   bool           // NATS and Kafka too: nats+tls, kafka+tls
	// Proxy is an HTTP proxy, "http://user:password@host:port", that every call is tunnelled through by CONNECT; empty:
	// none. It is the operator's and dialled unchecked. The environment's proxy variables are never read.
	Proxy string
	// ProxyResolves leaves names to the proxy, for networks without a name server: it is told the name, and addresses
	// are checked only where a URL gives one. Without it the proxy is told the address that was checked here.
	ProxyResolves bool
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard checks and dials. It is safe for concurrent use.
type Guard struct {
	rules    Rules
	resolver Resolver
	dialer   net.Dialer
	proxy    *proxy // nil: direct
}

// New makes a guard. A nil resolver is the machine's.
// Error: fault.InvalidDocument when the proxy's URL cannot be used.
func New(rules Rules, resolver Resolver) (*Guard, error) {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	g := &Guard{rules: rules, resolver: resolver}
	if rules.Proxy == "" {
		return g, nil
	}
	proxy, err := parseProxy(rules.Proxy)
	if err != nil {
		return nil, err
	}
	g.proxy = proxy
	return g, nil
}

// DialContext connects to addr ("host:port") by TCP. It has the form that net/http and others ask for.
// Errors: fault.AddressRefused (its detail names the rule), fault.DNSFailed, fault.ConnectFailed, fault.SendTimeout.
func (g *Guard) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "tcp" {
		return nil, refused("%s is not TCP (rule network)", network)
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, refused("the address is not host:port (rule host)")
	}
	port, err := g.checkPort(portText)
	if err != nil {
		return nil, err
	}
	targets, err := g.targets(ctx, host, port)
	if err != nil {
		return nil, err
	}
	return g.dialFirst(ctx, addr, targets)
}

func (g *Guard) checkPort(text string) (uint16, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, refused("%q is not a port (rule port)", text)
	}
	if len(g.rules.Ports) > 0 && !slices.Contains(g.rules.Ports, uint16(port)) {
		return 0, refused("port %d is not one of %v (rule port)", port, g.rules.Ports)
	}
	return uint16(port), nil
}

// targets returns what may be dialled for host, as "address:port".
func (g *Guard) targets(ctx context.Context, host string, port uint16) ([]string, error) {
	if literal, err := netip.ParseAddr(host); err == nil {
		if err := g.CheckAddr(literal); err != nil {
			return nil, err
		}
		return []string{netip.AddrPortFrom(literal, port).String()}, nil
	}
	if err := checkName(host); err != nil {
		return nil, err
	}
	if g.proxy != nil && g.rules.ProxyResolves {
		return []string{net.JoinHostPort(host, strconv.Itoa(int(port)))}, nil
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, lookupFault(ctx, host, err)
	}
	return g.checkAll(host, port, addrs)
}

// checkAll refuses a name altogether when one of its addresses is refused: a name that points outside and inside is
// either an attack or a mistake, and which address is dialled would be chance.
func (g *Guard) checkAll(host string, port uint16, addrs []netip.Addr) ([]string, error) {
	if len(addrs) == 0 {
		return nil, fault.New(fault.DNSFailed, "%s has no address", host)
	}
	targets := make([]string, len(addrs))
	for i, addr := range addrs {
		addr = addr.Unmap() // the resolver gives IPv4 addresses in both forms
		if rule, what := g.refusal(addr); rule != "" {
			return nil, refused("%s has the address %s, which is %s (rule %s)", host, addr, what, rule)
		}
		targets[i] = netip.AddrPortFrom(addr, port).String()
	}
	return targets, nil
}

func lookupFault(ctx context.Context, host string, err error) error {
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(fault.DNSFailed, ctx.Err(), "the name server did not answer in time for %s", host)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fault.Wrap(fault.DNSFailed, err, "the name %s does not exist", host)
	case errors.As(err, &dns) && dns.IsTimeout:
		return fault.Wrap(fault.DNSFailed, err, "the name server did not answer in time for %s", host)
	}
	return fault.Wrap(fault.DNSFailed, err, "%s could not be resolved", host)
}

// dialFirst tries the targets in the resolver's order (RFC 6724) and returns the first connection, or the last fault.
func (g *Guard) dialFirst(ctx context.Context, name string, targets []string) (net.Conn, error) {
	var last error
	for i, target := range targets {
		conn, err := g.dialShare(ctx, target, len(targets)-i)
		if err == nil {
			return conn, nil
		}
		last = connectFault(name, target, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// dialShare gives a target its share of the time left, so that one address that swallows packets leaves time to try
// the next.
func (g *Guard) dialShare(ctx context.Context, target string, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
		ctx = share
	}
	if g.proxy != nil {
		return g.proxy.connect(ctx, &g.dialer, target)
	}
	return g.dialer.DialContext(ctx, "tcp", target)
}

func connectFault(name, target string, err error) error {
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		return err
	}
	if host, _, _ := net.SplitHostPort(name); host != "" && net.ParseIP(host) == nil {
		name += " (" + target + ")"
	}
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.Wrap(fault.SendTimeout, err, "%s did not take the connection in time", name)
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.ConnectFailed, err, "the hub gave up connecting to %s", name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Wrap(fault.ConnectFailed, err, "%s refused the connection: nothing listens there", name)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault.Wrap(fault.ConnectFailed, err, "there is no route to %s", name)
	}
	return fault.Wrap(fault.ConnectFailed, err, "no connection to %s", name)
}

// CheckURL checks what can be known of a receiver's URL when it is configured; DialContext checks the rest at each
// call, because names change their addresses.
// Error: fault.AddressRefused, whose detail names the rule and never quotes a password.
func (g *Guard) CheckURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, refused("this is not a URL (rule url)") // not wrapped: the cause quotes the URL
	}
	if err := g.checkParts(u); err != nil {
		return nil, err
	}
	if _, err := g.checkPort(cmp.Or(u.Port(), defaultPort(u.Scheme))); err != nil {
		return nil, err
	}
	if err := g.checkHost(u.Hostname()); err != nil {
		return nil, err
	}
	return u, nil
}

func (g *Guard) checkParts(u *url.URL) error {
	clear, isBroker := brokers[u.Scheme]
	switch {
	case isBroker && !g.rules.Brokers:
		return refused("brokers are not called by this hub: see allow-brokers (rule scheme)")
	case clear && !g.rules.AllowHTTP:
		return refused("a broker is called with TLS: the URL must begin with %s+tls:// (rule tls)", u.Scheme)
	case u.Scheme == "http" && !g.rules.AllowHTTP:
		return refused("the URL must begin with https:// (rule https)")
	case u.Scheme != "https" && u.Scheme != "http" && !isBroker:
		return refused("the URL must begin with https:// (rule scheme)")
	case u.Opaque != "" || u.Hostname() == "":
		return refused("the URL has no host (rule host)")
	case u.User != nil:
		return refused("the URL holds a user name or password; URLs are logged (rule userinfo)")
	case u.Fragment != "" || u.RawFragment != "":
		return refused("the part after # never reaches a receiver (rule fragment)")
	}
	return nil
}

func (g *Guard) checkHost(host string) error {
	if literal, err := netip.ParseAddr(host); err == nil {
		return g.CheckAddr(literal)
	}
	if isLocalhost(host) {
		return g.CheckAddr(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return checkName(host)
}

// brokers are the schemes of brokers, and whether they are without TLS.
var brokers = map[string]bool{"nats": true, "kafka": true, "nats+tls": false, "kafka+tls": false}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "nats", "nats+tls":
		return "4222"
	case "kafka":
		return "9092"
	case "kafka+tls":
		return "9093"
	}
	return "443"
}
