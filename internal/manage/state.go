package manage

import (
	"context"
	"net/url"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Activate lets a deactivated subscription send again, and takes a draft into use: where the profile demands tests it
// is untested then, else active. An active one stays as it is.
// Errors: NotFound, Conflict for one that waits for its test, StorageFull, ShuttingDown.
func (m *Manager) Activate(ctx context.Context, id, author string) (*Standing, error) {
	return m.restate(ctx, id, author, audit.Activate, func(s *subscription.Subscription, tests bool) error {
		switch {
		case s.State == subscription.Untested:
			return fault.New(fault.Conflict, "the subscription is untested: a passed test activates it")
		case s.State == subscription.Draft && tests && !s.Pulled():
			s.State = subscription.Untested
		default:
			s.State, s.Reason = subscription.Active, ""
		}
		return nil
	})
}

// Deactivate stops a subscription's sending: what is for it is kept until it is activated again.
// Errors: NotFound, Conflict for one that was never active, StorageFull, ShuttingDown.
func (m *Manager) Deactivate(ctx context.Context, id, author, reason string) (*Standing, error) {
	return m.restate(ctx, id, author, audit.Deactivate, func(s *subscription.Subscription, _ bool) error {
		switch s.State {
		case subscription.Active:
			s.State, s.Reason = subscription.Deactivated, reason
		case subscription.Deactivated:
		default:
			return fault.New(fault.Conflict, "the subscription is %s and sends nothing; only an active one is deactivated", s.State)
		}
		return nil
	})
}

// restate changes one subscription, and tells how it stands then.
func (m *Manager) restate(ctx context.Context, id, author string, act audit.Act, change func(s *subscription.Subscription, tests bool) error) (*Standing, error) {
	_, err := m.change(ctx, func() (plan, error) {
		revisions, err := m.restated(id, author, change)
		if err != nil || len(revisions) == 0 {
			return plan{}, err
		}
		return plan{revisions: revisions, entry: audit.Of(author, act, subscriptionSubject(id), audit.Detail{})}, nil
	})
	if err != nil {
		return nil, err
	}
	return m.Subscription(ctx, id)
}

// restated is the revision that a change of one subscription makes; none when it is so already.
func (m *Manager) restated(id, author string, change func(s *subscription.Subscription, tests bool) error) ([]revision.Revision, error) {
	line := m.book.Line(id)
	if line == nil || line.Now() == nil {
		return nil, noSubscription(id)
	}
	old := line.Now()
	system, _ := m.book.System(old.System)
	if system == nil {
		return nil, noSystem(old.System)
	}
	next := *old
	if err := change(&next, system.Agreement.Policy().RequireTest); err != nil || same(old, &next) {
		return nil, err
	}
	return []revision.Revision{revision.Of(author, revision.Subscription, id, next)}, nil
}

// subscriptionSubject is what the audit log calls a subscription.
func subscriptionSubject(id string) string { return string(revision.OfSubscription(id)) }

// Revise changes a subscription by the engine's decision; one that was removed meanwhile stays removed. It is the
// engine's Options.Revise.
func (m *Manager) Revise(ctx context.Context, line *revision.Line, change func(*subscription.Subscription)) error {
	_, err := m.restate(ctx, line.ID, hub, audit.Deactivate, func(s *subscription.Subscription, _ bool) error {
		change(s)
		return nil
	})
	if fault.Has(err, fault.NotFound) {
		return nil
	}
	return err
}

// Pause stops everything in a scope from being sent; it is matched and kept all the same (S56). Pausing what is paused
// changes nothing, but one that a maintenance began does not end with it any more.
// Errors: NotFound when the scope names nothing, StorageFull, ShuttingDown.
func (m *Manager) Pause(ctx context.Context, scope revision.Scope, author, reason string) error {
	_, err := m.change(ctx, func() (plan, error) {
		if err := m.checkScope(scope); err != nil {
			return plan{}, err
		}
		if pause, _ := m.book.PauseOf(scope); pause != nil && pause.Notice == "" {
			return plan{}, nil
		}
		return plan{
			revisions: []revision.Revision{revision.Of(author, revision.Pause, string(scope), revision.PauseDocument{Reason: reason})},
			entry:     audit.Of(author, audit.Pause, scopeSubject(scope), audit.Detail{}),
		}, nil
	})
	return err
}

// Resume ends the pause of a scope: the backlog goes first, in order. Wider and narrower pauses stay. Resuming what is
// not paused changes nothing.
// Errors: NotFound when the scope names nothing and is not paused, StorageFull, ShuttingDown.
func (m *Manager) Resume(ctx context.Context, scope revision.Scope, author string) error {
	_, err := m.change(ctx, func() (plan, error) {
		if pause, _ := m.book.PauseOf(scope); pause == nil {
			return plan{}, m.checkScope(scope)
		}
		return plan{
			revisions: []revision.Revision{revision.Removal(author, revision.Pause, string(scope))},
			entry:     audit.Of(author, audit.Resume, scopeSubject(scope), audit.Detail{}),
		}, nil
	})
	return err
}

// scopeSubject is what the audit log calls a scope: an endpoint without the path of its URL, which may be a secret
// between the hub and the receiver. The revision has all of it.
func scopeSubject(scope revision.Scope) string {
	rest, ok := strings.CutPrefix(string(scope), "endpoint/")
	if !ok {
		return string(scope)
	}
	system, address, _ := strings.Cut(rest, "/")
	host := ""
	if u, err := url.Parse(address); err == nil {
		host = u.Scheme + "://" + u.Host
	}
	return string(revision.OfEndpoint(system, host))
}

// checkScope says whether a scope names something that can be paused.
func (m *Manager) checkScope(scope revision.Scope) error {
	kind, rest, _ := strings.Cut(string(scope), "/")
	switch kind {
	case string(revision.Hub):
		if rest == "" {
			return nil
		}
	case "system":
		if system, _ := m.book.System(rest); system == nil {
			return noSystem(rest)
		}
		return nil
	case "subscription":
		if line := m.book.Line(rest); line == nil || line.Now() == nil {
			return noSubscription(rest)
		}
		return nil
	case "endpoint":
		system, url, _ := strings.Cut(rest, "/")
		return m.checkEndpoint(system, url)
	}
	return fault.New(fault.NotFound, "a pause is of hub, system/NAME, subscription/ID or endpoint/SYSTEM/URL")
}

func (m *Manager) checkEndpoint(system, url string) error {
	doc, _ := m.book.System(system)
	if doc == nil {
		return noSystem(system)
	}
	set, _ := m.book.Subscriptions(system)
	for _, s := range set {
		if own, err := s.Address(&doc.Agreement); err == nil && own == url {
			return nil
		}
	}
	return fault.New(fault.NotFound, "no subscription of %s sends to that URL", system)
}
