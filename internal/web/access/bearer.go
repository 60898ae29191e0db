package access

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

// signed are the algorithms that a token may be signed with at all; an issuer may take fewer. "none" and the symmetric
// ones are not among them (RFC 8725 sections 2.1 and 3.1): a token that names one is not parsed.
var signed = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

const maxToken = 16 << 10 // bytes

// bearer says whose a token is.
func (g *Gate) bearer(r *http.Request, text string, now time.Time) (*account.Principal, error) {
	if len(text) > maxToken {
		return nil, fault.New(fault.InvalidToken, "the token is longer than 16 KiB")
	}
	if v, found := g.seen.find(text, now); found {
		return g.of(v, now)
	}
	v, end, err := g.verify(r, text, now)
	if err != nil {
		return nil, err
	}
	if !end.IsZero() {
		g.seen.remember(text, v, now, end)
	}
	return g.of(v, now)
}

// of says whose a verified token is. What an account may do is read from the account, not from the token.
func (g *Gate) of(v verified, now time.Time) (*account.Principal, error) {
	if v.principal != nil {
		return v.principal, nil
	}
	a, _ := g.opts.Accounts.Account(v.account)
	if a == nil || a.Disabled || !a.Holds(v.secret, now) {
		return nil, fault.New(fault.InvalidToken, "the account or the secret that the token was given for is not in use any more")
	}
	return a.Principal(account.ByToken), nil
}

// verify reads a token whose signature and claims are as they must be. end is until when that holds; zero when it holds
// for this request alone.
func (g *Gate) verify(r *http.Request, text string, now time.Time) (v verified, end time.Time, err error) {
	token, err := jwt.ParseSigned(text, signed)
	if err != nil {
		return v, end, fault.New(fault.InvalidToken, "it is no JWT that is signed with one of RS256, PS256, ES256, EdDSA")
	}
	// Who says to have signed it decides by whose keys and rules it is checked, and is checked again with them.
	var claimed struct {
		Issuer string `json:"iss"`
	}
	if err := token.UnsafeClaimsWithoutVerification(&claimed); err != nil {
		return v, end, fault.New(fault.InvalidToken, "its claims cannot be read")
	}
	if claimed.Issuer == g.own.url {
		return g.own.read(token, now)
	}
	if other := g.issuers[claimed.Issuer]; other != nil {
		return other.read(r.Context(), token, web.PeerOf(r).Certificate(), now)
	}
	return v, end, fault.New(fault.InvalidToken, "its issuer is none that this hub takes tokens of")
}

func badSignature() error { return fault.New(fault.InvalidToken, "its signature does not fit") }

// valid checks the registered claims (RFC 9068 section 4). The hub's own leeway is 0: it is one clock.
func valid(claims *jwt.Claims, issuer, audience string, leeway time.Duration, now time.Time) error {
	if claims.Expiry == nil || claims.Subject == "" {
		return fault.New(fault.InvalidToken, "it lacks exp or sub")
	}
	err := claims.ValidateWithLeeway(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: now}, leeway)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrExpired):
		return fault.New(fault.InvalidToken, "its time is over")
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return fault.New(fault.InvalidToken, "its time has not come; check both clocks")
	case errors.Is(err, jwt.ErrInvalidAudience):
		return fault.New(fault.InvalidToken, "it is for another audience")
	}
	return fault.New(fault.InvalidToken, "its issuer is another")
}

// confirmed checks that who shows a token is who it was bound to (RFC 8705 section 3). A token bound by anything that
// the hub cannot check is refused: taking it as if it were free would undo what its issuer meant.
func confirmed(claims map[string]any, raw []byte) error {
	bound, there := claims["cnf"]
	if !there {
		return nil
	}
	by, _ := bound.(map[string]any)
	sum := sha256.Sum256(raw)
	if len(by) == 1 && raw != nil && by["x5t#S256"] == base64.RawURLEncoding.EncodeToString(sum[:]) {
		return nil
	}
	return fault.New(fault.InvalidToken, "it is bound to a certificate or key that the request does not show")
}
