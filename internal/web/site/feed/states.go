package feed

import (
	"html"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// state is the feed of the global state of a site, or of a section: one entry for each headline, the first of which is how
// it is now (D21, D25).
func state(l *site.Look) (*feed, error) {
	section, name, err := sectionOf(l)
	if err != nil {
		return nil, err
	}
	asked := l.Arg("section")
	f := &feed{
		id:    urn("state", l.Site().ID, asked, l.Language),
		title: name + " – " + label(l, "state"), about: label(l, "about state"), home: homeOf(l, section),
	}
	components, spans := l.Board.In(asked), l.Board.Headlines(asked)
	for i := len(spans) - 1; i >= 0 && len(f.entries) < most; i-- {
		span := &spans[i]
		at, until := status.Time(math.MaxInt64), status.Time(0)
		if i+1 < len(spans) {
			until = spans[i+1].From
			at = until - 1
		}
		words := word(l, span.Headline.Words())
		f.entries = append(f.entries, entry{
			id: urn("headline", l.Site().ID, asked, micros(span.From)), title: words, language: l.Language, link: f.home,
			published: span.From, updated: span.Changed, html: headlineText(l, words, components, span, at, until),
		})
	}
	return f, nil
}

// headlineText is a headline with what it was made of at its end: what was not well, and what was said of it.
func headlineText(l *site.Look, words string, components []*status.Standing, span *status.HeadlineSpan, at, until status.Time) string {
	var b strings.Builder
	b.WriteString("<p><strong>" + html.EscapeString(words) + "</strong></p>")
	b.WriteString(period(l, span.From, until))
	var list []string
	for _, s := range components {
		if was := spanAt(s, at); was != nil && was.State != status.Operational {
			line := link(l.Outside(l.Language, "/components/"+s.ID), say(l, s.Title).inline(l.Language)) + ": " + html.EscapeString(stateWord(l, was.State))
			if !was.Reason.Empty() {
				line += " – " + say(l, was.Reason).inline(l.Language)
			}
			list = append(list, line)
		}
	}
	for _, n := range l.Board.About(l.Arg("section"), status.Incident, status.Planned) {
		if openAt(n, at) {
			list = append(list, html.EscapeString(word(l, n.Kind.Words()))+": "+link(l.Outside(l.Language, "/notices/"+n.ID), say(l, n.Title).inline(l.Language)))
		}
	}
	if len(list) > 0 {
		b.WriteString("<ul><li>" + strings.Join(list, "</li><li>") + "</li></ul>")
	}
	return b.String()
}

// period tells since when something is so, or from when until when it was.
func period(l *site.Look, from, until status.Time) string {
	if until == 0 {
		return fact(l, "since", moment(l, from))
	}
	return "<p>" + html.EscapeString(label(l, "from")) + " " + moment(l, from) + " " + html.EscapeString(label(l, "until")) + " " + moment(l, until) + "</p>"
}

// spanAt is the span that a component was in at a moment, or nil before it was in any.
func spanAt(s *status.Standing, at status.Time) *status.Span {
	next := sort.Search(len(s.Spans), func(i int) bool { return s.Spans[i].From > at })
	if next == 0 {
		return nil
	}
	return &s.Spans[next-1]
}

// openAt reports whether a notice was current at a moment.
func openAt(n *status.Notice, at status.Time) bool {
	open := false
	for i := range n.Updates {
		if n.Updates[i].Created <= at {
			stage := n.Updates[i].Stage
			open = !stage.Over() && !stage.Ahead()
		}
	}
	return open
}

// stateOfComponent is the feed of one component: an entry for each state that it was in, the first of which is how it is
// now. Where only the reason changes the entry stays, and says the new one.
func stateOfComponent(l *site.Look) (*feed, error) {
	s, err := componentOf(l)
	if err != nil {
		return nil, err
	}
	f := &feed{
		id: urn("component", s.ID, l.Language), title: say(l, s.Title).line() + " – " + nameOf(l), about: label(l, "about state"),
		home: l.Outside(l.Language, "/components/"+s.ID),
	}
	spells := spellsOf(s)
	for i := len(spells) - 1; i >= 0 && len(f.entries) < most; i-- {
		until := status.Time(0)
		if i+1 < len(spells) {
			until = spells[i+1][0].From
		}
		f.entries = append(f.entries, spellEntry(l, s, f.home, spells[i], until))
	}
	return f, nil
}

// spellsOf are a component's spans, those of one state after another together. A component of which nothing ever was known
// has one of that.
func spellsOf(s *status.Standing) (spells [][]status.Span) {
	if len(s.Spans) == 0 {
		return [][]status.Span{{{From: s.Created, State: status.NoData}}}
	}
	begin := 0
	for i := 1; i <= len(s.Spans); i++ {
		if i == len(s.Spans) || s.Spans[i].State != s.Spans[begin].State {
			spells = append(spells, s.Spans[begin:i])
			begin = i
		}
	}
	return spells
}

func spellEntry(l *site.Look, s *status.Standing, home string, spell []status.Span, until status.Time) entry {
	first, last := &spell[0], &spell[len(spell)-1]
	words, reason := stateWord(l, last.State), say(l, last.Reason)
	e := entry{
		id: urn("state", s.ID, micros(first.From)), title: words, language: l.Language, link: home, published: first.From, updated: last.From,
		tags: []string{say(l, s.Title).line()},
	}
	e.html = "<p><strong>" + say(l, s.Title).inline(l.Language) + ": " + html.EscapeString(words) + "</strong></p>"
	if line := reason.line(); line != "" {
		e.title, e.html = words+" – "+line, e.html+reason.paragraphs(l.Language)
	}
	e.html += period(l, first.From, until)
	for _, n := range noticesOf(l, spell) {
		e.html += "<p>" + html.EscapeString(word(l, n.Kind.Words())) + ": " + link(l.Outside(l.Language, "/notices/"+n.ID), say(l, n.Title).inline(l.Language)) + "</p>"
	}
	return e
}

// noticesOf are the notices that said so, and are still there.
func noticesOf(l *site.Look, spell []status.Span) (list []*status.Notice) {
	for i := range spell {
		if n := l.Board.Notice(spell[i].Notice); n != nil && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

func micros(t status.Time) string { return strconv.FormatInt(int64(t), 10) }
