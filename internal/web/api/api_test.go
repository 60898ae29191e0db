package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

func (w *world) ok(want int, a answer) answer {
	w.T.Helper()
	if a.status != want {
		w.T.Fatalf("status %d, want %d: %s", a.status, want, a.text)
	}
	return a
}

// docs/api.md lists every route, and nothing else.
func TestTheDocumentedRoutesAreTheRoutes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			route, _, _ := strings.Cut(rest, "`")
			documented[route] = true
		}
	}
	for _, pattern := range api.Patterns() {
		route := strings.Replace(pattern, " /api/v1", " ", 1)
		if !documented[route] {
			t.Errorf("docs/api.md lacks %s", route)
		}
		delete(documented, route)
	}
	for route := range documented {
		t.Errorf("docs/api.md has %s, which there is not", route)
	}
}

// Every kind of document: put, got, listed, put again as it is, changed with its ETag.
func TestDocumentsGoRound(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ document, change string }{
		"/sources/cvr":                    {`{"uri":"urn:cvr","title":"CVR","types":["cv"],"contact":{"email":"a@b.test"}}`, `{"uri":"urn:cvr","title":"CVR 2","types":["*"]}`},
		"/event-types/move":               {`{"title":"Move","order":"key","personal":true,"retention":"P6M","catalogue":{"entityName":"Cv","changeTypes":["1"]}}`, `{"title":"Move","order":"key","personal":true,"retention":"P1Y"}`},
		"/event-types/cv/versions/v2":     {`{"state":"draft","schema":{"type":"object"},"sample":{"a":"<&>"},"mapping":{"subject":"/a"},"startDate":"2026-01-01"}`, `{"state":"active","sample":{"a":1}}`},
		"/systems/new":                    {star, strings.Replace(star, `"star"`, `"standard"`, 1)},
		"/systems/jobnet/subscriptions":   {`{"items":[{"types":["cv"],"organisations":[{"type":"5","code":"101"}],"path":"/a","from":"2026-01-01","to":"2027-01-01"}]}`, `{"items":[]}`},
		"/event-types/cv/versions/v2.0-b": {`{"state":"active","sample":[]}`, `{"state":"deprecated","sample":[]}`},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			isSet := strings.HasSuffix(path, "subscriptions")
			created := http.StatusCreated
			if isSet {
				created = http.StatusOK
			}
			put := w.ok(created, w.call("PUT", path, c.document))
			got := w.ok(200, w.call("GET", path, ""))
			if tag := got.header.Get("ETag"); tag == "" || tag != put.header.Get("ETag") || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("ETag %s and %s", put.header.Get("ETag"), tag)
			}
			w.ok(304, w.call("GET", path, "", ifNone, got.header.Get("ETag")))
			before := w.Book.Last()
			again := w.ok(200, w.call("PUT", path, got.text, ifMatch, got.header.Get("ETag"))) // what is told is what may be put
			if w.Book.Last() != before || again.header.Get("ETag") != got.header.Get("ETag") {
				t.Error("what was so already was written again")
			}
			changed := w.ok(200, w.call("PUT", path, c.change, ifMatch, got.header.Get("ETag")))
			w.ok(412, w.call("PUT", path, c.document, ifMatch, got.header.Get("ETag")))
			now := w.ok(200, w.call("GET", path, ""))
			if now.header.Get("ETag") != changed.header.Get("ETag") || now.text == got.text || !isSet && now.text != changed.text {
				t.Errorf("%s\n%s", changed.text, now.text)
			}
			if isSet {
				return
			}
			collection := path[:strings.LastIndex(path, "/")]
			var listed []string
			for _, item := range w.ok(200, w.call("GET", collection, "")).items() {
				name := item["name"]
				if strings.Contains(path, "versions") {
					name = item["version"]
				}
				listed = append(listed, name.(string))
			}
			if !strings.Contains(" "+strings.Join(listed, " ")+" ", path[strings.LastIndex(path, "/")+1:]+" ") {
				t.Errorf("%s lists %v", collection, listed)
			}
		})
	}
}

