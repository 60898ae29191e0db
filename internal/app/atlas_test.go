package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	nouns "github.com/varselhub/varsel/internal/register"
)

// F39: a map is for who has signed in and may read the register, and so is the API below it. The API itself takes no session: what a page
// of another site has a browser send it says nothing.
func TestF39AMapIsForWhoHasSignedIn(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	s := serve(t, app.Config{Data: t.TempDir()})
	ctx, by, m := t.Context(), manage.By{Author: "test"}, s.hub.Manager
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"land", "sea"} {
		_, err := m.PutSource(ctx, event.Source{Name: name, URI: "urn:" + name, Title: name}, by)
		must(err)
		_, err = m.PutRegister(ctx, nouns.Register{Name: name, Source: name, Types: []nouns.EntityType{{Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []nouns.Column{{Name: "id", Required: true}}}}}, by)
		must(err)
	}
	_, err := m.PutAccount(ctx, account.Account{Name: "pia", Roles: []account.Role{account.Source}, Sources: []string{"land"}}, by)
	must(err)
	_, err = m.SetPassword(ctx, "pia", password, "test")
	must(err)

	p := newPerson(t)
	if path, _ := p.at(s.url+"/registers/land/map?zoom=3", nil); path != "/admin/sign-in" {
		t.Errorf("led to %s", path)
	}
	if path, text := p.at(s.url+"/admin/sign-in", url.Values{"name": {"pia"}, "password": {password}, "next": {"/registers/land/map?zoom=3"}}); path != "/registers/land/map" || !strings.Contains(text, `data-zoom="3"`) {
		t.Fatalf("%s: %s", path, text)
	}
	for path, want := range map[string]string{
		"/registers/land/data/events": `"items":[]`, "/registers/land/data/Thing": `"items":[]`, "/registers/land/data/Stall": `"code":"not-found"`, "/registers/land/data/events?limit=0": `"code":"bad-request"`,
		"/registers/sea/data/events": "not-found", "/registers/sea/map": "not-found", "/registers/land/map?zoom=99": "bad-request", "/api/v1/registers/land/events": "unauthenticated",
		"/registers": `href="/registers/land/map"`,
	} {
		if _, text := p.at(s.url+path, nil); !strings.Contains(text, want) {
			t.Errorf("%s: no %s in %s", path, want, text)
		}
	}
	if _, text := p.at(s.url+"/registers", nil); strings.Contains(text, "/registers/sea/map") {
		t.Error("another's register is listed")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/registers/land/data/events", nil)
	must(err)
	r.Header.Set("Sec-Fetch-Dest", "empty") // a script, which nobody can lead to the sign-in page
	answer, err := http.DefaultClient.Do(r)
	must(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a session: %s", answer.Status)
	}
}
