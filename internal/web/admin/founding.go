package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

type foundingView struct {
	*sheet
	Name      field
	Titles    []tongue
	Languages choice
	First     choice
	Zone      field
	Zones     []string
}

// found makes a new site, with one section and one component to begin with.
func (v *visit) found() error {
	v.site = &status.Site{Languages: status.Languages} // the fields are in every language there is
	f := v.form(map[string][]string{"languages": {v.Lang}, "first": {v.Lang}, "zone": {"Europe/Copenhagen"}})
	v.site = nil
	s := v.sheet(v.Say("new site"), "")
	s.Form = f
	if v.posted() {
		site := v.readFounding(f)
		var err error
		if len(f.wrong) == 0 {
			_, err = v.Manager.PutSite(v.r.Context(), *site, manage.By{Author: v.who.Name, Condition: manage.Condition{Absent: true}})
		}
		if fault.Has(err, fault.Precondition) {
			f.refuse("name", "taken")
			err = nil
		}
		switch err := v.kept(s, f.take(err, foundingField)); {
		case err != nil:
			return err
		case !s.Refused():
			http.Redirect(v.w, v.r, "/admin/"+site.Name+"/components?done=founded", http.StatusSeeOther)
			return nil
		}
	}
	view := &foundingView{sheet: s, Zones: zones}
	view.Languages, view.First = v.languageChoices(f)
	view.Name, view.Zone = f.field("text", "name", f.Say("in address")), f.field("text", "zone", f.Say("zone"))
	view.Name.Max, view.Name.Required, view.Name.Hint = 40, true, f.Say("in address hint", "…/")
	view.Zone.List, view.Zone.Required, view.Zone.Hint = "zones", true, f.Say("zone hint")
	texts := f.tongues(
		worded{"title", "text", f.Say("name of site"), maxTitle, 0, true}, worded{"section", "text", f.Say("first section"), maxTitle, 0, false},
		worded{"component", "text", f.Say("first component"), maxTitle, 0, false},
	)
	slices.SortStableFunc(texts, func(a, b tongue) int { // the visitor's own first
		switch {
		case a.Lang == v.Lang && b.Lang != v.Lang:
			return -1
		case b.Lang == v.Lang && a.Lang != v.Lang:
			return 1
		}
		return 0
	})
	for i := range texts {
		texts[i].Open = i == 0 || texts[i].Open && slices.Contains(f.values["languages"], texts[i].Lang)
	}
	view.Titles = texts
	return v.show("founding", s, view)
}

// readFounding is the site that is typed.
func (v *visit) readFounding(f *form) *status.Site {
	site := &status.Site{Name: f.text("name"), Zone: f.text("zone")}
	readLanguages(f, site)
	section := status.Section{Name: "services", Title: f.texts("section")}
	if section.Title.Empty() {
		section.Title = status.Text{}
		for _, language := range site.Languages {
			section.Title[language] = speechOf(language).Say("services")
		}
	}
	if component := f.texts("component"); !component.Empty() {
		section.Components = []status.Component{{Title: component}}
	}
	site.Title, site.Sections = f.texts("title"), []status.Section{section}
	inOwnLanguages(site)
	return site
}

// foundingField is the field that a value of a new site is typed in.
func foundingField(pointer string) string {
	for at, field := range map[string]string{"/sections/0/components/0/title": "component", "/sections/0/title": "section"} {
		if rest, found := strings.CutPrefix(pointer, at); found {
			return field + strings.ReplaceAll(rest, "/", ".")
		}
	}
	return looksField(nil, pointer)
}
