package peer

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/tls"
	"crypto/x509"
	"encoding/gob"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

const (
	dialLimit = 2 * time.Second
	silence   = 10 * time.Second // of a node that is asked: it is taken to be gone
	idleLimit = time.Minute      // less than listeners leave a connection unused
	idlePer   = 64               // connections kept to each node
	drained   = 4 << 10          // bytes read after an answer's end, so that its connection serves again
)

// Caller asks other nodes, at the addresses that they tell in the database, and nowhere else.
type Caller struct {
	client *http.Client
	key    []byte
	clock  clock.Clock
}

// NewCaller makes one. ca names a file of the authorities that nodes' certificates come from; "": the machine's.
// Error: fault.Configuration when the file cannot be used.
func NewCaller(key []byte, ca string, clk clock.Clock) (*Caller, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, Time: clk.Now}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fault.Wrap(fault.Configuration, err, "the file of node-ca cannot be read")
		}
		if secure.RootCAs = x509.NewCertPool(); !secure.RootCAs.AppendCertsFromPEM(text) {
			return nil, fault.New(fault.Configuration, "the file of node-ca holds no certificate in PEM: %s", ca)
		}
	}
	dialer := &net.Dialer{Timeout: dialLimit}
	transport := &http.Transport{ // HTTP/1.1: a connection for each call, so that a slow reader holds up only itself
		DialContext: dialer.DialContext, TLSClientConfig: secure, TLSHandshakeTimeout: dialLimit, IdleConnTimeout: idleLimit,
		MaxIdleConnsPerHost: idlePer, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
	}
	never := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Caller{client: &http.Client{Transport: transport, CheckRedirect: never}, key: key, clock: clk}, nil
}

// Close lets go of unused connections.
func (c *Caller) Close() { c.client.CloseIdleConnections() }

var (
	errNotSent   = errors.New("the question did not leave")                // it can be asked again, whatever it is
	errNoAddress = errors.New("the node tells no address")                 // and that will not change soon
	errSilent    = errors.New("nothing was heard of it for too long")      //
	errNoNode    = errors.New("what answers there is no node of this hub") //
)

// ask asks a node, and returns its answer.
func ask[Q, A any](ctx context.Context, c *Caller, n eventlog.Node, name string, q asked[Q]) (A, error) {
	var a answered[A]
	err := c.call(ctx, n, root+name, q, nil, &a)
	return a.Answer, err
}

// call asks a node, visits what comes before the end of its answer, and reads the end.
// Errors: as the node's; fault.NodeUnreachable; what visit returns.
func (c *Caller) call(ctx context.Context, n eventlog.Node, path string, q any, visit func(*fetched) error, into any) error {
	address, err := addressOf(n)
	if err != nil {
		return err
	}
	body, err := write(q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := &watch{clock: c.clock, cancel: cancel}
	defer watch.stop()
	watch.begin()
	response, err := c.send(ctx, address+path, path, n, body)
	if err != nil {
		return unreachable(ctx, n, err)
	}
	defer response.Body.Close()
	r := &reader{body: &bounded{from: response.Body}, watch: watch}
	r.decoder = gob.NewDecoder(r.body)
	return r.run(ctx, n, visit, into)
}

// addressOf is where a node is asked. Without TLS only this machine is: anybody on the way could read and change it.
// Errors: fault.NotHere, fault.NodeUnreachable.
func addressOf(n eventlog.Node) (string, error) {
	if n.URL == "" {
		return "", fault.Wrap(fault.NotHere, errNoAddress, "node %s has this, and tells no address where it can be asked: see node-url", n.Name)
	}
	u, err := url.Parse(n.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || !config.IsLoopback(u.Hostname())) {
		return "", fault.New(fault.NodeUnreachable, "node %s tells an address that is not https, nor of this machine: see node-url", n.Name)
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), nil
}

// send posts a question, and returns the answer once it is known to be a node's.
func (c *Caller) send(ctx context.Context, address, path string, n eventlog.Node, body []byte) (*http.Response, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	t := newTicket(c.key, path, n.N, c.clock.Now(), body)
	request.Header.Set("Authorization", t.String())
	request.Header.Set("Content-Type", "application/octet-stream")
	response, err := c.client.Do(request)
	switch {
	case err != nil && !connected.Load():
		return nil, errors.Join(errNotSent, err)
	case err != nil:
		return nil, err
	case !hmac.Equal([]byte(response.Header.Get(proof)), []byte(t.echo(c.key))):
		_ = response.Body.Close()
		return nil, fault.Wrap(fault.NodeUnreachable, errNoNode, "what answers at the address of node %s is none of the hub's nodes, or its clock is off, or it has other secrets: %s", n.Name, response.Status)
	}
	return response, nil
}

// unreachable is the fault of a node that could not be asked, or broke off.
func unreachable(ctx context.Context, n eventlog.Node, err error) error {
	if fault.Known(err) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return fault.Wrap(fault.NodeUnreachable, err, "node %s does not answer", n.Name)
}

// watch ends a call when nothing is heard for too long.
type watch struct {
	clock  clock.Clock
	cancel context.CancelCauseFunc
	timer  clock.Timer
}

func (w *watch) begin() {
	w.timer = w.clock.AfterFunc(silence, func() { w.cancel(errSilent) })
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// reader reads the frames of an answer.
type reader struct {
	body    *bounded
	decoder *gob.Decoder
	watch   *watch
}

func (r *reader) run(ctx context.Context, n eventlog.Node, visit func(*fetched) error, into any) error {
	for {
		var f frame
		if err := r.next(&f); err != nil {
			return unreachable(ctx, n, err)
		}
		switch {
		case f.Kind == beat:
		case f.Kind == item && f.Item != nil && visit != nil:
			if err := visit(f.Item); err != nil {
				return err
			}
		case f.Kind == whole:
			if err := r.next(into); err != nil {
				return unreachable(ctx, n, err)
			}
			r.drain()
			return nil
		case f.Kind == wrong && f.Fault != nil:
			r.drain()
			return f.Fault.err()
		default:
			return fault.New(fault.NodeUnreachable, "node %s answers in a way that this one does not know", n.Name)
		}
	}
}

// next reads one value, for which the node has until it is taken to be gone. Time that passes between is the reader's own.
func (r *reader) next(into any) error {
	r.watch.stop()
	r.watch.begin()
	r.body.left = mostAnswered
	err := r.decoder.Decode(into)
	r.watch.stop()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// drain reads the end of the body, which comes with the last frame.
func (r *reader) drain() {
	r.watch.begin()
	r.body.left = drained
	_, _ = io.Copy(io.Discard, r.body)
}
