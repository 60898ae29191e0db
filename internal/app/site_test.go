package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/export"
	"github.com/varselhub/varsel/internal/manage"
	sites "github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

// TestASiteIsServedWhole: of every kind of thing that is made of a site there is one at its address, and nothing takes
// another's place; all of it is in a copy.
func TestASiteIsServedWhole(t *testing.T) {
	t.Parallel()
	hub, url, _ := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), 0)
	if _, err := hub.Manager.PutSite(t.Context(), statustest.New().Site, manage.By{Author: "test"}); err != nil {
		t.Fatal(err)
	}
	n, err := hub.Manager.OpenNotice(t.Context(), "prod", manage.Opening{
		Kind: sites.Incident, Facts: manage.Facts{Title: sites.Text{"en": "Search is slow"}, Components: []string{statustest.ID("comp", 4)}},
		Body: sites.Text{"en": "We look into it."}, Affected: map[string]sites.State{statustest.ID("comp", 4): sites.Degraded},
	}, "eva")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/": "text/html", "/fr/crm": "text/html", "/notices/" + n.ID: "text/html", "/components/comp00000004": "text/html", "/history": "text/html",
		"/notices/" + n.ID + ".rss": "application/rss+xml", "/components/comp00000004.atom": "application/atom+xml", "/components/comp00000004.ics": "text/calendar",
		"/history.rss": "application/rss+xml", "/fr/crm/state.json": "application/feed+json", "/calendar.ics": "text/calendar", "/embed/badge.svg": "image/svg+xml",
		"/embed/widget.js": "text/javascript", "/fr/embed/crm/frame": "text/html", "/api/v2/summary.json": "application/json", "/export.json": "application/json",
	} {
		response, err := http.Get(url + "/prod" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if got, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";"); err != nil || response.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d %q, want %q", path, response.StatusCode, got, want)
		}
		var index site.Index
		if path == "/export.json" && (json.Unmarshal(body, &index) != nil || len(index.Addresses) < 300) {
			t.Errorf("%s lists %d addresses", path, len(index.Addresses))
		}
	}
	dir := t.TempDir()
	report, err := export.Site(t.Context(), export.Options{From: url + "/prod", To: dir})
	if err != nil || len(report.Lost) > 0 {
		t.Fatalf("%v; lost: %q", err, report.Lost)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "state.rss")); err != nil || !strings.Contains(string(text), "<title>Some services are degraded</title>") {
		t.Errorf("%v\n%s", err, text)
	}
}
