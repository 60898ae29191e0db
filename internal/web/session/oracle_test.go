package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/web/session"
)

// oidcProvider is a certified OpenID provider where whoever comes is eva, or with login_hint=no says no. It tells roles
// and sites in the ID token, groups at its UserInfo endpoint, and insists on PKCE.
const oidcProvider = `
const { Provider } = require("oidc-provider"), crypto = require("crypto"), http = require("http");
const key = { ...crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), use: "sig" };
const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = "http://127.0.0.1:" + server.address().port;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] }, cookies: { keys: ["only-for-tests"] },
    clients: [["basic", "client_secret_basic"], ["public", "none"]].map(([id, method]) => ({
      client_id: id, client_secret: method === "none" ? undefined : "only-for-tests", token_endpoint_auth_method: method,
      redirect_uris: ["REDIRECT"], response_types: ["code"], grant_types: ["authorization_code"],
    })),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    scopes: ["openid", "more"], claims: { openid: ["sub", "roles", "sites"], more: ["groups"] },
    findAccount: (ctx, id) => ({
      accountId: id, claims: () => ({ sub: id, roles: ["hub-editors", "staff"], sites: ["roads", "rails"], groups: ["hub-operators"] }),
    }),
    interactions: { url: (ctx, interaction) => "/person/" + interaction.uid },
  });
  const answer = provider.callback();
  server.on("request", async (req, res) => {
    if (!req.url.startsWith("/person/")) return answer(req, res);
    const { params, prompt } = await provider.interactionDetails(req, res);
    if (params.login_hint === "no") return provider.interactionFinished(req, res, { error: "access_denied", error_description: "eva says no" });
    if (prompt.name === "login") return provider.interactionFinished(req, res, { login: { accountId: "eva" } });
    const grant = new provider.Grant({ accountId: "eva", clientId: params.client_id });
    grant.addOIDCScope("openid more");
    return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } });
  });
  console.log(issuer);
});
process.stdin.on("end", () => process.exit()).resume();
`

// realProvider starts one, and returns its address.
func realProvider(t *testing.T, hub string) string {
	t.Helper()
	return oracle.Serve(t, strings.Replace(oidcProvider, "REDIRECT", hub+"/admin/sign-in/corp/callback", 1))
}

// provided is a world whose people can also sign in at a provider.
func provided(t *testing.T, issuer string, change ...func(*session.Provider)) *world {
	t.Helper()
	p := session.Provider{
		Name: "corp", Title: "The Corporation", URL: issuer, ClientID: "basic", ClientSecret: "only-for-tests", Scopes: []string{"more"},
		Claims: account.Claims{Roles: "/roles", Meaning: map[string]account.Role{"hub-editors": account.SiteEditor}, Sites: "/sites"},
	}
	for _, f := range change {
		f(&p)
	}
	return newWorld(t, func(o *session.Options) { o.Providers = []session.Provider{p} })
}

// departs begins a sign-in and returns where at the provider it leads.
func (b *browser) departs(next string) *url.URL {
	b.w.t.Helper()
	got := b.get("/admin/sign-in/corp?" + url.Values{"next": {next}}.Encode())
	to, err := url.Parse(got.location)
	if err != nil || got.status != http.StatusSeeOther || to.Query().Get("code_challenge_method") != "S256" {
		b.w.t.Fatalf("%d %q %v\n%s", got.status, got.location, err, got.text)
	}
	return to
}

// with is an address with a parameter changed.
func with(to *url.URL, name, value string) *url.URL {
	changed := *to
	q := changed.Query()
	q.Set(name, value)
	changed.RawQuery = q.Encode()
	return &changed
}

// at signs in at the provider and returns the hub's address that it leads back to.
func (w *world) at(to *url.URL) *url.URL {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	var back *url.URL
	client := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), hubURL) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	answer, err := client.Get(to.String())
	w.must(err)
	defer answer.Body.Close()
	if back == nil {
		text, _ := io.ReadAll(answer.Body)
		w.t.Fatalf("the provider keeps who comes: %s\n%.2000s", answer.Status, text)
	}
	w.clock.Advance(max(0, time.Since(w.clock.Now()))) // the provider's clock is the machine's
	return back
}

