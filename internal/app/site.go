package app

import (
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// sites serves the status sites, each with everything that is made of it.
func (h *Hub) sites() http.Handler {
	return site.New(site.Options{
		Boards: h.Log.Book(), Clock: clock.System{}, URL: h.siteURL, Stale: h.stale,
		Leaves: nil,
		Root:   nil,
	})
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
