package examples_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/varselhub/varsel/client"
)

// F39: the example of a receiver takes what a hub pushes, alone and in change sets, in JSON and in XML, each message once.
func TestF39ReceivingWhatIsPushed(t *testing.T) {
	t.Parallel()
	program := build(t, t.TempDir(), "odata-receiver")
	for _, format := range []string{"json", "xml"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			hub, ctx := startHub(t), t.Context()
			hub.besked(t)
			r := start(t, exec.Command(program), "")
			_, _, err := hub.PutSystem(ctx, client.System{Name: "municipality", Agreement: client.Agreement{
				Profile: "datafordeler", BaseURL: r.address, Sources: []string{"dagi"}, Contacts: client.Contacts{Technical: client.Contact{Email: "ops@example.dk"}},
			}}, "")
			must(t, err)
			report, err := hub.PutSubscriptionSet(ctx, "municipality", []client.Subscription{{Name: "push", Path: "/", Types: []string{"KommuneinddelingUpdate"}, Format: format}}, "", client.SetOptions{})
			must(t, err)
			id := report.Created[0].ID
			if test, err := hub.TestSubscription(ctx, id); err != nil || !test.Passed {
				t.Fatalf("the hub's test message: %+v, %v", test, err)
			}
			var took []string
			publish := func(from, to int) {
				var events []client.Event
				for n := from; n < to; n++ {
					events = append(events, client.Event{ID: fmt.Sprint(n), Source: "urn:dagi", Type: "KommuneinddelingUpdate", Data: fmt.Appendf(nil, `{"objectid":"%d","fra":"2026-01-01T00:00:00Z"}`, n)})
				}
				results, err := hub.Publish(ctx, events...)
				must(t, err)
				for _, one := range results {
					e, err := hub.Event(ctx, one.Position)
					must(t, err)
					took = append(took, e.MessageID+" KommuneinddelingUpdate")
				}
				for _, want := range took[from:] {
					r.took(t, want)
				}
			}
			publish(0, 1)  // alone
			publish(1, 40) // what waits behind a message goes together
			_, err = hub.BeginReplay(ctx, id, client.ReplayFilter{}, 0, 40)
			must(t, err)
			for _, want := range took {
				r.took(t, want) // once more, because somebody wants it
			}
			message, _, _ := strings.Cut(took[0], " ")
			for body, want := range map[string]int{
				`{"Id":7,"Format":"JSON","Body":"{\"Hændelsesbesked\":{\"beskedId\":\"` + message + `\"}}"}`: 201, // it came before, and is not taken again
				`{"Id":0,"Format":"JSON","Body":"{}"}`:                                                       201, // a test
				`{"Id":8,"Format":"JSON","Body":"{}"}`:                                                       400,
				`{"Id":8,"Format":"XML","Body":"<a>"}`:                                                       400,
				`{"Id":8`:                                                                                    400,
			} {
				response, err := http.Post(r.address+"/Events", "application/json", strings.NewReader(body))
				must(t, err)
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("%s: %d, want %d", body, response.StatusCode, want)
				}
			}
			r.end()
			for line := range r.lines {
				t.Errorf("said %q", line)
			}
		})
	}
}

// besked makes a type whose events are messages of Datafordeleren.
func (w *world) besked(t *testing.T) {
	t.Helper()
	const name = "KommuneinddelingUpdate"
	_, _, err := w.PutEventType(t.Context(), client.EventType{Name: name, Title: name, Order: "key"}, "")
	must(t, err)
	_, _, err = w.PutVersion(t.Context(), client.Version{Type: name, Version: "v1", State: "active", Sample: []byte(`{"objectid":"1","fra":"2026-01-01T00:00:00Z"}`), Mapping: client.Mapping{Fields: map[string]string{
		"key": "/objectid", "besked.objektID": "Load(objectid)", "besked.objekttype": "Constant(Kommuneinddeling)", "besked.registreringstid": "Load(fra)", "besked.sikkerhedsklassificering": "Constant(open)",
	}}}, "")
	must(t, err)
	_, _, err = w.PutSource(t.Context(), client.Source{Name: "dagi", URI: "urn:dagi", Title: "DAGI", Types: []string{"*"}}, "")
	must(t, err)
}
