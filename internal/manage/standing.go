package manage

import (
	"context"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Standing is a subscription with how it stands now: its configuration, its pauses and its endpoint together.
type Standing struct {
	*subscription.Subscription
	Standing subscription.State `json:"standing"`           // one of docs/states.md
	PausedBy []revision.Scope   `json:"pausedBy,omitempty"` // every pause that stops it, the widest first
	Endpoint string             `json:"endpoint,omitempty"` // base URL and path, or "sink:" and the id
}

// Subscription tells how one subscription stands.
// Error: NotFound.
func (m *Manager) Subscription(id string) (*Standing, error) {
	line := m.book.Line(id)
	if line == nil || line.Now() == nil {
		return nil, noSubscription(id)
	}
	return m.standing(line.Now()), nil
}

// Subscriptions tells how the subscriptions of a system stand, or with "" those of all, in order of system and name.
func (m *Manager) Subscriptions(system string) []*Standing {
	set, _ := m.book.Subscriptions(system)
	list := make([]*Standing, 0, len(set))
	for _, s := range set {
		list = append(list, m.standing(s))
	}
	return list
}

func noSubscription(id string) error {
	return fault.New(fault.NotFound, "there is no subscription %q", id)
}

func (m *Manager) standing(s *subscription.Subscription) *Standing {
	v := &Standing{Subscription: s, Standing: s.State}
	if system, _ := m.book.System(s.System); system != nil && !s.Pulled() {
		v.Endpoint, _ = s.Address(&system.Agreement) // checked when it was put
	}
	scopes := []revision.Scope{revision.Hub, revision.OfSystem(s.System), revision.OfSubscription(s.ID)}
	if !s.Pulled() {
		scopes = append(scopes, revision.OfEndpoint(s.System, v.Endpoint))
	}
	for _, scope := range scopes {
		if pause, _ := m.book.PauseOf(scope); pause != nil {
			v.PausedBy = append(v.PausedBy, scope)
		}
	}
	switch {
	case s.Over(m.clock.Now()):
		v.Standing = subscription.Ended
	case s.State != subscription.Active:
	case len(v.PausedBy) > 0:
		v.Standing = subscription.Paused
	case !s.Pulled() && m.deliveries.Rejecting(s.System, v.Endpoint):
		v.Standing = subscription.Rejecting
	}
	return v
}

// owedTo is how many undelivered messages a subscription has.
func (m *Manager) owedTo(ctx context.Context, system *subscription.System, s *subscription.Subscription) (int64, error) {
	if revision.ScopeOf(system, s) == profile.PerSystem {
		return m.deliveries.Owed(ctx, s.ID)
	}
	return m.deliveries.Pending(revision.ConsumerName(system, s)), nil
}
