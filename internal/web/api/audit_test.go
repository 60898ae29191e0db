package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

// audited is the whole audit log, oldest first.
func (w *world) audited() []audit.Entry {
	w.T.Helper()
	entries, err := w.Store.Audit(w.T.Context(), audit.Query{})
	w.Must(err)
	return entries
}

// whole verifies the audit log.
func (w *world) wholeLog() {
	w.T.Helper()
	entries := w.audited()
	v, err := audit.Verify(func(yield func(*audit.Entry, error) bool) {
		for i := range entries {
			if !yield(&entries[i], nil) {
				return
			}
		}
	}, w.Chain, nil, nil)
	w.Must(err)
	if v.Break != nil || v.Entries == 0 {
		w.T.Errorf("%d entries are right, then %v", v.Entries, v.Break)
	}
}

// parked makes a system with a subscription whose lanes are parked, and returns its id.
func (w *world) parked(count int) string {
	w.T.Helper()
	id := w.Subscribe("jobnet", subscription.Subscription{Name: "a", Path: "/a"})["a"]
	w.Pass(id)
	w.Answer(422)
	w.Publish("cv", event.Organisation{}, count)
	w.Until("they are parked", func() bool {
		return len(w.ok(200, w.call("GET", "/lanes?state=parked", "")).items()) == count
	})
	return id
}

// read makes a queue whose events have been taken, and returns its id.
func (w *world) read(count int) string {
	w.T.Helper()
	id := w.reader(subscription.Queue)
	w.Publish("cv", event.Organisation{}, count)
	leased, err := w.Engine.Lease(w.T.Context(), id, count, time.Minute, 0)
	w.Must(err)
	for _, l := range leased {
		_, err := w.Engine.Acknowledge(w.T.Context(), id, []string{l.Lease})
		w.Must(err)
	}
	return id
}

// sunk makes a subscription whose sink has taken events, and returns its id. The first is firstArrival.
func (w *world) sunk(count int) string {
	w.T.Helper()
	w.System("sunk", profile.Standard)
	id := w.Subscribe("sunk", subscription.Subscription{Name: "a", Sink: &subscription.Sink{}})["a"]
	w.Publish("cv", event.Organisation{}, count)
	w.Until("they are in the sink", func() bool {
		held, err := w.Sinks.Holds(w.T.Context(), id)
		return err == nil && held == count && w.Log.Idle()
	})
	return id
}

var firstArrival = strconv.FormatInt(managetest.Epoch.UnixMicro(), 10)

// request is a call of the API.
type request struct {
	path, body string
	headers    []string
}

// administrative is a route that does something to the hub: what its audit entry says, a request that changes
// something, one that is refused before it, and those that then change nothing.
type administrative struct {
	act     audit.Act
	subject string // ID stands for the subscription's id
	detail  string
	prepare func(w *world) (id string)
	makes   bool // a revision
	refused request
	changes request
	nothing []request
}

// administered are the routes that are not GET, but publishing.
var administered = func() map[string]administrative {
	all := maps.Clone(administeredElse)
	maps.Copy(all, administeredExtracts)
	return all
}()

