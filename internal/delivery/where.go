package delivery

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Where tells where the event at a position is for everyone whom it was for by the configuration in force at that
// position (DESIGN promises 9 and 10), those who have left since included. It looks at what is in memory and then makes a
// handful of reads by key for each; an event that retention has forgotten is found as well. What is answered is true of
// one moment for each consumer, and of about the same for all.
// Errors: fault.NotFound when there is no event at the position.
func (e *Engine) Where(ctx context.Context, position int64) ([]Whereabouts, error) {
	return e.WhereOf(ctx, position, func(string) bool { return true })
}

// WhereOf is Where for some of the systems. Of those that another node delivers it knows what is in the store.
func (e *Engine) WhereOf(ctx context.Context, position int64, wanted func(system string) bool) ([]Whereabouts, error) {
	ev, err := e.log.At(ctx, position)
	if err != nil {
		return nil, err
	}
	var lines []*revision.Line
	e.book.Route(ev, func(l *revision.Line) { lines = append(lines, l) })
	if lines, err = e.whoHad(ctx, ev, lines); err != nil {
		return nil, err
	}
	lines = slices.DeleteFunc(lines, func(l *revision.Line) bool { return !wanted(l.Consumer.System) })
	searches := make([]search, len(lines))
	for i, l := range lines {
		searches[i] = search{event: ev, line: l, sight: e.see(ev, l)}
	}
	rows, err := e.store.AttemptsAt(ctx, position)
	if err != nil {
		return nil, err
	}
	found := make([]Whereabouts, 0, len(lines))
	for i := range searches {
		searches[i].rows = rows
		w, err := e.whereIs(ctx, &searches[i])
		if err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	SortWhereabouts(found)
	return found, nil
}

// whoHad adds, of an event that is forgotten, the subscriptions with filters that were sent it: what they filtered by is
// gone, and their attempts are what is left to know them by.
func (e *Engine) whoHad(ctx context.Context, ev *event.Event, lines []*revision.Line) ([]*revision.Line, error) {
	if !ev.Forgotten || !e.book.Filters() {
		return lines, nil
	}
	rows, err := e.store.AttemptsAt(ctx, ev.Position)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		id, is := strings.CutPrefix(rows[i].Consumer, "subscription/")
		if line := e.book.Line(id); is && line != nil && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// SortWhereabouts puts them in the order that Where tells them in.
func SortWhereabouts(list []Whereabouts) {
	slices.SortFunc(list, func(a, b Whereabouts) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Subscription, b.Subscription))
	})
}

// looks is how often one is looked for that moves meanwhile. Then it is shown as pending, which it is in some place.
const looks = 3

// whereIs goes on from a look at memory and the attempts read after it: what memory lets go of stands in the store.
func (e *Engine) whereIs(ctx context.Context, q *search) (w Whereabouts, err error) {
	for look := 1; ; look++ {
		if q.line.Windowed() {
			return e.kept(q), nil
		}
		if q.place, err = e.store.Place(ctx, q.line.Consumer.Name, q.line.Consumer.Lane(q.event), q.event.Position); err != nil {
			return w, err
		}
		w, found := e.whereOf(q)
		if found || look == looks {
			return w, nil
		}
		q.first, q.sight = nil, e.see(q.event, q.line)
		if q.rows, err = e.store.AttemptsAt(ctx, q.event.Position); err != nil {
			return w, err
		}
	}
}

// search is one event and one subscription that it was for, with all that is known of them.
type search struct {
	event *event.Event
	line  *revision.Line
	sight sight
	rows  []eventlog.AttemptRow // of every consumer
	place eventlog.Place
	first []eventlog.Attempt           // of the first delivery
	again map[int64][]eventlog.Attempt // of replays
}

func (e *Engine) whereOf(q *search) (w Whereabouts, found bool) {
	w = Whereabouts{
		System: q.line.Consumer.System, Consumer: q.line.Consumer.Name, Subscription: q.line.ID, Channel: string(q.line.Channel()),
		Lane: q.line.Consumer.Lane(q.event).String(),
	}
	if s := q.line.At(q.event.Position); s != nil {
		w.Name = s.Name
	}
	w.Endpoint = plain(e.target(q.line).url)
	w.Tries = q.attempts()
	found = e.place(&w, q)
	w.Replays = q.replays()
	return w, found
}

// kept is for a system that asks for windows: an event is there as long as it may have it, and nobody is told whether it
// does.
func (e *Engine) kept(q *search) Whereabouts {
	w := Whereabouts{
		System: q.line.Consumer.System, Consumer: q.line.Consumer.Name, Subscription: q.line.ID, Channel: string(subscription.Window),
		Name: q.line.Name(), Lane: q.event.Lane.String(), State: StateKept, At: q.event.Recorded,
	}
	policy := e.policy(w.System)
	if until := policy.KeptUntil(clock.FromMicros(q.event.Recorded)); !until.IsZero() {
		w.Due = clock.Micros(until)
	}
	if at, ends := e.expiry(q.event); ends && (w.Due == 0 || clock.Micros(at) < w.Due) {
		w.Due = clock.Micros(at)
	}
	switch now := q.line.Now(); {
	case now == nil:
		w.State, w.At, w.Due = StateDropped, 0, 0
	case e.expired(q.event) || q.event.Recorded < policy.KeptSince(e.clock.Now()):
		w.State, w.At, w.Due = StateExpired, w.Due, 0
	case !e.book.GrantsNow(w.System, q.event):
		w.Why = WhyNotGranted
	default:
		w.Why, w.PausedBy = e.hold(q.line)
	}
	return w
}

