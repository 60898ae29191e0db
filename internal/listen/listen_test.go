package listen_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/listen"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/receive"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// place reads a body of the form "key seq".
func place(body []byte, _ http.Header) (string, int64) {
	key, seq, _ := strings.Cut(string(body), " ")
	n, _ := strconv.ParseInt(seq, 10, 64)
	return key, n
}

// post sends one request straight to the handler and returns the status.
func post(r http.Handler, id, body string, header ...string) int {
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("webhook-id", id)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	return answer.Code
}

// Promise 2 as a receiver sees it: what a sequence of requests counts as.
func TestOrder(t *testing.T) {
	t.Parallel()
	type request struct {
		body   string // "key seq"
		status int    // what it is answered
		want   listen.Sighting
	}
	const (
		first, late, again, duplicate = listen.First, listen.Late, listen.Again, listen.Duplicate
	)
	tests := []struct {
		name       string
		dense, ids bool
		requests   []request
		want       listen.Summary
	}{
		{"in order", true, false, []request{{"a 1", 200, first}, {"a 2", 200, first}, {"b 1", 200, first}, {"a 3", 204, first}},
			listen.Summary{Received: 4, Accepted: 4, Keys: 2}},
		{"a retry", true, false, []request{{"a 1", 500, first}, {"a 1", 500, again}, {"a 1", 200, again}, {"a 2", 200, first}},
			listen.Summary{Received: 4, Accepted: 2, Failed: 2, Retries: 2, Keys: 1}},
		{"a duplicate", true, false, []request{{"a 1", 200, first}, {"a 1", 200, duplicate}},
			listen.Summary{Received: 2, Accepted: 1, Duplicates: 1, Keys: 1}},
		{"a duplicate of an older one", true, false, []request{{"a 1", 200, first}, {"a 2", 200, first}, {"a 1", 200, duplicate}},
			listen.Summary{Received: 3, Accepted: 2, Duplicates: 1, Keys: 1}},
		{"out of order", true, false, []request{{"a 1", 200, first}, {"a 3", 200, first}, {"a 2", 200, late}, {"a 2", 200, duplicate}},
			listen.Summary{Received: 4, Accepted: 3, Violations: 1, Duplicates: 1, Keys: 1}},
		{"other keys do not matter", true, false, []request{{"a 1", 200, first}, {"b 1", 500, first}, {"a 2", 200, first}},
			listen.Summary{Received: 3, Accepted: 2, Failed: 1, Open: 1, Keys: 2}},
		{"missing", true, false, []request{{"a 2", 200, first}, {"a 9", 200, first}, {"a 5", 200, late}, {"a 3", 200, late}, {"a 8", 200, late}},
			listen.Summary{Received: 5, Accepted: 5, Violations: 3, Missing: 4, Keys: 1}},
		{"overtaken", true, false, []request{{"a 1", 500, first}, {"a 2", 200, first}, {"a 1", 200, again}},
			listen.Summary{Received: 3, Accepted: 2, Failed: 1, Retries: 1, Overtakes: 1, Keys: 1}},
		{"out of order, by id", false, true, []request{{"a 10", 200, first}, {"a 30", 200, first}, {"a 20", 200, late}, {"a 20", 200, duplicate}},
			listen.Summary{Received: 4, Accepted: 3, Violations: 1, Duplicates: 1, Keys: 1}},
		{"a retry, by id", false, true, []request{{"a 10", 500, first}, {"a 10", 200, again}},
			listen.Summary{Received: 2, Accepted: 1, Failed: 1, Retries: 1, Keys: 1}},
		{"neither dense nor ids", false, false, []request{{"a 10", 200, first}, {"a 30", 200, first}, {"a 20", 200, duplicate}},
			listen.Summary{Received: 3, Accepted: 2, Duplicates: 1, Keys: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var now request
			r := listen.New(listen.Options{
				Place: place, Dense: test.dense, RememberIDs: test.ids,
				Script: func(*listen.Message) listen.Answer { return listen.Answer{Status: now.status} },
				OnMessage: func(m *listen.Message) {
					if m.Sighting != now.want {
						t.Errorf("%q is %s, want %s", now.body, m.Sighting, now.want)
					}
				},
			})
			for _, now = range test.requests {
				post(r, "id of "+now.body, now.body)
			}
			if got := r.Summary(); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestRepeatsByIDAlone(t *testing.T) {
	t.Parallel()
	r := listen.New(listen.Options{RememberIDs: true, FailFirst: 1})
	for range 3 {
		post(r, "m1", "")
	}
	want := listen.Summary{Received: 3, Accepted: 1, Failed: 1, Retries: 1, Duplicates: 1}
	if got := r.Summary(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAnswersAsTold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options listen.Options
		ids     []string
		want    []int
	}{
		{"by default", listen.Options{}, []string{"a", "b"}, []int{200, 200}},
		{"a status", listen.Options{Status: 410}, []string{"a"}, []int{410}},
		{"every second fails", listen.Options{FailEvery: 2}, []string{"a", "b", "c", "d"}, []int{200, 500, 200, 500}},
		{"the first two of each fail", listen.Options{FailFirst: 2, FailStatus: 503}, []string{"a", "b", "a", "a", "b", "b"},
			[]int{503, 503, 503, 200, 503, 200}},
		{"by script", listen.Options{Status: 202, Script: func(m *listen.Message) listen.Answer {
			if m.ID == "a" && m.Attempt == 1 {
				return listen.Answer{Status: 429, Header: http.Header{"Retry-After": {"1"}}, Body: "later"}
			}
			return listen.Answer{}
		}}, []string{"a", "b"}, []int{429, 202}},
		{"a body beyond the limit", listen.Options{MaxBody: 3, Place: place}, []string{"a"}, []int{413}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := listen.New(test.options)
			for i, id := range test.ids {
				if got := post(r, id, "body", "Varsel-Attempt", "1"); got != test.want[i] {
					t.Errorf("request %d is answered %d, want %d", i+1, got, test.want[i])
				}
			}
		})
	}
}

func TestVerifiesSignatures(t *testing.T) {
	t.Parallel()
	secret := signature.NewSecret()
	signer, err := signature.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := receive.NewVerifier(clock.NewFake(noon).Now, secret)
	if err != nil {
		t.Fatal(err)
	}
	r := listen.New(listen.Options{Verifier: verifier, Place: place, Dense: true})
	header := string(signer.AppendHeader(nil, "m1", noon.Unix(), []byte("a 1")))
	stamp := strconv.FormatInt(noon.Unix(), 10)
	if got := post(r, "m1", "a 1", "webhook-timestamp", stamp, "webhook-signature", header); got != 200 {
		t.Errorf("a good signature is answered %d", got)
	}
	if got := post(r, "m1", "a 2", "webhook-timestamp", stamp, "webhook-signature", header); got != 401 {
		t.Errorf("a changed body is answered %d", got)
	}
	if got := post(r, "m1", "a 1"); got != 401 {
		t.Errorf("an unsigned message is answered %d", got)
	}
	want := listen.Summary{Received: 3, Accepted: 1, Invalid: 2, Keys: 1}
	if got := r.Summary(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRequiresClientCertificate(t *testing.T) {
	t.Parallel()
	r := listen.New(listen.Options{RequireClientCertificate: true})
	try := func(state *tls.ConnectionState) int {
		request := httptest.NewRequest(http.MethodPost, "/", nil)
		request.TLS = state
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, request)
		return answer.Code
	}
	certificate := &x509.Certificate{}
	for name, test := range map[string]struct {
		state *tls.ConnectionState
		want  int
	}{
		"plain":      {nil, 403},
		"none":       {&tls.ConnectionState{}, 403},
		"unverified": {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}, 403},
		"verified":   {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}, VerifiedChains: [][]*x509.Certificate{{certificate}}}, 200},
	} {
		if got := try(test.state); got != test.want {
			t.Errorf("%s: answered %d, want %d", name, got, test.want)
		}
	}
	if got := r.Summary(); got.Strangers != 3 || got.Accepted != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(noon)
	r := listen.New(listen.Options{Delay: time.Hour, Clock: now})
	answered := make(chan int)
	go func() { answered <- post(r, "m1", "") }()
	for due := false; !due; _, due = now.Next() {
		runtime.Gosched()
	}
	select {
	case status := <-answered:
		t.Fatalf("answered %d before the delay was over", status)
	default:
	}
	now.Advance(time.Hour)
	if status := <-answered; status != 200 {
		t.Errorf("answered %d", status)
	}
}

// A sender that gives up during the delay is not answered and the message not accepted; so is one whose connection a
// script breaks.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	r := listen.New(listen.Options{Place: place, Dense: true, Script: func(m *listen.Message) listen.Answer {
		if m.Seq == 1 {
			return listen.Answer{Abort: true}
		}
		return listen.Answer{Delay: time.Hour}
	}})
	server := httptest.NewServer(r)
	defer server.Close()
	if answer, err := http.Post(server.URL, "text/plain", strings.NewReader("a 1")); err == nil {
		_ = answer.Body.Close()
		t.Errorf("answered %s, want a broken connection", answer.Status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("a 2"))
	gave := make(chan error)
	go func() {
		answer, err := server.Client().Do(request)
		if err == nil {
			_ = answer.Body.Close()
		}
		gave <- err
	}()
	for r.Summary().Received < 2 {
		runtime.Gosched()
	}
	cancel()
	if err := <-gave; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	server.Close() // waits for the handlers
	if got := r.Summary(); got.Accepted != 0 || got.Failed != 2 || got.Open != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestManyKeysAtOnce(t *testing.T) {
	t.Parallel()
	r := listen.New(listen.Options{Place: place, Dense: true})
	const workers, each = 8, 300
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := 1; n <= each; n++ {
				post(r, fmt.Sprint(worker, "-", n), fmt.Sprint("key", worker, " ", n))
			}
		})
	}
	all.Wait()
	want := listen.Summary{Received: workers * each, Accepted: workers * each, Keys: workers}
	if got := r.Summary(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPrinter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := listen.New(listen.Options{OnMessage: listen.Printer(&out), Clock: clock.NewFake(noon)})
	post(r, "m1", `{"name":"Åbakke"}`, "Content-Type", "application/json", "Varsel-Attempt", "2", "Varsel-Test", "1")
	post(r, "m2", "\x1b]0;evil\x07<æ/>", "Content-Type", "application/xml")
	post(r, "m3", strings.Repeat("x", 20_000), "Content-Type", "text/plain")
	want := "12:00:00.000  m1  first  answered 200  attempt 2  test message  application/json, 18 bytes\n" +
		"{\n  \"name\": \"Åbakke\"\n}\n" +
		"12:00:00.000  m2  first  answered 200  application/xml, 14 bytes\n" +
		"�]0;evil�<æ/>\n" +
		"12:00:00.000  m3  first  answered 200  text/plain, 20000 bytes\n" +
		strings.Repeat("x", 16<<10) + "\n… 3616 bytes more\n"
	if out.String() != want {
		t.Errorf("printed:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestSummaryInOneLine(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]listen.Summary{
		"3 received, 3 accepted": {Received: 3, Accepted: 3, Keys: 2},
		"9 received, 3 accepted, 2 failed, 1 duplicates, 1 out of order": {Received: 9, Accepted: 3, Failed: 2, Duplicates: 1, Violations: 1},
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

func BenchmarkReceiver(b *testing.B) {
	for name, options := range map[string]listen.Options{
		"counting": {},
		"order":    {Place: place, Dense: true},
	} {
		b.Run(name, func(b *testing.B) {
			r := listen.New(options)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				w, body := nowhere{http.Header{}}, strings.NewReader("key 1")
				request := httptest.NewRequest(http.MethodPost, "/", nil)
				request.Body = io.NopCloser(body)
				for pb.Next() {
					body.Reset("key 1")
					r.ServeHTTP(w, request)
				}
			})
		})
	}
}
