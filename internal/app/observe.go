package app

import (
	"context"
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/telemetry"
)

// observe tells the operator of an attempt.
func (h *Hub) observe(o delivery.Observation) {
	a := telemetry.Attempt{
		Position: o.Position, System: o.System, Subscription: o.Subscription, Number: o.Number, Outcome: o.Outcome.String(),
		Status: o.Result.Status, Reason: o.Result.Reason, Duration: o.Result.Duration, Sent: o.Result.Class != 0, Profile: h.profileOf(o.System),
	}
	if a.Result = a.Outcome; a.Sent {
		a.Result = o.Result.Class.String()
	}
	if o.Event != nil {
		a.Message, a.Type = o.Event.ID, o.Event.Type
		if h.telemetry.Tracing() {
			a.Parent, _ = o.Event.Trace()
			a.Ended = time.Now()
		}
	}
	h.telemetry.Attempted(&a)
}

// where tells search where an event stands.
func (h *Hub) where(ctx context.Context, position int64) ([]search.Place, error) {
	found, err := h.among.whole.Where(ctx, position)
	places := make([]search.Place, len(found))
	for i := range found {
		places[i] = search.Place{System: found[i].System, Subscription: found[i].Subscription, State: found[i].State}
	}
	return places, err
}

func (h *Hub) profileOf(system string) string {
	s, _ := h.Log.Book().System(system)
	if s == nil {
		return ""
	}
	return string(s.Agreement.Profile)
}

// figures are what the engine and the log keep count of as it happens.
func (h *Hub) figures() telemetry.Figures {
	totals := h.Engine.Totals()
	f := telemetry.Figures{
		Delivered: totals.Delivered, Retried: totals.Retried, Parked: totals.Parked, Blocked: totals.Blocked, InFlight: totals.InFlight,
		Head: h.Log.Head(), Routed: h.Engine.Routed(), Searched: h.Searcher.UpTo(), Healthy: h.Log.Healthy(), Ready: h.ready() == nil,
		Node: nodeFigures(h.among.nodes),
	}
	at := map[string]int{}
	for _, s := range h.Engine.Standings() {
		at[s.System] = len(f.Systems)
		f.Systems = append(f.Systems, telemetry.System{
			Name: s.System, Profile: h.profileOf(s.System), Pending: s.Pending, Retrying: s.Retrying, Standing: s.Standing, Parked: s.Parked,
			Endpoints: map[string]int{},
		})
	}
	for _, e := range h.Engine.Endpoints() {
		if i, ok := at[e.System]; ok {
			f.Systems[i].Endpoints[e.State]++
		}
	}
	for _, l := range h.listeners {
		f.Listeners = append(f.Listeners, telemetry.Listener{Address: l.Address(), Connections: l.Connections(), Expires: l.Expires()})
	}
	for _, s := range h.intake.Figures() {
		f.Streams = append(f.Streams, telemetry.Stream{Source: s.Source, Reading: s.State == intake.Reading, Lag: s.Lag, Aside: s.Aside})
	}
	return f
}

// publishing is what becomes known of one publish request on its way; it travels with the request's context.
type publishing struct{ telemetry.Publish }

type publishingKey struct{}

// observed tells the operator of publish requests that pass through next.
func (h *Hub) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v1/events" {
			next.ServeHTTP(w, r)
			return
		}
		began := time.Now()
		p := &publishing{telemetry.Publish{Bytes: r.ContentLength, Parent: r.Header.Get(event.TraceParent)}}
		answer := &answered{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), publishingKey{}, p)))
		p.Request, p.Status, p.Ended = w.Header().Get("X-Request-Id"), answer.status, time.Now()
		p.Duration = p.Ended.Sub(began)
		h.telemetry.Published(r.Context(), p.Publish)
	})
}

// noted notes who makes a publish request.
func noted(who func(*http.Request) (*account.Principal, error)) func(*http.Request) (*account.Principal, error) {
	return func(r *http.Request) (*account.Principal, error) {
		by, err := who(r)
		if p, ok := r.Context().Value(publishingKey{}).(*publishing); ok && err == nil {
			p.Principal, p.Method = by.Name, string(by.Method)
		}
		return by, err
	}
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// observedPublisher notes what became of a request's events.
type observedPublisher struct{ *publish.Publisher }

// Publish implements api.Publisher.
func (o observedPublisher) Publish(ctx context.Context, drafts []event.Draft, partial bool) ([]publish.Result, error) {
	results, err := o.Publisher.Publish(ctx, drafts, partial)
	p, ok := ctx.Value(publishingKey{}).(*publishing)
	if !ok {
		return results, err
	}
	p.Events = len(drafts)
	if err != nil {
		p.Code, p.Refused = string(fault.Of(err).Code), len(drafts)
	}
	for i := range results {
		p.count(&drafts[i], &results[i])
	}
	return results, err
}

// count takes one event's result. Names are taken of accepted events only: they are registered, and so no client's free
// text.
func (p *publishing) count(d *event.Draft, r *publish.Result) {
	switch r.Status {
	case publish.Refused:
		p.Refused++
		return
	case publish.Duplicate:
		p.Duplicate++
		return
	}
	if p.Accepted++; p.Accepted == 1 {
		p.Source, p.Type, p.First = d.Source, d.Type, r.Position
	}
	p.Last = r.Position
}

// decode reads the events of a publish request. They began in its trace, unless they say otherwise.
func decode(header http.Header, body []byte, limit int) ([]event.Draft, error) {
	drafts, err := cloudevents.Decode(header, body, limit)
	if parent := header.Get(event.TraceParent); parent != "" {
		for i := range drafts {
			drafts[i].CarryTrace(parent, header.Get(event.TraceState))
		}
	}
	return drafts, err
}
