package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

var (
	desk  = browsertest.View{Width: 1280}
	phone = browsertest.View{Width: 360}
)

// focused is the name of what has the focus.
func focused(page *browsertest.Page) string {
	return browsertest.Evaluate[string](page, `document.activeElement.getAttribute("aria-label") || document.activeElement.innerText.replace(/\s+/g, " ").trim()`)
}

// Without a script everything is there: each state in words, each number of each day, all that was said, the search.
func TestAPageIsCompleteWithoutAScript(t *testing.T) {
	t.Parallel()
	url := live(t, stories())
	page := browsertest.Start(t).Open(t, url+"/busy/", browsertest.View{Width: 1280, NoScript: true})
	for selector, want := range map[string]string{
		"h1": "Some services are partly out", "#c-comp00000003 .mark": "Partial outage", "#c-comp00000003 .numbers summary": "99.99 % uptime in 90 days: the numbers",
		".find button": "Show", "#c-comp00000004 .from": "since 4 March 2026, 13:30 CET", ".cursor": "", "#mine": "", "#check": "",
	} {
		if want == "" {
			if n := browsertest.Evaluate[int](page, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.checkVisibility()).length`, selector)); n > 0 {
				t.Errorf("%s is there, and does nothing", selector)
			}
			continue
		}
		if got := page.Text(selector); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	browsertest.Evaluate[bool](page, `document.querySelector("#c-comp00000004 summary").click(), true`)
	if got := page.Text("#c-comp00000004 .runs"); !strings.Contains(got, "4 March 2026 99.31 % degraded performance 1 h") {
		t.Errorf("the numbers are %q", got)
	}
	browsertest.Evaluate[bool](page, `document.querySelector("#theme summary").click(), true`)
	page.Follow(`#theme a[data-theme-choice="dark"]`)
	if got := browsertest.Evaluate[string](page, `getComputedStyle(document.body.querySelector(".part")).backgroundColor`); got != "rgb(20, 23, 28)" {
		t.Errorf("the dark theme has cards of %s", got)
	}
	browsertest.Evaluate[bool](page, `document.querySelector('.find [name="q"]').value = "sign", true`)
	page.Follow(".find button")
	if got := page.Text("#found"); got != "1 of 8 services shown" {
		t.Errorf("the search says %q", got)
	}
}

// Language and theme are switched from the top, by keyboard alone, and remembered (D18).
func TestD18LanguageAndThemeByKeyboard(t *testing.T) {
	t.Parallel()
	url := live(t, stories())
	page := browsertest.Start(t).Open(t, url+"/busy/history", desk)
	page.Press("Tab")
	if got := focused(page); got != "Skip to the content" {
		t.Errorf("the first stop is %q", got)
	}
	browsertest.Evaluate[bool](page, `document.querySelector("#theme summary").focus(), true`)
	page.Press("Enter", "Tab", "Tab", "Tab", "Enter")
	page.Await("dark", `document.documentElement.dataset.theme === "dark" && getComputedStyle(document.body.parentElement).backgroundColor === "rgb(12, 14, 17)"`)
	if got := focused(page); got != "Theme" {
		t.Errorf("the focus is on %q after the choice", got)
	}
	browsertest.Evaluate[bool](page, `document.querySelector(".tools .menu summary").focus(), true`)
	page.Press("Enter", "Tab", "Escape")
	if open := browsertest.Evaluate[int](page, `document.querySelectorAll(".menu[open]").length`); open != 0 || focused(page) != "Language: English" {
		t.Errorf("Escape leaves %d menus open, and the focus on %q", open, focused(page))
	}
	browsertest.Evaluate[bool](page, `document.querySelector(".tools .menu summary").click(), true`)
	page.Follow(`.menu a[lang="fr"]`)
	if got := browsertest.Evaluate[string](page, `location.pathname + " " + document.documentElement.lang + " " + document.documentElement.dataset.theme`); got != "/busy/fr/history fr dark" {
		t.Errorf("came to %s", got)
	}
	page.Follow(`.brand .name`)
	if got := browsertest.Evaluate[string](page, `location.pathname`); got != "/busy/fr/" {
		t.Errorf("French is forgotten at %s", got)
	}
}

// The bars of a component are one stop, today's at first; arrows, Home, End and the page keys go from day to day, and each
// day is told with its date and numbers.
func TestTheBarsByKeyboard(t *testing.T) {
	t.Parallel()
	url := live(t, stories())
	browser := browsertest.Start(t)
	page := browser.Open(t, url+"/busy/", desk)
	if stops := browsertest.Evaluate[int](page, `Math.max(...[...document.querySelectorAll(".days")].map((e) => e.querySelectorAll("button").length))`); stops != 1 {
		t.Errorf("bars have %d stops", stops)
	}
	browsertest.Evaluate[bool](page, `document.querySelector("#c-comp00000005 .name a").focus(), true`)
	page.Press("Tab")
	if got := strings.ReplaceAll(focused(page), "\u00a0", " "); got != "Sign-in, the last 90 days: 99.95 %. 4 March 2026: 100 %, undisturbed" {
		t.Errorf("the stop is named %q", got)
	}
	for _, step := range []struct{ key, want string }{
		{"ArrowLeft", "3 March 2026: 100 %, undisturbed"}, {"PageUp", "24 February 2026: 100 %, undisturbed"}, {"PageUp", "17 February 2026: 100 %, undisturbed"},
		{"ArrowRight", "18 February 2026: 100 %, undisturbed"}, {"PageUp", "11 February 2026: 100 %, undisturbed"}, {"ArrowRight", "12 February 2026: 95.83 %, major outage 1 h"},
		{"Home", "5 December 2025: 100 %, undisturbed"}, {"ArrowLeft", "5 December 2025: 100 %, undisturbed"}, {"End", "4 March 2026: 100 %, undisturbed"}, {"PageDown", "4 March 2026: 100 %, undisturbed"},
	} {
		page.Press(step.key)
		if got := strings.ReplaceAll(focused(page), "\u00a0", " "); got != step.want {
			t.Errorf("%s leads to %q, want %q", step.key, got, step.want)
		}
		if got := strings.ReplaceAll(page.Text(".tip"), "\u00a0", " "); got != step.want {
			t.Errorf("seen is %q, want %q", got, step.want)
		}
	}
	if stops := browsertest.Evaluate[int](page, `document.querySelectorAll("#c-comp00000005 .days button").length`); stops != 1 {
		t.Errorf("the bars have %d stops afterwards", stops)
	}
	page.Press("Escape")
	if n := browsertest.Evaluate[int](page, `document.querySelectorAll(".tip").length`); n != 0 {
		t.Error("Escape leaves the words where they are")
	}
	page.Press("Tab")
	if got := focused(page); !strings.HasPrefix(got, "99.95") {
		t.Errorf("the next stop is %q", got)
	}
	polish := browser.Open(t, url+"/busy/pl/", phone)
	browsertest.Evaluate[bool](polish, `document.querySelector("#c-comp00000005 .cursor").focus(), true`)
	polish.Press("Home")
	if got := strings.ReplaceAll(focused(polish), "\u00a0", " "); got != "3 lutego 2026: 100 %, bez zakłóceń" {
		t.Errorf("on a phone the first of thirty days is %q", got)
	}
}

// The calendar is links, so that keys reach everything in it.
func TestTheCalendarByKeyboard(t *testing.T) {
	t.Parallel()
	url := live(t, stories())
	page := browsertest.Start(t).Open(t, url+"/busy/calendar", phone)
	browsertest.Evaluate[bool](page, `document.querySelector(".paging a:last-child").focus(), true`)
	for _, want := range []string{"Maintenance: 14:00 Moving files to new storage", "Maintenance: 14:30 Database upgrade", "Action required: 14:30 Change the address of the OData service"} {
		page.Press("Tab")
		if got := browsertest.Evaluate[string](page, `document.activeElement.textContent.replace(/\s+/g, " ").trim()`); got != want {
			t.Errorf("the next is %q, want %q", got, want)
		}
	}
	page.Press("Enter")
	page.Await("the notice", `document.querySelector("h1")?.innerText === "Change the address of the OData service"`)
}

// What is typed hides what is called otherwise, opens the groups, and says how much is left.
func TestSearchWhileTyping(t *testing.T) {
	t.Parallel()
	b := stories()
	b.add("divalto", divalto())
	url := live(t, b)
	page := browsertest.Start(t).Open(t, url+"/divalto/", desk)
	browsertest.Evaluate[bool](page, `document.querySelector(".find input").focus(), true`)
	page.Press("DECLENCH")
	page.Await("one", `document.getElementById("found").textContent === "1 sur 37 services affichés"`)
	if got := browsertest.Evaluate[string](page, `[...document.querySelectorAll(".row")].filter((e) => e.checkVisibility()).map((e) => e.querySelector(".name").innerText).join()`); got != "Déclencheurs (Event)" {
		t.Errorf("shown is %q", got)
	}
	page.Press("xx")
	page.Await("none", `document.getElementById("none").textContent === "Aucun service ne correspond."`)
	browsertest.Evaluate[bool](page, `(document.querySelector(".find input").value = "", document.querySelector(".find input").dispatchEvent(new Event("input")), true)`)
	page.Await("all", `document.getElementById("found").textContent === "" && [...document.querySelectorAll(".row")].every((e) => !e.hidden)`)
	browsertest.Evaluate[bool](page, `document.querySelector(".find [name=only]").click(), true`)
	page.Await("none affected", `document.getElementById("none").textContent === "Aucun service n’est touché."`)
}

// Times are the site's until somebody asks for their own.
func TestTimesInTheVisitorsZone(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	w.Site.Zone = "Pacific/Auckland"
	url := live(t, siteOf(w))
	page := browsertest.Start(t).Open(t, url+"/site/", desk)
	if got := page.Text(".asof time"); got != "5 March 2026, 02:30 NZDT" {
		t.Errorf("the site's time is %q", got)
	}
	browsertest.Evaluate[bool](page, `document.getElementById("mine").click(), true`)
	want := browsertest.Evaluate[string](page, `new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(new Date("2026-03-04T13:30:00Z"))`)
	if got := page.Text(".asof time"); got != want {
		t.Errorf("one's own time is %q, want %q", got, want)
	}
	browsertest.Evaluate[bool](page, `document.getElementById("mine").click(), true`)
	if got := page.Text(".asof time"); got != "5 March 2026, 02:30 NZDT" {
		t.Errorf("back again it is %q", got)
	}
}

// What has changed is told and not moved, and who asks for it gets it. Without contact the page says how old it is.
func TestWhatHasChangedIsAnnounced(t *testing.T) {
	t.Parallel()
	b := stories()
	var api atomic.Pointer[string]
	api.Store(ptr(apiOf(b.boards["well"], status.AllOperational.Description, 0)))
	url := live(t, b, site.Leaf{Pattern: "/api/v2/status.json", Serve: serveAPI(&api)})
	page := browsertest.Start(t).Open(t, url+"/well/da/", desk)
	look := func() { browsertest.Evaluate[bool](page, `document.dispatchEvent(new Event("visibilitychange"))`) }
	look()
	// Answers come in the order of their questions: once ours is here, the page's is too.
	if got := browsertest.Evaluate[string](page, `fetch(document.body.dataset.api).then((r) => r.json()).then(() => document.getElementById("live").innerText)`); got != "" {
		t.Errorf("nothing has changed, and it says %q", got)
	}
	api.Store(ptr(apiOf(b.boards["well"], status.MajorSystem.Description, 1)))
	look()
	page.Await("the change", `document.getElementById("live").innerText.includes("Noget er ændret. Nu: Hele systemet er nede.")`)
	if got := page.Text("h1"); got != "Alle systemer er i drift" {
		t.Errorf("the page has moved by itself: %q", got)
	}
	api.Store(nil)
	look()
	page.Await("no contact", `document.getElementById("live").innerText.includes("Ingen forbindelse")`)
	page.Forgive("503")
	api.Store(ptr(apiOf(b.boards["well"], status.AllOperational.Description, 0)))
	look()
	page.Await("all is as it was", `document.getElementById("live").innerText === ""`)
	browsertest.Evaluate[bool](page, `document.querySelector("#check button").click(), true`)
	if got := page.Text("#check"); got != "Siden spørger ikke, om noget er ændret. Fortsæt" {
		t.Errorf("paused, it says %q", got)
	}
	api.Store(ptr(apiOf(b.boards["well"], status.MajorSystem.Description, 2)))
	look()
	if got := browsertest.Evaluate[string](page, `fetch(document.body.dataset.api).then((r) => r.json()).then(() => document.getElementById("live").innerText)`); got != "" {
		t.Errorf("paused, it announces %q", got)
	}
	browsertest.Evaluate[bool](page, `document.querySelector("#check button").click(), true`)
	page.Await("going on", `document.getElementById("live").innerText.includes("Hele systemet er nede")`)
	page.Follow("#live a")
}

func ptr(text string) *string { return &text }

// apiOf is what the read API says of a site, so many seconds later than the page was made from.
func apiOf(b *status.Board, description string, later int64) string {
	updated := status.Millis(b.Updated+status.Time(later*1e6), b.Site.Location())
	text, err := json.Marshal(map[string]any{"page": map[string]string{"updated_at": updated}, "status": map[string]string{"description": description}})
	if err != nil {
		return ""
	}
	return string(text)
}

// A day's numbers open under its bars, and on paper everything is open.
func TestOnPaperEverythingIsOpen(t *testing.T) {
	t.Parallel()
	url := live(t, stories())
	page := browsertest.Start(t).Open(t, url+"/busy/", desk)
	closed := `document.querySelectorAll("main details:not([open])").length`
	before := browsertest.Evaluate[int](page, closed)
	browsertest.Evaluate[bool](page, `window.dispatchEvent(new Event("beforeprint"))`)
	if n := browsertest.Evaluate[int](page, closed); n != 0 || before == 0 {
		t.Errorf("%d of %d are closed on paper", n, before)
	}
	browsertest.Evaluate[bool](page, `window.dispatchEvent(new Event("afterprint"))`)
	if n := browsertest.Evaluate[int](page, closed); n != before {
		t.Errorf("%d are closed afterwards, %d before", n, before)
	}
}

// At 320 pixels, and with texts that try to be more than text, nothing scrolls sideways and nothing runs.
func TestReflowAt320(t *testing.T) {
	t.Parallel()
	url := live(t, stories())
	browser := browsertest.Start(t)
	for _, path := range []string{"/busy/pl/", "/busy/fr/calendar", "/busy/da/follow", "/hostile/", "/hostile/notices/notice000001"} {
		page := browser.Open(t, url+path, browsertest.View{Width: 320})
		if wide := browsertest.Evaluate[int](page, `document.documentElement.scrollWidth`); wide > 320 {
			t.Errorf("%s is %d pixels wide", path, wide)
		}
	}
}

// serveAPI answers as the read API would; without contact where there is nothing to say.
func serveAPI(api *atomic.Pointer[string]) func(http.ResponseWriter, *http.Request, *site.Look) {
	return func(w http.ResponseWriter, _ *http.Request, _ *site.Look) {
		text := api.Load()
		if text == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(*text)) // a browser that left needs nothing
	}
}
