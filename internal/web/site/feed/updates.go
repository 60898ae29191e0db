package feed

import (
	"cmp"
	"html"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// updates is the feed of all that is said on a site, or about a section of it.
func updates(l *site.Look) (*feed, error) {
	section, name, err := sectionOf(l)
	if err != nil {
		return nil, err
	}
	f := &feed{title: name + " – " + label(l, "updates"), about: label(l, "about updates"), home: homeOf(l, section)}
	f.say(l, urn("updates", l.Site().ID, l.Arg("section"), l.Language), l.Board.About(l.Arg("section")))
	return f, nil
}

// bulletins is the feed of general messages: what is said of everything, of whatever kind it is (D3, D24; requirements
// 3c). Of a section it is what is said of all of it.
func bulletins(l *site.Look) (*feed, error) {
	section, name, err := sectionOf(l)
	if err != nil {
		return nil, err
	}
	f := &feed{title: name + " – " + label(l, "bulletins"), about: label(l, "about bulletins"), home: homeOf(l, section)}
	general := slices.DeleteFunc(l.Board.About(l.Arg("section")), func(n *status.Notice) bool {
		return !n.Everywhere() && (section == nil || len(n.Components) > 0)
	})
	f.say(l, urn("bulletins", l.Site().ID, l.Arg("section"), l.Language), general)
	return f, nil
}

// updatesOfNotice is the feed of one notice.
func updatesOfNotice(l *site.Look) (*feed, error) {
	n := l.Board.Notice(l.Arg("id"))
	if n == nil || n.Stage == status.Coming {
		return nil, site.Nothing()
	}
	f := &feed{
		title: say(l, n.Title).line() + " – " + nameOf(l), about: label(l, "about notice"), home: l.Outside(l.Language, "/notices/"+n.ID),
	}
	f.say(l, urn("notice", n.ID, l.Language), []*status.Notice{n})
	return f, nil
}

// homeOf is the page of a section, or of the site with nil.
func homeOf(l *site.Look, section *status.Section) string {
	if section == nil {
		return l.Outside(l.Language, "/")
	}
	return l.Outside(l.Language, "/"+section.Name)
}

// say fills a feed with what notices say, newest first.
func (f *feed) say(l *site.Look, id string, notices []*status.Notice) {
	f.id = id
	for _, n := range notices {
		if n.Stage == status.Coming { // it is not shown before it starts
			continue
		}
		for _, i := range newestFirst(n) {
			if n.Updates[i].Stage != status.Coming {
				f.entries = append(f.entries, entryOf(l, n, i))
			}
		}
	}
	slices.SortStableFunc(f.entries, func(x, y entry) int { return cmp.Compare(y.published, x.published) })
	f.entries = f.entries[:min(len(f.entries), most)]
}

// entryOf is one update as an entry: "[Resolved] Search is slow".
func entryOf(l *site.Look, n *status.Notice, i int) entry {
	u, title := &n.Updates[i], say(l, n.Title)
	return entry{
		id: urn("update", u.ID), title: "[" + word(l, u.Stage.Words()) + "] " + title.line(), language: title.in,
		link: l.Outside(l.Language, "/notices/"+n.ID) + "#u-" + u.ID, published: u.Shown, updated: max(u.Created, u.Updated),
		html: textOf(l, n, i), tags: []string{word(l, n.Kind.Words()), word(l, u.Stage.Words())},
	}
}

// textOf is what an update says, and the facts that one wants to have beside it. What was said before a notice came to be
// shown was said to nobody, so it is said with what shows it.
func textOf(l *site.Look, n *status.Notice, i int) string {
	var b strings.Builder
	for at := i; at > 0 && n.Updates[at-1].Stage == status.Coming; at-- {
		b.WriteString(say(l, n.Updates[at-1].Body).paragraphs(l.Language))
	}
	b.WriteString(say(l, n.Updates[i].Body).paragraphs(l.Language))
	if n.Kind == status.Planned {
		b.WriteString(fact(l, "window", moment(l, n.Starts)+" – "+moment(l, n.Ends)))
	}
	if !n.Audience.Empty() {
		b.WriteString(fact(l, "audience", say(l, n.Audience).inline(l.Language)))
	}
	if n.Deadline != 0 {
		b.WriteString(fact(l, "deadline", moment(l, n.Deadline)))
	}
	if affected := affectedBy(l, n, &n.Updates[i]); affected != "" {
		b.WriteString(fact(l, "affects", affected))
	}
	if last := i == len(n.Updates)-1; last && n.Open() {
		b.WriteString(promises(l, n))
	}
	return b.String()
}

// promises are when a notice should be over, and when more will be said.
func promises(l *site.Look, n *status.Notice) (facts string) {
	if n.Expected != 0 {
		facts += fact(l, "expected", moment(l, n.Expected))
	}
	if n.NextUpdate != 0 {
		facts += fact(l, "next update", moment(l, n.NextUpdate))
	}
	return facts
}

// affectedBy names the components of a notice, with the states that an update says they are in. Those that are on the site
// no more are left out.
func affectedBy(l *site.Look, n *status.Notice, u *status.Update) string {
	var list []string
	for _, s := range l.Board.Components {
		at := slices.IndexFunc(u.Affected, func(a status.Affected) bool { return a.Component == s.ID })
		if at < 0 && !slices.Contains(n.Components, s.ID) {
			continue
		}
		name := say(l, s.Title).inline(l.Language)
		if at >= 0 {
			name += " (" + html.EscapeString(stateWord(l, u.Affected[at].To)) + ")"
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}
