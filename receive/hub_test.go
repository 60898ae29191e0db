package receive_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/receive"
)

// startHub returns a client of a hub with one type and one source.
func startHub(t *testing.T) *client.Client {
	t.Helper()
	ctx := context.Background()
	hub, err := app.New(ctx, app.Config{Data: t.TempDir(), NoAccess: true, Environment: "T9", Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true}}, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { hub.Stop(ctx) })
	must(t, hub.Start(ctx))
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, hub.Serve(socket))
	c, err := client.New("http://"+socket.Addr().String(), client.Options{})
	must(t, err)
	_, _, err = c.PutEventType(ctx, client.EventType{Name: "cv.changed", Title: "A CV has changed", Order: "key"}, "")
	must(t, err)
	_, _, err = c.PutVersion(ctx, client.Version{Type: "cv.changed", Version: "v3", State: "active", Sample: json.RawMessage(`{"cv":"sample"}`),
		Mapping: client.Mapping{Fields: map[string]string{"key": "/cv", "star.external": "/cv", "star.entity.id": "Constant(30000)", "star.entity.name": "Constant(Cv)"}}}, "")
	must(t, err)
	_, _, err = c.PutSource(ctx, client.Source{Name: "cvs", URI: "https://cvs.example", Title: "CVs", Types: []string{"*"}}, "")
	must(t, err)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// subscribed makes a system with one subscription and lets the hub test it (S57).
func subscribed(t *testing.T, hub *client.Client, system client.System, match client.ETag, mode string) {
	t.Helper()
	system.Agreement.Sources = []string{"*"}
	system.Agreement.Contacts.Technical.Email = "ops@receiver.example"
	_, _, err := hub.PutSystem(t.Context(), system, match)
	must(t, err)
	report, err := hub.PutSubscriptionSet(t.Context(), system.Name, []client.Subscription{{Name: "all", Path: "/varsel", Mode: mode}}, "", client.SetOptions{})
	must(t, err)
	test, err := hub.TestSubscription(t.Context(), report.Created[0].ID)
	must(t, err)
	if test.Status != http.StatusNoContent {
		t.Errorf("%+v", test)
	}
}

// The whole way in each envelope: a test that is acknowledged, then a message that is what was published.
func TestAHubsMessages(t *testing.T) {
	t.Parallel()
	hub, ctx := startHub(t), t.Context()
	data := []byte(`{"cv": "f89a557e-86c3-4cb6-a350-076f660a1fd5"}`)
	arrived := map[string]chan *receive.Message{}
	for _, mode := range []string{"structured", "binary"} {
		name := mode
		system := client.System{Name: name, Agreement: client.Agreement{Profile: "standard", BaseURL: "http://127.0.0.1:1"}}
		system.Agreement.Sources = []string{"*"}
		system.Agreement.Contacts.Technical.Email = "ops@receiver.example"
		_, _, err := hub.PutSystem(ctx, system, "")
		must(t, err)
		key, err := hub.NewSigningKey(ctx, name, client.KeyEd25519, 0)
		must(t, err)
		server := httptest.NewServer(collector(t, arrived, name, receive.Options{Keys: []string{key.Key}}))
		t.Cleanup(server.Close)
		system.Agreement.BaseURL = server.URL
		subscribed(t, hub, system, client.AnyState, mode)
	}

	authority := newAuthority(t)
	config, err := receive.MutualTLS(authority.leaf(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }), authority.pool, "sys-org-hub")
	must(t, err)
	server := httptest.NewUnstartedServer(collector(t, arrived, "star", receive.Options{ClientCertificate: true}))
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	certificate, bundle := authority.files(t, "sys-org-hub")
	subscribed(t, hub, client.System{Name: "star", Agreement: client.Agreement{Profile: "star", BaseURL: server.URL, Certificate: certificate, CABundle: bundle}}, "", "")

	results, err := hub.Publish(ctx, client.Event{ID: "1", Source: "https://cvs.example", Type: "cv.changed", Time: noon, Data: data, Extensions: map[string]string{"correlationid": "k"}})
	must(t, err)
	logged, err := hub.Event(ctx, results[0].Position)
	must(t, err)
	for name, messages := range arrived {
		m := <-messages
		if m.ID != logged.MessageID || m.Test || m.Pass != "" || m.Attempt != 1 || string(m.Data) != string(data) || !m.Time.Equal(noon) {
			t.Errorf("%s: %+v", name, m)
		}
		if name != "star" {
			if m.EventID != "1" || m.Source != "https://cvs.example" || m.Type != "cv.changed" || m.Position != logged.Position || m.Extensions["correlationid"] != "k" {
				t.Errorf("%s: %+v", name, m)
			}
			continue
		}
		if m.Type != "30000" || m.Version != "v3" || m.Subject != "f89a557e-86c3-4cb6-a350-076f660a1fd5" || m.MetaData.Miljoe != "T9" || m.MetaData.KorrelationsIdentifier != "k" {
			t.Errorf("%s: %+v %+v", name, m, m.MetaData)
		}
	}
}

// collector hands on what a receiver is given.
func collector(t *testing.T, arrived map[string]chan *receive.Message, name string, options receive.Options) http.Handler {
	t.Helper()
	messages := make(chan *receive.Message, 10)
	arrived[name] = messages
	options.Failed = func(_ *http.Request, err error) { t.Errorf("%s: %v", name, err) }
	h, err := receive.New(func(_ context.Context, m *receive.Message) error { messages <- m; return nil }, options)
	must(t, err)
	return h
}

// files writes a certificate of that name and the authority's own.
func (a *authority) files(t *testing.T, name string) (*client.Certificate, string) {
	t.Helper()
	dir := t.TempDir()
	write := func(file, kind string, raw []byte) string {
		path := filepath.Join(dir, file)
		must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600))
		return path
	}
	leaf := a.leaf(called(name))
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	must(t, err)
	return &client.Certificate{CertFile: write("hub.pem", "CERTIFICATE", leaf.Certificate[0]), KeyFile: write("hub.key", "PRIVATE KEY", key)},
		write("ca.pem", "CERTIFICATE", a.root.Raw)
}
