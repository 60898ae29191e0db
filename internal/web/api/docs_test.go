package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/api"
)

// openOnly is an API that knows nobody.
func openOnly(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(api.New(api.Options{Who: func(*http.Request) (*account.Principal, error) {
		return nil, fault.New(fault.Unauthenticated, "no credentials")
	}}))
	t.Cleanup(server.Close)
	return server
}

// DESIGN section 6: what describes the API is open to all, is kept by who has it, and loads nothing from anywhere.
func TestTheDescriptionIsOpenToAll(t *testing.T) {
	t.Parallel()
	server := openOnly(t)
	for path, kind := range map[string]string{"/api/v1/openapi.json": "application/json", "/api/docs": "text/html; charset=utf-8"} {
		get := func(tag string) *http.Response {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("If-None-Match", tag)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer
		}
		first := get("")
		if first.StatusCode != 200 || first.Header.Get("Content-Type") != kind || first.Header.Get("ETag") == "" || first.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %v", path, first.StatusCode, first.Header)
		}
		if again := get(`"other", ` + first.Header.Get("ETag")); again.StatusCode != 304 {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
}

// The page has every route with its roles, parameters, bodies, problems and an example, without JavaScript.
func TestTheDocsPageTellsEverything(t *testing.T) {
	t.Parallel()
	page := browsertest.Start(t).Open(t, openOnly(t).URL+"/api/docs", browsertest.View{Width: 320, NoScript: true})
	text := page.Text("main")
	for _, pattern := range api.Patterns() {
		if !strings.Contains(text, pattern) {
			t.Errorf("the page has no %s", pattern)
		}
	}
	for selector, wants := range map[string][]string{
		"#putSystem":        {"operator", "If-Match", "SystemInput", `"Authorization: Bearer $(varsel token)"`, "-X PUT https://hub.example/api/v1/systems/archive", "With ETag", "What can be wrong"},
		"#getSystem":        {"subscriber: its own", "auditor", "304"},
		"#listSystems":      {"limit query, whole number, 1 to 1000; 200 where nothing is said", "SystemPage"},
		"#publish":          {"application/cloudevents-batch+json", "partial", "207"},
		"#getOpenAPI":       {"Anyone, without a token"},
		"#schema-EventType": {"order", "key, none", "retention", "ISO 8601 duration"},
	} {
		text := page.Text(selector)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q: %s", selector, want, text)
			}
		}
	}
	if links := browsertest.Evaluate[[]string](page, `[...document.querySelectorAll('a[href^="#"]')].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(id))`); len(links) > 0 {
		t.Errorf("lead nowhere: %v", links)
	}
	if others := browsertest.Evaluate[int](page, `performance.getEntriesByType("resource").length`); others > 0 {
		t.Errorf("the page loads %d other things", others)
	}
}

// sample leaves of the page one of each kind: axe-core looks at every element, and takes a minute for what the template
// repeats a hundred times.
const sample = `[...document.querySelectorAll("article, nav section")].filter((e) => !e.matches(
	"#publish, #putSystem, #listSystems, #getOpenAPI, #fetch, #schema-EventType, #schema-SystemInput, #schema-CloudEvent, nav section:first-child",
)).map((e) => e.remove()).length`

// WCAG 2.1 A and AA, light and dark, wide and on the narrowest phone, where the whole page does not scroll sideways.
func TestTheDocsPageIsForEveryone(t *testing.T) {
	t.Parallel()
	browser, url := browsertest.Start(t), openOnly(t).URL+"/api/docs"
	for _, view := range append([]browsertest.View{{Width: 320}}, browsertest.Views...) {
		t.Run(view.String(), func(t *testing.T) {
			t.Parallel()
			page := browser.Open(t, url, view)
			if wide := browsertest.Evaluate[int](page, `document.documentElement.scrollWidth`); wide > view.Width {
				t.Errorf("the whole page is %d pixels wide", wide)
			}
			browsertest.Evaluate[string](page, `document.querySelectorAll("details").forEach((d) => { d.open = true; }), ""`)
			if left := browsertest.Evaluate[int](page, sample); left < 50 {
				t.Fatalf("only %d elements were alike", left)
			}
			page.Accessible()
		})
	}
}
