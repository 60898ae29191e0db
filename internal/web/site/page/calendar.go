package page

import (
	"slices"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// calendarPage is a month, day by day, with what is planned in it.
type calendarPage struct {
	*sheet
	Heading  string
	Caption  string
	Weekdays []weekday
	Weeks    [][]cell
	Cards    []*card
	Earlier  *link
	Later    *link
	Today    *link
	ICS      feed
}

// weekday heads a column.
type weekday struct{ Short, Long string }

// cell is a day of the month, or of those beside it.
type cell struct {
	Day    string
	Date   stamp
	Out    bool // it is of another month
	Today  bool
	Events []entry
}

// entry is something on a day.
type entry struct {
	Link  string
	Icon  string
	Tone  string
	Kind  string
	Time  string
	Title said
	Over  bool
}

// ahead is how many months after this one a calendar goes, at least.
const ahead = 12

func (p *Pages) calendar(l *site.Look) (*site.Made, error) {
	path := "/calendar"
	if l.Arg("month") != "" {
		path += "/" + l.Arg("month")
	}
	s := p.sheet(l, path)
	entries := s.planned()
	now := monthOf(l.Now.In(s.zone()))
	first, last := now, now.AddDate(0, ahead, 0)
	for _, e := range entries {
		if at := monthOf(e.from.In(s.zone())); at.Before(first) {
			first = at
		}
		if at := monthOf(e.to.In(s.zone())); at.After(last) {
			last = at
		}
	}
	at := now
	if text := l.Arg("month"); text != "" {
		var ok bool
		if at, ok = s.parseMonth(text, first, last); !ok {
			return nil, site.Nothing()
		}
	}
	name := s.Month(at)
	v := &calendarPage{sheet: s, Heading: s.Say("calendar of", name), Caption: s.Say("month grid", name), ICS: s.feed(said{Text: s.Say("feed calendar")}, "/calendar.ics", ical)}
	s.Title = v.Heading
	for _, names := range weekdays[s.at] {
		v.Weekdays = append(v.Weekdays, weekday{names[0], names[1]})
	}
	v.grid(at, entries)
	to := func(key string, at time.Time) *link {
		return &link{said{Text: s.Say(key, s.Month(at))}, s.Link("/calendar/" + at.Format(monthForm))}
	}
	if at.After(first) {
		v.Earlier = to("earlier", at.AddDate(0, -1, 0))
	}
	if at.Before(last) {
		v.Later = to("later", at.AddDate(0, 1, 0))
	}
	if !at.Equal(now) {
		v.Today = &link{said{Text: s.Say("this month")}, s.Link("/calendar")}
	}
	return p.render("calendar", s, v)
}

// date is something that a calendar has: a maintenance, or the day by which something is to be done.
type date struct {
	from, to status.Time
	notice   *status.Notice
}

// planned lists them, the first first.
func (s *sheet) planned() []date {
	var list []date
	for _, n := range s.Board.Notices {
		switch {
		case n.Kind == status.Planned:
			list = append(list, date{n.Starts, max(n.Ends, n.Over), n})
		case n.Kind == status.Action && n.Deadline != 0 && n.Stage != status.Coming:
			list = append(list, date{n.Deadline, n.Deadline, n})
		}
	}
	slices.SortStableFunc(list, func(x, y date) int { return int(min(1, max(-1, x.from-y.from))) })
	return list
}

// grid lays the month out, week by week from Monday.
func (v *calendarPage) grid(at time.Time, dates []date) {
	today := v.Now.In(v.zone())
	begin := at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
	end := at.AddDate(0, 1, 0)
	for day := begin; day.Before(end); {
		var week []cell
		for range 7 {
			next := day.AddDate(0, 0, 1)
			c := cell{
				Day: strconv.Itoa(day.Day()), Date: v.day(day), Out: day.Month() != at.Month(),
				Today: day.Year() == today.Year() && day.YearDay() == today.YearDay(),
			}
			for _, d := range dates {
				if d.from < status.At(next) && (d.to > status.At(day) || d.from == d.to && d.from >= status.At(day)) {
					c.Events = append(c.Events, v.entry(d, day))
				}
			}
			week = append(week, c)
			day = next
		}
		v.Weeks = append(v.Weeks, week)
	}
	for _, d := range dates {
		if d.from < status.At(end) && (d.to > status.At(at) || d.from == d.to && d.from >= status.At(at)) {
			v.Cards = append(v.Cards, v.card(d.notice))
		}
	}
}

func (v *calendarPage) entry(d date, day time.Time) entry {
	n := d.notice
	e := entry{
		Link: v.Link("/notices/" + n.ID), Icon: "kind-" + string(n.Kind), Tone: string(n.Kind), Kind: v.Word(n.Kind.Words()),
		Title: v.text(n.Title), Over: n.Stage.Over(),
	}
	if starts := d.from.In(v.zone()); !starts.Before(day) {
		e.Time = v.Clock(starts)
	}
	return e
}
