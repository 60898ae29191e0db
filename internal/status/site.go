package status

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// Site is a status site: what stands on it, and how it looks. It is put whole. Where an id is left out the hub draws it,
// or keeps the one that the thing of the same name had; ids never change.
type Site struct {
	Name        string    `json:"name"` // slug: /NAME/ is where it is served
	ID          string    `json:"id,omitempty"`
	Title       Text      `json:"title"`
	Description Text      `json:"description,omitempty"`
	Hosts       []string  `json:"hosts,omitempty"` // host names at which it is served at /
	Zone        string    `json:"zone"`            // IANA name, such as Europe/Copenhagen: days begin there
	Languages   []string  `json:"languages"`       // the first is what is shown to who asks for none
	Environment string    `json:"environment,omitempty"`
	Private     bool      `json:"private,omitempty"` // not on the chooser, and not to be found by search engines
	SupportURL  string    `json:"supportUrl,omitempty"`
	Sections    []Section `json:"sections"`
	Theme       Theme     `json:"theme,omitzero"`
	Weights     *Weights  `json:"weights,omitempty"` // of the uptime; none: 0.3 of a partial outage, 1 of a major one
	V2          V2        `json:"v2,omitzero"`
	Subscribe   bool      `json:"subscribe,omitempty"` // new subscriptions choose it unasked: PROD yes, DEMO no
	loc         *time.Location
}

// V2 says what the Statuspage API shows of what it has no word for.
type V2 struct {
	// Messages shows actions, announcements and bulletins as incidents without impact. They are left out by default: clients
	// turn a service red for any open incident.
	Messages bool `json:"messages,omitempty"`
}

// Section is a part of a site with a page of its own: CRM, ERP.
type Section struct {
	Name        string      `json:"name"` // slug
	Title       Text        `json:"title"`
	Description Text        `json:"description,omitempty"`
	Groups      []Group     `json:"groups,omitempty"`
	Components  []Component `json:"components,omitempty"` // those of no group; they stand first
}

// Group is components that are read together.
type Group struct {
	ID          string      `json:"id,omitempty"`
	Title       Text        `json:"title"`
	Description Text        `json:"description,omitempty"`
	Components  []Component `json:"components"`
}

// Component is what is up or down (D11).
type Component struct {
	ID             string `json:"id,omitempty"`
	Title          Text   `json:"title"`
	Description    Text   `json:"description,omitempty"`
	Impact         Text   `json:"impact,omitempty"`    // what people lose while it is down
	Symbol         string `json:"symbol,omitempty"`    // what it is shown with besides its name
	StartDate      string `json:"startDate,omitempty"` // YYYY-MM-DD: its uptime counts from then on
	Showcase       bool   `json:"showcase,omitempty"`
	OnlyIfDegraded bool   `json:"onlyShowIfDegraded,omitempty"` // hidden while it is operational
	Hub            string `json:"hub,omitempty"`                // what of this hub it stands for: source/NAME, endpoint/SYSTEM, lag or hub
	Created        Time   `json:"created,omitzero"`             // the hub's
	Updated        Time   `json:"updated,omitzero"`             // the hub's: when this document last changed
}

// HubParts are what of the hub itself a component may stand for: "source/NAME", "endpoint/SYSTEM", "lag", "hub".
var HubParts = []string{"source", "endpoint", "lag", "hub"}

// Symbols are what a component may be shown with besides its name.
var Symbols = []string{"server", "database", "network", "people", "mail", "file", "search", "clock", "key", "tool", "phone", "api", "report", "lock", "cloud", "web"}

// Theme says what the states are called and look like. What is left out is the hub's own.
type Theme struct {
	States map[State]Look `json:"states,omitempty"`
	Accent string         `json:"accent,omitempty"` // #rrggbb
}

// Look is one state's name, colours and symbol.
type Look struct {
	Name   Text   `json:"name,omitempty"`
	Light  string `json:"light,omitempty"`  // #rrggbb on the light page: at least 3:1 against white (WCAG 1.4.11)
	Dark   string `json:"dark,omitempty"`   // #rrggbb on the dark page
	Symbol string `json:"symbol,omitempty"` // the shape beside its colour
}

// StateSymbols are the shapes a state may have. Colour is never alone (D4, WCAG 1.4.1).
var StateSymbols = []string{"check", "wrench", "minus", "triangle", "half", "cross", "dot", "square", "question"}

// Weights are what a second in a state costs of the uptime, from 0 to 1.
type Weights struct {
	Maintenance float64 `json:"maintenance"`
	Degraded    float64 `json:"degraded"`
	Partial     float64 `json:"partial"`
	Major       float64 `json:"major"`
}

