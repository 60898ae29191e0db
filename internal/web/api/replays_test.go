package api_test

import (
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/subscription"
)

// S50: counted, begun with the count, watched, stopped.
func TestS50AReplayOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Subscribe("plain", subscription.Subscription{Name: "a", Path: "/a"})["a"]
	w.Publish("cv", event.Organisation{}, 3)
	w.Until("three are there", func() bool { return w.Engine.Totals().Delivered == 3 && w.Log.Idle() })
	path := "/subscriptions/" + id + "/replays"
	counted := w.ok(200, w.call("POST", path, `{"dryRun":true,"types":["cv"]}`))
	if counted.json["count"] != 3.0 {
		t.Fatal(counted.text)
	}
	begun := w.ok(202, w.call("POST", path, fmt.Sprintf(`{"types":["cv"],"upTo":%v,"count":3}`, counted.json["upTo"])))
	if begun.json["pass"] != 1.0 || begun.json["author"] != "eva" || begun.json["selected"] != 3.0 {
		t.Error(begun.text)
	}
	w.Until("they came again", func() bool { return w.Engine.Totals().Delivered == 6 && w.Log.Idle() })
	replayed := 0
	for _, s := range w.Sent() {
		if s.Message.Replay == 1 {
			replayed++
		}
	}
	items := w.ok(200, w.call("GET", path, "")).items()
	if replayed != 3 || len(items) != 1 || items[0]["replayed"] != 3.0 || items[0]["ended"] == nil {
		t.Errorf("%d came, %v", replayed, items)
	}
	for body, problem := range map[string]string{
		`{"count":3,"rate":-1,"position":1,"after":1}`: "invalid-document /position alone; /rate range",
		`{}`:                            "invalid-document /count required",
		`{"count":0,"types":["none"]}`:  "nothing-selected",
		`{"count":9}`:                   "replay-count",
		`{"dryRun":true,"since":"now"}`: "invalid-document /since type",
	} {
		if got := w.call("POST", path, body); got.problem() != problem {
			t.Errorf("%s: %s", body, got.text)
		}
	}
	if got := w.call("DELETE", path+"/7", ""); got.problem() != "not-found" {
		t.Errorf("another's: %s", got.text)
	}
}
