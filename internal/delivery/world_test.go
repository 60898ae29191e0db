package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/sqlite"
	"github.com/varselhub/varsel/internal/subscription"
)

// world is a hub without its edges: the real store, log and engine on a clock that the test moves, and receivers that
// the test answers for. A send stays in flight until the test answers it.
type world struct {
	t     testing.TB
	file  string
	clock *clock.Fake
	store *sqlite.Store
	log   *eventlog.Log
	hub   *delivery.Engine

	mu       sync.Mutex
	auto     func(*sent) *channel.Result // answers at once when it returns a result
	requests []time.Time                 // when those came that were answered at once; see answers
	arrived  chan *sent
	notices  []delivery.Notice
	observed []delivery.Observation
	life     context.Context // ends with a crash
	die      context.CancelFunc
	hasher   *event.Hasher
	after    func()
	render   func(*event.Event) *event.Rendering // nil: the data
	busy     atomic.Int32                        // how many more of the engine's own changes come between others'
}

// errBusy is what a change meets that others come between.
var errBusy = errors.New("others keep changing the configuration")

// sent is one attempt that has arrived at a receiver.
type sent struct {
	system, url string
	id          string
	body        string // "key#n"
	attempt     int
	pass        int64   // of a replay
	fellows     []*sent // that came in the same request, behind it
	answer      chan []channel.Result
	hub         *delivery.Engine
}

// all lists what came in the request.
func (s *sent) all() []*sent { return append([]*sent{s}, s.fellows...) }

// bodies lists what came in the request.
func (s *sent) bodies() (list []string) {
	for _, one := range s.all() {
		list = append(list, one.body)
	}
	return list
}

func (s *sent) reply(status int) { s.give(answer(status)) }

// give answers an attempt. From here on the engine is at work again, although its worker may not run yet.
func (s *sent) give(r channel.Result) {
	s.giveEach(slices.Repeat([]channel.Result{r}, 1+len(s.fellows))...)
}

// giveEach answers the first of what came in the request; the rest counts as not sent.
func (s *sent) giveEach(results ...channel.Result) {
	s.hub.Working(1)
	s.answer <- results
}

// answer is what the webhook channel makes of a status under the standard profile.
func answer(status int) channel.Result {
	p, _ := profile.Get(profile.Standard)
	return channel.Result{Class: p.Classify(status), Status: status}
}

// starAnswer is the same under the star profile.
func starAnswer(status int) channel.Result {
	p, _ := profile.Get(profile.Star)
	return channel.Result{Class: p.Classify(status), Status: status}
}

// registerAnswer is the same under the datafordeler profile.
func registerAnswer(status int) channel.Result {
	p, _ := profile.Get(profile.Datafordeler)
	return channel.Result{Class: p.Classify(status), Status: status}
}

const sourceURI = "urn:test:source"

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := makeWorld(t, filepath.Join(t.TempDir(), "hub.db"))
	t.Cleanup(w.stop)
	return w
}

// newQuickWorld is a world whose file need not survive a power cut, for tests that make thousands. The caller stops it.
func newQuickWorld(t testing.TB) *world {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "varsel-test-")
	if err != nil {
		dir = t.TempDir()
	}
	w := makeWorld(t, filepath.Join(dir, "hub.db"))
	w.after = func() { os.RemoveAll(dir) }
	return w
}

func makeWorld(t testing.TB, file string) *world {
	t.Helper()
	w := &world{t: t, file: file, clock: clock.NewFake(epoch), arrived: make(chan *sent, 10000)}
	var err error
	w.hasher, err = event.NewHasher([]byte("a test secret that is long enough for HMAC"))
	w.must(err)
	w.boot()
	w.revise(
		revision.Of("test", revision.Source, "source", event.Source{Name: "source", URI: sourceURI, Types: []string{"*"}}),
		revision.Of("test", revision.Source, "other", event.Source{Name: "other", URI: sourceURI + ":other", Types: []string{"*"}}),
		revision.Of("test", revision.Type, "thing", event.Type{Name: "thing", Order: event.OrderKey, Retention: "P180D"}),
	)
	return w
}

// noSecrets wraps nothing: thousands of runs about order need no vault on disk.
type noSecrets struct{}

func (noSecrets) NewestKEK() (string, error)                   { return "none", nil }
func (noSecrets) MakeKEK() (string, error)                     { return "none", nil }
func (noSecrets) Wrap(_ string, key, _ []byte) ([]byte, error) { return key, nil }
func (noSecrets) Unwrap(_ string, key, _ []byte) ([]byte, error) {
	return key, nil
}

