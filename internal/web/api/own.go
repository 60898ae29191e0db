package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// own is how the routes are narrowed for those who reach only what is theirs, by pattern. What is another's is answered
// exactly as what does not exist, so that nobody can find out by trying.
func (a *api) own() map[string]handler {
	return map[string]handler{
		"POST /api/v1/events":                    a.narrowed((*api).publish),
		"GET /api/v1/events":                     a.narrowed((*api).findEvents),
		"POST /api/v1/events/search":             a.narrowed((*api).searchEvents),
		"GET /api/v1/events/{position}":          a.narrowed((*api).getEvent),
		"GET /api/v1/events/{position}/attempts": a.narrowed((*api).getAttempts),
		"POST /api/v1/events/{position}/reveal":  a.narrowed((*api).reveal),

		"GET /api/v1/events/{position}/whereabouts": a.narrowed((*api).getWhereabouts),
		"GET /api/v1/whereabouts":                   a.narrowed((*api).findWhereabouts),
		"GET /api/v1/systems/{name}/whereabouts":    ofOwnSystem(a.getSystemWhereabouts),

		"GET /api/v1/systems":                      a.listOwnSystems,
		"GET /api/v1/systems/{name}":               ofOwnSystem(a.getOwnSystem),
		"GET /api/v1/systems/{name}/contacts":      ofOwnSystem(a.getContacts),
		"PUT /api/v1/systems/{name}/contacts":      ofOwnSystem(a.putContacts),
		"GET /api/v1/systems/{name}/subscriptions": ofOwnSystem(a.getSet),
		"PUT /api/v1/systems/{name}/subscriptions": ofOwnSystem(a.putSet),
		"POST /api/v1/systems/{name}/signing-keys": ofOwnSystem(a.rotateKey),

		"POST /api/v1/systems/{name}/subscriptions/preview": ofOwnSystem(a.previewFilter),

		"GET /api/v1/subscriptions":                  a.listOwnSubscriptions,
		"GET /api/v1/subscriptions/{id}":             a.ofOwnSubscription("id", a.getSubscription),
		"POST /api/v1/subscriptions/{id}/test":       a.ofOwnSubscription("id", a.test),
		"POST /api/v1/subscriptions/{id}/activate":   a.ofOwnSubscription("id", a.activate),
		"POST /api/v1/subscriptions/{id}/deactivate": a.ofOwnSubscription("id", a.deactivate),
		"POST /api/v1/subscriptions/{id}/pause":      a.ofOwnSubscription("id", a.pause(ofSubscription)),
		"POST /api/v1/subscriptions/{id}/resume":     a.ofOwnSubscription("id", a.resume(ofSubscription)),

		"GET /api/v1/subscriptions/{id}/replays":               a.ofOwnSubscription("id", a.listReplays),
		"POST /api/v1/subscriptions/{id}/replays":              a.ofOwnSubscription("id", a.beginReplay),
		"DELETE /api/v1/subscriptions/{id}/replays/{pass}":     a.ofOwnSubscription("id", a.stopReplay),
		"GET /api/v1/subscriptions/{id}/sink":                  a.ofOwnSubscription("id", a.listArrivals),
		"DELETE /api/v1/subscriptions/{id}/sink":               a.ofOwnSubscription("id", a.emptySink),
		"POST /api/v1/subscriptions/{id}/sink/{number}/reveal": a.ofOwnSubscription("id", a.revealArrival),
		"GET /api/v1/pull/{subscription}":                      a.ofOwnSubscription("subscription", a.fetch),
		"POST /api/v1/pull/{subscription}/lease":               a.ofOwnSubscription("subscription", a.lease),
		"POST /api/v1/pull/{subscription}/acknowledge":         a.ofOwnSubscription("subscription", a.settle(Puller.Acknowledge)),
		"POST /api/v1/pull/{subscription}/return":              a.ofOwnSubscription("subscription", a.settle(Puller.Return)),

		"GET /api/v1/streams":                                a.listOwnStreams,
		"GET /api/v1/sources/{name}/stream":                  ofOwnSource(a.getStream),
		"GET /api/v1/sources/{name}/aside":                   ofOwnSource(a.listAside),
		"POST /api/v1/sources/{name}/aside/{number}/reveal":  ofOwnSource(a.revealAside),
		"POST /api/v1/sources/{name}/aside/{number}/release": ofOwnSource(a.letGo(Streams.Release)),
		"POST /api/v1/sources/{name}/aside/{number}/discard": ofOwnSource(a.letGo(Streams.Discard)),

		"GET /api/v1/registers/{register}/deliveries":               a.ofOwnRegister(a.listDeliveries),
		"POST /api/v1/registers/{register}/deliveries":              a.ofOwnRegister(a.takeDelivery),
		"GET /api/v1/registers/{register}/deliveries/{delivery}":    a.ofOwnRegister(a.getDelivery),
		"DELETE /api/v1/registers/{register}/deliveries/{delivery}": a.ofOwnRegister(a.dropDelivery),
		"GET /api/v1/registers/{register}/events":                   a.ofGrantedRegister(a.listHappenings),
		"GET /api/v1/registers/{register}/{type}":                   a.ofGrantedRegister(a.listRows),
		"POST /api/v1/registers/{register}/search":                  a.ofGrantedRegister(a.searchRows),

		"GET /api/v1/extracts":                        a.listOwnExtracts,
		"GET /api/v1/extracts/{extract}":              a.ofOwnExtract(a.extract().get),
		"GET /api/v1/extracts/{extract}/files":        a.ofOwnExtract(a.listExtractFiles),
		"GET /api/v1/extracts/{extract}/files/{file}": a.ofOwnExtract(a.getExtractFile),

		"GET /api/v1/sites":                                           a.listOwnSites,
		"GET /api/v1/sites/{site}":                                    ofOwnSite(a.site(true).get),
		"PUT /api/v1/sites/{site}":                                    ofOwnSite(a.site(true).replace),
		"DELETE /api/v1/sites/{site}":                                 ofOwnSite(a.deleteSite),
		"GET /api/v1/sites/{site}/board":                              ofOwnSite(a.getBoard),
		"POST /api/v1/sites/{site}/import":                            ofOwnSite(a.importSite(true)),
		"GET /api/v1/sites/{site}/components/{component}/state":       ofOwnSite(a.getState),
		"PUT /api/v1/sites/{site}/components/{component}/state":       ofOwnSite(a.putState),
		"GET /api/v1/sites/{site}/components/{component}/history":     ofOwnSite(a.listSpans),
		"GET /api/v1/sites/{site}/notices":                            ofOwnSite(a.listNotices),
		"POST /api/v1/sites/{site}/notices":                           ofOwnSite(a.openNotice(true)),
		"GET /api/v1/sites/{site}/notices/{notice}":                   ofOwnSite(a.getNotice),
		"PUT /api/v1/sites/{site}/notices/{notice}":                   ofOwnSite(a.putNotice(true)),
		"DELETE /api/v1/sites/{site}/notices/{notice}":                ofOwnSite(a.deleteNotice),
		"POST /api/v1/sites/{site}/notices/{notice}/updates":          ofOwnSite(a.say),
		"PUT /api/v1/sites/{site}/notices/{notice}/updates/{update}":  ofOwnSite(a.putUpdate),
		"PUT /api/v1/sites/{site}/notices/{notice}/postmortem":        ofOwnSite(a.putPostmortem),
		"POST /api/v1/sites/{site}/notices/{notice}/acknowledgements": a.acknowledgeNotice(true),
		"GET /api/v1/sites/{site}/notices/{notice}/history":           ofOwnSite(a.listNoticeHistory),

		"POST /api/v1/receipts":                  a.takeReceipts(true),
		"GET /api/v1/receipts":                   a.listReceipts(true),
		"GET /api/v1/receipts/overdue":           a.listOverdue(true),
		"POST /api/v1/receipts/{message}/reveal": a.revealReceipts(true),

		"GET /api/v1/egress":         a.getOwnEgress,
		"GET /api/v1/endpoints":      a.narrowed((*api).listEndpoints),
		"GET /api/v1/lanes":          a.narrowed((*api).listLanes),
		"POST /api/v1/lanes/release": a.narrowed((*api).releaseLanes),
		"POST /api/v1/lanes/discard": a.narrowed((*api).discardLanes),
	}
}

