package app

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/node"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/web/peer"
)

// lookEvery is how often a node looks for what the others have appended. Where the database's hints come through it hears
// of it at once.
const lookEvery = 200 * time.Millisecond

// Duties: what one node does for all.
const (
	dutySearch   = "search"     // writes the index
	dutyForgets  = "forgetting" // retention
	dutyWatch    = "watch"      // says on sites how the hub's parts do
	dutyExtracts = "extracts"   // makes the files of extracts
	dutyStreams  = "stream/"    // and a source's name: reads its stream
)

// duty is a duty of this node's, while it has it. Of a hub of one process it always has.
type duty struct {
	mine    atomic.Bool
	changed *eventlog.Broadcast
}

// duties are all that this node has, or may have, by name.
type duties struct {
	mu     sync.Mutex
	byName map[string]*duty
	whole  bool // a hub of one process: each is its own
}

func (d *duties) of(name string) *duty {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byName == nil {
		d.byName = map[string]*duty{}
	}
	one := d.byName[name]
	if one == nil {
		one = &duty{changed: eventlog.NewBroadcast()}
		one.mine.Store(d.whole)
		d.byName[name] = one
	}
	return one
}

// during does some work whenever this node has a duty, until ctx ends.
func (d *duties) during(ctx context.Context, name string, work func(context.Context)) {
	one := d.of(name)
	for ctx.Err() == nil {
		changed := one.changed.Wait()
		if one.mine.Load() {
			while(ctx, changed, work)
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// while does some work until changed is closed or ctx ends.
func while(ctx context.Context, changed <-chan struct{}, work func(context.Context)) {
	working, end := context.WithCancel(ctx)
	defer end()
	go func() {
		select {
		case <-changed:
			end()
		case <-working.Done():
		}
	}()
	work(working)
	<-working.Done() // work that ends by itself is not begun again before something has changed
}

// Begin implements node.Work.
func (d *duty) Begin(context.Context, int64) error {
	d.mine.Store(true)
	d.changed.Signal()
	return nil
}

// End implements node.Work.
func (d *duty) End(context.Context) { d.Cut() }

// Cut implements node.Work.
func (d *duty) Cut() {
	if d.mine.Swap(false) {
		d.changed.Signal()
	}
}

// onDuty calls f whenever this node gets a duty, until the hub stops.
func (h *Hub) onDuty(name string, f func()) {
	ctx, stop := context.WithCancel(context.Background())
	h.onStop(func(context.Context) { stop() })
	go h.duties.during(ctx, name, func(ctx context.Context) {
		f()
		<-ctx.Done()
	})
}

// system is the delivery of a system's consumers.
type system struct {
	engine *delivery.Engine
	name   string
}

// Begin implements node.Work.
func (s *system) Begin(ctx context.Context, token int64) error {
	return s.engine.TakeUp(ctx, s.name, token)
}

// End implements node.Work.
func (s *system) End(ctx context.Context) { s.engine.LetGo(ctx, s.name) }

// Cut implements node.Work.
func (s *system) Cut() { s.engine.Lose(s.name) }

// sharing is how the log follows what other nodes append; nil in a hub of one process.
func (h *Hub) sharing() *eventlog.Shared {
	if h.shared == nil {
		return nil
	}
	listening, stop := context.WithCancel(context.Background())
	told := make(chan int64, 1)
	go func() {
		for {
			select {
			case head := <-told:
				_ = h.shared.Notify(listening, head) // a hint: the others look by themselves
			case <-listening.Done():
				return
			}
		}
	}()
	h.onStop(func(context.Context) { stop() })
	return &eventlog.Shared{
		History: h.shared,
		Hints:   h.shared.Listen(listening), Every: lookEvery,
		Appended: func(head int64) {
			select {
			case told <- head:
			default: // the one that waits there is told of this too
			}
		},
	}
}

// newNode makes this process a node of its hub; it joins when the hub starts.
func (h *Hub) newNode(book *revision.Book, clk clock.Clock) {
	if h.shared == nil {
		h.duties.whole = true
		return
	}
	name := h.config.NodeName
	if name == "" {
		name, _ = os.Hostname()
	}
	h.node = node.New(h.shared, clk, node.Options{
		Name: cmp.Or(name, "node"), URL: h.config.NodeURL, Version: h.config.Version,
		Wanted: func() []string { return wanted(book) },
		Work: func(name string) node.Work {
			if duty, ok := strings.CutPrefix(name, eventlog.DutyHolding); ok {
				return h.duties.of(duty)
			}
			return &system{h.Engine, strings.TrimPrefix(name, eventlog.SystemHolding)}
		},
		Changed: h.Log.Reconfigured, Report: h.report,
		Told: func(what, name string, token int64) { h.logger.Info("this node "+what+" "+name, "token", token) },
	})
}

// meet puts this node's deliveries and those of the others together.
func (h *Hub) meet(book *revision.Book, clk clock.Clock) error {
	if h.node == nil {
		h.among = among{nodes: newOneProcess(h.config.Version, book, clk), whole: delivery.Alone{Engine: h.Engine}}
		h.forget = forgetting{h.Engine, h.sinks}
		return nil
	}
	token, err := h.Vault.TokenKey()
	if err != nil {
		return err
	}
	key, err := peer.Key(token)
	if err != nil {
		return err
	}
	caller, err := peer.NewCaller(key, h.config.NodeCA, clk)
	if err != nil {
		return err
	}
	h.onStop(func(context.Context) { caller.Close() })
	own := &peer.Own{Engine: h.Engine, Log: h.Log}
	if h.sinks != nil {
		own.Sinks = h.sinks
	}
	whole := peer.New(own, h.node, caller, clk)
	h.among = among{nodes: h.node, whole: whole, door: peer.NewDoor(own, h.node, key, clk, h.report), leave: h.node.Stop}
	h.forget = whole
	return nil
}

// wanted lists what some node is to have: every system that ever had a consumer, every stream of a source, and the other
// duties.
func wanted(book *revision.Book) []string {
	names := []string{eventlog.DutyHolding + dutySearch, eventlog.DutyHolding + dutyForgets, eventlog.DutyHolding + dutyWatch, eventlog.DutyHolding + dutyExtracts}
	for _, source := range book.Sources() {
		if source.Stream != nil {
			names = append(names, eventlog.DutyHolding+dutyStreams+source.Name)
		}
	}
	last := ""
	for _, c := range book.Consumers() {
		if c.System != last {
			names = append(names, eventlog.SystemHolding+c.System)
			last = c.System
		}
	}
	return unique(names)
}

func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	kept := names[:0]
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			kept = append(kept, name)
		}
	}
	return kept
}

