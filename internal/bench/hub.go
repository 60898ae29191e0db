package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// world is what a hub is set up with. Subscription n is of system n modulo systems, and wants one of the types.
type world struct {
	subscriptions int
	systems       int // each with an endpoint of its own; the sends in flight are divided between them
	types         int // published in turn; as many subscriptions want each
	hanging       int // so many of the systems' endpoints never answer
	path          string
	secure        *identity
	channel       subscription.Channel // "": webhook
	store         string               // URL of its PostgreSQL; "": SQLite
}

// hub is a whole hub in this process, as serve runs it, on a data directory of its own.
type hub struct {
	*app.Hub
	run    *run
	drafts *drafts
	fanOut int // messages that an event makes arrive
	gate   *gate
}

// retention is that of what is published.
const retention event.Retention = "P180D"

// lag is how many events may be published and not delivered: enough to keep 64 sends busy over a commit, and what a
// consumer may hold.
const lag = 1000

func (r *run) newHub(ctx context.Context, w world, behind int) (*hub, error) {
	dir, err := os.MkdirTemp(r.dir, "hub-")
	if err != nil {
		return nil, err
	}
	running, err := app.New(ctx, app.Config{Data: dir, Store: w.store, NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true}}, logger())
	if err != nil {
		return nil, err
	}
	h := &hub{Hub: running, run: r, drafts: newDrafts(filepath.Base(dir), r.Size, w.types)}
	h.fanOut = (w.subscriptions / w.types) * (w.systems - w.hanging) / w.systems
	r.onClose(func() {
		soon, cancel := context.WithCancel(context.Background())
		cancel() // what still hangs is cut short
		running.Stop(soon)
	})
	if err := h.configure(ctx, w); err != nil {
		return nil, err
	}
	if err := running.Start(ctx); err != nil {
		return nil, err
	}
	r.hubs = append(r.hubs, h)
	h.gate = newGate(behind, func() int64 { return running.Engine.Delivered() / int64(h.fanOut) })
	r.onClose(h.gate.stop)
	return h, nil
}

// logger tells a person what goes wrong with the hub.
func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// configure appends the world in one request: thousands of subscriptions one by one would take longer than the figure.
func (h *hub) configure(ctx context.Context, w world) error {
	request := &eventlog.Request{Expect: h.Log.Book().Last()}
	add := func(kind revision.Kind, subject string, document any) {
		request.Revisions = append(request.Revisions, revision.Of("bench", kind, subject, document))
	}
	add(revision.Source, sourceName, event.Source{Name: sourceName, URI: sourceURI, Title: "Bench", Types: []string{"*"}})
	for n := range w.types {
		name := makeType(n)
		add(revision.Type, name, event.Type{Name: name, Title: "Bench", Order: event.OrderKey, Retention: retention})
		v := event.Version{Type: name, Version: version, State: event.StateActive, Sample: []byte(`{"fictive":true}`)}
		if w.channel == subscription.Window {
			v.Sample, v.Mapping = []byte(row), rowMapping
		}
		add(revision.Version, name+"/"+version, v)
	}
	for n := range w.systems {
		system, err := h.system(ctx, w, n)
		if err != nil {
			return err
		}
		add(revision.System, system.Name, system)
	}
	for n := range w.subscriptions {
		id := ident.New().String()
		s := subscription.Subscription{
			ID: id, System: systemName(n % w.systems), Name: fmt.Sprintf("bench-%d", n), State: subscription.Active, Channel: w.channel,
			Types: []string{makeType(n * w.types / w.subscriptions)},
		}
		add(revision.Subscription, id, s)
		if w.channel == subscription.Window {
			continue // nobody delivers it
		}
		name := revision.ConsumerName(&subscription.System{Agreement: subscription.Agreement{Profile: profile.Standard}}, &s)
		request.Consumers = append(request.Consumers, eventlog.Founding{Name: name, System: s.System})
	}
	return h.Log.Append(ctx, request)
}

func systemName(n int) string { return fmt.Sprintf("system-%d", n) }

