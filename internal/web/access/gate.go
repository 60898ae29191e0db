// Package access finds out who makes a request: by a bearer token of the hub's own or of another issuer (RFC 6750,
// RFC 9068), or by a client certificate. It gives the hub's own tokens (RFC 6749 section 4.4), and keeps one caller from
// asking too often. What a caller may do is not decided here: see account.Rules.
//
// Read gate.go first; then bearer.go, token.go and own.go (the hub's own tokens), issuer.go and
// keys.go (others'), limit.go.
package access

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

// Accounts knows the accounts as they are now.
type Accounts interface {
	Account(name string) (a *account.Account, position int64)
	AccountShowing(c *x509.Certificate) *account.Account
}

// Egress is the way to other issuers.
type Egress interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	CheckURL(text string) (*url.URL, error)
}

// Passwords compares passwords.
type Passwords interface {
	Fit(ctx context.Context, a *account.Account, text string) (bool, error)
}

// Options are what a gate stands on.
type Options struct {
	Accounts Accounts
	// Passwords compares those of faces that take passwords; nil where there are none.
	Passwords Passwords
	Clock     clock.Clock
	Egress    Egress
	// URL is where the hub is reached from outside, without a slash at its end: issuer and audience of its own tokens.
	URL     string
	Key     []byte   // the ed25519 seed that they are signed with, 32 bytes
	Issuers []Issuer // whose tokens are taken besides
	Limits  Limits
}

// Gate knows who asks. Where a request comes from, and with which certificate, it takes from web.PeerOf. It is safe for concurrent use.
type Gate struct {
	opts       Options
	own        *ownIssuer
	issuers    map[string]*issuer // by the iss of their tokens
	seen       seen
	addresses  *web.Limiter
	principals *web.Limiter
	logins     *web.Limiter

	shown               *shown
	tries, accountTries *web.Limiter // of passwords
}

// New makes a gate.
// Error: Configuration when an issuer cannot be used as it is configured.
func New(opts Options) (*Gate, error) {
	own, err := newOwnIssuer(opts.URL, opts.Key)
	if err != nil {
		return nil, err
	}
	issuers, err := newIssuers(&opts)
	if err != nil {
		return nil, err
	}
	l := opts.Limits.withDefaults()
	return &Gate{
		opts: opts, own: own, issuers: issuers,
		addresses: web.NewLimiter(float64(l.Address), 2*l.Address, l.Callers), principals: web.NewLimiter(float64(l.Principal), 2*l.Principal, l.Callers),
		logins: web.NewLimiter(float64(l.Token), 4*l.Token, l.Callers),
		shown:  newShown(), tries: web.NewLimiter(triesPerSecond, triesAtOnce, l.Callers), accountTries: web.NewLimiter(accountTriesPerSecond, accountTriesAtOnce, l.Callers),
	}, nil
}

// Principal says who makes a request to the API.
// Errors: RateLimited, Unauthenticated when the request shows nothing, InvalidToken when it shows what is not accepted,
// IssuerUnreachable when that cannot be told now.
func (g *Gate) Principal(r *http.Request) (*account.Principal, error) {
	return g.admit(r, g.byToken)
}

// admit counts a request against its address, finds out who makes it, and counts it against them.
func (g *Gate) admit(r *http.Request, who func(*http.Request, time.Time) (*account.Principal, error)) (*account.Principal, error) {
	now := g.opts.Clock.Now()
	if wait := g.addresses.Take(web.Neighbourhood(web.PeerOf(r).Addr), now); wait > 0 {
		return nil, account.TooMany(wait)
	}
	p, err := who(r, now)
	if err != nil {
		return nil, err
	}
	if wait := g.principals.Take(p.Name, now); wait > 0 {
		return nil, account.TooMany(wait)
	}
	return p, nil
}

// byToken takes a bearer token, or the certificate where there is no token.
func (g *Gate) byToken(r *http.Request, now time.Time) (*account.Principal, error) {
	scheme, credentials, err := authorization(r)
	switch {
	case err != nil:
		return nil, err
	case strings.EqualFold(scheme, "Bearer"):
		return g.bearer(r, credentials, now)
	case scheme != "":
		return nil, fault.New(fault.Unauthenticated, "want Authorization: Bearer and a token; /oauth/token gives one")
	}
	return g.byCertificate(r)
}

// authorization reads the one Authorization header (RFC 9110 section 11.6.2).
func authorization(r *http.Request) (scheme, credentials string, err error) {
	switch values := r.Header.Values("Authorization"); len(values) {
	case 0:
		return "", "", nil
	case 1:
		scheme, credentials, _ = strings.Cut(values[0], " ")
		return scheme, strings.TrimLeft(credentials, " "), nil
	}
	return "", "", fault.New(fault.InvalidToken, "there is more than one Authorization header")
}

func (g *Gate) byCertificate(r *http.Request) (*account.Principal, error) {
	if c := web.PeerOf(r).Certificate(); c != nil {
		if a := g.opts.Accounts.AccountShowing(c); a != nil && !a.Disabled {
			return a.Principal(account.ByCertificate), nil
		}
		return nil, fault.New(fault.Unauthenticated, "the client certificate belongs to no account in use")
	}
	return nil, fault.New(fault.Unauthenticated, "the request has neither a token nor a client certificate")
}

// Unguarded is who makes every request to a hub without access control.
func Unguarded(*http.Request) (*account.Principal, error) { return account.Anyone(), nil }
