package siteimport

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/wire"
)

// Document is a site with its past, as the hub's API takes it.
type Document struct {
	Site    status.Site     `json:"site"`
	Notices []status.Notice `json:"notices,omitempty"`
	Changes []status.Change `json:"changes,omitempty"`

	// Left lists, for people, what was left out or changed, and why.
	Left []string `json:"-"`
}

// Parts divides a document into several that the hub takes one after the other, of about so many bytes each. The first
// says of every component how it began: what the hub is told nothing of is operational from then on.
func (d *Document) Parts(most int) ([]Document, error) {
	parts := []Document{{Site: d.Site}}
	begun := map[string]bool{}
	var later []status.Change
	for _, ch := range d.Changes {
		if begun[ch.Component] {
			later = append(later, ch)
			continue
		}
		begun[ch.Component] = true
		parts[0].Changes = append(parts[0].Changes, ch)
	}
	head, err := json.Marshal(parts[0])
	if err != nil {
		return nil, fmt.Errorf("siteimport: %w", err)
	}
	size := len(head)
	room := func(one any) *Document {
		text, failed := json.Marshal(one)
		if failed != nil {
			err = fmt.Errorf("siteimport: %w", failed)
		}
		if size += len(text); size > most {
			parts, size = append(parts, Document{Site: d.Site}), len(head)+len(text)
		}
		return &parts[len(parts)-1]
	}
	for i := range d.Notices {
		part := room(&d.Notices[i])
		part.Notices = append(part.Notices, d.Notices[i])
	}
	for i := range later {
		part := room(&later[i])
		part.Changes = append(part.Changes, later[i])
	}
	return parts, err
}

// maker makes a document of what was found.
type maker struct {
	found    *Found
	page     string // what ids that are replaced are derived from
	replaced bool   // all ids
	language string
	zone     string
	doc      *Document
	known    map[string]bool // ids of the components
	told     map[string]bool // ids of the notices
}

// Options say how a site is made of a page.
type Options struct {
	Name     string // of the site
	Language string // of the page's texts
	NewIDs   bool   // for a page whose ids are taken: it is another site already
	Now      status.Time
}

// Make makes a site of a page. Ids are kept where they have the hub's form, and else follow from what they were, so that
// the page may be read again later and brings only what is new.
func Make(found *Found, o Options) *Document {
	m := &maker{found: found, page: found.Page.ID, replaced: o.NewIDs, language: o.Language, zone: found.Page.TimeZone, doc: &Document{}, known: map[string]bool{}, told: map[string]bool{}}
	if m.page == "" {
		m.page = found.From
	}
	if m.replaced {
		m.page = o.Name + " " + m.page // one page may become several sites
	}
	if _, err := time.LoadLocation(m.zone); err != nil || m.zone == "" || m.zone == "Local" {
		m.left("the time zone %q is not known: the site is in Etc/UTC", m.zone)
		m.zone = "Etc/UTC"
	}
	m.doc.Site = status.Site{
		Name: o.Name, ID: m.id(found.Page.ID), Title: m.text(found.Page.Name, maxTitle, "the page"), Zone: m.zone, Languages: []string{o.Language},
		Sections: []status.Section{m.section()},
	}
	for i := range found.Incidents {
		m.incident(&found.Incidents[i])
	}
	for i := range found.Maintenances {
		m.maintenance(&found.Maintenances[i], o.Now)
	}
	m.past(o.Now)
	return m.doc
}

func (m *maker) left(format string, args ...any) {
	m.doc.Left = append(m.doc.Left, fmt.Sprintf(format, args...))
}

func (m *maker) id(id string) string {
	if m.replaced {
		return status.ReplacedID(m.page, id)
	}
	return status.ImportedID(m.page, id)
}

// services is what the one section is called; a page of Statuspage has none.
var services = status.Text{"en": "Services", "da": "Tjenester", "fr": "Services", "pl": "Usługi"}

