// Package listen is a receiver to try things with: behind `varsel listen`, the demo, the benchmarks and the crash test.
// It answers as it is told to, checks signatures, and counts what a receiver may see of the hub's promises: order of
// first sightings, repeats and gaps.
package listen

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/receive"
)

// Options say how a receiver behaves. The zero value accepts everything and counts requests.
type Options struct {
	Status     int           // of an answer that accepts; 0: 200
	Delay      time.Duration // before each answer
	FailEvery  int           // every nth request is failed; 0: none
	FailFirst  int           // the first n attempts of each message are failed; 0: none
	FailStatus int           // of an answer that fails; 0: 500
	// Script decides each answer instead of the five above. It is called concurrently and must not keep the message.
	Script func(*Message) Answer

	Verifier                 *receive.Verifier // refuse with 401 what it does not verify; nil: signatures are not looked at
	RequireClientCertificate bool              // refuse with 403 what came without one that TLS has verified

	// Place reads from a message what it must stay in order with, and its number there, ascending; nil: order is not
	// watched. It must not keep the body.
	Place func(body []byte, header http.Header) (key string, seq int64)
	// Dense says that each key's numbers are 1, 2, 3 and so on: then gaps are counted as missing, and a late first
	// sighting can be told from a repeat without remembering ids.
	Dense bool
	// RememberIDs keeps every webhook-id, about 100 bytes each, and tells repeats by it. Without it and without Dense a
	// number that is not above its key's highest counts as a repeat.
	RememberIDs bool

	MaxBody   int64          // in bytes; a larger one is answered 413; 0: 1 MiB
	OnMessage func(*Message) // called for each message that has been answered, concurrently; it must not keep the message
	Clock     clock.Clock    // nil: the machine's
}

// Answer is what a script lets the receiver say.
type Answer struct {
	Status int // 0: Options.Status
	Delay  time.Duration
	Header http.Header
	Body   string
	Abort  bool // break the connection instead of answering
}

// Message is one request as the receiver sees it. It and what it holds are valid only during the call.
type Message struct {
	At       time.Time
	ID       string // webhook-id
	Attempt  int    // Varsel-Attempt; 0: not given
	Test     bool   // Varsel-Test
	Key      string
	Seq      int64
	Sighting Sighting
	Client   string // the subject of the client's certificate; empty: none
	Header   http.Header
	Body     []byte
	Invalid  error // why the signature was refused
	Status   int   // what was answered; 0: the connection was broken
}

// Receiver is an http.Handler; it is safe for concurrent use.
type Receiver struct {
	options  Options
	order    order
	attempts attempts
	received atomic.Int64
	failed   atomic.Int64
	invalid  atomic.Int64
	strange  atomic.Int64
	buffers  sync.Pool // of *bytes.Buffer
}

// New makes a receiver.
func New(options Options) *Receiver {
	options.Status = orElse(options.Status, http.StatusOK)
	options.FailStatus = orElse(options.FailStatus, http.StatusInternalServerError)
	options.MaxBody = orElse(options.MaxBody, 1<<20)
	if options.Clock == nil {
		options.Clock = clock.System{}
	}
	r := &Receiver{options: options}
	r.order.init(options.Dense, options.RememberIDs, options.Place != nil)
	r.buffers.New = func() any { return new(bytes.Buffer) }
	return r
}

func orElse[T int | int64](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	count := r.received.Add(1)
	if r.options.RequireClientCertificate && (request.TLS == nil || len(request.TLS.VerifiedChains) == 0) {
		r.strange.Add(1)
		http.Error(w, "a client certificate is required", http.StatusForbidden)
		return
	}
	m := Message{Header: request.Header}
	if r.readsBody() {
		buffer := r.buffers.Get().(*bytes.Buffer)
		defer r.giveBack(buffer)
		if !r.read(w, request, buffer) {
			return
		}
		m.Body = buffer.Bytes()
	}
	r.describe(&m, request)
	r.receive(w, request, &m, count)
	if r.options.OnMessage != nil {
		r.options.OnMessage(&m)
	}
	if m.Status == 0 {
		panic(http.ErrAbortHandler) // net/http's way to break a connection
	}
}

