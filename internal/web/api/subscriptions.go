package api

import (
	"net/http"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/subscription"
)

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
