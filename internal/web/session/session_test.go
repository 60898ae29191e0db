package session_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/session"
)

func TestWhoSignsInIsKnownUntilTheySignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	if got := b.who(); got != "" {
		t.Fatalf("before: %q", got)
	}
	b = w.signedInAs("eva")
	if got := b.who(); got != "eva" {
		t.Errorf("after: %q", got)
	}
	if got := b.get("/admin/roads/looks"); got.text != "for eva by password" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page of its own: %q %v", got.text, got.header)
	}
	if got := b.get("/admin/sign-in?next=/admin/new"); got.status != http.StatusSeeOther || got.location != "/admin/new" {
		t.Errorf("the sign-in page for who is signed in: %d %s", got.status, got.location)
	}
	if !slices.Equal(w.recorded, []string{"eva"}) {
		t.Errorf("on record are %q", w.recorded)
	}
	if got := b.post("/admin/sign-out", nil); got.status != http.StatusSeeOther || got.location != "/admin/sign-in?out" {
		t.Errorf("signing out: %d %s", got.status, got.location)
	}
	if got := b.who(); got != "" {
		t.Errorf("after signing out: %q", got)
	}
}

// Whoever is led to the sign-in page comes back to where they wanted to be; what cannot be repeated from there is refused.
func TestNobodyIsLedToTheSignInPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		method, path string
		headers      []string
		want         string
	}{
		"a page":           {"GET", "/admin/roads/looks?tab=2&q=%26", nil, "303 /admin/sign-in?next=%2Fadmin%2Froads%2Flooks%3Ftab%3D2%26q%3D%2526"},
		"by a browser":     {"GET", "/admin/new", []string{"Sec-Fetch-Dest", "document"}, "303 /admin/sign-in?next=%2Fadmin%2Fnew"},
		"a head":           {"HEAD", "/admin/new", nil, "303 /admin/sign-in?next=%2Fadmin%2Fnew"},
		"by a script":      {"GET", "/admin/new", []string{"Sec-Fetch-Dest", "empty"}, "401 signed-out"},
		"a form":           {"POST", "/admin/roads/looks", nil, "401 signed-out"},
		"an unknown page":  {"GET", "/admin/none", nil, "404 "},
		"a forged session": {"POST", "/admin/roads/looks", []string{"Cookie", sessionCookie + "=AAAA"}, "401 signed-out"},
	} {
		got := w.browser().send(c.method, c.path, nil, c.headers...)
		if said := fmt.Sprint(got.status, " ", got.location, got.problem()); said != c.want {
			t.Errorf("%s: %s, want %s", name, said, c.want)
		}
		if got.status == 401 && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Cookie ") {
			t.Errorf("%s: a 401 without a challenge (RFC 9110 section 15.5.2)", name)
		}
	}
	b := w.browser()
	got := b.post("/admin/sign-in", url.Values{"name": {"ida"}, "password": {password}, "next": {"/admin/roads/looks?tab=2"}})
	if got.location != "/admin/roads/looks?tab=2" {
		t.Errorf("back to %q", got.location)
	}
}

// A next that leads elsewhere leads to the start page instead. What browsers make of such texts: WHATWG URL, section 4.4.
func TestNextStaysOnTheHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for next, want := range map[string]string{
		"/admin/new":                   "/admin/new",
		"/admin/new?a=b&c=%2F":         "/admin/new?a=b&c=%2F",
		"/admin/new/a%20b":             "/admin/new/a%20b",
		"/admin/new?to=https://e.x":    "/admin/new?to=https://e.x",
		"/admin/new#part":              "/admin/new",
		"":                             "/admin/",
		"admin/sites":                  "/admin/",
		"https://evil.example":         "/admin/",
		"https:/evil.example":          "/admin/",
		"https:evil.example":           "/admin/",
		"//evil.example":               "/admin/",
		"//evil.example/admin/new":     "/admin/",
		"///evil.example":              "/admin/",
		"/\\evil.example":              "/admin/",
		"\\\\evil.example":             "/admin/",
		"/%5cevil.example":             "/admin/",
		"/%2fevil.example":             "/admin/",
		"/admin/..//evil.example":      "/admin/",
		"/admin/../../x":               "/admin/",
		"/admin/%2e%2e/x":              "/admin/",
		"/\t/evil.example":             "/admin/",
		"/\n/evil.example":             "/admin/",
		"/%09/evil.example":            "/admin/",
		" //evil.example":              "/admin/",
		"/ /evil.example":              "/admin/",
		"javascript:alert(1)":          "/admin/",
		"data:text/html,x":             "/admin/",
		"//eva@evil.example/admin":     "/admin/",
		"http://hub.example/admin/":    "/admin/",
		"/admin/sign-out":              "/admin/",
		"/admin/sign-in?next=/x":       "/admin/",
		"/" + strings.Repeat("a", 2e3): "/admin/",
		"/\x00":                        "/admin/",
		"/admin/\r\nSet-Cookie: a=b":   "/admin/",
	} {
		b := w.browser()
		b.address = fmt.Sprintf("198.51.100.%d", len(next)%250+1) // the limit is another test's
		if got := b.post("/admin/sign-in", url.Values{"name": {"eva"}, "password": {password}, "next": {next}}); got.location != want {
			t.Errorf("%q leads to %d %q, want %q", next, got.status, got.location, want)
		}
		if got := b.get("/admin/sign-in?" + url.Values{"next": {next}}.Encode()); got.location != want {
			t.Errorf("%q leads who is signed in to %d %q, want %q", next, got.status, got.location, want)
		}
	}
}

