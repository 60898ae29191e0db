package page

import (
	"github.com/varselhub/varsel/internal/web/site"
)

// chooser is the hub's own address: the sites to choose from (D16), or what this is where there are none.
type chooser struct {
	*sheet
	Choices []choiceOfSite
	Live    string
}

// choiceOfSite is a site with its sections.
type choiceOfSite struct {
	neighbour
	About    said
	Sections []tab
}

func (p *Pages) chooser(l *site.Look) (*site.Made, error) {
	s := p.sheet(l, "/")
	v := &chooser{sheet: s, Live: p.opts.Live}
	s.About = s.Say("chooser lead")
	for i, n := range s.neighbours() {
		board := l.Sites[i]
		about, in := board.Site.Say(board.Site.Description, s.Language)
		if in == s.Language {
			in = ""
		}
		one := choiceOfSite{neighbour: n, About: said{about, in}}
		if len(board.Site.Sections) > 1 {
			for j := range board.Site.Sections {
				section := &board.Site.Sections[j]
				title, in := board.Site.Say(section.Title, s.Language)
				if in == s.Language {
					in = ""
				}
				h := board.PageHeadline(section.Name)
				m := markOf(board.Site.Look(h.State), h.State, s.Language)
				one.Sections = append(one.Sections, tab{said{title, in}, n.Link + section.Name, &m, s.speech.Headline(h), false})
			}
		}
		v.Choices = append(v.Choices, one)
	}
	if len(v.Choices) == 0 {
		s.Title, s.About = s.Say("no sites title"), s.Say("no sites what")
	}
	return p.render("chooser", s, v)
}

// Sample is a document that makes a site, in the language of the page.
func (v *chooser) Sample() string {
	lang := v.Language
	return `{
  "title": {"` + lang + `": "` + v.Say("no sites services") + `"},
  "zone": "Europe/Copenhagen",
  "languages": ["` + lang + `"],
  "sections": [{
    "name": "services",
    "title": {"` + lang + `": "` + v.Say("no sites services") + `"},
    "components": [{"title": {"` + lang + `": "` + v.Say("no sites search") + `"}}]
  }]
}`
}
