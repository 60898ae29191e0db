package site_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// says is a leaf that says what it is, in which language.
func says(pattern string, leaf site.Leaf) site.Leaf {
	leaf.Pattern, leaf.MaxAge = pattern, time.Minute
	leaf.Make = func(l *site.Look) (*site.Made, error) {
		return &site.Made{ContentType: "text/plain", Body: []byte(pattern + " " + l.Arg("section") + " " + l.Language)}, nil
	}
	return leaf
}

// TestTheLanguageOfAnAddress is which language is answered in: that of the path, else the one a browser remembers, except
// where programs follow the address.
func TestTheLanguageOfAnAddress(t *testing.T) {
	t.Parallel()
	server := sitetest.Server([]site.Leaf{
		says("/state.rss", site.Leaf{Spoken: true, Steady: true}),
		says("/{section}/state.rss", site.Leaf{Spoken: true, Steady: true}),
		says("/history", site.Leaf{Spoken: true}),
		says("/api", site.Leaf{}),
	}, statustest.Busy().Board())
	const danish = "Cookie: varsel-language=da"
	for name, c := range map[string]struct {
		path, cookie string
		want         string // body, or where it leads
		vary         string
	}{
		"of the path":                      {"/prod/fr/state.rss", "", "/state.rss  fr", "Accept-Encoding"},
		"no section is called like one":    {"/prod/fr/crm/state.rss", "", "/{section}/state.rss crm fr", "Accept-Encoding"},
		"the site's first":                 {"/prod/state.rss", "", "/state.rss  en", "Accept-Encoding"},
		"the site's first has one address": {"/prod/en/state.rss", "", "/prod/state.rss", ""},
		"programs are led nowhere":         {"/prod/state.rss", danish, "/state.rss  en", "Accept-Encoding"},
		"people are":                       {"/prod/history", danish, "/prod/da/history", ""},
		"what was chosen by the path":      {"/prod/fr/history", danish, "/history  fr", "Accept-Encoding, Cookie"},
		"what is in no language":           {"/prod/fr/api", "", "there is nothing here\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sitetest.Get(server, c.path, c.cookie)
			body := got.Body.String()
			if got.Code == http.StatusFound {
				body = got.Header().Get("Location")
			}
			if body != c.want || c.vary != got.Header().Get("Vary") {
				t.Errorf("got %d %q, varies by %q; want %q, %q", got.Code, body, got.Header().Get("Vary"), c.want, c.vary)
			}
		})
	}
}

// TestPrivateSitesAreNotFoundBySearch is what Site.Private promises, of whatever stands on the site.
func TestPrivateSitesAreNotFoundBySearch(t *testing.T) {
	t.Parallel()
	for _, private := range []bool{false, true} {
		w := statustest.New()
		w.Site.Private = private
		got := sitetest.Get(sitetest.Server([]site.Leaf{says("/state.rss", site.Leaf{})}, w.Board()), "/prod/state.rss")
		if robots := got.Header().Get("X-Robots-Tag"); got.Code != http.StatusOK || (robots == "noindex") != private {
			t.Errorf("private %v: %d, X-Robots-Tag %q", private, got.Code, robots)
		}
	}
}