// What one was signed in by is looked up at every request: whatever ends or changes it does so from the next one on.
func TestSessionsEndWithWhatTheyWereBegunWith(t *testing.T) {
	t.Parallel()
	later := account.NewPasswords(account.Cost{Memory: 8, Time: 1, Lanes: 1})
	for name, c := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"nothing":                {func(*world) {}, "ida"},
		"a restart":              {func(w *world) { w.restart() }, "ida"},
		"another password":       {func(w *world) { w.rotate(later, "ida", "another horse battery") }, ""},
		"the same password anew": {func(w *world) { w.rotate(later, "ida", password) }, ""},
		"no password any more":   {func(w *world) { w.change("ida", func(a *account.Account) { a.Password = "" }) }, ""},
		"disabled":               {func(w *world) { w.change("ida", func(a *account.Account) { a.Disabled = true }) }, ""},
		"another's password":     {func(w *world) { w.rotate(later, "eva", "another horse battery") }, "ida"},
		"another role": {func(w *world) {
			w.change("ida", func(a *account.Account) { a.Roles = []account.Role{account.Auditor} })
		}, "ida"},
		"another key": {func(w *world) { w.options.Key = []byte(strings.Repeat("k", 32)); w.restart() }, ""},
		"gone":        {func(w *world) { w.accounts.mu.Lock(); delete(w.accounts.named, "ida"); w.accounts.mu.Unlock() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.signedInAs("ida")
			c.happens(w)
			if got := b.who(); got != c.want {
				t.Errorf("%q is signed in, want %q", got, c.want)
			}
			if _, kept := b.cookies[sessionCookie]; kept != (c.want != "") && name != "another key" {
				t.Errorf("the cookie is kept: %v", kept)
			}
		})
	}
}

// rotate gives an account a password.
func (w *world) rotate(by *account.Passwords, name, text string) {
	hash, err := by.Hash(context.Background(), text)
	w.must(err)
	w.change(name, func(a *account.Account) { a.Password = hash })
}

func TestRolesAndSitesAreThoseOfNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedInAs("ida")
	expect := func(what, path, method string, want int) {
		t.Helper()
		if got := b.send(method, path, nil); got.status != want {
			t.Errorf("%s: %s %s is %d, want %d", what, method, path, got.status, want)
		}
	}
	expect("an editor", "/admin/roads/looks", "GET", 200)
	expect("an editor", "/admin/roads/looks", "POST", 200)
	expect("an editor, another's", "/admin/rails/looks", "GET", 404)
	expect("an editor, another's", "/admin/rails/looks", "POST", 404)
	w.change("ida", func(a *account.Account) { a.Sites = []string{account.AllSites} })
	expect("an editor of all", "/admin/rails/looks", "POST", 200)
	w.change("ida", func(a *account.Account) { a.Roles, a.Sites = []account.Role{account.Auditor}, nil })
	expect("an auditor", "/admin/rails/looks", "GET", 200)
	expect("an auditor", "/admin/rails/looks", "POST", 403)
	w.change("ida", func(a *account.Account) { a.Roles = []account.Role{account.Source} })
	expect("a source", "/admin/roads/looks", "GET", 403)
	expect("a source, its own page", "/admin/", "GET", 200)
}

