// Package managetest is a hub without its edges for tests of what changes its configuration: the real store, log,
// engine and manager on a clock that the test moves, and receivers that answer as the test says.
package managetest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/sink"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/store/sqlite"
	"github.com/varselhub/varsel/internal/subscription"
)

// Epoch is where every world's clock begins.
var Epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Sent is one message at a receiver.
type Sent struct {
	System, URL string
	Message     channel.Message
}

// World is one hub.
type World struct {
	T       testing.TB
	Clock   *clock.Fake
	Store   *sqlite.Store
	Log     *eventlog.Log
	Book    *revision.Book
	Engine  *delivery.Engine
	Manager *manage.Manager
	Keys    *Keys
	Chain   *audit.Chain
	Sinks   *sink.Sinks
	// Passwords hashes as cheaply as there is.
	Passwords *account.Passwords
	// Municipality is the register of municipalities; nil: there is none.
	Municipality func(code string) (wkt string, found bool)

	trouble func(doing string, err error)
	between atomic.Pointer[func()]

	mu         sync.Mutex
	answer     func(Sent) channel.Result
	connectErr error
	renderErr  error
	envelope   func(*event.Event, *subscription.Subscription) *event.Rendering
	intact     int // renderings that go well before later
	later      error
	sent       []Sent
}

// New starts a hub on an empty database. It ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{T: t, Clock: clock.NewFake(Epoch), Keys: &Keys{kept: map[string]string{}}}
	w.Answer(204)
	w.Sinks = sink.New(w.Clock)
	w.Passwords = account.NewPasswords(account.Cost{Memory: 8, Time: 1, Lanes: 1})
	vault, err := secret.Open(filepath.Join(t.TempDir(), "secrets"))
	w.Must(err)
	w.Store, err = sqlite.Open(filepath.Join(t.TempDir(), "hub.db"), sqlite.Options{
		Keys: vault, Same: func(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) },
	})
	w.Must(err)
	w.Book = revision.NewBook(time.UTC)
	w.Chain, err = audit.NewChain(make([]byte, audit.KeySize))
	w.Must(err)
	w.Log, err = eventlog.Open(context.Background(), w.Store, w.Book, w.Clock, eventlog.Options{Chain: w.Chain})
	w.Must(err)
	trouble := func(doing string, err error) { t.Errorf("trouble %s: %v", doing, err) }
	w.Engine = delivery.New(w.Log, w.Store, w.Clock, delivery.Options{
		Connect: w.connect, Render: w.render, Trouble: trouble, Random: func() float64 { return 0.5 },
		Tell: func(delivery.Notice) error { return nil },
		Revise: func(ctx context.Context, l *revision.Line, change func(*subscription.Subscription)) error {
			return w.Manager.Revise(ctx, l, change)
		},
	})
	w.trouble = trouble
	w.Manager = w.Colleague()
	w.Must(w.Engine.Start(context.Background()))
	w.Manager.Start()
	t.Cleanup(w.stop)
	return w
}

// Colleague is a manager of the same log, as another node has one.
func (w *World) Colleague() *manage.Manager {
	return manage.New(w.Log, w.Whole(), w.Clock, manage.Options{
		Zone: time.UTC, Connect: w.connect, Render: w.render, Keys: w.Keys, Trouble: w.trouble,
		Sinks: w.Sinks, Passwords: w.Passwords, Accept: w.accept, SiteURL: func(site *status.Site) string { return "https://status.example/" + site.Name },
		Municipality: func(code string) (string, bool) {
			if w.Municipality == nil {
				return "", false
			}
			return w.Municipality(code)
		},
	})
}

// Between calls f once, when the next change of a status site has looked at what there is and is not appended yet.
func (w *World) Between(f func()) { w.between.Store(&f) }

