package manage

import (
	"context"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// everything is the name that stands for all types or all sources in a grant.
const everything = "*"

// PutSource registers a source or changes it. Its URI stays: the order and the identity of its events hang on it.
// Errors: InvalidDocument, Conflict, ReadOnly, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutSource(ctx context.Context, s event.Source, by By) (Put, error) {
	return put(ctx, m, by, document[event.Source]{
		kind: revision.Source, act: audit.PutSource, subject: s.Name,
		read: func() (*event.Source, int64) { return m.book.Source(s.Name) },
		next: func(*event.Source) *event.Source { return &s },
		check: func(old, next *event.Source) ([]revision.Revision, error) {
			if old != nil && old.URI != next.URI {
				return nil, fault.New(fault.Conflict, "the URI of a source cannot change: its events' order and identity hang on it; register another source")
			}
			return nil, fault.Invalid(fault.InvalidDocument, m.checkSource(next))
		},
	})
}

func (m *Manager) checkSource(s *event.Source) []fault.Violation {
	found := s.Check()
	if other := m.book.SourceAt(s.URI); other != nil && other.Name != s.Name {
		found = append(found, fault.Violation{Pointer: "/uri", Rule: "unique", Message: "is the URI of the source " + other.Name})
	}
	for i, name := range s.Types {
		if name != everything && !m.typeExists(name) {
			found = append(found, fault.Violation{Pointer: "/types/" + strconv.Itoa(i), Rule: "exists", Message: "no such event type; put the type first"})
		}
	}
	if s.Stream != nil {
		found = append(found, m.checkStream(s)...)
	}
	return found
}

// checkStream holds a source's stream to what the hub may call and to what the source may publish.
func (m *Manager) checkStream(s *event.Source) (found []fault.Violation) {
	if p := s.Stream.JSON; p != nil && !s.May(p.Type) {
		found = append(found, fault.Violation{Pointer: "/stream/json/type", Rule: "not-granted", Message: "the source may not publish this type; list it in types"})
	}
	if m.opts.CheckURL == nil {
		return found
	}
	for i, server := range s.Stream.Broker.Servers {
		if err := m.opts.CheckURL(event.BrokerURL(s.Stream.Kind, server, s.Stream.Broker.PlainText)); err != nil {
			found = append(found, fault.Violation{Pointer: "/stream/broker/servers/" + strconv.Itoa(i), Rule: "egress", Message: fault.Of(err).Detail})
		}
	}
	return found
}

func (m *Manager) typeExists(name string) bool {
	t, _ := m.book.Type(name)
	return t != nil
}