// 12 hours without a request, 7 days in all.
func TestSessionsEndByTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		visits []time.Duration // after the one before
		want   bool
	}{
		"just in time":            {[]time.Duration{12*time.Hour - time.Second}, true},
		"too long idle":           {[]time.Duration{12 * time.Hour}, false},
		"used, and idle again":    {[]time.Duration{11 * time.Hour, 12*time.Hour - time.Second}, true},
		"used, and too long idle": {[]time.Duration{11 * time.Hour, 12 * time.Hour}, false},
		"used all the time":       {append(slices.Repeat([]time.Duration{11 * time.Hour}, 15), 3*time.Hour-time.Second), true},
		"seven days":              {append(slices.Repeat([]time.Duration{11 * time.Hour}, 15), 3*time.Hour), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.signedInAs("eva")
			for i, after := range c.visits {
				w.clock.Advance(after)
				if got, want := b.who() == "eva", c.want || i < len(c.visits)-1; got != want {
					t.Fatalf("visit %d, after %s: %v, want %v", i+1, after, got, want)
				}
			}
		})
	}
}

// The cookie itself says how long the browser is to keep it, and is written anew at most once a minute.
func TestTheCookieIsRenewedWithUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedInAs("eva")
	if got := b.cookies[sessionCookie]; got.MaxAge != 12*60*60 {
		t.Errorf("kept for %d s", got.MaxAge)
	}
	w.clock.Advance(time.Minute - time.Second)
	if got := b.get("/admin/"); len(got.cookies) != 0 {
		t.Errorf("renewed within the minute: %v", got.cookies)
	}
	w.clock.Advance(time.Second)
	if got := b.get("/admin/"); len(got.cookies) != 1 || got.cookies[0].MaxAge != 12*60*60 {
		t.Errorf("after a minute: %v", got.cookies)
	}
	for range 14 {
		w.clock.Advance(11 * time.Hour)
		b.who()
	}
	w.clock.Advance(11 * time.Hour)
	if got := b.get("/admin/"); len(got.cookies) != 1 || got.cookies[0].MaxAge != 3*60*60-60 {
		t.Errorf("near the end of seven days: %v", got.cookies)
	}
}

func TestCookiesAreForTheHubAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url    string
		plain  bool
		name   string
		secure bool
	}{
		"over TLS":                     {"http://127.0.0.1:8080", false, sessionCookie, true},
		"to a hub that is https":       {hubURL, true, sessionCookie, true},
		"on a machine of one's own":    {"http://127.0.0.1:8080", true, "varsel-session", false},
		"over TLS to one that is that": {hubURL, false, sessionCookie, true},
	} {
		w := newWorld(t, func(o *session.Options) { o.URL = c.url })
		b := w.browser()
		b.plain = c.plain
		b.signIn("eva", password)
		got := b.cookies[c.name]
		if got == nil {
			t.Errorf("%s: %v", name, b.cookies)
			continue
		}
		if got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" {
			t.Errorf("%s: %s", name, got.Raw)
		}
		if text, _ := base64.RawURLEncoding.DecodeString(got.Value); strings.Contains(string(text), "eva") {
			t.Errorf("%s: the cookie can be read", name)
		}
		if b.who() != "eva" {
			t.Errorf("%s: it is not known again", name)
		}
	}
}

// A cookie that is not exactly as it was given is none.
func TestAChangedCookieIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedInAs("eva")
	good := b.cookies[sessionCookie].Value
	sealed, err := base64.RawURLEncoding.DecodeString(good)
	w.must(err)
	try := func(what, value string) {
		t.Helper()
		other := w.browser()
		other.cookies[sessionCookie] = &http.Cookie{Name: sessionCookie, Value: value}
		if got := other.who(); got != "" {
			t.Errorf("%s: %s is signed in", what, got)
		}
	}
	for i := range sealed {
		bent := slices.Clone(sealed)
		bent[i] ^= 1
		try(fmt.Sprintf("byte %d", i), base64.RawURLEncoding.EncodeToString(bent))
	}
	for i := range 10 {
		try("cut short", good[:len(good)*i/10])
	}
	try("longer", good+"A")
	try("padded", good+"=")
	try("in another alphabet", base64.StdEncoding.EncodeToString(sealed))
	try("in the clear", base64.RawURLEncoding.EncodeToString([]byte(`{"n":"eva"}`)))
	another := newWorld(t, func(o *session.Options) { o.Key = []byte(strings.Repeat("k", 32)) })
	try("of another hub", another.signedInAs("eva").cookies[sessionCookie].Value)
	same := w.browser()
	same.cookies[sessionCookie] = &http.Cookie{Name: sessionCookie, Value: good}
	if got := same.who(); got != "eva" {
		t.Errorf("unchanged: %q", got)
	}
	plain := w.browser()
	plain.cookies["varsel-session"] = &http.Cookie{Name: "varsel-session", Value: good}
	if got := plain.who(); got != "" {
		t.Errorf("under a name that another host could set: %q", got)
	}
}

