package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/signature"
)

// loop sends over and over on connections of its own until it is told to stop.
type loop struct {
	lanes []poster
	sent  atomic.Int64
}

// poster sends one message and returns when it is answered.
type poster interface {
	post() error
	close()
}

// run drives all lanes until ctx ends; the first that fails ends all.
func (l *loop) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, lane := range l.lanes {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := lane.post(); err != nil {
					cancel(err)
					return
				}
				l.sent.Add(1)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != context.Canceled && err != context.DeadlineExceeded {
		return err
	}
	return nil
}

func (l *loop) close() {
	for _, lane := range l.lanes {
		lane.close()
	}
}

// bareLoop is the ceiling: HTTP/1.1 written by hand on as many connections as there are POSTs in flight. Each writes the
// same bytes over and over with another id and signature in them.
func bareLoop(addr, path string, secure *tls.Config, secret string, body []byte, inFlight int) (*loop, error) {
	l := &loop{}
	for range inFlight {
		p, err := newBarePoster(addr, path, secure, secret, body)
		if err != nil {
			l.close()
			return nil, err
		}
		l.lanes = append(l.lanes, p)
	}
	return l, nil
}

// barePoster is one connection with what it needs to send.
type barePoster struct {
	wire
	signer *signature.Signer
	prefix []byte
	body   []byte
	id     []byte // text of a UUID; its last digits count
	number int64
}

// wire is a connection with a request to write and an answer to read.
type wire struct {
	net.Conn
	out, in []byte
}

func dial(addr string, secure *tls.Config) (wire, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return wire{}, fault.Wrap(fault.ConnectFailed, err, "no connection to %s", addr)
	}
	if secure != nil {
		conn = tls.Client(conn, secure)
	}
	return wire{Conn: conn, in: make([]byte, 64<<10)}, nil
}

func newBarePoster(addr, path string, secure *tls.Config, secret string, body []byte) (*barePoster, error) {
	signer, err := signature.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	connection, err := dial(addr, secure)
	if err != nil {
		return nil, err
	}
	head := "POST " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: Varsel\r\nContent-Type: application/cloudevents+json; charset=utf-8\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\nVarsel-Attempt: 1\r\n" + signature.HeaderID + ": "
	return &barePoster{wire: connection, signer: signer, prefix: []byte(head), body: body, id: []byte(ident.New().String())}, nil
}

func (p *barePoster) post() error {
	p.number++
	const last = 12
	tail := p.id[len(p.id)-last:]
	for i, n := last-1, p.number; i >= 0; i, n = i-1, n/10 {
		tail[i] = byte('0' + n%10)
	}
	unix := time.Now().Unix()
	out := append(p.out[:0], p.prefix...)
	out = append(out, p.id...)
	out = append(out, "\r\n"+signature.HeaderTimestamp+": "...)
	out = strconv.AppendInt(out, unix, 10)
	out = append(out, "\r\n"+signature.HeaderSignature+": "...)
	out = p.signer.AppendHeader(out, string(p.id), unix, p.body)
	out = append(out, "\r\n\r\n"...)
	p.out = append(out, p.body...)
	return p.exchange(" 200 ")
}

func (p *barePoster) close() { p.Close() }

// exchange writes the request and reads the whole of one answer, which must have the status and a Content-Length.
func (w *wire) exchange(status string) error {
	if _, err := w.Write(w.out); err != nil {
		return fault.Wrap(fault.Internal, err, "the request could not be written")
	}
	filled := 0
	for {
		n, err := w.Read(w.in[filled:])
		if filled += n; err != nil {
			return fault.Wrap(fault.Internal, err, "the answer could not be read")
		}
		head := bytes.Index(w.in[:filled], []byte("\r\n\r\n"))
		if head < 0 {
			continue
		}
		if !bytes.HasPrefix(w.in[:filled], []byte("HTTP/1.1"+status)) {
			return fault.New(fault.Internal, "the answer is not%s: %.200q", status, w.in[:filled])
		}
		return w.finish(filled, head)
	}
}

// finish reads what is left of an answer of which so many bytes are here, its head's end at head.
func (w *wire) finish(filled, head int) error {
	_, rest, found := bytes.Cut(w.in[:head], []byte("\r\nContent-Length: "))
	if !found { // net/http sends long answers in chunks; the last is empty
		return w.until(filled, []byte("\r\n0\r\n\r\n"))
	}
	line, _, _ := bytes.Cut(rest, []byte("\r"))
	length, err := strconv.Atoi(string(line))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the answer's Content-Length is no number")
	}
	if missing := head + 4 + length - filled; missing > 0 {
		_, err = io.CopyN(io.Discard, w.Conn, int64(missing))
	}
	return err
}

func (w *wire) until(filled int, end []byte) error {
	for !bytes.HasSuffix(w.in[:filled], end) {
		n, err := w.Read(w.in[filled:])
		if filled += n; err != nil {
			return fault.Wrap(fault.Internal, err, "the answer broke off")
		}
	}
	return nil
}

// senderLoop is the same loop with the channel's own client.
func senderLoop(url string, identity *exchange.Identity, secret string, body []byte, inFlight int) (*loop, error) {
	signer, err := signature.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	policy, _ := profile.Get(profile.Standard)
	sender, err := webhook.New(webhook.Config{
		URL: url, Profile: policy, Signer: signer, Identity: identity, Dial: (&net.Dialer{}).DialContext, Clock: clock.System{},
	})
	if err != nil {
		return nil, err
	}
	l := &loop{}
	for range inFlight {
		l.lanes = append(l.lanes, &senderPoster{sender: sender, body: body})
	}
	return l, nil
}

type senderPoster struct {
	sender *webhook.Sender
	body   []byte
}

func (p *senderPoster) post() error {
	result := p.sender.Send(context.Background(), &channel.Message{
		ID: ident.New().String(), ContentType: "application/cloudevents+json; charset=utf-8", Body: p.body, Attempt: 1, At: time.Now(),
	})
	if result.Class != channel.Delivered {
		return fault.New(fault.Internal, "the receiver did not accept: %d %s %s", result.Status, result.Reason, result.Detail)
	}
	return nil
}

func (p *senderPoster) close() { p.sender.Close() }