func (b *browser) arrives(back *url.URL) answer {
	b.w.t.Helper()
	return b.get(back.RequestURI(), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document")
}

// Whoever a real provider has signed in is who it says, in the roles that its claims mean, for eight hours at most.
func TestPeopleSignInAtARealProvider(t *testing.T) {
	t.Parallel()
	issuer := realProvider(t, hubURL)
	operators := account.Claims{Roles: "/groups", Meaning: map[string]account.Role{"hub-operators": account.Operator}}
	for name, c := range map[string]struct {
		change func(*session.Provider)
		reach  map[string]int
	}{
		"claims of the ID token":   {func(*session.Provider) {}, map[string]int{"/admin/roads/looks": 200, "/admin/rails/looks": 200, "/admin/other/looks": 404}},
		"claims of UserInfo":       {func(p *session.Provider) { p.Claims = operators }, map[string]int{"/admin/other/looks": 200}},
		"by PKCE alone":            {func(p *session.Provider) { p.ClientID, p.ClientSecret = "public", "" }, map[string]int{"/admin/roads/looks": 200}},
		"by the standard's scopes": {func(p *session.Provider) { p.Scopes = []string{"openid"} }, map[string]int{"/admin/roads/looks": 200}},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: the provider does not wait for its turn
			w := provided(t, issuer, c.change)
			b := w.browser()
			back := w.at(b.departs("/admin/new?tab=2"))
			if got := b.arrives(back); got.status != http.StatusSeeOther || got.location != "/admin/new?tab=2" {
				t.Fatalf("%d %s %s\n%s", got.status, got.location, got.problem(), got.text)
			}
			if len(b.cookies) != 1 || b.who() != "corp/eva" || strings.Join(w.recorded, " ") != "corp/eva" {
				t.Fatalf("%v, %q, on record %v", b.cookies, b.who(), w.recorded)
			}
			for path, want := range c.reach {
				if got := b.get(path); got.status != want || want == 200 && got.text != "for corp/eva by provider" {
					t.Errorf("%s: %d %s", path, got.status, got.text)
				}
			}
			w.clock.Advance(8*time.Hour - time.Second)
			if got := b.who(); got != "corp/eva" {
				t.Errorf("before eight hours are over: %q", got)
			}
			w.clock.Advance(time.Second)
			if got := b.who(); got != "" {
				t.Errorf("after eight hours: %q", got)
			}
		})
	}
}

