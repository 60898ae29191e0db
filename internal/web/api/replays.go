package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

const (
	replaysMost = 1 << 20 // that are looked through for those of one subscription
	replayRates = 100_000
)

// Replayer sends the past of a subscription once more.
type Replayer interface {
	ToReplay(ctx context.Context, id string, f eventlog.Filter) (eventlog.Filter, int64, error)
	Replay(ctx context.Context, id, author string, f eventlog.Filter, rate int, count int64) (eventlog.Pass, error)
	Replays(ctx context.Context, ended bool, limit int) ([]eventlog.Pass, error)
	StopReplay(ctx context.Context, pass int64, actor string) error
}

// replayRequest says what to replay. What is left out selects all.
type replayRequest struct {
	Position      int64                `json:"position"` // one event; leave out after and upTo
	After         int64                `json:"after"`    // positions above this one,
	UpTo          int64                `json:"upTo"`     // and up to this one
	Since         time.Time            `json:"since"`    // recorded at or after
	Until         time.Time            `json:"until"`    // and before
	Types         []string             `json:"types"`
	Organisations []event.Organisation `json:"organisations"`
	Lane          string               `json:"lane"`
	Rate          int                  `json:"rate"`   // events a second; 0: as fast as they are taken
	DryRun        bool                 `json:"dryRun"` // only count
	Count         *int64               `json:"count"`  // how many it is to be: what a dry run counted
}

func (q *replayRequest) filter() (f eventlog.Filter, err error) {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	f = eventlog.Filter{After: q.After, UpTo: q.UpTo, Types: q.Types, Organisations: q.Organisations, Lane: q.Lane}
	if q.Position != 0 {
		f.After, f.UpTo = q.Position-1, q.Position
	}
	if !q.Since.IsZero() {
		f.Since = clock.Micros(q.Since)
	}
	if !q.Until.IsZero() {
		f.Until = clock.Micros(q.Until)
	}
	if q.Position != 0 && (q.After != 0 || q.UpTo != 0) {
		refuse("/position", "alone", "names one event; leave out after and upTo")
	}
	if q.Position < 0 || q.After < 0 || q.UpTo < 0 {
		refuse("", "range", "positions are above 0")
	}
	if q.Rate < 0 || q.Rate > replayRates {
		refuse("/rate", "range", "want 1 to 100000 a second, or leave it out")
	}
	if !q.DryRun && q.Count == nil {
		refuse("/count", "required", "ask with dryRun first and repeat the count it gives")
	}
	return f, fault.Invalid(fault.InvalidDocument, found)
}

// replayCount is what a dry run tells: repeat it with both members to replay exactly that.
type replayCount struct {
	Count int64 `json:"count"`
	UpTo  int64 `json:"upTo"`
}

// passView is a replay as it stands.
type passView struct {
	Pass         int64           `json:"pass"` // in the header Varsel-Replay
	Subscription string          `json:"subscription"`
	Author       string          `json:"author"`
	Began        string          `json:"began"`
	Ended        string          `json:"ended,omitempty"` // when it had put everything into its lanes, or was stopped
	Rate         int             `json:"rate,omitempty"`
	Selected     int64           `json:"selected"` // events that the filter selected
	Replayed     int64           `json:"replayed"` // of these, put into lanes; the rest was not over yet
	Position     int64           `json:"position"` // looked at up to here
	Filter       eventlog.Filter `json:"filter"`
}

func viewPass(p *eventlog.Pass) passView {
	return passView{
		Pass: p.N, Subscription: p.Line, Author: p.Author, Began: instant(p.Began), Ended: instant(p.Ended), Rate: p.Rate,
		Selected: p.Total, Replayed: p.Done, Position: p.Place, Filter: p.Filter,
	}
}

func (a *api) beginReplay(w http.ResponseWriter, r *http.Request) error {
	var request replayRequest
	if err := a.readDocument(w, r, &request); err != nil {
		return err
	}
	filter, err := request.filter()
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if request.DryRun {
		filter, count, err := a.Replayer.ToReplay(r.Context(), id, filter)
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, replayCount{Count: count, UpTo: filter.UpTo})
	}
	pass, err := a.Replayer.Replay(r.Context(), id, a.Author(r), filter, request.Rate, *request.Count)
	if err != nil {
		return err
	}
	return respond(w, http.StatusAccepted, viewPass(&pass))
}

func (a *api) listReplays(w http.ResponseWriter, r *http.Request) error {
	passes, err := a.Replayer.Replays(r.Context(), true, replaysMost)
	if err != nil {
		return err
	}
	var views []passView
	for i := range passes {
		if passes[i].Line == r.PathValue("id") {
			views = append(views, viewPass(&passes[i]))
		}
	}
	return respondPage(w, queryOf(r, paging()...), views, newestFirst)
}

// newestFirst is a key that falls as the number of a replay rises.
func newestFirst(v passView) string { return fmt.Sprintf("%019d", math.MaxInt64-v.Pass) }

// stopReplay ends a pass of the subscription in the address. Ending one that has ended changes nothing.
func (a *api) stopReplay(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseInt(r.PathValue("pass"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "a replay has a number")
	}
	passes, err := a.Replayer.Replays(r.Context(), true, replaysMost)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(passes, func(p eventlog.Pass) bool { return p.N == number && p.Line == r.PathValue("id") })
	if at < 0 {
		return fault.New(fault.NotFound, "the subscription has no such replay")
	}
	if passes[at].Ended == 0 {
		if err := a.Replayer.StopReplay(r.Context(), number, a.Author(r)); err != nil && !fault.Has(err, fault.NotFound) {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
