package manage

import (
	"context"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// PutContacts changes the contacts of a system and nothing else of its agreement: what a subscriber may do itself
// (S52). The condition is on the system.
// Errors: NotFound, InvalidDocument, ReadOnly, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutContacts(ctx context.Context, system string, contacts subscription.Contacts, by By) (Put, error) {
	return put(ctx, m, by, document[subscription.System]{
		kind: revision.System, act: audit.PutContacts, subject: system,
		read: func() (*subscription.System, int64) { return m.book.System(system) },
		next: func(old *subscription.System) *subscription.System {
			if old == nil {
				return nil
			}
			next := *old
			next.Agreement.Contacts = contacts
			return &next
		},
		check: func(old, next *subscription.System) ([]revision.Revision, error) {
			if old == nil {
				return nil, noSystem(system)
			}
			return nil, fault.Invalid(fault.InvalidDocument, contactsAlone(next.Check(nil)))
		},
	})
}

// contactsAlone keeps the violations of the contacts, with pointers into their document: the rest of the agreement is
// as it was, and not for this caller to mend.
func contactsAlone(found []fault.Violation) (own []fault.Violation) {
	const prefix = "/agreement/contacts"
	for _, v := range found {
		if rest, ok := strings.CutPrefix(v.Pointer, prefix); ok {
			v.Pointer = rest
			own = append(own, v)
		}
	}
	return own
}
