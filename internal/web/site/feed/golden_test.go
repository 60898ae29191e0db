package feed_test

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFeedsAreAsTheyWere shows every form in files that a person can read: of the site on which everything happens, and
// of the one whose texts try to be more than text.
func TestFeedsAreAsTheyWere(t *testing.T) {
	t.Parallel()
	busy := sitetest.Server(feed.Leaves(), statustest.Busy().Board())
	hostile := sitetest.Server(feed.Leaves(), statustest.Hostile().Board())
	for story, c := range map[string]struct {
		server http.Handler
		paths  []string
	}{
		"busy": {busy, []string{
			"/history.rss", "/history.atom", "/fr/history.rss", "/updates.rss", "/updates.atom", "/updates.json", "/da/updates.atom", "/erp/updates.json",
			"/notices/notice000003.rss", "/bulletins.rss", "/bulletins.atom", "/bulletins.json", "/pl/crm/bulletins.json", "/state.rss", "/state.atom", "/state.json",
			"/fr/crm/state.rss", "/components/comp00000004.rss", "/components/comp00000004.atom", "/components/comp00000004.json",
			"/calendar.ics", "/da/crm/calendar.ics", "/components/comp00000008.ics", "/notices/notice000006.ics",
		}},
		"hostile": {hostile, []string{"/history.rss", "/updates.atom", "/state.json", "/components/comp00000001.rss", "/calendar.ics"}},
	} {
		for _, path := range c.paths {
			name := filepath.Join("testdata", story, strings.ReplaceAll(path[1:], "/", " "))
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := sitetest.Get(c.server, "/prod"+path)
				if got.Code != http.StatusOK {
					t.Fatalf("%d %s", got.Code, got.Body)
				}
				if *update {
					if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(name, got.Body.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(name)
				if err != nil || !bytes.Equal(got.Body.Bytes(), want) {
					t.Errorf("got (%v)\n%s\nwant\n%s", err, got.Body, want)
				}
			})
		}
	}
}
