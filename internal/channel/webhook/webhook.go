// Package webhook sends messages to one HTTPS endpoint: one POST a message, signed by Standard Webhooks, over an
// exchange.Line.
package webhook

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/signature"
)

// Config says how one endpoint is sent to. URL, Profile, Dial and Clock must be set.
type Config struct {
	URL       string // https, or http where the guard's rules allow it
	Profile   profile.Profile
	Signer    *signature.Signer  // nil: no webhook-signature. The sender works on clones of it
	Identity  *exchange.Identity // nil: no client certificate, and the machine's authorities
	Dial      exchange.Dial      // the one way out: see netguard
	UserAgent string             // "Varsel" when empty
	Clock     clock.Clock        // for webhook-timestamp, Retry-After dates and idle connections

	BodyWait    time.Duration // as exchange.Config's
	IdleTimeout time.Duration // as exchange.Config's
}

// Sender sends to one endpoint over connections it keeps. It implements channel.Sender.
type Sender struct {
	config Config
	line   *exchange.Line
	prefix []byte // the request up to the first header that differs between messages
	desks  desks
}

var _ channel.Sender = (*Sender)(nil)

// New makes a sender. It opens no connection.
// Error: fault.SenderConfig.
func New(config Config) (*Sender, error) {
	u, err := exchange.Parse(config.URL)
	if err != nil {
		return nil, err
	}
	line, err := exchange.New(exchange.Config{
		URL: config.URL, Timeout: config.Profile.Timeout, Identity: config.Identity, Dial: config.Dial, Clock: config.Clock,
		BodyWait: config.BodyWait, IdleTimeout: config.IdleTimeout,
	})
	if err != nil {
		return nil, err
	}
	s := &Sender{config: config, line: line, prefix: requestPrefix(u, cmp.Or(config.UserAgent, "Varsel"))}
	s.desks.signer = config.Signer
	return s, nil
}

// requestPrefix is RFC 9112 section 3: request line and Host, and what else is the same in every message.
func requestPrefix(u *url.URL, userAgent string) []byte {
	return []byte("POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + exchange.Host(u) + "\r\nUser-Agent: " + userAgent + "\r\n")
}

// Send implements channel.Sender: one attempt, bounded by the profile's Timeout and by ctx.
func (s *Sender) Send(ctx context.Context, m *channel.Message) channel.Result {
	start := time.Now()
	result := s.send(ctx, m)
	result.Duration = time.Since(start)
	return result
}

func (s *Sender) send(ctx context.Context, m *channel.Message) channel.Result {
	if err := check(m); err != nil {
		return channel.Result{Class: channel.Rejected, Reason: string(fault.InvalidMessage), Detail: fault.Of(err).Detail}
	}
	d := s.desks.take()
	defer s.desks.put(d)
	answer, err := s.line.Post(ctx, d.write(s.prefix, m, s.timestamp(m)))
	switch {
	case err != nil:
		return channel.NoAnswer(err)
	case answer.Interim:
		return channel.Result{
			Class: s.config.Profile.Classify(answer.Status), Status: answer.Status,
			Detail: "the receiver answered " + strconv.Itoa(answer.Status) + " and hung up without a final answer",
		}
	}
	return s.config.Profile.Judge(answer.Status, answer.RetryAfter, answer.Body, s.config.Clock.Now())
}

func (s *Sender) timestamp(m *channel.Message) int64 {
	if m.At.IsZero() {
		return s.config.Clock.Now().Unix()
	}
	return m.At.Unix()
}

// Close closes the connections that are not in use; those in use close when their send ends.
func (s *Sender) Close() error { return s.line.Close() }
