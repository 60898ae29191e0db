package odata_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/odata"
	"github.com/varselhub/varsel/internal/channel/odata/odatatest"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// to makes a sender to a service, with an ample limit and a clock that stands at noon.
func to(t testing.TB, root string, options ...func(*odata.Config)) *odata.Sender {
	t.Helper()
	guard, err := netguard.New(netguard.Rules{AllowHTTP: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := odata.Config{Root: root, Dial: guard.DialContext, Clock: clock.NewFake(noon)}
	config.Profile, _ = profile.Get(profile.Datafordeler)
	config.Profile.Timeout = 30 * time.Second
	for _, option := range options {
		option(&config)
	}
	sender, err := odata.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sender.Close() })
	return sender
}

// message is the n-th event's.
func message(n int64) *channel.Message {
	return &channel.Message{
		ID: fmt.Sprintf("019b1f2e-0000-7000-8000-%012d", n), ContentType: "application/json",
		Body: fmt.Appendf(nil, `{"Hændelsesbesked":{"beskedversion":"1.0","n":%d}}`, n), Attempt: 1, At: noon, Position: n,
	}
}

func messages(positions ...int64) (list []*channel.Message) {
	for _, n := range positions {
		list = append(list, message(n))
	}
	return list
}

// serve runs a service that must find nothing to complain of.
func serve(t *testing.T, s *odatatest.Service) (root string) {
	t.Helper()
	s.Root = "/push/odata"
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		for _, complaint := range s.Complaints() {
			t.Errorf("the service complains: %s", complaint)
		}
	})
	return server.URL + s.Root
}

func wantClasses(t *testing.T, results []channel.Result, want ...channel.Class) {
	t.Helper()
	var got []channel.Class
	for _, r := range results {
		got = append(got, r.Class)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v: %+v", got, want, results)
	}
}

