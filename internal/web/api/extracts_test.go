package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store/extractfile"
	"github.com/varselhub/varsel/internal/web/api"
)

// shelf joins the package and the port, as app does.
type shelf struct{ *extractfile.Shelf }

func (s shelf) Create(x, name string) (extract.Part, error) { return s.Shelf.Create(x, name) }
func (s shelf) Open(x, name string) (extract.File, error)   { return s.Shelf.Open(x, name) }

// extracting has extracts made, as long as the test.
func (w *world) extracting() {
	w.T.Helper()
	w.Must(w.Log.Append(w.T.Context(), &eventlog.Request{Revisions: notify.Register(false, false), Expect: w.Book.Last()}))
	accepter := publish.NewAccepter(directory{w.Book}, w.hasher, w.Clock, publish.Limits{})
	maker := extract.New(extract.Options{
		Rows: w.options.Registers.(*deposit.Depositor), Files: shelf{extractfile.New(filepath.Join(w.T.(*testing.T).TempDir(), "extracts"))}, Log: w.Log, Book: w.Book,
		Clock: w.Clock, Handles: w.hasher, URL: "https://hub.test", Trouble: func(doing string, err error) { w.T.Errorf("%s: %v", doing, err) },
		Ready: func(id string, n *extract.Notice) (*event.Event, error) {
			d, err := notify.Draft(notify.ExtractReady, id, n)
			w.Must(err)
			e, found := accepter.Accept(d)
			return e, fault.Invalid(fault.InvalidEvent, found)
		},
	})
	w.set(func(o *api.Options) { o.Extracts = maker })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); maker.Run(ctx) }()
	w.T.Cleanup(func() { cancel(); <-done })
}

// extracts has an extract for a system with a file of it, and another one.
func (w *world) extracts(system, source string) {
	w.T.Helper()
	for _, name := range []string{system, "spare-" + system} {
		_, err := w.Manager.PutExtract(w.T.Context(), register.Extract{
			Name: name, System: system, Register: source, Type: "Thing", Selection: register.Total, Format: register.JSONLines,
		}, manage.By{Author: "test"})
		w.Must(err)
	}
	w.Must(w.Manager.OrderExtract(w.T.Context(), "test", system))
	w.Until("the extract is made", func() bool { return w.Book.ExtractState(system).Number == 1 })
}

// F43: a file is fetched as a whole, in parts, and not again by who has it; and so is its checksum.
func TestF43Download(t *testing.T) {
	t.Parallel()
	w := newTown(t, eva)
	const path = "/extracts/my-system/files/my-system-000001-total-1.jsonl.zip"
	whole := w.ok(200, w.call("GET", path, ""))
	tag := whole.header.Get("ETag")
	if whole.header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(whole.text, "PK") || whole.header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("%v %.20q", whole.header, whole.text)
	}
	rest := w.call("GET", path, "", "Range", "bytes=10-", "If-Range", tag)
	if rest.status != 206 || rest.text != whole.text[10:] || rest.header.Get("Content-Range") != fmt.Sprintf("bytes 10-%d/%d", len(whole.text)-1, len(whole.text)) {
		t.Errorf("the rest: %d %v", rest.status, rest.header)
	}
	if another := w.call("GET", path, "", "Range", "bytes=10-", "If-Range", `"another"`); another.status != 200 || another.text != whole.text {
		t.Errorf("the rest of another file: %d", another.status)
	}
	if has := w.call("GET", path, "", "If-None-Match", tag); has.status != 304 || has.text != "" {
		t.Errorf("who has it gets %d", has.status)
	}
	if beyond := w.call("GET", path, "", "Range", "bytes=999999-"); beyond.status != 416 {
		t.Errorf("beyond its end: %d", beyond.status)
	}
	listed := w.ok(200, w.call("GET", "/extracts/my-system/files", "")).json["items"].([]any)[0].(map[string]any)
	sum := w.ok(200, w.call("GET", path+".sha256", ""))
	if sum.text != listed["sha256"].(string)+"  my-system-000001-total-1.jsonl.zip\n" || tag != `"`+listed["sha256"].(string)+`"` {
		t.Errorf("checksum %q, tag %s, listed %v", sum.text, tag, listed)
	}
	for _, none := range []string{"x", "..%2fmy-system-000001-total-1.jsonl.zip", ".part-x", "rival-system-000001-total-1.jsonl.zip"} {
		if a := w.call("GET", "/extracts/my-system/files/"+none, ""); a.status != 404 {
			t.Errorf("%s: %d", none, a.status)
		}
	}
	head := httptest.NewRecorder()
	w.handler.ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/api/v1"+path, nil))
	if head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("Content-Length") != fmt.Sprint(len(whole.text)) {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
}

