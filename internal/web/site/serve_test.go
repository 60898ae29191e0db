package site

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
)

// hub has the sites of a test.
type hub struct {
	mu     sync.Mutex
	boards []*status.Board
}

func (h *hub) Sites() (list []*status.Site) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.boards {
		list = append(list, b.Site)
	}
	return list
}

func (h *hub) Board(name string) *status.Board {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.boards {
		if b.Site.Name == name {
			return b
		}
	}
	return nil
}

// put puts a site, or another state of it.
func (h *hub) put(s status.Site) {
	s.Prepare()
	h.mu.Lock()
	defer h.mu.Unlock()
	board := status.NewBoard(&s, 0, 0, 1, nil, nil)
	for i, b := range h.boards {
		if b.Site.Name == s.Name {
			h.boards[i] = board
			return
		}
	}
	h.boards = append(h.boards, board)
}

func (h *hub) remove(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rest []*status.Board
	for _, b := range h.boards {
		if b.Site.Name != name {
			rest = append(rest, b)
		}
	}
	h.boards = rest
}

// world is a server of two sites whose leaves say what they were made from, and count how often they are made.
type world struct {
	t      *testing.T
	hub    *hub
	clock  *clock.Fake
	server *Server
	made   atomic.Int64
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, hub: &hub{}, clock: clock.NewFake(time.Date(2026, 3, 4, 13, 30, 0, 0, time.UTC))}
	w.hub.put(status.Site{Name: "prod", Zone: "Etc/UTC", Languages: []string{"en", "da"}, Hosts: []string{"status.example.dk"}})
	w.hub.put(status.Site{Name: "demo", Zone: "Etc/UTC", Languages: []string{"fr"}})
	tell := func(l *Look) (*Made, error) {
		w.made.Add(1)
		name := "root"
		if l.Board != nil {
			name = l.Site().Name
		}
		text := fmt.Sprintf("%s %q %q %s %s %d %s", name, l.Base, l.Path, l.Language, l.Theme, len(l.Sites), l.Stale)
		return &Made{ContentType: "text/plain", Body: []byte(text + strings.Repeat(" and more", 100))}, nil
	}
	leaves := []Leaf{
		{Pattern: "/", Spoken: true, Themed: true, MaxAge: 15 * time.Second, Make: tell, Query: []string{"q"}},
		{Pattern: "/things/{id}", Spoken: true, MaxAge: time.Minute, Make: func(l *Look) (*Made, error) {
			if l.Arg("id") == "none" {
				w.made.Add(1)
				return nil, Nothing()
			}
			return tell(l)
		}},
		{Pattern: "/data.json", Shared: true, MaxAge: time.Minute, Make: tell},
		{Pattern: "/broken", Make: func(*Look) (*Made, error) { return nil, errors.New("out of ink") }},
		{Pattern: "/assets/style.{stamp}.css", Stamped: true, Make: func(*Look) (*Made, error) {
			w.made.Add(1)
			return &Made{ContentType: "text/css", Body: []byte("a{}"), Stamp: "s1", Policy: "default-src 'self'"}, nil
		}},
		{Pattern: "/choose", Serve: func(out http.ResponseWriter, _ *http.Request, l *Look) { fmt.Fprint(out, "chosen in ", l.Language) }},
		{Pattern: NotFound, Spoken: true, Themed: true, Make: func(l *Look) (*Made, error) {
			return &Made{ContentType: "text/plain", Body: []byte("nothing, " + l.Language), Status: http.StatusNotFound}, nil
		}},
	}
	w.server = New(Options{Boards: w.hub, Clock: w.clock, Leaves: leaves, Root: leaves[:1], URL: func(s *status.Site) string { return "https://hub.example/" + s.Name }})
	return w
}

// ask answers one request; headers are names and values.
func (w *world) ask(method, url string, headers ...string) *http.Response {
	w.t.Helper()
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.server.ServeHTTP(out, r)
	return out.Result()
}

func (w *world) get(url string, headers ...string) *http.Response {
	w.t.Helper()
	return w.ask(http.MethodGet, url, headers...)
}

// text is the beginning of an answer, which tells what it was made from.
func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	begin, _, _ := strings.Cut(string(body), " and more")
	return strings.TrimSpace(begin)
}

