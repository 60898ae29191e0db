package app

import (
	"net/http"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
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
	return site.New(site.Options{
		Boards: h.Log.Book(), Clock: clock.System{}, URL: h.siteURL, Stale: h.stale,
		Home:   h.config.URL,
		Leaves: slices.Concat(statusapi.Leaves(), feed.Leaves(), embed.Leaves(), pages.Leaves()),
		Root:   slices.Concat(statusapi.RootLeaves(), pages.Root()),
	}), nil
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
