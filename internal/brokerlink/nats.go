package brokerlink

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/varselhub/varsel/internal/fault"
)

// natsTimeout is for connecting to one server.
const natsTimeout = 10 * time.Second

// NATS connects. A connection that breaks stays broken: whoever has it decides when there is another, and what was under
// way over it is known to have ended.
// Errors: fault.SenderConfig, and those of ExplainNATS.
func (l *Link) NATS(ctx context.Context, more ...nats.Option) (*nats.Conn, error) {
	options := append([]nats.Option{
		nats.Name(l.Client), nats.NoReconnect(), nats.IgnoreDiscoveredServers(), nats.Timeout(natsTimeout), nats.SetCustomDialer(dialing{ctx, l.Dial}),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2), // a broker that froze is noticed within half a minute
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // told by who reads or sends
	}, more...)
	config, err := l.tls()
	if err != nil {
		return nil, err
	}
	if config != nil {
		options = append(options, nats.Secure(config))
	}
	switch {
	case l.CredentialsFile != "":
		content, err := readFile(l.CredentialsFile)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentialBytes(content))
	case l.User != "":
		password, err := l.password()
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserInfo(l.User, password))
	}
	var last error
	for _, server := range l.Servers {
		conn, err := nats.Connect("nats://"+server, options...)
		if err == nil {
			return conn, nil
		}
		if last = ExplainNATS(err); ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// dialing lends the guard to the client for as long as a connection is made.
type dialing struct {
	ctx  context.Context
	dial Dial
}

// Dial implements nats.CustomDialer.
func (d dialing) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, natsTimeout)
	defer cancel()
	return d.dial(ctx, network, address)
}

// ExplainNATS makes a fault of what the client says.
func ExplainNATS(err error) error {
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrPermissionViolation):
		return fault.Wrap(fault.LoginRefused, err, "NATS: %s", err)
	case errors.Is(err, nats.ErrSecureConnWanted), errors.Is(err, nats.ErrSecureConnRequired):
		return fault.Wrap(fault.TLSFailed, err, "NATS: %s", err)
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrStaleConnection):
		return fault.Wrap(fault.SendTimeout, err, "NATS: no answer in time")
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrDisconnected):
		return fault.Wrap(fault.ConnectionReset, err, "NATS: the connection broke")
	}
	return explain(err, "NATS")
}
