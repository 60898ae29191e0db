package receive

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
)

// AnyName stands, among the names of MutualTLS, for every name.
const AnyName = "*"

// MutualTLS returns the configuration of a server that only the hub can talk to: server is the certificate it shows,
// authorities are those that sign the hub's client certificate, and names are what that certificate is called, by one
// of its DNS names, URIs or e-mail addresses, or its common name.
//
// The names matter: an authority that serves the public signs certificates for everybody, and without a name anyone's
// would do. AnyName is for an authority that signs nothing but the hub's. A handshake with another certificate fails,
// which the hub counts as a failure and tries again.
//
// Errors: no certificate, no authorities, or no name.
func MutualTLS(server tls.Certificate, authorities *x509.CertPool, names ...string) (*tls.Config, error) {
	switch {
	case len(server.Certificate) == 0:
		return nil, errors.New("receive: a server needs a certificate to show")
	case authorities == nil || authorities.Equal(x509.NewCertPool()):
		// nil would mean every authority this machine knows.
		return nil, errors.New("receive: give the authorities that sign the hub's certificate")
	case len(names) == 0 || slices.Contains(names, ""):
		return nil, errors.New("receive: give the names of the hub's certificate, or AnyName")
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{server},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authorities,
		VerifyConnection: func(state tls.ConnectionState) error { // called for resumed sessions too
			if len(state.PeerCertificates) == 0 || !carries(state.PeerCertificates[0], names) {
				return errNotTheHub
			}
			return nil
		},
	}, nil
}

var errNotTheHub = errors.New("receive: the client's certificate is not the hub's")

func carries(certificate *x509.Certificate, names []string) bool {
	if slices.Contains(names, AnyName) {
		return true
	}
	is := func(carried string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, carried) })
	}
	for _, uri := range certificate.URIs {
		if is(uri.String()) {
			return true
		}
	}
	return slices.ContainsFunc(certificate.DNSNames, is) || slices.ContainsFunc(certificate.EmailAddresses, is) || is(certificate.Subject.CommonName)
}