// ofOwnSystem lets through requests for a system of the principal's own.
func ofOwnSystem(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !principal(r).ActsFor(r.PathValue("name")) {
			return fault.New(fault.NotFound, "you have no system of that name")
		}
		return handle(w, r)
	}
}

// ofOwnSite lets through requests for a site that the principal edits.
func ofOwnSite(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !principal(r).Edits(r.PathValue("site")) {
			return noSite()
		}
		return handle(w, r)
	}
}

// ofOwnSubscription lets through requests for a subscription, by its part of the path, of one of the principal's own
// systems.
func (a *api) ofOwnSubscription(part string, handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		line := a.Book.Line(r.PathValue(part))
		if line == nil || line.Now() == nil || !principal(r).ActsFor(line.Consumer.System) {
			return fault.New(fault.NotFound, "you have no subscription of that id")
		}
		return handle(w, r)
	}
}

func (a *api) listOwnSystems(w http.ResponseWriter, r *http.Request) error {
	var own []*subscription.System
	for _, system := range a.Book.Systems() {
		if principal(r).ActsFor(system.Name) {
			own = append(own, outside(system))
		}
	}
	return respondPage(w, queryOf(r, paging()...), own, systemName)
}

func (a *api) getOwnSystem(w http.ResponseWriter, r *http.Request) error {
	system, position := a.Book.System(r.PathValue("name"))
	return respondDocument(w, r, outside(system), position)
}

