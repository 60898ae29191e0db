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
	"github.com/varselhub/varsel/internal/status/statustest"
)

// An incident is reported by one form: what is typed is on the site, by the name of who typed it, and what it says of
// components is so.
func TestAnIncidentIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	form := b.get("/admin/prod/notices/new?kind=incident").must(200).fill(
		"title.en", "Search is slow", "title.da", "Søgning er langsom", "body.en", "We look into it.\r\nUse numbers meanwhile.",
		"affected."+search, "degraded_performance", "affected."+odata, "partial_outage", "next", "30", "expected", "at", "expected.at", "2026-03-04T18:00", "do", "publish",
	)
	p := b.post("/admin/prod/notices/new", form).must(http.StatusSeeOther)
	notices := w.board().Notices
	if len(notices) != 1 || p.to != "/admin/prod/notices/"+notices[0].ID+"?done=opened" {
		t.Fatalf("%d notices, and on to %s", len(notices), p.to)
	}
	n := notices[0]
	switch {
	case n.Kind != status.Incident || n.Stage != status.Investigating || n.Impact != status.ImpactMajor:
		t.Errorf("%s %s %s", n.Kind, n.Stage, n.Impact)
	case n.Title["en"] != "Search is slow" || n.Title["da"] != "Søgning er langsom" || len(n.Title) != 2:
		t.Errorf("the title is %v", n.Title)
	case n.Updates[0].Body["en"] != "We look into it.\nUse numbers meanwhile." || n.Updates[0].Author != "ida":
		t.Errorf("it says %q, by %s", n.Updates[0].Body["en"], n.Updates[0].Author)
	case n.NextUpdate != w.in(30*time.Minute) || n.Expected.Time().Format(time.RFC3339) != "2026-03-04T17:00:00Z":
		t.Errorf("more is promised by %s, the end is expected %s", n.NextUpdate.Time(), n.Expected.Time())
	case w.stateOf(search) != status.Degraded || w.stateOf(odata) != status.PartialOutage || w.stateOf(databases) != status.Operational:
		t.Errorf("search is %s, OData %s", w.stateOf(search), w.stateOf(odata))
	}
	b.get(p.to).must(200).reads("main", "It is published.", "Search is slow", "Use numbers meanwhile.", "4 March 2026, 15:00 CET")
	entries, err := w.Store.Audit(ctx, audit.Query{Subject: "notice/prod/" + n.ID})
	if err != nil || len(entries) != 1 || entries[0].Actor != "ida" || entries[0].Act != audit.OpenNotice {
		t.Errorf("on record is %+v, %v", entries, err)
	}
}

// Every kind of notice is opened by its own form, with what belongs to it.
func TestEveryKindIsOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("eva")
	w.System("jobnet", "standard")
	for _, c := range []struct {
		kind  string
		typed []string
		want  func(n *status.Notice) bool
	}{
		{"maintenance", []string{"starts", "2026-03-07T22:00", "ends", "2026-03-08T02:00", "components", databases, "repeat.every", "month", "repeat.step", "2", "byHand", "yes", "pause", "jobnet", "quiet", "yes"}, func(n *status.Notice) bool {
			return n.Stage == status.Scheduled && n.Starts.Time().Format(time.RFC3339) == "2026-03-07T21:00:00Z" && n.Ends.Sub(n.Starts) == 4*time.Hour && n.ByHand &&
				n.Repeat.Every == "month" && n.Repeat.Step == 2 && n.Pause[0] == "jobnet" && n.Components[0] == databases && n.Updates[0].Quiet && !n.Updates[0].Body.Empty()
		}},
		{"action", []string{"deadline", "2026-04-01T12:00", "audience.en", "Integrators", "components", odata}, func(n *status.Notice) bool {
			return n.Stage == status.Published && n.Deadline.Time().Format(time.RFC3339) == "2026-04-01T10:00:00Z" && n.Audience["en"] == "Integrators" && n.Components[0] == odata
		}},
		{"announcement", []string{"starts", "2026-03-05T08:00", "sections", "crm"}, func(n *status.Notice) bool {
			return n.Stage == status.Coming && n.Sections[0] == "crm" && n.Ends == 0
		}},
		{"bulletin", []string{"body.en", "Closed on Friday."}, func(n *status.Notice) bool { return n.Stage == status.Published && n.Everywhere() }},
	} {
		form := b.get("/admin/prod/notices/new?kind=" + c.kind).must(200).fill(append([]string{"title.en", c.kind + " of today", "do", "publish"}, c.typed...)...)
		p := b.post("/admin/prod/notices/new", form).must(http.StatusSeeOther)
		n := w.board().Notice(strings.TrimSuffix(strings.TrimPrefix(p.to, "/admin/prod/notices/"), "?done=opened"))
		if n == nil || string(n.Kind) != c.kind || n.Title["en"] != c.kind+" of today" || !c.want(n) {
			t.Errorf("%s: %s %+v", c.kind, p.to, n)
		}
	}
	b.get("/admin/prod/notices/new").must(200).reads("main", "Incident", "Maintenance", "Action required", "Announcement", "General message")
}

