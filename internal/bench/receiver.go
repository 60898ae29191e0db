package bench

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// receiverSetup is the receiver's first instruction.
type receiverSetup struct {
	Identity *identity // serve TLS and demand client certificates
}

type receiverReady struct{ Addr string }

// receiverQuestion asks how far it is. With Until it is answered when that many have come in all, or the given time
// is over.
type receiverQuestion struct {
	Until  int64
	Within time.Duration
	Delays bool // take the delays that were collected
}

type receiverAnswer struct {
	Count  int64
	At     int64 // ns since 1970, when Count was read
	Delays []int64
}

// hangPath is where requests are read and not answered; delayPath is where the age of each message is collected; countPath
// tells the count, for the publisher that nobody else holds back, and does not count itself.
const (
	hangPath  = "/hang"
	delayPath = "/delay"
	countPath = "/count"
)

// receiver is what everyone sends to: it reads the body, counts, answers 200. net/http, as most receivers are.
type receiver struct {
	count   atomic.Int64
	until   atomic.Int64
	reached chan struct{}
	buffers sync.Pool

	mu     sync.Mutex
	delays []int64
}

func receive(lines *pipe) error {
	var setup receiverSetup
	if err := lines.in.Decode(&setup); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "cannot listen")
	}
	if setup.Identity != nil {
		config, err := setup.Identity.server()
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, config)
	}
	r := &receiver{reached: make(chan struct{}, 1)}
	r.buffers.New = func() any { return new(bytes.Buffer) }
	server := &http.Server{Handler: r}
	go server.Serve(listener)
	defer server.Close()
	return r.answer(lines, listener.Addr().String())
}

// answer tells what it is asked until the other side goes.
func (r *receiver) answer(lines *pipe, addr string) error {
	if err := lines.out.Encode(receiverReady{addr}); err != nil {
		return err
	}
	for {
		var q receiverQuestion
		err := lines.in.Decode(&q)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := lines.out.Encode(r.tell(&q)); err != nil {
			return err
		}
	}
}

func (r *receiver) tell(q *receiverQuestion) receiverAnswer {
	r.wait(q.Until, q.Within)
	a := receiverAnswer{Count: r.count.Load(), At: time.Now().UnixNano()}
	if q.Delays {
		r.mu.Lock()
		a.Delays, r.delays = r.delays, nil
		r.mu.Unlock()
	}
	return a
}

func (r *receiver) wait(until int64, within time.Duration) {
	if until == 0 {
		return
	}
	r.until.Store(until)
	defer r.until.Store(0)
	timer := time.NewTimer(within)
	defer timer.Stop()
	for r.count.Load() < until {
		select {
		case <-r.reached:
		case <-timer.C:
			return
		}
	}
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	buffer := r.buffers.Get().(*bytes.Buffer)
	buffer.Reset()
	_, err := buffer.ReadFrom(request.Body)
	came := time.Now().UnixNano()
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	switch {
	case request.URL.Path == countPath:
		_, _ = w.Write(strconv.AppendInt(nil, r.count.Load(), 10)) // who does not read it asks again
		return
	case strings.HasPrefix(request.URL.Path, hangPath):
		<-request.Context().Done()
		return
	case request.URL.Path == delayPath:
		if sent := sentAt(buffer.Bytes()); sent > 0 {
			r.mu.Lock()
			r.delays = append(r.delays, came-sent)
			r.mu.Unlock()
		}
	}
	r.buffers.Put(buffer)
	if count, until := r.count.Add(1), r.until.Load(); until > 0 && count >= until {
		select {
		case r.reached <- struct{}{}:
		default:
		}
	}
}

// receiverPath is where the nth subscription's messages go.
func receiverPath(n int) string { return "/" + strconv.Itoa(n) }
