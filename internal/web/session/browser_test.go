package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/browsertest"
)

// reached is a world that browsers reach. Its provider is a real one, or only named.
func reached(t *testing.T, real bool) (w *world, url string) {
	t.Helper()
	var pages http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" { // the test's own pages name none
			out.WriteHeader(http.StatusNoContent)
			return
		}
		pages.ServeHTTP(out, r)
	}))
	url = "http://" + server.Listener.Addr().String()
	issuer := "http://127.0.0.1:1"
	if real {
		issuer = realProvider(t, url)
	}
	w = provided(t, issuer)
	w.options.URL = url
	w.restart()
	pages = w.pages
	server.Start()
	t.Cleanup(server.Close)
	return w, url
}

// fill types into a field as a browser does, with JavaScript off too.
func fill(page *browsertest.Page, field, text string) {
	browsertest.Evaluate[string](page, fmt.Sprintf(`document.getElementById(%q).value = %q`, field, text))
}

func at(page *browsertest.Page) string {
	return browsertest.Evaluate[string](page, `location.pathname + location.search`)
}

// A person in front of a real browser: led to the sign-in page, wrong once, in, back where they wanted to be, out.
func TestSigningInWithABrowser(t *testing.T) {
	t.Parallel()
	_, url := reached(t, false)
	browser := browsertest.Start(t)
	for name, view := range map[string]browsertest.View{"with JavaScript": {Width: 1280}, "without": {Width: 1280, NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := browser.Open(t, url+"/admin/?tab=2", view)
			if got := at(page); got != "/admin/sign-in?next=%2Fadmin%2F%3Ftab%3D2" {
				t.Fatalf("led to %s", got)
			}
			fill(page, "name", "ida")
			fill(page, "password", "wrong horse battery")
			page.Follow("form button")
			if got := page.Text("#problem"); !strings.Contains(got, "do not fit") {
				t.Errorf("it says %q", got)
			}
			if typed := browsertest.Evaluate[string](page, `document.getElementById("name").value + "/" + document.getElementById("password").value`); typed != "ida/" {
				t.Errorf("it keeps %q", typed)
			}
			page.Forgive("401") // the refusal
			fill(page, "password", password)
			page.Follow("form button")
			if got := at(page); got != "/admin/?tab=2" || page.Text("#who") != "ida" {
				t.Fatalf("back to %s: %s", got, page.Text("body"))
			}
			if seen := browsertest.Evaluate[string](page, `document.cookie`); seen != "" {
				t.Errorf("a script of a page sees %q", seen)
			}
			page.Follow("#sign-out")
			if got := page.Text("[role=status]"); got != "You are signed out." {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// The same through a real provider, whose answer comes from another site.
func TestSigningInAtAProviderWithABrowser(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	_, url := reached(t, true)
	for name, view := range map[string]browsertest.View{"with JavaScript": {Width: 1280}, "without": {Width: 1280, NoScript: true}} {
		t.Run(name, func(t *testing.T) { // one after the other: the provider does not wait for its turn
			page := browser.Open(t, url+"/admin/roads/looks", view)
			page.Follow("#provider-corp")
			if got := at(page); got != "/admin/roads/looks" || page.Text("body") != "for corp/eva by provider" {
				t.Errorf("back to %s: %s", got, page.Text("body"))
			}
		})
	}
}

// WCAG 2.1 A and AA, in every view and language.
func TestThePagesAreForEveryone(t *testing.T) {
	t.Parallel()
	w, url := reached(t, false)
	browser := browsertest.Start(t)
	for _, language := range []string{"en", "da", "fr", "pl"} {
		for _, view := range browsertest.Views {
			t.Run(language+", "+view.String(), func(t *testing.T) {
				t.Parallel()
				page := browser.Open(t, url+"/admin/sign-in?lang="+language, view)
				if got := browsertest.Evaluate[string](page, `document.documentElement.lang`); got != language {
					t.Errorf("the page says that it is in %q", got)
				}
				page.Accessible()
				if view.Width != 360 && language != "en" { // what is refused is wider
					return
				}
				fill(page, "name", "nobody")
				fill(page, "password", password)
				page.Follow("form button")
				if got := browsertest.Evaluate[string](page, `document.documentElement.lang`); got != language || page.Text("#problem") == "" {
					t.Errorf("what is refused is said in %q", got)
				}
				page.Accessible()
				page.Forgive("401")          // what is refused
				w.clock.Advance(time.Minute) // the limit is another test's
				fill(page, "name", "ida")
				fill(page, "password", password)
				page.Follow("form button")
			})
		}
	}
}