// boot starts log and engine on the file, as a process does.
func (w *world) boot() {
	w.t.Helper()
	store, err := sqlite.Open(w.file, sqlite.Options{Keys: noSecrets{}, Same: func(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }})
	w.must(err)
	w.store = store
	book := revision.NewBook(time.UTC)
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	w.must(err)
	w.log, err = eventlog.Open(context.Background(), store, book, w.clock, eventlog.Options{TailEvents: 64, Chain: chain})
	w.must(err)
	w.life, w.die = context.WithCancel(context.Background())
	w.hub = delivery.New(w.log, store, w.clock, delivery.Options{
		Connect: func(s *subscription.System, url string) (channel.Sender, error) {
			r := &receiver{w: w, system: s.Name, url: url}
			if most := s.Agreement.Policy().Batch; most > 1 {
				return &batcher{receiver: r, most: most}, nil
			}
			return r, nil
		},
		Render: func(e *event.Event, _ *subscription.Subscription) *event.Rendering {
			if w.render != nil {
				return w.render(e)
			}
			return &event.Rendering{Body: e.Data}
		},
		Tell: func(n delivery.Notice) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notices = append(w.notices, n)
			return nil
		},
		Observe: func(o delivery.Observation) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.observed = append(w.observed, o)
		},
		Revise: func(ctx context.Context, l *revision.Line, change func(*subscription.Subscription)) error {
			if w.busy.Load() > 0 {
				w.busy.Add(-1)
				return errBusy
			}
			return w.reviseLine(ctx, l, change)
		},
		Trouble: func(doing string, err error) {
			if !errors.Is(err, errBusy) {
				w.t.Errorf("trouble %s: %v", doing, err)
			}
		},
		Random: func() float64 { return 0.5 },

		ReplayAhead: 3,
	})
	w.must(w.hub.Start(context.Background()))
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

// crash ends the process where it stands: nothing that was not committed survives.
func (w *world) crash() {
	w.t.Helper()
	w.log.Abandon()
	w.die()
	w.hub.Abandon()
	w.must(w.store.Close())
	for len(w.arrived) > 0 {
		<-w.arrived
	}
}

// stop ends it in good order.
func (w *world) stop() {
	soon, cancel := context.WithCancel(context.Background())
	cancel()
	w.die()
	w.hub.Stop(soon)
	w.must(w.log.Close())
	w.must(w.store.Close())
	if w.after != nil {
		w.after()
	}
}

func (w *world) restart() {
	w.crash()
	w.boot()
}

func (w *world) revise(revisions ...revision.Revision) {
	w.t.Helper()
	var consumers []eventlog.Founding
	for _, r := range revisions {
		if r.Kind == revision.Subscription {
			consumers = append(consumers, eventlog.Founding{Name: "subscription/" + r.Subject})
		}
	}
	w.must(w.log.Append(context.Background(), &eventlog.Request{Revisions: revisions, Expect: w.log.Book().Last(), Consumers: consumers}))
}

func (w *world) reviseLine(ctx context.Context, l *revision.Line, change func(*subscription.Subscription)) error {
	doc := *l.Now()
	change(&doc)
	return w.log.Append(ctx, &eventlog.Request{
		Revisions: []revision.Revision{revision.Of("hub", revision.Subscription, l.ID, doc)}, Expect: w.log.Book().Last(),
	})
}

// reviseSubscription changes a subscription's document.
func (w *world) reviseSubscription(id string, change func(*subscription.Subscription)) {
	w.t.Helper()
	w.must(w.reviseLine(context.Background(), w.log.Book().Line(id), change))
}

// system registers a receiving system.
func (w *world) system(name string, p profile.Name) {
	w.t.Helper()
	w.revise(revision.Of("test", revision.System, name, subscription.System{Name: name, Agreement: subscription.Agreement{
		Profile: p, BaseURL: "https://" + name + ".test", Sources: []string{"*"},
	}}))
}

// subscribe makes an active subscription of a system and returns its id.
func (w *world) subscribe(system, path string, change ...func(*subscription.Subscription)) string {
	w.t.Helper()
	s := subscription.Subscription{ID: ident.New().String(), System: system, Name: path, Path: path, State: subscription.Active}
	for _, f := range change {
		f(&s)
	}
	doc, _ := w.log.Book().System(system)
	name := revision.ConsumerName(doc, &s)
	w.must(w.log.Append(context.Background(), &eventlog.Request{
		Revisions: []revision.Revision{revision.Of("test", revision.Subscription, s.ID, s)}, Expect: w.log.Book().Last(), Consumers: []eventlog.Founding{{Name: name, System: system}},
	}))
	return s.ID
}

// publish appends events "key#n" from the test's source and returns their positions.
func (w *world) publish(bodies ...string) []int64 { return w.publishFrom(sourceURI, bodies...) }