// 5b over HTTP: dry run, then all or nothing, then the same again.
func TestASetOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"items":[{"types":["cv"],"path":"/cv"},{"name":"rest","path":"/rest"}]}`
	dry := w.ok(200, w.call("PUT", setOf+"?dry_run=true", body))
	if dry.json["dryRun"] != true || len(dry.json["created"].([]any)) != 2 || len(w.ok(200, w.call("GET", setOf, "")).items()) != 0 {
		t.Errorf("%s", dry.text)
	}
	report := w.ok(200, w.call("PUT", setOf, body, ifMatch, `"r0"`))
	if len(report.json["created"].([]any)) != 2 || len(report.json["pendingTests"].([]any)) != 2 || report.json["drop"] != 0.0 {
		t.Errorf("%s", report.text)
	}
	same := w.ok(200, w.call("PUT", setOf, body))
	if len(same.json["unchanged"].([]any)) != 2 || same.header.Get("ETag") != report.header.Get("ETag") {
		t.Errorf("%s", same.text)
	}
	bad := w.call("PUT", setOf, `{"items":[{"types":["cv"],"path":"/cv"},{"name":"x","types":["none"],"path":"evil"}]}`, ifMatch, report.header.Get("ETag"))
	if bad.problem() != "invalid-document /items/1/types/0 exists; /items/1/path path" || len(w.call("GET", setOf, "").items()) != 2 {
		t.Errorf("%s", bad.text)
	}
}

// S54, S57, S56 over HTTP: a subscription's way through its states.
func TestASubscriptionsLifeOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Subscribe("jobnet", subscription.Subscription{Name: "a", Path: "/a"})["a"]
	at := "/subscriptions/" + id
	is := func(want string, a answer) {
		t.Helper()
		if w.ok(200, a).json["standing"] != want {
			t.Errorf("want %s: %s", want, a.text)
		}
	}
	is("untested", w.call("GET", at, ""))
	test := w.ok(200, w.call("POST", at+"/test", ""))
	if test.json["passed"] != true || test.json["activated"] != true || test.json["durationMs"] != 1.5 || test.json["endpoint"] != "https://jobnet.test/hook/a" {
		t.Errorf("%s", test.text)
	}
	is("active", w.call("GET", at, ""))
	for _, scope := range [][3]string{
		{"/hub", "", "hub"}, {"/systems/jobnet", "", "system/jobnet"}, {at, `{"reason":"release"}`, "subscription/" + id},
		{"/endpoints", `{"system":"jobnet","url":"https://jobnet.test/hook/a"}`, "endpoint/jobnet/https://jobnet.test/hook/a"},
	} {
		if a := w.ok(200, w.call("POST", scope[0]+"/pause", scope[1])); a.json["scope"] != scope[2] || a.json["paused"] != true {
			t.Errorf("%s", a.text)
		}
		is("paused", w.call("GET", at, ""))
		if paused := w.ok(200, w.call("GET", "/pauses", "")).items(); len(paused) != 1 || paused[0]["scope"] != scope[2] {
			t.Errorf("%v", paused)
		}
		if a := w.ok(200, w.call("POST", scope[0]+"/resume", scope[1])); a.json["paused"] != false {
			t.Errorf("%s", a.text)
		}
	}
	is("deactivated", w.call("POST", at+"/deactivate", `{"reason":"moved"}`))
	is("active", w.call("POST", at+"/activate", ""))
	if items := w.call("GET", "/subscriptions?system=jobnet&state=active", "").items(); len(items) != 1 || items[0]["id"] != id || items[0]["name"] != "a" {
		t.Errorf("%v", items)
	}
	if items := w.call("GET", "/subscriptions?state=paused", "").items(); len(items) != 0 {
		t.Errorf("%v", items)
	}
}

// Publishing: structured, binary and batch; again; in part; and where it went.
func TestPublishing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Subscribe("plain", subscription.Subscription{Name: "p", Path: "/p"})["p"]
	results := func(a answer) string {
		var words []string
		list, _ := a.json["results"].([]any)
		for _, r := range list {
			r := r.(map[string]any)
			word := fmt.Sprint(r["id"], " ", r["status"])
			if p, ok := r["problem"].(map[string]any); ok {
				word += fmt.Sprint(" ", p["code"])
			} else if r["position"].(float64) < 1 {
				word += " nowhere"
			}
			words = append(words, word)
		}
		return strings.Join(words, ", ")
	}
	other := strings.Replace(anEvent, `"1","source"`, `"2","source"`, 1)
	w.ok(201, w.call("PUT", "/event-types/keyed", `{"title":"K","order":"key"}`))
	w.ok(201, w.call("PUT", "/event-types/keyed/versions/v1", `{"state":"active","sample":{"k":"a","n":1},"mapping":{"key":"/k"},"schema":{"required":["n"]}}`))
	keyed := func(id, key, n string) string {
		if n != "" {
			n = `,"n":` + n
		}
		return `{"specversion":"1.0","id":"` + id + `","source":"urn:test:dfdg","type":"keyed","data":{"k":` + key + n + `}}`
	}
	for _, step := range []struct {
		name, query, body string
		headers           []string
		status            int
		want              string
	}{
		{"structured", "", anEvent, []string{kindOf, ce}, 202, "1 accepted"},
		{"again", "", anEvent, []string{kindOf, ce}, 202, "1 duplicate"},
		{"batch", "", "[" + anEvent + "," + other + "]", []string{kindOf, ceBatch}, 202, "1 duplicate, 2 accepted"},
		{"binary", "", `{"a":1}`, []string{"ce-specversion", "1.0", "ce-id", "3", "ce-source", "urn:test:dfdg", "ce-type", "cv"}, 202, "3 accepted"},
		{"in part", "?partial=true", "[" + strings.Replace(anEvent, `"a":1`, `"a":9`, 1) + "," + strings.Replace(anEvent, `"cv"`, `"none"`, 1) + "," + strings.Replace(other, `"2"`, `"4"`, 1) + "]",
			[]string{kindOf, ceBatch}, 207, "1 refused event-conflict, 1 refused invalid-event, 4 accepted"},
		{"in part, of one key", "?partial=true", "[" + keyed("k1", `"a"`, "") + "," + keyed("k2", `"a"`, "1") + "," + keyed("k3", `"b"`, "1") + "]",
			[]string{kindOf, ceBatch}, 207, "k1 refused invalid-event, k2 refused after-refused, k3 accepted"},
		{"in part, none refused", "?partial=true", anEvent, []string{kindOf, ce}, 202, "1 duplicate"},
		{"nothing", "", "[]", []string{kindOf, ceBatch}, 202, ""},
	} {
		a := w.call("POST", "/events"+step.query, step.body, step.headers...)
		got := results(a)
		if a.status != step.status || got != step.want {
			t.Errorf("%s: %d %q, want %d %q: %s", step.name, a.status, got, step.status, step.want, a.text)
		}
	}
	w.Delivered(5)
	position, err := w.Store.Find(t.Context(), "urn:test:dfdg", "1")
	w.Must(err)
	at := fmt.Sprintf("/events/%d", position)
	e := w.ok(200, w.call("GET", at, ""))
	attributes, _ := e.json["attributes"].(map[string]any)
	if attributes["id"] != "1" || e.json["type"] != "cv" || e.json["version"] != "v1" || e.json["size"] != 7.0 || strings.Contains(e.text, `"a"`) {
		t.Errorf("%s", e.text)
	}
	attempts := w.ok(200, w.call("GET", at+"/attempts", "")).items()
	if len(attempts) != 1 || attempts[0]["consumer"] != "subscription/"+id || attempts[0]["outcome"] != "delivered" || attempts[0]["status"] != 204.0 {
		t.Errorf("%v", attempts)
	}
	if totals := w.ok(200, w.call("GET", "/totals", "")); totals.json["delivered"] != 5.0 {
		t.Errorf("%s", totals.text)
	}
}

// S50: parked deliveries are shown, released and discarded, singly and in bulk, with a dry run first.
func TestLanesAreReleasedAndDiscarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Subscribe("jobnet", subscription.Subscription{Name: "a", Path: "/a"})["a"]
	w.ok(200, w.call("POST", "/subscriptions/"+id+"/test", ""))
	w.Answer(422)
	w.Publish("cv", event.Organisation{}, 4)
	lanes := func(query string) []map[string]any { return w.ok(200, w.call("GET", "/lanes"+query, "")).items() }
	w.Until("four stand", func() bool { return len(lanes("?state=parked&system=jobnet")) == 4 })
	if len(lanes("?state=retrying")) != 0 || len(lanes("?subscription=none")) != 0 || len(lanes("?limit=3")) != 3 {
		t.Error("the selection selects something else")
	}
	first := lanes("")[0]
	if first["since"] != "2026-03-01T12:00:00.000000Z" || first["status"] != 422.0 || first["subscription"] != id {
		t.Errorf("%v", first)
	}
	w.Answer(204)
	for _, step := range []struct {
		doing, body string
		total       float64
		left        int
	}{
		{"discard", `{"all":true,"dryRun":true}`, 4, 4},
		{"discard", `{"lane":"` + first["lane"].(string) + `"}`, 1, 3},
		{"release", `{"system":"plain"}`, 0, 3},
		{"release", `{"subscription":"` + id + `","dryRun":true}`, 3, 3},
		{"release", `{"system":"jobnet"}`, 3, 0},
	} {
		if a := w.ok(200, w.call("POST", "/lanes/"+step.doing, step.body)); a.json["total"] != step.total {
			t.Errorf("%s %s: %s", step.doing, step.body, a.text)
		}
		w.Until("the lanes left", func() bool { return len(lanes("")) == step.left })
	}
	w.Until("three are delivered", func() bool { return w.Engine.Totals().Delivered == 3 && w.Log.Idle() && w.Engine.Totals().Pending == 0 })
	if !strings.Contains(w.logged.String(), "msg=discard author=eva") {
		t.Errorf("who discarded is not in the log: %s", w.logged)
	}
	endpoints := w.ok(200, w.call("GET", "/endpoints", "")).items()
	if len(endpoints) != 1 || endpoints[0]["url"] != "https://jobnet.test/hook/a" || endpoints[0]["state"] != "open for messages" {
		t.Errorf("%v", endpoints)
	}
}

func TestSigningKeysOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.ok(201, w.call("POST", "/systems/plain/signing-keys", `{}`))
	if first.json["key"] != "shown-plain/1" || first.json["kind"] != "v1" {
		t.Errorf("%s", first.text)
	}
	w.ok(201, w.call("POST", "/systems/plain/signing-keys", `{"kind":"v1","overlapSeconds":3600}`))
	system := w.ok(200, w.call("GET", "/systems/plain", ""))
	if strings.Contains(system.text, "shown") || !strings.Contains(system.text, `"until":"2026-03-01T13:00:00Z"`) {
		t.Errorf("%s", system.text)
	}
	w.ok(200, w.call("PUT", "/systems/plain", system.text, ifMatch, system.header.Get("ETag")))
	w.Clock.Advance(time.Hour)
	if now := w.call("GET", "/systems/plain", ""); strings.Contains(now.text, "until") {
		t.Errorf("the old key is not retired: %s", now.text)
	}
}

func TestRemovingASystemOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owing(w)
	removed := w.ok(200, w.call("DELETE", "/systems/plain?drop=3", "", ifMatch, w.call("GET", "/systems/plain", "").header.Get("ETag")))
	if removed.json["drop"] != 3.0 || removed.json["subscriptions"] != 1.0 {
		t.Errorf("%s", removed.text)
	}
	w.ok(404, w.call("GET", "/systems/plain", ""))
}

func TestProfilesAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	profiles := w.ok(200, w.call("GET", "/profiles", "")).items()
	if len(profiles) < 2 || profiles[0]["name"] != "standard" || profiles[0]["holdSeconds"] != 259200.0 || profiles[1]["requiresTest"] != true {
		t.Errorf("%v", profiles)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var err error
	health := api.Health(func() error { return err })
	get := func(path string) int {
		recorder := httptest.NewRecorder()
		health.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		return recorder.Code
	}
	if get("/healthz") != 200 || get("/readyz") != 200 {
		t.Error("not well")
	}
	if err = http.ErrServerClosed; get("/healthz") != 200 || get("/readyz") != 503 {
		t.Error("ready although it is not")
	}
}

// FuzzDocument: whatever is put, the API answers with a document or a whole problem, and never with a 5xx.
func FuzzDocument(f *testing.F) {
	w := newWorld(f)
	paths := []string{"/sources/s", "/event-types/t", "/event-types/cv/versions/v3", "/systems/s", setOf, "/lanes/release", "/systems/plain/signing-keys", "/hub/pause"}
	for i, body := range []string{`{"uri":"urn:s","title":"S"}`, `{"title":"T","order":"key"}`, `{"state":"draft","mapping":{"key":"/a","personal":["/b"]}}`, star, `{"items":[{"pendingPath":null,"to":"2027-01-01"}]}`, `{"all":true}`, `{"kind":"v1a"}`, `{"reason":"x"}`} {
		f.Add(uint8(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		w.T = t
		path, method := paths[int(which)%len(paths)], "PUT"
		if int(which)%len(paths) > 4 {
			method = "POST"
		}
		a := w.send(method, path, bytes.NewReader(body), ifMatch, anySeen, kindOf, "application/json")
		if a.status >= 500 || !json.Valid([]byte(a.text)) {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.text)
		}
		if a.status >= 400 {
			a.whole(t)
		}
	})
}