// Promise 11: a file in which somebody stood who was erased is listed as such, and fetched no more.
func TestAnErasedFileIsGone(t *testing.T) {
	t.Parallel()
	w := newTown(t, eva)
	maker := w.options.Extracts.(*extract.Maker)
	w.Must(maker.Erase(t.Context(), 7, []eventlog.RowsOf{{Register: "mine", Type: "Thing", Delivery: 1, Rows: []int64{1}}}))
	const path = "/extracts/my-system/files/my-system-000001-total-1.jsonl.zip"
	for _, path := range []string{path, path + ".sha256"} {
		if a := w.call("GET", path, ""); a.status != 410 || a.json["code"] != "forgotten" {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	listed := w.ok(200, w.call("GET", "/extracts/my-system/files", "")).json["items"].([]any)[0].(map[string]any)
	if listed["erased"] == nil || listed["file"] != "my-system-000001-total-1.jsonl.zip" {
		t.Errorf("it is listed as %v", listed)
	}
}

// DESIGN promise 8: what the agreement does not grant any more is not fetched any more, by whoever acts for the system.
func TestF43ARevokedGrantEndsDownloads(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["subscriber"]))
	const path = "/extracts/my-system/files/my-system-000001-total-1.jsonl.zip"
	w.ok(200, w.call("GET", path, ""))
	system, _ := w.Book.System("my-system")
	narrow := *system
	narrow.Agreement.Sources = []string{"shared"}
	_, err := w.Manager.PutSystem(t.Context(), narrow, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	for _, path := range []string{path, "/extracts/my-system", "/extracts/my-system/files"} {
		if a := w.call("GET", path, ""); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// F43: what is wrong with an extract is said when it is put.
func TestF43WhatIsNoExtract(t *testing.T) {
	t.Parallel()
	w := newTown(t, eva)
	const good = `{"system":"my-system","register":"mine","type":"Thing","selection":"total","format":"csv","schedule":"30 2 * * *"}`
	w.ok(201, w.call("PUT", "/extracts/good", good))
	for name, c := range map[string]struct{ old, new, pointer string }{
		"no system":          {`"my-system"`, `"none"`, "/system"},
		"no register":        {`"mine"`, `"none"`, "/register"},
		"not granted":        {`"mine"`, `"rival"`, "/register"},
		"no type":            {`"Thing"`, `"None"`, "/type"},
		"no selection":       {`"total"`, `"some"`, "/selection"},
		"no format":          {`"csv"`, `"xls"`, "/format"},
		"no schedule":        {`30 2 * * *`, `@daily`, "/schedule"},
		"half an object":     {`"type"`, `"object":["a","b"],"type"`, "/object"},
		"too many files":     {`"type"`, `"keep":1001,"type"`, "/keep"},
		"nobody's address":   {`"type"`, `"email":"A <a@b.test>","type"`, "/email"},
		"a name of its own":  {`"type"`, `"name":"other","type"`, "/name"},
		"nothing we know of": {`"type"`, `"colour":"red","type"`, "/colour"},
	} {
		a := w.call("PUT", "/extracts/bad", strings.Replace(good, c.old, c.new, 1))
		if a.status != 422 || !strings.Contains(a.text, `"`+c.pointer+`"`) {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	for name, body := range map[string]string{"another type of rows": strings.Replace(good, "total", "delta", 1), "another system": strings.Replace(good, "my-system", "my-system-reader", 1)} {
		if a := w.call("PUT", "/extracts/good", body, ifMatch, anySeen); a.status != 409 {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	w.ok(200, w.call("PUT", "/extracts/good", strings.Replace(good, "csv", "xml", 1), ifMatch, anySeen))
}

var plainExtract = strings.NewReplacer("$SOURCE", "dfdg", "$SYSTEM", "plain").Replace(extractOf)

// administeredExtracts are those of administered that are of extracts.
var administeredExtracts = map[string]administrative{
	"PUT /api/v1/extracts/{extract}": {
		act: audit.PutExtract, subject: "extract/new", detail: `{"created":true}`, makes: true,
		prepare: func(w *world) string { w.registers("dfdg"); return "" },
		refused: request{path: "/extracts/new", body: `{"system":"plain"}`},
		changes: request{path: "/extracts/new", body: plainExtract},
		nothing: []request{{path: "/extracts/new", body: plainExtract}},
	},
	"DELETE /api/v1/extracts/{extract}": {
		act: audit.RemoveExtract, subject: "extract/plain", makes: true,
		prepare: func(w *world) string { w.registers("dfdg"); w.extracting(); w.extracts("plain", "dfdg"); return "" },
		refused: request{path: "/extracts/none"},
		changes: request{path: "/extracts/plain", headers: anyState},
		nothing: []request{{path: "/extracts/plain", headers: anyState}},
	},
	"POST /api/v1/extracts/{extract}/run": {
		act: audit.RunExtract, subject: "extract/new", makes: true,
		prepare: func(w *world) string {
			w.registers("dfdg")
			w.ok(201, w.call("PUT", "/extracts/new", plainExtract))
			return ""
		},
		refused: request{path: "/extracts/none/run"},
		changes: request{path: "/extracts/new/run"},
		nothing: []request{{path: "/extracts/new/run"}},
	},
}

// extractsOf does to extracts, and to the register that they are of, what is on record.
func (w *world) extractsOf(mark string, do func(method, path, body string) answer) {
	w.registers("dfdg")
	w.noContent(do("DELETE", "/registers/half-dfdg/deliveries/half", ""))
	w.ok(201, do("PUT", "/extracts/plain", `{"title":"`+mark+`",`+plainExtract[1:]))
	w.ok(202, do("POST", "/extracts/plain/run", ""))
	w.noContent(do("DELETE", "/extracts/plain", ""))
}
