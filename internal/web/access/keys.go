package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// How long an issuer's keys are used.
const (
	keysFresh = 10 * time.Minute // without asking again: a key that is withdrawn is refused after that
	keysStale = 24 * time.Hour   // when the issuer cannot be asked
	keysPause = 30 * time.Second // between two times of asking, so that tokens of unknown keys cannot make the hub a flood
)

// The bounds of one fetch.
const (
	fetchTimeout = 5 * time.Second
	maxDocument  = 256 << 10 // bytes
	maxKeys      = 32
)

// The sizes of RSA keys that are used, in bits: smaller ones are broken, larger ones cost too much to check.
const (
	minRSA = 2048
	maxRSA = 8192
)

// keys are an issuer's keys as they were last seen.
type keys struct {
	issuer, jwks string
	egress       Egress
	client       *http.Client
	clock        clock.Clock

	mu   sync.Mutex
	list []jose.JSONWebKey
	seen time.Time

	asking sync.Mutex // one at a time
	asked  time.Time
	err    error // of the last time
}

func newKeys(issuer, jwks string, egress Egress, clk clock.Clock) *keys {
	return &keys{issuer: issuer, jwks: jwks, egress: egress, clock: clk, client: &http.Client{
		Timeout:   fetchTimeout,
		Transport: &http.Transport{DialContext: egress.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: maxDocument},
		// A redirect could lead anywhere, and no issuer needs one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the issuer redirects") },
	}}
}

// find returns the keys that may have signed: the one of that id, or where a token names none all of the algorithm.
func (k *keys) find(ctx context.Context, id, algorithm string) ([]any, error) {
	found, seen := k.known(id, algorithm)
	now := k.clock.Now()
	if len(found) > 0 && now.Sub(seen) < keysFresh {
		return found, nil
	}
	err := k.refresh(ctx, len(found) == 0)
	if found, seen = k.known(id, algorithm); len(found) > 0 && now.Sub(seen) < keysStale {
		return found, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.IssuerUnreachable, err, "the keys of the issuer cannot be had at the moment")
	}
	return nil, fault.New(fault.InvalidToken, "its issuer has no key of that id and algorithm")
}

func (k *keys) known(id, algorithm string) (found []any, seen time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.list {
		if key := &k.list[i]; (id == "" || key.KeyID == id) && fits(key, algorithm) {
			found = append(found, key.Key)
		}
	}
	return found, k.seen
}

// fits reports whether a key is one for signatures of an algorithm, so that no key is used for what it was not made for.
func fits(key *jose.JSONWebKey, algorithm string) bool {
	if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != algorithm {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return (algorithm == string(jose.RS256) || algorithm == string(jose.PS256)) && bits >= minRSA && bits <= maxRSA
	case *ecdsa.PublicKey:
		return algorithm == string(jose.ES256) && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == string(jose.EdDSA)
	}
	return false
}

// refresh asks the issuer, unless that was done a moment ago. Who can do without an answer does not wait for one that
// another is waiting for.
func (k *keys) refresh(ctx context.Context, needed bool) error {
	if needed {
		k.asking.Lock()
	} else if !k.asking.TryLock() {
		return nil
	}
	defer k.asking.Unlock()
	now := k.clock.Now()
	if !k.asked.IsZero() && now.Sub(k.asked) < keysPause {
		return k.err
	}
	// The client that is served first may leave; the others still want the keys.
	list, err := k.fetch(context.WithoutCancel(ctx))
	k.asked, k.err = now, err
	if err == nil {
		k.mu.Lock()
		k.list, k.seen = list, now
		k.mu.Unlock()
	}
	return err
}

func (k *keys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	address := k.jwks
	if address == "" {
		var discovered struct {
			Issuer string `json:"issuer"`
			JWKS   string `json:"jwks_uri"`
		}
		if err := k.get(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration", &discovered); err != nil {
			return nil, err
		}
		if discovered.Issuer != k.issuer { // OpenID Connect Discovery 1.0 section 4.3
			return nil, errors.New("the discovery document is another issuer's")
		}
		address = discovered.JWKS
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.get(ctx, address, &set); err != nil {
		return nil, err
	}
	var list []jose.JSONWebKey
	for _, text := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		// A kind of key that is not known is passed over (RFC 7517 section 5).
		if err := json.Unmarshal(text, &key); err == nil && key.IsPublic() {
			list = append(list, key)
		}
	}
	return list, nil
}

func (k *keys) get(ctx context.Context, address string, into any) error {
	if _, err := k.egress.CheckURL(address); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("the issuer answered " + answer.Status)
	}
	return json.NewDecoder(io.LimitReader(answer.Body, maxDocument)).Decode(into)
}
