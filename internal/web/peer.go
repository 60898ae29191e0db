// Package web holds what the faces of the hub share.
package web

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/netip"
)

// Peer is who is at the other end of a request, as far as the connection can tell. It is found out in one place, by the
// listener; the headers it may have come in are gone when a handler sees the request.
type Peer struct {
	// Addr is the client's address: the connection's, or what a trusted proxy gave. Not valid when neither is known.
	Addr netip.Addr
	// Certificates is the client's certificate and the chain that it was verified by, the leaf first; empty: it showed
	// none. A certificate that could not be verified never comes here.
	Certificates []*x509.Certificate
	// Secure reports whether the client's own connection is encrypted, to the hub or to a trusted proxy.
	Secure bool
}

// Certificate is the client's verified certificate, or nil.
func (p *Peer) Certificate() *x509.Certificate {
	if len(p.Certificates) == 0 {
		return nil
	}
	return p.Certificates[0]
}

type peerKey struct{}

// WithPeer returns the request of a client that is known otherwise than by its connection.
func WithPeer(r *http.Request, p *Peer) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), peerKey{}, p))
}

// PeerOf returns who made the request.
func PeerOf(r *http.Request) *Peer {
	if p, ok := r.Context().Value(peerKey{}).(*Peer); ok {
		return p
	}
	p := &Peer{Addr: AddrOf(r), Secure: r.TLS != nil}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		p.Certificates = r.TLS.VerifiedChains[0]
	}
	return p
}

// AddrOf is the address at the other end of the connection itself, which may be a proxy's.
func AddrOf(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}
