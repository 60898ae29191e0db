// Package admin is the pages to run status sites with, for operators and for the editors of a site: to report an
// incident at three in the morning from a phone, and everything else in daylight. Pages are made on the server and work
// without a script; every change is the manager's, by the name of who is signed in.
//
// Read admin.go for the routes and the way of a request, form.go for how what is typed comes in and goes back with what is
// wrong about it, merge.go for what happens when two people edit the same; then the pages: home.go, overview.go, state.go,
// notice.go with editing.go, opening.go, saying.go, facts.go and preview.go, past.go (what was done before), tree.go and
// part.go (what stands on a site), looks.go, founding.go. The words are in words.go and beside it.
package admin

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"sync"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

//go:embed html/*.html style.css script.js
var files embed.FS

// Audit reads the audit log.
type Audit interface {
	Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error)
}

// Options are what the pages stand on. All must be set.
type Options struct {
	Book    *revision.Book
	Manager *manage.Manager
	Audit   Audit
	Clock   clock.Clock
	// SiteURL is where people reach a site, without a slash at its end.
	SiteURL func(*status.Site) string
	// Require lets those through to next who may use a route, knows them, and keeps out what other sites' pages send.
	Require func(route string, next func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler
	// Refuse tells a person why something did not work.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
}

// Pages are the pages to run status sites.
type Pages struct {
	Options
	html   *template.Template
	style  asset
	script asset

	opening sync.Mutex        // one notice is opened at a time
	opened  map[string]string // the id of the notice that a form has opened, by the form's own mark
	marks   []string          // of opened, oldest first
}

// New makes the pages.
func New(opts Options) (*Pages, error) {
	p := &Pages{Options: opts, opened: map[string]string{}}
	style, errStyle := files.ReadFile("style.css")
	script, errScript := files.ReadFile("script.js")
	html, errHTML := template.New("").Funcs(template.FuncMap{"icon": icon, "drawing": drawing, "dict": dict}).ParseFS(files, "html/*.html")
	p.html = html
	p.style = stamped("text/css; charset=utf-8", append([]byte(coloursOf(&status.Site{})), style...))
	p.script = stamped("text/javascript; charset=utf-8", script)
	return p, errors.Join(errStyle, errScript, errHTML)
}

// routes are every page. What may be used by whom is in account.Rules, by the same names.
func (p *Pages) routes() map[string]func(*visit) error {
	routes := map[string]func(*visit) error{
		"GET /admin/{$}":                             (*visit).home,
		"GET /admin/{site}":                          (*visit).overview,
		"GET /admin/{site}/colours.css":              (*visit).colours,
		"GET /admin/{site}/notices":                  (*visit).notices,
		"GET /admin/{site}/notices/{notice}/history": (*visit).noticePast,
		"GET /admin/{site}/history":                  (*visit).past,
	}
	for path, page := range map[string]func(*visit) error{
		"/admin/new":                                      (*visit).found,
		"/admin/{site}/states/{component}":                (*visit).state,
		"/admin/{site}/notices/new":                       (*visit).openNotice,
		"/admin/{site}/notices/{notice}":                  (*visit).notice,
		"/admin/{site}/notices/{notice}/facts":            (*visit).facts,
		"/admin/{site}/notices/{notice}/updates/{update}": (*visit).update,
		"/admin/{site}/notices/{notice}/afterwards":       (*visit).afterwards,
		"/admin/{site}/notices/{notice}/remove":           (*visit).removeNotice,
		"/admin/{site}/components":                        (*visit).tree,
		"/admin/{site}/components/{part}/{id}":            (*visit).part,
		"/admin/{site}/components/{part}/{id}/remove":     (*visit).removePart,
		"/admin/{site}/looks":                             (*visit).looks,
	} { // a page with a form is where its form is sent, too
		routes["GET "+path], routes["POST "+path] = page, page
	}
	return routes
}

// Handler answers everything below /admin/ but signing in and out.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	for route, page := range p.routes() {
		mux.Handle(route, p.Require(route, func(w http.ResponseWriter, r *http.Request, who *account.Principal) {
			if err := p.answer(w, r, who, page); err != nil {
				p.Refuse(w, r, err)
			}
		}))
	}
	mux.Handle("GET /admin/style.css", p.style)
	mux.Handle("GET /admin/script.js", p.script)
	mux.HandleFunc("/admin/", func(w http.ResponseWriter, r *http.Request) {
		p.Refuse(w, r, fault.New(fault.NotFound, "there is no such page"))
	})
	return mux
}

// maxForm bounds a form, in bytes: two of the longest texts in four languages, each letter written as %XX twice.
const maxForm = 2 << 20

// answer has a page answer a request.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request, who *account.Principal, page func(*visit) error) error {
	v := &visit{Pages: p, w: w, r: r, who: who, speech: spoken(w, r), now: status.At(p.Clock.Now())}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			return fault.New(fault.BadRequest, "the form cannot be read")
		}
	}
	if name := r.PathValue("site"); name != "" {
		if v.board = p.Book.Board(name); v.board == nil {
			return fault.New(fault.NotFound, "there is no site %q", name)
		}
		v.site = v.board.Site
	}
	return page(v)
}

// visit is one request, by somebody who may make it.
type visit struct {
	*Pages
	speech
	w     http.ResponseWriter
	r     *http.Request
	who   *account.Principal
	now   status.Time
	board *status.Board // of the site that the path names; nil: it names none
	site  *status.Site
}

// posted reports whether something is sent, and is not just asked for.
func (v *visit) posted() bool { return v.r.Method == http.MethodPost }

// may reports whether who visits may do on a site what a route is for.
func (v *visit) may(route, site string) bool {
	rule, _ := account.RuleOf(route)
	return v.who.ReachesSite(rule, site)
}

// mayWrite reports whether who visits may change the site of the path.
func (v *visit) mayWrite() bool {
	return v.site != nil && v.may("POST /admin/{site}/notices/new", v.site.Name)
}

// reachesBeyond reports whether who visits may do what reaches beyond a site: its host names, the parts of the hub that
// components stand for, pauses of systems. That is the operator's, here as in the API.
func (v *visit) reachesBeyond() bool { return v.who.Has(account.Operator) }

// to is the path of a page of the site.
func (v *visit) to(path string) string { return "/admin/" + v.site.Name + path }

// done leads to a page that says what has been done (RFC 9110 section 15.4.4).
func (v *visit) done(path, what string) error {
	path, part, found := cutLast(path, "#")
	if found {
		part = "#" + part
	}
	http.Redirect(v.w, v.r, path+"?done="+what+part, http.StatusSeeOther)
	return nil
}
