package site_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// TestTheIndexOfASite is what a copy is made from: everything that stands there, but what answers by itself.
func TestTheIndexOfASite(t *testing.T) {
	t.Parallel()
	leaves := []site.Leaf{
		says("/", site.Leaf{Spoken: true}), says("/api/v2/summary.json", site.Leaf{}), says("/{section}/state.rss", site.Leaf{Spoken: true}),
		says("/components/{id}.ics", site.Leaf{}), says("/notices/{id}", site.Leaf{}), says("/history/{month}", site.Leaf{}), says(site.NotFound, site.Leaf{}),
		{Pattern: "/language", Serve: func(http.ResponseWriter, *http.Request, *site.Look) {}},
	}
	w := statustest.Degraded()
	w.Site.Languages = []string{"en", "da"}
	w.Site.Sections[1].Groups = nil
	w.Notices = statustest.Out().Notices
	server := sitetest.Server(append(leaves, site.Listed(leaves)), w.Board())
	got := sitetest.Get(server, "/prod/export.json")
	var index site.Index
	if err := json.Unmarshal(got.Body.Bytes(), &index); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/", "/api/v2/summary.json", "/components/comp00000001.ics", "/components/comp00000002.ics", "/components/comp00000003.ics",
		"/components/comp00000004.ics", "/components/comp00000005.ics", "/components/comp00000006.ics", "/crm/state.rss", "/da/",
		"/da/crm/state.rss", "/da/erp/state.rss", "/erp/state.rss", "/notices/notice000001",
	}
	if !slices.Equal(index.Addresses, want) || index.Base != "/prod" || index.Made != statustest.Now {
		t.Errorf("got %d below %q\n%q, want\n%q", index.Made, index.Base, index.Addresses, want)
	}
	for _, path := range index.Addresses {
		if got := sitetest.Get(server, index.Base+path); got.Code != http.StatusOK {
			t.Errorf("%s is listed, and answers %d", path, got.Code)
		}
	}
}
