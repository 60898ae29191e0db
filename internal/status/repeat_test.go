package status_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// D7: a maintenance that comes again stands where the clock on the wall does, whatever daylight saving and short months do;
// what moves one of them moves none after it.
func TestD7ARepeatKeepsTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	const form = "2006-01-02 15:04 MST"
	for name, c := range map[string]struct {
		repeat     status.Repeat
		from, to   string   // the first
		want       []string // those after it
		wantLength string   // of each, where it is always the same
	}{
		"each day, over the hour that is not": {
			status.Repeat{Every: "day"}, "2026-03-27 02:30 CET", "2026-03-27 04:00 CET",
			[]string{"2026-03-28 02:30 CET – 04:00", "2026-03-29 03:30 CEST – 04:00", "2026-03-30 02:30 CEST – 04:00"}, "",
		},
		"each day, over the hour that is twice": {
			status.Repeat{Every: "day"}, "2026-10-23 02:30 CEST", "2026-10-23 02:45 CEST",
			[]string{"2026-10-24 02:30 CEST – 02:45", "2026-10-25 02:30 CET – 02:45", "2026-10-26 02:30 CET – 02:45"}, "15m0s",
		},
		"an end in the hour that is not": {
			status.Repeat{Every: "day"}, "2026-03-28 02:30 CET", "2026-03-28 03:15 CET",
			[]string{"2026-03-29 03:30 CEST – 04:15", "2026-03-30 02:30 CEST – 03:15"}, "45m0s",
		},
		"a first one that is an hour short": {
			status.Repeat{Every: "week"}, "2026-03-29 01:00 CET", "2026-03-29 05:00 CEST",
			[]string{"2026-04-05 01:00 CEST – 05:00", "2026-04-12 01:00 CEST – 05:00"}, "4h0m0s",
		},
		"every other week": {
			status.Repeat{Every: "week", Step: 2}, "2026-03-22 22:00 CET", "2026-03-23 02:00 CET",
			[]string{"2026-04-05 22:00 CEST – 02:00", "2026-04-19 22:00 CEST – 02:00"}, "4h0m0s",
		},
		"the last of a month": {
			status.Repeat{Every: "month"}, "2026-01-31 20:00 CET", "2026-01-31 22:00 CET",
			[]string{"2026-02-28 20:00 CET – 22:00", "2026-03-31 20:00 CEST – 22:00", "2026-04-30 20:00 CEST – 22:00", "2026-05-31 20:00 CEST – 22:00"}, "2h0m0s",
		},
		"every year, by months": {
			status.Repeat{Every: "month", Step: 12}, "2024-02-29 20:00 CET", "2024-02-29 22:00 CET",
			[]string{"2025-02-28 20:00 CET – 22:00", "2026-02-28 20:00 CET – 22:00", "2027-02-28 20:00 CET – 22:00", "2028-02-29 20:00 CET – 22:00"}, "",
		},
		"until": {
			status.Repeat{Every: "day", Until: status.At(time.Date(2026, 5, 3, 20, 0, 0, 0, zone))}, "2026-05-01 20:00 CEST", "2026-05-01 22:00 CEST",
			[]string{"2026-05-02 20:00 CEST – 22:00", "2026-05-03 20:00 CEST – 22:00", ""}, "",
		},
		"of no kind": {status.Repeat{Every: "moon"}, "2026-05-01 20:00 CEST", "2026-05-01 22:00 CEST", []string{""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := func(text string) status.Time {
				moment, err := time.ParseInLocation(form, text, zone)
				if err != nil {
					t.Fatal(err)
				}
				return status.At(moment)
			}
			n := &status.Notice{ID: "a", Kind: status.Planned, Starts: at(c.from), Ends: at(c.to), Repeat: &c.repeat, Updates: []status.Update{{Stage: status.Scheduled}}}
			for i, want := range c.want {
				from, to, ok := n.Repeat.Next(n.Starts, n.Ends, zone)
				if got := from.In(zone).Format(form) + " – " + to.In(zone).Format("15:04"); ok != (want != "") || ok && got != want {
					t.Fatalf("the %d. is %s, want %s", i+1, got, want)
				}
				if ok && c.wantLength != "" && to.Sub(from).String() != c.wantLength {
					t.Errorf("the %d. is %s long", i+1, to.Sub(from))
				}
				n = n.Again(from, to, 0, nil, zone)
			}
		})
	}
}

