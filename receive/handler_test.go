package receive_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/receive"
)

// statusOf is what an error is answered with.
func statusOf(err error) int { return answerOf(err).Code }

func answerOf(err error) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	receive.Answer(w, err)
	return w
}

const oneEvent = `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"n":1}}`

// request is a message with the headers given beside its id.
func request(id, body string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/cloudevents+json")
	r.Header.Set("webhook-id", id)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// signed is a message that was signed at a time.
func signed(t *testing.T, at time.Time, id, body string, keys ...string) *http.Request {
	t.Helper()
	signer, err := signature.NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return request(id, body, "webhook-timestamp", strconv.FormatInt(at.Unix(), 10),
		"webhook-signature", string(signer.AppendHeader(nil, id, at.Unix(), []byte(body))))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// counter counts the messages it is handed and returns err for each.
type counter struct {
	calls atomic.Int64
	err   error
}

func (c *counter) take(context.Context, *receive.Message) error {
	c.calls.Add(1)
	return c.err
}

func newHandler(t *testing.T, handle func(context.Context, *receive.Message) error, options receive.Options) *receive.Handler {
	t.Helper()
	if options.Now == nil {
		options.Now = func() time.Time { return noon }
	}
	h, err := receive.New(handle, options)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestVerifiesSignatures(t *testing.T) {
	t.Parallel()
	old, fresh, strange := signature.NewSecret(), signature.NewSecret(), signature.NewSecret()
	private, public := signature.NewKeyPair()
	change := func(r *http.Request, name, value string) *http.Request {
		r.Header.Set(name, value)
		return r
	}
	replaced := signed(t, noon, "m", oneEvent, old)
	replaced.Body = io.NopCloser(strings.NewReader(strings.Replace(oneEvent, `"n":1`, `"n":2`, 1)))
	unsigned := signed(t, noon, "m", oneEvent, old)
	unsigned.Header.Del("webhook-signature")
	for _, test := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"the old secret", signed(t, noon, "m", oneEvent, old), 204},
		{"the new one", signed(t, noon, "m", oneEvent, fresh), 204},
		{"both, during a rotation", signed(t, noon, "m", oneEvent, strange, old), 204},
		{"ed25519", signed(t, noon, "m", oneEvent, private), 204},
		{"almost too old", signed(t, noon.Add(-receive.Tolerance), "m", oneEvent, old), 204},
		{"almost too early", signed(t, noon.Add(receive.Tolerance), "m", oneEvent, old), 204},
		{"a stranger's", signed(t, noon, "m", oneEvent, strange), 401},
		{"too old", signed(t, noon.Add(-receive.Tolerance-time.Second), "m", oneEvent, old), 401},
		{"too early", signed(t, noon.Add(receive.Tolerance+time.Second), "m", oneEvent, old), 401},
		{"another id", change(signed(t, noon, "m", oneEvent, old), "webhook-id", "n"), 401},
		{"another time", change(signed(t, noon, "m", oneEvent, old), "webhook-timestamp", strconv.FormatInt(noon.Unix()+1, 10)), 401},
		{"another body", replaced, 401},
		{"none", unsigned, 401},
		{"nothing", request("m", oneEvent), 401},
	} {
		var c counter
		h := newHandler(t, c.take, receive.Options{Keys: []string{old, fresh, public}})
		if w := serve(h, test.r); w.Code != test.want || c.calls.Load() != int64(map[int]int{204: 1}[test.want]) {
			t.Errorf("%s: answered %d after %d calls, want %d", test.name, w.Code, c.calls.Load(), test.want)
		}
	}
}

func TestAReceiverMustKnowTheHub(t *testing.T) {
	t.Parallel()
	handle := new(counter).take
	for name, make := range map[string]func() (*receive.Handler, error){
		"nothing to know it by": func() (*receive.Handler, error) { return receive.New(handle, receive.Options{}) },
		"a key that is none": func() (*receive.Handler, error) {
			return receive.New(handle, receive.Options{Keys: []string{"hunter2"}})
		},
		"a private key": func() (*receive.Handler, error) {
			private, _ := signature.NewKeyPair()
			return receive.New(handle, receive.Options{Keys: []string{private}})
		},
		"no function": func() (*receive.Handler, error) { return receive.New(nil, receive.Options{Anyone: true}) },
	} {
		h, err := make()
		if err == nil || h != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: quotes the key: %v", name, err)
		}
	}
}

