package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/api/apitest"
	"github.com/varselhub/varsel/receive"
)

// world is a hub on a loopback port, a client of it, and a receiver that can be told what to answer.
type world struct {
	*client.Client
	t        testing.TB
	address  string
	seen     *recorder
	receiver *httptest.Server
	arrived  chan *receive.Message

	mu     sync.Mutex
	answer error
}

// recorder keeps what was asked and the last answer.
type recorder struct {
	mu     sync.Mutex
	routes map[string]bool // "GET /api/v1/…", numbers and names as they are
	last   []byte

	document *apitest.Document // what the exchanges are held to
	t        testing.TB
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(asked))
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(text))
	if err == nil {
		differs := r.document.Check(&apitest.Exchange{Request: request, Asked: asked, Status: response.StatusCode, Header: response.Header, Answered: text})
		if differs != nil {
			r.t.Error(differs)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[request.Method+" "+request.URL.EscapedPath()] = true
	r.last = text
	return response, err
}

func startHub(t testing.TB) string {
	t.Helper()
	hub, err := app.New(context.Background(), app.Config{Data: t.TempDir(), NoAccess: true, AllowSinks: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true, Brokers: true}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Stop(context.Background()) })
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = hub.Start(context.Background())
	}
	if err == nil {
		err = hub.Serve(socket)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + socket.Addr().String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	document, err := apitest.Served(api.New(api.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, seen: &recorder{routes: map[string]bool{}, document: document, t: t}, arrived: make(chan *receive.Message, 100)}
	handler, err := receive.New(func(_ context.Context, m *receive.Message) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.answer == nil {
			w.arrived <- m
		}
		return w.answer
	}, receive.Options{Anyone: true})
	w.must(err)
	w.receiver = httptest.NewServer(handler)
	t.Cleanup(w.receiver.Close)
	w.address = startHub(t)
	w.Client, err = client.New(w.address, client.Options{HTTP: &http.Client{Transport: w.seen}})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) answers(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = err
}

// whole fails the test when the last answer has something that the value read from it has not.
func (w *world) whole(value any) {
	w.t.Helper()
	text, err := json.Marshal(value)
	w.must(err)
	var got, sent any
	w.must(json.Unmarshal(text, &got))
	w.seen.mu.Lock()
	last := w.seen.last
	w.seen.mu.Unlock()
	w.must(json.Unmarshal(last, &sent))
	if list, ok := sent.(map[string]any); ok && reflect.TypeOf(value).Kind() == reflect.Slice {
		sent = list["items"]
	}
	w.covers("", got, sent)
}

