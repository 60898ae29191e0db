package page

import (
	"cmp"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// historyPage is notices by month.
type historyPage struct {
	*sheet
	Heading string
	Months  []month
	Earlier *link
	Later   *link
	Newest  *link
}

// month is the notices that began in it.
type month struct {
	Name, Anchor string
	Count        string
	Cards        []*card
}

// shownMonths is how many months the newest page of the history has.
const shownMonths = 3

const monthForm = "2006-01"

// began is when a notice counts as having begun.
func began(n *status.Notice) status.Time {
	if n.Starts != 0 {
		return n.Starts
	}
	return n.Started
}

// monthOf is the first moment of the month that a moment is in.
func monthOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
}

// told lists what has begun, the newest first.
func (s *sheet) told() []*status.Notice {
	list := slices.DeleteFunc(slices.Clone(s.Board.Notices), func(n *status.Notice) bool { return n.Stage.Ahead() })
	slices.SortStableFunc(list, func(x, y *status.Notice) int { return cmp.Compare(began(y), began(x)) })
	return list
}

// parseMonth reads a month of an address, which must be one of those from the first to the last.
func (s *sheet) parseMonth(text string, first, last time.Time) (time.Time, bool) {
	at, err := time.ParseInLocation(monthForm, text, s.zone())
	return at, err == nil && !at.Before(first) && !at.After(last)
}

func (p *Pages) history(l *site.Look) (*site.Made, error) {
	path := "/history"
	if l.Arg("month") != "" {
		path += "/" + l.Arg("month")
	}
	s := p.sheet(l, path)
	told := s.told()
	now := monthOf(l.Now.In(s.zone()))
	first := now
	if len(told) > 0 {
		first = monthOf(began(told[len(told)-1]).In(s.zone()))
	}
	if made := monthOf(l.Board.Created.In(s.zone())); l.Board.Created != 0 && made.Before(first) {
		first = made
	}
	v := &historyPage{sheet: s, Heading: s.Say("history")}
	from, until := now.AddDate(0, 1-shownMonths, 0), now
	if text := l.Arg("month"); text != "" {
		at, ok := s.parseMonth(text, first, now)
		if !ok {
			return nil, site.Nothing()
		}
		from, until = at, at
		v.Heading = s.Say("history of", s.Month(at))
	}
	if from.Before(first) {
		from = first
	}
	s.Title = v.Heading
	for at := until; !at.Before(from); at = at.AddDate(0, -1, 0) {
		v.Months = append(v.Months, s.month(at, told))
	}
	to := func(key string, at time.Time) *link {
		return &link{said{Text: s.Say(key, s.Month(at))}, s.Link("/history/" + at.Format(monthForm))}
	}
	if from.After(first) {
		v.Earlier = to("earlier", from.AddDate(0, -1, 0))
	}
	if until.Before(now) {
		v.Later = to("later", until.AddDate(0, 1, 0))
	}
	if l.Arg("month") != "" {
		v.Newest = &link{said{Text: s.Say("newest")}, s.Link("/history")}
	}
	return p.render("history", s, v)
}

func (s *sheet) month(at time.Time, told []*status.Notice) month {
	m := month{Name: s.Month(at), Anchor: "m-" + at.Format(monthForm)}
	for _, n := range told {
		if monthOf(began(n).In(s.zone())).Equal(at) {
			m.Cards = append(m.Cards, s.card(n))
		}
	}
	m.Count = s.Say("n notices", len(m.Cards))
	return m
}
