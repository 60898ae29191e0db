package peer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/sink"
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

// world is a hub of several nodes: each an engine of its own with a door on loopback, on one log.
type world struct {
	t     testing.TB
	store *sqlite.Store
	log   *eventlog.Log
	nodes []*node
	token int64

	mu      sync.Mutex
	holders map[string]*node
	gone    map[*node]bool // not in the list any more
	status  int            // that receivers answer
}

// node is one of them.
type node struct {
	w       *world
	number  int64
	url     string
	engine  *delivery.Engine
	sinks   *sink.Sinks
	own     *Own
	log     *noting
	server  *http.Server
	whole   *Deliveries
	began   chan string // the paths that its door is asked at,
	ended   chan string // and has answered
	trouble chan string
}

var theKey = []byte("0123456789abcdef0123456789abcdef")

const sourceURI = "urn:test:source"

// noSecrets wraps nothing.
type noSecrets struct{}

func (noSecrets) NewestKEK() (string, error)                   { return "none", nil }
func (noSecrets) MakeKEK() (string, error)                     { return "none", nil }
func (noSecrets) Wrap(_ string, key, _ []byte) ([]byte, error) { return key, nil }
func (noSecrets) Unwrap(_ string, key, _ []byte) ([]byte, error) {
	return key, nil
}

// newWorld starts a hub of so many nodes. It ends with the test.
func newWorld(t testing.TB, count int) *world {
	t.Helper()
	w := &world{t: t, holders: map[string]*node{}, gone: map[*node]bool{}, status: 204}
	var err error
	w.store, err = sqlite.Open(filepath.Join(t.TempDir(), "hub.db"), sqlite.Options{Keys: noSecrets{}, Same: func(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }})
	w.must(err)
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	w.must(err)
	w.log, err = eventlog.Open(context.Background(), w.store, revision.NewBook(time.UTC), clock.System{}, eventlog.Options{Chain: chain})
	w.must(err)
	for i := range count {
		w.nodes = append(w.nodes, w.node(int64(i+1)))
	}
	t.Cleanup(w.stop)
	w.revise(
		revision.Of("test", revision.Source, "source", event.Source{Name: "source", URI: sourceURI, Types: []string{"*"}}),
		revision.Of("test", revision.Type, "thing", event.Type{Name: "thing", Order: event.OrderKey, Retention: "P180D"}),
	)
	return w
}

func (w *world) node(number int64) *node {
	n := &node{w: w, number: number, sinks: sink.New(clock.System{}), began: make(chan string, 1000), ended: make(chan string, 1000), trouble: make(chan string, 10)}
	n.engine = delivery.New(w.log, w.store, clock.System{}, delivery.Options{
		Connect: func(s *subscription.System, url string) (channel.Sender, error) { return &receiver{w, s}, nil },
		Render: func(e *event.Event, _ *subscription.Subscription) *event.Rendering {
			return &event.Rendering{ContentType: "application/json", Headers: []event.Header{{Name: "a", Value: "b"}}, Body: e.Data}
		},
		Tell:    func(delivery.Notice) error { return nil },
		Revise:  func(context.Context, *revision.Line, func(*subscription.Subscription)) error { return nil },
		Trouble: func(doing string, err error) { w.t.Errorf("trouble %s: %v", doing, err) },
		Random:  func() float64 { return 0.5 }, Shared: true,
	})
	w.must(n.engine.Start(context.Background()))
	n.log = &noting{Log: w.log}
	n.own = &Own{Engine: n.engine, Log: n.log, Sinks: n.sinks}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	n.url = "http://" + socket.Addr().String()
	door := NewDoor(n.own, n.view(), theKey, clock.System{}, func(doing string, err error) { n.trouble <- doing + ": " + err.Error() })
	n.server = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		note(n.began, r.URL.Path)
		defer note(n.ended, r.URL.Path)
		door.ServeHTTP(rw, r)
	})}
	go n.server.Serve(socket)
	caller, err := NewCaller(theKey, "", clock.System{})
	w.must(err)
	n.whole = New(n.own, n.view(), caller, clock.System{})
	w.t.Cleanup(caller.Close)
	return n
}

// noting is the log of one node, which notes how often its memory was to forget.
type noting struct {
	*eventlog.Log
	forgot atomic.Int64
}

func (n *noting) Forget(forgotten func(*event.Event) bool) {
	n.forgot.Add(1)
	n.Log.Forget(forgotten)
}

// note tells of a path, unless nobody has listened for long.
func note(to chan string, path string) {
	select {
	case to <- path:
	default:
	}
}

// view is the hub's nodes as one of them sees them.
func (n *node) view() view { return view{n} }

type view struct{ *node }

