package main_test

import (
	"context"
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
