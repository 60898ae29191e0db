package status_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/status"
)

var copenhagen = zone("Europe/Copenhagen")

func zone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

func at(text string) status.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, copenhagen)
	if err != nil {
		return 0
	}
	return status.At(t)
}

// standing is a component with spans given as "2026-03-01 10:00:00", state, …
func standing(start string, spans ...any) *status.Standing {
	s := &status.Standing{Component: &status.Component{StartDate: start}}
	for i := 0; i < len(spans); i += 2 {
		s.Spans = append(s.Spans, status.Span{From: at(spans[i].(string)), State: spans[i+1].(status.State)})
	}
	return s
}

// TestUptimeIsStatuspages holds the formula of the reference's 2.3 to its examples.
func TestUptimeIsStatuspages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s       *status.Standing
		days    int
		weights status.Weights
		want    float64
	}{
		"864 s partial over two days is 99.85 %": {
			standing("", "2026-03-01 00:00:00", op, "2026-03-01 10:00:00", part, "2026-03-01 10:14:24", op), 2, status.DefaultWeights, 0.9985,
		},
		"an hour of a major outage in ten days": {
			standing("", "2026-02-01 00:00:00", op, "2026-03-01 10:00:00", major, "2026-03-01 11:00:00", op), 10, status.DefaultWeights, 1 - 1.0/240,
		},
		"degraded and maintenance cost nothing": {
			standing("", "2026-02-01 00:00:00", deg, "2026-03-01 10:00:00", maint), 10, status.DefaultWeights, 1,
		},
		"weights are configuration": {
			standing("", "2026-02-01 00:00:00", deg), 10, status.Weights{Degraded: 0.25}, 0.75,
		},
		"what is not known counts for neither side": {
			standing("", "2026-03-01 00:00:00", op, "2026-03-02 00:00:00", none), 10, status.DefaultWeights, 1,
		},
		"the clock starts at the start date": {
			standing("2026-03-02", "2026-02-01 00:00:00", major, "2026-03-02 00:00:00", op), 10, status.DefaultWeights, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := status.Over(c.s.Days(c.days, at("2026-03-03 00:00:00")-1, copenhagen))
			got, known := whole.Uptime(&c.weights)
			if !known || math.Abs(got-c.want) > 1e-6 {
				t.Errorf("got %.6f, %v; want %.6f", got, known, c.want)
			}
		})
	}
	var nothing status.Spell
	if _, known := nothing.Uptime(&status.DefaultWeights); known {
		t.Error("the uptime of what nothing is known of is known")
	}
}

// TestADayIsAsLongAsItIs: the days on which the clocks change have 23 and 25 hours.
func TestADayIsAsLongAsItIs(t *testing.T) {
	t.Parallel()
	s := standing("", "2025-10-01 00:00:00", op)
	for date, hours := range map[string]float64{"2026-03-29": 23, "2025-10-26": 25, "2026-03-30": 24} {
		days := s.Days(3, at(date+" 23:59:59")+1_000_000-1, copenhagen)
		last := days[2]
		if got := last.Date.Format(time.DateOnly); got != date {
			t.Errorf("the day is %s, want %s", got, date)
		}
		if got := last.Known.Hours(); math.Abs(got-hours) > 1e-6 {
			t.Errorf("%s has %v hours, want %v", date, got, hours)
		}
	}
}

// TestABarShowsTheWorstOfItsDay and says nothing of what it does not know.
func TestABarShowsTheWorstOfItsDay(t *testing.T) {
	t.Parallel()
	s := standing("2026-03-02", "2026-03-01 00:00:00", major, "2026-03-02 10:00:00", op, "2026-03-03 10:00:00", deg, "2026-03-03 11:00:00", part, "2026-03-03 11:01:00", op,
		"2026-03-04 00:00:00", none)
	days := s.Days(5, at("2026-03-05 12:00:00"), copenhagen)
	for i, want := range []status.State{none, major, part, none, none} {
		if got := days[i].Worst(); got != want {
			t.Errorf("%s: %s, want %s", days[i].Date.Format(time.DateOnly), got, want)
		}
	}
	if got := days[1].Major; got != 10*time.Hour {
		t.Errorf("2 March: %v out, want 10 h", got)
	}
}

// TestSpellsAddUp: however a period is cut, the parts are the whole.
func TestSpellsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		begin := at("2026-03-01 00:00:00")
		var spans []status.Span
		from := begin
		for range rapid.IntRange(1, 20).Draw(r, "spans") {
			from = from.Add(time.Duration(rapid.IntRange(1, 100_000).Draw(r, "seconds")) * time.Second)
			spans = append(spans, status.Span{From: from, State: rapid.SampledFrom(append([]status.State{none}, status.States...)).Draw(r, "state")})
		}
		end := from.Add(time.Hour)
		cut := begin.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(begin)/time.Second)).Draw(r, "cut")) * time.Second)
		whole, first, second := status.SpellOf(spans, begin, end), status.SpellOf(spans, begin, cut), status.SpellOf(spans, cut, end)
		if sum := status.Over([]status.Day{{Spell: first}, {Spell: second}}); sum != whole {
			r.Fatalf("cut at %v: %+v and %+v are not %+v", cut.Time(), first, second, whole)
		}
		if part, known := whole.Uptime(&status.DefaultWeights); known && (part < 0 || part > 1) {
			r.Fatalf("an uptime of %v", part)
		}
	})
}
