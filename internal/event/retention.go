package event

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Retention is how long the payload of a type's events is kept: an ISO 8601 duration such as "P6M", "P14D" or
// "P1Y6M". Empty is for ever.
type Retention string

// period is a parsed retention: calendar months and days, then exact time.
type period struct {
	months, days int
	exact        time.Duration
}

// maxAmount bounds each number of a duration: no retention is meant to be longer than 9999 years.
const maxAmount = 9999

var errRetention = errors.New(`want a duration such as "P6M", "P14D" or "P1DT12H", longer than nothing`)

// Check says why the text is no duration.
func (r Retention) Check() error {
	if r == "" {
		return nil
	}
	_, err := r.parse()
	return err
}

// End returns when what was recorded at start is due to go; ok is false when it is kept for ever or the duration is
// not valid. Months are calendar months: six after 31 August is the last day of February.
func (r Retention) End(start time.Time) (end time.Time, ok bool) {
	if r == "" {
		return time.Time{}, false
	}
	p, err := r.parse()
	if err != nil {
		return time.Time{}, false
	}
	return addMonths(start, p.months).AddDate(0, 0, p.days).Add(p.exact), true
}

// Over reports whether the retention of what was recorded at start has ended.
func (r Retention) Over(start, now time.Time) bool {
	if r == "" {
		return false
	}
	p, err := r.parse()
	if err != nil || now.Sub(start) < p.shortest() { // spares nearly everything the calendar
		return false
	}
	return !now.Before(addMonths(start, p.months).AddDate(0, 0, p.days).Add(p.exact))
}

// shortest is a time that the period is never shorter than: no month has less than 28 days, no day less than 23 hours.
func (p period) shortest() time.Duration {
	return time.Duration(p.months*28+p.days)*23*time.Hour + p.exact
}

// addMonths keeps the day of the month, or takes the month's last one, where AddDate would run into the next month.
func addMonths(t time.Time, months int) time.Time {
	year, month, day := t.Date()
	first := time.Date(year, month+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day, last)-1)
}

func (r Retention) parse() (p period, err error) {
	rest, found := strings.CutPrefix(string(r), "P")
	if !found {
		return p, errRetention
	}
	date, clock, timed := strings.Cut(rest, "T")
	if err := p.read(date, calendarUnits); err != nil {
		return p, err
	}
	if timed && clock == "" {
		return p, errRetention
	}
	if err := p.read(clock, exactUnits); err != nil {
		return p, err
	}
	if p == (period{}) {
		return p, errRetention
	}
	return p, nil
}

// unit is one letter of a duration and what it stands for.
type unit struct {
	letter byte
	length period
}

var calendarUnits = []unit{{'Y', period{months: 12}}, {'M', period{months: 1}}, {'W', period{days: 7}}, {'D', period{days: 1}}}

var exactUnits = []unit{{'H', period{exact: time.Hour}}, {'M', period{exact: time.Minute}}, {'S', period{exact: time.Second}}}

// read adds amounts with units to the period; each unit stands at most once, in order.
func (p *period) read(text string, units []unit) error {
	for text != "" {
		amount, digits := 0, 0
		for digits < len(text) && isDigit(text[digits]) && amount <= maxAmount {
			amount = amount*10 + int(text[digits]-'0')
			digits++
		}
		if digits == 0 || digits == len(text) || amount > maxAmount {
			return errRetention
		}
		i := slices.IndexFunc(units, func(u unit) bool { return u.letter == text[digits] })
		if i < 0 {
			return errRetention
		}
		p.months += amount * units[i].length.months
		p.days += amount * units[i].length.days
		p.exact += time.Duration(amount) * units[i].length.exact
		text, units = text[digits+1:], units[i+1:]
	}
	return nil
}
