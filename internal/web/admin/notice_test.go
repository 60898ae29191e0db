package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// An update is written on the notice's page; what components it names do as it says, and the promise that it keeps is over.
func TestAnUpdateIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, b := w.slow(), w.as("ida")
	at := "/admin/prod/notices/" + n.ID
	form := b.get(at).must(200).fill("stage", "identified", "body.en", "An index is built anew.", "affected."+odata, "partial_outage", "expected", "60", "do", "publish")
	p := b.post(at, form).must(http.StatusSeeOther)
	if p.to != at+"?done=update" {
		t.Errorf("on to %s", p.to)
	}
	now := w.board().Notice(n.ID)
	if u := now.Last(); len(now.Updates) != 2 || u.Stage != status.Identified || u.Body["en"] != "An index is built anew." || u.Author != "ida" || u.Quiet {
		t.Errorf("%+v", u)
	}
	if now.NextUpdate != 0 || now.Expected != w.in(time.Hour) || w.stateOf(odata) != status.PartialOutage || w.stateOf(search) != status.Degraded {
		t.Errorf("%v %v %s %s", now.NextUpdate, now.Expected, w.stateOf(odata), w.stateOf(search))
	}
	// The expected end stays unless it is said otherwise; resolving lets the components go back.
	form = b.get(at).fill("body.en", "Nearly there.", "do", "publish")
	if form.Get("expected") != "keep" || form.Get("stage") != "identified" {
		t.Errorf("the form begins with %v", form)
	}
	b.post(at, form).must(303)
	if now = w.board().Notice(n.ID); now.Expected == 0 {
		t.Error("the expected end is gone")
	}
	form = b.get(at).fill("stage", "resolved", "do", "preview")
	b.post(at, form).must(200).reads("preview", "Some services are partly out → All systems operational", "OData service Partial outage → Operational", "Global search Degraded performance → Operational")
	form.Set("do", "publish")
	b.post(at, form).must(303)
	if w.stateOf(search) != status.Operational || w.stateOf(odata) != status.Operational {
		t.Errorf("search is %s, OData %s", w.stateOf(search), w.stateOf(odata))
	}
}

// Where it is resolved and one component stays down, that one alone does.
func TestWhatIsNotNamedGoesBackAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.open("eva", manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Out"}}, Body: status.Text{"en": "Out."}, Affected: map[string]status.State{search: status.MajorOutage, odata: status.MajorOutage},
	})
	b, at := w.as("ida"), "/admin/prod/notices/"+n.ID
	b.post(at, b.get(at).fill("stage", "resolved", "body.en", "Nearly all is well.", "affected."+odata, "degraded_performance", "do", "publish")).must(303)
	if w.stateOf(search) != status.Operational || w.stateOf(odata) != status.Degraded {
		t.Errorf("search is %s, OData %s", w.stateOf(search), w.stateOf(odata))
	}
}

// Of two who write at once the second is told what the first wrote, loses nothing that was typed, and may send it again.
func TestTheSecondOfTwoIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, at := w.slow(), ""
	at = "/admin/prod/notices/" + n.ID
	ida, eva := w.as("ida"), w.as("eva")
	form := ida.get(at).fill("stage", "identified", "body.en", "I know why.", "affected."+odata, "partial_outage", "do", "publish")
	eva.post(at, eva.get(at).fill("body.en", "Still looking.", "stage", "monitoring", "do", "publish")).must(303)
	for _, do := range []string{"publish", "preview"} {
		form.Set("do", do)
		p := ida.post(at, form).must(http.StatusConflict)
		p.reads("trouble", "eva has changed this meanwhile", "Update: Monitoring", "Still looking.", "Nothing of yours has been done")
		got := p.form()
		if got.Get("body.en") != "I know why." || got.Get("affected."+odata) != "partial_outage" || got.Get("stage") != "identified" {
			t.Errorf("%s: what was typed is lost: %v", do, got)
		}
		if len(w.board().Notice(n.ID).Updates) != 2 {
			t.Fatal("it was published")
		}
	}
	form.Set("do", "publish")
	again := ida.post(at, form).form()
	again.Set("do", "publish")
	ida.post(at, again).must(303)
	if u := w.board().Notice(n.ID).Last(); u.Body["en"] != "I know why." || u.Stage != status.Identified {
		t.Errorf("%+v", u)
	}
	// A form that tells no state, or one that never was, fits none.
	form.Set("seen", "")
	ida.post(at, form).must(http.StatusConflict)
}

