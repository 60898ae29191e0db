package main

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/listen"
)

// S58: a developer turns the sink on, sees what comes, and turns it off again; meanwhile the receiver gets nothing.
func TestSinkIsTurnedOnWatchedAndTurnedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	received := func() int64 { return w.receiver.Config.Handler.(*listen.Receiver).Summary().Received }
	on := []string{"sink", w.id, "--url", w.url, "--on", "--status", "201"}
	varsel("", on...).want(t, exitDone, "takes its messages")
	varsel(permits(20, "\n"), "publish", "--url", w.url, "-").want(t, exitDone)
	came := ""
	for strings.Count(came, "\n") < 20 {
		shown := varsel("", "sink", w.id, "--url", w.url, "--once", "--json")
		shown.want(t, exitDone)
		came = shown.out
	}
	if strings.Count(came, `"status":201`) != 20 || strings.Count(came, `"sighting":"first"`) != 20 || strings.Contains(came, `"body"`) {
		t.Error(came)
	}
	plain := varsel("", "sink", w.id, "--url", w.url, "--once", "--bodies")
	plain.want(t, exitDone, "permit.changed  attempt 1, first, signature none,", ": 201 delivered", `"permit":"p3"`)
	if received() != 0 {
		t.Errorf("%d messages left the hub", received())
	}
	varsel("", "check", w.id, "--url", w.url, "--no-test", "--allow-egress", "127.0.0.0/8", "--allow-http").want(t, exitDone, "stay in the hub")

	varsel("", "sink", w.id, "--url", w.url, "--empty").want(t, exitDone)
	if left := varsel("", "sink", w.id, "--url", w.url, "--once"); left.out != "" {
		t.Error(left.out)
	}
	varsel("", "sink", w.id, "--url", w.url, "--off").want(t, exitDone, "to its endpoint from now on", "not sent again")
	before := w.receiver.Config.Handler.(*listen.Receiver).Summary().Accepted
	varsel(permits(21, "\n"), "publish", "--url", w.url, "-").want(t, exitDone)
	for w.receiver.Config.Handler.(*listen.Receiver).Summary().Accepted == before {
		runtime.Gosched()
	}
	if both := varsel("", "sink", w.id, "--on", "--off"); both.code != exitUsage || !strings.Contains(both.err, "say one") {
		t.Error(both.err)
	}
	varsel("", "sink", "none", "--url", w.url).want(t, exitFail, "none")
}

// A follower shows what comes until the person ends it.
func TestSinkFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	varsel("", "sink", w.id, "--url", w.url, "--on").want(t, exitDone)
	ctx, end := context.WithCancel(context.Background())
	defer end()
	out := &watched{seen: make(chan string, 100)}
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"sink", w.id, "--url", w.url}, &streams{strings.NewReader(""), out, out})
	}()
	if first := <-out.seen; !strings.Contains(first, "Waiting for more") {
		t.Error(first)
	}
	varsel(permit(1), "publish", "--url", w.url, "-").want(t, exitDone)
	if next := <-out.seen; !strings.Contains(next, "200 delivered") {
		t.Error(next)
	}
	end()
	if code := <-ended; code != exitDone {
		t.Errorf("ended with %d", code)
	}
}

// watched hands on what is written.
type watched struct{ seen chan string }

func (w *watched) Write(p []byte) (int, error) {
	w.seen <- string(p)
	return len(p), nil
}
