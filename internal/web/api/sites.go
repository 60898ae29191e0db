package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// SiteSummary is a status site in a list.
type SiteSummary struct {
	Name        string          `json:"name"`
	ID          string          `json:"id"`
	Title       status.Text     `json:"title"`
	Environment string          `json:"environment,omitempty"`
	Private     bool            `json:"private,omitempty"` // not on the chooser
	URL         string          `json:"url"`               // where people reach it
	Headline    status.Headline `json:"headline"`          // what its page says first
	Components  int             `json:"components"`
	Open        int             `json:"open"`     // notices that are current
	Upcoming    int             `json:"upcoming"` // maintenances that are still to come
}

func (a *api) summary(b *status.Board) SiteSummary {
	s := b.Site
	return SiteSummary{
		Name: s.Name, ID: s.ID, Title: s.Title, Environment: s.Environment, Private: s.Private, URL: a.SiteURL(s), Headline: b.PageHeadline(""),
		Components: len(b.Components), Open: len(b.Open("")), Upcoming: len(b.Upcoming("")),
	}
}

// listSites lists those that the principal sees.
func (a *api) listSites(w http.ResponseWriter, r *http.Request) error {
	return a.respondSites(w, r, func(string) bool { return true })
}

func (a *api) listOwnSites(w http.ResponseWriter, r *http.Request) error {
	return a.respondSites(w, r, principal(r).Edits)
}

func (a *api) respondSites(w http.ResponseWriter, r *http.Request, seen func(name string) bool) error {
	var list []SiteSummary
	for _, site := range a.Book.Sites() {
		if board := a.Book.Board(site.Name); board != nil && seen(site.Name) {
			list = append(list, a.summary(board))
		}
	}
	return respondPage(w, queryOf(r, paging()...), list, func(s SiteSummary) string { return s.Name })
}

// site is a site's document. within is how its editors put it: what reaches beyond the site stays as it is.
func (a *api) site(within bool) document[status.Site] {
	return document[status.Site]{
		api:   a,
		now:   func(r *http.Request) (*status.Site, int64) { return a.Book.Site(r.PathValue("site")) },
		named: func(r *http.Request, sent *status.Site) error { return named("/name", &sent.Name, r.PathValue("site")) },
		put: func(ctx context.Context, sent status.Site, by manage.By) (manage.Put, error) {
			if within {
				if err := a.staysWithin("", &sent); err != nil {
					return manage.Put{}, err
				}
			}
			return a.Manager.PutSite(ctx, sent, by)
		},
	}
}

// staysWithin refuses what only operators say of a site, since it is not the site's alone: host names, which are the
// hub's, and what of the hub a component tells of. at is where the document stands in what was sent.
func (a *api) staysWithin(at string, sent *status.Site) error {
	old, _ := a.Book.Site(sent.Name)
	if old == nil {
		old = &status.Site{}
	}
	var found []fault.Violation
	for i, host := range sent.Hosts {
		if !slices.Contains(old.Hosts, host) {
			found = append(found, fault.Violation{Pointer: fmt.Sprintf("%s/hosts/%d", at, i), Rule: "role", Message: "is an operator's to say: host names are the hub's"})
		}
	}
	parts := map[string]bool{"": true}
	old.Each(func(_ *status.Section, _ *status.Group, c *status.Component) { parts[c.Hub] = true })
	foreign := false
	sent.Each(func(_ *status.Section, _ *status.Group, c *status.Component) { foreign = foreign || !parts[c.Hub] })
	if foreign {
		found = append(found, fault.Violation{Pointer: at + "/sections", Rule: "role", Message: "which part of the hub a component stands for is an operator's to say"})
	}
	return fault.Invalid(fault.Forbidden, found)
}

