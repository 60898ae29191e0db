// Package api is the hub's HTTP API for programs: publishing events, managing configuration, operating deliveries. It
// decides nothing: it reads requests, hands them to the verbs, and writes what came of them. routes is the table of
// contents; web.Fail is the one place where an error becomes an answer.
package api

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// Publisher brings events into the log.
type Publisher interface {
	Publish(ctx context.Context, drafts []event.Draft, partial bool) ([]publish.Result, error)
}

// Operator looks at deliveries and moves the ones that stand.
type Operator interface {
	Lanes(ctx context.Context, sel delivery.Selection) ([]delivery.LaneView, error)
	Release(ctx context.Context, actor string, sel delivery.Selection, dryRun bool) ([]delivery.LaneView, error)
	Discard(ctx context.Context, actor string, sel delivery.Selection, dryRun bool) ([]delivery.LaneView, error)
	Endpoints(ctx context.Context) ([]delivery.EndpointView, error)
	Totals(ctx context.Context) (delivery.Totals, error)
}

// Events reads the log.
type Events interface {
	At(ctx context.Context, position int64) (*event.Event, error)
}

// History reads what was tried.
type History interface {
	AttemptsAt(ctx context.Context, position int64) ([]eventlog.AttemptRow, error)
}

// Decode reads the events of a publish request, at most limit of them.
type Decode func(header http.Header, body []byte, limit int) ([]event.Draft, error)

// Options are what the API stands on; app fills them in.
type Options struct {
	Book      *revision.Book
	Manager   *manage.Manager
	Publisher Publisher
	Decode    Decode
	Operator  Operator
	Puller    Puller
	Replayer  Replayer
	Sinks     Sinks // nil: there are none
	Events    Events
	Locator   Locator
	History   History
	Searcher  Searcher
	Nodes     Nodes
	Audit     Audit
	Streams   Streams
	Registers Registers
	Extracts  Extracts
	Keeper    Keeper
	Receipts  Receipts
	// Shown is the chain of certificates that a system of the agreement is called with, leaf first; Addresses are those that
	// the hub's calls come from.
	Shown     func(*subscription.Agreement) ([]*x509.Certificate, error)
	Addresses []netip.Addr
	// SiteURL is where people reach a status site, without a slash at its end; Stale how old what the hub knows is.
	SiteURL func(*status.Site) string
	Stale   func() time.Duration
	Now     func() time.Time // nil: the machine's clock
	// Who says who makes a request, or why that is not known. What the principal may do is decided here, by account.Rules.
	Who    func(*http.Request) (*account.Principal, error)
	Logger *slog.Logger
	Limits Limits
	// Leaving is closed when nobody is to be kept waiting any more, since the hub is about to stop. nil: it never is.
	Leaving <-chan struct{}
}

// Limits bound what one request may bring.
type Limits struct {
	Document int64 // bytes of a configuration document; 0: 4 MiB
	Batch    int64 // bytes of a publish request; 0: 32 MiB
	Entries  int   // events in a batch; 0: 1,000
}

func (l Limits) withDefaults() Limits {
	if l.Document == 0 {
		l.Document = 4 << 20
	}
	if l.Batch == 0 {
		l.Batch = 32 << 20
	}
	if l.Entries == 0 {
		l.Entries = 1000
	}
	return l
}

type api struct {
	Options
	mux          *http.ServeMux
	crossOrigins *http.CrossOriginProtection
	manual       func() (*manual, error) // made at the first call
}

// route is one line of the table of contents.
type route struct {
	pattern string
	handle  handler
}

// handler answers one request, or returns why it does not.
type handler func(w http.ResponseWriter, r *http.Request) error

