package api

import (
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

func (a *api) listSystems(w http.ResponseWriter, _ *http.Request) error {
	return respondList(w, a.Book.Systems())
}

func (a *api) getSystem(w http.ResponseWriter, r *http.Request) error {
	document, position := a.Book.System(r.PathValue("name"))
	return respondDocument(w, r, document, position)
}

func (a *api) putSystem(w http.ResponseWriter, r *http.Request) error {
	var document subscription.System
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err == nil {
		err = named("/name", &document.Name, r.PathValue("name"))
	}
	if err != nil {
		return err
	}
	put, err := a.Manager.PutSystem(r.Context(), document, by)
	if err != nil {
		return err
	}
	now, position := a.Book.System(document.Name) // with its signing keys
	put.Position = position
	return respondPut(w, put, now)
}

func (a *api) deleteSystem(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "drop")
	drop := q.number("drop")
	by, err := a.by(r)
	if err == nil {
		err = q.err()
	}
	if err != nil {
		return err
	}
	removal, err := a.Manager.RemoveSystem(r.Context(), r.PathValue("name"), by, drop)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, removal)
}

// set is a system's whole set of subscriptions.
type set struct {
	Items []subscription.Subscription `json:"items"`
}

func (a *api) getSet(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if system, _ := a.Book.System(name); system == nil {
		return fault.New(fault.NotFound, "there is no system of that name")
	}
	items, position := a.Book.Subscriptions(name)
	if items == nil {
		items = []*subscription.Subscription{}
	}
	return respondDocument(w, r, &list[*subscription.Subscription]{Items: items}, position)
}

func (a *api) putSet(w http.ResponseWriter, r *http.Request) error {
	var document set
	q := queryOf(r, "dry_run", "drop")
	options := manage.SetOptions{DryRun: q.flag("dry_run"), Drop: q.number("drop")}
	var err error
	if options.By, err = a.by(r); err == nil {
		err = q.err()
	}
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err == nil && document.Items == nil {
		// Left out by mistake it would remove everything.
		err = fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/items", Rule: "required", Message: "list every subscription the system is to have; an empty list removes all"}})
	}
	if err != nil {
		return err
	}
	report, err := a.Manager.PutSubscriptions(r.Context(), r.PathValue("name"), document.Items, options)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(report.Position))
	return respond(w, http.StatusOK, report)
}

// defaultOverlap is how long a rotated key goes on signing when nothing else is asked for.
const defaultOverlap = 24 * time.Hour

func (a *api) rotateKey(w http.ResponseWriter, r *http.Request) error {
	document := struct {
		Kind    string `json:"kind"`
		Overlap *int64 `json:"overlapSeconds"`
	}{Kind: manage.HMAC}
	if err := a.readDocument(w, r, &document); err != nil {
		return err
	}
	overlap := defaultOverlap
	if document.Overlap != nil {
		const most = int64(1<<63-1) / int64(time.Second)
		overlap = time.Duration(min(max(*document.Overlap, -1), most)) * time.Second
	}
	key, err := a.Manager.RotateKey(r.Context(), r.PathValue("name"), document.Kind, overlap, a.Author(r))
	if err != nil {
		return err
	}
	return respond(w, http.StatusCreated, key)
}

func (a *api) listSubscriptions(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "system", "state")
	system := q.text("system")
	state := subscription.State(q.oneOf("state", "draft", "untested", "active", "paused", "rejecting", "deactivated", "ended"))
	if err := q.err(); err != nil {
		return err
	}
	items := []*manage.Standing{}
	for _, s := range a.Manager.Subscriptions(system) {
		if state == "" || s.Standing == state {
			items = append(items, s)
		}
	}
	return respondList(w, items)
}

func (a *api) getSubscription(w http.ResponseWriter, r *http.Request) error {
	return respondStanding(w)(a.Manager.Subscription(r.PathValue("id")))
}

func respondStanding(w http.ResponseWriter) func(*manage.Standing, error) error {
	return func(s *manage.Standing, err error) error {
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, s)
	}
}

func (a *api) test(w http.ResponseWriter, r *http.Request) error {
	report, err := a.Manager.Test(r.Context(), r.PathValue("id"), a.Author(r))
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, report)
}

func (a *api) activate(w http.ResponseWriter, r *http.Request) error {
	return respondStanding(w)(a.Manager.Activate(r.Context(), r.PathValue("id"), a.Author(r)))
}

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

func (a *api) deactivate(w http.ResponseWriter, r *http.Request) error {
	var document because
	err := a.readOptional(w, r, &document)
	if err == nil {
		err = document.check()
	}
	if err != nil {
		return err
	}
	return respondStanding(w)(a.Manager.Deactivate(r.Context(), r.PathValue("id"), a.Author(r), document.Reason))
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

func (a *api) listPauses(w http.ResponseWriter, _ *http.Request) error {
	var views []pauseView
	for _, scope := range a.Book.Pauses() {
		views = append(views, a.pauseOf(scope))
	}
	return respondList(w, views)
}
