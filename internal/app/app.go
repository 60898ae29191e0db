// Package app is the only place where the parts of the hub meet. New reads from top to bottom as the line does; Start
// starts what was made, Stop stops it, last in, first out.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // dates are read in Europe/Copenhagen on machines that have no zones

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel/sink"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/monitor"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/node"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/retention"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/headfile"
	"github.com/varselhub/varsel/internal/store/lockfile"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/telemetry"
	"github.com/varselhub/varsel/internal/web/access"
	"github.com/varselhub/varsel/internal/web/listener"
	"github.com/varselhub/varsel/internal/web/session"
)

// Hub is one running hub.
type Hub struct {
	Publisher *publish.Publisher
	Manager   *manage.Manager
	Engine    *delivery.Engine
	Searcher  *search.Searcher
	Log       *eventlog.Log
	Store     Store
	Signing   signing
	Deposits  *deposit.Depositor // takes in what registers deliver
	Vault     *secret.Vault

	config    Config
	logger    *slog.Logger
	telemetry *telemetry.Telemetry
	gate      *access.Gate
	passwords *account.Passwords
	sessions  *session.Sessions // of people who have signed in
	heads     *headfile.Exporter
	keeper    *retention.Keeper
	shared    *postgres.Store // nil: a hub of one process
	node      *node.Node      // this process among the others; nil: a hub of one process
	duties    duties
	failed    chan error
	broken    sync.Once
	among     among
	forget    retention.Engine // lets go of what was forgotten, on every node
	intake    *intake.Intake
	rows      deposit.Store // of registers
	extracts  *extract.Maker
	monitor   *monitor.Monitor
	out       *outbound
	sinks     *sink.Sinks          // nil: not allowed
	listeners []*listener.Listener // that answer
	sftpAt    net.Addr             // nil: nowhere
	started   atomic.Bool          // the engine delivers
	leaving   chan struct{}        // closed when the hub begins to stop
	leave     sync.Once
	stops     []func(context.Context) // what Stop does, in the order it was started
}

// New opens the hub's data and wires the line. Nothing is sent before Start.
func New(ctx context.Context, config Config, logger *slog.Logger) (*Hub, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Hub{config: config, logger: logger, passwords: account.NewPasswords(account.DefaultCost), leaving: make(chan struct{}), failed: make(chan error, 1)}
	if err := h.open(ctx); err != nil {
		h.Stop(ctx)
		return nil, err
	}
	return h, nil
}

