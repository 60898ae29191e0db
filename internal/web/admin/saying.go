package admin

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// sayingFields are the fields of an update.
type sayingFields struct {
	Stage    *choice
	Texts    []tongue
	Affected *affected
	Next     *pick
	Expected *pick
	Quiet    option
}

// How soon something is promised, in minutes.
var (
	nextMinutes     = []int{15, 30, 60, 120}
	expectedMinutes = []int{30, 60, 120, 240}
)

// atTime is the choice of a time that is typed, keepTime that of what it was.
const (
	atTime   = "at"
	keepTime = "keep"
)

// fillSaying is what the form of the next update begins with.
func (v *visit) fillSaying(n *status.Notice) url.Values {
	values := url.Values{"stage": {string(n.Stage)}}
	if n.Expected != 0 {
		values.Set("expected", keepTime)
	}
	return values
}

// sayingFields puts the fields of the next update on the page.
func (v *visit) sayingFields(f *form, n *status.Notice) *sayingFields {
	stage := f.choice("stage", f.Say("stage"), v.stageOptions(n.Kind)...)
	fields := &sayingFields{
		Stage: &stage, Texts: f.tongues(worded{"body", "area", f.Say("what to say"), status.MaxBody, 5, false}), Quiet: f.box("quiet", f.Say("quiet"), f.Say("quiet hint")),
	}
	if n.Message() {
		return fields
	}
	fields.Affected = v.affected(f, n)
	if n.Kind == status.Incident {
		keep := ""
		if n.Expected != 0 {
			keep = f.Say("as it was", f.Moment(n.Expected.In(v.zone())))
		}
		fields.Next, fields.Expected = f.pick("next", f.Say("next update"), nextMinutes, ""), f.pick("expected", f.Say("expected"), expectedMinutes, keep)
	}
	return fields
}

// stageOptions are the stages that may be said. What is told of an incident afterwards has a page of its own.
func (v *visit) stageOptions(kind status.Kind) []option {
	var list []option
	for _, stage := range kind.Stages() {
		if stage != status.Postmortem {
			list = append(list, option{Value: string(stage), Label: v.Say("stage " + string(stage)), Hint: v.Say("hint " + string(stage))})
		}
	}
	return list
}

// readSaying is the update that is typed.
func (v *visit) readSaying(f *form, n *status.Notice) manage.Saying {
	saying := manage.Saying{Stage: status.Stage(f.text("stage")), Body: f.texts("body"), Quiet: f.ticked("quiet")}
	if n.Message() {
		return saying
	}
	saying.Affected = v.readAffected(f)
	if saying.Stage.Over() && saying.Affected != nil {
		v.lift(n, saying.Stage, saying.Affected)
	}
	if n.Kind != status.Incident {
		return saying
	}
	if next := v.picked(f, "next"); next != 0 {
		saying.NextUpdate = &next
	}
	if how := f.text("expected"); how != keepTime || f.text("expected.at") != "" {
		expected := v.picked(f, "expected")
		saying.Expected = &expected
	}
	return saying
}

// lift lets the states that a notice has set go back where it ends and nothing else is said of them: some being chosen
// does not leave the others down.
func (v *visit) lift(n *status.Notice, stage status.Stage, says map[string]status.State) {
	o, err := v.Manager.Foresee(v.r.Context(), v.site.Name, func(m *manage.Manager) error {
		_, err := m.Say(v.r.Context(), v.site.Name, n.ID, manage.Saying{Stage: stage}, manage.By{Author: v.who.Name})
		return err
	})
	if err != nil || o.Notice == nil {
		return // what stands in the way of it stands in the way of what is typed, and is told then
	}
	for _, a := range o.Notice.Last().Affected {
		if _, said := says[a.Component]; !said {
			says[a.Component] = a.To
		}
	}
}

// pick is a time that is chosen by how far it is, or typed.
type pick struct {
	Choice choice
	At     field
}

func (f *form) pick(name, legend string, minutes []int, keep string) *pick {
	options := []option{{Value: "", Label: f.Say(name + " none")}}
	if keep != "" {
		options = append([]option{{Value: keepTime, Label: keep}}, options...)
	}
	for _, n := range minutes {
		options = append(options, option{Value: strconv.Itoa(n), Label: f.Say("in", f.Long(time.Duration(n)*time.Minute))})
	}
	options = append(options, option{Value: atTime, Label: f.Say("at a time")})
	for i := range f.wrong { // what is wrong about a time that was typed is mended there
		if w := &f.wrong[i]; w.Field == name && f.text(name+".at") != "" {
			w.Field += ".at"
		}
	}
	p := &pick{Choice: f.choice(name, legend, options...)}
	p.At = f.field("datetime-local", name+".at", f.Say("at a time label", legend, f.site.Zone))
	return p
}

// picked is the time that is chosen; 0 for none. One that is typed counts where no other is chosen.
func (v *visit) picked(f *form, name string) status.Time {
	how := f.text(name)
	minutes, err := strconv.Atoi(how)
	switch {
	case err == nil && minutes > 0 && minutes <= 7*24*60:
		return v.now.Add(time.Duration(minutes) * time.Minute)
	case how == atTime && f.text(name+".at") == "":
		f.refuse(name+".at", "required")
	case how != "" && how != atTime && how != keepTime:
		f.refuse(name, "enum")
	}
	return f.moment(name + ".at")
}