func taken(s *odatatest.Service) (ids []int64) {
	for _, e := range s.Taken() {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestF23OneMessageIsOneEntity(t *testing.T) {
	t.Parallel()
	service := &odatatest.Service{}
	sender := to(t, serve(t, service)+"/") // with a slash at its end as well
	for n, contentType := range map[int64]string{1: "application/json; charset=utf-8", 2: "application/xml", 3: "application/x+XML"} {
		m := message(n)
		m.ContentType = contentType
		wantClasses(t, []channel.Result{sender.Send(t.Context(), m)}, channel.Delivered)
		e := service.Taken()[len(service.Taken())-1]
		if want := (odatatest.Event{Type: "#DataDistributor.Event", Body: string(m.Body), Format: map[int64]string{1: "JSON", 2: "XML", 3: "XML"}[n], ID: n}); e != want {
			t.Errorf("%s: got %+v, want %+v", contentType, e, want)
		}
	}
}

func TestF24SeveralMessagesAreOneChangeSet(t *testing.T) {
	t.Parallel()
	service := &odatatest.Service{}
	sender := to(t, serve(t, service))
	if sender.Most() != 100 {
		t.Errorf("at most %d messages a batch, want 100", sender.Most())
	}
	wantClasses(t, sender.SendAll(t.Context(), messages(3, 5, 8)), channel.Delivered, channel.Delivered, channel.Delivered)
	wantClasses(t, sender.SendAll(t.Context(), messages(9)), channel.Delivered)
	if want := []string{"$batch of 3", "Events"}; !slices.Equal(service.Requests(), want) {
		t.Errorf("requests %v, want %v", service.Requests(), want)
	}
	if want := []int64{3, 5, 8, 9}; !slices.Equal(taken(service), want) {
		t.Errorf("took %v, want %v", taken(service), want)
	}
}

func TestReading8ABatchOfOneOnRequest(t *testing.T) {
	t.Parallel()
	service := &odatatest.Service{}
	sender := to(t, serve(t, service), func(c *odata.Config) { c.BatchOfOne = true })
	wantClasses(t, []channel.Result{sender.Send(t.Context(), message(1))}, channel.Delivered)
	if want := []string{"$batch of 1"}; !slices.Equal(service.Requests(), want) {
		t.Errorf("requests %v, want %v", service.Requests(), want)
	}
}

// 201+500: both again, with the same Ids (section 7, "Batch").
func TestReading6AnyFailureIsTheWholeBatch(t *testing.T) {
	t.Parallel()
	var taking atomic.Bool
	service := &odatatest.Service{Refuse: func(e odatatest.Event) int {
		if e.ID == 2 && !taking.Load() {
			return 500
		}
		return 0
	}}
	sender := to(t, serve(t, service))
	results := sender.SendAll(t.Context(), messages(1, 2))
	wantClasses(t, results, channel.Retry, channel.Retry)
	if results[0].Status != 500 || !strings.Contains(string(results[0].Body), `"message":"no"`) {
		t.Errorf("want the service's own words: %+v", results[0])
	}
	taking.Store(true)
	wantClasses(t, sender.SendAll(t.Context(), messages(1, 2)), channel.Delivered, channel.Delivered)
	if want := []int64{1, 2}; !slices.Equal(taken(service), want) {
		t.Errorf("took %v, want %v", taken(service), want)
	}
}

func TestReading6SinglyWhereThereIsNoBatch(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 405, 501} {
		service := &odatatest.Service{Refuse: func(e odatatest.Event) int {
			if e.ID == 3 {
				return 503
			}
			return 0
		}}
		service.NoBatch.Store(int32(status))
		now := clock.NewFake(noon)
		sender := to(t, serve(t, service), func(c *odata.Config) { c.Clock = now })
		// The first that fails is the last that is sent.
		wantClasses(t, sender.SendAll(t.Context(), messages(1, 2, 3, 4)), channel.Delivered, channel.Delivered, channel.Retry)
		if sender.Most() != 1 {
			t.Errorf("%d: up to %d messages a request, want 1", status, sender.Most())
		}
		wantClasses(t, sender.SendAll(t.Context(), messages(4)), channel.Delivered)
		if want := []string{"$batch", "Events", "Events", "Events", "Events"}; !slices.Equal(service.Requests(), want) {
			t.Errorf("%d: requests %v, want %v", status, service.Requests(), want)
		}
		now.Advance(2 * time.Hour)
		service.NoBatch.Store(0)
		if sender.Most() != 100 {
			t.Errorf("%d: it is not asked again after a while", status)
		}
		wantClasses(t, sender.SendAll(t.Context(), messages(5, 6)), channel.Delivered, channel.Delivered)
	}
}

// Everything but 2xx is retried (reading 7).
func TestReading7WhatAStatusMeans(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]channel.Class{
		200: channel.Delivered, 201: channel.Delivered, 204: channel.Delivered, 301: channel.Retry, 400: channel.Retry, 401: channel.Retry,
		404: channel.Retry, 410: channel.Retry, 429: channel.Retry, 500: channel.Retry, 503: channel.Retry,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		if got := to(t, server.URL).Send(t.Context(), message(1)); got.Class != want || got.Status != status {
			t.Errorf("%d: got %s, status %d; want %s", status, got.Class, got.Status, want)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "$batch") && r.Header.Get("Varsel-Lease") == "" { // in the part of the failed change set
			w.Header().Set("Content-Type", "multipart/mixed; boundary=b")
			io.WriteString(w, "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 503 Later\r\nRetry-After: 120\r\n\r\n\r\n--b--\r\n")
			return
		}
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(503)
	}))
	defer server.Close()
	sender := to(t, server.URL)
	leased := messages(1, 2)
	leased[0].Lease, leased[1].Lease = 7, 7
	for name, results := range map[string][]channel.Result{
		"one": {sender.Send(t.Context(), message(1))}, "a batch": sender.SendAll(t.Context(), leased), "a change set": sender.SendAll(t.Context(), messages(1, 2)),
	} {
		for _, r := range results {
			if r.Class != channel.Deferred || r.After != 2*time.Minute {
				t.Errorf("%s: got %s after %s, want deferred for 2 min", name, r.Class, r.After)
			}
		}
	}
}

func TestABatchIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	service := &odatatest.Service{}
	sender := to(t, serve(t, service))
	large := messages(1, 2, 3, 4)
	for _, m := range large {
		m.Body = bytes.Repeat([]byte("x"), 1<<20)
	}
	large[3].Body = bytes.Repeat([]byte("x"), 5<<20)
	for sent := 0; sent < len(large); {
		results := sender.SendAll(t.Context(), large[sent:])
		for _, r := range results {
			wantClasses(t, []channel.Result{r}, channel.Delivered)
		}
		sent += len(results)
	}
	if want := []string{"$batch of 2", "$batch of 1", "Events"}; !slices.Equal(service.Requests(), want) {
		t.Errorf("requests %v, want %v", service.Requests(), want)
	}
}

// What cannot be an entity is the hub's mistake, and its neighbours go without it.
func TestMessageThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*channel.Message){
		"not text":    func(m *channel.Message) { m.Body = []byte("a\xffb") },
		"another way": func(m *channel.Message) { m.ContentType = "text/plain" },
		"no type":     func(m *channel.Message) { m.ContentType = "" },
	} {
		service := &odatatest.Service{}
		sender := to(t, serve(t, service))
		list := messages(1, 2, 3)
		change(list[1])
		wantClasses(t, sender.SendAll(t.Context(), list), channel.Delivered)
		results := sender.SendAll(t.Context(), list[1:])
		wantClasses(t, results, channel.Rejected)
		if results[0].Reason != string(fault.InvalidMessage) {
			t.Errorf("%s: %+v", name, results[0])
		}
		wantClasses(t, []channel.Result{sender.Send(t.Context(), list[1])}, channel.Rejected)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"", "ftp://a.dk/", "https:///x", "https://u:p@a.dk/"} {
		if _, err := odata.New(odata.Config{Root: root}); !fault.Has(err, fault.SenderConfig) {
			t.Errorf("%q: %v, want %s", root, err, fault.SenderConfig)
		}
	}
}

