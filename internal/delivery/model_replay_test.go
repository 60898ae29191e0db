package delivery_test

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/subscription"
)

// What the model knows of replays.

// gotAgain holds one replayed event against what its pass has for the lane.
func (m *model) gotAgain(sub *owed, body string, pass int64) {
	if pass < sub.pass || sub.replayed == nil {
		return // left over from a pass that a change to the cursor ended
	}
	lane := sub.replayed[sub.key(body)]
	at := slices.IndexFunc(lane, func(r *replay) bool { return r.body == body })
	if at < 0 || pass != sub.pass {
		m.rt.Fatalf("%s got %s by pass %d, which does not have it (%d)", sub.path, body, pass, sub.pass)
	}
	for _, earlier := range lane[:at] {
		if !earlier.over && !earlier.loose && !earlier.inSend(m.sends) {
			m.rt.Fatalf("%s got %s replayed before %s: %s", sub.path, body, earlier.body, m.evidence(body))
		}
	}
	for _, later := range lane[at+1:] {
		if later.sent && !slices.ContainsFunc(later.sends, lane[at].inSend) {
			m.rt.Fatalf("%s got %s replayed again after %s", sub.path, body, later.body)
		}
	}
	lane[at].sent, lane[at].sends = true, append(lane[at].sends, m.sends)
}

func (r *replay) inSend(n int) bool { return slices.Contains(r.sends, n) }

// notTwice checks that a lane has one message out at a time.
func (m *model) notTwice(sub *owed, body string) {
	for _, other := range m.inHand(sub) {
		if sub.key(other) == sub.key(body) {
			m.rt.Fatalf("%s got %s while %s of the same lane is in flight", sub.path, body, other)
		}
	}
}

// replay sends a subscription's past once more: all of it, or what stands behind an event.
func (m *model) replay(rt *rapid.T) {
	s := rapid.SampledFrom(m.subs).Draw(rt, "subscription")
	if s.removed || s.channel == subscription.Cursor || s.replaying() {
		rt.Skip("cannot be replayed now")
	}
	var f eventlog.Filter
	if after := rapid.IntRange(0, m.seq).Draw(rt, "after"); after > 0 {
		f.After = m.position(after)
	}
	f, count, err := m.w.hub.ToReplay(context.Background(), s.id, f)
	m.w.must(err)
	if count == 0 {
		rt.Skip("nothing to replay")
	}
	s.replayed, s.before = map[string][]*replay{}, map[string]string{}
	for key, lane := range s.lanes {
		for _, d := range lane {
			if !d.over && s.before[key] == "" {
				s.before[key] = d.body
			}
			if m.position(number(d.body)) > f.After {
				s.replayed[key] = append(s.replayed[key], &replay{body: d.body, loose: d.loose || !d.over || s.left || m.revoked[s.system]})
			}
		}
	}
	p, err := m.w.hub.Replay(context.Background(), s.id, "test", f, 0, count)
	if fault.Has(err, fault.Conflict) {
		s.replayed, s.before = nil, nil
		rt.Skip("a change of channel waits for what is in flight")
	}
	m.w.must(err)
	s.pass = p.N
	m.settle()
}

func (s *owed) replaying() bool {
	for _, lane := range s.replayed {
		if slices.ContainsFunc(lane, func(r *replay) bool { return !r.over }) {
			return true
		}
	}
	return false
}

// position is where the model's event of a number stands.
func (m *model) position(n int) int64 { return m.positions[n-1] }

func number(body string) (n int) {
	_, err := fmt.Sscanf(body[2:], "%d", &n)
	if err != nil {
		panic(err)
	}
	return n
}

func (m *model) stopReplay(rt *rapid.T) {
	s := rapid.SampledFrom(m.subs).Draw(rt, "subscription")
	if s.removed || !s.replaying() {
		rt.Skip("nothing is replayed")
	}
	if err := m.w.hub.StopReplay(context.Background(), s.pass, "eva"); !fault.Has(err, fault.NotFound) {
		m.w.must(err)
	}
	s.loosenReplay()
	m.settle()
}

func (s *owed) loosenReplay() {
	for _, lane := range s.replayed {
		for _, r := range lane {
			r.loose = true
		}
	}
}
