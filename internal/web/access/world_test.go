package access_test

import (
	"crypto/x509"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/web/access"
)

const hubURL = "https://hub.example"

// accounts are those of a hub, in memory.
type accounts struct {
	mu    sync.Mutex
	named map[string]*account.Account
}

func (a *accounts) Account(name string) (*account.Account, int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.named[name], 1
}

func (a *accounts) AccountShowing(c *x509.Certificate) *account.Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(a.named)) {
		if a.named[name].Shows(c) {
			return a.named[name]
		}
	}
	return nil
}

// change replaces an account with a changed copy, as a revision does.
func (a *accounts) change(name string, change func(*account.Account)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := *a.named[name]
	change(&next)
	a.named[name] = &next
}

// world is a gate on a clock that the test moves, with one operator, "eva".
type world struct {
	t        testing.TB
	clock    *clock.Fake
	accounts *accounts
	secret   string // eva's
	options  access.Options
	gate     *access.Gate
}

func newWorld(t testing.TB, change ...func(*access.Options)) *world {
	t.Helper()
	secret, text := account.NewSecret()
	w := &world{t: t, clock: clock.NewFake(time.Now()), secret: text, accounts: &accounts{named: map[string]*account.Account{
		"eva": {Name: "eva", Roles: []account.Role{account.Operator}, Secrets: []account.Secret{secret}},
	}}}
	guard, err := netguard.New(netguard.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true}, net.DefaultResolver)
	w.must(err)
	w.options = access.Options{Accounts: w.accounts, Clock: w.clock, Egress: guard, URL: hubURL, Key: make([]byte, 32)}
	for _, f := range change {
		f(&w.options)
	}
	w.gate, err = access.New(w.options)
	w.must(err)
	return w
}

// regate makes the gate anew, from changed options.
func (w *world) regate() {
	w.t.Helper()
	var err error
	w.gate, err = access.New(w.options)
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask shows a token, or nothing, and returns who it is or the code and detail of the refusal.
func (w *world) ask(token string) string {
	r := httptest.NewRequest("GET", "/api/v1/totals", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.who(r)
}

func (w *world) who(r *http.Request) string {
	p, err := w.gate.Principal(r)
	if err != nil {
		f := fault.Of(err)
		return string(f.Code) + ": " + f.Detail
	}
	return p.Name
}

// login asks for a token.
func (w *world) login(form url.Values, h ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(h); i += 2 {
		r.Header.Set(h[i], h[i+1])
	}
	recorder := httptest.NewRecorder()
	w.gate.OAuth().ServeHTTP(recorder, r)
	return recorder
}

func (w *world) token(name, secret string) string {
	w.t.Helper()
	answer := w.login(url.Values{"grant_type": {"client_credentials"}, "client_id": {name}, "client_secret": {secret}})
	var document struct {
		Token string `json:"access_token"`
	}
	w.must(json.Unmarshal(answer.Body.Bytes(), &document))
	if document.Token == "" {
		w.t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	return document.Token
}