// A preview shows, in every language, what people will read, who sees it, and what it does; and does nothing.
func TestAPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	head := w.Log.Head()
	form := b.get("/admin/prod/notices/new?kind=incident").fill(
		"title.en", "Search is slow", "title.fr", "La recherche est lente", "body.en", "We look into it.", "affected."+search, "partial_outage", "next", "15", "do", "preview",
	)
	p := b.post("/admin/prod/notices/new", form).must(200)
	if w.Log.Head() != head || len(w.board().Notices) != 0 || w.stateOf(search) != status.Operational {
		t.Fatal("it has changed something")
	}
	p.reads("preview", "Nothing is published yet", "All systems operational → Some services are partly out", "Global search Operational → Partial outage",
		"Everyone who looks at https://status.example/prod", "Whoever has subscribed to it is sent it", "We look into it.", "4 March 2026, 14:45 CET",
		"La recherche est lente", "En cours d’analyse", "The text is not in Français: people read it in English", "4 mars 2026 à 14:45 CET", "Undersøges", "Badanie")
	if got := p.form(); got.Get("title.fr") != "La recherche est lente" || got.Get("affected."+search) != "partial_outage" || got.Get("next") != "15" {
		t.Errorf("what was typed is lost: %v", got)
	}
	form.Set("quiet", "yes")
	b.post("/admin/prod/notices/new", form).reads("preview", "People are sent nothing")
	// The button in the preview belongs to the form below it, without a script.
	if buttons := p.all(func(n *html.Node) bool { return n.Data == "button" && attribute(n, "form") == "write" }); len(buttons) != 1 || p.byID("write") == nil {
		t.Errorf("%d buttons publish from the preview", len(buttons))
	}
	form.Set("do", "publish")
	b.post("/admin/prod/notices/new", form).must(http.StatusSeeOther)
	if len(w.board().Notices) != 1 {
		t.Error("it is not published")
	}
}

// Of a maintenance the preview says what will come of it by itself.
func TestAPreviewOfMaintenanceLooksAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	form := b.get("/admin/prod/notices/new?kind=maintenance").fill("title.en", "Upgrade", "starts", "2026-10-25T02:30", "ends", "2026-10-25T04:00", "components", databases, "do", "preview")
	b.post("/admin/prod/notices/new", form).must(200).reads("preview", "The site goes on saying: All systems operational", "When it begins, 25 October 2026, 02:30 CEST",
		"Production databases Operational → Under maintenance", "The site then says: Maintenance in progress", "When it ends, 25 October 2026, 04:00 CET",
		"this time comes twice; the first is meant: 25 October 2026, 02:30 CEST")
}

