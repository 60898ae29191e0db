package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
)

// RequestID is the header that carries the id of a request in its answer, the same as in a problem's instance and in the
// hub's log.
const RequestID = "X-Request-Id"

// retryAfter is what a client is told to wait, in seconds, while the hub takes nothing.
const retryAfter = "5"

// Problem is RFC 9457's document with the members that every one of the hub's has. A fault's own members follow.
type Problem struct {
	Type       string            `json:"type"`
	Title      string            `json:"title"`
	Status     int               `json:"status"`
	Detail     string            `json:"detail"`
	Instance   string            `json:"instance,omitempty"`
	Code       fault.Code        `json:"code"`
	Mend       string            `json:"mend"`
	Violations []fault.Violation `json:"violations,omitempty"`
}

// ProblemOf says of an error what clients may know. Anything unexpected is internal: its text is the operator's.
func ProblemOf(err error) (Problem, map[string]any) {
	f := fault.Of(err)
	entry := fault.Lookup(f.Code)
	p := Problem{
		Type: entry.Code.Page(), Title: entry.Title, Status: entry.Status, Detail: f.Detail,
		Code: entry.Code, Mend: entry.Mend, Violations: f.Violations,
	}
	if entry.Code == fault.Internal {
		p.Detail, p.Violations = "the hub could not do this; its log says why, under the id in instance", nil
		return p, nil
	}
	return p, f.Extra
}

// Fail answers with the problem of an error, and tells the operator of those that are the hub's own.
func Fail(w http.ResponseWriter, r *http.Request, logger *slog.Logger, err error) {
	id := w.Header().Get(RequestID)
	p, extra := ProblemOf(err)
	p.Instance = "urn:uuid:" + id
	if p.Status >= http.StatusInternalServerError {
		logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("request", id),
			slog.String("route", r.Pattern), slog.String("code", string(p.Code)), slog.String("error", err.Error()))
	}
	switch p.Status {
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", fmt.Sprint(extra[account.RetryAfter]))
	case http.StatusUnauthorized, http.StatusForbidden:
		if challenge := account.Challenge(p.Code, p.Detail); challenge != "" && w.Header().Get("WWW-Authenticate") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	text := p.Append(nil, extra)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(text) // a client that left needs no answer
}

// Append writes a problem with a fault's own members behind its common ones.
func (p Problem) Append(to []byte, extra map[string]any) []byte {
	text, err := json.Marshal(p)
	members, errExtra := json.Marshal(extra)
	if errors.Join(err, errExtra) != nil || len(extra) == 0 {
		return append(to, text...)
	}
	return append(append(append(to, text[:len(text)-1]...), ','), members[1:]...)
}
