package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Lists of lanes have longer pages than others: what stands is looked through in one go.
const (
	lanesShown = 1000
	lanesMost  = 10_000
)

// laneStates are those that lanes can be listed by.
var laneStates = []string{"retrying", "standing", "parked"}

// laneView is a blocked lane as it is shown.
type laneView struct {
	delivery.LaneView
	Since string `json:"since,omitempty"` // of the first failure, RFC 3339
	Due   string `json:"due,omitempty"`   // of the next attempt; when parked, of its expiry
}

// viewLanes shows a page of lanes, and counts them all.
func viewLanes(lanes []delivery.LaneView, at place) page[laneView] {
	total := int64(len(lanes))
	some := cut(lanes, at, laneKey)
	p := page[laneView]{Items: make([]laneView, 0, len(some.Items)), Next: some.Next, Total: &total}
	for _, lane := range some.Items {
		p.Items = append(p.Items, laneView{LaneView: lane, Since: instant(lane.Since), Due: instant(lane.Due)})
	}
	return p
}

// laneKey orders lanes as delivery lists them: by where they stand.
func laneKey(l delivery.LaneView) string {
	return keyed(fmt.Sprintf("%019d", l.Position), l.Consumer)
}

func (a *api) listLanes(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, paging("system", "subscription", "state")...)
	selection := delivery.Selection{System: q.text("system"), Subscription: q.text("subscription"), All: true}
	state := q.oneOf("state", laneStates...)
	at := q.place(lanesShown, lanesMost)
	if err := q.err(); err != nil {
		return err
	}
	all, err := a.Operator.Lanes(r.Context(), selection)
	if err != nil {
		return err
	}
	var lanes []delivery.LaneView
	for _, lane := range all {
		if state == "" || lane.State == state {
			lanes = append(lanes, lane)
		}
	}
	return respond(w, http.StatusOK, viewLanes(lanes, at))
}

// selection is which lanes to release or discard.
type selection struct {
	System       string `json:"system"`
	Subscription string `json:"subscription"`
	Lane         string `json:"lane"`
	All          bool   `json:"all"`
	DryRun       bool   `json:"dryRun"`
}

func (s *selection) check() error {
	if _, ok := event.ParseLane(s.Lane); s.Lane != "" && !ok {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/lane", Rule: "lane", Message: "want the 32 hexadecimal digits of a lane"}})
	}
	return nil
}

// operated is what came of it.
type operated struct {
	DryRun bool `json:"dryRun,omitempty"`
	page[laneView]
}

func (a *api) releaseLanes(w http.ResponseWriter, r *http.Request) error {
	return a.operate(w, r, "release", a.Operator.Release)
}

func (a *api) discardLanes(w http.ResponseWriter, r *http.Request) error {
	return a.operate(w, r, "discard", a.Operator.Discard)
}

func (a *api) operate(w http.ResponseWriter, r *http.Request, doing string, do func(context.Context, string, delivery.Selection, bool) ([]delivery.LaneView, error)) error {
	var s selection
	err := a.readDocument(w, r, &s)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return err
	}
	lanes, err := do(r.Context(), a.Author(r), delivery.Selection{System: s.System, Subscription: s.Subscription, Lane: s.Lane, All: s.All}, s.DryRun)
	if err != nil {
		return err
	}
	if !s.DryRun {
		a.Logger.LogAttrs(r.Context(), slog.LevelInfo, doing, slog.String("author", a.Author(r)), slog.String("system", s.System),
			slog.String("subscription", s.Subscription), slog.String("lane", s.Lane), slog.Int("lanes", len(lanes)))
	}
	return respond(w, http.StatusOK, operated{DryRun: s.DryRun, page: viewLanes(lanes, place{limit: lanesShown})})
}

// endpointView is an endpoint as it is shown.
type endpointView struct {
	delivery.EndpointView
	Since string `json:"since,omitempty"`
	Until string `json:"until,omitempty"`
}

func (a *api) listEndpoints(w http.ResponseWriter, r *http.Request) error {
	endpoints, err := a.Operator.Endpoints(r.Context())
	if err != nil {
		return err
	}
	var views []endpointView
	for _, e := range endpoints {
		views = append(views, endpointView{EndpointView: e, Since: instant(e.Since), Until: instant(e.Until)})
	}
	return respondPage(w, queryOf(r, paging()...), views, func(v endpointView) string { return keyed(v.System, v.URL) })
}

func (a *api) totals(w http.ResponseWriter, r *http.Request) error {
	totals, err := a.Operator.Totals(r.Context())
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, totals)
}
