package manage_test

import (
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// S58: what a sink may be.
func TestS58ASinkIsChecked(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	for name, c := range map[string]struct {
		set  sub
		want string
	}{
		"the usual one": {sub{Sink: &subscription.Sink{}}, ""},
		"all of it":     {sub{Sink: &subscription.Sink{Status: 503, DelayMS: 100, FailFirst: 2}}, ""},
		"no status":     {sub{Sink: &subscription.Sink{Status: 199}}, "invalid-document /items/0/sink/status range"},
		"a long delay":  {sub{Sink: &subscription.Sink{DelayMS: 60_001}}, "invalid-document /items/0/sink/delayMs range"},
		"many failures": {sub{Sink: &subscription.Sink{FailFirst: -1}}, "invalid-document /items/0/sink/failFirst range"},
		"of a queue":    {sub{Channel: subscription.Queue, Sink: &subscription.Sink{}}, "invalid-document /items/0/sink channel"},
	} {
		if _, err := w.Manager.PutSubscriptions(ctx, "jobnet", []sub{c.set}, dry(creating())); tell(err) != c.want {
			t.Errorf("%s: got %q, want %q", name, tell(err), c.want)
		}
	}
	none := manage.New(w.Log, w.Whole(), w.Clock, manage.Options{Zone: time.UTC})
	if _, err := none.PutSubscriptions(ctx, "jobnet", []sub{{Sink: &subscription.Sink{}}}, dry(creating())); tell(err) != "invalid-document /items/0/sink allowed" {
		t.Errorf("on a hub without sinks: %q", tell(err))
	}
	if none.EmptySink(ctx, w.Subscribe("jobnet", sub{Name: "a"})["a"], "eva") != nil {
		t.Error("what is not there cannot be emptied")
	}
}

// S57, S58: under star a subscription goes into a sink and out of it in place. Its test may pass in the sink, but out of
// it leads only a test that its endpoint has passed: until then the sink stays.
func TestS58IntoTheSinkAndOut(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	into := func(path string) sub { return sub{Name: "a", Path: path, Sink: &subscription.Sink{}} }
	out := func(path string) sub { return sub{Name: "a", Path: path} }
	id := w.Subscribe("jobnet", into("/1"))["a"]
	is := func(state subscription.State, path, pending string, sink bool) {
		t.Helper()
		s := w.Book.Line(id).Now()
		got := ""
		if s.PendingPath != nil {
			got = *s.PendingPath
		}
		if s.State != state || s.Path != path || got != pending || (s.Sink != nil) != sink {
			t.Errorf("%s %s pending %q sink %v, want %s %s pending %q sink %v", s.State, s.Path, got, s.Sink, state, path, pending, sink)
		}
	}
	is(subscription.Untested, "/1", "", true)
	report := w.Pass(id)
	is(subscription.Active, "/1", "", true)
	if report.Endpoint != "sink:"+id || !report.Activated || len(w.Sent()) != 0 {
		t.Errorf("%+v, %d sent out", report, len(w.Sent()))
	}
	w.Publish("cv", kommune, 3)
	w.Delivered(3)
	if got, _ := w.Sinks.Arrivals(id, 0, 10); len(got) != 4 || !got[0].Test || got[3].Test || got[3].Position == got[2].Position {
		t.Errorf("%+v", got)
	}

	w.Subscribe("jobnet", into("/2")) // where it will go matters only when it leaves
	is(subscription.Active, "/2", "", true)
	w.Subscribe("jobnet", out("/2"))
	is(subscription.Active, "/2", "/2", true)
	before := w.Book.Last()
	w.Subscribe("jobnet", out("/2"))              // the same request again
	w.Subscribe("jobnet", *w.Book.Line(id).Now()) // what a GET shows
	if w.Book.Last() != before {
		t.Error("what was so already was written again")
	}
	w.Subscribe("jobnet", out("/3"))
	is(subscription.Active, "/2", "/3", true)
	w.Publish("cv", kommune, 1)
	w.Delivered(4)
	w.Subscribe("jobnet", into("/2")) // thought better of it
	is(subscription.Active, "/2", "", true)
	w.Subscribe("jobnet", out("/3"))
	if len(w.Sent()) != 0 {
		t.Fatalf("%d went out", len(w.Sent()))
	}
	w.Answer(500)
	if _, err := w.Manager.Test(ctx, id, "eva"); tell(err) != "test-failed" {
		t.Errorf("a test of an endpoint that fails: %v", err)
	}
	is(subscription.Active, "/2", "/3", true)
	w.Answer(204)
	if report = w.Pass(id); report.Endpoint != "https://jobnet.test/hook/3" || !report.PathInForce {
		t.Errorf("%+v", report)
	}
	is(subscription.Active, "/3", "", false)
	w.Publish("cv", kommune, 1)
	w.Delivered(5)
	if sent := w.Sent(); sent[len(sent)-1].URL != "https://jobnet.test/hook/3" || sent[len(sent)-1].Message.Test {
		t.Errorf("sent to %+v", sent[len(sent)-1])
	}
	w.Subscribe("jobnet", into("/3")) // and in again, at once
	is(subscription.Active, "/3", "", true)
}

// A test that was under way to the sink does not count for an endpoint that was put in its place meanwhile.
func TestS57ATestInTheSinkIsNoTestOfTheEndpoint(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/1", Sink: &subscription.Sink{DelayMS: 1000}})["a"]
	tested := make(chan *manage.TestReport)
	go func() {
		report, err := w.Manager.Test(ctx, id, "eva")
		if err != nil {
			t.Error(err)
		}
		tested <- report
	}()
	w.Until("the sink waits with its answer", func() bool {
		_, waits := w.Clock.Next()
		return waits
	})
	w.Subscribe("jobnet", sub{Name: "a", Path: "/1"})
	w.Clock.Advance(time.Second)
	report := <-tested
	if s := w.Book.Line(id).Now(); report.Endpoint != "sink:"+id || report.Activated || s.State != subscription.Untested {
		t.Errorf("%+v: %s", report, s.State)
	}
}

// S37, S58: what a sink fails is tried again by the schedule, and its lane waits; other lanes do not.
func TestS58ASinkThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a", Sink: &subscription.Sink{FailFirst: 2}})["a"]
	w.Pass(id)
	w.Publish("cv", event.Organisation{}, 1)
	arrivals := func() []channel.Arrival {
		list, _ := w.Sinks.Arrivals(id, 0, 10)
		return list[1:] // without the test
	}
	for i, wait := range []time.Duration{time.Second, 3 * time.Second} {
		w.Until("it has failed", func() bool { return len(arrivals()) == i+1 && w.Engine.Totals().Retried == int64(i+1) })
		w.Clock.Advance(wait)
	}
	w.Delivered(1)
	var got []int
	for _, a := range arrivals() {
		got = append(got, a.Status)
	}
	if len(got) != 3 || got[0] != 500 || got[1] != 500 || got[2] != 200 || len(w.Sent()) != 0 {
		t.Errorf("%v, %d sent out", got, len(w.Sent()))
	}
}

