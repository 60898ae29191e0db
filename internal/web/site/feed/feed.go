// Package feed is what programs follow a status site by: RSS 2.0, Atom (RFC 4287), JSON Feed 1.1 and iCalendar (RFC 5545).
// Everything is made of a board alone, and of nothing else that changes: a reader that has it already is told so.
//
//   - history: one item for each incident and maintenance, updated in place, in Statuspage's own form, which its readers
//     take apart (history.go)
//   - updates: one entry for each thing that is said, of all kinds of notices (updates.go)
//   - bulletins: the same, of what concerns everything (D3, D24)
//   - state: one entry for each state, the first of which is how it is now (states.go; D21, D25)
//   - calendar: maintenances, and what is to be done by when (calendar.go)
//
// rss.go, atom.go, jsonfeed.go and icalendar.go write the forms. Put the leaves before those of pages: {id} in their
// patterns would match "{id}.rss" too.
package feed

import (
	"net/url"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// fresh is how long readers may keep a feed (D23): the ttl of RSS, what calendars are told, and what caches are.
const fresh = 5 * time.Minute

// most bounds the entries of a feed (requirements 3b).
const most = 50

// feed is one feed, whatever form it leaves in.
type feed struct {
	id       string // of Atom
	title    string
	about    string
	home     string // the address of the page that it is of
	self     string // its own, in the form it is asked for
	language string
	author   string
	site     string // the address of the site
	zone     *time.Location
	begun    status.Time // when its site was made: when an empty feed was last updated
	byLink   bool        // it is in Statuspage's form: an item's address is its guid, and Atom has no subtitle
	entries  []entry     // newest first
}

// entry is one thing of a feed.
type entry struct {
	id        string
	title     string
	language  string // that the title is in
	link      string
	published status.Time
	updated   status.Time
	html      string
	tags      []string
	ends      status.Time // of a maintenance, in Statuspage's form
}

// updated is when something in the feed last changed.
func (f *feed) updated() status.Time {
	last := f.begun
	for i := range f.entries {
		last = max(last, f.entries[i].updated)
	}
	return last
}

// form is one of the forms of a feed.
type form struct {
	ending      string
	contentType string
	write       func(*feed) ([]byte, error)
}

var forms = []form{
	{".rss", "application/rss+xml; charset=utf-8", writeRSS},
	{".atom", "application/atom+xml; charset=utf-8", writeAtom},
	{".json", "application/feed+json; charset=utf-8", writeJSON},
}

// Leaves are the feeds and calendars of every site.
func Leaves() []site.Leaf {
	var leaves []site.Leaf
	// Statuspage has another thing at /history.json.
	leaves = append(leaves, inForm("/history", forms[0], history), inForm("/history", forms[1], history))
	for _, f := range forms {
		leaves = append(leaves,
			inForm("/updates", f, updates), inForm("/{section}/updates", f, updates),
			inForm("/notices/{id}", f, updatesOfNotice),
			inForm("/bulletins", f, bulletins), inForm("/{section}/bulletins", f, bulletins),
			inForm("/state", f, state), inForm("/{section}/state", f, state),
			inForm("/components/{id}", f, stateOfComponent),
		)
	}
	return append(leaves,
		calendarLeaf("/calendar.ics", calendar), calendarLeaf("/{section}/calendar.ics", calendar),
		calendarLeaf("/components/{id}.ics", calendarOfComponent), calendarLeaf("/notices/{id}.ics", calendarOfNotice),
	)
}

// followed is a leaf that programs follow: everyone may read it from everywhere, and no cookie changes it.
func followed(pattern string, make func(*site.Look) (*site.Made, error)) site.Leaf {
	return site.Leaf{Pattern: pattern, Spoken: true, Steady: true, Shared: true, MaxAge: fresh, Make: make}
}

func inForm(pattern string, f form, gather func(*site.Look) (*feed, error)) site.Leaf {
	return followed(pattern+f.ending, func(l *site.Look) (*site.Made, error) {
		made, err := gather(l)
		if err != nil {
			return nil, err
		}
		made.self, made.language, made.zone, made.begun = l.Outside(l.Language, l.Path), l.Language, l.Site().Location(), l.Board.Created
		made.author, made.site = nameOf(l), l.Outside(l.Language, "/")
		body, err := f.write(made)
		return &site.Made{ContentType: f.contentType, Body: body}, err
	})
}

// nameOf is what the site is called in the language that is looked in.
func nameOf(l *site.Look) string { return say(l, l.Site().Title).line() }

// sectionOf is the section that is asked for, nil for the whole site, and what the feed is of, for its title.
func sectionOf(l *site.Look) (section *status.Section, name string, err error) {
	asked := l.Arg("section")
	if asked == "" {
		return nil, nameOf(l), nil
	}
	if section = l.Site().Section(asked); section == nil {
		return nil, "", site.Nothing()
	}
	return section, say(l, section.Title).line() + " – " + nameOf(l), nil
}

// componentOf is the component that is asked for.
func componentOf(l *site.Look) (*status.Standing, error) {
	if s := l.Board.Component(l.Arg("id")); s != nil {
		return s, nil
	}
	return nil, site.Nothing()
}

// hostOf is the name of the host in an address: the authority of tag URIs (RFC 4151).
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// pathOf is the path of an address.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// urn names something that is the same in every language and form, and whatever host the site is served at.
func urn(parts ...string) string {
	name := "urn:varsel:status"
	for _, part := range parts {
		if part != "" {
			name += ":" + part
		}
	}
	return name
}
