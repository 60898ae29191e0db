// Package now is the hub's live page: what is going on this moment, for anyone who may see the hub at all. It shows no
// payload and nobody's number. Read look.go for what is gathered and mark.go for the words it is told in; the page itself
// is page.html.
package now

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// Deliveries tells how they stand, on every node of the hub. With fault.NodeUnreachable comes what the other nodes say.
type Deliveries interface {
	Totals(ctx context.Context) (delivery.Totals, error)
	Endpoints(ctx context.Context) ([]delivery.EndpointView, error)
	Lanes(ctx context.Context, sel delivery.Selection) ([]delivery.LaneView, error)
	Standings(ctx context.Context) ([]delivery.Standing, error)
}

// Log is where the newest events are.
type Log interface {
	Head() int64
	Healthy() bool
	Read(ctx context.Context, after int64, limit int) (events []*event.Event, upTo int64, err error)
}

// History tells what was tried for an event.
type History interface {
	AttemptsAt(ctx context.Context, position int64) ([]eventlog.AttemptRow, error)
}

// Options are what the page looks at. All must be set.
type Options struct {
	Deliveries  Deliveries
	Log         Log
	History     History
	Book        *revision.Book
	Clock       clock.Clock
	Zone        *time.Location // of the times that are shown
	Environment string
}

//go:embed page.html now.css now.js now.svg
var files embed.FS

// fresh is how long one look serves everyone who asks: a page that many watch costs no more than one.
const fresh = 500 * time.Millisecond

type page struct {
	Options
	template *template.Template

	mu     sync.Mutex
	last   *Look
	looked time.Time
}

// New returns the handler of the page, at "/" below where it is put, and of what belongs to it.
func New(options Options) (http.Handler, error) {
	parsed, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	p := &page{Options: options, template: parsed}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.html)
	mux.HandleFunc("GET /now.json", p.json)
	for _, name := range []string{"now.css", "now.js", "now.svg"} {
		mux.Handle("GET /"+name, http.FileServerFS(files))
	}
	return guarded(mux), nil
}

// policy lets the page load its own style, script and icon and nothing else; nothing may frame it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// look returns the last look, or takes a new one. Those who come meanwhile wait for it.
func (p *page) look(ctx context.Context) *Look {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Clock.Now()
	if age := now.Sub(p.looked); p.last == nil || age >= fresh || age < 0 {
		p.last, p.looked = p.take(context.WithoutCancel(ctx)), now
	}
	return p.last
}

func (p *page) html(w http.ResponseWriter, r *http.Request) {
	var text bytes.Buffer
	if err := p.template.Execute(&text, p.look(r.Context())); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	answer(w, "text/html; charset=utf-8", text.Bytes())
}

func (p *page) json(w http.ResponseWriter, r *http.Request) {
	text, err := json.Marshal(p.look(r.Context()))
	if err != nil {
		http.Error(w, "the figures could not be written", http.StatusInternalServerError)
		return
	}
	answer(w, "application/json", text)
}

func answer(w http.ResponseWriter, mediaType string, text []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // a visitor that left needs nothing
}
