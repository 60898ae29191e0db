package admin_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// everywhere are the pages of a site.
func everywhere(n *status.Notice) []string {
	at := "/admin/" + n.Site
	notice := at + "/notices/" + n.ID
	return []string{
		at, at + "/colours.css", at + "/notices", at + "/notices/new", at + "/notices/new?kind=incident", at + "/notices/new?kind=maintenance", at + "/notices/new?kind=action",
		at + "/notices/new?kind=announcement", at + "/notices/new?kind=bulletin", notice, notice + "/facts", notice + "/updates/" + n.Updates[0].ID, notice + "/remove", notice + "/history",
		at + "/states/" + search, at + "/components", at + "/components/section/crm", at + "/components/section/new", at + "/components/group/" + dataGroup, at + "/components/group/new?in=crm",
		at + "/components/component/" + search, at + "/components/component/new?in=crm", at + "/components/component/" + search + "/remove", at + "/looks", at + "/history",
	}
}

// Every page has a rule, and nobody reaches a site that is not theirs: it is answered as one that does not exist.
func TestEveryoneReachesTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.slow()
	before := w.Log.Head()
	for name, want := range map[string][2]int{ // to look, and to change
		"eva": {200, 0}, "ida": {200, 0}, "ole": {404, 404}, "uwe": {200, 403}, "pia": {403, 403},
	} {
		b := w.as(name)
		for _, path := range everywhere(n) {
			if p := b.get(path); p.status != want[0] {
				t.Errorf("%s at %s: %d, want %d", name, path, p.status, want[0])
			}
			if want[1] == 0 || strings.HasSuffix(path, ".css") || slices.Contains([]string{"/admin/prod", "/admin/prod/notices", "/admin/prod/notices/" + n.ID + "/history", "/admin/prod/history"}, path) {
				continue
			}
			if p := b.post(path, url.Values{"do": {"publish"}}); p.status != want[1] {
				t.Errorf("%s sends to %s: %d, want %d", name, path, p.status, want[1])
			}
		}
	}
	if w.Log.Head() != before {
		t.Error("somebody has changed something")
	}
	w.as("eva").get("/admin/none").must(404)
	w.as("ida").get("/admin/new").must(403)
	w.as("eva").get("/admin/prod/none").must(404)
}

// The first page has the sites that one may see, and what may be done to them: an auditor only looks.
func TestTheFirstPageHasOnesOwnSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slow()
	for name, want := range map[string]string{
		"eva": "Demo | Example services | Search is slow | Report an incident | New site", "ida": "Example services | Search is slow | Report an incident", "ole": "Demo | Report an incident",
		"uwe": "Demo | Example services | Search is slow", "pia": "There is no status site that you may edit. | source",
	} {
		p := w.as(name).get("/admin/").must(200)
		p.reads("who", name).reads("main", strings.Split(want, " | ")...)
		for _, other := range []string{"Demo", "Example services", "Report an incident", "New site"} {
			if !strings.Contains(want, other) && strings.Contains(wordsOf(p.byID("main")), other) {
				t.Errorf("%s sees %q", name, other)
			}
		}
	}
	if p := w.as("uwe").get("/admin/prod").must(200); strings.Contains(p.words(), "Report an incident") {
		t.Error("an auditor is asked to report incidents")
	}
}

// Every route that the rules name below a site is one of the pages'.
func TestEveryRuleIsAPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("eva")
	for _, rule := range account.Rules {
		method, path, _ := strings.Cut(rule.Route, " ")
		if !strings.HasPrefix(path, "/admin/{site}") {
			continue
		}
		path = strings.NewReplacer("{site}", "none").Replace(path)
		if p := b.send(method, path, url.Values{}); p.status != 404 || !strings.Contains(p.text, `there is no site`) {
			t.Errorf("%s: %d %s", rule.Route, p.status, p.text)
		}
	}
}

