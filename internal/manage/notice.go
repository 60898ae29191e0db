package manage

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// Facts are what is said of a notice as a whole, apart from its updates.
type Facts struct {
	Title      status.Text    `json:"title"`
	Override   status.Impact  `json:"override,omitempty"`   // the impact, in place of the one that follows from what is affected
	Components []string       `json:"components,omitempty"` // ids of what it affects
	Sections   []string       `json:"sections,omitempty"`   // that it is about; neither: the whole site
	Started    status.Time    `json:"started,omitzero"`     // when it began; none: when it was opened
	Expected   status.Time    `json:"expected,omitzero"`    // when it should be over
	NextUpdate status.Time    `json:"nextUpdate,omitzero"`  // when more is promised to be said
	Starts     status.Time    `json:"starts,omitzero"`      // of a maintenance its window; of an action, announcement or bulletin when it is shown from
	Ends       status.Time    `json:"ends,omitzero"`        // and until
	ByHand     bool           `json:"byHand,omitempty"`     // a maintenance that does not start and end by itself
	Pause      []string       `json:"pause,omitempty"`      // of a maintenance: systems that nothing is delivered to while it is in progress
	Repeat     *status.Repeat `json:"repeat,omitempty"`     // of a maintenance: it comes again
	Deadline   status.Time    `json:"deadline,omitzero"`    // of an action: by when it is to be done
	Audience   status.Text    `json:"audience,omitempty"`   // whom it is for
}

// FactsOf are those of a notice as it is.
func FactsOf(n *status.Notice) Facts {
	return Facts{
		Title: n.Title, Override: n.Override, Components: n.Components, Sections: n.Sections, Started: n.Started, Expected: n.Expected,
		NextUpdate: n.NextUpdate, Starts: n.Starts, Ends: n.Ends, ByHand: n.ByHand, Pause: n.Pause, Repeat: n.Repeat, Deadline: n.Deadline, Audience: n.Audience,
	}
}

// state writes the facts into a notice. Where the times of one that repeats are counted from is the hub's to say.
func (f *Facts) state(n *status.Notice) {
	counted := n.Repeat
	n.Title, n.Override, n.Components, n.Sections, n.Expected, n.NextUpdate = f.Title, f.Override, slices.Clone(f.Components), f.Sections, f.Expected, f.NextUpdate
	n.Starts, n.Ends, n.ByHand, n.Pause, n.Repeat, n.Deadline, n.Audience = f.Starts, f.Ends, f.ByHand, f.Pause, f.Repeat, f.Deadline, f.Audience
	if f.Started != 0 {
		n.Started = f.Started
	}
	if f.Repeat != nil {
		repeat := *f.Repeat
		if repeat.From, repeat.To = 0, 0; counted != nil {
			repeat.From, repeat.To = counted.From, counted.To
		}
		n.Repeat = &repeat
	}
}

// check holds the facts to the time there is. old are those that were so before, which may have passed since.
func (f *Facts) check(old *Facts, now status.Time) (found []fault.Violation) {
	if f.Started > now && f.Started != old.Started {
		found = append(found, fault.Violation{Pointer: "/started", Rule: "future", Message: "is still to come; what is planned is a maintenance"})
	}
	if f.Expected != old.Expected {
		found = append(found, ahead("/expected", f.Expected, now)...)
	}
	if f.NextUpdate != old.NextUpdate {
		found = append(found, ahead("/nextUpdate", f.NextUpdate, now)...)
	}
	return found
}

// ahead holds what is promised to what can be kept.
func ahead(pointer string, at, now status.Time) []fault.Violation {
	if at == 0 || at > now {
		return nil
	}
	return []fault.Violation{{Pointer: pointer, Rule: "past", Message: "has passed already"}}
}

// Saying is one update as someone writes it.
type Saying struct {
	Stage      status.Stage            `json:"stage,omitempty"`      // none: as it was
	Body       status.Text             `json:"body,omitempty"`       // none: the stage, the components or the times say it
	Affected   map[string]status.State `json:"affected,omitempty"`   // how components do from now on, by their ids; none, where the notice is over by this: what it had set goes back to what other open notices say, or to operational
	Quiet      bool                    `json:"quiet,omitempty"`      // nobody is sent it; it stands on the page and in the feeds
	Expected   *status.Time            `json:"expected,omitempty"`   // when it should be over; none: as it was
	NextUpdate *status.Time            `json:"nextUpdate,omitempty"` // when more is promised to be said; none: nothing is promised any more

	automatic bool
}

