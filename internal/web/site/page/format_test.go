package page

import (
	"strings"
	"testing"
	"time"
)

var copenhagen = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		return time.UTC
	}
	return zone
}()

// Times are in the site's zone, with zone and year, as each language writes them.
func TestMomentsAreWrittenAsEachLanguageDoes(t *testing.T) {
	t.Parallel()
	winter, summer := time.Date(2026, 3, 4, 14, 5, 0, 0, copenhagen), time.Date(2026, 8, 1, 9, 30, 0, 0, copenhagen)
	for _, c := range []struct{ lang, winter, summer, month string }{
		{"en", "4 March 2026, 14:05 CET", "1 August 2026, 09:30 CEST", "August 2026"},
		{"da", "4. marts 2026 kl. 14.05 CET", "1. august 2026 kl. 09.30 CEST", "August 2026"},
		{"fr", "4 mars 2026 à 14:05 CET", "1er août 2026 à 09:30 CEST", "Août 2026"},
		{"pl", "4 marca 2026, 14:05 CET", "1 sierpnia 2026, 09:30 CEST", "Sierpień 2026"},
	} {
		s := speechOf(c.lang)
		if got := s.Moment(winter); got != c.winter {
			t.Errorf("%q, want %q", got, c.winter)
		}
		if got := s.Moment(summer); got != c.summer {
			t.Errorf("%q, want %q", got, c.summer)
		}
		if got := s.Month(summer); got != c.month {
			t.Errorf("%q, want %q", got, c.month)
		}
	}
	bogota := time.FixedZone("-05", -5*60*60)
	if got := speechOf("en").Moment(summer.In(bogota)); !strings.HasSuffix(got, "02:30 UTC-05") {
		t.Errorf("a zone without a name is %q", got)
	}
}

func TestDurationsHaveTwoUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang string
		d    time.Duration
		want string
	}{
		{"en", 14 * time.Minute, "14 min"}, {"en", 30 * time.Second, "< 1 min"}, {"en", 0, "0 min"},
		{"en", 80 * time.Minute, "1 h 20 min"}, {"en", 2 * time.Hour, "2 h"}, {"en", 51*time.Hour + 5*time.Minute, "2 d 3 h"},
		{"en", -14 * time.Minute, "14 min"},
		{"da", 80 * time.Minute, "1 t. 20 min."}, {"fr", 51 * time.Hour, "2 j 3 h"}, {"pl", 80 * time.Minute, "1 godz. 20 min"},
	} {
		if got := strings.ReplaceAll(speechOf(c.lang).Long(c.d), "\u00a0", " "); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.lang, c.d, got, c.want)
		}
	}
}

// What lost anything is never a hundred per cent, and what was not all lost is never none.
func TestPercentagesAreCutNotRounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang string
		part float64
		want string
	}{
		{"en", 1, "100 %"}, {"en", 0.999999, "99.99 %"}, {"en", 0.9985, "99.85 %"}, {"en", 0.5, "50.00 %"}, {"en", 0, "0 %"},
		{"fr", 0.9985, "99,85 %"}, {"da", 0.9985, "99,85 %"}, {"pl", 0.9985, "99,85 %"},
	} {
		if got := strings.ReplaceAll(speechOf(c.lang).Percent(c.part), "\u00a0", " "); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.lang, c.part, got, c.want)
		}
	}
	for seconds := 1; seconds < 90*24*60*60; seconds += 7919 {
		if got := speechOf("en").Percent(1 - float64(seconds)/(90*24*60*60)); strings.HasPrefix(got, "100") {
			t.Fatalf("%d seconds of ninety days lost are %s", seconds, got)
		}
	}
}
