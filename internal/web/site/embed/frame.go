package embed

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/site"
)

//go:embed frame.html
var frameHTML string

//go:embed frame.css
var frameCSS string

//go:embed frame.js
var frameJS string

var frameTemplate = template.Must(template.New("frame").Parse(frameHTML))

// framed is what a frame shows.
type framed struct {
	Language, Theme, Name, NameLanguage, URL, Headline string
	State                                              status.State
	Shape                                              template.HTML
	Notices                                            []framedNotice
	AsOf, At, Time                                     string
	Style                                              template.CSS
	Script                                             template.JS
}

type framedNotice struct{ Kind, URL, Title, Language, When string }

// frame is the page for other sites' frames. It says of when it is, and looks anew every minute; without scripts it is of
// when it was loaded.
func frame(l *site.Look) (*site.Made, error) {
	s, err := summaryOf(l)
	if err != nil {
		return nil, err
	}
	style, known := frameStyle(l.Site()), l.Now.Add(-l.Stale)
	shown := framed{
		Language: l.Language, Theme: themes[max(0, slices.Index(themes, l.Query("theme")))], Name: s.Name.Text, NameLanguage: other(l, s.Name.In),
		URL: s.URL, Headline: s.Headline, State: l.Board.PageHeadline(l.Arg("section")).State, Shape: template.HTML(web.Shape(s.Look.Symbol)),
		AsOf: word(l, asOf), At: known.Time().Format("2006-01-02T15:04:05Z"), Time: l.Site().LocalTime(known), Style: template.CSS(style), Script: template.JS(frameJS),
	}
	for _, n := range open(l) {
		title := say(l, n.Title)
		shown.Notices = append(shown.Notices, framedNotice{
			word(l, n.Kind.Words()), l.Outside(l.Language, "/notices/"+n.ID), title.Text, other(l, title.In), whenOf(l, n),
		})
	}
	var b bytes.Buffer
	if err := frameTemplate.Execute(&b, shown); err != nil {
		return nil, fmt.Errorf("write a frame: %w", err)
	}
	return &site.Made{
		ContentType: "text/html; charset=utf-8", Body: b.Bytes(),
		Policy: "default-src 'none'; style-src " + hashOf(style) + "; script-src " + hashOf(frameJS) + "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors *",
	}, nil
}

// other is a language that is another than the page's, to be marked; else nothing.
func other(l *site.Look, language string) string {
	if language == l.Language {
		return ""
	}
	return language
}

var (
	asOf  = status.Text{"en": "As of", "da": "Pr.", "fr": "Au", "pl": "Stan na"}
	until = status.Text{"en": "until", "da": "til", "fr": "jusqu’au", "pl": "do"}
	by    = status.Text{"en": "by", "da": "senest", "fr": "avant le", "pl": "do"}
)

// whenOf is when a notice is over, or what it asks for is to be done.
func whenOf(l *site.Look, n *status.Notice) string {
	switch {
	case n.Deadline != 0:
		return word(l, by) + " " + l.Site().LocalTime(n.Deadline)
	case n.Kind == status.Planned:
		return word(l, until) + " " + l.Site().LocalTime(n.Ends)
	}
	return ""
}

// frameStyle has the colours of every state, on either ground, so that a frame that looks anew needs no other style.
func frameStyle(s *status.Site) string {
	light := "{--ground:" + status.LightPage + ";--ink:#1b222c;--quiet:#4d5866;--link:#1a4fa3;color-scheme:light}"
	dark := "{--ground:" + status.DarkPage + ";--ink:#eef1f5;--quiet:#aab4c1;--link:#9cc2ff;color-scheme:dark}"
	var b, night strings.Builder
	b.WriteString(":root" + light + "\n:root.dark" + dark + "\n")
	night.WriteString(":root.auto" + dark)
	for _, state := range append([]status.State{status.NoData}, status.States...) {
		look := s.Look(state)
		fmt.Fprintf(&b, ".%s{color:%s}.dark .%s{color:%s}\n", state, look.Light, state, look.Dark)
		fmt.Fprintf(&night, ".auto .%s{color:%s}", state, look.Dark)
	}
	return b.String() + "@media(prefers-color-scheme:dark){" + night.String() + "}\n" + frameCSS
}