// Opening is a new notice.
type Opening struct {
	Kind status.Kind `json:"kind"`
	Facts
	Stage    status.Stage            `json:"stage,omitempty"`    // none: the kind's first; of what is shown from now on, published
	Body     status.Text             `json:"body,omitempty"`     // what is said first
	Affected map[string]status.State `json:"affected,omitempty"` // how components do from now on, by their ids
	Quiet    bool                    `json:"quiet,omitempty"`    // nobody is sent it; it stands on the page and in the feeds
}

// OpenNotice opens a notice with its first update.
// Errors: NotFound, InvalidDocument, StorageFull, ShuttingDown.
func (m *Manager) OpenNotice(ctx context.Context, site string, o Opening, author string) (*status.Notice, error) {
	id := status.NewID()
	return m.changeNotice(ctx, site, id, author, audit.OpenNotice, nil, func(board *status.Board, _ *status.Notice) (*noticeChange, error) {
		now := m.nowTime()
		n := &status.Notice{ID: id, Site: site, Kind: o.Kind, Created: now, Updated: now, Started: now}
		o.Facts.state(n)
		saying := Saying{Stage: o.Stage, Body: o.Body, Affected: o.Affected, Quiet: o.Quiet}
		if saying.Stage == "" {
			saying.Stage = firstStage(n, now)
		}
		if n.Kind == status.Planned && saying.Body.Empty() {
			saying.Body = board.Site.Own(status.Standard(status.Scheduled))
		}
		c := m.say(board, nil, n, &saying, author, status.Opened)
		c.found = append(c.found, o.Facts.check(&Facts{}, now)...)
		return c, nil
	})
}

// firstStage is where a notice begins when nobody says: what is shown from a time on comes then.
func firstStage(n *status.Notice, now status.Time) status.Stage {
	first := n.Kind.Stages()[0]
	if first == status.Coming && n.Starts <= now {
		return status.Published
	}
	return first
}

// Say adds an update to a notice. It takes nothing away, so it needs no condition; one that is given is kept.
// Errors: NotFound, InvalidDocument, Precondition, StorageFull, ShuttingDown.
func (m *Manager) Say(ctx context.Context, site, notice string, s Saying, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.UpdateNotice, &by, func(board *status.Board, old *status.Notice) (*noticeChange, error) {
		n := old.Clone()
		if s.Expected != nil {
			n.Expected = *s.Expected
		}
		n.NextUpdate = 0 // the promise is kept by this one
		if s.NextUpdate != nil {
			n.NextUpdate = *s.NextUpdate
		}
		saying := s
		if saying.Stage == "" {
			saying.Stage = n.Stage
		}
		c := m.say(board, old, n, &saying, by.Author, status.Said)
		next := FactsOf(n)
		before := FactsOf(old)
		c.found = append(c.found, next.check(&before, m.nowTime())...)
		return c, nil
	})
}

// say adds an update to a notice that may be changed, and what follows from it. old is the notice as it was; nil: it is new.
func (m *Manager) say(board *status.Board, old, n *status.Notice, s *Saying, author, change string) *noticeChange {
	now := m.nowTime()
	says := s.Affected
	if s.Affected == nil {
		says = m.follows(board, n, s.Stage)
	}
	update := status.Update{
		ID: status.NewID(), Stage: s.Stage, Body: s.Body, Created: now, Updated: now, Shown: now, Quiet: s.Quiet, Automatic: s.automatic, Author: author,
	}
	c := &noticeChange{
		old: old, notice: n, change: change, update: update.ID, quiet: s.Quiet,
		asked: []string{"/updates/" + strconv.Itoa(len(n.Updates))}, found: checkSaying(board, old, n, s),
	}
	if update.Body == nil {
		update.Body = status.Text{} // documents say that there are no words, not nothing
	}
	update.Affected, c.changes = m.affected(board, n, says, s.Affected == nil)
	n.Updates = append(n.Updates, update)
	n.Updated = now
	if n.Kind == status.Incident && old == nil && n.Started < now {
		for _, ch := range c.changes {
			ch.At = max(n.Started, lastSet(board.Component(ch.Component))) // it is known since when
		}
	}
	n.Settle()
	return c
}

