package listener

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/web"
)

// proxyHeaders say who the client is when a proxy wrote them, and nothing when anybody else did.
var proxyHeaders = []string{
	headerCert, headerChain, "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip",
}

// identified finds out who the client is and takes the headers off that say so: a handler can neither read nor believe
// them. Behind trusted proxies the result goes with the request; otherwise web.PeerOf takes it from the connection.
func identified(c *config.Listener, m *material, next http.Handler) http.Handler {
	i := identity{config: c, material: m}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(c.TrustedProxies) > 0 {
			peer, problem := i.of(r)
			if problem != nil {
				http.Error(w, problem.text, problem.status)
				return
			}
			r = web.WithPeer(r, peer)
		}
		for _, name := range proxyHeaders {
			delete(r.Header, name)
		}
		next.ServeHTTP(w, r)
	})
}

// identity finds out who the clients of one listener behind proxies are.
type identity struct {
	config   *config.Listener
	material *material
}

// refusal is why a request is not let in.
type refusal struct {
	status int
	text   string
}

func (i *identity) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(i.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// goesRound reports whether a request comes past the proxies in clear text over the network: its sender's token would be
// there for anybody to read.
func (i *identity) goesRound(from netip.Addr, r *http.Request) bool {
	return r.TLS == nil && !i.trusts(from) && !from.IsLoopback()
}

func (i *identity) of(r *http.Request) (*web.Peer, *refusal) {
	peer := &web.Peer{Addr: web.AddrOf(r)}
	var problem *refusal
	if i.goesRound(peer.Addr, r) {
		return nil, &refusal{http.StatusForbidden, "this address is for its proxies; ask one of them, by https"}
	}
	if i.trusts(peer.Addr) {
		if err := i.follow(peer, r.Header); err != nil {
			return nil, &refusal{http.StatusBadRequest, err.Error()}
		}
		peer.Certificates, problem = i.certificate(r.Header)
	}
	if problem == nil && len(peer.Certificates) == 0 && i.config.Client.Certificate == "required" {
		problem = &refusal{http.StatusForbidden, "this address wants a client certificate"}
	}
	return peer, problem
}

// follow walks back the way the proxies say the request came: each added the address it was called from at the end, so
// the last that is no trusted proxy is the client. What stands before it the client may have made up. A proxy that hides
// who called it leaves the client unknown: it is not the proxy itself.
func (i *identity) follow(peer *web.Peer, header http.Header) error {
	var way []hop
	switch i.config.ProxyHeader {
	case "x-forwarded-for":
		way = forwardedFor(header)
	case "forwarded":
		var err error
		if way, err = forwarded(header["Forwarded"]); err != nil {
			return err
		}
	}
	for n := len(way) - 1; n >= 0 && i.trusts(peer.Addr); n-- {
		peer.Addr, peer.Secure = way[n].addr, way[n].secure
	}
	return nil
}

// certificate reads the client's certificate from the headers of RFC 9440 and verifies it as TLS would have: what a proxy
// passes on it need not have checked.
func (i *identity) certificate(header http.Header) ([]*x509.Certificate, *refusal) {
	if i.config.Client.Certificate == "none" {
		return nil, nil
	}
	leaf, chain, err := clientCertificate(header)
	switch {
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "the proxy's " + err.Error()}
	case leaf == nil:
		return nil, nil
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain {
		intermediates.AddCert(c)
	}
	verified, err := leaf.Verify(x509.VerifyOptions{
		Roots: i.material.now().authorities, Intermediates: intermediates, CurrentTime: i.material.clock.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, &refusal{http.StatusForbidden, "the client certificate is not one this address accepts"}
	}
	return verified[0], nil
}

// hop is one step of a request's way: who called, and whether by TLS.
type hop struct {
	addr   netip.Addr // not valid: unknown, or hidden
	secure bool
}

// forwardedFor reads X-Forwarded-For, and X-Forwarded-Proto, which tells of the whole way.
func forwardedFor(header http.Header) []hop {
	var way []hop
	for _, line := range header["X-Forwarded-For"] {
		for _, part := range strings.Split(line, ",") {
			way = append(way, hop{addr: node(strings.TrimSpace(part))})
		}
	}
	if protos := header["X-Forwarded-Proto"]; len(protos) == 1 && strings.EqualFold(protos[0], "https") {
		for n := range way {
			way[n].secure = true
		}
	}
	return way
}

// node reads an address with or without a port, an IPv6 one in brackets or not (RFC 7239 section 6).
func node(text string) netip.Addr {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone("")
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
