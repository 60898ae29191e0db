package brokerlink

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/varselhub/varsel/internal/fault"
)

// kafkaTimeout is for connecting to one broker, TLS with it.
const kafkaTimeout = 10 * time.Second

// Kafka makes a client, which connects when it is used.
// Error: fault.SenderConfig.
func (l *Link) Kafka(more ...kgo.Opt) (*kgo.Client, error) {
	if _, err := l.tls(); err != nil { // what cannot be used is said now, and once more at each connection
		return nil, err
	}
	options := append([]kgo.Opt{
		kgo.SeedBrokers(l.Servers...), kgo.ClientID(l.Client), kgo.Dialer(l.dialKafka), kgo.RequestRetries(2), kgo.RetryTimeout(kafkaTimeout),
		kgo.DisableClientMetrics(),
	}, more...)
	if l.User != "" {
		options = append(options, kgo.SASL(l.mechanism()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fault.Wrap(fault.SenderConfig, err, "Kafka: %s", err)
	}
	return client, nil
}

func (l *Link) dialKafka(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	config, err := l.tls()
	if err != nil {
		return nil, err
	}
	conn, err := l.Dial(ctx, network, address)
	if err != nil || config == nil {
		return conn, err
	}
	if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
		_ = conn.Close()
		return nil, err
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fault.Wrap(fault.TLSFailed, err, "Kafka: the TLS handshake with %s failed", address)
	}
	return secure, nil
}

// mechanism reads the password at each login.
func (l *Link) mechanism() sasl.Mechanism {
	if l.Mechanism == "plain" {
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := l.password()
			return plain.Auth{User: l.User, Pass: password}, err
		})
	}
	login := func(context.Context) (scram.Auth, error) {
		password, err := l.password()
		return scram.Auth{User: l.User, Pass: password}, err
	}
	if l.Mechanism == "scram-sha-256" {
		return scram.Sha256(login)
	}
	return scram.Sha512(login)
}

// ExplainKafka makes a fault of what the client says.
func ExplainKafka(err error) error {
	var hungUp *kgo.ErrFirstReadEOF
	switch {
	case errors.As(err, &hungUp):
		return fault.Wrap(fault.ConnectionReset, err, "Kafka: the broker hung up at once: check whether it wants TLS, and the login")
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed),
		errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState), errors.Is(err, kerr.GroupAuthorizationFailed):
		return fault.Wrap(fault.LoginRefused, err, "Kafka: %s", err)
	case errors.Is(err, kgo.ErrClientClosed):
		return fault.Wrap(fault.ConnectionReset, err, "Kafka: the connection was closed")
	}
	return explain(err, "Kafka")
}
