package manage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// S6, S45, S53 and requirements 5b: what a set may be. Every violation is told, and nothing of the set is in force.
func TestSetsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile profile.Name
		set     []sub
		want    string
	}{
		"S6: all types, all organisations":  {profile.Star, []sub{{Path: "/a"}}, ""},
		"S6: one type, all organisations":   {profile.Star, []sub{{Types: []string{"cv"}, Path: "/a"}}, ""},
		"S6: all types, one organisation":   {profile.Star, []sub{{Organisations: []event.Organisation{kommune}, Path: "/a"}}, ""},
		"S6: one type and one organisation": {profile.Star, []sub{{Types: []string{"cv"}, Organisations: []event.Organisation{kommune}, Path: "/a"}}, ""},
		"S6: all four beside each other": {profile.Star, []sub{
			{Path: "/1"}, {Types: []string{"cv"}, Path: "/2"}, {Organisations: []event.Organisation{kommune}, Path: "/3"},
			{Types: []string{"cv"}, Organisations: []event.Organisation{kommune}, Path: "/4"},
		}, ""},
		"S6: the same twice under star": {profile.Star, []sub{{Name: "a", Types: []string{"cv"}}, {Name: "b", Types: []string{"plan", "cv"}}}, "overlap /items/1 overlap"},
		"the same twice under standard": {profile.Standard, []sub{{Name: "a", Types: []string{"cv"}}, {Name: "b", Types: []string{"plan", "cv"}}}, ""},
		"S6: one after the other": {profile.Star, []sub{
			{Name: "a", To: "2026-06-01"}, {Name: "b", From: "2026-06-01"},
		}, ""},

		"S45: the base itself":               {profile.Star, []sub{{Path: ""}}, ""},
		"S45: the rest after it":             {profile.Star, []sub{{Path: "/x"}}, ""},
		"S45: another scheme":                {profile.Star, []sub{{Path: "https://evil/"}}, "invalid-document /items/0/path path"},
		"S45: another host":                  {profile.Star, []sub{{Path: "//evil"}}, "invalid-document /items/0/path path"},
		"S45: climbing":                      {profile.Star, []sub{{Path: "/../x"}}, "invalid-document /items/0/path path"},
		"S45: climbing, encoded":             {profile.Star, []sub{{Path: "/%2e%2e/x"}}, "invalid-document /items/0/path path"},
		"S45: glued to the base":             {profile.Star, []sub{{Path: ".evil.test/x"}}, "invalid-document /items/0/path path"},
		"S45: glued as a user":               {profile.Star, []sub{{Path: "@evil"}}, "invalid-document /items/0/path path"},
		"S45: a backslash":                   {profile.Star, []sub{{Path: `/\evil`}}, "invalid-document /items/0/path path"},
		"S59: fetched beside what is pushed": {profile.Star, []sub{{Name: "a"}, {Name: "q", Channel: "queue", AlertAfter: 10}, {Name: "c", Channel: "cursor"}}, ""},
		"S59: fetched, and sent somewhere":   {profile.Standard, []sub{{Channel: "queue", Path: "/x", Mode: "binary", AlertAfter: -1}}, "invalid-document /items/0/path channel; /items/0/mode channel; /items/0/alertAfter range"},
		"S59: sent, with an alert":           {profile.Standard, []sub{{AlertAfter: 5}}, "invalid-document /items/0/alertAfter channel"},
		"S59: no such channel":               {profile.Standard, []sub{{Channel: "pigeon"}}, "invalid-document /items/0/channel enum"},
		"S53: no such type":                  {profile.Star, []sub{{Types: []string{"cv", "none"}}}, "invalid-document /items/0/types/1 exists"},
		"S5: an organisation of others": {profile.Star, []sub{{Organisations: []event.Organisation{kommune, foreign}}},
			"not-granted /items/0/organisations/1 not-granted"},
		"5b: over before it begins": {profile.Star, []sub{{From: "2026-06-02", To: "2026-06-01"}}, "invalid-document /items/0/to order"},
		"5b: over already":          {profile.Star, []sub{{To: "2026-02-28"}}, "invalid-document /items/0/to past"},
		"5b: no date":               {profile.Star, []sub{{From: "1st of May"}}, "invalid-document /items/0/from date"},
		"5b: every error of every entry": {profile.Star, []sub{
			{Name: "good", Types: []string{"plan"}},
			{Name: "bad", Types: []string{"none"}, Path: "evil", Mode: "smoke"},
			{Name: "bad", Organisations: []event.Organisation{foreign}},
			{ID: "no-such", Name: "c", State: subscription.Active, System: "other", Organisations: []event.Organisation{jobcentr}},
		}, "invalid-document /items/3/id exists; /items/3/system path; /items/3/state read-only; /items/1/types/0 exists; /items/1/path path; /items/1/mode enum; " +
			"/items/2/name unique; /items/2/organisations/0 not-granted"},
		"statuspage: a type without a webhook": {profile.Statuspage, []sub{{Types: []string{"varsel.status.notice", "cv", "varsel.status.site"}}},
			"invalid-document /items/0/types/1 profile; /items/0/types/2 profile"},
		"statuspage: every type":                {profile.Statuspage, []sub{{}}, "invalid-document /items/0/types required"},
		"statuspage: what there is":             {profile.Statuspage, []sub{{Types: status.Webhooked}}, ""},
		"statuspage: fetched as it is":          {profile.Statuspage, []sub{{Channel: "queue", Types: []string{"cv"}}}, ""},
		"F13: a type that becomes a message":    {profile.Datafordeler, []sub{{Types: []string{"KommuneinddelingUpdate"}, Format: "xml"}}, ""},
		"F13: a type that does not":             {profile.Datafordeler, []sub{{Types: []string{"KommuneinddelingUpdate", "cv"}, Channel: "queue"}}, "invalid-document /items/0/types/1 profile"},
		"F3: every type":                        {profile.Datafordeler, []sub{{Format: "json"}}, "invalid-document /items/0/types required"},
		"F4: another format":                    {profile.Datafordeler, []sub{{Types: []string{"KommuneinddelingUpdate"}, Format: "csv"}}, "invalid-document /items/0/format enum"},
		"F4: XML in an answer of JSON":          {profile.Datafordeler, []sub{{Types: []string{"KommuneinddelingUpdate"}, Channel: "queue", Format: "xml"}}, "invalid-document /items/0/format channel"},
		"F4: a content mode":                    {profile.Datafordeler, []sub{{Types: []string{"KommuneinddelingUpdate"}, Mode: "binary"}}, "invalid-document /items/0/mode profile"},
		"F4: a format of another profile":       {profile.Standard, []sub{{Format: "json"}}, "invalid-document /items/0/format profile"},
		"a path that is pending from the start": {profile.Star, []sub{{PendingPath: new(string)}}, "invalid-document /items/0 read-only"},
		"too many":                              {profile.Standard, make([]sub, 1001), "invalid-document /items size"},
		"none":                                  {profile.Star, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managetest.New(t)
			w.Seed()
			w.RegisterSites()
			registerKommune(w)
			agreement := managetest.Agreement("jobnet", c.profile)
			agreement.Agreement.Organisations = []event.Organisation{kommune, jobcentr}
			_, err := w.Manager.PutSystem(ctx, agreement, creating())
			w.Must(err)
			report, err := w.Manager.PutSubscriptions(ctx, "jobnet", c.set, options(creating()))
			if tell(err) != c.want {
				t.Fatalf("got  %q\nwant %q", tell(err), c.want)
			}
			made, _ := w.Book.Subscriptions("jobnet")
			if c.want != "" && len(made) > 0 || c.want == "" && (len(made) != len(c.set) || len(report.Created) != len(c.set)) {
				t.Errorf("%d subscriptions made, report %s", len(made), outline(report))
			}
		})
	}
}

