package delivery_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

var modelRuns = flag.Int("model.runs", 0, "runs of the model test; 0: 300, or 40 with -short")

// TestModelOfOrder lets the engine meet random publishes, answers, timeouts, crashes, restarts, pauses, releases,
// discards, revocations and changes of subscriptions on a clock that the test moves, and holds every attempt that
// arrives against the simplest model of lanes there is: a list of what each lane owes, in order (DESIGN promises 2, 3,
// 8 and 9). In the end everything heals, and everything owed must arrive.
//
// To see it fail, break the rule in one of these ways: let (*consumer).finish call goOn at once instead of waiting for
// Committed (promise 2: a crash then repeats more than the last of a lane); drop the l.disk case in (*consumer).admit
// (a later event overtakes a blocked head); forget the settled set in newConsumer (done events are sent again).
func TestModelOfOrder(t *testing.T) {
	runs := *modelRuns
	if runs == 0 {
		runs = 300
		if testing.Short() {
			runs = 40
		}
	}
	if err := flag.Set("rapid.checks", fmt.Sprint(runs)); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt)
		defer m.w.stop()
		rt.Repeat(map[string]func(*rapid.T){
			"publish":   m.publish,
			"answer":    m.answer,
			"answer2":   m.answer,
			"answer3":   m.answer,
			"advance":   m.advance,
			"crash":     m.crash,
			"crash2":    m.crashSwitching,
			"pause":     m.pause,
			"resume":    m.resume,
			"release":   m.release,
			"discard":   m.discard,
			"grant":     m.grant,
			"subscribe": m.subscribe,
			"remove":    m.remove,
			"heal":      m.heal,
			"lease":     m.lease,
			"settle":    m.settleLease,
			"fetch":     m.fetch,
			"fetch2":    m.fetch,
			"switch":    m.switchChannel,
			"replay":    m.replay,
			"replay2":   m.replay,
			"stop":      m.stopReplay,
		})
		m.finish()
	})
}

// model is what the hub owes, in the plainest form.
type model struct {
	w   *world
	rt  *rapid.T
	seq int

	positions []int64 // of the events, by number
	subs      []*owed // one per subscription that was ever made

	inFlight []*sent
	sends    int             // that came so far
	life     int             // processes so far
	revoked  map[string]bool // systems whose agreement grants nothing at the moment
	paused   map[revision.Scope]bool
}

// owed is what one subscription is owed.
type owed struct {
	id, system, path string
	removed          bool
	lanes            map[string][]*debt // by key, in order of position

	channel subscription.Channel
	leases  []lent           // of a queue
	cursor  *eventlog.Cursor // of a reader: where it stands,
	handed  []string         // and what it got with that

	pass     int64                // of the replay under way or last,
	replayed map[string][]*replay // what each lane has of it, in order
	before   map[string]string    // and what stood in the lane before it
	left     bool                 // a change to the cursor ended a pass: what it had in lanes comes some time
	leftOver map[string]bool      // and this is what it may be
}

// replay is one event that a pass brings once more.
type replay struct {
	body  string
	loose bool // may not come: it was not over when the pass began, or is not granted, or the pass was stopped
	sent  bool
	sends []int // in which
	over  bool
}

// lent is what a receiver has in hand.
type lent struct {
	body, token string
	until       time.Time
	pass        int64
}

// debt is one event owed to one subscription.
type debt struct {
	body  string
	sent  bool  // at least once
	sends []int // in which
	over  bool  // answered with success, discarded, or nothing more is owed
	loose bool  // may end without being sent: withheld or dropped
	life  int   // the process in which it was over
}

func newModel(t testing.TB, rt *rapid.T) *model {
	w := newQuickWorld(t)
	m := &model{w: w, rt: rt, revoked: map[string]bool{}, paused: map[revision.Scope]bool{}}
	w.system("standard", profile.Standard)
	w.system("star", profile.Star)
	w.system("register", profile.Datafordeler)
	m.add("standard", "/a")
	m.add("standard", "/b")
	m.add("star", "/c")
	m.add("standard", "/queue")
	m.rechannel(m.subs[3], subscription.Queue)
	m.add("standard", "/cursor")
	m.rechannel(m.subs[4], subscription.Cursor)
	m.add("register", "/r")
	return m
}

