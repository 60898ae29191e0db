package pull

import (
	"strings"
	"time"
)

// instant reads a time as clients write it (F34, requirements 4c 3): yyyy-mm-ddTHH:mm:ss, with a fraction or without, with
// an offset, a Z or neither; a space in place of the T; a date alone, which is the beginning of its day. It is in µs UTC,
// rounded up, so that what is recorded from it on is what is recorded at it or later.
func instant(text string, zone *time.Location) (us int64, ok bool) {
	date, clock, timed := cut(text)
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return 0, false
	}
	if !timed {
		return micros(wall(day, zone)), true
	}
	clock, offset := offsetOf(clock)
	at, err := time.Parse("15:04:05", clock) // takes a fraction behind the seconds, too
	if err != nil {
		at, err = time.Parse("15:04", clock)
	}
	if err != nil || !strings.Contains(clock, ":") || clock[2] != ':' {
		return 0, false
	}
	local := day.Add(at.Sub(at.Truncate(24 * time.Hour)))
	switch offset {
	case "":
		return micros(wall(local, zone)), true
	case "Z", "z":
		return micros(local), true
	}
	ahead, err := time.Parse("-07:00", offset)
	if err != nil {
		if ahead, err = time.Parse("-0700", offset); err != nil {
			return 0, false
		}
	}
	_, seconds := ahead.Zone()
	return micros(local.Add(-time.Duration(seconds) * time.Second)), true
}

// cut divides date and time of day.
func cut(text string) (date, clock string, timed bool) {
	const length = len(time.DateOnly)
	if len(text) <= length {
		return text, "", false
	}
	if mark := text[length]; mark != 'T' && mark != 't' && mark != ' ' {
		return "", "", false
	}
	return text[:length], text[length+1:], true
}

// offsetOf takes the offset off a time of day. A + that was not encoded arrives as a space.
func offsetOf(clock string) (rest, offset string) {
	if rest, utc := strings.CutSuffix(strings.ToUpper(clock), "Z"); utc {
		return rest, "Z"
	}
	at := strings.IndexAny(clock, "+- ")
	if at < 0 {
		return clock, ""
	}
	return clock[:at], strings.Replace(clock[at:], " ", "+", 1)
}

// wall is when the clocks of a zone show a time. In the hour that an autumn night has twice it is the first; in the one
// that a spring night leaves out it is when the clocks are put forward. So later on the clock is never earlier in time, and
// windows that meet on the clock meet in the log.
func wall(local time.Time, zone *time.Location) time.Time {
	var first time.Time
	for _, around := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := local.Add(around).In(zone).Zone()
		at := local.Add(-time.Duration(offset) * time.Second)
		if _, there := at.In(zone).Zone(); there == offset && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		_, offset := local.Add(-24 * time.Hour).In(zone).Zone()
		first, _ = local.Add(-time.Duration(offset) * time.Second).In(zone).ZoneBounds()
	}
	return first
}

// micros rounds up.
func micros(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
