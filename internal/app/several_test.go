package app_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// secrets makes a directory of data whose secrets are those of another, or new.
func secrets(t *testing.T, like string) (data string) {
	t.Helper()
	data = t.TempDir()
	if like != "" {
		if err := os.CopyFS(filepath.Join(data, "secrets"), os.DirFS(filepath.Join(like, "secrets"))); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(data, "secrets"), 0o700); err != nil {
			t.Fatal(err)
		}
		return data
	}
	vault, err := secret.Open(filepath.Join(data, "secrets"))
	if err == nil {
		_, err = vault.LaneKey()
	}
	if err == nil {
		_, err = vault.AuditKey(0)
	}
	if err == nil {
		_, err = vault.TokenKey()
	}
	if err == nil {
		_, err = vault.MakeKEK()
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func nodeOf(url, data string) app.Config {
	return app.Config{Data: data, Store: url, NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true}, AllowSinks: true}
}

// begun starts a node that answers on a loopback port.
func begun(t *testing.T, config app.Config) (*app.Hub, *client.Client) {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config.NodeURL = "http://" + socket.Addr().String()
	hub, err := app.New(t.Context(), config, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() { hub.Stop(context.Background()) })
		err = hub.Start(t.Context())
	}
	if err == nil {
		err = hub.Serve(socket)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config.NodeURL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return hub, c
}

// Nodes that start on an empty database at the same moment make one hub of it, with one first account.
func TestNodesThatStartTogetherMakeOneHub(t *testing.T) {
	t.Parallel()
	url, first := pgtest.Database(t), secrets(t, "")
	hubs := make([]*app.Hub, 3)
	var all sync.WaitGroup
	for n := range hubs {
		config := nodeOf(url, secrets(t, first))
		config.NoAccess = false
		config.Welcome = func(string, string) error { return nil }
		all.Go(func() {
			hub, err := app.New(context.Background(), config, slog.New(slog.DiscardHandler))
			if err == nil {
				err = hub.Start(context.Background())
			}
			if err != nil {
				t.Error(err)
				return
			}
			hubs[n] = hub
		})
	}
	all.Wait()
	for _, hub := range hubs {
		if hub == nil {
			t.FailNow()
		}
		defer hub.Stop(context.Background())
		if err := hub.Log.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if accounts := hub.Log.Book().Accounts(); len(accounts) != 1 || hub.Log.Head() != hubs[0].Log.Head() {
			t.Errorf("%d accounts, head %d and %d", len(accounts), hub.Log.Head(), hubs[0].Log.Head())
		}
	}
}

// A node whose secrets are not the hub's is refused before it makes anything.
func TestANodeNeedsTheHubsSecrets(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	begun(t, nodeOf(url, secrets(t, "")))
	for name, data := range map[string]string{"others": secrets(t, ""), "none": t.TempDir()} {
		_, err := app.New(t.Context(), nodeOf(url, data), slog.New(slog.DiscardHandler))
		if !fault.Has(err, fault.NodeSecrets) && !fault.Has(err, fault.KeyMissing) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(data, "secrets", "lane.key")); name == "none" && err == nil {
			t.Error("secrets are made that are not the hub's")
		}
	}
}

// What is accepted by one node is delivered by whichever has the system, and every node tells of it all.
func TestNodesAreOneHub(t *testing.T) {
	t.Parallel()
	url, first := pgtest.Database(t), secrets(t, "")
	_, one := begun(t, nodeOf(url, first))
	_, two := begun(t, nodeOf(url, secrets(t, first)))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := one.PutEventType(ctx, client.EventType{Name: "thing", Title: "Thing", Order: "key"}, "")
	must(err)
	_, _, err = one.PutVersion(ctx, client.Version{Type: "thing", Version: "v1", State: "active", Mapping: client.Mapping{Fields: map[string]string{"key": "/k"}}, Sample: []byte(`{"k":"a"}`)}, "")
	must(err)
	_, _, err = two.PutSource(ctx, client.Source{Name: "source", URI: "urn:source", Title: "S", Types: []string{"thing"}}, "")
	must(err)
	ids := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d"} {
		_, _, err = two.PutSystem(ctx, client.System{Name: name, Agreement: client.Agreement{Profile: "standard", BaseURL: "https://" + name + ".example", Sources: []string{"source"},
			Contacts: client.Contacts{Technical: client.Contact{Email: "ops@" + name + ".example"}}}}, "")
		must(err)
		report, err := one.PutSubscriptionSet(ctx, name, []client.Subscription{{Name: "all", Path: "/in", Sink: &client.Sink{}}}, "", client.SetOptions{})
		must(err)
		ids[name] = report.Created[0].ID
	}
	for n, c := range []*client.Client{one, two, one, two} {
		_, err := c.Publish(ctx, client.Event{ID: string(rune('a' + n)), Source: "urn:source", Type: "thing", Data: []byte(`{"k":"x"}`)})
		must(err)
	}
	for name, id := range ids {
		for i, c := range []*client.Client{one, two} {
			var came []client.Arrival
			for after := int64(0); len(came) < 4; after = came[len(came)-1].Number {
				more, _, err := c.Arrivals(ctx, id, after, 0, time.Minute)
				must(err)
				if came = append(came, more...); len(more) == 0 {
					t.Fatalf("node %d: %d messages came to %s", i+1, len(came), name)
				}
			}
			for n := 1; n < len(came); n++ {
				if came[n].Position <= came[n-1].Position {
					t.Errorf("node %d tells that %d came to %s after %d", i+1, came[n].Position, name, came[n-1].Position)
				}
			}
		}
	}
	nodes, err := two.Nodes(ctx)
	must(err)
	if len(nodes.Items) != 2 {
		t.Errorf("%+v", nodes)
	}
}
