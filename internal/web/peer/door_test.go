package peer

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// doorstep is a door that nobody stands behind, on a clock that the test moves.
func doorstep(t *testing.T) (http.Handler, *clock.Fake) {
	t.Helper()
	clk := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	return NewDoor(&Own{}, alone(1), theKey, clk, func(doing string, err error) { t.Errorf("trouble %s: %v", doing, err) }), clk
}

// alone is a directory of one node.
type alone int64

func (a alone) Holder(string) (n eventlog.Node, ok bool) { return n, false }
func (a alone) Nodes() ([]eventlog.Node, int64)          { return nil, int64(a) }

func TestOnlyNodesAreAnswered(t *testing.T) {
	t.Parallel()
	const path = root + "no-such-deed" // what has been let in is answered: there is no such thing
	body := []byte("body")
	door, clk := doorstep(t)
	now := clk.Now()
	good := func() string { return newTicket(theKey, path, 1, now, body).String() }
	for name, c := range map[string]struct {
		authorization []string
		method        string
		path          string
		body          string
		want          int
	}{
		"a node":                     {authorization: []string{good()}, want: http.StatusOK},
		"nobody":                     {want: http.StatusUnauthorized},
		"an account":                 {authorization: []string{"Bearer abc"}, want: http.StatusUnauthorized},
		"another key":                {authorization: []string{newTicket([]byte("another"), path, 1, now, body).String()}, want: http.StatusUnauthorized},
		"another body":               {authorization: []string{good()}, body: "bodx", want: http.StatusUnauthorized},
		"another path":               {authorization: []string{newTicket(theKey, path+"s", 1, now, body).String()}, want: http.StatusUnauthorized},
		"another method":             {authorization: []string{good()}, method: http.MethodPut, want: http.StatusMethodNotAllowed},
		"too long ago":               {authorization: []string{newTicket(theKey, path, 1, now.Add(-tolerance-time.Second), body).String()}, want: http.StatusUnauthorized},
		"from the future":            {authorization: []string{newTicket(theKey, path, 1, now.Add(tolerance+time.Second), body).String()}, want: http.StatusUnauthorized},
		"a clock that is a bit late": {authorization: []string{newTicket(theKey, path, 1, now.Add(-tolerance+time.Second), body).String()}, want: http.StatusOK},
		"two tickets":                {authorization: []string{good(), good()}, want: http.StatusUnauthorized},
		"a ticket and more":          {authorization: []string{good() + " "}, want: http.StatusUnauthorized},
		"for another node":           {authorization: []string{strings.Replace(good(), " 1.", " 2.", 1)}, want: http.StatusUnauthorized},
		"the seal in capitals":       {authorization: []string{scheme + strings.ToUpper(strings.TrimPrefix(good(), scheme))}, want: http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("body"))
			if c.method != "" {
				r.Method = c.method
			}
			if c.body != "" {
				r.Body = io.NopCloser(strings.NewReader(c.body))
			}
			r.Header["Authorization"] = c.authorization
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("got %d, want %d", w.Code, c.want)
			}
			if c.want == http.StatusUnauthorized && (w.Body.String() != "unauthenticated\n" || w.Header().Get(proof) != "" || w.Header().Get("WWW-Authenticate") != scheme) {
				t.Errorf("it tells more than that: %q %v", w.Body, w.Header())
			}
		})
	}
}

// Who has listened to a call can make it no second time: not now, not when the node has forgotten that it was made.
func TestACallIsMadeOnce(t *testing.T) {
	t.Parallel()
	door, clk := doorstep(t)
	body := []byte("body")
	ticket := newTicket(theKey, root+"x", 1, clk.Now().Add(tolerance), body) // the longest that one can be good for
	ask := func() int {
		r := httptest.NewRequest(http.MethodPost, root+"x", bytes.NewReader(body))
		r.Header.Set("Authorization", ticket.String())
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask(); got != http.StatusOK {
		t.Fatalf("the first time: %d", got)
	}
	for passed := time.Duration(0); passed <= 6*tolerance; passed += tolerance / 4 {
		if got := ask(); got != http.StatusUnauthorized {
			t.Fatalf("again after %s: %d", passed, got)
		}
		clk.Advance(tolerance / 4)
	}
}

// Nobody without the key makes a node read a body.
func TestAStrangersBodyIsNotRead(t *testing.T) {
	t.Parallel()
	door, _ := doorstep(t)
	r := httptest.NewRequest(http.MethodPost, root+"lanes", nil)
	r.Body = io.NopCloser(unreadable{t})
	door.ServeHTTP(httptest.NewRecorder(), r)
}

type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("it is read")
	return 0, io.EOF
}

func TestAQuestionIsBounded(t *testing.T) {
	t.Parallel()
	door, clk := doorstep(t)
	body := make([]byte, mostAsked+1)
	r := httptest.NewRequest(http.MethodPost, root+"lanes", bytes.NewReader(body))
	r.Header.Set("Authorization", newTicket(theKey, root+"lanes", 1, clk.Now(), body).String())
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", w.Code)
	}
}

// A call is for one life of one node: what was heard before it started again is good no more.
func TestACallIsForOneNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	other := w.nodes[1].listed()
	other.N = 7
	_, err := ask[nothing, nothing](t.Context(), w.nodes[0].whole.caller, other, "totals", asked[nothing]{})
	if !fault.Has(err, fault.NotHere) {
		t.Errorf("got %v", err)
	}
}

