package manage

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// PutExtract sets an extract up or changes when and how it is made (F43). What it is of, and for whom, stays: its files, and
// what a delta goes on from, are of that.
// Errors: InvalidDocument, Conflict, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutExtract(ctx context.Context, x register.Extract, by By) (Put, error) {
	return put(ctx, m, by, document[register.Extract]{
		kind: revision.Extract, act: audit.PutExtract, subject: x.Name,
		read: func() (*register.Extract, int64) { return m.book.Extract(x.Name) },
		next: func(*register.Extract) *register.Extract { return &x },
		check: func(old, next *register.Extract) ([]revision.Revision, error) {
			if old != nil && !old.SameSubset(next) {
				return nil, fault.New(fault.Conflict, "what an extract takes, and for which system, cannot change: make another extract")
			}
			return nil, fault.Invalid(fault.InvalidDocument, m.checkExtract(next))
		},
	})
}

func (m *Manager) checkExtract(x *register.Extract) []fault.Violation {
	found := x.Check()
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if !subscription.IsSlug(x.Name) {
		refuse("/name", "slug", "want 1 to 64 of a-z, 0-9 and '-', beginning with a letter")
	}
	system, _ := m.book.System(x.System)
	if system == nil {
		refuse("/system", "exists", "no such system; put the system first")
	}
	reg, _ := m.book.Register(x.Register)
	if reg == nil {
		refuse("/register", "exists", "no such register; put the register first")
		return found
	}
	if system != nil && !system.Agreement.GrantsSource(reg.Source) {
		refuse("/register", "not-granted", "the system's agreement does not grant the register's source")
	}
	t := reg.Named(x.Type)
	if t == nil {
		refuse("/type", "exists", "the register has no entity type of that name")
	} else if len(x.Object) > 0 && len(x.Object) != len(t.Object) {
		refuse("/object", "count", "want a value for each of the columns that tell objects of this type apart")
	}
	return found
}

// RemoveExtract ends an extract. Its files go with it.
// Errors: NotFound, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) RemoveExtract(ctx context.Context, name string, by By) error {
	_, err := m.change(ctx, func() (plan, error) {
		x, position := m.book.Extract(name)
		if x == nil {
			return plan{}, noExtract()
		}
		if err := by.Condition.check(true, position); err != nil {
			return plan{}, err
		}
		return plan{
			revisions: []revision.Revision{revision.Removal(by.Author, revision.Extract, name)},
			entry:     audit.Of(by.Author, audit.RemoveExtract, extractSubject(name), audit.Detail{}),
		}, nil
	})
	return err
}

// OrderExtract has an extract made now, besides when its schedule says so. An order that is not carried out yet is not given
// twice.
// Errors: NotFound, StorageFull, ShuttingDown.
func (m *Manager) OrderExtract(ctx context.Context, author, name string) error {
	_, err := m.change(ctx, func() (plan, error) {
		state := m.book.ExtractState(name)
		if state.Extract == nil {
			return plan{}, noExtract()
		}
		if state.Pending() {
			return plan{}, nil
		}
		return plan{
			revisions: []revision.Revision{revision.Of(author, revision.ExtractOrder, name, struct{}{})},
			entry:     audit.Of(author, audit.RunExtract, extractSubject(name), audit.Detail{}),
		}, nil
	})
	return err
}

// extractsOf names the extracts that a system gets.
func (m *Manager) extractsOf(system string) []string {
	var names []string
	for _, x := range m.book.Extracts() {
		if x.System == system {
			names = append(names, x.Name)
		}
	}
	return slices.Clip(names)
}

func extractSubject(name string) string { return string(revision.Extract) + "/" + name }

func noExtract() error { return fault.New(fault.NotFound, "there is no extract of that name") }
