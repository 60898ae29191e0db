package broker

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
)

// forgetAfter is how long the server keeps a consumer that nobody asks any more.
const forgetAfter = time.Minute

// natsStream is a JetStream stream: one partition, whose offsets are its sequences.
type natsStream struct {
	of       *event.Stream
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	consumer jetstream.Consumer
	seen     uint64 // the consumer's number of the last message: there must be no gap
}

func openNATS(ctx context.Context, link *brokerlink.Link, s *event.Stream) (intake.Stream, error) {
	conn, err := link.NATS(ctx)
	if err != nil {
		return nil, err
	}
	n := &natsStream{of: s, conn: conn}
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	if n.js, err = jetstream.New(conn); err == nil {
		n.stream, err = n.js.Stream(ctx, s.Name)
	}
	if err != nil {
		conn.Close()
		return nil, n.explain(err)
	}
	return n, nil
}

// Ends implements intake.Stream.
func (n *natsStream) Ends(ctx context.Context) (map[int32]intake.Ends, error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	info, err := n.stream.Info(ctx)
	if err != nil {
		return nil, n.explain(err)
	}
	next := int64(info.State.LastSeq) + 1
	return map[int32]intake.Ends{0: {First: max(1, int64(info.State.FirstSeq)), Next: next}}, nil
}

// From implements intake.Stream.
func (n *natsStream) From(ctx context.Context, places map[int32]int64) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	var err error
	n.consumer, err = n.js.CreateConsumer(ctx, n.of.Name, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: uint64(places[0]), AckPolicy: jetstream.AckNonePolicy, FilterSubject: n.of.Filter,
		InactiveThreshold: forgetAfter, MemoryStorage: true, Replicas: 1,
	})
	return n.explain(err)
}

// Read implements intake.Stream. Nothing is acknowledged, so the server takes what it has handed out for done: a message
// that was lost on the way shows as a gap, or as one that the server counts and we do not, and ends the connection.
func (n *natsStream) Read(ctx context.Context) (intake.Batch, error) {
	batch, err := n.fetch(ctx, messagesAtOnce, jetstream.FetchMaxBytes(bytesAtOnce))
	if err != nil || len(batch.Messages) > 0 {
		return batch, err
	}
	info, err := n.consumer.Info(ctx)
	switch {
	case err != nil:
		return batch, n.explain(err)
	case info.Delivered.Consumer != n.seen:
		return batch, lost()
	case info.NumPending > 0: // it came just now, or is larger than all that is asked for at a time
		return n.fetch(ctx, 1)
	}
	return batch, nil
}

func (n *natsStream) fetch(ctx context.Context, most int, options ...jetstream.FetchOpt) (batch intake.Batch, err error) {
	within, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetched, err := n.consumer.Fetch(most, append(options, jetstream.FetchContext(within))...)
	if err != nil {
		return batch, n.explain(err)
	}
	for message := range fetched.Messages() {
		if err := n.add(&batch, message); err != nil {
			return batch, err
		}
	}
	if err := fetched.Error(); err != nil && (within.Err() == nil || ctx.Err() != nil) {
		return batch, n.explain(err)
	}
	return batch, nil
}

func lost() error {
	return fault.New(fault.ConnectionReset, "NATS: a message was lost on the way, and is fetched again")
}

func (n *natsStream) add(batch *intake.Batch, message jetstream.Msg) error {
	meta, err := message.Metadata()
	if err != nil {
		return n.explain(err)
	}
	if n.seen++; meta.Sequence.Consumer != n.seen {
		return lost()
	}
	m := intake.Message{Offset: int64(meta.Sequence.Stream), Header: headerOfNATS(message.Headers()), Data: message.Data()}
	if n.of.SubjectIsKey {
		m.Key = message.Subject()
	}
	batch.Messages = append(batch.Messages, m)
	batch.Next = m.Offset + 1
	return nil
}

// headerOfNATS leaves out what is between client and server. The NATS binding has the attributes as HTTP has them.
func headerOfNATS(from nats.Header) http.Header {
	header := http.Header{}
	for name, values := range from {
		if !strings.HasPrefix(name, "Nats-") {
			for _, value := range values {
				header.Add(name, value)
			}
		}
	}
	return header
}

// explain makes a fault of what JetStream says.
func (n *natsStream) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fault.Wrap(fault.NoTopic, err, "NATS: there is no stream %s", n.of.Name)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fault.Wrap(fault.NoTopic, err, "NATS: there is no JetStream for this account")
	}
	return brokerlink.ExplainNATS(err)
}

// Close implements intake.Stream. The server forgets the consumer by itself.
func (n *natsStream) Close() { n.conn.Close() }
