package page

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

// look is a page's sheet of a world.
func look(t testing.TB, w *statustest.World, lang string) *sheet {
	t.Helper()
	pages, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return pages.sheet(&site.Look{Board: w.Board(), Now: statustest.Now, Ask: site.Ask{Language: lang, Theme: "auto"}}, "/")
}

// Each day is told by itself where there is something to tell, and the rest together.
func TestTheNumbersOfTheBars(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	id := statustest.ID("comp", 1)
	at := func(day, hour, minute int) status.Time {
		return status.At(time.Date(2026, 2, day, hour, minute, 0, 0, copenhagen))
	}
	w.Set(id, status.PartialOutage, at(3, 10, 0), nil, status.ByMonitor, "")
	w.Set(id, status.Maintenance, at(3, 10, 14), nil, status.ByMonitor, "")
	w.Set(id, status.Operational, at(3, 12, 14), nil, status.ByMonitor, "")
	w.Set(id, status.NoData, at(10, 0, 0), nil, status.ByMonitor, "")
	w.Set(id, status.Operational, at(12, 0, 0), nil, status.ByMonitor, "")
	w.Set(id, status.MajorOutage, at(20, 0, 0), nil, status.ByMonitor, "")
	w.Set(id, status.Operational, at(22, 0, 0), nil, status.ByMonitor, "")
	for lang, want := range map[string][]string{
		"en": {
			"22 February 2026 – 4 March 2026: 100 %, undisturbed", "21 February 2026: 0 %, major outage 1 d", "20 February 2026: 0 %, major outage 1 d", "12 February 2026 – 19 February 2026: 100 %, undisturbed",
			"10 February 2026 – 11 February 2026: –, no data", "4 February 2026 – 9 February 2026: 100 %, undisturbed",
			"3 February 2026: 99.70 %, partial outage 14 min, under maintenance 2 h", "5 December 2025 – 2 February 2026: 100 %, undisturbed",
		},
		"fr": {
			"22 février 2026 – 4 mars 2026: 100 %, sans perturbation", "21 février 2026: 0 %, non opérationnel 1 j", "20 février 2026: 0 %, non opérationnel 1 j", "12 février 2026 – 19 février 2026: 100 %, sans perturbation",
			"10 février 2026 – 11 février 2026: –, pas de données", "4 février 2026 – 9 février 2026: 100 %, sans perturbation",
			"3 février 2026: 99,70 %, perturbation majeure 14 min, maintenance 2 h", "5 décembre 2025 – 2 février 2026: 100 %, sans perturbation",
		},
	} {
		s := look(t, w, lang)
		var got []string
		for _, r := range s.bars(s.Board.Component(id)).Runs {
			text := r.From.Text
			if r.To != nil {
				text += " – " + r.To.Text
			}
			got = append(got, strings.ReplaceAll(text+": "+r.Uptime+", "+r.What, "\u00a0", " "))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", lang, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

var (
	lineOf   = regexp.MustCompile(`M(\d+) 16h(\d+)`)
	areaOf   = regexp.MustCompile(`M(\d+) 0h(\d+)v32h-(\d+)z`)
	strikeOf = regexp.MustCompile(`M(\d+) (\d+)h7v(\d+)h-7z`)
)

// Whatever a component went through, its ninety days are drawn once each, as known or unknown; and the numbers tell of
// each day once.
func TestEveryDayIsDrawnAndToldOnce(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	states := append([]status.State{status.NoData}, status.States...)
	for range 300 {
		w := statustest.New()
		id := statustest.ID("comp", 1)
		delete(w.Changes, id)
		for range random.IntN(12) {
			w.Set(id, states[random.IntN(len(states))], statustest.Ago(time.Duration(random.Int64N(int64(100*24*time.Hour)))), nil, status.ByMonitor, "")
		}
		s := look(t, w, "en")
		c := s.Board.Component(id)
		b, days := s.bars(c), c.Days(ninety, s.Now, s.zone())
		drawn := [ninety]string{}
		mark := func(from, width, as string) {
			for i := range atoi(t, width) / pitch {
				drawn[atoi(t, from)/pitch+i] += as
			}
		}
		for _, m := range lineOf.FindAllStringSubmatch(b.Well, -1) {
			mark(m[1], m[2], "known")
		}
		for _, m := range areaOf.FindAllStringSubmatch(b.Unknown, -1) {
			mark(m[1], m[2], "unknown")
		}
		struck := [ninety]status.State{}
		for _, one := range b.Trouble {
			for _, m := range strikeOf.FindAllStringSubmatch(one.Path, -1) {
				struck[atoi(t, m[1])/pitch] = one.State
				if top, high := atoi(t, m[2]), atoi(t, m[3]); top+high != tall || high < least || high > tall {
					t.Fatalf("a bar of %s", m[0])
				}
			}
		}
		told := [ninety]int{}
		for _, r := range b.Runs {
			for i := range r.Days {
				told[r.First+i]++
			}
		}
		for i := range days {
			worst := days[i].Spell.Worst()
			want, strike := "known", worst
			switch worst {
			case status.NoData:
				want, strike = "unknown", ""
			case status.Operational:
				strike = ""
			}
			if drawn[i] != want || struck[i] != strike || told[i] != 1 {
				t.Fatalf("day %d is %s: drawn %q, struck %q, told %d times", i, worst, drawn[i], struck[i], told[i])
			}
		}
	}
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Only a day that was lost as a whole looks so.
func TestAMomentDoesNotMakeADayLookLost(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, c := range []struct {
		lost time.Duration
		want int
	}{{time.Second, least}, {12 * time.Hour, least + (atMost-least)/2}, {day - time.Second, atMost - 1}, {day, tall}} {
		if got := height(&status.Spell{Known: day, Major: c.lost}); got != c.want {
			t.Errorf("%s lost: %d high, want %d", c.lost, got, c.want)
		}
	}
}