var administeredElse = map[string]administrative{
	"POST /api/v1/events/search": {
		act: audit.SearchPerson, subject: "events", detail: `{"kind":"person","found":0}`,
		refused: request{path: "/events/search", body: `{"person":"0101701234","limit":0.5}`},
		changes: request{path: "/events/search", body: `{"person":"0101701234"}`},
		nothing: []request{{path: "/events/search", body: `{"type":"cv"}`}},
	},
	"PUT /api/v1/sources/{name}": {
		act: audit.PutSource, subject: "source/cvr", detail: `{"created":true}`, makes: true,
		refused: request{path: "/sources/cvr", body: `{"title":"CVR"}`},
		changes: request{path: "/sources/cvr", body: `{"uri":"urn:cvr","title":"CVR"}`},
		nothing: []request{{path: "/sources/cvr", body: `{"uri":"urn:cvr","title":"CVR"}`}, {path: "/sources/cvr", body: `{"uri":"urn:cvr","title":"X"}`}},
	},
	"PUT /api/v1/registers/{register}": {
		act: audit.PutRegister, subject: "register/new", detail: `{"created":true}`, makes: true,
		refused: request{path: "/registers/new", body: `{"source":"dfdg","types":[]}`},
		changes: request{path: "/registers/new", body: strings.ReplaceAll(registerOf, "$SOURCE", "dfdg")},
		nothing: []request{{path: "/registers/new", body: strings.ReplaceAll(registerOf, "$SOURCE", "dfdg")}},
	},
	"DELETE /api/v1/registers/{register}/deliveries/{delivery}": {
		act: audit.DropDelivery, subject: "delivery/half-dfdg/1",
		prepare: func(w *world) string { w.registers("dfdg"); return "" },
		refused: request{path: "/registers/dfdg/deliveries/whole"},
		changes: request{path: "/registers/half-dfdg/deliveries/half"},
		nothing: []request{{path: "/registers/half-dfdg/deliveries/half"}},
	},
	"PUT /api/v1/event-types/{name}": {
		act: audit.PutType, subject: "event-type/move", detail: `{"created":true}`, makes: true,
		refused: request{path: "/event-types/move", body: `{"title":"Move"}`},
		changes: request{path: "/event-types/move", body: `{"title":"Move","order":"key"}`},
		nothing: []request{{path: "/event-types/move", body: `{"title":"Move","order":"key"}`}, {path: "/event-types/move", body: `{"title":"X","order":"key"}`}},
	},
	"PUT /api/v1/event-types/{name}/versions/{version}": {
		act: audit.PutVersion, subject: "version/cv/v2", detail: `{"created":true,"documents":2}`, makes: true,
		refused: request{path: "/event-types/cv/versions/v2", body: `{"state":"retired"}`},
		changes: request{path: "/event-types/cv/versions/v2", body: `{"state":"active","sample":{"a":1}}`},
		nothing: []request{{path: "/event-types/cv/versions/v2", body: `{"state":"active","sample":{"a":1}}`}},
	},
	"PUT /api/v1/systems/{name}": {
		act: audit.PutSystem, subject: "system/new", detail: `{"created":true}`, makes: true,
		refused: request{path: "/systems/new", body: `{}`},
		changes: request{path: "/systems/new", body: star},
		nothing: []request{{path: "/systems/new", body: star}},
	},
	"DELETE /api/v1/systems/{name}": {
		act: audit.RemoveSystem, subject: "system/plain", detail: `{"removed":1}`, makes: true,
		prepare: func(w *world) string {
			return w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})["a"]
		},
		refused: request{path: "/systems/plain?drop=1", headers: []string{ifMatch, "*"}},
		changes: request{path: "/systems/plain?drop=0", headers: []string{ifMatch, "*"}},
		nothing: []request{{path: "/systems/plain?drop=0", headers: []string{ifMatch, "*"}}},
	},
	"PUT /api/v1/systems/{name}/contacts": {
		act: audit.PutContacts, subject: "system/plain", makes: true,
		refused: request{path: "/systems/plain/contacts", body: `{}`, headers: []string{ifMatch, "*"}},
		changes: request{path: "/systems/plain/contacts", body: `{"technical":{"email":"new@plain.test"}}`, headers: []string{ifMatch, "*"}},
		nothing: []request{{path: "/systems/plain/contacts", body: `{"technical":{"email":"new@plain.test"}}`, headers: []string{ifMatch, "*"}}},
	},
	"PUT /api/v1/accounts/{name}": {
		act: audit.PutAccount, subject: "account/robot", detail: `{"created":true}`, makes: true,
		refused: request{path: "/accounts/robot", body: `{"roles":["king"]}`},
		changes: request{path: "/accounts/robot", body: `{"roles":["auditor"]}`},
		nothing: []request{{path: "/accounts/robot", body: `{"roles":["auditor"]}`}, {path: "/accounts/robot", body: `{"roles":["operator"]}`}},
	},
	"POST /api/v1/accounts/{name}/secrets": {
		act: audit.RotateSecret, subject: "account/robot", detail: "KEY", makes: true,
		prepare: func(w *world) string {
			w.ok(201, w.call("PUT", "/accounts/robot", `{"roles":["auditor"]}`))
			return ""
		},
		refused: request{path: "/accounts/robot/secrets", body: `{"overlapSeconds":-1}`},
		changes: request{path: "/accounts/robot/secrets", body: `{"overlapSeconds":0}`},
	},
	"PUT /api/v1/accounts/{name}/password": {
		act: audit.SetPassword, subject: "account/robot", detail: `{"created":true}`, makes: true,
		prepare: func(w *world) string {
			w.ok(201, w.call("PUT", "/accounts/robot", `{"roles":["auditor"]}`))
			return ""
		},
		refused: request{path: "/accounts/robot/password", body: `{"password":"too short"}`},
		changes: request{path: "/accounts/robot/password", body: `{"password":"correct horse battery"}`},
	},
	"POST /api/v1/subscriptions/{id}/replays": {
		act: audit.Replay, subject: "subscription/ID", detail: `{"pass":1,"events":2}`,
		prepare: func(w *world) string { return w.read(2) },
		refused: request{path: "/subscriptions/ID/replays", body: `{"count":9}`},
		changes: request{path: "/subscriptions/ID/replays", body: `{"count":2}`},
		nothing: []request{{path: "/subscriptions/ID/replays", body: `{"dryRun":true}`}},
	},
	"DELETE /api/v1/subscriptions/{id}/replays/{pass}": {
		act: audit.StopReplay, subject: "subscription/ID", detail: `{"pass":1}`,
		prepare: func(w *world) string {
			id := w.read(3)
			w.ok(202, w.call("POST", "/subscriptions/"+id+"/replays", `{"count":3,"rate":1}`))
			return id
		},
		refused: request{path: "/subscriptions/ID/replays/7"},
		changes: request{path: "/subscriptions/ID/replays/1"},
		nothing: []request{{path: "/subscriptions/ID/replays/1"}},
	},
	"POST /api/v1/events/{position}/reveal": {
		act: audit.Reveal, subject: "event/ID", detail: `{"reason":"case 7"}`,
		prepare: func(w *world) string { return fmt.Sprint(w.persons(anna)[0]) },
		refused: request{path: "/events/ID/reveal", body: `{}`},
		changes: request{path: "/events/ID/reveal", body: `{"reason":"case 7"}`},
	},
	"POST /api/v1/erasures": {
		act: audit.Erase, subject: "erasure/1", detail: `{"events":1}`,
		prepare: func(w *world) string { return fmt.Sprint(w.persons(anna)[0]) },
		refused: request{path: "/erasures", body: `{"person":"` + anna + `","reason":"case 7","count":2}`},
		changes: request{path: "/erasures", body: `{"person":"` + anna + `","reason":"case 7","count":1}`},
		nothing: []request{{path: "/erasures", body: `{"person":"` + anna + `","dryRun":true}`}, {path: "/erasures", body: `{"person":"` + anna + `","reason":"case 7","count":1}`}},
	},
	"DELETE /api/v1/subscriptions/{id}/sink": {
		act: audit.EmptySink, subject: "subscription/ID", detail: `{"removed":2}`,
		prepare: func(w *world) string { return w.sunk(2) },
		refused: request{path: "/subscriptions/none/sink"},
		changes: request{path: "/subscriptions/ID/sink"},
		nothing: []request{{path: "/subscriptions/ID/sink"}},
	},
	"POST /api/v1/subscriptions/{id}/sink/{number}/reveal": {
		act: audit.Reveal, subject: "subscription/ID", detail: `{"positions":[P]}`,
		prepare: func(w *world) string { return w.sunk(1) },
		refused: request{path: "/subscriptions/ID/sink/1/reveal"},
		changes: request{path: "/subscriptions/ID/sink/" + firstArrival + "/reveal"},
	},
	"POST /api/v1/receipts/{message}/reveal":            revealingReceipt(),
	"POST /api/v1/systems/{name}/subscriptions/preview": previewing("/systems/jobnet/subscriptions/preview"),
	"PUT /api/v1/systems/{name}/subscriptions": {
		act: audit.PutSubscriptions, subject: "system/plain", detail: `{"added":2}`, makes: true,
		refused: request{path: "/systems/plain/subscriptions", body: `{"items":[{"types":["none"]}]}`},
		changes: request{path: "/systems/plain/subscriptions", body: `{"items":[{"name":"a","path":"/a"},{"name":"b","path":"/b"}]}`},
		nothing: []request{
			{path: "/systems/plain/subscriptions", body: `{"items":[{"name":"a","path":"/a"},{"name":"b","path":"/b"}]}`},
			{path: "/systems/plain/subscriptions?dry_run=true", body: `{"items":[]}`, headers: []string{ifMatch, "*"}},
		},
	},
	"POST /api/v1/systems/{name}/signing-keys": {
		act: audit.RotateKey, subject: "system/plain", detail: `{"kind":"v1","key":"plain/1","overlapSeconds":60}`, makes: true,
		refused: request{path: "/systems/plain/signing-keys", body: `{"kind":"v9"}`},
		changes: request{path: "/systems/plain/signing-keys", body: `{"overlapSeconds":60}`},
	},
	"POST /api/v1/subscriptions/{id}/test": {
		act: audit.Test, subject: "subscription/ID", detail: `{"passed":true,"status":204}`, makes: true,
		prepare: func(w *world) string {
			return w.Subscribe("jobnet", subscription.Subscription{Name: "a", Path: "/a"})["a"]
		},
		refused: request{path: "/subscriptions/none/test"},
		changes: request{path: "/subscriptions/ID/test"},
	},
	"POST /api/v1/subscriptions/{id}/activate": {
		act: audit.Activate, subject: "subscription/ID", makes: true,
		prepare: func(w *world) string {
			return w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a", State: subscription.Draft})["a"]
		},
		refused: request{path: "/subscriptions/none/activate"},
		changes: request{path: "/subscriptions/ID/activate"},
		nothing: []request{{path: "/subscriptions/ID/activate"}},
	},
	"POST /api/v1/subscriptions/{id}/deactivate": {
		act: audit.Deactivate, subject: "subscription/ID", makes: true,
		prepare: func(w *world) string {
			return w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})["a"]
		},
		refused: request{path: "/subscriptions/none/deactivate"},
		changes: request{path: "/subscriptions/ID/deactivate", body: `{"reason":"moving"}`},
		nothing: []request{{path: "/subscriptions/ID/deactivate"}},
	},
	"POST /api/v1/hub/pause":                 pausing(audit.Pause, "hub", "/hub/pause", ""),
	"POST /api/v1/hub/resume":                pausing(audit.Resume, "hub", "/hub/resume", ""),
	"POST /api/v1/systems/{name}/pause":      pausing(audit.Pause, "system/plain", "/systems/plain/pause", ""),
	"POST /api/v1/systems/{name}/resume":     pausing(audit.Resume, "system/plain", "/systems/plain/resume", ""),
	"POST /api/v1/subscriptions/{id}/pause":  pausing(audit.Pause, "subscription/ID", "/subscriptions/ID/pause", ""),
	"POST /api/v1/subscriptions/{id}/resume": pausing(audit.Resume, "subscription/ID", "/subscriptions/ID/resume", ""),
	"POST /api/v1/endpoints/pause":           pausing(audit.Pause, "endpoint/plain/https://plain.test", "/endpoints/pause", anEndpoint),
	"POST /api/v1/endpoints/resume":          pausing(audit.Resume, "endpoint/plain/https://plain.test", "/endpoints/resume", anEndpoint),
	"POST /api/v1/lanes/release":             operating(audit.Release, "release"),
	"POST /api/v1/lanes/discard":             operating(audit.Discard, "discard"),

	"POST /api/v1/sources/{name}/aside/{number}/release": lettingGo(audit.Release, "7/release", "", "", ""),
	"POST /api/v1/sources/{name}/aside/{number}/discard": lettingGo(audit.Discard, "7/discard", "", "", ""),
	"PUT /api/v1/sites/{site}":                           onSite(audit.PutSite, "site/fresh", `{"created":true}`, "/sites/fresh", `{"title":{"en":"x"}}`, aSite("One"), true),
	"DELETE /api/v1/sites/{site}":                        onSite(audit.RemoveSite, "site/prod", "", "/sites/prod", "", "", false),
	"POST /api/v1/sites/{site}/import":                   onSite(audit.ImportSite, "site/fresh", `{"created":true}`, "/sites/fresh/import", `{"site":{"title":{"en":"x"}}}`, `{"site":`+aSite("One")+`}`, true),
	"PUT /api/v1/sites/{site}/components/{component}/state": onSite(audit.SetState, "component/prod/"+mailID, `{"kind":"major_outage"}`, "/sites/prod/components/"+mailID+"/state",
		`{"state":"down"}`, `{"state":"major_outage"}`, true),
	"POST /api/v1/sites/{site}/notices":                           onSite(audit.OpenNotice, "notice/prod/NEW", `{"created":true,"kind":"bulletin"}`, "/sites/prod/notices", `{"kind":"bulletin","title":{}}`, `{"kind":"bulletin","title":{"en":"x"}}`, false),
	"PUT /api/v1/sites/{site}/notices/{notice}":                   onSite(audit.EditNotice, "notice/prod/"+openID, `{"kind":"incident"}`, "/sites/prod/notices/"+openID, `{"title":{}}`, `{"title":{"en":"x"}}`, true),
	"DELETE /api/v1/sites/{site}/notices/{notice}":                onSite(audit.RemoveNotice, "notice/prod/"+pastID, `{"kind":"incident"}`, "/sites/prod/notices/"+pastID, "", "", false),
	"POST /api/v1/sites/{site}/notices/{notice}/updates":          onSite(audit.UpdateNotice, "notice/prod/"+openID, `{"kind":"incident"}`, "/sites/prod/notices/"+openID+"/updates", `{}`, `{"body":{"en":"x"}}`, false),
	"PUT /api/v1/sites/{site}/notices/{notice}/updates/{update}":  onSite(audit.EditNotice, "notice/prod/"+openID, `{"kind":"incident"}`, "/sites/prod/notices/"+openID+"/updates/"+updateID, `{"body":{}}`, `{"body":{"en":"x"}}`, true),
	"PUT /api/v1/sites/{site}/notices/{notice}/postmortem":        onSite(audit.EditNotice, "notice/prod/"+pastID, `{"kind":"incident"}`, "/sites/prod/notices/"+pastID+"/postmortem", `{"body":{}}`, `{"body":{"en":"x"}}`, true),
	"POST /api/v1/sites/{site}/notices/{notice}/acknowledgements": onSite(audit.Acknowledge, "notice/prod/"+actionID, `{"kind":"action"}`, "/sites/prod/notices/"+actionID+"/acknowledgements", `{"system":"none"}`, `{"system":"plain"}`, true),

	"POST /api/v1/sources/{name}/aside/{number}/reveal": lettingGo(audit.Reveal, "7/reveal", `{"reason":"case 7"}`, `{"reason":"case 7"}`, `{"reason":"case 7"}`),
}

