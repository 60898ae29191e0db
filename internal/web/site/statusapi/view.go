package statusapi

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/wire"
	"github.com/varselhub/varsel/internal/web/site"
)

// view is what one page of the API is of: a site, or all of them.
type view struct {
	page  wire.Page
	zone  *time.Location
	parts []part
}

// part is one site on the page.
type part struct {
	board  *status.Board
	pen    wire.Pen
	url    string
	within string // what the site is called where it is one of several; "": it is the page
}

// told is a notice, and the site it is on.
type told struct {
	*part
	notice *status.Notice
}

// look finds out what the page is of.
func look(l *site.Look) *view {
	if l.Board == nil {
		return lookAtAll(l)
	}
	as := l.Board.Page(l.URL)
	v := &view{zone: l.Board.Site.Location()}
	v.page = wire.Page{ID: as.ID, Name: as.Name, URL: as.URL, TimeZone: as.Zone, UpdatedAt: status.Millis(as.Updated, v.zone)}
	v.parts = []part{v.part(l.Board, l.URL, "")}
	return v
}

// lookAtAll makes one page of the sites that are shown to everyone. Where they are in several zones its own is UTC.
func lookAtAll(l *site.Look) *view {
	v := &view{zone: time.UTC}
	v.page = wire.Page{ID: status.HubID(l.URL), Name: hostOf(l.URL), URL: l.URL, TimeZone: "Etc/UTC"}
	var updated status.Time
	for i, board := range l.Sites {
		updated = max(updated, board.Updated)
		switch zone := board.Site.Zone; {
		case i == 0:
			v.zone, v.page.TimeZone = board.Site.Location(), zone
		case zone != v.page.TimeZone:
			v.zone, v.page.TimeZone = time.UTC, "Etc/UTC"
		}
	}
	if len(l.Sites) == 0 {
		updated = l.Now
	}
	v.page.UpdatedAt = status.Millis(updated, v.zone)
	for _, board := range l.Sites {
		name, _ := board.Site.Say(board.Site.Title, status.English)
		v.parts = append(v.parts, v.part(board, l.URLs(board.Site), name))
	}
	return v
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "Status"
}

func (v *view) part(board *status.Board, url, within string) part {
	return part{board: board, pen: wire.Pen{Page: v.page.ID, Zone: v.zone, Languages: board.Site.Languages}, url: url, within: within}
}

// status is the headline over everything on the page.
func (v *view) status() wire.Status {
	var states []status.State
	var open []*status.Notice
	for i := range v.parts {
		board := v.parts[i].board
		states = append(states, status.StatesOf(board.Components)...)
		open = append(open, board.Open("")...)
	}
	h := status.HeadlineOf(states, open)
	return wire.Status{Indicator: h.Indicator, Description: h.Description}
}

// components lists the groups and the components, by their positions: those that are first in their group stand before
// all that are second (reference 2.1).
func (v *view) components() []wire.Component {
	list := []wire.Component{}
	top := 0
	for i := range v.parts {
		for _, row := range v.parts[i].rows() {
			top++
			list = append(list, v.parts[i].row(&row, top)...)
		}
	}
	slices.SortStableFunc(list, func(a, b wire.Component) int { return cmp.Compare(a.Position, b.Position) })
	return list
}

// rows are what stands on the upper level. Where there are several sites on the page, what would stand there by itself is
// in a group that is its site.
func (p *part) rows() []status.Row {
	rows := p.board.Rows()
	if p.within == "" {
		return rows
	}
	own := status.Row{ID: status.SiteID(p.board.Site.ID), Name: p.within, Description: p.board.Site.Description}
	var grouped []status.Row
	for _, row := range rows {
		if row.Single != nil {
			own.Members = append(own.Members, row.Single)
			continue
		}
		row.Name = p.within + " – " + row.Name
		grouped = append(grouped, row)
	}
	if len(own.Members) > 0 {
		grouped = slices.Insert(grouped, 0, own)
	}
	return grouped
}

