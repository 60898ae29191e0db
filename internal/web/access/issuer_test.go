package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/access"
)

// provider is another issuer whose keys and answers the test decides.
type provider struct {
	server *httptest.Server
	asked  atomic.Int64 // for its keys

	mu     sync.Mutex
	keys   []any
	issuer string // what its discovery document says
	status int
}

func newProvider(t *testing.T, keys ...jose.JSONWebKey) *provider {
	t.Helper()
	p := &provider{status: http.StatusOK}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	p.issuer = p.server.URL
	p.publish(keys...)
	return p
}

func (p *provider) publish(keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []any{map[string]any{"kty": "future", "kid": "unknown kind"}}
	for _, key := range keys {
		p.keys = append(p.keys, key.Public())
	}
}

func (p *provider) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.status != http.StatusOK:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(p.status)
	case r.URL.Path == "/.well-known/openid-configuration":
		json.NewEncoder(w).Encode(map[string]string{"issuer": p.issuer, "jwks_uri": p.server.URL + "/keys"})
	default:
		p.asked.Add(1)
		json.NewEncoder(w).Encode(map[string]any{"keys": p.keys})
	}
}

func rsaKey(t *testing.T, id string, bits int) jose.JSONWebKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id}
}

func ecKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Use: "sig"}
}

// joined is a world that takes the provider's tokens.
func joined(t *testing.T, p *provider, change func(*access.Issuer)) *world {
	t.Helper()
	return newWorld(t, func(o *access.Options) {
		one := access.Issuer{
			Name: "corp", URL: p.server.URL, Algorithms: []string{"ES256"}, RolesClaim: "/realm_access/roles",
			Roles:        map[string]account.Role{"hub-auditors": account.Auditor, "hub-systems": account.Subscriber},
			SystemsClaim: "/systems", SourcesClaim: "/a~1b",
		}
		change(&one)
		o.Issuers = []access.Issuer{one}
	})
}

func asIs(*access.Issuer) {}

// claims are what the provider says of someone, each time anew.
func (w *world) claims(p *provider) map[string]any {
	now := w.clock.Now()
	return map[string]any{
		"iss": p.server.URL, "aud": hubURL, "sub": "ida", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"realm_access": map[string]any{"roles": []any{"hub-systems", "hub-systems", "others", 7}},
		"systems":      "jobnet archive", "a/b": []any{"cv"},
	}
}

func (w *world) sign(key jose.JSONWebKey, algorithm jose.SignatureAlgorithm, typ string, claims map[string]any) string {
	w.t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	w.must(err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	w.must(err)
	return text
}

func (w *world) fresh(p *provider, key jose.JSONWebKey) string {
	return w.sign(key, jose.ES256, "at+jwt", w.claims(p))
}

// Claims become roles, systems and sources as configuration says; what it does not name means nothing.
func TestClaimsBecomeRoles(t *testing.T) {
	t.Parallel()
	key := ecKey(t, "1")
	p := newProvider(t, key)
	w := joined(t, p, asIs)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+w.fresh(p, key))
	who, err := w.gate.Principal(r)
	w.must(err)
	if who.Name != "corp/ida" || len(who.Roles) != 1 || !who.ActsFor("jobnet") || !who.ActsFor("archive") || who.ActsFor("corp") || who.PublishesAs("cv") {
		t.Errorf("%+v", who)
	}
	claims := w.claims(p)
	for name, roles := range map[string]any{"none": nil, "a number": 7, "unknown": "root operator", "an object": map[string]any{"operator": true}} {
		claims["realm_access"] = map[string]any{"roles": roles}
		r.Header.Set("Authorization", "Bearer "+w.sign(key, jose.ES256, "at+jwt", claims))
		if who, err = w.gate.Principal(r); err != nil || len(who.Roles) != 0 {
			t.Errorf("%s: %v %v", name, who, err)
		}
	}
}

