package api

import (
	"net/http"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// because is the body of what may be given a reason.
type because struct {
	Reason string `json:"reason"`
}

const maxReason = 500 // bytes

func (b *because) check() error {
	if len(b.Reason) > maxReason {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/reason", Rule: "length", Message: "want at most 500 bytes"}})
	}
	return nil
}

// pauseRequest is the body of a pause: what it says of an endpoint counts only there.
type pauseRequest struct {
	because
	System string `json:"system"`
	URL    string `json:"url"`
}

// scoping finds what a pause is of.
type scoping func(r *http.Request, document *pauseRequest) revision.Scope

func ofHub(*http.Request, *pauseRequest) revision.Scope { return revision.Hub }

func ofSystem(r *http.Request, _ *pauseRequest) revision.Scope {
	return revision.OfSystem(r.PathValue("name"))
}

func ofSubscription(r *http.Request, _ *pauseRequest) revision.Scope {
	return revision.OfSubscription(r.PathValue("id"))
}

func ofEndpoint(_ *http.Request, document *pauseRequest) revision.Scope {
	return revision.OfEndpoint(document.System, document.URL)
}

// pauseView is whether a scope is paused now.
type pauseView struct {
	Scope  revision.Scope `json:"scope"`
	Paused bool           `json:"paused"`
	Reason string         `json:"reason,omitempty"`
}

func (a *api) pause(scope scoping) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document pauseRequest
		err := a.readOptional(w, r, &document)
		if err == nil {
			err = document.check()
		}
		if err == nil {
			err = a.Manager.Pause(r.Context(), scope(r, &document), a.Author(r), document.Reason)
		}
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, a.pauseOf(scope(r, &document)))
	}
}

func (a *api) resume(scope scoping) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document pauseRequest
		err := a.readOptional(w, r, &document)
		if err == nil {
			err = a.Manager.Resume(r.Context(), scope(r, &document), a.Author(r))
		}
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, a.pauseOf(scope(r, &document)))
	}
}

func (a *api) pauseOf(scope revision.Scope) pauseView {
	v := pauseView{Scope: scope}
	if pause, _ := a.Book.PauseOf(scope); pause != nil {
		v.Paused, v.Reason = true, pause.Reason
	}
	return v
}

func (a *api) listPauses(w http.ResponseWriter, r *http.Request) error {
	var views []pauseView
	for _, scope := range a.Book.Pauses() {
		views = append(views, a.pauseOf(scope))
	}
	return respondPage(w, queryOf(r, paging()...), views, func(v pauseView) string { return string(v.Scope) })
}
