package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/web/api"
)

// edit is a document and another one for the same address.
type edit struct{ path, one, other string }

// editable has every document that can be changed in its place.
var editable = map[string]edit{
	"/api/v1/sources/{name}":                        {"/sources/mine", `{"uri":"urn:mine","title":"A","types":["*"]}`, `{"uri":"urn:mine","title":"B","types":["*"]}`},
	"/api/v1/event-types/{name}":                    {"/event-types/e", `{"title":"A","order":"none"}`, `{"title":"B","order":"none"}`},
	"/api/v1/event-types/{name}/versions/{version}": {"/event-types/cv/versions/v9", `{"state":"draft","sample":{}}`, `{"state":"draft","sample":[]}`},
	"/api/v1/systems/{name}":                        {"/systems/s", plain, strings.Replace(plain, `{"agreement"`, `{"title":"B","agreement"`, 1)},
	"/api/v1/systems/{name}/contacts":               {"/systems/my-system/contacts", `{"technical":{"email":"a@b.test"}}`, `{"technical":{"email":"c@b.test"}}`},
	"/api/v1/systems/{name}/subscriptions":          {"/systems/my-system/subscriptions", `{"items":[{"name":"all","path":"/all"}]}`, `{"items":[{"name":"all","path":"/all"},{"name":"cv","types":["cv"],"path":"/cv"}]}`},
	"/api/v1/accounts/{name}":                       {"/accounts/robot", `{"roles":["auditor"]}`, `{"roles":["operator"]}`},
}

const plain = `{"agreement":{"profile":"standard","baseUrl":"https://b.test","sources":["*"],"contacts":{"technical":{"email":"a@b.test"}}}}`

// ended are the addresses that only take DELETE of what nobody edits.
var ended = []string{"/api/v1/subscriptions/{id}/replays/{pass}", "/api/v1/subscriptions/{id}/sink"}

// unread are the addresses that only take PUT of what nobody can read, and so nobody can have seen.
var unread = []string{"/api/v1/accounts/{name}/password"}

// Everything that can be edited tells its state in ETag, and is changed or ended only by those who have seen that state.
func TestEverythingEditableHasAnETag(t *testing.T) {
	t.Parallel()
	for _, pattern := range api.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "PUT" && method != "PATCH" && method != "DELETE" || slices.Contains(ended, path) || slices.Contains(unread, path) {
			continue
		}
		e, known := editable[path]
		if !known {
			t.Errorf("%s changes what is there: give it a row in editable", pattern)
			continue
		}
		w := newTown(t, as(everyone["operator"]))
		if method == "DELETE" {
			w.ok(201, w.call("PUT", e.path, e.one))
			w.seenOnly(method, e.path, "")
			continue
		}
		if a := w.call(method, e.path, e.one, ifMatch, anySeen); a.status == 412 { // there is none yet
			w.ok(201, w.call(method, e.path, e.one))
		}
		w.seenOnly(method, e.path, e.other)
		w.seenOnly(method, e.path, e.one)
	}
}

// seenOnly makes a change without an ETag, with one of another state, and with the one that a GET gave.
func (w *town) seenOnly(method, path, body string) {
	w.T.Helper()
	tag := w.ok(200, w.call("GET", path, "")).header.Get("ETag")
	if tag == "" {
		w.T.Fatalf("GET %s has no ETag", path)
	}
	w.ok(304, w.call("GET", path, "", ifNone, tag))
	if a := w.call(method, path, body); a.problem() != "if-match-required" {
		w.T.Errorf("%s %s without If-Match: %d %s", method, path, a.status, a.text)
	}
	if a := w.call(method, path, body, ifMatch, `"r1"`); a.problem() != "precondition-failed" {
		w.T.Errorf("%s %s of another state: %d %s", method, path, a.status, a.text)
	}
	a := w.ok(200, w.call(method, path, body, ifMatch, tag))
	if next := a.header.Get("ETag"); method != "DELETE" && (next == "" || next == tag) {
		w.T.Errorf("%s %s answers with ETag %q after %q", method, path, next, tag)
	}
}
