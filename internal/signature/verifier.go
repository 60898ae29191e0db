package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// Tolerance is how far webhook-timestamp may lie from the receiver's clock, both ways: what the official libraries use.
const Tolerance = 5 * time.Minute

// maxSignatures is how many signatures of one header are tried: enough for any rotation, and a stranger cannot make the
// receiver compute hundreds.
const maxSignatures = 16

// Verifier checks messages by the keys a receiver holds. It is safe for concurrent use.
type Verifier struct {
	clock   clock.Clock
	secrets []*sync.Pool // of *hmacKey: the states are costly to make and not safe to share
	publics []ed25519.PublicKey
}

// NewVerifier reads keys in text form: "whsec_" verifies v1, "whpk_" verifies v1a. Several keys bridge a rotation.
// Error: fault.SigningKey, which never quotes the key.
func NewVerifier(clock clock.Clock, keys ...string) (*Verifier, error) {
	v := &Verifier{clock: clock}
	if len(keys) == 0 {
		return nil, fault.New(fault.SigningKey, "there is no key to verify with")
	}
	for _, key := range keys {
		if err := v.add(key); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *Verifier) add(key string) error {
	switch {
	case strings.HasPrefix(key, prefixSecret):
		secret, err := parseSecret(key)
		if err != nil {
			return err
		}
		v.secrets = append(v.secrets, &sync.Pool{New: func() any { k := newHMACKey(secret); return &k }})
	case strings.HasPrefix(key, prefixPublic):
		public, err := parsePublic(key)
		if err != nil {
			return err
		}
		v.publics = append(v.publics, public)
	default:
		return errKind("whsec_ or whpk_")
	}
	return nil
}

// Verify checks the three header values against the body's exact bytes. One good signature of a known version is
// enough; unknown versions are passed over, so that a sender may add new ones.
// Errors: fault.SignatureMissing, fault.SignatureStale, fault.SignatureMismatch.
func (v *Verifier) Verify(id, timestamp, signatures string, body []byte) error {
	if id == "" || timestamp == "" || signatures == "" {
		return fault.New(fault.SignatureMissing, "webhook-id, webhook-timestamp and webhook-signature must all be there")
	}
	if err := v.checkTime(timestamp); err != nil {
		return err
	}
	prefix := make([]byte, 0, 96)
	prefix = append(prefix, id...)
	prefix = append(prefix, '.')
	prefix = append(prefix, timestamp...)
	prefix = append(prefix, '.')
	tried := 0
	for one := range strings.SplitSeq(signatures, " ") {
		if tried++; tried > maxSignatures {
			break
		}
		if v.matches(one, prefix, body) {
			return nil
		}
	}
	return fault.New(fault.SignatureMismatch, "no signature in webhook-signature fits the message and a known key")
}

func (v *Verifier) checkTime(timestamp string) error {
	unix, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(unix, 10) != timestamp {
		return fault.New(fault.SignatureStale, "webhook-timestamp is not a whole number of seconds since 1970")
	}
	// Compared in seconds, not as a Duration, because a far timestamp would overflow one.
	now, most := v.clock.Now().Unix(), int64(Tolerance/time.Second)
	switch {
	case unix < now-most:
		return fault.New(fault.SignatureStale, "webhook-timestamp is more than %s in the past", Tolerance)
	case unix > now+most:
		return fault.New(fault.SignatureStale, "webhook-timestamp is more than %s in the future", Tolerance)
	}
	return nil
}

func (v *Verifier) matches(signature string, prefix, body []byte) bool {
	switch {
	case strings.HasPrefix(signature, tagHMAC):
		given, err := base64.StdEncoding.DecodeString(signature[len(tagHMAC):])
		return err == nil && len(given) == sha256.Size && v.matchesHMAC(given, prefix, body)
	case strings.HasPrefix(signature, tagEd25519):
		given, err := base64.StdEncoding.DecodeString(signature[len(tagEd25519):])
		return err == nil && len(given) == ed25519.SignatureSize && v.matchesEd25519(given, prefix, body)
	}
	return false
}

func (v *Verifier) matchesHMAC(given, prefix, body []byte) bool {
	found := false
	for _, pool := range v.secrets {
		key := pool.Get().(*hmacKey)
		found = found || hmac.Equal(given, key.sum(nil, prefix, body))
		pool.Put(key)
	}
	return found
}

func (v *Verifier) matchesEd25519(given, prefix, body []byte) bool {
	if len(v.publics) == 0 {
		return false
	}
	content := append(prefix[:len(prefix):len(prefix)], body...)
	for _, public := range v.publics {
		if ed25519.Verify(public, content, given) {
			return true
		}
	}
	return false
}
