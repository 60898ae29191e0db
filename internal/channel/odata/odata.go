// Package odata pushes messages to an OData v4 service, as Datafordeler does (requirements F19 to F25).
//
// The address is the service's root. A message is an entity of its set Events; several go as one change set of a batch
// (OData Version 4.0 Part 1: Protocol, section 11.7). An entity carries the message's text, its format and its position in
// the log, and nothing else: what an envelope puts into headers has no place there.
//
// A service may put a change set's requests through in any order (section 11.7.3) and is to do all or none of them; since not
// all are so careful, a batch that failed in any way is sent again whole, with the same Ids, and receivers de-duplicate.
package odata

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
)

// mostBytes bounds the bodies of one batch, unless the first alone is larger: servers refuse what is too large, by default
// many at 4 MiB.
const mostBytes = 3 << 20

// singly is how long a service that has no $batch is sent one message at a time before it is asked again.
const singly = time.Hour

// Config says how one service is sent to. Root, Profile, Dial and Clock must be set.
type Config struct {
	Root       string // of the service: https, or http where the guard's rules allow it
	Profile    profile.Profile
	Identity   *exchange.Identity // nil: no client certificate, and the machine's authorities
	Dial       exchange.Dial      // the one way out: see netguard
	UserAgent  string             // "Varsel" when empty
	Clock      clock.Clock
	BatchOfOne bool // a message that goes alone goes as a batch, too

	BodyWait    time.Duration // as exchange.Config's
	IdleTimeout time.Duration // as exchange.Config's
}

// Sender sends to one service over connections it keeps. It implements channel.Batcher.
type Sender struct {
	config  Config
	line    *exchange.Line
	service service

	mu      sync.Mutex
	noBatch time.Time // until then the service is taken to have no $batch
}

var _ channel.Batcher = (*Sender)(nil)

// New makes a sender. It opens no connection.
// Error: fault.SenderConfig.
func New(config Config) (*Sender, error) {
	u, err := exchange.Parse(config.Root)
	if err != nil {
		return nil, err
	}
	line, err := exchange.New(exchange.Config{
		URL: config.Root, Timeout: config.Profile.Timeout, Identity: config.Identity, Dial: config.Dial, Clock: config.Clock,
		BodyWait: config.BodyWait, IdleTimeout: config.IdleTimeout,
	})
	if err != nil {
		return nil, err
	}
	return &Sender{config: config, line: line, service: newService(u, cmp.Or(config.UserAgent, "Varsel"))}, nil
}

// Most implements channel.Batcher.
func (s *Sender) Most() int {
	if s.lacksBatch() {
		return 1
	}
	return max(1, s.config.Profile.Batch)
}

// Send implements channel.Sender.
func (s *Sender) Send(ctx context.Context, m *channel.Message) channel.Result {
	if s.config.BatchOfOne {
		return s.SendAll(ctx, []*channel.Message{m})[0]
	}
	return s.alone(ctx, m)
}

// SendAll implements channel.Batcher. A service that says it has no $batch gets the messages one by one, up to the first
// that fails.
func (s *Sender) SendAll(ctx context.Context, messages []*channel.Message) []channel.Result {
	if len(messages) == 1 && !s.config.BatchOfOne {
		return []channel.Result{s.alone(ctx, messages[0])}
	}
	if !s.lacksBatch() {
		if results, known := s.together(ctx, messages); known {
			return results
		}
		s.mu.Lock()
		s.noBatch = s.config.Clock.Now().Add(singly)
		s.mu.Unlock()
	}
	var results []channel.Result
	for _, m := range messages {
		result := s.alone(ctx, m)
		if results = append(results, result); result.Class != channel.Delivered {
			break
		}
	}
	return results
}

func (s *Sender) lacksBatch() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.Clock.Now().Before(s.noBatch)
}

// alone posts one entity.
func (s *Sender) alone(ctx context.Context, m *channel.Message) channel.Result {
	began := time.Now()
	result := s.single(ctx, m)
	result.Duration = time.Since(began)
	return result
}

func (s *Sender) single(ctx context.Context, m *channel.Message) channel.Result {
	entity, err := entityOf(m)
	if err != nil {
		return unsendable(err)
	}
	answer, err := s.line.Post(ctx, exchange.Request{Head: s.service.single(m, entity)})
	if err != nil {
		return channel.NoAnswer(err)
	}
	return s.judge(&answer)
}

