package manage_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

type says = map[string]status.State

// D6, C19: an incident from its beginning to what is told afterwards: its impact, its components, and every event of it.
func TestD6AnIncidentFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.open(manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: en("Search is slow"), Started: w.in(-10 * time.Minute), Expected: w.in(time.Hour), NextUpdate: w.in(20 * time.Minute)},
		Body: en("We are looking into it."), Affected: says{w.search: status.Degraded},
	})
	if n.Stage != status.Investigating || n.Impact != "minor" || n.Started != w.in(-10*time.Minute) || n.Created != w.now() || !slices.Equal(n.Components, []string{w.search}) {
		t.Errorf("opened: %+v", n)
	}
	if a := n.Updates[0].Affected; len(a) != 1 || a[0] != (status.Affected{Component: w.search, Name: "CRM - Search", From: status.Operational, To: status.Degraded}) || n.Updates[0].Author != "eva" {
		t.Errorf("its update: %+v", n.Updates[0])
	}
	if s := w.board().Component(w.search); s.Since != w.in(-10*time.Minute) || s.Spans[1].Notice != n.ID || s.Spans[1].Cause != status.ByNotice {
		t.Errorf("it is known since when: %+v", s.Spans)
	}
	w.hears("incident opened investigating", "Search operational→degraded_performance")

	w.Clock.Advance(time.Minute)
	later := w.in(2 * time.Hour)
	n = w.say(n, manage.Saying{Stage: status.Identified, Body: en("An index."), Affected: says{w.search: status.MajorOutage, w.files: status.Operational}, Expected: &later})
	if n.Impact != "critical" || n.NextUpdate != 0 || n.Expected != later || len(n.Components) != 2 {
		t.Errorf("identified: %+v", n)
	}
	w.hears("incident updated identified", "Search degraded_performance→major_outage") // old may equal new: Files is in it, and nothing changed
	n = w.say(n, manage.Saying{Body: en("Still at it."), Quiet: true})
	w.hears("incident updated identified quietly")
	n = w.say(n, manage.Saying{Stage: status.Monitoring, Body: en("Better."), NextUpdate: &later})
	if n.Watched != w.now() || n.NextUpdate != later || w.states() != "Search major_outage" {
		t.Errorf("monitoring: %+v, %s", n, w.states())
	}
	w.hears("incident updated monitoring")
	w.Clock.Advance(time.Minute)
	n = w.say(n, manage.Saying{Stage: status.Resolved, Body: en("Good.")})
	if n.Over != w.now() || n.Impact != "critical" || n.NextUpdate != 0 || w.states() != "" || n.Last().Affected[0].To != status.Operational {
		t.Errorf("resolved: %+v, %s", n, w.states())
	}
	w.hears("incident updated resolved", "Search major_outage→operational")

	n, err := w.Manager.TellAfterwards(ctx, "prod", n.ID, en("The disk was full."), anyState())
	w.Must(err)
	if n.Stage != status.Postmortem || n.Postmortem.Published != w.now() || n.Over != w.now() || n.Last().Body["en"] != "The disk was full." {
		t.Errorf("told: %+v", n)
	}
	w.hears("incident postmortem postmortem")
	want := []string{"test put-site site/prod", "eva open-notice notice/prod", "eva update-notice notice/prod", "eva update-notice notice/prod", "eva update-notice notice/prod", "eva update-notice notice/prod", "test edit-notice notice/prod"}
	if got := w.acts(); !slices.Equal(got, want) {
		t.Errorf("on record: %q", got)
	}
	if history := w.Book.NoticeHistory("prod", n.ID); len(history) != 6 || history[0].Author != "eva" || history[5].Author != "test" || history[0].At == 0 || len(history[2].Notice.Updates) != 3 {
		t.Errorf("its history: %+v", history)
	}
}

