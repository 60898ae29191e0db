package exchange

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// recheck is how often, at most, the files of an identity are looked at for a change.
const recheck = 2 * time.Second

// Files name what a system's endpoints are called with, in PEM. The client certificate needs both of its files; CA
// replaces the machine's authorities. An empty name leaves that part out.
type Files struct {
	Certificate string // the chain, leaf first
	Key         string
	CA          string // one or more authorities' certificates
}

// Identity is who the hub is to a receiver and whom it believes there. It follows its files: a renewed certificate is
// used from the next send on, and connections made with the old one are dropped. A file that cannot be used fails every
// send until it can: the hub never calls without a certificate it was told to show. Safe for concurrent use, and meant
// to be shared by the endpoints it serves.
type Identity struct {
	files Files
	clock clock.Clock
	state atomic.Pointer[loaded]
	mu    sync.Mutex // held by the one that looks at the files
}

// loaded is what the files gave when they were last looked at: trust or err.
type loaded struct {
	trust  *trust
	err    error
	looked time.Time
	stamps [3]stamp
}

type stamp struct {
	modified time.Time
	size     int64
}

// trust is one generation of an identity. A connection remembers which one it was made with.
type trust struct {
	config *tls.Config
	leaf   *x509.Certificate // our certificate; nil: none
	chain  []*x509.Certificate
	ownCA  bool
}

// NewIdentity reads the files. It always returns an identity: with files that cannot be used, sends fail until they can.
func NewIdentity(files Files, clock clock.Clock) *Identity {
	i := &Identity{files: files, clock: clock}
	i.look(nil)
	return i
}

// Check tells whether the files can be used, for the portal and `varsel check`.
// Error: fault.SenderConfig.
func (i *Identity) Check() error {
	_, err := i.current()
	return err
}

// Chain is what is shown to a receiver, leaf first; none when there is no certificate.
// Error: fault.SenderConfig.
func (i *Identity) Chain() ([]*x509.Certificate, error) {
	trust, err := i.current()
	if err != nil {
		return nil, err
	}
	return trust.chain, nil
}

// Expires is when our certificate ends; zero when there is none or it cannot be read.
func (i *Identity) Expires() time.Time {
	trust, err := i.current()
	if err != nil || trust.leaf == nil {
		return time.Time{}
	}
	return trust.leaf.NotAfter
}

// current returns the newest generation. One caller at a time looks at the files; the others go on with what there is.
func (i *Identity) current() (*trust, error) {
	state := i.state.Load()
	if i.clock.Now().Sub(state.looked) >= recheck && i.mu.TryLock() {
		i.look(state)
		i.mu.Unlock()
		state = i.state.Load()
	}
	return state.trust, state.err
}

// look stores what the files give now. Files that have not changed keep their generation; files that could not be used
// are read again, since rights can change without a trace in size and time.
func (i *Identity) look(before *loaded) {
	now := &loaded{looked: i.clock.Now(), stamps: i.files.stamps()}
	if before != nil && before.err == nil && before.stamps == now.stamps {
		now.trust = before.trust
	} else {
		now.trust, now.err = i.files.read(i.clock)
	}
	i.state.Store(now)
}

func (f Files) stamps() (stamps [3]stamp) {
	for n, name := range []string{f.Certificate, f.Key, f.CA} {
		if info, err := os.Stat(name); name != "" && err == nil {
			stamps[n] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

func (f Files) read(clock clock.Clock) (*trust, error) {
	var certificate *tls.Certificate
	var chain []*x509.Certificate
	if f.Certificate != "" || f.Key != "" {
		pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, fault.Wrap(fault.SenderConfig, err, "the client certificate cannot be used; nothing is sent without it")
		}
		certificate = &pair
		if chain, err = x509.ParseCertificates(bytes.Join(pair.Certificate, nil)); err != nil {
			return nil, fault.Wrap(fault.SenderConfig, err, "the client certificate's chain cannot be read; nothing is sent without it")
		}
	}
	var authorities *x509.CertPool
	if f.CA != "" {
		bundle, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fault.Wrap(fault.SenderConfig, err, "the CA bundle cannot be read; nothing is sent without it")
		}
		authorities = x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(bundle) {
			return nil, fault.New(fault.SenderConfig, "the CA bundle holds no certificate; nothing is sent without one")
		}
	}
	trust := newTrust(certificate, authorities, clock)
	trust.chain = chain
	return trust, nil
}

// newTrust makes a generation; nil for no certificate, nil for the machine's authorities.
func newTrust(certificate *tls.Certificate, authorities *x509.CertPool, clock clock.Clock) *trust {
	t := &trust{ownCA: authorities != nil, config: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            authorities,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
		Time:               clock.Now,
	}}
	if certificate != nil {
		t.leaf = certificate.Leaf
		// Not Certificates: from there crypto/tls sends none at all when the receiver's list of authorities lacks ours,
		// and a receiver that only asks would then take us for a stranger.
		t.config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate, nil
		}
	}
	return t
}

// trust returns what the next connection is to be made with; nil for http.
// Error: fault.SenderConfig.
func (l *Line) trust() (*trust, error) {
	if l.config.Identity == nil {
		return l.public, nil
	}
	trust, err := l.config.Identity.current()
	if err != nil || !l.secure {
		return nil, err
	}
	return trust, nil
}
