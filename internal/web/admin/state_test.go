package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// A component's state is set by one form of the five states, each with its shape, its colour and its word.
func TestAStateIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Clock.Advance(time.Hour)
	b, path := w.as("ida"), "/admin/prod/states/"+search
	p := b.get(path).must(200)
	radios := p.all(func(n *html.Node) bool { return attribute(n, "name") == "state" })
	if len(radios) != 5 {
		t.Fatalf("%d states", len(radios))
	}
	for i, radio := range radios {
		label := radio.Parent
		marks := 0
		for n := range label.Descendants() {
			if n.Data == "svg" || strings.Contains(attribute(n, "class"), "s-"+string(status.States[i])) {
				marks++
			}
		}
		if attribute(radio, "value") != string(status.States[i]) || wordsOf(label) == "" || marks != 2 {
			t.Errorf("%s has %d of a shape and a colour, and the words %q", attribute(radio, "value"), marks, wordsOf(label))
		}
	}
	form := p.fill("state", "partial_outage", "reason.en", "1 of 2 data centres", "reason.pl", "1 z 2 centrów danych", "at", "2026-03-04T15:00")
	if to := b.post(path, form).must(http.StatusSeeOther).to; to != "/admin/prod?done=state#c-"+search {
		t.Errorf("on to %s", to)
	}
	c := w.board().Component(search)
	if c.State != status.PartialOutage || c.Reason["en"] != "1 of 2 data centres" || c.Reason["pl"] == "" || len(c.Reason) != 2 || c.Since != w.in(-30*time.Minute) {
		t.Errorf("%s %v %s", c.State, c.Reason, c.Since.Time())
	}
	b.get("/admin/prod?done=state").reads("main", "The state is set.", "Some services are partly out", "Global search 1 of 2 data centres for 30\u00a0min")
	entries, err := w.Store.Audit(ctx, audit.Query{Subject: "component/prod/" + search})
	if err != nil || len(entries) != 1 || entries[0].Actor != "ida" || entries[0].Act != audit.SetState {
		t.Errorf("on record is %+v, %v", entries, err)
	}
	b.get("/admin/prod/history").must(200).reads("main", "ida · set a state: Global search → Partial outage", "eva · changed the site")
	// The same again changes nothing.
	head := w.Log.Head()
	form = b.get(path).form()
	if b.post(path, form).must(303); w.Log.Head() != head {
		t.Error("what was so already is written again")
	}
}

func TestWhatIsRefusedOfAState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, path := w.as("ida"), "/admin/prod/states/"+search
	for name, c := range map[string]struct {
		typed []string
		field string
		says  string
	}{
		"none":         {[]string{"state", ""}, "state", "Fill this in."},
		"no state":     {[]string{"state", "on_fire"}, "state", "Choose one"},
		"a long why":   {[]string{"reason.fr", strings.Repeat("é", 301)}, "reason.fr", "at most 300"},
		"tomorrow":     {[]string{"state", "major_outage", "at", "2026-03-05T10:00"}, "at", "still to come"},
		"no such time": {[]string{"at", "2025-03-30T02:30"}, "at", "There is no such time"},
	} {
		form := b.get(path).fill(c.typed...)
		if p := b.post(path, form).must(422); !strings.Contains(p.problem(c.field), c.says) {
			t.Errorf("%s: %q, want %q: %s", name, p.problem(c.field), c.says, wordsOf(p.byID("trouble")))
		} else if p.form().Get(c.typed[0]) != c.typed[1] && c.field != "state" {
			t.Errorf("%s: what was typed is lost", name)
		}
	}
	if w.stateOf(search) != status.Operational {
		t.Error("it is set")
	}
}

// Who sets a state that somebody else has set meanwhile is told, and may set it all the same.
func TestTheSecondWhoSetsAStateIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, path := w.as("ida"), "/admin/prod/states/"+search
	form := b.get(path).fill("state", "degraded_performance", "reason.en", "Slow")
	w.Must(w.Manager.SetState(ctx, "prod", search, manage.Setting{State: status.MajorOutage, Reason: status.Text{"en": "Fire"}}, "eva"))
	p := b.post(path, form).must(http.StatusConflict).reads("trouble", "eva has changed this meanwhile", "Major outage – Fire")
	if got := p.form(); got.Get("state") != "degraded_performance" || got.Get("reason.en") != "Slow" || w.stateOf(search) != status.MajorOutage {
		t.Errorf("%v, it is %s", got, w.stateOf(search))
	}
	b.post(path, p.form()).must(303)
	if w.stateOf(search) != status.Degraded {
		t.Errorf("it is %s", w.stateOf(search))
	}
	// Of a component that nothing is known of, too.
	site, position := w.Book.Site("prod")
	next := *site
	next.Sections[1].Components = append(next.Sections[1].Components, status.Component{Title: status.Text{"en": "Hub"}, Hub: "hub"})
	_, err := w.Manager.PutSite(ctx, next, manage.By{Author: "eva", Condition: manage.Condition{Seen: []int64{position}}})
	w.Must(err)
	board := w.board()
	unknown := board.Components[len(board.Components)-3]
	for _, c := range board.Components {
		if c.Hub == "hub" {
			unknown = c
		}
	}
	path = "/admin/prod/states/" + unknown.ID
	form = b.get(path).must(200).fill("state", "operational")
	first, second := b.post(path, form), b.post(path, form)
	if first.status != 303 || second.status != 409 {
		t.Errorf("%d, then %d", first.status, second.status)
	}
}
