package manage

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// Facts are what is said of a notice as a whole, apart from its updates.
type Facts struct {
	Title      status.Text    `json:"title"`
	Override   status.Impact  `json:"override,omitempty"`
	Components []string       `json:"components,omitempty"`
	Sections   []string       `json:"sections,omitempty"`
	Started    status.Time    `json:"started,omitzero"` // when it began; none: when it was opened
	Expected   status.Time    `json:"expected,omitzero"`
	NextUpdate status.Time    `json:"nextUpdate,omitzero"`
	Starts     status.Time    `json:"starts,omitzero"`
	Ends       status.Time    `json:"ends,omitzero"`
	ByHand     bool           `json:"byHand,omitempty"`
	Pause      []string       `json:"pause,omitempty"`
	Repeat     *status.Repeat `json:"repeat,omitempty"`
	Deadline   status.Time    `json:"deadline,omitzero"`
	Audience   status.Text    `json:"audience,omitempty"`
}

// FactsOf are those of a notice as it is.
func FactsOf(n *status.Notice) Facts {
	return Facts{
		Title: n.Title, Override: n.Override, Components: n.Components, Sections: n.Sections, Started: n.Started, Expected: n.Expected,
		NextUpdate: n.NextUpdate, Starts: n.Starts, Ends: n.Ends, ByHand: n.ByHand, Pause: n.Pause, Repeat: n.Repeat, Deadline: n.Deadline, Audience: n.Audience,
	}
}

// state writes the facts into a notice.
func (f *Facts) state(n *status.Notice) {
	n.Title, n.Override, n.Components, n.Sections, n.Expected, n.NextUpdate = f.Title, f.Override, slices.Clone(f.Components), f.Sections, f.Expected, f.NextUpdate
	n.Starts, n.Ends, n.ByHand, n.Pause, n.Repeat, n.Deadline, n.Audience = f.Starts, f.Ends, f.ByHand, f.Pause, f.Repeat, f.Deadline, f.Audience
	if f.Started != 0 {
		n.Started = f.Started
	}
}

// Saying is one update as someone writes it.
type Saying struct {
	Stage status.Stage `json:"stage,omitempty"` // none: as it was; of a new notice its first
	Body  status.Text  `json:"body,omitempty"`
	// Affected says how components do, by their ids. nil, where the notice is over by this update: what it had set goes back
	// to what the other open notices say, or to operational.
	Affected   map[string]status.State `json:"affected,omitempty"`
	Quiet      bool                    `json:"quiet,omitempty"`
	Expected   *status.Time            `json:"expected,omitempty"` // nil: as it was
	NextUpdate *status.Time            `json:"nextUpdate,omitempty"`

	automatic bool
}

// Opening is a new notice.
type Opening struct {
	Kind status.Kind `json:"kind"`
	Facts
	Stage    status.Stage            `json:"stage,omitempty"` // none: the kind's first
	Body     status.Text             `json:"body,omitempty"`
	Affected map[string]status.State `json:"affected,omitempty"`
	Quiet    bool                    `json:"quiet,omitempty"`
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
		return m.say(board, n, &saying, author, status.Opened), nil
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

// Say adds an update to a notice.
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
		return m.say(board, n, &saying, by.Author, status.Said), nil
	})
}

// say adds an update to a notice that may be changed, and what follows from it.
func (m *Manager) say(board *status.Board, n *status.Notice, s *Saying, author, change string) *noticeChange {
	now := m.nowTime()
	says := maps.Clone(s.Affected)
	if s.Affected == nil {
		says = m.follows(board, n, s.Stage)
	}
	update := status.Update{
		ID: status.NewID(), Stage: s.Stage, Body: s.Body, Created: now, Updated: now, Shown: now, Quiet: s.Quiet, Automatic: s.automatic, Author: author,
	}
	c := &noticeChange{notice: n, change: change, update: update.ID, quiet: s.Quiet, stage: n.Stage}
	update.Affected, c.changes = m.affected(board, n, says, now)
	n.Updates = append(n.Updates, update)
	n.Updated = now
	if n.Kind == status.Incident && n.Started < n.Created && len(n.Updates) == 1 {
		for _, ch := range c.changes {
			ch.At = n.Started // it is known since when
		}
	}
	n.Settle()
	return c
}

// follows is what a stage means for components where nobody says: a maintenance in progress has its own under
// maintenance, and what a notice has set does not stay down when the notice is over.
func (m *Manager) follows(board *status.Board, n *status.Notice, stage status.Stage) map[string]status.State {
	says := map[string]status.State{}
	for _, id := range n.Components {
		standing := board.Component(id)
		if standing == nil {
			continue
		}
		own := len(standing.Spans) > 0 && standing.Spans[len(standing.Spans)-1].Notice == n.ID
		switch {
		case n.Kind == status.Planned && stage == status.InProgress && n.Stage != status.InProgress:
			says[id] = status.Maintenance
		case stage.Over() && own:
			says[id] = board.SaidOf(id, n.ID)
		}
	}
	return says
}

