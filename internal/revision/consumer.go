package revision

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// Line is one subscription through time: its documents by position. A delivery keeps the line, so that it can ask
// both who wanted the event then and where it goes now.
type Line struct {
	ID       string
	Consumer *Consumer
	book     *Book
	history  history[subscription.Subscription]
	windowed bool
}

// Windowed reports whether the system asks for windows of it: from its first day to its last, for otherwise what is pending
// for it would have no beginning. Nobody owes it anything, and no consumer reads the log for it.
func (l *Line) Windowed() bool { return l.windowed }

// Now returns the subscription as it is now; nil when it was removed.
func (l *Line) Now() *subscription.Subscription {
	l.book.mu.RLock()
	defer l.book.mu.RUnlock()
	return l.history.now()
}

// Name is the subscription's, the last it had when it was removed.
func (l *Line) Name() string {
	l.book.mu.RLock()
	defer l.book.mu.RUnlock()
	for i := len(l.history.doc) - 1; i >= 0; i-- {
		if doc := l.history.doc[i]; doc != nil {
			return doc.Name
		}
	}
	return ""
}

// At returns the subscription as it was for an event at a position; nil when it was not there.
func (l *Line) At(position int64) *subscription.Subscription {
	l.book.mu.RLock()
	defer l.book.mu.RUnlock()
	return l.history.at(position)
}

// Channel is how the subscription's events leave; webhook when it was removed.
func (l *Line) Channel() subscription.Channel {
	if s := l.Now(); s != nil && s.Pulled() {
		return s.Channel
	}
	return subscription.Webhook
}

// Consumer is what reads the log in order by one hand: a subscription, or in a profile with one consumer per system,
// a system. It is known by its name in every store.
type Consumer struct {
	Name   string // "subscription/ID" or "system/NAME"
	System string
	Policy profile.Scope
	From   int64 // the position of the revision that made it: nothing at or below is for it

	book  *Book
	lane  event.Lane // of all that is for it; zero: each event's own
	only  *Line      // its one line, when it is a subscription's
	index index
}

// ScopeOf says whose consumer a subscription belongs to. One that is pulled always has its own, so in a profile with
// one consumer per system it may not become a pushed one in place.
func ScopeOf(system *subscription.System, s *subscription.Subscription) profile.Scope {
	if s.Pulled() {
		return profile.PerSubscription
	}
	return system.Agreement.Policy().Scope
}

// ConsumerName is the name of the consumer that a subscription of a system belongs to, in the store and the API.
func ConsumerName(system *subscription.System, s *subscription.Subscription) string {
	if ScopeOf(system, s) == profile.PerSystem {
		return "system/" + system.Name
	}
	return "subscription/" + s.ID
}

// Lane is the lane that an event stands in at this consumer: its key's, or the one that the profile has for everything.
func (c *Consumer) Lane(e *event.Event) event.Lane {
	if c.lane.IsZero() {
		return e.Lane
	}
	return c.lane
}

// Channel is how what is for the consumer leaves; a system's consumer pushes.
func (c *Consumer) Channel() subscription.Channel {
	if s := c.Subscription(); s != nil && s.Pulled() {
		return s.Channel
	}
	return subscription.Webhook
}

// Subscription is the one that the consumer was made for, as it is now; nil for a system's, or when it was removed.
func (c *Consumer) Subscription() *subscription.Subscription {
	c.book.mu.RLock()
	defer c.book.mu.RUnlock()
	if c.Policy == profile.PerSystem || c.only == nil {
		return nil
	}
	return c.only.history.now()
}

// Removed reports whether the subscription that the consumer was made for is no more. A system's consumer stays: its
// removed subscriptions' deliveries end one by one.
func (c *Consumer) Removed() bool {
	c.book.mu.RLock()
	defer c.book.mu.RUnlock()
	return c.Policy == profile.PerSubscription && c.only != nil && c.only.history.now() == nil
}

// RemovedAt is the position of the revision that removed the subscription which the consumer was made for: what is for
// it stands below. 0: it is Removed not.
func (c *Consumer) RemovedAt() int64 {
	if !c.Removed() {
		return 0
	}
	c.book.mu.RLock()
	defer c.book.mu.RUnlock()
	return c.only.history.position()
}

// Line is the subscription that the consumer was made for, through time; of a system's consumer, its first.
func (c *Consumer) Line() *Line {
	c.book.mu.RLock()
	defer c.book.mu.RUnlock()
	return c.only
}

// Match returns the line the event goes to, by the revisions in force at its position, or nil. Of several lines the
// most specific wins.
func (c *Consumer) Match(e *event.Event) *Line {
	c.book.mu.RLock()
	defer c.book.mu.RUnlock()
	return c.match(e)
}

func (c *Consumer) match(e *event.Event) *Line {
	var found *Line
	c.index.each(c.book, e, func(l *Line) bool {
		if l.wants(e) {
			found = l
		}
		return found == nil
	})
	return found
}

// wants decides by the documents in force at the event's position: agreement and subscription both, and at last the
// subscription's filter, of what the event says.
func (l *Line) wants(e *event.Event) bool {
	s := l.history.at(e.Position)
	return s != nil && s.Wants(e) && l.book.grants(s.System, e, e.Position) &&
		(s.Filter == nil || s.Filter.Match(l.book.facts(e)))
}
