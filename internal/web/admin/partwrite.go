package admin

import (
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/status"
)

// readPart writes what is typed of a part into a site, and returns the part's id.
// Error: NotFound.
func (v *visit) readPart(f *form, site *status.Site, part, id string) (string, error) {
	switch part {
	case aSection:
		return v.readSection(f, site, id)
	case aGroup:
		return v.readGroup(f, site, id)
	case aComponent:
		return v.readComponent(f, site, id)
	}
	return "", notFound()
}

func (v *visit) readSection(f *form, site *status.Site, id string) (string, error) {
	if id == isNew {
		site.Sections = append(site.Sections, status.Section{})
		id = ""
	}
	section := site.Section(id)
	if section == nil {
		return "", notFound()
	}
	section.Name, section.Title, section.Description = f.text("name"), f.texts("title"), f.texts("description")
	return section.Name, nil
}

func (v *visit) readGroup(f *form, site *status.Site, id string) (string, error) {
	group := status.Group{ID: status.NewID(), Components: []status.Component{{ID: status.NewID(), Title: f.texts("first")}}}
	if id != isNew {
		taken, found := takeGroup(site, id)
		if !found {
			return "", notFound()
		}
		group = taken
	}
	group.Title, group.Description = f.texts("title"), f.texts("description")
	section := site.Section(f.text("in"))
	if section == nil {
		f.refuse("in", "exists")
		return group.ID, nil
	}
	at := len(section.Groups)
	if was := v.groupPlace(id); was.section == section.Name {
		at = min(at, was.at)
	}
	section.Groups = slices.Insert(section.Groups, at, group)
	return group.ID, nil
}

// takeGroup takes a group out of where it stands.
func takeGroup(site *status.Site, id string) (taken status.Group, found bool) {
	for i := range site.Sections {
		section := &site.Sections[i]
		if at := slices.IndexFunc(section.Groups, func(g status.Group) bool { return g.ID == id }); at >= 0 {
			taken, found = section.Groups[at], true
			section.Groups = slices.Delete(section.Groups, at, at+1)
		}
	}
	return taken, found
}

// standsAt is where something stands in its list.
type standsAt struct {
	section string
	at      int
}

func (v *visit) groupPlace(id string) (p standsAt) {
	for i := range v.site.Sections {
		for j := range v.site.Sections[i].Groups {
			if v.site.Sections[i].Groups[j].ID == id {
				p = standsAt{v.site.Sections[i].Name, j}
			}
		}
	}
	return p
}

func (v *visit) readComponent(f *form, site *status.Site, id string) (string, error) {
	c := status.Component{ID: status.NewID()}
	in := spotOf(f.text("in"))
	list := listAt(site, in)
	if list == nil {
		f.refuse("in", "exists")
		return id, nil
	}
	at := len(*list)
	if id != isNew {
		taken, stood, found := takeComponent(site, id)
		if !found {
			return "", notFound()
		}
		if c = taken; stood.spot == in {
			at = stood.at
		} else {
			at = len(*list)
		}
	}
	c.Title, c.Description, c.Impact = f.texts("title"), f.texts("description"), f.texts("impact")
	c.Symbol, c.StartDate = f.text("symbol"), f.text("startDate")
	if v.reachesBeyond() {
		c.Hub = f.text("hub")
	}
	c.OnlyIfDegraded, c.Showcase = f.ticked("onlyShowIfDegraded"), f.ticked("showcase")
	*list = slices.Insert(*list, at, c)
	return c.ID, nil
}

// listAt is the components that stand at a spot; nil where there is no such spot.
func listAt(site *status.Site, in spot) *[]status.Component {
	section := site.Section(in.section)
	if section == nil {
		return nil
	}
	if in.group == "" {
		return &section.Components
	}
	for j := range section.Groups {
		if section.Groups[j].ID == in.group {
			return &section.Groups[j].Components
		}
	}
	return nil
}

// stood is where a component stood.
type stood struct {
	spot spot
	at   int
}

