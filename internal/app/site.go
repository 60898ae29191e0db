package app

import (
	"github.com/varselhub/varsel/internal/status"
)

// siteURL is where people reach a site: at its own first host name, else below the hub's address.
func (h *Hub) siteURL(s *status.Site) string {
	if len(s.Hosts) > 0 {
		return "https://" + s.Hosts[0]
	}
	return h.config.URL + "/" + s.Name
}
