package access

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
)

// Page lets those see a page whose roles reach all of a route. A browser is asked for an account and its secret by HTTP
// Basic, since it has no token to show; that is enough for what is only read, and taken nowhere else.
func (g *Gate) Page(route string, page http.Handler) http.Handler {
	rule, _ := account.RuleOf(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.admit(r, g.byPassword)
		if err == nil && p.Reach(rule) != account.All {
			err = fault.New(fault.Forbidden, "your role does not show you this page")
		}
		if err != nil {
			refusePage(w, err)
			return
		}
		page.ServeHTTP(w, r)
	})
}

// Reader says who asks for something that programs of people read, such as a feed: by all that the API takes, or by an
// account and its secret.
// Errors: as Principal.
func (g *Gate) Reader(r *http.Request) (*account.Principal, error) { return g.admit(r, g.byPassword) }

// byPassword takes an account's name and secret as well as what the API takes.
func (g *Gate) byPassword(r *http.Request, now time.Time) (*account.Principal, error) {
	scheme, encoded, err := authorization(r)
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return g.byToken(r, now)
	}
	name, secret, _ := basic(encoded)
	a, _ := g.opts.Accounts.Account(name)
	if _, ok := account.Authenticate(a, secret, now); !ok {
		return nil, fault.New(fault.Unauthenticated, "there is no such account in use with that secret")
	}
	return a.Principal(account.ByPassword), nil
}

// refusePage says it to a person in front of a browser.
func refusePage(w http.ResponseWriter, err error) {
	f := fault.Of(err)
	entry := fault.Lookup(f.Code)
	header := w.Header()
	switch entry.Status {
	case http.StatusUnauthorized:
		header.Add("WWW-Authenticate", `Basic realm="varsel", charset="UTF-8"`)
		header.Add("WWW-Authenticate", account.Challenge(f.Code, f.Detail))
	case http.StatusTooManyRequests:
		header.Set("Retry-After", retryAfter(err))
	}
	header.Set("Cache-Control", "no-store")
	http.Error(w, fmt.Sprintf("%s.\nOperators and auditors see this page: give an account's name and its secret.", entry.Title), entry.Status)
}

// retryAfter is what a RateLimited fault says of the wait, in seconds.
func retryAfter(err error) string { return fmt.Sprint(fault.Of(err).Extra[account.RetryAfter]) }