// affected is every component, with the state that an update says it is in.
type affected struct {
	Legend, Hint, Problem string
	Own                   []affectedRow // those that the notice is about already
	Groups                []affectedGroup
	Options               []option // of every row, chosen by its value
	Unchanged             string
}

type affectedGroup struct {
	Label, Lang string
	Open        bool
	Rows        []affectedRow
}

type affectedRow struct {
	ID, Name string
	Title    said
	Mark     *mark
	Value    string // that is chosen
}

// Is reports whether a state is the one that is chosen.
func (r affectedRow) Is(state string) bool { return r.Value == state }

// affected puts the components on the page. n is nil for a notice that is new.
func (v *visit) affected(f *form, n *status.Notice) *affected {
	a := &affected{Legend: f.Say("affected"), Hint: f.Say("affected hint"), Unchanged: f.Say("unchanged"), Options: v.stateOptions(status.States)}
	count := 0
	v.eachGroup(func(label said, components []*status.Standing) {
		group := affectedGroup{Label: label.Text, Lang: label.Lang}
		for _, standing := range components {
			name := "affected." + standing.ID
			title := v.text(standing.Title)
			f.fields[name] = title.Text
			row := affectedRow{idOf(name), name, title, v.mark(standing.State), f.text(name)}
			if n != nil && slices.Contains(n.Components, standing.ID) {
				a.Own = append(a.Own, row)
				continue
			}
			count++
			group.Open = group.Open || row.Value != ""
			group.Rows = append(group.Rows, row)
		}
		if len(group.Rows) > 0 {
			a.Groups = append(a.Groups, group)
		}
	})
	for i := range a.Groups {
		a.Groups[i].Open = a.Groups[i].Open || count <= fewComponents && n == nil
	}
	f.fields["affected"] = a.Legend
	a.Problem = f.problem("affected")
	return a
}

// readAffected is what is chosen of components; nil where nothing is.
func (v *visit) readAffected(f *form) map[string]status.State {
	var says map[string]status.State
	for _, standing := range v.board.Components {
		state := status.State(f.text("affected." + standing.ID))
		if state == "" {
			continue
		}
		if !slices.Contains(status.States, state) {
			f.refuse("affected."+standing.ID, "enum")
			continue
		}
		if says == nil {
			says = map[string]status.State{}
		}
		says[standing.ID] = state
	}
	return says
}

type updateView struct {
	*sheet
	Notice  card
	Update  saidUpdate
	Texts   []tongue
	Shown   field
	Seen    int64
	Preview *preview
	Back    string
}

// update puts an update otherwise. What it said before stays to be read.
func (v *visit) update() error {
	return v.editing(v.Say("edit update"), func(e *edit) error {
		u := e.notice.Update(v.r.PathValue("update"))
		if u == nil {
			return notFound()
		}
		e.fill = func(n *status.Notice) url.Values {
			values := url.Values{}
			if is := n.Update(u.ID); is != nil {
				fillTexts(values, "body", is.Body)
				fillMoment(values, "shown", is.Shown, v.zone())
			}
			return values
		}
		e.change = func(f *form) func(*manage.Manager) error {
			body, shown := f.texts("body"), f.momentOr("shown", u.Shown)
			return func(m *manage.Manager) error {
				_, err := m.EditUpdate(v.r.Context(), v.site.Name, e.notice.ID, u.ID, body, shown, v.by(f))
				return err
			}
		}
		e.shown, e.did = u.ID, "reworded"
		e.view = func(s *sheet, f *form, p *preview) error {
			view := &updateView{
				sheet: s, Notice: v.card(e.notice), Update: v.saidUpdate(e.notice, u), Texts: f.tongues(worded{"body", "area", f.Say("what it says"), status.MaxBody, 8, false}),
				Shown: v.shownField(f), Seen: e.notice.Version, Preview: p, Back: v.to("/notices/" + e.notice.ID),
			}
			return v.show("update", s, view)
		}
		return nil
	})
}

func (v *visit) shownField(f *form) field {
	shown := f.field("datetime-local", "shown", f.Say("time beside"))
	shown.Hint = f.Say("time in", v.site.Zone)
	return shown
}

type accountView struct {
	*sheet
	Notice  card
	Texts   []tongue
	Seen    int64
	Preview *preview
	Back    string
}

// afterwards writes what is told of an incident when it is over.
func (v *visit) afterwards() error {
	return v.editing(v.Say("tell afterwards"), func(e *edit) error {
		if e.notice.Kind != status.Incident || !e.notice.Stage.Over() {
			return notFound()
		}
		e.fill = func(n *status.Notice) url.Values {
			values := url.Values{}
			if n.Postmortem != nil {
				fillTexts(values, "body", n.Postmortem.Body)
			}
			return values
		}
		e.change = func(f *form) func(*manage.Manager) error {
			body := f.texts("body")
			return func(m *manage.Manager) error {
				_, err := m.TellAfterwards(v.r.Context(), v.site.Name, e.notice.ID, body, v.by(f))
				return err
			}
		}
		e.shown, e.did = shownAccount, "account"
		e.view = func(s *sheet, f *form, p *preview) error {
			view := &accountView{
				sheet: s, Notice: v.card(e.notice), Texts: f.tongues(worded{"body", "area", f.Say("what is told"), status.MaxBody, 14, true}),
				Seen: e.notice.Version, Preview: p, Back: v.to("/notices/" + e.notice.ID),
			}
			return v.show("account", s, view)
		}
		return nil
	})
}
