package admin

import (
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// Months as they stand in a date, in the order of tongues (CLDR).
var months = [4][12]string{
	{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	{"januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"},
	{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	{"stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"},
}

// units of durations: day, hour, minute.
var units = [4][3]string{{"d", "h", "min"}, {"d.", "t.", "min."}, {"j", "h", "min"}, {"d", "godz.", "min"}}

// Date is "4 March 2026".
func (s speech) Date(t time.Time) string {
	day := strconv.Itoa(t.Day())
	switch {
	case s.Lang == "da":
		day += "."
	case s.Lang == "fr" && t.Day() == 1:
		day = "1er"
	}
	return day + " " + months[s.at][t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// Clock is "14:30".
func (s speech) Clock(t time.Time) string {
	if s.Lang == "da" {
		return t.Format("15.04")
	}
	return t.Format("15:04")
}

// Moment is a date and a time of day with the zone, since two zones are never far away.
func (s speech) Moment(t time.Time) string {
	between := ", "
	switch s.Lang {
	case "da":
		between = " kl. "
	case "fr":
		between = " à "
	}
	return s.Date(t) + between + s.Clock(t) + " " + zoneOf(t)
}

// zoneOf is the zone's short name. Some have none, and Go gives their offset.
func zoneOf(t time.Time) string {
	name := t.Format("MST")
	if name[0] == '+' || name[0] == '-' {
		return "UTC" + name
	}
	return name
}

// Long is a duration in its two largest units, in minutes at the least: "2 d 3 h", "14 min".
func (s speech) Long(d time.Duration) string {
	d = d.Abs()
	minutes := int(d / time.Minute)
	if minutes == 0 {
		return "< 1\u00a0" + units[s.at][2]
	}
	parts := [3]int{minutes / (24 * 60), minutes / 60 % 24, minutes % 60}
	first := 0
	for first < 2 && parts[first] == 0 {
		first++
	}
	text := strconv.Itoa(parts[first]) + "\u00a0" + units[s.at][first]
	if first < 2 && parts[first+1] > 0 {
		text += " " + strconv.Itoa(parts[first+1]) + "\u00a0" + units[s.at][first+1]
	}
	return text
}

// Decimal writes a number as the language does.
func (s speech) Decimal(n float64, digits int) string {
	text := strconv.FormatFloat(n, 'f', digits, 64)
	if s.Lang != "en" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// stamp is a moment on a page.
type stamp struct {
	At   string // for machines (RFC 3339)
	Text string // in the site's zone, with the year and the zone
}

// stamp is a time in the zone of the site; nil for none.
func (v *visit) stamp(t status.Time) *stamp {
	if t == 0 {
		return nil
	}
	return &stamp{t.Time().Format(time.RFC3339), v.Moment(t.In(v.zone()))}
}

// zone is that of the site, where the path names one.
func (v *visit) zone() *time.Location {
	if v.site == nil {
		return time.UTC
	}
	return v.site.Location()
}

// wallClock is how browsers write a time of day without a zone (HTML, "local date and time").
const wallClock = "2006-01-02T15:04"

// What the clocks did at a time that was typed.
type clocks int

const (
	plain   clocks = iota
	skipped        // they were put forward over it: there is no such time; the nearest after it is given
	twice          // they were put back over it: the first of the two is given
)

// momentOf reads a time of day in a zone. Both of the offsets around it are tried, so the answer is the same on every
// machine, which time.ParseInLocation does not promise.
func momentOf(text string, zone *time.Location) (time.Time, clocks, bool) {
	wall, err := time.Parse(wallClock, text)
	if err != nil {
		if wall, err = time.Parse(wallClock+":05", text); err != nil {
			return time.Time{}, plain, false
		}
	}
	const apart = 26 * time.Hour // farther than any offset, nearer than two changes of the clocks
	var fits []time.Time
	var offsets [2]int
	for i, near := range []time.Time{wall.Add(-apart), wall.Add(apart)} {
		_, offsets[i] = near.In(zone).Zone()
		at := wall.Add(-time.Duration(offsets[i]) * time.Second).In(zone)
		if _, offset := at.Zone(); offset == offsets[i] && (len(fits) == 0 || !fits[0].Equal(at)) {
			fits = append(fits, at)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], plain, true
	case 2:
		if fits[1].Before(fits[0]) {
			fits[0] = fits[1]
		}
		return fits[0], twice, true
	}
	// What the clocks showed before the change, run on, is as far after it as was meant.
	return wall.Add(-time.Duration(offsets[0]) * time.Second).In(zone), skipped, true
}
