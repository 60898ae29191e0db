package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Text is one text in several languages, by their tag: {"en": "Search is slow", "da": "Søgning er langsom"}.
type Text map[string]string

// SiteSummary is a status site in a list.
type SiteSummary struct {
	Name        string   `json:"name"`
	ID          string   `json:"id"`
	Title       Text     `json:"title"`
	Environment string   `json:"environment,omitempty"`
	Private     bool     `json:"private,omitempty"`
	URL         string   `json:"url"`      // where people reach it
	Headline    Headline `json:"headline"` // what its page says first
	Components  int      `json:"components"`
	Open        int      `json:"open"`     // notices that are current
	Upcoming    int      `json:"upcoming"` // maintenances that are still to come
}

// Headline is what a site, or a section of it, says first.
type Headline struct {
	Indicator   string         `json:"indicator"`   // none, minor, major, critical or maintenance
	Description string         `json:"description"` // English, such as "All Systems Operational"
	State       ComponentState `json:"state"`
}

// Site is a status site: what stands on it, and how it looks. Ids that are left out are those of what was called so before,
// else new.
type Site struct {
	Name        string         `json:"name"` // slug
	ID          string         `json:"id,omitempty"`
	Title       Text           `json:"title"`
	Description Text           `json:"description,omitempty"`
	Hosts       []string       `json:"hosts,omitempty"` // host names at which it is served at /
	Zone        string         `json:"zone"`            // such as Europe/Copenhagen
	Languages   []string       `json:"languages"`       // the first is shown to who asks for none
	Environment string         `json:"environment,omitempty"`
	Private     bool           `json:"private,omitempty"` // not on the chooser, and not to be found by search engines
	SupportURL  string         `json:"supportUrl,omitempty"`
	Sections    []SiteSection  `json:"sections"`
	Theme       SiteTheme      `json:"theme,omitzero"`
	Weights     *UptimeWeights `json:"weights,omitempty"` // nil: 0.3 of a partial outage, 1 of a major one
	V2          StatuspageAPI  `json:"v2,omitzero"`
	Subscribe   bool           `json:"subscribe,omitempty"` // new subscriptions choose it unasked
}

// SiteSection is a part of a site with a page of its own.
type SiteSection struct {
	Name        string          `json:"name"` // slug
	Title       Text            `json:"title"`
	Description Text            `json:"description,omitempty"`
	Groups      []SiteGroup     `json:"groups,omitempty"`
	Components  []SiteComponent `json:"components,omitempty"` // those of no group
}

// SiteGroup is components that are read together.
type SiteGroup struct {
	ID          string          `json:"id,omitempty"`
	Title       Text            `json:"title"`
	Description Text            `json:"description,omitempty"`
	Components  []SiteComponent `json:"components"`
}

// SiteComponent is what is up or down.
type SiteComponent struct {
	ID             string    `json:"id,omitempty"`
	Title          Text      `json:"title"`
	Description    Text      `json:"description,omitempty"`
	Impact         Text      `json:"impact,omitempty"` // what people lose while it is down
	Symbol         string    `json:"symbol,omitempty"`
	StartDate      string    `json:"startDate,omitempty"` // YYYY-MM-DD: its uptime counts from then on
	Showcase       bool      `json:"showcase,omitempty"`
	OnlyIfDegraded bool      `json:"onlyShowIfDegraded,omitempty"` // hidden while it is operational
	Hub            string    `json:"hub,omitempty"`                // what of the hub it stands for: source/NAME, endpoint/SYSTEM, lag or hub
	Created        time.Time `json:"created,omitzero"`             // the hub's
	Updated        time.Time `json:"updated,omitzero"`             // the hub's
}

// SiteTheme says what the states are called and look like.
type SiteTheme struct {
	States map[ComponentState]StateLook `json:"states,omitempty"`
	Accent string                       `json:"accent,omitempty"` // #rrggbb
}

