package api

import (
	"net/http"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/subscription"
)

func (a *api) listSubscriptions(w http.ResponseWriter, r *http.Request) error {
	return a.respondSubscriptions(w, r, func(*manage.Standing) bool { return true })
}

// states are those that subscriptions can be listed by.
var states = []string{"draft", "untested", "active", "paused", "rejecting", "deactivated", "ended"}

// respondSubscriptions tells how those stand that are asked for, and that may be seen.
func (a *api) respondSubscriptions(w http.ResponseWriter, r *http.Request, seen func(*manage.Standing) bool) error {
	q := queryOf(r, paging("system", "state")...)
	state := subscription.State(q.oneOf("state", states...))
	all, err := a.Manager.Subscriptions(r.Context(), q.text("system"))
	if err != nil {
		return err
	}
	var asked []*manage.Standing
	for _, s := range all {
		if seen(s) && (state == "" || s.Standing == state) {
			asked = append(asked, s)
		}
	}
	return respondPage(w, q, asked, func(s *manage.Standing) string { return keyed(s.System, s.Name) })
}

func (a *api) getSubscription(w http.ResponseWriter, r *http.Request) error {
	return respondStanding(w)(a.Manager.Subscription(r.Context(), r.PathValue("id")))
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
