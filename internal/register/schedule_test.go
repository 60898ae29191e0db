package register_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/register"
)

// F43: an extract is made at its interval, on the days of the year that have 23 and 25 hours too.
func TestF43ScheduleOnTheDaysClocksChange(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	spring, autumn := time.Date(2026, 3, 29, 0, 0, 0, 0, zone), time.Date(2026, 10, 25, 0, 0, 0, 0, zone)
	for name, c := range map[string]struct {
		schedule string
		day      time.Time
		want     string // of the day, by the wall
	}{
		"02:30 in spring, when there is none":       {"30 2 * * *", spring, "03:30+02"},
		"02:30 in autumn, when there are two":       {"30 2 * * *", autumn, "02:30+02"},
		"twice in the hour in spring":               {"15,45 2 * * *", spring, "03:15+02 03:45+02"},
		"twice in the hour in autumn":               {"15,45 2 * * *", autumn, "02:15+02 02:45+02"},
		"the hour after in spring is no other":      {"30 2,3 * * *", spring, "03:30+02"},
		"the hour after in autumn":                  {"30 2,3 * * *", autumn, "02:30+02 03:30+01"},
		"before and after in spring":                {"0 1,4 * * *", spring, "01:00+01 04:00+02"},
		"every hour in spring":                      {"30 * * * *", spring, strings.TrimSpace("00:30+01 01:30+01 " + hours(3, 23, "+02"))},
		"every hour in autumn":                      {"30 * * * *", autumn, "00:30+02 01:30+02 02:30+02 02:30+01 " + hours(3, 23, "+01")},
		"midnight, which every day has once":        {"0 0 * * *", autumn, "00:00+02"},
		"a day of the month or a day of the week":   {"0 12 1 * SUN", autumn, "12:00+01"},
		"a day that no month has is never due":      {"0 12 30 2 *", autumn, ""},
		"last Sunday's other month is not this one": {"0 12 * 11 *", autumn, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := register.ParseSchedule(c.schedule)
			if err != nil {
				t.Fatal(err)
			}
			var due []string
			for at := s.Next(c.day.Add(-time.Second), zone); !at.IsZero() && at.Before(c.day.AddDate(0, 0, 1)); at = s.Next(at, zone) {
				due = append(due, at.Format("15:04-07"))
			}
			if got := strings.Join(due, " "); got != c.want {
				t.Errorf("due %s, want %s", got, c.want)
			}
		})
	}
}

func hours(from, to int, offset string) string {
	var list []string
	for h := from; h <= to; h++ {
		list = append(list, time.Date(2026, 1, 1, h, 30, 0, 0, time.UTC).Format("15:04")+offset)
	}
	return strings.Join(list, " ")
}

func TestWhatIsNoSchedule(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "* * * *", "* * * * * *", "61 * * * *", "@daily", "@every 1s", "TZ=UTC 0 0 * * *", "CRON_TZ=UTC 0 0 * * *", strings.Repeat("1,", 60) + "1 * * * *"} {
		if _, err := register.ParseSchedule(text); err == nil {
			t.Errorf("%q is taken for a schedule", text)
		}
	}
}

// FuzzSchedule: whatever text is a schedule, what is due is due after it was asked, and at a whole minute.
func FuzzSchedule(f *testing.F) {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"30 2 * * *", "*/15 * * * 1-5", "0 0 31 2 *", "59 23 L * *", "0 12 * * FRI#3", "5-1 3-2 * DEC-JAN *", "0 0 29 2 MON"} {
		f.Add(text, int64(1_774_700_000))
		f.Add(text, int64(1_792_800_000))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		s, err := register.ParseSchedule(text)
		if err != nil {
			return
		}
		after := time.Unix(unix%(1<<33), 0)
		if due := s.Next(after, zone); !due.IsZero() && (!due.After(after) || due.Second() != 0) {
			t.Errorf("%q after %s is due %s", text, after, due)
		}
	})
}
