package manage

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// noticeChange is what becomes of a notice, and of the components it affects.
type noticeChange struct {
	old, notice *status.Notice // old is nil of a new one
	changes     []*status.Change
	change      string // for the event
	update      string
	quiet       bool
	removed     bool

	found []fault.Violation // rules that the request breaks by itself
	asked []string          // where in the notice the members of the request stand, as pointers
}

// begins reports whether the notice was to come and is no more, or comes again from now on.
func (c *noticeChange) begins() bool {
	if c.removed || c.old == nil || c.notice.Stage.Ahead() {
		return false
	}
	return c.old.Stage.Ahead() || c.old.Repeat == nil && c.notice.Open()
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
	if err := fault.Invalid(fault.InvalidDocument, m.checkNotice(board.Site, c)); err != nil {
		return plan{}, err
	}
	p := plan{entry: audit.Of(author, act, "notice/"+board.Site.Name+"/"+n.ID, audit.Detail{Created: c.old == nil, Kind: string(n.Kind)})}
	subject := board.Site.Name + "/" + n.ID
	then := board.With(m.nowTime(), c.changes, n)
	if c.removed {
		then = then.Without(n.ID)
		p.revisions = append(p.revisions, revision.Removal(author, revision.Notice, subject))
	} else {
		p.revisions = append(p.revisions, revision.Of(author, revision.Notice, subject, n))
	}
	p.states(board.Site.Name, author, c.changes...)
	p.revisions = append(p.revisions, m.pauses(c.old, n, c.removed)...)
	tellings := []telling{c.told()}
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

// checkNotice lists the rules that a change breaks, by the members of the request. What was wrong with the notice before,
// since the site has changed under it, is not this change's to mend: an incident can be resolved whose component is gone.
func (m *Manager) checkNotice(site *status.Site, c *noticeChange) []fault.Violation {
	if c.removed {
		return nil
	}
	var before []fault.Violation
	if c.old != nil {
		before = append(c.old.Check(site), m.checkPause(c.old)...)
	}
	found := c.found
	for _, v := range append(c.notice.Check(site), m.checkPause(c.notice)...) {
		if slices.Contains(before, v) {
			continue
		}
		for _, asked := range c.asked {
			if rest, ok := strings.CutPrefix(v.Pointer, asked); ok && rest != "" && rest[0] == '/' {
				v.Pointer = rest
			}
		}
		if !slices.Contains(found, v) && !strings.HasPrefix(v.Pointer, "/affected/") { // which checkSaying tells by component
			found = append(found, v)
		}
	}
	return found
}

// told tells what became of the notice. What is not shown yet is not told either: of that only the site says that it has
// changed.
func (c *noticeChange) told() telling {
	hidden := func(n *status.Notice) bool { return n == nil || n.Stage == status.Coming }
	change := c.change
	switch was, is := hidden(c.old), hidden(c.notice); {
	case was && (is || c.notice.Stage.Over() && c.old != nil):
		return siteTold("planned", "")
	case was:
		change = status.Opened
	case is:
		change = status.Removed
	}
	return noticeTold(c.notice, change, c.update, c.quiet)
}

// again is the next of a series of maintenances, made when one of them begins, or nil. What is over by now, since the hub
// was away, is left out.
func (m *Manager) again(board *status.Board, c *noticeChange) *status.Notice {
	n, now := c.notice, m.nowTime()
	if n.Repeat == nil || !c.begins() {
		return nil
	}
	series := n.Series
	if series == "" {
		series = n.ID
	}
	waits := func(other *status.Notice) bool {
		return other.Series == series && other.Stage.Ahead() && other.ID != n.ID
	}
	if slices.ContainsFunc(board.Notices, waits) {
		return nil
	}
	zone := board.Site.Location()
	starts, ends, ok := n.Repeat.NextOpen(n.Starts, n.Ends, now, zone)
	if !ok {
		return nil
	}
	return n.Again(starts, ends, now, board.Site.Own(status.Standard(status.Scheduled)), zone)
}

func (m *Manager) checkPause(n *status.Notice) (found []fault.Violation) {
	for i, name := range n.Pause {
		if system, _ := m.book.System(name); system == nil {
			found = append(found, fault.Violation{Pointer: "/pause/" + strconv.Itoa(i), Rule: "exists", Message: "no such system"})
		}
	}
	return found
}

// pauses begins the pauses of a maintenance when it begins, and ends them when it does: only those that are its own. One
// that a person ended meanwhile is not begun anew, and one that another maintenance needs as well goes over to that.
func (m *Manager) pauses(old, n *status.Notice, removed bool) (revisions []revision.Revision) {
	runs := n.Kind == status.Planned && n.Open() && !removed
	ran := old != nil && old.Open()
	for _, name := range n.Pause {
		scope := revision.OfSystem(name)
		pause, _ := m.book.PauseOf(scope)
		if runs && pause == nil && !(ran && slices.Contains(old.Pause, name)) {
			revisions = append(revisions, pauseOf(name, n.ID))
		}
	}
	ends := func(notice, system string) bool { return notice == n.ID && !(runs && slices.Contains(n.Pause, system)) }
	return append(revisions, m.endPauses(ends, func(other *status.Notice) bool { return other.ID == n.ID })...)
}

// endPauses ends those of maintenances that end, or hands them on to another that goes on and pauses the system as well.
func (m *Manager) endPauses(ends func(notice, system string) bool, gone func(*status.Notice) bool) (revisions []revision.Revision) {
	for _, scope := range m.book.Pauses() {
		system, ofSystem := strings.CutPrefix(string(scope), "system/")
		pause, _ := m.book.PauseOf(scope)
		if !ofSystem || pause == nil || pause.Notice == "" || !ends(pause.Notice, system) {
			continue
		}
		if other := m.alsoPauses(system, gone); other != "" {
			revisions = append(revisions, pauseOf(system, other))
		} else {
			revisions = append(revisions, revision.Removal(hub, revision.Pause, string(scope)))
		}
	}
	return revisions
}

// pauseOf pauses a system for as long as a maintenance lasts.
func pauseOf(system, notice string) revision.Revision {
	return revision.Of(hub, revision.Pause, string(revision.OfSystem(system)), revision.PauseDocument{Reason: "maintenance", Notice: notice})
}

// alsoPauses is a maintenance in progress that a system is paused for, or "".
func (m *Manager) alsoPauses(system string, but func(*status.Notice) bool) string {
	for _, site := range m.book.Sites() {
		board := m.book.Board(site.Name)
		if board == nil {
			continue
		}
		for _, n := range board.Open("", status.Planned) {
			if slices.Contains(n.Pause, system) && !but(n) {
				return n.ID
			}
		}
	}
	return ""
}