const anEndpoint = `{"system":"plain","url":"https://plain.test/hook/a"}`

func pausing(act audit.Act, subject, path, body string) administrative {
	refused := request{path: path, body: `{"unknown":1}`}
	return administrative{
		act: act, subject: subject, makes: true, refused: refused,
		prepare: func(w *world) string {
			id := w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})["a"]
			if act == audit.Resume {
				w.ok(200, w.call("POST", strings.Replace(strings.Replace(path, "resume", "pause", 1), "ID", id, 1), body))
			}
			return id
		},
		changes: request{path: path, body: body}, nothing: []request{{path: path, body: body}},
	}
}

func operating(act audit.Act, doing string) administrative {
	path := "/lanes/" + doing
	return administrative{
		act: act, subject: "subscription/ID",
		detail:  `{"selected":{"system":"jobnet","subscription":"ID"},"lanes":3,"positions":[P]}`,
		prepare: func(w *world) string { return w.parked(3) },
		refused: request{path: path, body: `{}`},
		changes: request{path: path, body: `{"system":"jobnet","subscription":"ID"}`},
		nothing: []request{{path: path, body: `{"all":true,"dryRun":true}`}, {path: path, body: `{"system":"plain"}`}},
	}
}

// S28, DESIGN promise 12: every administrative act is in the audit log, once, with who did it; what was refused or changed
// nothing is not.
func TestEveryAdministrativeActIsAudited(t *testing.T) {
	t.Parallel()
	for _, pattern := range api.Patterns() {
		method, _, _ := strings.Cut(pattern, " ")
		if method == "GET" || pattern == "POST /api/v1/events" || pattern == "POST /api/v1/receipts" || pattern == "POST /api/v1/registers/{register}/deliveries" || pattern == "POST /api/v1/registers/{register}/search" || strings.Contains(pattern, "/pull/") { // what systems do every day
			continue
		}
		c, ok := administered[pattern]
		if !ok {
			t.Errorf("%s is not tested: what does it leave in the audit log?", pattern)
			continue
		}
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := ""
			if c.prepare != nil {
				id = c.prepare(w)
			}
			do := func(r request) answer {
				return w.call(method, strings.ReplaceAll(strings.ReplaceAll(r.path, "MESSAGE", w.message), "ID", id), strings.ReplaceAll(r.body, "ID", id), r.headers...)
			}
			before := len(w.audited())
			if a := do(c.refused); a.status < 400 || len(w.audited()) != before {
				t.Errorf("refused: status %d, %d entries: %s", a.status, len(w.audited())-before, a.text)
			}
			last := w.Book.Last()
			if a := do(c.changes); a.status >= 300 {
				t.Fatalf("status %d: %s", a.status, a.text)
			}
			entries := w.audited()
			if len(entries) != before+1 {
				t.Fatalf("%d entries", len(entries)-before)
			}
			got := entries[before]
			position := int64(0)
			if c.makes {
				position = w.Book.Last()
			}
			detail := strings.ReplaceAll(c.detail, "ID", id)
			if detail == "KEY" && strings.HasPrefix(string(got.Detail), `{"key":"`) { // the secret's name is the hub's to choose
				detail = string(got.Detail)
			}
			if at := strings.Index(string(got.Detail), `"positions":[`); at >= 0 { // events stand where earlier revisions left off
				detail = strings.Replace(detail, "P]}", string(got.Detail[at+len(`"positions":[`):]), 1)
			}
			if kind, is := strings.CutSuffix(c.subject, "NEW"); is && strings.HasPrefix(got.Subject, kind) { // its id is the hub's to draw
				c.subject = got.Subject
			}
			if got.Act != c.act || got.Actor != "eva" || got.Subject != strings.ReplaceAll(c.subject, "ID", id) || string(got.Detail) != detail || got.Position != position ||
				got.At == 0 || c.makes != (w.Book.Last() != last) {
				t.Errorf("%+v, detail %s, want %s, position %d", got, got.Detail, detail, position)
			}
			for _, r := range c.nothing {
				if a := do(r); len(w.audited()) != before+1 {
					t.Errorf("%s %s answered %d and was audited: %s", r.path, r.body, a.status, a.text)
				}
			}
			w.wholeLog()
		})
	}
}