// S29, S31 to S33, S36: the answer is what came of the message, and comes after it.
func TestAnswersWhatTheHandlerReturned(t *testing.T) {
	t.Parallel()
	secret := errors.New("database password hunter2")
	for _, test := range []struct {
		name   string
		err    error
		status int
		after  string
		body   string
	}{
		{"done", nil, 204, "", ""},
		{"any error", secret, 500, "", ""},
		{"later", receive.RetryAfter(90*time.Second, secret), 503, "90", ""},
		{"later, rounded up", receive.RetryAfter(1500*time.Millisecond, nil), 503, "2", ""},
		{"later, at once", receive.RetryAfter(-1, nil), 503, "1", ""},
		{"rejected", receive.Reject("no such permit"), 422, "", "no such permit\n"},
		{"rejected, wrapped", fmt.Errorf("%w: %w", secret, receive.Reject("no such permit")), 422, "", "no such permit\n"},
		{"rejected at length", receive.Reject(strings.Repeat("æ", 1000)), 422, "", strings.Repeat("æ", 512) + "\n"},
		{"gone", receive.Gone("moved"), 410, "", "moved\n"},
	} {
		c := counter{err: test.err}
		var failed error
		h := newHandler(t, c.take, receive.Options{Anyone: true, Failed: func(_ *http.Request, err error) { failed = err }})
		w := serve(h, request("m", oneEvent))
		if w.Code != test.status || w.Header().Get("Retry-After") != test.after || w.Body.String() != test.body {
			t.Errorf("%s: answered %d, Retry-After %q, %q", test.name, w.Code, w.Header().Get("Retry-After"), w.Body.String())
		}
		if !errors.Is(failed, test.err) {
			t.Errorf("%s: the receiver is told %v", test.name, failed)
		}
	}
}

func TestRefusesRequestsThatAreNoMessages(t *testing.T) {
	t.Parallel()
	var c counter
	h := newHandler(t, c.take, receive.Options{Anyone: true, MaxBody: 100})
	get := httptest.NewRequest(http.MethodGet, "/", nil)
	if w := serve(h, get); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	if w := serve(h, request("m", strings.Repeat("x", 101))); w.Code != 413 {
		t.Errorf("too large: %d", w.Code)
	}
	chunked := request("m", strings.Repeat("x", 101))
	chunked.ContentLength = -1
	if w := serve(h, chunked); w.Code != 413 {
		t.Errorf("too large, and not announced: %d", w.Code)
	}
	announced := request("m", "")
	announced.ContentLength, announced.Body = 101, io.NopCloser(iotest.ErrReader(errors.New("it is read all the same")))
	if w := serve(h, announced); w.Code != 413 {
		t.Errorf("announced as too large: %d", w.Code)
	}
	broken := request("m", oneEvent)
	broken.Body = io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(oneEvent))))
	if w := serve(h, broken); w.Code != 503 {
		t.Errorf("broken off: %d", w.Code)
	}
	if w := serve(h, request("m", "{")); w.Code != 400 {
		t.Errorf("no JSON: %d", w.Code)
	}
	for name, state := range map[string]*tls.ConnectionState{
		"no TLS": nil, "no certificate": {}, "one that was not verified": {PeerCertificates: []*x509.Certificate{{}}},
	} {
		r := request("m", oneEvent)
		r.TLS = state
		if w := serve(newHandler(t, c.take, receive.Options{ClientCertificate: true}), r); w.Code != 403 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if c.calls.Load() != 0 {
		t.Errorf("%d calls", c.calls.Load())
	}
}

// S12: a resend is the same message; a replay is it once more, on purpose.
func TestARepeatHasNoSecondEffect(t *testing.T) {
	t.Parallel()
	var c counter
	h := newHandler(t, c.take, receive.Options{Anyone: true})
	for _, step := range []struct {
		r     *http.Request
		fails bool
		calls int64
	}{
		{request("m1", oneEvent), true, 1},
		{request("m1", oneEvent), false, 2}, // it had failed
		{request("m1", oneEvent), false, 2},
		{request("m2", oneEvent), false, 3},
		{request("m1", oneEvent, "Varsel-Replay", "p1"), false, 4},
		{request("m1", oneEvent, "Varsel-Replay", "p1"), false, 4},
		{request("m1", oneEvent, "Varsel-Replay", "p2"), false, 5},
		{request("m1", oneEvent), false, 5},
	} {
		c.err = nil
		wanted := 204
		if step.fails {
			c.err, wanted = io.ErrUnexpectedEOF, 500
		}
		if w := serve(h, step.r); w.Code != wanted || c.calls.Load() != step.calls {
			t.Fatalf("%v: answered %d after %d calls, want %d after %d", step.r.Header, w.Code, c.calls.Load(), wanted, step.calls)
		}
	}
}

// A batch is answered as a whole: what was handled before the failure is not handled again.
func TestABatchGoesOnWhereItFailed(t *testing.T) {
	t.Parallel()
	var took []string
	refuse := true
	h := newHandler(t, func(_ context.Context, m *receive.Message) error {
		if m.EventID == "2" && refuse {
			return errors.New("not yet")
		}
		took = append(took, m.EventID)
		return nil
	}, receive.Options{Anyone: true})
	one := func(id string) string { return strings.Replace(oneEvent, `"1"`, `"`+id+`"`, 1) }
	batch := "[" + one("1") + "," + one("2") + "," + one("3") + "]"
	post := func() int {
		return serve(h, request("r", batch, "Content-Type", "application/cloudevents-batch+json")).Code
	}
	if got := post(); got != 500 {
		t.Errorf("answered %d", got)
	}
	refuse = false
	if got := post(); got != 204 {
		t.Errorf("answered %d", got)
	}
	if got := strings.Join(took, ""); got != "123" {
		t.Errorf("took %s", got)
	}
}