// takeComponent takes a component out of where it stands.
func takeComponent(site *status.Site, id string) (taken status.Component, was stood, found bool) {
	eachList(site, func(in spot, list *[]status.Component) {
		if at := slices.IndexFunc(*list, func(c status.Component) bool { return c.ID == id }); at >= 0 {
			taken, was, found = (*list)[at], stood{in, at}, true
			*list = slices.Delete(*list, at, at+1)
		}
	})
	return taken, was, found
}

// eachList visits every list of components.
func eachList(site *status.Site, visit func(in spot, list *[]status.Component)) {
	for i := range site.Sections {
		section := &site.Sections[i]
		visit(spot{section: section.Name}, &section.Components)
		for j := range section.Groups {
			visit(spot{section.Name, section.Groups[j].ID}, &section.Groups[j].Components)
		}
	}
}

// pointerTo is where in a site's document a part stands, as a JSON Pointer; "" where it does not.
func pointerTo(site *status.Site, part, id string) (pointer string) {
	for i := range site.Sections {
		section, at := &site.Sections[i], "/sections/"+strconv.Itoa(i)
		if part == aSection && section.Name == id {
			pointer = at
		}
		find := func(at string, list []status.Component) {
			for k := range list {
				if part == aComponent && list[k].ID == id {
					pointer = at + "/components/" + strconv.Itoa(k)
				}
			}
		}
		find(at, section.Components)
		for j := range section.Groups {
			below := at + "/groups/" + strconv.Itoa(j)
			if part == aGroup && section.Groups[j].ID == id {
				pointer = below
			}
			find(below, section.Groups[j].Components)
		}
	}
	return pointer
}

type removePartView struct {
	*sheet
	Word, Part string
	Components []said // that go
	Notices    []card // that are about them, and go on
	Seen       int64
	Back       string
}

// removePart takes a part off the site, once that has been confirmed.
func (v *visit) removePart() error {
	part, id := v.r.PathValue("part"), v.r.PathValue("id")
	going := goingWith(v.site, part, id)
	if going == nil {
		return notFound()
	}
	values, title := v.fillPart(v.site, part, id)
	if values == nil || id == isNew {
		return notFound()
	}
	s, f := v.sheet(v.Say("remove part", title), "components"), v.form(nil)
	s.Form = f
	if v.posted() {
		err := v.changeSite(s, f, func(next *status.Site) error { return takeAway(next, part, id) }, siteField)
		if err == nil && !s.Refused() {
			return v.done(v.to("/components"), "part-removed")
		}
		if err := v.kept(s, err); err != nil {
			return err
		}
	}
	view := &removePartView{sheet: s, Word: v.Say("part " + part), Part: part, Seen: v.siteSeen(), Back: v.to("/components")}
	for _, c := range going {
		view.Components = append(view.Components, v.text(c.Title))
	}
	for _, n := range v.board.Notices {
		if !n.Stage.Over() && slices.ContainsFunc(going, func(c status.Component) bool { return slices.Contains(n.Components, c.ID) }) {
			view.Notices = append(view.Notices, v.card(n))
		}
	}
	return v.show("remove-part", s, view)
}

// goingWith are the components that go with a part: itself, or those in it. nil where there is no such part.
func goingWith(site *status.Site, part, id string) []status.Component {
	if pointerTo(site, part, id) == "" {
		return nil
	}
	going := []status.Component{}
	site.Each(func(section *status.Section, group *status.Group, c *status.Component) {
		if part == aSection && section.Name == id || part == aGroup && group != nil && group.ID == id || part == aComponent && c.ID == id {
			going = append(going, *c)
		}
	})
	return going
}

// takeAway takes a part off a site.
func takeAway(site *status.Site, part, id string) error {
	found := false
	switch part {
	case aSection:
		before := len(site.Sections)
		site.Sections = slices.DeleteFunc(site.Sections, func(s status.Section) bool { return s.Name == id })
		found = len(site.Sections) < before
	case aGroup:
		_, found = takeGroup(site, id)
	case aComponent:
		_, _, found = takeComponent(site, id)
	}
	if !found {
		return notFound()
	}
	return nil
}
