// Package listener is the hub's way in: one address with its TLS or its trusted proxies, its bounds, and the client's
// address and certificate found out before any handler sees the request (DESIGN section 6). Handlers ask web.PeerOf.
package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
)

// maxStreams bounds the requests at once on one HTTP/2 connection.
const maxStreams = 250

// Listener is one address that is listened on.
type Listener struct {
	config   config.Listener
	socket   *limited
	material *material // nil: it has no files
	server   *http.Server
}

// Check finds what would keep a listener from starting, without listening.
// Error: fault.Configuration when one of its files cannot be used.
func Check(c *config.Listener, clk clock.Clock) error {
	_, err := read(c, clk)
	return err
}

// Open listens on the address. Nobody is answered before Serve.
// Error: fault.Configuration when one of its files cannot be used; the system's when the address cannot be had.
func Open(ctx context.Context, c *config.Listener, clk clock.Clock) (*Listener, error) {
	material, err := read(c, clk)
	if err != nil {
		return nil, err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return nil, err
	}
	return &Listener{config: *c, socket: limit(socket, c.MaxConnections), material: material}, nil
}

// On makes a listener of a socket that is there already, for programs that choose it themselves. It is plain.
func On(socket net.Listener, c *config.Listener) *Listener {
	return &Listener{config: *c, socket: limit(socket, c.MaxConnections)}
}

// Config is how it is configured; the address may be a wish, see Address.
func (l *Listener) Config() config.Listener { return l.config }

// Faces are what is answered there.
func (l *Listener) Faces() []string { return l.config.Faces }

// Address is where it listens, with the port that was really taken.
func (l *Listener) Address() string { return l.socket.Addr().String() }

// Secure reports whether it speaks TLS.
func (l *Listener) Secure() bool { return len(l.config.Certificates) > 0 && l.material != nil }

// URL is the address as a client would write it.
func (l *Listener) URL() string {
	if l.Secure() {
		return "https://" + l.Address()
	}
	return "http://" + l.Address()
}

// Outside is the address as clients elsewhere most likely write it: by the first of its host names, or without any the
// first that its certificates name; and by https where trusted proxies speak that for it.
func (l *Listener) Outside() string {
	name := l.name()
	if name == "" {
		return l.URL()
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	_, port, _ := net.SplitHostPort(l.Address())
	switch {
	case len(l.config.TrustedProxies) > 0, l.Secure() && port == "443":
		return "https://" + name
	case l.Secure():
		return "https://" + name + ":" + port
	case port == "80":
		return "http://" + name
	}
	return "http://" + name + ":" + port
}

// name is the host name to be known by, or "".
func (l *Listener) name() string {
	if len(l.config.Names) > 0 {
		return l.config.Names[0]
	}
	if !l.Secure() {
		return ""
	}
	for _, pair := range l.material.now().tls.Certificates {
		for _, name := range pair.Leaf.DNSNames {
			if !strings.HasPrefix(name, "*") {
				return name
			}
		}
	}
	return ""
}

// Connections is how many are open.
func (l *Listener) Connections() int { return l.socket.open() }

// Expires is when the first of its certificates ends; zero when it has none.
func (l *Listener) Expires() time.Time {
	if l.material == nil {
		return time.Time{}
	}
	return l.material.now().expires
}

// Serve answers with a handler until Shutdown or Close. trouble is told when a certificate that was renewed cannot be
// used, and when serving ends for another reason; errorLog takes what clients do wrong.
func (l *Listener) Serve(handler http.Handler, trouble func(doing string, err error), errorLog *log.Logger) {
	c := &l.config
	l.server = &http.Server{
		Handler: l.guard(handler), ReadHeaderTimeout: c.HeaderTimeout, ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout,
		IdleTimeout: c.IdleTimeout, MaxHeaderBytes: int(c.MaxHeader), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams}, ErrorLog: errorLog,
	}
	if l.material != nil {
		l.material.trouble = trouble
		l.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetConfigForClient: l.material.configFor}
	}
	go func() {
		var err error
		if l.Secure() {
			err = l.server.ServeTLS(l.socket, "", "")
		} else {
			err = l.server.Serve(l.socket)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			trouble("serving "+l.Address(), err)
		}
	}()
}

// Shutdown takes no more connections and lets requests under way finish until ctx ends; what is left then is cut off.
func (l *Listener) Shutdown(ctx context.Context) error {
	if l.server == nil {
		return l.Close()
	}
	if err := l.server.Shutdown(ctx); err != nil {
		return l.server.Close()
	}
	return nil
}

// Close gives the address up at once, and cuts off whoever is connected.
func (l *Listener) Close() error {
	if l.server != nil {
		return l.server.Close()
	}
	return l.socket.Close()
}

// guard is what stands before every handler: host names, and who the client is.
func (l *Listener) guard(handler http.Handler) http.Handler {
	return onlyNames(&l.config, l.socket.Addr(), identified(&l.config, l.material, handler))
}