// section holds all components, in their groups.
func (m *maker) section() status.Section {
	section := status.Section{Name: "services", Title: status.Text{m.language: services[m.language]}}
	list := slices.Clone(m.found.Components)
	slices.SortStableFunc(list, func(a, b wire.Component) int { return a.Position - b.Position })
	if len(list) > status.MaxComponents {
		m.left("the page has %d components: those after %d are left out", len(list), status.MaxComponents)
		list = list[:status.MaxComponents]
	}
	groups := map[string]int{}
	for i := range list {
		if g := &list[i]; g.Group {
			groups[g.ID] = len(section.Groups)
			section.Groups = append(section.Groups, status.Group{
				ID: m.id(g.ID), Title: m.text(cmp.Or(g.Name, g.ID), maxTitle, "a group"), Description: m.text(plain(deref(g.Description)), maxDescription, "the description of "+g.Name),
			})
		}
	}
	for i := range list {
		c := &list[i]
		switch at, grouped := groups[deref(c.GroupID)]; {
		case c.Group || c.ID == "" || m.known[m.id(c.ID)]:
		case grouped:
			section.Groups[at].Components = append(section.Groups[at].Components, m.component(c))
		default:
			section.Components = append(section.Components, m.component(c))
		}
	}
	section.Groups = slices.DeleteFunc(section.Groups, func(g status.Group) bool { return len(g.Components) == 0 })
	return section
}

func (m *maker) component(c *wire.Component) status.Component {
	made := status.Component{
		ID: m.id(c.ID), Title: m.text(cmp.Or(c.Name, c.ID), maxTitle, "a component"), Description: m.text(plain(deref(c.Description)), maxDescription, "the description of "+c.Name),
		Showcase: c.Showcase, OnlyIfDegraded: c.OnlyShowIfDegraded,
	}
	if _, err := time.Parse(time.DateOnly, deref(c.StartDate)); err == nil {
		made.StartDate = *c.StartDate
	}
	m.known[made.ID] = true
	return made
}

// incident takes an incident over, with all that was said of it.
func (m *maker) incident(i *wire.Incident) {
	if n := m.notice(i, status.Incident); n != nil {
		m.settle(n, i)
	}
}

// maintenance takes a maintenance over. What should have begun or ended by now, and has not, waits for a person: the hub
// would do it this moment.
func (m *maker) maintenance(w *wire.Maintenance, now status.Time) {
	n := m.notice(&w.Incident, status.Planned)
	if n == nil {
		return
	}
	n.Starts, n.Ends = moment(w.ScheduledFor), moment(w.ScheduledUntil)
	if n.Starts == 0 || n.Ends <= n.Starts || n.Ends.Sub(n.Starts) > longest {
		m.left("the maintenance %q has no window of at most a year: it is left out", w.Name)
		return
	}
	if due := n.Due(); due != 0 && due <= now {
		n.ByHand = true
	}
	m.settle(n, &w.Incident)
}

// longest is the longest window that a maintenance may have.
const longest = 366 * 24 * time.Hour

// notice makes a notice with its updates, or none of what nothing was said of.
func (m *maker) notice(i *wire.Incident, kind status.Kind) *status.Notice {
	n := &status.Notice{
		ID: m.id(i.ID), Kind: kind, Title: m.text(i.Name, maxTitle, "a notice"), Created: moment(i.CreatedAt), Updated: moment(i.UpdatedAt),
		Started: moment(i.StartedAt), Over: moment(deref(i.ResolvedAt)), Imported: m.link(i.Shortlink),
	}
	for at := len(i.IncidentUpdates) - 1; at >= 0; at-- { // the newest stands first there
		if u, ok := m.update(&i.IncidentUpdates[at], n); ok {
			n.Updates = append(n.Updates, u)
		}
	}
	slices.SortStableFunc(n.Updates, func(a, b status.Update) int { return cmp.Compare(a.Created, b.Created) })
	if len(n.Updates) == 0 || n.Created == 0 || n.Title.Empty() || i.ID == "" || m.told[n.ID] {
		m.left("nothing is said of %q, or it is not said when: it is left out", i.Name)
		return nil
	}
	m.told[n.ID] = true
	if over := len(n.Updates) - maxUpdates; over > 0 {
		m.left("of %q the first %d updates are left out", i.Name, over)
		n.Updates = n.Updates[over:]
	}
	for c := range i.Components {
		m.concerns(n, m.id(i.Components[c].ID))
	}
	if n.Started == 0 {
		n.Started = n.Created
	}
	n.Updated = max(n.Updated, n.Created)
	n.Stage = n.Last().Stage
	return n
}