// accept makes an event of a draft of a status site.
func (w *World) accept(from *event.Source, d event.Draft) (*event.Event, error) {
	if f := w.between.Swap(nil); f != nil {
		(*f)()
	}
	hasher, err := event.NewHasher(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	e, violations := publish.NewAccepter(directory{w.Book, from}, hasher, w.Clock, publish.Limits{MaxEvent: manage.MostTold + 1<<16}).Accept(d)
	return e, fault.Invalid(fault.InvalidEvent, violations)
}

// directory is the book, and a source that comes with the event.
type directory struct {
	*revision.Book
	from *event.Source
}

func (d directory) Source(uri string) *event.Source {
	if d.from != nil && d.from.URI == uri {
		return d.from
	}
	return d.SourceAt(uri)
}

// RegisterSites makes the hub know the events of status sites.
func (w *World) RegisterSites() {
	w.T.Helper()
	w.Must(w.Log.Append(context.Background(), &eventlog.Request{Revisions: manage.RegisterSites(), Expect: w.Book.Last()}))
}

// Whole are the deliveries of the whole hub, which is of one process.
func (w *World) Whole() delivery.Alone { return delivery.Alone{Engine: w.Engine} }

// Standings tells how the subscriptions of a system stand, or with "" those of all.
func (w *World) Standings(system string) []*manage.Standing {
	w.T.Helper()
	list, err := w.Manager.Subscriptions(context.Background(), system)
	w.Must(err)
	return list
}

func (w *World) stop() {
	w.Manager.Stop()
	soon, cancel := context.WithCancel(context.Background())
	cancel()
	w.Engine.Stop(soon)
	w.Must(w.Log.Close())
	w.Must(w.Store.Close())
}

// Must fails the test on an error.
func (w *World) Must(err error) {
	if err != nil {
		w.T.Helper()
		w.T.Fatal(err)
	}
}

// Answer makes every receiver answer with a status from now on; 0 is no answer.
func (w *World) Answer(status int) { w.AnswerBy(func(Sent) int { return status }) }

// AnswerBy makes the test answer for every receiver.
func (w *World) AnswerBy(status func(Sent) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = func(s Sent) channel.Result {
		system, _ := w.Book.System(s.System)
		policy := system.Agreement.Policy()
		code := status(s)
		r := channel.Result{Class: policy.Classify(code), Status: code, Duration: 1500 * time.Microsecond}
		if code == 0 {
			r.Reason, r.Detail = string(fault.ConnectFailed), "no connection"
		}
		return r
	}
}

// Break makes connecting or rendering fail from now on.
func (w *World) Break(connect, render error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connectErr, w.renderErr = connect, render
}

// BreakAfter makes rendering fail once so many messages have been rendered.
func (w *World) BreakAfter(count int, render error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intact, w.later = count, render
}

// Sent lists what the receivers got, in order.
func (w *World) Sent() []Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Sent(nil), w.sent...)
}

func (w *World) connect(s *subscription.System, url string) (channel.Sender, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id, ok := subscription.SinkAt(url); ok {
		return w.sink(s, id), nil
	}
	return &receiver{w, s.Name, url}, w.connectErr
}

// sink is the real one, of a system that signs nothing.
func (w *World) sink(s *subscription.System, id string) channel.Sender {
	return w.Sinks.Sender(sink.Config{
		Subscription: id, Profile: s.Agreement.Policy(),
		Settings: func() *subscription.Sink { return w.Book.Line(id).Now().Sink },
		Request: func(m *channel.Message) ([]byte, error) {
			return webhook.Request(s.Agreement.BaseURL+w.Book.Line(id).Now().Path, "Varsel", nil, m)
		},
	})
}

// RenderBy makes the test render messages from now on, as the hub would by their profile. Without it a message is its data.
func (w *World) RenderBy(envelope func(*event.Event, *subscription.Subscription) *event.Rendering) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.envelope = envelope
}

func (w *World) render(e *event.Event, s *subscription.Subscription) *event.Rendering {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.envelope != nil {
		return w.envelope(e, s)
	}
	if w.later != nil {
		if w.intact--; w.intact < 0 {
			w.renderErr = w.later
		}
	}
	return &event.Rendering{ContentType: "application/json", Body: e.Data, Err: w.renderErr}
}

type receiver struct {
	w           *World
	system, url string
}

func (r *receiver) Send(_ context.Context, m *channel.Message) channel.Result {
	s := Sent{r.system, r.url, *m}
	r.w.mu.Lock()
	r.w.sent = append(r.w.sent, s)
	answer := r.w.answer
	r.w.mu.Unlock()
	return answer(s)
}

func (r *receiver) Close() error { return nil }

// Arrive puts a message straight into a subscription's sink, whether or not it has one.
func (w *World) Arrive(id string, m *channel.Message) {
	system, _ := w.Book.System(w.Book.Line(id).Consumer.System)
	w.sink(system, id).Send(context.Background(), m)
}

// Seed registers a source, two types with an active version each, and nothing else.
func (w *World) Seed() {
	w.T.Helper()
	ctx := context.Background()
	by := manage.By{Author: "test"}
	for _, name := range []string{"cv", "plan"} {
		_, err := w.Manager.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderNone, Retention: "P180D"}, by)
		w.Must(err)
		_, err = w.Manager.PutVersion(ctx, event.Version{Type: name, Version: "v1", State: event.StateActive, Sample: []byte(`{"fictive":"` + name + `"}`)}, by)
		w.Must(err)
	}
	_, err := w.Manager.PutSource(ctx, event.Source{Name: "dfdg", URI: "urn:test:dfdg", Title: "DFDG", Types: []string{"*"}}, by)
	w.Must(err)
}

