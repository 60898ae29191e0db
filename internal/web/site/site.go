// Package site serves status sites to everyone: it finds out which site and which of its addresses a request is for, has
// what stands there made once, and serves it from memory until the site changes. Nothing here asks a database.
//
// Read site.go for the way of a request, leaf.go for what stands at an address, and shelf.go for how it is kept. What the
// leaves look like is made by the packages below: page (what people look at), statusapi (Statuspage's read API), feed and
// embed. They do not know each other; app puts them together.
package site

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
)

// Boards knows the sites as they stand now. It returns the same board until something of the site changes.
type Boards interface {
	Sites() []*status.Site
	Board(name string) *status.Board
}

// Options are what the sites are served from. All but Stale and Home must be set.
type Options struct {
	Boards Boards
	Clock  clock.Clock
	Leaves []Leaf // of every site
	Root   []Leaf // of the hub's own address: the chooser
	// URL is where a site is reached from outside, without a slash at its end.
	URL func(*status.Site) string
	// Home is the hub's own address from outside, without a slash at its end.
	Home string
	// Stale is how old what is known may be by now; 0: it is of now. nil: it always is.
	Stale func() time.Duration
}

// Server serves every site of the hub.
type Server struct {
	opts         Options
	leaves, root *shelving

	mu      sync.RWMutex
	shelves map[string]*shelf // by site; "" is the root's
}

// New makes a server.
func New(opts Options) *Server {
	if opts.Stale == nil {
		opts.Stale = func() time.Duration { return 0 }
	}
	return &Server{opts: opts, leaves: shelve(opts.Leaves), root: shelve(opts.Root), shelves: map[string]*shelf{}}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site, base, rest := s.find(r)
	if site == nil {
		s.serveLeaf(w, r, s.root, nil, "", r.URL.Path)
		return
	}
	if rest == "" { // a site's own address ends in a slash, so that what it links to is below it
		redirect(w, r, base+"/")
		return
	}
	s.serveLeaf(w, r, s.leaves, site, base, rest)
}

// find tells which site a request is for: by its host name, else by the first segment of its path. rest is the path in the
// site.
func (s *Server) find(r *http.Request) (site *status.Site, base, rest string) {
	host := hostOf(r)
	sites := s.opts.Boards.Sites()
	for _, site := range sites {
		if slices.Contains(site.Hosts, host) {
			return site, "", r.URL.Path
		}
	}
	name, rest, slash := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	at := slices.IndexFunc(sites, func(site *status.Site) bool { return site.Name == name })
	if at < 0 {
		return nil, "", ""
	}
	if slash {
		rest = "/" + rest
	}
	return sites[at], "/" + name, rest
}

func hostOf(r *http.Request) string {
	host := strings.ToLower(r.Host)
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		host = host[:at]
	}
	return strings.TrimSuffix(host, ".")
}

func redirect(w http.ResponseWriter, r *http.Request, path string) {
	to := url.URL{Path: path, RawQuery: r.URL.RawQuery}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// serveLeaf finds the leaf at a path in a site, and serves it in the language that the path names.
func (s *Server) serveLeaf(w http.ResponseWriter, r *http.Request, leaves *shelving, site *status.Site, base, path string) {
	ask := Ask{Base: base, Theme: themeOf(r)}
	if r.URL.RawQuery != "" {
		ask.query = r.URL.Query()
	}
	languages := status.Languages
	if site != nil {
		languages = site.Languages
	}
	ask.Language = languages[0]
	if site == nil {
		ask.Language = preferred(r, languages)
	}
	// The language goes first: no section is called like one, and {section} would match it.
	language, rest := cutLanguage(path, languages)
	leaf, args := leaves.match(rest)
	switch {
	case language != "":
		ask.Language, path = language, rest
		if leaf != nil && !leaf.Spoken {
			leaf = nil
		}
		if leaf != nil && site != nil && language == languages[0] { // one address for each page
			redirect(w, r, base+rest)
			return
		}
	case leaf != nil && leaf.Spoken && !leaf.Steady && site != nil:
		if language := remembered(r, languages); language != "" && language != languages[0] {
			redirect(w, r, base+"/"+language+path)
			return
		}
	}
	ask.Path, ask.args = path, args
	switch {
	case leaf == nil:
		s.notFound(w, r, leaves, site, ask)
		return
	case leaf.Serve != nil:
		leaf.Serve(w, r, s.look(site, ask))
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this address is only read", http.StatusMethodNotAllowed)
		return
	}
	s.serve(w, r, leaf, site, ask)
}

// notFound serves the leaf that says so, or plain words where there is none.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request, leaves *shelving, site *status.Site, ask Ask) {
	if leaf := leaves.notFound(); leaf != nil && !strings.HasPrefix(ask.Path, "/api/") {
		ask.Path = ""
		s.serve(w, r, leaf, site, ask)
		return
	}
	http.Error(w, "there is nothing here", http.StatusNotFound)
}

// cutLanguage takes a language from the beginning of a path.
func cutLanguage(path string, languages []string) (language, rest string) {
	language, rest, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !found || !slices.Contains(languages, language) {
		return "", path
	}
	return language, "/" + rest
}

// The cookies in which a browser remembers what was chosen. They say nothing of who chose it.
const (
	ThemeCookie    = "varsel-theme"
	LanguageCookie = "varsel-language"
)

// Themes that a visitor may choose; the first is what the machine is set to.
var Themes = []string{"auto", "light", "dark"}

func themeOf(r *http.Request) string {
	if c, err := r.Cookie(ThemeCookie); err == nil && slices.Contains(Themes, c.Value) {
		return c.Value
	}
	return Themes[0]
}

func remembered(r *http.Request, languages []string) string {
	if c, err := r.Cookie(LanguageCookie); err == nil && slices.Contains(languages, c.Value) {
		return c.Value
	}
	return ""
}

// preferred is the language of a page that has no site: what was chosen before, else what the browser asks for (RFC 9110
// section 12.5.4, in the order it gives), else English.
func preferred(r *http.Request, languages []string) string {
	if language := remembered(r, languages); language != "" {
		return language
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if slices.Contains(languages, primary) {
			return primary
		}
	}
	return status.English
}
