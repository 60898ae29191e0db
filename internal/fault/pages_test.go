package fault

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/errors anew from the catalogue")

const pagesFolder = "../../docs/errors"

// TestPages holds docs/errors to the catalogue: one page a code, an index, and nothing else. `make docs` writes them.
func TestPages(t *testing.T) {
	t.Parallel()
	want := pages()
	if *update {
		writePages(t, want)
	}
	present, err := os.ReadDir(pagesFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range present {
		if _, ok := want[file.Name()]; !ok {
			t.Errorf("docs/errors/%s is the page of no code; run make docs", file.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(pagesFolder, name))
		if err != nil || string(got) != text {
			t.Errorf("docs/errors/%s is not what the catalogue says (%v); run make docs", name, err)
		}
	}
}

func pages() map[string]string {
	files := map[string]string{}
	var index strings.Builder
	index.WriteString("# Errors\n\n" +
		"Every error the hub answers is a problem document (RFC 9457) whose `code` is one of these and never changes.\n" +
		"The codes of the 502 and 504 kind are also the reasons of failed attempts. Generated from the catalogue in\n" +
		"`internal/fault` by `make docs`.\n\n| Code | Status | Means |\n|---|---|---|\n")
	for _, entry := range Catalogue {
		file := filepath.Base(entry.Code.Page()) + ".md"
		fmt.Fprintf(&index, "| [%s](%s) | %d | %s |\n", entry.Code, file, entry.Status, entry.Title)
		files[file] = page(entry)
	}
	files["README.md"] = index.String()
	return files
}

func page(entry Entry) string {
	return fmt.Sprintf("# %s\n\n%s (HTTP %d %s).\n\n**What to do:** %s\n\n[All errors](README.md)\n",
		entry.Code, entry.Title, entry.Status, http.StatusText(entry.Status), entry.Mend)
}

func writePages(t *testing.T, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(pagesFolder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(pagesFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(pagesFolder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
