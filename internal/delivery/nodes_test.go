package delivery_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/subscription"
)

// several is a hub of several nodes on one real database: log, engine and store of each, on a clock that the test moves.
// Who holds which system is the test's to decide, and nodes need not know that they hold one no more.
type several struct {
	t     testing.TB
	url   string
	clock *clock.Fake
	nodes []*member
	lanes *event.Hasher

	holder map[string]*member // by system; what the test has decided
	random *rand.Rand

	mu       sync.Mutex
	answers  *rand.Rand
	sends    []sighting
	accepted map[int64]string // by position: the body
	hang     atomic.Bool      // some receivers do not answer until the sender gives up
}

// sighting is one message as a receiver saw it.
type sighting struct {
	node, line string
	lane       event.Lane
	position   int64
	token      int64
	answered   int
}

// member is one node.
type member struct {
	w      *several
	name   string
	number int64
	store  *postgres.Store
	log    *eventlog.Log
	engine *delivery.Engine
	life   context.Context
	die    context.CancelFunc
	tokens map[string]int64 // what it was told that it holds
	dead   bool
}

var takeoverRuns = flag.Int("takeover.runs", 3, "how often systems go from node to node in ways of their own")

const manyHours = 1_000_000 * time.Hour

func newSeveral(t testing.TB, seed uint64, nodes int) *several {
	t.Helper()
	w := &several{t: t, url: pgtest.Database(t), clock: clock.NewFake(epoch), holder: map[string]*member{}, accepted: map[int64]string{},
		random: rand.New(rand.NewPCG(seed, 1)), answers: rand.New(rand.NewPCG(seed, 2))}
	var err error
	if w.lanes, err = event.NewHasher([]byte("a test secret that is long enough for HMAC")); err != nil {
		t.Fatal(err)
	}
	for range nodes {
		w.enter()
	}
	w.nodes[0].revise(
		revision.Of("test", revision.Source, "source", event.Source{Name: "source", URI: sourceURI, Types: []string{"*"}}),
		revision.Of("test", revision.Type, "thing", event.Type{Name: "thing", Order: event.OrderKey, Retention: "P180D"}),
	)
	t.Cleanup(func() {
		for _, m := range w.nodes {
			m.end()
		}
	})
	return w
}

func (w *several) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

// enter starts a node.
func (w *several) enter() *member {
	m := &member{w: w, name: fmt.Sprintf("node-%d", len(w.nodes)), tokens: map[string]int64{}}
	ctx := context.Background()
	m.life, m.die = context.WithCancel(ctx)
	var err error
	m.store, err = postgres.Open(ctx, w.url, postgres.Options{Keys: noSecrets{}, Same: func(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }})
	w.must(err)
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	w.must(err)
	trouble := func(doing string, err error) {
		if m.life.Err() == nil {
			w.t.Errorf("%s: %s: %v", m.name, doing, err)
		}
	}
	m.log, err = eventlog.Open(ctx, m.store, revision.NewBook(time.UTC), w.clock, eventlog.Options{
		TailEvents: 64, Chain: chain, Trouble: trouble, Shared: &eventlog.Shared{Every: 2 * time.Millisecond},
	})
	w.must(err)
	m.engine = delivery.New(m.log, m.store, w.clock, delivery.Options{
		Connect: func(s *subscription.System, url string) (channel.Sender, error) {
			return &port{node: m, url: url}, nil
		},
		Render: func(e *event.Event, _ *subscription.Subscription) *event.Rendering {
			return &event.Rendering{Body: e.Data}
		},
		Tell:    func(delivery.Notice) error { return nil },
		Trouble: trouble, Random: func() float64 { return 0.5 },
		Shared: true, DrawPass: m.store.DrawPass, Lost: func(string) {},
	})
	w.must(m.engine.Start(ctx))
	m.number, err = m.store.Join(ctx, m.name, "", "test", manyHours)
	w.must(err)
	w.nodes = append(w.nodes, m)
	return m
}

// port is one endpoint as a node sees it.
type port struct {
	node *member
	url  string
}

