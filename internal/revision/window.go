package revision

import (
	"slices"

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

// windows are a system's lines that it asks for windows of.
type windows struct {
	all      []*Line
	index    index
	filtered bool // one of them has, or had, a filter
}

func (b *Book) addWindow(l *Line, s *subscription.Subscription) {
	w := b.windows[s.System]
	if w == nil {
		w = &windows{}
		b.windows[s.System] = w
	}
	w.all = with(w.all, l)
	w.index.add(l, s)
	w.filtered = w.filtered || s.Filter != nil
}

// KindDecides reports whether it is enough to know of what kind an event is to tell what a system has of it. Where there are
// filters its data decides, too.
func (b *Book) KindDecides(system string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	w := b.windows[system]
	return w == nil || !w.filtered
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
	w := b.windows[system]
	switch {
	case w == nil:
		return NoShare
	case e.Forgotten:
		if slices.ContainsFunc(w.all, func(l *Line) bool { return l.mayHaveWanted(e) }) {
			return Counted
		}
		return NoShare
	}
	w.index.each(b, e, func(l *Line) bool {
		if !l.wants(e) {
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

// mayHaveWanted is for an event that is forgotten, whose data no filter can look at any more: it counts as wanted when all
// says so that is left of it. So what stood on a page is counted as long as there is a log.
func (l *Line) mayHaveWanted(e *event.Event) bool {
	s := l.history.at(e.Position)
	return s != nil && s.Wants(e) && l.book.grants(s.System, e, e.Position)
}
