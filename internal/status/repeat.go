package status

import "time"

// Repeat says when a maintenance comes again: the wall clock of the site's zone stands, whatever daylight saving does.
type Repeat struct {
	Every string `json:"every"`          // day, week or month
	Step  int    `json:"step,omitempty"` // every so many; 0: 1
	Until Time   `json:"until,omitzero"` // none begins after; none: for ever

	// The window that the times are counted from; the hub's. One that a short month, or a change of the clocks, has moved
	// moves none of those after it.
	From Time `json:"from,omitzero"` // the hub's: the start that the times are counted from
	To   Time `json:"to,omitzero"`   // the hub's: and its end
}

// Repeats are the words of Repeat.Every.
var Repeats = []string{"day", "week", "month"}

// Next is the window after one, or none. A day that a month does not have is the month's last. One that was put elsewhere
// by hand is what is counted from then on.
func (r *Repeat) Next(starts, ends Time, zone *time.Location) (from, to Time, ok bool) {
	return r.NextOpen(starts, ends, starts, zone)
}

// NextOpen is the first window after one that is not over at a moment, or none.
func (r *Repeat) NextOpen(starts, ends, now Time, zone *time.Location) (from, to Time, ok bool) {
	if r.step(1) == (step{}) {
		return 0, 0, false
	}
	anchor, n := r.counted(window{starts, ends}, zone)
	next := r.nth(anchor, n+1, zone)
	for next.to <= now {
		n++
		next = r.nth(anchor, n+1, zone)
	}
	if r.Until != 0 && next.from > r.Until {
		return 0, 0, false
	}
	return next.from, next.to, true
}

// countedFrom is the window that one is counted from: itself, where it is of no series.
func (r *Repeat) countedFrom(starts, ends Time, zone *time.Location) (from, to Time) {
	anchor, _ := r.counted(window{starts, ends}, zone)
	return anchor.from, anchor.to
}

// window is one time of what repeats.
type window struct{ from, to Time }

// step is how far it is to another.
type step struct{ days, months int }

func (r *Repeat) step(n int) step {
	n *= max(1, r.Step)
	switch r.Every {
	case "day":
		return step{days: n}
	case "week":
		return step{days: 7 * n}
	case "month":
		return step{months: n}
	}
	return step{}
}

// counted finds which one of the series a window is, and what it is counted from.
func (r *Repeat) counted(w window, zone *time.Location) (anchor window, n int) {
	anchor = window{r.From, r.To}
	if r.From == 0 || w.from < r.From {
		return w, 0
	}
	first, this, by := wall(r.From, zone), wall(w.from, zone), r.step(1)
	if by.months > 0 {
		n = ((this.Year()-first.Year())*12 + int(this.Month()-first.Month())) / by.months
	} else {
		n = int((this.Sub(first)+12*time.Hour)/(24*time.Hour)) / by.days
	}
	if r.nth(anchor, n, zone) == w {
		return anchor, n
	}
	return w, 0
}

// nth is the window so many times after one.
func (r *Repeat) nth(w window, n int, zone *time.Location) window {
	from, to := wall(w.from, zone), wall(w.to, zone)
	by := r.step(n)
	then := from.AddDate(0, 0, by.days)
	if by.months > 0 {
		first := time.Date(from.Year(), from.Month()+time.Month(by.months), 1, from.Hour(), from.Minute(), from.Second(), from.Nanosecond(), time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		then = first.AddDate(0, 0, min(from.Day(), last)-1)
	}
	next := window{onWall(then, zone), onWall(then.Add(to.Sub(from)), zone)}
	if next.to <= next.from { // its end is in the hour that is twice, or its start in the one that is not
		next.to = next.from.Add(w.to.Sub(w.from))
	}
	return next
}

// wall is what a clock on the wall in a zone shows; onWall is when it shows it.
func wall(t Time, zone *time.Location) time.Time {
	l := t.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
}

func onWall(t time.Time, zone *time.Location) Time {
	return At(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone))
}
