package api_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

const (
	anna = "0101701234" // stands for a personal value
	bo   = "0202704321"
)

// persons publishes an event of a source that nobody else has for each person, and returns their positions.
func (w *world) persons(numbers ...string) (positions []int64) {
	w.T.Helper()
	by := manage.By{Author: "test"}
	ctx := context.Background()
	_, err := w.Manager.PutType(ctx, event.Type{Name: "citizen", Title: "C", Order: event.OrderKey, Personal: true, Retention: "P180D"}, by)
	w.Must(err)
	_, err = w.Manager.PutVersion(ctx, event.Version{
		Type: "citizen", Version: "v1", State: event.StateActive, Sample: []byte(`{"cpr":"` + bo + `"}`), Mapping: event.Mapping{Personal: []string{"/cpr"}, Fields: map[string]string{"key": "/cpr"}},
	}, by)
	w.Must(err)
	_, err = w.Manager.PutSource(ctx, event.Source{Name: "register", URI: "urn:register", Title: "R", Types: []string{"citizen"}}, by)
	w.Must(err)
	for i, number := range numbers {
		body := fmt.Sprintf(`{"specversion":"1.0","id":"p%d","source":"urn:register","type":"citizen","data":{"cpr":%q}}`, i, number)
		a := w.ok(202, w.call("POST", "/events", body, kindOf, ce))
		positions = append(positions, int64(a.json["results"].([]any)[0].(map[string]any)["position"].(float64)))
	}
	w.Must(w.Engine.Reached(ctx, w.Log.Head()))
	return positions
}

// F-list sensitive data, DESIGN promise 11: a person's events are erased on demand, whole, with a report for the
// authority; everyone else's stay. No answer and no audit entry names the person.
func TestAPersonIsErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})
	w.System("archive", profile.Standard)
	queue := w.Subscribe("archive", subscription.Subscription{Name: "reader", Channel: subscription.Queue})["reader"]
	positions := w.persons(anna, bo)
	w.Until("both are delivered", func() bool { return len(w.Sent()) == 2 })

	ask := func(body string) answer { return w.call("POST", "/erasures", body) }
	for body, problem := range map[string]string{
		`{"reason":"case 7","count":1}`:                                     "invalid-document /person length",
		`{"person":"` + anna + `","count":1}`:                               "invalid-document /reason required",
		`{"person":"` + anna + `","reason":"about 010170-1234","count":1}`:  "invalid-document /reason personal",
		`{"person":"secret","reason":"my secret","count":1}`:                "invalid-document /reason personal",
		`{"person":"` + anna + `","reason":"case 7"}`:                       "invalid-document /count required",
		`{"person":"` + anna + `","reason":"case 7","count":7}`:             "erase-count",
		`{"person":"9999999999","reason":"case 7","count":0}`:               "nothing-selected",
		`{"person":"` + anna + `","reason":"case 7","count":1,"unknown":1}`: "invalid-document /unknown unknown",
	} {
		if a := ask(body); a.problem() != problem || strings.Contains(a.text, anna) {
			t.Errorf("%s: %s, want %s: %s", body, a.problem(), problem, a.text)
		}
	}
	if a := w.ok(200, ask(`{"person":"`+anna+`","dryRun":true}`)); a.json["count"] != 1.0 {
		t.Errorf("counted %s", a.text)
	}
	done := w.ok(200, ask(`{"person":"`+anna+`","reason":"case 7","count":1}`))
	if done.json["state"] != "ended" || done.json["erasure"] != 1.0 || done.json["events"] != 1.0 {
		t.Errorf("%s", done.text)
	}
	report := w.ok(200, w.call("GET", "/erasures/1", ""))
	systems := map[string]map[string]any{}
	for _, s := range report.json["systems"].([]any) {
		systems[s.(map[string]any)["system"].(string)] = s.(map[string]any)
	}
	if p := systems["plain"]; p == nil || p["delivered"] != 1.0 || p["from"] == nil || p["nothing"] != 0.0 {
		t.Errorf("the receiver: %s", report.text)
	}
	if r := systems["archive"]; r == nil || r["delivered"] != 0.0 || r["nothing"] != 1.0 {
		t.Errorf("the reader: %s", report.text)
	}
	if listed := w.ok(200, w.call("GET", "/erasures", "")).items(); len(listed) != 1 || listed[0]["reason"] != "case 7" {
		t.Errorf("%v", listed)
	}
	if list := w.ok(200, w.call("GET", "/erasures?before=1", "")).items(); len(list) != 0 {
		t.Errorf("before the first there is %v", list)
	}
	for path, problem := range map[string]string{"/erasures/2": "not-found", "/erasures/x": "not-found", "/erasures?limit=0": "bad-request query:limit range"} {
		if a := w.call("GET", path, ""); a.problem() != problem {
			t.Errorf("%s: %s", path, a.text)
		}
	}

	// The skeleton and the proof stay; what it said does not.
	at := fmt.Sprint("/events/", positions[0])
	shown := w.ok(200, w.call("GET", at, ""))
	if shown.json["forgotten"] != true || shown.json["lane"] != nil || shown.json["size"] != 0.0 || len(shown.json["attributes"].(map[string]any)) != 0 {
		t.Errorf("%s", shown.text)
	}
	if rows := w.ok(200, w.call("GET", at+"/attempts", "")).items(); len(rows) == 0 {
		t.Error("the attempts are gone")
	}
	if a := w.call("POST", at+"/reveal", `{"reason":"case 8"}`); a.status != 410 || a.problem() != "forgotten" {
		t.Errorf("%s", a.text)
	}
	if a := w.ok(200, w.call("GET", fmt.Sprint("/events/", positions[1]), "")); a.json["forgotten"] != nil {
		t.Errorf("another's: %s", a.text)
	}
	// What waited to be fetched ends as expired, and its lane goes on.
	leased, err := w.Engine.Lease(t.Context(), queue, 10, 60_000_000_000, 0)
	w.Must(err)
	for _, l := range leased {
		if l.Event.Position == positions[0] {
			t.Error("the erased event was lent")
		}
	}
	w.Until("it is recorded as expired", func() bool {
		rows, err := w.Store.AttemptsAt(t.Context(), positions[0])
		w.Must(err)
		for _, row := range rows {
			if row.Outcome == eventlog.Expired {
				return true
			}
		}
		return false
	})
	if a := w.call("POST", "/erasures", `{"person":"`+anna+`","dryRun":true}`); a.json["count"] != 0.0 {
		t.Errorf("afterwards there are %s", a.text)
	}
	for _, entry := range w.audited() {
		if strings.Contains(fmt.Sprintf("%+v %s", entry, entry.Detail), anna) {
			t.Errorf("the audit log names the person: %+v", entry)
		}
	}
	for _, text := range []string{done.text, report.text, shown.text, w.logged.String()} {
		if strings.Contains(text, anna) {
			t.Errorf("%s", text)
		}
	}
	w.wholeLog()
}

