package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// TestF4AMessageInTheSubscriptionsFormat: one event, of a type whose mapping says how, is JSON for one subscription, XML for
// another, and bare where an agreement says so; what is fetched is in its wrapper always.
func TestF4AMessageInTheSubscriptionsFormat(t *testing.T) {
	t.Parallel()
	const kommune = "KommuneinddelingUpdate"
	receiver := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(receiver.Close)
	hub, err := New(t.Context(), Config{
		Data: t.TempDir(), NoAccess: true, Egress: netguard.Rules{Allow: Loopback, AllowHTTP: true},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Stop(t.Context()) })
	if err := hub.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile("../../conformance/datafordeler/" + name)
		must(err)
		return text
	}
	m, by := hub.Manager, manage.By{Author: "test"}
	_, err = m.PutType(t.Context(), event.Type{Name: kommune, Title: "Kommune", Order: event.OrderKey, Retention: "P180D"}, by)
	must(err)
	version := event.Version{Type: kommune, Version: "v1", State: event.StateActive, Sample: read("kommuneinddeling-update.event.json")}
	must(json.Unmarshal(read("kommuneinddeling-update.mapping.json"), &version.Mapping))
	_, err = m.PutVersion(t.Context(), version, by)
	must(err)
	for name, wrapper := range map[string]string{"wrapped": "", "bare": subscription.NoWrapper} {
		_, err = m.PutSystem(t.Context(), subscription.System{Name: name, Agreement: subscription.Agreement{
			Profile: profile.Datafordeler, BaseURL: receiver.URL, Sources: []string{"*"}, PushWrapper: wrapper,
			Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "technical@example.org"}},
		}}, by)
		must(err)
	}
	e := &event.Event{Type: kommune, Version: "v1", Source: "urn:register:dagi", Recorded: 1, MediaType: "application/json", Data: version.Sample}
	out, err := newOutbound(hub.config, hub.Log.Book(), nil, hub.Signing, clock.System{})
	must(err)
	for name, c := range map[string]struct {
		s    subscription.Subscription
		want string
	}{
		"by default":    {subscription.Subscription{System: "wrapped"}, `{"Grunddatabesked":{"Hændelsesbesked":{`},
		"json":          {subscription.Subscription{System: "wrapped", Format: "json"}, `{"Grunddatabesked":{"Hændelsesbesked":{`},
		"xml":           {subscription.Subscription{System: "wrapped", Format: "xml"}, `<Haendelsesbesked xmlns="urn:dk:grunddata:1.0.0">`},
		"fetched":       {subscription.Subscription{System: "wrapped", Channel: subscription.Queue}, `{"Grunddatabesked":{"Hændelsesbesked":{`},
		"bare":          {subscription.Subscription{System: "bare"}, `{"Hændelsesbesked":{"beskedversion":"1.0","beskedId":"`},
		"bare, but xml": {subscription.Subscription{System: "bare", Format: "xml"}, `<Haendelsesbesked xmlns="urn:dk:grunddata:1.0.0">`},
		"bare, fetched": {subscription.Subscription{System: "bare", Channel: subscription.Cursor}, `{"Grunddatabesked":{"Hændelsesbesked":{`},
	} {
		if r := out.render(e, &c.s); r.Err != nil || !strings.HasPrefix(string(r.Body), c.want) {
			t.Errorf("%s: %v, %.80s", name, r.Err, r.Body)
		}
	}
}