// sure reports whether what this node holds is still its own; nil in a hub of one process.
func (h *Hub) sure() func() bool {
	if h.shared == nil {
		return nil
	}
	return func() bool { return h.node.Sure() }
}

// lost has a system taken up anew.
func (h *Hub) lost(system string) { h.node.GiveUp(eventlog.SystemHolding + system) }

// drawPass numbers replays over all nodes; nil in a hub of one process.
func (h *Hub) drawPass() func(context.Context) (int64, error) {
	if h.shared == nil {
		return nil
	}
	return h.shared.DrawPass
}

// learnWithin bounds how long a request waits for what other nodes have appended. Without it the request is answered by
// what this node knows.
const learnWithin = 2 * time.Second

// learn brings this node up to the others, and reports whether the configuration was another before; nil in a hub of one
// process.
func (h *Hub) learn() func(context.Context) bool {
	if h.shared == nil {
		return nil
	}
	return func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, learnWithin)
		defer cancel()
		before := h.Log.Book().Last()
		_ = h.Log.CatchUp(ctx) // the database is out of reach: whoever needs it says so
		return h.Log.Book().Last() != before
	}
}

// upToDate has requests see everything that any node has answered before them, so that clients that come to one node and
// then to another find one hub. Publishing does without, until something is refused; fetching asks the node that delivers.
func (h *Hub) upToDate(next http.Handler) http.Handler {
	learn := h.learn()
	if learn == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/events" && !strings.HasPrefix(r.URL.Path, "/api/v1/pull/") {
			learn(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}

// rewound ends the hub: the database has lost what it had acknowledged, so what this process knows is not true any more.
// The next start takes up what there is, in a new epoch.
func (h *Hub) rewound(doing string, err error) {
	h.report(doing, err)
	if !fault.Has(err, fault.LogRewound) {
		return
	}
	h.broken.Do(func() {
		h.failed <- err
		close(h.failed)
	})
}

// Failed gets the error that ends the hub, if one ever does.
func (h *Hub) Failed() <-chan error { return h.failed }
