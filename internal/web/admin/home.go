package admin

import (
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/status"
)

// place is a site as the first page has it.
type place struct {
	Name        string
	Title       said
	Environment string
	Headline    string
	Mark        *mark
	May         bool
	Notices     []card
	Planned     int
}

type homeView struct {
	*sheet
	Places []place
	Roles  string
	Maps   bool // there are registers, whose maps they may see
}

// home lists the sites that one may see.
func (v *visit) home() error {
	view := &homeView{sheet: v.sheet(v.Say("sites"), "")}
	for _, site := range v.Book.Sites() {
		board := v.Book.Board(site.Name)
		if board == nil || !v.may("GET /admin/{site}", site.Name) {
			continue
		}
		there := *v
		there.board, there.site = board, board.Site
		view.Places = append(view.Places, there.place())
	}
	var roles []string
	for _, role := range v.who.Roles {
		roles = append(roles, string(role))
	}
	view.Roles = strings.Join(roles, ", ")
	maps, _ := account.RuleOf("GET /registers/{register}/map")
	view.Maps = v.who.Reach(maps) != account.None && len(v.Book.Registers()) > 0
	return v.show("home", view.sheet, view)
}

func (v *visit) place() place {
	headline := v.board.PageHeadline("")
	p := place{
		Name: v.site.Name, Title: v.text(v.site.Title), Environment: v.site.Environment, Headline: v.Headline(headline),
		Mark: v.mark(headline.State), May: v.mayWrite(), Planned: len(v.board.Upcoming("")),
	}
	for _, n := range v.board.Open("") {
		p.Notices = append(p.Notices, v.card(n))
	}
	slices.SortStableFunc(p.Notices, byUrgency)
	return p
}

// card is a notice as lists have it.
type card struct {
	To      string
	Kind    status.Kind
	Word    string // of the kind
	Title   said
	Stage   string
	Impact  string
	Since   *stamp
	Window  string
	Last    said // what was said last
	LastAt  *stamp
	Promise *promise
	Open    bool
	Account bool // it is an incident that is over, of which nothing has been told afterwards
}

// promise is when more is to be said.
type promise struct {
	At      *stamp
	Late    bool
	HowLong string // until then, or since
}

func (v *visit) card(n *status.Notice) card {
	c := card{
		To: v.to("/notices/" + n.ID), Kind: n.Kind, Word: v.Say("kind " + string(n.Kind)), Title: v.text(n.Title), Stage: v.Say("stage " + string(n.Stage)),
		Open: n.Open(), Since: v.stamp(n.Started), Promise: v.promise(n),
		Account: n.Kind == status.Incident && n.Stage.Over() && n.Postmortem == nil,
	}
	if key := "impact " + string(n.Impact); v.Knows(key) {
		c.Impact = v.Say(key)
	}
	if n.Kind == status.Planned {
		c.Window = v.window(n.Starts, n.Ends)
	}
	if last := n.Last(); last != nil {
		c.Last, c.LastAt = v.text(last.Body), v.stamp(last.Shown)
	}
	return c
}

func (v *visit) promise(n *status.Notice) *promise {
	if n.NextUpdate == 0 || !n.Open() {
		return nil
	}
	return &promise{v.stamp(n.NextUpdate), n.NextUpdate < v.now, v.Long(n.NextUpdate.Sub(v.now))}
}

// window is a time from one moment to another, or from one on.
func (v *visit) window(from, to status.Time) string {
	switch {
	case from == 0 && to == 0:
		return ""
	case to == 0:
		return v.Say("from", v.Moment(from.In(v.zone())))
	case from == 0:
		return v.Say("until", v.Moment(to.In(v.zone())))
	}
	begin, end := from.In(v.zone()), to.In(v.zone())
	if begin.YearDay() == end.YearDay() && begin.Year() == end.Year() {
		return v.Date(begin) + ", " + v.Clock(begin) + "–" + v.Clock(end) + " " + zoneOf(end)
	}
	return v.Moment(begin) + " – " + v.Moment(end)
}
