package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve serves one page under a strict policy, with a script of its own.
func serve(t *testing.T, body, script string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:")
			fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>A page</title><meta name="viewport" content="width=device-width">`+
				`<link rel="icon" href="data:,"><script src="/script.js" defer></script></head><body><main><h1>A page</h1>%s</main></body></html>`, body)
		case "/script.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, script)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What a page complains of, and what keeps people out, is found; else a green test would mean nothing.
func TestWhatIsWrongWithAPageIsFound(t *testing.T) {
	t.Parallel()
	browser := Start(t)
	for name, c := range map[string]struct {
		body, script string
		complaint    string
		barrier      string
	}{
		"nothing":                 {body: "<p>All is well.</p>"},
		"an error in the console": {script: `console.error("no", 7)`, complaint: `console.error "no" 7`},
		"an exception":            {script: `null.x`, complaint: "TypeError"},
		"a refused style":         {body: `<p style="color: red">Red?</p>`, complaint: "Content Security Policy"},
		"a refused script":        {script: `new Function("return 1")()`, complaint: "Content Security Policy"},
		"something missing":       {body: `<script src="/none"></script>`, complaint: "404"},
		"a picture without words": {body: `<img src="data:," width="9" height="9">`, barrier: "image-alt"},
		"pale text":               {body: `<p><font color="#dddddd">Who reads this?</font></p>`, barrier: "color-contrast"},
		"a page too wide":         {body: `<table width="900"><tr><td>wide</td></tr></table>`, barrier: "pixels wide"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := browser.Open(t, serve(t, c.body, c.script), View{Width: 360})
			barriers := strings.Join(page.barriers(), "\n")
			if (c.barrier == "") != (barriers == "") || !strings.Contains(barriers, c.barrier) {
				t.Errorf("barriers: %q, want %q", barriers, c.barrier)
			}
			complaints := strings.Join(page.unforgiven(), "\n")
			if (c.complaint == "") != (complaints == "") || !strings.Contains(complaints, c.complaint) {
				t.Errorf("complaints: %q, want %q", complaints, c.complaint)
			}
			page.Forgive("")
		})
	}
}

func TestAViewIsWhatThePageSees(t *testing.T) {
	t.Parallel()
	browser := Start(t)
	url := serve(t, `<p id="who">nobody</p>`, `document.getElementById("who").textContent = "a script"`)
	for _, view := range append(Views, View{Width: 800, NoScript: true}) {
		page := browser.Open(t, url, view)
		if got := Evaluate[int](page, `innerWidth`); got != view.Width {
			t.Errorf("%s: %d pixels wide", view, got)
		}
		if dark := Evaluate[bool](page, `matchMedia("(prefers-color-scheme: dark)").matches`); dark != view.Dark {
			t.Errorf("%s: dark is %v", view, dark)
		}
		if got := page.Text("#who"); (got == "nobody") != view.NoScript {
			t.Errorf("%s: written by %s", view, got)
		}
	}
}

func TestAwaitSeesWhatComesLater(t *testing.T) {
	t.Parallel()
	page := Start(t).Open(t, serve(t, `<p id="who">nobody</p>`, `fetch("/").then(() => { document.getElementById("who").textContent = "somebody"; })`), Views[0])
	page.Await("somebody", `document.getElementById("who").textContent === "somebody"`)
}

func TestKeysReachWhatHasTheFocus(t *testing.T) {
	t.Parallel()
	page := Start(t).Open(t, serve(t, `<label>Name <input id="name"></label><p id="last">none</p>`, `addEventListener("keydown", (e) => { document.getElementById("last").textContent = e.key; })`), Views[0])
	page.Press("Tab", "Ann", "ArrowLeft", "n", "Escape")
	if got := Evaluate[string](page, `document.getElementById("name").value`); got != "Annn" {
		t.Errorf("typed %q", got)
	}
	if got := page.Text("#last"); got != "Escape" {
		t.Errorf("the last key was %q", got)
	}
}
