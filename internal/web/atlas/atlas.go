// Package atlas is the maps of registers (F39): where the objects of recent events are, drawn by the hub itself over the
// outlines of the land, with a list beside it. Nothing is fetched from anywhere else, and everything works without a script.
//
// Read atlas.go for the routes and the way of a request, page.go for what a page shows, drawing.go for how the events are drawn on it;
// below them sheet.go is what of the world is seen, trace.go how a place becomes a path of bounded size, anchor.go the one point that
// stands for it, ground.go the land. The words are in words.go.
package atlas

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

//go:embed page.html map.css map.js
var files embed.FS

// Events tells what has happened to the objects of registers.
type Events interface {
	Seen() int64
	Recent(ctx context.Context, q *deposit.Recently) (found []*register.Happening, next int64, err error)
	Happened(ctx context.Context, registerName string, position int64) (*register.Happening, error)
}

// Options are what the maps stand on. All must be set.
type Options struct {
	Book   *revision.Book
	Events Events
	Zone   *time.Location // of the times that are shown
	// Require lets those through to next who may use a route, and knows them.
	Require func(route string, next func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler
	// Refuse tells a person why something did not work.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
	// API answers a request to the API as from who has signed in.
	API func(w http.ResponseWriter, r *http.Request, p *account.Principal)
}

// The routes. Who may use them is in account.Rules.
const (
	listRoute = "GET /registers"
	mapRoute  = "GET /registers/{register}/map"
	dataRoute = "GET /registers/{register}/data/{type}"
)

// atlas answers.
type atlas struct {
	Options
	html        *template.Template
	ground      *ground
	style, code asset
}

// New returns the handler of everything at and below /registers.
// Error: the pages cannot be made of what the program brings along.
func New(options Options) (http.Handler, error) {
	a := &atlas{Options: options}
	var errs [4]error
	a.html, errs[0] = template.ParseFS(files, "page.html")
	a.ground, errs[1] = newGround()
	a.style, errs[2] = newAsset("map.css", "text/css; charset=utf-8")
	a.code, errs[3] = newAsset("map.js", "text/javascript; charset=utf-8")
	mux := http.NewServeMux()
	mux.Handle(listRoute, a.page(listRoute, a.list))
	mux.Handle(mapRoute, a.page(mapRoute, a.show))
	mux.Handle(dataRoute, a.page(dataRoute, a.data))
	mux.Handle("GET /registers/map.css", a.style)
	mux.Handle("GET /registers/map.js", a.code)
	mux.HandleFunc("GET /registers/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/registers", http.StatusMovedPermanently)
	})
	mux.HandleFunc("/registers/", func(w http.ResponseWriter, r *http.Request) {
		a.Refuse(w, r, fault.New(fault.NotFound, "there is no such page"))
	})
	return mux, errors.Join(errs[:]...)
}

// policy lets a page load its own style and script and nothing else, ask this hub, and be framed by nobody.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// visit is one request, by somebody who may make it.
type visit struct {
	speech
	w   http.ResponseWriter
	r   *http.Request
	who *account.Principal
	reg *register.Register // that the path names; nil: it names none
}

// page lets a page answer those who may see it. A register that somebody may not read is answered as one that is not there.
func (a *atlas) page(route string, handle func(*visit) error) http.Handler {
	rule, _ := account.RuleOf(route)
	return a.Require(route, func(w http.ResponseWriter, r *http.Request, who *account.Principal) {
		v := &visit{speech: spoken(w, r), w: w, r: r, who: who}
		var err error
		if name := r.PathValue("register"); name != "" {
			v.reg, _ = a.Book.Register(name)
			if v.reg == nil || who.Reach(rule) != account.All && !a.Book.ReadsRegister(who, v.reg) {
				err = fault.New(fault.NotFound, "there is no register of that name")
			}
		}
		if err == nil {
			err = handle(v)
		}
		if err != nil {
			a.Refuse(w, r, err)
		}
	})
}

// data answers for the API, to who has signed in: what programs ask for with a token a browser asks for here.
func (a *atlas) data(v *visit) error {
	asked := v.r.Clone(v.r.Context())
	asked.URL = &url.URL{Path: "/api/v1/registers/" + v.reg.Name + "/" + v.r.PathValue("type"), RawQuery: v.r.URL.RawQuery}
	a.API(v.w, asked, v.who)
	return nil
}

// answer writes a page.
func (a *atlas) answer(v *visit, name string, content any) error {
	var text bytes.Buffer
	if err := a.html.ExecuteTemplate(&text, name, content); err != nil {
		return fault.Wrap(fault.Internal, err, "the page cannot be made")
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	_, _ = v.w.Write(text.Bytes()) // a visitor that left needs nothing
	return nil
}

// asset is a file that the pages load, under an address that changes with it.
type asset struct {
	kind, stamp string
	body        []byte
}

func newAsset(name, kind string) (asset, error) {
	body, err := files.ReadFile(name)
	sum := sha256.Sum256(body)
	return asset{kind, hex.EncodeToString(sum[:8]), body}, err
}

// ServeHTTP implements http.Handler.
func (s asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", s.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == s.stamp {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(s.body) // a visitor that left needs nothing
}
