package statusapi

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/wire"
	"github.com/varselhub/varsel/internal/web/site"
)

// monthsPerPage is how many months of the past are on a page.
const monthsPerPage = 3

// pageHistory is the past by months, as Statuspage's own page reads it.
type pageHistory struct {
	Months     []month          `json:"months"` // the newest first; none: there is nothing so long ago
	Components []wire.Component `json:"components"`
}

type month struct {
	Name      string     `json:"name"`
	Year      int        `json:"year"`
	StartsOn  int        `json:"starts_on"` // the weekday of its first day; 0: Sunday
	Days      int        `json:"days"`
	Incidents []happened `json:"incidents"`
}

// happened is one incident of the past.
type happened struct {
	Code      string        `json:"code"`
	Name      string        `json:"name"`
	Message   string        `json:"message"` // HTML: what was said last
	Impact    status.Impact `json:"impact"`
	Timestamp string        `json:"timestamp"` // HTML, without a year: clients take the month's
}

func history(v *view, l *site.Look) (any, error) {
	past := v.notices(func(n *status.Notice) bool { return isIncident(n) || isMaintenance(n) && !n.Stage.Ahead() })
	body := pageHistory{Months: []month{}, Components: v.components()}
	oldest := v.monthOf(l.Now)
	for _, t := range past {
		if at := v.monthOf(ends(t.notice, l.Now)); at.Before(oldest) {
			oldest = at
		}
	}
	for i := range monthsPerPage {
		first := v.monthOf(l.Now).AddDate(0, -(pageOf(l)-1)*monthsPerPage-i, 0)
		if first.Before(oldest) && pageOf(l) > 1 {
			break
		}
		body.Months = append(body.Months, v.month(first, past, l.Now))
	}
	return body, nil
}

// monthOf is the first moment of the month that a moment is in.
func (v *view) monthOf(t status.Time) time.Time {
	at := t.In(v.zone)
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, v.zone)
}

// month lists what ended in a month, or still goes on in it.
func (v *view) month(first time.Time, past []told, now status.Time) month {
	m := month{
		Name: first.Month().String(), Year: first.Year(), StartsOn: int(first.Weekday()), Days: first.AddDate(0, 1, -1).Day(),
		Incidents: []happened{},
	}
	for _, t := range past {
		if v.monthOf(ends(t.notice, now)).Equal(first) {
			m.Incidents = append(m.Incidents, t.happened())
		}
	}
	return m
}

// begins is when what a notice is about began: a maintenance with its window, and not when it was planned.
func begins(n *status.Notice) status.Time {
	if n.Kind == status.Planned {
		return n.Starts
	}
	return n.Started
}

// ends is when the notice was over, or now.
func ends(n *status.Notice, now status.Time) status.Time {
	if n.Over != 0 {
		return n.Over
	}
	return now
}

func (t told) happened() happened {
	written := t.incident()
	return happened{Code: written.ID, Name: written.Name, Message: t.message(), Impact: written.Impact, Timestamp: t.timestamp()}
}

// message is what was said last, but of what is told afterwards.
func (t told) message() string {
	for _, u := range slices.Backward(t.notice.Updates) {
		if u.Stage != status.Postmortem {
			return strings.ReplaceAll(html.EscapeString(t.pen.English(u.Body)), "\n", "<br />")
		}
	}
	return ""
}

// timestamp is from when until when it was.
func (t told) timestamp() string {
	begin := begins(t.notice).In(t.pen.Zone)
	text := begin.Format("Jan ") + dateVar(begin) + ", " + timeVar(begin)
	if t.notice.Over != 0 {
		end := t.notice.Over.In(t.pen.Zone)
		text += " - "
		if end.Format(time.DateOnly) != begin.Format(time.DateOnly) {
			text += end.Format("Jan ") + dateVar(end) + ", "
		}
		text += timeVar(end)
	}
	return text + begin.Format(" MST")
}

func dateVar(t time.Time) string { return fmt.Sprintf("<var data-var='date'>%d</var>", t.Day()) }

func timeVar(t time.Time) string { return "<var data-var='time'>" + t.Format("15:04") + "</var>" }
