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
	State  status.State `json:"state"`
	Reason status.Text  `json:"reason,omitempty"` // why, for people
	At     status.Time  `json:"at,omitzero"`      // since when; none: now
	Cause  status.Cause `json:"-"`                // none: by hand
}

// SetState says how a component does. Setting what is so already changes nothing.
// Errors: NotFound, InvalidDocument, StorageFull, ShuttingDown.
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
		if err := fault.Invalid(fault.InvalidDocument, m.checkSetting(board.Site, &set)); err != nil {
			return plan{}, err
		}
		if set.State == standing.State && set.Reason.Same(standing.Reason) && set.At == 0 {
			return plan{}, nil
		}
		ch := &status.Change{Component: component, State: set.State, At: m.orNow(set.At), Reason: set.Reason, Cause: set.Cause}
		if ch.Cause == "" {
			ch.Cause = status.ByHand
		}
		p := plan{entry: audit.Of(author, audit.SetState, "component/"+site+"/"+component, audit.Detail{Kind: string(set.State)})}
		then := board.With(m.nowTime(), []*status.Change{ch})
		p.states(site, author, ch)
		if standing.State == ch.State {
			return p, m.tell(&p, nil, then, siteTold("reason", component))
		}
		return p, m.tell(&p, nil, then, changeTold(ch, standing.State, standing.Last))
	})
	return err
}

// states adds changes of components' states to a plan.
func (p *plan) states(site, author string, changes ...*status.Change) {
	for _, ch := range changes {
		p.revisions = append(p.revisions, revision.Of(author, revision.State, site+"/"+ch.Component, ch))
	}
}

func (m *Manager) checkSetting(site *status.Site, set *Setting) (found []fault.Violation) {
	if !set.State.Known() {
		found = append(found, fault.Violation{Pointer: "/state", Rule: "enum", Message: "use one of operational, under_maintenance, degraded_performance, partial_outage, major_outage, no_data"})
	}
	if set.At > m.nowTime() {
		found = append(found, fault.Violation{Pointer: "/at", Rule: "future", Message: "is still to come; plan a maintenance for that"})
	}
	return append(found, site.CheckText("/reason", set.Reason, status.MaxReason)...)
}

func (m *Manager) orNow(t status.Time) status.Time {
	if t == 0 {
		return m.nowTime()
	}
	return t
}

func noComponent(site, id string) error {
	return fault.New(fault.NotFound, "the site %s has no component %q", site, id)
}

// affected makes of what an update says of components the changes of their states, and what the update keeps of it. A
// component that is so already is in the update all the same: old may equal new (reference 2.1).
func (m *Manager) affected(board *status.Board, n *status.Notice, says map[string]status.State, at status.Time) (kept []status.Affected, changes []*status.Change) {
	for _, standing := range board.Components {
		to, ok := says[standing.ID]
		if !ok {
			continue
		}
		kept = append(kept, status.Affected{Component: standing.ID, Name: board.FullName(standing), From: standing.State, To: to})
		if to != standing.State {
			changes = append(changes, &status.Change{Component: standing.ID, State: to, At: at, Cause: status.ByNotice, Notice: n.ID})
		}
		if !slices.Contains(n.Components, standing.ID) {
			n.Components = append(n.Components, standing.ID)
		}
	}
	return kept, changes
}
