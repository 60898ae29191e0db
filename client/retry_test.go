package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
)

// scripted is a hub that answers one request after the other as it is told, and remembers what was asked.
type scripted struct {
	server  *httptest.Server
	answers []func(http.ResponseWriter)
	waits   []time.Duration

	mu   sync.Mutex
	sent []string
}

// bodies are those of the requests so far.
func (s *scripted) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

func newScripted(t *testing.T, answers ...func(http.ResponseWriter)) *scripted {
	t.Helper()
	s := &scripted{answers: answers}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.sent = append(s.sent, string(body))
		asked := len(s.sent)
		s.mu.Unlock()
		if asked > len(s.answers) {
			t.Error("asked more often than expected")
			return
		}
		s.answers[asked-1](w)
	}))
	t.Cleanup(s.server.Close)
	return s
}

func (s *scripted) client(t *testing.T, options client.Options) *client.Client {
	t.Helper()
	c, err := client.New(s.server.URL, options)
	if err != nil {
		t.Fatal(err)
	}
	return c.Waiting(func(ctx context.Context, d time.Duration) error {
		s.waits = append(s.waits, d)
		return ctx.Err()
	})
}

func accepts(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprint(w, `{"results":[{"id":"1","position":7,"status":"accepted"}]}`)
}

// refuses answers with a problem.
func refuses(status int, code, retryAfter string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/problem+json")
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"title":"T","status":%d,"code":%q}`, status, code)
	}
}

// proxied answers as something that is not the hub.
func proxied(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
	}
}

func breaks(http.ResponseWriter) { panic(http.ErrAbortHandler) }

var event1 = client.Event{ID: "1", Source: "s", Type: "t", Data: []byte(`{ "a": "<&>" }`)}

func TestPublishIsRepeatedWithTheSameEvents(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		first func(http.ResponseWriter)
		least time.Duration // to wait
	}{
		{"too many requests", refuses(429, "slow-down", "3"), 3 * time.Second},
		{"stopping", refuses(503, "shutting-down", "5"), 5 * time.Second},
		{"no room", refuses(507, "storage-full", ""), 0},
		{"a proxy that did not reach it", proxied(502), 0},
		{"a proxy that gave up", proxied(504), 0},
		{"no answer", breaks, 0},
	} {
		s := newScripted(t, test.first, test.first, accepts)
		results, err := s.client(t, client.Options{}).Publish(t.Context(), event1)
		if err != nil || len(results) != 1 || results[0] != (client.Result{ID: "1", Position: 7, Status: client.Accepted}) {
			t.Errorf("%s: %+v, %v", test.name, results, err)
			continue
		}
		if s.bodies()[0] != s.bodies()[1] || s.bodies()[0] != s.bodies()[2] || !strings.Contains(s.bodies()[0], `"data":{ "a": "<&>" }`) {
			t.Errorf("%s: sent %q", test.name, s.bodies())
		}
		if len(s.waits) != 2 || s.waits[0] < max(test.least, 125*time.Millisecond) || s.waits[1] < max(test.least, 250*time.Millisecond) {
			t.Errorf("%s: waited %v", test.name, s.waits)
		}
	}
}

func TestWhatARepeatCannotMendIsReturnedAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer func(http.ResponseWriter)
		is     func(error) bool
	}{
		{"a conflict of ids", refuses(409, "event-conflict", ""), func(err error) bool { return client.Has(err, client.CodeEventConflict) }},
		{"an internal error", refuses(500, "internal", ""), func(err error) bool { return client.Has(err, client.CodeInternal) }},
		{"a wait beyond patience", refuses(503, "shutting-down", "61"), func(err error) bool {
			var p *client.Problem
			return errors.As(err, &p) && p.RetryAfter == 61*time.Second && p.Status == 503
		}},
		{"not a hub", proxied(200), func(err error) bool { return errors.Is(err, client.ErrNotAHub) }},
		{"another page", proxied(404), func(err error) bool { return errors.Is(err, client.ErrNotAHub) }},
		{"a redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(307) },
			func(err error) bool { return errors.Is(err, client.ErrNotAHub) }},
	} {
		s := newScripted(t, test.answer)
		if _, err := s.client(t, client.Options{}).Publish(t.Context(), event1); !test.is(err) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// What must not happen twice is asked again only where it certainly has not happened.
func TestWhatIsNotRepeatableIsNotRepeatedInDoubt(t *testing.T) {
	t.Parallel()
	ask := func(c *client.Client) error {
		_, err := c.NewSigningKey(t.Context(), "archive", client.KeyHMAC, time.Hour)
		return err
	}
	for name, answer := range map[string]func(http.ResponseWriter){"no answer": breaks, "a proxy that gave up": proxied(504)} {
		s := newScripted(t, answer)
		if err := ask(s.client(t, client.Options{})); err == nil || len(s.bodies()) != 1 {
			t.Errorf("%s: asked %d times, %v", name, len(s.bodies()), err)
		}
	}
	s := newScripted(t, refuses(503, "shutting-down", "1"), func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"key":"whsec_x"}`)
	})
	if err := ask(s.client(t, client.Options{})); err != nil {
		t.Errorf("the hub said that it did nothing: %v", err)
	}
	s.server.Close() // nobody listens there any more
	s.waits = nil
	if err := ask(s.client(t, client.Options{Attempts: 3})); !errors.Is(err, client.ErrNoAnswer) || len(s.waits) != 2 {
		t.Errorf("no connection: waited %v, %v", s.waits, err)
	}
}

