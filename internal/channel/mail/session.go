package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/varselhub/varsel/internal/fault"
)

// session is one connection to the server, greeted, encrypted and logged in.
type session struct {
	conn   net.Conn // the plain one, below TLS
	client *smtp.Client
	sent   int
	broken bool // a command was cut off: what the server says next cannot be told apart
}

// open connects. Every step has a failure of its own, so that an operator sees which setting to look at.
func (s *Sender) open(ctx context.Context) (*session, *failure) {
	raw, err := s.config.Dial(ctx, "tcp", s.address)
	if err != nil {
		return nil, &failure{step: "connect", reason: fault.ConnectFailed, err: err}
	}
	opened := &session{conn: &bounded{Conn: raw, left: maxReplies}}
	failed := opened.within(ctx, func() *failure { return s.greet(opened) })
	if failed != nil {
		opened.close()
		return nil, failed
	}
	return opened, nil
}

// greet brings a fresh connection to where messages can be sent.
func (s *Sender) greet(opened *session) *failure {
	encryption := &tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}
	conn := opened.conn
	if s.config.TLS == Implicit {
		secure := tls.Client(conn, encryption)
		if err := secure.Handshake(); err != nil { //nolint:noctx // the deadline of the connection bounds it, and its context closes it
			return &failure{step: "TLS handshake", reason: fault.TLSFailed, err: err}
		}
		conn = secure
	}
	client, err := smtp.NewClient(conn, s.config.Host)
	if err != nil {
		return &failure{step: "greeting", reason: fault.ConnectionReset, err: err}
	}
	opened.client = client
	if err := client.Hello(s.domain); err != nil {
		return &failure{step: "EHLO", reason: fault.ConnectionReset, err: err}
	}
	if s.config.TLS == StartTLS {
		if err := startTLS(client, encryption); err != nil {
			return &failure{step: "STARTTLS", reason: fault.TLSFailed, err: err}
		}
	}
	if s.config.User != "" {
		if err := s.logIn(client); err != nil {
			return &failure{step: "AUTH", reason: fault.SenderConfig, err: err, settings: true}
		}
	}
	return nil
}

var (
	errNoStartTLS = errors.New("the server does not offer STARTTLS")
	errNoAuth     = errors.New("the server offers neither PLAIN nor LOGIN")
)

func startTLS(client *smtp.Client, encryption *tls.Config) error {
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return errNoStartTLS
	}
	return client.StartTLS(encryption)
}

// logIn is only reached under TLS, so the ways that send the password as it is do; every server has one of them.
func (s *Sender) logIn(client *smtp.Client) error {
	_, line := client.Extension("AUTH")
	offered := strings.Fields(line)
	switch {
	case slices.Contains(offered, "PLAIN"):
		return client.Auth(smtp.PlainAuth("", s.config.User, s.config.Password, s.config.Host, false))
	case slices.Contains(offered, "LOGIN"):
		return client.Auth(smtp.LoginAuth(s.config.User, s.config.Password, s.config.Host, false))
	}
	return errNoAuth
}

// deliver hands one letter in: envelope, then content (RFC 5321 section 3.3).
func (c *session) deliver(ctx context.Context, l *letter) *failure {
	c.sent++
	return c.within(ctx, func() *failure {
		if extended, _ := c.client.Extension("SMTPUTF8"); l.needsUTF8 && !extended {
			return &failure{step: "SMTPUTF8", err: errNoUTF8, aboutMessage: true}
		}
		c.client.SkipSMTPUTF8(!l.needsUTF8)
		if err := c.client.Mail(l.from); err != nil {
			return about("MAIL FROM", err)
		}
		if failed := c.recipients(l.to); failed != nil {
			return failed
		}
		return c.content(l.content)
	})
}

// recipients names every recipient and returns the worst refusal: one that is permanent before one that is not, since
// no retry will deliver this message to all of them.
func (c *session) recipients(to []string) *failure {
	var worst *failure
	for _, recipient := range to {
		err := c.client.Rcpt(recipient)
		if err == nil {
			continue
		}
		failed := about("RCPT TO", err)
		if !failed.isReply() {
			return failed
		}
		if worst == nil || failed.permanent() && !worst.permanent() {
			worst = failed
		}
	}
	return worst
}

func (c *session) content(content []byte) *failure {
	writer, err := c.client.Data()
	if err != nil {
		return about("DATA", err)
	}
	if _, err := writer.Write(content); err != nil {
		return about("content", err)
	}
	if err := writer.Close(); err != nil {
		return about("end of content", err)
	}
	return nil
}

// reset ends what the server may still remember of the last message, and shows that it is there.
func (c *session) reset(ctx context.Context) error {
	failed := c.within(ctx, func() *failure {
		if err := c.client.Reset(); err != nil {
			return about("RSET", err)
		}
		return nil
	})
	if failed != nil {
		return failed.err
	}
	return nil
}

// within runs a conversation that ends soon after ctx does. The protocol cannot be interrupted in an orderly way, so
// the connection is not used again after that.
func (c *session) within(ctx context.Context, talk func() *failure) *failure {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	failed := talk()
	if !stop() {
		c.broken = true
	}
	if failed != nil && !failed.isReply() {
		c.broken = true
	}
	return failed
}

// close hangs up without QUIT: between messages that is harmless, and it never waits for the server.
func (c *session) close() { _ = c.conn.Close() }

// bounded ends a server's answers at a limit, so that one that never ends its line cannot fill the memory.
type bounded struct {
	net.Conn
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, textproto.ProtocolError("the server's answers do not end")
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