// Holder implements Directory. It is asked for systems alone.
func (v view) Holder(name string) (eventlog.Node, bool) {
	system, ok := strings.CutPrefix(name, eventlog.SystemHolding)
	if !ok || system == "" {
		v.w.t.Errorf("asked who holds %q", name)
	}
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	holder := v.w.holders[system]
	if holder == nil || v.w.gone[holder] {
		return eventlog.Node{}, false
	}
	return holder.listed(), true
}

// Nodes implements Directory.
func (v view) Nodes() (nodes []eventlog.Node, self int64) {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	for _, n := range v.w.nodes {
		if !v.w.gone[n] {
			nodes = append(nodes, n.listed())
		}
	}
	return nodes, v.number
}

func (n *node) listed() eventlog.Node {
	return eventlog.Node{N: n.number, Name: fmt.Sprintf("node-%d", n.number), URL: n.url}
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	soon, cancel := context.WithCancel(context.Background())
	cancel()
	for _, n := range w.nodes {
		n.server.Close()
		n.engine.Stop(soon)
	}
	w.must(w.log.Close())
	w.must(w.store.Close())
}

// hold has a node deliver a system, and lets the others know.
func (w *world) hold(system string, n *node) {
	w.t.Helper()
	w.token++
	w.must(n.engine.TakeUp(w.t.Context(), system, w.token))
	w.tell(system, n)
}

// tell says who has a system, whether it has or not.
func (w *world) tell(system string, n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holders[system] = n
}

// leave takes a node off the list.
func (w *world) leave(n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone[n] = true
}

func (w *world) revise(revisions ...revision.Revision) {
	w.t.Helper()
	w.must(w.log.Append(w.t.Context(), &eventlog.Request{Revisions: revisions, Expect: w.log.Book().Last()}))
}

func (w *world) system(name string, p profile.Name) {
	w.t.Helper()
	w.revise(revision.Of("test", revision.System, name, subscription.System{Name: name, Agreement: subscription.Agreement{
		Profile: p, BaseURL: "https://" + name + ".test", Sources: []string{"*"},
	}}))
}

func (w *world) subscribe(system string, channel subscription.Channel) string {
	w.t.Helper()
	s := subscription.Subscription{ID: ident.New().String(), System: system, Name: "all", Path: "/in", State: subscription.Active, Channel: channel}
	if channel != "" {
		s.Path = ""
	}
	doc, _ := w.log.Book().System(system)
	w.must(w.log.Append(w.t.Context(), &eventlog.Request{
		Revisions: []revision.Revision{revision.Of("test", revision.Subscription, s.ID, s)}, Expect: w.log.Book().Last(),
		Consumers: []eventlog.Founding{{Name: revision.ConsumerName(doc, &s), System: system}},
	}))
	return s.ID
}

// publish appends an event for each body, each in a lane of its own, and returns their positions.
func (w *world) publish(bodies ...string) []int64 {
	w.t.Helper()
	r := &eventlog.Request{}
	for _, body := range bodies {
		var lane event.Lane
		copy(lane[:], body)
		r.Entries = append(r.Entries, eventlog.Entry{Event: &event.Event{
			ID: ident.Message(sourceURI, body), Source: sourceURI, SourceID: body, Type: "thing", Version: "v1", Lane: lane, Retention: "P180D",
			Head: fmt.Appendf(nil, `{"id":%q}`, body[:min(len(body), 20)]), Data: []byte(body),
		}})
	}
	w.must(w.log.Append(w.t.Context(), r))
	var positions []int64
	for _, entry := range r.Entries {
		positions = append(positions, entry.Position)
	}
	return positions
}

// answering makes receivers answer with a status.
func (w *world) answering(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
}

// until waits for something that comes by itself.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for over := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(over) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

// asked waits until a node's door is asked at a path.
func (n *node) asked(path string) {
	n.w.t.Helper()
	n.signal(n.began, path)
}

func (n *node) signal(from chan string, path string) {
	n.w.t.Helper()
	for {
		select {
		case got := <-from:
			if got == root+path {
				return
			}
		case <-time.After(10 * time.Second):
			n.w.t.Fatalf("node %d never hears %s", n.number, path)
		}
	}
}

// receiver answers what the world says.
type receiver struct {
	w      *world
	system *subscription.System
}

func (r *receiver) Send(context.Context, *channel.Message) channel.Result {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	policy := r.system.Agreement.Policy()
	return channel.Result{Class: policy.Classify(r.w.status), Status: r.w.status}
}

func (r *receiver) Close() error { return nil }

// sinksTake has a node's sink take a message of a position.
func (w *world) sinksTake(n *node, subscription string, position int64) {
	policy, _ := profile.Get(profile.Standard)
	n.sinks.Sender(sink.Config{
		Subscription: subscription, Profile: policy, Settings: func() *settings { return nil },
		Request: func(*channel.Message) ([]byte, error) { return []byte("POST / HTTP/1.1\r\na: b\r\n\r\nbody"), nil },
	}).Send(context.Background(), &channel.Message{ID: "m", Position: position})
}

type settings = subscription.Sink
