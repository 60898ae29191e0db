package register

import (
	"time"
	_ "time/tzdata" // times are read in the register's zone on machines that have no zones

	"github.com/varselhub/varsel/internal/fault"
)

// DefaultZone is where times are that say no offset, unless the register says another.
const DefaultZone = "Europe/Copenhagen"

// Location is the zone of the register's times that say no offset.
// Errors: fault.InvalidDocument.
func (r *Register) Location() (*time.Location, error) {
	name := r.Zone
	if name == "" {
		name = DefaultZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/zone", Rule: "zone", Message: "want the name of an IANA time zone, such as Europe/Copenhagen"}})
	}
	return zone, nil
}

// ParseInstant reads an ISO 8601 time with seconds as µs UTC: 2016-08-07T02:10:00, with up to nine decimals, of which those
// after the sixth are cut, and with Z, an offset, or none; then it is what the clock of the zone showed. What the clock showed
// twice, when summer ends, is the first time. What it never showed, when summer begins, is no time: who says it has a clock
// that is wrong by an hour, and which hour cannot be told.
func ParseInstant(text string, zone *time.Location) (us int64, ok bool) {
	const wall = len("2006-01-02T15:04:05")
	if len(text) < wall || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return 0, false
	}
	date, ok := parseDate(text[:10])
	hour, ok1 := digits(text[11:13], 23)
	minute, ok2 := digits(text[14:16], 59)
	second, ok3 := digits(text[17:19], 59)
	nanos, rest, ok4 := decimals(text[wall:])
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, false
	}
	clock := date.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(nanos))
	switch {
	case rest == "Z":
		return clock.UnixMicro(), true
	case rest == "":
		return shown(clock, zone)
	}
	offset, ok := parseOffset(rest)
	return clock.Add(-offset).UnixMicro(), ok
}

// shown finds when the clock of a zone first showed what a time says in UTC. One of the offsets that are in force a day before
// and a day after is in force then: no zone changes twice in two days.
func shown(clock time.Time, zone *time.Location) (us int64, ok bool) {
	const day = 24 * time.Hour
	first, found := time.Time{}, false
	for _, near := range []time.Time{clock.Add(-day), clock.Add(day)} {
		_, offset := near.In(zone).Zone()
		at := clock.Add(-time.Duration(offset) * time.Second)
		if _, then := at.In(zone).Zone(); then == offset && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	return first.UnixMicro(), found
}

// parseDate reads an ISO 8601 date as its midnight in UTC.
func parseDate(text string) (time.Time, bool) {
	if len(text) != len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return time.Time{}, false
	}
	year, ok := digits(text[:4], 9999)
	month, ok1 := digits(text[5:7], 12)
	day, ok2 := digits(text[8:], 31)
	if !ok || !ok1 || !ok2 || year == 0 || month == 0 || day == 0 {
		return time.Time{}, false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return date, date.Day() == day // 31 April is another day
}

// decimals reads a fraction of a second, if there is one.
func decimals(text string) (nanos int, rest string, ok bool) {
	if text == "" || text[0] != '.' {
		return 0, text, true
	}
	n, unit := 1, 100_000_000
	for ; n < len(text) && text[n] >= '0' && text[n] <= '9'; n++ {
		nanos += int(text[n]-'0') * unit
		unit /= 10
	}
	return nanos, text[n:], n > 1 && n <= 10
}

func parseOffset(text string) (time.Duration, bool) {
	if len(text) != len("+01:00") || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return 0, false
	}
	hours, ok := digits(text[1:3], 14)
	minutes, ok1 := digits(text[4:], 59)
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, ok && ok1 && offset.Abs() <= 14*time.Hour // XML Schema 1.0 part 2 section 3.2.7.3
}

// digits reads a number of nothing but digits.
func digits(text string, most int) (n int, ok bool) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	return n, n <= most
}
