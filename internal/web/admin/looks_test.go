package admin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/status"
)

// A site is called, reached, counted and coloured as its editor says.
func TestTheSiteIsEdited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("eva")
	form := b.get("/admin/prod/looks").must(200).fill(
		"title.en", "Our services", "zone", "America/Montreal", "hosts", "Status.Example.dk\r\nstatus.example.ca", "environment", "LIVE", "supportUrl", "mailto:help@example.dk",
		"private", "yes", "subscribe", "yes", "v2.messages", "yes", "weights.degraded", "0,1", "weights.partial", "0.5", "theme.accent", "#0b6670",
		"theme.states.degraded_performance.name.fr", "Ralenti", "theme.states.degraded_performance.light", "#b35900", "theme.states.degraded_performance.symbol", "half",
		"theme.states.major_outage.dark", "#ffffff",
	)
	b.post("/admin/prod/looks", form).must(303)
	s := w.board().Site
	look := s.Theme.States[status.Degraded]
	switch {
	case s.Title["en"] != "Our services" || s.Title["da"] != "Eksempeltjenester" || s.Zone != "America/Montreal" || s.Environment != "LIVE" || s.SupportURL != "mailto:help@example.dk":
		t.Errorf("%+v", s)
	case strings.Join(s.Hosts, " ") != "status.example.dk status.example.ca" || !s.Private || !s.Subscribe || !s.V2.Messages:
		t.Errorf("%v %v %v %v", s.Hosts, s.Private, s.Subscribe, s.V2)
	case s.Weights == nil || *s.Weights != status.Weights{Degraded: 0.1, Partial: 0.5, Major: 1}:
		t.Errorf("%v", s.Weights)
	case s.Theme.Accent != "#0b6670" || look.Name["fr"] != "Ralenti" || look.Light != "#b35900" || look.Symbol != "half" || s.Theme.States[status.MajorOutage].Dark != "#ffffff" || len(s.Theme.States) != 2:
		t.Errorf("%+v", s.Theme)
	}
	if got := b.get("/admin/prod/colours.css").must(200).text; !strings.Contains(got, "--degraded_performance:#b35900") {
		t.Errorf("the pages here are not in its colours: %s", got)
	}
	b.get("/admin/prod/looks?lang=fr").reads("main", "Ralenti")
	b.post("/admin/prod/looks", b.get("/admin/prod/looks").fill("weights.degraded", "0", "weights.partial", "0.3")).must(303)
	if w.board().Site.Weights != nil {
		t.Error("the weights that everyone has are written down")
	}
}

// What people could not tell, or what is none, is refused at its field; the contrast is told.
func TestWhatIsRefusedOfASite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("eva")
	b.post("/admin/demo/looks", b.get("/admin/demo/looks").fill("hosts", "status.demo.example")).must(303)
	for field, c := range map[string][2]string{
		"theme.states.operational.light":   {"#ffff00", "Too close to the page"},
		"theme.states.partial_outage.dark": {"#1a1a1a", "Too close to the page"},
		"theme.states.no_data.light":       {"grey", "#rrggbb"},
		"theme.states.no_data.symbol":      {"skull", "Choose one"},
		"theme.states.no_data.name.pl":     {strings.Repeat("x", 81), "at most 80"},
		"theme.accent":                     {"#eeeeee", "Too close to the page"},
		"weights.major":                    {"1.5", "0–1"},
		"zone":                             {"Mars/Olympus", "time zone"},
		"hosts":                            {"status.demo.example", "taken already"},
		"supportUrl":                       {"javascript:alert(1)", "web address"},
		"first":                            {"xx", "one of the site"},
	} {
		form := b.get("/admin/prod/looks").form()
		form.Set(field, c[0])
		p := b.post("/admin/prod/looks", form).must(422)
		if got := p.problem(field); !strings.Contains(got, c[1]) {
			t.Errorf("%s: %q, want %q: %s", field, got, c[1], wordsOf(p.byID("trouble")))
		}
		if got := p.form().Get(field); got != c[0] && field != "first" && !strings.HasSuffix(field, "symbol") {
			t.Errorf("%s was typed as %q and is %q", field, c[0], got)
		}
	}
	form := b.get("/admin/prod/looks").form()
	form.Del("languages")
	if p := b.post("/admin/prod/looks", form).must(422); p.problem("languages") != "Fill this in." {
		t.Errorf("a site in no language: %q", wordsOf(p.byID("trouble")))
	}
	b.get("/admin/prod/looks").reads("main", "Contrast (3 : 1 at least): 5.1 : 1")
}

// A language that is taken away takes what is written in it with it; another that comes is in every form.
func TestLanguagesComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.slow()
	b := w.as("ida")
	form := b.get("/admin/prod/looks").form()
	form["languages"] = []string{"da", "fr"}
	form.Set("first", "fr")
	b.post("/admin/prod/looks", form).must(303)
	s := w.board().Site
	if strings.Join(s.Languages, " ") != "fr da" || s.Title["en"] != "" || s.Title["fr"] == "" || s.Sections[0].Components[0].Title["pl"] != "" {
		t.Errorf("%v %v", s.Languages, s.Title)
	}
	// What was said before in a language that is gone stands in nobody's way.
	at := "/admin/prod/notices/" + n.ID
	p := b.get(at).must(200)
	if names := p.form(); names.Has("body.en") || !names.Has("body.fr") {
		t.Errorf("the form is in %v", names)
	}
	b.post(at, p.fill("body.fr", "Nous enquêtons.", "do", "publish")).must(303)
	b.post(at+"/facts", b.get(at+"/facts").must(200).fill("title.da", "Søgning er meget langsom", "do", "publish")).must(303)
}

