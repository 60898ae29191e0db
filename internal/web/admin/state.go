package admin

import (
	"net/url"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

type stateView struct {
	*sheet
	Component said
	Mark      *mark
	Since     *stamp
	Notice    *link // that set the state it is in
	Reports   string
	States    choice
	Reason    []tongue
	At        field
	Seen      int64
}

// state sets how a component does.
func (v *visit) state() error {
	standing := v.board.Component(v.r.PathValue("component"))
	if standing == nil {
		return fault.New(fault.NotFound, "the site has no such component")
	}
	s := v.sheet(v.text(standing.Title).Text, "overview")
	f := v.form(fillState(standing))
	s.Form = f
	if v.posted() {
		err := v.setState(s, f, standing)
		if err == nil && !s.Refused() {
			return v.done(v.to("#c-"+standing.ID), "state")
		}
		if err := v.kept(s, err); err != nil {
			return err
		}
		standing = v.board.Component(standing.ID) // which somebody else may have set meanwhile
	}
	view := &stateView{
		sheet: s, Component: v.text(standing.Title), Mark: v.mark(standing.State), Since: v.stamp(standing.Since), Seen: standing.Version,
		States: f.choice("state", f.Say("state"), v.stateOptions(status.States)...),
		Reason: f.tongues(worded{"reason", "text", f.Say("reason"), status.MaxReason, 0, false}),
		At:     f.field("datetime-local", "at", f.Say("since when")),
	}
	view.At.Hint = f.Say("since when hint") + " " + f.Say("time in", v.site.Zone)
	view.Reports = v.to("/notices/new?" + url.Values{"kind": {"incident"}, "affected." + standing.ID: {f.values.Get("state")}}.Encode())
	if n := len(standing.Spans); n > 0 {
		if notice := v.board.Notice(standing.Spans[n-1].Notice); notice != nil {
			title := v.text(notice.Title)
			view.Notice = &link{Text: title.Text, Lang: title.Lang, To: v.to("/notices/" + notice.ID)}
		}
	}
	return v.show("state", s, view)
}

// setState does what is typed, where nothing is wrong about it and nobody was faster.
func (v *visit) setState(s *sheet, f *form, standing *status.Standing) error {
	set := manage.Setting{State: status.State(f.text("state")), Reason: f.texts("reason"), At: f.moment("at")}
	if set.State == "" {
		f.refuse("state", "required")
	}
	if len(f.wrong) > 0 {
		return nil
	}
	if set.Condition = (manage.Condition{Seen: []int64{f.seen()}}); f.seen() == 0 {
		set.Condition = manage.Condition{Absent: true} // nothing was known of it
	}
	err := f.take(v.Manager.SetState(v.r.Context(), v.site.Name, standing.ID, set, v.who.Name), named)
	if !fault.Has(err, fault.Precondition) {
		return err
	}
	if v.board = v.Book.Board(v.site.Name); v.board == nil || v.board.Component(standing.ID) == nil {
		return notFound()
	}
	now := v.board.Component(standing.ID)
	is := change{What: v.Say("state"), After: v.mark(now.State).Word}
	if why := v.text(now.Reason).Text; why != "" {
		is.After += " – " + why
	}
	s.Clash = &clash{Who: v.lastBy("component/" + v.site.Name + "/" + now.ID), At: v.stamp(now.Changed), What: []change{is}}
	return nil
}

func fillState(s *status.Standing) url.Values {
	values := url.Values{"state": {string(s.State)}}
	fillTexts(values, "reason", s.Reason)
	return values
}

// stateOptions are states to choose from.
func (v *visit) stateOptions(states []status.State) []option {
	var list []option
	for _, state := range states {
		m := v.mark(state)
		list = append(list, option{Value: string(state), Label: m.Word, Hint: v.Say("means " + string(state)), Mark: m})
	}
	return list
}