func (h *Hub) open(ctx context.Context) error {
	var err error
	if h.telemetry, err = telemetry.New(telemetry.Options{Logger: h.logger, Clock: clock.System{}, Version: h.config.Version,
		Environment: h.config.Environment, Traces: h.config.Traces, Figures: h.figures}); err != nil {
		return err
	}
	h.onStop(func(ctx context.Context) { h.report("sending the last spans", h.telemetry.Close(ctx)) })

	// What is kept, by this process alone.
	lock, err := lockfile.Take(h.config.Data)
	if err != nil {
		return err
	}
	h.onStop(func(context.Context) { h.report("letting go of the data directory", lock.Release()) })
	if h.Vault, err = secret.Open(h.config.secrets()); err != nil {
		return err
	}
	// The database first: when the vault lacks what opens it, nothing is made in the vault.
	if err = h.openStore(ctx); err != nil {
		return err
	}
	h.onStop(func(context.Context) { h.report("closing the database", h.Store.Close()) })
	laneKey, err := h.Vault.LaneKey()
	if err != nil {
		return err
	}
	hasher, err := event.NewHasher(laneKey)
	if err != nil {
		return err
	}

	// What is done to the hub, sealed.
	chain, err := h.chain(ctx)
	if err != nil {
		return err
	}

	// The log and its configuration.
	system := clock.System{}
	book := revision.NewBook(h.config.Zone)
	if h.Log, err = eventlog.Open(ctx, h.Store, book, system, eventlog.Options{Chain: chain, Shared: h.sharing(), Trouble: h.rewound}); err != nil {
		return err
	}
	h.onStop(func(context.Context) {
		h.logger.Info("committing what is known")
		h.report("closing the log", h.Log.Close())
	})
	h.heads = headfile.NewExporter(h.config.auditHeads(), h.Store.AuditHead, system, h.report)
	h.onStop(h.heads.Stop)

	// Publish.
	accepter := publish.NewAccepter(directory{book: book}, hasher, system, publish.Limits{MaxEvent: h.config.MaxEvent})
	h.Publisher = publish.New(accepter, h.Log, h.learn())

	// Delivery: envelope and channel.
	guard, err := netguard.New(h.config.Egress, net.DefaultResolver)
	if err != nil {
		return err
	}
	out, err := newOutbound(h.config, book, guard, h.Signing, system)
	if err != nil {
		return err
	}
	h.Engine = delivery.New(h.Log, h.Store, system, delivery.Options{
		Connect: out.connect, Render: out.render, Append: out.appendMessage, Tell: h.tell, Revise: func(ctx context.Context, l *revision.Line, change func(*subscription.Subscription)) error {
			return h.Manager.Revise(ctx, l, change)
		}, Trouble: h.report, Random: rand.Float64,
		InFlight: h.config.InFlight, Observe: h.observe, Shared: h.shared != nil, Sure: h.sure(), Lost: h.lost, DrawPass: h.drawPass(),
	})
	h.out, h.sinks = out, out.sinks
	h.newNode(book, system)
	if err := h.meet(book, system); err != nil {
		return err
	}

	// Streams of sources.
	h.intake = h.newIntake(book, accepter, hasher, guard, system)

	// Deliveries of registers.
	h.Deposits = h.newDepositor(book, hasher, system)
	h.extracts = h.newMaker(book, accepter, hasher, system)

	// Search.
	h.Searcher = search.New(h.Log, h.Store, book, hasher, search.Options{Where: h.where, Trouble: h.report, Writes: h.duties.of(dutySearch).mine.Load})

	// Management.
	options := manage.Options{
		Zone: h.config.Zone, CheckURL: out.checkURL, Connect: out.connect, Render: out.render, Keys: h.Signing, Passwords: h.passwords, Trouble: h.report,
		SiteURL: h.siteURL, Accept: func(from *event.Source, d event.Draft) (*event.Event, error) {
			accepter := publish.NewAccepter(directory{book, from}, hasher, system, publish.Limits{MaxEvent: manage.MostTold + 1<<16})
			e, violations := accepter.Accept(d)
			return e, fault.Invalid(fault.InvalidEvent, violations)
		},
	}
	if h.sinks != nil {
		options.Sinks = h.arrivals()
	}
	if options.Municipality, err = municipalities(h.config.Municipalities); err != nil {
		return err
	}
	h.Manager = manage.New(h.Log, h.among.whole, system, options)
	if err := h.register(ctx, book); err != nil {
		return err
	}

	// Forgetting.
	if h.keeper, err = h.newKeeper(book, system); err != nil {
		return err
	}
	if err := h.guard(ctx, book, guard, system); err != nil {
		return err
	}
	return h.letIn(book, guard, system)
}

// chain seals the audit log with the key in the vault, which is made for an empty log only.
func (h *Hub) chain(ctx context.Context) (*audit.Chain, error) {
	head, err := h.Store.AuditHead(ctx)
	if err != nil {
		return nil, err
	}
	key, err := h.Vault.AuditKey(head.Number)
	if err != nil {
		return nil, err
	}
	return audit.NewChain(key)
}

// Start takes up delivery where it stood.
func (h *Hub) Start(ctx context.Context) error {
	h.heads.Start(ctx)
	if err := h.Engine.Start(ctx); err != nil {
		return err
	}
	h.onStop(h.drain)
	h.started.Store(true)
	if err := h.Searcher.Start(ctx); err != nil {
		return err
	}
	h.onStop(func(context.Context) { h.Searcher.Stop() })
	h.intake.Start()
	h.onStop(func(context.Context) { h.intake.Stop() })
	h.Deposits.Start()
	h.onStop(func(context.Context) { h.Deposits.Stop() })
	h.keeper.Start()
	h.onStop(func(context.Context) { h.keeper.Stop() })
	h.Manager.Start()
	h.onStop(func(context.Context) { h.Manager.Stop() })
	h.onStop(h.Manager.KeepTimes())
	h.onStop(h.watch())
	h.onStop(h.makeExtracts())
	if h.node == nil {
		return nil
	}
	h.onDuty(dutySearch, h.Searcher.Look)
	h.onDuty(dutyForgets, h.keeper.Wake)
	if err := h.node.Start(ctx); err != nil {
		return err
	}
	h.onStop(h.node.Stop)
	return nil
}

