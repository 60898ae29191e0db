package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const foreignPage = `{"page":{"id":"acme00000000","name":"Acme","url":"https://status.acme.example","time_zone":"Etc/UTC","updated_at":"2026-03-04T12:00:00Z"},
"components":[{"id":"leaf00000001","name":"Search","status":"operational","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z","position":1}]}`

const foreignIncidents = `{"incidents":[{"id":"inc000000001","name":"Search is slow","status":"resolved","created_at":"2026-02-01T10:00:00Z","updated_at":"2026-02-01T12:00:00Z","impact":"minor",
"incident_updates":[{"id":"upd000000001","status":"resolved","body":"Done.","created_at":"2026-02-01T12:00:00Z"}]},{"id":"inc000000002","name":"Nothing was said"}]}`

// TestImportStatuspage: a page is read, and handed to the hub; what was left out is told.
func TestImportStatuspage(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, map[string]string{"/api/v2/components.json": foreignPage, "/api/v2/incidents.json": foreignIncidents, "/api/v2/scheduled-maintenances.json": `{}`}[r.URL.Path])
	}))
	t.Cleanup(page.Close)
	var mu sync.Mutex
	var taken []string
	refuse := false
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		taken = append(taken, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
		if refuse {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"code":"invalid-document","title":"The document breaks rules","status":422}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"created":true,"notices":1,"changes":1,"skipped":0}`)
	}))
	t.Cleanup(hub.Close)
	at := []string{"import", "statuspage", page.URL, "--site", "acme", "--url", hub.URL, "--allow-http", "--allow-egress", "127.0.0.0/8"}
	got := varsel("", at...)
	got.want(t, exitDone, "The site acme is made.", "1 notices and 1 changes")
	for _, want := range []string{"Acme: 1 components", "2 incidents", "Nothing was said"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("it does not say %q: %s", want, got.err)
		}
	}
	if len(taken) != 1 || !strings.HasPrefix(taken[0], "POST /api/v1/sites/acme/import application/json {") {
		t.Errorf("the hub was asked %q", taken)
	}
	var document struct {
		Site struct {
			ID       string `json:"id"`
			Sections []any  `json:"sections"`
		} `json:"site"`
		Notices []any `json:"notices"`
		Changes []any `json:"changes"`
	}
	if err := json.Unmarshal([]byte(taken[0][strings.IndexByte(taken[0], '{'):]), &document); err != nil || document.Site.ID != "acme00000000" || len(document.Notices) != 1 || len(document.Changes) != 1 {
		t.Errorf("%v: %+v", err, document)
	}
	varsel("", append(at, "--json")...).want(t, exitDone, `"created":true`)
	varsel("", append(at, "--dry-run")...).want(t, exitDone, `"id":"acme00000000"`)
	if len(taken) != 2 {
		t.Errorf("a dry run asked the hub: %q", taken)
	}
	refuse = true
	varsel("", at...).want(t, exitFail)
	varsel("", "import", "statuspage", page.URL, "--site", "acme", "--url", hub.URL).want(t, exitFail)
	varsel("", "import", "statuspage", page.URL).want(t, exitUsage)
	if len(taken) != 3 {
		t.Errorf("a page that may not be read was imported: %q", taken[3:])
	}
}
