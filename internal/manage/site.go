package manage

import (
	"context"
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// PutSite makes a status site or changes it, whole. A site is a source of events, which is made with it. Ids that are left
// out are those of what had the same name before, else new; a new component is operational, unless it stands for a part
// of the hub or is to be read from elsewhere.
// Errors: InvalidDocument, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutSite(ctx context.Context, s status.Site, by By) (Put, error) {
	var result Put
	p, err := m.change(ctx, func() (plan, error) {
		old, position := m.book.Site(s.Name)
		result = Put{Position: position, Created: old == nil}
		next := s
		next.Sections = slices.Clone(s.Sections)
		m.keepIDs(old, &next)
		if old != nil && !by.Condition.Absent && same(old, &next) {
			return plan{}, nil
		}
		if err := by.Condition.check(old != nil, position); err != nil {
			return plan{}, err
		}
		if err := fault.Invalid(fault.InvalidDocument, m.checkSite(&next)); err != nil {
			return plan{}, err
		}
		return m.sitePlan(old, &next, by.Author)
	})
	if err == nil && len(p.revisions) > 0 {
		_, result.Position = m.book.Site(s.Name)
		result.Changed = true
	}
	return result, err
}

func (m *Manager) sitePlan(old, next *status.Site, author string) (plan, error) {
	change := "changed"
	p := plan{entry: audit.Of(author, audit.PutSite, siteSubject(next.Name), audit.Detail{Created: old == nil})}
	source := siteSource(next)
	if current, _ := m.book.Source(source.Name); current == nil || !same(current, source) {
		p.revisions = append(p.revisions, revision.Of(hub, revision.Source, source.Name, source))
	}
	p.revisions = append(p.revisions, revision.Of(author, revision.Site, next.Name, next))
	now := m.nowTime()
	created := now
	if old == nil {
		change = "created"
	} else {
		created = m.book.Board(next.Name).Created
	}
	var begun []*status.Change
	next.Each(func(_ *status.Section, _ *status.Group, c *status.Component) {
		if m.stateless(next.Name, c) {
			begun = append(begun, &status.Change{Component: c.ID, State: status.Operational, At: now, Cause: status.ByHand})
		}
	})
	for _, ch := range begun {
		p.revisions = append(p.revisions, revision.Of(author, revision.State, next.Name+"/"+ch.Component, ch))
	}
	then := status.NewBoard(next, created, now, 0, nil, nil)
	if board := m.book.Board(next.Name); board != nil {
		then = board.On(next, now)
	}
	return p, m.tell(&p, source, then.With(now, begun), siteTold(change, ""))
}

// stateless reports whether nothing is known of a component and nothing but people will say.
func (m *Manager) stateless(site string, c *status.Component) bool {
	if c.Hub != "" {
		return false
	}
	board := m.book.Board(site)
	return board == nil || board.Component(c.ID) == nil || len(board.Component(c.ID).Spans) == 0
}

// keepIDs gives everything its id: the one it had under its name, else a new one. When a component was made, and last
// changed, is the hub's to say.
func (m *Manager) keepIDs(old, next *status.Site) {
	if old == nil {
		old = &status.Site{}
	}
	if next.ID == "" {
		next.ID = keptID(old.ID)
	}
	now := m.nowTime()
	taken := map[string]bool{}
	next.Each(func(_ *status.Section, _ *status.Group, c *status.Component) { taken[c.ID] = c.ID != "" })
	for i := range next.Sections {
		section := &next.Sections[i]
		before := old.Section(section.Name)
		if before == nil {
			before = &status.Section{}
		}
		section.Components = keepComponents(before.Components, slices.Clone(section.Components), old, now, taken)
		section.Groups = slices.Clone(section.Groups)
		for j := range section.Groups {
			group, was := &section.Groups[j], &status.Group{}
			for k := range before.Groups {
				if g := &before.Groups[k]; g.ID == group.ID || group.ID == "" && g.Title.Same(group.Title) {
					was = g
				}
			}
			if group.ID == "" {
				group.ID = keptID(was.ID)
			}
			group.Components = keepComponents(was.Components, slices.Clone(group.Components), old, now, taken)
		}
	}
}

func keptID(old string) string {
	if old != "" {
		return old
	}
	return status.NewID()
}

func keepComponents(before, list []status.Component, old *status.Site, now status.Time, taken map[string]bool) []status.Component {
	for i := range list {
		c := &list[i]
		if c.ID == "" {
			at := slices.IndexFunc(before, func(was status.Component) bool { return was.Title.Same(c.Title) && !taken[was.ID] })
			if at >= 0 {
				c.ID = before[at].ID
			} else {
				c.ID = status.NewID()
			}
			taken[c.ID] = true
		}
		c.Created, c.Updated = now, now
		if was := old.Component(c.ID); was != nil {
			c.Created, c.Updated = was.Created, was.Updated
			if !same(was, c) {
				c.Updated = now
			}
		}
	}
	return list
}

// checkSite holds a site against what else there is: a host name is one site's, and what it stands for must exist.
func (m *Manager) checkSite(s *status.Site) []fault.Violation {
	found := s.Check()
	for i, host := range s.Hosts {
		for _, other := range m.book.Sites() {
			if other.Name != s.Name && slices.Contains(other.Hosts, host) {
				found = append(found, fault.Violation{Pointer: "/hosts/" + strconv.Itoa(i), Rule: "unique", Message: "is a host name of the site " + other.Name})
			}
		}
	}
	return found
}

// RemoveSite takes a site away. What was said on it stays in the log, and comes back with it when it is put again.
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
		return p, m.tell(&p, nil, m.book.Board(name), siteTold("removed", ""))
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
