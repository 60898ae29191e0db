package receive

import (
	"fmt"
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/signature"
)

// Tolerance is how far a signature's time may lie from now, both ways. A message that is captured and sent again later
// is refused; within the tolerance de-duplication meets it.
const Tolerance = signature.Tolerance

// Verifier checks signatures by Standard Webhooks 1.0.0. It is safe for concurrent use.
type Verifier struct{ inner *signature.Verifier }

// NewVerifier reads the keys as the hub shows them: "whsec_" verifies v1 (HMAC-SHA256), "whpk_" verifies v1a (ed25519).
// While a key is changed give both the old and the new: one fitting signature is enough. now is the clock; nil: the
// machine's.
//
// Error: there is no key, or one cannot be read. It never quotes the key.
func NewVerifier(now func() time.Time, keys ...string) (*Verifier, error) {
	if now == nil {
		now = time.Now
	}
	inner, err := signature.NewVerifier(given{now: now}, keys...)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	return &Verifier{inner: inner}, nil
}

// given is a clock that somebody else owns.
type given struct {
	clock.System
	now func() time.Time
}

// Now implements clock.Clock.
func (g given) Now() time.Time { return g.now() }

// Verify checks the headers webhook-id, webhook-timestamp and webhook-signature against the exact bytes of the body.
// Its error is for [Answer]: 401 and which of the three is wrong.
func (v *Verifier) Verify(header http.Header, body []byte) error {
	err := v.inner.Verify(header.Get(signature.HeaderID), header.Get(signature.HeaderTimestamp), header.Get(signature.HeaderSignature), body)
	if err != nil {
		return &answer{status: http.StatusUnauthorized, text: err.Error()}
	}
	return nil
}
