package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/subscription"
)

// fetched makes a subscription of the world's system that is fetched by a channel, and publishes to it.
func (w *world) fetched(t *testing.T, by subscription.Channel, count int) string {
	t.Helper()
	report, err := w.hub.Manager.PutSubscriptions(context.Background(), "archive", []subscription.Subscription{{Name: "own", Channel: by}},
		manage.SetOptions{By: manage.By{Author: "test", Condition: manage.Condition{Present: true}}})
	if err != nil {
		t.Fatal(err)
	}
	varsel(permits(count, "\n"), "publish", "--url", w.url, "-").want(t, exitDone)
	return report.Created[0].ID
}

// lines are the ids of the events that a command printed.
func (o outcome) lines() (ids []string) {
	for line := range strings.Lines(o.out) {
		_, rest, _ := strings.Cut(line, `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		ids = append(ids, id)
	}
	return ids
}

func TestPullReadsOnFromItsCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fetched(t, subscription.Cursor, 20)
	file := filepath.Join(t.TempDir(), "cursor")
	first := varsel("", "pull", id, "--url", w.url, "--state", file, "--limit", "7")
	first.want(t, exitDone, "all there is", "--after ")
	if ids := first.lines(); len(ids) != 20 || ids[0] != "0" || ids[19] != "19" {
		t.Errorf("got %v", ids)
	}
	if again := varsel("", "pull", id, "--url", w.url, "--state", file); len(again.lines()) != 0 {
		t.Errorf("again: %v", again.out)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the cursor's file: %v %v", info, err)
	}
	varsel("", "pull", id, "--url", w.url, "--after", "nonsense").want(t, exitFail, "cursor")
}

func TestPullEmptiesAQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fetched(t, subscription.Queue, 20)
	for range 2 { // what is only looked at stays
		kept := varsel("", "pull", id, "--url", w.url, "--keep")
		kept.want(t, exitDone, "can be leased")
		if ids := kept.lines(); len(ids) != 7 { // one of each key
			t.Errorf("got %v", ids)
		}
	}
	all := varsel("", "pull", id, "--url", w.url, "--limit", "5")
	all.want(t, exitDone)
	if ids := all.lines(); len(ids) != 20 {
		t.Errorf("got %v", ids)
	}
}

func TestPullSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	varsel("", "pull", w.id, "--url", w.url).want(t, exitFail, "is pushed to", "cursor or queue")
	varsel("", "pull", "none", "--url", w.url).want(t, exitFail, "none")
	varsel("", "pull", w.id, "--limit", "0").want(t, exitUsage, "--limit is 0")
	varsel("", "pull", w.id, "--after", "x", "--state", "y").want(t, exitUsage, "give one")
	varsel("", "pull", w.id, "--keep", "--follow").want(t, exitUsage, "--follow")
}
