// Package page makes what people look at: the pages of status sites, and the chooser at the hub's own address.
//
// A page is HTML that is complete by itself: without its script, its style or its icons everything is there to read and to
// reach. The style is one file, which the site's colours are in; it is not in the pages, since people look at more than
// one and the policy then needs no exception for it. The script only adds: see script.js for what.
//
// Read page.go for what there is, sheet.go for what every page has, and then the page that you came for. Words are in
// words.go, in four languages; what is written of times and numbers is in format.go.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// Options are what the pages know of the rest of the hub.
type Options struct {
	Live string // path of the hub's live page, for the hub's own address; "": it is not shown
}

//go:embed html/*.html style.css script.js
var files embed.FS

// Pages makes the pages.
type Pages struct {
	opts   Options
	by     map[string]*template.Template // one set for each language, so that templates need not hand it on
	style  string
	script string
	stamp  string // of the script
}

// New reads the templates.
func New(opts Options) (*Pages, error) {
	p := &Pages{opts: opts, by: map[string]*template.Template{}}
	for _, lang := range status.Languages {
		speech := speechOf(lang)
		set, err := template.New("").Funcs(template.FuncMap{"t": speech.Say, "icon": icon, "pair": pair}).ParseFS(files, "html/*.html")
		if err != nil {
			return nil, fmt.Errorf("the templates of status pages: %w", err)
		}
		p.by[lang] = set
	}
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	script, err := files.ReadFile("script.js")
	if err != nil {
		return nil, err
	}
	dictionary, err := scripted()
	if err != nil {
		return nil, err
	}
	p.style, p.script = string(style), "const dictionary = "+dictionary+";\n"+string(script)
	p.stamp = stampOf(p.script)
	return p, nil
}

// pair gives a template two things.
func pair(one, other any) [2]any { return [2]any{one, other} }

// stampOf names a file by what is in it.
func stampOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// inScript are the messages that the script says.
var inScript = []string{
	"times in mine", "times in site", "checking", "paused", "pause", "resume", "changed", "reload", "lost", "minutes", "copy", "copied", "copy address",
	"shown of", "nothing found", "none affected", "keys", "close",
}

// scripted is what the script says in every language. It is in the script, which browsers keep, and not in the pages.
func scripted() (string, error) {
	all := map[string]map[string]string{}
	for _, lang := range status.Languages {
		s, said := speechOf(lang), map[string]string{}
		for _, key := range inScript {
			said[key] = s.Say(key)
		}
		for _, h := range []status.Headline{
			status.AllOperational, status.UnderMaintenance, status.PartiallyDegraded, status.DegradedService, status.MinorOutage, status.PartialSystem, status.MajorSystem,
		} {
			said["headline "+h.Description] = s.Headline(h)
		}
		all[lang] = said
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// How long caches may keep what is made. The age of a page is that of what it says.
const (
	pageAge = 15 * time.Second
	iconAge = time.Hour
)

// policy lets a page load what is its own, and nothing else: no style and no script stands in it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Leaves are the pages of a site. "/{section}" and "/components/{id}" match much: whatever else a site has of one or two
// segments must come before them.
func (p *Pages) Leaves() []site.Leaf {
	page := func(pattern string, make func(*site.Look) (*site.Made, error), query ...string) site.Leaf {
		return site.Leaf{Pattern: pattern, Spoken: true, Themed: true, MaxAge: pageAge, Query: query, Make: make}
	}
	return append(p.always(),
		page("/", p.overview, "q", "only"),
		page("/history", p.history),
		page("/history/{month}", p.history),
		page("/notices/{id}", p.notice),
		page("/components/{id}", p.component),
		page("/calendar", p.calendar),
		page("/calendar/{month}", p.calendar),
		page("/follow", p.follow),
		page("/{section}", p.overview, "q", "only"),
		page(site.NotFound, p.notFound),
	)
}

// Root are the pages of the hub's own address.
func (p *Pages) Root() []site.Leaf {
	return append(p.always(),
		site.Leaf{Pattern: "/", Spoken: true, Themed: true, MaxAge: pageAge, Make: p.chooser},
		site.Leaf{Pattern: site.NotFound, Spoken: true, Themed: true, MaxAge: pageAge, Make: p.notFound},
	)
}

// always is what pages need wherever they are.
func (p *Pages) always() []site.Leaf {
	return []site.Leaf{
		{Pattern: "/assets/style.{stamp}.css", Stamped: true, Make: p.styled},
		{Pattern: "/assets/script.{stamp}.js", Stamped: true, Make: func(*site.Look) (*site.Made, error) {
			return &site.Made{ContentType: "text/javascript; charset=utf-8", Body: []byte(p.script), Stamp: p.stamp}, nil
		}},
		{Pattern: "/assets/icon.{state}.svg", MaxAge: iconAge, Make: iconLeaf},
		{Pattern: "/language/{language}", Serve: chooseLanguage},
		{Pattern: "/theme/{theme}", Serve: chooseTheme},
	}
}

// styled is the style with the site's colours.
func (p *Pages) styled(l *site.Look) (*site.Made, error) {
	text := colours(l) + p.style
	return &site.Made{ContentType: "text/css; charset=utf-8", Body: []byte(text), Stamp: stampOf(text)}, nil
}

func iconLeaf(l *site.Look) (*site.Made, error) {
	state := status.State(l.Arg("state"))
	if !state.Known() {
		return nil, site.Nothing()
	}
	return &site.Made{ContentType: "image/svg+xml", Body: []byte(favicon(lookOf(l, state)))}, nil
}

// render makes HTML of a page. The drawings that it uses come last, since only then it is known which they are.
func (p *Pages) render(name string, s *sheet, data any) (*site.Made, error) {
	set := p.by[s.Lang()]
	var body, end bytes.Buffer
	if err := set.ExecuteTemplate(&body, name, data); err != nil {
		return nil, fmt.Errorf("the page %s: %w", name, err)
	}
	if err := set.ExecuteTemplate(&end, "end", sprite(body.String())); err != nil {
		return nil, fmt.Errorf("the end of the page %s: %w", name, err)
	}
	body.Write(end.Bytes())
	return &site.Made{ContentType: "text/html; charset=utf-8", Body: body.Bytes(), Policy: policy}, nil
}

// notFound says that there is nothing.
func (p *Pages) notFound(l *site.Look) (*site.Made, error) {
	s := p.sheet(l, "/")
	s.Title = s.Say("not found")
	s.Lost = true
	made, err := p.render("not-found", s, s)
	if err == nil {
		made.Status = http.StatusNotFound
	}
	return made, err
}
