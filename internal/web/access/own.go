package access

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// lifetime is how long a token of the hub's own is good. Every request looks the account up, so a change of it works
// at once and not only when the token ends.
const lifetime = 10 * time.Minute

// tokenType is the typ of an access token (RFC 9068 section 2.1), which keeps other JWTs of an issuer out.
const tokenType = "at+jwt"

// ownIssuer signs and verifies the hub's own tokens.
type ownIssuer struct {
	url    string
	public jose.JSONWebKey
	signer jose.Signer
}

func newOwnIssuer(url string, seed []byte) (*ownIssuer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fault.New(fault.Internal, "the key for access tokens has %d bytes, want %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: string(jose.EdDSA), Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the key for access tokens cannot be used")
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: public.KeyID}},
		(&jose.SignerOptions{}).WithType(tokenType),
	)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the key for access tokens cannot be used")
	}
	return &ownIssuer{url: url, public: public, signer: signer}, nil
}

// ownClaims are the claims of the hub's own tokens besides the registered ones (RFC 9068 section 2.2).
type ownClaims struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"secret_id"` // for which secret it was given: it ends with it
}

// give makes a token for an account that has shown a secret.
func (o *ownIssuer) give(name, secret string, now time.Time) (string, error) {
	text, err := jwt.Signed(o.signer).Claims(jwt.Claims{
		Issuer: o.url, Subject: name, Audience: jwt.Audience{o.url}, ID: ident.New().String(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(lifetime)),
	}).Claims(ownClaims{ClientID: name, Secret: secret}).Serialize()
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "the access token cannot be signed")
	}
	return text, nil
}

// read verifies a token of the hub's own.
func (o *ownIssuer) read(token *jwt.JSONWebToken, now time.Time) (v verified, end time.Time, err error) {
	header := token.Headers[0]
	if header.Algorithm != string(jose.EdDSA) || header.KeyID != o.public.KeyID || header.ExtraHeaders[jose.HeaderType] != tokenType {
		return v, end, fault.New(fault.InvalidToken, "the token is none that this hub gives now; get a new one")
	}
	var claims jwt.Claims
	var own ownClaims
	if err := token.Claims(o.public.Key, &claims, &own); err != nil {
		return v, end, badSignature()
	}
	if err := valid(&claims, o.url, o.url, 0, now); err != nil {
		return v, end, err
	}
	return verified{account: claims.Subject, secret: own.Secret}, claims.Expiry.Time(), nil
}
