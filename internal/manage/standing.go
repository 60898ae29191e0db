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
// Errors: NotFound; as the store's.
func (m *Manager) Subscription(ctx context.Context, id string) (*Standing, error) {
	var s *subscription.Subscription
	if line := m.book.Line(id); line != nil {
		s = line.Now()
	}
	if s == nil {
		return nil, noSubscription(id)
	}
	rejecting, err := m.rejecting(ctx, s.System)
	if err != nil {
		return nil, err
	}
	return m.standing(s, rejecting), nil
}

// Subscriptions tells how the subscriptions of a system stand, or with "" those of all, in order of system and name.
// Errors: as the store's.
func (m *Manager) Subscriptions(ctx context.Context, system string) ([]*Standing, error) {
	rejecting, err := m.rejecting(ctx, system)
	if err != nil {
		return nil, err
	}
	set, _ := m.book.Subscriptions(system)
	list := make([]*Standing, 0, len(set))
	for _, s := range set {
		list = append(list, m.standing(s, rejecting))
	}
	return list, nil
}

// rejecting is the set of endpoints that take nothing until a test passes.
func (m *Manager) rejecting(ctx context.Context, system string) (map[revision.Scope]bool, error) {
	list, err := m.deliveries.Rejecting(ctx, system)
	set := make(map[revision.Scope]bool, len(list))
	for _, endpoint := range list {
		set[endpoint] = true
	}
	return set, err
}

func noSubscription(id string) error {
	return fault.New(fault.NotFound, "there is no subscription %q", id)
}

func (m *Manager) standing(s *subscription.Subscription, rejecting map[revision.Scope]bool) *Standing {
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
	case !s.Pulled() && rejecting[revision.OfEndpoint(s.System, v.Endpoint)]:
		v.Standing = subscription.Rejecting
	}
	return v
}

// owedTo is how many undelivered messages a subscription has.
func (m *Manager) owedTo(ctx context.Context, system *subscription.System, s *subscription.Subscription) (int64, error) {
	if revision.ScopeOf(system, s) == profile.PerSystem {
		return m.deliveries.Owed(ctx, s.ID)
	}
	return m.deliveries.Pending(ctx, revision.ConsumerName(system, s))
}
