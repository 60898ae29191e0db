package main_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SIGTERM ends the real process in good order: it says what it does, what was in flight is answered and committed, and
// nothing is sent again at the next start.
func TestSIGTERMEndsInGoodOrder(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan struct{}, 1), make(chan struct{})
	l := newLedger()
	l.answer = func(thing, int) int {
		arrived <- struct{}{}
		<-answer
		return 200
	}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	p := newProcess(t, t.TempDir())
	p.start()
	p.world(map[string]string{"archive": server.URL})
	if status, text, err := p.call(context.Background(), "POST", "/api/v1/events", batchType, batch([]thing{{"k", 1}})); err != nil || status != 202 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	<-arrived
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until the process has taken the signal it answers
		if _, _, err := p.call(context.Background(), "GET", "/readyz", "", nil); err != nil {
			break
		}
	}
	close(answer)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	p.cmd = nil
	said := p.output.String()
	from := 0
	for _, what := range []string{"stopping", "taking no more connections", "committing what is known", "stopped"} {
		at := strings.Index(said[from:], what)
		if at < 0 {
			t.Fatalf("%q is not said in its turn:\n%s", what, said)
		}
		from += at
	}
	p.start()
	l.mu.Lock()
	l.answer = nil
	l.mu.Unlock()
	if _, _, err := p.call(context.Background(), "POST", "/api/v1/events", batchType, batch([]thing{{"k", 2}})); err != nil {
		t.Fatal(err)
	}
	l.await(t, "archive", map[string]int{"k": 2}, 30*time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.repeats != 0 {
		t.Errorf("%d messages were sent again", l.repeats)
	}
}

// Asked to stop behind a load balancer, the real process is not ready at once and goes on as before for as long as it was
// told: what comes meanwhile is accepted and delivered. Who waits for something to fetch is answered, and holds up nothing.
func TestDrainingIsSeenBeforeConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	l := newLedger()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	p := newProcess(t, t.TempDir())
	p.args = append(p.args, "--drain", "3s", "--grace", "8s")
	p.start()
	p.world(map[string]string{"archive": server.URL, "reader": server.URL + "/unused"})
	p.must("PUT", "/api/v1/systems/reader/subscriptions", object{"items": []object{{"name": "all", "channel": "queue"}}})
	var set struct{ Items []struct{ ID string } }
	if err := json.Unmarshal(p.must("GET", "/api/v1/systems/reader/subscriptions", nil), &set); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	state := func(path string) int {
		status, _, err := p.call(context.Background(), "GET", path, "", nil)
		if err != nil {
			t.Fatalf("connections are refused before /readyz said so: %v", err)
		}
		return status
	}
	for state("/readyz") != 503 {
	}
	if status := state("/healthz"); status != 200 {
		t.Errorf("it lives, and /healthz answers %d", status)
	}
	if status, text, err := p.call(context.Background(), "POST", "/api/v1/events", batchType, batch([]thing{{"k", 1}})); err != nil || status != 202 {
		t.Fatalf("while it drains: %d %s %v", status, text, err)
	}
	l.await(t, "archive", map[string]int{"k": 1}, 30*time.Second)
	lease := "/api/v1/pull/" + set.Items[0].ID + "/lease"
	if status, text, err := p.call(context.Background(), "POST", lease, "application/json", object{"max": 1}); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	p.client.Timeout = 90 * time.Second
	if status, text, err := p.call(context.Background(), "POST", lease, "application/json", object{"max": 1, "wait": 60}); err != nil || status != 200 {
		t.Errorf("who waits gets %d %s %v", status, text, err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	p.cmd = nil
	from, said := 0, p.output.String()
	for _, what := range []string{"draining", "stopping", "taking no more connections", "stopped"} {
		at := strings.Index(said[from:], what)
		if at < 0 {
			t.Fatalf("%q is not said in its turn:\n%s", what, said)
		}
		from += at
	}
	if strings.Contains(said, "cut short") {
		t.Errorf("something was cut short:\n%s", said)
	}
}