// The facts are edited apart from the updates; of two who edit them, what each has changed is kept.
func TestFactsAreEdited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.slow()
	at := "/admin/prod/notices/" + n.ID + "/facts"
	ida, eva := w.as("ida"), w.as("eva")
	form := ida.get(at).must(200).fill("title.en", "Search is very slow", "title.fr", "La recherche est lente", "do", "publish")
	eva.post(at, eva.get(at).fill("title.en", "Search crawls", "override", "critical", "do", "publish")).must(303)
	p := ida.post(at, form).must(http.StatusConflict)
	p.reads("trouble", "eva has changed this meanwhile", "Search is slow", "Search crawls", "Critical")
	p.reads("write", "Now it says: Search crawls")
	got := p.form()
	if got.Get("title.en") != "Search is very slow" || got.Get("override") != "critical" {
		t.Errorf("brought together it is %v", got)
	}
	got.Set("do", "publish")
	ida.post(at, got).must(303)
	now := w.board().Notice(n.ID)
	if now.Title["en"] != "Search is very slow" || now.Title["fr"] != "La recherche est lente" || now.Impact != status.ImpactCritical || len(now.Updates) != 1 {
		t.Errorf("%+v", now)
	}
	if now.NextUpdate != n.NextUpdate || now.Started != n.Started {
		t.Errorf("what nobody touched is otherwise: %v %v", now.NextUpdate, now.Started)
	}
	ida.get("/admin/prod/notices/"+n.ID+"/history").must(200).reads("main", "ida", "Search crawls Search is very slow", "eva", "Search is slow Search crawls", "As it follows Critical", "Opened")
}

// What is filled in and sent as it stands changes nothing, for every kind of notice.
func TestAnUntouchedFormChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.System("jobnet", "standard")
	b := w.as("eva")
	odd := 17*time.Second + 123456*time.Microsecond // that no field shows
	for _, o := range []manage.Opening{
		{Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "A", "pl": "B"}, Started: w.in(-time.Hour + odd), Expected: w.in(time.Hour + odd), NextUpdate: w.in(20*time.Minute + odd), Override: status.ImpactMinor, Sections: []string{"erp"}}, Body: status.Text{"en": "x\n\ny"}, Affected: map[string]status.State{search: status.Degraded}},
		{Kind: status.Planned, Facts: manage.Facts{Title: status.Text{"en": "A"}, Starts: w.in(time.Hour + odd), Ends: w.in(2*time.Hour + odd), Components: []string{files, search}, Pause: []string{"jobnet"}, Repeat: &status.Repeat{Every: "week", Until: w.in(1000 * time.Hour)}}},
		{Kind: status.Action, Facts: manage.Facts{Title: status.Text{"en": "A"}, Deadline: w.in(time.Hour + odd), Audience: status.Text{"da": "Alle"}, Components: []string{odata}}},
		{Kind: status.Announcement, Facts: manage.Facts{Title: status.Text{"en": "A"}, Starts: w.in(time.Hour + odd), Ends: w.in(5*time.Hour + odd), Sections: []string{"crm"}}},
		{Kind: status.Bulletin, Facts: manage.Facts{Title: status.Text{"en": "A"}}, Body: status.Text{"en": "x"}},
	} {
		n := w.open("eva", o)
		at := "/admin/prod/notices/" + n.ID
		for _, path := range []string{at + "/facts", at + "/updates/" + n.Updates[0].ID} {
			form := b.get(path).must(200).fill("do", "publish")
			if p := b.post(path, form); p.status != 303 {
				t.Errorf("%s: %d %s", o.Kind, p.status, wordsOf(p.byID("trouble")))
			}
			if now := w.board().Notice(n.ID); now.Version != n.Version {
				t.Errorf("%s: %s has changed it", o.Kind, path)
			}
		}
	}
}

// An editor who is no operator sees no systems, and loses none that an operator has paused.
func TestAnEditorKeepsTheOperatorsPauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.System("jobnet", "standard")
	n := w.open("eva", manage.Opening{Kind: status.Planned, Facts: manage.Facts{Title: status.Text{"en": "A"}, Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour), Pause: []string{"jobnet"}}})
	b, at := w.as("ida"), "/admin/prod/notices/"+n.ID+"/facts"
	form := b.get(at).must(200).fill("title.en", "B", "do", "publish")
	form.Set("pause", "")
	b.post(at, form).must(303)
	if now := w.board().Notice(n.ID); now.Title["en"] != "B" || len(now.Pause) != 1 {
		t.Errorf("%v pauses %v", now.Title, now.Pause)
	}
}

// An old update is put otherwise, and what it said before stays to be read.
func TestAnOldUpdateIsPutOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, b := w.slow(), w.as("ida")
	at := "/admin/prod/notices/" + n.ID
	path := at + "/updates/" + n.Updates[0].ID
	form := b.get(path).must(200).fill("body.en", "Searches take up to two minutes.", "shown", "2026-03-04T14:00", "do", "preview")
	b.post(path, form).must(200).reads("preview", "Searches take up to two minutes.", "People are not sent a change", "Søgninger tager op til et minut.")
	form.Set("do", "publish")
	b.post(path, form).must(303)
	u := w.board().Notice(n.ID).Updates[0]
	if u.Body["en"] != "Searches take up to two minutes." || u.Body["da"] == "" || len(u.Earlier) != 1 || u.Shown.Time().Format(time.RFC3339) != "2026-03-04T13:00:00Z" {
		t.Errorf("%+v", u)
	}
	b.get(at).reads("updates", "Searches take up to two minutes.", "What it said before", "Searches take up to a minute.")
	b.get(at + "/updates/none").must(http.StatusNotFound)
	form.Set("body.en", "")
	form.Set("body.da", "")
	form.Set("seen", b.get(path).form().Get("seen"))
	if p := b.post(path, form).must(http.StatusUnprocessableEntity); p.problem("body.en") == "" {
		t.Errorf("an update is emptied: %s", wordsOf(p.byID("trouble")))
	}
}

