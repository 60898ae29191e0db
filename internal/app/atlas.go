package app

import (
	"context"
	"net/http"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/web/atlas"
)

// atlas is the maps of registers, with the API for who has signed in.
// Error: the pages cannot be made.
func (h *Hub) atlas(programs http.Handler) (faces, error) {
	pages, err := atlas.New(atlas.Options{
		Book: h.Log.Book(), Events: h.Deposits, Zone: h.config.Zone, Refuse: h.sessions.Refuse,
		Require: func(route string, next func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler {
			return h.sessions.Require(route, next)
		},
		API: func(w http.ResponseWriter, r *http.Request, p *account.Principal) {
			programs.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), signedInKey{}, p)))
		},
	})
	if err != nil {
		return nil, err
	}
	pages = h.upToDate(pages)
	return faces{{"admin", "/registers", pages}, {"admin", "/registers/", pages}}, nil
}

type signedInKey struct{}

// signedIn is who asks the API: whom the hub's own pages know, else who says so in the request.
func signedIn(who func(*http.Request) (*account.Principal, error)) func(*http.Request) (*account.Principal, error) {
	return func(r *http.Request) (*account.Principal, error) {
		if p, ok := r.Context().Value(signedInKey{}).(*account.Principal); ok {
			return p, nil
		}
		return who(r)
	}
}