func (h *hub) system(ctx context.Context, w world, n int) (*subscription.System, error) {
	ref, _, err := h.Signing.Create(ctx, systemName(n), "v1")
	if err != nil {
		return nil, err
	}
	scheme, path := "http", w.path
	if path == "" {
		path = receiverPath(n)
	}
	if n < w.hanging {
		path = hangPath + path
	}
	share := h.run.Size.InFlight / w.systems
	if n >= w.systems-h.run.Size.InFlight%w.systems {
		share++
	}
	s := &subscription.System{Name: systemName(n), Signing: []subscription.SigningKey{{Ref: ref, Kind: "v1"}}}
	s.Agreement = subscription.Agreement{
		Profile: profile.Standard, Sources: []string{"*"}, MaxInFlight: max(1, share),
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "bench@varsel.invalid"}},
	}
	if w.channel == subscription.Window {
		s.Agreement.Profile = profile.Datafordeler
	}
	if w.secure != nil {
		scheme = "https"
		s.Agreement.CABundle = w.secure.Certificate
		s.Agreement.Certificate = &subscription.Certificate{CertFile: w.secure.Certificate, KeyFile: w.secure.Key}
	}
	s.Agreement.BaseURL = scheme + "://" + net.JoinHostPort("127.0.0.1", portOf(h.run.addr)) + path
	return s, nil
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// publish has events published one by one, by many at once, until ctx ends; it returns when all of them have arrived.
func (h *hub) publish(ctx context.Context) error {
	return h.settled(ctx, func() (int64, error) {
		var published atomic.Int64
		err := together(h.run.Size.Publishers, func() error {
			for h.gate.pass(ctx, 1) {
				if err := h.publishOne(h.drafts.data); err != nil {
					return err
				}
				published.Add(1)
			}
			return nil
		})
		return published.Load(), err
	})
}

func (h *hub) settled(ctx context.Context, publish func() (int64, error)) error {
	return h.run.settled(ctx, h.fanOut, publish)
}

// settled does some publishing and waits until exactly what was published has arrived.
func (r *run) settled(ctx context.Context, fanOut int, publish func() (int64, error)) error {
	working := context.WithoutCancel(ctx)
	before, err := r.received(working)
	if err != nil {
		return err
	}
	published, err := publish()
	if err != nil {
		return err
	}
	_, err = r.arrived(working, before.Count+published*int64(fanOut), settle)
	return err
}

func (h *hub) publishOne(data []byte) error {
	_, err := h.Publisher.Publish(context.Background(), []event.Draft{h.drafts.next(data)}, false)
	return err
}

// together runs f in n goroutines and returns one of their errors.
func together(n int, f func() error) error {
	errs := make(chan error, n)
	var all sync.WaitGroup
	for range n {
		all.Go(func() { errs <- f() })
	}
	all.Wait()
	for range n {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// gate lets publishers in as fast as deliveries are made: a hub that only piles up is not measured.
type gate struct {
	slots  chan struct{}
	ended  chan struct{}
	taking sync.Mutex // one publisher takes all it needs: with halves, all could wait for each other
}

func newGate(behind int, delivered func() int64) *gate {
	g := &gate{slots: make(chan struct{}, behind), ended: make(chan struct{})}
	for range behind {
		g.slots <- struct{}{}
	}
	go g.follow(delivered)
	return g
}

// follow opens the gate for as many as have been delivered since the last look.
func (g *gate) follow(delivered func() int64) {
	ticker := time.NewTicker(500 * time.Microsecond)
	defer ticker.Stop()
	last := delivered()
	for {
		select {
		case <-ticker.C:
		case <-g.ended:
			return
		}
		now := delivered()
		for ; last < now; last++ {
			select {
			case g.slots <- struct{}{}:
			default: // what did not come through the gate was delivered too
			}
		}
	}
}

// pass waits for n slots; false when ctx or the run ends first.
func (g *gate) pass(ctx context.Context, n int) bool {
	if n > 1 {
		g.taking.Lock()
		defer g.taking.Unlock()
	}
	for range n {
		select {
		case <-g.slots:
		case <-ctx.Done():
			return false
		case <-g.ended:
			return false
		}
	}
	return true
}

func (g *gate) stop() { close(g.ended) }
