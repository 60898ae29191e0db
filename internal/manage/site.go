package manage

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// PutSite makes a status site or changes it, whole. A site is a source of events, which is made with it. Ids that are left
// out are those of what was called so before, else new, see keeper; a new component is operational, unless it stands for a
// part of the hub. A site that was removed comes back with all that was said on it.
// Errors: InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutSite(ctx context.Context, s status.Site, by By) (Put, error) {
	var result Put
	p, err := m.change(ctx, func() (plan, error) {
		old, position := m.book.Site(s.Name)
		result = Put{Position: position, Created: old == nil}
		before := m.boardBefore(s.Name)
		next := keptIDs(before, s, m.nowTime())
		if old != nil && !by.Condition.Absent && same(old, next) {
			return plan{}, nil
		}
		if err := by.Condition.check(old != nil, position); err != nil {
			return plan{}, err
		}
		if err := fault.Invalid(fault.InvalidDocument, m.checkSite(before, next)); err != nil {
			return plan{}, err
		}
		return m.sitePlan(before, next, old == nil, by.Author)
	})
	if err == nil && len(p.revisions) > 0 {
		result.Position, result.Changed = p.positionOf(revision.Site), true
	}
	return result, err
}

// boardBefore is a site as it stands, or stood when it was removed; nil: there never was one.
func (m *Manager) boardBefore(name string) *status.Board {
	if board := m.book.Board(name); board != nil {
		return board
	}
	return m.book.RemovedBoard(name)
}

// sitePlan puts a site's document in place.
func (m *Manager) sitePlan(before *status.Board, next *status.Site, created bool, author string) (plan, error) {
	change := "changed"
	if created {
		change = "created"
	}
	p := plan{entry: audit.Of(author, audit.PutSite, siteSubject(next.Name), audit.Detail{Created: created})}
	source := siteSource(next)
	if current, _ := m.book.Source(source.Name); current == nil || !same(current, source) {
		p.revisions = append(p.revisions, revision.Of(hub, revision.Source, source.Name, source))
	}
	p.revisions = append(p.revisions, revision.Of(author, revision.Site, next.Name, next))
	now := m.nowTime()
	begun := stateless(before, next, now)
	p.states(next.Name, author, begun...)
	then := status.NewBoard(next, now, now, 0, nil, nil)
	if before != nil {
		then = before.On(next, now)
	}
	return p, m.tell(&p, source, then.With(now, begun), siteTold(change, ""))
}

// stateless are the first states of the components of which nothing is known, and nobody but people will say: they are
// operational.
func stateless(before *status.Board, next *status.Site, now status.Time) (begun []*status.Change) {
	next.Each(func(_ *status.Section, _ *status.Group, c *status.Component) {
		known := before != nil && before.Component(c.ID) != nil && len(before.Component(c.ID).Spans) > 0
		if c.Hub == "" && !known {
			begun = append(begun, &status.Change{Component: c.ID, State: status.Operational, At: now, Cause: status.ByHand})
		}
	})
	return begun
}

// checkSite holds a site against what else there is: a host name and an id are one site's, what is stood for must exist,
// and the site's own id stays. What was so before is not this change's to mend.
func (m *Manager) checkSite(before *status.Board, next *status.Site) []fault.Violation {
	found := next.Check()
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if before != nil && before.Site.ID != next.ID {
		refuse("/id", "fixed", "is another than the site has; leave it out, ids never change")
	}
	own := idsOf(next)
	for _, other := range m.book.Sites() {
		if other.Name == next.Name {
			continue
		}
		for i, host := range next.Hosts {
			if slices.Contains(other.Hosts, host) {
				refuse("/hosts/"+strconv.Itoa(i), "unique", "is a host name of the site "+other.Name)
			}
		}
		for id := range idsOf(other) {
			if pointer, taken := own[id]; taken {
				refuse(pointer, "unique", "is an id on the site "+other.Name+"; leave it out, the hub draws one")
			}
		}
	}
	slices.SortStableFunc(found, func(x, y fault.Violation) int { return strings.Compare(x.Pointer, y.Pointer) })
	return append(found, m.checkParts(before, next)...)
}

// checkParts holds what components stand for to what the hub has.
func (m *Manager) checkParts(before *status.Board, next *status.Site) (found []fault.Violation) {
	each(next, func(pointer string, c *status.Component) {
		if before != nil {
			if was := before.Component(c.ID); was != nil && was.Hub == c.Hub {
				return
			}
		}
		missing := false
		switch part, name, _ := strings.Cut(c.Hub, "/"); part {
		case "source":
			source, _ := m.book.Source(name)
			missing = source == nil
		case "endpoint":
			system, _ := m.book.System(name)
			missing = system == nil
		}
		if missing {
			found = append(found, fault.Violation{Pointer: pointer + "/hub", Rule: "exists", Message: "the hub has no such part"})
		}
	})
	return found
}

// RemoveSite takes a site away, and ends the pauses of its maintenances. What was said on it stays in the log, and comes
// back with it when it is put again.
// Errors: NotFound, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) RemoveSite(ctx context.Context, name string, by By) error {
	_, err := m.change(ctx, func() (plan, error) {
		old, position := m.book.Site(name)
		if old == nil {
			return plan{}, noSite(name)
		}
		if err := by.Condition.check(true, position); err != nil {
			return plan{}, err
		}
		p := plan{
			revisions: []revision.Revision{revision.Removal(by.Author, revision.Site, name)},
			entry:     audit.Of(by.Author, audit.RemoveSite, siteSubject(name), audit.Detail{}),
		}
		board := m.book.Board(name)
		p.revisions = append(p.revisions, m.endPauses(func(notice, _ string) bool { return board.Notice(notice) != nil }, func(n *status.Notice) bool { return n.Site == name })...)
		return p, m.tell(&p, nil, board, siteTold("removed", ""))
	})
	return err
}

// siteSource is a site as a source of events.
func siteSource(s *status.Site) *event.Source {
	title, _ := s.Say(s.Title, status.English)
	return &event.Source{
		Name: status.SourceName(s.Name), URI: status.SourceURI(s.Name), Title: title,
		Types: []string{status.ComponentChanged, status.NoticeChanged, status.MessageChanged, status.SiteChanged},
	}
}

func (m *Manager) nowTime() status.Time { return status.At(m.clock.Now()) }

func noSite(name string) error { return fault.New(fault.NotFound, "there is no site %q", name) }

func siteSubject(name string) string { return "site/" + name }