// link is where a notice was read from: its own address, where that is one, else the page's.
func (m *maker) link(address string) string {
	if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(address) <= maxLink {
		return address
	}
	return m.found.From
}

// concerns notes that a notice is about a component, where the page still has it.
func (m *maker) concerns(n *status.Notice, id string) {
	if m.known[id] && !slices.Contains(n.Components, id) {
		n.Components = append(n.Components, id)
	}
}

func (m *maker) update(u *wire.Update, n *status.Notice) (made status.Update, ok bool) {
	made = status.Update{
		ID: m.id(cmp.Or(u.ID, n.ID+"/"+u.CreatedAt)), Stage: status.Stage(u.Status), Body: m.text(plain(u.Body), status.MaxBody, "an update"), Created: moment(u.CreatedAt), Updated: moment(u.UpdatedAt),
		Shown: moment(u.DisplayAt), Quiet: !u.DeliverNotifications,
	}
	if made.Created == 0 || !slices.Contains(n.Kind.Stages(), made.Stage) {
		m.left("an update of %q has no time, or is %q: it is left out", n.Title[m.language], u.Status)
		return made, false
	}
	if made.Shown == 0 {
		made.Shown = made.Created
	}
	made.Updated = max(made.Updated, made.Created)
	for _, a := range u.AffectedComponents {
		if !slices.Contains(status.States, a.NewStatus) {
			continue // an old form says here that there are none
		}
		affected := status.Affected{Component: m.id(a.Code), Name: a.Name, From: a.OldStatus, To: a.NewStatus}
		if !slices.Contains(status.States, affected.From) {
			affected.From = affected.To
		}
		made.Affected = append(made.Affected, affected)
		m.concerns(n, affected.Component)
	}
	return made, true
}

// settle computes what follows from the updates, and holds to what the page says of the impact and of what was told
// afterwards.
func (m *maker) settle(n *status.Notice, i *wire.Incident) {
	if n.Kind == status.Incident {
		for u := range n.Updates {
			if said := &n.Updates[u]; said.Stage == status.Postmortem && !said.Body.Empty() {
				n.Postmortem = &status.Account{Body: said.Body, Published: said.Created, Updated: said.Updated}
			}
		}
	}
	n.Settle()
	if n.Kind == status.Incident && n.Impact != i.Impact && slices.Contains(status.Impacts, i.Impact) {
		n.Override = i.Impact
		n.Settle()
	}
	m.doc.Notices = append(m.doc.Notices, *n)
}

// The bounds of texts and of a notice's updates, which the hub holds documents to.
const (
	maxTitle       = 255
	maxDescription = 2000
	maxUpdates     = 200
	maxLink        = 2000
)

// text is a text in the page's language, within its bound and without what is not text.
func (m *maker) text(text string, most int, what string) status.Text {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) > most {
		m.left("%s is longer than %d characters: it is cut", what, most)
		text = string([]rune(text)[:most-1]) + "…"
	}
	if text == "" {
		return nil
	}
	return status.Text{m.language: text}
}

// The markup that updates have on Statuspage, which shows it; the hub's pages show text.
var (
	breaks = regexp.MustCompile(`(?i)\s*(<br\s*/?>|</p>\s*<p>)\s*`)
	links  = regexp.MustCompile(`(?is)<a\s[^>]*href="(https?://[^"]*)"[^>]*>(.*?)</a>`)
)

// plain is an update's text without the markup that is common there.
func plain(body string) string {
	body = breaks.ReplaceAllString(body, "\n")
	return links.ReplaceAllStringFunc(body, func(link string) string {
		parts := links.FindStringSubmatch(link)
		if parts[1] == parts[2] {
			return parts[1]
		}
		return parts[2] + " (" + parts[1] + ")"
	})
}

// moment reads a time; none is 0.
func moment(text string) status.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return 0
	}
	return status.At(at)
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