// The language is the one that is asked for, which is remembered, or the browser's.
func TestTheLanguageIsChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("ida")
	lang := func(p *page) string {
		return attribute(p.all(func(n *html.Node) bool { return n.Data == "html" })[0], "lang")
	}
	for accepted, want := range map[string]string{"": "en", "da": "da", "fr-CA,fr;q=0.9": "fr", "de, pl;q=0.5": "pl", "nb": "da", "xx": "en", "en-GB, fr": "en"} {
		if got := lang(b.get("/admin/", "Accept-Language", accepted)); got != want {
			t.Errorf("%q is answered in %s", accepted, got)
		}
	}
	b.get("/admin/prod?lang=pl").reads("main", "Zgłoś incydent")
	if got := lang(b.get("/admin/", "Accept-Language", "da")); got != "pl" {
		t.Errorf("then it is %s", got)
	}
	if got := lang(b.get("/admin/?lang=xx")); got != "pl" {
		t.Errorf("what is no language makes it %s", got)
	}
	b.get("/admin/prod").reads("main", "Usługi przykładowe") // texts of the site are in it too
}

// Nothing of a page is inline, nothing else is loaded, and no cache that others share keeps it.
func TestPagesLoadNothingButTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.slow()
	b := w.as("ida")
	for _, path := range everywhere(n) {
		if strings.HasSuffix(path, ".css") {
			continue
		}
		p := b.get(path)
		policy := p.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy is %q", path, policy)
			}
		}
		for node := range p.root.Descendants() {
			inline := has(node, "style") || node.Data == "style" || node.Data == "script" && !strings.HasPrefix(attribute(node, "src"), "/admin/script.js?")
			for _, a := range node.Attr {
				inline = inline || strings.HasPrefix(a.Key, "on")
			}
			if inline {
				t.Errorf("%s: <%s %v> is inline", path, node.Data, node.Attr)
			}
		}
		for _, title := range p.all(func(n *html.Node) bool { return n.Data == "title" }) {
			if got := wordsOf(title); !strings.HasSuffix(got, "Example services – Varsel") || strings.Contains(got, "{") {
				t.Errorf("%s is titled %q", path, got)
			}
		}
		ids := map[string]bool{}
		for _, node := range p.all(func(n *html.Node) bool { return has(n, "id") }) {
			if id := attribute(node, "id"); ids[id] {
				t.Errorf("%s: two are called %s", path, id)
			} else {
				ids[id] = true
			}
		}
	}
	style, script := b.get("/admin/style.css"), b.get("/admin/script.js")
	if style.header.Get("Content-Type") != "text/css; charset=utf-8" || style.header.Get("Cache-Control") != "no-cache" || len(script.text) > 8000 {
		t.Errorf("%v, %d bytes of script", style.header, len(script.text))
	}
	for _, node := range b.get("/admin/prod").all(func(n *html.Node) bool { return n.Data == "link" && attribute(n, "rel") == "stylesheet" }) {
		if p := b.get(attribute(node, "href")).must(200); !strings.Contains(p.header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s is kept for %q", attribute(node, "href"), p.header.Get("Cache-Control"))
		}
	}
}