func (m *model) add(system, path string) {
	id := m.w.subscribe(system, path)
	m.subs = append(m.subs, &owed{id: id, system: system, path: path, lanes: map[string][]*debt{}})
}

func (m *model) publish(rt *rapid.T) {
	var bodies []string
	for range rapid.IntRange(1, 5).Draw(rt, "count") {
		m.seq++
		bodies = append(bodies, fmt.Sprintf("%s#%d", rapid.SampledFrom([]string{"A", "B", "C", "D", "E", "F"}).Draw(rt, "key"), m.seq))
	}
	for _, s := range m.subs {
		if s.removed || m.revoked[s.system] {
			continue
		}
		for _, body := range bodies {
			s.lanes[s.key(body)] = append(s.lanes[s.key(body)], &debt{body: body})
		}
	}
	m.positions = append(m.positions, m.w.publish(bodies...)...)
	m.settle()
}

// settle lets the engine act and takes in what arrives.
func (m *model) settle() {
	m.w.flush()
	for len(m.w.arrived) > 0 {
		m.take(<-m.w.arrived)
	}
}

// take holds one attempt against what is owed.
func (m *model) take(s *sent) {
	m.sends++
	for _, one := range s.all() {
		m.got(m.of(one), one.body, one.pass)
	}
	m.inFlight = append(m.inFlight, s)
}

// key names the lane that an event stands in: its own key's, or the one that a register's receiver has.
func (s *owed) key(body string) string {
	if s.system == "register" {
		return "-"
	}
	return body[:1]
}

// got holds one event that a receiver got, by push or by lease, against what is owed.
func (m *model) got(sub *owed, body string, pass int64) {
	lane := sub.lanes[sub.key(body)]
	defer m.notTwice(sub, body)
	if pass != 0 {
		m.gotAgain(sub, body, pass)
		return
	}
	at := slices.IndexFunc(lane, func(d *debt) bool { return d.body == body })
	if at < 0 {
		m.rt.Fatalf("%s got %s, which it is not owed", sub.path, body)
	}
	d := lane[at]
	for _, r := range sub.replayed[sub.key(body)] {
		if !r.over && !r.loose && !d.sent && body != sub.before[sub.key(body)] && !r.inSend(m.sends) {
			m.rt.Fatalf("%s got %s, which is new, before %s was replayed: %s", sub.path, body, r.body, m.evidence(body))
		}
	}
	for _, earlier := range lane[:at] {
		if !earlier.over && !earlier.loose && !d.sent && !earlier.inSend(m.sends) {
			m.rt.Fatalf("%s got %s for the first time before %s was over", sub.path, body, earlier.body)
		}
	}
	for _, later := range lane[at+1:] {
		if later.sent && !slices.ContainsFunc(later.sends, d.inSend) {
			m.rt.Fatalf("%s got %s again after %s: only the last send of a lane may be repeated", sub.path, body, later.body)
		}
	}
	if d.over && d.life == m.life {
		m.rt.Fatalf("%s got %s again, and no crash came between: %s", sub.path, body, m.evidence(body))
	}
	d.sent, d.sends = true, append(d.sends, m.sends)
}

func (d *debt) inSend(n int) bool { return slices.Contains(d.sends, n) }

// inHand lists what a receiver has and did not answer yet.
func (m *model) inHand(sub *owed) (bodies []string) {
	for _, s := range m.inFlight {
		if m.of(s) == sub {
			bodies = append(bodies, s.bodies()...)
		}
	}
	for _, l := range sub.leases {
		bodies = append(bodies, l.body)
	}
	return bodies
}

// end marks what is owed no more, by the pass that brought it or by none.
func (m *model) end(sub *owed, body string, pass int64) {
	if pass != 0 {
		for _, r := range sub.replayed[sub.key(body)] {
			r.over = r.over || r.body == body && pass == sub.pass
		}
		return
	}
	lane := sub.lanes[sub.key(body)]
	d := lane[slices.IndexFunc(lane, func(d *debt) bool { return d.body == body })]
	d.over, d.life = true, m.life
}

