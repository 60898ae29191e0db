package broker

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// kafkaWay sends to a topic with an idempotent producer: what it tries again by itself is written once, and in order.
type kafkaWay struct {
	client *kgo.Client
	topic  string

	mu      sync.Mutex
	pending map[string]*pending // by identity
}

// pending is a record in the producer's hands. An attempt may run out of time before the producer knows what became of
// it; the next attempt then waits for that, and does not write it twice.
type pending struct {
	done chan struct{}
	err  error
}

func newKafka(c *Config) (*kafkaWay, error) {
	client, err := c.Link.Kafka(
		kgo.DefaultProduceTopic(c.Name), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.UnknownTopicRetries(2),
		kgo.ProduceRequestTimeout(c.Timeout), kgo.RecordDeliveryTimeout(c.Timeout),
	)
	if err != nil {
		return nil, err
	}
	return &kafkaWay{client: client, topic: c.Name, pending: map[string]*pending{}}, nil
}

func (k *kafkaWay) send(ctx context.Context, id string, m *message) error {
	p := k.produce(id, m)
	select {
	case <-p.done:
		k.mu.Lock()
		if k.pending[id] == p {
			delete(k.pending, id)
		}
		k.mu.Unlock()
		return k.explain(p.err)
	case <-ctx.Done():
		return fault.Wrap(fault.SendTimeout, ctx.Err(), "Kafka: not confirmed in time")
	}
}

// produce hands a record to the producer, unless it has it.
func (k *kafkaWay) produce(id string, m *message) *pending {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.pending[id]; p != nil {
		return p
	}
	p := &pending{done: make(chan struct{})}
	k.pending[id] = p
	record := &kgo.Record{Key: m.key, Value: m.body, Headers: headersOf(m.headers)}
	k.client.TryProduce(context.Background(), record, func(_ *kgo.Record, err error) {
		p.err = err
		close(p.done)
	})
	return p
}

// headersOf writes headers as the Kafka protocol binding has them (section 3.2.3): attributes begin with ce_, and their
// values are not percent-encoded.
func headersOf(headers []event.Header) []kgo.RecordHeader {
	out := make([]kgo.RecordHeader, len(headers))
	for i, h := range headers {
		name, value := h.Name, h.Value
		if attribute, is := strings.CutPrefix(name, "ce-"); is {
			name = "ce_" + attribute
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
		}
		out[i] = kgo.RecordHeader{Key: name, Value: []byte(value)}
	}
	return out
}

func (k *kafkaWay) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return fault.Wrap(fault.MessageTooLarge, err, "Kafka: the message is larger than the topic takes")
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InvalidTopicException):
		return fault.Wrap(fault.NoTopic, err, "Kafka: there is no topic %s", k.topic)
	case errors.Is(err, kerr.InvalidRecord), errors.Is(err, kerr.PolicyViolation):
		return fault.Wrap(fault.InvalidMessage, err, "Kafka: the topic does not take this message: %s", err)
	case errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, kgo.ErrRecordRetries):
		return fault.Wrap(fault.SendTimeout, err, "Kafka: not confirmed in time")
	}
	return brokerlink.ExplainKafka(err)
}

func (k *kafkaWay) rejects(code fault.Code) bool {
	return code == fault.MessageTooLarge || code == fault.NoTopic || code == fault.InvalidMessage
}

func (k *kafkaWay) close() { k.client.Close() }
