package webhook_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
)

// authority issues certificates for a test.
type authority struct {
	t           testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      atomic.Int64
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t: t, certificate: certificate, key: key}
}

// issue makes a certificate for 127.0.0.1 and for clients; change may bend it.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1 + a.serial.Add(1)), Subject: pkix.Name{CommonName: "varsel test"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(1, 0, 0),
	}
	if change != nil {
		change(template)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func (a *authority) pem() []byte { return certificatePEM(a.certificate.Raw) }

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// folder holds an identity's files.
type folder struct {
	t       testing.TB
	files   exchange.Files
	written int
}

func newFolder(t testing.TB) *folder {
	dir := t.TempDir()
	return &folder{t: t, files: exchange.Files{
		Certificate: filepath.Join(dir, "client.crt"), Key: filepath.Join(dir, "client.key"), CA: filepath.Join(dir, "ca.pem"),
	}}
}

func (f *folder) certificate(pair tls.Certificate) {
	f.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		f.t.Fatal(err)
	}
	f.write(f.files.Certificate, certificatePEM(pair.Certificate[0]))
	f.write(f.files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

// write gives each version of a file a time of its own, as renewals have.
func (f *folder) write(name string, content []byte) {
	f.t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.written++
	at := noon.Add(time.Duration(f.written) * time.Minute)
	if err := os.Chtimes(name, at, at); err != nil {
		f.t.Fatal(err)
	}
}

// secure is a TLS receiver that accepts every message and remembers who sent it: the serial number of the client's
// certificate, 0 for none.
type secure struct {
	*receiver
	mu      sync.Mutex
	serials []int64
}

func receiveTLS(t testing.TB, config *tls.Config) *secure {
	t.Helper()
	config.Time = func() time.Time { return noon }
	s := &secure{}
	s.receiver = receive(t, func(raw net.Conn) {
		conn := tls.Server(raw, config)
		reader := bufio.NewReader(conn)
		for {
			if r, _ := request(reader); r == nil {
				return
			}
			s.note(conn.ConnectionState())
			io.WriteString(conn, ok)
		}
	})
	return s
}

func (s *secure) note(state tls.ConnectionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	serial := int64(0)
	if len(state.PeerCertificates) > 0 {
		serial = state.PeerCertificates[0].SerialNumber.Int64()
	}
	s.serials = append(s.serials, serial)
}

func (s *secure) seen() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int64(nil), s.serials...)
}

func serialOf(t testing.TB, pair tls.Certificate) int64 {
	t.Helper()
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.SerialNumber.Int64()
}

func wantNoAnswer(t testing.TB, got channel.Result, reason fault.Code, words string) {
	t.Helper()
	if got.Class != channel.Retry || got.Status != 0 || got.Reason != string(reason) || !strings.Contains(got.Detail, words) {
		t.Errorf("got %s, status %d, %s: %s\nwant retry, %s: %s", got.Class, got.Status, got.Reason, got.Detail, reason, words)
	}
}
