package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// order is what stands on the site, as a line.
func (w *world) order() string {
	var b strings.Builder
	site := w.board().Site
	for i := range site.Sections {
		section := &site.Sections[i]
		b.WriteString(section.Name + "[")
		for _, c := range section.Components {
			b.WriteString(c.Title["en"] + ",")
		}
		for _, g := range section.Groups {
			b.WriteString(g.Title["en"] + "{")
			for _, c := range g.Components {
				b.WriteString(c.Title["en"] + ",")
			}
			b.WriteString("}")
		}
		b.WriteString("] ")
	}
	return strings.TrimSpace(b.String())
}

const standing = "crm[Back Office,Data{Production databases,OData service,Global search,}] erp[Sign-in,Scheduled jobs,Integrations{SOAP services,File transfer,}]"

// What stands on the site is moved up and down, within what it stands in; at the end it stays where it is.
func TestPartsAreMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	move := func(what, want string) {
		t.Helper()
		form := b.get("/admin/prod/components").must(200).form()
		form.Set("move", what)
		p := b.post("/admin/prod/components", form).must(303)
		if got := w.order(); got != want {
			t.Errorf("%s:\n%s, want\n%s", what, got, want)
		}
		_, id, _ := strings.Cut(what[strings.Index(what, "/")+1:], "/")
		if p.to != "/admin/prod/components#p-"+id {
			t.Errorf("%s leads to %s", what, p.to)
		}
	}
	if w.order() != standing {
		t.Fatal(w.order())
	}
	move("up/component/"+search, strings.Replace(standing, "OData service,Global search", "Global search,OData service", 1))
	move("down/component/"+search, standing)
	move("down/component/"+search, standing)
	move("up/section/erp", "erp[Sign-in,Scheduled jobs,Integrations{SOAP services,File transfer,}] crm[Back Office,Data{Production databases,OData service,Global search,}]")
	move("down/section/erp", standing)
	move("up/group/"+dataGroup, standing)

	// Who moves what somebody else has moved meanwhile is told, and moves nothing.
	form := b.get("/admin/prod/components").form()
	move("up/component/"+search, strings.Replace(standing, "OData service,Global search", "Global search,OData service", 1))
	form.Set("move", "up/component/"+search)
	b.post("/admin/prod/components", form).must(http.StatusConflict).reads("trouble", "ida has changed this meanwhile")
}

// A component is changed, and put elsewhere; it stays the same one, with what is known of it.
func TestAComponentIsChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(w.Manager.SetState(ctx, "prod", search, manage.Setting{State: status.Degraded}, "eva"))
	b, path := w.as("ida"), "/admin/prod/components/component/"+search
	form := b.get(path).must(200).fill(
		"title.en", "Find", "impact.en", "Nothing is found.", "in", "erp", "symbol", "api", "startDate", "2026-02-01", "onlyShowIfDegraded", "yes", "showcase", "yes",
	)
	if to := b.post(path, form).must(303).to; to != "/admin/prod/components?done=components#p-"+search {
		t.Errorf("on to %s", to)
	}
	if got := w.order(); got != "crm[Back Office,Data{Production databases,OData service,}] erp[Sign-in,Scheduled jobs,Find,Integrations{SOAP services,File transfer,}]" {
		t.Error(got)
	}
	c := w.board().Component(search)
	if c.Title["da"] != "Global søgning" || c.Impact["en"] != "Nothing is found." || c.Symbol != "api" || c.StartDate != "2026-02-01" || !c.OnlyIfDegraded || !c.Showcase || c.State != status.Degraded {
		t.Errorf("%+v", c)
	}
	for name, typed := range map[string][2]string{"title.en": {"title.en", strings.Repeat("x", 256)}, "startDate": {"startDate", "soon"}, "symbol": {"symbol", "skull"}, "in": {"in", "nowhere"}} {
		p := b.post(path, b.get(path).fill(typed[0], typed[1])).must(422)
		if p.problem(name) == "" {
			t.Errorf("%s: nothing stands at the field: %s", name, wordsOf(p.byID("trouble")))
		}
	}
	p := b.get(path)
	form = p.form()
	for _, language := range []string{"en", "da", "fr", "pl"} {
		form.Set("title."+language, "")
	}
	if got := b.post(path, form).must(422).problem("title.en"); got != "Fill this in." {
		t.Errorf("a component without a name: %q", got)
	}
}

