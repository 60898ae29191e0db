package listener

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/fault"
)

// protocols are what a TLS listener offers, the best first.
var protocols = []string{"h2", "http/1.1"}

// recheck is how often, at most, the files are looked at for a change.
const recheck = 2 * time.Second

// material is what a listener reads from files: its certificates and the authorities of its clients. It follows the
// files: what is renewed serves the next connection. Files that cannot be used, half-written ones say, leave what was
// there in use, and are tried again.
type material struct {
	config  *config.Listener
	clock   clock.Clock
	trouble func(doing string, err error)

	state atomic.Pointer[generation]
	mu    sync.Mutex // held by the one that looks at the files
}

// generation is one state of the files. It never changes.
type generation struct {
	tls         *tls.Config    // nil: the listener is plain
	authorities *x509.CertPool // nil: clients are not asked
	expires     time.Time      // of the first certificate to end
	looked      time.Time
	stamps      []stamp
	failed      bool // the files have changed since and could not be used
}

type stamp struct {
	modified time.Time
	size     int64
}

// read reads a listener's files; nil when it has none.
func read(c *config.Listener, clk clock.Clock) (*material, error) {
	if len(c.Certificates) == 0 && c.Client.CA == "" {
		return nil, nil
	}
	m := &material{config: c, clock: clk, trouble: func(string, error) {}}
	stamps := m.stamps()
	g, err := m.load()
	if err != nil {
		return nil, err
	}
	g.looked, g.stamps = clk.Now(), stamps
	m.state.Store(g)
	return m, nil
}

// now returns the newest generation. One caller at a time looks at the files; the others go on with what there is.
func (m *material) now() *generation {
	g := m.state.Load()
	if m.clock.Now().Sub(g.looked) < recheck || !m.mu.TryLock() {
		return g
	}
	defer m.mu.Unlock()
	m.look(m.state.Load())
	return m.state.Load()
}

func (m *material) look(before *generation) {
	next, stamps := *before, m.stamps()
	if before.failed || !equal(stamps, before.stamps) {
		fresh, err := m.load()
		if err == nil {
			next = *fresh
		} else if !before.failed || !equal(stamps, before.stamps) {
			m.trouble("reading renewed certificates; the old ones stay in use", err)
		}
		next.failed = err != nil
	}
	next.looked, next.stamps = m.clock.Now(), stamps
	m.state.Store(&next)
}

func equal(a, b []stamp) bool {
	for i := range a {
		if !a[i].modified.Equal(b[i].modified) || a[i].size != b[i].size {
			return false
		}
	}
	return len(a) == len(b)
}

// stamps tell whether a file has changed since. A file that is missing has the zero stamp.
func (m *material) stamps() []stamp {
	names := []string{m.config.Client.CA}
	for _, c := range m.config.Certificates {
		names = append(names, c.Chain, c.Key)
	}
	list := make([]stamp, len(names))
	for i, name := range names {
		if info, err := os.Stat(name); name != "" && err == nil {
			list[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return list
}

func (m *material) load() (*generation, error) {
	g := new(generation)
	if file := m.config.Client.CA; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.Wrap(fault.Configuration, err, "the authorities of clients cannot be read")
		}
		g.authorities = x509.NewCertPool()
		if !g.authorities.AppendCertsFromPEM(text) {
			return nil, fault.New(fault.Configuration, "%s holds no certificate in PEM form", file)
		}
	}
	if len(m.config.Certificates) == 0 {
		return g, nil
	}
	g.tls = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, ClientCAs: g.authorities, Time: m.clock.Now}
	// A resumed session would carry a certificate past authorities that were taken out since.
	g.tls.SessionTicketsDisabled = g.authorities != nil
	switch m.config.Client.Certificate {
	case "required":
		g.tls.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		g.tls.ClientAuth = tls.VerifyClientCertIfGiven
	}
	for _, c := range m.config.Certificates {
		pair, err := tls.LoadX509KeyPair(c.Chain, c.Key)
		if err != nil {
			return nil, fault.Wrap(fault.Configuration, err, "the certificate in %s cannot be used with the key in %s", c.Chain, c.Key)
		}
		g.tls.Certificates = append(g.tls.Certificates, pair)
		if g.expires.IsZero() || pair.Leaf.NotAfter.Before(g.expires) {
			g.expires = pair.Leaf.NotAfter
		}
	}
	return g, nil
}

// configFor gives each connection what the files say now; crypto/tls chooses among the certificates by the name asked
// for.
func (m *material) configFor(*tls.ClientHelloInfo) (*tls.Config, error) { return m.now().tls, nil }
