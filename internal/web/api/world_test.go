package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	ingest "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/receipt"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/retention"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/store/erasurefile"
	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/api/apitest"
)

// world is a hub with its API.
type world struct {
	*managetest.World
	options api.Options
	handler http.Handler
	logged  *safeBuffer
	hasher  *event.Hasher
	message string                   // id of the message that a test is about
	stale   time.Duration            // how old what the hub knows is
	where   map[int64][]search.Place // what whereabouts tells, beside that it is asked of events there are
}

type directory struct{ book *revision.Book }

func (d directory) Source(uri string) *event.Source { return d.book.SourceAt(uri) }
func (d directory) Version(name, version string) *event.Compiled {
	return d.book.Version(name, version)
}
func eva(*http.Request) (*account.Principal, error) {
	return &account.Principal{Name: "eva", Roles: []account.Role{account.Operator}}, nil
}

func (w *world) set(change func(*api.Options)) { change(&w.options); w.handler = w.described() }

// described is the API, with everything that it is asked and answers held to its own document.
func (w *world) described() http.Handler {
	document, err := theDocument()
	w.Must(err)
	return document.Watch(api.New(w.options), func(err error) { w.T.Error(err) })
}

// theDocument is that of every hub.
var theDocument = sync.OnceValues(func() (*apitest.Document, error) { return apitest.Served(api.New(api.Options{})) })

func (w *world) call(method, path, body string, h ...string) answer {
	return w.send(method, path, strings.NewReader(body), h...)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: managetest.New(t), logged: &safeBuffer{}}
	hasher, err := event.NewHasher([]byte("a test secret that is long enough for HMAC"))
	w.Must(err)
	w.hasher = hasher
	w.options = api.Options{
		Book: w.Book, Manager: w.Manager, Decode: cloudevents.Decode, Operator: w.Whole(), Nodes: twoNodes{}, Puller: w.Engine, Replayer: w.Engine, Sinks: w.Sinks, Events: w.Log, Locator: w.Engine, History: w.Store, Audit: w.Store,
		Publisher: publish.New(publish.NewAccepter(directory{w.Book}, hasher, w.Clock, publish.Limits{}), w.Log, nil),
		Searcher:  searching(t, w, hasher),
		SiteURL:   siteURL, Stale: func() time.Duration { return w.stale }, Now: w.Clock.Now,
		Who: eva, Logger: slog.New(slog.NewTextHandler(w.logged, nil)),
	}
	w.options.Streams = intake.New(w.Log, w.Store, w.Book, intake.Options{
		Accepter: publish.NewAccepter(directory{w.Book}, hasher, w.Clock, publish.Limits{}), Hasher: hasher, Decode: cloudevents.Decode, Clock: w.Clock,
	})
	w.options.Registers = deposit.New(deposit.Options{
		Store: w.Store.Registers(), Log: w.Log, Past: w.Log, Index: w.Store, Places: w.Store, Directory: w.Book, Handles: hasher, Clock: w.Clock,
		Accepter: publish.NewAccepter(directory{w.Book}, hasher, w.Clock, publish.Limits{}),
		Read: func(body io.Reader, r *register.Register) deposit.Reader {
			return ingest.NewReader(body, r, ingest.Limits{})
		},
	})
	w.options.Keeper = retention.New(retention.Options{
		Store: w.Store, Log: w.Log, Engine: w.Engine, Journal: erasurefile.New(t.TempDir(), []byte("key")), Book: w.Book, Clock: w.Clock, Logger: w.options.Logger,
		Finder: w.options.Searcher.(*search.Searcher),
	})
	w.options.Receipts = receipt.New(receipt.Options{Log: w.Log, Store: w.Store, Book: w.Book, Clock: w.Clock, Positions: w.options.Searcher.(*search.Searcher).OfMessage})
	w.handler = w.described()
	w.Seed()
	w.System("jobnet", profile.Star)
	w.System("plain", profile.Standard)
	return w
}

// searching is a searcher with its follower, as long as the test.
func searching(t testing.TB, w *world, hasher *event.Hasher) *search.Searcher {
	s := search.New(w.Log, w.Store, w.Book, hasher, search.Options{Where: w.whereabouts, Trouble: func(doing string, err error) { t.Errorf("%s: %v", doing, err) }})
	w.Must(s.Start(context.Background()))
	t.Cleanup(s.Stop)
	return s
}

// whereabouts tells what the test says; it may be asked of events there are, and of no others.
func (w *world) whereabouts(ctx context.Context, position int64) ([]search.Place, error) {
	if _, err := w.Log.At(ctx, position); err != nil {
		w.T.Errorf("asked where position %d stands: %v", position, err)
	}
	return slices.Clone(w.where[position]), nil
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
	if kind := a.header.Get("Content-Type"); a.text != "" && kind != "application/zip" && !strings.HasPrefix(kind, "text/plain") {
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
