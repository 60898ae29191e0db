package admin

import (
	"net/url"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
)

// maxAbout is what the hub takes of a description, in characters.
const maxAbout = 2000

type partView struct {
	*sheet
	Part, Word string
	New        bool
	Texts      []tongue
	Name       *field // of a section
	First      []tongue
	In         *choice
	Symbol     *choice
	Start      *field
	Boxes      []option
	Hub        *choice
	Seen       int64
	Remove     string
}

// spot is where on a site something stands: a section, and a group in it or none.
type spot struct{ section, group string }

func spotOf(text string) spot {
	section, group, _ := strings.Cut(text, "/")
	return spot{section, group}
}

func (s spot) String() string {
	if s.group == "" {
		return s.section
	}
	return s.section + "/" + s.group
}

// isNew is the id of what is not on the site yet. No section is called so, and no id is as short.
const isNew = "new"

// part edits a section, a group or a component, or adds one.
func (v *visit) part() error {
	part, id := v.r.PathValue("part"), v.r.PathValue("id")
	values, title := v.fillPart(v.site, part, id)
	if values == nil {
		return notFound()
	}
	if title == "" {
		title = v.Say("new " + part)
	}
	s, f := v.sheet(title, "components"), v.form(values)
	s.Form = f
	if v.posted() {
		made := id
		err := v.changeSite(s, f, func(next *status.Site) (err error) {
			made, err = v.readPart(f, next, part, id)
			return err
		}, func(next *status.Site, at string) string { return partField(pointerTo(next, part, made), at) })
		if err == nil && !s.Refused() {
			return v.done(v.to("/components#p-"+made), "components")
		}
		if err := v.kept(s, err); err != nil {
			return err
		}
		if s.Clash != nil {
			if now, _ := v.fillPart(v.site, part, id); now == nil {
				return notFound() // it was taken away
			} else if then := v.Book.SiteThen(v.site.Name, f.seen()); then != nil {
				before, _ := v.fillPart(then, part, id)
				f.merge(before, now)
			}
		}
	}
	return v.showPart(s, f, part, id)
}

func (v *visit) showPart(s *sheet, f *form, part, id string) error {
	view := &partView{sheet: s, Part: part, Word: v.Say("part " + part), New: id == isNew, Seen: v.siteSeen()}
	if !view.New {
		view.Remove = v.to("/components/" + part + "/" + id + "/remove")
	}
	texts := []worded{{"title", "text", f.Say("name"), maxTitle, 0, true}, {"description", "area", f.Say("description"), maxAbout, 3, false}}
	if part == aComponent {
		texts = append(texts, worded{"impact", "area", f.Say("impact if down"), maxAbout, 3, false})
	}
	view.Texts = f.tongues(texts...)
	switch part {
	case aSection:
		name := f.field("text", "name", f.Say("in address"))
		name.Max, name.Hint, name.Required = 40, f.Say("in address hint", v.SiteURL(v.site)+"/"), true
		view.Name = &name
	case aGroup:
		in := f.choice("in", f.Say("stands in"), v.spots(false)...)
		if view.In = &in; view.New {
			view.First = f.tongues(worded{"first", "text", f.Say("first component"), maxTitle, 0, true})
		}
	case aComponent:
		v.componentFields(f, view)
	}
	return v.show("part", s, view)
}

func (v *visit) componentFields(f *form, view *partView) {
	in := f.choice("in", f.Say("stands in"), v.spots(true)...)
	symbols := []option{{Value: "", Label: f.Say("no symbol")}}
	for _, symbol := range status.Symbols {
		symbols = append(symbols, option{Value: symbol, Label: f.Say("symbol " + symbol), Symbol: symbol})
	}
	symbol := f.choice("symbol", f.Say("symbol"), symbols...)
	start := f.field("date", "startDate", f.Say("start date"))
	start.Hint = f.Say("start date hint")
	if v.reachesBeyond() {
		hub := f.choice("hub", f.Say("hub part"), v.hubParts(f.values.Get("hub"))...)
		hub.Hint, view.Hub = f.Say("hub part hint"), &hub
	}
	view.In, view.Symbol, view.Start = &in, &symbol, &start
	view.Boxes = []option{f.box("onlyShowIfDegraded", f.Say("only if degraded"), f.Say("only if degraded hint")), f.box("showcase", f.Say("showcase"), f.Say("showcase hint"))}
}

