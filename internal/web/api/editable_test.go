package api_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/web/api"
)

// edit is a document and another one for the same address.
type edit struct {
	path, one, other string
	read             string // where its state is read; "": at its path
	free             bool   // it may be changed without having been seen
}

// editable has every document that can be changed in its place.
var editable = map[string]edit{
	"/api/v1/sources/{name}":                                 {"/sources/mine", `{"uri":"urn:mine","title":"A","types":["*"]}`, `{"uri":"urn:mine","title":"B","types":["*"]}`, "", false},
	"/api/v1/event-types/{name}":                             {"/event-types/e", `{"title":"A","order":"none"}`, `{"title":"B","order":"none"}`, "", false},
	"/api/v1/event-types/{name}/versions/{version}":          {"/event-types/cv/versions/v9", `{"state":"draft","sample":{}}`, `{"state":"draft","sample":[]}`, "", false},
	"/api/v1/systems/{name}":                                 {"/systems/s", plain, strings.Replace(plain, `{"agreement"`, `{"title":"B","agreement"`, 1), "", false},
	"/api/v1/systems/{name}/contacts":                        {"/systems/my-system/contacts", `{"technical":{"email":"a@b.test"}}`, `{"technical":{"email":"c@b.test"}}`, "", false},
	"/api/v1/systems/{name}/subscriptions":                   {"/systems/my-system/subscriptions", `{"items":[{"name":"all","path":"/all"}]}`, `{"items":[{"name":"all","path":"/all"},{"name":"cv","types":["cv"],"path":"/cv"}]}`, "", false},
	"/api/v1/accounts/{name}":                                {"/accounts/robot", `{"roles":["auditor"]}`, `{"roles":["operator"]}`, "", false},
	"/api/v1/registers/{register}":                           {"/registers/new", aRegister("One"), aRegister("Two"), "", false},
	"/api/v1/extracts/{extract}":                             {"/extracts/new", anExtract("One"), anExtract("Two"), "", false},
	"/api/v1/sites/{site}":                                   {"/sites/new-site", aSite("One"), aSite("Two"), "", false},
	"/api/v1/sites/{site}/components/{component}/state":      {"/sites/my-site/components/" + mailID + "/state", `{"state":"degraded_performance"}`, `{"state":"major_outage"}`, "", true},
	"/api/v1/sites/{site}/notices/{notice}":                  {"/sites/my-site/notices/" + openID, `{"title":{"en":"One"}}`, `{"title":{"en":"Two"}}`, "", false},
	"/api/v1/sites/{site}/notices/{notice}/updates/{update}": {"/sites/my-site/notices/" + openID + "/updates/" + updateID, `{"body":{"en":"One"}}`, `{"body":{"en":"Two"}}`, "/sites/my-site/notices/" + openID, false},
	"/api/v1/sites/{site}/notices/{notice}/postmortem":       {"/sites/my-site/notices/" + pastID + "/postmortem", `{"body":{"en":"One"}}`, `{"body":{"en":"Two"}}`, "/sites/my-site/notices/" + pastID, false},
}

// aSite is a site's document with a title.
func aSite(title string) string {
	return `{"title":{"en":"` + title + `"},"zone":"Etc/UTC","languages":["en"],"sections":[{"name":"all","title":{"en":"All"},"components":[{"title":{"en":"Search"}}]}]}`
}

// aRegister is a register's document with a title.
func aRegister(title string) string {
	return `{"title":"` + title + `",` + strings.ReplaceAll(registerOf, "$SOURCE", "mine")[1:]
}

// anExtract is an extract's document with a title.
func anExtract(title string) string {
	return `{"title":"` + title + `",` + strings.NewReplacer("$SOURCE", "mine", "$SYSTEM", "my-system").Replace(extractOf)[1:]
}

const plain = `{"agreement":{"profile":"standard","baseUrl":"https://b.test","sources":["*"],"contacts":{"technical":{"email":"a@b.test"}}}}`

// ended are the addresses that only take DELETE of what nobody edits.
var ended = []string{"/api/v1/registers/{register}/deliveries/{delivery}", "/api/v1/subscriptions/{id}/replays/{pass}", "/api/v1/subscriptions/{id}/sink"}

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
			if w.call("GET", e.path, "").status == 404 {
				w.ok(201, w.call("PUT", e.path, e.one))
			}
			w.seenOnly(method, &e, "")
			continue
		}
		if a := w.call(method, e.path, e.one, ifMatch, anySeen); a.status == 412 { // there is none yet
			w.ok(201, w.call(method, e.path, e.one))
		}
		w.seenOnly(method, &e, e.other)
		w.seenOnly(method, &e, e.one)
	}
}

// seenOnly makes a change without an ETag, with one of another state, and with the one that a GET gave.
func (w *town) seenOnly(method string, e *edit, body string) {
	w.T.Helper()
	path, read := e.path, cmp.Or(e.read, e.path)
	tag := w.ok(200, w.call("GET", read, "")).header.Get("ETag")
	if tag == "" {
		w.T.Fatalf("GET %s has no ETag", read)
	}
	w.ok(304, w.call("GET", read, "", ifNone, tag))
	if a := w.call(method, path, body, ifMatch, `"r1"`); a.problem() != "precondition-failed" {
		w.T.Errorf("%s %s of another state: %d %s", method, path, a.status, a.text)
	}
	if !e.free {
		if a := w.call(method, path, body); a.problem() != "if-match-required" {
			w.T.Errorf("%s %s without If-Match: %d %s", method, path, a.status, a.text)
		}
	}
	a := w.call(method, path, body, ifMatch, tag)
	if a.status != 200 && (method != "DELETE" || a.status != 204) {
		w.T.Errorf("%s %s of the state it has: %d %s", method, path, a.status, a.text)
	}
	if next := a.header.Get("ETag"); method != "DELETE" && (next == "" || next == tag) {
		w.T.Errorf("%s %s answers with ETag %q after %q", method, path, next, tag)
	}
}