// S54: a test is acknowledged and has no effect, unless the receiver asks for it.
func TestATestMessageIsAcknowledged(t *testing.T) {
	t.Parallel()
	var real, tests counter
	test := func() *http.Request { return request("m", oneEvent, "Varsel-Test", "1") }
	h := newHandler(t, real.take, receive.Options{Anyone: true})
	if w := serve(h, test()); w.Code != 204 || real.calls.Load() != 0 {
		t.Errorf("answered %d after %d calls", w.Code, real.calls.Load())
	}
	if w := serve(h, request("m", "{", "Varsel-Test", "1")); w.Code != 400 {
		t.Errorf("one that cannot be read is answered %d", w.Code)
	}
	tests.err = receive.Reject("not here")
	h = newHandler(t, real.take, receive.Options{Anyone: true, Test: tests.take})
	if w := serve(h, test()); w.Code != 422 || tests.calls.Load() != 1 || real.calls.Load() != 0 {
		t.Errorf("answered %d after %d tests and %d calls", w.Code, tests.calls.Load(), real.calls.Load())
	}
}

func TestJSONHandsOverTheDataOrRejects(t *testing.T) {
	t.Parallel()
	var got int
	h := newHandler(t, receive.JSON(func(_ context.Context, _ *receive.Message, data struct{ N int }) error {
		got = data.N
		return nil
	}), receive.Options{Anyone: true})
	if w := serve(h, request("m1", oneEvent)); w.Code != 204 || got != 1 {
		t.Errorf("answered %d, got %d", w.Code, got)
	}
	if w := serve(h, request("m2", strings.Replace(oneEvent, `"n":1`, `"n":"0101701234"`, 1))); w.Code != 422 || strings.Contains(w.Body.String(), "0101") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

// A hub that gave up and tries again must not meet the first attempt still at work.
func TestTwoAtOnceAreOne(t *testing.T) {
	t.Parallel()
	store := receive.NewMemory(0)
	for _, first := range []error{nil, errors.New("failed")} {
		key := receive.Key{ID: fmt.Sprint(first)}
		begun, finish := make(chan struct{}), make(chan struct{})
		var both sync.WaitGroup
		both.Go(func() {
			err := store.Once(t.Context(), key, func(context.Context) error { close(begun); <-finish; return first })
			if err != first {
				t.Errorf("the first got %v", err)
			}
		})
		<-begun
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := store.Once(gone, key, func(context.Context) error { t.Error("both at once"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("one that cannot wait got %v", err)
		}
		calls := 0
		both.Go(func() {
			if err := store.Once(t.Context(), key, func(context.Context) error { calls++; return nil }); err != nil {
				t.Errorf("the second got %v", err)
			}
		})
		close(finish)
		both.Wait()
		if wanted := map[bool]int{true: 1}[first != nil]; calls != wanted {
			t.Errorf("after %v the second was called %d times", first, calls)
		}
	}
}

func TestMemoryForgetsTheOldestAndNothingElse(t *testing.T) {
	t.Parallel()
	store, calls := receive.NewMemory(2), 0
	once := func(id string, wanted int) {
		t.Helper()
		if err := store.Once(t.Context(), receive.Key{ID: id}, func(context.Context) error { calls++; return nil }); err != nil || calls != wanted {
			t.Fatalf("%s: %d calls, want %d; %v", id, calls, wanted, err)
		}
	}
	once("a", 1)
	once("b", 2)
	once("a", 2)
	once("c", 3) // a goes
	once("b", 3)
	once("c", 3)
	once("a", 4) // b goes
	once("c", 4)
	once("b", 5)
}

// net/http lives on after a panic; so does the message.
func TestAPanicIsAFailure(t *testing.T) {
	t.Parallel()
	store := receive.NewMemory(1)
	key := receive.Key{ID: "m"}
	func() {
		defer func() { _ = recover() }()
		_ = store.Once(t.Context(), key, func(context.Context) error { panic("oops") })
	}()
	called := false
	if err := store.Once(t.Context(), key, func(context.Context) error { called = true; return nil }); err != nil || !called {
		t.Errorf("called %t, %v", called, err)
	}
}

// Whoever has no key gets no message in, whatever they send.
func FuzzStranger(f *testing.F) {
	secret := signature.NewSecret()
	f.Add("m", "1795348800", "v1,AAAA v1a,AAAA", "application/cloudevents+json", []byte(oneEvent))
	f.Add("", "", "", "", []byte{})
	f.Add("m", "-1", "v1,", "application/json", []byte(`{"MetaData":{},"Body":1}`))
	f.Fuzz(func(t *testing.T, id, stamp, signatures, contentType string, body []byte) {
		h := newHandler(t, func(context.Context, *receive.Message) error {
			t.Error("a stranger's message was handed over")
			return nil
		}, receive.Options{Keys: []string{secret}})
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header = http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signatures}, "Content-Type": {contentType}, "Varsel-Test": {"1"}}
		if w := serve(h, r); w.Code != http.StatusUnauthorized {
			t.Errorf("answered %d", w.Code)
		}
	})
}
