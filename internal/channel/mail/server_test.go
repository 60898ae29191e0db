package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// server is a real SMTP server on loopback that answers as the test says and keeps what it accepted.
type server struct {
	port  int
	roots *x509.CertPool
	smtp  *smtp.Server

	// What it answers; nil accepts.
	onRcpt func(to string) error
	onData func(c *smtp.Conn, r io.Reader) error
	auth   []string // mechanisms offered; the password is "secret"

	mu       sync.Mutex
	accepted []accepted
	sessions int
}

type accepted struct {
	from    string
	to      []string
	content []byte
	tls     bool
	user    string
}

// start runs the server until the test ends. encrypt says what it offers.
func (s *server) start(t *testing.T, encrypt TLS) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	s.smtp = smtp.NewServer(smtp.BackendFunc(s.session))
	s.smtp.Domain = "mx.test"
	s.smtp.ErrorLog = log.New(io.Discard, "", 0)
	s.smtp.EnableSMTPUTF8 = true
	if encrypt != Plain {
		certificate, roots := certificate(t)
		s.roots = roots
		s.smtp.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	if encrypt == Implicit {
		listener = tls.NewListener(listener, s.smtp.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.smtp.Serve(listener) }()
	t.Cleanup(func() { _ = s.smtp.Close(); <-done })
}

func (s *server) session(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	_, encrypted := c.TLSConnectionState()
	open := &open{server: s, conn: c, mail: accepted{tls: encrypted}}
	if s.auth != nil {
		return &authenticating{open}, nil
	}
	return open, nil
}

func (s *server) mails() []accepted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]accepted(nil), s.accepted...)
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// open is one session at the server.
type open struct {
	server *server
	conn   *smtp.Conn
	mail   accepted
}

func (o *open) Mail(from string, _ *smtp.MailOptions) error {
	o.mail.from = from
	return nil
}

func (o *open) Rcpt(to string, _ *smtp.RcptOptions) error {
	if o.server.onRcpt != nil {
		if err := o.server.onRcpt(to); err != nil {
			return err
		}
	}
	o.mail.to = append(o.mail.to, to)
	return nil
}

func (o *open) Data(r io.Reader) error {
	if o.server.onData != nil {
		if err := o.server.onData(o.conn, r); err != nil {
			return err
		}
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	o.mail.content = content
	o.server.mu.Lock()
	defer o.server.mu.Unlock()
	o.server.accepted = append(o.server.accepted, o.mail)
	return nil
}

func (o *open) Reset()        { o.mail.from, o.mail.to, o.mail.content = "", nil, nil }
func (o *open) Logout() error { return nil }

// authenticating is a session that offers AUTH.
type authenticating struct{ *open }

func (a *authenticating) AuthMechanisms() []string { return a.server.auth }

func (a *authenticating) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		a.mail.user = user
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer is the LOGIN mechanism, which the library has for clients only.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

func reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
}

// certificate makes a self-signed one for the loopback address.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// raw is a server that says what no mail server should: talk gets each connection and closes it by returning.
func raw(t *testing.T, talk func(net.Conn)) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer conn.Close(); talk(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	return listener.Addr().(*net.TCPAddr).Port
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}
