package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/config"
)

// person is somebody with a browser.
type person struct {
	t      *testing.T
	client *http.Client
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t, &http.Client{Jar: jar}}
}

// at reads a page, or sends a form to it, and tells where that ended.
func (p *person) at(address string, form url.Values) (path, text string) {
	p.t.Helper()
	answer, err := p.client.Get(address)
	if form != nil {
		answer, err = p.client.PostForm(address, form)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.Request.URL.Path, string(body)
}

// The operator signs in with a password; it is on record, with the password's setting, and neither the log nor what is on
// record holds it. The session goes on after a restart: nothing of it is kept on the server.
func TestTheOperatorSignsIn(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	data := t.TempDir()
	first := serve(t, app.Config{Data: data})
	if _, err := first.hub.Manager.SetPassword(t.Context(), "operator", password, "test"); err != nil {
		t.Fatal(err)
	}
	p := newPerson(t)
	if path, _ := p.at(first.url+"/admin", nil); path != "/admin/sign-in" {
		t.Errorf("led to %s", path)
	}
	form := url.Values{"name": {"operator"}, "password": {password}}
	if path, text := p.at(first.url+"/admin/sign-in", form); path != "/admin/" || !strings.Contains(text, `id="who">operator<`) {
		t.Fatalf("%s: %s", path, text)
	}
	entries, err := first.hub.Store.Audit(t.Context(), audit.Query{Subject: "account/operator"})
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, e := range entries {
		said += fmt.Sprintf("%s %s %s\n", e.Actor, e.Act, e.Detail)
	}
	if said != "varsel put-account {\"created\":true}\ntest set-password {\"created\":true}\noperator login {\"kind\":\"password\"}\n" {
		t.Errorf("on record is\n%s", said)
	}
	address, _ := url.Parse(first.url)
	first.hub.Stop(context.Background())

	again := serve(t, app.Config{Data: data})
	moved, _ := url.Parse(again.url)
	p.client.Jar.SetCookies(moved, p.client.Jar.Cookies(address))
	if path, _ := p.at(again.url+"/admin/", nil); path != "/admin/" {
		t.Errorf("after a restart: %s", path)
	}
	if _, err := again.hub.Manager.SetPassword(t.Context(), "operator", "another horse battery", "test"); err != nil {
		t.Fatal(err)
	}
	if path, _ := p.at(again.url+"/admin/", nil); path != "/admin/sign-in" {
		t.Errorf("after another password: %s", path)
	}
	if log := first.log.String() + again.log.String(); strings.Contains(log, "horse") {
		t.Errorf("the log holds a password:\n%s", log)
	}
}

func TestWithoutAccessControlThePagesAreEveryones(t *testing.T) {
	t.Parallel()
	s := serve(t, app.Config{Data: t.TempDir(), NoAccess: true})
	if path, text := newPerson(t).at(s.url+"/admin", nil); path != "/admin/" || !strings.Contains(text, `id="who">anyone<`) {
		t.Errorf("%s: %s", path, text)
	}
}

// The settings of a provider are what the sign-in page has, and what is wrong with them is said before the hub starts.
func TestProvidersAreConfigured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	text := `sign-in:
  providers:
    - name: corp
      title: The Corporation
      url: https://idp.example/realms/corp
      client-id: varsel
      client-secret-file: ` + write("secret", "only-for-tests\n") + `
      scopes: [profile, roles]
      roles-claim: /realm_access/roles
      roles: [{value: hub-operators, role: operator}, {value: hub-editors, role: site-editor}]
      sites-claim: /varsel/sites
`
	load := func(text string) *config.Loaded {
		t.Helper()
		l, err := config.Load(config.Input{File: write("varsel.yaml", text)})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := load(text)
	c := app.Configured(&l.Config)
	if err := app.Check(&l.Config); err != nil || len(c.Providers) != 1 {
		t.Fatalf("%+v %v", c.Providers, err)
	}
	p := c.Providers[0]
	if got := fmt.Sprint(p.Name, p.Title, p.URL, p.ClientID, p.ClientSecret, p.Scopes, p.Claims.Roles, p.Claims.Sites, p.Claims.Meaning["hub-editors"]); got !=
		"corpThe Corporationhttps://idp.example/realms/corpvarselonly-for-tests[profile roles]/realm_access/roles/varsel/sitessite-editor" {
		t.Errorf("%s", got)
	}
	if p.Claims.Meaning["hub-operators"] != account.Operator {
		t.Errorf("%v", p.Claims.Meaning)
	}
	s := serve(t, app.Config{Data: t.TempDir(), Providers: c.Providers})
	if _, text := newPerson(t).at(s.url+"/admin/sign-in", nil); !strings.Contains(text, "Sign in with The Corporation") {
		t.Errorf("the page:\n%s", text)
	}
	bad := load(strings.Replace(text, "https://idp.example", "https://127.0.0.1", 1))
	if err := app.Check(&bad.Config); err == nil || !strings.Contains(err.Error(), "sign-in.providers[0].url") {
		t.Errorf("%v", err)
	}
}
