package manage

import (
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/status"
)

// keeper gives everything on a site its id: where one is left out that of what stood in the same place under the same name,
// else, of a component that was moved within its section, that of the one that was called so there, else a new one. What
// people subscribe to, and what is known of the past, hangs on ids.
type keeper struct {
	old   *status.Site
	taken map[string]bool // ids that are something's already
}

// keptIDs is a site as it is put, with every id, and when its components were made and last changed.
func keptIDs(before *status.Board, s status.Site, now status.Time) *status.Site {
	k := keeper{old: &status.Site{}, taken: map[string]bool{}}
	if before != nil {
		k.old = before.Site
	}
	next := clonedSite(&s)
	if next.ID == "" {
		next.ID = k.old.ID
	}
	if next.ID == "" {
		next.ID = status.NewID()
	}
	for id := range idsOf(next) {
		k.taken[id] = true
	}
	for i := range next.Sections {
		if was := k.old.Section(next.Sections[i].Name); was != nil {
			k.section(was, &next.Sections[i])
		}
	}
	next.Each(func(_ *status.Section, group *status.Group, c *status.Component) {
		if group != nil && group.ID == "" {
			group.ID = status.NewID()
		}
		if c.ID == "" {
			c.ID = status.NewID()
		}
		c.Created, c.Updated = now, now
		if was := k.old.Component(c.ID); was != nil {
			c.Created, c.Updated = was.Created, was.Updated
			if !same(was, c) {
				c.Updated = now
			}
		}
	})
	return next
}

// clonedSite is a site whose sections, groups and components may be changed.
func clonedSite(s *status.Site) *status.Site {
	next := *s
	next.Sections = slices.Clone(s.Sections)
	for i := range next.Sections {
		section := &next.Sections[i]
		section.Components, section.Groups = slices.Clone(section.Components), slices.Clone(section.Groups)
		for j := range section.Groups {
			section.Groups[j].Components = slices.Clone(section.Groups[j].Components)
		}
	}
	return &next
}

func (k *keeper) section(was, next *status.Section) {
	k.components(was.Components, next.Components)
	for i := range next.Groups {
		group := &next.Groups[i]
		if before := k.group(was.Groups, group); before != nil {
			group.ID, k.taken[before.ID] = before.ID, true
			k.components(before.Components, group.Components)
		}
	}
	moved := slices.Clone(was.Components)
	for i := range was.Groups {
		moved = append(moved, was.Groups[i].Components...)
	}
	k.moved(moved, next.Components)
	for i := range next.Groups {
		k.moved(moved, next.Groups[i].Components)
	}
}

// group finds the group that one was before.
func (k *keeper) group(was []status.Group, next *status.Group) *status.Group {
	for i := range was {
		if g := &was[i]; g.ID == next.ID || next.ID == "" && !k.taken[g.ID] && alike(g.Title, next.Title) {
			return g
		}
	}
	return nil
}

// components gives those of one place their ids: first those that are called exactly as one was, then those whose name was
// written in more languages, or fewer.
func (k *keeper) components(was, next []status.Component) {
	for _, called := range []func(t, u status.Text) bool{status.Text.Same, alike} {
		for i := range next {
			c := &next[i]
			if c.ID != "" {
				continue
			}
			if at := slices.IndexFunc(was, func(w status.Component) bool { return !k.taken[w.ID] && called(w.Title, c.Title) }); at >= 0 {
				c.ID, k.taken[was[at].ID] = was[at].ID, true
			}
		}
	}
}

// moved gives those their ids that were elsewhere in the section, where there is no doubt which they were.
func (k *keeper) moved(was, next []status.Component) {
	for i := range next {
		c, candidates := &next[i], []string(nil)
		for j := range was {
			if !k.taken[was[j].ID] && alike(was[j].Title, c.Title) {
				candidates = append(candidates, was[j].ID)
			}
		}
		if c.ID == "" && len(candidates) == 1 {
			c.ID, k.taken[candidates[0]] = candidates[0], true
		}
	}
}

// alike reports whether two names say the same in every language that both are in, and both are in one.
func alike(t, u status.Text) bool {
	shared := false
	for language, text := range t {
		if other := u[language]; text != "" && other != "" {
			if text != other {
				return false
			}
			shared = true
		}
	}
	return shared
}

// each calls visit for every component with its place in the document.
func each(s *status.Site, visit func(pointer string, c *status.Component)) {
	for i := range s.Sections {
		section, at := &s.Sections[i], "/sections/"+strconv.Itoa(i)
		for j := range section.Components {
			visit(at+"/components/"+strconv.Itoa(j), &section.Components[j])
		}
		for j := range section.Groups {
			for k := range section.Groups[j].Components {
				visit(at+"/groups/"+strconv.Itoa(j)+"/components/"+strconv.Itoa(k), &section.Groups[j].Components[k])
			}
		}
	}
}

// idsOf are the ids on a site, with where they stand in its document.
func idsOf(s *status.Site) map[string]string {
	ids := map[string]string{s.ID: "/id"}
	for i := range s.Sections {
		for j := range s.Sections[i].Groups {
			ids[s.Sections[i].Groups[j].ID] = "/sections/" + strconv.Itoa(i) + "/groups/" + strconv.Itoa(j) + "/id"
		}
	}
	each(s, func(pointer string, c *status.Component) { ids[c.ID] = pointer + "/id" })
	delete(ids, "")
	return ids
}
