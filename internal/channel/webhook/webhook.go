// Package webhook sends messages to one HTTPS endpoint: HTTP/1.1, one POST a message, signed by Standard Webhooks.
//
// It speaks HTTP itself rather than through a client library. An attempt must be on the wire once and no more, its
// answer is its status line and headers whatever the body does after, and nothing a receiver does may cost the hub more
// than one connection for one time limit; no library gives all three, and none is faster than doing only this.
package webhook

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/signature"
)

// The limits on what one receiver can make the hub hold or wait for, in bytes.
const (
	maxHead = 16 << 10 // of an answer's status lines and headers, interim answers included
	maxBody = 64 << 10 // read of an answer's body; what is longer costs it the connection
	maxKept = 4 << 10  // kept of the body of an answer that is not a success
)

const (
	defaultBodyWait    = 2 * time.Second
	defaultIdleTimeout = time.Minute
)

// Dial opens a connection to "host:port"; a guard's DialContext is one.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Config says how one endpoint is sent to. URL, Profile, Dial and Clock must be set.
type Config struct {
	URL       string // https, or http where the guard's rules allow it
	Profile   profile.Profile
	Signer    *signature.Signer // nil: no webhook-signature. The sender works on clones of it
	Identity  *Identity         // nil: no client certificate, and the machine's authorities
	Dial      Dial              // the one way out: see netguard
	UserAgent string            // "Varsel" when empty
	Clock     clock.Clock       // for webhook-timestamp, Retry-After dates and idle connections

	// BodyWait is how long the rest of an answer's body is waited for once its headers are here; after it the answer
	// stands and the connection is dropped. 0: 2 s.
	BodyWait time.Duration
	// IdleTimeout is how long an unused connection is kept. 0: 1 min.
	IdleTimeout time.Duration
}

// Sender sends to one endpoint over connections it keeps. It implements channel.Sender.
type Sender struct {
	config Config
	addr   string // host:port to dial
	host   string // the name a certificate must have
	secure bool
	public *trust // without an Identity
	prefix []byte // the request up to the first header that differs between messages
	idle   pool
}

var _ channel.Sender = (*Sender)(nil)

// New makes a sender. It opens no connection.
// Error: fault.SenderConfig.
func New(config Config) (*Sender, error) {
	u, err := parseEndpoint(config.URL)
	if err != nil {
		return nil, err
	}
	if config.Profile.Timeout <= 0 {
		return nil, fault.New(fault.SenderConfig, "the profile %s has no time limit", config.Profile.Name)
	}
	config.UserAgent = cmp.Or(config.UserAgent, "Varsel")
	config.BodyWait = cmp.Or(config.BodyWait, defaultBodyWait)
	config.IdleTimeout = cmp.Or(config.IdleTimeout, defaultIdleTimeout)
	s := &Sender{config: config, host: u.Hostname(), secure: u.Scheme == "https"}
	s.idle.clock, s.idle.timeout = config.Clock, config.IdleTimeout
	s.addr = net.JoinHostPort(s.host, cmp.Or(u.Port(), defaultPort(s.secure)))
	s.prefix = requestPrefix(u, config.UserAgent)
	if s.secure && config.Identity == nil {
		s.public = newTrust(nil, nil, config.Clock)
	}
	return s, nil
}

func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return nil, fault.New(fault.SenderConfig, "the endpoint's URL cannot be sent to")
	}
	return u, nil
}

func defaultPort(secure bool) string {
	if secure {
		return "443"
	}
	return "80"
}

// requestPrefix is RFC 9112 section 3: request line and Host, and what else is the same in every message.
func requestPrefix(u *url.URL, userAgent string) []byte {
	host := u.Host
	if u.Port() == defaultPort(u.Scheme == "https") {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return []byte("POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: " + userAgent + "\r\n")
}

// Send implements channel.Sender: one attempt, bounded by the profile's Timeout and by ctx. Only when a connection that
// was kept from earlier turns out to have been closed meanwhile, before any byte of an answer, is the same attempt
// written once more, on a fresh one.
func (s *Sender) Send(ctx context.Context, m *channel.Message) channel.Result {
	start := time.Now()
	result := s.send(ctx, m, start.Add(s.config.Profile.Timeout))
	result.Duration = time.Since(start)
	return result
}

func (s *Sender) send(ctx context.Context, m *channel.Message, deadline time.Time) channel.Result {
	if err := check(m); err != nil {
		return channel.Result{Class: channel.Rejected, Reason: string(fault.InvalidMessage), Detail: fault.Of(err).Detail}
	}
	trust, err := s.trust()
	if err != nil {
		return noAnswer(err)
	}
	if c := s.idle.take(trust); c != nil {
		if result, stale := s.attempt(ctx, c, m, deadline); !stale {
			return result
		}
	}
	c, err := s.connect(ctx, trust, deadline)
	if err != nil {
		return noAnswer(err)
	}
	result, _ := s.attempt(ctx, c, m, deadline)
	return result
}

// attempt exchanges one request for one answer and then keeps or drops the connection. stale reports that the
// connection ended before any byte of an answer: one that was kept from earlier may simply have been closed meanwhile.
func (s *Sender) attempt(ctx context.Context, c *conn, m *channel.Message, deadline time.Time) (result channel.Result, stale bool) {
	if !c.begin(ctx, deadline) {
		c.close()
		return noAnswer(s.explain(ctx, c, os.ErrDeadlineExceeded)), ctx.Err() == nil
	}
	c.writeRequest(s.prefix, m, s.timestamp(m))
	if err := c.exchange(ctx); err != nil {
		c.close()
		gone := hungUp(err) && ctx.Err() == nil
		if gone && c.answer.interim > 0 {
			return s.interimOnly(c.answer.interim), false
		}
		return noAnswer(s.explain(ctx, c, err)), gone && !c.heard
	}
	body := c.readBody(ctx, deadline, s.config.BodyWait)
	result = s.classify(&c.answer, body)
	if c.reusable {
		s.idle.put(c)
	} else {
		c.close()
	}
	return result, false
}

// interimOnly is what a receiver gets that answered 1xx and hung up: that is its answer, an odd one. (One that goes on
// to say nothing has run out of time like any other.)
func (s *Sender) interimOnly(status int) channel.Result {
	return channel.Result{
		Class: s.config.Profile.Classify(status), Status: status,
		Detail: "the receiver answered " + strconv.Itoa(status) + " and hung up without a final answer",
	}
}

func (s *Sender) timestamp(m *channel.Message) int64 {
	if m.At.IsZero() {
		return s.config.Clock.Now().Unix()
	}
	return m.At.Unix()
}

func (s *Sender) classify(a *answer, body []byte) channel.Result {
	result := channel.Result{Class: s.config.Profile.Classify(a.status), Status: a.status}
	if result.Class == channel.Delivered {
		return result
	}
	result.Body = body
	switch {
	case a.status >= 300 && a.status <= 399:
		result.Detail = "redirects are never followed; give the endpoint's final address"
	case result.Class == channel.Retry && (a.status == 429 || a.status == 503):
		if after := retryAfter(a.retryAfter, s.config.Clock.Now(), s.config.Profile.MaxAfter); after > 0 {
			result.Class, result.After = channel.Deferred, after
		}
	}
	return result
}

func noAnswer(err error) channel.Result {
	f := fault.Of(err)
	return channel.Result{Class: channel.Retry, Reason: string(f.Code), Detail: f.Detail}
}

// Close closes the connections that are not in use; those in use close when their send ends.
func (s *Sender) Close() error {
	s.idle.close()
	return nil
}
