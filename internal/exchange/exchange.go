// Package exchange posts one request to one HTTPS address and reads its answer: HTTP/1.1, over connections that it keeps.
//
// It speaks HTTP itself rather than through a client library. A request must be on the wire once and no more, its
// answer is its status line and headers whatever the body does after, and nothing a receiver does may cost the hub more
// than one connection for one time limit; no library gives all three, and none is faster than doing only this.
package exchange

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// The limits on what one receiver can make the hub hold or wait for, in bytes.
const (
	maxHead = 16 << 10 // of an answer's status lines and headers, interim answers included
	maxBody = 64 << 10 // read of an answer's body that is not wanted; what is longer costs it the connection
	maxKept = 4 << 10  // kept of the body of an answer that is not a success
)

const (
	defaultBodyWait    = 2 * time.Second
	defaultIdleTimeout = time.Minute
)

// Dial opens a connection to "host:port"; a guard's DialContext is one.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Config says how one receiver is reached. URL, Timeout, Dial and Clock must be set.
type Config struct {
	URL      string        // https, or http where the guard's rules allow it; its path is the requests' matter
	Timeout  time.Duration // of a request, connect to answer
	Identity *Identity     // nil: no client certificate, and the machine's authorities
	Dial     Dial          // the one way out: see netguard
	Clock    clock.Clock   // for certificates and unused connections

	// BodyWait is how long the rest of an answer's body is waited for once its headers are here; after it the answer
	// stands and the connection is dropped. 0: 2 s.
	BodyWait time.Duration
	// IdleTimeout is how long an unused connection is kept. 0: 1 min.
	IdleTimeout time.Duration
}

// Request is what goes on the wire: Head is the request line, the headers, the empty line and as much of the body as the
// caller likes; Body is the rest. Neither is written to nor kept.
type Request struct {
	Head []byte
	Body []byte

	// Whole is for answers that are not told by their status alone: so many bytes of a success's body may be read, to its
	// end, within the time limit. 0: a success's body is of no interest.
	Whole int
}

// Answer is what the receiver said.
type Answer struct {
	Status     int
	Interim    bool   // Status is 1xx, and the receiver hung up without a final answer
	RetryAfter string // of 429 and 503 only
	Body       []byte // the start of it when it is not a success, or with Whole all of it; the caller's to keep
	MediaType  string // Content-Type, with Whole only
	Cut        string // with Whole, why the body of a success is not all there; "": it is
}

// Line is the way to one receiver. It is safe for concurrent use; the caller bounds how many exchanges run at once.
type Line struct {
	config Config
	addr   string // host:port to dial
	host   string // the name a certificate must have
	secure bool
	public *trust // without an Identity
	idle   pool
}

// New makes a line. It opens no connection.
// Error: fault.SenderConfig.
func New(config Config) (*Line, error) {
	u, err := Parse(config.URL)
	if err != nil {
		return nil, err
	}
	if config.Timeout <= 0 {
		return nil, fault.New(fault.SenderConfig, "there is no time limit")
	}
	config.BodyWait = cmp.Or(config.BodyWait, defaultBodyWait)
	config.IdleTimeout = cmp.Or(config.IdleTimeout, defaultIdleTimeout)
	l := &Line{config: config, host: u.Hostname(), secure: u.Scheme == "https"}
	l.idle.clock, l.idle.timeout = config.Clock, config.IdleTimeout
	l.addr = net.JoinHostPort(l.host, cmp.Or(u.Port(), defaultPort(u.Scheme)))
	if l.secure && config.Identity == nil {
		l.public = newTrust(nil, nil, config.Clock)
	}
	return l, nil
}

// Parse reads an address that can be posted to.
// Error: fault.SenderConfig.
func Parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return nil, fault.New(fault.SenderConfig, "the endpoint's URL cannot be sent to")
	}
	return u, nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// Host is what the Host header of a request to u says (RFC 9110 section 7.2): without the port where it is the scheme's.
func Host(u *url.URL) string {
	if u.Port() == defaultPort(u.Scheme) {
		return strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	return u.Host
}

// Post exchanges one request for its answer, bounded by the time limit and by ctx. Only when a connection that was kept
// from earlier turns out to have been closed meanwhile, before any byte of an answer, is the same request written once
// more, on a fresh one.
// Errors, each explained for the person on call: those of the guard, fault.SenderConfig, fault.SendTimeout,
// fault.ConnectFailed, fault.ConnectionReset, fault.TLSFailed, fault.BadAnswer.
func (l *Line) Post(ctx context.Context, r Request) (Answer, error) {
	deadline := time.Now().Add(l.config.Timeout)
	trust, err := l.trust()
	if err != nil {
		return Answer{}, err
	}
	if c := l.idle.take(trust); c != nil {
		if a, stale, err := l.attempt(ctx, c, r, deadline); !stale {
			return a, err
		}
	}
	c, err := l.connect(ctx, trust, deadline)
	if err != nil {
		return Answer{}, err
	}
	a, _, err := l.attempt(ctx, c, r, deadline)
	return a, err
}

// attempt exchanges one request for one answer and then keeps or drops the connection. stale reports that the
// connection ended before any byte of an answer: one that was kept from earlier may simply have been closed meanwhile.
func (l *Line) attempt(ctx context.Context, c *conn, r Request, deadline time.Time) (a Answer, stale bool, err error) {
	if !c.begin(ctx, deadline) {
		c.close()
		return a, ctx.Err() == nil, l.explain(ctx, c, os.ErrDeadlineExceeded)
	}
	c.answer.typed = r.Whole > 0
	if err := c.exchange(ctx, r); err != nil {
		c.close()
		gone := hungUp(err) && ctx.Err() == nil
		if gone && c.answer.interim > 0 {
			// That is its answer, an odd one. (One that goes on to say nothing has run out of time like any other.)
			return Answer{Status: c.answer.interim, Interim: true}, false, nil
		}
		return a, gone && !c.heard, l.explain(ctx, c, err)
	}
	a = Answer{Status: c.answer.status, RetryAfter: c.answer.retryAfter, MediaType: c.answer.mediaType}
	if r.Whole > 0 && a.Status >= 200 && a.Status <= 299 {
		a.Body, a.Cut = c.readWhole(r.Whole)
	} else {
		a.Body = c.readBody(ctx, deadline, l.config.BodyWait)
	}
	if c.reusable {
		l.idle.put(c)
	} else {
		c.close()
	}
	return a, false, nil
}

// Close closes the connections that are not in use; those in use close when their exchange ends.
func (l *Line) Close() error {
	l.idle.close()
	return nil
}
