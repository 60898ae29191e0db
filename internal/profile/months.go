package profile

import "time"

// Ends is when a subscription ends whose oldest undelivered event is from then: EndMonths calendar months later, by the
// clock on the wall of at's zone; where that month has no such day, on its last (F21).
func (p *Profile) Ends(at time.Time) (end time.Time, ever bool) {
	if p.EndMonths == 0 {
		return time.Time{}, false
	}
	end = at.AddDate(0, p.EndMonths, 0)
	if end.Day() != at.Day() { // it ran over into the next month
		end = end.AddDate(0, 0, -end.Day())
	}
	return end, true
}
