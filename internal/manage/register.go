package manage

import (
	"context"
	"fmt"
	"slices"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// PutRegister sets a register up or changes it. What tells rows and objects of a type apart stays, and so do the columns that
// are kept: rows that are there were kept by them. Its source and the event types that it derives must be there.
// Errors: InvalidDocument, Conflict, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutRegister(ctx context.Context, r register.Register, by By) (Put, error) {
	return put(ctx, m, by, document[register.Register]{
		kind: revision.Register, act: audit.PutRegister, subject: r.Name,
		read: func() (*register.Register, int64) { return m.book.Register(r.Name) },
		next: func(*register.Register) *register.Register { return &r },
		check: func(old, next *register.Register) ([]revision.Revision, error) {
			if old != nil {
				if err := follows(old, next); err != nil {
					return nil, err
				}
			}
			return nil, fault.Invalid(fault.InvalidDocument, m.checkRegister(next))
		},
	})
}

func (m *Manager) checkRegister(r *register.Register) []fault.Violation {
	found := r.Check()
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if !subscription.IsSlug(r.Name) {
		refuse("/name", "slug", "want 1 to 64 of a-z, 0-9 and '-', beginning with a letter")
	}
	source, _ := m.book.Source(r.Source)
	if source == nil {
		refuse("/source", "exists", "no such source; put the source first")
		return found
	}
	for i := range r.Types {
		for _, kind := range register.EventKinds {
			t := &r.Types[i]
			name := t.Events[kind]
			if name == "" {
				continue // it is needed by the first delivery that asks for one
			}
			at := fmt.Sprintf("/types/%d/events/%s", i, kind)
			if !m.typeExists(name) {
				refuse(at, "exists", "no such event type; put the type first")
			} else if !source.May(name) {
				refuse(at, "not-granted", "the source may not publish this type; list it in the source's types")
			}
		}
	}
	return found
}

// follows refuses what would make rows that are there say something else.
func follows(old, next *register.Register) error {
	if old.Source != next.Source {
		return fault.New(fault.Conflict, "the source of a register cannot change: its events' order and identity hang on it")
	}
	var found []fault.Violation
	for i := range old.Types {
		was := &old.Types[i]
		is := next.Named(was.Name)
		if is == nil {
			found = append(found, fault.Violation{Pointer: "/types", Rule: "kept", Message: "the entity type " + was.Name + " cannot be taken away: rows of it are kept"})
			continue
		}
		if is.Row != was.Row || !slices.Equal(is.Object, was.Object) {
			found = append(found, fault.Violation{Pointer: "/types", Rule: "kept", Message: "what tells rows and objects of " + was.Name + " apart cannot change"})
		}
		for k := range was.Columns {
			c := &was.Columns[k]
			if now, there := is.Column(c.Name); there && now.Personal != c.Personal {
				found = append(found, fault.Violation{Pointer: "/types", Rule: "kept", Message: "whether the column " + c.Name + " of " + was.Name + " is personal cannot change: rows that are there are found by it, or are not"})
			}
		}
	}
	return fault.Invalid(fault.Conflict, found)
}
