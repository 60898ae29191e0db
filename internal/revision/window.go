package revision

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/subscription"
)

// Share is what a system has of an event by the subscriptions that it asks for windows of.
type Share uint8

// The shares.
const (
	NoShare Share = iota // the event is for none of them
	Counted              // it is for one of them, by the revisions in force at its position, and not to be had now
	Granted              // and it may be had
)

// windowsOf are a system's windowed lines.
func (b *Book) windowsOf(system string) *index {
	x := b.windows[system]
	if x == nil {
		x = &index{}
		b.windows[system] = x
	}
	return x
}

// Windowed reports whether a system has, or had, subscriptions that it asks for windows of.
func (b *Book) Windowed(system string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.windows[system] != nil
}

// ShareOf tells what a system has of an event. That it is for the system is decided by the revisions in force at its
// position, and so for ever (DESIGN promise 9); whether it may be had is decided now, by the agreement and by what became
// of the subscription (promise 8). However many of its subscriptions want the event, it is one.
func (b *Book) ShareOf(system string, e *event.Event) (share Share) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	x := b.windows[system]
	if x == nil {
		return NoShare
	}
	x.each(e, func(l *Line) bool {
		if !l.wants(e) && !l.mayHaveWanted(e) {
			return true
		}
		share = Counted
		if now := l.history.now(); now != nil && now.State == subscription.Active {
			share = Granted
		}
		return share != Granted
	})
	if share == Granted && !b.grantsNow(system, e) {
		return Counted
	}
	return share
}

// mayHaveWanted is for an event that is forgotten, whose data cannot be asked any more: it counts as wanted when all says so
// that is left of it. So what stood on a page is counted as long as there is a log.
func (l *Line) mayHaveWanted(e *event.Event) bool {
	s := l.history.at(e.Position)
	return e.Forgotten && s != nil && s.Wants(e) && l.book.grants(s.System, e, e.Position)
}
