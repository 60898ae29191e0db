package session

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

//go:embed page.html sign-in.css
var files embed.FS

// The paths of the pages here.
const (
	homePath    = "/admin/"
	signInPath  = "/admin/sign-in"
	signOutPath = "/admin/sign-out"
	stylePath   = "/admin/sign-in.css"
)

// Pages answers everything about signing in and out.
func (s *Sessions) Pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+signInPath, s.ask)
	mux.HandleFunc("POST "+signInPath, s.answering(s.signIn))
	mux.HandleFunc("POST "+signOutPath, s.answering(s.signOut))
	mux.HandleFunc("GET "+signInPath+"/{provider}", s.answering(s.depart))
	mux.HandleFunc("GET "+signInPath+"/{provider}/callback", s.answering(s.arrive))
	mux.HandleFunc("GET "+stylePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(s.style) // a visitor that left needs nothing
	})
	return mux
}

// answering makes a page of what a handler returns.
func (s *Sessions) answering(handle func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := s.sameSite(r)
		if err == nil {
			err = handle(w, r)
		}
		if err != nil {
			s.Refuse(w, r, err)
		}
	}
}

// view is what a page shows.
type view struct {
	Words    *words
	Problem  *problem
	Name     string // what was given as the account's name
	Next     string
	Provider []choice
	Others   []choice // the languages the page is not in
	Out      bool     // somebody has just signed out
}

// choice is somewhere to go.
type choice struct{ Name, Title, Link string }

// problem is why something did not work, as a person is told.
type problem struct {
	Code        fault.Code
	Title, Mend string
}

// ask shows the sign-in page; who is signed in needs none.
func (s *Sessions) ask(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	remember(w, r)
	if _, err := s.principal(w, r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	s.show(w, r, http.StatusOK, "sign-in", &view{Next: next, Out: r.URL.Query().Has("out")})
}

const maxForm = 16 << 10 // bytes

// maxRemembered is how much of a name the limiter keeps, in bytes: more than any account's has.
const maxRemembered = 65

// signIn takes an account's name and password. Who does not get in is told one thing, whatever the reason.
func (s *Sessions) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.BadRequest, "the form cannot be read")
	}
	name, next := r.PostForm.Get("name"), local(r.PostForm.Get("next"))
	if s.opts.Open {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	a, err := s.known(r, name, r.PostForm.Get("password"))
	if err != nil {
		if code := fault.Of(err).Code; code != fault.SignInRefused && code != fault.RateLimited {
			return err
		}
		s.showProblem(w, r, err, "sign-in", &view{Next: next, Name: name})
		return nil
	}
	t := &ticket{Name: a.Name, Mark: a.PasswordMark()}
	return s.begin(w, r, a.Principal(account.ByPassword), t, next)
}

// known returns the account in use of a name and a password.
// Errors: RateLimited, SignInRefused.
func (s *Sessions) known(r *http.Request, name, password string) (*account.Account, error) {
	if err := s.another(r, name); err != nil {
		return nil, err
	}
	a, _ := s.opts.Accounts.Account(name)
	fits, err := s.opts.Passwords.Fit(r.Context(), a, password)
	if err != nil {
		return nil, err
	}
	if !fits {
		who := "" // what is no account's name may be a password in the wrong place
		if a != nil {
			who = a.Name
		}
		s.opts.Logger.Info("a sign-in was refused", "account", who, "address", web.PeerOf(r).Addr.String())
		return nil, fault.New(fault.SignInRefused, "there is no such account in use with that password")
	}
	return a, nil
}

// another counts a try to sign in. name is "" where there is none.
// Error: RateLimited.
func (s *Sessions) another(r *http.Request, name string) error {
	now, address := s.opts.Clock.Now(), web.Neighbourhood(web.PeerOf(r).Addr)
	if wait := s.addresses.Take(address, now); wait > 0 {
		return account.TooMany(wait)
	}
	if name == "" {
		return nil
	}
	if wait := s.tries.Take(address+" "+name[:min(len(name), maxRemembered)], now); wait > 0 {
		return account.TooMany(wait)
	}
	return nil
}

// begin puts a sign-in on record, hands out its cookie and goes on to next.
func (s *Sessions) begin(w http.ResponseWriter, r *http.Request, p *account.Principal, t *ticket, next string) error {
	if err := s.opts.SignedIn(r.Context(), p); err != nil {
		return err
	}
	now := s.opts.Clock.Now()
	t.Begun, t.Used = now.Unix(), now.Unix()
	if err := s.give(w, r, sessionCookie, t, t.end(now)); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// signOut has the browser forget the session.
func (s *Sessions) signOut(w http.ResponseWriter, r *http.Request) error {
	s.drop(w, r, sessionCookie)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, signInPath+"?out", http.StatusSeeOther)
	return nil
}

// Refuse tells a person in front of a browser why something did not work.
func (s *Sessions) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.showProblem(w, r, err, "refused", &view{Next: homePath})
}

func (s *Sessions) showProblem(w http.ResponseWriter, r *http.Request, err error, page string, v *view) {
	if errors.Is(err, context.Canceled) {
		return // nobody is there any more
	}
	f := fault.Of(err)
	entry := fault.Lookup(f.Code)
	switch entry.Status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", fmt.Sprint(f.Extra[account.RetryAfter]))
	case http.StatusUnauthorized: // RFC 9110 section 15.5.2 wants one; browsers ask nothing for a scheme they do not know
		w.Header().Set("WWW-Authenticate", `Cookie realm="varsel", form-action="`+signInPath+`"`)
	}
	if entry.Status >= http.StatusInternalServerError {
		s.opts.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("route", r.Pattern), slog.String("code", string(entry.Code)), slog.String("error", err.Error()))
	}
	v.Problem = &problem{Code: entry.Code, Title: entry.Title, Mend: entry.Mend}
	s.show(w, r, entry.Status, page, v)
}

// policy lets a page load its own style and send its own forms, and nothing else; nothing may frame it.
const policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (s *Sessions) show(w http.ResponseWriter, r *http.Request, status int, page string, v *view) {
	v.Words = s.spoken(r)
	if v.Problem != nil {
		v.Words.translate(v.Problem)
	}
	there := url.Values{"next": {v.Next}}
	for i := range languages {
		if other := &languages[i]; other != v.Words && page == "sign-in" {
			there.Set("lang", other.Code)
			v.Others = append(v.Others, choice{other.Code, other.Name, signInPath + "?" + there.Encode()})
		}
	}
	there.Set("lang", v.Words.Code)
	for _, p := range s.providers {
		v.Provider = append(v.Provider, choice{p.Name, p.Title, signInPath + "/" + p.Name + "?" + there.Encode()})
	}
	var text bytes.Buffer
	if err := s.template.ExecuteTemplate(&text, page, v); err != nil {
		s.opts.Logger.Error("a page could not be made", "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // a form's POST says by Origin where it comes from
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", v.Words.Code)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // a visitor that left needs nothing
}
