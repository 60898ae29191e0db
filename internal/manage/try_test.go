package manage_test

import (
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// S54, S57: a test message is a sample, marked, with an id of its own, sent once outside every lane.
func TestATestMessageIsASample(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	ids := w.Subscribe("jobnet", sub{Name: "all"}, sub{Name: "plan", Types: []string{"plan"}, Path: "/p"})
	for name, body := range map[string]string{"all": `{"fictive":"cv"}`, "plan": `{"fictive":"plan"}`} {
		before, head := len(w.Sent()), w.Log.Head()
		report := w.Pass(ids[name])
		sent := w.Sent()
		if len(sent) != before+1 {
			t.Fatalf("%d sent", len(sent)-before)
		}
		m := sent[before].Message
		if string(m.Body) != body || !m.Test || m.Attempt != 1 || m.ID != report.Message {
			t.Errorf("%s: sent %+v", name, m)
		}
		if !report.Passed || !report.Activated || report.Status != 204 || report.Duration == 0 || report.Version != "v1" || report.Endpoint != sent[before].URL {
			t.Errorf("%s: %+v", name, report)
		}
		if w.Log.Head() != head+1 || w.Engine.Totals().Delivered != 0 {
			t.Errorf("%s: a test is more than its one revision", name)
		}
		again := w.Pass(ids[name])
		if again.Activated || again.Message == report.Message || w.Log.Head() != head+1 {
			t.Errorf("%s: a second test changed something: %+v", name, again)
		}
	}
}

// S57: creating a subscription presupposes that the receiver returned OK.
func TestATestThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(w *managetest.World, id string)
		want    string
		status  int
	}{
		"refused":       {func(w *managetest.World, _ string) { w.Answer(400) }, "test-failed", 400},
		"broken":        {func(w *managetest.World, _ string) { w.Answer(500) }, "test-failed", 500},
		"a redirect":    {func(w *managetest.World, _ string) { w.Answer(302) }, "test-failed", 302},
		"no answer":     {func(w *managetest.World, _ string) { w.Answer(0) }, "test-failed", 0},
		"no sender":     {func(w *managetest.World, _ string) { w.Break(fault.New(fault.SenderConfig, "no certificate"), nil) }, "sender-config", 0},
		"no rendering":  {func(w *managetest.World, _ string) { w.Break(nil, fault.New(fault.InvalidMessage, "no key")) }, "invalid-message", 0},
		"nothing there": {func(w *managetest.World, _ string) { w.Subscribe("jobnet") }, "not-found", 0},
		"no sample": {func(w *managetest.World, _ string) {
			source, _ := w.Book.Source("dfdg")
			next := *source
			next.Types = []string{"plan"}
			_, err := w.Manager.PutSource(ctx, next, anyState())
			w.Must(err)
		}, "conflict", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := jobnet(t, profile.Star)
			id := w.Subscribe("jobnet", sub{Name: "cv", Types: []string{"cv"}})["cv"]
			c.prepare(w, id)
			before := w.Book.Last()
			report, err := w.Manager.Test(ctx, id, "eva")
			if tell(err) != c.want || w.Book.Last() != before {
				t.Fatalf("%v, written %v", err, w.Book.Last() != before)
			}
			if c.want != "test-failed" {
				return
			}
			if report.Passed || report.Activated || report.Status != c.status || fault.Of(err).Extra["test"] != report {
				t.Errorf("%+v in %+v", report, fault.Of(err))
			}
		})
	}
}

// What is put in force is what was tested: a path that was changed meanwhile waits for a test of its own.
func TestAPathThatChangesDuringItsTestStaysPending(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/1"})["a"]
	w.AnswerBy(func(managetest.Sent) int {
		w.Subscribe("jobnet", sub{Name: "a", Path: "/2"})
		return 204
	})
	report := w.Pass(id)
	if s := w.Book.Line(id).Now(); !report.Passed || report.Activated || s.State != subscription.Untested || s.Path != "/2" {
		t.Errorf("%+v, %+v", report, s)
	}
}

// DESIGN promise 8: not even a sample is sent of what the agreement does not grant.
func TestASampleIsOfWhatTheAgreementGrants(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	for name, kind := range map[string]string{"a": "cv", "b": "plan"} {
		_, err := w.Manager.PutSource(ctx, event.Source{Name: name, URI: "urn:test:" + name, Title: name, Types: []string{kind}}, creating())
		w.Must(err)
	}
	agreement := managetest.Agreement("jobnet", profile.Star)
	agreement.Agreement.Sources = []string{"b"}
	_, err := w.Manager.PutSystem(ctx, agreement, creating())
	w.Must(err)
	ids := w.Subscribe("jobnet", sub{Name: "all"}, sub{Name: "cv", Types: []string{"cv"}})
	report := w.Pass(ids["all"])
	if report.Type != "plan" {
		t.Errorf("a sample of %s", report.Type)
	}
	if _, err := w.Manager.Test(ctx, ids["cv"], "eva"); tell(err) != "conflict" {
		t.Errorf("got %v", err)
	}
}

// DESIGN promise 5: an endpoint that rejects takes messages again once a test has passed, and its parked ones go.
func TestAPassedTestHealsARejectingEndpoint(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a"})["a"]
	w.Pass(id)
	standing := func() subscription.State {
		s, err := w.Manager.Subscription(ctx, id)
		w.Must(err)
		return s.Standing
	}
	w.Answer(400)
	w.Publish("cv", kommune, 8)
	w.Until("it rejects", func() bool { return standing() == subscription.Rejecting })
	w.Answer(204)
	w.Pass(id)
	w.Delivered(8)
	if standing() != subscription.Active {
		t.Errorf("it is %s", standing())
	}
}
