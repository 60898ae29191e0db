package listener_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/listener"
)

// authority signs the certificates of a test.
type authority struct {
	t      *testing.T
	dir    string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	parent *authority
}

func newAuthority(t *testing.T, name string, parent *authority) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), parent: parent}
	a.key, a.cert = a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, parent)
	write(t, a.file(), pemOf("CERTIFICATE", a.cert.Raw)) // once: tests beside each other read it
	return a
}

func (a *authority) issue(template *x509.Certificate, by *authority) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<60))
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, cert
}

// identity is a key and its certificate, as tls and in files.
type identity struct {
	tls.Certificate
	chain, key, both string
}

func (a *authority) client(name string) identity {
	return a.identity(&x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func (a *authority) server(names ...string) identity {
	return a.identity(&x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

func (a *authority) identity(template *x509.Certificate) identity {
	key, cert := a.issue(template, a)
	id := identity{Certificate: tls.Certificate{PrivateKey: key, Leaf: cert, Certificate: [][]byte{cert.Raw}}}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	chain := pemOf("CERTIFICATE", cert.Raw)
	secret := pemOf("PRIVATE KEY", der)
	dir := a.t.TempDir()
	id.chain, id.key, id.both = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem")
	write(a.t, id.chain, chain)
	write(a.t, id.key, secret)
	write(a.t, id.both, append(chain, secret...))
	return id
}

// file is where the authority's own certificate stands.
func (a *authority) file() string { return filepath.Join(a.dir, "ca.pem") }

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rfc9440 writes a certificate as Client-Cert does.
func rfc9440(c *x509.Certificate) string { return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":" }

// seen is what a handler is told of the client.
type seen struct {
	Addr    string
	Name    string // of the certificate
	Chain   int
	Secure  bool
	Proto   string
	Headers []string // of those by which a proxy speaks
}

var spoken = []string{"Client-Cert", "Client-Cert-Chain", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip"}

func tell(w http.ResponseWriter, r *http.Request) {
	peer := web.PeerOf(r)
	s := seen{Addr: peer.Addr.String(), Chain: len(peer.Certificates), Secure: peer.Secure, Proto: r.Proto}
	if c := peer.Certificate(); c != nil {
		s.Name = c.Subject.CommonName
	}
	for _, name := range spoken {
		if _, ok := r.Header[name]; ok {
			s.Headers = append(s.Headers, name)
		}
	}
	_ = json.NewEncoder(w).Encode(s)
}

// listening is a listener that tells its clients who it takes them for.
type listening struct {
	*listener.Listener
	clock *clock.Fake
}

// plainly is a listener's configuration with the defaults.
func plainly() config.Listener {
	return config.Listener{
		Address: "127.0.0.1:0", Faces: []string{"api"}, ProxyHeader: "x-forwarded-for", Client: config.Client{Certificate: "none"},
		MaxConnections: 100, MaxHeader: 64 << 10, HeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
	}
}

func listen(t *testing.T, c config.Listener) *listening {
	t.Helper()
	clk := clock.NewFake(time.Now())
	l, err := listener.Open(t.Context(), &c, clk)
	if err != nil {
		t.Fatal(err)
	}
	l.Serve(http.HandlerFunc(tell), func(doing string, err error) { t.Logf("%s: %v", doing, err) }, log.New(t.Output(), "", 0))
	t.Cleanup(func() { l.Close() })
	return &listening{l, clk}
}

func (l *listening) url() string { return l.URL() }

// client calls with a certificate, or none; it believes in the authority and keeps no connection.
func client(a *authority, certificates ...tls.Certificate) *http.Client {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(certificates) > 0 { // shown even where the other side's list of authorities has not ours
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificates[0], nil }
	}
	if a != nil {
		c.RootCAs = a.pool()
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true, ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
}

// get asks who one is; headers are name, value, name, value.
func get(t *testing.T, c *http.Client, url string, headers ...string) (int, seen) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var s seen
	_ = json.NewDecoder(response.Body).Decode(&s)
	return response.StatusCode, s
}
