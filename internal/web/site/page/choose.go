package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// remember is how long a browser keeps what was chosen, in seconds: a year.
const remember = 365 * 24 * 60 * 60

// chooseLanguage remembers a language and goes back to the page in it. Where no cookie is kept the page is in it all the
// same, for the language is in its address.
func chooseLanguage(w http.ResponseWriter, r *http.Request, l *site.Look) {
	languages := status.Languages
	if l.Board != nil {
		languages = l.Site().Languages
	}
	choose(w, r, languages, l.Arg("language"), site.LanguageCookie, func(language string) string { return l.LinkIn(language, "") })
}

// chooseTheme remembers a theme and goes back.
func chooseTheme(w http.ResponseWriter, r *http.Request, l *site.Look) {
	choose(w, r, site.Themes, l.Arg("theme"), site.ThemeCookie, func(string) string { return l.Base })
}

// choose sets a cookie and sends the visitor to a page of this site, whatever is asked for.
func choose(w http.ResponseWriter, r *http.Request, choices []string, chosen, cookie string, below func(string) string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this address is only read", http.StatusMethodNotAllowed)
		return
	}
	if !slices.Contains(choices, chosen) {
		http.Error(w, "there is no such choice", http.StatusNotFound)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: chosen, Path: "/", MaxAge: remember, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Referrer-Policy", "no-referrer")
	to := local(r.URL.Query().Get("to"))
	to.Path = below(chosen) + to.Path
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// maxTo bounds the address to go back to.
const maxTo = 2000

// local is a path of this site, with its query; "/" where the text is anything else, such as an address elsewhere. Two
// slashes or a backslash at the beginning would be another host's (WHATWG URL, "special authority slashes state").
func local(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxTo || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(u.Path, "/") || strings.Contains(u.Path, "//") || strings.ContainsAny(u.Path, "\\\x00\r\n\t") || strings.Contains(u.Path, "/.") {
		return &url.URL{Path: "/"}
	}
	return &url.URL{Path: u.Path, RawQuery: u.Query().Encode()}
}
