package profile

import "time"

// Ends is when a subscription ends whose oldest undelivered event is from then: EndMonths calendar months later, by the
// clock on the wall of at's zone; where that month has no such day, on its last (F21).
func (p *Profile) Ends(at time.Time) (end time.Time, ever bool) {
	if p.EndMonths == 0 {
		return time.Time{}, false
	}
	return addMonths(at, p.EndMonths), true
}
