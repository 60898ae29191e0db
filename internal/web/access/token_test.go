package access_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/web/access"
)

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(name)+":"+url.QueryEscape(password)))
}

// RFC 6749 sections 2.3.1, 4.4 and 5.1.
func TestATokenIsGivenForNameAndSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grant := url.Values{"grant_type": {"client_credentials"}}
	post := url.Values{"grant_type": {"client_credentials"}, "client_id": {"eva"}, "client_secret": {w.secret}, "unknown": {"ignored"}}
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"client_secret_basic": w.login(grant, "Authorization", basic("eva", w.secret)),
		"client_secret_post":  w.login(post),
	} {
		var document map[string]any
		w.must(json.Unmarshal(answer.Body.Bytes(), &document))
		if answer.Code != 200 || document["token_type"] != "Bearer" || document["expires_in"] != 600.0 || len(document) != 3 ||
			answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v %s", name, answer.Code, answer.Header(), answer.Body)
		}
		if who := w.ask(document["access_token"].(string)); who != "eva" {
			t.Errorf("%s: its token is %s's", name, who)
		}
	}
}

// RFC 6749 section 5.2. Unknown, disabled and wrong are one answer.
func TestRefusalsOfTokens(t *testing.T) {
	t.Parallel()
	const wrong = `401 {"error":"invalid_client","error_description":"there is no such account in use with that secret"}`
	old, oldSecret := account.NewSecret()
	old.Until = "2020-01-01T00:00:00Z"
	form := func(pairs ...string) url.Values {
		values := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			values.Add(pairs[i], pairs[i+1])
		}
		return values
	}
	for name, c := range map[string]struct {
		form    url.Values
		headers []string
		want    string
	}{
		"an unknown client":      {form("grant_type", "client_credentials", "client_id", "nobody", "client_secret", "x"), nil, wrong},
		"a wrong secret":         {form("grant_type", "client_credentials", "client_id", "eva", "client_secret", "x"), nil, wrong},
		"no secret":              {form("grant_type", "client_credentials", "client_id", "eva", "client_secret", ""), nil, wrong},
		"a disabled client":      {form("grant_type", "client_credentials", "client_id", "off", "client_secret", "$SECRET"), nil, wrong},
		"a secret that ended":    {form("grant_type", "client_credentials", "client_id", "eva", "client_secret", oldSecret), nil, wrong},
		"by Basic":               {form("grant_type", "client_credentials"), []string{"Authorization", basic("eva", "x")}, wrong},
		"before its grant":       {form("client_id", "eva", "client_secret", "x"), nil, wrong},
		"no client":              {form("grant_type", "client_credentials"), nil, `401 {"error":"invalid_client","error_description":"give client_id`},
		"another scheme":         {form("grant_type", "client_credentials"), []string{"Authorization", "Bearer x"}, `401 {"error":"invalid_client"`},
		"Basic that is none":     {form("grant_type", "client_credentials"), []string{"Authorization", "Basic %%%"}, `401 {"error":"invalid_client"`},
		"two clients":            {form("grant_type", "client_credentials", "client_id", "other"), []string{"Authorization", basic("eva", "$SECRET")}, `401 {"error":"invalid_client"`},
		"a secret in two places": {form("grant_type", "client_credentials", "client_secret", "x"), []string{"Authorization", basic("eva", "x")}, `400 {"error":"invalid_request"`},
		"a parameter twice":      {form("grant_type", "client_credentials", "grant_type", "client_credentials"), nil, `400 {"error":"invalid_request"`},
		"JSON":                   {form(), []string{"Content-Type", "application/json"}, `400 {"error":"invalid_request"`},
		"too long":               {form("grant_type", strings.Repeat("a", 9000)), nil, `400 {"error":"invalid_request"`},
		"no grant":               {form("client_id", "eva", "client_secret", "$SECRET"), nil, `400 {"error":"invalid_request"`},
		"another grant":          {form("grant_type", "password", "client_id", "eva", "client_secret", "$SECRET"), nil, `400 {"error":"unsupported_grant_type"`},
		"a scope":                {form("grant_type", "client_credentials", "scope", "all", "client_id", "eva", "client_secret", "$SECRET"), nil, `400 {"error":"invalid_scope"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.accounts.change("eva", func(a *account.Account) { a.Secrets = append(a.Secrets, old) })
			w.accounts.named["off"] = &account.Account{Name: "off", Disabled: true, Secrets: w.accounts.named["eva"].Secrets}
			for _, values := range c.form {
				for i := range values {
					values[i] = strings.ReplaceAll(values[i], "$SECRET", w.secret)
				}
			}
			answer := w.login(c.form, c.headers...)
			got := strings.TrimSpace(http.StatusText(answer.Code)) + " " + answer.Body.String()
			want := http.StatusText(map[string]int{"400": 400, "401": 401}[c.want[:3]]) + c.want[3:]
			if !strings.HasPrefix(got, want) || answer.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s\nwant %s", got, want)
			}
			if challenged := answer.Header().Get("WWW-Authenticate") != ""; challenged != (answer.Code == 401) {
				t.Errorf("WWW-Authenticate: %v", answer.Header())
			}
		})
	}
}

// RFC 6749 section 2.3.1: credentials do not stand in an address.
func TestNoCredentialsInTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := httptest.NewRequest("POST", "/oauth/token?client_id=eva&client_secret="+w.secret, strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	w.gate.OAuth().ServeHTTP(recorder, r)
	if recorder.Code != 400 {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
}

// RFC 8414 and RFC 7517: a client finds out where and with which keys.
func TestTheServiceTellsWhereItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := func(path string) map[string]any {
		recorder := httptest.NewRecorder()
		w.gate.OAuth().ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		var document map[string]any
		w.must(json.Unmarshal(recorder.Body.Bytes(), &document))
		return document
	}
	metadata := get("/.well-known/oauth-authorization-server")
	if metadata["issuer"] != hubURL || metadata["token_endpoint"] != hubURL+"/oauth/token" || metadata["jwks_uri"] != hubURL+"/oauth/jwks.json" {
		t.Errorf("%v", metadata)
	}
	key := get("/oauth/jwks.json")["keys"].([]any)[0].(map[string]any)
	if key["kty"] != "OKP" || key["alg"] != "EdDSA" || key["kid"] == "" || key["d"] != nil {
		t.Errorf("%v", key)
	}
}

// One address, and one client from it, may ask so often; other addresses are not held up.
func TestTokensAreAskedForSeldom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *access.Options) { o.Limits.Token = 2 })
	attempts := func(address, client string) (given int, last *httptest.ResponseRecorder) {
		for range 20 {
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {w.secret}}
			r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = address
			last = httptest.NewRecorder()
			w.gate.OAuth().ServeHTTP(last, r)
			if last.Code != 429 {
				given++
			}
		}
		return given, last
	}
	given, last := attempts("192.0.2.1:1", "eva")
	if given != 8 || last.Code != 429 || last.Header().Get("Retry-After") != "1" || !strings.Contains(last.Body.String(), `"temporarily_unavailable"`) {
		t.Errorf("%d given, then %d %v %s", given, last.Code, last.Header(), last.Body)
	}
	if given, _ = attempts("192.0.2.1:2", "other"); given != 0 {
		t.Errorf("%d more for another name from the same address", given)
	}
	if given, _ = attempts("192.0.2.2:1", "eva"); given != 8 {
		t.Errorf("%d from another address", given)
	}
	if given, _ = attempts("[2001:db8::1]:1", "eva"); given != 8 {
		t.Errorf("%d by IPv6", given)
	}
	if given, _ = attempts("[2001:db8::2]:1", "eva"); given != 0 {
		t.Errorf("%d from the same /64", given)
	}
	w.clock.Advance(time.Second)
	if given, _ = attempts("192.0.2.1:1", "eva"); given != 2 {
		t.Errorf("%d a second later", given)
	}
}
