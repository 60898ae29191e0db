package profile_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/varselhub/varsel/internal/profile"
)

func TestF21TwoCalendarMonths(t *testing.T) {
	t.Parallel()
	p, _ := profile.Get(profile.Datafordeler)
	copenhagen, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"2024-01-31T12:00": "2024-03-31T12:00", // section 7; in Copenhagen summer time began that morning
		"2023-12-31T23:59": "2024-02-29T23:59",
		"2024-12-31T00:00": "2025-02-28T00:00",
		"2024-12-30T00:00": "2025-02-28T00:00",
		"2024-02-29T08:00": "2024-04-29T08:00",
		"2024-07-15T08:00": "2024-09-15T08:00",
		"2024-11-30T08:00": "2025-01-30T08:00",
	} {
		for _, zone := range []*time.Location{time.UTC, copenhagen} {
			at, err := time.ParseInLocation("2006-01-02T15:04", from, zone)
			if err != nil {
				t.Fatal(err)
			}
			end, ever := p.Ends(at)
			if got := end.Format("2006-01-02T15:04"); !ever || got != want {
				t.Errorf("%s in %s: got %s, want %s", from, zone, got, want)
			}
		}
	}
	for _, other := range []profile.Name{profile.Standard, profile.Star, profile.Statuspage} {
		p, _ := profile.Get(other)
		if _, ever := p.Ends(time.Now()); ever {
			t.Errorf("a subscription of %s ends by itself", other)
		}
	}
}

func TestF21EveryHour(t *testing.T) {
	t.Parallel()
	p, _ := profile.Get(profile.Datafordeler)
	for n := 1; n < 2000; n *= 3 {
		if got := p.Retry.Delay(n, 0.9); got != time.Hour {
			t.Errorf("after %d failures: %s", n, got)
		}
	}
}
