package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/export"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/embed"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/page"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
	"github.com/varselhub/varsel/internal/web/site/statusapi"
)

// leaves are all that a hub has of a site.
func leaves(t *testing.T) []site.Leaf {
	t.Helper()
	pages, err := page.New(page.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(statusapi.Leaves(), feed.Leaves(), embed.Leaves(), pages.Leaves())
	return append([]site.Leaf{site.Listed(all)}, all...)
}

func copyOf(t *testing.T, o export.Options) *export.Report {
	t.Helper()
	report, err := export.Site(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func fetch(t *testing.T, url string) (int, []byte) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

// TestACopyIsServedByAnyWebServer is the site on which everything happens, served from a folder by a server that knows
// nothing of it: a browser finds nothing amiss, and everything that a page links to.
func TestACopyIsServedByAnyWebServer(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Site.Languages = []string{"en", "fr"}
	hub := sitetest.Serve(t, leaves(t), w.Board())
	root := t.TempDir()
	report := copyOf(t, export.Options{From: hub.URL + "/prod", To: filepath.Join(root, "prod")})
	if len(report.Lost) > 0 || report.Files < 150 || report.Base != "/prod" || !report.Made.Equal(statustest.Now.Time()) {
		t.Errorf("%d files below %q of %s; lost: %q", report.Files, report.Base, report.Made, report.Lost)
	}
	second := httptest.NewServer(http.FileServer(http.Dir(root)))
	t.Cleanup(second.Close)

	for _, path := range []string{"/state.rss", "/fr/history.atom", "/calendar.ics", "/components/comp00000004.json", "/api/v2/summary.json", "/embed/badge.svg"} {
		_, want := fetch(t, hub.URL+"/prod"+path)
		if code, got := fetch(t, second.URL+"/prod"+path); code != http.StatusOK || !bytes.Equal(got, want) {
			t.Errorf("%s: %d, %.300s", path, code, got)
		}
	}
	hub.Leave(true) // a copy needs nothing of the hub
	browser := browsertest.Start(t)
	for _, path := range []string{"/", "/fr/", "/crm/", "/notices/notice000003/", "/components/comp00000004/", "/history/", "/calendar/", "/follow/", "/embed/frame/"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			shown := browser.Open(t, second.URL+"/prod"+path, browsertest.Views[0])
			if text := shown.Text("body"); path != "/follow/" && !strings.Contains(text, "2026") {
				t.Errorf("it does not say of when it is: %.500s", text)
			}
			links := browsertest.Evaluate[[]string](shown, `[...document.querySelectorAll("[href], [src]")].map((e) => new URL(e.getAttribute("href") ?? e.getAttribute("src"), location.href).href)`)
			checked := 0
			for _, link := range links {
				link, _, _ = strings.Cut(link, "#")
				rest, own := strings.CutPrefix(link, second.URL+"/prod/")
				if !own {
					rest, own = strings.CutPrefix(link, hub.URL+"/prod/") // as the site is seen from outside
				}
				if !own {
					continue
				}
				checked++
				if code, _ := fetch(t, second.URL+"/prod/"+rest); code != http.StatusOK {
					t.Errorf("%s: %d", link, code)
				}
			}
			if checked == 0 {
				t.Errorf("it links to nothing of the site: %q", links)
			}
		})
	}
}

// TestALanguageIsChosenInACopyToo: what the hub answers with a redirect leads straight there, since nothing answers here.
func TestALanguageIsChosenInACopyToo(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Site.Languages = []string{"en", "fr"}
	hub := sitetest.Serve(t, leaves(t), w.Board())
	dir := t.TempDir()
	copyOf(t, export.Options{From: hub.URL + "/prod/", To: dir})
	text, err := os.ReadFile(filepath.Join(dir, "notices", "notice000003", "index.html"))
	if err != nil || !bytes.Contains(text, []byte(`href="/prod/fr/notices/notice000003"`)) || bytes.Contains(text, []byte("/language/")) {
		t.Errorf("%v\n%s", err, text)
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			list = append(list, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestANewCopyTakesThePlaceOfTheOld: what is no more goes, and what somebody else put there stays; while the hub is away
// the copy stays as it is.
func TestANewCopyTakesThePlaceOfTheOld(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Site.Languages = []string{"en", "da"}
	hub := sitetest.Serve(t, leaves(t), w.Board())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "robots.txt"), []byte("User-agent: *\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := export.Options{From: hub.URL + "/prod", To: dir}
	copyOf(t, o)
	first := names(t, dir)
	for _, want := range []string{"index.html", "404.html", "robots.txt", "exported.json", "notices/notice000003/index.html", "notices/notice000003.rss", "da/history.rss"} {
		if !slices.Contains(first, want) {
			t.Errorf("%s is not among %q", want, first)
		}
	}

	hub.Leave(true)
	if _, err := export.Site(t.Context(), o); err == nil || !slices.Equal(names(t, dir), first) {
		t.Errorf("while the hub is away: %v, and of the copy there is %q", err, names(t, dir))
	}
	hub.Leave(false)

	w.Notices = slices.Delete(w.Notices, 2, 3)
	hub.Put(w.Board())
	copyOf(t, o)
	second := names(t, dir)
	for _, name := range second {
		if strings.Contains(name, "notice000003") || strings.Contains(name, ".export-") {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "notices", "notice000003")); err == nil {
		t.Error("an empty folder is left")
	}
	if !slices.Contains(second, "robots.txt") || !slices.Contains(second, "notices/notice000004/index.html") {
		t.Errorf("of the copy there is %q", second)
	}
}

// TestACopyStaysInItsFolder: whatever a server lists or links to, nothing is written elsewhere, or over what says what is of
// the copy.
func TestACopyStaysInItsFolder(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"/../outside.rss", "/a/../../outside.rss", "/%2e%2e/outside.rss", "/..%2foutside.rss", "/a//b.rss", "/.git/config", "/a/.htaccess", "/exported.json", "/a%00b.rss"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/export.json" {
					w.Header().Set("Content-Type", "application/json")
					_ = json.NewEncoder(w).Encode(map[string]any{"addresses": []string{address}})
					return
				}
				w.Header().Set("Content-Type", "text/plain")
				fmt.Fprint(w, "outside")
			}))
			t.Cleanup(server.Close)
			root := t.TempDir()
			if _, err := export.Site(t.Context(), export.Options{From: server.URL, To: filepath.Join(root, "copy")}); err == nil {
				t.Errorf("it is taken")
			}
			if found := names(t, root); len(found) > 0 {
				t.Errorf("it wrote %q", found)
			}
		})
	}
}