func (a *api) deleteSite(w http.ResponseWriter, r *http.Request) error {
	by, err := a.by(r)
	if err == nil {
		err = a.Manager.RemoveSite(r.Context(), r.PathValue("site"), by)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// importSite makes a site with a past, or adds what is new of it.
func (a *api) importSite(within bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document manage.Imported
		by, err := a.by(r)
		if err == nil {
			err = a.readWithin(w, r, &document, a.Limits.Batch)
		}
		if err == nil {
			err = named("/site/name", &document.Site.Name, r.PathValue("site"))
		}
		if err == nil && within {
			err = a.importStaysWithin(&document)
		}
		if err != nil {
			return err
		}
		report, err := a.Manager.ImportSite(r.Context(), document.Site.Name, document, by)
		if err != nil {
			return err
		}
		code := http.StatusOK
		if report.Created {
			code = http.StatusCreated
		}
		return respond(w, code, report)
	}
}

func (a *api) importStaysWithin(document *manage.Imported) error {
	if err := a.staysWithin("/site", &document.Site); err != nil {
		return err
	}
	for i := range document.Notices {
		if len(document.Notices[i].Pause) > 0 {
			return pausesAreOperators(fmt.Sprintf("/notices/%d/pause", i))
		}
	}
	return nil
}

// BoardView is a site as it stands now, in all of its languages.
type BoardView struct {
	Site        string          `json:"site"`
	ID          string          `json:"id"`
	Title       status.Text     `json:"title"`
	Description status.Text     `json:"description,omitempty"`
	Environment string          `json:"environment,omitempty"`
	URL         string          `json:"url"` // where people reach it
	Zone        string          `json:"zone"`
	Languages   []string        `json:"languages"`
	Updated     status.Time     `json:"updated"`         // when something of it last changed
	Stale       float64         `json:"staleSeconds"`    // how old what the hub knows is; 0: it is of now
	Headline    status.Headline `json:"headline"`        // what its page says first
	Weights     status.Weights  `json:"weights"`         // what a second in a state costs of the uptime
	Sections    []SectionView   `json:"sections"`        // in the order of the page
	Components  []StandingView  `json:"components"`      // in the order of the page
	Open        []NoticeView    `json:"openNotices"`     // that are current, newest first
	Upcoming    []NoticeView    `json:"upcomingNotices"` // maintenances that are still to come, the next first
}

// SectionView is a section of a board.
type SectionView struct {
	Name     string          `json:"name"`
	Title    status.Text     `json:"title"`
	Headline status.Headline `json:"headline"` // what its page says first
}

// StandingView is a component and how it does.
type StandingView struct {
	ID          string       `json:"id"`
	Title       status.Text  `json:"title"`
	Description status.Text  `json:"description,omitempty"`
	Impact      status.Text  `json:"impact,omitempty"` // what people lose while it is down
	Section     string       `json:"section"`
	Group       string       `json:"group,omitempty"` // id
	GroupTitle  status.Text  `json:"groupTitle,omitempty"`
	State       status.State `json:"state"`
	LastKnown   status.State `json:"lastKnown"`         // the last state that was known; no_data: none ever was
	Reason      status.Text  `json:"reason,omitempty"`  // why, for people
	Since       status.Time  `json:"since,omitzero"`    // when it came into this state
	Cause       status.Cause `json:"cause,omitempty"`   // what set the state
	Notice      string       `json:"notice,omitempty"`  // id of the notice that said so
	Uptime      *UptimeView  `json:"uptime,omitempty"`  // none: nothing is known of the time
	Hub         string       `json:"hub,omitempty"`     // what of the hub it stands for
	Version     string       `json:"version,omitempty"` // ETag of its state
}

// UptimeView is how a component did for a time. Times are seconds.
type UptimeView struct {
	Days        int     `json:"days"`        // up to now, today among them
	Part        float64 `json:"part"`        // 0 to 1, by the site's weights
	Known       float64 `json:"known"`       // of the time, how much something is known of
	Maintenance float64 `json:"maintenance"` // of that, in this state
	Degraded    float64 `json:"degraded"`
	Partial     float64 `json:"partial"`
	Major       float64 `json:"major"`
}

// uptimeDays is what a board counts a component's uptime over.
const uptimeDays = 90

// getBoard tells how a site stands: to those who work on it all, to subscribers what everyone may read and what they have
// acknowledged themselves.
func (a *api) getBoard(w http.ResponseWriter, r *http.Request) error {
	board := a.Book.Board(r.PathValue("site"))
	if board == nil {
		return noSite()
	}
	return respond(w, http.StatusOK, a.board(board, principal(r)))
}

func noSite() error { return fault.New(fault.NotFound, "there is no site of that name") }

func (a *api) board(b *status.Board, p *account.Principal) *BoardView {
	s, now := b.Site, status.At(a.Now())
	v := &BoardView{
		Site: s.Name, ID: s.ID, Title: s.Title, Description: s.Description, Environment: s.Environment, URL: a.SiteURL(s), Zone: s.Zone, Languages: s.Languages,
		Updated: b.Updated, Stale: a.Stale().Seconds(), Headline: b.PageHeadline(""), Weights: *s.Uptime(),
		Sections: []SectionView{}, Components: []StandingView{}, Open: a.notices(b, b.Open(""), p), Upcoming: a.notices(b, b.Upcoming(""), p),
	}
	for i := range s.Sections {
		section := &s.Sections[i]
		v.Sections = append(v.Sections, SectionView{Name: section.Name, Title: section.Title, Headline: b.PageHeadline(section.Name)})
	}
	for _, standing := range b.Components {
		v.Components = append(v.Components, viewStanding(b, standing, now, works(p, s.Name)))
	}
	return v
}

// works reports whether the principal sees what those who work on a site do.
func works(p *account.Principal, site string) bool {
	return p.Has(account.Operator) || p.Has(account.Auditor) || p.Edits(site)
}

func viewStanding(b *status.Board, s *status.Standing, now status.Time, works bool) StandingView {
	v := StandingView{
		ID: s.ID, Title: s.Title, Description: s.Description, Impact: s.Component.Impact, Section: s.Section.Name, State: s.State, LastKnown: s.Last,
		Reason: s.Reason, Since: s.Since,
	}
	if s.Group != nil {
		v.Group, v.GroupTitle = s.Group.ID, s.Group.Title
	}
	if n := len(s.Spans); n > 0 {
		v.Cause, v.Notice = s.Spans[n-1].Cause, s.Spans[n-1].Notice
	}
	if works {
		v.Hub, v.Version = s.Hub, etag(s.Version)
	}
	whole := status.Over(s.Days(uptimeDays, now, b.Site.Location()))
	if part, known := whole.Uptime(b.Site.Uptime()); known {
		v.Uptime = &UptimeView{
			Days: uptimeDays, Part: part, Known: seconds(whole.Known), Maintenance: seconds(whole.Maintenance),
			Degraded: seconds(whole.Degraded), Partial: seconds(whole.Partial), Major: seconds(whole.Major),
		}
	}
	return v
}

// StateView is how a component does.
type StateView struct {
	State  status.State `json:"state"`
	Reason status.Text  `json:"reason,omitempty"` // why, for people
	Since  status.Time  `json:"since,omitzero"`   // when it came into this state
	Cause  status.Cause `json:"cause,omitempty"`  // what set the state
	Notice string       `json:"notice,omitempty"` // id of the notice that said so
}

// standing finds the component that an address names.
func (a *api) standing(r *http.Request) (*status.Standing, error) {
	board := a.Book.Board(r.PathValue("site"))
	if board == nil {
		return nil, noSite()
	}
	if s := board.Component(r.PathValue("component")); s != nil {
		return s, nil
	}
	return nil, fault.New(fault.NotFound, "the site has no component of that id")
}

func viewState(s *status.Standing) *StateView {
	v := &StateView{State: s.State, Reason: s.Reason, Since: s.Since}
	if n := len(s.Spans); n > 0 {
		v.Cause, v.Notice = s.Spans[n-1].Cause, s.Spans[n-1].Notice
	}
	return v
}

func (a *api) getState(w http.ResponseWriter, r *http.Request) error {
	s, err := a.standing(r)
	if err != nil {
		return err
	}
	return respondDocument(w, r, viewState(s), s.Version)
}

// putState needs no condition, since it is what someone sees now; one that is given is kept.
func (a *api) putState(w http.ResponseWriter, r *http.Request) error {
	var document manage.Setting
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err != nil {
		return err
	}
	document.Condition = by.Condition
	if err := a.Manager.SetState(r.Context(), r.PathValue("site"), r.PathValue("component"), document, by.Author); err != nil {
		return err
	}
	s, err := a.standing(r)
	if err != nil {
		return err
	}
	return respondState(w, http.StatusOK, viewState(s), s.Version)
}

// SpanView is a time that a component was in one state.
type SpanView struct {
	From   status.Time  `json:"from"`
	Until  status.Time  `json:"until,omitzero"` // none: it is so now
	State  status.State `json:"state"`
	Reason status.Text  `json:"reason,omitempty"`
	Cause  status.Cause `json:"cause,omitempty"`
	Notice string       `json:"notice,omitempty"` // id of the notice that said so
}

func (a *api) listSpans(w http.ResponseWriter, r *http.Request) error {
	s, err := a.standing(r)
	if err != nil {
		return err
	}
	list := make([]SpanView, len(s.Spans))
	for i, span := range s.Spans {
		v := SpanView{From: span.From, State: span.State, Reason: span.Reason, Cause: span.Cause, Notice: span.Notice}
		if i+1 < len(s.Spans) {
			v.Until = s.Spans[i+1].From
		}
		list[len(list)-1-i] = v
	}
	return respondPage(w, queryOf(r, paging()...), list, func(v SpanView) string { return latestFirst(v.From) })
}

// latestFirst is a key that later moments come before earlier ones by; oldestFirst orders positions.
func latestFirst(t status.Time) string  { return fmt.Sprintf("%020d", uint64(math.MaxInt64)-uint64(t)) }
func oldestFirst(position int64) string { return fmt.Sprintf("%020d", position) }

// byNewest orders notices as their pages are.
func byNewest(x, y *status.Notice) int {
	return cmp.Or(cmp.Compare(y.Created, x.Created), cmp.Compare(x.ID, y.ID))
}

// orNow is the clock of a hub that says none.
func orNow(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
