package admin

import (
	"slices"

	"github.com/varselhub/varsel/internal/status"
)

type overviewView struct {
	*sheet
	Headline string
	Mark     *mark
	Open     []card // what is going on
	Ahead    []card // what is to come
	Recent   []card // what is over
	Sections []sectionRows
}

// sectionRows are the components of a section, as they are shown.
type sectionRows struct {
	Name   string
	Title  said
	Groups []groupRows // the first may be of no group
}

type groupRows struct {
	Title said
	Mark  *mark
	Rows  []row
}

// row is a component and how it does.
type row struct {
	ID, To  string
	Title   said
	Mark    *mark
	Reason  said
	HowLong string // it is so, where it is not well
	Notice  string // that said so: where it stands
}

const recently = 6 // notices

// overview is how a site stands, and where everything on it is begun.
func (v *visit) overview() error {
	headline := v.board.PageHeadline("")
	view := &overviewView{sheet: v.sheet("", "overview"), Headline: v.Headline(headline), Mark: v.mark(headline.State), Sections: v.sections()}
	for _, n := range v.board.Notices {
		switch {
		case n.Open():
			view.Open = append(view.Open, v.card(n))
		case n.Stage.Ahead():
			view.Ahead = append(view.Ahead, v.card(n))
		case len(view.Recent) < recently:
			view.Recent = append(view.Recent, v.card(n))
		}
	}
	slices.SortStableFunc(view.Open, byUrgency)
	return v.show("overview", view.sheet, view)
}

// byUrgency puts first what people wait for most: what is late, then incidents.
func byUrgency(a, b card) int { return a.urgency() - b.urgency() }

func (c *card) urgency() int {
	switch {
	case c.Promise != nil && c.Promise.Late:
		return 0
	case c.Kind == status.Incident:
		return 1
	}
	return 2
}

// sections are the components of the site in the order of its page.
func (v *visit) sections() []sectionRows {
	var list []sectionRows
	for i := range v.site.Sections {
		section := &v.site.Sections[i]
		rows := sectionRows{Name: section.Name, Title: v.text(section.Title)}
		if len(section.Components) > 0 {
			rows.Groups = append(rows.Groups, groupRows{Rows: v.rows(section.Components)})
		}
		for j := range section.Groups {
			group := &section.Groups[j]
			rows.Groups = append(rows.Groups, groupRows{v.text(group.Title), v.mark(v.board.GroupState(group)), v.rows(group.Components)})
		}
		list = append(list, rows)
	}
	return list
}

func (v *visit) rows(components []status.Component) []row {
	var list []row
	for i := range components {
		standing := v.board.Component(components[i].ID)
		one := row{
			ID: standing.ID, To: v.to("/states/" + standing.ID), Title: v.text(standing.Title), Mark: v.mark(standing.State), Reason: v.text(standing.Reason),
		}
		if standing.State != status.Operational && standing.Since != 0 {
			one.HowLong = v.Long(v.now.Sub(standing.Since))
		}
		if n := len(standing.Spans); n > 0 && standing.State != status.Operational && v.board.Notice(standing.Spans[n-1].Notice) != nil {
			one.Notice = v.to("/notices/" + standing.Spans[n-1].Notice)
		}
		list = append(list, one)
	}
	return list
}
