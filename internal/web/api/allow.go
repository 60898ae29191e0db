package api

import (
	"context"
	"net/http"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
)

// allowing lets through who may use a route, as far as the table says: those who reach all of it to handle, those who
// reach only what is theirs to own. An open route asks nobody. A route that has no way to tell what is whose lets only the first in.
func (a *api) allowing(rule account.Rule, handle, own handler) handler {
	if rule.Open {
		return handle
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := a.Who(r)
		if err != nil {
			return err
		}
		r = r.WithContext(context.WithValue(r.Context(), principalKey{}, p))
		switch reach := p.Reach(rule); {
		case reach == account.All:
			return handle(w, r)
		case reach == account.Own && own != nil:
			return own(w, r)
		}
		return fault.New(fault.Forbidden, "your role does not allow this")
	}
}

type principalKey struct{}

// principal is who makes the request. It is known in every handler.
func principal(r *http.Request) *account.Principal {
	p, _ := r.Context().Value(principalKey{}).(*account.Principal)
	return p
}

// Author names who makes a request, for the revisions it writes.
func (a *api) Author(r *http.Request) string { return principal(r).Name }
