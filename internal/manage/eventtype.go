package manage

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// PutType makes an event type or changes it. How its events are ordered and whether they hold personal values is fixed
// once it has a version: the version's mapping is made for it.
// Errors: InvalidDocument, VersionFixed, ReadOnly, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutType(ctx context.Context, t event.Type, by By) (Put, error) {
	return put(ctx, m, by, document[event.Type]{
		kind: revision.Type, act: audit.PutType, subject: t.Name,
		read: func() (*event.Type, int64) { return m.book.Type(t.Name) },
		next: func(*event.Type) *event.Type { return &t },
		check: func(old, next *event.Type) ([]revision.Revision, error) {
			if err := fault.Invalid(fault.InvalidDocument, next.Check()); err != nil || old == nil {
				return nil, err
			}
			return nil, m.checkFixed(old, next)
		},
	})
}

// checkFixed refuses a change of what the type's versions are made for.
func (m *Manager) checkFixed(old, next *event.Type) error {
	if len(m.book.Versions(next.Name)) == 0 {
		return nil
	}
	var found []fault.Violation
	fixed := func(pointer string, same bool) {
		if !same {
			found = append(found, fault.Violation{Pointer: pointer, Rule: "immutable", Message: "cannot change once the type has versions; make a new type"})
		}
	}
	fixed("/order", old.Order == next.Order)
	fixed("/personal", old.Personal == next.Personal)
	return fault.Invalid(fault.VersionFixed, found)
}

// PutVersion makes a version of a type or changes it, and moves it through its states: draft, active, deprecated,
// retired. Once it has been active only state and end date change. Activating one deprecates the one that was active,
// in the same commit, so that a type has one active version at any position (S25).
// Errors: NotFound when there is no such type, InvalidDocument, VersionFixed, Conflict for a step that its state does
// not allow, ReadOnly, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutVersion(ctx context.Context, v event.Version, by By) (Put, error) {
	return put(ctx, m, by, document[event.Version]{
		kind: revision.Version, act: audit.PutVersion, subject: v.Type + "/" + v.Version,
		read: func() (*event.Version, int64) { return m.book.VersionDocument(v.Type, v.Version) },
		next: func(*event.Version) *event.Version { return &v },
		check: func(old, next *event.Version) ([]revision.Revision, error) {
			if err := m.checkVersion(old, next); err != nil {
				return nil, err
			}
			if next.State != event.StateActive || old != nil && old.State == event.StateActive {
				return nil, nil
			}
			return m.deprecate(by.Author, next), nil
		},
	})
}

func (m *Manager) checkVersion(old, next *event.Version) error {
	t, _ := m.book.Type(next.Type)
	if t == nil {
		return fault.New(fault.NotFound, "there is no event type of that name; put the type first")
	}
	if err := checkStep(old, next); err != nil {
		return err
	}
	_, found := event.Compile(t, next, m.opts.Zone)
	return fault.Invalid(fault.InvalidDocument, found)
}

// checkStep says whether the version may take the place of what is there.
func checkStep(old, next *event.Version) error {
	if old == nil {
		if next.State == event.StateDeprecated || next.State == event.StateRetired {
			return fault.New(fault.Conflict, "a version begins as draft or active")
		}
		return nil
	}
	found := next.Follows(old)
	code := fault.Conflict
	if slices.ContainsFunc(found, func(v fault.Violation) bool { return v.Rule == "immutable" }) {
		code = fault.VersionFixed
	}
	return fault.Invalid(code, found)
}

// deprecate makes the revisions by which next becomes the type's only active version.
func (m *Manager) deprecate(author string, next *event.Version) []revision.Revision {
	var revisions []revision.Revision
	for _, v := range m.book.Versions(next.Type) {
		if v.State == event.StateActive && v.Version != next.Version {
			older := *v
			older.State = event.StateDeprecated
			revisions = append(revisions, revision.Of(author, revision.Version, v.Type+"/"+v.Version, older))
		}
	}
	return revisions
}
