package page

import (
	"html/template"
	"regexp"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// sheet is what every page has: its head, its top and its foot. The pages' own views embed it.
type sheet struct {
	speech
	*site.Look
	p *Pages

	Title   string // of the document, without the site's
	About   string // the description in its head
	Current string // path of the page, in the site and without the language
	Section *status.Section
	Feeds   []feed // that the head names
	Lost    bool   // there is nothing here: it is not to be found again either
}

func (p *Pages) sheet(l *site.Look, path string) *sheet {
	s := &sheet{speech: speechOf(l.Language), Look: l, p: p, Current: path}
	if l.Board != nil {
		s.Feeds = s.siteFeeds()
		s.About = s.text(l.Site().Description).Text
	}
	return s
}

// said is a text, with its language where that is another than the page's (WCAG 3.1.2).
type said struct{ Text, Lang string }

// text is a text of the site in the page's language, or the next best.
func (s *sheet) text(t status.Text) said {
	text, in := t.In(s.Language)
	if s.Board != nil {
		text, in = s.Site().Say(t, s.Language)
	}
	if in == s.Language || text == "" {
		in = ""
	}
	return said{text, in}
}

// SiteTitle is what the site is called.
func (s *sheet) SiteTitle() said {
	if s.Board == nil {
		return said{Text: s.Say("chooser title")}
	}
	return s.text(s.Site().Title)
}

// Lang is the page's language.
func (s *sheet) Lang() string { return s.Language }

// HeadTitle is the document's title: what it is about comes first, for tabs are narrow.
func (s *sheet) HeadTitle() string {
	switch title := s.SiteTitle().Text; {
	case s.Title == "":
		return title
	default:
		return s.Title + " – " + title
	}
}

// Issued is when the page was made.
func (s *sheet) Issued() string { return rfc3339(s.Now) }

// Canonical is the page's address.
func (s *sheet) Canonical() string { return s.Outside(s.Language, s.Current) }

// NoIndex reports whether search engines are to leave the page alone.
func (s *sheet) NoIndex() bool { return s.Lost || s.Board != nil && s.Site().Private }

// tongue is one choice of the language switch.
type tongue struct {
	Lang, Name string
	Link       string // chooses it and comes back
	Outside    string // the page in it
	Chosen     bool
}

// Tongues are the languages that the page is in.
func (s *sheet) Tongues() []tongue {
	languages := status.Languages
	if s.Board != nil {
		languages = s.Site().Languages
	}
	var list []tongue
	for _, lang := range languages {
		list = append(list, tongue{lang, nameOf[lang], s.Base + "/language/" + lang + "?to=" + template.URLQueryEscaper(s.Current), s.Outside(lang, s.Current), lang == s.Language})
	}
	return list
}

// TongueName is what the page's language calls itself.
func (s *sheet) TongueName() string { return nameOf[s.Language] }

// choice is one choice of a switch.
type choice struct {
	Name, Word, Link string
	Chosen           bool
}

// Themes are the choices of the theme switch.
func (s *sheet) Themes() []choice {
	var list []choice
	for _, theme := range site.Themes {
		to := strings.TrimPrefix(s.Link(s.Current), s.Base)
		list = append(list, choice{theme, s.Say("theme " + theme), s.Base + "/theme/" + theme + "?to=" + template.URLQueryEscaper(to), theme == s.Theme})
	}
	return list
}

// Stylesheet, Script and Icon are where the page's own files are.
func (s *sheet) Stylesheet() string {
	return s.Base + "/assets/style." + stampOf(colours(s.Look)+s.p.style) + ".css"
}

// Script is where the script is.
func (s *sheet) Script() string { return s.Base + "/assets/script." + s.p.stamp + ".js" }

// Icon is where the icon of the site's state is.
func (s *sheet) Icon() string {
	state := status.Operational
	if s.Board != nil {
		state = s.Board.PageHeadline("").State
	}
	return s.Base + "/assets/icon." + string(state) + ".svg"
}

// Known is what the read API says of the site as the page shows it: when it differs, something has changed.
func (s *sheet) Known() string {
	return status.Millis(s.Board.Updated, s.Site().Location()) + " " + s.Board.Headline("").Description
}

// StaleFor is how old what is known is, in words, where people should know.
func (s *sheet) StaleFor() string {
	if s.Stale < time.Minute {
		return ""
	}
	return s.Long(s.Stale)
}

// tab is one way to go from the top of the page.
type tab struct {
	Title   said
	Link    string
	Mark    *mark
	Hear    string // how it is there, for who does not see the mark
	Current bool
}

// Tabs are the sections of the site.
func (s *sheet) Tabs() []tab {
	if s.Board == nil {
		return nil
	}
	list := []tab{{Title: said{Text: s.Say("overview")}, Link: s.Link("/"), Current: s.Current == "/" && !s.Lost}}
	if len(s.Site().Sections) > 1 {
		for i := range s.Site().Sections {
			section := &s.Site().Sections[i]
			h := s.Board.PageHeadline(section.Name)
			m := s.mark(h.State)
			list = append(list, tab{s.text(section.Title), s.Link("/" + section.Name), &m, s.speech.Headline(h), s.Section == section})
		}
	}
	for _, name := range []string{"history", "calendar"} {
		list = append(list, tab{Title: said{Text: s.Say(name)}, Link: s.Link("/" + name), Current: s.Current == "/"+name || strings.HasPrefix(s.Current, "/"+name+"/")})
	}
	return list
}

// neighbour is a site that can be gone to.
type neighbour struct {
	Title       said
	Environment string
	Link        string
	Headline    string
	Mark        mark
	Current     bool
}

// Neighbours are the sites that are shown to everyone, where there is a choice.
func (s *sheet) Neighbours() []neighbour {
	if len(s.Sites) < 2 && (s.Board == nil || !s.Site().Private || len(s.Sites) == 0) {
		return nil
	}
	return s.neighbours()
}

func (s *sheet) neighbours() []neighbour {
	var list []neighbour
	for _, board := range s.Sites {
		text, in := board.Site.Say(board.Site.Title, s.Language)
		if in == s.Language {
			in = ""
		}
		h := board.PageHeadline("")
		list = append(list, neighbour{
			Title: said{text, in}, Environment: board.Site.Environment, Link: s.URLs(board.Site) + within(board.Site, s.Language) + "/",
			Headline: s.speech.Headline(h), Mark: markOf(board.Site.Look(h.State), h.State, s.Language), Current: s.Board != nil && board.Site.Name == s.Site().Name,
		})
	}
	return list
}

// within is the path below which a site is in a language, if it is.
func within(of *status.Site, lang string) string {
	for i, l := range of.Languages {
		if l == lang && i > 0 {
			return "/" + lang
		}
	}
	return ""
}

// mark is a state as people are told it: by a word, a shape and a colour.
type mark struct {
	State status.State
	Word  said
	Shape string
}

func (s *sheet) mark(state status.State) mark {
	return markOf(lookOf(s.Look, state), state, s.Language)
}

func markOf(look status.Look, state status.State, lang string) mark {
	text, in := look.Name.In(lang, status.English)
	if in == lang {
		in = ""
	}
	return mark{state, said{text, in}, look.Symbol}
}

// lookOf is how a state looks on the site, or at the hub's own address.
func lookOf(l *site.Look, state status.State) status.Look {
	if l.Board == nil {
		return (&status.Site{}).Look(state)
	}
	return l.Site().Look(state)
}

// colours is the part of the style that the site chooses.
func colours(l *site.Look) string {
	var light, dark strings.Builder
	for _, state := range append([]status.State{status.NoData}, status.States...) {
		look := lookOf(l, state)
		light.WriteString("--" + string(state) + ":" + look.Light + ";")
		dark.WriteString("--" + string(state) + ":" + look.Dark + ";")
	}
	if l.Board != nil && l.Site().Theme.Accent != "" {
		light.WriteString("--accent:" + l.Site().Theme.Accent + ";")
	}
	return ":root{" + light.String() + "}\n@media(prefers-color-scheme:dark){:root:not([data-theme=light]){" + dark.String() + "}}\n:root[data-theme=dark]{" + dark.String() + "}\n"
}

// stamp is a moment on a page.
type stamp struct {
	At   string // for machines, in UTC
	Text string // in the site's zone, with the year and the zone
}

func (s *sheet) zone() *time.Location {
	if s.Board == nil {
		return time.UTC
	}
	return s.Site().Location()
}

// moment is a time on the page; nil for none.
func (s *sheet) moment(t status.Time) *stamp {
	if t == 0 {
		return nil
	}
	return &stamp{rfc3339(t), s.speech.Moment(t.In(s.zone()))}
}

// span is a time from one moment to another; of the same day the second is a time of day.
type period struct{ From, To *stamp }

func (s *sheet) period(from, to status.Time) *period {
	if from == 0 && to == 0 {
		return nil
	}
	p := &period{s.moment(from), s.moment(to)}
	if a, b := from.In(s.zone()), to.In(s.zone()); from != 0 && to != 0 && a.YearDay() == b.YearDay() && a.Year() == b.Year() {
		p.From.Text = strings.TrimSuffix(p.From.Text, " "+zoneOf(a))
		if zoneOf(a) != zoneOf(b) {
			p.From.Text = s.speech.Moment(a)
		}
		p.To.Text = s.ClockIn(b)
	}
	return p
}

func rfc3339(t status.Time) string { return t.Time().Truncate(time.Second).Format(time.RFC3339) }

// Made is when the page was made.
func (s *sheet) Made() *stamp { return s.moment(s.Now) }

// ZoneName is the zone that times are in.
func (s *sheet) ZoneName() string { return strings.ReplaceAll(s.zone().String(), "_", " ") }

// body is what somebody wrote: paragraphs, lines and addresses to follow, and nothing else.
type body struct {
	HTML template.HTML
	Lang string
}

func (s *sheet) body(t status.Text) body {
	is := s.text(t)
	return body{bodyOf(is.Text), is.Lang}
}

var (
	blank   = regexp.MustCompile(`\r?\n[ \t]*(\r?\n[ \t]*)+`)
	address = regexp.MustCompile(`https?://[^\s<>"'` + "`" + `]+`)
)

func bodyOf(text string) template.HTML {
	var b strings.Builder
	for _, paragraph := range blank.Split(strings.TrimSpace(text), -1) {
		if paragraph == "" {
			continue
		}
		b.WriteString("<p>")
		for i, line := range strings.Split(paragraph, "\n") {
			if i > 0 {
				b.WriteString("<br>")
			}
			line = strings.TrimRight(line, "\r ")
			at := 0
			for _, found := range address.FindAllStringIndex(line, -1) {
				url := strings.TrimRight(line[found[0]:found[1]], ".,;:!?)]}")
				b.WriteString(template.HTMLEscapeString(line[at:found[0]]))
				safe := template.HTMLEscapeString(url)
				b.WriteString(`<a href="` + safe + `" rel="nofollow noopener">` + safe + `</a>`)
				at = found[0] + len(url)
			}
			b.WriteString(template.HTMLEscapeString(line[at:]))
		}
		b.WriteString("</p>")
	}
	return template.HTML(b.String())
}