// StateLook is one state's name, colours and shape.
type StateLook struct {
	Name   Text   `json:"name,omitempty"`
	Light  string `json:"light,omitempty"` // #rrggbb on the light page
	Dark   string `json:"dark,omitempty"`  // #rrggbb on the dark page
	Symbol string `json:"symbol,omitempty"`
}

// UptimeWeights are what a second in a state costs of the uptime, from 0 to 1.
type UptimeWeights struct {
	Maintenance float64 `json:"maintenance"`
	Degraded    float64 `json:"degraded"`
	Partial     float64 `json:"partial"`
	Major       float64 `json:"major"`
}

// StatuspageAPI says what the Statuspage API shows of what it has no word for.
type StatuspageAPI struct {
	Messages bool `json:"messages,omitempty"` // actions, announcements and bulletins, as incidents without impact
}

// ComponentState is how a component does.
type ComponentState string

// The states, from best to worst, and what is not known.
const (
	Operational         ComponentState = "operational"
	UnderMaintenance    ComponentState = "under_maintenance"
	DegradedPerformance ComponentState = "degraded_performance"
	PartialOutage       ComponentState = "partial_outage"
	MajorOutage         ComponentState = "major_outage"
	NoData              ComponentState = "no_data"
)

// Sites lists the status sites: of a site editor its own.
func (c *Client) Sites(ctx context.Context) ([]SiteSummary, error) {
	return list[SiteSummary](ctx, c, nil, "sites")
}

// AllSites goes through the status sites, page by page. The first error ends it.
func (c *Client) AllSites(ctx context.Context) iter.Seq2[SiteSummary, error] {
	return all[SiteSummary](ctx, c, nil, "sites")
}

// Site reads what stands on one. Error: CodeNotFound.
func (c *Client) Site(ctx context.Context, name string) (Site, ETag, error) {
	return fetch[Site](ctx, c, nil, "sites", name)
}

// PutSite makes a site or changes it, whole.
func (c *Client) PutSite(ctx context.Context, s Site, match ETag) (Site, ETag, error) {
	return put(ctx, c, s, match, "sites", s.Name)
}

// DeleteSite takes a site away. Put again, it comes back with its past.
//
// Errors: CodeNotFound, CodePrecondition, CodeNeedsIfMatch. A repeat after a lost answer finds CodeNotFound.
func (c *Client) DeleteSite(ctx context.Context, name string, match ETag) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"sites", name}, match: match}, nil)
	return err
}

// SiteImport is what came of an import of a status site.
type SiteImport struct {
	Created bool `json:"created"` // the site was not there before
	Notices int  `json:"notices"` // that are new
	Changes int  `json:"changes"` // of components' states
	Skipped int  `json:"skipped"` // that were there already
}

// ImportSite makes a status site with a past, or adds to the past of one: the document has members site, notices and
// changes, as the description of the API says. What is there already is skipped, so that it may be done again.
func (c *Client) ImportSite(ctx context.Context, site string, document json.RawMessage) (SiteImport, error) {
	var report SiteImport
	_, err := c.call(ctx, request{
		method: http.MethodPost, path: []string{"sites", site, "import"}, mediaType: "application/json", body: document, repeatable: true,
	}, &report)
	return report, err
}

// Board is a site as it stands now, in all of its languages.
type Board struct {
	Site        string           `json:"site"`
	ID          string           `json:"id"`
	Title       Text             `json:"title"`
	Description Text             `json:"description,omitempty"`
	Environment string           `json:"environment,omitempty"`
	URL         string           `json:"url"` // where people reach it
	Zone        string           `json:"zone"`
	Languages   []string         `json:"languages"`
	Updated     time.Time        `json:"updated"`
	Stale       float64          `json:"staleSeconds"` // how old what the hub knows is; 0: it is of now
	Headline    Headline         `json:"headline"`
	Weights     UptimeWeights    `json:"weights"`
	Sections    []BoardSection   `json:"sections"`
	Components  []BoardComponent `json:"components"`      // in the order of the page
	Open        []Notice         `json:"openNotices"`     // that are current, newest first
	Upcoming    []Notice         `json:"upcomingNotices"` // maintenances that are still to come, the next first
}

