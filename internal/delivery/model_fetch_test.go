package delivery_test

import (
	"context"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// What the model does that fetches instead of being sent to.

// pulled picks a subscription that is fetched by a channel now and not stopped.
func (m *model) pulled(rt *rapid.T, by subscription.Channel) *owed {
	var able []*owed
	for _, s := range m.subs {
		if s.channel == by && !s.removed {
			able = append(able, s)
		}
	}
	if len(able) == 0 || m.paused[revision.Hub] {
		rt.Skip("nobody fetches")
	}
	s := rapid.SampledFrom(able).Draw(rt, "reader")
	if m.paused[revision.OfSystem(s.system)] || m.paused[revision.OfSubscription(s.id)] {
		rt.Skip("paused")
	}
	return s
}

const leaseFor = 10 * time.Minute

func (m *model) lease(rt *rapid.T) {
	m.leaseFrom(m.pulled(rt, subscription.Queue), rapid.IntRange(1, 4).Draw(rt, "most"))
}

func (m *model) leaseFrom(s *owed, most int) {
	leased, err := m.w.hub.Lease(context.Background(), s.id, most, leaseFor, 0)
	m.w.must(err)
	m.sends++
	for _, l := range leased {
		m.got(s, string(l.Event.Data), l.Replay)
		s.leases = append(s.leases, lent{string(l.Event.Data), l.Lease, l.Until, l.Replay})
	}
	m.settle()
}

// settleLease acknowledges or gives back one lease, or tries one that is over.
func (m *model) settleLease(rt *rapid.T) {
	s := m.pulled(rt, subscription.Queue)
	if len(s.leases) == 0 {
		rt.Skip("nothing leased")
	}
	at := rapid.IntRange(0, len(s.leases)-1).Draw(rt, "lease")
	l := s.leases[at]
	s.leases = slices.Delete(s.leases, at, at+1)
	settle := m.w.hub.Acknowledge
	back := rapid.Bool().Draw(rt, "give back")
	if back {
		settle = m.w.hub.Return
	}
	for try, wantGone := range []int{0, 1} {
		gone, err := settle(context.Background(), s.id, []string{l.token})
		m.w.must(err)
		if len(gone) != wantGone {
			rt.Fatalf("try %d at %s: gone %v", try+1, l.body, gone)
		}
	}
	if !back {
		m.end(s, l.body, l.pass)
	}
	m.settle()
}

// fetch reads on from where the reader stands, or from where the hub knows it to stand.
func (m *model) fetch(rt *rapid.T) {
	s := m.pulled(rt, subscription.Cursor)
	if len(m.inHand(s)) > 0 {
		rt.Skip("the change to the cursor waits for what is in flight")
	}
	m.fetchFrom(s, rapid.IntRange(1, 6).Draw(rt, "limit"), rapid.IntRange(0, 3).Draw(rt, "forget") > 0)
}

func (m *model) fetchFrom(s *owed, limit int, withCursor bool) (count int) {
	from := s.cursor
	if !withCursor {
		from = nil
	}
	if from != nil {
		for _, body := range s.handed {
			m.end(s, body, 0) // what it comes back with confirms it
			delete(s.leftOver, body)
		}
	}
	s.handed = nil
	served := map[string]bool{}
	end, err := m.w.hub.Fetch(context.Background(), s.id, from, limit, 0, func(e *event.Event, _ []byte, _ eventlog.Cursor) error {
		m.read(s, string(e.Data), served, from != nil)
		s.handed = append(s.handed, string(e.Data))
		count++
		return nil
	})
	m.w.must(err)
	s.cursor = &end
	m.settle()
	return count
}

// read holds one event that a reader got against what is owed.
func (m *model) read(s *owed, body string, served map[string]bool, withCursor bool) {
	lane := s.lanes[s.key(body)]
	at := slices.IndexFunc(lane, func(d *debt) bool { return d.body == body })
	if at < 0 {
		m.rt.Fatalf("the reader of %s got %s, which it is not owed", s.path, body)
	}
	for _, earlier := range lane[:at] {
		if !earlier.over && !earlier.loose && !served[earlier.body] {
			m.rt.Fatalf("the reader of %s got %s before %s: %s", s.path, body, earlier.body, m.evidence(earlier.body))
		}
	}
	if d := lane[at]; d.over && d.life == m.life && withCursor && !s.leftOver[body] {
		m.rt.Fatalf("the reader of %s got %s again, which it had confirmed: %s", s.path, body, m.evidence(body))
	}
	served[body] = true
}

// switchChannel changes how a subscription's events leave (DESIGN section 5).
func (m *model) switchChannel(rt *rapid.T) { m.rechannel(m.drawSwitch(rt)) }

func (m *model) drawSwitch(rt *rapid.T) (*owed, subscription.Channel) {
	s := rapid.SampledFrom(m.subs).Draw(rt, "subscription")
	to := rapid.SampledFrom([]subscription.Channel{subscription.Webhook, subscription.Queue, subscription.Cursor}).Draw(rt, "channel")
	if s.removed || s.system == "star" || s.channel == to {
		rt.Skip("no change")
	}
	return s, to
}

// crashSwitching has the hub die with a change of channel in its log that it has not followed.
func (m *model) crashSwitching(rt *rapid.T) {
	s, to := m.drawSwitch(rt)
	m.balance()
	m.w.hub.Abandon() // before its receivers go: what is in flight has no outcome
	m.w.die()
	m.revisedTo(s, to)
	m.rise()
}

func (m *model) rechannel(s *owed, to subscription.Channel) {
	m.revisedTo(s, to)
	m.settle()
}

func (m *model) revisedTo(s *owed, to subscription.Channel) {
	m.w.reviseSubscription(s.id, func(doc *subscription.Subscription) { doc.Channel = to })
	s.channel, s.leases, s.handed, s.cursor = to, nil, nil, nil
	if to == subscription.Cursor {
		s.left = s.left || s.replaying()
		s.leaveOver()
		s.replayed = nil // the pass ends; what it has put into lanes is left over like all else
	}
}

// leaveOver notes what a pass may have put into lanes that a reader gets now, although it had it before.
func (s *owed) leaveOver() {
	if s.leftOver == nil {
		s.leftOver = map[string]bool{}
	}
	for _, lane := range s.replayed {
		for _, r := range lane {
			if !r.over {
				s.leftOver[r.body] = true
			}
		}
	}
}

func (m *model) of(s *sent) *owed {
	for _, sub := range slices.Backward(m.subs) {
		if sub.system == s.system && "https://"+sub.system+".test"+sub.path == s.url {
			return sub
		}
	}
	m.rt.Fatalf("an attempt to %s, which nobody asked for", s.url)
	return nil
}

// fetchAll lets every receiver that fetches have what is there, and acknowledge it.
func (m *model) fetchAll() {
	for _, s := range m.subs {
		if s.removed {
			continue
		}
		switch s.channel {
		case subscription.Queue:
			m.leaseFrom(s, 100)
			for _, l := range s.leases {
				gone, err := m.w.hub.Acknowledge(context.Background(), s.id, []string{l.token})
				m.w.must(err)
				if len(gone) > 0 {
					m.rt.Fatalf("%s could not be acknowledged", l.body)
				}
				m.end(s, l.body, l.pass)
			}
			s.leases = nil
			m.settle()
		case subscription.Cursor:
			for m.fetchFrom(s, 100, true) > 0 {
			}
		}
	}
}