// plain is an address without what may be secret in it.
func plain(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery, u.User = "", nil
	return u.String()
}

// attempts sorts the attempts of the search by delivery: those of the store, and those on their way there.
func (q *search) attempts() []eventlog.Attempt {
	var tries []eventlog.Attempt
	for i := range q.rows {
		if q.rows[i].Consumer == q.line.Consumer.Name {
			tries = append(tries, q.rows[i].Attempt)
		}
	}
	for _, a := range q.sight.attempts {
		if !slices.ContainsFunc(tries, func(known eventlog.Attempt) bool { return known.Number == a.Number }) {
			tries = append(tries, a)
		}
	}
	q.again = map[int64][]eventlog.Attempt{}
	for _, a := range tries {
		if a.Pass == 0 {
			q.first = append(q.first, a)
		} else {
			q.again[a.Pass] = append(q.again[a.Pass], a)
		}
	}
	return tries
}

// place says where the first delivery is: over, as the attempts log says it; at the head of its lane; behind it; fetched;
// or not looked at yet. false: it moved between the look at memory and the reading of the store.
func (e *Engine) place(w *Whereabouts, q *search) bool {
	w.tried(q.first)
	if w.State != "" {
		return true
	}
	switch s := &q.sight; {
	case q.place.Ended != 0 || q.line.Consumer.Removed():
		w.end(q, StateDropped, q.place.Ended)
	case s.head != nil && s.head.Position == q.event.Position && s.head.Replay == 0:
		w.atHead(s)
		if w.State == StatePending && (w.Why == "" || w.Why == WhyNotFetched) {
			e.why(w, q, w.Why)
		}
	case q.line.Now() == nil:
		w.end(q, StateDropped, 0) // when it is its turn, and before anyone gets it
	case s.byCursor:
		e.fetched(w, q)
	case s.head != nil && s.head.Position != q.event.Position && (s.queued || q.waits() || q.event.Position > s.read):
		w.State, w.Behind, w.At = StateWaiting, s.head, 0
	case q.place.Blocked != nil && q.place.Blocked.Position == q.event.Position && q.place.Blocked.Pass == 0:
		w.blocked(q.place.Blocked) // its row was written since memory was looked at
	case q.waits():
		e.onDisk(w, q)
	case q.event.Position > s.read || !s.known:
		w.State, w.At = StatePending, 0
		e.why(w, q, WhyCatchingUp)
	case q.place.Confirmed != 0:
		w.end(q, StateConfirmed, q.place.Confirmed)
	case q.event.Forgotten:
		w.end(q, StateExpired, 0)
	default:
		w.State, w.At = StatePending, 0
		return false
	}
	return true
}

// end is for what ended without an attempt that tells of it. What a reader had confirmed before stays so.
func (w *Whereabouts) end(q *search, state string, at int64) {
	w.State, w.At = state, at
	if q.place.Confirmed != 0 {
		w.State, w.At = StateConfirmed, q.place.Confirmed
	}
}

// tried takes in the attempts log: how often it was tried and what came of it. That it ended untried is a row too. The
// log keeps the reason of the first failure and of those that differ from the one before.
func (w *Whereabouts) tried(tries []eventlog.Attempt) {
	for i := range tries {
		a := &tries[i]
		w.At = a.At
		if a.Outcome.Ends() {
			w.State = a.Outcome.String()
		}
		if a.Outcome.Ends() && a.Outcome != eventlog.Done {
			continue
		}
		w.Attempts++
		if a.Outcome == eventlog.Done || a.Detailed || a.Result.Reason != "" {
			w.Reason = a.Result.Reason
		}
		w.Status = a.Result.Status
	}
}

// waits reports whether the event waits in its lane on disk, or is about to.
func (q *search) waits() bool {
	return q.sight.waits || q.place.Waiting != nil && q.place.Waiting.Pass == 0
}

// atHead is for the head of a lane in memory.
func (w *Whereabouts) atHead(s *sight) {
	h := s.head
	w.State, w.Why, w.PausedBy, w.Since, w.Due, w.Attempts = h.State, h.Why, s.pausedBy, h.Since, h.Due, max(h.Attempts, w.Attempts)
	if h.Status != 0 || h.Reason != "" {
		w.Status, w.Reason = h.Status, h.Reason
	}
	switch h.State {
	case StateLeased:
		w.At = s.lent
	case StateSending:
		w.At = 0
	}
}

