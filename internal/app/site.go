package app

import (
	"net/http"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/admin"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/embed"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/page"
	"github.com/varselhub/varsel/internal/web/site/statusapi"
)

// sites serves the status sites, each with everything that is made of it.
// Error: the pages cannot be made.
func (h *Hub) sites() (http.Handler, error) {
	pages, err := page.New(page.Options{Live: "/now/"})
	if err != nil {
		return nil, err
	}
	leaves := slices.Concat(statusapi.Leaves(), feed.Leaves(), embed.Leaves(), pages.Leaves())
	return site.New(site.Options{
		Boards: h.Log.Book(), Clock: clock.System{}, URL: h.siteURL, Stale: h.stale,
		Home:   h.config.URL,
		Leaves: slices.Concat([]site.Leaf{site.Listed(leaves)}, leaves),
		Root:   slices.Concat(statusapi.RootLeaves(), pages.Root()),
	}), nil
}

// admin is signing in and out, and the pages to run status sites.
// Error: the pages cannot be made.
func (h *Hub) admin() (faces, error) {
	pages, err := admin.New(admin.Options{
		Book: h.Log.Book(), Manager: h.Manager, Audit: h.Store, Clock: clock.System{}, SiteURL: h.siteURL, Refuse: h.sessions.Refuse,
		Require: func(route string, next func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler {
			return h.sessions.Require(route, next)
		},
	})
	if err != nil {
		return nil, err
	}
	in := h.sessions.Pages()
	return faces{
		{"admin", "/admin/", h.upToDate(pages.Handler())},
		{"admin", "/admin/sign-in", in},
		{"admin", "/admin/sign-in/", in},
		{"admin", "/admin/sign-in.css", in},
		{"admin", "/admin/sign-out", in},
	}, nil
}

// siteURL is where people reach a site: at its own first host name, else below the hub's address.
func (h *Hub) siteURL(s *status.Site) string {
	if len(s.Hosts) > 0 {
		return "https://" + s.Hosts[0]
	}
	return h.config.URL + "/" + s.Name
}

// stale is how long the hub has not been able to learn what happens, since its log is out of reach.
func (h *Hub) stale() time.Duration { return h.Log.Behind() }
