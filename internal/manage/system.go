package manage

import (
	"context"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// PutSystem makes a receiving system with its agreement (S2, S5), or changes them. The profile stays while the system
// has subscriptions: their consumers are its. Signing keys are the hub's; what the document says of them must be what
// is there, or nothing. A narrower grant works at once: what it no longer covers ends as withheld (DESIGN promise 8).
// Errors: InvalidDocument, Conflict, ReadOnly, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutSystem(ctx context.Context, s subscription.System, by By) (Put, error) {
	given := s.Signing
	return put(ctx, m, by, document[subscription.System]{
		kind: revision.System, act: audit.PutSystem, subject: s.Name,
		read: func() (*subscription.System, int64) { return m.book.System(s.Name) },
		next: func(old *subscription.System) *subscription.System {
			if s.Signing = given; given == nil && old != nil {
				s.Signing = old.Signing
			}
			return &s
		},
		check: func(old, next *subscription.System) ([]revision.Revision, error) {
			if err := m.checkKept(old, next); err != nil {
				return nil, err
			}
			found := append(next.Check(m.opts.CheckURL), m.checkSources(next)...)
			return nil, fault.Invalid(fault.InvalidDocument, found)
		},
	})
}

// checkKept refuses changes of what a system keeps.
func (m *Manager) checkKept(old, next *subscription.System) error {
	if old == nil {
		old = &subscription.System{Agreement: next.Agreement}
	}
	if len(next.Signing)+len(old.Signing) > 0 && !same(old.Signing, next.Signing) {
		return fault.New(fault.ReadOnly, "the hub keeps the list of signing keys; leave it out, and change keys through signing-keys")
	}
	if set, _ := m.book.Subscriptions(next.Name); len(set) > 0 && old.Agreement.Profile != next.Agreement.Profile {
		return fault.New(fault.Conflict, "the profile cannot change while the system has %d subscriptions", len(set))
	}
	return nil
}

func (m *Manager) checkSources(s *subscription.System) []fault.Violation {
	var found []fault.Violation
	for i, name := range s.Agreement.Sources {
		if known, _ := m.book.Source(name); name != everything && known == nil {
			found = append(found, fault.Violation{Pointer: "/agreement/sources/" + strconv.Itoa(i), Rule: "exists", Message: "no such source; register it first"})
		}
	}
	return found
}

// Removal is what went with a system.
type Removal struct {
	Subscriptions int   `json:"subscriptions"`
	Drop          int64 `json:"drop"` // undelivered messages
}

// RemoveSystem ends the agreement with a system. Its subscriptions go with it when drop names exactly how many
// undelivered messages they have; a system without subscriptions needs no drop.
// Errors: NotFound, ReadOnly, Precondition, NeedsIfMatch, DropCount, StorageFull, ShuttingDown.
func (m *Manager) RemoveSystem(ctx context.Context, name string, by By, drop *int64) (Removal, error) {
	if err := checkOurs(name); err != nil {
		return Removal{}, err
	}
	var removal Removal
	var keys []subscription.SigningKey
	_, err := m.change(ctx, func() (plan, error) {
		system, position := m.book.System(name)
		if system == nil {
			return plan{}, noSystem(name)
		}
		if err := by.Condition.check(true, position); err != nil {
			return plan{}, err
		}
		set, _ := m.book.Subscriptions(name)
		owed, err := m.owed(ctx, system, set)
		if err != nil {
			return plan{}, err
		}
		removal, keys = Removal{Subscriptions: len(set), Drop: owed}, system.Signing
		if len(set) > 0 {
			if err := agreesToDrop(drop, owed, true); err != nil {
				return plan{}, err
			}
		}
		p := plan{entry: audit.Of(by.Author, audit.RemoveSystem, systemSubject(name), audit.Detail{Removed: len(set), Dropped: owed})}
		for _, s := range set {
			p.revisions = append(p.revisions, revision.Removal(by.Author, revision.Subscription, s.ID))
		}
		for _, extract := range m.extractsOf(name) {
			p.revisions = append(p.revisions, revision.Removal(by.Author, revision.Extract, extract))
		}
		p.revisions = append(p.revisions, revision.Removal(by.Author, revision.System, name))
		return p, nil
	})
	if err != nil {
		return Removal{}, err
	}
	m.forget(ctx, keys)
	return removal, nil
}

// systemSubject is what the audit log calls a system.
func systemSubject(name string) string { return string(revision.System) + "/" + name }

func noSystem(name string) error { return fault.New(fault.NotFound, "there is no system %q", name) }

// owed is how many undelivered messages would go with some of a system's subscriptions.
func (m *Manager) owed(ctx context.Context, system *subscription.System, going []*subscription.Subscription) (int64, error) {
	if len(going) == 0 {
		return 0, nil
	}
	if err := m.deliveries.Reached(ctx, m.log.Head()); err != nil {
		return 0, fault.Wrap(fault.ShuttingDown, err, "gave up counting the undelivered messages; nothing was changed")
	}
	var total int64
	for _, s := range going {
		count, err := m.owedTo(ctx, system, s)
		if err != nil {
			return 0, err
		}
		total += count
	}
	return total, nil
}

// agreesToDrop holds the count that the caller has seen against the count there is.
func agreesToDrop(drop *int64, owed int64, asked bool) error {
	if drop == nil && owed == 0 && !asked || drop != nil && *drop == owed {
		return nil
	}
	return fault.New(fault.DropCount, "%d undelivered messages would be dropped", owed).With("drop", owed)
}
