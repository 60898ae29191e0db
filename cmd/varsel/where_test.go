package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
)

var update = flag.Bool("update", false, "write the golden files anew")

// night is when somebody asks.
var night = time.Date(2026, 3, 2, 3, 14, 7, 0, time.UTC)

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s, %v; it is now\n%s", file, err, got)
	}
}

// What `varsel where EVENT` says about every state: what, since when, why, and what to do next.
func TestWhereSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return night.Add(-d) }
	failed := client.Attempt{Number: 1, At: ago(time.Hour), Outcome: "parked", Status: 422, Millis: 12, Detail: "no such citizen"}
	where := client.Where{Position: 1234, Recorded: ago(2 * time.Hour), Type: "permit.changed", Items: []client.Whereabouts{
		{State: client.StateParked, At: ago(time.Hour), Since: ago(time.Hour), Tried: 1, Status: 422, Attempts: []client.Attempt{failed}},
		{State: client.StateRetrying, Since: ago(90 * time.Minute), Due: ago(-time.Minute), Tried: 11, Reason: "send-timeout", Attempts: many(11, failed)},
		{State: client.StateRetrying, Since: ago(90 * time.Minute), Due: ago(time.Minute), Tried: 2, Status: 503, Why: "endpoint-down"},
		{State: client.StateWaiting, Behind: &client.Ahead{Position: 1200, State: client.StateParked, Since: ago(26 * time.Hour), Tried: 3, Status: 422}},
		{State: client.StateWaiting, Behind: &client.Ahead{Position: 1200, State: client.StateSending, Replay: 3}},
		{State: client.StatePending},
		{State: client.StatePending, Why: "paused", PausedBy: []client.Scope{client.Hub}},
		{State: client.StatePending, Why: "paused", PausedBy: []client.Scope{client.OfSystem("archive"), client.OfSubscription("ID")}},
		{State: client.StatePending, Why: "not-active"},
		{State: client.StatePending, Why: "endpoint-rejecting"},
		{State: client.StatePending, Why: "endpoint-busy"},
		{State: client.StatePending, Why: "cannot-store"},
		{State: client.StatePending, Why: "catching-up"},
		{State: client.StatePending, Why: "not-granted"},
		{State: client.StatePending, Why: "not-fetched", Channel: "queue"},
		{State: client.StateSending, Tried: 2},
		{State: client.StateLeased, At: ago(time.Second), Due: ago(-59 * time.Second), Channel: "queue"},
		{State: client.StateServed, At: ago(time.Second), Channel: "cursor"},
		{State: client.StateConfirmed, At: ago(time.Second), Channel: "cursor"},
		{State: client.StateDelivered, At: ago(time.Minute), Tried: 2, Status: 204, Replays: []client.Replayed{
			{Pass: 3, State: client.StateDelivered, At: ago(time.Second), Tried: 1}, {Pass: 4, State: client.StatePending},
		}},
		{State: client.StateWithheld, At: ago(time.Minute)},
		{State: client.StateDropped, At: ago(time.Minute)},
		{State: client.StateExpired, At: ago(time.Minute)},
		{State: client.StateDiscarded, At: ago(time.Minute)},
	}}
	for i := range where.Items {
		w := &where.Items[i]
		w.System, w.Name, w.Subscription, w.Lane = "archive", fmt.Sprintf("s%d", i+1), "ID", "LANE"
		if w.Channel == "" {
			w.Channel, w.Endpoint = "webhook", "https://archive.example/hook"
		}
	}
	var out bytes.Buffer
	tellWhere(&out, &where, night)
	out.WriteString("\n----\n")
	tellWhere(&out, &client.Where{Position: 7, Type: "t", Recorded: ago(time.Hour)}, night)
	golden(t, "where.golden.txt", out.String())
}

func many(n int, a client.Attempt) (list []client.Attempt) {
	for i := range n {
		a.Number, a.Outcome, a.Status, a.Reason, a.Detail = i+1, "failed", 0, "send-timeout", ""
		list = append(list, a)
	}
	return list
}

// What `varsel where --system` says.
func TestWhereOfASystem(t *testing.T) {
	t.Parallel()
	total := client.Counts{First: client.Ends{Matched: 100, Delivered: 80, Withheld: 1, Dropped: 10, Expired: 2, Discarded: 1}, Replays: client.Ends{Matched: 5, Delivered: 5}}
	since := night.Add(-time.Hour)
	standing := client.Figures{Now: client.Coming{Pending: 6, Parked: 1, Retrying: 1, Waiting: 3, Sending: 1}, Total: total, Days: []client.Day{{Day: "2026-03-02", Counts: total}}}
	var out bytes.Buffer
	tellSystem(&out, &client.SystemWhereabouts{
		System: "archive", Figures: standing, Oldest: &client.Oldest{Position: 31, Recorded: since},
		Subscriptions: []client.SubscriptionFigures{
			{Name: "all", Figures: standing}, {Name: "old", Removed: true, Figures: client.Figures{Total: client.Counts{First: client.Ends{Dropped: 10}}}},
		},
		Lanes: client.StandingLanes{Total: 3, Items: []client.Lane{
			{State: client.StateParked, Position: 31, Since: since, Behind: 3, Attempts: 1, Status: 422},
			{State: client.StateRetrying, Position: 40, Since: since, Due: night.Add(time.Minute), Attempts: 9, Reason: "send-timeout"},
		}},
	}, night)
	out.WriteString("\n----\n")
	tellSystem(&out, &client.SystemWhereabouts{System: "calm"}, night)
	golden(t, "wheresystem.golden.txt", out.String())
}

// From the command line to a hub and back: by position, by the source's id, a system, and as JSON.
func TestWhereAsksAHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	published := varsel(permit(1), "publish", "--url", w.url, "-")
	published.want(t, exitDone)
	position := w.hub.Log.Head()
	varsel("", "where", "--url", w.url).want(t, exitUsage, "name an event")
	varsel("", "where", "1", "--system", "archive", "--url", w.url).want(t, exitUsage, "name an event")
	varsel("", "where", "nonsense", "--url", w.url).want(t, exitFail, "no event has that id")
	varsel("", "where", "999999", "--url", w.url).want(t, exitFail, "no event at position 999999")
	for _, args := range [][]string{{fmt.Sprint(position)}, {"1", "--source", "https://permits.example"}} {
		varsel("", append([]string{"where", "--url", w.url}, args...)...).want(t, exitDone, fmt.Sprintf("Event %d, permit.changed", position), "archive / all")
	}
	asJSON := varsel("", "where", "--url", w.url, "--json", fmt.Sprint(position))
	asJSON.want(t, exitDone, `"system":"archive"`, `"state":"`)
	if strings.Count(asJSON.out, "\n") != 1 {
		t.Errorf("not one object on one line: %s", asJSON.out)
	}
	varsel("", "where", "--url", w.url, "--system", "archive").want(t, exitDone, "archive: ", "all time")
	varsel("", "where", "--url", w.url, "--system", "archive", "--json").want(t, exitDone, `"days":[`)
	varsel("", "where", "--url", w.url, "--system", "nobody").want(t, exitFail, "nobody")
}
