package now

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/subscription"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixture is a hub that stands still: one system that is well, one with two blocked lanes, one that is down.
type fixture struct {
	*managetest.World
	unhealthy bool
	lanes     []delivery.LaneView
	endpoints []delivery.EndpointView
	events    []*event.Event
	rows      map[int64][]eventlog.AttemptRow
	readErr   error
	missing   error // of a node that does not answer
}

func (f *fixture) Totals(context.Context) (delivery.Totals, error) {
	return delivery.Totals{Delivered: 1234, Retried: 5, Pending: 7, InFlight: 1, Blocked: 3}, f.missing
}
func (f *fixture) Endpoints(context.Context) ([]delivery.EndpointView, error) {
	return f.endpoints, f.missing
}
func (f *fixture) Lanes(context.Context, delivery.Selection) ([]delivery.LaneView, error) {
	return f.lanes, f.missing
}
func (f *fixture) Standings(context.Context) ([]delivery.Standing, error) {
	return []delivery.Standing{{System: "archive", Pending: 2}, {System: "jobcenter", Pending: 2}, {System: "tax-office", Pending: 2}}, f.missing
}
func (f *fixture) Head() int64   { return 42 }
func (f *fixture) Healthy() bool { return !f.unhealthy }
func (f *fixture) AttemptsAt(_ context.Context, p int64) ([]eventlog.AttemptRow, error) {
	return f.rows[p], nil
}
func (f *fixture) Read(context.Context, int64, int) ([]*event.Event, int64, error) {
	return append([]*event.Event(nil), f.events...), 42, f.readErr
}

const personNumber = "0000000007"

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{World: managetest.New(t), rows: map[int64][]eventlog.AttemptRow{}}
	f.Seed()
	f.System("archive", profile.Standard)
	f.System("jobcenter", profile.Standard)
	f.System("tax-office", profile.Standard)
	f.Subscribe("archive", subscription.Subscription{Name: "all", Path: "/all?token=secret"})
	f.Subscribe("jobcenter", subscription.Subscription{Name: "all", Types: []string{"plan"}, Path: "/all"})
	tax := f.Subscribe("tax-office", subscription.Subscription{Name: "cv", Types: []string{"cv"}, Path: "/cv"})["cv"]
	at := managetest.Epoch
	lane := event.Lane{0xab, 0xcd, 1}
	f.lanes = []delivery.LaneView{
		{Consumer: "subscription/" + tax, System: "tax-office", Lane: lane.String(), Position: 40, State: "retrying", Behind: 1, Attempts: 2,
			Since: clock.Micros(at.Add(-95 * time.Second)), Due: clock.Micros(at.Add(3 * time.Second)), Status: 500},
		{Consumer: "subscription/" + tax, System: "tax-office", Lane: event.Lane{9}.String(), Position: 38, State: "parked", Attempts: 1,
			Since: clock.Micros(at.Add(-2 * time.Hour)), Reason: "invalid-message"},
	}
	f.endpoints = []delivery.EndpointView{
		{System: "archive", URL: "https://archive.test/hook/all?token=secret", State: "open for messages", InFlight: 1},
		{System: "jobcenter", URL: "https://jobcenter.test/hook/all", State: "down", Since: clock.Micros(at.Add(-26 * time.Hour))},
	}
	for position := int64(40); position <= 42; position++ {
		f.events = append(f.events, &event.Event{
			Position: 1000 + position, Recorded: clock.Micros(at.Add(-time.Second)), Source: "urn:test:dfdg", Type: "cv", Personal: true, Lane: lane,
			Data: []byte(`{"person":"` + personNumber + `"}`), Head: []byte(`{"subject":"` + personNumber + `"}`),
		})
	}
	f.lanes[0].Position = 1041
	f.rows[1040] = []eventlog.AttemptRow{{Consumer: f.lanes[0].Consumer, Attempt: eventlog.Attempt{Outcome: eventlog.Failed}},
		{Consumer: f.lanes[0].Consumer, Attempt: eventlog.Attempt{Outcome: eventlog.Done}}}
	return f
}

func (f *fixture) page(t *testing.T) http.Handler {
	t.Helper()
	handler, err := New(Options{Deliveries: f, Log: f, History: f, Book: f.Book, Clock: f.Clock, Zone: time.UTC, Environment: "T1"})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}

func (f *fixture) look(t *testing.T) *Look {
	t.Helper()
	f.Clock.Advance(fresh)
	l := new(Look)
	if err := json.Unmarshal(get(t, f.page(t), "/now.json").Body.Bytes(), l); err != nil {
		t.Fatal(err)
	}
	return l
}

// A node that does not answer leaves a part of the page empty: it is said, and the rest is shown.
func TestAMissingNodeIsSaid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.missing = fault.New(fault.NodeUnreachable, "node b does not answer")
	l := f.look(t)
	if l.Verdict.Word != partly.Word || !strings.Contains(l.Trouble, "node b does not answer") {
		t.Errorf("it says %q: %q", l.Verdict.Word, l.Trouble)
	}
	if len(l.Lanes) != 2 || l.Totals.Delivered != 1234 {
		t.Errorf("what there is is not shown: %+v", l)
	}
}