// BoardSection is a section of a board.
type BoardSection struct {
	Name     string   `json:"name"`
	Title    Text     `json:"title"`
	Headline Headline `json:"headline"`
}

// BoardComponent is a component and how it does.
type BoardComponent struct {
	ID          string         `json:"id"`
	Title       Text           `json:"title"`
	Description Text           `json:"description,omitempty"`
	Impact      Text           `json:"impact,omitempty"` // what people lose while it is down
	Section     string         `json:"section"`
	Group       string         `json:"group,omitempty"` // id
	GroupTitle  Text           `json:"groupTitle,omitempty"`
	State       ComponentState `json:"state"`
	LastKnown   ComponentState `json:"lastKnown"`
	Reason      Text           `json:"reason,omitempty"` // why, for people
	Since       time.Time      `json:"since,omitzero"`
	Cause       string         `json:"cause,omitempty"`  // manual, notice, monitor, import or hub
	Notice      string         `json:"notice,omitempty"` // id of the notice that said so
	Uptime      *Uptime        `json:"uptime,omitempty"` // nil: nothing is known of the time
	Hub         string         `json:"hub,omitempty"`
	Version     ETag           `json:"version,omitempty"` // of its state
}

// Uptime is how a component did for some days. Times are seconds.
type Uptime struct {
	Days        int     `json:"days"`
	Part        float64 `json:"part"`  // 0 to 1, by the site's weights
	Known       float64 `json:"known"` // of the time, how much something is known of
	Maintenance float64 `json:"maintenance"`
	Degraded    float64 `json:"degraded"`
	Partial     float64 `json:"partial"`
	Major       float64 `json:"major"`
}

// Board reads how a site stands. Error: CodeNotFound.
func (c *Client) Board(ctx context.Context, site string) (Board, error) {
	board, _, err := fetch[Board](ctx, c, nil, "sites", site, "board")
	return board, err
}

// ComponentStanding is how a component does, and why.
type ComponentStanding struct {
	State  ComponentState `json:"state"`
	Reason Text           `json:"reason,omitempty"`
	Since  time.Time      `json:"since,omitzero"`
	Cause  string         `json:"cause,omitempty"`
	Notice string         `json:"notice,omitempty"`
}

// StateSetting is how a component is said to do.
type StateSetting struct {
	State  ComponentState `json:"state"`
	Reason Text           `json:"reason,omitempty"` // why, for people
	At     time.Time      `json:"at,omitzero"`      // since when; zero: now
}

// ComponentState reads how a component does, by its id. Error: CodeNotFound.
func (c *Client) ComponentState(ctx context.Context, site, component string) (ComponentStanding, ETag, error) {
	return fetch[ComponentStanding](ctx, c, nil, "sites", site, "components", component, "state")
}

// SetComponentState says how a component does. An empty match changes it whatever it was.
func (c *Client) SetComponentState(ctx context.Context, site, component string, set StateSetting, match ETag) (now ComponentStanding, tag ETag, err error) {
	tag, err = send(ctx, c, request{
		method: http.MethodPut, path: []string{"sites", site, "components", component, "state"}, match: match, repeatable: true,
	}, set, &now)
	return now, tag, err
}

// StateSpan is a time that a component was in one state.
type StateSpan struct {
	From   time.Time      `json:"from"`
	Until  time.Time      `json:"until,omitzero"` // zero: it is so now
	State  ComponentState `json:"state"`
	Reason Text           `json:"reason,omitempty"`
	Cause  string         `json:"cause,omitempty"`
	Notice string         `json:"notice,omitempty"`
}

// AllStates goes through the states a component was in, newest first, page by page. The first error ends it.
func (c *Client) AllStates(ctx context.Context, site, component string) iter.Seq2[StateSpan, error] {
	return all[StateSpan](ctx, c, nil, "sites", site, "components", component, "history")
}

// withLimit adds the size of a page, where there is one.
func withLimit(query url.Values, limit int) url.Values {
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}
