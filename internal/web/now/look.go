package now

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Look is everything the page shows, at one moment. It is also /now.json.
type Look struct {
	At          string          `json:"at"` // RFC 3339
	Shown       string          `json:"-"`  // the same for a person
	Environment string          `json:"environment"`
	Trouble     string          `json:"trouble,omitempty"` // of the hub itself
	Verdict     Mark            `json:"verdict"`
	Head        int64           `json:"head"` // the newest position
	Totals      delivery.Totals `json:"totals"`
	Systems     []System        `json:"systems"`
	Lanes       []Lane          `json:"lanes"`     // the oldest
	MoreLanes   int             `json:"moreLanes"` // that are blocked and not listed
	Events      []Event         `json:"events"`    // the newest first
	Maps        bool            `json:"-"`         // there are registers, which have maps
}

// System is a receiving system.
type System struct {
	Name      string     `json:"name"`
	Title     string     `json:"title,omitempty"`
	Profile   string     `json:"profile"`
	Pending   int64      `json:"pending"` // messages
	Blocked   int        `json:"blocked"` // lanes
	Mark      Mark       `json:"state"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is where a system is sent to.
type Endpoint struct {
	URL      string `json:"url"` // without a query
	Mark     Mark   `json:"state"`
	InFlight int    `json:"inFlight"`
	Since    string `json:"since,omitempty"` // how long it has been so
}

// Lane is a blocked lane.
type Lane struct {
	Name     string `json:"lane"` // the first digits of it
	System   string `json:"system"`
	Position int64  `json:"position"`
	Mark     Mark   `json:"state"`
	Behind   int    `json:"behind"`
	Why      string `json:"why"`
	Attempts int    `json:"attempts"`
	Since    string `json:"since"`
	Next     string `json:"next"`
}

// Event is one of the newest.
type Event struct {
	Position int64  `json:"position"`
	Time     string `json:"time"` // of day, when it was accepted
	Type     string `json:"type"`
	Title    string `json:"title,omitempty"`
	Source   string `json:"source"`
	Personal bool   `json:"personal"`
	To       []Stop `json:"to"`
}

// Stop is where an event is on its way to, and whether it is there.
type Stop struct {
	System string `json:"system"`
	Mark   Mark   `json:"state"`
}

const (
	lanesShown  = 12
	eventsShown = 20
	readBack    = 200 // positions: some of them are revisions, not events
)

// gathering is what the nodes say of the deliveries, and what is missing of it.
type gathering struct {
	totals    delivery.Totals
	endpoints []delivery.EndpointView
	lanes     []delivery.LaneView
	pending   map[string]int64 // by system
	missing   error
}

// gatherLimit is how long the nodes are waited for: the page then shows what there is.
const gatherLimit = 3 * time.Second

// gather asks the nodes for all of it at once.
func (p *page) gather(ctx context.Context) *gathering {
	ctx, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	g := &gathering{pending: map[string]int64{}}
	var standings []delivery.Standing
	var errs [4]error
	var all sync.WaitGroup
	all.Go(func() { g.totals, errs[0] = p.Deliveries.Totals(ctx) })
	all.Go(func() { g.endpoints, errs[1] = p.Deliveries.Endpoints(ctx) })
	all.Go(func() { g.lanes, errs[2] = p.Deliveries.Lanes(ctx, delivery.Selection{All: true}) })
	all.Go(func() { standings, errs[3] = p.Deliveries.Standings(ctx) })
	all.Wait()
	for _, s := range standings {
		g.pending[s.System] += s.Pending
	}
	g.missing = cmp.Or(errs[:]...)
	return g
}

// take looks at everything once.
func (p *page) take(ctx context.Context) *Look {
	at, g := p.Clock.Now(), p.gather(ctx)
	l := &Look{
		At: at.UTC().Format(time.RFC3339), Shown: at.In(p.Zone).Format("15:04:05"), Environment: p.Environment,
		Head: p.Log.Head(), Totals: g.totals, Systems: []System{}, Lanes: []Lane{}, Events: []Event{},
	}
	l.Maps = len(p.Book.Registers()) > 0
	l.Systems = p.systems(at, g)
	l.lanes(at, g.lanes)
	l.Events = p.events(ctx, l.Head, g.lanes)
	l.Verdict = p.verdict(l, g)
	return l
}

func (p *page) verdict(l *Look, g *gathering) Mark {
	isParked := func(v delivery.LaneView) bool { return laneMark(&v) == parked }
	isBad := func(s System) bool { return s.Mark.Tone == "bad" }
	switch {
	case !p.Log.Healthy():
		l.Trouble = "Nothing is accepted and nothing is sent until the hub can write to its disk again. Delivery then goes on by itself."
		return stopped
	case g.missing != nil:
		l.Trouble = "This is not all there is: " + fault.Of(g.missing).Detail + ". What that node delivers is missing here; when it is gone another node takes over within seconds."
		return partly
	case slices.ContainsFunc(l.Systems, isBad) || slices.ContainsFunc(g.lanes, isParked):
		return broken
	case len(g.lanes) > 0:
		return careful
	}
	return calm
}

func (p *page) systems(at time.Time, g *gathering) []System {
	known := map[string]delivery.EndpointView{}
	for _, e := range g.endpoints {
		known[e.System+" "+e.URL] = e
	}
	systems := []System{}
	for _, doc := range p.Book.Systems() {
		s := System{Name: doc.Name, Title: cmp.Or(doc.Title, doc.Name), Profile: string(doc.Agreement.Profile), Pending: g.pending[doc.Name]}
		s.Blocked, s.Mark = blockedAt(doc.Name, g.lanes)
		s.Endpoints = p.endpoints(at, doc, known)
		for _, e := range s.Endpoints {
			if e.Mark != open {
				s.Mark = e.Mark
			}
		}
		systems = append(systems, s)
	}
	return systems
}

// blockedAt counts a system's blocked lanes and tells what the worst of them means for it.
func blockedAt(system string, lanes []delivery.LaneView) (count int, worst Mark) {
	worst = open
	for i := range lanes {
		switch v := &lanes[i]; {
		case v.System != system:
			continue
		case laneMark(v) == parked:
			worst = parked
		case worst == open:
			worst = blocked
		}
		count++
	}
	return count, worst
}

// endpoints are those that the system's subscriptions name, whether or not anything was sent there yet.
func (p *page) endpoints(at time.Time, doc *subscription.System, known map[string]delivery.EndpointView) []Endpoint {
	endpoints := []Endpoint{}
	seen := map[string]bool{}
	set, _ := p.Book.Subscriptions(doc.Name)
	for _, s := range set {
		address, err := s.Address(&doc.Agreement)
		if err != nil || seen[address] {
			continue
		}
		seen[address] = true
		view := known[doc.Name+" "+address]
		e := Endpoint{URL: plain(address), Mark: markOf(view.State), InFlight: view.InFlight, Since: ago(at, view.Since)}
		if p.Book.Paused(doc.Name, s.ID, address) {
			e.Mark = paused
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}

// plain leaves out what an address may hold of secrets.
func plain(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery, u.User = "", nil
	return u.String()
}

func (l *Look) lanes(at time.Time, lanes []delivery.LaneView) {
	l.MoreLanes = max(0, len(lanes)-lanesShown)
	for i := range lanes[:min(lanesShown, len(lanes))] {
		v := &lanes[i]
		l.Lanes = append(l.Lanes, Lane{
			Name: v.Lane[:min(8, len(v.Lane))], System: v.System, Position: v.Position, Mark: laneMark(v), Behind: v.Behind,
			Why: why(v), Attempts: v.Attempts, Since: ago(at, v.Since), Next: next(at, v),
		})
	}
}

func why(v *delivery.LaneView) string {
	switch {
	case v.Status != 0:
		return "answered " + strconv.Itoa(v.Status)
	case v.Reason != "":
		return strings.ReplaceAll(v.Reason, "-", " ")
	}
	return "not tried yet"
}

func next(at time.Time, v *delivery.LaneView) string {
	switch mark := laneMark(v); {
	case mark == parked:
		return "when released"
	case mark == standing || v.Due == 0:
		return "when the endpoint answers"
	}
	if wait := clock.FromMicros(v.Due).Sub(at); wait > 0 {
		return "in " + span(wait)
	}
	return "now"
}

// ago is the time since an instant in µs, "" for none.
func ago(at time.Time, since int64) string {
	if since == 0 {
		return ""
	}
	return span(max(0, at.Sub(clock.FromMicros(since))))
}

// span is a duration in its two largest units at most.
func span(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 1:
		return "under 1 s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}

func (p *page) events(ctx context.Context, head int64, lanes []delivery.LaneView) []Event {
	list, _, err := p.Log.Read(ctx, max(0, head-readBack), readBack)
	if err != nil {
		return []Event{} // the verdict tells of a store that cannot be read
	}
	slices.Reverse(list)
	events := []Event{}
	for _, e := range list[:min(eventsShown, len(list))] {
		v := Event{
			Position: e.Position, Time: clock.FromMicros(e.Recorded).In(p.Zone).Format("15:04:05"), Type: e.Type, Title: e.Type,
			Source: e.Source, Personal: e.Personal, To: p.stops(ctx, e, lanes),
		}
		if t, _ := p.Book.Type(e.Type); t != nil {
			v.Title = cmp.Or(t.Title, e.Type)
		}
		if s := p.Book.SourceAt(e.Source); s != nil {
			v.Source = cmp.Or(s.Title, s.Name)
		}
		events = append(events, v)
	}
	return events
}

// stops tells for each system that an event is for whether it is there.
func (p *page) stops(ctx context.Context, e *event.Event, lanes []delivery.LaneView) []Stop {
	var consumers []*revision.Consumer
	p.Book.Route(e, func(l *revision.Line) {
		if !l.Windowed() { // it is not on its way to anybody
			consumers = append(consumers, l.Consumer)
		}
	})
	last := map[string]eventlog.Outcome{}
	if len(consumers) > 0 {
		rows, _ := p.History.AttemptsAt(ctx, e.Position) // without them it is shown as on its way
		for i := range rows {
			last[rows[i].Consumer] = rows[i].Outcome
		}
	}
	stops := []Stop{}
	for _, c := range consumers {
		stops = append(stops, Stop{c.System, stopMark(e, c.Name, last[c.Name], lanes)})
	}
	slices.SortStableFunc(stops, func(a, b Stop) int { return cmp.Compare(a.System, b.System) })
	return stops
}

// Blocked is how many lanes are blocked now.
func (l *Look) Blocked() int { return len(l.Lanes) + l.MoreLanes }