// Send notes what came, and answers as chance will have it.
func (p *port) Send(ctx context.Context, m *channel.Message) channel.Result {
	w := p.node.w
	w.mu.Lock()
	status := 200
	switch dice := w.answers.IntN(100); {
	case dice < 8:
		status = 503
	case dice < 12 && w.hang.Load():
		status = 0
	}
	w.sends = append(w.sends, sighting{node: p.node.name, line: p.url, lane: m.Lane, position: m.Position, token: m.Lease, answered: status})
	w.mu.Unlock()
	if status == 0 { // it came, and the answer does not
		p.node.engine.Working(-1)
		select {
		case <-ctx.Done():
		case <-p.node.life.Done():
		}
		p.node.engine.Working(1)
		return channel.Result{Class: channel.Retry, Reason: "send-timeout"}
	}
	return answer(status)
}

func (p *port) Close() error { return nil }

func (m *member) revise(revisions ...revision.Revision) {
	m.w.t.Helper()
	var consumers []eventlog.Founding
	for _, r := range revisions {
		if r.Kind == revision.Subscription {
			var s subscription.Subscription
			book := m.log.Book()
			w := m.w
			w.must(json.Unmarshal(r.Document, &s))
			doc, _ := book.System(s.System)
			consumers = append(consumers, eventlog.Founding{Name: revision.ConsumerName(doc, &s), System: s.System})
		}
	}
	for {
		err := m.log.Append(context.Background(), &eventlog.Request{Revisions: slices.Clone(revisions), Expect: m.log.Book().Last(), Consumers: consumers})
		if !fault.Has(err, fault.Precondition) {
			m.w.must(err)
			return
		}
	}
}

// subscribe makes a system with a subscription or more.
func (w *several) subscribe(system string, lines int) {
	w.t.Helper()
	m := w.nodes[0]
	m.revise(revision.Of("test", revision.System, system, subscription.System{Name: system, Agreement: subscription.Agreement{
		Profile: profile.Standard, BaseURL: "https://" + system + ".test", Sources: []string{"*"},
	}}))
	for n := range lines {
		id := ident.New().String()
		m.revise(revision.Of("test", revision.Subscription, id, subscription.Subscription{
			ID: id, System: system, Name: fmt.Sprint(n), Path: fmt.Sprintf("/%d", n), State: subscription.Active,
		}))
	}
}

// publish appends an event through a node.
func (m *member) publish(body string) {
	m.w.t.Helper()
	key := body[:lastHash(body)]
	r := &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
		ID: ident.Message(sourceURI, body), Source: sourceURI, SourceID: body, Type: "thing", Version: "v1",
		Lane: m.w.lanes.Lane(sourceURI, key), Head: fmt.Appendf(nil, `{"id":%q}`, body), Data: []byte(body),
	}}}}
	m.w.must(m.log.Append(context.Background(), r))
	m.w.accepted[r.Entries[0].Position] = body
}

// give has a node take a system up. The one that had it is told, or not.
func (w *several) give(system string, to *member, tell bool) {
	w.t.Helper()
	ctx := context.Background()
	from := w.holder[system]
	name := eventlog.SystemHolding + system
	if from != nil && !from.dead && tell {
		from.letGo(system)
	}
	if from != nil {
		w.must(to.store.Yield(ctx, from.number, []eventlog.Holding{{Name: name, Token: from.tokens[system]}}))
	}
	claimed, err := to.store.Claim(ctx, to.number, manyHours, []string{name})
	w.must(err)
	if len(claimed) != 1 {
		w.t.Fatalf("%s gets %v of %s", to.name, claimed, name)
	}
	w.must(to.log.CatchUp(ctx))
	w.must(to.engine.TakeUp(ctx, system, claimed[0].Token))
	to.tokens[system] = claimed[0].Token
	w.holder[system] = to
}

// letGo lets go of a system; what hangs is given until all else has come to its end.
func (m *member) letGo(system string) {
	patience, end := context.WithCancel(context.Background())
	defer end()
	go func() {
		for !m.engine.AtRest() && patience.Err() == nil {
			runtime.Gosched()
		}
		end()
	}()
	m.engine.LetGo(patience, system)
}

// crash ends a node where it stands; what it held is nobody's.
func (m *member) crash() {
	m.die()
	m.log.Abandon()
	m.engine.Abandon()
	m.dead = true
	m.w.must(m.store.Close())
}

