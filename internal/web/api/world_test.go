package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/web/api"
)

// world is a hub with its API.
type world struct {
	*managetest.World
	options api.Options
	handler http.Handler
	logged  *safeBuffer
}

type directory struct{ book *revision.Book }

func (d directory) Source(uri string) *event.Source { return d.book.SourceAt(uri) }
func (d directory) Version(name, version string) *event.Compiled {
	return d.book.Version(name, version)
}
func eva(*http.Request) (*account.Principal, error) {
	return &account.Principal{Name: "eva", Roles: []account.Role{account.Operator}}, nil
}

func (w *world) set(change func(*api.Options)) { change(&w.options); w.handler = api.New(w.options) }
func (w *world) call(method, path, body string, h ...string) answer {
	return w.send(method, path, strings.NewReader(body), h...)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: managetest.New(t), logged: &safeBuffer{}}
	hasher, err := event.NewHasher([]byte("a test secret that is long enough for HMAC"))
	w.Must(err)
	w.options = api.Options{
		Book: w.Book, Manager: w.Manager, Decode: cloudevents.Decode, Operator: w.Engine, Puller: w.Engine, Replayer: w.Engine, Sinks: w.Sinks, Events: w.Log, History: w.Store, Audit: w.Store,
		Publisher: publish.New(publish.NewAccepter(directory{w.Book}, hasher, w.Clock, publish.Limits{}), w.Log),
		Who:       eva, Logger: slog.New(slog.NewTextHandler(w.logged, nil)),
	}
	w.handler = api.New(w.options)
	w.Seed()
	w.System("jobnet", profile.Star)
	w.System("plain", profile.Standard)
	return w
}

// answer is a response with its JSON.
type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// send makes a request; h is header names and values. A body is JSON unless a header says otherwise.
func (w *world) send(method, path string, body io.Reader, h ...string) answer {
	w.T.Helper()
	r := httptest.NewRequest(method, "/api/v1"+path, body)
	if r.ContentLength != 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(h); i += 2 {
		r.Header.Set(h[i], h[i+1])
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	a := answer{status: recorder.Code, header: recorder.Header(), text: recorder.Body.String()}
	if a.text != "" {
		if err := json.Unmarshal(recorder.Body.Bytes(), &a.json); err != nil {
			w.T.Fatalf("%s %s: not JSON: %s", method, path, a.text)
		}
	}
	return a
}

// problem writes a problem as "code pointer rule; pointer rule", "" for none.
func (a answer) problem() string {
	code, _ := a.json["code"].(string)
	if code == "" {
		return ""
	}
	var rules []string
	violations, _ := a.json["violations"].([]any)
	for _, v := range violations {
		v := v.(map[string]any)
		rules = append(rules, v["pointer"].(string)+" "+v["rule"].(string))
	}
	return strings.TrimSpace(code + " " + strings.Join(rules, "; "))
}

func (a answer) items() []map[string]any {
	var items []map[string]any
	list, _ := a.json["items"].([]any)
	for _, item := range list {
		items = append(items, item.(map[string]any))
	}
	return items
}

// whole checks what every problem document has (RFC 9457, and the hub's own members).
func (a answer) whole(t *testing.T) {
	t.Helper()
	entry := fault.Lookup(fault.Code(a.json["code"].(string)))
	if a.header.Get("Content-Type") != "application/problem+json" || a.json["type"] != entry.Code.Page() || a.json["title"] != entry.Title ||
		a.json["status"] != float64(a.status) || a.status != entry.Status || a.json["mend"] != entry.Mend || a.json["detail"] == "" ||
		a.json["instance"] != "urn:uuid:"+a.header.Get("X-Request-Id") {
		t.Errorf("status %d, %s", a.status, a.text)
	}
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