// registerKommune makes a type whose events become messages of Datafordeleren.
func registerKommune(w *managetest.World) {
	const name = "KommuneinddelingUpdate"
	_, err := w.Manager.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderNone, Retention: "P180D"}, creating())
	w.Must(err)
	_, err = w.Manager.PutVersion(ctx, event.Version{
		Type: name, Version: "v1", State: event.StateActive, Sample: []byte(`{"id":"1","registreringFra":"2016-08-07T02:10:00"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"besked.objektID": "Load(id)", "besked.objekttype": "Constant(Kommuneinddeling)", "besked.registreringstid": "Load(registreringFra)",
			"besked.sikkerhedsklassificering": "Constant(NonConfidential)",
		}},
	}, creating())
	w.Must(err)
}

// Requirements 5b: the request's list becomes the whole set. Each step follows the one before.
func TestASetBecomesTheWholeSet(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	cv, plan, all := sub{Types: []string{"cv"}, Path: "/cv"}, sub{Name: "p", Types: []string{"plan"}, Path: "/plan"}, sub{Name: "all", Path: "/all", State: subscription.Draft}
	cvMoved := cv
	cvMoved.Path = "/elsewhere"
	ids := map[string]string{}
	for i, step := range []struct {
		set     []sub
		want    string
		written bool
	}{
		{[]sub{cv, plan}, "+cv|all +p", true},
		{[]sub{cv, plan}, "=cv|all =p", false}, // idempotent
		{[]sub{plan, cv}, "=cv|all =p", false},
		{[]sub{cvMoved, plan, all}, "+all ~cv|all =p", true},
		{[]sub{plan, all}, "-cv|all =all =p", true},
		{[]sub{cv, plan, all}, "+cv|all =all =p", true},
		{nil, "-all -cv|all -p", true},
		{nil, "", false},
	} {
		before := w.Book.Last()
		_, position := w.Book.Subscriptions("jobnet")
		by := creating()
		if position > 0 {
			by = seen(position)
		}
		foretold, err := w.Manager.PutSubscriptions(ctx, "jobnet", step.set, dry(by))
		if err != nil || outline(foretold) != step.want || !foretold.DryRun || w.Book.Last() != before {
			t.Fatalf("step %d, dry: %q %v", i, outline(foretold), err)
		}
		report, err := w.Manager.PutSubscriptions(ctx, "jobnet", step.set, options(by))
		if err != nil || outline(report) != step.want || (w.Book.Last() != before) != step.written {
			t.Fatalf("step %d: %q %v, want %q", i, outline(report), err, step.want)
		}
		if _, now := w.Book.Subscriptions("jobnet"); report.Position != now {
			t.Errorf("step %d: the report's ETag is %d, the set's %d", i, report.Position, now)
		}
		current, _ := w.Book.Subscriptions("jobnet")
		for _, s := range current {
			if i < 4 && ids[s.Name] != "" && ids[s.Name] != s.ID {
				t.Errorf("step %d: %s got another id", i, s.Name)
			}
			ids[s.Name] = s.ID
		}
	}
}

// What a GET of the set tells can be put back as it is, a name can change under its id, and the hub's own members can
// not be changed.
func TestASetGoesRoundAndKeepsWhatIsTheHubs(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	w.Subscribe("jobnet", sub{Name: "a", Path: "/1"})
	set, position := w.Book.Subscriptions("jobnet")
	a := *set[0]
	reason, pending := "because", "/9"
	for name, c := range map[string]struct {
		change func(*sub)
		want   string
	}{
		"as it is":      {func(*sub) {}, "=a ?a/1"},
		"another name":  {func(s *sub) { s.Name = "b" }, "~b ?b/1"},
		"another path":  {func(s *sub) { s.Path = "/2" }, "~a ?a/2"},
		"activated":     {func(s *sub) { s.State = subscription.Active }, "invalid-document /items/0/state read-only"},
		"a reason":      {func(s *sub) { s.Reason = reason }, "invalid-document /items/0/reason read-only"},
		"a pending one": {func(s *sub) { s.PendingPath = &pending }, "invalid-document /items/0/pendingPath read-only"},
	} {
		next := a
		c.change(&next)
		report, err := w.Manager.PutSubscriptions(ctx, "jobnet", []sub{next}, dry(seen(position)))
		if got := outline(report) + tell(err); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if _, err := w.Manager.PutSubscriptions(ctx, "jobnet", []sub{a, a}, options(seen(position))); tell(err) != "invalid-document /items/1/id unique; /items/1/name unique; /items/1 overlap" {
		t.Errorf("one twice: %q", tell(err))
	}
	if _, err := w.Manager.PutSubscriptions(ctx, "none", nil, options(creating())); tell(err) != "not-found" {
		t.Errorf("no such system: %q", tell(err))
	}
}

func TestConditionsOnASet(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	put := func(want string, condition manage.Condition, names ...string) {
		t.Helper()
		var set []sub
		for _, name := range names {
			set = append(set, sub{Name: name})
		}
		if _, err := w.Manager.PutSubscriptions(ctx, "jobnet", set, options(manage.By{Author: "t", Condition: condition})); tell(err) != want {
			t.Errorf("%v: got %q, want %q", names, tell(err), want)
		}
	}
	put("precondition-failed", manage.Condition{Seen: []int64{5}}, "a")
	put("", manage.Condition{Seen: []int64{0}}, "a")
	put("if-match-required", manage.Condition{}, "a", "b")
	put("precondition-failed", manage.Condition{Absent: true}, "a", "b")
	put("precondition-failed", manage.Condition{Seen: []int64{1}}, "a", "b")
	put("", manage.Condition{}, "a")
	put("", manage.Condition{Present: true}, "a", "b")
}

// S57: where the profile demands tests, nothing is in force before its own has passed.
func TestAChangedPathWaitsForItsTest(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/1"})["a"]
	is := func(state subscription.State, path, pending string) {
		t.Helper()
		s := w.Book.Line(id).Now()
		got := ""
		if s.PendingPath != nil {
			got = *s.PendingPath
		}
		if s.State != state || s.Path != path || got != pending {
			t.Errorf("%s %s pending %q, want %s %s pending %q", s.State, s.Path, got, state, path, pending)
		}
	}
	is(subscription.Untested, "/1", "")
	w.Publish("cv", kommune, 1)
	if w.Engine.Totals().Pending != 0 {
		t.Error("an untested subscription was given an event")
	}
	w.Subscribe("jobnet", sub{Name: "a", Path: "/2"})
	is(subscription.Untested, "/2", "") // nothing is in force yet that could go on

	w.Pass(id)
	is(subscription.Active, "/2", "")
	w.Subscribe("jobnet", sub{Name: "a", Path: "/3"})
	is(subscription.Active, "/2", "/3")
	before := w.Book.Last()
	w.Subscribe("jobnet", sub{Name: "a", Path: "/3"}) // the same request again
	w.Subscribe("jobnet", *w.Book.Line(id).Now())     // what a GET shows
	if w.Book.Last() != before {
		t.Error("what was so already was written again")
	}
	w.Publish("cv", kommune, 1)
	w.Delivered(1)
	if sent := w.Sent(); sent[len(sent)-1].URL != "https://jobnet.test/hook/2" {
		t.Errorf("sent to %s", sent[len(sent)-1].URL)
	}
	w.Subscribe("jobnet", sub{Name: "a", Path: "/2"}) // thought better of it
	is(subscription.Active, "/2", "")
	w.Subscribe("jobnet", sub{Name: "a", Path: "/3"})
	report := w.Pass(id)
	is(subscription.Active, "/3", "")
	if report.Endpoint != "https://jobnet.test/hook/3" || !report.PathInForce || report.Activated {
		t.Errorf("%+v", report)
	}
}

// S59: under star what is pushed and what is fetched are different subscriptions; under standard one is changed in place.
func TestS59ChangingTheChannel(t *testing.T) {
	t.Parallel()
	for p, want := range map[profile.Name]string{profile.Star: "invalid-document /items/0/channel fixed", profile.Standard: ""} {
		w := jobnet(t, p)
		w.Subscribe("jobnet", sub{Name: "a", Channel: subscription.Queue})
		if s, _ := w.Book.Subscriptions("jobnet"); s[0].State != subscription.Active {
			t.Errorf("%s: a queue is %s, though there is nothing to test", p, s[0].State)
		}
		by := manage.By{Author: "test", Condition: manage.Condition{Present: true}}
		_, err := w.Manager.PutSubscriptions(ctx, "jobnet", []sub{{Name: "a", Path: "/a"}}, options(by))
		if tell(err) != want {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestAPathOfTheStandardProfileIsInForceAtOnce(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/1"})["a"]
	w.Subscribe("jobnet", sub{Name: "a", Path: "/2"})
	if s := w.Book.Line(id).Now(); s.State != subscription.Active || s.Path != "/2" || s.PendingPath != nil {
		t.Errorf("%+v", s)
	}
}

// Requirements 5b: removing a subscription deletes its undelivered messages; here only when their exact count is named.
func TestRemovingWithUndeliveredMessagesNeedsTheirCount(t *testing.T) {
	t.Parallel()
	for _, p := range []profile.Name{profile.Standard, profile.Star} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := jobnet(t, p)
			cv, plan := sub{Name: "cv", Types: []string{"cv"}, Path: "/cv"}, sub{Name: "plan", Types: []string{"plan"}, Path: "/plan"}
			for _, id := range w.Subscribe("jobnet", cv, plan) {
				if p == profile.Star {
					w.Pass(id)
				}
			}
			w.AnswerBy(func(s managetest.Sent) int {
				if strings.HasSuffix(s.URL, "/cv") {
					return 500
				}
				return 204
			})
			w.Publish("cv", kommune, 7)
			w.Publish("plan", kommune, 5)
			w.Delivered(5)

			put := func(want string, set []sub, drop ...int64) *manage.Report {
				t.Helper()
				report, err := w.Manager.PutSubscriptions(ctx, "jobnet", set, options(anyState(), drop...))
				if tell(err) != want {
					t.Errorf("got %v, want %q", err, want)
				}
				return report
			}
			report, err := w.Manager.PutSubscriptions(ctx, "jobnet", []sub{plan}, dry(anyState()))
			if err != nil || outline(report) != "-cv =plan !7" {
				t.Fatalf("%q %v", outline(report), err)
			}
			put("drop-count", []sub{plan})
			put("drop-count", []sub{plan}, 6)
			put("drop-count", []sub{cv}, 1)
			if got := outline(put("", []sub{plan}, 7)); got != "-cv =plan !7" {
				t.Errorf("got %q", got)
			}
			if got := outline(put("", []sub{plan}, 7)); got != "=plan" {
				t.Errorf("the same request again: %q", got)
			}
			w.Until("the rest was dropped", func() bool { return w.Engine.Totals().Pending == 0 })
			w.Until("no lane is left", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 0 })
		})
	}
}

// What was accepted a moment ago counts, routed or not.
func TestTheCountIsOfAllThatWasAccepted(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	w.Subscribe("jobnet", sub{Name: "a", Path: "/a"})
	w.Must(w.Manager.Pause(ctx, revision.Hub, "eva", ""))
	for total := int64(1); total <= 50; total++ {
		w.Append("cv", kommune, 1)
		report, err := w.Manager.PutSubscriptions(ctx, "jobnet", nil, dry(anyState()))
		if err != nil || report.Drop != total {
			t.Fatalf("%+v %v, want %d", report, err, total)
		}
	}
}

// An end date that has passed since it was set is no reason to refuse the set it stands in.
func TestAnEndThatHasPassedStays(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	ended, other := sub{Name: "a", To: "2026-04-01"}, sub{Name: "b"}
	w.Subscribe("jobnet", ended)
	w.Clock.Advance(100 * 24 * time.Hour)
	w.Subscribe("jobnet", ended, other)
	ended.To = "2026-05-01"
	if _, err := w.Manager.PutSubscriptions(ctx, "jobnet", []sub{ended, other}, options(anyState())); tell(err) != "invalid-document /items/0/to past" {
		t.Errorf("another past end: %q", tell(err))
	}
}

func TestRemovingASystem(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	w.Subscribe("jobnet", sub{Name: "a", Path: "/a"}, sub{Name: "b", Path: "/b"})
	w.Answer(500)
	w.Publish("cv", kommune, 3)
	remove := func(want string, by manage.By, drop *int64) manage.Removal {
		t.Helper()
		removal, err := w.Manager.RemoveSystem(ctx, "jobnet", by, drop)
		if tell(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
		return removal
	}
	count := func(n int64) *int64 { return &n }
	remove("if-match-required", creating(), count(6))
	remove("drop-count", anyState(), nil)
	remove("drop-count", anyState(), count(5))
	if got := remove("", anyState(), count(6)); got != (manage.Removal{Subscriptions: 2, Drop: 6}) {
		t.Errorf("%+v", got)
	}
	remove("not-found", anyState(), nil)
	w.Until("the rest was dropped", func() bool { return w.Engine.Totals().Pending == 0 })

	w.System("jobnet", profile.Star) // the name is free, and bound to nothing of before
	remove("", anyState(), nil)
}
