package api

import (
	"net/http"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/subscription"
)

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
	return respondState(w, http.StatusOK, report, report.Position)
}

// previewFilter reads the filter from a body: it may name a person.
func (a *api) previewFilter(w http.ResponseWriter, r *http.Request) error {
	var document manage.Asked
	if err := a.readDocument(w, r, &document); err != nil {
		return err
	}
	preview, err := a.Manager.PreviewFilter(r.Context(), r.PathValue("name"), document, a.Author(r))
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, preview)
}

// newKeyRequest asks for a new signing key.
type newKeyRequest struct {
	Kind string `json:"kind"` // v1: HMAC; v1a: ed25519
	overlapping
}

func (a *api) rotateKey(w http.ResponseWriter, r *http.Request) error {
	document := newKeyRequest{Kind: manage.HMAC}
	if err := a.readDocument(w, r, &document); err != nil {
		return err
	}
	key, err := a.Manager.RotateKey(r.Context(), r.PathValue("name"), document.Kind, document.duration(), a.Author(r))
	if err != nil {
		return err
	}
	return respond(w, http.StatusCreated, key)
}
