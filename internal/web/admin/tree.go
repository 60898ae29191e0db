package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// What stands on a site.
const (
	aSection   = "section"
	aGroup     = "group"
	aComponent = "component"
)

type treeView struct {
	*sheet
	Seen     int64
	Sections []twig
}

// twig is something that stands on a site, with what stands below it.
type twig struct {
	Part, ID    string
	Title       said
	About       string
	Symbol      string
	To, Remove  string
	First, Last bool // there is nothing to move it over
	AddGroup    string
	AddOne      string
	Below       []twig
}

// tree shows what stands on the site, and moves it up and down.
func (v *visit) tree() error {
	s := v.sheet(v.Say("tab components"), "components")
	f := v.form(nil)
	s.Form = f
	if v.posted() {
		moved := strings.SplitN(f.text("move"), "/", 3)
		if len(moved) != 3 {
			return fault.New(fault.BadRequest, "move is UP-OR-DOWN/PART/ID")
		}
		err := v.changeSite(s, f, func(next *status.Site) error { return shift(next, moved[0] == "up", moved[1], moved[2]) }, siteField)
		if err == nil && !s.Refused() {
			http.Redirect(v.w, v.r, v.to("/components#p-"+moved[2]), http.StatusSeeOther)
			return nil
		}
		if err := v.kept(s, err); err != nil {
			return err
		}
	}
	view := &treeView{sheet: s, Seen: v.siteSeen()}
	for i := range v.site.Sections {
		view.Sections = append(view.Sections, v.sectionTwig(i))
	}
	return v.show("tree", s, view)
}

// siteSeen is the position that the site's document was last written at.
func (v *visit) siteSeen() int64 {
	_, position := v.Book.Site(v.site.Name)
	return position
}

func (v *visit) twig(part, id string, title status.Text, at, of int) twig {
	to := v.to("/components/" + part + "/" + id)
	return twig{Part: part, ID: id, Title: v.text(title), To: to, Remove: to + "/remove", First: at == 0, Last: at == of-1}
}

func (v *visit) sectionTwig(i int) twig {
	section := &v.site.Sections[i]
	t := v.twig(aSection, section.Name, section.Title, i, len(v.site.Sections))
	t.AddGroup, t.AddOne = v.to("/components/group/new?in="+section.Name), v.to("/components/component/new?in="+section.Name)
	t.Below = v.componentTwigs(section.Components)
	for j := range section.Groups {
		group := &section.Groups[j]
		below := v.twig(aGroup, group.ID, group.Title, j, len(section.Groups))
		below.AddOne, below.Below = v.to("/components/component/new?in="+section.Name+"/"+group.ID), v.componentTwigs(group.Components)
		t.Below = append(t.Below, below)
	}
	return t
}

func (v *visit) componentTwigs(components []status.Component) []twig {
	var list []twig
	for k := range components {
		c := &components[k]
		t := v.twig(aComponent, c.ID, c.Title, k, len(components))
		t.Symbol = c.Symbol
		var about []string
		if c.OnlyIfDegraded {
			about = append(about, v.Say("only if degraded short"))
		}
		if c.Showcase {
			about = append(about, v.Say("showcase short"))
		}
		if c.Hub != "" {
			about = append(about, v.Say("stands for", c.Hub))
		}
		t.About = strings.Join(about, " · ")
		list = append(list, t)
	}
	return list
}

// copied is a site that may be changed.
func copied(site *status.Site) (*status.Site, error) {
	next := &status.Site{}
	text, err := json.Marshal(site)
	if err == nil {
		err = json.Unmarshal(text, next)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the site's document cannot be read")
	}
	return next, nil
}

// changeSite puts the site's document in place, changed. What is in the way of it is noted in the form and on the sheet.
func (v *visit) changeSite(s *sheet, f *form, change func(next *status.Site) error, field func(next *status.Site, pointer string) string) error {
	next, err := copied(v.site)
	if err != nil {
		return err
	}
	if err := change(next); err != nil {
		return err
	}
	if seen := f.seen(); seen == v.siteSeen() {
		if tidy(next); len(f.wrong) > 0 {
			return nil
		}
		_, err := v.Manager.PutSite(v.r.Context(), *next, manage.By{Author: v.who.Name, Condition: manage.Condition{Seen: []int64{seen}}})
		if !fault.Has(err, fault.Precondition) {
			return f.take(err, func(pointer string) string { return field(next, pointer) })
		}
	}
	if v.board = v.Book.Board(v.site.Name); v.board == nil {
		return notFound()
	}
	v.site = v.board.Site
	s.Clash = &clash{Who: v.lastBy("site/" + v.site.Name), At: v.stamp(v.board.Updated)}
	return nil
}

// siteField is the field that a value of the site's document is typed in, where the form is of the document itself.
func siteField(_ *status.Site, pointer string) string { return named(pointer) }

// tidy takes away groups that nothing stands in any more: there is no such thing as an empty group.
func tidy(site *status.Site) {
	for i := range site.Sections {
		section := &site.Sections[i]
		section.Groups = slices.DeleteFunc(section.Groups, func(g status.Group) bool { return len(g.Components) == 0 })
	}
}

// shift moves something over the one before it, or after it, in its list.
func shift(site *status.Site, up bool, part, id string) error {
	step := 1
	if up {
		step = -1
	}
	moved := false
	if part == aSection {
		moved = swap(site.Sections, step, func(s *status.Section) bool { return s.Name == id })
	}
	for i := range site.Sections {
		section := &site.Sections[i]
		if part == aGroup {
			moved = moved || swap(section.Groups, step, func(g *status.Group) bool { return g.ID == id })
		}
		if part == aComponent {
			moved = moved || swap(section.Components, step, func(c *status.Component) bool { return c.ID == id })
			for j := range section.Groups {
				moved = moved || swap(section.Groups[j].Components, step, func(c *status.Component) bool { return c.ID == id })
			}
		}
	}
	if !moved {
		return notFound()
	}
	return nil
}

// swap swaps one of a list with its neighbour, and reports whether it is there. At the end it stays where it is.
func swap[T any](list []T, step int, is func(*T) bool) bool {
	for i := range list {
		if is(&list[i]) {
			if j := i + step; j >= 0 && j < len(list) {
				list[i], list[j] = list[j], list[i]
			}
			return true
		}
	}
	return false
}