// One that a person has put elsewhere is what those after it are counted from.
func TestARepeatIsCountedFromWhatAPersonSays(t *testing.T) {
	t.Parallel()
	day := func(d int) status.Time { return status.At(time.Date(2026, 1, d, 20, 0, 0, 0, time.UTC)) }
	n := &status.Notice{ID: "a", Kind: status.Planned, Starts: day(31), Ends: day(31).Add(time.Hour), Repeat: &status.Repeat{Every: "month"}, Updates: []status.Update{{Stage: status.Scheduled}}}
	from, to, _ := n.Repeat.Next(n.Starts, n.Ends, time.UTC)
	n = n.Again(from, to, 0, nil, time.UTC) // 28 February, counted from 31 January
	n.Starts, n.Ends = n.Starts.Add(-24*time.Hour), n.Ends.Add(-24*time.Hour)
	if from, _, _ := n.Repeat.Next(n.Starts, n.Ends, time.UTC); from.Time().Format(time.DateOnly) != "2026-03-27" {
		t.Errorf("the next is %s", from.Time())
	}
}

// Whatever is repeated, the next is after this one, ends after it starts, and is found again from what is counted from.
func TestARepeatGoesOn(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		starts := status.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).Add(time.Duration(random.Int64N(int64(365 * 24 * time.Hour))).Truncate(time.Minute))
		n := &status.Notice{
			ID: "a", Kind: status.Planned, Starts: starts, Ends: starts.Add(time.Duration(1+random.IntN(300)) * time.Minute),
			Repeat: &status.Repeat{Every: status.Repeats[random.IntN(3)], Step: random.IntN(4)}, Updates: []status.Update{{Stage: status.Scheduled}},
		}
		first := n
		for range 40 {
			from, to, ok := n.Repeat.Next(n.Starts, n.Ends, zone)
			if !ok || from <= n.Starts || to <= from {
				t.Fatalf("after %s – %s comes %s – %s", n.Starts.In(zone), n.Ends.In(zone), from.In(zone), to.In(zone))
			}
			n = n.Again(from, to, 0, nil, zone)
			if n.Repeat.From != first.Starts || n.Repeat.To != first.Ends {
				t.Fatalf("%+v began with %s, and is counted from %s", *first.Repeat, first.Starts.In(zone), n.Repeat.From.In(zone))
			}
		}
	}
}

// What was written of the first is said of all of them, and nothing of one is taken over that is its own.
func TestWhatComesAgainIsNew(t *testing.T) {
	t.Parallel()
	first := &status.Notice{
		ID: "a", Kind: status.Planned, Title: status.Text{"en": "Monthly"}, Starts: 100, Ends: 200, Expected: 150, NextUpdate: 120, Imported: "https://old.example/a",
		Earlier: []status.Wording{{Text: status.Text{"en": "Weekly"}}}, Repeat: &status.Repeat{Every: "day"}, Pause: []string{"jobnet"}, Components: []string{"c"},
		Updates: []status.Update{{ID: "u", Stage: status.Scheduled, Body: status.Text{"en": "We update."}, Author: "eva"}, {Stage: status.InProgress, Body: status.Text{"en": "It began."}}},
	}
	second := first.Again(300, 400, 250, status.Text{"en": "A maintenance is planned."}, time.UTC)
	third := second.Again(500, 600, 450, status.Text{"en": "A maintenance is planned."}, time.UTC)
	for i, n := range []*status.Notice{second, third} {
		u := n.Updates[0]
		if n.ID == "a" || !status.IsID(n.ID) || n.Series != "a" || n.Stage != status.Scheduled || len(n.Updates) != 1 || u.Body["en"] != "We update." || u.Author != "" || !u.Quiet {
			t.Errorf("the %d. is %+v", i+2, n)
		}
		if n.Expected != 0 || n.NextUpdate != 0 || n.Imported != "" || n.Earlier != nil || strings.Join(n.Pause, "") != "jobnet" || n.Components[0] != "c" {
			t.Errorf("the %d. takes over %+v", i+2, n)
		}
	}
}