// A test sends a message, so it is audited whatever the receiver says to it.
func TestATestThatFailsIsAudited(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{422: `{"passed":false,"status":422}`, 0: `{"passed":false,"code":"connect-failed"}`} {
		w := newWorld(t)
		id := w.Subscribe("jobnet", subscription.Subscription{Name: "a", Path: "/a"})["a"]
		w.Answer(status)
		w.ok(409, w.call("POST", "/subscriptions/"+id+"/test", ""))
		entries := w.audited()
		if got := entries[len(entries)-1]; got.Act != audit.Test || string(got.Detail) != want || got.Position != 0 {
			t.Errorf("%+v %s", got, got.Detail)
		}
	}
}

// What the hub decides by itself is audited as well: a 410 deactivates, a key's time is over.
func TestTheHubsOwnDecisionsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(201, w.call("POST", "/systems/plain/signing-keys", `{}`))
	w.ok(201, w.call("POST", "/systems/plain/signing-keys", `{"overlapSeconds":60}`))
	id := w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})["a"]
	w.Answer(410)
	w.Publish("cv", event.Organisation{}, 1)
	w.Until("it is deactivated", func() bool { return w.Book.Line(id).Now().State == subscription.Deactivated })
	_, position := w.Book.Subscriptions("plain")
	w.Clock.Advance(2 * 60_000_000_000)
	entries := w.audited()
	gone, retired := entries[len(entries)-2], entries[len(entries)-1]
	if gone.Actor != "varsel" || gone.Act != audit.Deactivate || gone.Subject != "subscription/"+id || gone.Position != position {
		t.Errorf("%+v", gone)
	}
	if retired.Actor != "varsel" || retired.Act != audit.RetireKeys || retired.Subject != "system/plain" || string(retired.Detail) != `{"retired":1}` {
		t.Errorf("%+v %s", retired, retired.Detail)
	}
}