// blocked is for a head that the store has and memory not.
func (w *Whereabouts) blocked(row *eventlog.Blocked) {
	w.State, w.Since, w.Due, w.Attempts, w.Status, w.Reason = blockedState(row.State), row.Since, row.Due, row.Attempts, row.Status, row.Reason
}

func blockedState(s eventlog.BlockedState) string {
	switch s {
	case eventlog.Retrying:
		return StateRetrying
	case eventlog.ParkedAt:
		return StateParked
	}
	return StatePending
}

// onDisk is for what waits in a lane whose head is not in memory: it is being read.
func (e *Engine) onDisk(w *Whereabouts, q *search) {
	w.State, w.At = StatePending, 0
	switch first := q.place.First; {
	case q.place.Blocked != nil:
		b := q.place.Blocked
		w.State = StateWaiting
		w.Behind = &Ahead{
			Position: b.Position, State: blockedState(b.State), Since: b.Since, Due: b.Due, Attempts: b.Attempts, Status: b.Status, Reason: b.Reason, Replay: b.Pass,
		}
	case first != nil && first.Position < q.event.Position:
		w.State, w.Behind = StateWaiting, &Ahead{Position: first.Position, State: StatePending, Attempts: first.Attempts, Replay: first.Pass}
	default:
		e.why(w, q, "")
	}
}

// fetched is for a cursor's reader: what it has come back with is confirmed, what it was handed out is served.
func (e *Engine) fetched(w *Whereabouts, q *search) {
	s, position := &q.sight, q.event.Position
	left := q.waits() || q.place.Blocked != nil && q.place.Blocked.Position == position && q.place.Blocked.Pass == 0
	half := part(left)
	switch {
	case left && position <= s.restUpTo, !left && position <= s.read:
		w.State, w.At = StateConfirmed, cmp.Or(q.place.Confirmed, s.confirmed)
	case position <= s.served[half], left && s.served[0] >= s.read && s.served[0] > 0:
		w.State, w.At, w.Why = StateServed, cmp.Or(q.place.Served, s.handedOut), ""
	default:
		w.State, w.At = StatePending, 0
		e.why(w, q, WhyNotFetched)
	}
}

// why says what a pending delivery waits for; otherwise is the answer when nothing is in its way.
func (e *Engine) why(w *Whereabouts, q *search, otherwise string) {
	w.Why, w.PausedBy = e.hold(q.line)
	switch {
	case w.Why != "":
	case !e.book.GrantsNow(w.System, q.event):
		w.Why = WhyNotGranted
	default:
		w.Why = otherwise
	}
}

// hold is what keeps a subscription's deliveries from going now, apart from their lanes; "" for nothing.
func (e *Engine) hold(l *revision.Line) (why string, by []revision.Scope) {
	s := l.Now()
	if s == nil {
		return "", nil
	}
	t := e.target(l)
	scopes := []revision.Scope{revision.Hub, revision.OfSystem(s.System), revision.OfSubscription(s.ID)}
	if !t.pulled {
		scopes = append(scopes, revision.OfEndpoint(s.System, t.url))
	}
	for _, scope := range scopes {
		if pause, _ := e.book.PauseOf(scope); pause != nil {
			by = append(by, scope)
		}
	}
	switch {
	case !e.log.Healthy():
		return WhyStore, by
	case len(by) > 0:
		return WhyPaused, by
	case s.State != subscription.Active:
		return WhyInactive, nil
	case t.pulled:
		return "", nil
	}
	return e.endpointAt(s.System, t.url).holds(e.clock.Now()), nil
}

// replays tells of every pass that has brought the event again, or will.
func (q *search) replays() []Replayed {
	var list []Replayed
	for pass, tries := range q.again {
		r := Replayed{Pass: pass, State: StatePending, Attempts: len(tries)}
		if last := tries[len(tries)-1]; last.Outcome.Ends() {
			r.State, r.At = last.Outcome.String(), last.At
		}
		list = append(list, r)
	}
	live := func(pass int64, state string) {
		if pass == 0 {
			return
		}
		at := slices.IndexFunc(list, func(r Replayed) bool { return r.Pass == pass })
		if at < 0 {
			list, at = append(list, Replayed{Pass: pass}), len(list)
		}
		if list[at].At == 0 {
			list[at].State = state
		}
	}
	switch {
	case q.place.Ended != 0 || q.line.Now() == nil:
	case q.sight.head != nil && q.sight.head.Position == q.event.Position:
		live(q.sight.head.Replay, q.sight.head.State)
	case q.place.Waiting != nil && q.sight.byCursor:
		live(q.place.Waiting.Pass, StatePending)
	case q.place.Waiting != nil:
		live(q.place.Waiting.Pass, StateWaiting)
	}
	for _, pass := range q.sight.passes {
		live(pass, StatePending)
	}
	slices.SortFunc(list, func(a, b Replayed) int { return cmp.Compare(a.Pass, b.Pass) })
	return list
}
