package page

import (
	"fmt"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// feed is an address to copy.
type feed struct {
	Name   said
	URL    string
	Type   string // media type
	Form   string // how the form is called
	Anchor string
}

// The forms that feeds have. Their names are the same in every language.
const (
	rss      = "application/rss+xml"
	atom     = "application/atom+xml"
	jsonFeed = "application/feed+json"
	ical     = "text/calendar"
	jsonText = "application/json"
	svg      = "image/svg+xml"
	htmlText = "text/html"
)

var formOf = map[string]string{rss: "RSS", atom: "Atom", jsonFeed: "JSON Feed", ical: "iCalendar", jsonText: "JSON", svg: "SVG", htmlText: "HTML"}

func (s *sheet) feed(name said, path, mediaType string) feed {
	return feed{Name: name, URL: s.Outside(s.Language, path), Type: mediaType, Form: formOf[mediaType]}
}

// siteFeeds are those that most should follow, which the head of every page names: the state, and the general messages
// (D22), then all notices.
func (s *sheet) siteFeeds() []feed {
	return []feed{
		s.feed(said{Text: s.Say("feed state")}, "/state.rss", rss),
		s.feed(said{Text: s.Say("feed bulletins")}, "/bulletins.rss", rss),
		s.feed(said{Text: s.Say("feed history")}, "/history.atom", atom),
	}
}

// sectionFeeds are those of a section: its state, and what is said of it.
func (s *sheet) sectionFeeds(section *status.Section) []feed {
	title, path := s.text(section.Title), "/"+section.Name
	of := func(key string) said { return said{Text: s.Say("notice of", title, s.Say(key))} }
	state := s.feed(said{Text: s.Say("feed state of", title)}, path+"/state.rss", rss)
	state.Anchor = "in-" + section.Name
	return []feed{
		state, s.feed(of("feed bulletins"), path+"/bulletins.rss", rss), s.feed(of("feed updates"), path+"/updates.rss", rss),
		s.feed(of("feed calendar"), path+"/calendar.ics", ical),
	}
}

// componentFeeds are those of one component.
func (s *sheet) componentFeeds(c *status.Standing) []feed {
	path, state := "/components/"+c.ID, said{Text: s.Say("feed state of", s.text(c.Title))}
	return []feed{
		s.feed(state, path+".rss", rss), s.feed(state, path+".atom", atom), s.feed(state, path+".json", jsonFeed),
		s.feed(said{Text: s.Say("feed calendar one")}, path+".ics", ical),
	}
}

// followPage lists every address that can be followed, and how.
type followPage struct {
	*sheet
	Recommended []feed
	All         []feed
	Sections    []feed
	Components  []followed
	Programs    []feed
	Pages       []feed
}

// followed is a component's feeds.
type followed struct {
	Name  said
	Link  string
	Place said
	Feeds []feed
}

func (p *Pages) follow(l *site.Look) (*site.Made, error) {
	s := p.sheet(l, "/follow")
	s.Title = s.Say("follow title")
	v := &followPage{sheet: s, Recommended: s.Feeds[:2:2]}
	history, updates := said{Text: s.Say("feed history")}, said{Text: s.Say("feed updates")}
	v.All = []feed{
		s.feed(updates, "/updates.rss", rss), s.feed(updates, "/updates.atom", atom), s.feed(updates, "/updates.json", jsonFeed),
		s.feed(history, "/history.rss", rss), s.feed(history, "/history.atom", atom),
		s.feed(said{Text: s.Say("feed calendar")}, "/calendar.ics", ical),
	}
	v.Programs = []feed{{Name: said{Text: s.Say("feed api")}, URL: l.URL + "/api/v2/summary.json", Type: jsonText, Form: formOf[jsonText]}}
	v.Pages = []feed{s.feed(said{Text: s.Say("feed badge")}, "/embed/badge.svg", svg), s.feed(said{Text: s.Say("feed frame")}, "/embed/frame", htmlText)}
	if sections := l.Site().Sections; len(sections) > 1 {
		for i := range sections {
			v.Sections = append(v.Sections, s.sectionFeeds(&sections[i])...)
		}
	}
	for _, c := range l.Board.Components {
		if !c.Shown() {
			continue
		}
		one := followed{Name: s.text(c.Title), Link: s.Link("/components/"+c.ID) + "#follow", Feeds: s.componentFeeds(c)}
		if len(l.Site().Sections) > 1 {
			one.Place = s.text(c.Section.Title)
		}
		v.Components = append(v.Components, one)
	}
	return p.render("follow", s, v)
}

// OutlookSteps and WidgetSteps are how to follow there (D24b).
func (s *sheet) OutlookSteps() []string { return s.howTo("outlook", 6) }

// WidgetSteps see OutlookSteps.
func (s *sheet) WidgetSteps() []string { return s.howTo("widget", 4) }

func (s *sheet) howTo(where string, steps int) []string {
	var list []string
	for i := range steps {
		list = append(list, s.Say(fmt.Sprintf("%s %d", where, i+1)))
	}
	return list
}

// startOf is the day that a component's clock starts with, where one is given and the bars may show it.
func startOf(c *status.Standing, s *sheet) (string, error) {
	day, err := time.ParseInLocation(time.DateOnly, c.Component.StartDate, s.zone())
	if err != nil {
		return "", err
	}
	return s.Date(day), nil
}