func (m *member) end() {
	if m.dead {
		return
	}
	m.dead = true
	m.die()
	soon, cancel := context.WithCancel(context.Background())
	cancel()
	m.engine.Stop(soon)
	m.w.must(m.log.Close())
	m.w.must(m.store.Close())
}

func (w *several) alive() (list []*member) {
	for _, m := range w.nodes {
		if !m.dead {
			list = append(list, m)
		}
	}
	return list
}

// flush waits until every node has done all it can.
func (w *several) flush() {
	w.t.Helper()
	ctx := context.Background()
	deadline := time.Now().Add(60 * time.Second)
	for _, m := range w.alive() {
		w.must(m.log.CatchUp(ctx))
	}
	for _, m := range w.alive() {
		for !m.engine.AtRest() {
			if runtime.Gosched(); time.Now().After(deadline) {
				w.t.Fatalf("%s does not come to rest:\n%s", m.name, m.engine.Dump())
			}
		}
	}
}

// drain moves the clock until nothing is owed.
func (w *several) drain() {
	w.t.Helper()
	w.hang.Store(false)
	for _, system := range w.systems() { // what hangs, hangs until its sender gives up
		for _, m := range w.alive() {
			m.engine.Lose(system)
		}
		w.give(system, w.holder[system], false)
	}
	for range 200 {
		w.flush()
		owed := int64(0)
		for _, m := range w.alive() {
			for _, s := range m.engine.Standings() {
				if w.holder[s.System] == m {
					owed += s.Pending
				}
			}
		}
		if owed == 0 {
			return
		}
		w.clock.Advance(time.Hour)
	}
	for _, m := range w.alive() {
		w.t.Logf("%s:\n%s", m.name, m.engine.Dump())
	}
	w.t.Fatal("not drained")
}

func (w *several) systems() []string {
	var list []string
	for _, s := range w.nodes[0].log.Book().Systems() {
		list = append(list, s.Name)
	}
	return list
}

// check holds what receivers saw against the promises: nothing is lost, and first sends are in order in every lane of
// every subscription, whichever node made them.
func (w *several) check(lines int) {
	w.t.Helper()
	type lane struct {
		line string
		lane event.Lane
	}
	first, seen, done := map[lane]int64{}, map[string]map[int64]bool{}, map[string]map[int64]bool{}
	for _, s := range w.sends {
		if seen[s.line] == nil {
			seen[s.line], done[s.line] = map[int64]bool{}, map[int64]bool{}
		}
		at := lane{s.line, s.lane}
		if !seen[s.line][s.position] {
			if s.position < first[at] {
				w.t.Errorf("%s first sends %d to %s after %d of the same lane (token %d)", s.node, s.position, s.line, first[at], s.token)
			}
			first[at], seen[s.line][s.position] = s.position, true
		}
		if s.answered == 200 {
			done[s.line][s.position] = true
		}
	}
	if len(done) != lines {
		w.t.Errorf("%d subscriptions got something, of %d", len(done), lines)
	}
	for line, got := range done {
		for position, body := range w.accepted {
			if !got[position] {
				w.t.Errorf("%s never got %s at position %d", line, body, position)
			}
		}
	}
}

// recount holds the kept figures against what there was: each matched and delivered once, whoever counted it and whose
// recording was refused on the way.
func (w *several) recount(linesEach int) {
	w.t.Helper()
	for system, m := range w.holder {
		f, err := m.engine.SystemFigures(context.Background(), system, 1)
		w.must(err)
		want := int64(len(w.accepted) * linesEach)
		if n := f.Total.First; n.Matched != want || n.Delivered != want || f.Now.Pending != 0 {
			w.t.Errorf("%s: %+v, pending %d, want %d", system, n, f.Now.Pending, want)
		}
	}
}