// EditNotice changes what is said of a notice as a whole. The title it had stays to be read.
// Errors: NotFound, InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) EditNotice(ctx context.Context, site, notice string, f Facts, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.EditNotice, &by, func(_ *status.Board, old *status.Notice) (*noticeChange, error) {
		n := old.Clone()
		f.state(n)
		if same(old, n) {
			return nil, nil
		}
		now := m.nowTime()
		if !old.Title.Same(n.Title) {
			n.Earlier = append(n.Earlier, status.Wording{Text: old.Title, Until: now})
		}
		n.Updated = now
		n.Settle()
		return &noticeChange{notice: n, change: status.Edited, quiet: true, stage: old.Stage}, nil
	})
}

// EditUpdate puts an update otherwise; shown is the time beside it, 0 leaves it. What it said before stays to be read.
// Errors: NotFound, InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) EditUpdate(ctx context.Context, site, notice, update string, body status.Text, shown status.Time, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.EditNotice, &by, func(_ *status.Board, old *status.Notice) (*noticeChange, error) {
		n := old.Clone()
		u := n.Update(update)
		if u == nil {
			return nil, fault.New(fault.NotFound, "the notice has no update %q", update)
		}
		now := m.nowTime()
		if !u.Body.Same(body) {
			u.Earlier = append(u.Earlier, status.Wording{Text: u.Body, Until: now})
			u.Body = body
		}
		if shown != 0 {
			u.Shown = shown
		}
		if same(old, n) {
			return nil, nil
		}
		u.Updated, n.Updated = now, now
		n.Settle()
		return &noticeChange{notice: n, change: status.Edited, update: update, quiet: true, stage: old.Stage}, nil
	})
}

// TellAfterwards puts what is told of an incident when it is over, and the update that says so; changing it keeps what it
// said before.
// Errors: NotFound, Conflict while it is open, InvalidDocument, Precondition, StorageFull, ShuttingDown.
func (m *Manager) TellAfterwards(ctx context.Context, site, notice string, body status.Text, by By) (*status.Notice, error) {
	return m.changeNotice(ctx, site, notice, by.Author, audit.EditNotice, &by, func(board *status.Board, old *status.Notice) (*noticeChange, error) {
		if !old.Stage.Over() || old.Kind != status.Incident {
			return nil, fault.New(fault.Conflict, "what is told afterwards is of an incident that is over; resolve it first")
		}
		n, now := old.Clone(), m.nowTime()
		if p := n.Postmortem; p != nil {
			if !p.Body.Same(body) {
				p.Earlier, p.Body, p.Updated = append(p.Earlier, status.Wording{Text: p.Body, Until: now}), body, now
			}
			n.Updated = now
			return &noticeChange{notice: n, change: status.AccountTold, quiet: true, stage: old.Stage}, nil
		}
		n.Postmortem = &status.Account{Body: body, Published: now, Updated: now}
		return m.say(board, n, &Saying{Stage: status.Postmortem, Body: body}, by.Author, status.AccountTold), nil
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
		return &noticeChange{notice: n, change: status.Acked, quiet: true, stage: old.Stage}, nil
	})
}

// RemoveNotice takes a notice off the site. It stays in the log. What it had set of components goes back.
// Errors: NotFound, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) RemoveNotice(ctx context.Context, site, notice string, by By) error {
	_, err := m.changeNotice(ctx, site, notice, by.Author, audit.RemoveNotice, &by, func(board *status.Board, old *status.Notice) (*noticeChange, error) {
		n := old.Clone()
		over := n.Kind.Stages()[len(n.Kind.Stages())-1]
		_, changes := m.affected(board, n, m.follows(board, n, over), m.nowTime())
		return &noticeChange{notice: n, change: status.Removed, quiet: true, changes: changes, stage: old.Stage, removed: true}, nil
	})
	return err
}

// noticeChange is what becomes of a notice, and of the components it affects.
type noticeChange struct {
	notice  *status.Notice
	changes []*status.Change
	change  string // for the event
	update  string
	quiet   bool
	stage   status.Stage // that it was at before; "" for a new one
	removed bool
}