// Whoever does not get in learns nothing but that.
func TestRefusedSignInsAreOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, text := account.NewSecret()
	w.change("robot", func(a *account.Account) { a.Secrets = []account.Secret{secret} })
	page := ""
	for name, c := range map[string][2]string{
		"a wrong password":   {"eva", password + "x"},
		"an unknown account": {"ada", password},
		"a disabled account": {"uwe", password},
		"no password":        {"robot", ""},
		"a program's secret": {"robot", text},
		"nothing":            {"", ""},
		"its hash":           {"eva", w.accounts.named["eva"].Password},
		"too long":           {"eva", strings.Repeat("a", 1025)},
		"no text":            {"eva", "\xff\xfe" + password},
	} {
		b := w.browser()
		b.address = fmt.Sprintf("198.51.100.%d", len(name))
		got := b.signIn(c[0], c[1])
		if got.status != http.StatusUnauthorized || got.problem() != "sign-in-refused" || len(b.cookies) != 0 {
			t.Errorf("%s: %d %s %v", name, got.status, got.problem(), b.cookies)
		}
		same := strings.Replace(got.text, `value="`+c[0]+`" autocomplete`, `value="" autocomplete`, 1)
		if page == "" {
			page = same
		}
		if same != page || strings.Contains(got.text, c[1]) && c[1] != "" {
			t.Errorf("%s can be told from the others, or shows what was typed:\n%s", name, got.text)
		}
	}
	if len(w.recorded) != 0 {
		t.Errorf("on record are %q", w.recorded)
	}
}

// What cannot be recorded does not happen.
func TestASignInIsOnRecordBeforeItIsGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.full = true
	b := w.browser()
	if got := b.signIn("eva", password); got.status != 500 || len(b.cookies) != 0 || strings.Contains(got.text, "disk") {
		t.Errorf("%d %v\n%s", got.status, b.cookies, got.text)
	}
}

// Tries are limited for an account from an address, and from an address: never for an account alone.
func TestTriesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for i := range 10 {
		if got := b.signIn("eva", "wrong"); got.status != 401 {
			t.Fatalf("try %d: %d", i+1, got.status)
		}
	}
	got := b.signIn("eva", password)
	if got.status != 429 || got.problem() != "rate-limited" || got.header.Get("Retry-After") != "12" || len(b.cookies) != 0 {
		t.Fatalf("the eleventh: %d %s %q", got.status, got.problem(), got.header.Get("Retry-After"))
	}
	other := w.browser()
	other.address = "192.0.2.2"
	if got := other.signIn("eva", password); got.status != 303 {
		t.Errorf("its owner, elsewhere: %d", got.status)
	}
	for i := range 9 {
		if got := b.signIn(fmt.Sprint("guess", i), "wrong"); got.status != 401 {
			t.Fatalf("account %d from there: %d", i+1, got.status)
		}
	}
	if got := b.signIn("ida", password); got.status != 429 {
		t.Errorf("the 21st try from one address: %d", got.status)
	}
	w.clock.Advance(12 * time.Second)
	if got := b.signIn("eva", password); got.status != 303 {
		t.Errorf("after Retry-After: %d", got.status)
	}
	neighbour := w.browser()
	for i := range 11 {
		neighbour.address = fmt.Sprintf("2001:db8:0:1::%d", i+1)
		got = neighbour.signIn("ida", "wrong")
	}
	if got.status != 429 {
		t.Errorf("eleven tries from one /64: %d", got.status)
	}
}

// busy is a hub that compares too many passwords already.
type busy struct{}

