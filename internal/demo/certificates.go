package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificates are the demo's own small authority and what it has signed: the receiver's server certificate and the
// hub's client certificate. They live as long as the demo's data directory.
type certificates struct {
	authority  *x509.CertPool
	server     tls.Certificate
	caFile     string // what the agreement's CABundle names
	clientCert string // what the agreement's certificate names
	clientKey  string
}

// lifetime is longer than any demo and short enough that nobody takes the certificates for something else.
const lifetime = 7 * 24 * time.Hour

func makeCertificates(dir string) (*certificates, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	c := &certificates{
		authority: x509.NewCertPool(), caFile: filepath.Join(dir, "ca.pem"),
		clientCert: filepath.Join(dir, "hub.pem"), clientKey: filepath.Join(dir, "hub-key.pem"),
	}
	c.authority.AddCert(ca.certificate)
	serverCert, serverKey, err := ca.issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "jobcenter.demo"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return nil, err
	}
	if c.server, err = tls.X509KeyPair(serverCert, serverKey); err != nil {
		return nil, err
	}
	clientCert, clientKey, err := ca.issue(&x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "varsel.demo"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, err
	}
	return c, writeFiles(map[string][]byte{
		c.caFile: encode("CERTIFICATE", ca.certificate.Raw), c.clientCert: clientCert, c.clientKey: clientKey,
	})
}

func writeFiles(files map[string][]byte) error {
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return fmt.Errorf("writing the demo's certificates: %w", err)
		}
	}
	return nil
}

// authority signs; its key is forgotten when it has.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Varsel demo authority"},
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	raw, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	return &authority{certificate, key}, err
}

// issue makes a key and a certificate for it, both in PEM.
func (a *authority) issue(template *x509.Certificate) (certificate, key []byte, err error) {
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	raw, err := sign(template, a.certificate, &fresh.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(fresh)
	return encode("CERTIFICATE", raw), encode("PRIVATE KEY", private), err
}

// sign begins an hour ago: clocks differ.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) ([]byte, error) {
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(lifetime)
	return x509.CreateCertificate(rand.Reader, template, parent, public, key)
}

func encode(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

// serverTLS demands and verifies the hub's client certificate.
func (c *certificates) serverTLS() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{c.server}, ClientCAs: c.authority,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}
}