func TestThePageAsItStands(t *testing.T) {
	t.Parallel()
	got := get(t, newFixture(t).page(t), "/")
	const name = "testdata/page.golden.html"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Body.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.Body, want)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	handler := newFixture(t).page(t)
	for path, mediaType := range map[string]string{
		"/": "text/html; charset=utf-8", "/now.json": "application/json", "/now.css": "text/css; charset=utf-8", "/now.js": "text/javascript; charset=utf-8",
		"/now.svg": "image/svg+xml",
	} {
		got := get(t, handler, path)
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != mediaType {
			t.Errorf("%s: %d %s", path, got.Code, got.Header().Get("Content-Type"))
		}
		csp := got.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, got.Header())
		}
	}
	if got := get(t, handler, "/other"); got.Code != http.StatusNotFound {
		t.Errorf("/other: %d", got.Code)
	}
}

// The policy forbids style and script inside the page, and whoever has no script sees everything and can reload.
func TestThePageIsWholeWithoutScript(t *testing.T) {
	t.Parallel()
	page := get(t, newFixture(t).page(t), "/").Body.String()
	for _, forbidden := range []string{" style=", "<style", " onclick", "javascript:", "http-equiv"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]`).FindString(page); inline != "" {
		t.Errorf("script in the page: %s", inline)
	}
	for _, shown := range []string{`<a id="reload" href="./">`, "1234", "tax-office", "retrying", "parked", "abcd0100", "in 3 s", "1 min 35 s", "down", "1 d 2 h"} {
		if !strings.Contains(page, shown) {
			t.Errorf("the page does not show %q", shown)
		}
	}
}

func TestNobodysNumberAndNoSecretIsShown(t *testing.T) {
	t.Parallel()
	handler := newFixture(t).page(t)
	for _, path := range []string{"/", "/now.json"} {
		body := get(t, handler, path).Body.String()
		if !strings.Contains(body, "1042") {
			t.Fatalf("%s does not show the events", path)
		}
		for _, secret := range []string{personNumber, "token=secret"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
	}
}

func TestWhatIsForeignIsEscaped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Manager.PutType(context.Background(), event.Type{Name: "plan", Title: "<script>alert(1)</script>", Order: event.OrderNone, Retention: "P180D"},
		manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	f.Must(err)
	f.events[0].Type = "plan"
	page := get(t, f.page(t), "/").Body.String()
	if strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("a title is not escaped")
	}
}

func TestWhereTheNewestEventsAre(t *testing.T) {
	t.Parallel()
	l := newFixture(t).look(t)
	if len(l.Events) != 3 || l.Events[0].Position != 1042 {
		t.Fatalf("want the newest first: %+v", l.Events)
	}
	for i, want := range []Mark{waiting, retrying, delivered} {
		found := ""
		for _, stop := range l.Events[i].To {
			if stop.System == "tax-office" {
				found = stop.Mark.Word
			}
		}
		if found != want.Word {
			t.Errorf("event %d is %q at the tax office, want %q", l.Events[i].Position, found, want.Word)
		}
	}
	if to := l.Events[0].To; len(to) != 2 || to[0].System != "archive" || to[0].Mark.Word != underway.Word {
		t.Errorf("want archive, on its way, and the tax office: %+v", to)
	}
}

func TestTheVerdictTellsTheWorst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	verdict := func(want Mark) {
		t.Helper()
		if got := f.look(t).Verdict; got.Word != want.Word {
			t.Errorf("got %q, want %q", got.Word, want.Word)
		}
	}
	verdict(broken) // a lane is parked, an endpoint is down
	if s := f.look(t).Systems[2]; s.Name != "tax-office" || s.Mark.Word != parked.Word || s.Blocked != 2 {
		t.Errorf("%+v", s)
	}
	f.lanes = f.lanes[:1]
	verdict(broken) // an endpoint is down
	f.endpoints = f.endpoints[:1]
	verdict(careful) // a lane retries
	f.lanes = nil
	verdict(calm)
	f.unhealthy = true
	verdict(stopped)
}

func TestAPauseIsShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	err := f.Manager.Pause(context.Background(), "system/archive", "test", "")
	f.Must(err)
	if s := f.look(t).Systems[0]; s.Name != "archive" || s.Mark.Word != paused.Word {
		t.Errorf("%+v", s)
	}
}

func TestAStoreThatCannotBeReadShowsNoEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.readErr = errors.New("disk")
	if l := f.look(t); len(l.Events) != 0 || len(l.Systems) != 3 {
		t.Errorf("%+v", l)
	}
}

// Many who watch cost no more than one: within half a second everybody gets the same look.
func TestOneLookServesMany(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	handler := f.page(t)
	first := get(t, handler, "/now.json").Body.String()
	f.lanes = nil
	if again := get(t, handler, "/now.json").Body.String(); again != first {
		t.Error("a new look was taken at once")
	}
	f.Clock.Advance(fresh)
	if later := get(t, handler, "/now.json").Body.String(); later == first {
		t.Error("the look is never taken anew")
	}
}

// F39: what happens in registers is on a map, where there are registers.
func TestF39TheWayToTheMaps(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shows := func() bool { return strings.Contains(get(t, f.page(t), "/").Body.String(), `href="/registers"`) }
	if shows() {
		t.Error("it leads to maps of nothing")
	}
	_, err := f.Manager.PutSource(t.Context(), event.Source{Name: "land", URI: "urn:land", Title: "Land"}, manage.By{Author: "test"})
	f.Must(err)
	_, err = f.Manager.PutRegister(t.Context(), register.Register{Name: "land", Source: "land", Types: []register.EntityType{{
		Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []register.Column{{Name: "id", Required: true}},
	}}}, manage.By{Author: "test"})
	f.Must(err)
	if !shows() {
		t.Error("there is no way to the maps")
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "under 1 s", 400 * time.Millisecond: "under 1 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s",
		3 * time.Hour: "3 h 0 min", 49*time.Hour + 30*time.Minute: "2 d 1 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
