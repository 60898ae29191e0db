package main

import (
	"strings"
	"testing"
)

func TestReplayCountsBeforeItBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	varsel(permits(5, "\n"), "publish", "--url", w.url, "-").want(t, exitDone)
	varsel("", "replay", w.id, "--url", w.url).want(t, exitUsage, "--dry-run")
	counted := varsel("", "replay", w.id, "--url", w.url, "--dry-run")
	counted.want(t, exitDone, "5 events would be replayed", "--up-to ", "--count 5")
	_, rest, _ := strings.Cut(counted.err, "--up-to ")
	upTo, _, _ := strings.Cut(rest, " ")
	varsel("", "replay", w.id, "--url", w.url, "--count", "4").want(t, exitFail, "5 events are selected")
	varsel("", "replay", w.id, "--url", w.url, "--count", "5", "--up-to", upTo, "--rate", "1").want(t, exitDone, "Replay 1 has begun: 5 events", "--stop 1")
	varsel("", "replay", w.id, "--url", w.url, "--stop", "1").want(t, exitDone, "Replay 1 is stopped")
	varsel("", "replay", w.id, "--url", w.url, "--count", "5", "--up-to", upTo, "--wait").want(t, exitDone, "Replay 2 has ended: ", " of 5 events")
	varsel("", "replay", w.id, "--url", w.url, "--stop", "3").want(t, exitFail, "no such replay")
}