func (a *api) routes() []route {
	return []route{
		{"POST /api/v1/events", a.publish},
		{"GET /api/v1/events", a.findEvents},
		{"POST /api/v1/events/search", a.searchEvents},
		{"GET /api/v1/events/{position}", a.getEvent},
		{"GET /api/v1/events/{position}/attempts", a.getAttempts},
		{"POST /api/v1/events/{position}/reveal", a.reveal},
		{"GET /api/v1/erasures", a.listErasures},
		{"POST /api/v1/erasures", a.erase},
		{"GET /api/v1/erasures/{number}", a.getErasure},
		{"GET /api/v1/events/{position}/whereabouts", a.getWhereabouts},
		{"GET /api/v1/whereabouts", a.findWhereabouts},

		{"GET /api/v1/sources", a.listSources},
		{"GET /api/v1/sources/{name}", a.source().get},
		{"PUT /api/v1/sources/{name}", a.source().replace},
		{"GET /api/v1/streams", a.listStreams},
		{"GET /api/v1/sources/{name}/stream", a.getStream},
		{"GET /api/v1/sources/{name}/aside", a.listAside},
		{"POST /api/v1/sources/{name}/aside/{number}/reveal", a.revealAside},
		{"POST /api/v1/sources/{name}/aside/{number}/release", a.letGo(Streams.Release)},
		{"POST /api/v1/sources/{name}/aside/{number}/discard", a.letGo(Streams.Discard)},
		{"GET /api/v1/registers", a.listRegisters},
		{"GET /api/v1/registers/{register}", a.register().get},
		{"PUT /api/v1/registers/{register}", a.register().replace},
		{"GET /api/v1/registers/{register}/deliveries", a.listDeliveries},
		{"POST /api/v1/registers/{register}/deliveries", a.takeDelivery},
		{"GET /api/v1/registers/{register}/deliveries/{delivery}", a.getDelivery},
		{"DELETE /api/v1/registers/{register}/deliveries/{delivery}", a.dropDelivery},
		{"GET /api/v1/registers/{register}/events", a.listHappenings},
		{"GET /api/v1/registers/{register}/{type}", a.listRows},
		{"POST /api/v1/registers/{register}/search", a.searchRows},
		{"GET /api/v1/extracts", a.listExtracts},
		{"GET /api/v1/extracts/{extract}", a.extract().get},
		{"PUT /api/v1/extracts/{extract}", a.extract().replace},
		{"DELETE /api/v1/extracts/{extract}", a.removeExtract},
		{"POST /api/v1/extracts/{extract}/run", a.runExtract},
		{"GET /api/v1/extracts/{extract}/files", a.listExtractFiles},
		{"GET /api/v1/extracts/{extract}/files/{file}", a.getExtractFile},
		{"GET /api/v1/event-types", a.listTypes},
		{"GET /api/v1/event-types/{name}", a.eventType().get},
		{"PUT /api/v1/event-types/{name}", a.eventType().replace},
		{"GET /api/v1/event-types/{name}/versions", a.listVersions},
		{"GET /api/v1/event-types/{name}/versions/{version}", a.version().get},
		{"PUT /api/v1/event-types/{name}/versions/{version}", a.version().replace},
		{"GET /api/v1/profiles", a.listProfiles},

		{"GET /api/v1/systems", a.listSystems},
		{"GET /api/v1/systems/{name}", a.system().get},
		{"PUT /api/v1/systems/{name}", a.system().replace},
		{"DELETE /api/v1/systems/{name}", a.deleteSystem},
		{"GET /api/v1/systems/{name}/contacts", a.getContacts},
		{"PUT /api/v1/systems/{name}/contacts", a.putContacts},
		{"GET /api/v1/systems/{name}/subscriptions", a.getSet},
		{"PUT /api/v1/systems/{name}/subscriptions", a.putSet},
		{"POST /api/v1/systems/{name}/subscriptions/preview", a.previewFilter},
		{"POST /api/v1/systems/{name}/signing-keys", a.rotateKey},
		{"GET /api/v1/systems/{name}/whereabouts", a.getSystemWhereabouts},

		{"GET /api/v1/subscriptions", a.listSubscriptions},
		{"GET /api/v1/subscriptions/{id}", a.getSubscription},
		{"POST /api/v1/subscriptions/{id}/test", a.test},
		{"POST /api/v1/subscriptions/{id}/activate", a.activate},
		{"POST /api/v1/subscriptions/{id}/deactivate", a.deactivate},

		{"GET /api/v1/subscriptions/{id}/replays", a.listReplays},
		{"POST /api/v1/subscriptions/{id}/replays", a.beginReplay},
		{"DELETE /api/v1/subscriptions/{id}/replays/{pass}", a.stopReplay},

		{"GET /api/v1/subscriptions/{id}/sink", a.listArrivals},
		{"POST /api/v1/subscriptions/{id}/sink/{number}/reveal", a.revealArrival},
		{"DELETE /api/v1/subscriptions/{id}/sink", a.emptySink},

		{"GET /api/v1/pull/{subscription}", a.fetch},
		{"POST /api/v1/pull/{subscription}/lease", a.lease},
		{"POST /api/v1/pull/{subscription}/acknowledge", a.settle(Puller.Acknowledge)},
		{"POST /api/v1/pull/{subscription}/return", a.settle(Puller.Return)},

		{"GET /api/v1/pauses", a.listPauses},
		{"POST /api/v1/hub/pause", a.pause(ofHub)},
		{"POST /api/v1/hub/resume", a.resume(ofHub)},
		{"POST /api/v1/systems/{name}/pause", a.pause(ofSystem)},
		{"POST /api/v1/systems/{name}/resume", a.resume(ofSystem)},
		{"POST /api/v1/subscriptions/{id}/pause", a.pause(ofSubscription)},
		{"POST /api/v1/subscriptions/{id}/resume", a.resume(ofSubscription)},
		{"POST /api/v1/endpoints/pause", a.pause(ofEndpoint)},
		{"POST /api/v1/endpoints/resume", a.resume(ofEndpoint)},

		{"GET /api/v1/egress", a.getEgress},
		{"GET /api/v1/endpoints", a.listEndpoints},
		{"GET /api/v1/lanes", a.listLanes},
		{"POST /api/v1/lanes/release", a.releaseLanes},
		{"POST /api/v1/lanes/discard", a.discardLanes},
		{"POST /api/v1/receipts", a.takeReceipts(false)},
		{"GET /api/v1/receipts", a.listReceipts(false)},
		{"GET /api/v1/receipts/overdue", a.listOverdue(false)},
		{"POST /api/v1/receipts/{message}/reveal", a.revealReceipts(false)},
		{"GET /api/v1/totals", a.totals},
		{"GET /api/v1/nodes", a.listNodes},

		{"GET /api/v1/sites", a.listSites},
		{"GET /api/v1/sites/{site}", a.site(false).get},
		{"PUT /api/v1/sites/{site}", a.site(false).replace},
		{"DELETE /api/v1/sites/{site}", a.deleteSite},
		{"GET /api/v1/sites/{site}/board", a.getBoard},
		{"POST /api/v1/sites/{site}/import", a.importSite(false)},
		{"GET /api/v1/sites/{site}/components/{component}/state", a.getState},
		{"PUT /api/v1/sites/{site}/components/{component}/state", a.putState},
		{"GET /api/v1/sites/{site}/components/{component}/history", a.listSpans},
		{"GET /api/v1/sites/{site}/notices", a.listNotices},
		{"POST /api/v1/sites/{site}/notices", a.openNotice(false)},
		{"GET /api/v1/sites/{site}/notices/{notice}", a.getNotice},
		{"PUT /api/v1/sites/{site}/notices/{notice}", a.putNotice(false)},
		{"DELETE /api/v1/sites/{site}/notices/{notice}", a.deleteNotice},
		{"POST /api/v1/sites/{site}/notices/{notice}/updates", a.say},
		{"PUT /api/v1/sites/{site}/notices/{notice}/updates/{update}", a.putUpdate},
		{"PUT /api/v1/sites/{site}/notices/{notice}/postmortem", a.putPostmortem},
		{"POST /api/v1/sites/{site}/notices/{notice}/acknowledgements", a.acknowledgeNotice(false)},
		{"GET /api/v1/sites/{site}/notices/{notice}/history", a.listNoticeHistory},

		{"GET /api/v1/accounts", a.listAccounts},
		{"GET /api/v1/accounts/{name}", a.account().get},
		{"PUT /api/v1/accounts/{name}", a.account().replace},
		{"POST /api/v1/accounts/{name}/secrets", a.rotateSecret},
		{"PUT /api/v1/accounts/{name}/password", a.putPassword},
		{"GET /api/v1/audit", a.listAudit},
		{"GET /api/v1/audit/head", a.getAuditHead},
		{"GET /api/v1/openapi.json", a.getOpenAPI},
	}
}

// New returns the handler of everything under /api/v1.
func New(options Options) http.Handler {
	options.Limits = options.Limits.withDefaults()
	options.Now = orNow(options.Now)
	a := &api{Options: options, mux: http.NewServeMux(), crossOrigins: http.NewCrossOriginProtection()}
	a.manual = sync.OnceValues(a.makeManual)
	own := a.own()
	for _, route := range a.routes() {
		rule, _ := account.RuleOf(route.pattern)
		a.mux.Handle(route.pattern, a.answering(a.allowing(rule, route.handle, own[route.pattern])))
	}
	rule, _ := account.RuleOf("POST /api/v1/receipts")
	a.mux.Handle(receiptsAt, a.answering(a.allowing(rule, a.takeReceipts(false), a.takeReceipts(true))))
	a.mux.Handle(docsPattern, a.answering(a.docs))
	return a
}

// Patterns lists the routes as "METHOD /path", in the order of the table of contents.
func Patterns() []string {
	var patterns []string
	for _, route := range new(api).routes() {
		patterns = append(patterns, route.pattern)
	}
	return patterns
}