func TestWithoutASecureLineNothingIsSaid(t *testing.T) {
	t.Parallel()
	service := &odatatest.Service{Root: "/odata"}
	server := httptest.NewTLSServer(service)
	defer server.Close()
	result := to(t, server.URL+"/odata").Send(t.Context(), message(1))
	if result.Class != channel.Retry || result.Reason != string(fault.TLSFailed) || len(service.Requests()) > 0 {
		t.Errorf("got %s, %s, %v", result.Class, result.Reason, service.Requests())
	}
}

// capture passes on the raw bytes of requests.
func capture(t *testing.T) (addr string, requests <-chan []byte) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	got := make(chan []byte, 8)
	server := &http.Server{
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, capturing{}, c.(*teeConn))
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			got <- r.Context().Value(capturing{}).(*teeConn).drain()
		}),
	}
	go server.Serve(teeListener{listener})
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String(), got
}

type capturing struct{}

type teeListener struct{ net.Listener }

func (l teeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &teeConn{Conn: c}, err
}

type teeConn struct {
	net.Conn
	mu  sync.Mutex
	raw bytes.Buffer
}

func (c *teeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.raw.Write(p[:n])
	c.mu.Unlock()
	return n, err
}

func (c *teeConn) drain() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := bytes.Clone(c.raw.Bytes())
	c.raw.Reset()
	return raw
}

var guid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// The requests as they are on the wire, byte for byte; what is drawn is made the same.
func TestF23F24RequestsOnTheWire(t *testing.T) {
	t.Parallel()
	addr, requests := capture(t)
	for _, test := range []struct {
		file string
		root string
		send func(*odata.Sender)
	}{
		{"single", "/odata", func(s *odata.Sender) { s.Send(t.Context(), message(1878)) }},
		{"marked", "/a%2Fb/?env=T3", func(s *odata.Sender) {
			m := message(7)
			m.Attempt, m.Lease, m.Replay, m.Test, m.ContentType, m.Body = 3, 4, 2, true, "application/xml", []byte("<a>\"\r\n\t\\æ</a>")
			s.Send(t.Context(), m)
		}},
		{"batch", "/odata", func(s *odata.Sender) {
			list := messages(1, 2)
			list[0].Attempt, list[1].Replay, list[0].Lease, list[1].Lease = 2, 5, 9, 9
			s.SendAll(t.Context(), list)
		}},
	} {
		test.send(to(t, "http://"+addr+test.root, func(c *odata.Config) { c.UserAgent = "Varsel/1.2 (T3)" }))
		raw := bytes.ReplaceAll(<-requests, []byte(addr), []byte("receiver:8080"))
		drawn := map[string]string{}
		raw = guid.ReplaceAllFunc(raw, func(one []byte) []byte {
			if drawn[string(one)] == "" {
				drawn[string(one)] = fmt.Sprintf("00000000-0000-7000-8000-%012d", len(drawn)+1)
			}
			return []byte(drawn[string(one)])
		})
		golden(t, test.file, raw)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if bytes.Contains(got, []byte("$batch HTTP")) { // the port stands in it, and is not as long in every run
		got = regexp.MustCompile(`Content-Length: \d+`).ReplaceAll(got, []byte("Content-Length: …"))
	}
	path := filepath.Join("testdata", name+".request")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the request differs from %s\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// Sinks show the request that would go.
func TestRequestIsWhatSendWrites(t *testing.T) {
	t.Parallel()
	addr, requests := capture(t)
	root := "http://" + addr + "/odata"
	to(t, root).Send(t.Context(), message(1))
	want, err := odata.Request(root, "Varsel", message(1))
	if got := <-requests; err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, got, want)
	}
}

func BenchmarkSendAll(b *testing.B) {
	service := &odatatest.Service{Root: "/odata"}
	server := httptest.NewServer(service)
	defer server.Close()
	sender := to(b, server.URL+"/odata")
	var list []*channel.Message
	for n := range int64(100) {
		list = append(list, message(n+1))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range sender.SendAll(b.Context(), list) {
			if r.Class != channel.Delivered {
				b.Fatalf("%+v", r)
			}
		}
	}
}
