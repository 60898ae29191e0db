package session_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/session"
)

const (
	hubURL   = "https://hub.example"
	password = "correct horse battery"
)

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

// world is a hub's pages on a clock that the test moves, with the people eva (operator), ida (site-editor of roads) and
// uwe (auditor, disabled), all of one password, and the program robot, which has none.
type world struct {
	t        testing.TB
	clock    *clock.Fake
	accounts *accounts
	options  session.Options
	sessions *session.Sessions
	pages    http.Handler

	mu       sync.Mutex
	recorded []string // who has signed in
	full     bool     // nothing can be recorded
}

func newWorld(t testing.TB, change ...func(*session.Options)) *world {
	t.Helper()
	passwords := account.NewPasswords(account.Cost{Memory: 8, Time: 1, Lanes: 1})
	hash, err := passwords.Hash(context.Background(), password)
	w := &world{t: t, clock: clock.NewFake(time.Now().Truncate(time.Second)), accounts: &accounts{named: map[string]*account.Account{
		"eva":   {Name: "eva", Roles: []account.Role{account.Operator}, Password: hash},
		"ida":   {Name: "ida", Roles: []account.Role{account.SiteEditor}, Sites: []string{"roads"}, Password: hash},
		"uwe":   {Name: "uwe", Roles: []account.Role{account.Auditor}, Password: hash, Disabled: true},
		"robot": {Name: "robot", Roles: []account.Role{account.Operator}},
	}}}
	w.must(err)
	guard, err := netguard.New(netguard.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true}, net.DefaultResolver)
	w.must(err)
	w.options = session.Options{
		Accounts: w.accounts, Passwords: passwords, Clock: w.clock, Key: make([]byte, 32), URL: hubURL, Egress: guard,
		SignedIn: w.signedIn, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, f := range change {
		f(&w.options)
	}
	w.restart()
	return w
}

// restart makes the sessions anew, from changed options, as another node or a later start does.
func (w *world) restart() {
	w.t.Helper()
	var err error
	w.sessions, err = session.New(w.options)
	w.must(err)
	mux := http.NewServeMux()
	mux.Handle("/admin/", w.sessions.Pages())
	mux.Handle("GET /admin/{$}", w.sessions.Require("GET /admin/{$}", func(out http.ResponseWriter, _ *http.Request, p *account.Principal) {
		_, _ = io.WriteString(out, `<!doctype html><html lang="en"><title>Home</title><p id="who">`+p.Name+`</p>`+
			`<form method="post" action="/admin/sign-out"><button id="sign-out">Sign out</button></form></html>`)
	}))
	for _, route := range []string{"GET /admin/new", "GET /admin/{site}/looks", "POST /admin/{site}/looks"} {
		mux.Handle(route, w.sessions.Require(route, func(out http.ResponseWriter, _ *http.Request, p *account.Principal) {
			_, _ = io.WriteString(out, "for "+p.Name+" by "+string(p.Method))
		}))
	}
	w.pages = mux
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) signedIn(_ context.Context, p *account.Principal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return errors.New("the disk is full")
	}
	w.recorded = append(w.recorded, p.Name)
	return nil
}

// change replaces an account with a changed copy, as a revision does.
func (w *world) change(name string, change func(*account.Account)) {
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	next := *w.accounts.named[name]
	change(&next)
	w.accounts.named[name] = &next
}

// browser is somebody's, with its cookies.
type browser struct {
	w       *world
	address string
	plain   bool // it speaks http
	cookies map[string]*http.Cookie
}

func (w *world) browser() *browser {
	return &browser{w: w, address: "192.0.2.1", cookies: map[string]*http.Cookie{}}
}

// answer is what a page was answered with.
type answer struct {
	status   int
	text     string
	location string
	header   http.Header
	cookies  []*http.Cookie
}

// get visits a page; h are names and values of headers.
func (b *browser) get(path string, h ...string) answer { return b.send("GET", path, nil, h...) }

func (b *browser) post(path string, form url.Values, h ...string) answer {
	return b.send("POST", path, form, h...)
}

func (b *browser) send(method, path string, form url.Values, h ...string) answer {
	b.w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r = web.WithPeer(r, &web.Peer{Addr: netip.MustParseAddr(b.address), Secure: !b.plain})
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(h); i += 2 {
		r.Header.Set(h[i], h[i+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	recorder := httptest.NewRecorder()
	b.w.pages.ServeHTTP(recorder, r)
	got := recorder.Result()
	for _, c := range got.Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{got.StatusCode, recorder.Body.String(), got.Header.Get("Location"), got.Header, got.Cookies()}
}

func (b *browser) signIn(name, password string) answer {
	b.w.t.Helper()
	return b.post("/admin/sign-in", url.Values{"name": {name}, "password": {password}})
}

// signedIn is a browser whose person has signed in.
func (w *world) signedInAs(name string) *browser {
	w.t.Helper()
	b := w.browser()
	if got := b.signIn(name, password); got.status != http.StatusSeeOther || got.location != "/admin/" {
		w.t.Fatalf("%s signs in: %d %s\n%s", name, got.status, got.location, got.text)
	}
	return b
}

// who asks a page who is signed in: "" for nobody.
func (b *browser) who() string {
	b.w.t.Helper()
	got := b.get("/admin/")
	switch {
	case got.status == http.StatusSeeOther && got.location == "/admin/sign-in?next=%2Fadmin%2F":
		return ""
	case got.status == http.StatusOK:
		_, rest, _ := strings.Cut(got.text, `id="who">`)
		name, _, _ := strings.Cut(rest, "<")
		return name
	}
	b.w.t.Fatalf("%d %s\n%s", got.status, got.location, got.text)
	return ""
}

// problem is the code that a page tells, "" where there is none.
func (a *answer) problem() string {
	_, rest, _ := strings.Cut(a.text, `<p class="code"><code>`)
	code, _, _ := strings.Cut(rest, "<")
	return code
}

const sessionCookie = "__Host-varsel-session"
