package register

import (
	"testing"
	"time"
)

func copenhagen(t testing.TB) *time.Location {
	t.Helper()
	zone, err := new(Register).Location()
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestF6Instants(t *testing.T) {
	t.Parallel()
	zone := copenhagen(t)
	for text, want := range map[string]string{
		"2016-08-07T02:10:00.000000":          "2016-08-07T00:10:00Z",
		"2016-08-07T02:10:00":                 "2016-08-07T00:10:00Z",
		"2016-12-07T02:10:00":                 "2016-12-07T01:10:00Z",
		"2016-08-07T02:10:00Z":                "2016-08-07T02:10:00Z",
		"2016-08-07T07:01:24.5270830+02:00":   "2016-08-07T05:01:24.527083Z",
		"2016-08-07T02:10:00.1":               "2016-08-07T00:10:00.1Z",
		"2016-08-07T02:10:00.123456789":       "2016-08-07T00:10:00.123456Z",
		"2016-08-07T02:10:00.999999999-14:00": "2016-08-07T16:10:00.999999Z",
		"1969-12-31T23:59:59.9999999Z":        "1969-12-31T23:59:59.999999Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999999Z":      "9999-12-31T23:59:59.999999Z",
		"2020-02-29T00:00:00Z":                "2020-02-29T00:00:00Z",
		// Summer begins: from two to three the clock shows nothing.
		"2021-03-28T01:59:59.999999": "2021-03-28T00:59:59.999999Z",
		"2021-03-28T02:00:00":        "",
		"2021-03-28T02:59:59.999999": "",
		"2021-03-28T03:00:00":        "2021-03-28T01:00:00Z",
		"2021-03-28T02:30:00+01:00":  "2021-03-28T01:30:00Z",
		// Summer ends: from two to three the clock goes twice, and the first time is meant.
		"2021-10-31T01:59:59.999999": "2021-10-30T23:59:59.999999Z",
		"2021-10-31T02:00:00":        "2021-10-31T00:00:00Z",
		"2021-10-31T02:59:59.999999": "2021-10-31T00:59:59.999999Z",
		"2021-10-31T03:00:00":        "2021-10-31T02:00:00Z",
		"2021-10-31T02:30:00+01:00":  "2021-10-31T01:30:00Z",
		// What is no time.
		"": "", "2016-08-07": "", "2016-08-07 02:10:00": "", "2016-08-07t02:10:00": "", "2016-08-07T02:10": "", "2016-08-07T2:10:00": "",
		"2016-08-07T24:00:00": "", "2016-08-07T02:60:00": "", "2016-08-07T02:10:60": "", "2016-13-07T02:10:00": "", "2016-00-07T02:10:00": "",
		"2021-02-29T00:00:00": "", "2016-04-31T00:00:00": "", "2016-08-00T00:00:00": "", "0000-01-01T00:00:00": "", "2016-08-07T02:10:00.": "",
		"2016-08-07T02:10:00,5": "", "2016-08-07T02:10:00.1234567890": "", "2016-08-07T02:10:00z": "", "2016-08-07T02:10:00+0200": "",
		"2016-08-07T02:10:00+02": "", "2016-08-07T02:10:00+15:00": "", "2016-08-07T02:10:00+14:01": "", "2016-08-07T02:10:00+01:60": "",
		"2016-08-07T02:10:00ZZ": "", "2016-08-07T02:10:00 ": "", " 2016-08-07T02:10:00": "", "+016-08-07T02:10:00": "", "2016-08-07T02:10:00.5x": "",
		"2016_08-07T02:10:00": "", "2016-08-07T-2:10:00": "",
	} {
		us, ok := ParseInstant(text, zone)
		if got := time.UnixMicro(us).UTC().Format(time.RFC3339Nano); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %s %v, want %q", text, got, ok, want)
		}
	}
}

// Every wall time of two years, by the quarter of an hour, beside what package time shows.
func TestF6EveryWallTimeIsFound(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Copenhagen", "America/Godthab", "Atlantic/Faroe", "Australia/Lord_Howe", "UTC"} {
		zone, err := (&Register{Zone: name}).Location()
		if err != nil {
			t.Fatal(err)
		}
		const layout = "2006-01-02T15:04:05"
		first := map[string]time.Time{} // when each wall time was shown first
		from := time.Date(2022, 12, 30, 0, 0, 0, 0, time.UTC)
		for at := from; at.Year() < 2025; at = at.Add(15 * time.Minute) {
			if wall := at.In(zone).Format(layout); first[wall].IsZero() {
				first[wall] = at
			}
		}
		for clock := from.AddDate(0, 0, 2); clock.Year() < 2024; clock = clock.Add(15 * time.Minute) {
			wall := clock.Format(layout)
			want, shown := first[wall]
			if us, ok := ParseInstant(wall, zone); ok != shown || ok && us != want.UnixMicro() {
				t.Errorf("%s in %s is %v %v, want %v %v", wall, name, time.UnixMicro(us).UTC(), ok, want, shown)
			}
		}
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]bool{"": true, "Europe/Copenhagen": true, "UTC": true, "Local": false, "Europe/Nowhere": false, "../etc": false} {
		r := names()
		r.Zone = zone
		if _, err := r.Location(); (err == nil) != want {
			t.Errorf("%q: %v", zone, err)
		}
		if found := r.Check(); (len(found) == 0) != want || !want && found[0].Pointer != "/zone" {
			t.Errorf("%q: %v", zone, found)
		}
	}
}

// FuzzInstant has it beside package time, for texts with an offset.
func FuzzInstant(f *testing.F) {
	for _, text := range []string{"2016-08-07T02:10:00.000000", "2016-08-07T07:01:24.5270830+02:00", "0001-01-01T00:00:00Z", "2016-02-30T00:00:00-01:30"} {
		f.Add(text)
	}
	zone := copenhagen(f)
	f.Fuzz(func(t *testing.T, text string) {
		us, ok := ParseInstant(text, zone)
		want, err := time.Parse(time.RFC3339Nano, text)
		if ok && err == nil && us != want.UnixMicro() {
			t.Errorf("%q is %d, want %d", text, us, want.UnixMicro())
		}
		if ok && err != nil { // what has no offset
			if want, err = time.Parse(time.RFC3339Nano, text+"Z"); err != nil {
				t.Errorf("%q is no time: %v", text, err)
			} else if apart := us - want.UnixMicro(); apart < -3*3600e6 || apart > 0 {
				t.Errorf("%q is %d µs off", text, apart)
			}
		}
	})
}
