// Package signature signs and verifies messages by Standard Webhooks 1.0.0: "v1" is HMAC-SHA256 with a secret both
// sides hold, "v1a" is ed25519 with a key pair. What is signed is the text "{id}.{timestamp}.{body}".
package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
)

// The header names of Standard Webhooks, as written on the wire.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	tagHMAC    = "v1,"
	tagEd25519 = "v1a,"
)

// Signer signs with every key it holds, so that a key can be changed with an overlap: the receiver accepts any one.
// It keeps hash states and buffers from one signature to the next and is therefore not safe for concurrent use: give
// each worker its Clone.
type Signer struct {
	secrets  []hmacKey
	privates []ed25519.PrivateKey
	content  []byte            // "{id}.{timestamp}.", and for ed25519, which cannot be fed in parts, the body after it
	sum      [sha256.Size]byte // here, not on the stack, because hash.Hash would make it escape each time
}

type hmacKey struct {
	secret []byte
	state  hash.Hash
}

// NewSigner reads keys in text form: "whsec_" signs v1, "whsk_" signs v1a. The newest comes first; the header carries
// one signature for each key in this order. No key at all gives a nil Signer, which adds nothing.
// Error: fault.SigningKey, which never quotes the key.
func NewSigner(keys ...string) (*Signer, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	s := &Signer{}
	for _, key := range keys {
		if err := s.add(key); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Signer) add(key string) error {
	switch {
	case strings.HasPrefix(key, prefixSecret):
		secret, err := parseSecret(key)
		if err != nil {
			return err
		}
		s.secrets = append(s.secrets, newHMACKey(secret))
	case strings.HasPrefix(key, prefixPrivate):
		private, err := parsePrivate(key)
		if err != nil {
			return err
		}
		s.privates = append(s.privates, private)
	default:
		return errKind("whsec_ or whsk_")
	}
	return nil
}

func newHMACKey(secret []byte) hmacKey {
	return hmacKey{secret: secret, state: hmac.New(sha256.New, secret)}
}

// Clone returns a signer with the same keys and states of its own. The clone of nil is nil.
func (s *Signer) Clone() *Signer {
	if s == nil {
		return nil
	}
	clone := &Signer{privates: s.privates}
	for _, key := range s.secrets {
		clone.secrets = append(clone.secrets, newHMACKey(key.secret))
	}
	return clone
}

// AppendHeader appends the value of webhook-signature to dst: "v1,… v1a,…", one signature a key, divided by spaces.
// unix is the webhook-timestamp in seconds. With HMAC keys alone it allocates nothing once dst has room.
func (s *Signer) AppendHeader(dst []byte, id string, unix int64, body []byte) []byte {
	s.content = append(s.content[:0], id...)
	s.content = append(s.content, '.')
	s.content = strconv.AppendInt(s.content, unix, 10)
	s.content = append(s.content, '.')
	start := len(dst)
	for i := range s.secrets {
		sum := s.secrets[i].sum(s.sum[:0], s.content, body)
		dst = appendSignature(dst, start, tagHMAC, sum)
	}
	if len(s.privates) == 0 {
		return dst
	}
	s.content = append(s.content, body...)
	for _, private := range s.privates {
		dst = appendSignature(dst, start, tagEd25519, ed25519.Sign(private, s.content))
	}
	if cap(s.content) > keepContent {
		s.content = nil // one large message must not be remembered for ever
	}
	return dst
}

// keepContent is the largest buffer in bytes kept for the next ed25519 signature.
const keepContent = 64 << 10

func (k *hmacKey) sum(dst, prefix, body []byte) []byte {
	k.state.Reset()
	k.state.Write(prefix)
	k.state.Write(body)
	return k.state.Sum(dst)
}

func appendSignature(dst []byte, start int, tag string, signature []byte) []byte {
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	dst = append(dst, tag...)
	return base64.StdEncoding.AppendEncode(dst, signature)
}
