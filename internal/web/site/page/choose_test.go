package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/web/site"
)

// What is chosen is remembered, and one comes back to the page: never to another's.
func TestAChoiceIsRememberedAndComesBack(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for path, want := range map[string]struct{ cookie, location string }{
		"/busy/language/fr?to=%2Fcomponents%2Fcomp00000004":     {"varsel-language=fr", "/busy/fr/components/comp00000004"},
		"/busy/language/en?to=/history":                         {"varsel-language=en", "/busy/history"},
		"/busy/language/da":                                     {"varsel-language=da", "/busy/da/"},
		"/busy/theme/dark?to=/fr/history":                       {"varsel-theme=dark", "/busy/fr/history"},
		"/busy/theme/auto?to=/%3Fq=a%26only=affected":           {"varsel-theme=auto", "/busy/?only=affected&q=a"},
		"/busy/theme/light?to=https://evil.example/":            {"varsel-theme=light", "/busy/"},
		"/language/pl?to=/":                                     {"varsel-language=pl", "/"},
		"/theme/dark?to=//evil.example/":                        {"varsel-theme=dark", "/"},
		"/theme/dark?to=/%252Fevil.example":                     {"varsel-theme=dark", "/"},
		"/theme/dark?to=/%5Cevil.example":                       {"varsel-theme=dark", "/"},
		"/theme/dark?to=/../evil":                               {"varsel-theme=dark", "/"},
		"/theme/dark?to=evil":                                   {"varsel-theme=dark", "/"},
		"/theme/dark?to=/" + strings.Repeat("a", maxTo):         {"varsel-theme=dark", "/"},
		"/theme/dark?to=/%0d%0aSet-Cookie:%20x":                 {"varsel-theme=dark", "/"},
		"/theme/dark?to=javascript:alert(1)":                    {"varsel-theme=dark", "/"},
		"/busy/theme/dark?to=/components/%3Cscript%3E?x=%22%3E": {"varsel-theme=dark", "/busy/components/%3Cscript%3E?x=%22%3E"},
	} {
		w := v.ask(path)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want.location {
			t.Errorf("%s: %d to %q, want %q", path, w.Code, w.Header().Get("Location"), want.location)
		}
		if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, want.cookie+"; Path=/; Max-Age=31536000; Secure; SameSite=Lax") {
			t.Errorf("%s sets %q", path, got)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s is kept: %s", path, got)
		}
	}
	for _, path := range []string{"/busy/language/de", "/empty/language/fr", "/busy/theme/pink"} {
		if w := v.ask(path); w.Code != http.StatusNotFound || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, sets %q", path, w.Code, w.Header().Get("Set-Cookie"))
		}
	}
}

// What was chosen is there at once, so that nothing flashes.
func TestTheThemeIsInThePage(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	for cookie, want := range map[string]string{"": "auto", "varsel-theme=dark": "dark", "varsel-theme=light": "light", "varsel-theme=pink": "auto"} {
		page := v.ask("/busy/", "Cookie", cookie).Body.String()
		if !strings.Contains(page, `data-theme="`+want+`"`) {
			t.Errorf("with %q it is not %s", cookie, want)
		}
	}
	if w := v.ask("/busy/history", "Cookie", site.LanguageCookie+"=fr"); w.Code != http.StatusFound || w.Header().Get("Location") != "/busy/fr/history" {
		t.Errorf("who chose French is sent to %d %q", w.Code, w.Header().Get("Location"))
	}
}

func FuzzWhereToComeBackIsHere(f *testing.F) {
	for _, text := range []string{"/", "//e", `/\e`, "/%2Fe", "https://e/", "/a?b=c", "/%5Ce", "\t//e", "/;//e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u := local(text)
		for _, base := range []string{"", "/busy"} {
			to := *u
			to.Path = base + to.Path
			w := httptest.NewRecorder()
			http.Redirect(w, httptest.NewRequest(http.MethodGet, outside+"/theme/dark", nil), to.String(), http.StatusSeeOther)
			where, err := url.Parse(w.Header().Get("Location"))
			if err != nil || where.Host != "" || where.Scheme != "" || !strings.HasPrefix(w.Header().Get("Location"), "/") || strings.HasPrefix(w.Header().Get("Location"), "//") ||
				strings.ContainsAny(w.Header().Get("Location"), "\\\r\n\t") {
				t.Errorf("%q leads to %q", text, w.Header().Get("Location"))
			}
		}
	})
}