// checkSaying holds an update to what may be said at its stage of a notice of its kind, and to the components there are.
func checkSaying(board *status.Board, old, n *status.Notice, s *Saying) (found []fault.Violation) {
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	told := n.Postmortem != nil && (old == nil || old.Postmortem == nil)
	switch {
	case s.Stage == status.Postmortem && !told:
		refuse("/stage", "postmortem", "is made by what is told afterwards; put that")
	case old != nil && s.Body.Empty() && len(s.Affected) == 0 && s.Stage == old.Stage && s.Expected == nil && s.NextUpdate == nil:
		refuse("/body", "required", "say something: words, another stage, how components do, or times")
	}
	switch {
	case len(s.Affected) == 0:
	case n.Message():
		refuse("/affected", "kind", "only an incident and a maintenance say how components do")
	case s.Stage.Ahead():
		refuse("/affected", "stage", "it is still to come and changes nothing yet; name what it will affect in components")
	}
	for _, id := range slices.Sorted(maps.Keys(s.Affected)) {
		pointer := "/affected/" + strings.ReplaceAll(strings.ReplaceAll(id, "~", "~0"), "/", "~1") // RFC 6901 section 3
		if board.Component(id) == nil {
			refuse(pointer, "exists", "the site has no such component")
		}
		if !slices.Contains(status.States, s.Affected[id]) {
			refuse(pointer, "enum", "use one of operational, under_maintenance, degraded_performance, partial_outage, major_outage")
		}
	}
	return found
}

// follows is what a stage means for components where nobody says: a maintenance in progress has its own under
// maintenance, and what a notice has set does not stay down when the notice is over.
func (m *Manager) follows(board *status.Board, n *status.Notice, stage status.Stage) map[string]status.State {
	says := map[string]status.State{}
	for _, standing := range board.Components {
		switch {
		case n.Kind == status.Planned && stage == status.InProgress && n.Stage != status.InProgress && slices.Contains(n.Components, standing.ID):
			says[standing.ID] = status.Maintenance
		case stage.Over() && owns(n, standing):
			says[standing.ID], _ = board.SaidOf(standing.ID, n.ID)
		}
	}
	return says
}

// owns reports whether a component is as it is since a notice says so: the notice has set it, or has said the same after a
// person or another notice had. What a machine saw stays until it sees something else.
func owns(n *status.Notice, standing *status.Standing) bool {
	if len(standing.Spans) == 0 {
		return false
	}
	last := standing.Spans[len(standing.Spans)-1]
	if last.Notice == n.ID {
		return true
	}
	said, at := status.NoData, status.Time(0)
	for i := range n.Updates {
		for _, a := range n.Updates[i].Affected {
			if a.Component == standing.ID {
				said, at = a.To, n.Updates[i].Created
			}
		}
	}
	return said == last.State && at >= last.From && (last.Cause == status.ByHand || last.Cause == status.ByNotice)
}

// EditNotice changes what is said of a notice as a whole. The title it had stays to be read.
// Errors: NotFound, InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) EditNotice(ctx context.Context, site, notice string, f Facts, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.EditNotice, &by, func(_ *status.Board, old *status.Notice) (*noticeChange, error) {
		n, now, before := old.Clone(), m.nowTime(), FactsOf(old)
		f.state(n)
		if same(old, n) {
			return nil, nil
		}
		if !old.Title.Same(n.Title) {
			n.Earlier = append(n.Earlier, status.Wording{Text: old.Title, Until: now})
		}
		n.Updated = now
		n.Settle()
		return &noticeChange{old: old, notice: n, change: status.Edited, quiet: true, found: f.check(&before, now)}, nil
	})
}

