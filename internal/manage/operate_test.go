package manage_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// S54, S57: a test message is a sample, marked, with an id of its own, sent once outside every lane.
func TestATestMessageIsASample(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Star)
	ids := w.Subscribe("jobnet", sub{Name: "all"}, sub{Name: "plan", Types: []string{"plan"}, Path: "/p"})
	for name, body := range map[string]string{"all": `{"fictive":"cv"}`, "plan": `{"fictive":"plan"}`} {
		before, head := len(w.Sent()), w.Log.Head()
		report, err := w.Manager.Test(ctx, ids[name], "eva")
		w.Must(err)
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
		again, err := w.Manager.Test(ctx, ids[name], "eva")
		w.Must(err)
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
			w := managetest.New(t)
			w.Seed()
			w.System("jobnet", profile.Star)
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
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/1"})["a"]
	w.AnswerBy(func(managetest.Sent) int {
		w.Subscribe("jobnet", sub{Name: "a", Path: "/2"})
		return 204
	})
	report, err := w.Manager.Test(ctx, id, "eva")
	w.Must(err)
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
	report, err := w.Manager.Test(ctx, ids["all"], "eva")
	w.Must(err)
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
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a"})["a"]
	_, err := w.Manager.Test(ctx, id, "eva")
	w.Must(err)
	standing := func() subscription.State {
		s, err := w.Manager.Subscription(id)
		w.Must(err)
		return s.Standing
	}
	w.Answer(400)
	w.Publish("cv", kommune, 8)
	w.Until("it rejects", func() bool { return standing() == subscription.Rejecting })
	w.Answer(204)
	_, err = w.Manager.Test(ctx, id, "eva")
	w.Must(err)
	w.Until("all eight are there", func() bool { return w.Engine.Totals().Delivered == 8 && w.Log.Idle() })
	if standing() != subscription.Active {
		t.Errorf("it is %s", standing())
	}
}

// docs/states.md: what brings a subscription from state to state.
func TestStatesOfASubscription(t *testing.T) {
	t.Parallel()
	activate := func(w *managetest.World, id string) error { _, err := w.Manager.Activate(ctx, id, "eva"); return err }
	deactivate := func(w *managetest.World, id string) error {
		_, err := w.Manager.Deactivate(ctx, id, "eva", "moved")
		return err
	}
	test := func(w *managetest.World, id string) error { _, err := w.Manager.Test(ctx, id, "eva"); return err }
	pause := func(w *managetest.World, id string) error {
		return w.Manager.Pause(ctx, revision.OfSubscription(id), "eva", "")
	}
	resume := func(w *managetest.World, id string) error {
		return w.Manager.Resume(ctx, revision.OfSubscription(id), "eva")
	}
	later := func(w *managetest.World, id string) error { w.Clock.Advance(100 * 24 * time.Hour); return nil }
	type act func(*managetest.World, string) error
	for name, c := range map[string]struct {
		profile profile.Name
		given   sub
		acts    []act
		want    subscription.State
		err     string // of the last act
	}{
		"new, standard":                {profile.Standard, sub{}, nil, "active", ""},
		"new, star":                    {profile.Star, sub{}, nil, "untested", ""},
		"draft":                        {profile.Star, sub{State: "draft"}, nil, "draft", ""},
		"draft tested":                 {profile.Star, sub{State: "draft"}, []act{test}, "draft", ""},
		"draft activated, standard":    {profile.Standard, sub{State: "draft"}, []act{activate}, "active", ""},
		"draft activated, star":        {profile.Star, sub{State: "draft"}, []act{activate}, "untested", ""},
		"draft deactivated":            {profile.Standard, sub{State: "draft"}, []act{deactivate}, "draft", "conflict"},
		"untested activated by a word": {profile.Star, sub{}, []act{activate}, "untested", "conflict"},
		"untested, tested":             {profile.Star, sub{}, []act{test}, "active", ""},
		"deactivated":                  {profile.Standard, sub{}, []act{deactivate}, "deactivated", ""},
		"deactivated twice":            {profile.Standard, sub{}, []act{deactivate, deactivate}, "deactivated", ""},
		"and activated":                {profile.Star, sub{}, []act{test, deactivate, activate}, "active", ""},
		"deactivated, tested":          {profile.Star, sub{}, []act{test, deactivate, test}, "deactivated", ""},
		"paused":                       {profile.Standard, sub{}, []act{pause}, "paused", ""},
		"paused and resumed":           {profile.Standard, sub{}, []act{pause, pause, resume, resume}, "active", ""},
		"deactivated counts more":      {profile.Standard, sub{}, []act{pause, deactivate}, "deactivated", ""},
		"ended":                        {profile.Standard, sub{To: "2026-05-01"}, []act{pause, later}, "ended", ""},
		"not ended yet":                {profile.Standard, sub{To: "2026-12-31"}, []act{later}, "active", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managetest.New(t)
			w.Seed()
			w.System("jobnet", c.profile)
			c.given.Name = "a"
			id := w.Subscribe("jobnet", c.given)["a"]
			var err error
			for _, act := range c.acts {
				err = act(w, id)
			}
			standing, _ := w.Manager.Subscription(id)
			if tell(err) != c.err || standing.Standing != c.want || (standing.Reason == "") == (standing.State == subscription.Deactivated) {
				t.Errorf("%s %v, want %s %q", standing.Standing, err, c.want, c.err)
			}
		})
	}
}