func (w *world) covers(at string, got, sent any) {
	w.t.Helper()
	switch sent := sent.(type) {
	case map[string]any:
		members, _ := got.(map[string]any)
		for name, value := range sent {
			if member, there := members[name]; there {
				w.covers(at+"/"+name, member, value)
			} else if !reflect.ValueOf(value).IsZero() {
				w.t.Errorf("%s/%s is lost", at, name)
			}
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(sent) {
			w.t.Errorf("%s has %d of %d entries", at, len(list), len(sent))
			return
		}
		for i := range sent {
			w.covers(at, list[i], sent[i])
		}
	case string:
		a, errA := time.Parse(time.RFC3339Nano, sent)
		b, errB := time.Parse(time.RFC3339Nano, got.(string))
		if got != sent && (errA != nil || errB != nil || !a.Equal(b)) {
			w.t.Errorf("%s is %v, was %v", at, got, sent)
		}
	default:
		if got != sent {
			w.t.Errorf("%s is %v, was %v", at, got, sent)
		}
	}
}

// seed makes one type, one source and one system with one subscription, and returns the subscription's id.
func (w *world) seed(ctx context.Context) string {
	w.t.Helper()
	_, _, err := w.PutEventType(ctx, client.EventType{Name: "permit.changed", Title: "A permit has changed", Order: "key", Retention: "P6M",
		Catalogue: &client.Catalogue{EntityName: "Permit", ChangeTypes: []string{"update"}}}, "")
	w.must(err)
	_, _, err = w.PutVersion(ctx, client.Version{Type: "permit.changed", Version: "v1", State: "active",
		Schema: json.RawMessage(`{"type":"object","title":"a < b & c"}`), Sample: json.RawMessage(`{"permit":"sample"}`),
		Mapping: client.Mapping{Fields: map[string]string{"key": "/permit"}}}, "")
	w.must(err)
	_, _, err = w.PutSource(ctx, client.Source{Name: "permits", URI: "https://permits.example", Title: "Permits", Types: []string{"*"}, Contact: &client.Contact{Email: "permits@example.org"}}, "")
	w.must(err)
	_, _, err = w.PutSystem(ctx, client.System{Name: "archive", Agreement: client.Agreement{
		Profile: "standard", BaseURL: w.receiver.URL, Sources: []string{"*"}, Contacts: client.Contacts{Technical: client.Contact{Email: "ops@archive.example"}},
	}}, "")
	w.must(err)
	report, err := w.PutSubscriptionSet(ctx, "archive", []client.Subscription{{Name: "all", Path: "/all"}}, "", client.SetOptions{})
	w.must(err)
	w.whole(report)
	return report.Created[0].ID
}

func permit(id, key string) client.Event {
	return client.Event{ID: id, Source: "https://permits.example", Type: "permit.changed", Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Data: []byte(`{"permit": "` + key + `"}`), Extensions: map[string]string{"correlationid": "c"}}
}

func TestPublishedEventsArrive(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.seed(ctx)
	results, err := w.Publish(ctx, permit("1", "a"), permit("2", "b"))
	w.must(err)
	w.whole(map[string]any{"results": results})
	for range 2 {
		m := <-w.arrived
		if m.Type != "permit.changed" || m.Extensions["correlationid"] != "c" || !strings.Contains(string(m.Data), `"permit": "`) || m.Position == 0 || m.Attempt != 1 {
			t.Errorf("%+v", m)
		}
	}
	again, err := w.Publish(ctx, permit("1", "a"), permit("3", "a"))
	w.must(err)
	if again[0].Status != client.Duplicate || again[0].Position != results[0].Position || again[1].Status != client.Accepted {
		t.Errorf("%+v", again)
	}
	if _, err := w.Publish(ctx, permit("1", "other")); !client.Has(err, client.CodeEventConflict) {
		t.Errorf("other content under the same id: %v", err)
	}
	bad := permit("5", "b")
	bad.Data = []byte(`"text"`)
	var problem *client.Problem
	if _, err := w.Publish(ctx, permit("4", "a"), bad); !errors.As(err, &problem) || problem.Code != client.CodeInvalidEvent || len(problem.Violations) == 0 || problem.Violations[0].Entry != 1 {
		t.Errorf("%v", err)
	}
	partly, err := w.PublishPartial(ctx, permit("4", "a"), bad, permit("1", "other"))
	w.must(err)
	if partly[0].Status != client.Accepted || partly[1].Status != client.Refused || partly[1].Problem.Code != client.CodeInvalidEvent || partly[2].Problem == nil {
		t.Errorf("%+v", partly)
	}
	other := client.Event{ID: "6", Source: "https://permits.example", Type: "blob", MediaType: "text/plain", Data: []byte("\xff")}
	_, _, err = w.PutEventType(ctx, client.EventType{Name: "blob", Title: "Bytes", Order: "none"}, "")
	w.must(err)
	_, _, err = w.PutVersion(ctx, client.Version{Type: "blob", Version: "v1", State: "active", Sample: json.RawMessage(`1`)}, "")
	w.must(err)
	_, err = w.Publish(ctx, other)
	w.must(err)
	for m := range w.arrived {
		if m.Type == "blob" {
			if string(m.Data) != "\xff" || m.MediaType != "text/plain" {
				t.Errorf("%+v", m)
			}
			break
		}
	}
}

func TestADocumentIsChangedOnlyByThoseWhoHaveSeenIt(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.seed(ctx)
	source, tag, err := w.Source(ctx, "permits")
	w.must(err)
	w.whole(source)
	source.Title = "All permits"
	if _, _, err := w.PutSource(ctx, source, ""); !client.Has(err, client.CodeNeedsIfMatch) {
		t.Errorf("unseen: %v", err)
	}
	now, next, err := w.PutSource(ctx, source, tag)
	if err != nil || next == tag || now.Title != "All permits" {
		t.Errorf("%+v %s %v", now, next, err)
	}
	source.Title = "Some permits"
	if _, _, err := w.PutSource(ctx, source, tag); !client.Has(err, client.CodePrecondition) {
		t.Errorf("seen before it was changed: %v", err)
	}
	if _, _, err := w.PutSource(ctx, source, client.AnyState); err != nil {
		t.Error(err)
	}
	if _, _, err := w.Source(ctx, "no/such"); !client.Has(err, client.CodeNotFound) {
		t.Errorf("%v", err)
	}
	// What was read can be put as it was read.
	version, tag, err := w.Version(ctx, "permit.changed", "v1")
	w.must(err)
	w.whole(version)
	if _, same, err := w.PutVersion(ctx, version, tag); err != nil || same != tag {
		t.Errorf("%s became %s, %v", tag, same, err)
	}
	system, tag, err := w.System(ctx, "archive")
	w.must(err)
	key, err := w.NewSigningKey(ctx, "archive", client.KeyEd25519, time.Hour)
	w.must(err)
	w.whole(key)
	if !strings.HasPrefix(key.Key, "whpk_") {
		t.Errorf("%+v", key)
	}
	_, err = w.NewSigningKey(ctx, "archive", client.KeyEd25519, time.Hour)
	w.must(err)
	system, tag, err = w.System(ctx, "archive")
	w.must(err)
	w.whole(system)
	if _, same, err := w.PutSystem(ctx, system, tag); err != nil || same != tag || system.Signing[1].Until.IsZero() {
		t.Errorf("%s became %s, %v", tag, same, err)
	}
	set, tag, err := w.SubscriptionSet(ctx, "archive")
	w.must(err)
	w.whole(set)
	report, err := w.PutSubscriptionSet(ctx, "archive", set, tag, client.SetOptions{})
	if err != nil || len(report.Unchanged) != 1 || report.ETag != tag {
		t.Errorf("%+v %v", report, err)
	}
}

func TestOperating(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	id := w.seed(ctx)
	read := func(value any, err error) {
		t.Helper()
		w.must(err)
		w.whole(value)
	}
	test, err := w.TestSubscription(ctx, id)
	read(test, err)
	if !test.Passed || test.Status != 204 {
		t.Errorf("%+v", test)
	}

	// A receiver that is not there: its lanes stand, are released and discarded.
	w.answers(errors.New("not now"))
	results, err := w.Publish(ctx, permit("1", "a"), permit("2", "a"))
	w.must(err)
	lanes := w.lane(ctx)
	w.whole(lanes)
	if l := lanes.Items[0]; lanes.Total != 1 || l.Position != results[0].Position || l.Status != 500 || l.Subscription != id || l.Since.IsZero() {
		t.Errorf("%+v", lanes)
	}
	if _, err := w.ReleaseLanes(ctx, client.Selection{}); !client.Has(err, client.CodeNothingSelected) {
		t.Errorf("%v", err)
	}
	_, err = w.ReleaseLanes(ctx, client.Selection{System: "archive"})
	w.must(err)
	endpoints, err := w.Endpoints(ctx)
	read(endpoints, err)
	if len(endpoints) != 1 || !strings.HasSuffix(endpoints[0].URL, "/all") {
		t.Errorf("%+v", endpoints)
	}
	drop := lanes.Items[0].Behind + 1
	_, tag, err := w.SubscriptionSet(ctx, "archive")
	w.must(err)
	var problem *client.Problem
	if _, err := w.PutSubscriptionSet(ctx, "archive", nil, tag, client.SetOptions{}); !errors.As(err, &problem) || problem.Code != client.CodeDropCount || problem.Drop != int64(drop) {
		t.Errorf("removal of %d undelivered: %+v", drop, err)
	}
	dry, err := w.PutSubscriptionSet(ctx, "archive", nil, tag, client.SetOptions{DryRun: true})
	read(dry, err)
	if dry.Drop != int64(drop) || len(dry.Removed) != 1 {
		t.Errorf("%+v", dry)
	}
	w.lane(ctx)
	discarded, err := w.DiscardLanes(ctx, client.Selection{All: true, DryRun: true})
	read(discarded, err)
	if !discarded.DryRun || len(discarded.Items) != 1 {
		t.Errorf("%+v", discarded)
	}

	// A test that fails says what was answered.
	w.receiver.Close()
	if _, err := w.TestSubscription(ctx, id); !errors.As(err, &problem) || problem.Code != client.CodeTestFailed || problem.Test == nil || problem.Test.Subscription != id {
		t.Errorf("%+v", err)
	}

	// Pauses, of every scope.
	standing, err := w.Subscription(ctx, id)
	read(standing, err)
	scopes := []client.Scope{client.Hub, client.OfSystem("archive"), client.OfSubscription(id), client.OfEndpoint("archive", standing.Endpoint)}
	for _, scope := range scopes {
		pause, err := w.Pause(ctx, scope, "release night")
		read(pause, err)
		if pause != (client.Pause{Scope: scope, Paused: true, Reason: "release night"}) {
			t.Errorf("%+v", pause)
		}
	}
	standing, err = w.Subscription(ctx, id)
	read(standing, err)
	if standing.Standing != client.Paused || !slices.Equal(standing.PausedBy, scopes) {
		t.Errorf("%+v", standing)
	}
	pauses, err := w.Pauses(ctx)
	read(pauses, err)
	for _, scope := range scopes {
		if pause, err := w.Resume(ctx, scope); err != nil || pause.Paused {
			t.Errorf("%+v %v", pause, err)
		}
	}
	if _, err := w.Pause(ctx, "nonsense", ""); err == nil {
		t.Error("a scope that is none: paused")
	}

	// States.
	standing, err = w.Deactivate(ctx, id, "moving")
	read(standing, err)
	if standing.State != client.Deactivated || standing.Reason != "moving" {
		t.Errorf("%+v", standing)
	}
	all, err := w.Subscriptions(ctx, "archive", client.Deactivated)
	read(all, err)
	if len(all) != 1 {
		t.Errorf("%+v", all)
	}
	standing, err = w.Activate(ctx, id)
	read(standing, err)

	// What happened.
	logged, err := w.Event(ctx, results[0].Position)
	read(logged, err)
	if logged.Attributes["id"] != "1" || logged.Size != len(`{"permit": "a"}`) {
		t.Errorf("%+v", logged)
	}
	attempts, err := w.Attempts(ctx, results[0].Position)
	read(attempts, err)
	if len(attempts) == 0 || attempts[0].Status != 500 {
		t.Errorf("%+v", attempts)
	}
	where, err := w.Where(ctx, results[0].Position)
	read(where, err)
	if len(where.Items) != 1 || where.Items[0].State != client.StateRetrying || where.Items[0].Status != 500 || len(where.Items[0].Attempts) == 0 {
		t.Errorf("%+v", where)
	}
	named, err := w.WhereNamed(ctx, "1", "")
	read(named, err)
	if named.Position != where.Position {
		t.Errorf("%+v", named)
	}
	whole, err := w.SystemWhereabouts(ctx, "archive", 1)
	read(whole, err)
	if whole.Now.Pending == 0 || len(whole.Subscriptions) != 1 || len(whole.Lanes.Items) == 0 || whole.Oldest == nil {
		t.Errorf("%+v", whole)
	}
	totals, err := w.Totals(ctx)
	read(totals, err)
	if totals.Pending != int64(drop) {
		t.Errorf("%+v", totals)
	}
	nodes, err := w.Nodes(ctx)
	read(nodes, err)
	if !nodes.Alone || len(nodes.Items) != 1 || !nodes.Items[0].Answers || !slices.Contains(nodes.Items[0].Systems, "archive") {
		t.Errorf("%+v", nodes)
	}
	egress, err := w.Egress(ctx)
	read(egress, err)
	profiles, err := w.Profiles(ctx)
	read(profiles, err)
	types, err := w.EventTypes(ctx)
	read(types, err)
	one, _, err := w.EventType(ctx, "permit.changed")
	read(one, err)
	versions, err := w.Versions(ctx, "permit.changed")
	read(versions, err)
	version, _, err := w.Version(ctx, "permit.changed", "v1")
	read(version, err)
	sources, err := w.Sources(ctx)
	read(sources, err)
	source, _, err := w.Source(ctx, "permits")
	read(source, err)
	systems, err := w.Systems(ctx)
	read(systems, err)
	system, tag, err := w.System(ctx, "archive")
	read(system, err)
	key, err := w.NewSigningKey(ctx, "archive", client.KeyHMAC, 0)
	read(key, err)
	_, tag, err = w.System(ctx, "archive")
	w.must(err)
	if _, err := w.DeleteSystem(ctx, "archive", tag, nil); !client.Has(err, client.CodeDropCount) {
		t.Errorf("%v", err)
	}
	removal, err := w.DeleteSystem(ctx, "archive", tag, client.Drop(int64(drop)))
	read(removal, err)
	if removal != (client.Removal{Subscriptions: 1, Drop: int64(drop)}) {
		t.Errorf("%+v", removal)
	}

	// Who did it, page by page.
	page, err := w.Audit(ctx, client.AuditFilter{Subject: "system/archive", From: time.Unix(0, 0), To: time.Now().Add(time.Hour), Oldest: true, Limit: 1})
	read(page, err)
	if len(page.Items) != 1 || page.Items[0].Act != "put-system" || page.Items[0].At.IsZero() || page.Next == "" {
		t.Errorf("%+v", page)
	}
	rest, err := w.Audit(ctx, client.AuditFilter{Subject: "system/archive", Oldest: true, After: page.Next})
	read(rest, err)
	if last := rest.Items[len(rest.Items)-1]; last.Act != "remove-system" || string(last.Detail) != fmt.Sprintf(`{"removed":1,"dropped":%d}`, drop) || rest.Next != "" {
		t.Errorf("%+v", rest)
	}
	head, err := w.AuditHead(ctx)
	read(head, err)
	if head.Number != rest.Items[len(rest.Items)-1].Number || head.MAC != rest.Items[len(rest.Items)-1].MAC {
		t.Errorf("%+v", head)
	}
	description, tag, err := w.OpenAPI(ctx)
	w.must(err)
	if !strings.Contains(string(description), `"openapi": "3.1`) || tag == "" {
		t.Errorf("%s %.100s", tag, description)
	}
	w.finds(ctx)
	w.previews(ctx)
	w.confirms(ctx)
	w.fetchesAndLeases(ctx)
	w.sinks(ctx)
	w.accounts(ctx)
	w.askedEveryRoute()
}

// finds searches in the address and in a body.
func (w *world) finds(ctx context.Context) {
	w.t.Helper()
	all, err := w.Find(ctx, client.FindQuery{From: time.Unix(1, 0), To: time.Now().Add(time.Hour), Limit: 1})
	w.must(err)
	w.whole(all)
	if len(all.Items) != 1 || all.Next == "" {
		w.t.Fatalf("%+v", all)
	}
	rest, err := w.Find(ctx, client.FindQuery{After: all.Next, Limit: 1})
	w.must(err)
	if len(rest.Items) != 1 || rest.Items[0].Position >= all.Items[0].Position {
		w.t.Errorf("%+v", rest)
	}
	if one, err := w.Find(ctx, client.FindQuery{ID: all.Items[0].MessageID}); err != nil || len(one.Items) != 1 || one.Items[0].Position != all.Items[0].Position {
		w.t.Errorf("%+v %v", one, err)
	}
	if none, err := w.Find(ctx, client.FindQuery{Person: "nobody", Key: "nothing"}); err != nil || len(none.Items) != 0 || none.UpTo == 0 {
		w.t.Errorf("%+v %v", none, err)
	}
	if _, err := w.Find(ctx, client.FindQuery{System: "nobody"}); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
}

// lane waits until one lane stands in its delay.
func (w *world) lane(ctx context.Context) client.Lanes {
	w.t.Helper()
	for {
		lanes, err := w.Lanes(ctx, client.LaneFilter{System: "archive", State: "retrying", Limit: 10})
		w.must(err)
		if len(lanes.Items) > 0 && lanes.Items[0].Behind == 1 {
			return lanes
		}
	}
}

// askedEveryRoute holds the client to the API's own table of contents: a new route wants a new method.
func (w *world) askedEveryRoute() {
	w.t.Helper()
	mux, answered := http.NewServeMux(), map[string]bool{}
	for _, pattern := range api.Patterns() {
		mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) { answered[pattern] = true })
	}
	for route := range w.seen.routes {
		method, path, _ := strings.Cut(route, " ")
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}
	for _, pattern := range api.Patterns() {
		if !answered[pattern] {
			w.t.Errorf("%s: the client has no method, or this test does not use it", pattern)
		}
	}
}
