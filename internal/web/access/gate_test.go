package access_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/access"
)

// S47, RFC 9068: what the hub gave is taken until its time is over, or the account or the secret is.
func TestTheHubsOwnTokens(t *testing.T) {
	t.Parallel()
	const ended = "invalid-token: the account or the secret that the token was given for is not in use any more"
	for name, c := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"at once":                 {func(*world) {}, "eva"},
		"to its last second":      {func(w *world) { w.clock.Advance(10*time.Minute - time.Second) }, "eva"},
		"after it":                {func(w *world) { w.clock.Advance(10*time.Minute + time.Second) }, "invalid-token: its time is over"},
		"of a disabled account":   {func(w *world) { w.accounts.change("eva", func(a *account.Account) { a.Disabled = true }) }, ended},
		"of a secret that ended":  {func(w *world) { w.accounts.change("eva", func(a *account.Account) { a.Secrets = nil }) }, ended},
		"of an account no longer": {func(w *world) { delete(w.accounts.named, "eva") }, ended},
		"signed by another hub": {func(w *world) {
			w.options.Key = []byte(strings.Repeat("k", 32))
			w.regate()
		}, "invalid-token: the token is none that this hub gives now; get a new one"},
		"for another hub": {func(w *world) {
			w.options.URL = "https://other.example"
			w.regate()
		}, "invalid-token: its issuer is none that this hub takes tokens of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.token("eva", w.secret)
			if got := w.ask(token); got != "eva" { // from now on the token is known
				t.Fatal(got)
			}
			c.happens(w)
			if got := w.ask(token); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// What an account may do is looked up at every request.
func TestANewRoleWorksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("eva", w.secret)
	w.accounts.change("eva", func(a *account.Account) { a.Roles = []account.Role{account.Auditor} })
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "bearer "+token)
	p, err := w.gate.Principal(r)
	w.must(err)
	if p.Has(account.Operator) || !p.Has(account.Auditor) || p.Method != account.ByToken {
		t.Errorf("%+v", p)
	}
}

