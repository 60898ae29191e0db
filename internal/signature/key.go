package signature

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// The prefixes of keys in text form (Standard Webhooks 1.0.0, "Signature scheme").
const (
	prefixSecret  = "whsec_" // symmetric: both sides hold it
	prefixPrivate = "whsk_"  // ed25519, ours alone
	prefixPublic  = "whpk_"  // ed25519, the receiver's
)

// The length of a symmetric secret in bytes that the specification allows, and what NewSecret makes.
const (
	minSecret = 24
	maxSecret = 64
	newSecret = 32
)

// NewSecret returns a fresh symmetric secret, "whsec_" and base64 of 32 random bytes.
func NewSecret() string {
	secret := make([]byte, newSecret)
	rand.Read(secret) // never fails: crypto/rand ends the process rather than give weak bytes
	return prefixSecret + base64.StdEncoding.EncodeToString(secret)
}

// NewKeyPair returns a fresh ed25519 pair: the private key ("whsk_") to sign with, the public one ("whpk_") to hand out.
func NewKeyPair() (private, public string) {
	publicKey, privateKey, _ := ed25519.GenerateKey(rand.Reader) // as above
	return prefixPrivate + base64.StdEncoding.EncodeToString(privateKey),
		prefixPublic + base64.StdEncoding.EncodeToString(publicKey)
}

// NewKey returns a fresh key of a kind, "v1" or "v1a": what to sign with, and what to show its receiver, once: the secret
// of v1, the public key of v1a.
// Error: fault.InvalidDocument for another kind.
func NewKey(kind string) (private, shown string, err error) {
	switch kind {
	case "v1":
		private = NewSecret()
		return private, private, nil
	case "v1a":
		private, shown = NewKeyPair()
		return private, shown, nil
	}
	return "", "", fault.New(fault.InvalidDocument, "there is no kind of key %q", kind)
}

// PublicOf returns the public key ("whpk_") that belongs to a private one ("whsk_").
// Error: fault.SigningKey.
func PublicOf(private string) (string, error) {
	key, err := parsePrivate(private)
	if err != nil {
		return "", err
	}
	return prefixPublic + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), nil
}

func parseSecret(text string) ([]byte, error) {
	secret, err := decode(text, prefixSecret)
	if err != nil {
		return nil, err
	}
	if len(secret) < minSecret || len(secret) > maxSecret {
		return nil, fault.New(fault.SigningKey, "a whsec_ secret holds %d to %d bytes; this one holds %d", minSecret, maxSecret, len(secret))
	}
	return secret, nil
}

// parsePrivate takes both forms in use: private followed by public key (64 bytes, as Svix writes it), or the seed alone.
func parsePrivate(text string) (ed25519.PrivateKey, error) {
	raw, err := decode(text, prefixPrivate)
	if err != nil {
		return nil, err
	}
	switch len(raw) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(raw), nil
	case ed25519.PrivateKeySize:
		key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
		if !key.Equal(ed25519.PrivateKey(raw)) {
			// Signing with a foreign public half leaks the private one (RFC 8032 section 8, double public key).
			return nil, fault.New(fault.SigningKey, "the public half of this whsk_ key does not belong to its private half")
		}
		return key, nil
	}
	return nil, fault.New(fault.SigningKey, "a whsk_ key holds 32 or 64 bytes; this one holds %d", len(raw))
}

func parsePublic(text string) (ed25519.PublicKey, error) {
	raw, err := decode(text, prefixPublic)
	if err != nil {
		return nil, err
	}
	if len(raw) != ed25519.PublicKeySize {
		return nil, fault.New(fault.SigningKey, "a whpk_ key holds 32 bytes; this one holds %d", len(raw))
	}
	return ed25519.PublicKey(raw), nil
}

func decode(text, prefix string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, prefix))
	if err != nil {
		return nil, fault.New(fault.SigningKey, "what follows %s is not standard base64", prefix) // not wrapped: nothing of a key in an error
	}
	return raw, nil
}

func errKind(want string) error {
	return fault.New(fault.SigningKey, "a key begins with %s", want)
}