// row writes a row of the upper level, and what is in it.
func (p *part) row(row *status.Row, position int) []wire.Component {
	if row.Single != nil {
		as := p.as(row.Single)
		return []wire.Component{p.pen.Component(&as)}
	}
	group := wire.Component{ID: row.ID, Name: row.Name, Position: position, PageID: p.pen.Page, Group: true}
	if text := p.pen.English(row.Description); text != "" {
		group.Description = &text
	}
	list := []wire.Component{{}}
	worst := status.NoData
	created, updated := row.Members[0].Created, status.Time(0)
	for _, s := range row.Members {
		as := p.as(s)
		list = append(list, p.pen.Component(&as))
		group.Components = append(group.Components, s.ID)
		worst = status.Worst(worst, s.Last)
		created, updated = min(created, s.Created), max(updated, s.Changed)
	}
	group.Status, group.CreatedAt, group.UpdatedAt = worst, p.pen.Time(created), p.pen.Time(updated)
	list[0] = group
	return list
}

// as is a component as the page has it.
func (p *part) as(s *status.Standing) status.ComponentAs { return p.grouped(p.board.As(s)) }

// grouped puts a component that is in no group into that of its site, where there are several.
func (p *part) grouped(as status.ComponentAs) status.ComponentAs {
	if p.within != "" && as.Group == "" {
		as.Group = status.SiteID(p.board.Site.ID)
	}
	return as
}

// notices lists those of the page that are wanted, newest first. Messages are not there unless their site says so.
func (v *view) notices(want func(*status.Notice) bool) []told {
	var list []told
	for i := range v.parts {
		p := &v.parts[i]
		for _, n := range p.board.Notices {
			if want(n) && p.shows(n) {
				list = append(list, told{p, n})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b told) int {
		return cmp.Or(cmp.Compare(b.notice.Created, a.notice.Created), cmp.Compare(b.notice.ID, a.notice.ID))
	})
	return list
}

func (p *part) shows(n *status.Notice) bool { return !n.Message() || p.board.Site.V2.Messages }

// incident finds an incident or a maintenance by its id.
func (v *view) incident(id string) (any, error) {
	for i := range v.parts {
		p := &v.parts[i]
		switch n := p.board.Notice(id); {
		case n == nil || !p.shows(n):
		case isMaintenance(n):
			return told{p, n}.maintenance(), nil
		case isIncident(n):
			return told{p, n}.incident(), nil
		}
	}
	return nil, site.Nothing()
}

func (v *view) incidents(list []told) []wire.Incident {
	written := []wire.Incident{}
	for _, t := range list {
		written = append(written, t.incident())
	}
	return written
}

func (v *view) maintenances(list []told) []wire.Maintenance {
	written := []wire.Maintenance{}
	for _, t := range list {
		written = append(written, t.maintenance())
	}
	return written
}

func (t told) maintenance() wire.Maintenance {
	return wire.Maintenance{Incident: t.incident(), ScheduledFor: t.pen.Time(t.notice.Starts), ScheduledUntil: t.pen.Time(t.notice.Ends)}
}

// incident writes a notice, with the components that it affects as they are now.
func (t told) incident() wire.Incident {
	components := t.board.AffectedBy(t.notice)
	for i := range components {
		components[i] = t.grouped(components[i])
	}
	written := t.pen.Incident(t.notice, components, t.url+"/notices/"+t.notice.ID)
	if t.within != "" {
		for i := range written.IncidentUpdates {
			t.prefix(written.IncidentUpdates[i].AffectedComponents)
		}
	}
	return written
}

// prefix calls affected components by their site too, as their groups are.
func (p *part) prefix(affected []wire.Affected) {
	for i := range affected {
		between := " – "
		if s := p.board.Component(affected[i].Code); s != nil && p.board.GroupID(s) == "" {
			between = " - "
		}
		affected[i].Name = p.within + between + affected[i].Name
	}
}
