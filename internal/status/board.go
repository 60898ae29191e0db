package status

import (
	"cmp"
	"slices"
)

// Board is a site as it stands at one moment. It never changes: a change makes another. Pages, feeds and the read API are
// made from it alone, so that none of them asks a database.
type Board struct {
	Site       *Site
	Position   int64       // in the log, of the newest change that is in it
	Updated    Time        // when that was
	Created    Time        // when the site was first put
	Components []*Standing // in the order of the page
	Notices    []*Notice   // newest first, by Created

	byID    map[string]*Standing
	changes map[string][]*Change
}

// Standing is a component and how it does.
type Standing struct {
	*Component
	Section  *Section
	Group    *Group // nil: none
	Position int    // among those of its parent that something was ever known of, from 1; 0: nothing was of this one
	State    State
	Last     State // the last state that was known; NoData: none ever was
	Reason   Text
	Since    Time
	Changed  Time   // when it or its state was last changed
	Spans    []Span // its states, oldest first
	Version  int64  // position of the newest revision of its state; 0: there is none
}

// NewBoard puts a board together. changes are each component's, in any order; notices are the site's.
func NewBoard(site *Site, created, updated Time, position int64, changes map[string][]*Change, notices []*Notice) *Board {
	b := &Board{Site: site, Position: position, Updated: updated, Created: created, byID: map[string]*Standing{}, changes: changes}
	positions := map[any]int{}
	site.Each(func(section *Section, group *Group, c *Component) {
		s := &Standing{Component: c, Section: section, Group: group}
		parent := any(group)
		if group == nil {
			parent = section
		}
		s.settle(changes[c.ID])
		if s.Last != NoData {
			positions[parent]++
			s.Position = positions[parent]
		}
		b.Components = append(b.Components, s)
		b.byID[c.ID] = s
	})
	b.Notices = slices.Clone(notices)
	slices.SortStableFunc(b.Notices, func(x, y *Notice) int {
		return cmp.Or(cmp.Compare(y.Created, x.Created), cmp.Compare(y.ID, x.ID))
	})
	return b
}

// With is the board as it will be once some changes and notices, new or in place of what they were, are in the log. It is
// of now, as this machine has it: when it is recorded the log draws, a moment later.
func (b *Board) With(now Time, changes []*Change, notices ...*Notice) *Board {
	all := make(map[string][]*Change, len(b.changes))
	for id, list := range b.changes {
		all[id] = list[:len(list):len(list)]
	}
	for _, ch := range changes {
		all[ch.Component] = append(all[ch.Component], ch)
	}
	kept := slices.DeleteFunc(slices.Clone(b.Notices), func(n *Notice) bool {
		return slices.ContainsFunc(notices, func(next *Notice) bool { return next.ID == n.ID })
	})
	return NewBoard(b.Site, b.Created, max(now, b.Updated), b.Position, all, append(kept, notices...))
}

// Without is the board as it will be once a notice is not on it any more.
func (b *Board) Without(notice string) *Board {
	kept := slices.DeleteFunc(slices.Clone(b.Notices), func(n *Notice) bool { return n.ID == notice })
	return NewBoard(b.Site, b.Created, b.Updated, b.Position, b.changes, kept)
}

// settle makes spans of changes. Of those at the same moment the later one counts.
func (s *Standing) settle(changes []*Change) {
	s.State, s.Last, s.Changed = NoData, NoData, s.Updated
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(x, y *Change) int { return cmp.Compare(x.At, y.At) })
	for _, ch := range sorted {
		span := Span{From: ch.At, State: ch.State, Reason: ch.Reason, Cause: ch.Cause, Notice: ch.Notice}
		if n := len(s.Spans); n > 0 && s.Spans[n-1].From == ch.At {
			s.Spans[n-1] = span
		} else {
			s.Spans = append(s.Spans, span)
		}
	}
	for i := range s.Spans {
		span := &s.Spans[i]
		if i == 0 || s.State != span.State {
			s.Since = span.From
		}
		s.State, s.Reason = span.State, span.Reason
		if span.State != NoData {
			s.Last = span.State
		}
		s.Changed = max(s.Changed, span.From)
	}
	for _, ch := range changes {
		s.Version = max(s.Version, ch.Version)
	}
}

// Shown reports whether pages show the component now.
func (s *Standing) Shown() bool { return !s.OnlyIfDegraded || s.State != Operational }

// Component finds a component by its id, or nil.
func (b *Board) Component(id string) *Standing { return b.byID[id] }

