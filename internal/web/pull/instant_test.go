package pull

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func copenhagen(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// F34, requirements 4c 3: without an offset a time is the zone's, on both days that clocks are changed too.
func TestF34Times(t *testing.T) {
	t.Parallel()
	zone := copenhagen(t)
	for text, want := range map[string]string{
		"2020-09-29T03:47:47":               "2020-09-29T01:47:47Z",
		"2020-01-29T03:47:47":               "2020-01-29T02:47:47Z",
		"2020-09-29":                        "2020-09-28T22:00:00Z",
		"2020-09-29 03:47":                  "2020-09-29T01:47:00Z",
		"2020-09-29t03:47:47z":              "2020-09-29T03:47:47Z",
		"2020-09-29T03:47:47.350130Z":       "2020-09-29T03:47:47.35013Z",
		"2020-09-29T07:02:17.0601880+02:00": "2020-09-29T05:02:17.060188Z",
		"2020-09-29T07:02:17.0601881+02:00": "2020-09-29T05:02:17.060189Z", // what is recorded from it on
		"2020-09-29T07:02:17 02:00":         "2020-09-29T05:02:17Z",        // a + that was not encoded
		"2020-09-29T07:02:17-0130":          "2020-09-29T08:32:17Z",
		"2020-02-29T24:00:00":               "",
		"2019-02-29T00:00:00":               "",
		"29-09-2020":                        "",
		"2020-09-29T3:47:47":                "",
		"2020-09-29T03:47:47,5":             "2020-09-29T01:47:47.5Z",
		"2020-09-29T03:47:47+2":             "",
		"2020-09-29T":                       "",
		"2020-09-29T03":                     "",
		"2020-09-29T03:47:47Z+02:00":        "",
		"":                                  "",

		// The night of 29 March 2026 leaves out the hour from 2 to 3.
		"2026-03-29T01:59:59": "2026-03-29T00:59:59Z",
		"2026-03-29T02:00:00": "2026-03-29T01:00:00Z",
		"2026-03-29T02:30:00": "2026-03-29T01:00:00Z",
		"2026-03-29T03:00:00": "2026-03-29T01:00:00Z",
		"2026-03-29T03:00:01": "2026-03-29T01:00:01Z",
		// The night of 25 October 2026 has it twice.
		"2026-10-25T01:59:59": "2026-10-24T23:59:59Z",
		"2026-10-25T02:30:00": "2026-10-25T00:30:00Z",
		"2026-10-25T02:59:59": "2026-10-25T00:59:59Z",
		"2026-10-25T03:00:00": "2026-10-25T02:00:00Z",
	} {
		us, ok := instant(text, zone)
		if ok != (want != "") {
			t.Errorf("%q: %v", text, ok)
			continue
		}
		if got := time.UnixMicro(us).UTC().Format(time.RFC3339Nano); ok && got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Windows that meet on the clock meet in the log, whatever the night: later on the clock is never earlier in time, and
// every moment is between two that can be written.
func TestF37TheClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	zone := copenhagen(t)
	for _, day := range []string{"2026-03-28", "2026-10-24"} {
		start, _ := time.Parse(time.DateOnly, day)
		before := int64(0)
		for minute := range 3 * 24 * 60 {
			local := start.Add(time.Duration(minute) * time.Minute)
			us, ok := instant(local.Format("2006-01-02T15:04:05"), zone)
			if !ok || us < before {
				t.Fatalf("%s: %v, and %d after %d", local, ok, us, before)
			}
			before = us
		}
	}
}

// FuzzInstant: what is understood is what the standard library understands, where both do.
func FuzzInstant(f *testing.F) {
	for _, seed := range []string{"2020-09-29T03:47:47", "2020-09-29T03:47:47.350130Z", "2020-09-29 03:47:47+02:00", "2020-09-29", "2026-03-29T02:30:00", "2020-09-29T03:47:47 02:00"} {
		f.Add(seed)
	}
	zone := copenhagen(f)
	f.Fuzz(func(t *testing.T, text string) {
		us, ok := instant(text, zone)
		if len(text) < 19 || text[13] != ':' {
			return // the library takes an hour of one digit
		}
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil && (!ok || us != micros(at)) {
			t.Errorf("%q: %d %v, want %d", text, us, ok, micros(at))
		}
		if at, err := time.ParseInLocation("2006-01-02T15:04:05", text, zone); err == nil && !ok {
			t.Errorf("%q is not understood: %v", text, at)
		}
	})
}
