// Package embed is what other sites show of a status site: a badge, an SVG to be put where a picture may be (badge.go); a
// line that a script draws (widget.js, from what widget.go answers); and a page for a frame (frame.go).
//
// All of it is made of a board alone. Put the leaves before those of pages.
package embed

import (
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// fresh is how long what shows the state may be kept; the widget and the frame look anew every minute.
const fresh = 30 * time.Second

// Leaves are what can be embedded of every site.
func Leaves() []site.Leaf {
	shown := site.Leaf{Spoken: true, Steady: true, Shared: true, MaxAge: fresh}
	leaf := func(pattern string, make func(*site.Look) (*site.Made, error), query ...string) site.Leaf {
		one := shown
		one.Pattern, one.Make, one.Query = pattern, make, query
		return one
	}
	framed := func(pattern string) site.Leaf {
		one := leaf(pattern, frame, "theme")
		one.Framed = true
		return one
	}
	script := site.Leaf{Pattern: "/embed/widget.js", Shared: true, MaxAge: 5 * time.Minute, Make: widgetScript}
	return []site.Leaf{
		script,
		leaf("/embed/badge.svg", badgeOfSection, "theme"), leaf("/embed/{section}/badge.svg", badgeOfSection, "theme"),
		leaf("/embed/components/{id}.svg", badgeOfComponent, "theme"),
		leaf("/embed/state.json", widgetState), leaf("/embed/{section}/state.json", widgetState),
		framed("/embed/frame"), framed("/embed/{section}/frame"),
	}
}

// said is a text with the language that it is really in.
type said struct{ Text, In string }

func say(l *site.Look, t status.Text) said {
	text, in := l.Site().Say(t, l.Language)
	return said{strings.Join(strings.Fields(text), " "), in}
}

// word is one of the hub's own words in the language that is looked in.
func word(l *site.Look, t status.Text) string {
	text, _ := t.In(l.Language, status.English)
	return text
}

// summary is a site, or a section of it, in one line.
type summary struct {
	Name     said
	Headline string
	Look     status.Look
	URL      string
}

// summaryOf is that of the section that is asked for, or of the whole site.
func summaryOf(l *site.Look) (*summary, error) {
	asked := l.Arg("section")
	name, path := l.Site().Title, "/"
	if asked != "" {
		section := l.Site().Section(asked)
		if section == nil {
			return nil, site.Nothing()
		}
		name, path = section.Title, "/"+section.Name
	}
	headline := l.Board.PageHeadline(asked)
	return &summary{say(l, name), word(l, headline.Words()), l.Site().Look(headline.State), l.Outside(l.Language, path)}, nil
}

// mostNotices bounds how many notices are shown: the rest is on the page.
const mostNotices = 5

// open are the notices that are current, those first that disturb.
func open(l *site.Look) (list []*status.Notice) {
	for _, kind := range status.Kinds {
		list = append(list, l.Board.Open(l.Arg("section"), kind)...)
	}
	return list[:min(len(list), mostNotices)]
}

// themes that may be asked for; the first is what nobody asks for.
var themes = []string{"light", "dark", "auto"}
