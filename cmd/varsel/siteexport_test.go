package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/export"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// A site is copied by its name, or by its host name, and the person is told where to serve the copy.
func TestASiteIsCopiedToAFolder(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Site.Hosts, w.Site.Languages = []string{"status.example"}, []string{"en"}
	hub := sitetest.Serve(t, append([]site.Leaf{site.Listed(feed.Leaves())}, feed.Leaves()...), w.Board())
	dir := filepath.Join(t.TempDir(), "copy")

	varsel("", "site", "export", "prod", "--url", hub.URL, "--to", dir).want(t, exitDone, dir+" is a copy of the site prod", "Serve it at /prod/")
	if text, err := os.ReadFile(filepath.Join(dir, "history.rss")); err != nil || !strings.Contains(string(text), "Search is slow") {
		t.Errorf("%v\n%s", err, text)
	}
	got := varsel("", "site", "export", "prod", "--url", hub.URL, "--host", "status.example", "--to", dir, "--json")
	got.want(t, exitDone)
	var report export.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.Base != "" || report.Files < 20 || !report.Made.Equal(statustest.Now.Time()) {
		t.Errorf("%v: %s", err, got.out)
	}
	varsel("", "site", "export", "none", "--url", hub.URL, "--to", dir).want(t, exitFail, "is no status site")
}