// outside is a system as those it belongs to see it: without the names of files on the hub's machine.
func outside(system *subscription.System) *subscription.System {
	if system == nil {
		return nil
	}
	seen := *system
	seen.Agreement.Certificate, seen.Agreement.CABundle, seen.Agreement.Login = nil, "", nil
	return &seen
}

func (a *api) listOwnSubscriptions(w http.ResponseWriter, r *http.Request) error {
	return a.respondSubscriptions(w, r, func(s *manage.Standing) bool { return principal(r).ActsFor(s.System) })
}

// narrowed answers with an API that stands on less: it publishes, finds, lists and moves only what is the principal's.
func (a *api) narrowed(handle func(*api, http.ResponseWriter, *http.Request) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		o := owner{principal(r), a.Book}
		narrow := *a
		narrow.Publisher = ownPublisher{a.Publisher, o}
		narrow.Operator = ownOperator{a.Operator, o}
		narrow.Events = ownEvents{a.Events, o}
		narrow.History = ownHistory{a.History, o}
		narrow.Keeper = ownKeeper{a.Keeper, a.Events, o}
		narrow.Searcher = ownSearcher{a.Searcher, o}
		narrow.Locator = ownLocator{a.Locator, ownEvents{a.Events, o}}
		return handle(&narrow, w, r)
	}
}

// owner is a principal who reaches only what is theirs.
type owner struct {
	*account.Principal
	book *revision.Book
}

// published reports whether a source, by its URI, is one the owner publishes as.
func (o owner) published(uri string) bool {
	source := o.book.SourceAt(uri)
	return source != nil && o.PublishesAs(source.Name)
}

// gets reports whether an event went or goes to one of the owner's systems, and still may.
func (o owner) gets(e *event.Event) bool {
	systems := map[string]bool{}
	o.book.Route(e, func(l *revision.Line) { systems[l.Consumer.System] = true })
	for system := range systems {
		if o.ActsFor(system) && o.book.GrantsNow(system, e) {
			return true
		}
	}
	return false
}

// ownPublisher takes events only from the owner's sources. That a source is another's and that there is none of that URI
// are one answer.
type ownPublisher struct {
	Publisher
	owner
}