// EditUpdate puts an update otherwise; shown is the time beside it, 0 leaves it. What it said before stays to be read.
// Errors: NotFound, InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) EditUpdate(ctx context.Context, site, notice, update string, body status.Text, shown status.Time, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.EditNotice, &by, func(_ *status.Board, old *status.Notice) (*noticeChange, error) {
		n, now := old.Clone(), m.nowTime()
		at := slices.IndexFunc(n.Updates, func(u status.Update) bool { return u.ID == update })
		if at < 0 {
			return nil, fault.New(fault.NotFound, "the notice has no update %q", update)
		}
		u := &n.Updates[at]
		c := &noticeChange{old: old, notice: n, change: status.Edited, update: update, quiet: true, asked: []string{"/updates/" + strconv.Itoa(at)}}
		if body.Empty() && !u.Body.Empty() {
			c.found = append(c.found, fault.Violation{Pointer: "/body", Rule: "required", Message: "what was said is put otherwise, and not taken back"})
		}
		reword(u, body, now)
		if shown != 0 {
			u.Shown = shown
		}
		if same(old, n) {
			return nil, nil
		}
		u.Updated, n.Updated = now, now
		n.Settle()
		return c, nil
	})
}

// reword puts an update otherwise, and keeps what it said.
func reword(u *status.Update, body status.Text, now status.Time) {
	if !u.Body.Same(body) {
		u.Earlier = append(u.Earlier, status.Wording{Text: u.Body, Until: now})
		u.Body, u.Updated = body, now
	}
}

// TellAfterwards puts what is told of an incident when it is over, and the update that says so; changing it keeps what it
// said before.
// Errors: NotFound, Conflict while it is open, InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) TellAfterwards(ctx context.Context, site, notice string, body status.Text, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.EditNotice, &by, func(board *status.Board, old *status.Notice) (*noticeChange, error) {
		if !old.Stage.Over() || old.Kind != status.Incident {
			return nil, fault.New(fault.Conflict, "what is told afterwards is of an incident that is over; resolve it first")
		}
		n, now := old.Clone(), m.nowTime()
		p := n.Postmortem
		if p == nil {
			n.Postmortem = &status.Account{Body: body, Published: now, Updated: now}
			c := m.say(board, old, n, &Saying{Stage: status.Postmortem, Body: body}, by.Author, status.AccountTold)
			c.asked = append(c.asked, "/postmortem")
			return c, nil
		}
		if p.Body.Same(body) {
			return nil, nil
		}
		c := &noticeChange{old: old, notice: n, change: status.AccountTold, quiet: true, asked: []string{"/postmortem"}}
		for i := range n.Updates {
			if u := &n.Updates[i]; u.Stage == status.Postmortem && u.Body.Same(p.Body) { // the one that says it
				reword(u, body, now)
				c.update, c.asked = u.ID, append(c.asked, "/updates/"+strconv.Itoa(i))
			}
		}
		p.Earlier, p.Body, p.Updated = append(p.Earlier, status.Wording{Text: p.Body, Until: now}), body, now
		n.Updated = now
		return c, nil
	})
}

// AcknowledgeNotice notes that someone has done what an action asks for. Twice is once.
// Errors: NotFound, Conflict for another kind of notice, StorageFull, ShuttingDown.
func (m *Manager) AcknowledgeNotice(ctx context.Context, site, notice, whom, author string) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, author, audit.Acknowledge, nil, func(_ *status.Board, old *status.Notice) (*noticeChange, error) {
		switch {
		case old.Kind != status.Action:
			return nil, fault.New(fault.Conflict, "only an action is acknowledged")
		case slices.ContainsFunc(old.Acknowledged, func(a status.Acknowledgement) bool { return a.By == whom }):
			return nil, nil
		}
		n := old.Clone()
		n.Acknowledged = append(n.Acknowledged, status.Acknowledgement{By: whom, At: m.nowTime()})
		return &noticeChange{old: old, notice: n, change: status.Acked, quiet: true}, nil
	})
}

// RemoveNotice takes a notice off the site. It stays in the log. What it had set of components goes back.
// Errors: NotFound, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) RemoveNotice(ctx context.Context, site, notice string, by By) error {
	_, err := m.changeNotice(ctx, site, notice, by.Author, audit.RemoveNotice, &by, func(board *status.Board, old *status.Notice) (*noticeChange, error) {
		n := old.Clone()
		over := n.Kind.Stages()[len(n.Kind.Stages())-1]
		_, changes := m.affected(board, n, m.follows(board, n, over), true)
		return &noticeChange{old: old, notice: n, change: status.Removed, quiet: true, changes: changes, removed: true}, nil
	})
	return err
}
