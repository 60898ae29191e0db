// Package broker reads streams at brokers for intake: NATS JetStream and Kafka. The hub keeps the places itself, so
// neither is asked to remember any: JetStream is read by a consumer that begins at a sequence and is forgotten with its
// connection, Kafka by partitions and offsets, without a consumer group.
package broker

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/intake"
)

// The bounds of what is read at a time, and how long nothing is waited for.
const (
	messagesAtOnce = 256
	bytesAtOnce    = 4 << 20
	idle           = 2 * time.Second
	answer         = 10 * time.Second // what a broker is asked is answered by then
)

// Opener connects to brokers.
type Opener struct {
	Dial   brokerlink.Dial
	Client string // what the hub is called at brokers
}

// Open connects to the broker of a stream.
// Errors: fault.SenderConfig, fault.NoTopic, fault.LoginRefused, and those of a connection.
func (o Opener) Open(ctx context.Context, s *event.Stream) (intake.Stream, error) {
	b := &s.Broker
	link := brokerlink.Link{
		Servers: b.Servers, PlainText: b.PlainText, CABundle: b.CABundle, CertFile: b.CertFile, KeyFile: b.KeyFile, User: b.User,
		PasswordFile: b.PasswordFile, Mechanism: b.Mechanism, CredentialsFile: b.CredentialsFile, Client: o.Client, Dial: o.Dial,
	}
	if s.Kind == event.Kafka {
		return openKafka(&link, s)
	}
	return openNATS(ctx, &link, s)
}