// DESIGN promises 8, 11 and 12: a body is shown on the record, and not when it may not be seen any more.
func TestARevealIsAuditedAndAsksAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *managetest.World, id string)
		want   string
	}{
		"as it came": {func(*managetest.World, string) {}, ""},
		"not granted any more": {func(w *managetest.World, _ string) {
			agreement := managetest.Agreement("jobnet", profile.Standard)
			agreement.Agreement.Organisations = []event.Organisation{foreign}
			_, err := w.Manager.PutSystem(ctx, agreement, anyState())
			w.Must(err)
		}, "not-found"},
		"forgotten": {func(w *managetest.World, _ string) {
			kind, _ := w.Book.Type("cv")
			next := *kind
			next.Retention = "PT1H"
			_, err := w.Manager.PutType(ctx, next, anyState())
			w.Must(err)
			w.Clock.Advance(2 * time.Hour)
		}, "not-found"},
		"emptied":       {func(w *managetest.World, id string) { w.Must(w.Manager.EmptySink(ctx, id, "eva")) }, "not-found"},
		"removed":       {func(w *managetest.World, _ string) { w.Subscribe("jobnet") }, "not-found"},
		"not auditable": {func(w *managetest.World, _ string) { w.Must(w.Log.Close()) }, "shutting-down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := jobnet(t, profile.Standard)
			id := w.Subscribe("jobnet", sub{Name: "a", Sink: &subscription.Sink{}})["a"]
			w.Publish("cv", kommune, 1)
			w.Delivered(1)
			list, _ := w.Sinks.Arrivals(id, 0, 1)
			c.change(w, id)
			arrival, err := w.Manager.RevealArrival(ctx, id, list[0].Number, "eva")
			if tell(err) != c.want || err == nil && string(arrival.Body) != `{}` || err != nil && arrival != nil {
				t.Errorf("%v %+v", err, arrival)
			}
			entries, err := w.Store.Audit(ctx, audit.Query{Act: audit.Reveal})
			w.Must(err)
			if (len(entries) == 1 && entries[0].Actor == "eva" && entries[0].Subject == "subscription/"+id) != (c.want == "") {
				t.Errorf("audited: %+v", entries)
			}
		})
	}
}