func (p ownPublisher) Publish(ctx context.Context, drafts []event.Draft, partial bool) ([]publish.Result, error) {
	results := make([]publish.Result, len(drafts))
	var foreign []fault.Violation
	var own []event.Draft
	for i := range drafts {
		d := &drafts[i]
		if p.published(d.Source) {
			own = append(own, *d)
			continue
		}
		v := fault.Violation{Entry: d.Entry, Pointer: d.Where("source"), Rule: "own", Message: "is not a source you may publish as"}
		foreign = append(foreign, v)
		results[i] = publish.Result{ID: d.ID, Status: publish.Refused, Err: fault.Invalid(fault.Forbidden, []fault.Violation{v})}
	}
	if len(foreign) == 0 {
		return p.Publisher.Publish(ctx, drafts, partial)
	}
	if !partial {
		return nil, fault.Invalid(fault.Forbidden, foreign)
	}
	accepted, err := p.Publisher.Publish(ctx, own, partial)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if results[i].Status == "" {
			results[i], accepted = accepted[0], accepted[1:]
		}
	}
	return results, nil
}

// ownEvents finds the events that the owner published or gets.
type ownEvents struct {
	Events
	owner
}

func (o ownEvents) At(ctx context.Context, position int64) (*event.Event, error) {
	e, err := o.Events.At(ctx, position)
	if err == nil && (o.published(e.Source) || o.gets(e)) {
		return e, nil
	}
	if err != nil && !fault.Has(err, fault.NotFound) {
		return nil, err
	}
	return nil, fault.New(fault.NotFound, "you have no event at position %d", position)
}

// ownHistory tells the attempts at the owner's systems.
type ownHistory struct {
	History
	owner
}

func (o ownHistory) AttemptsAt(ctx context.Context, position int64) ([]eventlog.AttemptRow, error) {
	rows, err := o.History.AttemptsAt(ctx, position)
	return o.only(rows), err
}

// only keeps the attempts at the owner's systems.
func (o owner) only(rows []eventlog.AttemptRow) []eventlog.AttemptRow {
	own := map[string]bool{}
	for _, consumer := range o.book.Consumers() {
		own[consumer.Name] = o.ActsFor(consumer.System)
	}
	return slices.DeleteFunc(rows, func(row eventlog.AttemptRow) bool { return !own[row.Consumer] })
}

// ownOperator looks at the lanes and endpoints of the owner's systems, and moves those alone.
type ownOperator struct {
	Operator
	owner
}

func (o ownOperator) Lanes(ctx context.Context, s delivery.Selection) ([]delivery.LaneView, error) {
	lanes, err := o.Operator.Lanes(ctx, s)
	return slices.DeleteFunc(lanes, func(l delivery.LaneView) bool { return !o.ActsFor(l.System) }), err
}

func (o ownOperator) Endpoints(ctx context.Context) ([]delivery.EndpointView, error) {
	endpoints, err := o.Operator.Endpoints(ctx)
	return slices.DeleteFunc(endpoints, func(e delivery.EndpointView) bool { return !o.ActsFor(e.System) }), err
}

func (o ownOperator) Release(ctx context.Context, actor string, s delivery.Selection, dryRun bool) ([]delivery.LaneView, error) {
	return o.each(s, func(s delivery.Selection) ([]delivery.LaneView, error) {
		return o.Operator.Release(ctx, actor, s, dryRun)
	})
}

func (o ownOperator) Discard(ctx context.Context, actor string, s delivery.Selection, dryRun bool) ([]delivery.LaneView, error) {
	return o.each(s, func(s delivery.Selection) ([]delivery.LaneView, error) {
		return o.Operator.Discard(ctx, actor, s, dryRun)
	})
}

// each does it for every one of the owner's systems that the selection names. One that names nothing is refused below.
func (o ownOperator) each(s delivery.Selection, do func(delivery.Selection) ([]delivery.LaneView, error)) ([]delivery.LaneView, error) {
	if (s == delivery.Selection{}) {
		return do(s)
	}
	systems := o.Systems
	if s.System != "" {
		systems = []string{s.System}
	}
	var done []delivery.LaneView
	var failed []error
	for _, system := range systems {
		if !o.ActsFor(system) {
			continue
		}
		s.System = system
		lanes, err := do(s)
		done, failed = append(done, lanes...), append(failed, err)
	}
	return done, errors.Join(failed...)
}