// changeNotice changes one notice: its revision, those of the states that follow, the pauses that begin or end with it,
// the events that tell all this and the entry in the audit log are one commit. by is nil for what does not hang on the
// state that the notice was seen in. A nil noticeChange changes nothing.
func (m *Manager) changeNotice(ctx context.Context, site, id, author string, act audit.Act, by *By, draw func(*status.Board, *status.Notice) (*noticeChange, error)) (*status.Notice, error) {
	var result *status.Notice
	_, err := m.change(ctx, func() (plan, error) {
		board := m.book.Board(site)
		if board == nil {
			return plan{}, noSite(site)
		}
		old := board.Notice(id)
		if result = old; old == nil && act != audit.OpenNotice {
			return plan{}, fault.New(fault.NotFound, "the site %s has no notice %q", site, id)
		}
		if by != nil && (act != audit.UpdateNotice || by.Condition.stated()) {
			if err := by.Condition.check(true, old.Version); err != nil {
				return plan{}, err
			}
		}
		c, err := draw(board, old)
		if err != nil || c == nil {
			return plan{}, err
		}
		return m.noticePlan(board, c, author, act)
	})
	if board := m.book.Board(site); err == nil && board != nil {
		result = board.Notice(id)
	}
	return result, err
}

// stated reports whether the condition asks for anything.
func (c Condition) stated() bool { return c.Absent || c.Present || len(c.Seen) > 0 }

func (m *Manager) noticePlan(board *status.Board, c *noticeChange, author string, act audit.Act) (plan, error) {
	n := c.notice
	if !c.removed {
		found := append(n.Check(board.Site), m.checkPause(n)...)
		if err := fault.Invalid(fault.InvalidDocument, found); err != nil {
			return plan{}, err
		}
	}
	p := plan{entry: audit.Of(author, act, "notice/"+board.Site.Name+"/"+n.ID, audit.Detail{Created: c.change == status.Opened, Kind: string(n.Kind)})}
	subject := board.Site.Name + "/" + n.ID
	then := board.With(m.nowTime(), c.changes, n)
	if c.removed {
		p.revisions = append(p.revisions, revision.Removal(author, revision.Notice, subject))
	} else {
		p.revisions = append(p.revisions, revision.Of(author, revision.Notice, subject, n))
	}
	p.states(board.Site.Name, author, c.changes...)
	p.revisions = append(p.revisions, m.pauses(n, c)...)
	tellings := []telling{noticeTold(n, c.change, c.update, c.quiet)}
	for _, ch := range c.changes {
		was := board.Component(ch.Component)
		tellings = append(tellings, changeTold(ch, was.State, was.Last))
	}
	if next := m.again(board, c); next != nil {
		then = then.With(m.nowTime(), nil, next)
		p.revisions = append(p.revisions, revision.Of(hub, revision.Notice, board.Site.Name+"/"+next.ID, next))
		tellings = append(tellings, noticeTold(next, status.Opened, next.Updates[0].ID, true))
	}
	return p, m.tell(&p, nil, then, tellings...)
}

// again is the next of a series of maintenances, made when one of them begins, or nil. What is over by now, since the hub
// was away, is left out.
func (m *Manager) again(board *status.Board, c *noticeChange) *status.Notice {
	n, now := c.notice, m.nowTime()
	if n.Repeat == nil || c.removed || !c.stage.Ahead() || n.Stage.Ahead() {
		return nil
	}
	starts, ends := n.Starts, n.Ends
	for next := true; next; next = ends <= now {
		var ok bool
		if starts, ends, ok = n.Repeat.Next(starts, ends, board.Site.Location()); !ok {
			return nil
		}
	}
	return n.Again(starts, ends, now, board.Site.Own(status.Standard(status.Scheduled)))
}

func (m *Manager) checkPause(n *status.Notice) (found []fault.Violation) {
	for i, name := range n.Pause {
		if system, _ := m.book.System(name); system == nil {
			found = append(found, fault.Violation{Pointer: "/pause/" + strconv.Itoa(i), Rule: "exists", Message: "no such system"})
		}
	}
	return found
}

// pauses begins the pauses of a maintenance when it begins, and ends them when it does: only those that are its own.
func (m *Manager) pauses(n *status.Notice, c *noticeChange) (revisions []revision.Revision) {
	for _, name := range n.Pause {
		scope := revision.OfSystem(name)
		pause, _ := m.book.PauseOf(scope)
		own := pause != nil && pause.Notice == n.ID
		switch open := n.Open() && !c.removed; {
		case open && pause == nil:
			revisions = append(revisions, revision.Of(hub, revision.Pause, string(scope), revision.PauseDocument{Reason: "maintenance", Notice: n.ID}))
		case !open && own:
			revisions = append(revisions, revision.Removal(hub, revision.Pause, string(scope)))
		}
	}
	return revisions
}
