package manage

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// Setting is a component's state as someone sets it.
type Setting struct {
	State     status.State `json:"state"`
	Reason    status.Text  `json:"reason,omitempty"` // why, for people
	At        status.Time  `json:"at,omitzero"`      // since when; none: now
	Cause     status.Cause `json:"-"`                // none: by hand
	Condition Condition    `json:"-"`                // none: whatever the state was
}

// SetState says how a component does. Setting what is so already changes nothing. It may say that it is so for longer
// than was known, but not that something else was otherwise than what was set since.
// Errors: NotFound, InvalidDocument, Precondition, StorageFull, ShuttingDown.
func (m *Manager) SetState(ctx context.Context, site, component string, set Setting, author string) error {
	_, err := m.change(ctx, func() (plan, error) {
		board := m.book.Board(site)
		if board == nil {
			return plan{}, noSite(site)
		}
		standing := board.Component(component)
		if standing == nil {
			return plan{}, noComponent(site, component)
		}
		if set.Condition.stated() {
			if err := set.Condition.check(standing.Version != 0, standing.Version); err != nil {
				return plan{}, err
			}
		}
		if err := fault.Invalid(fault.InvalidDocument, m.checkSetting(board.Site, standing, &set)); err != nil {
			return plan{}, err
		}
		changes := m.changesTo(standing, &set)
		if len(changes) == 0 {
			return plan{}, nil
		}
		p := plan{entry: audit.Of(author, audit.SetState, "component/"+site+"/"+component, audit.Detail{Kind: string(set.State)})}
		p.states(site, author, changes...)
		then := board.With(m.nowTime(), changes)
		if standing.State == set.State {
			return p, m.tell(&p, nil, then, siteTold("reason", component))
		}
		return p, m.tell(&p, nil, then, changeTold(changes[0], standing.State, standing.Last))
	})
	return err
}

// changesTo are the changes that make a component's state what it is set to; none: it is so already.
func (m *Manager) changesTo(standing *status.Standing, set *Setting) []*status.Change {
	ch := &status.Change{Component: standing.ID, State: set.State, At: set.At, Reason: set.Reason, Cause: set.Cause}
	if ch.Cause == "" {
		ch.Cause = status.ByHand
	}
	if ch.At == 0 {
		ch.At = m.since(standing)
	}
	if set.State != standing.State {
		return []*status.Change{ch}
	}
	explained, longer := !set.Reason.Same(standing.Reason), set.At != 0 && set.At < standing.Since
	changes := []*status.Change{ch}
	switch {
	case !explained && !longer:
		return nil
	case !longer:
		ch.At = max(ch.At, lastSet(standing))
	case explained: // what was known to be so before is so for the new reason
		again := *ch
		again.At = lastSet(standing)
		changes = append(changes, &again)
	}
	return changes
}

// lastSet is since when the newest of a component's states counts; 0: it has none.
func lastSet(standing *status.Standing) status.Time {
	if len(standing.Spans) == 0 {
		return 0
	}
	return standing.Spans[len(standing.Spans)-1].From
}

// since is from when on a component is what is said of it now: not before what was said of it last, which another node, by
// a clock that is ahead, may have done.
func (m *Manager) since(standing *status.Standing) status.Time {
	return max(m.nowTime(), lastSet(standing))
}

// states adds changes of components' states to a plan.
func (p *plan) states(site, author string, changes ...*status.Change) {
	for _, ch := range changes {
		p.revisions = append(p.revisions, revision.Of(author, revision.State, site+"/"+ch.Component, ch))
	}
}

func (m *Manager) checkSetting(site *status.Site, standing *status.Standing, set *Setting) (found []fault.Violation) {
	if !set.State.Known() {
		found = append(found, fault.Violation{Pointer: "/state", Rule: "enum", Message: "use one of operational, under_maintenance, degraded_performance, partial_outage, major_outage, no_data"})
	}
	otherwise := func(span status.Span) bool { return span.From > set.At && span.State != set.State }
	switch {
	case set.At > m.nowTime():
		found = append(found, fault.Violation{Pointer: "/at", Rule: "future", Message: "is still to come; plan a maintenance for that"})
	case set.At != 0 && slices.ContainsFunc(standing.Spans, otherwise):
		found = append(found, fault.Violation{Pointer: "/at", Rule: "order", Message: "is before something else was set; say a time after that, or leave it out"})
	}
	return append(found, site.CheckText("/reason", set.Reason, status.MaxReason)...)
}

func noComponent(site, id string) error {
	return fault.New(fault.NotFound, "the site %s has no component %q", site, id)
}

// affected makes of what an update says of components the changes of their states, and what the update keeps of it. A
// component that is so already is in the update all the same: old may equal new (reference 2.1). With yield what another
// open notice says is worse stands, and what goes back to what another says is that one's word from then on.
func (m *Manager) affected(board *status.Board, n *status.Notice, says map[string]status.State, yield bool) (kept []status.Affected, changes []*status.Change) {
	for _, standing := range board.Components {
		to, ok := says[standing.ID]
		if !ok {
			continue
		}
		kept = append(kept, status.Affected{Component: standing.ID, Name: board.FullName(standing), From: standing.State, To: to})
		if !slices.Contains(n.Components, standing.ID) {
			n.Components = append(n.Components, standing.ID)
		}
		said, by := board.SaidOf(standing.ID, n.ID)
		if to == standing.State || yield && said.Worse(to) {
			continue
		}
		ch := &status.Change{Component: standing.ID, State: to, At: m.since(standing), Cause: status.ByNotice, Notice: n.ID}
		if yield && by != nil && said == to {
			ch.Notice = by.ID
		}
		changes = append(changes, ch)
	}
	return kept, changes
}