// DESIGN promise 12: a payload is shown on record only, with the reason, to those who may see it.
func TestAPayloadIsRevealedOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})
	w.Answer(500)
	at := w.persons(anna)[0]
	w.Until("an attempt failed", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 1 })
	path := fmt.Sprint("/events/", at, "/reveal")
	before := len(w.audited())
	for body, problem := range map[string]string{
		`{}`:                               "invalid-document /reason required",
		`{"reason":" "}`:                   "invalid-document /reason required",
		`{"reason":"two\nlines"}`:          "invalid-document /reason length",
		`{"reason":"asked by 0101701234"}`: "invalid-document /reason personal",
	} {
		if a := w.call("POST", path, body); a.problem() != problem || strings.Contains(a.text, anna) {
			t.Errorf("%s: %s", body, a.text)
		}
	}
	if a := w.call("POST", "/events/99999/reveal", `{"reason":"case 7"}`); a.problem() != "not-found" {
		t.Errorf("%s", a.text)
	}
	if len(w.audited()) != before {
		t.Error("what was not shown is on record")
	}
	a := w.ok(200, w.call("POST", path, `{"reason":"case 7"}`))
	data, err := base64.StdEncoding.DecodeString(a.json["data"].(string))
	if err != nil || string(data) != `{"cpr":"`+anna+`"}` || a.json["mediaType"] != "application/json" || a.json["attributes"].(map[string]any)["id"] != "p0" {
		t.Errorf("%s %s", data, a.text)
	}
	entries := w.audited()
	last := entries[len(entries)-1]
	if len(entries) != before+1 || last.Act != audit.Reveal || last.Subject != fmt.Sprint("event/", at) || string(last.Detail) != `{"reason":"case 7"}` || last.Actor != "eva" {
		t.Errorf("%+v %s", last, last.Detail)
	}
	// When it cannot be put on record, it is not shown.
	w.Must(w.Log.Close())
	if a := w.call("POST", path, `{"reason":"case 7"}`); a.problem() != string(fault.ShuttingDown) || strings.Contains(a.text, "data") {
		t.Errorf("%s", a.text)
	}
}

// A subscriber sees the payloads it gets anyway, and what it answered; others' attempts it does not.
func TestASubscriberRevealsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.System("other", profile.Standard)
	for _, system := range []string{"plain", "other"} {
		w.Subscribe(system, subscription.Subscription{Name: "a", Path: "/a"})
	}
	w.Answer(0) // no answer: the reason is kept
	at := w.persons(anna)[0]
	w.Until("both have failed", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 2 })
	w.set(func(o *api.Options) {
		o.Who = as(&account.Principal{Name: "s", Roles: []account.Role{account.Subscriber}, Systems: []string{"plain"}})
	})
	a := w.ok(200, w.call("POST", fmt.Sprint("/events/", at, "/reveal"), `{"reason":"case 7"}`))
	if answers := a.json["answers"].([]any); len(answers) != 1 || !strings.Contains(answers[0].(map[string]any)["consumer"].(string), "") {
		t.Errorf("%s", a.text)
	}
	w.set(func(o *api.Options) {
		o.Who = as(&account.Principal{Name: "p", Roles: []account.Role{account.Source}, Sources: []string{"register"}})
	})
	if a := w.call("POST", fmt.Sprint("/events/", at, "/reveal"), `{"reason":"case 7"}`); a.status != 403 {
		t.Errorf("its source: %s", a.text)
	}
}