// RFC 8725 sections 2 and 3: every way to make a token without the key.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.token("eva", w.secret)
	parts := strings.Split(good, ".")
	header, claims := decoded(t, parts[0]), decoded(t, parts[1])
	seed := ed25519.NewKeyFromSeed(w.options.Key)
	public := seed.Public().(ed25519.PublicKey)
	sign := func(options *jose.SignerOptions, algorithm jose.SignatureAlgorithm, key any, change func(map[string]any)) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: header["kid"].(string)}}, options)
		w.must(err)
		own := map[string]any{}
		for name, value := range claims {
			own[name] = value
		}
		change(own)
		text, err := jwt.Signed(signer).Claims(own).Serialize()
		w.must(err)
		return text
	}
	typed := (&jose.SignerOptions{}).WithType("at+jwt")
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	w.must(err)
	same := func(map[string]any) {}
	if w.ask(sign(typed, jose.EdDSA, seed, same)) != "eva" {
		t.Fatal("what the cases below change is not what makes them fail")
	}
	for name, c := range map[string]struct{ token, want string }{
		"no token":                {"", "unauthenticated: the request has neither a token nor a client certificate"},
		"not a token":             {"x", "it is no JWT"},
		"too long":                {good + strings.Repeat("a", 16<<10), "longer"},
		"alg none":                {encoded(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".", "it is no JWT"},
		"alg none, signature":     {encoded(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + "." + parts[2], "it is no JWT"},
		"HS256 by the public key": {sign(typed, jose.HS256, []byte(public), same), "it is no JWT"},
		"signed by a stranger":    {sign(typed, jose.EdDSA, stranger, same), "its signature does not fit"},
		"other claims":            {parts[0] + "." + encoded(strings.Replace(text(claims), `"eva"`, `"root"`, 1)) + "." + parts[2], "its signature does not fit"},
		"another header":          {encoded(strings.Replace(text(header), `"at+jwt"`, `"at+jwt","x":1`, 1)) + "." + parts[1] + "." + parts[2], "its signature does not fit"},
		"no signature":            {parts[0] + "." + parts[1] + ".", "it is no JWT|its signature does not fit"},
		"another typ":             {sign((&jose.SignerOptions{}).WithType("JWT"), jose.EdDSA, seed, same), "none that this hub gives"},
		"another audience":        {sign(typed, jose.EdDSA, seed, func(c map[string]any) { c["aud"] = "https://other.example" }), "it is for another audience"},
		"no expiry":               {sign(typed, jose.EdDSA, seed, func(c map[string]any) { delete(c, "exp") }), "it lacks exp or sub"},
		"no subject":              {sign(typed, jose.EdDSA, seed, func(c map[string]any) { delete(c, "sub") }), "it lacks exp or sub"},
		"not yet":                 {sign(typed, jose.EdDSA, seed, func(c map[string]any) { c["nbf"] = w.clock.Now().Unix() + 60 }), "its time has not come"},
		"no issuer":               {sign(typed, jose.EdDSA, seed, func(c map[string]any) { delete(c, "iss") }), "its issuer is none"},
		"for no secret":           {sign(typed, jose.EdDSA, seed, func(c map[string]any) { delete(c, "secret_id") }), "not in use any more"},
	} {
		got := w.ask(c.token)
		fits := false
		for _, want := range strings.Split(c.want, "|") {
			fits = fits || strings.Contains(got, want)
		}
		if !fits || !strings.HasPrefix(got, "invalid-token: ") && name != "no token" {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func decoded(t *testing.T, part string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	var members map[string]any
	if err == nil {
		err = json.Unmarshal(raw, &members)
	}
	if err != nil {
		t.Fatal(err)
	}
	return members
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func text(members map[string]any) string {
	raw, _ := json.Marshal(members)
	return string(raw)
}

// There is one Authorization header, of one scheme.
func TestOneAuthorizationHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("eva", w.secret)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
	if got := w.who(r); !strings.HasPrefix(got, "invalid-token: there is more than one") {
		t.Error(got)
	}
	r.Header["Authorization"] = []string{basic("eva", w.secret)} // for the live page, not for the API (S47)
	if got := w.who(r); !strings.HasPrefix(got, "unauthenticated: want Authorization: Bearer") {
		t.Error(got)
	}
}

// certificate is a client certificate of that subject.
func certificate(t *testing.T, name string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{"Example"}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// C13, S46: a caller may be known by a certificate that the listener has verified; one that was only shown is nothing.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known, renewed, stranger := certificate(t, "permits", 1), certificate(t, "archive", 2), certificate(t, "stranger", 3)
	w.accounts.named["permits"] = &account.Account{Name: "permits", Certificates: []account.Certificate{{SHA256: account.Fingerprint(known)}}}
	w.accounts.named["archive"] = &account.Account{Name: "archive", Certificates: []account.Certificate{{Subject: "CN=archive,O=Example"}}}
	verified := func(c *x509.Certificate) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
	}
	for name, c := range map[string]struct {
		state *tls.ConnectionState
		want  string
	}{
		"by fingerprint": {verified(known), "permits"},
		"by subject":     {verified(renewed), "archive"},
		"a stranger":     {verified(stranger), "unauthenticated: the client certificate belongs to no account in use"},
		"not verified":   {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{known}}, "unauthenticated: the request has neither a token nor a client certificate"},
		"none":           {&tls.ConnectionState{}, "unauthenticated: the request has neither a token nor a client certificate"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.TLS = c.state
		if got := w.who(r); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.TLS = verified(known)
	r.Header.Set("Authorization", "Bearer "+w.token("eva", w.secret))
	if got := w.who(r); got != "eva" {
		t.Errorf("a token goes before the certificate: %s", got)
	}
	r.Header.Set("Authorization", "Bearer bad")
	if got := w.who(r); !strings.HasPrefix(got, "invalid-token") {
		t.Errorf("a bad token is not made good by a certificate: %s", got)
	}
	proxied := web.WithPeer(httptest.NewRequest("GET", "/", nil), &web.Peer{Certificates: []*x509.Certificate{known}})
	if got := w.who(proxied); got != "permits" {
		t.Errorf("a certificate that a trusted proxy passed on: %s", got)
	}
	w.accounts.change("permits", func(a *account.Account) { a.Disabled = true })
	r.Header.Del("Authorization")
	if got := w.who(r); !strings.HasPrefix(got, "unauthenticated") {
		t.Error(got)
	}
}

// Every request counts, of its address and of who makes it.
func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	heard := func(w *world, address, token string, n int) (count int, last string) {
		for range n {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = address
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			if last = w.who(r); !strings.HasPrefix(last, "rate-limited") {
				count++
			}
		}
		return count, last
	}
	byAddress := newWorld(t, func(o *access.Options) { o.Limits.Address = 5 })
	if n, _ := heard(byAddress, "192.0.2.1:1", "", 30); n != 10 {
		t.Errorf("%d requests of nobody were heard", n)
	}
	if n, _ := heard(byAddress, "192.0.2.2:1", "", 30); n != 10 {
		t.Errorf("%d of another address", n)
	}
	behind := httptest.NewRequest("GET", "/", nil) // of a trusted proxy that has asked too often, for someone who has not
	behind.RemoteAddr = "192.0.2.1:1"
	if got := byAddress.who(web.WithPeer(behind, &web.Peer{Addr: netip.MustParseAddr("198.51.100.1")})); strings.HasPrefix(got, "rate-limited") {
		t.Errorf("the proxy's address is counted for its clients': %s", got)
	}
	byAddress.clock.Advance(time.Second)
	if n, _ := heard(byAddress, "192.0.2.1:1", "", 30); n != 5 {
		t.Errorf("%d a second later", n)
	}
	byName := newWorld(t, func(o *access.Options) { o.Limits.Principal = 3 })
	token := byName.token("eva", byName.secret)
	sum := 0
	for i := range 10 {
		n, _ := heard(byName, fmt.Sprintf("192.0.2.%d:1", i), token, 3)
		sum += n
	}
	if sum != 6 {
		t.Errorf("%d requests of one principal from ten addresses were heard", sum)
	}
}

// The live page asks a browser for a password, and shows itself to those whose role reads everything.
func TestTheLivePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.named["kim"] = &account.Account{Name: "kim", Roles: []account.Role{account.Subscriber}, Secrets: w.accounts.named["eva"].Secrets}
	page := w.gate.Page(account.LivePage, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "live") }))
	plain := func(name, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))
	}
	for name, c := range map[string]struct {
		authorization string
		want          int
	}{
		"nobody":       {"", 401},
		"an operator":  {plain("eva", w.secret), 200},
		"by token":     {"Bearer " + w.token("eva", w.secret), 200},
		"wrong":        {plain("eva", "x"), 401},
		"unknown":      {plain("none", w.secret), 401},
		"not readable": {"Basic %", 401},
		"a subscriber": {plain("kim", w.secret), 403},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		recorder := httptest.NewRecorder()
		page.ServeHTTP(recorder, r)
		challenges := strings.Join(recorder.Header().Values("WWW-Authenticate"), ", ")
		if recorder.Code != c.want || (c.want == 401) != strings.Contains(challenges, "Basic realm") || (c.want == 200) != (recorder.Body.String() == "live") {
			t.Errorf("%s: %d %s %s", name, recorder.Code, challenges, recorder.Body)
		}
	}
}