// DefaultWeights are Statuspage's (reference 2.3).
var DefaultWeights = Weights{Partial: 0.3, Major: 1}

// Of is what a second in a state costs.
func (w *Weights) Of(s State) float64 {
	switch s {
	case Maintenance:
		return w.Maintenance
	case Degraded:
		return w.Degraded
	case PartialOutage:
		return w.Partial
	case MajorOutage:
		return w.Major
	}
	return 0
}

// Uptime is the site's weights.
func (s *Site) Uptime() *Weights {
	if s.Weights != nil {
		return s.Weights
	}
	return &DefaultWeights
}

// Location is the site's zone.
func (s *Site) Location() *time.Location {
	if s.loc == nil {
		loc, err := time.LoadLocation(s.Zone)
		if err != nil {
			loc = time.UTC // Check refuses a zone that is not known
		}
		return loc
	}
	return s.loc
}

// Prepare reads the zone, once, so that it need not be looked up again.
func (s *Site) Prepare() { s.loc = s.Location() }

// Say is a text in a language of the site, or in the next best.
func (s *Site) Say(t Text, language string) (text, in string) { return t.In(language, s.Languages...) }

// Section finds a section by its name, or nil.
func (s *Site) Section(name string) *Section {
	for i := range s.Sections {
		if s.Sections[i].Name == name {
			return &s.Sections[i]
		}
	}
	return nil
}

// Each calls visit for every component in the order of the page; group is nil for those of none.
func (s *Site) Each(visit func(section *Section, group *Group, c *Component)) {
	for i := range s.Sections {
		section := &s.Sections[i]
		for j := range section.Components {
			visit(section, nil, &section.Components[j])
		}
		for j := range section.Groups {
			group := &section.Groups[j]
			for k := range group.Components {
				visit(section, group, &group.Components[k])
			}
		}
	}
}

// Component finds a component by its id, or nil.
func (s *Site) Component(id string) (found *Component) {
	s.Each(func(_ *Section, _ *Group, c *Component) {
		if c.ID == id && id != "" {
			found = c
		}
	})
	return found
}

// SourceName and SourceURI are the site as a source of events.
func SourceName(site string) string { return "varsel-site-" + site }

// SourceURI is the CloudEvents source of a site's events.
func SourceURI(site string) string { return "urn:varsel:site:" + site }

// Reserved are the first segments of paths that no site is called: the hub's own.
var Reserved = []string{
	"admin", "api", "docs", "feeds", "oauth", "portal", "healthz", "readyz", "metrics", "node", "now", "registers", "static", "assets", "favicon", "robots", "sitemap",
	"system", "embed", "sites", "history", "components", "notices", "subscribe", "subscriptions",
	"calendar", "follow", "language", "search", "state", "theme", "updates", "bulletins", "da", "en", "fr", "pl",
	"new", "sign-in", "sign-out",
}

// Bounds of a site.
const (
	MaxComponents  = 2000
	maxSections    = 50
	maxHosts       = 20
	maxTitle       = 255   // characters: name in Statuspage's v1 specification
	maxDescription = 2000  // characters
	MaxBody        = 25000 // characters: body in Statuspage's v1 specification
)

func number(n int) string { return strconv.Itoa(n) }

// Check lists every rule that the document breaks by itself.
func (s *Site) Check() []fault.Violation {
	c := siteCheck{site: s, ids: map[string]bool{}, names: map[string]bool{}}
	c.head()
	if len(s.Sections) == 0 || len(s.Sections) > maxSections {
		c.refuse("/sections", "length", "want 1 to "+number(maxSections)+" sections")
	}
	for i := range s.Sections {
		c.section("/sections/"+number(i), &s.Sections[i])
	}
	if c.components > MaxComponents {
		c.refuse("/sections", "length", "want at most "+number(MaxComponents)+" components")
	}
	c.theme()
	c.weights()
	return c.found
}

type siteCheck struct {
	check
	site       *Site
	ids, names map[string]bool
	components int
}