// TestWhatIsNoSiteIsNotCopied: an address that is mistaken is told at once.
func TestWhatIsNoSiteIsNotCopied(t *testing.T) {
	t.Parallel()
	hub := sitetest.Serve(t, leaves(t), statustest.Busy().Board())
	for from, want := range map[string]string{
		hub.URL + "/none":        "is no status site",
		hub.URL:                  "is no status site",
		"ftp://status.example/x": "is no address",
		"status.example/prod":    "is no address",
		hub.URL + "/prod?x=1":    "is no address",
	} {
		if _, err := export.Site(t.Context(), export.Options{From: from, To: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it %s", from, err, want)
		}
	}
}

// TestASiteWithAHostNameIsCopiedForIt: it is asked for by its name, wherever the hub is, and its copy is served at the root.
func TestASiteWithAHostNameIsCopiedForIt(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	w.Site.Hosts = []string{"status.example"}
	hub := sitetest.Serve(t, leaves(t), w.Board())
	dir := t.TempDir()
	report := copyOf(t, export.Options{From: hub.URL, Host: "status.example", To: dir})
	if report.Base != "" || !slices.Contains(names(t, dir), "history.rss") {
		t.Errorf("below %q: %q", report.Base, names(t, dir))
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil || !bytes.Contains(text, []byte(`href="/crm"`)) {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestACopyCanBeStopped: it leaves nothing behind.
func TestACopyCanBeStopped(t *testing.T) {
	t.Parallel()
	hub := sitetest.Serve(t, leaves(t), statustest.Busy().Board())
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	_, err := export.Site(ctx, export.Options{From: hub.URL + "/prod", To: dir, Told: func(done, _ int) {
		if done == 20 {
			cancel()
		}
	}})
	if err == nil || len(names(t, dir)) > 0 {
		t.Errorf("%v, and there is %q", err, names(t, dir))
	}
}