// A site is at its own host names, and below its name at any other; a path may begin with one of its languages.
func TestWhichSiteAndWhichLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		url    string
		status int
		want   string // the text, or where one is sent
	}{
		{"http://hub.example/prod/", 200, `prod "/prod" "/" en auto 2 0s`},
		{"http://hub.example/prod", 302, "/prod/"},
		{"http://hub.example/prod?q=1", 302, "/prod/?q=1"},
		{"http://hub.example/demo/things/7", 200, `demo "/demo" "/things/7" fr auto 2 0s`},
		{"http://status.example.dk/", 200, `prod "" "/" en auto 2 0s`},
		{"http://STATUS.example.dk.:8080/things/7", 200, `prod "" "/things/7" en auto 2 0s`},
		{"http://status.example.dk/demo/", 404, "nothing, en"},
		{"http://[::1]:8080/prod/", 200, `prod "/prod" "/" en auto 2 0s`},
		{"http://hub.example/prod/da/", 200, `prod "/prod" "/" da auto 2 0s`},
		{"http://hub.example/prod/da/things/7", 200, `prod "/prod" "/things/7" da auto 2 0s`},
		{"http://hub.example/prod/en/things/7", 302, "/prod/things/7"},
		{"http://hub.example/prod/fr/", 404, "nothing, en"},
		{"http://hub.example/prod/da/data.json", 404, "nothing, da"},
		{"http://hub.example/prod/things/none", 404, "nothing, en"},
		{"http://hub.example/prod/da/things/none", 404, "nothing, da"},
		{"http://hub.example/prod/api/none", 404, "there is nothing here"},
		{"http://hub.example/prod/choose", 200, "chosen in en"},
		{"http://hub.example/prod/broken", 500, "this could not be made; the hub's log says why"},
		{"http://hub.example/", 200, `root "" "/" en auto 2 0s`},
		{"http://hub.example/pl/", 200, `root "" "/" pl auto 2 0s`},
		{"http://hub.example/other", 404, "there is nothing here"},
	} {
		r := w.get(c.url)
		got := text(t, r)
		if r.StatusCode/100 == 3 {
			got = r.Header.Get("Location")
		}
		if r.StatusCode != c.status || got != c.want {
			t.Errorf("%s: %d %q, want %d %q", c.url, r.StatusCode, got, c.status, c.want)
		}
	}
}

// The hub's own address is in the language that the browser asks for, or that was chosen; a site's in its own.
func TestTheLanguageThatIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ url, header, value, want string }{
		{"http://hub.example/", "Accept-Language", "fr-CA, en;q=0.8", `root "" "/" fr auto 2 0s`},
		{"http://hub.example/", "Accept-Language", "de, *", `root "" "/" en auto 2 0s`},
		{"http://hub.example/", "Cookie", LanguageCookie + "=pl", `root "" "/" pl auto 2 0s`},
		{"http://hub.example/", "Cookie", LanguageCookie + "=de", `root "" "/" en auto 2 0s`},
		{"http://hub.example/prod/", "Accept-Language", "da", `prod "/prod" "/" en auto 2 0s`},
		{"http://hub.example/prod/", "Cookie", ThemeCookie + "=dark", `prod "/prod" "/" en dark 2 0s`},
		{"http://hub.example/prod/", "Cookie", ThemeCookie + "=pink", `prod "/prod" "/" en auto 2 0s`},
		{"http://hub.example/demo/", "Cookie", LanguageCookie + "=da", `demo "/demo" "/" fr auto 2 0s`},
	} {
		if got := text(t, w.get(c.url, c.header, c.value)); got != c.want {
			t.Errorf("%s with %s %s: %q, want %q", c.url, c.header, c.value, got, c.want)
		}
	}
	r := w.get("http://hub.example/prod/things/7?q=1", "Cookie", LanguageCookie+"=da")
	if r.StatusCode != 302 || r.Header.Get("Location") != "/prod/da/things/7?q=1" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("who chose Danish: %d %v", r.StatusCode, r.Header)
	}
}