func (r *Receiver) readsBody() bool {
	o := &r.options
	return o.Place != nil || o.Verifier != nil || o.OnMessage != nil || o.Script != nil
}

// read reports whether the body could be read; if not, it has been answered.
func (r *Receiver) read(w http.ResponseWriter, request *http.Request, buffer *bytes.Buffer) bool {
	_, err := buffer.ReadFrom(io.LimitReader(request.Body, r.options.MaxBody+1))
	switch {
	case err != nil:
		http.Error(w, "the body broke off", http.StatusBadRequest)
	case int64(buffer.Len()) > r.options.MaxBody:
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
	default:
		return true
	}
	r.failed.Add(1)
	return false
}

func (r *Receiver) giveBack(buffer *bytes.Buffer) {
	const keep = 64 << 10
	if buffer.Cap() <= keep {
		buffer.Reset()
		r.buffers.Put(buffer)
	}
}

func (r *Receiver) describe(m *Message, request *http.Request) {
	m.ID = request.Header.Get(signature.HeaderID)
	if r.options.OnMessage == nil && r.options.Script == nil {
		return
	}
	m.At = r.options.Clock.Now()
	m.Attempt, _ = strconv.Atoi(request.Header.Get("Varsel-Attempt"))
	m.Test = request.Header.Get("Varsel-Test") == "1"
	if request.TLS != nil && len(request.TLS.PeerCertificates) > 0 {
		m.Client = request.TLS.PeerCertificates[0].Subject.String()
	}
}

// receive verifies, counts, waits and answers. A message counts as accepted before its answer is written, for then its
// successor may come at once.
func (r *Receiver) receive(w http.ResponseWriter, request *http.Request, m *Message, count int64) {
	if m.Invalid = r.verify(m); m.Invalid != nil {
		r.invalid.Add(1)
		m.Status = http.StatusUnauthorized
		http.Error(w, m.Invalid.Error(), m.Status)
		return
	}
	if r.options.Place != nil {
		m.Key, m.Seq = r.options.Place(m.Body, m.Header)
	}
	m.Sighting = r.order.see(m.Key, m.Seq, m.ID)
	answer := r.decide(m, count)
	if !r.wait(request, answer.Delay) || answer.Abort {
		r.failed.Add(1)
		return
	}
	m.Status = answer.Status
	if m.Status >= 200 && m.Status <= 299 {
		r.order.accept(m.Key, m.Seq, m.ID)
		if r.options.FailFirst > 0 {
			r.attempts.forget(m.ID)
		}
	} else {
		r.failed.Add(1)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(m.Status)
	if answer.Body != "" {
		_, _ = io.WriteString(w, answer.Body) // a sender that left needs no answer
	}
}

func (r *Receiver) verify(m *Message) error {
	if r.options.Verifier == nil {
		return nil
	}
	return r.options.Verifier.Verify(m.Header, m.Body)
}

func (r *Receiver) decide(m *Message, count int64) Answer {
	if r.options.Script != nil {
		answer := r.options.Script(m)
		answer.Status = orElse(answer.Status, r.options.Status)
		return answer
	}
	answer := Answer{Status: r.options.Status, Delay: r.options.Delay}
	everyNth := r.options.FailEvery > 0 && count%int64(r.options.FailEvery) == 0
	young := r.options.FailFirst > 0 && m.Sighting != Duplicate && r.attempts.note(m.ID) <= r.options.FailFirst
	if everyNth || young {
		answer.Status = r.options.FailStatus
	}
	return answer
}

// wait reports whether the sender is still there after d.
func (r *Receiver) wait(request *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	over := make(chan struct{})
	timer := r.options.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-request.Context().Done():
		return false
	}
}

// attempts counts how often each message that is not yet accepted has come.
type attempts struct {
	mu    sync.Mutex
	count map[string]int
}

// maxAttempts bounds how many failing messages are remembered; the ones beyond are accepted.
const maxAttempts = 1 << 20

func (a *attempts) note(id string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = map[string]int{}
	}
	if _, known := a.count[id]; !known && len(a.count) >= maxAttempts {
		return maxAttempts
	}
	a.count[id]++
	return a.count[id]
}

func (a *attempts) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.count, id)
}
