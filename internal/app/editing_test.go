package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/manage"
	sites "github.com/varselhub/varsel/internal/status"
)

// An editor signs in, reports an incident on their site and finds it on the public page; another's site is not there, and
// what a page elsewhere sends in their name is refused.
func TestAnEditorRunsTheirSite(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	s := serve(t, app.Config{Data: t.TempDir()})
	for _, name := range []string{"roads", "rails"} {
		site := sites.Site{
			Name: name, Title: sites.Text{"en": "Site of " + name}, Zone: "Etc/UTC", Languages: []string{"en"},
			Sections: []sites.Section{{Name: "all", Title: sites.Text{"en": "All"}, Components: []sites.Component{{Title: sites.Text{"en": "Map"}}}}},
		}
		if _, err := s.hub.Manager.PutSite(t.Context(), site, manage.By{Author: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.hub.Manager.PutAccount(t.Context(), account.Account{Name: "ida", Roles: []account.Role{account.SiteEditor}, Sites: []string{"roads"}}, manage.By{Author: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.hub.Manager.SetPassword(t.Context(), "ida", password, "test"); err != nil {
		t.Fatal(err)
	}
	p := newPerson(t)
	if path, _ := p.at(s.url+"/admin/roads", nil); path != "/admin/sign-in" {
		t.Errorf("led to %s", path)
	}
	path, text := p.at(s.url+"/admin/sign-in", url.Values{"name": {"ida"}, "password": {password}, "next": {"/admin/roads"}})
	if path != "/admin/roads" || !strings.Contains(text, `id="who">ida<`) || !strings.Contains(text, "Report an incident") {
		t.Fatalf("%s: %s", path, text)
	}
	if _, text := p.at(s.url+"/admin/rails", nil); !strings.Contains(text, "not-found") || strings.Contains(text, "Site of rails") {
		t.Errorf("another's site: %s", text)
	}

	form := url.Values{"kind": {"incident"}, "title.en": {"The map is blank"}, "body.en": {"We look into it."}, "do": {"publish"}}
	elsewhere, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/admin/roads/notices/new", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		elsewhere.Header.Set(name, value)
	}
	answer, err := p.client.Do(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden || len(s.hub.Log.Book().Board("roads").Notices) != 0 {
		t.Errorf("what a page elsewhere sends: %d", answer.StatusCode)
	}

	path, text = p.at(s.url+"/admin/roads/notices/new", form)
	notices := s.hub.Log.Book().Board("roads").Notices
	if len(notices) != 1 || path != "/admin/roads/notices/"+notices[0].ID || !strings.Contains(text, "It is published.") || notices[0].Updates[0].Author != "ida" {
		t.Fatalf("%s: %s", path, text)
	}
	if _, text := newPerson(t).at(s.url+"/roads/", nil); !strings.Contains(text, "The map is blank") {
		t.Errorf("the public page reads %s", text)
	}
	for path, kind := range map[string]string{"/admin/style.css": "text/css", "/admin/script.js": "text/javascript", "/admin/sign-in.css": "text/css"} {
		answer, err := p.client.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || !strings.HasPrefix(got, kind) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, got)
		}
	}
}