// Statuspage's rule (reference 2.3): the impact is that of the worst affected, and a person's word wins.
func TestAnImpactIsOverridden(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.open(manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("Out"), Override: "minor"}, Affected: says{w.search: status.MajorOutage}})
	if n.Impact != "minor" {
		t.Errorf("overridden: %s", n.Impact)
	}
	f := manage.FactsOf(n)
	f.Override = ""
	n, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, seen(n.Version))
	w.Must(err)
	if n.Impact != "critical" {
		t.Errorf("no more: %s", n.Impact)
	}
}

// A component that a notice has set goes back when it is over, to what the other open notices say, and stays where someone
// has said something else since.
func TestComponentsGoBackWhenANoticeIsOver(t *testing.T) {
	t.Parallel()
	resolve := func(w *siteWorld, n *status.Notice) {
		w.say(n, manage.Saying{Stage: status.Resolved, Body: en("Good.")})
	}
	remove := func(w *siteWorld, n *status.Notice) { w.Must(w.Manager.RemoveNotice(ctx, "prod", n.ID, anyState())) }
	set := func(w *siteWorld, s status.State) {
		w.Must(w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: s}, "eva"))
	}
	for name, c := range map[string]struct {
		do   func(*siteWorld)
		want string
	}{
		"alone":   {func(w *siteWorld) { resolve(w, w.outage(w.search, status.MajorOutage)) }, ""},
		"removed": {func(w *siteWorld) { remove(w, w.outage(w.search, status.MajorOutage)) }, ""},
		"another one says otherwise": {func(w *siteWorld) {
			w.outage(w.search, status.Degraded)
			resolve(w, w.outage(w.search, status.MajorOutage))
		}, "Search degraded_performance"},
		"another one said it last": {func(w *siteWorld) {
			n := w.outage(w.search, status.MajorOutage)
			w.outage(w.search, status.Degraded)
			resolve(w, n)
		}, "Search degraded_performance"},
		"another one says otherwise, until it is over too": {func(w *siteWorld) {
			n := w.outage(w.search, status.Degraded)
			resolve(w, w.outage(w.search, status.MajorOutage))
			resolve(w, n)
		}, ""},
		"two say the same": {func(w *siteWorld) {
			n := w.outage(w.search, status.Degraded)
			other := w.outage(w.search, status.Degraded)
			resolve(w, n)
			resolve(w, other)
		}, ""},
		"it says what a person had set": {func(w *siteWorld) {
			set(w, status.MajorOutage)
			resolve(w, w.outage(w.search, status.MajorOutage))
		}, ""},
		"it says what a machine saw": {func(w *siteWorld) {
			w.Must(w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: status.MajorOutage, Cause: status.ByMonitor}, "varsel"))
			resolve(w, w.outage(w.search, status.MajorOutage))
		}, "Search major_outage"},
		"another one left it so when it was over": {func(w *siteWorld) {
			n := w.outage(w.search, status.PartialOutage)
			w.Clock.Advance(time.Minute)
			w.say(w.outage(w.search, status.MajorOutage), manage.Saying{Stage: status.Resolved, Affected: says{w.search: status.PartialOutage}})
			resolve(w, n)
		}, "Search partial_outage"},
		"of three the worst": {func(w *siteWorld) {
			w.outage(w.search, status.PartialOutage)
			w.outage(w.search, status.Degraded)
			resolve(w, w.outage(w.search, status.MajorOutage))
		}, "Search partial_outage"},
		"one that is over says nothing": {func(w *siteWorld) {
			n := w.outage(w.search, status.MajorOutage)
			other := w.outage(w.search, status.PartialOutage)
			resolve(w, n)
			resolve(w, other)
		}, ""},
		"a person said otherwise since": {func(w *siteWorld) {
			n := w.outage(w.search, status.MajorOutage)
			set(w, status.PartialOutage)
			resolve(w, n)
		}, "Search partial_outage"},
		"it says itself how they are": {func(w *siteWorld) {
			w.say(w.outage(w.search, status.MajorOutage), manage.Saying{Stage: status.Resolved, Affected: says{w.search: status.Degraded}})
		}, "Search degraded_performance"},
		"it says of none": {func(w *siteWorld) {
			w.say(w.outage(w.search, status.MajorOutage), manage.Saying{Stage: status.Resolved, Affected: says{}})
		}, "Search major_outage"},
		"it is not said to affect it any more": {func(w *siteWorld) {
			n := w.outage(w.search, status.MajorOutage)
			f := manage.FactsOf(n)
			f.Components = []string{w.mail}
			_, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, anyState())
			w.Must(err)
			resolve(w, n)
		}, ""},
		"it opens again": {func(w *siteWorld) {
			n := w.outage(w.search, status.MajorOutage)
			resolve(w, n)
			w.say(n, manage.Saying{Stage: status.Investigating, Body: en("Again."), Affected: says{w.search: status.PartialOutage}})
		}, "Search partial_outage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			c.do(w)
			if got := w.states(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			last := w.board().Component(w.search).Spans
			if n := w.board().Notice(last[len(last)-1].Notice); n != nil && len(w.board().Open("")) > 0 && c.want != "" && !n.Open() {
				t.Errorf("it is so by the word of one that is over")
			}
		})
	}
}

