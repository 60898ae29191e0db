package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// identity is the files of one certificate that is everyone's: receiver, hub and loop. It is its own authority.
type identity struct{ Certificate, Key string }

func newIdentity(dir string) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot make a key")
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "varsel bench"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot make a certificate")
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot write the key")
	}
	i := &identity{Certificate: filepath.Join(dir, "bench.crt"), Key: filepath.Join(dir, "bench.key")}
	err = os.WriteFile(i.Certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600)
	if err == nil {
		err = os.WriteFile(i.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot write the certificate")
	}
	return i, nil
}

func (i *identity) load() (tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.LoadX509KeyPair(i.Certificate, i.Key)
	if err != nil {
		return pair, nil, fault.Wrap(fault.Internal, err, "cannot read the certificate")
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	return pair, pool, nil
}

// server is what the receiver listens with.
func (i *identity) server() (*tls.Config, error) {
	pair, pool, err := i.load()
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		NextProtos: []string{"http/1.1"},
	}, err
}

// client is what the bare loop connects with.
func (i *identity) client() (*tls.Config, error) {
	pair, pool, err := i.load()
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{"http/1.1"},
	}, err
}