// Drain says that the hub is not ready any more, and goes on with everything for so long, or until ctx ends: whoever asks
// /readyz sends its requests elsewhere before Stop takes none.
func (h *Hub) Drain(ctx context.Context, d time.Duration) {
	h.notReady()
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

func (h *Hub) notReady() { h.leave.Do(func() { close(h.leaving) }) }

// Stop lets what is in flight finish until ctx ends, commits what is known, and closes everything. From its beginning on
// the hub is not ready.
func (h *Hub) Stop(ctx context.Context) {
	h.notReady()
	for i := len(h.stops) - 1; i >= 0; i-- {
		h.stops[i](ctx)
	}
	h.stops = nil
}

// drain lets attempts in flight finish.
func (h *Hub) drain(ctx context.Context) {
	h.started.Store(false)
	if n := h.Engine.Totals().InFlight; n > 0 {
		h.logger.Info("waiting for the answers to what is in flight; no new send begins", "inFlight", n)
	}
	h.Engine.Stop(ctx)
	if ctx.Err() != nil {
		h.logger.Warn("what was still in flight is cut short, and will be sent again at the next start")
	}
}

func (h *Hub) onStop(f func(context.Context)) { h.stops = append(h.stops, f) }

// register makes the hub a source of its own events, once, and again when mail was configured since.
func (h *Hub) register(ctx context.Context, book *revision.Book) error {
	for range registerTries {
		if err := h.registerOnce(ctx, book); !fault.Has(err, fault.Precondition) {
			return err
		}
	}
	return fault.New(fault.Conflict, "other nodes keep changing the configuration")
}

// registerTries is how often another node's change may come first.
const registerTries = 20

func (h *Hub) registerOnce(ctx context.Context, book *revision.Book) error {
	mail := h.config.SMTP != nil
	source, _ := book.Source(notify.SourceName)
	contacts, _ := book.System(notify.System)
	if source != nil && (contacts != nil) == mail && notify.Registered(book) && manage.SitesRegistered(book) {
		return nil
	}
	request := &eventlog.Request{Revisions: append(notify.Register(mail, h.config.Operator != ""), manage.RegisterSites()...), Expect: book.Last()}
	request.Audit = []audit.Entry{audit.Of(audit.Hub, audit.Register, string(revision.Hub), audit.Detail{Documents: len(request.Revisions)})}
	if mail {
		request.Consumers = []eventlog.Founding{{Name: notify.MailConsumer, System: notify.System}}
	}
	return h.Log.Append(ctx, request)
}

// tell publishes what the engine noticed. Its id is made of what happened where and when, so that telling it again
// after a crash is the same event.
func (h *Hub) tell(n delivery.Notice) error {
	id := fmt.Sprintf("%s/%s/%s/%d/%d", n.System, n.Subscription, n.Lane, n.Position, n.At)
	return notify.Tell(context.Background(), h.publishOne, string(n.Kind), id, n.System, n)
}

func (h *Hub) publishOne(ctx context.Context, d event.Draft) error {
	_, err := h.Publisher.Publish(ctx, []event.Draft{d}, false)
	return err
}

func (h *Hub) report(doing string, err error) {
	if err != nil {
		h.logger.Error(doing, "error", err)
	}
}

// directory answers the accepter from the configuration of now, and of a source that comes with the event.
type directory struct {
	book *revision.Book
	from *event.Source // nil: none
}

func (d directory) Source(uri string) *event.Source {
	if d.from != nil && d.from.URI == uri {
		return d.from
	}
	return d.book.SourceAt(uri)
}

func (d directory) Version(name, version string) *event.Compiled {
	return d.book.Version(name, version)
}

// ShutdownGrace is how long Stop should be given for attempts in flight.
const ShutdownGrace = 10 * time.Second
