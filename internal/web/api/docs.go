package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
)

// manual is what describes the API to programs and to people. It is made once, when it is asked for first.
type manual struct {
	document served
	page     served
}

// served is a text with its entity tag.
type served struct {
	text []byte
	tag  string
}

func newServed(text []byte) served {
	sum := sha256.Sum256(text)
	return served{text, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// makeManual describes the routes.
func (a *api) makeManual() (*manual, error) {
	document, err := describe(a.routes(), described())
	if err != nil {
		return nil, err
	}
	text, err := written(document)
	if err != nil {
		return nil, err
	}
	page, err := renderDocs(document)
	if err != nil {
		return nil, err
	}
	return &manual{document: newServed(text), page: newServed(page)}, nil
}

// getOpenAPI serves the description.
func (a *api) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	m, err := a.manual()
	if err != nil {
		return err
	}
	return m.document.answer(w, r, "application/json")
}

// docsPattern is where people read the description.
const docsPattern = "GET /api/docs"

// docs serves the description as a page that needs nothing else: no script, no other file, no network.
func (a *api) docs(w http.ResponseWriter, r *http.Request) error {
	m, err := a.manual()
	if err != nil {
		return err
	}
	style := sha256.Sum256([]byte(docsStyle))
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(style[:])+
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	return m.page.answer(w, r, "text/html; charset=utf-8")
}

// answer writes what holds no secret: anyone may read it and keep it, as long as they ask whether it is still the one.
func (s *served) answer(w http.ResponseWriter, r *http.Request, mediaType string) error {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", s.tag)
	if has(r, s.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(s.text)))
	_, _ = w.Write(s.text) // a client that left needs no answer
	return nil
}
