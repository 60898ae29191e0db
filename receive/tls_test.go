package receive_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/receive"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	a.root, a.key = a.issue(template, nil, nil)
	a.pool.AddCert(a.root)
	return a
}

func (a *authority) issue(template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if parent == nil {
		parent, by = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key
}

// leaf is a certificate for both ends of a connection, called as change says.
func (a *authority) leaf(change func(*x509.Certificate)) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(template)
	certificate, key := a.issue(template, a.root, a.key)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
}

func called(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.Subject.CommonName = name }
}

// S46: only who holds the hub's certificate gets as far as the handler, also in a resumed session.
func TestS46OnlyTheHubsCertificateIsLetIn(t *testing.T) {
	t.Parallel()
	public, other := newAuthority(t), newAuthority(t)
	config, err := receive.MutualTLS(public.leaf(called("receiver")), public.pool, "sys-org-hub", "hub.example", "urn:hub", "hub@hub.example")
	if err != nil {
		t.Fatal(err)
	}
	var c counter
	server := httptest.NewUnstartedServer(newHandler(t, c.take, receive.Options{ClientCertificate: true}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	hub := public.leaf(called("sys-org-hub"))
	uri, _ := url.Parse("urn:hub")
	for _, test := range []struct {
		name string
		show []tls.Certificate
		want string
	}{
		{"by common name", []tls.Certificate{hub}, "204"},
		{"by DNS name", []tls.Certificate{public.leaf(func(c *x509.Certificate) { c.DNSNames = []string{"HUB.example"} })}, "204"},
		{"by URI", []tls.Certificate{public.leaf(func(c *x509.Certificate) { c.URIs = []*url.URL{uri} })}, "204"},
		{"by mail address", []tls.Certificate{public.leaf(func(c *x509.Certificate) { c.EmailAddresses = []string{"hub@hub.example"} })}, "204"},
		{"another of the authority", []tls.Certificate{public.leaf(called("somebody"))}, "remote error"},
		{"the name from another authority", []tls.Certificate{other.leaf(called("sys-org-hub"))}, "remote error"},
		{"expired", []tls.Certificate{public.leaf(func(c *x509.Certificate) {
			c.Subject.CommonName = "sys-org-hub"
			c.NotAfter = time.Now().Add(-time.Hour)
		})}, "remote error"},
		{"none", nil, "remote error"},
	} {
		client := &tls.Config{RootCAs: public.pool, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1),
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(test.show) == 0 {
					return new(tls.Certificate), nil
				}
				return &test.show[0], nil
			}}
		for range 2 { // the second session is resumed where the first was good
			transport := &http.Transport{TLSClientConfig: client}
			if got := post(transport, server.URL); !strings.Contains(got, test.want) {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
			transport.CloseIdleConnections()
		}
	}
}

func post(transport *http.Transport, address string) string {
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(oneEvent))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err.Error()
	}
	response.Body.Close()
	return response.Status
}

func TestMutualTLSRefusesToBeOpen(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	server := a.leaf(called("receiver"))
	for name, make := range map[string]func() (*tls.Config, error){
		"no certificate":       func() (*tls.Config, error) { return receive.MutualTLS(tls.Certificate{}, a.pool, "hub") },
		"no authorities":       func() (*tls.Config, error) { return receive.MutualTLS(server, nil, "hub") },
		"no authority in them": func() (*tls.Config, error) { return receive.MutualTLS(server, x509.NewCertPool(), "hub") },
		"no name":              func() (*tls.Config, error) { return receive.MutualTLS(server, a.pool) },
		"an empty name":        func() (*tls.Config, error) { return receive.MutualTLS(server, a.pool, "") },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	config, err := receive.MutualTLS(server, a.pool, receive.AnyName)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(server.Certificate[0])
	if err := config.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}); err != nil {
		t.Error(err)
	}
	if err := config.VerifyConnection(tls.ConnectionState{}); err == nil {
		t.Error("no certificate is let in by any name")
	}
}