// A system goes from node to node, in good order, after a crash, and while its holder does not know that it is not its any
// more. Nothing is lost, and first sends stay in order in every lane (DESIGN promises 2 and 3).
func TestOrderHoldsOverAnyTakeover(t *testing.T) {
	t.Parallel()
	for run := range *takeoverRuns {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Parallel()
			w := newSeveral(t, uint64(run), 3)
			const systems, linesEach = 3, 2
			for n := range systems {
				w.subscribe(fmt.Sprintf("s%d", n), linesEach)
			}
			w.flush()
			for n := range systems {
				w.give(fmt.Sprintf("s%d", n), w.nodes[n], true)
			}
			w.hang.Store(true)
			counts := map[string]int{}
			for range 40 {
				nodes := w.alive()
				m := nodes[w.random.IntN(len(nodes))]
				system := fmt.Sprintf("s%d", w.random.IntN(systems))
				switch dice := w.random.IntN(20); {
				case dice < 12:
					for range 1 + w.random.IntN(12) {
						key := fmt.Sprintf("k%d", w.random.IntN(5))
						counts[key]++
						m.publish(fmt.Sprintf("%s#%d", key, counts[key]))
					}
				case dice < 14:
					w.give(system, m, true)
				case dice < 17:
					if w.holder[system] != m {
						w.give(system, m, false)
					}
				case dice < 18:
					w.clock.Advance(time.Duration(w.random.IntN(600)) * time.Second)
				case dice < 19:
					if len(nodes) > 1 {
						m.crash()
						w.enter()
						for name, holder := range w.holder {
							if holder == m {
								w.give(name, w.alive()[0], false)
							}
						}
					}
				default:
					w.flush()
				}
			}
			w.drain()
			w.check(systems * linesEach)
			w.recount(linesEach)
		})
	}
}

// S44: nothing waits for time to pass: what one node accepts another delivers, on a clock that stands still.
func TestS44WhatOneNodeAcceptsAnotherDeliversAtOnce(t *testing.T) {
	t.Parallel()
	w := newSeveral(t, 0, 2)
	w.subscribe("s", 1)
	w.flush()
	w.give("s", w.nodes[1], true)
	before := w.clock.Now()
	w.nodes[0].publish("a#1")
	deadline := time.Now().Add(60 * time.Second)
	for seen := 0; seen == 0; runtime.Gosched() {
		w.mu.Lock()
		seen = len(w.sends)
		w.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("it is not delivered:\n%s", w.nodes[1].engine.Dump())
		}
	}
	if w.sends[0].node != "node-1" || !w.clock.Now().Equal(before) {
		t.Errorf("%+v", w.sends[0])
	}
}

// What a new holder finds was counted by nobody while nobody had the system: it is counted once, and comes.
func TestWhatCameWhileNobodyHadASystemIsCounted(t *testing.T) {
	t.Parallel()
	w := newSeveral(t, 1, 2)
	w.subscribe("s", 2)
	for n := range 700 { // more than the router reads at a time
		w.nodes[n%2].publish(fmt.Sprintf("k%d#%d", n%7, n/7+1))
	}
	w.flush()
	w.give("s", w.nodes[1], true)
	w.drain()
	w.check(2)
	figures, err := w.nodes[1].engine.SystemFigures(t.Context(), "s", 1)
	if err != nil || figures.Total.First.Matched != 1400 || figures.Total.First.Delivered != 1400 || figures.Now.Pending != 0 {
		t.Errorf("%+v, %v", figures, err)
	}
}

// until waits for something that happens by itself.
func (w *several) until(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !is(); runtime.Gosched() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waiting for ever until %s", what)
		}
	}
}

// A node that has lost a system, and has outcomes of it that are not recorded yet, records them and no more: what came
// after the loss is not its to vouch for (DESIGN promise 3).
func TestWhoHasLostASystemVouchesForNothingNew(t *testing.T) {
	t.Parallel()
	w := newSeveral(t, 1, 2)
	w.subscribe("s", 1)
	w.flush()
	one, other := w.nodes[0], w.nodes[1]
	w.give("s", one, true)
	one.publish("k0#1")
	w.flush()

	release := pgtest.Hold(t, w.url, "SELECT 1 FROM consumers FOR UPDATE")
	sent := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.sends)
	}
	before := sent()
	for n := range 4 { // the outcome of the first is on its way into the database, those of the others wait for that
		one.publish(fmt.Sprintf("k%d#1", n+1))
		w.until("it is sent", func() bool { return sent() > before+n })
	}
	one.engine.Lose("s")
	other.publish("late#1")
	w.must(one.log.CatchUp(context.Background()))
	w.until("the router of the one has passed by what came after", func() bool { return one.engine.Routed() >= one.log.Head() })
	release()
	w.flush()

	w.give("s", other, false)
	w.drain()
	w.check(1)
}
