package peer

import (
	"context"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
)

// deed is something a node does for another: the same code whichever of them it is.
type deed[Q, A any] struct {
	name string // the last part of its address
	do   func(*Own, context.Context, Q) (A, error)
}

// asked is a question on its way.
type asked[Q any] struct {
	Head   int64  // how far the one that asks has seen the log: the other answers as of there, or later
	System string // it is about, which must be delivered by the node that is asked; "": about none in particular
	Ask    Q
}

// answered is what comes back. A lone value travels as a member: not every value may stand for itself.
type answered[A any] struct{ Answer A }

// The deeds.
var (
	lanes       = deed[delivery.Selection, []delivery.LaneView]{"lanes", (*Own).lanes}
	selected    = deed[delivery.Selection, []delivery.LaneView]{"selected", (*Own).selected}
	act         = deed[acting, []delivery.LaneView]{"act", (*Own).act}
	endpoints   = deed[nothing, []delivery.EndpointView]{"endpoints", (*Own).endpoints}
	totals      = deed[nothing, delivery.Totals]{"totals", (*Own).totals}
	standings   = deed[nothing, []delivery.Standing]{"standings", (*Own).standings}
	pending     = deed[string, int64]{"pending", (*Own).pending}
	owed        = deed[string, int64]{"owed", (*Own).owed}
	passed      = deed[endpoint, nothing]{"passed", (*Own).passed}
	lease       = deed[leasing, []delivery.Leased]{"lease", (*Own).lease}
	acknowledge = deed[leases, []string]{"acknowledge", (*Own).acknowledge}
	giveBack    = deed[leases, []string]{"return", (*Own).giveBack}
	replay      = deed[replaying, eventlog.Pass]{"replay", (*Own).replay}
	stopReplay  = deed[stopping, nothing]{"stop-replay", (*Own).stopReplay}
	where       = deed[whereOf, []delivery.Whereabouts]{"where", (*Own).where}
	figures     = deed[figuresOf, delivery.SystemFigures]{"figures", (*Own).figures}
	forget      = deed[forgetting, nothing]{"forget", (*Own).forget}
	forgetDay   = deed[forgetting, nothing]{"forget-day", (*Own).forgetDay}
	arrivals    = deed[arriving, []channel.Arrival]{"arrivals", (*Own).arrivals}
	arrival     = deed[numbered, found]{"arrival", (*Own).arrival}
	holds       = deed[string, int]{"holds", (*Own).holds}
	empty       = deed[string, nothing]{"empty", (*Own).empty}
	nearest     = deed[delivery.WindowPage, ended]{"nearest-page", (*Own).nearest}
	pageEnded   = deed[ended, nothing]{"page-ended", (*Own).ended}
	fetch       = stream{"fetch"}
)

// deeds lists them, for the door.
func deeds() []served {
	return []served{
		lanes, selected, act, endpoints, totals, standings, pending, owed, passed, lease, acknowledge, giveBack, replay, stopReplay,
		where, figures, forget, forgetDay, arrivals, arrival, holds, empty, nearest, pageEnded, fetch,
	}
}

// served is a deed as the door sees it. What comes before its answer goes to visit.
type served interface {
	path() string
	serve(ctx context.Context, o *Own, body []byte, visit func(*fetched) error) (answer any, err error)
}

// root is where the deeds are.
const root = "/node/v1/"

func (d deed[Q, A]) path() string { return root + d.name }

func (d deed[Q, A]) serve(ctx context.Context, o *Own, body []byte, _ func(*fetched) error) (any, error) {
	var q asked[Q]
	if err := read(body, &q); err != nil {
		return nil, err
	}
	if err := o.ready(ctx, q.Head, q.System); err != nil {
		return nil, err
	}
	a, err := d.do(o, ctx, q.Ask)
	return answered[A]{a}, err
}

// stream is the deed whose answer comes event by event.
type stream struct{ name string }

func (s stream) path() string { return root + s.name }

func (s stream) serve(ctx context.Context, o *Own, body []byte, visit func(*fetched) error) (any, error) {
	var q asked[fetching]
	if err := read(body, &q); err != nil {
		return nil, err
	}
	if err := o.ready(ctx, q.Head, q.System); err != nil {
		return nil, err
	}
	at, err := o.fetch(ctx, q.Ask, visit)
	return answered[eventlog.Cursor]{at}, err
}
