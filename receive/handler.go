package receive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// Options say how a Handler knows the hub and what it remembers. It must know the hub by a signature, by a client
// certificate, or both; without either New fails, unless Anyone says that this is meant.
type Options struct {
	// Keys verify signatures: "whsec_" or "whpk_", several while a key is changed. See NewVerifier.
	Keys []string
	// ClientCertificate refuses with 403 what came over no connection with a verified client certificate. See
	// MutualTLS, which also looks at whose it is.
	ClientCertificate bool
	// Anyone takes messages from whoever can reach the handler, where neither of the above is set: for development.
	Anyone bool

	// Store remembers what was handled; nil: a Memory of DefaultMemory keys.
	Store Store
	// Test is called for test messages, whose data is invented; its error is answered like any. nil: they are
	// acknowledged when they could be verified and read. They are not de-duplicated.
	Test func(context.Context, *Message) error
	// MaxBody bounds what is read of a request, in bytes; more is answered 413. 0: 4 MiB, which the largest event in
	// base64 fits; a batch may need more.
	MaxBody int64
	// Failed is told of every request that was not answered with success, for the receiver's log: the error may quote
	// what the handling function returned. It is called concurrently; nil: nobody is told.
	Failed func(*http.Request, error)
	// Now is the clock that signatures are held against; nil: the machine's.
	Now func() time.Time
}

// Handler receives messages. It is safe for concurrent use.
type Handler struct {
	handle   func(context.Context, *Message) error
	verifier *Verifier // nil: signatures are not looked at
	options  Options
}

const defaultMaxBody = 4 << 20

// New returns a Handler that hands every message to handle, once for each [Key] as far as its Store remembers, and
// answers when handle has returned. handle is called concurrently, but not for two messages that the hub keeps in
// order. Its context ends when the hub gives up waiting.
//
// Errors: a key that cannot be read, or nothing to know the hub by.
func New(handle func(context.Context, *Message) error, options Options) (*Handler, error) {
	h := &Handler{handle: handle, options: options}
	switch {
	case handle == nil:
		return nil, errors.New("receive: there is no function to hand messages to")
	case len(options.Keys) > 0:
		var err error
		if h.verifier, err = NewVerifier(options.Now, options.Keys...); err != nil {
			return nil, err
		}
	case !options.ClientCertificate && !options.Anyone:
		return nil, errors.New("receive: set Keys, ClientCertificate or both; or Anyone, to take messages from whoever sends them")
	}
	if h.options.Store == nil {
		h.options.Store = NewMemory(DefaultMemory)
	}
	if h.options.MaxBody <= 0 {
		h.options.MaxBody = defaultMaxBody
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := h.serve(w, r)
	if err != nil && h.options.Failed != nil {
		h.options.Failed(r, err)
	}
	Answer(w, err)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &answer{status: http.StatusMethodNotAllowed, text: "messages are posted"}
	}
	if h.options.ClientCertificate && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		return &answer{status: http.StatusForbidden, text: "a client certificate is required"}
	}
	body, err := h.read(w, r)
	if err != nil {
		return err
	}
	if h.verifier != nil {
		if err := h.verifier.Verify(r.Header, body); err != nil {
			return err
		}
	}
	messages, err := Decode(r.Header, body)
	if err != nil {
		return err
	}
	// In their order, and no further than the first that fails: the hub sends all of them again, and those that were
	// handled are known by then.
	for _, m := range messages {
		if err := h.take(r.Context(), m); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := &answer{status: http.StatusRequestEntityTooLarge, text: "the body is too large"}
	if r.ContentLength > h.options.MaxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.options.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge
	case err != nil:
		// Not the message's fault, so not a 4xx, which may park it.
		return nil, &answer{status: http.StatusServiceUnavailable, text: "the body broke off", cause: err}
	}
	return body, nil
}

func (h *Handler) take(ctx context.Context, m *Message) error {
	if !m.Test {
		return h.options.Store.Once(ctx, m.Key(), func(ctx context.Context) error { return h.handle(ctx, m) })
	}
	if h.options.Test != nil {
		return h.options.Test(ctx, m)
	}
	return nil
}

// JSON makes a function for New of one that wants the data as a T. Data that does not fit T is rejected (see Reject);
// the answer names no value.
func JSON[T any](handle func(context.Context, *Message, T) error) func(context.Context, *Message) error {
	return func(ctx context.Context, m *Message) error {
		var data T
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return &answer{status: http.StatusUnprocessableEntity, text: "the data of type " + m.Type + " does not have the form this receiver knows"}
		}
		return handle(ctx, m, data)
	}
}
