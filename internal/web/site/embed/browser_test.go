package embed

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// elsewhere serves a page of another origin than the hub, which lets nothing in but the hub's scripts and answers.
func elsewhere(t *testing.T, hub, language, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+hub+"; connect-src "+hub+"; img-src data: "+hub+"; frame-src "+hub+"; require-trusted-types-for 'script'")
		fmt.Fprintf(w, `<!doctype html><html lang="%s"><head><title>A shop</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head><body><main><h1>A shop</h1>%s<p id="after">Buy!</p></main></body></html>`, language, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const (
	widgetHost = `[...document.querySelectorAll("div")].find((d) => d.shadowRoot)`
	widgetSays = `(` + widgetHost + `?.shadowRoot.querySelector("div").innerText ?? "").replace(/\s+/g, " ").trim()`
	isThere    = `(` + widgetHost + ` && !` + widgetHost + `.hidden)`
)

func widgetTag(hub, more string) string {
	return `<script src="` + hub + `/prod/embed/widget.js" ` + more + ` async></script>`
}

// TestTheWidgetOnAnotherSite: it shows the line where the script stands, in the page's language or the one that is chosen,
// to everyone, whatever the page forbids.
func TestTheWidgetOnAnotherSite(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	hub := sitetest.Serve(t, Leaves(), statustest.Busy().Board())
	for name, c := range map[string]struct {
		language, more string
		views          []browsertest.View
		want           []string
		not            string
	}{
		"in the page's language":     {"da-DK", "", browsertest.Views, []string{"Eksempeltjenester: Nogle tjenester er delvist nede", "Hændelse: Søgning er langsom"}, ""},
		"in a language of no site":   {"de", "", browsertest.Views[:1], []string{"Example services: Some services are partly out"}, ""},
		"in the one that is chosen":  {"en", `data-language="fr"`, browsertest.Views[:1], []string{"Services d’exemple: Certains services sont fortement perturbés"}, ""},
		"of a section":               {"en", `data-section="erp"`, browsertest.Views[:1], []string{"ERP: Maintenance in progress", "Moving files to new storage"}, "Search is slow"},
		"without notices, dark":      {"en", `data-notices="off" data-theme="dark"`, browsertest.Views[:1], []string{"Some services are partly out"}, "Search is slow"},
		"in an element of one's own": {"en", `data-into="#after" data-theme="light"`, browsertest.Views[1:2], []string{"Search is slow"}, ""},
	} {
		for _, view := range c.views {
			t.Run(name+", "+view.String(), func(t *testing.T) {
				t.Parallel()
				page := browser.Open(t, elsewhere(t, hub.URL, c.language, widgetTag(hub.URL, c.more)), view)
				page.Await("the line", isThere)
				says := browsertest.Evaluate[string](page, widgetSays)
				for _, want := range c.want {
					if !strings.Contains(says, want) {
						t.Errorf("%q is not in %q", want, says)
					}
				}
				if c.not != "" && strings.Contains(says, c.not) {
					t.Errorf("%q is in %q", c.not, says)
				}
				page.Accessible()
			})
		}
	}
}

// TestTheWidgetLeavesNoNames: a page that has it knows no more names than one that has it not.
func TestTheWidgetLeavesNoNames(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	hub := sitetest.Serve(t, Leaves(), statustest.Busy().Board())
	names := func(body, until string) []string {
		page := browser.Open(t, elsewhere(t, hub.URL, "en", body), browsertest.Views[0])
		page.Await(until, until)
		list := browsertest.Evaluate[[]string](page, `Object.getOwnPropertyNames(window).filter((n) => !/^\d+$/.test(n))`)
		slices.Sort(list)
		return list
	}
	without, with := names("", `document.querySelector("#after")`), names(widgetTag(hub.URL, ""), isThere)
	if !slices.Equal(without, with) {
		t.Errorf("with it there are %d names, without it %d", len(with), len(without))
	}
}

// later lets the widget's next minute come: the page's clock is set, and somebody looks at the page again.
const later = `(() => { const now = Date.now, by = %d; Date.now = () => now() + by; document.dispatchEvent(new Event("visibilitychange")); return true; })()`

// TestTheWidgetFollowsTheHub: what changes is shown, and said to who listens; what the hub does not say for long is not
// shown any more; and what was old is shown again when it is of now.
func TestTheWidgetFollowsTheHub(t *testing.T) {
	t.Parallel()
	hub := sitetest.Serve(t, Leaves(), statustest.New().Board())
	page := browsertest.Start(t).Open(t, elsewhere(t, hub.URL, "en", widgetTag(hub.URL, "")), browsertest.Views[0])
	page.Await("all is well", isThere+` && `+widgetSays+` === "Example services: All systems operational"`)
	role := `(` + widgetHost + `.shadowRoot.querySelector("div").getAttribute("role") ?? "")`
	if got := browsertest.Evaluate[string](page, role); got != "" {
		t.Errorf("what is there from the beginning is said: role %q", got)
	}
	browsertest.Evaluate[bool](page, `(() => { window.changes = 0; new MutationObserver(() => { document.body.dataset.changes = ++window.changes; }).observe(`+widgetHost+`.shadowRoot, { subtree: true, childList: true, characterData: true }); return true; })()`)

	hub.Put(statustest.Out().Board())
	browsertest.Evaluate[bool](page, fmt.Sprintf(later, 61_000))
	page.Await("what has changed", `document.body.dataset.changes && `+widgetSays+`.startsWith("Example services: Major system outage")`)
	if got := browsertest.Evaluate[string](page, role); got != "status" {
		t.Errorf("what changes is not said: role %q", got)
	}

	hub.Leave(true)
	browsertest.Evaluate[bool](page, fmt.Sprintf(later, 6*61_000))
	page.Await("nothing rather than what is old", `!`+isThere)
	page.Forgive("502", "CORS", "ERR_FAILED") // what the hub did not answer
	hub.Leave(false)
	browsertest.Evaluate[bool](page, fmt.Sprintf(later, 61_000))
	page.Await("the hub is back", isThere)
}

// TestTheWidgetFailsSilently: where the hub cannot be reached, or the section is none, the page is as it would be without.
func TestTheWidgetFailsSilently(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	hub := sitetest.Serve(t, Leaves(), statustest.New().Board())
	page := browser.Open(t, elsewhere(t, hub.URL, "en", widgetTag(hub.URL, `data-section="nowhere"`)), browsertest.Views[0])
	page.Await("it has asked", `performance.getEntriesByName("`+hub.URL+`/prod/embed/nowhere/state.json").length`)
	if browsertest.Evaluate[bool](page, `Boolean(`+isThere+`)`) || page.Text("#after") != "Buy!" {
		t.Errorf("the page reads %q", page.Text("body"))
	}
	page.Forgive("404", "CORS", "ERR_FAILED") // what the hub did not answer
}

// TestTheFrameIsForEveryone holds the page for frames to WCAG 2.1 AA by itself, in every story.
func TestTheFrameIsForEveryone(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	for i, story := range statustest.Stories() {
		hub := sitetest.Serve(t, Leaves(), story.World.Board())
		for j, c := range []struct {
			theme string
			view  browsertest.View
		}{{"light", browsertest.Views[0]}, {"dark", browsertest.Views[2]}, {"auto", browsertest.Views[1]}} {
			if story.Name != "busy" && i%3 != j {
				continue // one story in every theme is enough
			}
			t.Run(story.Name+", "+c.theme, func(t *testing.T) {
				t.Parallel()
				page := browser.Open(t, hub.URL+"/"+story.World.Site.Name+"/embed/frame?theme="+c.theme, c.view)
				if want := story.World.Board().PageHeadline("").Words()["en"]; page.Text("#now") != want {
					t.Errorf("it says %q, want %q", page.Text("#now"), want)
				}
				page.Accessible()
			})
		}
	}
}

// TestTheFrameFollowsTheHub: a frame looks anew, and who listens hears what has changed.
func TestTheFrameFollowsTheHub(t *testing.T) {
	t.Parallel()
	hub := sitetest.Serve(t, Leaves(), statustest.New().Board())
	page := browsertest.Start(t).Open(t, hub.URL+"/prod/embed/frame", browsertest.Views[0])
	if got := page.Text("#now"); got != "All systems operational" {
		t.Errorf("it says %q", got)
	}
	browsertest.Evaluate[bool](page, `(window.region = document.querySelector("#now")) !== null`)
	hub.Put(statustest.Out().Board())
	browsertest.Evaluate[bool](page, `document.dispatchEvent(new Event("visibilitychange"))`)
	page.Await("what has changed", `document.querySelector("#now").innerText === "Major system outage" && document.querySelector("#open").innerText.includes("Nothing can be reached")`)
	if !browsertest.Evaluate[bool](page, `window.region === document.querySelector("#now") && window.region.getAttribute("role") === "status"`) {
		t.Error("the region that is listened to is another one")
	}
}

// TestFramesOfOtherSites: the page for frames may be shown in one, a badge as a picture; what is for nobody's frame not.
func TestFramesOfOtherSites(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	unframed := site.Leaf{Pattern: "/badges", Make: func(*site.Look) (*site.Made, error) {
		return &site.Made{ContentType: "text/html; charset=utf-8", Body: []byte("<title>Badges</title>")}, nil
	}}
	hub := sitetest.Serve(t, append(Leaves(), unframed), statustest.Busy().Board())
	frame, badges := hub.URL+"/prod/embed/frame", hub.URL+"/prod/badges"
	page := browser.Open(t, elsewhere(t, hub.URL, "en", `<iframe title="Status" src="`+frame+`"></iframe><p><img id="badge" alt="Status" src="`+hub.URL+`/prod/embed/badge.svg"></p>`), browsertest.Views[0])
	page.Await("the badge", `document.querySelector("#badge").naturalWidth > 100`)
	page.Accessible()
	if shown, refused := page.Frames(); !slices.Equal(shown, []string{frame}) || refused != nil {
		t.Errorf("frames of %q, and not of %q", shown, refused)
	}

	page = browser.Open(t, elsewhere(t, hub.URL, "en", `<iframe title="Status" src="`+badges+`"></iframe>`), browsertest.Views[0])
	page.Forgive("frame-ancestors")
	if shown, refused := page.Frames(); shown != nil || !slices.Equal(refused, []string{badges}) {
		t.Errorf("what is for no frame is shown in one: frames of %q, and not of %q", shown, refused)
	}
}

// TestBadgesLookTheSameEverywhere: opened by itself a badge keeps its own policy, and says what it is.
func TestBadgesLookTheSameEverywhere(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	hub := sitetest.Serve(t, Leaves(), statustest.Busy().Board())
	for _, theme := range themes {
		page := browser.Open(t, hub.URL+"/prod/embed/badge.svg?theme="+theme, browsertest.Views[0])
		ground := status.LightPage
		if theme == "dark" {
			ground = status.DarkPage
		}
		rgb := func(colour string) string {
			var r, g, b int
			fmt.Sscanf(colour, "#%02x%02x%02x", &r, &g, &b)
			return fmt.Sprintf("rgb(%d, %d, %d)", r, g, b)
		}
		if got := browsertest.Evaluate[string](page, `getComputedStyle(document.querySelector(".r")).fill`); got != rgb(ground) {
			t.Errorf("%s: the ground is %s, want %s", theme, got, rgb(ground))
		}
		if wide := browsertest.Evaluate[bool](page, `[...document.querySelectorAll("text")].every((text) => Math.abs(text.getComputedTextLength() - text.textLength.baseVal.value) < 1)`); !wide {
			t.Errorf("%s: the letters do not fit", theme)
		}
	}
}
