package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/listen"
)

// text is a screen that a test reads.
type text struct {
	mu sync.Mutex
	bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Buffer.Write(p)
}

func TestTheDemoEndsWithNothingLostAndNothingOutOfOrder(t *testing.T) {
	t.Parallel()
	screen := new(text)
	result, err := Run(context.Background(), Options{
		Listen: "127.0.0.1:0", For: 2 * time.Second, Rate: 100, FailEvery: 20, FailTimes: 1, Screen: screen,
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Published == 0 || result.Delivered != 2*result.Published {
		t.Errorf("every event is for two systems: %+v", result)
	}
	if result.BlockedLanes == 0 || result.Retried == 0 {
		t.Errorf("the tax office fails now and then: %+v", result)
	}
	if result.OrderViolations != 0 || result.Lost != 0 {
		t.Errorf("%+v\n%s", result, screen.String())
	}
	if !strings.HasPrefix(result.Address, "http://127.0.0.1:") || strings.HasSuffix(result.Address, ":0") {
		t.Errorf("want the real address, got %s", result.Address)
	}
	for _, want := range []string{result.Address, "answered 500, next try in", "released: lane", "No more is published"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen does not say %q:\n%s", want, screen.String())
		}
	}
}

func TestTheDemoServesItsPageAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &world{options: Options{Listen: "127.0.0.1:0"}.withDefaults()}
	if err := w.begin(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.traffic.publish(ctx, 10); err != nil {
		t.Fatal(err)
	}
	w.drain()
	w.published(t)
	for path, want := range map[string]string{"/now/": "National archive", "/now/now.json": `"delivered":20`, "/readyz": "ready", "/api/v1/totals": `"delivered":20`,
		"/api/v1/registers/dagi/deliveries/correction": `"rows":1,"closed":1,"events":1`, "/api/v1/registers/dagi/Kommuneinddeling": `"navn":"Lejre"`,
		"/api/v1/events?type=KommuneinddelingUpdate": `"correction/1"`, "/registers": `href="/registers/dagi/map"`, "/registers/dagi/map": "Events in view: 12 of 12.",
		"/registers/dagi/data/events?type=Kommuneinddeling": `"name":"København"`} {
		response, err := http.Get(w.address + path)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK || !strings.Contains(body.String(), want) {
			t.Errorf("%s: %s %s", path, response.Status, body.String())
		}
		if strings.Contains(body.String(), "00000000") {
			t.Errorf("%s shows a person's number", path)
		}
	}
	w.end()
	if _, err := os.Stat(w.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data is still there: %v", err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(w.address, "http://")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("something still listens: %v", err)
	}
}

func TestATakenPortIsSaid(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	if _, err := Run(context.Background(), Options{Listen: taken.Addr().String()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("want address in use, got %v", err)
	}
}

func TestStressFailsEveryNthMessageSomeTimes(t *testing.T) {
	t.Parallel()
	s := newStress(3, 2)
	var got []int
	for _, m := range []listen.Message{
		{ID: "a", Attempt: 1}, {ID: "b", Attempt: 1}, {ID: "c", Attempt: 1}, {ID: "d", Attempt: 1}, {ID: "c", Attempt: 2}, {ID: "c", Attempt: 3},
	} {
		got = append(got, s.answer(&m).Status)
	}
	want := []int{0, 0, 500, 0, 500, 0}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	s.relax()
	for _, id := range []string{"e", "f", "g", "h"} {
		if status := s.answer(&listen.Message{ID: id, Attempt: 1}).Status; status != 0 {
			t.Errorf("%s fails although the stress is over", id)
		}
	}
}

// A count that always said zero would be no proof: a receiver that is handed events out of order, or too few, says so.
func TestTheCountFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := &receiver{place: placeOfProperty}
	r.counter = listen.New(listen.Options{Place: r.place, RememberIDs: true})
	for _, number := range []int{1, 3, 2} {
		body, _ := json.Marshal(map[string]any{"data": map[string]any{"property": "p", "number": number}})
		request, _ := http.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		request.Header.Set("webhook-id", string(rune('a'+number)))
		r.counter.ServeHTTP(discard{}, request)
	}
	w := &world{receivers: []*receiver{r}}
	w.traffic = newTraffic(nil, w.receivers)
	w.traffic.owed[0].Store(5)
	var result Result
	w.count(&result)
	if result.Delivered != 3 || result.OrderViolations != 1 || result.Lost != 2 {
		t.Errorf("%+v", result)
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// published waits until what the register has delivered is in the log.
func (w *world) published(t *testing.T) {
	t.Helper()
	for {
		grown := w.hub.Log.Grown()
		d, err := w.hub.Deposits.Delivery(t.Context(), dagi, "districts")
		if err != nil {
			t.Fatal(err)
		}
		found, _, err := w.hub.Deposits.Recent(t.Context(), &deposit.Recently{Register: dagi, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(found)) == d.Events+1 { // and the correction's
			return
		}
		<-grown
	}
}
