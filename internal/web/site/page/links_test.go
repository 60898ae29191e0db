package page

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// What other packages serve: feeds, calendars, the read API.
var elsewhere = regexp.MustCompile(`\.(rss|atom|json|ics)$|^/api/|/embed/`)

var hrefs = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// crawl follows every link from the chooser on, and lets each page be looked at. What leads nowhere is broken.
func crawl(t *testing.T, v *visitor, look func(path string, w *httptest.ResponseRecorder)) (pages int) {
	t.Helper()
	seen := map[string]bool{}
	for next := []string{"/"}; len(next) > 0; {
		path := next[0]
		next = next[1:]
		follow := func(to string) {
			if !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
		w := v.ask(path)
		switch {
		case w.Code == http.StatusSeeOther || w.Code == http.StatusFound:
			follow(w.Header().Get("Location"))
		case w.Code != http.StatusOK:
			t.Errorf("%s: %d", path, w.Code)
		case strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"):
			pages++
			look(path, w)
			for _, to := range links(t, path, w.Body.String()) {
				follow(to)
			}
		}
	}
	return pages
}

// links are the addresses on this server that a page leads to. What it names of itself must be in it.
func links(t *testing.T, path, page string) (list []string) {
	t.Helper()
	base, err := url.Parse(outside + path)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range hrefs.FindAllStringSubmatch(page, -1) {
		u, err := base.Parse(html.UnescapeString(found[1]))
		if err != nil {
			t.Fatalf("%s links to %q: %v", path, found[1], err)
		}
		to := u.RequestURI()
		if u.Fragment != "" && to == path && !strings.Contains(page, `id="`+u.Fragment+`"`) {
			t.Errorf("%s: nothing is called %s", path, u.Fragment)
		}
		if strings.HasPrefix(u.String(), outside) && to != "/now/" && !elsewhere.MatchString(to) && !strings.HasPrefix(to, "/large/") {
			list = append(list, to)
		}
	}
	return list
}

// Every link on every page of the storybook leads to something. Nothing is loaded from elsewhere, and no style or script
// stands in a page.
func TestEveryLinkLeadsSomewhereAndEveryPolicyIsStrict(t *testing.T) {
	t.Parallel()
	pages := crawl(t, visit(t, stories()), func(path string, w *httptest.ResponseRecorder) {
		if got := w.Header().Get("Content-Security-Policy"); got != policy || strings.Contains(got, "unsafe") {
			t.Errorf("%s has the policy %q", path, got)
		}
		if found := loose.FindString(w.Body.String()); found != "" {
			t.Errorf("%s has %s", path, found)
		}
	})
	t.Logf("%d pages", pages)
	if pages < 200 {
		t.Errorf("only %d pages were found", pages)
	}
}

// loose is what a strict policy would refuse.
var loose = regexp.MustCompile(`(?i)<[^>]+\s(?:style|on\w+)\s*=|<style|<script(?: [^>]*)?>[^<]|javascript:`)