// RFC 9068 section 4, RFC 8725: what is not exactly what was agreed is refused.
func TestTokensOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	key, unused := ecKey(t, "1"), ecKey(t, "2")
	encryption := ecKey(t, "3")
	encryption.Use = "enc"
	other := ecKey(t, "4")
	other.Algorithm = "ES384"
	p := newProvider(t, key, encryption, other)
	for name, c := range map[string]struct {
		change func(*access.Issuer)
		token  func(w *world, claims map[string]any) string
		want   string
	}{
		"as agreed":   {asIs, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "at+jwt", c) }, "corp/ida"},
		"typ in full": {asIs, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "application/AT+JWT", c) }, "corp/ida"},
		"no kid": {asIs, func(w *world, c map[string]any) string {
			return w.sign(jose.JSONWebKey{Key: key.Key}, jose.ES256, "at+jwt", c)
		}, "corp/ida"},
		"an ID token":               {asIs, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "JWT", c) }, "invalid-token: it is no access token"},
		"no typ":                    {asIs, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "", c) }, "invalid-token: it is no access token"},
		"typ JWT where agreed":      {func(i *access.Issuer) { i.PlainJWT = true }, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "JWT", c) }, "corp/ida"},
		"no typ where agreed":       {func(i *access.Issuer) { i.PlainJWT = true }, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "", c) }, "corp/ida"},
		"logout where typ is free":  {func(i *access.Issuer) { i.PlainJWT = true }, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "logout+jwt", c) }, "invalid-token: it is no access token"},
		"a key it does not publish": {asIs, func(w *world, c map[string]any) string { return w.sign(unused, jose.ES256, "at+jwt", c) }, "invalid-token: its issuer has no key"},
		"another key under its id": {asIs, func(w *world, c map[string]any) string {
			return w.sign(jose.JSONWebKey{Key: unused.Key, KeyID: "1"}, jose.ES256, "at+jwt", c)
		}, "invalid-token: its signature does not fit"},
		"a key for encryption": {asIs, func(w *world, c map[string]any) string { return w.sign(encryption, jose.ES256, "at+jwt", c) }, "invalid-token: its issuer has no key"},
		"a key for another algorithm": {asIs, func(w *world, c map[string]any) string {
			return w.sign(jose.JSONWebKey{Key: other.Key, KeyID: "4"}, jose.ES256, "at+jwt", c)
		}, "invalid-token: its issuer has no key"},
		"an algorithm that is not agreed": {func(i *access.Issuer) { i.Algorithms = nil }, func(w *world, c map[string]any) string { return w.sign(key, jose.ES256, "at+jwt", c) }, "invalid-token: it is not signed with an algorithm that is agreed"},
		"HS256 by the public key": {asIs, func(w *world, c map[string]any) string {
			der, err := x509.MarshalPKIXPublicKey(key.Public().Key)
			w.must(err)
			return w.sign(jose.JSONWebKey{Key: der, KeyID: "1"}, jose.HS256, "at+jwt", c)
		}, "invalid-token: it is no JWT"},
		"expired": {asIs, func(w *world, c map[string]any) string {
			c["exp"] = w.clock.Now().Unix() - 1
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: its time is over"},
		"expired within leeway": {func(i *access.Issuer) { i.Leeway = 30 * time.Second }, func(w *world, c map[string]any) string {
			c["exp"] = w.clock.Now().Unix() - 10
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "corp/ida"},
		"not yet": {func(i *access.Issuer) { i.Leeway = 30 * time.Second }, func(w *world, c map[string]any) string {
			c["nbf"] = w.clock.Now().Unix() + 60
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: its time has not come"},
		"no expiry": {asIs, func(w *world, c map[string]any) string {
			delete(c, "exp")
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: it lacks exp or sub"},
		"another audience": {asIs, func(w *world, c map[string]any) string {
			c["aud"] = []string{"https://other.example", hubURL + "/"}
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: it is for another audience"},
		"one of several audiences": {func(i *access.Issuer) { i.Audience = "hub" }, func(w *world, c map[string]any) string {
			c["aud"] = []string{"other", "hub"}
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "corp/ida"},
		"a stranger's": {asIs, func(w *world, c map[string]any) string {
			c["iss"] = "https://stranger.example"
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: its issuer is none"},
		"in the hub's name": {asIs, func(w *world, c map[string]any) string {
			c["iss"] = hubURL
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: the token is none that this hub gives"},
		"a subject for the log": {asIs, func(w *world, c map[string]any) string {
			c["sub"] = "ida\nadmin"
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: its sub"},
		"bound to a key": {asIs, func(w *world, c map[string]any) string {
			c["cnf"] = map[string]any{"jkt": "x"}
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: it is bound"},
		"bound to a certificate": {asIs, func(w *world, c map[string]any) string {
			c["cnf"] = map[string]any{"x5t#S256": "x"}
			return w.sign(key, jose.ES256, "at+jwt", c)
		}, "invalid-token: it is bound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := joined(t, p, c.change)
			if got := w.ask(c.token(w, w.claims(p))); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// RFC 8705 section 3.1: a token that is bound to a certificate is its holder's alone.
func TestABoundTokenWantsItsCertificate(t *testing.T) {
	t.Parallel()
	key := ecKey(t, "1")
	p := newProvider(t, key)
	w := joined(t, p, asIs)
	own, other := certificate(t, "ida", 1), certificate(t, "bo", 2)
	sum := sha256.Sum256(own.Raw)
	claims := w.claims(p)
	claims["cnf"] = map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+w.sign(key, jose.ES256, "at+jwt", claims))
	for i, c := range []*x509.Certificate{own, other, nil, own} { // the first makes the token known
		want := "corp/ida"
		if r.TLS = nil; c != nil {
			r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{c}}}
		}
		if c != own {
			want = "invalid-token: it is bound"
		}
		if got := w.who(r); !strings.HasPrefix(got, want) {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}

// RSA keys that are too small sign nothing. The test sets the environment, so it is not parallel.
func TestSmallRSAKeysAreNotUsed(t *testing.T) {
	small, good := rsaKey(t, "small", 1024), rsaKey(t, "good", 2048)
	p := newProvider(t, small, good)
	w := joined(t, p, func(i *access.Issuer) { i.Algorithms = []string{"RS256", "PS256"} })
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256} {
		if got := w.ask(w.sign(good, algorithm, "at+jwt", w.claims(p))); got != "corp/ida" {
			t.Errorf("%s: %s", algorithm, got)
		}
		if got := w.ask(w.sign(small, algorithm, "at+jwt", w.claims(p))); !strings.HasPrefix(got, "invalid-token: its issuer has no key") {
			t.Errorf("%s: %s", algorithm, got)
		}
	}
}

// Keys change by their id; however many tokens of unknown keys come, the issuer is asked twice a minute at most.
func TestKeysChangeAndAreAskedForSeldom(t *testing.T) {
	t.Parallel()
	old, next := ecKey(t, "old"), ecKey(t, "new")
	p := newProvider(t, old)
	w := joined(t, p, asIs)
	expect := func(what, token, want string, asked int64) {
		t.Helper()
		if got := w.ask(token); !strings.HasPrefix(got, want) || p.asked.Load() != asked {
			t.Errorf("%s: %s, want %s; asked %d times, want %d", what, got, want, p.asked.Load(), asked)
		}
	}
	expect("the first", w.fresh(p, old), "corp/ida", 1)
	expect("the same key", w.fresh(p, old), "corp/ida", 1)
	p.publish(old, next)
	for range 20 {
		expect("too soon to ask again", w.fresh(p, next), "invalid-token: its issuer has no key", 1)
	}
	w.clock.Advance(31 * time.Second)
	kept := w.fresh(p, old)
	expect("the new key", w.fresh(p, next), "corp/ida", 2)
	expect("a token that is kept", kept, "corp/ida", 2)
	expect("both are known", w.fresh(p, old), "corp/ida", 2)
	p.publish(next)
	expect("withdrawn a moment ago", w.fresh(p, old), "corp/ida", 2)
	w.clock.Advance(10 * time.Minute)
	expect("withdrawn", w.fresh(p, old), "invalid-token: its issuer has no key", 3)
	expect("withdrawn, and seen before", kept, "invalid-token: its issuer has no key", 3)
}

// An issuer that is away stops nobody whose key is known, for a day.
func TestAnIssuerThatIsAway(t *testing.T) {
	t.Parallel()
	key := ecKey(t, "1")
	p := newProvider(t, key)
	w := joined(t, p, asIs)
	for _, status := range []int{http.StatusBadGateway, http.StatusFound} { // a redirect is not followed
		p.answer(status)
		if got := w.ask(w.fresh(p, key)); !strings.HasPrefix(got, string(fault.IssuerUnreachable)) {
			t.Errorf("%d: %s", status, got)
		}
		w.clock.Advance(31 * time.Second)
	}
	p.answer(http.StatusOK)
	if got := w.ask(w.fresh(p, key)); got != "corp/ida" {
		t.Error(got)
	}
	p.answer(http.StatusBadGateway)
	w.clock.Advance(23 * time.Hour)
	if got := w.ask(w.fresh(p, key)); got != "corp/ida" {
		t.Errorf("away for 23 hours: %s", got)
	}
	w.clock.Advance(2 * time.Hour)
	if got := w.ask(w.fresh(p, key)); !strings.HasPrefix(got, string(fault.IssuerUnreachable)) {
		t.Errorf("away for 25 hours: %s", got)
	}
}

// OpenID Connect Discovery 1.0 section 4.3: a document of another issuer leads nowhere; neither does an address that the
// hub may not call.
func TestDiscoveryIsNotBelievedBlindly(t *testing.T) {
	t.Parallel()
	key := ecKey(t, "1")
	p := newProvider(t, key)
	p.issuer = "https://other.example"
	w := joined(t, p, asIs)
	if got := w.ask(w.fresh(p, key)); !strings.HasPrefix(got, string(fault.IssuerUnreachable)) || p.asked.Load() != 0 {
		t.Errorf("%s; asked %d times", got, p.asked.Load())
	}
	direct := joined(t, p, func(i *access.Issuer) { i.JWKS = p.server.URL + "/keys" })
	if got := direct.ask(direct.fresh(p, key)); got != "corp/ida" {
		t.Errorf("keys by their address: %s", got)
	}
}

func TestIssuersAreRefusedWhole(t *testing.T) {
	t.Parallel()
	good := access.Issuer{Name: "corp", URL: "https://idp.example", RolesClaim: "/roles"}
	for name, c := range map[string]struct {
		change func(*access.Issuer)
		want   string
	}{
		"as it should be": {asIs, ""},
		"no name":         {func(i *access.Issuer) { i.Name = "" }, "issuers[0].name slug"},
		"a name":          {func(i *access.Issuer) { i.Name = "a/b" }, "issuers[0].name slug"},
		"no address":      {func(i *access.Issuer) { i.URL = "" }, "issuers[0].url egress"},
		"inside":          {func(i *access.Issuer) { i.JWKS = "https://169.254.169.254/keys" }, "issuers[0].jwks egress"},
		"HS256":           {func(i *access.Issuer) { i.Algorithms = []string{"HS256"} }, "issuers[0].algorithms enum"},
		"none":            {func(i *access.Issuer) { i.Algorithms = []string{"none"} }, "issuers[0].algorithms enum"},
		"leeway":          {func(i *access.Issuer) { i.Leeway = time.Hour }, "issuers[0].leeway range"},
		"no claim":        {func(i *access.Issuer) { i.RolesClaim = "" }, "issuers[0].roles-claim pointer"},
		"a claim":         {func(i *access.Issuer) { i.RolesClaim = "roles" }, "issuers[0].roles-claim pointer"},
		"a role":          {func(i *access.Issuer) { i.Roles = map[string]account.Role{"a": "root"} }, "issuers[0].roles enum"},
		"the hub itself":  {func(i *access.Issuer) { i.URL = hubURL }, "issuers[0] unique"},
	} {
		w := newWorld(t)
		one := good
		c.change(&one)
		options := w.options
		options.Issuers = []access.Issuer{one}
		_, err := access.New(options)
		var got []string
		if err != nil {
			for _, v := range fault.Of(err).Violations {
				got = append(got, v.Pointer+" "+v.Rule)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}
