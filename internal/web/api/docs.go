package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// manual is what describes the API to programs and to people. It is made once, when it is asked for first.
type manual struct {
	document *openapi.Document
	text     []byte // the document
	tag      string // of the text
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
	sum := sha256.Sum256(text)
	return &manual{document: document, text: text, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// getOpenAPI serves the description. It holds no secret, so anyone may read it and keep it, as long as they ask whether it is
// still the one.
func (a *api) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	m, err := a.manual()
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", m.tag)
	if has(r, m.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(m.text)))
	_, _ = w.Write(m.text) // a client that left needs no answer
	return nil
}
