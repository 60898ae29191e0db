package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/manage"
	sites "github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/listener"
)

// TestD14D15ASiteIsServedToEveryone: below its name, and at its host names; without a login, beside the hub's own API.
func TestD14D15ASiteIsServedToEveryone(t *testing.T) {
	t.Parallel()
	s := serve(t, app.Config{Data: t.TempDir()})
	site := statustest.New().Site
	site.Hosts = []string{"status.example.dk"}
	if _, err := s.hub.Manager.PutSite(t.Context(), site, manage.By{Author: "test"}); err != nil {
		t.Fatal(err)
	}
	c, err := config.NewListener("127.0.0.1:0", "api", "sites")
	if err != nil {
		t.Fatal(err)
	}
	c.Names = []string{"status.example.dk", "127.0.0.1"}
	l, err := listener.Open(t.Context(), &c, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.hub.Answer(l); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, path, want string }{
		{"", "/prod/api/v2/status.json", `"description":"All Systems Operational"`},
		{"status.example.dk", "/api/v2/status.json", `"id":"` + site.ID + `"`},
		{"status.example.dk:8443", "/api/v2/summary.json", `"id":"` + site.ID + `"`},
		{"", "/api/v2/status.json", `"description":"All Systems Operational"`},
		{"", "/api/v1/totals", `"code":"unauthenticated"`},
		{"status.example.dk", "/api/v1/totals", `"code":"unauthenticated"`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.URL()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !strings.Contains(string(body), c.want) {
			t.Errorf("%s at %q: %s %.300s, %v; want %s", c.path, c.host, answer.Status, body, err, c.want)
		}
	}
}

// TestEveryChangeOnASiteIsAnEvent: it is in the log with the revision, and its source is the site's.
func TestEveryChangeOnASiteIsAnEvent(t *testing.T) {
	t.Parallel()
	s := serve(t, app.Config{Data: t.TempDir(), NoAccess: true})
	site := statustest.New().Site
	if _, err := s.hub.Manager.PutSite(t.Context(), site, manage.By{Author: "test"}); err != nil {
		t.Fatal(err)
	}
	n, err := s.hub.Manager.OpenNotice(t.Context(), "prod", manage.Opening{
		Kind: sites.Incident, Facts: manage.Facts{Title: sites.Text{"en": "Search is slow"}}, Body: sites.Text{"en": "We look."},
		Affected: map[string]sites.State{statustest.ID("comp", 4): sites.Degraded},
	}, "eva")
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := s.hub.Log.Read(t.Context(), 0, int(s.hub.Log.Head()))
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range events {
		if e.Source == sites.SourceURI("prod") {
			types = append(types, e.Type)
		}
		if strings.Contains(string(e.Data), "eva") {
			t.Errorf("%s names who wrote it", e.Type)
		}
	}
	if got, want := strings.Join(types, " "), "varsel.status.site varsel.status.notice varsel.status.component"; got != want {
		t.Errorf("the log has %s, want %s", got, want)
	}
	if n.Impact != sites.ImpactMinor || s.hub.Log.Book().Board("prod").Headline("").Description != "Partially Degraded Service" {
		t.Errorf("the impact is %s, the headline %v", n.Impact, s.hub.Log.Book().Board("prod").Headline(""))
	}
}