// A page is made by the first who asks, and served from memory until the site changes, or a minute is over.
func TestALeafIsMadeOnceUntilTheSiteChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(want int64, why string) {
		t.Helper()
		w.get("http://hub.example/prod/")
		if got := w.made.Load(); got != want {
			t.Errorf("%s: made %d times, want %d", why, got, want)
		}
	}
	ask(1, "first")
	ask(1, "again")
	w.hub.put(status.Site{Name: "demo", Zone: "Etc/UTC", Languages: []string{"fr"}, Environment: "DEMO"})
	ask(1, "another site has changed")
	w.hub.put(status.Site{Name: "prod", Zone: "Etc/UTC", Languages: []string{"en"}, Environment: "PROD"})
	ask(2, "it has changed")
	w.clock.Advance(aged - time.Second)
	ask(2, "not a minute later")
	w.clock.Advance(time.Second)
	ask(3, "a minute later")
	w.get("http://hub.example/")
	ask(4, "and the chooser")
	w.hub.put(status.Site{Name: "demo", Zone: "Etc/UTC", Languages: []string{"fr"}, Environment: "T1"})
	if w.get("http://hub.example/"); w.made.Load() != 5 {
		t.Errorf("the chooser is not made again where a site has changed: %d", w.made.Load())
	}
	w.hub.remove("prod")
	if r := w.get("http://hub.example/prod/"); r.StatusCode != http.StatusNotFound {
		t.Errorf("a site that was removed: %d", r.StatusCode)
	}
}

func TestManyWhoAskAtOnceHaveOneMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { w.get("http://hub.example/prod/") })
	}
	all.Wait()
	if got := w.made.Load(); got != 1 {
		t.Errorf("made %d times", got)
	}
}

// A leaf differs by what it says that it differs by, and by nothing else.
func TestWhatALeafDiffersBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		url, cookie string
		made        int64
	}{
		{"http://hub.example/prod/", "", 1}, {"http://hub.example/prod/?x=1", "", 1}, {"http://hub.example/prod/?q=1", "", 2}, {"http://hub.example/prod/?q=1&x=2", "", 2},
		{"http://hub.example/prod/", ThemeCookie + "=dark", 3}, {"http://hub.example/prod/da/", "", 4}, {"http://status.example.dk/", "", 5},
		{"http://hub.example/prod/things/1", "", 6}, {"http://hub.example/prod/things/1", ThemeCookie + "=dark", 6}, {"http://hub.example/prod/things/2", "", 7},
		{"http://hub.example/prod/assets/style.s1.css", "", 8}, {"http://hub.example/prod/assets/style.s2.css", "", 8},
	} {
		w.get(c.url, "Cookie", c.cookie)
		if got := w.made.Load(); got != c.made {
			t.Errorf("%s with %q: %d made, want %d", c.url, c.cookie, got, c.made)
		}
	}
}

// However many addresses are asked for, only so many are kept; what is not there is not kept, and searches do not crowd
// out the pages.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := func() (n int64) {
		w.server.shelves["prod"].leaves.Range(func(any, any) bool { n++; return true })
		if counted := w.server.shelves["prod"].count.Load(); counted != n {
			t.Errorf("%d are kept, and %d counted", n, counted)
		}
		return n
	}
	for i := range 2 * mostAsked {
		w.get(fmt.Sprintf("http://hub.example/prod/?q=%d", i))
	}
	if got := kept(); got != mostAsked {
		t.Errorf("%d searches are kept, want %d", got, mostAsked)
	}
	for i := range most + 100 {
		w.get(fmt.Sprintf("http://hub.example/prod/things/%d", i))
	}
	if got := kept(); got != most {
		t.Errorf("%d are kept, want %d", got, most)
	}
	if got := text(t, w.get("http://hub.example/prod/things/beyond")); !strings.HasPrefix(got, "prod") {
		t.Errorf("beyond the bound: %q", got)
	}
	w = newWorld(t)
	for range 3 {
		w.get("http://hub.example/prod/things/none")
	}
	if got := kept(); got != 1 || w.made.Load() != 3 { // the page that says so
		t.Errorf("%d are kept of what is not there, which was looked for %d times", got, w.made.Load())
	}
}