// together posts one batch; known is false when the service does not know what that is.
func (s *Sender) together(ctx context.Context, messages []*channel.Message) (results []channel.Result, known bool) {
	began := time.Now()
	entities, err := entitiesOf(messages)
	if err != nil {
		return []channel.Result{unsendable(err)}, true
	}
	messages = messages[:len(entities)]
	body, boundary := s.service.batch(messages, entities)
	answer, err := s.line.Post(ctx, exchange.Request{
		Head: s.service.batchHead(messages, boundary, len(body)), Body: body, Whole: mostAnswer(len(body), len(messages)),
	})
	var result channel.Result
	switch {
	case err != nil:
		result = channel.NoAnswer(err)
	case answer.Status == 404 || answer.Status == 405 || answer.Status == 501:
		return nil, false
	default:
		result = s.judgeBatch(&answer, len(messages))
	}
	result.Duration = time.Since(began)
	results = make([]channel.Result, len(messages))
	for i := range results {
		results[i] = result
	}
	return results, true
}

// mostAnswer bounds a batch's answer: services repeat every entity in it, in a longer spelling perhaps.
func mostAnswer(request, parts int) int { return 64<<10 + parts*(16<<10) + 4*request }

// judge makes the outcome of an answer that is told by its status.
func (s *Sender) judge(a *exchange.Answer) channel.Result {
	if a.Interim {
		return channel.Result{
			Class: s.config.Profile.Classify(a.Status), Status: a.Status,
			Detail: "the receiver answered " + strconv.Itoa(a.Status) + " and hung up without a final answer",
		}
	}
	return s.config.Profile.Judge(a.Status, a.RetryAfter, a.Body, s.config.Clock.Now())
}

// judgeBatch makes the outcome of a batch: delivered when the service accepted it, with 200 (or 202), and every part of it.
func (s *Sender) judgeBatch(a *exchange.Answer, parts int) channel.Result {
	if a.Interim || a.Status < 200 || a.Status > 299 {
		return s.judge(a)
	}
	bad := func(detail string) channel.Result {
		return channel.Result{Class: channel.Retry, Status: a.Status, Reason: string(fault.BadAnswer), Detail: "the batch's answer " + detail}
	}
	switch {
	case a.Status != 200 && a.Status != 202:
		return bad("is " + strconv.Itoa(a.Status) + ", which no batch is answered with")
	case a.Cut != "":
		return bad(a.Cut)
	}
	worst, err := readBatch(a.MediaType, a.Body, parts)
	switch {
	case err != nil:
		return bad(err.Error())
	case worst == nil:
		return channel.Result{Class: channel.Delivered, Status: a.Status}
	}
	result := s.config.Profile.Judge(worst.status, worst.retryAfter, worst.body, s.config.Clock.Now())
	if result.Class == channel.Delivered { // one of 2xx that no new entity is answered with
		result.Class, result.Body = channel.Retry, worst.body
	}
	result.Detail = worst.words()
	return result
}

func unsendable(err error) channel.Result {
	return channel.Result{Class: channel.Rejected, Reason: string(fault.InvalidMessage), Detail: fault.Of(err).Detail}
}

// Request is what Send would write to a service, for one who takes the message in its place.
// Errors: fault.SenderConfig, fault.InvalidMessage.
func Request(root, userAgent string, m *channel.Message) ([]byte, error) {
	u, err := exchange.Parse(root)
	if err != nil {
		return nil, err
	}
	entity, err := entityOf(m)
	if err != nil {
		return nil, err
	}
	s := newService(u, userAgent)
	return s.single(m, entity), nil
}

// Close closes the connections that are not in use; those in use close when their send ends.
func (s *Sender) Close() error { return s.line.Close() }

// below is an address under the service's root (OData URL Conventions, section 2): what the root asks for stays at its end.
func below(root *url.URL, segment string) *url.URL {
	u := *root
	u.Path = strings.TrimSuffix(root.Path, "/") + "/" + segment
	if root.RawPath != "" {
		u.RawPath = strings.TrimSuffix(root.RawPath, "/") + "/" + segment
	}
	u.Fragment = ""
	return &u
}