// Of two who edit the site what each has changed is kept.
func TestTwoWhoEditTheSiteLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ida, eva := w.as("ida"), w.as("eva")
	form := ida.get("/admin/prod/looks").fill("title.en", "Mine", "theme.accent", "#0b6670")
	eva.post("/admin/prod/looks", eva.get("/admin/prod/looks").fill("title.en", "Hers", "environment", "LIVE", "private", "yes")).must(303)
	got := ida.post("/admin/prod/looks", form).must(409).reads("main", "eva has changed this meanwhile", "Now it says: Hers").form()
	if got.Get("title.en") != "Mine" || got.Get("environment") != "LIVE" || got.Get("private") == "" || got.Get("theme.accent") != "#0b6670" {
		t.Errorf("brought together it is %v", got)
	}
	ida.post("/admin/prod/looks", got).must(303)
}

// An operator makes a site, with a section and a component to begin with; one of that name is never put in another's place.
func TestASiteIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("eva")
	form := b.get("/admin/new?lang=da").must(200).form()
	if form.Get("first") != "da" || form.Get("languages") != "da" {
		t.Errorf("it begins with %v", form)
	}
	form["languages"] = []string{"da", "en"}
	for name, text := range map[string]string{"name": "roads", "title.da": "Veje", "title.fr": "Routes", "component.da": "Kort"} {
		form.Set(name, text)
	}
	if to := b.post("/admin/new", form).must(303).to; to != "/admin/roads/components?done=founded" {
		t.Errorf("on to %s", to)
	}
	s := w.Book.Board("roads").Site
	if s.Title["da"] != "Veje" || s.Title["fr"] != "" || s.Sections[0].Title["da"] != "Tjenester" || s.Sections[0].Title["en"] != "Services" || s.Sections[0].Components[0].Title["da"] != "Kort" || s.Zone != "Europe/Copenhagen" {
		t.Errorf("%+v", s)
	}
	for field, text := range map[string]string{"name": "roads", "zone": "", "title.da": strings.Repeat("x", 256), "component.da": strings.Repeat("x", 256), "section.en": strings.Repeat("x", 256)} {
		next := url.Values{}
		for name, list := range form {
			next[name] = list
		}
		next.Set("name", "rails")
		next.Set(field, text)
		if p := b.post("/admin/new", next).must(422); p.problem(field) == "" || p.form().Get(field) != text {
			t.Errorf("%s: %q", field, wordsOf(p.byID("trouble")))
		}
	}
	for _, name := range []string{"new", "sign-in", "sign-out", "admin"} {
		form.Set("name", name)
		if p := b.post("/admin/new", form).must(422); p.problem("name") == "" {
			t.Errorf("a site is called %s", name)
		}
	}
}

// What reaches beyond a site is the operator's, here as in the API: an editor sees no host names, parts of the hub or
// systems, and changes none.
func TestWhatReachesBeyondASiteIsTheOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eva, ida := w.as("eva"), w.as("ida")
	eva.post("/admin/prod/looks", eva.get("/admin/prod/looks").fill("hosts", "status.example.dk")).must(303)
	path := "/admin/prod/components/component/" + search
	eva.post(path, eva.get(path).fill("hub", "lag")).must(303)
	for page, field := range map[string]string{"/admin/prod/looks": "hosts", path: "hub", "/admin/prod/notices/new?kind=maintenance": "pause"} {
		if ida.get(page).must(200).form().Has(field) {
			t.Errorf("an editor is asked for %s", field)
		}
	}
	form := ida.get("/admin/prod/looks").fill("title.en", "Ours")
	form.Set("hosts", "hub.example.dk")
	ida.post("/admin/prod/looks", form).must(303)
	form = ida.get(path).fill("title.en", "Find")
	form.Set("hub", "hub")
	ida.post(path, form).must(303)
	form = ida.get("/admin/prod/notices/new?kind=maintenance").fill("title.en", "M", "starts", "2026-03-07T22:00", "ends", "2026-03-08T02:00", "do", "publish")
	form.Set("pause", "jobnet")
	ida.post("/admin/prod/notices/new", form).must(303)
	if s := w.board().Site; s.Title["en"] != "Ours" || strings.Join(s.Hosts, " ") != "status.example.dk" || s.Component(search).Hub != "lag" || s.Component(search).Title["en"] != "Find" {
		t.Errorf("%v %v %+v", s.Title, s.Hosts, s.Component(search))
	}
	if n := w.board().Notices[0]; len(n.Pause) != 0 {
		t.Errorf("it pauses %v", n.Pause)
	}
}
