package demo

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/listen"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/receive"
)

// receiver is one receiving system of the sample world, with its web server on a loopback port.
type receiver struct {
	system subscription.System
	types  []string
	place  func(body []byte, header http.Header) (key string, seq int64)
	stress *stress     // how it fails; nil: never
	tls    *tls.Config // nil: plain HTTP
	secret string      // what its messages are signed with; empty: they are not signed

	socket  net.Listener
	server  *http.Server
	counter *listen.Receiver
	extra   atomic.Int64 // what was accepted and nobody published: test messages and the like
}

// newReceivers makes the three systems: one that always works, one that fails now and then, and one that speaks STAR's
// protocol over TLS with certificates on both sides.
func newReceivers(ctx context.Context, c *certificates, s *stress) ([]*receiver, error) {
	archive := &receiver{
		system: subscription.System{Name: "archive", Title: "National archive"},
		types:  []string{propertyType, cvType}, place: placeOfEither,
	}
	tax := &receiver{
		system: subscription.System{Name: "tax-office", Title: "Tax office"},
		types:  []string{propertyType}, place: placeOfProperty, stress: s,
	}
	jobcenter := &receiver{
		system: subscription.System{Name: "jobcenter", Title: "Job centre"},
		types:  []string{cvType}, place: placeOfMessage, tls: c.serverTLS(),
	}
	receivers := []*receiver{archive, tax, jobcenter}
	for _, r := range receivers {
		var err error
		if r.socket, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			stopAll(ctx, receivers)
			return nil, err
		}
	}
	archive.system.Agreement = agreement(profile.Standard, archive.url(), "property-register", "case-system")
	tax.system.Agreement = agreement(profile.Standard, tax.url(), "property-register")
	jobcenter.system.Agreement = agreement(profile.Star, jobcenter.url(), "case-system")
	jobcenter.system.Agreement.CABundle = c.caFile
	jobcenter.system.Agreement.Certificate = &subscription.Certificate{CertFile: c.clientCert, KeyFile: c.clientKey}
	return receivers, nil
}

func (r *receiver) url() string {
	if r.tls != nil {
		return "https://" + r.socket.Addr().String()
	}
	return "http://" + r.socket.Addr().String()
}

func (r *receiver) wants(typeName string) bool { return slices.Contains(r.types, typeName) }

// serve starts the web server.
func (r *receiver) serve() error {
	options := listen.Options{Place: r.place, RememberIDs: true, RequireClientCertificate: r.tls != nil, OnMessage: r.note}
	if r.stress != nil {
		options.Script = r.stress.answer
	}
	if r.secret != "" {
		verifier, err := receive.NewVerifier(nil, r.secret)
		if err != nil {
			return err
		}
		options.Verifier = verifier
	}
	r.counter = listen.New(options)
	r.server = &http.Server{
		Handler: r.counter, TLSConfig: r.tls, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // handshakes that end with the demo are no news
	}
	go func() {
		if r.tls != nil {
			_ = r.server.ServeTLS(r.socket, "", "") // both end with http.ErrServerClosed
		} else {
			_ = r.server.Serve(r.socket)
		}
	}()
	return nil
}

func (r *receiver) note(m *listen.Message) {
	if (m.Test || m.ID == "") && m.Status < http.StatusMultipleChoices && m.Sighting != listen.Duplicate {
		r.extra.Add(1)
	}
}

// stop lets what is in flight finish until ctx ends.
func (r *receiver) stop(ctx context.Context) {
	switch {
	case r.server != nil:
		if err := r.server.Shutdown(ctx); errors.Is(err, ctx.Err()) {
			_ = r.server.Close()
		}
	case r.socket != nil:
		_ = r.socket.Close()
	}
}

func stopAll(ctx context.Context, receivers []*receiver) {
	for _, r := range receivers {
		r.stop(ctx)
	}
}

// stress makes a receiver fail: every nth message is answered 500 a few times, so that its lane is blocked and goes on.
type stress struct {
	every, times int

	mu      sync.Mutex
	off     bool
	seen    int
	failing map[string]bool // message ids
}

func newStress(every, times int) *stress {
	return &stress{every: every, times: times, failing: map[string]bool{}}
}

// answer is a listen.Options.Script.
func (s *stress) answer(m *listen.Message) listen.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Attempt <= 1 && !s.off {
		s.seen++
		if s.seen%s.every == 0 {
			s.failing[m.ID] = true
		}
	}
	if !s.failing[m.ID] {
		return listen.Answer{}
	}
	if m.Attempt > s.times {
		delete(s.failing, m.ID)
		return listen.Answer{}
	}
	return listen.Answer{Status: http.StatusInternalServerError, Body: "out of order on purpose"}
}

// relax lets what is failing fail to its end, and nothing new.
func (s *stress) relax() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = true
}

// The places read which property or CV a message is about, and the number of its change.

type placeInBody struct {
	Data struct {
		Property string
		Number   int64
		Content  struct {
			CV     string
			Number int64
		}
	}
	Body struct {
		CV     string
		Number int64
	}
}

func readPlace(body []byte) (p placeInBody) {
	_ = json.Unmarshal(body, &p) // what cannot be read has no place, and shows as out of order
	return p
}

func placeOfProperty(body []byte, _ http.Header) (string, int64) {
	p := readPlace(body)
	return p.Data.Property, p.Data.Number
}

func placeOfEither(body []byte, _ http.Header) (string, int64) {
	p := readPlace(body)
	if p.Data.Property != "" {
		return p.Data.Property, p.Data.Number
	}
	return p.Data.Content.CV, p.Data.Content.Number
}

func placeOfMessage(body []byte, _ http.Header) (string, int64) {
	p := readPlace(body)
	return p.Body.CV, p.Body.Number
}
