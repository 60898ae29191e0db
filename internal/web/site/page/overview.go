package page

import (
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// overview is the page of a site, or of one of its sections: how everything is, and what goes on.
type overview struct {
	*sheet
	Mark     mark
	Headline string
	Chips    []chip
	Running  []*card // incidents, and maintenances in progress
	Planned  []*card
	Messages []*card // actions, announcements, bulletins
	Past     []*card
	Parts    []part
	Search   search
}

// chip is one of the things that go on, in a few words, and the way to it.
type chip struct {
	Icon, Words, Link string
}

// search is what of the components is shown.
type search struct {
	Action  string
	Offered bool
	Asked   bool
	Words   string // that names must have in them
	Only    bool   // only what is affected
	Shown   string // how many are, in words
	None    string // why none is
	fold    string
}

// part is a section on a page.
type part struct {
	Name, Anchor string
	Title, About said
	Heading      bool // the section is named: the page is of more than one
	Mark         mark
	Headline     string
	Link, Follow string
	Rows         []row
	Groups       []group
}

// group is components that are read together. It is open where something is to be seen in it.
type group struct {
	Title, About said
	Mark         mark
	Count        string
	Uptime       string
	Open         bool
	Rows         []row
}

// row is a component.
type row struct {
	ID           string
	Link, Follow string
	Symbol       string
	Name, About  said
	Mark         mark
	Affected     bool
	Impact       said
	Reason       said
	Since        *stamp
	Bars         bars
	Notices      []link
}

// link is a way to a page.
type link struct {
	Title said
	Link  string
}

// pastDays is how long an overview shows what is over.
const pastDays = 14

// searched is how many components there are before a search is offered.
const searched = 6

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 100

func (p *Pages) overview(l *site.Look) (*site.Made, error) {
	name := l.Arg("section")
	path := "/" + name
	s := p.sheet(l, path)
	if name != "" {
		if s.Section = l.Site().Section(name); s.Section == nil {
			return nil, site.Nothing()
		}
		if about := s.text(s.Section.Description).Text; about != "" {
			s.About = about
		}
	}
	h := l.Board.PageHeadline(name)
	v := &overview{sheet: s, Mark: s.mark(h.State), Headline: s.speech.Headline(h)}
	s.Title = v.Headline
	if s.Section != nil {
		s.Title = s.Say("notice of", s.text(s.Section.Title).Text, v.Headline)
	}
	v.goingOn(name)
	v.Search = v.asked(path)
	v.parts(name)
	return p.render("overview", s, v)
}

// goingOn gathers the notices.
func (v *overview) goingOn(section string) {
	b := v.Board
	incidents, running := b.Open(section, status.Incident), b.Open(section, status.Planned)
	upcoming := b.Upcoming(section)
	actions, others := b.Open(section, status.Action), b.Open(section, status.Announcement, status.Bulletin)
	slices.SortStableFunc(actions, byDeadline)
	v.Running = append(v.cards(incidents), v.cards(running)...)
	v.Planned = v.cards(upcoming)
	v.Messages = append(v.cards(actions), v.cards(others)...)
	v.Past = v.cards(v.past(section))
	count := func(icon, key, anchor string, list []*status.Notice) {
		if len(list) > 0 {
			v.Chips = append(v.Chips, chip{"kind-" + icon, v.Say(key, len(list)), "#" + anchor})
		}
	}
	count("incident", "open incidents", "now", incidents)
	count("maintenance", "running maintenance", "now", running)
	count("maintenance", "planned maintenance", "planned", upcoming)
	count("action", "actions for you", "messages", actions)
	if n := unknown(b, section); n > 0 {
		v.Chips = append(v.Chips, chip{"question", v.Say("without data", n), "#components"})
	}
}

// unknown counts the components of which nothing is known.
func unknown(b *status.Board, section string) (n int) {
	for _, c := range b.In(section) {
		if c.State == status.NoData {
			n++
		}
	}
	return n
}

// byDeadline puts what is to be done first first.
func byDeadline(x, y *status.Notice) int {
	switch {
	case x.Deadline == y.Deadline:
		return 0
	case y.Deadline == 0 || x.Deadline != 0 && x.Deadline < y.Deadline:
		return -1
	}
	return 1
}

// past lists what ended of late, the newest first.
func (v *overview) past(section string) []*status.Notice {
	list := slices.DeleteFunc(v.Board.About(section), func(n *status.Notice) bool {
		return !n.Stage.Over() || v.Now.Sub(n.Over) > pastDays*24*time.Hour
	})
	slices.SortStableFunc(list, func(x, y *status.Notice) int { return int(min(1, max(-1, y.Over-x.Over))) })
	return list
}

// asked reads what is searched for.
func (v *overview) asked(path string) search {
	words := strings.TrimSpace(v.Query("q"))
	if len(words) > maxSearch {
		words = strings.ToValidUTF8(words[:maxSearch], "")
	}
	only := v.Query("only") == "affected"
	return search{Action: v.Link(path), Words: words, Only: only, Asked: words != "" || only, fold: fold(words)}
}

// fold makes names alike that differ by case or by accents only. The script does the same.
func fold(text string) string {
	return folding.Replace(strings.ToLower(text))
}

var folding = strings.NewReplacer(
	"à", "a", "â", "a", "ä", "a", "å", "a", "ą", "a", "á", "a", "æ", "ae", "ç", "c", "ć", "c", "è", "e", "é", "e", "ê", "e", "ë", "e", "ę", "e",
	"î", "i", "ï", "i", "í", "i", "ł", "l", "ń", "n", "ô", "o", "ö", "o", "ó", "o", "ø", "o", "œ", "oe", "ś", "s", "ù", "u", "û", "u", "ü", "u", "ú", "u",
	"ý", "y", "ź", "z", "ż", "z", "’", "'",
)

// wants reports whether a component is shown.
func (q *search) wants(r *row) bool {
	return (!q.Only || r.Affected) && strings.Contains(fold(r.Name.Text), q.fold)
}

// parts gathers the components, section by section.
func (v *overview) parts(name string) {
	all, shown := 0, 0
	keep := func(rows []row) []row {
		all += len(rows)
		rows = slices.DeleteFunc(rows, func(r row) bool { return !v.Search.wants(&r) })
		shown += len(rows)
		return rows
	}
	sections := v.Site().Sections
	for i := range sections {
		section := &sections[i]
		if name != "" && section.Name != name {
			continue
		}
		pt := v.part(section, name == "" && len(sections) > 1)
		pt.Rows = keep(v.rows(section.Components))
		for j := range section.Groups {
			g := v.group(&section.Groups[j])
			if g.Rows = keep(g.Rows); len(g.Rows) > 0 {
				g.Open = g.Open || v.Search.Asked || len(section.Groups) == 1 && len(section.Components) == 0
				pt.Groups = append(pt.Groups, g)
			}
		}
		if len(pt.Rows)+len(pt.Groups) > 0 {
			v.Parts = append(v.Parts, pt)
		}
	}
	v.Search.Offered = all >= searched || v.Search.Asked
	if v.Search.Asked {
		v.Search.Shown = v.Say("shown of", shown, all)
	}
	switch {
	case shown > 0:
	case all == 0:
		v.Search.None = v.Say("no components")
	case v.Search.Words == "":
		v.Search.None = v.Say("none affected")
	default:
		v.Search.None = v.Say("nothing found")
	}
}

func (v *overview) part(section *status.Section, heading bool) part {
	h := v.Board.PageHeadline(section.Name)
	return part{
		Name: section.Name, Anchor: "in-" + section.Name, Title: v.text(section.Title), About: v.text(section.Description), Heading: heading,
		Mark: v.mark(h.State), Headline: v.speech.Headline(h), Link: v.Link("/" + section.Name), Follow: v.Link("/follow") + "#in-" + section.Name,
	}
}

// rows are the components that are shown.
func (s *sheet) rows(components []status.Component) []row {
	var list []row
	for i := range components {
		if c := s.Board.Component(components[i].ID); c != nil && c.Shown() {
			list = append(list, s.row(c))
		}
	}
	return list
}

func (s *sheet) group(g *status.Group) group {
	v := group{Title: s.text(g.Title), About: s.text(g.Description), Rows: s.rows(g.Components)}
	state, affected := status.NoData, 0
	var all []*status.Standing
	for i := range g.Components {
		if c := s.Board.Component(g.Components[i].ID); c != nil {
			all = append(all, c)
		}
	}
	for i := range v.Rows {
		if v.Rows[i].Affected {
			affected++
		}
	}
	state = s.Board.GroupState(g)
	if state == status.Operational && affected > 0 {
		state = status.NoData // of some nothing is known, which is never shown as up
	}
	v.Mark, v.Uptime, v.Open = s.mark(state), s.mean(all), affected > 0
	v.Count = s.Say("n components", len(v.Rows))
	if affected > 0 {
		v.Count = s.Say("n affected", affected, len(v.Rows))
	}
	return v
}

func (s *sheet) row(c *status.Standing) row {
	r := row{
		ID: c.ID, Link: s.Link("/components/" + c.ID), Symbol: c.Symbol, Name: s.text(c.Title), About: s.text(c.Description),
		Mark: s.mark(c.State), Affected: c.State != status.Operational, Bars: s.bars(c),
	}
	r.Follow = r.Link + "#follow"
	if r.Affected {
		r.Impact, r.Reason, r.Since = s.text(c.Component.Impact), s.text(c.Reason), s.moment(c.Since)
		for _, n := range s.Board.Open("", status.Incident, status.Planned) {
			if slices.Contains(n.Components, c.ID) {
				r.Notices = append(r.Notices, link{s.text(n.Title), s.Link("/notices/" + n.ID)})
			}
		}
	}
	return r
}

// SectionTitle is the title of the section that the page is of.
func (v *overview) SectionTitle() said { return v.text(v.Section.Title) }
