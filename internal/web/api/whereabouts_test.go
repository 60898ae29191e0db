package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/subscription"
)

// S27, S51, DESIGN promise 10: an event's way to each of its receivers, with every attempt, in RFC 3339.
func TestWhereaboutsOfAnEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Subscribe("plain", subscription.Subscription{Name: "all", Path: "/all?key=secret"})["all"]
	w.AnswerBy(func(managetest.Sent) int { return 503 })
	w.Publish("cv", event.Organisation{}, 1)
	at := w.Log.Head()
	w.Until("it is tried", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 1 && w.Log.Idle() })
	a := w.ok(200, w.call("GET", fmt.Sprintf("/events/%d/whereabouts", at), ""))
	if a.json["position"] != float64(at) || a.json["type"] != "cv" || a.json["recorded"] != "2026-03-01T12:00:00.000000Z" || len(a.items()) != 1 {
		t.Fatalf("%s", a.text)
	}
	for name, want := range map[string]any{
		"system": "plain", "subscription": id, "name": "all", "channel": "webhook", "endpoint": "https://plain.test/hook/all", "state": "retrying", "tried": 1.0,
		"status": 503.0, "at": "2026-03-01T12:00:00.000000Z", "since": "2026-03-01T12:00:00.000000Z",
	} {
		if got := a.items()[0][name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if due, _ := a.items()[0]["due"].(string); !strings.HasPrefix(due, "2026-03-01T12:00:0") {
		t.Errorf("due %q", due)
	}
	attempts := a.items()[0]["attempts"].([]any)
	if first := attempts[0].(map[string]any); len(attempts) != 1 || first["number"] != 1.0 || first["outcome"] != "failed" || first["status"] != 503.0 || first["at"] != "2026-03-01T12:00:00.000000Z" {
		t.Errorf("attempts %v", attempts)
	}
	if strings.Contains(a.text, "secret") {
		t.Errorf("it shows what stands in the address: %s", a.text)
	}
	for _, path := range []string{"/events/1/whereabouts", "/events/999999/whereabouts", "/events/x/whereabouts", "/whereabouts?id=nonsense"} {
		if a := w.call("GET", path, ""); a.status != 404 || a.problem() != "not-found" {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	if a := w.call("GET", "/whereabouts", ""); a.problem() != "bad-request query:id required" {
		t.Errorf("without an id: %s", a.text)
	}
}

// S55: figures of a system by subscription and day, what is oldest, and the lanes that stand.
func TestWhereaboutsOfASystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Subscribe("plain", subscription.Subscription{Name: "all", Path: "/all"})
	w.Publish("cv", event.Organisation{}, 1)
	w.Delivered(1)
	w.Clock.Advance(24 * time.Hour)
	w.AnswerBy(func(managetest.Sent) int { return 503 })
	w.Publish("cv", event.Organisation{}, 1)
	at := w.Log.Head()
	w.Until("it is tried", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 1 && w.Log.Idle() })
	a := w.ok(200, w.call("GET", "/systems/plain/whereabouts?days=2", ""))
	oldest, lanes, days := a.json["oldest"].(map[string]any), a.json["lanes"].(map[string]any), a.json["days"].([]any)
	if oldest["position"] != float64(at) || oldest["recorded"] != "2026-03-02T12:00:00.000000Z" || lanes["total"] != 1.0 || len(days) != 2 {
		t.Errorf("%s", a.text)
	}
	now, total := a.json["now"].(map[string]any), a.json["total"].(map[string]any)["first"].(map[string]any)
	if now["pending"] != 1.0 || now["retrying"] != 1.0 || total["delivered"] != 1.0 || total["matched"] != 2.0 {
		t.Errorf("%s", a.text)
	}
	if len(a.json["subscriptions"].([]any)) != 1 {
		t.Errorf("%s", a.text)
	}
	if a := w.call("GET", "/systems/nobody/whereabouts", ""); a.status != 404 {
		t.Errorf("nobody's: %s", a.text)
	}
	if a := w.call("GET", "/systems/plain/whereabouts?days=0", ""); a.problem() != "bad-request query:days range" {
		t.Errorf("no days: %s", a.text)
	}
}

// S55: a subscriber sees its own message's way, and nothing of another's, though both get the event; an id that others
// use too is one's own.
func TestASubscriberSeesItsOwnWhereabouts(t *testing.T) {
	t.Parallel()
	as := everyone["operator"]
	w := newTown(t, func(*http.Request) (*account.Principal, error) { return as, nil })
	path := "/events/" + w.shared + "/whereabouts"
	if a := w.ok(200, w.call("GET", path, "")); len(a.items()) != 2 {
		t.Errorf("the operator sees %s", a.text)
	}
	if a := w.call("GET", "/whereabouts?id=0", ""); a.status != 409 || !strings.Contains(a.json["detail"].(string), w.foreign.event) {
		t.Errorf("the operator finds three events: %s", a.text)
	}
	as = everyone["subscriber"]
	a := w.ok(200, w.call("GET", path, ""))
	if items := a.items(); len(items) != 1 || items[0]["system"] != "my-system" || strings.Contains(a.text, "rival") {
		t.Errorf("the subscriber sees %s", a.text)
	}
	if a := w.call("GET", "/whereabouts?id=0", ""); a.status != 409 || strings.Contains(a.json["detail"].(string), w.foreign.event) {
		t.Errorf("the subscriber finds two events: %s", a.text)
	}
	if a := w.ok(200, w.call("GET", "/whereabouts?id=0&source=urn:mine", "")); a.json["position"] == nil || len(a.items()) == 0 {
		t.Errorf("its own by id: %s", a.text)
	}
}
