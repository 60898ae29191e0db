package app_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	sites "github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/receive"
)

// TestC13StatuspageWebhooksAreSigned: around the body that Statuspage sends stand the headers of Standard Webhooks, and
// what is tried again is the same, byte for byte, under the same id.
func TestC13StatuspageWebhooksAreSigned(t *testing.T) {
	t.Parallel()
	type got struct {
		header http.Header
		body   []byte
	}
	received := make(chan got, 10)
	first := make(chan struct{}, 1)
	first <- struct{}{}
	hub, _, _ := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/status" {
			return
		}
		received <- got{r.Header, body}
		select {
		case <-first:
			w.WriteHeader(http.StatusInternalServerError)
		default:
		}
	}), slog.LevelInfo)
	m, by := hub.Manager, manage.By{Author: "test"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := m.PutSite(t.Context(), sites.Site{
		Name: "prod", Title: sites.Text{"en": "Operations"}, Zone: "Europe/Copenhagen", Languages: []string{"en"},
		Sections: []sites.Section{{Name: "all", Title: sites.Text{"en": "All"}, Components: []sites.Component{{ID: "search000000", Title: sites.Text{"en": "Search"}}}}},
	}, by)
	must(err)
	jobcenter, _ := hub.Log.Book().System("jobcenter")
	_, err = m.PutSystem(t.Context(), subscription.System{Name: "jobnet", Agreement: subscription.Agreement{
		Profile: profile.Statuspage, BaseURL: jobcenter.Agreement.BaseURL, Sources: []string{sites.SourceName("prod")},
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "technical@example.org"}},
	}}, by)
	must(err)
	key, err := m.RotateKey(t.Context(), "jobnet", "v1", 0, "test")
	must(err)
	_, err = m.PutSubscriptions(t.Context(), "jobnet", []subscription.Subscription{{Name: "all", Path: "/status", Types: sites.Webhooked}}, manage.SetOptions{By: by})
	must(err)
	must(m.SetState(t.Context(), "prod", "search000000", manage.Setting{State: sites.Degraded}, "test"))

	verifier, err := receive.NewVerifier(time.Now, key.Shown)
	must(err)
	var tries []got
	for range 2 {
		select {
		case one := <-received:
			if err := verifier.Verify(one.header, one.body); err != nil {
				t.Errorf("%v with %v", err, one.header)
			}
			if one.header.Get("Content-Type") != "application/json" || !bytes.Contains(one.body, []byte(`"new_status":"degraded_performance"`)) {
				t.Errorf("%v %s", one.header, one.body)
			}
			tries = append(tries, one)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d came", len(tries))
		}
	}
	if a, b := tries[0], tries[1]; !bytes.Equal(a.body, b.body) || a.header.Get("Webhook-Id") == "" || a.header.Get("Webhook-Id") != b.header.Get("Webhook-Id") {
		t.Errorf("tried again it is another:\n%v %s\n%v %s", a.header, a.body, b.header, b.body)
	}
}