// D7, D8, D9, C5, D3: the kinds that are not incidents: what stages they have, and which event tells of them.
func TestD8D9WhatIsSaidBesidesIncidents(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	for _, c := range []struct {
		kind  status.Kind
		facts manage.Facts
		stage status.Stage
		hears string
	}{
		{status.Planned, manage.Facts{Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour), Components: []string{w.search}}, "scheduled", "maintenance opened scheduled"},
		{status.Action, manage.Facts{Deadline: w.in(time.Hour), Audience: en("Integrators")}, "published", "action opened published"},
		{status.Announcement, manage.Facts{Sections: []string{"crm"}}, "published", "announcement opened published"},
		{status.Announcement, manage.Facts{Starts: w.in(-time.Hour)}, "published", "announcement opened published"},
		{status.Announcement, manage.Facts{Starts: w.in(time.Hour)}, "planned", "site planned"}, // what is not shown yet is not told
		{status.Bulletin, manage.Facts{}, "published", "bulletin opened published"},
	} {
		c.facts.Title = en("It")
		n := w.open(manage.Opening{Kind: c.kind, Facts: c.facts})
		if n.Stage != c.stage || w.states() != "" {
			t.Errorf("%s is %s; %s", c.kind, n.Stage, w.states())
		}
		if got := w.events(); len(got) != 1 || w.outline(got[0]) != c.hears || (got[0].Type == status.MessageChanged) != (n.Message() && n.Stage != status.Coming) {
			t.Errorf("%s: it is told %v", c.kind, got)
		}
	}
	if planned := w.board().Notices[5]; planned.Kind == status.Planned && planned.Updates[0].Body["da"] != "Der er planlagt vedligeholdelse." {
		t.Errorf("a maintenance without words says %v", planned.Updates[0].Body)
	}
}

// What nobody is shown yet, nobody is told of: not when it is written, put otherwise or removed. When it is shown it is new.
func TestWhatIsNotShownYetIsNotTold(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	opening := manage.Opening{Kind: status.Announcement, Facts: manage.Facts{Title: en("Secret"), Starts: w.in(time.Hour)}, Body: en("Soon.")}
	n, other := w.open(opening), w.open(opening)
	f := manage.FactsOf(n)
	f.Title = en("Secret plan")
	_, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, anyState())
	w.Must(err)
	w.Must(w.Manager.RemoveNotice(ctx, "prod", other.ID, anyState()))
	for _, e := range w.events() {
		if w.outline(e) != "site planned" || strings.Contains(string(e.Data), "Secret") {
			t.Errorf("it is told %s", e.Data)
		}
	}
	w.say(n, manage.Saying{Stage: status.Published, Body: en("Now.")})
	w.hears("announcement opened published")
	w.say(n, manage.Saying{Stage: status.Coming, Body: en("Too early.")})
	w.hears("announcement removed planned")
}