func TestWhatIsNotThereHasNoState(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	_, activate := w.Manager.Activate(ctx, "none", "eva")
	_, deactivate := w.Manager.Deactivate(ctx, "none", "eva", "")
	_, standing := w.Manager.Subscription("none")
	for _, err := range []error{activate, deactivate, standing} {
		if tell(err) != "not-found" {
			t.Errorf("got %v", err)
		}
	}
}

// S56: pausing everything, a system, a subscription, an endpoint; the queue is kept and goes when it ends.
func TestPausesHoldAndKeep(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Standard)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/a"})["a"]
	scopes := []revision.Scope{revision.Hub, revision.OfSystem("jobnet"), revision.OfSubscription(id), revision.OfEndpoint("jobnet", "https://jobnet.test/hook/a")}
	for _, scope := range scopes {
		w.Must(w.Manager.Pause(ctx, scope, "eva", "release"))
	}
	standing, err := w.Manager.Subscription(id)
	w.Must(err)
	if standing.Standing != subscription.Paused || !slices.Equal(standing.PausedBy, scopes) {
		t.Errorf("%+v", standing)
	}
	w.Publish("cv", kommune, 3)
	for _, scope := range scopes {
		if w.Engine.Totals().Delivered != 0 || w.Engine.Totals().Pending != 3 {
			t.Fatalf("%+v while %s is paused", w.Engine.Totals(), scope)
		}
		w.Must(w.Manager.Resume(ctx, scope, "eva"))
	}
	w.Until("the three are there", func() bool { return w.Engine.Totals().Delivered == 3 && w.Log.Idle() })
}

func TestAPauseIsOfSomethingThatIsThere(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Standard)
	w.Subscribe("jobnet", sub{Name: "a", Path: "/a"})
	for _, scope := range []revision.Scope{
		"", "hub/x", "world", revision.OfSystem("none"), revision.OfSubscription("none"), revision.OfEndpoint("none", "https://a"),
		revision.OfEndpoint("jobnet", "https://jobnet.test/hook/b"),
	} {
		if err := w.Manager.Pause(ctx, scope, "eva", ""); tell(err) != "not-found" {
			t.Errorf("pause %q: %v", scope, err)
		}
		if err := w.Manager.Resume(ctx, scope, "eva"); tell(err) != "not-found" {
			t.Errorf("resume %q: %v", scope, err)
		}
	}
}