// What is wrong stands at its field and above the form, where it is told and leads to the field; what was typed stays, and
// nothing is published.
func TestWhatIsWrongStandsAtItsField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	for name, c := range map[string]struct {
		kind  string
		typed []string
		field string
		says  string
	}{
		"no title":            {"incident", nil, "title.en", "Fill this in."},
		"a long title":        {"incident", []string{"title.pl", strings.Repeat("ż", 256)}, "title.pl", "at most 255"},
		"a long text":         {"incident", []string{"title.en", "T", "body.da", strings.Repeat("x", 25001)}, "body.da", "at most 25000"},
		"no window":           {"maintenance", []string{"title.en", "T"}, "starts", "Fill this in."},
		"a window backwards":  {"maintenance", []string{"title.en", "T", "starts", "2026-03-08T22:00", "ends", "2026-03-08T21:00"}, "ends", "not after"},
		"a time that is none": {"maintenance", []string{"title.en", "T", "starts", "2026-03-29T02:30", "ends", "2026-03-29T04:00"}, "starts", "The next is 29 March 2026, 03:30 CEST"},
		"no time at all":      {"action", []string{"title.en", "T", "deadline", "soon"}, "deadline", "no date and time"},
		"a promise without":   {"incident", []string{"title.en", "T", "next", "at"}, "next.at", "Fill this in."},
		"a promise passed":    {"incident", []string{"title.en", "T", "expected", "at", "expected.at", "2026-03-04T08:00"}, "expected.at", "passed already"},
		"begun tomorrow":      {"incident", []string{"title.en", "T", "started", "2026-03-05T08:00"}, "started", "still to come"},
		"a step of nothing":   {"maintenance", []string{"title.en", "T", "repeat.every", "day", "repeat.step", "0"}, "repeat.step", "1–366"},
	} {
		for _, do := range []string{"preview", "publish"} {
			form := b.get("/admin/prod/notices/new?kind=" + c.kind).fill(append(c.typed, "do", do)...)
			p := b.post("/admin/prod/notices/new", form).must(http.StatusUnprocessableEntity)
			if got := p.problem(c.field); !strings.Contains(got, c.says) {
				t.Errorf("%s, %s: at %s stands %q, want %q\n%s", name, do, c.field, got, c.says, wordsOf(p.byID("trouble")))
			}
			trouble := p.byID("trouble")
			if trouble == nil || attribute(trouble, "role") != "alert" || !has(trouble, "autofocus") {
				t.Fatalf("%s: nobody is told", name)
			}
			for n := range trouble.Descendants() {
				if to := attribute(n, "href"); to != "" && p.byID(strings.TrimPrefix(to, "#")) == nil {
					t.Errorf("%s: %s leads nowhere", name, to)
				}
			}
			id := "f-" + strings.ReplaceAll(c.field, ".", "-")
			if field := p.byID(id); attribute(field, "aria-invalid") != "true" || !strings.Contains(attribute(field, "aria-describedby"), id+"-problem") {
				t.Errorf("%s: the field does not say that it is wrong", name)
			}
			got := p.form()
			for i := 0; i+1 < len(c.typed); i += 2 {
				if got.Get(c.typed[i]) != c.typed[i+1] {
					t.Errorf("%s: %s was typed as %q and is %q", name, c.typed[i], c.typed[i+1], got.Get(c.typed[i]))
				}
			}
			if p.byID("preview") != nil || len(w.board().Notices) != 0 {
				t.Errorf("%s: it is shown, or published", name)
			}
		}
	}
}

// Whoever taps twice has opened one notice.
func TestTwoTapsOpenOneNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	form := b.get("/admin/prod/notices/new?kind=bulletin").fill("title.en", "Closed", "do", "publish")
	first, second := b.post("/admin/prod/notices/new", form).must(303), b.post("/admin/prod/notices/new", form).must(303)
	if first.to != second.to || len(w.board().Notices) != 1 {
		t.Errorf("%s, then %s: %d notices", first.to, second.to, len(w.board().Notices))
	}
	again := b.get("/admin/prod/notices/new?kind=bulletin").fill("title.en", "Closed", "do", "publish")
	if b.post("/admin/prod/notices/new", again).must(303); len(w.board().Notices) != 2 {
		t.Error("another form opens no notice of its own")
	}
}

// From a component that is set down an incident begins with it.
func TestAnIncidentBeginsWithTheComponent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(w.Manager.SetState(ctx, "prod", search, manage.Setting{State: status.MajorOutage}, "ida"))
	b := w.as("ida")
	to := ""
	p := b.get("/admin/prod/states/" + search)
	for _, n := range p.all(func(n *html.Node) bool { return strings.Contains(attribute(n, "href"), "kind=incident") }) {
		to = attribute(n, "href")
	}
	if got := b.get(to).must(200).form().Get("affected." + search); got != "major_outage" {
		t.Errorf("%s begins with %q", to, got)
	}
}

// A site of as many components as there may be is run by the same forms.
func TestALargeSiteIsRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := statustest.Large(status.MaxComponents).Site
	site.Name, site.ID = "large", ""
	w.put(site)
	b, one := w.as("eva"), statustest.ID("many", 1234)
	form := b.get("/admin/large/notices/new?kind=incident").must(200).fill("title.en", "T", "affected."+one, "major_outage", "do", "preview")
	b.post("/admin/large/notices/new", form).must(200).reads("preview", "Server 1235 Operational → Major outage")
	form.Set("do", "publish")
	b.post("/admin/large/notices/new", form).must(303)
	if got := w.Book.Board("large").Component(one).State; got != status.MajorOutage {
		t.Errorf("it is %s", got)
	}
	for _, path := range []string{"", "/components", "/notices/new?kind=maintenance"} {
		if p := b.get("/admin/large" + path).must(200); len(p.text) > 4<<20 {
			t.Errorf("%s has %d bytes", path, len(p.text))
		} else {
			t.Logf("%s: %d kB", path, len(p.text)>>10)
		}
	}
}