func (m *model) answer(rt *rapid.T) {
	if len(m.inFlight) == 0 {
		rt.Skip("nothing in flight")
	}
	at := rapid.IntRange(0, len(m.inFlight)-1).Draw(rt, "which")
	s := m.inFlight[at]
	m.inFlight = slices.Delete(m.inFlight, at, at+1)
	status := rapid.SampledFrom([]int{200, 200, 200, 204, 500, 422, 0, 429}).Draw(rt, "status")
	policy := answer
	switch s.system {
	case "star":
		policy = starAnswer
	case "register":
		policy = registerAnswer
	}
	result := policy(status)
	if status == 429 && result.Class == channel.Retry {
		result = channel.Result{Class: channel.Deferred, Status: 429, After: 30 * time.Second}
	}
	results := slices.Repeat([]channel.Result{result}, 1+len(s.fellows))
	if len(s.fellows) > 0 && rapid.Bool().Draw(rt, "one by one") {
		// They went one by one after all, up to the first that failed.
		results = slices.Repeat([]channel.Result{policy(200)}, rapid.IntRange(0, len(s.fellows)).Draw(rt, "taken"))
		results = append(results, result)
	}
	for i, one := range s.all() {
		if i < len(results) && results[i].Class == channel.Delivered {
			m.end(m.of(s), one.body, one.pass)
		}
	}
	s.giveEach(results...)
	m.settle()
}

func (m *model) advance(rt *rapid.T) {
	m.pass(rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, time.Minute, time.Hour}).Draw(rt, "by"))
}

func (m *model) pass(by time.Duration) {
	m.w.clock.Advance(by)
	for _, s := range m.subs {
		s.leases = slices.DeleteFunc(s.leases, func(l lent) bool { return !l.until.After(m.w.clock.Now()) })
	}
	m.settle()
}

func (m *model) crash(*rapid.T) {
	m.balance()
	m.rise()
}

// rise starts another process where the one before ended.
func (m *model) rise() {
	m.w.restart()
	m.life++
	m.inFlight = nil
	for _, s := range m.subs {
		s.leases = nil
	}
	m.settle()
}

func (m *model) scope(rt *rapid.T) revision.Scope {
	scopes := []revision.Scope{revision.Hub, revision.OfSystem("standard"), revision.OfSystem("star"), revision.OfSystem("register")}
	for _, s := range m.subs {
		scopes = append(scopes, revision.OfSubscription(s.id))
	}
	return rapid.SampledFrom(scopes).Draw(rt, "scope")
}

func (m *model) pause(rt *rapid.T) {
	scope := m.scope(rt)
	m.paused[scope] = true
	m.w.revise(revision.Of("test", revision.Pause, string(scope), revision.PauseDocument{}))
	m.settle()
}

func (m *model) resume(rt *rapid.T) { m.unpause(m.scope(rt)) }

func (m *model) unpause(scope revision.Scope) {
	delete(m.paused, scope)
	m.w.revise(revision.Removal("test", revision.Pause, string(scope)))
	m.settle()
}

// lane picks a blocked lane as an operator would, from the list.
func (m *model) lane(rt *rapid.T) delivery.Selection {
	lanes := m.w.hub.Lanes(delivery.Selection{All: true})
	if len(lanes) == 0 {
		rt.Skip("no blocked lane")
	}
	v := lanes[rapid.IntRange(0, len(lanes)-1).Draw(rt, "lane")]
	return delivery.Selection{Subscription: v.Subscription, Lane: v.Lane}
}

func (m *model) release(rt *rapid.T) {
	_, err := m.w.hub.Release(context.Background(), "eva", m.lane(rt), false)
	m.w.must(err)
	m.settle()
}

func (m *model) discard(rt *rapid.T) {
	done, err := m.w.hub.Discard(context.Background(), "eva", m.lane(rt), false)
	m.w.must(err)
	for _, v := range done {
		e, err := m.w.log.At(context.Background(), v.Position)
		m.w.must(err)
		for _, s := range m.subs {
			if s.id == v.Subscription {
				m.end(s, string(e.Data), v.Replay)
			}
		}
	}
	m.settle()
}

// grant revokes or restores a system's agreement. What is owed while it is revoked may be withheld.
func (m *model) grant(rt *rapid.T) {
	name := rapid.SampledFrom([]string{"standard", "star", "register"}).Draw(rt, "system")
	m.regrant(name, m.revoked[name])
}

