package register

import (
	"strings"
	"time"

	"github.com/netresearch/go-cron"

	"github.com/varselhub/varsel/internal/fault"
)

// Schedule is when something is due, in a zone that is said when it is asked.
type Schedule struct{ spec *cron.SpecSchedule }

// maxSchedule bounds the text of a schedule, in bytes.
const maxSchedule = 100

// ParseSchedule reads five fields of cron: minute, hour, day of month, month, day of week.
func ParseSchedule(text string) (Schedule, error) {
	wrong := fault.New(fault.InvalidDocument, "not a schedule")
	if len(text) > maxSchedule || strings.ContainsAny(text, "=@") { // no zones and no intervals of one's own
		return Schedule{}, wrong
	}
	parser, err := cron.TryNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom)
	if err != nil {
		return Schedule{}, fault.Wrap(fault.Internal, err, "no parser of schedules")
	}
	parsed, err := parser.Parse(text)
	spec, ok := parsed.(*cron.SpecSchedule)
	if err != nil || !ok {
		return Schedule{}, wrong
	}
	return Schedule{spec}, nil
}

// everyHour are the bits of all hours of a day.
const everyHour = 1<<24 - 1

// Next is when something is due for the first time after an instant; zero: never.
//
// What is due at certain hours is due by the clock on the wall, once for each time that it shows: a time that the clock skips in
// spring is due as much later, and one that it shows twice in autumn is due the first time. What is due in every hour is due
// in every one that passes.
func (s Schedule) Next(after time.Time, zone *time.Location) time.Time {
	after = after.In(zone)
	if s.spec.Hour&everyHour == everyHour {
		spec := *s.spec
		spec.Location = zone
		return spec.Next(after)
	}
	// The parser's own way through the hour that comes twice ends up in both of them. In UTC there is no such hour: it finds
	// what the wall shows, and when it does so is said here.
	spec := *s.spec
	spec.Location = time.UTC
	for wall := wallOf(after).Add(-furthest); ; {
		if wall = spec.Next(wall); wall.IsZero() {
			return wall
		}
		if due := onWall(wall, zone); due.After(after) {
			return due
		}
	}
}

// furthest is more than clocks are ever set forward by at once: what was skipped is due by so much later.
const furthest = 3 * time.Hour

// wallOf is what the clock on the wall shows, as an instant of UTC.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// onWall is the first instant at which a zone's clocks show what wall is in UTC; where they skip it, the one that would have
// been it, had they not been set forward.
func onWall(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	first, second := wall.Add(-time.Duration(before)*time.Second).In(zone), wall.Add(-time.Duration(after)*time.Second).In(zone)
	if !wallOf(first).Equal(wall) && wallOf(second).Equal(wall) {
		return second
	}
	return first
}

const day = 24 * time.Hour