// Components, groups and sections are added; a group begins with a component, and ends with its last.
func TestPartsAreAddedAndTakenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	add := func(path string, typed ...string) {
		t.Helper()
		b.post(path, b.get(path).must(200).fill(typed...)).must(303)
	}
	add("/admin/prod/components/component/new?in=crm/"+dataGroup, "title.en", "Replica")
	add("/admin/prod/components/component/new?in=erp", "title.en", "VPN")
	add("/admin/prod/components/group/new?in=crm", "title.en", "Mail", "first.en", "Outgoing", "first.da", "Udgående")
	add("/admin/prod/components/section/new", "title.en", "Mobile", "name", "mobile")
	add("/admin/prod/components/component/new?in=mobile", "title.en", "App")
	const all = "crm[Back Office,Data{Production databases,OData service,Global search,Replica,}Mail{Outgoing,}] erp[Sign-in,Scheduled jobs,VPN,Integrations{SOAP services,File transfer,}] mobile[App,]"
	if got := w.order(); got != all {
		t.Fatal(got)
	}
	var outgoing, app, mail string
	for _, c := range w.board().Components {
		switch c.Title["en"] {
		case "Outgoing":
			outgoing, mail = c.ID, c.Group.ID
		case "App":
			app = c.ID
		}
	}
	if w.stateOf(app) != status.Operational {
		t.Errorf("a new component is %s", w.stateOf(app))
	}
	// Whatever belongs to it goes with it, once that is confirmed.
	remove := func(path, want string, texts ...string) {
		t.Helper()
		before := w.order()
		p := b.get(path+"/remove").must(200).reads("main", texts...)
		if w.order() != before {
			t.Fatal("looking has removed it")
		}
		b.post(path+"/remove", p.form()).must(303)
		if got := w.order(); got != want {
			t.Errorf("%s:\n%s, want\n%s", path, got, want)
		}
	}
	w.open("eva", manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Mail waits"}}, Body: status.Text{"en": "x"}, Affected: map[string]status.State{outgoing: status.Degraded}})
	without := strings.Replace(all, "Mail{Outgoing,}", "", 1)
	remove("/admin/prod/components/component/"+outgoing, without, "Remove Outgoing?", "Notices about it are open", "Mail waits")
	b.get("/admin/prod/components/group/" + mail).must(404)
	without = strings.Replace(without, " mobile[App,]", "", 1)
	remove("/admin/prod/components/section/mobile", without, "Remove Mobile?", "These services go", "App")
	remove("/admin/prod/components/group/"+dataGroup, "crm[Back Office,] erp[Sign-in,Scheduled jobs,VPN,Integrations{SOAP services,File transfer,}]", "Production databases", "Replica")

	p := b.post("/admin/prod/components/section/new", b.get("/admin/prod/components/section/new").fill("title.en", "X", "name", "History")).must(422)
	if p.problem("name") == "" {
		t.Error("a section is called History")
	}
	p = b.post("/admin/prod/components/group/new?in=crm", b.get("/admin/prod/components/group/new?in=crm").fill("title.en", "X")).must(422)
	if p.problem("first.en") != "Fill this in." {
		t.Errorf("a group of nothing: %s", wordsOf(p.byID("trouble")))
	}
}

// Of two who edit the same component what each has changed is kept.
func TestTwoWhoEditAComponentLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ida, eva, path := w.as("ida"), w.as("eva"), "/admin/prod/components/component/"+search
	form := ida.get(path).fill("title.en", "Find", "symbol", "web")
	eva.post(path, eva.get(path).fill("title.en", "Look up", "description.en", "Finds cases.")).must(303)
	p := ida.post(path, form).must(http.StatusConflict).reads("trouble", "eva has changed this meanwhile").reads("main", "Now it says: Look up")
	got := p.form()
	if got.Get("title.en") != "Find" || got.Get("description.en") != "Finds cases." || got.Get("symbol") != "web" {
		t.Errorf("brought together it is %v", got)
	}
	ida.post(path, got).must(303)
	// Another part of the site that was changed meanwhile stands in nobody's way for long: nothing of it is in the form.
	form = ida.get(path).fill("title.en", "Find it")
	eva.post("/admin/prod/components/section/erp", eva.get("/admin/prod/components/section/erp").fill("title.en", "ERP 2")).must(303)
	got = ida.post(path, form).must(409).form()
	ida.post(path, got).must(303)
	if c := w.board().Component(search); c.Title["en"] != "Find it" || w.board().Site.Sections[1].Title["en"] != "ERP 2" {
		t.Errorf("%v %v", c.Title, w.board().Site.Sections[1].Title)
	}
	// What somebody else has taken away is not there.
	form = ida.get(path).fill("title.en", "Gone")
	eva.post(path+"/remove", eva.get(path+"/remove").form()).must(303)
	ida.post(path, form).must(404)
}

// What is filled in and sent as it stands changes nothing.
func TestAnUntouchedSiteStaysAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("eva")
	w.Clock.Advance(time.Hour)
	for _, path := range []string{
		"/admin/prod/looks", "/admin/prod/components/section/crm", "/admin/prod/components/group/" + dataGroup, "/admin/prod/components/component/" + search, "/admin/prod/components/component/" + files,
		"/admin/prod/components/component/" + databases, "/admin/demo/looks",
	} {
		head := w.Log.Head()
		b.post(path, b.get(path).must(200).form()).must(303)
		if w.Log.Head() != head {
			t.Errorf("%s changes the site", path)
		}
	}
}
