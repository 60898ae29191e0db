package feed

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// history is the feed of incidents and maintenances in Statuspage's own form (reference 2.6): one item for each, updated in
// place. Its readers look for English words and for the markup, so both are the same in every language; what was said,
// and the titles, are in the language that is asked for.
func history(l *site.Look) (*feed, error) {
	name, address := nameOf(l), l.Outside(l.Language, "")
	f := &feed{
		id: "tag:" + hostOf(address) + ",2005:" + pathOf(address) + "/history", title: name + " Status - Incident History", about: "Statuspage",
		home: l.Outside(l.Language, "/"), byLink: true,
	}
	notices := l.Board.About("", status.Incident, status.Planned)
	slices.SortStableFunc(notices, func(x, y *status.Notice) int { return cmp.Compare(historyMoment(y), historyMoment(x)) })
	for _, n := range notices[:min(len(notices), most)] {
		title := say(l, n.Title)
		e := entry{
			id: "tag:" + hostOf(address) + ",2005:Incident/" + historyNumber(n.ID), title: title.line(), language: title.in,
			link: l.Outside(l.Language, "/notices/"+n.ID), published: historyMoment(n), updated: n.Updated, html: historyText(l, n),
		}
		if n.Kind == status.Planned {
			e.ends = n.Ends
		}
		f.entries = append(f.entries, e)
	}
	return f, nil
}

// historyNumber is a number for a notice, as Statuspage's have: its id, read as one in base 36. No two ids are the same
// one, and the greatest is below 2⁶³.
func historyNumber(id string) string {
	n, err := strconv.ParseUint(id, 36, 64)
	if err != nil {
		return id // an id is 12 of a-z and 0-9; what was imported may not be
	}
	return strconv.FormatUint(n, 10)
}

// historyMoment is the date of an item: when what is planned begins, which may be to come; else when it was last spoken of.
func historyMoment(n *status.Notice) status.Time {
	if planned(n) {
		return n.Starts
	}
	last := n.Created
	for i := range n.Updates {
		last = max(last, n.Updates[i].Shown)
	}
	return last
}

// planned reports whether a notice is a maintenance that is still to come. Recorded feeds have its window on top, and its
// start as the date, until it begins.
func planned(n *status.Notice) bool { return n.Kind == status.Planned && n.Stage == status.Scheduled }

func historyText(l *site.Look, n *status.Notice) string {
	var b strings.Builder
	if planned(n) {
		b.WriteString("<p><strong>THIS IS A SCHEDULED EVENT " + historyWindow(l.Site(), n) + "</strong></p>")
	}
	for _, i := range newestFirst(n) {
		u := &n.Updates[i]
		b.WriteString("<p><small>" + historyDay(l.Site(), u.Shown) + historyTime(l.Site(), u.Shown) + historyZone(l.Site(), u.Shown) + "</small><br>")
		b.WriteString("<strong>" + historyLabel(n, i) + "</strong> - " + broken(strings.TrimSpace(say(l, u.Body).text)) + "</p>")
	}
	return b.String()
}

// newestFirst are the indexes of a notice's updates, by the time that stands beside them.
func newestFirst(n *status.Notice) []int {
	order := make([]int, len(n.Updates))
	for i := range order {
		order[i] = len(order) - 1 - i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(n.Updates[y].Shown, n.Updates[x].Shown) })
	return order
}

// historyLabel is Statuspage's word for an update; of one that changes no stage it is Update.
func historyLabel(n *status.Notice, i int) string {
	stage := n.Updates[i].Stage
	if i > 0 && n.Updates[i-1].Stage == stage {
		return "Update"
	}
	word := strings.ReplaceAll(string(stage), "_", " ")
	return strings.ToUpper(word[:1]) + word[1:]
}

func historyWindow(s *status.Site, n *status.Notice) string {
	window := historyDay(s, n.Starts) + historyTime(s, n.Starts) + " - "
	if day := historyDay(s, n.Ends); day != historyDay(s, n.Starts) {
		window += day
	}
	return window + historyTime(s, n.Ends) + historyZone(s, n.Ends)
}

// historyDay is a day as Statuspage marks it: without a year, and with a space before a single digit.
func historyDay(s *status.Site, t status.Time) string {
	return t.In(s.Location()).Format("Jan <var data-var='date'>_2</var>, ")
}

func historyTime(s *status.Site, t status.Time) string {
	return t.In(s.Location()).Format("<var data-var='time'>15:04</var>")
}

func historyZone(s *status.Site, t status.Time) string { return t.In(s.Location()).Format(" MST") }
