// Package mail sends messages as plain-text e-mail through one SMTP server (RFC 5321).
//
// A channel.Message becomes a mail like this: its headers To (one or more, RFC 5322 address lists) and Subject are the
// mail's; any other header is passed on as it is, List-Unsubscribe for example, except those the channel owns. The body
// is UTF-8 text. Message-ID comes from Message.ID, so a retry carries the one of the first attempt and a mail reader
// shows the message once. Message.At is the Date.
//
// A message goes to all its recipients or to none: if the server refuses one of them nothing is sent, so that a retry
// never repeats a mail to those who have it. Whoever must not see the others gets a message of its own.
package mail

import (
	"context"
	"crypto/x509"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/fault"
)

// TLS says how the connection to the server is encrypted.
type TLS string

// The ways. None of them falls back to a weaker one.
const (
	StartTLS TLS = "starttls" // STARTTLS on the plain port, usually 587; a server without it is not used (RFC 3207)
	Implicit TLS = "implicit" // TLS from the first byte, usually port 465 (RFC 8314)
	Plain    TLS = "none"     // no encryption: for a relay on the same host; refuses to authenticate
)

// Dial opens connections; the hub's guard against calling its own network is one.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Config says where mail is handed in and in whose name.
type Config struct {
	Host     string
	Port     int
	TLS      TLS
	Roots    *x509.CertPool // trusted issuers of the server's certificate; nil: the machine's
	User     string         // empty: no authentication
	Password string
	From     string        // RFC 5322 address, with a name or without; its domain is the Message-ID's and HELO's
	Dial     Dial          // required
	Timeout  time.Duration // for one whole attempt, connect to answer; at least 1 s
}

// Sender is a channel.Sender for one SMTP server. It keeps a few connections open between messages.
type Sender struct {
	config  Config
	from    netmail.Address
	domain  string
	address string

	mu     sync.Mutex
	idle   []*session
	closed bool
}

const (
	maxIdle        = 4       // connections kept between messages
	maxPerSession  = 100     // messages over one connection; servers limit it, few below 100
	maxReplies     = 1 << 20 // bytes one connection may answer in all
	maxRecipients  = 100     // RFC 5321 section 4.5.3.1.8: every server takes as many
	shortestExpiry = time.Second
)

// New returns a sender, or a sender-config fault that names the setting at fault. It does not connect.
func New(config Config) (*Sender, error) {
	from, err := netmail.ParseAddress(config.From)
	switch {
	case err != nil || !ascii(from.Address):
		return nil, fault.New(fault.SenderConfig, "mail: from is not an e-mail address in ASCII")
	case config.Host == "" || strings.ContainsAny(config.Host, "\r\n /"):
		return nil, fault.New(fault.SenderConfig, "mail: host is not a host name")
	case config.Port < 1 || config.Port > 65535:
		return nil, fault.New(fault.SenderConfig, "mail: port %d is not within 1 to 65535", config.Port)
	case config.TLS != StartTLS && config.TLS != Implicit && config.TLS != Plain:
		return nil, fault.New(fault.SenderConfig, "mail: tls %q is none of starttls, implicit, none", config.TLS)
	case config.TLS == Plain && config.User != "":
		return nil, fault.New(fault.SenderConfig, "mail: a password is not sent without encryption; set tls or leave user empty")
	case config.Dial == nil:
		return nil, fault.New(fault.SenderConfig, "mail: a dialer is required")
	case config.Timeout < shortestExpiry:
		return nil, fault.New(fault.SenderConfig, "mail: timeout %s is below %s", config.Timeout, shortestExpiry)
	}
	return &Sender{
		config:  config,
		from:    *from,
		domain:  from.Address[strings.LastIndexByte(from.Address, '@')+1:],
		address: net.JoinHostPort(config.Host, strconv.Itoa(config.Port)),
	}, nil
}

// Send implements channel.Sender. A 4xx reply is a retry, a 5xx reply to the message or a recipient a rejection;
// everything that concerns the server and not the message (no connection, TLS, login) is a retry with its reason.
// Status is the SMTP reply code; Body is the server's text, Detail never repeats it since it often names the recipient.
func (s *Sender) Send(ctx context.Context, m *channel.Message) channel.Result {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	result := s.send(ctx, m)
	result.Duration = time.Since(started)
	return result
}

func (s *Sender) send(ctx context.Context, m *channel.Message) channel.Result {
	letter, err := s.compose(m)
	if err != nil {
		return channel.Result{Class: channel.Rejected, Reason: string(fault.InvalidMessage), Detail: fault.Of(err).Detail}
	}
	session, failed := s.session(ctx)
	if failed != nil {
		return failed.result(ctx)
	}
	failed = session.deliver(ctx, letter)
	s.giveBack(session)
	if failed != nil {
		return failed.result(ctx)
	}
	return channel.Result{Class: channel.Delivered, Status: 250}
}

// session returns a connection that has just answered, or a new one.
func (s *Sender) session(ctx context.Context) (*session, *failure) {
	for {
		kept := s.takeIdle()
		if kept == nil {
			return s.open(ctx)
		}
		if kept.reset(ctx) == nil {
			return kept, nil
		}
		kept.close() // the server has closed it in the meantime; that is not an attempt
	}
}

func (s *Sender) takeIdle() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return nil
	}
	last := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	return last
}

// giveBack keeps a connection for the next message, or closes it when it is broken, worn or one too many.
func (s *Sender) giveBack(used *session) {
	s.mu.Lock()
	keep := !used.broken && used.sent < maxPerSession && !s.closed && len(s.idle) < maxIdle
	if keep {
		s.idle = append(s.idle, used)
	}
	s.mu.Unlock()
	if !keep {
		used.close()
	}
}

// Close implements channel.Sender. Sends that are under way end as they would have.
func (s *Sender) Close() error {
	s.mu.Lock()
	idle := s.idle
	s.idle, s.closed = nil, true
	s.mu.Unlock()
	for _, session := range idle {
		session.close()
	}
	return nil
}