// Who has a leaf is not sent it again (RFC 9110 section 13.1.2).
func TestNotModified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.get("http://hub.example/prod/data.json")
	etag := first.Header.Get("Etag")
	for header, want := range map[string]int{etag: 304, "W/" + etag: 304, `"x", ` + etag: 304, "*": 304, strings.TrimSuffix(etag, `"`) + `-g"`: 304, `"x"`: 200, "": 200} {
		r := w.get("http://hub.example/prod/data.json", "If-None-Match", header)
		if body := text(t, r); r.StatusCode != want || (body == "") != (want == 304) {
			t.Errorf("If-None-Match %s: %d %q", header, r.StatusCode, body)
		}
		if want == 304 && (r.Header.Get("Etag") == "" || r.Header.Get("Cache-Control") == "" || r.Header.Get("Vary") == "" || r.Header.Get("Content-Encoding") != "") {
			t.Errorf("a 304 with %v", r.Header)
		}
	}
	w.hub.put(status.Site{Name: "demo", Zone: "Etc/UTC", Languages: []string{"fr"}, Private: true})
	w.hub.put(status.Site{Name: "prod", Zone: "Etc/UTC", Languages: []string{"en"}})
	if r := w.get("http://hub.example/prod/data.json", "If-None-Match", etag); r.StatusCode != 200 {
		t.Errorf("after a change: %d", r.StatusCode)
	}
	if r := w.get("http://hub.example/prod/nowhere", "If-None-Match", "*"); r.StatusCode != 404 {
		t.Errorf("what is not there, if not modified: %d", r.StatusCode)
	}
}

func TestGzipForWhoTakesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for header, want := range map[string]string{"gzip": "gzip", "br, gzip;q=0.5": "gzip", "*": "gzip", "gzip;q=0": "", "br": "", "": ""} {
		r := w.get("http://hub.example/prod/data.json", "Accept-Encoding", header)
		if got := r.Header.Get("Content-Encoding"); got != want || !strings.Contains(r.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("Accept-Encoding %q: %q, Vary %q", header, got, r.Header.Get("Vary"))
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("%d bytes where %s were told (%v)", len(body), r.Header.Get("Content-Length"), err)
		}
		if want == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			body, _ = io.ReadAll(z)
		}
		if !strings.HasPrefix(string(body), "prod ") {
			t.Errorf("Accept-Encoding %q: %.20q", header, body)
		}
	}
}

func TestHeadHasWhatGetHasButTheBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get, head := w.get("http://hub.example/prod/data.json"), w.ask(http.MethodHead, "http://hub.example/prod/data.json")
	if body := text(t, head); head.StatusCode != 200 || body != "" || fmt.Sprint(head.Header) != fmt.Sprint(get.Header) {
		t.Errorf("HEAD: %d %q %v, GET %v", head.StatusCode, body, head.Header, get.Header)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if r := w.ask(method, "http://hub.example/prod/data.json"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, r.StatusCode)
		}
	}
}

// Caches may carry a crowd, and go on while the hub is away; what differs by a cookie no others are shown (RFC 5861).
func TestWhatCachesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ url, cookie, control, vary, policy string }{
		{"http://hub.example/prod/", "", "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400", "Accept-Encoding, Cookie", closed},
		{"http://hub.example/prod/", ThemeCookie + "=dark", "private, max-age=15, stale-while-revalidate=60, stale-if-error=86400", "Accept-Encoding, Cookie", closed},
		{"http://hub.example/prod/data.json", ThemeCookie + "=dark", "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400", "Accept-Encoding", closed},
		{"http://hub.example/", "", "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400", "Accept-Encoding, Cookie, Accept-Language", closed},
		{"http://hub.example/prod/assets/style.s1.css", "", "public, max-age=31536000, immutable", "Accept-Encoding", "default-src 'self'"},
		{"http://hub.example/prod/assets/style.old.css", "", "no-cache", "Accept-Encoding", "default-src 'self'"},
	} {
		h := w.get(c.url, "Cookie", c.cookie).Header
		if h.Get("Cache-Control") != c.control || h.Get("Vary") != c.vary || h.Get("Content-Security-Policy") != c.policy || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s with %q: %v", c.url, c.cookie, h)
		}
	}
	if got := w.get("http://hub.example/prod/data.json").Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("programs of other origins are told %q", got)
	}
	if got := w.get("http://hub.example/prod/").Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("a page is open to other origins: %q", got)
	}
}

// Private sites are not among those that are shown to everyone.
func TestPrivateSitesAreNotAmongThose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hub.put(status.Site{Name: "prod", Zone: "Etc/UTC", Languages: []string{"en"}, Private: true})
	if got := text(t, w.get("http://hub.example/")); got != `root "" "/" en auto 1 0s` {
		t.Errorf("%q", got)
	}
	if got := text(t, w.get("http://hub.example/prod/")); got != `prod "/prod" "/" en auto 1 0s` {
		t.Errorf("its own page: %q", got)
	}
}
