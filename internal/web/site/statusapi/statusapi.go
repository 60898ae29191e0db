// Package statusapi serves Statuspage's public read API below every status site: what reads a page of Statuspage reads a
// site of the hub when its address is put in the other's place. It answers with exactly the fields that Statuspage does,
// in English and in the site's zone (reference 2.1 to 2.3); what is ours alone is told by our own API.
//
// Read statusapi.go for what is where, view.go for what a page has on it, and history.go and uptime.go for what
// Statuspage serves without documenting it. The objects themselves are in status/wire, which the webhooks share.
package statusapi

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/wire"
	"github.com/varselhub/varsel/internal/web/site"
)

// maxAge is how long caches may keep an answer.
const maxAge = 15 * time.Second

// pageSize is how many incidents, or maintenances, there are on a page, whatever per_page says.
const pageSize = 50

// Leaves are the API of a site.
func Leaves() []site.Leaf {
	return append(documented(),
		leaf("/api/v2/incidents/{id}.json", incident),
		leaf("/incidents/{id}.json", bareIncident),
		leaf("/history.json", history, "page"),
		leaf("/uptime/{id}.json", uptime, "page"),
	)
}

// RootLeaves are the API at the hub's own address: all sites that are shown to everyone as one page.
func RootLeaves() []site.Leaf {
	return append(documented(), leaf("/api/v2/incidents/{id}.json", incident))
}

// documented are the addresses that Statuspage documents.
func documented() []site.Leaf {
	return []site.Leaf{
		leaf("/api/v2/summary.json", summary),
		leaf("/api/v2/status.json", func(v *view, _ *site.Look) (any, error) { return pageStatus{v.page, v.status()}, nil }),
		leaf("/api/v2/components.json", func(v *view, _ *site.Look) (any, error) { return pageComponents{v.page, v.components()}, nil }),
		leaf("/api/v2/incidents.json", func(v *view, l *site.Look) (any, error) {
			return pageIncidents{v.page, v.incidents(paged(v.notices(isIncident), l))}, nil
		}, "page"),
		leaf("/api/v2/incidents/unresolved.json", func(v *view, _ *site.Look) (any, error) {
			return pageIncidents{v.page, v.incidents(v.notices(isUnresolved))}, nil
		}),
		leaf("/api/v2/scheduled-maintenances.json", func(v *view, l *site.Look) (any, error) {
			return pageMaintenances{v.page, v.maintenances(paged(v.notices(isMaintenance), l))}, nil
		}, "page"),
		leaf("/api/v2/scheduled-maintenances/upcoming.json", func(v *view, _ *site.Look) (any, error) {
			return pageMaintenances{v.page, v.maintenances(v.notices(isUpcoming))}, nil
		}),
		leaf("/api/v2/scheduled-maintenances/active.json", func(v *view, _ *site.Look) (any, error) {
			return pageMaintenances{v.page, v.maintenances(v.notices(isActive))}, nil
		}),
	}
}

// The bodies, each with its keys in Statuspage's order.
type (
	pageSummary struct {
		Page         wire.Page          `json:"page"`
		Components   []wire.Component   `json:"components"`
		Incidents    []wire.Incident    `json:"incidents"`
		Maintenances []wire.Maintenance `json:"scheduled_maintenances"`
		Status       wire.Status        `json:"status"`
	}
	pageStatus struct {
		Page   wire.Page   `json:"page"`
		Status wire.Status `json:"status"`
	}
	pageComponents struct {
		Page       wire.Page        `json:"page"`
		Components []wire.Component `json:"components"`
	}
	pageIncidents struct {
		Page      wire.Page       `json:"page"`
		Incidents []wire.Incident `json:"incidents"`
	}
	pageMaintenances struct {
		Page         wire.Page          `json:"page"`
		Maintenances []wire.Maintenance `json:"scheduled_maintenances"`
	}
	pageIncident struct {
		Page     wire.Page `json:"page"`
		Incident any       `json:"incident"` // a wire.Incident or a wire.Maintenance
	}
)

// leaf is an address of the API.
func leaf(pattern string, tell func(*view, *site.Look) (any, error), query ...string) site.Leaf {
	return site.Leaf{
		Pattern: pattern, Query: query, Shared: true, MaxAge: maxAge,
		Make: func(l *site.Look) (*site.Made, error) {
			body, err := tell(look(l), l)
			if err != nil {
				return nil, err
			}
			return made(body)
		},
	}
}

// made writes a body as Statuspage does: compact, and with nothing escaped that need not be.
func made(body any) (*site.Made, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "this cannot be written as JSON")
	}
	return &site.Made{ContentType: "application/json; charset=utf-8", Body: bytes.TrimSuffix(text.Bytes(), []byte("\n"))}, nil
}

func summary(v *view, _ *site.Look) (any, error) {
	return pageSummary{v.page, v.components(), v.incidents(v.notices(isUnresolved)), v.maintenances(v.notices(isUnfinished)), v.status()}, nil
}

// incident is one, with all that is said of it; a maintenance too.
func incident(v *view, l *site.Look) (any, error) {
	found, err := v.incident(l.Arg("id"))
	return pageIncident{v.page, found}, err
}

// bareIncident is the same without its page, as Statuspage has it beside the page of the incident.
func bareIncident(v *view, l *site.Look) (any, error) { return v.incident(l.Arg("id")) }

// paged are the notices of the page that is asked for: the first, unless a number says otherwise. After the last there is
// an empty one, by which clients know the end.
func paged(list []told, l *site.Look) []told {
	from := min((pageOf(l)-1)*pageSize, len(list))
	return list[from:min(from+pageSize, len(list))]
}

// lastPage bounds what is multiplied.
const lastPage = 1_000_000

func pageOf(l *site.Look) int {
	n, err := strconv.Atoi(l.Query("page"))
	if err != nil {
		return 1
	}
	return min(max(n, 1), lastPage)
}

// The notices of each list. Messages are incidents where the site shows them at all.
func isIncident(n *status.Notice) bool {
	return n.Kind == status.Incident || n.Message() && !n.Stage.Ahead()
}
func isUnresolved(n *status.Notice) bool  { return isIncident(n) && !n.Stage.Over() }
func isMaintenance(n *status.Notice) bool { return n.Kind == status.Planned }
func isUpcoming(n *status.Notice) bool    { return isMaintenance(n) && n.Stage == status.Scheduled }
func isUnfinished(n *status.Notice) bool  { return isMaintenance(n) && !n.Stage.Over() }
func isActive(n *status.Notice) bool      { return isUnfinished(n) && n.Stage != status.Scheduled }
