package admin

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

type kindsView struct {
	*sheet
	Kinds []kindLink
}

type kindLink struct {
	Kind        status.Kind
	Word, Means string
	To          string
}

type openingView struct {
	*sheet
	Kind    status.Kind
	Word    string
	Texts   []tongue
	Stage   *choice
	Facts   *factsFields
	Saying  *sayingFields
	Quiet   option
	Mark    string // of the form
	Preview *preview
}

// openNotice opens a notice. Without a kind it asks which.
func (v *visit) openNotice() error {
	kind := status.Kind(v.r.FormValue("kind"))
	if !slices.Contains(status.Kinds, kind) {
		view := &kindsView{sheet: v.sheet(v.Say("new notice"), "notices")}
		for _, kind := range status.Kinds {
			view.Kinds = append(view.Kinds, kindLink{kind, v.Say("kind " + string(kind)), v.Say("kind means " + string(kind)), v.to("/notices/new?kind=" + string(kind))})
		}
		return v.show("kinds", view.sheet, view)
	}
	s := v.sheet(v.Say("open "+string(kind)), "notices")
	f := v.form(v.fillOpening(kind))
	s.Form = f
	view := &openingView{sheet: s, Kind: kind, Word: v.Say("kind " + string(kind)), Mark: f.text("mark")}
	if view.Mark == "" {
		view.Mark = rand.Text()
	}
	if v.posted() {
		opening := v.readOpening(f, kind)
		id := ""
		published, outlook, err := v.publish(f, func(m *manage.Manager) (err error) {
			id, err = v.openOnce(m, opening, f.text("mark"))
			return err
		}, noticeField)
		switch err := v.kept(s, err); {
		case err != nil:
			return err
		case published:
			return v.done(v.to("/notices/"+id), "opened")
		case outlook != nil:
			view.Preview = v.preview(outlook, f, shownLast)
		}
	}
	view.Texts = f.tongues(worded{"title", "text", f.Say("title"), maxTitle, 0, true}, worded{"body", "area", f.Say("what to say"), status.MaxBody, 5, false})
	view.Facts, view.Quiet = v.factsFields(f, kind, false), f.box("quiet", f.Say("quiet"), f.Say("quiet hint"))
	if kind == status.Incident {
		stage := f.choice("stage", f.Say("stage"), v.stageOptions(kind)...)
		view.Facts.Components = nil // an incident says how they do
		view.Saying = &sayingFields{
			Stage: &stage, Affected: v.affected(f, nil),
			Next: f.pick("next", f.Say("next update"), nextMinutes, ""), Expected: f.pick("expected", f.Say("expected"), expectedMinutes, ""),
		}
	}
	return v.show("opening", s, view)
}

// fillOpening is what a new notice begins with: the components, and their states, that the address names.
func (v *visit) fillOpening(kind status.Kind) url.Values {
	values := v.asked("components", "sections")
	for name, list := range v.r.URL.Query() {
		if strings.HasPrefix(name, "affected.") {
			values[name] = list
		}
	}
	if kind == status.Incident {
		values.Set("stage", string(status.Investigating))
	}
	return values
}

func (v *visit) readOpening(f *form, kind status.Kind) manage.Opening {
	opening := manage.Opening{Kind: kind, Facts: v.readFacts(f, kind, manage.Facts{}, false), Body: f.texts("body"), Quiet: f.ticked("quiet")}
	if kind == status.Incident {
		opening.Components = nil
		opening.Stage, opening.Affected = status.Stage(f.text("stage")), v.readAffected(f)
		opening.NextUpdate, opening.Expected = v.picked(f, "next"), v.picked(f, "expected")
	}
	return opening
}

// openedRemembered is how many forms that have opened a notice are known again.
const openedRemembered = 1000

// openOnce opens a notice, once for each form: whoever taps twice, or sends it again since no answer came, has opened one.
func (v *visit) openOnce(m *manage.Manager, o manage.Opening, mark string) (id string, err error) {
	if m != v.Manager {
		_, err = m.OpenNotice(v.r.Context(), v.site.Name, o, v.who.Name)
		return "", err
	}
	v.opening.Lock()
	defer v.opening.Unlock()
	mark = v.site.Name + "/" + v.who.Name + "/" + mark
	if id := v.opened[mark]; id != "" {
		return id, nil
	}
	n, err := m.OpenNotice(v.r.Context(), v.site.Name, o, v.who.Name)
	if err != nil {
		return "", err
	}
	if v.opened[mark], v.marks = n.ID, append(v.marks, mark); len(v.marks) > openedRemembered {
		delete(v.opened, v.marks[0])
		v.marks = v.marks[1:]
	}
	return n.ID, nil
}