func (m *model) regrant(name string, granted bool) {
	doc, _ := m.w.log.Book().System(name)
	changed := *doc
	if changed.Agreement.Sources = []string{"*"}; !granted {
		changed.Agreement.Sources = []string{"none"}
		for _, s := range m.subs {
			if s.system == name {
				m.loosen(s)
			}
		}
	}
	m.revoked[name] = !granted
	m.w.revise(revision.Of("test", revision.System, name, changed))
	m.settle()
}

func (m *model) loosen(s *owed) {
	s.loosenReplay()
	for _, lane := range s.lanes {
		for _, d := range lane {
			d.loose = true
		}
	}
}

func (m *model) subscribe(rt *rapid.T) {
	if len(m.subs) > 8 {
		return
	}
	m.add(rapid.SampledFrom([]string{"standard", "register"}).Draw(rt, "system"), fmt.Sprintf("/n%d", len(m.subs)))
	m.settle()
}

func (m *model) remove(rt *rapid.T) {
	s := m.subs[rapid.IntRange(0, len(m.subs)-1).Draw(rt, "subscription")]
	if s.removed {
		rt.Skip("removed")
	}
	s.removed, s.leases = true, nil
	m.loosen(s)
	m.w.revise(revision.Removal("test", revision.Subscription, s.id))
	m.settle()
}

func (m *model) heal(*rapid.T) {
	for _, ep := range m.w.hub.Endpoints() {
		m.w.hub.Passed(ep.System, ep.URL)
	}
	m.settle()
}

// finish ends all trouble and checks that everything owed arrives, in order.
func (m *model) finish() {
	for scope := range m.paused {
		m.unpause(scope)
	}
	for name := range m.revoked {
		m.regrant(name, true)
	}
	for round := 0; m.w.hub.Totals().Pending > 0 || m.passesGoOn(); round++ {
		if round > 2000 {
			m.rt.Fatalf("not drained, %d in flight: endpoints %+v\n%s", len(m.inFlight), m.w.hub.Endpoints(), m.w.hub.Dump())
		}
		for _, s := range m.inFlight {
			for _, one := range s.all() {
				m.end(m.of(s), one.body, one.pass)
			}
			s.reply(200)
		}
		m.inFlight = nil
		m.heal(nil)
		_, err := m.w.hub.Release(context.Background(), "eva", delivery.Selection{All: true}, false)
		m.w.must(err)
		m.fetchAll()
		m.pass(time.Hour)
	}
	for _, s := range m.subs {
		for _, lane := range s.lanes {
			for _, d := range lane {
				if !d.over && !d.loose {
					m.rt.Fatalf("%s never got %s: %s", s.path, d.body, m.evidence(d.body))
				}
			}
		}
	}
	for _, s := range m.subs {
		for _, lane := range s.replayed {
			for _, r := range lane {
				if !r.over && !r.loose {
					m.rt.Fatalf("%s never got %s replayed: %s", s.path, r.body, m.evidence(r.body))
				}
			}
		}
	}
	m.settle() // the last outcomes are over, and now committed
	m.noneLost()
	m.recount()
}

func (m *model) passesGoOn() bool {
	passes, err := m.w.hub.Replays(context.Background(), false, 10)
	m.w.must(err)
	return len(passes) > 0
}

// evidence is what the store knows of an event, for a failure's report.
func (m *model) evidence(body string) string {
	position, err := m.w.store.Find(context.Background(), sourceURI, body)
	m.w.must(err)
	attempts, err := m.w.store.AttemptsAt(context.Background(), position)
	m.w.must(err)
	return fmt.Sprintf("position %d attempts %+v\n%s", position, attempts, m.w.hub.Dump())
}

// noneLost checks that the store agrees: every delivery that was owed has an outcome that ends it.
func (m *model) noneLost() {
	consumers, err := m.w.store.Consumers(context.Background())
	m.w.must(err)
	for _, k := range consumers {
		if k.Ended {
			continue
		}
		for _, b := range k.Blocked {
			if b.State != eventlog.Standing {
				m.rt.Fatalf("%s still has a blocked lane: %+v", k.Name, b)
			}
		}
	}
}
