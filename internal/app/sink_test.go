package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// developing is a hub with sinks, with the types and sources of configure, and receivers that must not be reached.
func developing(t *testing.T, data string, allow bool) (hub *app.Hub, c *client.Client, base string) {
	t.Helper()
	forbidden := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Varsel-Test") == "" {
			t.Errorf("%s %s left the hub", r.Method, r.URL)
		}
	}))
	t.Cleanup(forbidden.Close)
	hub, err := app.New(t.Context(), app.Config{
		Data: data, NoAccess: true, AllowSinks: allow, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Stop(context.Background()) })
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = hub.Start(t.Context())
	}
	if err == nil {
		err = hub.Serve(socket)
	}
	if err == nil {
		c, err = client.New("http://"+socket.Addr().String(), client.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return hub, c, forbidden.URL
}

// S58: whatever the profile, a subscription with a sink goes the whole way, rendered, signed, in order and tried again,
// and not one byte of it leaves the hub.
func TestS58NothingLeavesTheHub(t *testing.T) {
	t.Parallel()
	for _, p := range []profile.Name{profile.Star, profile.Standard} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			hub, c, base := developing(t, t.TempDir(), true)
			configure(t, hub, base)
			by := manage.By{Author: "test"}
			_, err := hub.Manager.PutSystem(t.Context(), subscription.System{Name: "dev", Agreement: subscription.Agreement{
				Profile: p, BaseURL: base, Sources: []string{"*"}, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "dev@example.org"}},
			}}, by)
			if err != nil {
				t.Fatal(err)
			}
			// The system of configure goes, so that what reaches a receiver could only be the sink's.
			if _, err := hub.Manager.RemoveSystem(t.Context(), "jobcenter", manage.By{Author: "test", Condition: manage.Condition{Present: true}}, new(int64)); err != nil {
				t.Fatal(err)
			}
			signature := "none"
			if p == profile.Standard {
				signature = "valid"
				for _, kind := range []string{"v1", "v1a"} {
					if _, err := hub.Manager.RotateKey(t.Context(), "dev", kind, time.Hour, "test"); err != nil {
						t.Fatal(err)
					}
				}
			}
			report, err := hub.Manager.PutSubscriptions(t.Context(), "dev", []subscription.Subscription{{Name: "all", Path: "/in", Sink: &subscription.Sink{FailFirst: 1}}}, manage.SetOptions{By: by})
			if err != nil {
				t.Fatal(err)
			}
			id := report.Created[0].ID
			if _, err := hub.Manager.Test(t.Context(), id, "test"); err != nil {
				t.Fatal(err)
			}
			const keys, each = 3, 4
			var events []client.Event
			for n := range each {
				for key := range keys {
					events = append(events, client.Event{ID: fmt.Sprintf("%d-%d", key, n), Source: "urn:cv", Type: "cv", Data: fmt.Appendf(nil, `{"person":"%d"}`, key)})
				}
			}
			if _, err := c.Publish(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
			var came []client.Arrival
			for after := int64(0); len(came) < 1+2*keys*each; {
				more, _, err := c.Arrivals(t.Context(), id, after, 0, time.Minute)
				if err != nil || len(more) == 0 {
					t.Fatalf("%d came: %v", len(came), err)
				}
				came = append(came, more...)
				after = more[len(more)-1].Number
			}
			done := map[string]int64{}
			tries := map[string]int{}
			for i, a := range came {
				if a.Signature != signature || a.Fault != "" || a.Type == "" || a.Request != "POST /in" {
					t.Errorf("%+v", a)
				}
				if i == 0 {
					if !a.Test || a.Status != 200 {
						t.Errorf("the test: %+v", a)
					}
					continue
				}
				tries[a.MessageID]++
				want := 500
				if a.Attempt == 2 {
					want = 200
				}
				if a.Attempt != tries[a.MessageID] || a.Status != want || (a.Sighting == "first") != (a.Attempt == 1) || a.Sighting == "out-of-order" {
					t.Errorf("try %d: %+v", tries[a.MessageID], a)
				}
				if a.Position <= done[a.Lane] {
					t.Errorf("%d of lane %s came when %d was done", a.Position, a.Lane, done[a.Lane])
				}
				if a.Status == 200 {
					done[a.Lane] = a.Position
				}
			}
			if len(done) != keys {
				t.Errorf("%d lanes", len(done))
			}
		})
	}
}

// A hub that has no sinks keeps what is for one: it is neither delivered to nobody, nor sent to a receiver that does not
// expect it yet.
func TestS58AForbiddenSinkTakesNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	hub, _, base := developing(t, data, true)
	configure(t, hub, base)
	by := manage.By{Author: "test", Condition: manage.Condition{Present: true}}
	put := func(hub *app.Hub) (*manage.Report, error) {
		return hub.Manager.PutSubscriptions(context.Background(), "jobcenter", []subscription.Subscription{{Name: "all", Sink: &subscription.Sink{}}}, manage.SetOptions{By: by})
	}
	if _, err := put(hub); err != nil {
		t.Fatal(err)
	}
	hub.Stop(t.Context())

	hub, c, _ := developing(t, data, false)
	if _, err := c.Publish(t.Context(), client.Event{ID: "1", Source: "urn:cv", Type: "cv", Data: []byte(`{"person":"1"}`)}); err != nil {
		t.Fatal(err)
	}
	for {
		lanes, err := c.Lanes(t.Context(), client.LaneFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(lanes.Items) == 1 {
			if lanes.Items[0].Reason != string(fault.SenderConfig) {
				t.Errorf("%+v", lanes.Items[0])
			}
			break
		}
	}
	if hub.Engine.Totals().Delivered != 0 {
		t.Error("it was delivered")
	}
	set, _ := hub.Log.Book().Subscriptions("jobcenter")
	if _, err := hub.Manager.Test(t.Context(), set[0].ID, "test"); !fault.Has(err, fault.SenderConfig) {
		t.Errorf("%v", err)
	}
}
