// Package broker sends messages to a subject of NATS JetStream or a topic of Kafka. A message is delivered when the broker
// has confirmed that it keeps it: JetStream by its acknowledgement, Kafka by that of every replica in sync.
//
// The message is that of the webhook: CloudEvents in the mode of the subscription, by the NATS and the Kafka protocol
// binding, or whatever else the profile's envelope makes, with the headers of Standard Webhooks. Its key at Kafka tells
// which messages stay in order and nothing else: it is made of the lane for this endpoint alone, so that what the hub
// keeps as a hash of a person leaves it neither by itself nor to be compared between receivers.
package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/signature"
)

// Config says how one endpoint is sent to.
type Config struct {
	Kind    string // event.NATS or event.Kafka
	Name    string // the subject or topic
	Link    brokerlink.Link
	Signer  *signature.Signer // nil: no webhook-signature
	Timeout time.Duration     // of one attempt
}

// Sender sends to one subject or topic. It implements channel.Sender.
type Sender struct {
	config Config
	way    way
}

// way is what differs between the brokers.
type way interface {
	// send returns when the broker has confirmed that it keeps the message. id tells it from others of this endpoint.
	send(ctx context.Context, id string, m *message) error
	// rejects says that what send returned is about the message, which need not be tried again.
	rejects(code fault.Code) bool
	close()
}

// message is what is sent.
type message struct {
	key     []byte // nil: it need not stay in order with any other
	headers []event.Header
	body    []byte
}

var _ channel.Sender = (*Sender)(nil)

// New makes a sender. It opens no connection.
// Error: fault.SenderConfig.
func New(config Config) (*Sender, error) {
	if config.Timeout <= 0 {
		return nil, fault.New(fault.SenderConfig, "the profile has no time limit")
	}
	s := &Sender{config: config}
	if config.Kind == event.NATS {
		s.way = &natsWay{link: config.Link, subject: config.Name}
		return s, nil
	}
	kafka, err := newKafka(&config)
	if err != nil {
		return nil, err
	}
	s.way = kafka
	return s, nil
}

// Send implements channel.Sender. What the broker says of the message itself, that it is too large or that there is no
// such topic, rejects it; everything else is tried again.
func (s *Sender) Send(ctx context.Context, m *channel.Message) channel.Result {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	result := channel.Result{Class: channel.Delivered}
	if err := s.way.send(ctx, identity(m), s.message(m)); err != nil {
		f := fault.Of(err)
		result = channel.Result{Class: channel.Retry, Reason: string(f.Code), Detail: f.Detail}
		if s.way.rejects(f.Code) {
			result.Class = channel.Rejected
		}
	}
	result.Duration = time.Since(began)
	return result
}

// Close implements channel.Sender.
func (s *Sender) Close() error {
	s.way.close()
	return nil
}

// identity tells a message from others: a replay is meant to be kept once more, a retry is not.
func identity(m *channel.Message) string {
	if m.Replay == 0 {
		return m.ID
	}
	return m.ID + "#" + strconv.FormatInt(m.Replay, 10)
}

func (s *Sender) message(m *channel.Message) *message {
	out := &message{body: m.Body, headers: []event.Header{
		{Name: "content-type", Value: m.ContentType}, {Name: signature.HeaderID, Value: m.ID},
		{Name: signature.HeaderTimestamp, Value: strconv.FormatInt(m.At.Unix(), 10)}, {Name: "varsel-attempt", Value: strconv.Itoa(m.Attempt)},
	}}
	if s.config.Signer != nil {
		signed := s.config.Signer.Clone().AppendHeader(nil, m.ID, m.At.Unix(), m.Body)
		out.headers = append(out.headers, event.Header{Name: signature.HeaderSignature, Value: string(signed)})
	}
	if m.Replay != 0 {
		out.headers = append(out.headers, event.Header{Name: "varsel-replay", Value: strconv.FormatInt(m.Replay, 10)})
	}
	if m.Test {
		out.headers = append(out.headers, event.Header{Name: "varsel-test", Value: "1"})
	}
	for _, h := range m.Headers {
		out.headers = append(out.headers, event.Header{Name: strings.ToLower(h.Name), Value: h.Value})
	}
	if !m.Lane.IsZero() {
		out.key = s.key(m.Lane)
	}
	return out
}

// key is what the messages of a lane have in common at this endpoint.
func (s *Sender) key(lane event.Lane) []byte {
	sum := sha256.Sum256(append([]byte("varsel key\x00"+s.config.Name+"\x00"), lane[:]...))
	return hex.AppendEncode(nil, sum[:16])
}
