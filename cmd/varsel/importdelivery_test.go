package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestImportDelivery: the files of a folder go in the order of their names, each called by its own; the first that is refused ends it.
func TestImportDelivery(t *testing.T) {
	t.Parallel()
	var taken []string
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		taken = append(taken, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Content-Type")+" "+string(body))
		if string(body) == "<bad/>" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"code":"invalid-document","title":"The document breaks rules","status":422,"violations":[{"pointer":"/a","line":7,"rule":"root","message":"want another"}]}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"x","number":1,"state":"committed","staged":2,"rows":1,"closed":1,"events":1,"begun":"2026-01-01T00:00:00Z"}`)
	}))
	t.Cleanup(hub.Close)
	folder := t.TempDir()
	for name, text := range map[string]string{"2.xml": "<b/>", "1.xml": "<a/>", "3.xml": "<bad/>", "4.xml": "<c/>", "notes.txt": "no"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := varsel("", "import", "delivery", "--register", "dagi", "--url", hub.URL, folder)
	got.want(t, exitFail)
	for _, want := range []string{"3.xml (3 of 4)", "line 7, /a: want another (root)"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("it does not say %q: %s", want, got.err)
		}
	}
	if want := strings.Repeat("x: 1 row made, 1 ended, 1 event (committed).\n", 2); got.out != want {
		t.Errorf("it says %q, want %q", got.out, want)
	}
	want := []string{
		"POST /api/v1/registers/dagi/deliveries?id=1 application/xml <a/>", "POST /api/v1/registers/dagi/deliveries?id=2 application/xml <b/>",
		"POST /api/v1/registers/dagi/deliveries?id=3 application/xml <bad/>",
	}
	if !slices.Equal(taken, want) {
		t.Errorf("taken were %q", taken)
	}
}
