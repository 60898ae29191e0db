package sitetest_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/embed"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/page"
	"github.com/varselhub/varsel/internal/web/site/statusapi"
)

// one is a hub with one site.
type one struct{ board *status.Board }

func (o one) Sites() []*status.Site      { return []*status.Site{o.board.Site} }
func (o one) Board(string) *status.Board { return o.board }

var addresses = regexp.MustCompile(`(?:href|src|action|data-api)="([^"]*)"`)

// Every address that a page names is served, whoever makes it: pages, feeds, calendars, the read API, what is shown in
// others' pages. The order of the leaves is that of the hub.
func TestEverythingThatPagesNameIsServed(t *testing.T) {
	t.Parallel()
	pages, err := page.New(page.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const base = "https://status.example/busy"
	world := statustest.Busy()
	world.Site.Name, world.Site.Languages = "busy", []string{"en", "fr"}
	server := site.New(site.Options{
		Boards: one{world.Board()}, Clock: clock.NewFake(statustest.Now.Time()), URL: func(*status.Site) string { return base },
		Leaves: slices.Concat(statusapi.Leaves(), feed.Leaves(), embed.Leaves(), pages.Leaves()),
	})
	seen, kinds := map[string]bool{base + "/": true}, map[string]int{}
	for next := []string{base + "/"}; len(next) > 0; next = next[1:] {
		r := httptest.NewRequest(http.MethodGet, next[0], nil)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		kinds[kind]++
		if w.Code >= 400 {
			t.Errorf("%s: %d", next[0], w.Code)
		}
		found := []string{w.Header().Get("Location")}
		if kind == "text/html" {
			for _, m := range addresses.FindAllStringSubmatch(w.Body.String(), -1) {
				found = append(found, html.UnescapeString(m[1]))
			}
		}
		for _, to := range found {
			from, _ := url.Parse(next[0])
			u, err := from.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			u.Fragment = ""
			if strings.HasPrefix(u.String(), base+"/") && !seen[u.String()] {
				seen[u.String()] = true
				next = append(next, u.String())
			}
		}
	}
	for _, kind := range []string{"text/html", "application/rss+xml", "application/atom+xml", "application/feed+json", "text/calendar", "application/json", "image/svg+xml", "text/css", "text/javascript"} {
		if kinds[kind] == 0 {
			t.Errorf("no page names any %s", kind)
		}
	}
	t.Log(kinds)
}