// A paused or failing star system shares one consumer: what one of its subscriptions is owed is counted by itself, on
// disk, in memory and not read yet.
func TestOwedToOneOfASystemsSubscriptions(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Star)
	ids := w.Subscribe("jobnet", sub{Name: "cv", Types: []string{"cv"}, Path: "/cv"}, sub{Name: "plan", Types: []string{"plan"}, Path: "/plan"})
	for _, id := range ids {
		_, err := w.Manager.Test(ctx, id, "eva")
		w.Must(err)
	}
	owed := func(name string, want int64) {
		t.Helper()
		got, err := w.Engine.Owed(ctx, ids[name])
		if err != nil || got != want {
			t.Errorf("%s: owed %d (%v), want %d", name, got, err, want)
		}
	}
	w.Publish("cv", kommune, 4)
	w.Until("four are there", func() bool { return w.Engine.Totals().Delivered == 4 && w.Log.Idle() })
	w.Answer(500)
	w.Publish("plan", kommune, 3)
	w.Until("failures are on disk", func() bool { return w.Engine.Totals().Retried >= 3 })
	w.Must(w.Manager.Pause(ctx, revision.Hub, "eva", ""))
	w.Publish("cv", kommune, 2000) // far more than is held in memory
	w.Publish("plan", kommune, 10)
	owed("cv", 2000)
	owed("plan", 13)
	if _, err := w.Engine.Owed(ctx, "none"); tell(err) != "not-found" {
		t.Errorf("got %v", err)
	}
	w.Answer(204)
	w.Must(w.Manager.Resume(ctx, revision.Hub, "eva"))
	w.Clock.Advance(time.Hour)
	w.Until("everything is there and recorded", func() bool { return w.Engine.Totals().Pending == 0 && w.Log.Idle() })
	owed("cv", 0)
	owed("plan", 0)
}

// What is over, in flight and on disk side by side, above a watermark that one hanging receiver holds.
func TestOwedAboveAWatermarkThatStands(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a"})["a"]
	_, err := w.Manager.Test(ctx, id, "eva")
	w.Must(err)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	arrived := make(chan struct{}, 100)
	first := true
	status := 200
	var mu sync.Mutex
	w.AnswerBy(func(managetest.Sent) int {
		mu.Lock()
		hangs, answer := first, status
		first = false
		mu.Unlock()
		arrived <- struct{}{}
		if hangs {
			<-hang
		}
		return answer
	})
	w.Publish("cv", kommune, 1)
	<-arrived
	w.Publish("cv", kommune, 3)
	w.Until("three are over", func() bool { return w.Engine.Totals().Delivered == 3 && w.Log.Idle() })
	mu.Lock()
	status = 400
	mu.Unlock()
	w.Publish("cv", kommune, 2)
	w.Until("two are parked", func() bool { return w.Engine.Totals().Parked == 2 })
	w.Until("and it is recorded", func() bool { n, _ := w.Engine.Owed(ctx, id); return n == 3 })
}

