package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/search"
)

// Locator tells where events are, and how much is on its way.
type Locator interface {
	Where(ctx context.Context, position int64) ([]delivery.Whereabouts, error)
	SystemFigures(ctx context.Context, system string, days int) (*delivery.SystemFigures, error)
}

// Days of figures that are told when nothing is said, and at most.
const (
	daysShown = 7
	daysMost  = 366
)

// WhereView is where an event is for one subscription, as it is shown.
type WhereView struct {
	delivery.Whereabouts
	At       string         `json:"at,omitempty"`
	Since    string         `json:"since,omitempty"`
	Due      string         `json:"due,omitempty"`
	Behind   *AheadView     `json:"behind,omitempty"`
	Replays  []ReplayedView `json:"replays,omitempty"`
	Attempts []attemptView  `json:"attempts"`
}

// AheadView is the head of the lane that an event waits in.
type AheadView struct {
	delivery.Ahead
	Since string `json:"since,omitempty"`
	Due   string `json:"due,omitempty"`
}

// ReplayedView is where a replay of an event is.
type ReplayedView struct {
	delivery.Replayed
	At string `json:"at,omitempty"`
}

func viewWhere(w *delivery.Whereabouts) WhereView {
	v := WhereView{Whereabouts: *w, At: instant(w.At), Since: instant(w.Since), Due: instant(w.Due), Attempts: []attemptView{}}
	if w.Behind != nil {
		v.Behind = &AheadView{Ahead: *w.Behind, Since: instant(w.Behind.Since), Due: instant(w.Behind.Due)}
	}
	for _, r := range w.Replays {
		v.Replays = append(v.Replays, ReplayedView{Replayed: r, At: instant(r.At)})
	}
	for i := range w.Tries {
		v.Attempts = append(v.Attempts, viewAttempt(&eventlog.AttemptRow{Consumer: w.Consumer, Attempt: w.Tries[i]}))
	}
	return v
}

// whereList is where an event is, for all whom it is for.
type whereList struct {
	Position int64  `json:"position"`
	Recorded string `json:"recorded"`
	Type     string `json:"type"`
	list[WhereView]
}

func (a *api) getWhereabouts(w http.ResponseWriter, r *http.Request) error {
	at, err := position(r)
	if err != nil {
		return err
	}
	return a.respondWhere(w, r, at)
}

func (a *api) respondWhere(w http.ResponseWriter, r *http.Request, at int64) error {
	e, err := a.Events.At(r.Context(), at)
	if err != nil {
		return err
	}
	found, err := a.Locator.Where(r.Context(), at)
	if err != nil {
		return err
	}
	answer := whereList{Position: at, Recorded: instant(e.Recorded), Type: e.Type, list: list[WhereView]{Items: make([]WhereView, 0, len(found))}}
	for i := range found {
		answer.Items = append(answer.Items, viewWhere(&found[i]))
	}
	return respond(w, http.StatusOK, answer)
}

// mostAlike bounds how many events of one id are told of: each is another source's.
const mostAlike = 20

// findWhereabouts looks an event up by its message id or by the id its source gave it: of one source, or of all when only
// one has such an id.
func (a *api) findWhereabouts(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "id", "source")
	id, source := q.text("id"), q.text("source")
	if id == "" {
		q.refuse("query:id", "required", "name the event by its message id or the id its source gave it")
	}
	if err := q.err(); err != nil {
		return err
	}
	found, err := a.Searcher.Find(r.Context(), a.Author(r), search.Query{ID: id, Source: source, Limit: mostAlike})
	switch {
	case err != nil:
		return err
	case len(found.Events) == 0:
		return fault.New(fault.NotFound, "no event has that id")
	case len(found.Events) == 1:
		return a.respondWhere(w, r, found.Events[0].Position)
	}
	var list []string
	for _, e := range slices.Backward(found.Events) {
		list = append(list, strconv.FormatInt(e.Position, 10))
	}
	return fault.New(fault.Conflict, "%d sources have an event of that id, at the positions %s: name the source, or ask by position", len(list), strings.Join(list, ", "))
}

// SystemWhereaboutsView is how a system stands, as it is shown.
type SystemWhereaboutsView struct {
	*delivery.SystemFigures
	Oldest *OldestView    `json:"oldest,omitempty"`
	Lanes  page[laneView] `json:"lanes"` // that stand, by position
}

// OldestView is the first of what has not arrived.
type OldestView struct {
	delivery.Oldest
	Recorded string `json:"recorded"`
}

func (a *api) getSystemWhereabouts(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "days")
	days := q.within("days", 1, daysMost, daysShown)
	if err := q.err(); err != nil {
		return err
	}
	name := r.PathValue("name")
	figures, err := a.Locator.SystemFigures(r.Context(), name, int(days))
	if err != nil {
		return err
	}
	lanes, err := a.Operator.Lanes(r.Context(), delivery.Selection{System: name})
	if err != nil {
		return err
	}
	v := SystemWhereaboutsView{SystemFigures: figures, Lanes: viewLanes(lanes, place{limit: lanesShown})}
	if figures.Oldest != nil {
		v.Oldest = &OldestView{Oldest: *figures.Oldest, Recorded: instant(figures.Oldest.Recorded)}
	}
	return respond(w, http.StatusOK, v)
}

// ownLocator tells where events are for the owner's systems.
type ownLocator struct {
	Locator
	events ownEvents
}

// Where answers for an event that is for none of them, or may not be any more, as for one that is not there.
func (o ownLocator) Where(ctx context.Context, position int64) ([]delivery.Whereabouts, error) {
	if _, err := o.events.At(ctx, position); err != nil {
		return nil, err
	}
	found, err := o.Locator.Where(ctx, position)
	own := found[:0]
	for i := range found {
		if o.events.ActsFor(found[i].System) {
			own = append(own, found[i])
		}
	}
	return own, err
}
