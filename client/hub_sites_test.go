package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varselhub/varsel/client"
)

// sites goes through what is done on a status site: it is made, something breaks, it is told, mended and told of afterwards.
func (w *world) sites(ctx context.Context) {
	w.t.Helper()
	en := func(text string) client.Text { return client.Text{"en": text} }
	made, tag, err := w.PutSite(ctx, client.Site{
		Name: "roads", Title: client.Text{"en": "Roads", "da": "Veje"}, Zone: "Europe/Copenhagen", Languages: []string{"en", "da"}, Weights: &client.UptimeWeights{Major: 1},
		Theme:    client.SiteTheme{States: map[client.ComponentState]client.StateLook{client.MajorOutage: {Name: en("Down"), Light: "#8b0000"}}},
		Sections: []client.SiteSection{{Name: "all", Title: en("All"), Components: []client.SiteComponent{{Title: en("Map"), Symbol: "web"}}, Groups: []client.SiteGroup{{Title: en("Data"), Components: []client.SiteComponent{{Title: en("Traffic")}}}}}},
	}, "")
	w.must(err)
	w.whole(made)
	component := made.Sections[0].Components[0].ID
	made.SupportURL = "https://roads.example/help"
	if _, _, err := w.PutSite(ctx, made, ""); !client.Has(err, client.CodeNeedsIfMatch) {
		w.t.Errorf("unseen: %v", err)
	}
	made, _, err = w.PutSite(ctx, made, tag)
	w.must(err)
	site, tag, err := w.Site(ctx, "roads")
	w.must(err)
	w.whole(site)
	if _, same, err := w.PutSite(ctx, site, tag); err != nil || same != tag || site.SupportURL != made.SupportURL {
		w.t.Errorf("%s became %s, %v", tag, same, err)
	}
	if list, err := w.Sites(ctx); err != nil || len(list) != 1 || list[0].Name != "roads" || list[0].Headline.State != client.Operational {
		w.t.Errorf("%+v %v", list, err)
	} else {
		w.whole(list)
	}
	w.states(ctx, component)
	w.notices(ctx, component)

	report, err := w.ImportSite(ctx, "roads", fmt.Appendf(nil, `{"site":{"title":{"en":"x"},"zone":"Etc/UTC","languages":["en"],"sections":[]},"changes":[{"component":%q,"state":"operational","at":"2020-01-01T00:00:00Z","cause":"import"}]}`, component))
	if err != nil || report.Created || report.Changes != 1 {
		w.t.Errorf("%+v %v", report, err)
	}
	if err := w.DeleteSite(ctx, "roads", ""); !client.Has(err, client.CodeNeedsIfMatch) {
		w.t.Errorf("unseen: %v", err)
	}
	w.must(w.DeleteSite(ctx, "roads", client.AnyState))
	if _, err := w.Board(ctx, "roads"); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
}

func (w *world) states(ctx context.Context, component string) {
	w.t.Helper()
	now, tag, err := w.SetComponentState(ctx, "roads", component, client.StateSetting{State: client.PartialOutage, Reason: client.Text{"en": "1 of 2"}}, "")
	w.must(err)
	w.whole(now)
	if _, _, err := w.SetComponentState(ctx, "roads", component, client.StateSetting{State: client.Operational}, `"r1"`); !client.Has(err, client.CodePrecondition) {
		w.t.Errorf("of another state: %v", err)
	}
	if read, same, err := w.ComponentState(ctx, "roads", component); err != nil || same != tag || read.State != client.PartialOutage || read.Cause != "manual" {
		w.t.Errorf("%+v %s %v", read, same, err)
	}
	_, _, err = w.SetComponentState(ctx, "roads", component, client.StateSetting{State: client.Operational}, tag)
	w.must(err)
	var past []client.ComponentState
	for span, err := range w.AllStates(ctx, "roads", component) {
		w.must(err)
		past = append(past, span.State)
	}
	if fmt.Sprint(past) != "[operational partial_outage operational]" {
		w.t.Errorf("%v", past)
	}
}

