package exchange

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// lateAnswer is how long an answer is looked for after the request could not be written to its end.
const lateAnswer = 250 * time.Millisecond

// readerSize is the buffer of a connection in bytes: an answer's headers and short body in one read.
const readerSize = 4 << 10

// conn is a connection together with what is needed to use it: buffers live as long as it does. One exchange owns it at a
// time.
type conn struct {
	net.Conn          // encrypted when the endpoint is https
	raw      net.Conn // the TCP connection below
	trust    *trust   // what it was made with; nil for http
	reader   *bufio.Reader
	parts    [2][]byte
	vector   net.Buffers
	limited  io.LimitedReader

	answer   answer
	used     bool // it has carried an answer before
	wrote    bool // the request was written to its end
	heard    bool // at least one byte of this answer came
	reusable bool

	followed <-chan struct{} // Done of the context that can interrupt it
	unfollow func() bool
	since    time.Time // unused since
}

// connect opens a connection, and its TLS session when the endpoint is https.
// Errors: those of the guard, and fault.TLSFailed.
func (l *Line) connect(ctx context.Context, trust *trust, deadline time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	raw, err := l.config.Dial(ctx, "tcp", l.addr)
	if err != nil {
		return nil, dialFault(err)
	}
	c := &conn{Conn: raw, raw: raw, trust: trust}
	if trust != nil {
		config := trust.config.Clone()
		config.ServerName = l.host
		session := tls.Client(raw, config)
		if err := session.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, l.handshakeFault(ctx, trust, err)
		}
		c.Conn = session
	}
	c.reader = bufio.NewReaderSize(c.Conn, readerSize)
	return c, nil
}

func dialFault(err error) error {
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		return f
	}
	if isTimeout(err) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.SendTimeout, err, "the receiver did not take the connection in time")
	}
	return fault.Wrap(fault.ConnectFailed, err, "no connection to the receiver")
}

// begin prepares for one exchange: it ends at the deadline, or when ctx does. false means that this connection cannot
// be used, because ctx has ended or because the context it followed before is interrupting it.
func (c *conn) begin(ctx context.Context, deadline time.Time) bool {
	c.answer, c.wrote, c.heard, c.reusable = answer{}, false, false, false
	if !c.follow(ctx) {
		return false
	}
	c.SetDeadline(deadline)
	return ctx.Err() == nil // after the deadline was set: an interruption from before it would be lost
}

// follow lets the end of ctx interrupt the connection. Workers send with one long-lived context, so it is registered
// once for many sends and not anew for each.
func (c *conn) follow(ctx context.Context) bool {
	if c.followed == ctx.Done() {
		return true
	}
	if c.unfollow != nil && !c.unfollow() {
		return false
	}
	c.followed, c.unfollow = ctx.Done(), nil
	if c.followed != nil {
		c.unfollow = context.AfterFunc(ctx, c.interrupt)
	}
	return true
}

func (c *conn) interrupt() { c.raw.SetDeadline(time.Unix(1, 0)) }

// exchange writes the request and reads the answer up to its body.
func (c *conn) exchange(ctx context.Context, r Request) error {
	failed := c.write(r)
	c.wrote = failed == nil
	if failed != nil {
		// A receiver may answer before it has read everything, and close (RFC 9112 section 9.5).
		if ctx.Err() != nil {
			return failed
		}
		c.SetReadDeadline(time.Now().Add(lateAnswer))
	}
	if _, err := c.reader.Peek(1); err != nil {
		if failed != nil && isTimeout(err) {
			return failed
		}
		return err
	}
	c.heard = true
	return readAnswer(c.reader, &c.answer)
}

// write sends the request in one write, or one writev on a plain connection.
func (c *conn) write(r Request) error {
	if len(r.Body) == 0 {
		_, err := c.Write(r.Head)
		return err
	}
	c.parts = [2][]byte{r.Head, r.Body}
	c.vector = net.Buffers(c.parts[:])
	_, err := c.vector.WriteTo(c.Conn)
	c.parts, c.vector = [2][]byte{}, nil
	return err
}

// close drops the connection at once. TLS is not said goodbye to: a receiver that does not read would make us wait.
func (c *conn) close() {
	if c.unfollow != nil {
		c.unfollow()
	}
	c.raw.Close()
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// hungUp reports that the receiver ended the connection: politely, abruptly, or before our last write.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