// Rotation with overlap: both keys sign until the old one's time is over.
func TestSigningKeysRotate(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Standard)
	rotate := func(kind string, overlap time.Duration) *manage.NewKey {
		t.Helper()
		key, err := w.Manager.RotateKey(ctx, "jobnet", kind, overlap, "eva")
		w.Must(err)
		return key
	}
	refs := func() (list []string) {
		system, _ := w.Book.System("jobnet")
		for _, key := range system.Signing {
			list = append(list, key.Ref)
		}
		return list
	}
	want := func(list ...string) {
		t.Helper()
		if !slices.Equal(refs(), list) || w.Keys.Kept() != len(list) {
			t.Errorf("signing with %v of %d keys, want %v", refs(), w.Keys.Kept(), list)
		}
	}
	first := rotate(manage.HMAC, time.Hour)
	pair := rotate(manage.Ed25519, time.Hour)
	if first.Shown != "shown-jobnet/1" || first.Public != "" || pair.Public != pair.Shown {
		t.Errorf("%+v %+v", first, pair)
	}
	want("jobnet/2", "jobnet/1")
	second := rotate(manage.HMAC, time.Hour)
	if second.Signing[2].Until != "2026-03-01T13:00:00Z" || second.Signing[1].Until != "" {
		t.Errorf("%+v", second.Signing)
	}
	w.Clock.Advance(30 * time.Minute)
	rotate(manage.HMAC, 24*time.Hour)
	want("jobnet/4", "jobnet/3", "jobnet/2", "jobnet/1")
	w.Clock.Advance(30 * time.Minute)
	want("jobnet/4", "jobnet/3", "jobnet/2")
	rotate(manage.HMAC, 0) // it leaked
	want("jobnet/5", "jobnet/2")
	doc, _ := w.Book.System("jobnet")
	next := *doc
	next.Signing, next.Title = nil, "Jobnet"
	if _, err := w.Manager.PutSystem(ctx, next, anyState()); err != nil {
		t.Error(err)
	}
	want("jobnet/5", "jobnet/2") // a document that says nothing of keys leaves them
	_, err := w.Manager.RemoveSystem(ctx, "jobnet", anyState(), nil)
	w.Must(err)
	if w.Keys.Kept() != 0 {
		t.Errorf("%d keys outlive their system", w.Keys.Kept())
	}
}

func TestARotationThatIsRefusedLeavesNoKey(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Standard)
	w.System("star", profile.Star)
	for name, c := range map[string]struct {
		system, kind string
		overlap      time.Duration
		want         string
	}{
		"no such kind":    {"jobnet", "v2", 0, "invalid-document /kind enum"},
		"no such time":    {"jobnet", "v1", -1, "invalid-document /overlapSeconds range"},
		"no such system":  {"none", "v1", 0, "not-found"},
		"does not sign":   {"star", "v1", 0, "conflict"},
		"the eighth goes": {"jobnet", "v1", time.Hour, ""},
	} {
		if _, err := w.Manager.RotateKey(ctx, c.system, c.kind, c.overlap, "eva"); tell(err) != c.want {
			t.Errorf("%s: got %q, want %q", name, tell(err), c.want)
		}
	}
	for range 7 {
		_, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva")
		w.Must(err)
	}
	if _, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva"); tell(err) != "conflict" {
		t.Errorf("a ninth: %v", err)
	}
	w.Keys.Err = errors.New("disk")
	w.Clock.Advance(time.Hour)
	if _, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva"); tell(err) != "internal" {
		t.Errorf("no key: %v", err)
	}
	if w.Keys.Kept() != 1 {
		t.Errorf("%d keys", w.Keys.Kept())
	}
	if err := w.Log.Close(); err != nil {
		t.Fatal(err)
	}
	w.Keys.Err = nil
	if _, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva"); tell(err) != "shutting-down" || w.Keys.Kept() != 1 {
		t.Errorf("not written, but kept: %v, %d keys", err, w.Keys.Kept())
	}
}

// The engine's own change: a 410 deactivates (it goes through Revise), and a subscription that went meanwhile stays so.
func TestTheEngineRevises(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", profile.Standard)
	id := w.Subscribe("jobnet", sub{Name: "a"})["a"]
	line := w.Book.Line(id)
	w.Answer(410)
	w.Publish("cv", event.Organisation{}, 1)
	w.Until("it is deactivated", func() bool { return line.Now().State == subscription.Deactivated })
	if line.Now().Reason == "" {
		t.Error("no reason")
	}
	set := options(anyState(), 1)
	_, err := w.Manager.PutSubscriptions(ctx, "jobnet", nil, set)
	w.Must(err)
	w.Must(w.Manager.Revise(ctx, line, func(s *subscription.Subscription) { s.State = subscription.Active }))
	if line.Now() != nil {
		t.Error("it is back")
	}
}
