package broker

import (
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/fault"
)

// natsWay sends to a subject of JetStream over one connection, made when it is needed.
type natsWay struct {
	link    brokerlink.Link
	subject string

	mu     sync.Mutex
	conn   *natsConn
	closed bool
}

// natsConn is a connection, and whether it goes on.
type natsConn struct {
	*nats.Conn
	js    jetstream.JetStream
	alive context.Context // ends with the connection: what was sent over it will not be confirmed any more
}

// send publishes with an id that JetStream knows a repeat by: a retry whose acknowledgement was lost is kept once. The
// subject is part of it, since one stream may have several of them.
func (w *natsWay) send(ctx context.Context, id string, m *message) error {
	conn, err := w.connection(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(conn.alive, cancel)()
	out := &nats.Msg{Subject: w.subject, Data: m.body, Header: nats.Header{}}
	for _, h := range m.headers {
		out.Header[h.Name] = append(out.Header[h.Name], h.Value)
	}
	_, err = conn.js.PublishMsg(ctx, out, jetstream.WithMsgID(id+"@"+w.subject), jetstream.WithRetryAttempts(0))
	if err != nil && conn.alive.Err() != nil {
		return fault.Wrap(fault.ConnectionReset, err, "NATS: the connection broke before the message was confirmed")
	}
	return w.explain(ctx, conn.js, err)
}

// connection returns the one there is, or makes one. Whoever comes meanwhile waits for the same.
func (w *natsWay) connection(ctx context.Context) (*natsConn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, fault.New(fault.ShuttingDown, "the sender is closed")
	case w.conn != nil && w.conn.IsConnected():
		return w.conn, nil
	case ctx.Err() != nil:
		return nil, fault.Wrap(fault.SendTimeout, ctx.Err(), "NATS: no connection in time")
	}
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
	alive, end := context.WithCancel(context.Background())
	conn, err := w.link.NATS(ctx, nats.ClosedHandler(func(*nats.Conn) { end() }))
	if err != nil {
		end()
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, brokerlink.ExplainNATS(err)
	}
	w.conn = &natsConn{conn, js, alive}
	return w.conn, nil
}

// errTooLarge is JetStream's code for a message that its stream does not take.
const errTooLarge = 10054

func (w *natsWay) explain(ctx context.Context, js jetstream.JetStream, err error) error {
	var said *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return fault.Wrap(fault.MessageTooLarge, err, "NATS: the message is larger than the server takes")
	case errors.As(err, &said) && said.ErrorCode == errTooLarge:
		return fault.Wrap(fault.MessageTooLarge, err, "NATS: the message is larger than the stream takes")
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return w.nobody(ctx, js, err)
	case errors.As(err, &said):
		return fault.Wrap(fault.BadAnswer, err, "NATS: %s", said.Description)
	}
	return brokerlink.ExplainNATS(err)
}

// nobody asks why nobody has taken the message: there may be no stream of the subject, or none that has a leader now.
func (w *natsWay) nobody(ctx context.Context, js jetstream.JetStream, err error) error {
	if _, found := js.StreamNameBySubject(ctx, w.subject); errors.Is(found, jetstream.ErrStreamNotFound) {
		return fault.Wrap(fault.NoTopic, found, "NATS: no stream has the subject %s", w.subject)
	}
	return fault.Wrap(fault.ConnectFailed, err, "NATS: JetStream does not answer")
}

func (w *natsWay) rejects(code fault.Code) bool {
	return code == fault.MessageTooLarge || code == fault.NoTopic
}

func (w *natsWay) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.conn != nil {
		w.conn.Close()
	}
}