func TestAttemptsAndContextBoundTheRepeats(t *testing.T) {
	t.Parallel()
	busy := refuses(503, "shutting-down", "")
	s := newScripted(t, busy, busy, busy)
	_, err := s.client(t, client.Options{Attempts: 3}).Publish(t.Context(), event1)
	if !client.Has(err, client.CodeShuttingDown) || len(s.bodies()) != 3 {
		t.Errorf("asked %d times, %v", len(s.bodies()), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s = newScripted(t, busy)
	c := s.client(t, client.Options{}).Waiting(func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() })
	if _, err := c.Publish(ctx, event1); !errors.Is(err, context.Canceled) || !client.Has(err, client.CodeShuttingDown) {
		t.Errorf("a caller that leaves while it waits is told %v", err)
	}
	if _, err := s.client(t, client.Options{}).Publish(ctx, event1); !errors.Is(err, context.Canceled) || len(s.bodies()) != 1 {
		t.Errorf("one that has left is told %v after %d requests", err, len(s.bodies()))
	}
}

func TestBackOffDoublesWithinItsBounds(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 5: 4 * time.Second, 6: 8 * time.Second, 7: 10 * time.Second, 1000: 10 * time.Second} {
		if got := client.BackOff(attempt, 0); got != want {
			t.Errorf("attempt %d: %v, want %v", attempt, got, want)
		}
		if got := client.BackOff(attempt, 1); got != want/2 {
			t.Errorf("attempt %d: at least %v, want %v", attempt, got, want/2)
		}
	}
}

func TestATokenIsAskedForAtEveryAttempt(t *testing.T) {
	t.Parallel()
	var shown []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Authorization"))
		if len(shown) == 1 {
			refuses(503, "shutting-down", "")(w)
			return
		}
		accepts(w)
	}))
	defer server.Close()
	var asked atomic.Int64
	c, err := client.New(server.URL, client.Options{Token: func(context.Context) (string, error) { return fmt.Sprint("t", asked.Add(1)), nil }})
	if err != nil {
		t.Fatal(err)
	}
	c.Waiting(func(context.Context, time.Duration) error { return nil })
	if _, err := c.Publish(t.Context(), event1); err != nil || strings.Join(shown, ",") != "Bearer t1,Bearer t2" {
		t.Errorf("shown %v, %v", shown, err)
	}
	lost := errors.New("no token today")
	c, _ = client.New(server.URL, client.Options{Token: func(context.Context) (string, error) { return "", lost }})
	if _, err := c.Publish(t.Context(), event1); !errors.Is(err, lost) || len(shown) != 2 {
		t.Errorf("without a token: %v, asked %d times", err, len(shown))
	}
}

func TestNewRefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	token := func(context.Context) (string, error) { return "t", nil }
	for _, address := range []string{"", "hub.example", "ftp://hub.example", "https://", "https://user@hub.example", "https://hub.example?x=1", "https://hub.example#x", "%"} {
		if _, err := client.New(address, client.Options{}); err == nil {
			t.Errorf("%q: accepted", address)
		}
	}
	if _, err := client.New("http://hub.example", client.Options{Token: token}); err == nil {
		t.Error("a token goes over plain http")
	}
	for _, address := range []string{"https://hub.example", "http://localhost:8080", "http://127.0.0.1/"} {
		if _, err := client.New(address, client.Options{Token: token}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestEventsThatCannotBePublished(t *testing.T) {
	t.Parallel()
	s := newScripted(t)
	for name, e := range map[string]client.Event{
		"no id":                    {Source: "s", Type: "t"},
		"data that is not JSON":    {ID: "1", Source: "s", Type: "t", Data: []byte("<a/>")},
		"an extension called data": {ID: "1", Source: "s", Type: "t", Extensions: map[string]string{"data": "x"}},
		"an extension called id":   {ID: "1", Source: "s", Type: "t", Extensions: map[string]string{"id": "2"}},
	} {
		if _, err := s.client(t, client.Options{}).Publish(t.Context(), e); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if results, err := s.client(t, client.Options{}).Publish(t.Context()); err != nil || results != nil {
		t.Errorf("none: %v, %v", results, err)
	}
	if _, err := client.NewEvent("s", "t", func() {}); err == nil {
		t.Error("data that is no JSON: accepted")
	}
}