func (c *siteCheck) head() {
	s := c.site
	switch {
	case !isSlug(s.Name):
		c.refuse("/name", "slug", "use 1 to "+number(maxSlug)+" of a-z, 0-9 and -, beginning with a letter")
	case slices.Contains(Reserved, s.Name):
		c.refuse("/name", "reserved", "is a path of the hub's own")
	}
	c.id("/id", s.ID)
	if len(s.Languages) == 0 {
		c.refuse("/languages", "required", "name at least one of "+strings.Join(Languages, ", "))
	}
	for i, language := range s.Languages {
		switch {
		case !slices.Contains(Languages, language):
			c.refuse("/languages/"+number(i), "enum", "use one of "+strings.Join(Languages, ", "))
		case slices.Contains(s.Languages[:i], language):
			c.refuse("/languages/"+number(i), "unique", "is listed twice")
		}
	}
	c.words("/title", s.Title, maxTitle, true)
	c.words("/description", s.Description, maxDescription, false)
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "" || s.Zone == "Local" {
		c.refuse("/zone", "zone", "want an IANA time zone, such as Europe/Copenhagen")
	}
	if len(s.Hosts) > maxHosts {
		c.refuse("/hosts", "length", "want at most "+number(maxHosts))
	}
	for i, host := range s.Hosts {
		switch {
		case !isHost(host):
			c.refuse("/hosts/"+number(i), "host", "want a host name in lower case, without port, such as status.example.dk")
		case slices.Contains(s.Hosts[:i], host):
			c.refuse("/hosts/"+number(i), "unique", "is listed twice")
		}
	}
	if s.SupportURL != "" && !isWeb(s.SupportURL) {
		c.refuse("/supportUrl", "url", "want an https or http address, or mailto:")
	}
}

func isHost(host string) bool {
	if len(host) == 0 || len(host) > 253 || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 2000 && (u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && u.Host != "" || u.Scheme == "mailto" && u.Opaque != "")
}

func (c *siteCheck) words(pointer string, t Text, most int, required bool) {
	c.text(pointer, t, most, required, c.site.Languages)
}

func (c *siteCheck) id(pointer, id string) {
	switch {
	case id == "":
	case !IsID(id):
		c.refuse(pointer, "id", "want 12 of a-z and 0-9; leave it out, the hub draws it")
	case c.ids[id]:
		c.refuse(pointer, "unique", "is the id of something before it")
	}
	c.ids[id] = true
}

func (c *siteCheck) section(at string, s *Section) {
	switch {
	case !isSlug(s.Name):
		c.refuse(at+"/name", "slug", "use 1 to "+number(maxSlug)+" of a-z, 0-9 and -, beginning with a letter")
	case slices.Contains(Reserved, s.Name):
		c.refuse(at+"/name", "reserved", "is a path of the site's own")
	case c.names[s.Name]:
		c.refuse(at+"/name", "unique", "is the name of a section before it")
	}
	c.names[s.Name] = true
	c.words(at+"/title", s.Title, maxTitle, true)
	c.words(at+"/description", s.Description, maxDescription, false)
	for i := range s.Components {
		c.component(at+"/components/"+number(i), &s.Components[i])
	}
	for i := range s.Groups {
		g, at := &s.Groups[i], at+"/groups/"+number(i)
		c.id(at+"/id", g.ID)
		c.words(at+"/title", g.Title, maxTitle, true)
		c.words(at+"/description", g.Description, maxDescription, false)
		if len(g.Components) == 0 {
			c.refuse(at+"/components", "required", "a group has at least one component")
		}
		for j := range g.Components {
			c.component(at+"/components/"+number(j), &g.Components[j])
		}
	}
}

func (c *siteCheck) component(at string, k *Component) {
	c.components++
	c.id(at+"/id", k.ID)
	c.words(at+"/title", k.Title, maxTitle, true)
	c.words(at+"/description", k.Description, maxDescription, false)
	c.words(at+"/impact", k.Impact, maxDescription, false)
	if k.Symbol != "" && !slices.Contains(Symbols, k.Symbol) {
		c.refuse(at+"/symbol", "enum", "use one of "+strings.Join(Symbols, ", "))
	}
	if k.StartDate != "" {
		if _, err := time.Parse(time.DateOnly, k.StartDate); err != nil {
			c.refuse(at+"/startDate", "date", "want YYYY-MM-DD")
		}
	}
	if k.Hub != "" {
		if part, name, named := strings.Cut(k.Hub, "/"); !slices.Contains(HubParts, part) || named == (part == "lag" || part == "hub") || named && name == "" {
			c.refuse(at+"/hub", "part", "want source/NAME, endpoint/SYSTEM, lag or hub")
		}
	}
}

func (c *siteCheck) weights() {
	w := c.site.Weights
	if w == nil {
		return
	}
	for _, one := range []struct {
		name  string
		value float64
	}{{"maintenance", w.Maintenance}, {"degraded", w.Degraded}, {"partial", w.Partial}, {"major", w.Major}} {
		if !(one.value >= 0 && one.value <= 1) {
			c.refuse("/weights/"+one.name, "range", "want 0 to 1")
		}
	}
}
