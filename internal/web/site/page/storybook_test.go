package page

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

// book is the sites of a test. Each story is one, below its own name.
type book struct {
	sites  []*status.Site
	boards map[string]*status.Board
}

func (b *book) Sites() []*status.Site           { return b.sites }
func (b *book) Board(name string) *status.Board { return b.boards[name] }

func (b *book) add(name string, w *statustest.World) {
	w.Site.Name = name
	board := w.Board()
	b.sites = append(b.sites, board.Site)
	b.boards[name] = board
}

func stories() *book {
	b := &book{boards: map[string]*status.Board{}}
	for _, story := range statustest.Stories() {
		b.add(story.Name, story.World)
	}
	return b
}

// siteOf is one world as a site called "site".
func siteOf(w *statustest.World) *book {
	b := &book{boards: map[string]*status.Board{}}
	b.add("site", w)
	return b
}

// made are the pages, once for all tests.
var made = sync.OnceValues(func() (*Pages, error) { return New(Options{Live: "/now/"}) })

// server serves sites at an address, which is given when it is known.
func server(t testing.TB, b *book, url *string, extra ...site.Leaf) *site.Server {
	t.Helper()
	pages, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return site.New(site.Options{
		Boards: b, Clock: clock.NewFake(statustest.Now.Time()), Leaves: append(extra, pages.Leaves()...), Root: pages.Root(),
		URL: func(one *status.Site) string { return *url + "/" + one.Name }, Stale: func() time.Duration { return staleOf(b) },
	})
}

// staleOf is how old what is known is: of the site called stale eight minutes.
func staleOf(b *book) time.Duration {
	if b.boards["stale"] != nil {
		return 8 * time.Minute
	}
	return 0
}

// live serves sites to a browser.
func live(t testing.TB, b *book, extra ...site.Leaf) string {
	t.Helper()
	url := ""
	socket := httptest.NewServer(server(t, b, &url, extra...))
	t.Cleanup(socket.Close)
	url = socket.URL
	return url
}

// outside is where the sites are in tests without a browser.
const outside = "https://status.example"

// visitor asks for pages without a browser.
type visitor struct {
	t      testing.TB
	server http.Handler
}

func visit(t testing.TB, b *book) *visitor {
	url := outside
	return &visitor{t, server(t, b, &url)}
}

// ask answers one request. Headers are "Name: value" in pairs of two.
func (v *visitor) ask(path string, headers ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	r := httptest.NewRequest(http.MethodGet, outside+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	v.server.ServeHTTP(w, r)
	return w
}

// page is the HTML at a path.
func (v *visitor) page(path string) string {
	v.t.Helper()
	w := v.ask(path)
	if w.Code != http.StatusOK {
		v.t.Fatalf("%s: %d", path, w.Code)
	}
	return w.Body.String()
}