// Release and discard are audited before they happen: when they cannot be, they do not.
func TestWhatCannotBeAuditedDoesNotHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked(3)
	w.Must(w.Log.Close())
	sent := len(w.Sent())
	for _, doing := range []string{"release", "discard"} {
		if a := w.call("POST", "/lanes/"+doing, `{"all":true}`); a.problem() != string(fault.ShuttingDown) {
			t.Errorf("%s answered %d %s", doing, a.status, a.text)
		}
	}
	for _, lane := range w.ok(200, w.call("GET", "/lanes", "")).items() {
		if lane["state"] != "parked" {
			t.Errorf("%v", lane)
		}
	}
	if len(w.ok(200, w.call("GET", "/lanes", "")).items()) != 3 || len(w.Sent()) != sent {
		t.Error("something happened")
	}
}

// The log is read page by page, from either end, and by who did what to what and when.
func TestTheAuditLogIsReadByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.Clock.Advance(60_000_000_000)
		w.ok(200, w.call("POST", "/hub/pause", ""))
		w.ok(200, w.call("POST", "/hub/resume", ""))
	}
	all := len(w.audited())
	read := func(query string) (numbers []int) {
		after := ""
		for {
			page := w.ok(200, w.call("GET", "/audit?limit=2"+query+after, ""))
			for _, item := range page.items() {
				numbers = append(numbers, int(item["number"].(float64)))
			}
			next, more := page.json["next"].(string)
			if !more {
				return numbers
			}
			after = "&after=" + next
		}
	}
	oldest := read("&order=oldest")
	newest := read("")
	slices.Reverse(newest)
	if len(oldest) != all || oldest[0] != 1 || oldest[all-1] != all || !slices.Equal(oldest, newest) {
		t.Errorf("%v\n%v", oldest, newest)
	}
	for query, want := range map[string]int{
		"&act=pause": 5, "&actor=eva": 10, "&actor=test": all - 10, "&actor=nobody": 0, "&subject=hub": 10, "&subject=hub&act=resume": 5,
		"&from=2026-03-01T12:01:00Z&to=2026-03-01T12:03:00Z": 4, "&from=2026-03-01T12:05:00Z": 2, "&act=discard": 0, "&order=newest&act=pause": 5,
	} {
		if got := read(query); len(got) != want {
			t.Errorf("%s: %v, want %d", query, got, want)
		}
	}
	first := w.ok(200, w.call("GET", "/audit?limit=1&act=pause&order=oldest", "")).items()[0]
	if first["actor"] != "eva" || first["act"] != "pause" || first["subject"] != "hub" || first["at"] != "2026-03-01T12:01:00.000000Z" ||
		first["position"] == nil || first["detail"] != nil || len(first["mac"].(string)) != 64 {
		t.Errorf("%v", first)
	}
	head := w.ok(200, w.call("GET", "/audit/head", ""))
	last := w.audited()[all-1]
	if head.json["number"] != float64(all) || head.json["mac"] != last.MAC.String() {
		t.Errorf("%s", head.text)
	}
	for query, want := range map[string]string{
		"act=none": "bad-request query:act enum", "from=yesterday": "bad-request query:from time", "after=7": "bad-request query:after cursor",
		"after=a0": "bad-request query:after cursor", "order=random": "bad-request query:order enum", "limit=0": "bad-request query:limit range",
		"limit=1001": "bad-request query:limit range", "person=x": "bad-request query:* unknown",
	} {
		if a := w.call("GET", "/audit?"+query, ""); a.problem() != want {
			t.Errorf("%s: %s", query, a.text)
		}
	}
}
