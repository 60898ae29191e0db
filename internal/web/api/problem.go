package api

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/web"
)

// ServeHTTP gives every request its id and looks for its route.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(web.RequestID, ident.New().String())
	w.Header().Set("Cache-Control", "no-store") // configuration and deliveries are never a shared cache's business
	handler, pattern := a.mux.Handler(r)
	if pattern == "" {
		a.fail(w, r, noRoute(handler, r, w.Header()))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// noRoute asks the mux's own answer whether the path or only the method is wrong, and which methods are right.
func noRoute(handler http.Handler, r *http.Request, header http.Header) error {
	var probe answer
	probe.header = http.Header{}
	handler.ServeHTTP(&probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		header.Set("Allow", allow)
		return fault.New(fault.MethodNotAllowed, "use one of %s", allow)
	}
	return fault.New(fault.NotFound, "the API has no such address")
}

// answer is a response that is only looked at.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header            { return a.header }
func (a *answer) Write(text []byte) (int, error) { return len(text), nil }
func (a *answer) WriteHeader(status int)         { a.status = status }

// answering makes an http.Handler of a handler: what it returns, or panics with, becomes a problem.
func (a *api) answering(handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p) // the answer is under way, and ends here
			default:
				a.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		if err := a.crossOrigins.Check(r); err != nil {
			a.fail(w, r, fault.Wrap(fault.CrossOrigin, err, "the browser says that the request comes from another site"))
			return
		}
		if err := handle(w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}

// problem is what an error becomes.
type problem = web.Problem

// fail answers with the problem of an error.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) { web.Fail(w, r, a.Logger, err) }