// What is refused is told by the members of the request, and changes nothing.
func TestWhatANoticeMayNotBe(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.System("jobnet", profile.Standard)
	long := en(strings.Repeat("x", status.MaxBody+1))
	incident := w.outage(w.search, status.Degraded)
	window := manage.Facts{Title: en("Update"), Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour)}
	with := func(f manage.Facts, change func(*manage.Facts)) manage.Facts { change(&f); return f }
	past := w.in(-time.Minute)
	head := w.Log.Head()
	for name, c := range map[string]struct {
		of   any // Opening, Saying of the incident, Facts of it
		want string
	}{
		"no kind and no title":             {manage.Opening{}, "/kind enum; /title required"},
		"words too long":                   {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x")}, Body: long}, "/body/en length"},
		"a stage of another kind":          {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x")}, Stage: status.Completed}, "/stage enum"},
		"told afterwards before":           {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x")}, Stage: status.Postmortem}, "/stage postmortem"},
		"a component that is none":         {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x"), Components: []string{"none"}}, Affected: says{"a/b": status.Degraded}}, "/affected/a~1b exists; /components/0 exists"},
		"a component twice":                {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x"), Components: []string{w.mail, w.mail}, Sections: []string{"crm", "hr", "crm"}}}, "/components/1 unique; /sections/1 exists; /sections/2 unique"},
		"a state that is none":             {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x")}, Affected: says{w.search: "down"}}, "/affected/" + w.search + " enum"},
		"nobody knows":                     {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x")}, Affected: says{w.search: status.NoData}}, "/affected/" + w.search + " enum"},
		"an announcement that sets states": {manage.Opening{Kind: status.Announcement, Facts: manage.Facts{Title: en("x")}, Affected: says{w.search: status.Degraded}}, "/affected kind"},
		"a plan that sets states":          {manage.Opening{Kind: status.Planned, Facts: window, Affected: says{w.search: status.Maintenance}}, "/affected stage"},
		"a maintenance without times":      {manage.Opening{Kind: status.Planned, Facts: manage.Facts{Title: en("x")}}, "/starts required"},
		"an incident with times":           {manage.Opening{Kind: status.Incident, Facts: window}, "/starts kind"},
		"an incident with an end":          {manage.Opening{Kind: status.Incident, Facts: with(window, func(f *manage.Facts) { f.Starts = 0 })}, "/ends kind"},
		"an end before its start":          {manage.Opening{Kind: status.Bulletin, Facts: with(window, func(f *manage.Facts) { f.Ends = f.Starts })}, "/ends order"},
		"a start that is to come":          {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x"), Started: w.in(time.Hour)}}, "/started future"},
		"promises of the past":             {manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x"), Expected: past, NextUpdate: past}}, "/expected past; /nextUpdate past"},
		"a system that is none":            {manage.Opening{Kind: status.Planned, Facts: with(window, func(f *manage.Facts) { f.Pause = []string{"jobnet", "none", "jobnet"} })}, "/pause/2 unique; /pause/1 exists"},
		"a repeat that is none":            {manage.Opening{Kind: status.Planned, Facts: with(window, func(f *manage.Facts) { f.Repeat = &status.Repeat{Every: "moon", Step: -1} })}, "/repeat/every enum"},

		"nothing is said":           {manage.Saying{}, "/body required"},
		"nothing but silence":       {manage.Saying{Stage: status.Investigating, Quiet: true}, "/body required"},
		"words of another language": {manage.Saying{Body: status.Text{"fr": "Pas bien"}}, "/body/fr language"},
		"no stage of its kind":      {manage.Saying{Stage: status.Verifying}, "/stage enum"},
		"it was told afterwards":    {manage.Saying{Stage: status.Postmortem, Body: en("x")}, "/stage postmortem"},
		"a promise of the past":     {manage.Saying{Body: en("x"), NextUpdate: &past, Expected: &past}, "/expected past; /nextUpdate past"},

		"facts without a title": {manage.Facts{}, "/title required"},
		"a deadline":            {manage.Facts{Title: en("x"), Deadline: w.in(time.Hour), Override: "huge", Pause: []string{"jobnet"}}, "/override enum; /deadline kind; /pause kind"},
	} {
		var err error
		switch of := c.of.(type) {
		case manage.Opening:
			_, err = w.Manager.OpenNotice(ctx, "prod", of, "eva")
		case manage.Saying:
			_, err = w.Manager.Say(ctx, "prod", incident.ID, of, anyState())
		case manage.Facts:
			_, err = w.Manager.EditNotice(ctx, "prod", incident.ID, of, anyState())
		}
		if got := tell(err); got != "invalid-document "+c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if w.Log.Head() != head {
		t.Error("something was written")
	}
}

// A notice is changed by those who have seen it. Something may be said of it by anyone who has not, since that takes nothing
// away; who asks for a state gets it.
func TestANoticeIsChangedOnCondition(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.outage(w.search, status.Degraded)
	first := n.Version
	f := manage.FactsOf(n)
	f.Title = en("Another")
	edit := func(by manage.By) error { _, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, by); return err }
	reword := func(by manage.By) error {
		_, err := w.Manager.EditUpdate(ctx, "prod", n.ID, n.Updates[0].ID, en("It is down."), 0, by)
		return err
	}
	say := func(by manage.By) error {
		return second(w.Manager.Say(ctx, "prod", n.ID, manage.Saying{Body: en("More.")}, by))
	}
	remove := func(by manage.By) error { return w.Manager.RemoveNotice(ctx, "prod", n.ID, by) }
	for what, change := range map[string]func(manage.By) error{"edit": edit, "reword": reword, "remove": remove} {
		if err := change(creating()); tell(err) != "if-match-required" {
			t.Errorf("%s without a condition: %v", what, err)
		}
	}
	w.Must(say(creating()))
	for what, change := range map[string]func(manage.By) error{"edit": edit, "reword": reword, "say": say, "remove": remove} {
		if err := change(seen(first)); tell(err) != "precondition-failed" {
			t.Errorf("%s of what was seen before: %v", what, err)
		}
	}
	for _, change := range []func(manage.By) error{say, edit, reword, remove} {
		w.Must(change(seen(w.board().Notice(n.ID).Version)))
	}
	if err := remove(anyState()); tell(err) != "not-found" {
		t.Errorf("removed twice: %v", err)
	}
	history := w.Book.NoticeHistory("prod", n.ID)
	if last := history[len(history)-1]; last.Notice != nil || last.Author != "test" {
		t.Errorf("it ends with %+v", last)
	}
}

// Who edits puts otherwise, and what was said before stays to be read. Editing into what is so already is no change.
func TestWhatWasSaidBeforeStaysToBeRead(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.outage(w.search, status.Degraded)
	opened := w.now()
	w.heardOf()
	w.Clock.Advance(time.Minute)
	f := manage.FactsOf(n)
	f.Title = en("Search is slow")
	n, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, anyState())
	w.Must(err)
	if len(n.Earlier) != 1 || n.Earlier[0].Text["en"] != "Outage" || n.Earlier[0].Until != w.now() || n.Updated != w.now() || n.Created != opened {
		t.Errorf("its title: %+v", n.Earlier)
	}
	update := n.Updates[0].ID
	n, err = w.Manager.EditUpdate(ctx, "prod", n.ID, update, en("It is slow."), opened.Add(-time.Minute), anyState())
	w.Must(err)
	u := n.Updates[0]
	if u.Body["en"] != "It is slow." || len(u.Earlier) != 1 || u.Earlier[0].Text["en"] != "It is out." || u.Shown != opened.Add(-time.Minute) || u.Created != opened || u.Updated != w.now() {
		t.Errorf("its update: %+v", u)
	}
	w.hears("incident edited investigating quietly", "incident edited investigating quietly")
	version := n.Version
	for i := range 2 {
		_, err = w.Manager.EditUpdate(ctx, "prod", n.ID, update, en("It is slow."), 0, anyState())
		w.Must(err)
		if n, err = w.Manager.EditNotice(ctx, "prod", n.ID, manage.FactsOf(n), anyState()); err != nil || n.Version != version {
			t.Errorf("%d: put as it was it is at %d, %v", i, n.Version, err)
		}
	}
	if _, err := w.Manager.EditUpdate(ctx, "prod", n.ID, update, nil, 0, anyState()); tell(err) != "invalid-document /body required" {
		t.Errorf("taken back: %v", err)
	}
	if _, err := w.Manager.EditUpdate(ctx, "prod", n.ID, update, status.Text{"fr": "Lent"}, 0, anyState()); tell(err) != "invalid-document /body/fr language" {
		t.Errorf("in a language of another site: %v", err)
	}
	if _, err := w.Manager.EditUpdate(ctx, "prod", n.ID, "none", en("x"), 0, anyState()); tell(err) != "not-found" {
		t.Errorf("an update that is none: %v", err)
	}
	w.hears()
}

// What is told afterwards is of an incident that is over; it may be put otherwise, and its update with it.
func TestWhatIsToldAfterwards(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.outage(w.search, status.Degraded)
	after := func(n *status.Notice, text string) (*status.Notice, error) {
		return w.Manager.TellAfterwards(ctx, "prod", n.ID, status.Text{"en": text}, anyState())
	}
	if _, err := after(n, "Why."); tell(err) != "conflict" {
		t.Errorf("while it is open: %v", err)
	}
	announced := w.open(manage.Opening{Kind: status.Announcement, Stage: status.Ended, Facts: manage.Facts{Title: en("x")}})
	if _, err := after(announced, "Why."); tell(err) != "conflict" {
		t.Errorf("of an announcement: %v", err)
	}
	n = w.say(n, manage.Saying{Stage: status.Resolved})
	if _, err := after(n, ""); tell(err) != "invalid-document /body required" {
		t.Errorf("nothing: %v", err)
	}
	if _, err := after(n, strings.Repeat("x", status.MaxBody+1)); tell(err) != "invalid-document /body/en length" {
		t.Errorf("too much: %v", err)
	}
	n, err := after(n, "Why.")
	w.Must(err)
	over := n.Over
	w.heardOf()
	w.Clock.Advance(time.Hour)
	if again, err := after(n, "Why."); err != nil || again.Version != n.Version {
		t.Errorf("told as it was: %v", err)
	}
	n, err = after(n, "Why, and what now.")
	w.Must(err)
	p, u := n.Postmortem, n.Last()
	if p.Body["en"] != "Why, and what now." || p.Earlier[0].Text["en"] != "Why." || p.Published == p.Updated || u.Body["en"] != "Why, and what now." || u.Earlier[0].Text["en"] != "Why." || n.Over != over || len(n.Updates) != 3 {
		t.Errorf("put otherwise: %+v %+v", p, u)
	}
	w.hears("incident postmortem postmortem quietly")
}

// D8: who has done what an action asks for is noted once, and not told to others.
func TestD8AnActionIsAcknowledged(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.open(manage.Opening{Kind: status.Action, Facts: manage.Facts{Title: en("Change the address"), Deadline: w.in(time.Hour)}})
	w.heardOf()
	for range 2 {
		var err error
		n, err = w.Manager.AcknowledgeNotice(ctx, "prod", n.ID, "jobnet", "bo")
		w.Must(err)
	}
	if len(n.Acknowledged) != 1 || n.Acknowledged[0] != (status.Acknowledgement{By: "jobnet", At: w.now()}) || len(n.Updates) != 1 {
		t.Errorf("%+v", n.Acknowledged)
	}
	events := w.events()
	if len(events) != 1 || w.outline(events[0]) != "action acknowledged published quietly" || strings.Contains(string(events[0].Data), "jobnet") {
		t.Errorf("it is told %v", events)
	}
	if got := w.acts(); got[len(got)-1] != "bo acknowledge notice/prod" || len(got) != 3 {
		t.Errorf("on record: %q", got)
	}
	if _, err := w.Manager.AcknowledgeNotice(ctx, "prod", w.outage(w.search, status.Degraded).ID, "jobnet", "bo"); tell(err) != "conflict" {
		t.Errorf("an incident: %v", err)
	}
}

// A site changes under its notices: they can be said to be over all the same.
func TestANoticeOutlivesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.System("jobnet", profile.Standard)
	n := w.open(manage.Opening{
		Kind: status.Planned, Stage: status.InProgress,
		Facts: manage.Facts{Title: status.Text{"en": "Update", "da": "Opdatering"}, Components: []string{w.search}, Sections: []string{"erp"}, Starts: w.now(), Ends: w.in(time.Hour), Pause: []string{"jobnet"}},
	})
	_, err := w.Manager.RemoveSystem(ctx, "jobnet", anyState(), nil)
	w.Must(err)
	_, err = w.Manager.PutSite(ctx, w.changed(func(s *status.Site) {
		s.Languages, s.Sections = []string{"en"}, s.Sections[:1]
		s.Sections[0].Components = nil
	}), anyState())
	w.Must(err)
	w.heardOf()
	if n = w.say(n, manage.Saying{Stage: status.Completed, Body: en("Done.")}); n.Stage != status.Completed || len(w.Book.Pauses()) != 0 {
		t.Errorf("%+v, pauses %v", n, w.Book.Pauses())
	}
	w.hears("maintenance updated completed")
	f := manage.FactsOf(n)
	f.Title = en("Upgrade")
	_, err = w.Manager.EditNotice(ctx, "prod", n.ID, f, anyState())
	w.Must(err)
	f.Components = []string{w.search, "none"}
	if _, err = w.Manager.EditNotice(ctx, "prod", n.ID, f, anyState()); tell(err) != "invalid-document /components/1 exists" {
		t.Errorf("another that is none: %v", err)
	}
}

// The events hold the whole of it, as everyone may read it, and are of the state that they bring.
func TestWhatEventsHold(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.outage(w.search, status.MajorOutage)
	events := w.events()
	var notice status.NoticeTold
	w.Must(json.Unmarshal(events[0].Data, &notice))
	if notice.Page.Headline.Description != "Partial System Outage" || notice.Components[0].State != status.MajorOutage || notice.Update != notice.Notice.Updates[0].ID || notice.Notice.Updates[0].Author != "" || notice.Page.Updated != w.now() {
		t.Errorf("%s", events[0].Data)
	}
	var component status.ComponentTold
	w.Must(json.Unmarshal(events[1].Data, &component))
	if component.Notice != notice.Notice.ID || component.Cause != status.ByNotice || component.Page.Headline != notice.Page.Headline || !status.IsID(component.Change) {
		t.Errorf("%s", events[1].Data)
	}
	for i, id := range []string{notice.Notice.ID, w.search} {
		if e := events[i]; e.Source != "urn:varsel:site:prod" || !strings.Contains(string(e.Head), `"subject":"`+id+`"`) || e.Lane == (event.Lane{}) {
			t.Errorf("%s of %s", e.Head, e.Source)
		}
	}
	bare := status.Site{Name: "bare", Title: en("Bare"), Zone: "Etc/UTC", Languages: []string{"en"}, Sections: []status.Section{{Name: "all", Title: en("All")}}}
	_, err := w.Manager.PutSite(ctx, bare, creating())
	w.Must(err)
	n, err := w.Manager.OpenNotice(ctx, "bare", manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x"), Override: "critical"}}, "eva")
	w.Must(err)
	w.events()
	w.Must(w.Manager.RemoveNotice(ctx, "bare", n.ID, anyState()))
	events = w.events()
	w.Must(json.Unmarshal(events[0].Data, &notice))
	if notice.Change != status.Removed || notice.Page.Headline.Description != "All Systems Operational" {
		t.Errorf("removed: %s", events[0].Data)
	}
}

// What is paused for a maintenance is paused as long as it lasts, in the commits that begin and end it; what a person
// pauses or resumes meanwhile is theirs.
func TestAMaintenancePausesSystems(t *testing.T) {
	t.Parallel()
	system := revision.OfSystem("jobnet")
	begin := func(w *siteWorld) *status.Notice {
		return w.open(manage.Opening{Kind: status.Planned, Stage: status.InProgress, Facts: manage.Facts{Title: en("Update"), Starts: w.now(), Ends: w.in(time.Hour), Pause: []string{"jobnet"}}})
	}
	end := func(w *siteWorld, n *status.Notice) { w.say(n, manage.Saying{Stage: status.Completed}) }
	edit := func(w *siteWorld, n *status.Notice, systems ...string) {
		f := manage.FactsOf(w.board().Notice(n.ID))
		f.Pause = systems
		_, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, anyState())
		w.Must(err)
	}
	for name, c := range map[string]struct {
		do   func(*siteWorld)
		want string // what is paused at the end
	}{
		"begun":             {func(w *siteWorld) { begin(w) }, "system/jobnet"},
		"begun and ended":   {func(w *siteWorld) { end(w, begin(w)) }, ""},
		"begun and removed": {func(w *siteWorld) { w.Must(w.Manager.RemoveNotice(ctx, "prod", begin(w).ID, anyState())) }, ""},
		"planned": {func(w *siteWorld) {
			w.open(manage.Opening{Kind: status.Planned, Facts: manage.Facts{Title: en("Update"), Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour), Pause: []string{"jobnet"}}})
		}, ""},
		"planned, and begun by a person": {func(w *siteWorld) {
			w.say(w.open(manage.Opening{Kind: status.Planned, Facts: manage.Facts{Title: en("Update"), Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour), Pause: []string{"jobnet"}}}), manage.Saying{Stage: status.InProgress})
		}, "system/jobnet"},
		"verifying goes on": {func(w *siteWorld) { w.say(begin(w), manage.Saying{Stage: status.Verifying}) }, "system/jobnet"},
		"put back to come":  {func(w *siteWorld) { w.say(begin(w), manage.Saying{Stage: status.Scheduled}) }, ""},
		"a person paused before": {func(w *siteWorld) {
			w.Must(w.Manager.Pause(ctx, system, "bo", "moving"))
			end(w, begin(w))
		}, "system/jobnet"},
		"a person paused meanwhile": {func(w *siteWorld) {
			n := begin(w)
			w.Must(w.Manager.Pause(ctx, system, "bo", "moving"))
			end(w, n)
		}, "system/jobnet"},
		"a person resumed meanwhile": {func(w *siteWorld) {
			n := begin(w)
			w.Must(w.Manager.Resume(ctx, system, "bo"))
			w.say(n, manage.Saying{Body: en("More.")})
		}, ""},
		"not named any more": {func(w *siteWorld) { edit(w, begin(w)) }, ""},
		"named since":        {func(w *siteWorld) { edit(w, begin(w), "jobnet", "arkiv") }, "system/arkiv system/jobnet"},
		"another one goes on": {func(w *siteWorld) {
			n := begin(w)
			begin(w)
			end(w, n)
		}, "system/jobnet"},
		"and that one ends": {func(w *siteWorld) {
			n, other := begin(w), (*status.Notice)(nil)
			other = begin(w)
			end(w, n)
			end(w, other)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			w.System("jobnet", profile.Standard)
			w.System("arkiv", profile.Standard)
			c.do(w)
			var paused []string
			for _, scope := range w.Book.Pauses() {
				paused = append(paused, string(scope))
			}
			if got := strings.Join(paused, " "); got != c.want {
				t.Errorf("paused: %q, want %q", got, c.want)
			}
		})
	}
}