// hubParts are what of the hub a component may stand for.
func (v *visit) hubParts(is string) []option {
	options := []option{{Value: "", Label: v.Say("hub none")}, {Value: "hub", Label: v.Say("hub whole")}, {Value: "lag", Label: v.Say("hub lag")}}
	for _, system := range v.Book.Systems() {
		options = append(options, option{Value: "endpoint/" + system.Name, Label: v.Say("hub endpoint", system.Name)})
	}
	for _, source := range v.Book.Sources() {
		options = append(options, option{Value: "source/" + source.Name, Label: v.Say("hub source", source.Name)})
	}
	if !slices.ContainsFunc(options, func(o option) bool { return o.Value == is }) {
		options = append(options, option{Value: is, Label: is})
	}
	return options
}

// spots are where something may stand: sections, and with groups those too.
func (v *visit) spots(groups bool) []option {
	var options []option
	for i := range v.site.Sections {
		section := &v.site.Sections[i]
		title := v.text(section.Title).Text
		options = append(options, option{Value: section.Name, Label: title})
		for j := range section.Groups {
			if groups {
				options = append(options, option{Value: spot{section.Name, section.Groups[j].ID}.String(), Label: title + " – " + v.text(section.Groups[j].Title).Text})
			}
		}
	}
	return options
}

// fillPart writes a part of a site as it would be typed; nil where there is none. title is what it is called.
func (v *visit) fillPart(site *status.Site, part, id string) (values url.Values, title string) {
	values = url.Values{}
	if id == isNew {
		values["in"] = v.r.URL.Query()["in"]
		return values, ""
	}
	found := false
	texts := func(name, about status.Text) {
		found = true
		title = v.textOf(site, name).Text
		fillTexts(values, "title", name)
		fillTexts(values, "description", about)
	}
	for i := range site.Sections {
		section := &site.Sections[i]
		if part == aSection && section.Name == id {
			texts(section.Title, section.Description)
			values.Set("name", section.Name)
		}
		for j := range section.Groups {
			if group := &section.Groups[j]; part == aGroup && group.ID == id {
				texts(group.Title, group.Description)
				values.Set("in", section.Name)
			}
		}
	}
	site.Each(func(section *status.Section, group *status.Group, c *status.Component) {
		if part != aComponent || c.ID != id {
			return
		}
		texts(c.Title, c.Description)
		in := spot{section: section.Name}
		if group != nil {
			in.group = group.ID
		}
		v.fillComponent(values, c)
		values.Set("in", in.String())
	})
	if !found {
		return nil, ""
	}
	return values, title
}

func (v *visit) fillComponent(values url.Values, c *status.Component) {
	fillTexts(values, "impact", c.Impact)
	values.Set("symbol", c.Symbol)
	values.Set("startDate", c.StartDate)
	if v.reachesBeyond() {
		values.Set("hub", c.Hub)
	}
	if c.OnlyIfDegraded {
		values.Set("onlyShowIfDegraded", "yes")
	}
	if c.Showcase {
		values.Set("showcase", "yes")
	}
}

// partField is the field that a value of the site's document is typed in. What is wrong elsewhere has none.
func partField(pointer, at string) string {
	rest, below := strings.CutPrefix(at, pointer+"/")
	switch {
	case !below:
		return named(at)
	case strings.HasPrefix(rest, "components/0/title"):
		return named("first" + strings.TrimPrefix(rest, "components/0/title"))
	}
	return named(rest)
}
