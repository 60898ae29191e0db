package page

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Months as they stand in a date, in the order of tongues, and in Polish by themselves. They are those of CLDR, which
// browsers have too, so that what the script writes is what the server writes.
var (
	monthsIn = [4][12]string{
		{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		{"januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"},
		{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		{"stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"},
	}
	monthsAlone = [12]string{"styczeń", "luty", "marzec", "kwiecień", "maj", "czerwiec", "lipiec", "sierpień", "wrzesień", "październik", "listopad", "grudzień"}
)

// Weekdays from Monday, short and whole.
var weekdays = [4][7][2]string{
	{{"Mon", "Monday"}, {"Tue", "Tuesday"}, {"Wed", "Wednesday"}, {"Thu", "Thursday"}, {"Fri", "Friday"}, {"Sat", "Saturday"}, {"Sun", "Sunday"}},
	{{"man", "mandag"}, {"tirs", "tirsdag"}, {"ons", "onsdag"}, {"tors", "torsdag"}, {"fre", "fredag"}, {"lør", "lørdag"}, {"søn", "søndag"}},
	{{"lun", "lundi"}, {"mar", "mardi"}, {"mer", "mercredi"}, {"jeu", "jeudi"}, {"ven", "vendredi"}, {"sam", "samedi"}, {"dim", "dimanche"}},
	{{"pon", "poniedziałek"}, {"wt", "wtorek"}, {"śr", "środa"}, {"czw", "czwartek"}, {"pt", "piątek"}, {"sob", "sobota"}, {"ndz", "niedziela"}},
}

// Units of durations: day, hour, minute.
var units = [4][3]string{{"d", "h", "min"}, {"d.", "t.", "min."}, {"j", "h", "min"}, {"d", "godz.", "min"}}

// Date is "4 March 2026".
func (s speech) Date(t time.Time) string {
	day := strconv.Itoa(t.Day())
	switch {
	case s.lang == "da":
		day += "."
	case s.lang == "fr" && t.Day() == 1:
		day = "1er"
	}
	return day + " " + s.MonthName(t) + " " + strconv.Itoa(t.Year())
}

// MonthName is a month as it stands in a date.
func (s speech) MonthName(t time.Time) string { return monthsIn[s.at][t.Month()-1] }

// Month is "March 2026", as a title.
func (s speech) Month(t time.Time) string {
	name := s.MonthName(t)
	if s.lang == "pl" {
		name = monthsAlone[t.Month()-1]
	}
	return upper(name) + " " + strconv.Itoa(t.Year())
}

// upper begins a text with a capital. No month of ours begins with another than an ASCII letter.
func upper(text string) string {
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		return string(text[0]-'a'+'A') + text[1:]
	}
	if rest, found := strings.CutPrefix(text, "ś"); found {
		return "Ś" + rest
	}
	return text
}

// Clock is "14:30".
func (s speech) Clock(t time.Time) string {
	if s.lang == "da" {
		return t.Format("15.04")
	}
	return t.Format("15:04")
}

// Moment is a date and a time of day with the zone.
func (s speech) Moment(t time.Time) string {
	between := ", "
	switch s.lang {
	case "da":
		between = " kl. "
	case "fr":
		between = " à "
	}
	return s.Date(t) + between + s.Clock(t) + " " + zoneOf(t)
}

// ClockIn is a time of day with the zone.
func (s speech) ClockIn(t time.Time) string { return s.Clock(t) + " " + zoneOf(t) }

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
	if d < 0 {
		d = -d
	}
	minutes := int(d / time.Minute)
	if minutes == 0 && d > 0 {
		return "< 1 " + units[s.at][2]
	}
	parts := [3]int{minutes / (24 * 60), minutes / 60 % 24, minutes % 60}
	first := 0
	for first < 2 && parts[first] == 0 {
		first++
	}
	text := amount(parts[first], units[s.at][first])
	if first < 2 && parts[first+1] > 0 {
		text += " " + amount(parts[first+1], units[s.at][first+1])
	}
	return text
}

func amount(n int, unit string) string { return strconv.Itoa(n) + "\u00a0" + unit }

// Decimal writes a number with the language's decimal sign.
func (s speech) Decimal(text string) string {
	if s.lang == "en" {
		return text
	}
	return strings.Replace(text, ".", ",", 1)
}

// Percent is a part of one as a percentage, cut and not rounded: only what lost nothing is 100.
func (s speech) Percent(part float64) string {
	hundredths := math.Floor(part*10000 + 1e-9)
	text := strconv.FormatFloat(hundredths/100, 'f', 2, 64)
	if hundredths == 10000 || hundredths == 0 {
		text = strconv.Itoa(int(hundredths / 100))
	}
	return s.Decimal(text) + "\u00a0%"
}

// Share is a weight as a percentage: 0.3 is "30 %".
func (s speech) Share(weight float64) string {
	return s.Decimal(strconv.FormatFloat(math.Round(weight*1000)/10, 'f', -1, 64)) + "\u00a0%"
}
