package page

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/status"
)

// ninety is how many days the bars are of.
const ninety = 90

// Sizes of the bars, in units of the drawing: a day is pitch wide, and its bar wide of it.
const (
	pitch  = 10
	wide   = 7
	tall   = 32
	atMost = tall - 6 // of a day's trouble that did not last all day: what was well is seen above it
	least  = 14       // of a moment's trouble: it must be seen
)

// bars are a component's days as one drawing, and the same as numbers.
type bars struct {
	Label   string // what who does not see it is told
	Uptime  string
	Known   bool
	Width   int
	Well    string   // path: a line for each run of days of which something is known, which is dashed into bars
	Unknown string   // path: an area for each run of days of which nothing is known
	Trouble []strike // what was not well
	Runs    []run    // the same for the table, the newest first
}

// strike is the worst that the days of one state saw, as one path.
type strike struct {
	State status.State
	Path  string
}

// run is days that were alike.
type run struct {
	First int // which day it begins with; the last is Today
	Days  int
	From  stamp
	To    *stamp
	Today bool
	mark
	Uptime string
	What   string
}

// bars draws a component's days.
func (s *sheet) bars(c *status.Standing) bars {
	days := c.Days(ninety, s.Now, s.zone())
	whole := status.Over(days)
	b := bars{Width: ninety * pitch, Uptime: s.Say("no uptime")}
	if part, known := whole.Uptime(s.Site().Uptime()); known {
		b.Uptime, b.Known = s.Percent(part), true
	}
	b.Label = s.Say("uptime of", s.text(c.Title).Text, b.Uptime)
	b.draw(days)
	b.Runs = s.runs(days)
	return b
}

// well reports whether nothing but being up is known of a day.
func well(d *status.Day) bool { return d.Spell.Worst() == status.Operational }

func (b *bars) draw(days []status.Day) {
	var known, unknown strings.Builder
	trouble := map[status.State]*strings.Builder{}
	for i := 0; i < len(days); {
		worst := days[i].Spell.Worst()
		end := i + 1
		for end < len(days) && (days[end].Spell.Worst() == status.NoData) == (worst == status.NoData) {
			end++
		}
		if worst == status.NoData {
			unknown.WriteString("M" + number(i*pitch) + " 0h" + number((end-i)*pitch) + "v" + number(tall) + "h-" + number((end-i)*pitch) + "z")
		} else {
			known.WriteString("M" + number(i*pitch) + " " + number(tall/2) + "h" + number((end-i)*pitch))
		}
		i = end
	}
	for i := range days {
		worst := days[i].Spell.Worst()
		if worst == status.NoData || worst == status.Operational {
			continue
		}
		if trouble[worst] == nil {
			trouble[worst] = &strings.Builder{}
		}
		high := height(&days[i].Spell)
		trouble[worst].WriteString("M" + number(i*pitch) + " " + number(tall-high) + "h" + number(wide) + "v" + number(high) + "h-" + number(wide) + "z")
	}
	b.Well, b.Unknown = known.String(), unknown.String()
	for _, state := range status.States {
		if path := trouble[state]; path != nil {
			b.Trouble = append(b.Trouble, strike{state, path.String()})
		}
	}
}

// height is how much of a day's bar its trouble takes: all of it only where it lasted all day, so that a moment does not
// make a day look lost.
func height(s *status.Spell) int {
	lost := s.Maintenance + s.Degraded + s.Partial + s.Major
	if lost >= s.Known {
		return tall
	}
	return least + int(float64(atMost-least)*lost.Seconds()/s.Known.Seconds())
}

func number(n int) string { return strconv.Itoa(n) }

// runs puts days together that nothing is told of one by one: those that were well, and those of which nothing is known.
func (s *sheet) runs(days []status.Day) []run {
	var list []run
	for i := 0; i < len(days); {
		worst, end := days[i].Spell.Worst(), i+1
		for (worst == status.NoData || well(&days[i])) && end < len(days) && days[end].Spell.Worst() == worst {
			end++
		}
		r := run{First: i, Days: end - i, From: s.day(days[i].Date), Today: end == len(days), mark: s.mark(worst), What: s.happened(&days[i].Spell)}
		if end-i > 1 {
			last := s.day(days[end-1].Date)
			r.To = &last
		}
		if part, known := days[i].Spell.Uptime(s.Site().Uptime()); known {
			r.Uptime = s.Percent(part)
		} else {
			r.Uptime = "–"
		}
		list = append(list, r)
		i = end
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func (s *sheet) day(t time.Time) stamp { return stamp{t.Format(time.DateOnly), s.Date(t)} }

// happened says what a day saw: "partial outage 14 min, maintenance 2 h".
func (s *sheet) happened(spell *status.Spell) string {
	if spell.Known <= 0 {
		return s.Say("unknown for")
	}
	var parts []string
	for _, one := range []struct {
		state status.State
		d     time.Duration
	}{{status.MajorOutage, spell.Major}, {status.PartialOutage, spell.Partial}, {status.Degraded, spell.Degraded}, {status.Maintenance, spell.Maintenance}} {
		if one.d > 0 {
			parts = append(parts, lower(s.mark(one.state).Word.Text)+" "+s.Long(one.d))
		}
	}
	if len(parts) == 0 {
		return s.Say("undisturbed")
	}
	return strings.Join(parts, ", ")
}

// lower lets a name stand within a sentence. All our languages write what a state is called small there.
func lower(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return strings.ToLower(text[:size]) + text[size:]
}

// mean is the uptime of several components: the mean of those of which something is known (reference 2.3).
func (s *sheet) mean(of []*status.Standing) string {
	sum, n := 0.0, 0
	for _, c := range of {
		spell := status.Over(c.Days(ninety, s.Now, s.zone()))
		if part, known := spell.Uptime(s.Site().Uptime()); known {
			sum, n = sum+part, n+1
		}
	}
	if n == 0 {
		return ""
	}
	return s.Percent(sum / float64(n))
}

// weight is what one state costs of the uptime, in words.
func (s *sheet) weight(state status.State) string {
	switch cost, name := s.Site().Uptime().Of(state), s.mark(state).Word.Text; cost {
	case 0:
		return s.Say("weight none", name)
	case 1:
		return s.Say("weight whole", name)
	default:
		return s.Say("weight part", name, s.Share(cost))
	}
}

// meaning is a state with what it means, and what it costs.
type meaning struct {
	Mark  mark
	Words string
	Cost  string
}

// Meanings explain the states (D10).
func (s *sheet) Meanings() []meaning {
	var list []meaning
	for _, state := range append(status.States[:len(status.States):len(status.States)], status.NoData) {
		m := meaning{Mark: s.mark(state), Words: s.Say("means " + string(state))}
		switch state {
		case status.Operational:
		case status.NoData:
			m.Cost = s.Say("weight unknown")
		default:
			m.Cost = s.weight(state)
		}
		list = append(list, m)
	}
	return list
}
