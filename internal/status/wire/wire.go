// Package wire says what stands on a status site in the words and the form of Statuspage: the objects of its public API
// and of its webhooks (reference 2.1). Their fields stand in the order of the reference, and there are no others: clients
// refuse what they do not know.
//
// What is made here is English, whatever the site's languages are: clients match on words.
package wire

import (
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// Page is the page that everything is on.
type Page struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	TimeZone  string `json:"time_zone"`
	UpdatedAt string `json:"updated_at"`
}

// Status is the headline.
type Status struct {
	Indicator   status.Indicator `json:"indicator"`
	Description string           `json:"description"`
}

// Component is a component or, with Group, a group of them.
type Component struct {
	ID                 string       `json:"id"`
	Name               string       `json:"name"`
	Status             status.State `json:"status"`
	CreatedAt          string       `json:"created_at"`
	UpdatedAt          string       `json:"updated_at"`
	Position           int          `json:"position"`
	Description        *string      `json:"description"`
	Showcase           bool         `json:"showcase"`
	StartDate          *string      `json:"start_date"`
	GroupID            *string      `json:"group_id"`
	PageID             string       `json:"page_id"`
	Group              bool         `json:"group"`
	OnlyShowIfDegraded bool         `json:"only_show_if_degraded"`
	Components         []string     `json:"components,omitempty"` // of a group: the key is absent elsewhere
}

// Incident is an incident with all its updates.
type Incident struct {
	ID              string        `json:"id"`
	Name            string        `json:"name"`
	Status          string        `json:"status"`
	CreatedAt       string        `json:"created_at"`
	UpdatedAt       string        `json:"updated_at"`
	MonitoringAt    *string       `json:"monitoring_at"`
	ResolvedAt      *string       `json:"resolved_at"`
	Impact          status.Impact `json:"impact"`
	Shortlink       string        `json:"shortlink"`
	StartedAt       string        `json:"started_at"`
	PageID          string        `json:"page_id"`
	IncidentUpdates []Update      `json:"incident_updates"`
	Components      []Component   `json:"components"`
}

// Maintenance is an incident with its window.
type Maintenance struct {
	Incident
	ScheduledFor   string `json:"scheduled_for"`
	ScheduledUntil string `json:"scheduled_until"`
}

// Update is one thing that was said.
type Update struct {
	ID                   string     `json:"id"`
	Status               string     `json:"status"`
	Body                 string     `json:"body"`
	IncidentID           string     `json:"incident_id"`
	CreatedAt            string     `json:"created_at"`
	UpdatedAt            string     `json:"updated_at"`
	DisplayAt            string     `json:"display_at"`
	AffectedComponents   []Affected `json:"affected_components"` // null: none
	DeliverNotifications bool       `json:"deliver_notifications"`
	CustomTweet          *string    `json:"custom_tweet"`
	TweetID              *string    `json:"tweet_id"`
}

// Affected is what an update says of a component.
type Affected struct {
	Code      string       `json:"code"`
	Name      string       `json:"name"` // "Group - Component"
	OldStatus status.State `json:"old_status"`
	NewStatus status.State `json:"new_status"`
}

// Pen writes what is on one page.
type Pen struct {
	Page      string         // its id
	Zone      *time.Location // times are in
	Languages []string       // of the site, for what is not said in English
}

// English is a text in English, else in the next best of the site's languages.
func (p *Pen) English(t status.Text) string {
	text, _ := t.In(status.English, p.Languages...)
	return text
}

// Time writes a moment.
func (p *Pen) Time(t status.Time) string { return status.Millis(t, p.Zone) }

// Moment writes a moment that need not have been: null where it was not.
func (p *Pen) Moment(t status.Time) *string {
	if t == 0 {
		return nil
	}
	return some(p.Time(t))
}

// Component writes a component. Of one that nothing is known of now the last that was known is told: Statuspage has no
// word for it (reference 2.8).
func (p *Pen) Component(c *status.ComponentAs) Component {
	return Component{
		ID: c.ID, Name: c.Name, Status: known(c.LastKnown, status.Operational), CreatedAt: p.Time(c.Created), UpdatedAt: p.Time(c.Updated),
		Position: c.Position, Description: some(p.English(c.Description)), Showcase: c.Showcase, StartDate: some(c.StartDate),
		GroupID: some(c.Group), PageID: p.Page, OnlyShowIfDegraded: c.OnlyIfDegraded,
	}
}

// Components writes those of some components that anything was ever known of.
func (p *Pen) Components(list []status.ComponentAs) []Component {
	written := []Component{}
	for i := range list {
		if list[i].LastKnown != status.NoData {
			written = append(written, p.Component(&list[i]))
		}
	}
	return written
}

// Incident writes a notice of any kind, with the components that it affects; link is its page's address.
func (p *Pen) Incident(n *status.Notice, components []status.ComponentAs, link string) Incident {
	written := Incident{
		ID: n.ID, Name: p.English(n.Title), Status: Stage(n.Stage), CreatedAt: p.Time(n.Created), UpdatedAt: p.Time(n.Updated),
		MonitoringAt: p.Moment(n.Watched), ResolvedAt: p.Moment(n.Over), Impact: n.Impact, Shortlink: link, StartedAt: p.Time(n.Started),
		PageID: p.Page, IncidentUpdates: p.updates(n), Components: p.Components(components),
	}
	if n.Message() {
		written.Impact = status.ImpactNone // clients turn a service red for more
	}
	return written
}

// updates writes a notice's, newest first.
func (p *Pen) updates(n *status.Notice) []Update {
	list := make([]Update, 0, len(n.Updates))
	for i := len(n.Updates) - 1; i >= 0; i-- {
		u := &n.Updates[i]
		list = append(list, Update{
			ID: u.ID, Status: Stage(u.Stage), Body: p.English(u.Body), IncidentID: n.ID, CreatedAt: p.Time(u.Created), UpdatedAt: p.Time(u.Updated),
			DisplayAt: p.Time(u.Shown), AffectedComponents: affected(u.Affected), DeliverNotifications: !u.Quiet,
		})
	}
	return list
}

func affected(list []status.Affected) []Affected {
	var written []Affected
	for _, a := range list {
		to := known(a.To, a.From)
		written = append(written, Affected{Code: a.Component, Name: a.Name, OldStatus: known(a.From, to), NewStatus: to})
	}
	return written
}

// known is a state, or another where it is not known: old may equal new (reference 2.1), and no_data is never told.
func known(s, otherwise status.State) status.State {
	switch {
	case s != status.NoData && s != "":
		return s
	case otherwise != status.NoData && otherwise != "":
		return otherwise
	}
	return status.Operational
}

// Stage is how far a notice is in Statuspage's words. Those of incidents and maintenances are its own; what is shown is
// monitored, and what has ended is resolved.
func Stage(s status.Stage) string {
	switch s {
	case status.Coming:
		return string(status.Scheduled)
	case status.Published:
		return string(status.Monitoring)
	case status.Ended:
		return string(status.Resolved)
	}
	return string(s)
}

func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
