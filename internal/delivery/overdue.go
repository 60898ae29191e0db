package delivery

import (
	"cmp"
	"fmt"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/subscription"
)

// A profile may say how long a subscription is tried for (F21): so many months after the oldest event that could not be
// delivered it is deactivated, and what it had coming is given up. Its contact is warned before, and told then.

// spell is a time during which nothing could be delivered to a subscription.
type spell struct {
	since int64 // µs UTC of the first failure; 0: all is well
	told  int   // warnings given
}

// ends is when the subscription of a delivery that failed ends by its profile. A replayed event is as old as its first
// failure.
func (c *consumer) ends(d *delivery, ev *event.Event) (end time.Time, ever bool) {
	policy := c.engine.policy(c.book.System)
	if policy.EndMonths == 0 || ev == nil {
		return time.Time{}, false
	}
	from := ev.Recorded
	if d.pass != 0 {
		from = max(from, d.since)
	}
	return policy.Ends(clock.FromMicros(from).In(c.engine.book.Zone()))
}

// overdue reports whether that time has come, and warns of it before.
func (c *consumer) overdue(d *delivery, a eventlog.Attempt, ev *event.Event) bool {
	end, ever := c.ends(d, ev)
	now := c.engine.clock.Now()
	if !ever || !now.Before(end) {
		return ever
	}
	if c.spell.since == 0 {
		c.spell.since = cmp.Or(d.since, clock.Micros(now))
	}
	if at, n := c.spell.warning(now, end); n > c.spell.told {
		c.spell.told = n
		c.engine.tell(Notice{
			Kind: SubscriptionFailing, System: c.book.System, Subscription: d.line.ID, URL: c.outlet(d.line).endpoint.url, Position: d.position,
			Status: a.Result.Status, Reason: a.Result.Reason, Attempts: d.attempts + 1, Ends: end.UTC().Format(time.RFC3339), At: clock.Micros(at),
		})
	}
	return false
}

// warning is the last that is due: at the first failure, a day later, a week before the end.
func (s *spell) warning(now, end time.Time) (at time.Time, n int) {
	first := clock.FromMicros(s.since)
	for i, due := range []time.Time{first, first.AddDate(0, 0, 1), end.AddDate(0, 0, -7)} {
		if !due.After(now) {
			at, n = due, i+1
		}
	}
	return at, n
}

// giveUp stops a subscription that was tried for long enough. What it has coming ends when that is committed.
func (c *consumer) giveUp(d *delivery, a eventlog.Attempt) {
	c.note(d, a)
	o := c.outlet(d.line)
	o.stopped, o.gone = true, d.line.Now()
	c.block(d, eventlog.Blocked{State: eventlog.Standing, Status: a.Result.Status, Reason: a.Result.Reason})
	c.makeReady(d.lane)
	c.vacate(d)
	c.spell = spell{}
	reason := fmt.Sprintf("nothing could be delivered for %d months", c.engine.policy(c.book.System).EndMonths)
	c.engine.deactivate(d.line, func(s *subscription.Subscription) {
		s.State, s.Reason, s.ExpiredUpTo = subscription.Deactivated, reason, c.engine.log.Head()
	}, Notice{
		Kind: SubscriptionOverdue, System: c.book.System, Subscription: d.line.ID, URL: o.endpoint.url, Position: d.position,
		Status: a.Result.Status, Reason: a.Result.Reason, Attempts: d.attempts, At: d.since,
	})
}

// expireUpTo ends what a subscription that was given up had coming, where it rests at the head of a lane. What stands behind
// ends by its turn.
func (c *consumer) expireUpTo(o *outlet) {
	if o.expiredUpTo == 0 {
		return
	}
	for _, l := range c.lanes {
		if d := l.head; d != nil && d.line == o.line && d.stage != sending && d.stage != settling && o.gaveUp(d) {
			c.vacate(d)
			c.expireLane(l)
		}
	}
}

// gaveUp reports whether a delivery is one of those that were given up. A replay may bring its event again.
func (o *outlet) gaveUp(d *delivery) bool { return d.pass == 0 && d.position <= o.expiredUpTo }

// expireLane ends the head of a lane that is given up, and with it what is known of those behind it.
func (c *consumer) expireLane(l *lane) {
	o := c.outlet(l.head.line)
	c.conclude(l.head, eventlog.Attempt{Outcome: eventlog.Expired})
	for len(l.queue) > 0 && l.queue[0].line == o.line && o.gaveUp(l.queue[0]) {
		next := l.queue[0]
		l.queue = l.queue[1:]
		c.conclude(next, eventlog.Attempt{Outcome: eventlog.Expired})
	}
	for l.disk != nil && len(l.disk.next) > 0 {
		next := c.waitingDelivery(l, l.disk.next[0])
		if next.line != o.line || !o.gaveUp(next) {
			return
		}
		l.disk.next = l.disk.next[1:]
		c.conclude(next, eventlog.Attempt{Outcome: eventlog.Expired})
	}
}

// waitingDelivery is the delivery of a waiting row.
func (c *consumer) waitingDelivery(l *lane, w eventlog.Waiting) *delivery {
	return &delivery{position: w.Position, line: c.engine.line(w.Line), lane: l, slot: -1, pass: w.Pass, attempts: w.Attempts}
}
