package page

import (
	"slices"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// componentPage is one component: how it is, how it was, what was said of it, and how to follow it.
type componentPage struct {
	*sheet
	Row     row
	Impact  said // what people lose while it is down, whether or not it is
	Source  string
	Place   []link // its section and group
	Counted string
	Notices []*card
	Weights []string
}

// mostNotices bounds how many notices a component's page shows.
const mostNotices = 20

// words of what set a state, where people gain by knowing.
var causes = map[status.Cause]string{status.ByMonitor: "cause monitor", status.ByHand: "cause manual", status.ByHub: "cause hub"}

func (p *Pages) component(l *site.Look) (*site.Made, error) {
	c := l.Board.Component(l.Arg("id"))
	if c == nil {
		return nil, site.Nothing()
	}
	s := p.sheet(l, "/components/"+c.ID)
	v := &componentPage{sheet: s, Row: s.row(c), Impact: s.text(c.Component.Impact), Weights: s.weights()}
	v.Row.Since = s.moment(c.Since)
	s.Title = s.Say("notice of", v.Row.Name.Text, v.Row.Mark.Word.Text)
	if about := v.Row.About.Text; about != "" {
		s.About = about
	}
	s.Feeds = append(s.componentFeeds(c), s.Feeds...)
	if n := len(c.Spans); n > 0 && v.Row.Affected {
		if key := causes[c.Spans[n-1].Cause]; key != "" {
			v.Source = s.Say(key)
		}
	}
	if len(s.Site().Sections) > 1 {
		v.Place = append(v.Place, link{s.text(c.Section.Title), s.Link("/" + c.Section.Name)})
	}
	if c.Group != nil {
		v.Place = append(v.Place, link{Title: s.text(c.Group.Title)})
	}
	if day, err := startOf(c, s); err == nil {
		v.Counted = day
	}
	for _, n := range l.Board.Notices {
		if slices.Contains(n.Components, c.ID) && n.Stage != status.Coming && len(v.Notices) < mostNotices {
			v.Notices = append(v.Notices, s.card(n))
		}
	}
	return p.render("component", s, v)
}

// ComponentFeeds are the feeds of this one.
func (v *componentPage) ComponentFeeds() []feed { return v.componentFeeds(v.Board.Component(v.Row.ID)) }

// weights are how the uptime is counted, in sentences.
func (s *sheet) weights() []string {
	list := []string{s.Say("weight whole90", s.ZoneName())}
	for _, state := range []status.State{status.MajorOutage, status.PartialOutage, status.Degraded, status.Maintenance} {
		list = append(list, s.weight(state))
	}
	return append(list, s.Say("weight unknown"))
}

// HowCounted is how the uptime is counted, in sentences.
func (s *sheet) HowCounted() []string { return s.weights() }
