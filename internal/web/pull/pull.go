// Package pull answers systems that ask for their events by time window, the way Datafordeleren does: GET
// /system/EventMessages/1.0.0/custom (F31 to F38, requirements 4b and 4c). It decides nothing about events: it reads what is
// asked, finds out for whom, and writes what delivery visits.
//
// asked.go reads the parameters, instant.go their times; answer.go sends what share.go writes in JSON and XML.
package pull

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/web"
)

// Path is where it is asked. Real clients write it with a slash at its end, too.
const Path = "/system/EventMessages/1.0.0/custom"

// Kind is how callers show themselves, and what they are shown: one of the three kinds of endpoints (F32, F33).
type Kind string

// The kinds.
const (
	Password    Kind = "password"    // an account's name and password; nothing sensitive
	Certificate Kind = "certificate" // a client certificate; nothing sensitive
	Sensitive   Kind = "sensitive"   // a client certificate; everything
)

// Windows reads pages of windows.
type Windows interface {
	Window(ctx context.Context, w delivery.WindowPage, visit delivery.VisitMany) error
}

// Format is how an answer, and each message in it, is written.
type Format uint8

// The formats.
const (
	JSON Format = iota
	XML
)

// Callers says who makes a request; access.Gate does.
type Callers interface {
	Named(r *http.Request, name, password string) (*account.Principal, error)
	Certified(r *http.Request) (*account.Principal, error)
}

// Options are what the face stands on; app fills them in.
type Options struct {
	Windows Windows
	// Append appends an event's message: of JSON one object, of XML one element without a declaration. Where it returns an
	// error, what it returns besides is not looked at. It is called by several at once.
	Append func(dst []byte, e *event.Event, f Format) ([]byte, error)
	// Callers is nil in a hub without access control: there the user's name is the system's.
	Callers Callers
	// Windowed reports whether there is such a system that has such subscriptions, or had.
	Windowed  func(system string) bool
	Zone      *time.Location // of times without an offset, and of those in XML
	ZeroBased bool           // pages are counted from 0 (requirements 4c, 1)
	Logger    *slog.Logger
}

type face struct {
	Options
	kind Kind
}

// New makes the face of one kind.
func New(kind Kind, options Options) http.Handler {
	f := &face{Options: options, kind: kind}
	mux := http.NewServeMux()
	for _, path := range []string{Path, Path + "/{$}"} {
		mux.HandleFunc("GET "+path, f.serve)
		mux.HandleFunc(path, f.wrongMethod)
	}
	mux.HandleFunc("/", f.nothing)
	return blinded(mux)
}

// blinded takes the query off the request before anybody could write it down: there is a password in it. It goes on in the
// request's context.
func blinded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.RawQuery
		r = r.WithContext(context.WithValue(r.Context(), queryKey{}, query))
		address := *r.URL
		address.RawQuery = ""
		r.URL, r.RequestURI = &address, address.Path
		r.Header.Del("Referer") // which repeats it, when it is a browser that asks
		w.Header().Set(web.RequestID, ident.New().String())
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

type queryKey struct{}

func (f *face) nothing(w http.ResponseWriter, r *http.Request) {
	web.Fail(w, r, f.Logger, fault.New(fault.NotFound, "the face has no such address; use %s", Path))
}

func (f *face) wrongMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	web.Fail(w, r, f.Logger, fault.New(fault.MethodNotAllowed, "use GET"))
}

// serve answers one request. What it returns, or panics with, becomes a problem, or where the answer is under way its end:
// a client that was sent half of it must not take it for all.
func (f *face) serve(w http.ResponseWriter, r *http.Request) {
	answer := &answer{writer: w, request: r, face: f}
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			answer.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := f.answer(answer, r); err != nil {
		answer.fail(err)
	}
}

func (f *face) answer(to *answer, r *http.Request) error {
	query, _ := r.Context().Value(queryKey{}).(string)
	a, err := f.read(query)
	if err != nil {
		return err
	}
	by, err := f.caller(r, a)
	if err != nil {
		return err
	}
	if a.page.System, err = f.system(by, a.system); err != nil {
		return err
	}
	if err := a.err(); err != nil {
		return err // after that: who may not ask is told nothing about what was wrong
	}
	a.page.Sensitive = f.kind == Sensitive
	to.format = a.format
	if r.Method == http.MethodHead {
		to.begin()
		return nil
	}
	if err := f.Windows.Window(r.Context(), a.page, to.messages); err != nil {
		return err
	}
	return to.end()
}

// caller finds out who asks, as the kind of the endpoint wants it shown.
func (f *face) caller(r *http.Request, a *asked) (*account.Principal, error) {
	switch {
	case f.Callers == nil:
		return nil, nil
	case f.kind != Password:
		return f.Callers.Certified(r)
	}
	name, password, basic := r.BasicAuth()
	if a.username != "" || a.password != "" || !basic {
		name, password = a.username, a.password
	}
	if name == "" || password == "" {
		return nil, fault.New(fault.Unauthenticated, "give username and password")
	}
	return f.Callers.Named(r, name, password)
}

// system is whose events are asked for: the one that the caller acts for, or of several the one that is named.
func (f *face) system(by *account.Principal, named string) (string, error) {
	switch {
	case f.Callers == nil && named == "":
		return "", fault.New(fault.Unauthenticated, "this hub has no access control: name the system as username")
	case f.Callers == nil:
		return f.there(named)
	}
	rule, _ := account.RuleOf(account.EventMessages)
	reach := by.Reach(rule)
	switch {
	case reach == account.None:
		return "", fault.New(fault.Forbidden, "your role does not ask for events of systems")
	case named == "" && reach == account.Own && len(by.Systems) == 1:
		return f.there(by.Systems[0])
	case named == "":
		return "", fault.New(fault.Forbidden, "you act for more than one system: name one as system")
	case reach == account.All || by.ActsFor(named):
		return f.there(named)
	}
	return "", fault.New(fault.Forbidden, "you do not act for a system of that name")
}

func (f *face) there(system string) (string, error) {
	if !f.Windowed(system) {
		return "", fault.New(fault.Forbidden, "the system has no subscription with the channel window")
	}
	return system, nil
}