func (busy) Fit(context.Context, *account.Account, string) (bool, error) {
	return false, account.TooMany(time.Second)
}

func TestAFloodIsToldToComeLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *session.Options) { o.Passwords = busy{} })
	if got := w.browser().signIn("eva", password); got.status != 429 || got.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

// CSRF: a browser that acts for a page of another site says so, by Sec-Fetch-Site or Origin.
func TestOtherSitesCannotActForWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		headers []string
		taken   bool
	}{
		"another site":             {[]string{"Sec-Fetch-Site", "cross-site"}, false},
		"a neighbour":              {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"another origin":           {[]string{"Origin", "https://evil.example"}, false},
		"a page without an origin": {[]string{"Origin", "null"}, false},
		"the hub":                  {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "https://example.com"}, true},
		"the hub, an old browser":  {[]string{"Origin", "https://example.com"}, true}, // httptest's host
		"the person":               {[]string{"Sec-Fetch-Site", "none"}, true},
	} {
		b := w.signedInAs("eva")
		for _, form := range []struct {
			path  string
			taken int
		}{{"/admin/roads/looks", 200}, {"/admin/sign-in", 401}, {"/admin/sign-out", 303}} {
			got := b.post(form.path, url.Values{}, c.headers...)
			if want := map[bool]int{true: form.taken, false: 403}[c.taken]; got.status != want || !c.taken && (got.problem() != "cross-origin" || len(got.cookies) != 0) {
				t.Errorf("%s: POST %s is %d %s %v, want %d", name, form.path, got.status, got.problem(), got.cookies, want)
			}
		}
		w.clock.Advance(time.Minute)
	}
	if got := w.signedInAs("eva").get("/admin/new", "Sec-Fetch-Site", "cross-site"); got.status != 200 {
		t.Errorf("a link from another site: %d", got.status)
	}
}

// A hub that asks nobody who they are has nobody sign in.
func TestWithoutAccessControlEveryoneIsLetThrough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *session.Options) { o.Open = true })
	b := w.browser()
	if got := b.who(); got != "anyone" {
		t.Errorf("%q", got)
	}
	if got := b.get("/admin/roads/looks"); got.text != "for anyone by unasked" {
		t.Errorf("%q", got.text)
	}
	for _, got := range []answer{b.get("/admin/sign-in?next=/admin/new"), b.post("/admin/sign-in", url.Values{"name": {"x"}, "next": {"/admin/new"}})} {
		if got.status != 303 || got.location != "/admin/new" || len(got.cookies) != 0 {
			t.Errorf("%d %s %v", got.status, got.location, got.cookies)
		}
	}
	if got := b.post("/admin/roads/looks", nil, "Sec-Fetch-Site", "cross-site"); got.status != 403 {
		t.Errorf("another site's page: %d", got.status)
	}
}

func TestPagesAreGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for what, got := range map[string]answer{
		"sign-in": w.browser().get("/admin/sign-in"), "refused": w.browser().post("/admin/roads/looks", nil),
	} {
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "form-action 'self'") ||
			got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", what, got.header)
		}
	}
	if got := w.browser().get("/admin/sign-in.css"); got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") {
		t.Errorf("the style: %d %v", got.status, got.header)
	}
	got := w.browser().get(`/admin/sign-in?next=/admin/%22%3E%3Cscript%3E`)
	if strings.Contains(got.text, "<script") {
		t.Errorf("next is not escaped:\n%s", got.text)
	}
}

func TestAKeyOfTheWrongSizeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options.Key = make([]byte, 16)
	if _, err := session.New(w.options); !fault.Has(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}

// The language that somebody chooses at the door is the one they are spoken to in from then on.
func TestTheChosenLanguageIsRemembered(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser()
	says := func(path, want string) {
		t.Helper()
		if got := b.get(path); !strings.Contains(got.text, `<html lang="`+want+`">`) {
			t.Errorf("%s is not in %s", path, want)
		}
	}
	says("/admin/sign-in?lang=xx", "en")
	says("/admin/sign-in", "en")
	says("/admin/sign-in?lang=fr", "fr")
	says("/admin/sign-in", "fr")
	says("/admin/sign-in?lang=pl", "pl")
	if got := b.post("/admin/sign-in", url.Values{"name": {"eva"}, "password": {"wrong"}}); !strings.Contains(got.text, `<html lang="pl">`) {
		t.Error("what is refused is said in another language")
	}
}
