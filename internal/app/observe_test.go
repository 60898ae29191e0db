package app_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/netguard"
)

// lines is a log that a test can read while it is written, and wait for.
type lines struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func newLines() *lines { return &lines{written: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.written <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log says something.
func (l *lines) await(t *testing.T, pattern string) string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	for deadline := time.After(10 * time.Second); ; {
		if found := want.FindString(l.String()); found != "" {
			return found
		}
		select {
		case <-l.written:
		case <-deadline:
			t.Fatalf("the log does not say %s:\n%s", pattern, l.String())
		}
	}
}

// serving is a hub with the world of configure, that answers on a loopback port.
func serving(t *testing.T, receiver http.Handler, level slog.Level) (hub *app.Hub, url string, log *lines) {
	t.Helper()
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	log = newLines()
	hub, err := app.New(t.Context(), app.Config{
		Data: t.TempDir(), NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true},
	}, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		soon, cancel := context.WithCancel(context.Background())
		cancel()
		hub.Stop(soon)
	})
	if err := hub.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Serve(socket); err != nil {
		t.Fatal(err)
	}
	configure(t, hub, server.URL)
	return hub, "http://" + socket.Addr().String(), log
}

func post(t *testing.T, url, body string) int {
	t.Helper()
	response, err := http.Post(url, "application/cloudevents+json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// Even with every line written, no line holds a person, a payload or a query.
func TestLinesAreWideAndNameNoPerson(t *testing.T) {
	t.Parallel()
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Varsel-Test") == "" {
			w.WriteHeader(422)
			_, _ = io.WriteString(w, "0101010007 is unknown here")
		}
	})
	_, url, log := serving(t, receiver, slog.LevelDebug)
	const event = `{"specversion":"1.0","id":"1","source":"urn:cv","type":"cv","data":{"person":"0101010007"}}`
	if status := post(t, url+"/api/v1/events?partial=true", event); status != 202 {
		t.Fatal(status)
	}
	log.await(t, `level=DEBUG msg=publish request=[0-9a-f-]{36} status=202 code="" principal=anyone method=unasked source=urn:cv type=cv events=1 accepted=1 duplicates=0 refused=0 first=\d+ last=\d+ bytes=\d+ ms=[\d.]+ skipped=0\n`)
	log.await(t, `level=WARN msg=attempt message=[0-9a-f-]{36} position=\d+ type=cv system=jobcenter subscription=[0-9a-f-]{36} profile=star number=1 outcome=parked result=rejected status=422 reason=.* ms=[\d.]+ skipped=0\n`)
	if status := post(t, url+"/api/v1/events?partial=true", strings.Replace(event, `"urn:cv"`, `"urn:0101010007"`, 1)); status != 207 {
		t.Fatal(status)
	}
	log.await(t, `level=INFO msg=publish request=[0-9a-f-]{36} status=207 code="" principal=anyone method=unasked source="" type="" events=1 accepted=0 duplicates=0 refused=1 `)
	if status := post(t, url+"/api/v1/events", strings.Replace(event, `"type":"cv"`, `"type":"0101010007"`, 1)); status != 422 {
		t.Fatal(status)
	}
	log.await(t, `level=INFO msg=publish request=[0-9a-f-]{36} status=422 code=invalid-event principal=anyone method=unasked source="" `)
	for _, secret := range []string{"0101010007", "partial", "127.0.0.1"} {
		if text := log.String(); strings.Contains(text, secret) {
			t.Errorf("the log holds %q:\n%s", secret, text)
		}
	}
}

// What is scraped is what the hub counts.
func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	_, url, log := serving(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), slog.LevelDebug)
	if status := post(t, url+"/api/v1/events", `{"specversion":"1.0","id":"1","source":"urn:cv","type":"cv","data":{"person":"0101010007"}}`); status != 202 {
		t.Fatal(status)
	}
	log.await(t, `msg=attempt .* result=delivered`)
	log.await(t, `msg=publish .* status=202`)
	response, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`varsel_ready 1`, `varsel_events_total{status="accepted"} 1`, `varsel_attempts_total{profile="star",result="delivered",system="jobcenter"} 1`,
		`varsel_pending{profile="star",system="jobcenter"}`, `varsel_connections{address="` + strings.TrimPrefix(url, "http://") + `"}`, "go_goroutines",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "0101010007") {
		t.Error("a metric names a person")
	}
}

// The publisher's trace goes on with the message, in the header that every tracing receiver reads.
func TestTheTraceGoesThrough(t *testing.T) {
	t.Parallel()
	const request, own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-00"
	traces := make(chan string, 1)
	receiver := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Varsel-Test") == "" {
			traces <- r.Header.Get("Traceparent") + " " + r.Header.Get("Tracestate")
		}
	})
	_, url, _ := serving(t, receiver, slog.LevelInfo)
	for event, want := range map[string]string{
		`{"specversion":"1.0","id":"1","source":"urn:cv","type":"cv","data":{"person":"0101010007"}}`:                             request + " a=1",
		`{"specversion":"1.0","id":"2","source":"urn:cv","type":"cv","traceparent":"` + own + `","data":{"person":"0101010008"}}`: own + " ",
	} {
		r, err := http.NewRequest(http.MethodPost, url+"/api/v1/events", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/cloudevents+json")
		r.Header.Set("Traceparent", request)
		r.Header.Set("Tracestate", "a=1")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 202 {
			t.Fatal(response.StatusCode)
		}
		if got := <-traces; got != want {
			t.Errorf("the receiver is told of trace %q, want %q", got, want)
		}
	}
}

// Asked to stop, the hub says what it does, waits for the attempt in flight, and sends it once only.
func TestStopWaitsForWhatIsInFlight(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan struct{}), make(chan struct{})
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Varsel-Test") == "" {
			arrived <- struct{}{}
			<-answer
		}
	})
	hub, url, log := serving(t, receiver, slog.LevelDebug)
	if status := post(t, url+"/api/v1/events", `{"specversion":"1.0","id":"1","source":"urn:cv","type":"cv","data":{"person":"0101010007"}}`); status != 202 {
		t.Fatal(status)
	}
	<-arrived
	stopped := make(chan struct{})
	go func() {
		hub.Stop(context.Background())
		close(stopped)
	}()
	log.await(t, `msg="waiting for the answers to what is in flight; no new send begins" inFlight=1`)
	select {
	case <-stopped:
		t.Fatal("stopped with a message in flight")
	default:
	}
	close(answer)
	<-stopped
	text := log.String()
	order := []string{"taking no more connections", "waiting for the answers", "msg=attempt", "committing what is known"}
	for i, what := range order {
		at := strings.Index(text, what)
		if at < 0 || i > 0 && at < strings.Index(text, order[i-1]) {
			t.Errorf("%q is not said after what comes before it:\n%s", what, text)
		}
	}
	if hub.Engine.Totals().Pending != 0 {
		t.Error("the message is still owed")
	}
}