func (w *world) publishFrom(source string, bodies ...string) []int64 {
	w.t.Helper()
	var events []*event.Event
	for _, body := range bodies {
		events = append(events, w.event(source, body))
	}
	return w.append(events...)
}

func (w *world) append(events ...*event.Event) []int64 {
	w.t.Helper()
	r := &eventlog.Request{}
	for _, e := range events {
		r.Entries = append(r.Entries, eventlog.Entry{Event: e})
	}
	w.must(w.log.Append(context.Background(), r))
	var positions []int64
	for _, entry := range r.Entries {
		positions = append(positions, entry.Position)
	}
	return positions
}

func (w *world) event(source, body string) *event.Event {
	key := body
	if i := lastHash(body); i >= 0 {
		key = body[:i]
	}
	return &event.Event{
		ID: ident.Message(source, body), Source: source, SourceID: body, Type: "thing", Version: "v1",
		Lane: w.hasher.Lane(source, key), Head: fmt.Appendf(nil, `{"id":%q}`, body), Data: []byte(body),
	}
}

func lastHash(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '#' {
			return i
		}
	}
	return -1
}

// next waits for an attempt to arrive.
func (w *world) next() *sent {
	w.t.Helper()
	select {
	case s := <-w.arrived:
		return s
	case <-time.After(10 * time.Second):
		w.t.Fatalf("no attempt arrived; lanes %+v endpoints %+v totals %+v", w.hub.Lanes(delivery.Selection{All: true}), w.hub.Endpoints(), w.hub.Totals())
		return nil
	}
}

// expect waits for exactly the given bodies, in any order, and returns them by body.
func (w *world) expect(bodies ...string) map[string]*sent {
	w.t.Helper()
	got := map[string]*sent{}
	for range bodies {
		s := w.next()
		got[s.body] = s
	}
	for _, body := range bodies {
		if got[body] == nil {
			w.t.Fatalf("want %v in flight, got %v", bodies, keys(got))
		}
	}
	return got
}

func keys(m map[string]*sent) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

// quiet lets everything that is under way come to rest, and fails if an attempt has arrived.
func (w *world) quiet() {
	w.t.Helper()
	w.flush()
	select {
	case s := <-w.arrived:
		w.t.Fatalf("unexpected attempt %s to %s%s", s.body, s.system, s.url)
	default:
	}
}

// flush waits until the engine has done all it can and waits for receivers, the clock or new events.
func (w *world) flush() {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !w.hub.AtRest(); runtime.Gosched() {
		if time.Now().After(deadline) {
			w.t.Fatalf("the engine does not come to rest:\n%s", w.hub.Dump())
		}
	}
}

// receiver is one endpoint of the world.
type receiver struct {
	w           *world
	system, url string
}

func (r *receiver) Send(ctx context.Context, m *channel.Message) channel.Result {
	return r.take(ctx, r.sent(m))[0]
}

func (r *receiver) sent(m *channel.Message) *sent {
	return &sent{system: r.system, url: r.url, id: m.ID, body: string(m.Body), attempt: m.Attempt, pass: m.Replay, answer: make(chan []channel.Result, 1), hub: r.w.hub}
}

// take keeps a request in flight until it is answered.
func (r *receiver) take(ctx context.Context, s *sent) []channel.Result {
	r.w.mu.Lock()
	auto := r.w.auto
	r.w.mu.Unlock()
	if auto != nil {
		if result := auto(s); result != nil {
			return slices.Repeat([]channel.Result{*result}, 1+len(s.fellows))
		}
	}
	r.w.arrived <- s
	s.hub.Working(-1)
	select {
	case results := <-s.answer:
		return results
	case <-ctx.Done():
	case <-r.w.life.Done():
	}
	s.hub.Working(1)
	return slices.Repeat([]channel.Result{{Class: channel.Retry, Reason: "send-timeout"}}, 1+len(s.fellows))
}

// batcher is an endpoint that takes several messages in one request.
type batcher struct {
	*receiver
	most int
}

func (b *batcher) Most() int { return b.most }

func (b *batcher) SendAll(ctx context.Context, messages []*channel.Message) []channel.Result {
	s := b.sent(messages[0])
	for _, m := range messages[1:] {
		s.fellows = append(s.fellows, b.sent(m))
	}
	return b.take(ctx, s)
}

func (r *receiver) Close() error { return nil }

// drained waits until nothing is owed any more.
func (w *world) drained() {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for w.hub.Totals().Pending > 0 {
		if time.Now().After(deadline) {
			w.t.Fatalf("not drained: lanes %+v endpoints %+v totals %+v", w.hub.Lanes(delivery.Selection{All: true}), w.hub.Endpoints(), w.hub.Totals())
		}
		w.flush()
	}
}