// Texts of a site, and what is typed, are text and nothing else.
func TestHostileTextIsInert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, _ := w.Book.Site("prod")
	evil := statustest.Hostile()
	next := evil.Site
	next.ID = site.ID
	_, position := w.Book.Site("prod")
	_, err := w.Manager.PutSite(ctx, next, manage.By{Author: "eva", Condition: manage.Condition{Seen: []int64{position}}})
	w.Must(err)
	nasty := evil.Notices[0]
	n := w.open("<i>eva</i>", manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: nasty.Title, Components: nasty.Components}, Body: nasty.Updates[0].Body, Affected: map[string]status.State{backOffice: status.Degraded}})
	w.Must(w.Manager.SetState(ctx, "prod", search, manage.Setting{State: status.Degraded, Reason: nasty.Title}, `"><script>`))
	b := w.as("eva")
	inert := func(what string, p *page) {
		t.Helper()
		for node := range p.root.Descendants() {
			if node.Data == "b" || node.Data == "i" || node.Type == html.ElementNode && node.Data == "script" && attribute(node, "src") == "" || node.Type == html.CommentNode {
				t.Errorf("%s: a text has become <%s>", what, node.Data)
			}
		}
		if p.status == 500 || strings.Contains(p.text, "ZgotmplZ") {
			t.Errorf("%s: %d", what, p.status)
		}
	}
	for _, path := range everywhere(n) {
		if !strings.HasSuffix(path, ".css") {
			inert(path, b.get(path))
		}
	}
	for _, path := range []string{"/admin/", "/admin/prod?done=<script>", "/admin/prod/notices/new?kind=incident&components=<b>&affected.<b>=<b>", `/admin/prod/components/component/new?in="><b>`} {
		inert(path, b.get(strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22").Replace(path)))
	}
	const typed = `</textarea><script>alert(1)</script><b>"'&{{.}}`
	for _, kind := range status.Kinds {
		form := b.get("/admin/prod/notices/new?kind=" + string(kind)).form()
		for name := range form {
			form.Set(name, typed)
		}
		form.Set("kind", string(kind))
		for _, do := range []string{"preview", "publish"} {
			form.Set("do", do)
			inert("what is typed of "+string(kind), b.post("/admin/prod/notices/new", form).must(422))
		}
		form = b.get("/admin/prod/notices/new?kind="+string(kind)).fill("title.en", typed, "body.en", typed, "do", "preview")
		form.Set("starts", "2026-05-01T10:00")
		form.Set("ends", "2026-05-01T11:00")
		p := b.post("/admin/prod/notices/new", form).must(200).reads("preview", typed)
		inert("the preview of "+string(kind), p)
		if got := p.form().Get("body.en"); strings.TrimSpace(got) != typed {
			t.Errorf("it comes back as %q", got)
		}
	}
	form := b.get("/admin/prod/looks").form()
	for name := range form {
		if name != "seen" {
			form.Set(name, typed)
		}
	}
	inert("what is typed of the site", b.post("/admin/prod/looks", form).must(422))
}

// A form of any size or sort does no harm.
func TestStrangeFormsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.slow()
	b, head := w.as("eva"), w.Log.Head()
	at := "/admin/prod/notices/" + n.ID
	for name, c := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"too much":              {at, url.Values{"body.en": {strings.Repeat("x", 3<<20)}}, 400},
		"nothing":               {at, url.Values{}, 409},
		"no kind":               {"/admin/prod/notices/new", url.Values{}, 200},
		"a kind that is none":   {"/admin/prod/notices/new?kind=party", url.Values{}, 200},
		"a component elsewhere": {"/admin/prod/notices/new", url.Values{"kind": {"action"}, "title.en": {"T"}, "components": {"none"}, "do": {"publish"}}, 422},
		"a state that is none":  {"/admin/prod/notices/new", url.Values{"kind": {"incident"}, "title.en": {"T"}, "affected." + search: {"no_data"}, "do": {"publish"}}, 422},
		"a stage that is none":  {"/admin/prod/notices/new", url.Values{"kind": {"incident"}, "title.en": {"T"}, "stage": {"postmortem"}, "do": {"publish"}}, 422},
		"a promise of minus":    {"/admin/prod/notices/new", url.Values{"kind": {"incident"}, "title.en": {"T"}, "next": {"-5"}, "do": {"publish"}}, 422},
		"a move of nothing":     {"/admin/prod/components", url.Values{"move": {"up"}}, 400},
		"a move of nobody":      {"/admin/prod/components", url.Values{"move": {"up/component/none"}}, 404},
		"no component":          {"/admin/prod/states/none", url.Values{"state": {"operational"}}, 404},
		"a part that is none":   {"/admin/prod/components/castle/new", url.Values{}, 404},
	} {
		if p := b.post(c.path, c.form); p.status != c.want {
			t.Errorf("%s: %d, want %d: %s", name, p.status, c.want, p.words())
		}
	}
	if w.Log.Head() != head {
		t.Error("something has changed")
	}
}
