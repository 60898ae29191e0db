package statusapi

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// uptimeDays is how many days a page of Statuspage has bars of.
const uptimeDays = 90

// timeline is a component's days.
type timeline struct {
	Component coded `json:"component"`
	Days      []day `json:"days"`
}

type coded struct {
	Code      string  `json:"code"`
	Name      string  `json:"name"`
	StartDate *string `json:"startDate"`
}

// day is one bar. An outage that there was none of is left out.
type day struct {
	Date    string `json:"date"`
	Outages struct {
		Partial int64 `json:"p,omitempty"` // seconds
		Major   int64 `json:"m,omitempty"`
	} `json:"outages"`
	Related []related `json:"related_events"`
}

type related struct {
	Name string `json:"name"`
	Code string `json:"code"`
}

// uptimePage is a component's months, the newest first.
type uptimePage struct {
	Component coded         `json:"component"`
	Months    []uptimeMonth `json:"months"`
}

type uptimeMonth struct {
	Name       string   `json:"name"`
	Year       int      `json:"year"`
	Percentage *float64 `json:"uptime_percentage"` // null: nothing is known
	Days       []day    `json:"days"`
}

// UptimeData is the value of window.uptimeData for some components of a site: Statuspage's bars of the last 90 days
// (reference 2.3), by component. It may stand in a script of a page: nothing in it ends one.
func UptimeData(board *status.Board, components []*status.Standing, now status.Time) ([]byte, error) {
	data := map[string]timeline{}
	for _, s := range components {
		if s.Last != status.NoData {
			data[s.ID] = timeline{code(board, s), bars(board, s, s.Days(uptimeDays, now, board.Site.Location()), now)}
		}
	}
	text, err := json.Marshal(data) // it escapes <, > and &
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the uptime cannot be written as JSON")
	}
	return text, nil
}

// uptime is a component's past by months.
func uptime(v *view, l *site.Look) (any, error) {
	board := l.Board
	s := board.Component(l.Arg("id"))
	if s == nil || s.Last == status.NoData {
		return nil, site.Nothing()
	}
	body := uptimePage{code(board, s), []uptimeMonth{}}
	oldest := v.monthOf(s.Spans[0].From)
	for i := range monthsPerPage {
		first := v.monthOf(l.Now).AddDate(0, -(pageOf(l)-1)*monthsPerPage-i, 0)
		if first.Before(oldest) {
			break
		}
		body.Months = append(body.Months, uptimeOf(board, s, first, l.Now))
	}
	return body, nil
}

// uptimeOf is one month of a component, up to today.
func uptimeOf(board *status.Board, s *status.Standing, first time.Time, now status.Time) uptimeMonth {
	size := first.AddDate(0, 1, -1).Day()
	if today := now.In(first.Location()); first.Year() == today.Year() && first.Month() == today.Month() {
		size = today.Day()
	}
	days := s.DaysFrom(first, size, now)
	m := uptimeMonth{Name: first.Month().String(), Year: first.Year(), Days: bars(board, s, days, now)}
	whole := status.Over(days)
	if part, known := whole.Uptime(board.Site.Uptime()); known {
		percentage := math.Round(part*1e5) / 1e3
		m.Percentage = &percentage
	}
	return m
}

func code(board *status.Board, s *status.Standing) coded {
	name, _ := board.Site.Say(s.Title, status.English)
	c := coded{Code: s.ID, Name: name}
	if s.StartDate != "" {
		c.StartDate = &s.StartDate
	}
	return c
}

// bars writes days, each with what was said of the component that day.
func bars(board *status.Board, s *status.Standing, days []status.Day, now status.Time) []day {
	about := slices.DeleteFunc(slices.Clone(board.Notices), func(n *status.Notice) bool {
		return n.Message() || n.Stage.Ahead() || !slices.Contains(n.Components, s.ID)
	})
	list := make([]day, len(days))
	for i := range days {
		d := &list[i]
		d.Date, d.Related = days[i].Date.Format(time.DateOnly), []related{}
		d.Outages.Partial, d.Outages.Major = int64(days[i].Partial/time.Second), int64(days[i].Major/time.Second)
		begin, end := status.At(days[i].Date), status.At(days[i].Date.AddDate(0, 0, 1))
		for _, n := range about {
			if begins(n) < end && ends(n, now) >= begin {
				name, _ := board.Site.Say(n.Title, status.English)
				d.Related = append(d.Related, related{name, n.ID})
			}
		}
	}
	return list
}