// An answer of a provider is good once, for the browser and the sign-in that it was asked for.
func TestAnswersOfARealProviderThatDoNotFit(t *testing.T) {
	t.Parallel()
	issuer := realProvider(t, hubURL)
	lost, refused := "400 sign-in-lost", "403 provider-refused"
	for name, c := range map[string]struct {
		change func(*session.Provider)
		come   func(w *world, b *browser) answer
		want   string
	}{
		"another state": {nil, func(w *world, b *browser) answer {
			return b.arrives(with(w.at(b.departs("")), "state", "another"))
		}, lost},
		"no state": {nil, func(w *world, b *browser) answer {
			return b.arrives(with(w.at(b.departs("")), "state", ""))
		}, lost},
		"another sign-in's state": {nil, func(w *world, b *browser) answer {
			back := w.at(b.departs(""))
			other := w.at(w.browser().departs(""))
			return b.arrives(with(back, "state", other.Query().Get("state")))
		}, lost},
		"a sign-in that another began after": {nil, func(w *world, b *browser) answer {
			back := w.at(b.departs(""))
			b.departs("")
			return b.arrives(back)
		}, lost},
		"another browser": {nil, func(w *world, b *browser) answer {
			return w.browser().arrives(w.at(b.departs("")))
		}, lost},
		"a second time": {nil, func(w *world, b *browser) answer {
			back := w.at(b.departs(""))
			b.arrives(back)
			return b.arrives(back)
		}, lost},
		"too late": {nil, func(w *world, b *browser) answer {
			back := w.at(b.departs(""))
			w.clock.Advance(10 * time.Minute)
			return b.arrives(back)
		}, lost},
		"a session for a sign-in": {nil, func(w *world, b *browser) answer {
			back := w.at(b.departs(""))
			b.cookies = map[string]*http.Cookie{}
			b.signIn("eva", password)
			b.cookies["__Host-varsel-sign-in"] = &http.Cookie{Name: "__Host-varsel-sign-in", Value: b.cookies[sessionCookie].Value}
			return b.arrives(back)
		}, lost},
		"another nonce": {nil, func(w *world, b *browser) answer {
			return b.arrives(w.at(with(b.departs(""), "nonce", "another")))
		}, refused},
		"no nonce": {nil, func(w *world, b *browser) answer {
			to := b.departs("")
			q := to.Query()
			q.Del("nonce")
			to.RawQuery = q.Encode()
			return b.arrives(w.at(to))
		}, refused},
		"another verifier (PKCE)": {nil, func(w *world, b *browser) answer {
			return b.arrives(w.at(with(b.departs(""), "code_challenge", strings.Repeat("a", 43))))
		}, refused},
		"another's code": {nil, func(w *world, b *browser) answer {
			other := w.at(w.browser().departs(""))
			return b.arrives(with(w.at(b.departs("")), "code", other.Query().Get("code")))
		}, refused},
		"no code": {nil, func(w *world, b *browser) answer {
			return b.arrives(with(w.at(b.departs("")), "code", ""))
		}, refused},
		"another issuer (RFC 9207)": {nil, func(w *world, b *browser) answer {
			return b.arrives(with(w.at(b.departs("")), "iss", "https://evil.example"))
		}, refused},
		"eva says no": {nil, func(w *world, b *browser) answer {
			return b.arrives(w.at(with(b.departs(""), "login_hint", "no")))
		}, refused},
		"a wrong secret": {func(p *session.Provider) { p.ClientSecret = "wrong" }, func(w *world, b *browser) answer {
			return b.arrives(w.at(b.departs("")))
		}, refused},
		"no role": {func(p *session.Provider) { p.Claims.Meaning = nil }, func(w *world, b *browser) answer {
			return b.arrives(w.at(b.departs("")))
		}, refused},
		"an unknown provider": {nil, func(_ *world, b *browser) answer { return b.get("/admin/sign-in/other") }, "404 not-found"},
		"one that is away": {func(p *session.Provider) { p.URL = "http://127.0.0.1:1" }, func(_ *world, b *browser) answer {
			return b.get("/admin/sign-in/corp")
		}, "503 provider-unreachable"},
		"one that is another": {func(p *session.Provider) { p.URL += "/" }, func(_ *world, b *browser) answer {
			return b.get("/admin/sign-in/corp")
		}, "503 provider-unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*session.Provider) {}
			}
			w := provided(t, issuer, change)
			b := w.browser()
			got := c.come(w, b)
			if said := fmt.Sprint(got.status, " ", got.problem()); said != c.want {
				t.Errorf("%s, want %s", said, c.want)
			}
			if strings.Contains(got.text, "eva says no") || strings.Contains(got.text, "evil.example") {
				t.Errorf("the page says what the address says:\n%s", got.text)
			}
			for _, cookie := range got.cookies {
				if cookie.Name == sessionCookie {
					t.Errorf("a session is begun: %v", cookie)
				}
			}
		})
	}
}

// What a provider said holds under the settings that it was asked by.
func TestSessionsEndWithTheSettingsOfTheirProvider(t *testing.T) {
	t.Parallel()
	w := provided(t, realProvider(t, hubURL))
	b := w.browser()
	if got := b.arrives(w.at(b.departs(""))); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.problem())
	}
	was := w.options.Providers[0]
	for _, c := range []struct {
		name   string
		change func(*session.Provider)
		want   string
	}{
		{"the same", func(*session.Provider) {}, "corp/eva"},
		{"another title and secret", func(p *session.Provider) { p.Title, p.ClientSecret = "Corp", "rotated" }, "corp/eva"},
		{"another meaning", func(p *session.Provider) { p.Claims.Meaning = map[string]account.Role{"staff": account.Auditor} }, ""},
		{"another address", func(p *session.Provider) { p.URL = "http://127.0.0.1:1" }, ""},
		{"another name", func(p *session.Provider) { p.Name = "corporation" }, ""},
	} {
		now := was
		c.change(&now)
		w.options.Providers = []session.Provider{now}
		w.restart()
		same := w.browser() // who is refused loses the cookie
		same.cookies[sessionCookie] = b.cookies[sessionCookie]
		if got := same.who(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