// What is not one of the hub's nodes is not believed, whatever it answers.
func TestOnlyNodesAreBelieved(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	impostor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(impostor.Close)
	door, _ := doorstep(t)
	otherKey := httptest.NewServer(door)
	t.Cleanup(otherKey.Close)
	caller := newCaller(t, []byte("another key"), clock.System{})
	for name, n := range map[string]eventlog.Node{
		"another program":           {N: 1, URL: impostor.URL},
		"one that sends elsewhere":  {N: 1, URL: impostor.URL + "/elsewhere"},
		"a node of other secrets":   {N: 1, URL: otherKey.URL},
		"nobody":                    {N: 1, URL: "http://127.0.0.1:1"},
		"in clear over the network": {N: 1, URL: "http://192.0.2.1:8080"},
		"no address at all":         {N: 1, URL: "::"},
		"one with a password":       {N: 1, URL: "https://a:b@127.0.0.1:1"},
	} {
		if _, err := totalsOf(t.Context(), caller, n); !fault.Has(err, fault.NodeUnreachable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(asked); n != 2 {
		t.Errorf("a redirect is followed: asked %d times", n)
	}
}

func totalsOf(ctx context.Context, c *Caller, n eventlog.Node) (nothing, error) {
	return ask[nothing, nothing](ctx, c, n, "totals", asked[nothing]{})
}

func newCaller(t *testing.T, key []byte, clk clock.Clock) *Caller {
	t.Helper()
	caller, err := NewCaller(key, "", clk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(caller.Close)
	return caller
}

// A node's certificate is held against the authorities of node-ca, and of nobody else.
func TestANodesCertificateIsVerified(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(NewDoor(&Own{}, alone(1), theKey, clock.System{}, func(string, error) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	n := eventlog.Node{N: 1, URL: server.URL}
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	trusting, err := NewCaller(theKey, file, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trusting.Close)
	if _, err := ask[nothing, nothing](t.Context(), trusting, n, "no-such-deed", asked[nothing]{}); err == nil || !strings.Contains(err.Error(), "of a version") {
		t.Errorf("its own authority: %v", err)
	}
	if _, err := totalsOf(t.Context(), newCaller(t, theKey, clock.System{}), n); !fault.Has(err, fault.NodeUnreachable) || !errors.Is(err, errNotSent) {
		t.Errorf("the machine's authorities: %v", err)
	}
	for _, ca := range []string{"/nowhere", os.Args[0]} {
		if _, err := NewCaller(theKey, ca, clock.System{}); !fault.Has(err, fault.Configuration) {
			t.Errorf("%s: %v", ca, err)
		}
	}
}

// The key of the door is made of the hub's secrets, and tells nothing of them.
func TestTheKeyIsTheHubsOwn(t *testing.T) {
	t.Parallel()
	one, err := Key(theKey)
	if err != nil || len(one) != 32 || bytes.Equal(one, theKey) {
		t.Errorf("got %x, %v", one, err)
	}
	again, _ := Key(theKey)
	other, _ := Key([]byte("another secret"))
	if !bytes.Equal(one, again) || bytes.Equal(one, other) {
		t.Error("it is not of the secret alone")
	}
}

// A node that stands still is taken to be gone, although its connections live.
func TestSilenceIsAnEnd(t *testing.T) {
	t.Parallel()
	clk := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	heard, end := make(chan bool), make(chan bool)
	frozen := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) {
		heard <- true
		<-end
	}))
	t.Cleanup(func() { close(end); frozen.Close() })
	caller := newCaller(t, theKey, clk)
	failed := make(chan error, 1)
	go func() {
		_, err := totalsOf(context.Background(), caller, eventlog.Node{N: 1, URL: frozen.URL})
		failed <- err
	}()
	<-heard
	clk.Advance(silence)
	if err := <-failed; !fault.Has(err, fault.NodeUnreachable) {
		t.Errorf("got %v", err)
	}
}

// A node that is at it says so, for as long as it takes.
func TestWorkIsNoSilence(t *testing.T) {
	t.Parallel()
	clk := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	at, done := make(chan bool), make(chan bool)
	d := &door{own: &Own{}, key: theKey, guard: newGuard(theKey, clk), nodes: alone(1), clock: clk, deeds: map[string]served{
		root + "slow": slowly{at, done},
	}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	caller := newCaller(t, theKey, clk)
	beats := make(chan bool, 100)
	caller.client.Transport = counting{caller.client.Transport, beats}
	answer := make(chan error, 1)
	go func() {
		a, err := ask[nothing, nothing](context.Background(), caller, eventlog.Node{N: 1, URL: server.URL}, "slow", asked[nothing]{})
		if err == nil && !a.Said {
			err = io.ErrUnexpectedEOF
		}
		answer <- err
	}()
	<-at
	for range 5 * int(silence/beatEvery) {
		clk.Advance(beatEvery)
		<-beats
	}
	close(done)
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

// slowly is a deed that takes its time.
type slowly struct{ at, done chan bool }

func (s slowly) path() string { return root + "slow" }
func (s slowly) serve(context.Context, *Own, []byte, func(*fetched) error) (any, error) {
	s.at <- true
	<-s.done
	return answered[nothing]{nothing{Said: true}}, nil
}

// counting tells of every piece of an answer that comes.
type counting struct {
	http.RoundTripper
	came chan bool
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &countingBody{response.Body, c.came}
	}
	return response, err
}

type countingBody struct {
	io.ReadCloser
	came chan bool
}

func (c *countingBody) Read(into []byte) (int, error) {
	n, err := c.ReadCloser.Read(into)
	if n > 0 {
		c.came <- true
	}
	return n, err
}