// System makes a receiving system that may have everything.
func (w *World) System(name string, p profile.Name) {
	w.T.Helper()
	_, err := w.Manager.PutSystem(context.Background(), Agreement(name, p), manage.By{Author: "test"})
	w.Must(err)
}

// Agreement is the system that System makes.
func Agreement(name string, p profile.Name) subscription.System {
	return subscription.System{Name: name, Agreement: subscription.Agreement{
		Profile: p, BaseURL: "https://" + name + ".test/hook", Sources: []string{"*"},
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "drift@" + name + ".test"}},
	}}
}

// Subscribe makes the set a system's, whatever it was, and returns the ids by name.
func (w *World) Subscribe(system string, set ...subscription.Subscription) map[string]string {
	w.T.Helper()
	old, position := w.Book.Subscriptions(system)
	options := manage.SetOptions{By: manage.By{Author: "test"}}
	if position > 0 || len(old) > 0 {
		options.Condition.Present = true
	}
	_, err := w.Manager.PutSubscriptions(context.Background(), system, set, options)
	w.Must(err)
	ids := map[string]string{}
	current, _ := w.Book.Subscriptions(system)
	for _, s := range current {
		ids[s.Name] = s.ID
	}
	return ids
}

// Publish appends events of a type, each in a lane of its own, and waits until they are routed.
func (w *World) Publish(typeName string, o event.Organisation, count int) {
	w.T.Helper()
	w.Append(typeName, o, count)
	w.Must(w.Engine.Reached(context.Background(), w.Log.Head()))
}

// Append appends events as Publish does, and waits for nothing.
func (w *World) Append(typeName string, o event.Organisation, count int) {
	w.T.Helper()
	r := &eventlog.Request{}
	for range count {
		r.Entries = append(r.Entries, entry(typeName, o, `{}`))
	}
	w.Must(w.Log.Append(context.Background(), r))
}

// PublishData appends one event that says something, and waits until it is routed.
func (w *World) PublishData(typeName, data string) {
	w.T.Helper()
	w.Must(w.Log.Append(context.Background(), &eventlog.Request{Entries: []eventlog.Entry{entry(typeName, event.Organisation{}, data)}}))
	w.Must(w.Engine.Reached(context.Background(), w.Log.Head()))
}

func entry(typeName string, o event.Organisation, data string) eventlog.Entry {
	id := ident.New()
	return eventlog.Entry{Event: &event.Event{
		ID: id, Source: "urn:test:dfdg", SourceID: id.String(), Type: typeName, Version: "v1", Organisation: o,
		Head: fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"urn:test:dfdg","type":%q}`, id, typeName), MediaType: "application/json", Data: []byte(data),
	}}
}

// Until waits for something that the engine does in its own time.
func (w *World) Until(what string, done func() bool) {
	w.T.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			w.T.Fatalf("never came: %s; lanes %+v totals %+v", what, w.Engine.Lanes(delivery.Selection{All: true}), w.Engine.Totals())
		}
		w.Must(w.Engine.Reached(context.Background(), w.Log.Head()))
		w.Must(w.Log.Append(context.Background(), &eventlog.Request{})) // a commit gives the engine's cuts a turn
	}
}

// Delivered waits until so many deliveries in all have been made, and that is committed.
func (w *World) Delivered(count int64) {
	w.T.Helper()
	w.Until(fmt.Sprintf("%d delivered", count), func() bool { return w.Engine.Totals().Delivered == count && w.Log.Idle() })
}

// Pass sends a subscription's test message, which must be accepted.
func (w *World) Pass(id string) *manage.TestReport {
	w.T.Helper()
	report, err := w.Manager.Test(context.Background(), id, "eva")
	w.Must(err)
	return report
}

// Keys is a manage.Keys in memory.
type Keys struct {
	mu   sync.Mutex
	made int
	kept map[string]string
	Err  error // what Create fails with
}

// Create implements manage.Keys.
func (k *Keys) Create(_ context.Context, system, kind string) (ref, shown string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Err != nil {
		return "", "", k.Err
	}
	k.made++
	ref = fmt.Sprintf("%s/%d", system, k.made)
	k.kept[ref] = kind
	return ref, "shown-" + ref, nil
}

// Delete implements manage.Keys.
func (k *Keys) Delete(_ context.Context, ref string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, ref)
	return nil
}

// Kept is how many keys there are.
func (k *Keys) Kept() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.kept)
}
