package status

import "time"

// Span is a time that a component was in one state: from its From until the next span's.
type Span struct {
	From   Time   `json:"from"`
	State  State  `json:"state"`
	Reason Text   `json:"reason,omitempty"`
	Cause  Cause  `json:"cause,omitempty"`
	Notice string `json:"notice,omitempty"`
}

// Spell is how long of a period was spent in which state.
type Spell struct {
	Known                                 time.Duration // of the period, since the component began, that something was known
	Maintenance, Degraded, Partial, Major time.Duration
}

// add counts a time.
func (s *Spell) add(state State, d time.Duration) {
	switch state {
	case NoData:
		return
	case Maintenance:
		s.Maintenance += d
	case Degraded:
		s.Degraded += d
	case PartialOutage:
		s.Partial += d
	case MajorOutage:
		s.Major += d
	}
	s.Known += d
}

// Worst is the worst state that some of the period was spent in; NoData where nothing is known.
func (s *Spell) Worst() State {
	switch {
	case s.Major > 0:
		return MajorOutage
	case s.Partial > 0:
		return PartialOutage
	case s.Degraded > 0:
		return Degraded
	case s.Maintenance > 0:
		return Maintenance
	case s.Known > 0:
		return Operational
	}
	return NoData
}

// Uptime is 1 less what the period's states cost by the weights; known is false where nothing is known of it. What is not
// known counts for neither side.
func (s *Spell) Uptime(w *Weights) (part float64, known bool) {
	if s.Known <= 0 {
		return 0, false
	}
	lost := w.Maintenance*s.Maintenance.Seconds() + w.Degraded*s.Degraded.Seconds() + w.Partial*s.Partial.Seconds() + w.Major*s.Major.Seconds()
	return 1 - lost/s.Known.Seconds(), true
}

// SpellOf counts a component's spans, which rise, in a period.
func SpellOf(spans []Span, from, to Time) (s Spell) {
	for i := range spans {
		begin, end := max(spans[i].From, from), to
		if i+1 < len(spans) {
			end = min(end, spans[i+1].From)
		}
		if end > begin {
			s.add(spans[i].State, end.Sub(begin))
		}
	}
	return s
}

// Day is one bar of a component's ninety.
type Day struct {
	Date time.Time // its first moment in the site's zone
	Spell
}

// Days are the last n days up to now, oldest first; the last is the one that now is in and ends at now. A day with the
// two hours of a change of the clocks is as long as it is.
func (s *Standing) Days(n int, now Time, zone *time.Location) []Day {
	today := now.In(zone)
	return s.DaysFrom(time.Date(today.Year(), today.Month(), today.Day()-(n-1), 0, 0, 0, 0, zone), n, now)
}

// DaysFrom are n days from a first one on, in its zone, oldest first. Of what is still to come nothing is known.
func (s *Standing) DaysFrom(first time.Time, n int, now Time) []Day {
	zone := first.Location()
	days := make([]Day, n)
	for i := range days {
		begin := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, zone)
		end := time.Date(begin.Year(), begin.Month(), begin.Day()+1, 0, 0, 0, 0, zone)
		days[i] = Day{begin, SpellOf(s.Spans, max(At(begin), s.begins(zone)), min(At(end), now))}
	}
	return days
}

// Over is the whole of some days.
func Over(days []Day) (whole Spell) {
	for i := range days {
		d := &days[i].Spell
		whole.Known += d.Known
		whole.Maintenance += d.Maintenance
		whole.Degraded += d.Degraded
		whole.Partial += d.Partial
		whole.Major += d.Major
	}
	return whole
}

// begins is when the component's clock starts (reference 2.3); 0: with what is known.
func (s *Standing) begins(zone *time.Location) Time {
	if s.Component.StartDate == "" {
		return 0
	}
	day, err := time.ParseInLocation(time.DateOnly, s.Component.StartDate, zone)
	if err != nil {
		return 0
	}
	return At(day)
}