// What happened is told of an incident that is over, and changed with what it said before kept.
func TestWhatHappenedIsToldAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, b := w.slow(), w.as("ida")
	at := "/admin/prod/notices/" + n.ID
	b.get(at + "/afterwards").must(http.StatusNotFound) // while it is open
	w.resolved(n)
	b.get("/admin/prod").must(200).reads("main", "Lately over", "Tell what happened")
	form := b.get(at+"/afterwards").must(200).fill("body.en", "The index was lost.", "do", "preview")
	b.post(at+"/afterwards", form).must(200).reads("preview", "The index was lost.", "Account afterwards", "Redegørelse", "is sent it")
	form.Set("do", "publish")
	b.post(at+"/afterwards", form).must(303)
	b.post(at+"/afterwards", b.get(at+"/afterwards").fill("body.en", "The index was lost by us.", "do", "publish")).must(303)
	now := w.board().Notice(n.ID)
	if now.Stage != status.Postmortem || now.Postmortem.Body["en"] != "The index was lost by us." || len(now.Postmortem.Earlier) != 1 {
		t.Errorf("%s %+v", now.Stage, now.Postmortem)
	}
	b.get(at).must(200).reads("updates", "The index was lost by us.", "The index was lost.")
	form = b.get(at+"/afterwards").fill("body.en", "", "do", "publish")
	if p := b.post(at+"/afterwards", form).must(422); p.problem("body.en") != "Fill this in." {
		t.Errorf("nothing is told: %q", wordsOf(p.byID("trouble")))
	}
}

// A notice is removed once that is confirmed, with what it does to the site in sight; not the one that has changed since.
func TestANoticeIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, b := w.slow(), w.as("ida")
	at := "/admin/prod/notices/" + n.ID
	p := b.get(at+"/remove").must(200).reads("main", "Remove this notice?", "Some services are degraded → All systems operational", "Global search Degraded performance → Operational", "Keep it")
	if w.board().Notice(n.ID) == nil {
		t.Fatal("looking has removed it")
	}
	form := p.form()
	b.post(at, b.get(at).fill("body.en", "More.", "do", "publish")).must(303)
	b.post(at+"/remove", form).must(http.StatusConflict).reads("trouble", "ida has changed this meanwhile", "More.")
	if w.board().Notice(n.ID) == nil {
		t.Fatal("it was removed")
	}
	to := b.post(at+"/remove", b.get(at+"/remove").form()).must(303).to
	if w.board().Notice(n.ID) != nil || w.stateOf(search) != status.Operational {
		t.Error("it is there still")
	}
	b.get(to).must(200).reads("main", "It is off the site.")
	b.get(at).must(404)
	b.get("/admin/prod/history").must(200).reads("main", "removed a notice: a notice that was removed")
}

// What has been promised and not kept is told in words, everywhere.
func TestALatePromiseIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, b := w.slow(), w.as("ida")
	pages := map[string]string{"/admin/prod": "Next update by 4 March 2026, 14:50 CET ( in 20 min )", "/admin/prod/notices/" + n.ID: "Next update by 4 March 2026, 14:50 CET ( in 20 min )"}
	for path, want := range pages {
		if got := b.get(path).words(); !strings.Contains(strings.NewReplacer("( ", "(", " )", ")").Replace(got), strings.NewReplacer("( ", "(", " )", ")", "20 min", "20\u00a0min").Replace(want)) {
			t.Errorf("%s does not read %q: %s", path, want, got)
		}
	}
	w.Clock.Advance(95 * time.Minute)
	for _, path := range []string{"/admin/", "/admin/prod", "/admin/prod/notices", "/admin/prod/notices/" + n.ID} {
		b.get(path).reads("main", "Overdue by 1\u00a0h 15\u00a0min")
	}
}

// The history of a notice tells who made each form of it, the hub itself among them.
func TestTheHistoryOfANoticeNamesWhoDidWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.open("ida", manage.Opening{Kind: status.Planned, Facts: manage.Facts{Title: status.Text{"en": "Upgrade"}, Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour), Components: []string{search}, Repeat: &status.Repeat{Every: "day"}}})
	stop := w.Manager.KeepTimes()
	w.Clock.Advance(time.Hour)
	w.Until("the maintenance begins", func() bool { return w.board().Notice(n.ID).Open() })
	stop(ctx)
	b := w.as("uwe")
	b.get("/admin/prod/notices/"+n.ID+"/history").must(200).reads("main", "the hub itself Update: In progress en The maintenance has begun.", "Operational Under maintenance", "ida Opened")
	for _, next := range w.board().Notices {
		if next.ID != n.ID {
			b.get("/admin/prod/notices/"+next.ID+"/history").must(200).reads("main", "the hub itself Opened")
		}
	}
}
