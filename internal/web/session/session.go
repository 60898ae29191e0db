// Package session is how people sign in to the hub's pages with a browser, and how the pages know them again: by a
// password of their account or at an OpenID Connect provider, and from then on by a sealed cookie. Nothing is kept on the
// server, so every node knows every session; what somebody may do is looked up at each request.
//
// Read session.go first, for what other pages stand on; then ticket.go for what the cookie says and when it ends, page.go
// for the sign-in page, provider.go and flow.go for OpenID Connect.
package session

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

// Accounts knows the accounts as they are now.
type Accounts interface {
	Account(name string) (a *account.Account, position int64)
}

// Passwords compares passwords.
type Passwords interface {
	Fit(ctx context.Context, a *account.Account, text string) (bool, error)
}

// Options are what sessions stand on. All must be set but Providers and Open.
type Options struct {
	Accounts  Accounts
	Passwords Passwords
	Clock     clock.Clock
	Key       []byte // that cookies are sealed with, 32 bytes; the same on every node
	// URL is where the hub is reached from outside, without a slash at its end. Where it begins with https, cookies are for
	// https alone.
	URL       string
	Providers []Provider
	Egress    Egress // the way to the providers
	// SignedIn puts on record that somebody has signed in; a sign-in that cannot be recorded does not happen.
	SignedIn func(ctx context.Context, p *account.Principal) error
	Logger   *slog.Logger
	// Open lets everyone through as account.Anyone: the hub runs without access control.
	Open bool
}

// Sessions knows who is signed in. It is safe for concurrent use.
type Sessions struct {
	opts         Options
	seal         seal
	providers    []*provider
	crossOrigins *http.CrossOriginProtection
	addresses    *web.Limiter // of tries to sign in
	tries        *web.Limiter // of those for one account from one address
	matcher      language.Matcher
	template     *template.Template
	style        []byte
}

// How often somebody may try to sign in: from one address, which may be a whole office's, and for one account from there.
// Never for an account alone: whoever hammers at it from elsewhere must not lock its owner out.
const (
	triesPerSecond = 1.0
	triesAtOnce    = 20

	accountTriesPerSecond = 5.0 / 60
	accountTriesAtOnce    = 10

	remembered = 10_000 // of each
)

// New makes sessions.
// Error: Configuration when a provider cannot be used as it is configured.
func New(opts Options) (*Sessions, error) {
	s := &Sessions{
		opts: opts, crossOrigins: http.NewCrossOriginProtection(), matcher: matcher(),
		addresses: web.NewLimiter(triesPerSecond, triesAtOnce, remembered),
		tries:     web.NewLimiter(accountTriesPerSecond, accountTriesAtOnce, remembered),
	}
	var err error
	if s.seal, err = newSeal(opts.Key); err != nil {
		return nil, err
	}
	if s.providers, err = newProviders(&opts); err != nil {
		return nil, err
	}
	if s.template, err = template.ParseFS(files, "page.html"); err != nil {
		return nil, err
	}
	s.style, err = files.ReadFile("sign-in.css")
	return s, err
}

// Handler answers a request of somebody who is signed in and may make it.
type Handler func(w http.ResponseWriter, r *http.Request, p *account.Principal)

// Require lets those through to next whom account.Rules lets use a route. Whoever is not signed in is led to the sign-in
// page and back; a request that cannot be repeated from there, and one of somebody whose role does not reach, is refused.
// Where the route's path names a {site}, another's site is answered as one that does not exist; in every other case of
// account.Own it is next that shows each only their own (account.Principal.ReachesSite). Requests that a browser makes
// for a page of another site are refused (CSRF), so next needs no token in its forms.
//
// Register it on a mux by the same route, so that the request has the path's values.
func (s *Sessions) Require(route string, next Handler) http.Handler {
	rule, _ := account.RuleOf(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		p, err := s.admitted(w, r, rule)
		switch {
		case err == nil:
			next(w, r, p)
		case fault.Has(err, fault.SignedOut) && navigates(r):
			http.Redirect(w, r, signInPath+"?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		default:
			s.Refuse(w, r, err)
		}
	})
}

// admitted is who makes the request, if they may.
func (s *Sessions) admitted(w http.ResponseWriter, r *http.Request, rule account.Rule) (*account.Principal, error) {
	if err := s.sameSite(r); err != nil {
		return nil, err
	}
	p, err := s.principal(w, r)
	if err != nil {
		return nil, err
	}
	if p.Reach(rule) == account.None {
		return nil, fault.New(fault.Forbidden, "your role does not allow this")
	}
	if site := r.PathValue("site"); site != "" && !p.ReachesSite(rule, site) {
		return nil, fault.New(fault.NotFound, "there is none of that name")
	}
	return p, nil
}

// sameSite refuses what a browser does for another site's page.
func (s *Sessions) sameSite(r *http.Request) error {
	if err := s.crossOrigins.Check(r); err != nil {
		return fault.Wrap(fault.CrossOrigin, err, "the browser says that the request comes from another site")
	}
	return nil
}

// navigates reports whether a person is on the way to a page, and can be led elsewhere first. A script that fetches
// could do nothing with the sign-in page.
func navigates(r *http.Request) bool {
	to := r.Header.Get("Sec-Fetch-Dest")
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && (to == "" || to == "document")
}

// principal is who is signed in. A session that ended is taken away; one that goes on is told so from time to time.
func (s *Sessions) principal(w http.ResponseWriter, r *http.Request) (*account.Principal, error) {
	if s.opts.Open {
		return account.Anyone(), nil
	}
	var t ticket
	now := s.opts.Clock.Now()
	if !s.read(r, sessionCookie, &t) {
		return nil, fault.New(fault.SignedOut, "nobody is signed in")
	}
	p := s.of(&t, now)
	if p == nil {
		s.drop(w, r, sessionCookie)
		return nil, fault.New(fault.SignedOut, "the session has ended")
	}
	if now.Sub(time.Unix(t.Used, 0)) >= renewal {
		t.Used = now.Unix()
		if err := s.give(w, r, sessionCookie, &t, t.end(now)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// local returns where to go after signing in: a place on this hub, or else the start page. What a browser could read as
// another host's address is none.
func local(next string) string {
	const most = 2000
	to, err := url.Parse(next)
	odd := func(c rune) bool { return c < ' ' || c == '\\' || c == 0x7f }
	switch {
	case err != nil, len(next) > most, strings.ContainsFunc(next, odd), strings.Contains(next, " "),
		to.Scheme != "", to.Host != "", to.User != nil, to.Opaque != "", !strings.HasPrefix(to.Path, "/"),
		strings.Contains(to.Path, "//"), strings.ContainsFunc(to.Path, odd), strings.Contains(to.Path+"/", "/../"), strings.Contains(to.Path+"/", "/./"),
		strings.HasPrefix(to.Path, signInPath), strings.HasPrefix(to.Path, signOutPath):
		return homePath
	}
	return (&url.URL{Path: to.Path, RawPath: to.RawPath, RawQuery: to.RawQuery}).String()
}
