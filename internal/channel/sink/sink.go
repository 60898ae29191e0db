// Package sink takes messages inside the hub in place of a receiver (S58), so that a subscription can be developed and
// tried without anything leaving the machine. A message goes the whole way: its lane, its rendering and the request that
// the webhook channel would write, signed; then the sink reads it as a receiver would, answers as it is configured to, and
// keeps it for a while to be looked at.
//
// What is kept is payload, so it stays in memory: never in the database, in no backup, and gone when the hub stops. Read
// sink.go for one send and kept.go for what is kept; history.go knows order and repeats.
package sink

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/receive"
)

// Config says how one subscription's sink takes messages. All but Verifier and Foreign must be set.
type Config struct {
	Subscription string // its id
	// Settings are its sink as the configuration is now; nil when it has none any more, which answers as the zero Sink.
	Settings func() *subscription.Sink
	// Request is what would be written to the endpoint for a message, and the caller's.
	Request  func(m *channel.Message) ([]byte, error)
	Verifier *receive.Verifier // of the system's keys; nil: its profile signs nothing
	Foreign  bool              // its messages are in a form that package receive does not read: how they read is not told
	Profile  profile.Profile   // what an answer means, and how long one is waited for
}

// Sender takes messages for one sink. It implements channel.Sender and has no way out of the process.
type Sender struct {
	config Config
	sinks  *Sinks
	clock  clock.Clock
}

var _ channel.Sender = (*Sender)(nil)

// Sender makes the sender of one subscription.
func (k *Sinks) Sender(config Config) *Sender {
	return &Sender{config: config, sinks: k, clock: k.clock}
}

// Send implements channel.Sender: the message is looked at, answered and kept.
func (s *Sender) Send(ctx context.Context, m *channel.Message) channel.Result {
	request, err := s.config.Request(m)
	if err != nil {
		f := fault.Of(err)
		return channel.Result{Class: channel.Rejected, Reason: string(f.Code), Detail: f.Detail}
	}
	arrival := channel.Arrival{
		ID: m.ID, Position: m.Position, Lane: m.Lane, Attempt: m.Attempt, Pass: m.Replay, Test: m.Test,
		Sighting: s.sinks.see(s.config.Subscription, m),
	}
	s.read(&arrival, request)
	began := s.clock.Now()
	result := s.answer(ctx, m)
	result.Duration = s.clock.Now().Sub(began)
	arrival.Status, arrival.Class = result.Status, result.Class
	s.sinks.keep(s.config.Subscription, &arrival)
	return result
}

// read looks at a request as package receive does for a receiver.
func (s *Sender) read(a *channel.Arrival, request []byte) {
	head, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	line, rest, _ := strings.Cut(string(head), "\r\n")
	a.Request = strings.TrimSuffix(line, " HTTP/1.1")
	header := http.Header{}
	for field := range strings.SplitSeq(rest, "\r\n") {
		name, value, _ := strings.Cut(field, ": ")
		a.Headers = append(a.Headers, event.Header{Name: name, Value: value})
		header.Add(name, value)
	}
	a.Size, a.Body = len(body), body
	a.Signature = "none"
	if s.config.Verifier != nil {
		a.Signature = "valid"
		if err := s.config.Verifier.Verify(header, body); err != nil {
			a.Signature, a.Fault = "invalid", err.Error()
		}
	}
	if s.config.Foreign {
		return
	}
	messages, err := receive.Decode(header, body)
	if err != nil {
		a.Fault = err.Error()
	}
	for _, m := range messages {
		a.Type = m.Type
	}
}

// answer is what a receiver of these settings would have answered, and when.
func (s *Sender) answer(ctx context.Context, m *channel.Message) channel.Result {
	settings := s.config.Settings()
	if settings == nil {
		settings = &subscription.Sink{}
	}
	status, delay := settings.Answer(m.Attempt, m.Test)
	late := delay >= s.config.Profile.Timeout
	if !clock.Wait(ctx, s.clock, min(delay, s.config.Profile.Timeout)) || late {
		return channel.Result{Class: channel.Retry, Reason: string(fault.SendTimeout), Detail: "the sink answers later than a receiver may"}
	}
	result := channel.Result{Class: s.config.Profile.Classify(status), Status: status}
	if result.Class == channel.Delivered {
		s.sinks.accept(s.config.Subscription, m)
	} else {
		result.Detail = "the sink answers so, as it is configured"
	}
	return result
}

// Close implements channel.Sender. What is kept stays.
func (s *Sender) Close() error { return nil }