func (w *world) notices(ctx context.Context, component string) {
	w.t.Helper()
	en := func(text string) client.Text { return client.Text{"en": text} }
	n, tag, err := w.OpenNotice(ctx, "roads", client.NewNotice{
		Kind: client.KindIncident, NoticeFacts: client.NoticeFacts{Title: en("The map is slow"), Expected: time.Now().Add(time.Hour)}, Body: en("We look."),
		Affected: map[string]client.ComponentState{component: client.DegradedPerformance},
	})
	w.must(err)
	w.whole(n)
	soon := time.Now().Add(time.Hour).Truncate(time.Second)
	n, _, err = w.Say(ctx, "roads", n.ID, client.NewUpdate{Stage: client.StageIdentified, Body: en("An index."), NextUpdate: &soon}, tag)
	if err != nil || !n.NextUpdate.Equal(soon) || len(n.Updates) != 2 {
		w.t.Errorf("%+v %v", n, err)
	}
	board, err := w.Board(ctx, "roads")
	w.must(err)
	w.whole(board)
	if board.Headline.Description != "Partially Degraded Service" || board.Components[0].State != client.DegradedPerformance || board.Open[0].ID != n.ID {
		w.t.Errorf("%+v", board)
	}
	n, _, err = w.Say(ctx, "roads", n.ID, client.NewUpdate{Stage: client.StageResolved, Affected: map[string]client.ComponentState{}}, "") // it stays as it is
	w.must(err)
	read, tag, err := w.Notice(ctx, "roads", n.ID)
	w.must(err)
	w.whole(read)
	if state, _, err := w.ComponentState(ctx, "roads", component); err != nil || state.State != client.DegradedPerformance {
		w.t.Errorf("%+v %v", state, err)
	}
	f := read.Facts()
	f.Title = en("The map was slow")
	n, tag, err = w.PutNotice(ctx, "roads", n.ID, f, tag)
	w.must(err)
	n, tag, err = w.PutUpdate(ctx, "roads", n.ID, n.Updates[0].ID, en("We are looking."), time.Time{}, tag)
	w.must(err)
	n, _, err = w.PutPostmortem(ctx, "roads", n.ID, en("Why."), tag)
	if err != nil || n.Stage != client.StagePostmortem || n.Postmortem.Body["en"] != "Why." || n.Earlier[0].Text["en"] != "The map is slow" {
		w.t.Errorf("%+v %v", n, err)
	}
	forms := 0
	for then, err := range w.NoticeHistory(ctx, "roads", n.ID) {
		w.must(err)
		if forms++; then.Author == "" || then.Notice == nil || then.At.IsZero() {
			w.t.Errorf("%+v", then)
		}
	}
	action, _, err := w.OpenNotice(ctx, "roads", client.NewNotice{Kind: client.KindAction, NoticeFacts: client.NoticeFacts{Title: en("Change the address")}})
	w.must(err)
	if action, err = w.AcknowledgeNotice(ctx, "roads", action.ID, "dev"); err != nil || action.Acknowledged[0].By != "dev" {
		w.t.Errorf("%+v %v", action, err)
	}
	open, listed := true, []client.NoticeKind{}
	for one, err := range w.AllNotices(ctx, "roads", client.NoticeFilter{Open: &open, Limit: 1}) {
		w.must(err)
		listed = append(listed, one.Kind)
	}
	for one, err := range w.AllNotices(ctx, "roads", client.NoticeFilter{Kind: client.KindIncident}) {
		w.must(err)
		listed = append(listed, one.Kind)
	}
	if forms != 6 || fmt.Sprint(listed) != "[action incident]" {
		w.t.Errorf("%d forms, listed %v", forms, listed)
	}
	var problem *client.Problem
	if _, _, err := w.OpenNotice(ctx, "roads", client.NewNotice{Kind: client.KindIncident, Affected: map[string]client.ComponentState{"none": "down"}}); !errors.As(err, &problem) || len(problem.Violations) != 3 {
		w.t.Errorf("%v", err)
	}
	w.must(w.DeleteNotice(ctx, "roads", action.ID, client.AnyState))
}
