package page

import (
	"bytes"
	"compress/gzip"
	"flag"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

// What a page is, to the letter: look at what changed before it is written anew.
func TestPagesAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for name, path := range map[string]string{
		"overview": "/busy/", "section": "/busy/da/crm", "notice": "/busy/fr/notices/notice000003", "component": "/busy/pl/components/comp00000006",
		"calendar": "/busy/calendar", "history": "/busy/history/2026-02", "follow": "/busy/follow", "empty": "/empty/", "hostile": "/hostile/",
	} {
		t.Run(name, func(t *testing.T) {
			got := stamps.ReplaceAll([]byte(v.page(path)), []byte("/assets/$1.STAMP.$2"))
			golden(t, name+".html", got)
		})
	}
}

// The stamps of style and script change with every change of theirs; they are no part of a page.
var stamps = regexp.MustCompile(`/assets/(\w+)\.[0-9a-f]{12}\.(\w+)`)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another; see what -update changes in it", name)
	}
}

// visible is what a person reads of HTML, white space folded. What is only heard is in it too.
func visible(text string) string {
	text = regexp.MustCompile(`(?s)<head>.*?</head>|<svg.*?</svg>`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`</?(?:p|div|li|dt|dd|h\d|tr|td|th|section|article|summary|ul|ol|br)\b[^>]*>`).ReplaceAllString(text, " ")
	text = html.UnescapeString(markup.ReplaceAllString(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

func says(t *testing.T, page string, texts ...string) {
	t.Helper()
	seen := visible(page)
	for _, text := range texts {
		if !strings.Contains(seen, text) {
			t.Errorf("%q is not on the page, which reads\n%s", text, seen)
		}
	}
}

func saysNot(t *testing.T, page string, texts ...string) {
	t.Helper()
	seen := visible(page)
	for _, text := range texts {
		if strings.Contains(seen, text) {
			t.Errorf("%q is on the page, which reads\n%s", text, seen)
		}
	}
}

// rowOf is what a page has of one component.
func rowOf(t *testing.T, page, id string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `id="c-`+id+`"`)
	if !found {
		t.Fatalf("no row of %s", id)
	}
	row, _, _ := strings.Cut(rest, `<li class="row`)
	row, _, _ = strings.Cut(row, `</section>`)
	return row
}

func TestD2StateAndWhatIsCurrentPastAndPlanned(t *testing.T) {
	t.Parallel()
	page := visit(t, stories()).page("/busy/")
	says(t, page, "Some services are partly out", "1 open incident", "1 maintenance in progress", "1 maintenance planned", "1 action for you")
	for part, text := range map[string]string{"now": "Search is slow", "planned": "Database upgrade", "messages": "Version 9 comes in April", "h-past": "Monthly update"} {
		_, rest, found := strings.Cut(page, `id="`+part+`"`)
		if rest, _, _ = strings.Cut(rest, "</section>"); !found || !strings.Contains(visible("<p "+rest), text) {
			t.Errorf("%q is not in %s", text, part)
		}
	}
	says(t, page, "As of 4 March 2026, 14:30 CET")
}

// Colour is never alone: every state has a word and a shape of its own (D4, WCAG 1.4.1).
func TestD4EveryStateHasAWordAShapeAndAColour(t *testing.T) {
	t.Parallel()
	seen := map[string]status.State{}
	for _, state := range append([]status.State{status.NoData}, status.States...) {
		w := statustest.New()
		w.Set(statustest.ID("comp", 1), state, statustest.Ago(1), nil, status.ByHand, "")
		v := visit(t, siteOf(w))
		row := rowOf(t, v.page("/site/"), statustest.ID("comp", 1))
		look := w.Site.Look(state)
		if want := `<span class="mark s-` + string(state) + `"><svg class="i" width="20" height="20" aria-hidden="true"><use href="#i-` + look.Symbol + `"/></svg><span>` + look.Name["en"]; !strings.Contains(row, want) {
			t.Errorf("%s is shown as\n%s", state, row)
		}
		for other, is := range seen {
			if other == web.Shape(look.Symbol) {
				t.Errorf("%s and %s have the same shape", state, is)
			}
		}
		seen[web.Shape(look.Symbol)] = state
		style := stylesheet(t, v, "/site/")
		for _, colour := range []string{look.Light, look.Dark} {
			if !strings.Contains(style, "--"+string(state)+":"+colour) {
				t.Errorf("the style has no %s for %s", colour, state)
			}
		}
	}
}

var scriptLink = regexp.MustCompile(`<script src="([^"]+)" defer>`)

var styleLink = regexp.MustCompile(`<link rel="stylesheet" href="([^"]+)">`)

func stylesheet(t *testing.T, v *visitor, path string) string {
	t.Helper()
	found := styleLink.FindStringSubmatch(v.page(path))
	if found == nil {
		t.Fatal("no style")
	}
	return v.page(found[1])
}

// The five kinds are told apart by a word and a shape (D5–D9, C5), and an event tells what it is and how long it lasts.
func TestD5TheFiveKindsOfNotices(t *testing.T) {
	t.Parallel()
	page := visit(t, stories()).page("/busy/")
	for kind, word := range map[status.Kind]string{
		status.Incident: "Incident", status.Planned: "Maintenance", status.Action: "Action required", status.Announcement: "Announcement", status.Bulletin: "General message",
	} {
		if !strings.Contains(page, `<p class="kind k-`+string(kind)+`"><svg class="i" width="20" height="20" aria-hidden="true"><use href="#i-kind-`+string(kind)+`"/></svg><span>`+word+`</span></p>`) {
			t.Errorf("%s is not told by its word and its shape", kind)
		}
	}
	says(t, page, "since 4 March 2026, 13:20 CET1 h 10 min so far", "Window 7 March 2026, 14:30 – 17:30 CET", "Lasted 2 h")
	says(t, page, "Do it by 16 March 2026, 14:30 CET", "For Integrators")
}

// The state of each is named as the seed does, and what it means is on the page (D10).
func TestD10TheStatesInFrench(t *testing.T) {
	t.Parallel()
	says(t, visit(t, siteOf(divalto())).page("/site/"),
		"Opérationnel Le service fonctionne normalement", "Perturbation mineure Le service fonctionne mais rencontre des problèmes mineurs",
		"Perturbation majeure Le service rencontre des problèmes significatifs", "Non opérationnel Le service est totalement indisponible",
		"Maintenance Le service est en maintenance planifiée", "Pas de données")
}

// What people lose is told where something is lost, and asked for on the component's own page (D11).
func TestD11DescriptionAndImpact(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	v := visit(t, siteOf(w))
	id := statustest.ID("comp", 1)
	row := rowOf(t, v.page("/site/"), id)
	says(t, row, "The user interface of the CRM.")
	saysNot(t, row, "Users cannot work in the CRM.")
	says(t, v.page("/site/components/"+id), "If it is down Users cannot work in the CRM.")
	w.Set(id, status.MajorOutage, statustest.Ago(1), nil, status.ByHand, "")
	says(t, rowOf(t, visit(t, siteOf(w)).page("/site/"), id), "Impact: Users cannot work in the CRM.")
}

// Nobody needs to log in (D14), and nothing that only programs may know is shown.
func TestD14EverythingIsForEveryoneAndNothingElse(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for _, path := range []string{"/busy/", "/busy/notices/notice000006"} {
		if page := v.page(path); strings.Contains(page, "jobnet") {
			t.Errorf("%s tells who has done what it asks for", path)
		}
	}
}

func TestD16TheChooser(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	page := v.page("/")
	says(t, page, "Choose what you use", "Example services PROD All systems operational", "Major system outage")
	for _, href := range []string{outside + "/busy/", outside + "/busy/erp"} {
		if !strings.Contains(page, `href="`+href+`"`) {
			t.Errorf("no way to %s", href)
		}
	}
	if got := v.ask("/", "Accept-Language", "fr-CA,fr;q=0.9").Body.String(); !strings.Contains(got, `<html lang="fr"`) || !strings.Contains(got, outside+"/busy/fr/erp") {
		t.Error("the chooser does not speak French to who asks for it")
	}
	private := stories()
	private.boards["out"].Site.Private = true
	saysNot(t, visit(t, private).page("/"), "Major system outage")
}

func TestWithoutSitesTheHubSaysWhatItIs(t *testing.T) {
	t.Parallel()
	w := visit(t, &book{boards: map[string]*status.Board{}}).page("/")
	says(t, w, "No status site yet", "PUT /api/v1/sites/example", `"zone": "Europe/Copenhagen"`)
	if !strings.Contains(w, `href="/now/"`) {
		t.Error("no way to the live page")
	}
}

// A section has a page with its own global state, and what concerns it alone (D17).
func TestD17ASection(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	says(t, v.page("/busy/erp"), "ERP Maintenance in progress", "Moving files to new storage", "Sign-in")
	saysNot(t, v.page("/busy/erp"), "Search is slow", "Back Office", "Version 9 comes in April")
	says(t, v.page("/busy/crm"), "Some services are partly out", "Version 9 comes in April", "Support is closed on Friday")
	if w := v.ask("/busy/hr"); w.Code != http.StatusNotFound {
		t.Errorf("a section that is not there: %d", w.Code)
	}
}

// One can go to another solution, in another language and theme, from the top of every page (D18).
func TestD18TheBarAtTheTop(t *testing.T) {
	t.Parallel()
	page := visit(t, stories()).page("/busy/components/comp00000004")
	for _, href := range []string{
		outside + "/well/", "/busy/crm", "/busy/language/fr?to=%2Fcomponents%2Fcomp00000004", "/busy/theme/dark?to=%2Fcomponents%2Fcomp00000004", "/busy/follow",
	} {
		if !strings.Contains(page, `href="`+href+`"`) {
			t.Errorf("no way to %s", href)
		}
	}
	for _, lang := range []string{"en", "da", "fr", "pl"} {
		if !strings.Contains(page, `hreflang="`+lang+`"`) {
			t.Errorf("the head does not name the page in %s", lang)
		}
	}
}

// "Follow" stands under the global state and next to every component, and leads to addresses to copy (D21). The state and
// the general messages are recommended first (D22), every five minutes (D23), in Outlook and in a widget (D24b).
func TestD21Follow(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	page := v.page("/busy/")
	_, headline, _ := strings.Cut(page, `class="headline`)
	headline, _, _ = strings.Cut(headline, "</section>")
	if !strings.Contains(headline, `href="/busy/follow"`) {
		t.Error("the global state cannot be followed")
	}
	for i := range 8 {
		id := statustest.ID("comp", i+1)
		if !strings.Contains(rowOf(t, page, id), `href="/busy/components/`+id+`#follow"`) {
			t.Errorf("%s cannot be followed", id)
		}
	}
	follow := v.page("/busy/fr/follow")
	says(t, follow, "Il est recommandé de suivre les statuts globaux et les messages généraux", "Flux RSS", "Paramètres du compte", "5 minutes", "l’engrenage en bas à droite")
	state, general := strings.Index(follow, `href="`+outside+`/busy/fr/state.rss" type`), strings.Index(follow, `href="`+outside+`/busy/fr/bulletins.rss" type`)
	for _, other := range []string{"updates.rss", "updates.atom", "updates.json", "history.rss", "history.atom", "calendar.ics", "crm/state.rss", "components/comp00000001.rss", "components/comp00000001.ics"} {
		if at := strings.Index(follow, `href="`+outside+"/busy/fr/"+other+`" type`); state < 0 || general < state || at < general {
			t.Errorf("%s is at %d, state at %d, general messages at %d", other, at, state, general)
		}
	}
	says(t, v.page("/busy/components/comp00000001"), "Follow this service", outside+"/busy/components/comp00000001.rss")
}

// Why a component is as it is stands beside its state, and need not be an impact (C17).
func TestC17AReasonWithoutAnImpact(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	row := rowOf(t, v.page("/degraded/"), statustest.ID("comp", 1))
	says(t, row, "1 of 2 data centres", "Degraded performance")
	says(t, v.page("/degraded/components/comp00000001"), "seen by monitoring", "Since 4 March 2026, 13:50 CET")
}

func TestC16AnOpenIncidentIsNeverUnderAllOperational(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	w.Add(&status.Notice{Kind: status.Incident, Title: status.Text{"en": "Odd"}, Override: status.ImpactMinor, Updates: []status.Update{{Stage: status.Investigating, Body: status.Text{"en": "?"}, Created: statustest.Ago(1)}}})
	page := visit(t, siteOf(w)).page("/site/")
	says(t, page, "An incident is open")
	saysNot(t, page, "All systems operational")
}

// When it should be over, when more is promised, and whether that is late (T2).
func TestT2WhatIsPromised(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	says(t, v.page("/busy/"), "Expected to be restored 4 March 2026, 16:00 CET", "Next update by 4 March 2026, 14:50 CET")
	saysNot(t, v.page("/busy/"), "overdue")
	says(t, v.page("/out/"), "Next update by 4 March 2026, 14:25 CET overdue by 5 min")
}

// What is not known is hatched, is in no headline as well, and is no uptime.
func TestNoDataIsNeverShownAsUp(t *testing.T) {
	t.Parallel()
	page := visit(t, stories()).page("/unknown/")
	says(t, page, "No known problem", "No data of 2 services")
	_, main, _ := strings.Cut(page, "<main")
	main, _, _ = strings.Cut(main, `id="in-crm"`)
	saysNot(t, "<main "+main, "All systems operational", "Operational")
	row := rowOf(t, page, statustest.ID("comp", 7))
	says(t, row, "No data", "no data")
	if strings.Contains(row, `class="well"`) || !strings.Contains(row, `class="unknown" fill="url(#hatch)" d="M0 0h900v32h-900z"`) {
		t.Errorf("what was never known is drawn as\n%s", row)
	}
}

// A component that is shown only if degraded is not there while it is well.
func TestOnlyIfDegraded(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for path, there := range map[string]bool{"/well/": false, "/busy/": true, "/well/follow": false} {
		if got := strings.Contains(v.page(path), statustest.ID("comp", 8)); got != there {
			t.Errorf("it is on %s: %v", path, got)
		}
	}
}

// Components can be looked for without a script: by name, whatever case and accents, and those that are affected.
func TestSearchWithoutAScript(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for query, want := range map[string]string{
		"?q=SEARCH": "1 of 8 services shown", "?only=affected": "3 of 8 services shown", "?q=o&only=affected": "2 of 8 services shown", "?q=zzz": "No service is called that.",
	} {
		says(t, v.page("/busy/"+query), want)
	}
	saysNot(t, v.page("/busy/?q=search"), "Back Office")
	says(t, v.page("/well/?only=affected"), "No service is affected.")
	says(t, visit(t, siteOf(divalto())).page("/site/?q=declencheurs"), "Déclencheurs (Event)")
	if page := v.page("/busy/?q=%22%3E%3Cb%3E"); !strings.Contains(page, `value="&#34;&gt;&lt;b&gt;"`) {
		t.Error("what is searched for is not in the field as it was")
	}
}

func TestTheWeightsAreOnThePageInWords(t *testing.T) {
	t.Parallel()
	says(t, visit(t, stories()).page("/busy/"), "Major outage counts in full against it.", "Partial outage counts with 30 % of its time.", "Degraded performance counts with 10 % of its time.", "Under maintenance costs nothing.", "Time of which nothing is known counts for neither side")
}

func TestWhatIsOldIsSaidToBe(t *testing.T) {
	t.Parallel()
	b := siteOf(statustest.New())
	saysNot(t, visit(t, b).page("/site/"), "Data is")
	b.add("stale", statustest.New())
	says(t, visit(t, b).page("/stale/"), "Data is 8 min old")
}

// The head names the page's addresses, feeds and when it was made, and the title begins with the state.
func TestTheHeadOfAPage(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	page := html.UnescapeString(v.page("/busy/fr/crm"))
	for _, want := range []string{
		`<title>CRM : Certains services sont fortement perturbés – Services d’exemple</title>`, `<meta name="issued" content="2026-03-04T13:30:00Z">`,
		`<link rel="canonical" href="` + outside + `/busy/fr/crm">`, `<link rel="alternate" hreflang="x-default" href="` + outside + `/busy/crm">`, `<link rel="alternate" hreflang="da" href="` + outside + `/busy/da/crm">`,
		`<link rel="alternate" type="application/rss+xml" title="État global" href="` + outside + `/busy/fr/state.rss">`, `<link rel="alternate" type="application/atom+xml"`,
		`<link rel="icon" type="image/svg+xml" href="/busy/assets/icon.partial_outage.svg">`, `<meta name="description" content="Clients et contrats">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the head lacks %s", want)
		}
	}
	if strings.Contains(page, `name="robots"`) {
		t.Error("search engines are kept away")
	}
	b := siteOf(statustest.New())
	b.sites[0].Private = true
	if page := visit(t, b).page("/site/"); !strings.Contains(page, `<meta name="robots" content="noindex, nofollow">`) {
		t.Error("a private site is to be found")
	}
	if icon := v.ask("/busy/assets/icon.partial_outage.svg"); icon.Code != 200 || !strings.Contains(icon.Body.String(), `fill="#c2410c"`) {
		t.Errorf("the icon: %d %s", icon.Code, icon.Body)
	}
	if got := v.ask("/busy/assets/icon.bright.svg").Code; got != 404 {
		t.Errorf("the icon of a state that is none: %d", got)
	}
}

// Texts that would be code are text.
func TestHostileTextsAreInert(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for _, path := range []string{"/hostile/", "/hostile/notices/notice000001", "/hostile/components/comp00000001", "/hostile/history", "/hostile/follow", "/hostile/calendar", "/hostile/?q=%3Cscript%3Ealert(1)%3C/script%3E"} {
		page := v.page(path)
		if strings.Contains(page, "<script>") || strings.Contains(page, "<b>]]") {
			t.Errorf("%s has it as it is", path)
		}
		if n := strings.Count(page, "<script"); n != 1 {
			t.Errorf("%s has %d scripts", path, n)
		}
	}
}

// What somebody wrote is paragraphs, lines and addresses to follow.
func TestWhatSomebodyWrote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"one\ntwo\n\nthree": "<p>one<br>two</p><p>three</p>", "": "", "a\r\n \r\n\r\nb": "<p>a</p><p>b</p>",
		"see https://a.example/x?y=1&z=2.": `<p>see <a href="https://a.example/x?y=1&amp;z=2" rel="nofollow noopener">https://a.example/x?y=1&amp;z=2</a>.</p>`,
		`javascript:alert(1) <a href="x">`: `<p>javascript:alert(1) &lt;a href=&#34;x&#34;&gt;</p>`,
	} {
		if got := string(bodyOf(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Gzipped, a busy page and one of 37 components are at most 30 kB, the script 15 kB.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	b := stories()
	b.add("divalto", divalto())
	v := visit(t, b)
	for path, most := range map[string]int{"/busy/": 30_000, "/divalto/": 30_000, "/large/": 60_000} {
		size := zipped(v.page(path))
		t.Logf("%s: %d bytes gzipped", path, size)
		if size > most {
			t.Errorf("%s has %d bytes, want at most %d", path, size, most)
		}
	}
	for name, text := range map[string]string{"the script": v.page(scriptLink.FindStringSubmatch(v.page("/busy/"))[1]), "the style": stylesheet(t, v, "/busy/")} {
		const most = 15_000
		size := zipped(text)
		t.Logf("%s: %d bytes gzipped", name, size)
		if size > most {
			t.Errorf("%s has %d bytes, want at most %d", name, size, most)
		}
	}
}

func zipped(text string) int {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	if err != nil || z.Close() != nil {
		return 1 << 30
	}
	return b.Len()
}
