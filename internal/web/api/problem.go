package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// requestHeader carries the id of a request in its answer, the same as in a problem's instance and in the hub's log.
const requestHeader = "X-Request-Id"

// retryAfter is what a client is told to wait, in seconds, while the hub takes nothing.
const retryAfter = "5"

// ServeHTTP gives every request its id and looks for its route.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(requestHeader, ident.New().String())
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

// problem is RFC 9457's document with the members that every one of the hub's has. A fault's own members follow.
type problem struct {
	Type       string            `json:"type"`
	Title      string            `json:"title"`
	Status     int               `json:"status"`
	Detail     string            `json:"detail"`
	Instance   string            `json:"instance,omitempty"`
	Code       fault.Code        `json:"code"`
	Mend       string            `json:"mend"`
	Violations []fault.Violation `json:"violations,omitempty"`
}

// problemOf says of an error what clients may know. Anything unexpected is internal: its text is the operator's.
func problemOf(err error) (problem, map[string]any) {
	f := fault.Of(err)
	entry := fault.Lookup(f.Code)
	p := problem{
		Type: entry.Code.Page(), Title: entry.Title, Status: entry.Status, Detail: f.Detail,
		Code: entry.Code, Mend: entry.Mend, Violations: f.Violations,
	}
	if entry.Code == fault.Internal {
		p.Detail, p.Violations = "the hub could not do this; its log says why, under the id in instance", nil
		return p, nil
	}
	return p, f.Extra
}

// fail answers with the problem of an error, and tells the operator of those that are the hub's own.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	id := w.Header().Get(requestHeader)
	p, extra := problemOf(err)
	p.Instance = "urn:uuid:" + id
	if p.Status >= http.StatusInternalServerError {
		a.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("request", id),
			slog.String("route", r.Pattern), slog.String("code", string(p.Code)), slog.String("error", err.Error()))
	}
	switch p.Status {
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", fmt.Sprint(extra[account.RetryAfter]))
	case http.StatusUnauthorized, http.StatusForbidden:
		if challenge := account.Challenge(p.Code, p.Detail); challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	text := joined(p, extra)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(text) // a client that left needs no answer
}

// joined writes a problem with a fault's own members behind its common ones.
func joined(p problem, extra map[string]any) []byte {
	text, err := json.Marshal(p)
	members, errExtra := json.Marshal(extra)
	if errors.Join(err, errExtra) != nil || len(extra) == 0 {
		return text
	}
	return append(append(text[:len(text)-1], ','), members[1:]...)
}
