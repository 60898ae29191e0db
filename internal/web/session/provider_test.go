package session_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/web/session"
)

// liar is a provider that says what a test wants it to.
type liar struct {
	t      *testing.T
	url    string
	clock  func() time.Time
	key    *ecdsa.PrivateKey // that it publishes
	signs  any               // with what it signs; nil: key
	alg    jose.SignatureAlgorithm
	nonce  string
	claims map[string]any            // over the right ones; nil values are left out
	info   map[string]any            // at its UserInfo endpoint; nil: there is none
	token  func(http.ResponseWriter) // nil: it answers as it should
	more   map[string]any            // in its discovery document
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{t: t, key: key, alg: jose.ES256, claims: map[string]any{}, more: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		says := map[string]any{
			"issuer": l.url, "authorization_endpoint": l.url + "/auth", "token_endpoint": l.url + "/token", "jwks_uri": l.url + "/jwks",
			"id_token_signing_alg_values_supported": []string{"ES256"},
		}
		if l.info != nil {
			says["userinfo_endpoint"] = l.url + "/info"
		}
		for name, value := range l.more {
			says[name] = value
		}
		tell(w, says)
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) { tell(w, l.info) })
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		if l.token != nil {
			l.token(w)
			return
		}
		tell(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": l.idToken()})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

func tell(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

func (l *liar) idToken() string {
	now := l.clock()
	claims := map[string]any{
		"iss": l.url, "sub": "eva", "aud": "basic", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": l.nonce,
		"roles": []string{"hub-editors"}, "sites": []string{"roads"},
	}
	for name, value := range l.claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	if l.alg == "none" {
		text, _ := json.Marshal(claims)
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
	}
	signs := l.signs
	if signs == nil {
		signs = l.key
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: l.alg, Key: jose.JSONWebKey{Key: signs, KeyID: "1"}}, nil)
	if err != nil {
		l.t.Error(err)
		return ""
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		l.t.Error(err)
	}
	return text
}

// OpenID Connect Core 1.0 section 3.1.3.7: what makes an ID token one that is not accepted.
func TestAProviderIsNotBelievedBlindly(t *testing.T) {
	t.Parallel()
	another, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	half := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	taken, refused := "303 ", "403 provider-refused"
	for name, c := range map[string]struct {
		lie  func(l *liar)
		want string
	}{
		"the truth":                {func(*liar) {}, taken},
		"a key of its own":         {func(l *liar) { l.signs = another }, refused},
		"signed by nobody":         {func(l *liar) { l.alg = "none" }, refused},
		"signed by the secret":     {func(l *liar) { l.signs, l.alg = []byte(strings.Repeat("only-for-tests", 3)), jose.HS256 }, refused},
		"another issuer":           {func(l *liar) { l.claims["iss"] = "https://evil.example" }, refused},
		"another audience":         {func(l *liar) { l.claims["aud"] = "other" }, refused},
		"no audience":              {func(l *liar) { l.claims["aud"] = nil }, refused},
		"for two, and for us":      {func(l *liar) { l.claims["aud"], l.claims["azp"] = []string{"other", "basic"}, "basic" }, taken},
		"for two, and for another": {func(l *liar) { l.claims["aud"], l.claims["azp"] = []string{"other", "basic"}, "other" }, refused},
		"for two, and for nobody":  {func(l *liar) { l.claims["aud"] = []string{"other", "basic"} }, refused},
		"over":                     {func(l *liar) { l.claims["exp"] = l.clock().Add(-time.Second).Unix() }, refused},
		"without an end":           {func(l *liar) { l.claims["exp"] = nil }, refused},
		"of tomorrow":              {func(l *liar) { l.claims["nbf"] = l.clock().Add(time.Hour).Unix() }, refused},
		"of nobody":                {func(l *liar) { l.claims["sub"] = "" }, refused},
		"of someone with lines":    {func(l *liar) { l.claims["sub"] = "eva\nada" }, refused},
		"of someone too long":      {func(l *liar) { l.claims["sub"] = strings.Repeat("a", 201) }, refused},
		"its access token":         {func(l *liar) { l.claims["at_hash"] = half("access") }, taken},
		"another access token":     {func(l *liar) { l.claims["at_hash"] = half("other") }, refused},
		"no ID token": {func(l *liar) {
			l.token = func(w http.ResponseWriter) { tell(w, map[string]any{"access_token": "a", "token_type": "Bearer"}) }
		}, refused},
		"nothing of use": {func(l *liar) { l.token = func(w http.ResponseWriter) { tell(w, map[string]any{}) } }, "503 provider-unreachable"},
		"that it is ill": {func(l *liar) { l.token = func(w http.ResponseWriter) { w.WriteHeader(502) } }, "503 provider-unreachable"},
		"to go elsewhere": {func(l *liar) {
			l.token = func(w http.ResponseWriter) { w.Header().Set("Location", l.url+"/jwks"); w.WriteHeader(307) }
		}, "503 provider-unreachable"},
		"more than anyone reads": {func(l *liar) {
			l.token = func(w http.ResponseWriter) {
				tell(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": l.idToken(), "x": strings.Repeat("a", 300<<10)})
			}
		}, "503 provider-unreachable"},
		"no roles":                      {func(l *liar) { l.claims["roles"] = nil }, refused},
		"roles at UserInfo":             {func(l *liar) { l.claims["roles"], l.info = nil, map[string]any{"sub": "eva", "roles": "hub-editors"} }, taken},
		"roles of another, at UserInfo": {func(l *liar) { l.claims["roles"], l.info = nil, map[string]any{"sub": "ada", "roles": "hub-editors"} }, refused},
		"another name, at UserInfo":     {func(l *liar) { l.claims["roles"], l.info = nil, map[string]any{"roles": "hub-editors"} }, refused},
		"too many sites":                {func(l *liar) { l.claims["sites"] = strings.Fields(strings.Repeat("a-site-of-many ", 400)) }, refused},
		"a token endpoint in the dark":  {func(l *liar) { l.more["token_endpoint"] = "http://192.0.2.1/token" }, "503 provider-unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLiar(t)
			w := provided(t, l.url)
			l.clock = w.clock.Now
			c.lie(l)
			b := w.browser()
			to := b.departs("")
			l.nonce = to.Query().Get("nonce")
			got := b.get("/admin/sign-in/corp/callback?" + url.Values{"code": {"a"}, "state": {to.Query().Get("state")}}.Encode())
			if said := fmt.Sprint(got.status, " ", got.problem()); said != c.want {
				t.Errorf("%s, want %s", said, c.want)
			}
			if in := b.who() == "corp/eva"; in != (c.want == taken) {
				t.Errorf("signed in: %v", in)
			}
		})
	}
}

// An answer is one of the provider that somebody was sent to.
func TestAnAnswerOfAnotherProviderIsNone(t *testing.T) {
	t.Parallel()
	one, other := newLiar(t), newLiar(t)
	w := provided(t, one.url)
	twin := w.options.Providers[0]
	twin.Name, twin.URL = "twin", other.url
	w.options.Providers = append(w.options.Providers, twin)
	w.restart()
	other.clock = w.clock.Now
	b := w.browser()
	to := b.departs("")
	other.nonce = to.Query().Get("nonce")
	got := b.get("/admin/sign-in/twin/callback?" + url.Values{"code": {"a"}, "state": {to.Query().Get("state")}}.Encode())
	if got.status != 400 || got.problem() != "sign-in-lost" || b.who() != "" {
		t.Errorf("%d %s, %q is signed in", got.status, got.problem(), b.who())
	}
}

// guarded is a way out that is closed to some addresses.
type guarded struct {
	session.Egress
	closed string
}

func (g *guarded) CheckURL(text string) (*url.URL, error) {
	if strings.HasSuffix(text, g.closed) {
		return nil, fault.New(fault.AddressRefused, "closed")
	}
	return g.Egress.CheckURL(text)
}

// Every address that a provider names is held to the egress rules, not only its own.
func TestEveryAddressOfAProviderIsUnderTheEgressRules(t *testing.T) {
	t.Parallel()
	for closed, want := range map[string]string{
		"/nothing": "303 ", "/token": "503 provider-unreachable", "/jwks": "403 provider-refused", "/info": "503 provider-unreachable",
		"/openid-configuration": "",
	} {
		l := newLiar(t)
		w := provided(t, l.url)
		l.clock, l.claims["roles"], l.info = w.clock.Now, nil, map[string]any{"sub": "eva", "roles": "hub-editors"}
		w.options.Egress = &guarded{w.options.Egress, closed}
		w.restart()
		b := w.browser()
		if want == "" {
			if got := b.get("/admin/sign-in/corp"); got.status != 503 || got.problem() != "provider-unreachable" {
				t.Errorf("%s: %d %s", closed, got.status, got.problem())
			}
			continue
		}
		to := b.departs("")
		l.nonce = to.Query().Get("nonce")
		got := b.get("/admin/sign-in/corp/callback?" + url.Values{"code": {"a"}, "state": {to.Query().Get("state")}}.Encode())
		if said := fmt.Sprint(got.status, " ", got.problem()); said != want {
			t.Errorf("%s: %s, want %s", closed, said, want)
		}
	}
}

// A provider that went away after it was found is asked for codes all the same; one that never came is asked again soon.
func TestAProviderIsFoundAgain(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	w := provided(t, l.url)
	l.more["issuer"] = "https://other.example"
	b := w.browser()
	for _, step := range []struct {
		after  time.Duration
		issuer any
		want   int
	}{
		{0, "https://other.example", 503},
		{9 * time.Second, nil, 503}, // it was asked a moment ago
		{time.Second, nil, 303},
		{time.Hour, "https://other.example", 303}, // what it said before is good for a day
		{24 * time.Hour, "https://other.example", 503},
		{10 * time.Second, nil, 303},
	} {
		if delete(l.more, "issuer"); step.issuer != nil {
			l.more["issuer"] = step.issuer
		}
		w.clock.Advance(step.after)
		if got := b.get("/admin/sign-in/corp"); got.status != step.want {
			t.Errorf("after %s more: %d %s, want %d", step.after, got.status, got.problem(), step.want)
		}
	}
}

// The way to a provider is under the hub's egress rules.
func TestProvidersAreCheckedBeforeTheyAreUsed(t *testing.T) {
	t.Parallel()
	guard, err := netguard.New(netguard.Rules{}, net.DefaultResolver)
	if err != nil {
		t.Fatal(err)
	}
	good := session.Provider{Name: "corp", URL: "https://idp.example", ClientID: "hub", Claims: account.Claims{Roles: "/roles"}}
	for name, c := range map[string]struct {
		change func(*session.Provider)
		want   string
	}{
		"good":                 {func(*session.Provider) {}, ""},
		"by plain HTTP":        {func(p *session.Provider) { p.URL = "http://idp.example" }, "sign-in.providers[1].url egress"},
		"inside":               {func(p *session.Provider) { p.URL = "https://127.0.0.1" }, "sign-in.providers[1].url egress"},
		"without a client":     {func(p *session.Provider) { p.ClientID = "" }, "sign-in.providers[1].client-id required"},
		"without roles":        {func(p *session.Provider) { p.Claims.Roles = "" }, "sign-in.providers[1].roles-claim pointer"},
		"no pointer":           {func(p *session.Provider) { p.Claims.Sites = "sites" }, "sign-in.providers[1].sites-claim pointer"},
		"a name with a slash":  {func(p *session.Provider) { p.Name = "corp/eva" }, "sign-in.providers[1].name slug"},
		"the name of another":  {func(p *session.Provider) { p.Name = "first" }, "sign-in.providers[1].name unique"},
		"no name, no anything": {func(p *session.Provider) { *p = session.Provider{} }, "sign-in.providers[1].name slug; sign-in.providers[1].url egress; sign-in.providers[1].client-id required; sign-in.providers[1].roles-claim pointer"},
	} {
		first, second := good, good
		first.Name = "first"
		c.change(&second)
		var found []string
		for _, v := range fault.Of(session.CheckProviders([]session.Provider{first, second}, guard)).Violations {
			found = append(found, v.Pointer+" "+v.Rule)
		}
		if got := strings.Join(found, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