// Notice finds a notice by its id, or nil.
func (b *Board) Notice(id string) *Notice {
	if at := slices.IndexFunc(b.Notices, func(n *Notice) bool { return n.ID == id }); at >= 0 {
		return b.Notices[at]
	}
	return nil
}

// In lists the components of a section; of all with "".
func (b *Board) In(section string) []*Standing {
	if section == "" {
		return b.Components
	}
	return slices.DeleteFunc(slices.Clone(b.Components), func(s *Standing) bool { return s.Section.Name != section })
}

// About lists the notices of the given kinds that concern a section, or any with ""; of all kinds with none.
func (b *Board) About(section string, kinds ...Kind) []*Notice {
	var list []*Notice
	for _, n := range b.Notices {
		if (len(kinds) == 0 || slices.Contains(kinds, n.Kind)) && b.Concerns(n, section) {
			list = append(list, n)
		}
	}
	return list
}

// Concerns reports whether a notice is about a section: it names it, affects something in it, or is about everything.
func (b *Board) Concerns(n *Notice, section string) bool {
	if section == "" || n.Everywhere() || slices.Contains(n.Sections, section) {
		return true
	}
	return slices.ContainsFunc(n.Components, func(id string) bool {
		s := b.byID[id]
		return s != nil && s.Section.Name == section
	})
}

// Open lists the notices of a section that are current.
func (b *Board) Open(section string, kinds ...Kind) []*Notice {
	return slices.DeleteFunc(b.About(section, kinds...), func(n *Notice) bool { return !n.Open() })
}

// Upcoming lists maintenances that are still to come, the next first.
func (b *Board) Upcoming(section string) []*Notice {
	list := slices.DeleteFunc(b.About(section, Planned), func(n *Notice) bool { return n.Stage != Scheduled })
	slices.SortStableFunc(list, func(x, y *Notice) int { return cmp.Compare(x.Starts, y.Starts) })
	return list
}

// StatesOf are the states of components, as they count for a headline. The last that was known counts where nothing is:
// clients of the Statuspage API have no word for it (reference 2.8).
func StatesOf(components []*Standing) []State {
	states := make([]State, 0, len(components))
	for _, s := range components {
		states = append(states, s.Last)
	}
	return states
}

// Headline is the top-level status of a section, or of the site with "", as the Statuspage API has it.
func (b *Board) Headline(section string) Headline {
	return HeadlineOf(StatesOf(b.In(section)), b.Open(section))
}

// PageHeadline is the headline as pages show it. What is not known now is not counted as what it was.
func (b *Board) PageHeadline(section string) Headline {
	var states []State
	for _, s := range b.In(section) {
		states = append(states, s.State)
	}
	open := b.Open(section)
	return HeadlineOf(states, open).OnPage(states, open)
}

// GroupState is the worst of a group's components.
func (b *Board) GroupState(g *Group) State {
	worst := NoData
	for i := range g.Components {
		if s := b.byID[g.Components[i].ID]; s != nil {
			worst = Worst(worst, s.State)
		}
	}
	return worst
}

// Due is when something of the site next starts or ends by itself, or 0: a maintenance, or what is shown for a time.
func (b *Board) Due() Time {
	var next Time
	for _, n := range b.Notices {
		if at := n.Due(); at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}

// Due is when the notice next moves on by itself, or 0.
func (n *Notice) Due() Time {
	switch {
	case n.Stage.Over() || n.Kind == Incident || n.ByHand && n.Kind == Planned:
		return 0
	case n.Stage.Ahead():
		return n.Starts
	}
	return n.Ends
}

// On is the board with another document of its site.
func (b *Board) On(site *Site, now Time) *Board {
	return NewBoard(site, b.Created, max(now, b.Updated), b.Position, b.changes, b.Notices)
}

// AffectedBy lists the components of a notice that are on the site, as an event has them.
func (b *Board) AffectedBy(n *Notice) []ComponentAs {
	list := []ComponentAs{}
	for _, s := range b.Components {
		if slices.Contains(n.Components, s.ID) {
			list = append(list, b.As(s))
		}
	}
	return list
}

// SaidOf is what the notices that are open, but one, last said of a component: the worst of it, and which of them said so.
// Without any it is operational.
func (b *Board) SaidOf(component, but string) (worst State, by *Notice) {
	worst = Operational
	for _, n := range b.Open("", Incident, Planned) {
		if n.ID == but {
			continue
		}
		said := NoData
		for i := range n.Updates {
			for _, a := range n.Updates[i].Affected {
				if a.Component == component {
					said = a.To
				}
			}
		}
		if said.Worse(worst) {
			worst, by = said, n
		}
	}
	return worst, by
}
