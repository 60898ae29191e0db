package admin

import (
	"math/rand/v2"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// What is typed is a time of the wall clock in the site's zone: some there is not, some there is twice.
func TestTimesAreThoseOfTheWallClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, typed string
		want        string
		clocks      clocks
	}{
		{"Europe/Copenhagen", "2026-03-04T14:30", "2026-03-04T14:30:00+01:00", plain},
		{"Europe/Copenhagen", "2026-07-04T14:30:15", "2026-07-04T14:30:15+02:00", plain},
		{"Europe/Copenhagen", "2026-03-29T01:59", "2026-03-29T01:59:00+01:00", plain},
		{"Europe/Copenhagen", "2026-03-29T02:30", "2026-03-29T03:30:00+02:00", skipped},
		{"Europe/Copenhagen", "2026-03-29T03:00", "2026-03-29T03:00:00+02:00", plain},
		{"Europe/Copenhagen", "2026-10-25T01:59", "2026-10-25T01:59:00+02:00", plain},
		{"Europe/Copenhagen", "2026-10-25T02:30", "2026-10-25T02:30:00+02:00", twice},
		{"Europe/Copenhagen", "2026-10-25T03:00", "2026-10-25T03:00:00+01:00", plain},
		{"America/Montreal", "2026-03-08T02:30", "2026-03-08T03:30:00-04:00", skipped},
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-05T01:45:00+11:00", twice}, // by half an hour
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T02:45:00+11:00", skipped},
		{"Pacific/Kiritimati", "2026-01-01T00:00", "2026-01-01T00:00:00+14:00", plain},
		{"Etc/UTC", "2026-10-25T02:30", "2026-10-25T02:30:00Z", plain},
	} {
		at, clocks, ok := momentOf(c.typed, zone(t, c.zone))
		if got := at.Format(time.RFC3339); !ok || got != c.want || clocks != c.clocks {
			t.Errorf("%s in %s: %s %d %v, want %s %d", c.typed, c.zone, got, clocks, ok, c.want, c.clocks)
		}
	}
	for _, typed := range []string{"", "tomorrow", "2026-02-30T10:00", "2026-03-04", "2026-03-04T25:00", "2026-03-04 14:30", "2026-03-04T14:30Z"} {
		if _, _, ok := momentOf(typed, time.UTC); ok {
			t.Errorf("%q is taken", typed)
		}
	}
}

// Whatever moment there is, what the wall clock shows of it is read as that moment; where the clock shows it twice, as the
// first of the two.
func TestWhatTheClockShowsIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range zones {
		loc := zone(t, name)
		for range 2000 {
			at := time.Unix(1_700_000_000+random.Int64N(200_000_000), 0).Truncate(time.Minute).In(loc)
			got, clocks, ok := momentOf(at.Format(wallClock), loc)
			if again := at.Add(-time.Hour); clocks == twice && got.Equal(again) {
				continue
			}
			if !ok || !got.Equal(at) || clocks == skipped {
				t.Fatalf("%s in %s is read as %s, %d", at, name, got, clocks)
			}
		}
	}
}
