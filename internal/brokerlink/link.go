// Package brokerlink opens connections to brokers, NATS and Kafka: through the hub's guard, by TLS, with what the hub
// shows of itself. What is said over them is for those who ask for one.
package brokerlink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// Dial opens connections; the hub's guard against calling its own network is one.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Link is how a broker is reached. Its files are read at each connection, so that what is renewed is used.
type Link struct {
	Servers         []string // host:port; the broker tells of its others
	PlainText       bool     // without TLS
	CABundle        string   // file of CAs; empty: the machine's
	CertFile        string   // of the client certificate; empty: none
	KeyFile         string
	User            string // empty: none
	PasswordFile    string
	Mechanism       string // of SASL (Kafka): plain, scram-sha-256, scram-sha-512; empty: the last
	CredentialsFile string // NATS: user JWT and seed; empty: none
	Client          string // what the hub is called at the broker
	Dial            Dial   // required
}

// maxFile bounds what is read of a file that a document names.
const maxFile = 1 << 20

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap(fault.SenderConfig, err, "the file %s cannot be read", name)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fault.Wrap(fault.SenderConfig, err, "the file %s cannot be read", name)
	}
	return content, nil
}

func (l *Link) password() (string, error) {
	content, err := readFile(l.PasswordFile)
	return strings.TrimRight(string(content), "\r\n"), err
}

// tls makes the settings of TLS, nil for none.
// Error: fault.SenderConfig.
func (l *Link) tls() (*tls.Config, error) {
	if l.PlainText {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.CABundle != "" {
		content, err := readFile(l.CABundle)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(content) {
			return nil, fault.New(fault.SenderConfig, "the file %s holds no certificate", l.CABundle)
		}
	}
	if l.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
		if err != nil {
			return nil, fault.Wrap(fault.SenderConfig, err, "the client certificate %s and its key cannot be used", l.CertFile)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// explain makes a fault of what a connection ended with. doing says what with, in a few words.
func explain(err error, doing string) error {
	var known *fault.Fault
	if err == nil || errors.As(err, &known) && known.Code != fault.Internal {
		return err
	}
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate), errors.As(err, &record), strings.Contains(err.Error(), "tls: "): // an alert of the other side is but text
		return fault.Wrap(fault.TLSFailed, err, "%s: TLS failed", doing)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault.Wrap(fault.SendTimeout, err, "%s: no answer in time", doing)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fault.Wrap(fault.ConnectionReset, err, "%s: the connection broke", doing)
	}
	return fault.Wrap(fault.ConnectFailed, err, "%s: %s", doing, err)
}
