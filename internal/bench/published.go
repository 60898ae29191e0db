package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// publishPath is where the publish API takes events.
const publishPath = "/api/v1/events"

// publisherSetup is the publisher's first instruction.
type publisherSetup struct {
	Addrs []string // of the nodes; connections are spread over them
	Run   string
	Batch int // events in a request
	Size  Size
	// Counter is where the receiver tells its count, and FanOut how many messages an event makes: then no more is
	// published than is delivered. "": the hub sees to that itself.
	Counter string
	FanOut  int
}

// publisherOrder starts publishing, or ends it.
type publisherOrder struct{ Go bool }

// publisherAnswer is how many events were accepted since the last Go.
type publisherAnswer struct {
	Published int64
	Error     string
}

// published measures events that come through the publish API over HTTP, from another process, to one subscription.
func published(batch int) func(context.Context, *run, *Figure) error {
	return func(ctx context.Context, r *run, f *Figure) error {
		if err := r.startReceiver(nil); err != nil {
			return err
		}
		h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1}, max(lag, r.Size.InFlight*batch))
		if err != nil {
			return err
		}
		addr, err := h.serve(batch)
		if err != nil {
			return err
		}
		var ready publisherAnswer
		publisher, err := r.spawn(rolePublisher, publisherSetup{Addrs: []string{addr}, Run: h.drafts.run, Batch: batch, Size: r.Size}, &ready)
		if err != nil {
			return err
		}
		return r.beside(ctx, f, nil, func(ctx context.Context) error { return r.have(ctx, h.fanOut, publisher) })
	}
}

// have has another process publish until ctx ends, and waits until all of it has arrived.
func (r *run) have(ctx context.Context, fanOut int, publisher *child) error {
	return r.settled(ctx, fanOut, func() (int64, error) {
		var a publisherAnswer
		working := context.WithoutCancel(ctx)
		if err := publisher.ask(working, publisherOrder{Go: true}, &a); err != nil {
			return 0, err
		}
		<-ctx.Done()
		err := publisher.ask(working, publisherOrder{}, &a)
		if err == nil && a.Error != "" {
			err = fault.New(fault.Internal, "%s", a.Error)
		}
		return a.Published, err
	})
}

// serve opens the publish API behind the gate.
func (h *hub) serve(batch int) (addr string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "cannot listen")
	}
	face := h.face(logger())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.gate.pass(r.Context(), batch) {
			face.ServeHTTP(w, r)
		}
	})}
	go server.Serve(listener)
	h.run.onClose(func() { server.Close() })
	return listener.Addr().String(), nil
}

// publishOverHTTP is the publisher's process: as many connections as POSTs in flight, each with its own keys.
func publishOverHTTP(lines *pipe) error {
	var setup publisherSetup
	if err := lines.in.Decode(&setup); err != nil {
		return err
	}
	l := &loop{}
	defer l.close()
	events := newDrafts(setup.Run, setup.Size, 1)
	slots := setup.gate()
	for n := range setup.Size.InFlight {
		addr := setup.Addrs[n%len(setup.Addrs)]
		connection, err := dial(addr, nil)
		if err != nil {
			return err
		}
		l.lanes = append(l.lanes, &batchPoster{wire: connection, addr: addr, events: events, batch: setup.Batch, gate: slots})
	}
	if err := lines.out.Encode(publisherAnswer{}); err != nil {
		return err
	}
	for {
		err := publishOnce(lines, l, setup.Batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// publishOnce publishes from one order to the next.
func publishOnce(lines *pipe, l *loop, batch int) error {
	var order publisherOrder
	if err := lines.in.Decode(&order); err != nil {
		return err
	}
	before := l.sent.Load()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var failed atomic.Pointer[error]
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.run(ctx); err != nil {
			failed.Store(&err)
		}
	}()
	if err := lines.out.Encode(publisherAnswer{}); err != nil {
		return err
	}
	err := lines.in.Decode(&order)
	stop()
	<-done
	if err != nil {
		return err
	}
	answer := publisherAnswer{Published: (l.sent.Load() - before) * int64(batch)}
	if err := failed.Load(); err != nil {
		answer.Error = (*err).Error()
	}
	return lines.out.Encode(answer)
}

// gate is what keeps the publisher from being faster than the hub delivers; nil: the hub sees to that itself.
func (s *publisherSetup) gate() *gate {
	if s.Counter == "" {
		return nil
	}
	counting := &counting{url: "http://" + s.Counter + countPath}
	return newGate(max(lag, s.Size.InFlight*s.Batch), func() int64 { return counting.count() / int64(s.FanOut) })
}

// batchPoster posts CloudEvents, one or a batch of them a request.
type batchPoster struct {
	wire
	gate   *gate
	addr   string
	events *drafts
	batch  int
	body   []byte
}

func (p *batchPoster) post() error {
	if p.gate != nil && !p.gate.pass(context.Background(), p.batch) {
		return nil
	}
	kind := "application/cloudevents+json"
	p.body = p.body[:0]
	if p.batch > 1 {
		kind = "application/cloudevents-batch+json"
		p.body = append(p.body, '[')
	}
	for n := range p.batch {
		if n > 0 {
			p.body = append(p.body, ',')
		}
		p.body = appendEvent(p.body, p.events.next(p.events.data))
	}
	if p.batch > 1 {
		p.body = append(p.body, ']')
	}
	out := append(p.out[:0], "POST "+publishPath+" HTTP/1.1\r\nHost: "...)
	out = append(out, p.addr...)
	out = append(out, "\r\nContent-Type: "...)
	out = append(out, kind...)
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(p.body)), 10)
	out = append(out, "\r\n\r\n"...)
	p.out = append(out, p.body...)
	return p.exchange(" 202 ")
}

func (p *batchPoster) close() { p.Close() }

// appendEvent writes a draft in the JSON event format; none of its texts needs escaping.
func appendEvent(out []byte, d event.Draft) []byte {
	for _, attribute := range [...]struct{ name, value string }{
		{`{"specversion":"`, d.SpecVersion}, {`","id":"`, d.ID}, {`","source":"`, d.Source}, {`","type":"`, d.Type},
		{`","datacontenttype":"`, d.MediaType}, {`","partitionkey":"`, d.Extensions[0].Value},
	} {
		out = append(out, attribute.name...)
		out = append(out, attribute.value...)
	}
	out = append(out, `","data":`...)
	out = append(out, d.Data...)
	return append(out, '}')
}
