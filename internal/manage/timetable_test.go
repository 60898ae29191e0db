package manage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/status"
)

// keepTimes has what has its time begin and end by itself, as long as the test.
func (w *siteWorld) keepTimes() (stop func()) {
	end := w.Manager.KeepTimes()
	stopped := false
	stop = func() {
		if !stopped {
			end(context.Background())
		}
		stopped = true
	}
	w.T.Cleanup(stop)
	return stop
}

// becomes waits until a notice is at a stage.
func (w *siteWorld) becomes(id string, stage status.Stage) *status.Notice {
	w.T.Helper()
	w.Until(string(stage), func() bool { return w.board().Notice(id).Stage == stage })
	return w.board().Notice(id)
}

// planned is a maintenance that begins in an hour and lasts two.
func (w *siteWorld) planned() manage.Opening {
	return manage.Opening{Kind: status.Planned, Facts: manage.Facts{Title: en("Update"), Components: []string{w.search}, Starts: w.in(time.Hour), Ends: w.in(3 * time.Hour)}, Body: en("We update.")}
}

// D7: a maintenance begins and ends by itself, to the moment, with its components and the pauses of the systems that it
// names: all of it in one commit.
func TestD7AMaintenanceBeginsAndEndsByItself(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.System("jobnet", profile.Standard)
	w.keepTimes()
	o := w.planned()
	o.Pause, o.Starts = []string{"jobnet"}, w.in(time.Hour+31*time.Second) // not when it would be looked for anyway
	n := w.open(o)
	w.Clock.Advance(o.Starts.Sub(w.now()) - time.Microsecond)
	w.Until("it waits for its time", func() bool { at, ok := w.Clock.Next(); return ok && at.Equal(o.Starts.Time()) })
	w.heardOf()
	if n = w.board().Notice(n.ID); n.Stage != status.Scheduled || len(w.Book.Pauses()) != 0 {
		t.Errorf("before its time it is %s", n.Stage)
	}
	w.Clock.Advance(time.Microsecond)
	n = w.becomes(n.ID, status.InProgress)
	if u := n.Last(); !u.Automatic || u.Quiet || u.Author != "varsel" || u.Created != n.Starts || u.Body["da"] != "Vedligeholdelsen er begyndt." || len(u.Body) != 2 {
		t.Errorf("it says %+v", u)
	}
	if w.states() != "Search under_maintenance" || len(w.Book.Pauses()) != 1 {
		t.Errorf("%s, paused %v", w.states(), w.Book.Pauses())
	}
	w.hears("maintenance updated in_progress", "Search operational→under_maintenance")
	if revisions := w.together(n.Version); revisions != "notice state pause" {
		t.Errorf("with it came %s", revisions)
	}
	w.Clock.Advance(o.Ends.Sub(w.now()))
	n = w.becomes(n.ID, status.Completed)
	if n.Over != n.Ends || w.states() != "" || len(w.Book.Pauses()) != 0 {
		t.Errorf("over at %s; %s, paused %v", n.Over.Time(), w.states(), w.Book.Pauses())
	}
	w.hears("maintenance updated completed", "Search under_maintenance→operational")
	if revisions := w.together(n.Version); revisions != "notice state pause" {
		t.Errorf("with it came %s", revisions)
	}
	if got := w.acts(); got[len(got)-1] != "varsel update-notice notice/prod" {
		t.Errorf("on record: %q", got)
	}
}

// together are the kinds of the revisions that stand in a row from a position on.
func (w *siteWorld) together(position int64) string {
	w.T.Helper()
	revisions, err := w.Store.Revisions(ctx, position-1)
	w.Must(err)
	var kinds []string
	for i, r := range revisions {
		if r.Position == position+int64(i) {
			kinds = append(kinds, string(r.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

// What has its time, by kind; what a person keeps in hand, and what passed while the hub was away.
func TestWhatMovesOnByItself(t *testing.T) {
	t.Parallel()
	h := func(w *siteWorld, n int) status.Time { return w.in(time.Duration(n) * time.Hour) }
	for name, c := range map[string]struct {
		opening func(*siteWorld) manage.Opening
		away    int    // hours before the hub keeps times
		want    string // its stages, with the hour of each
		states  string
	}{
		"a maintenance":            {func(w *siteWorld) manage.Opening { return w.planned() }, 0, "0 scheduled, 1 in_progress, 3 completed", ""},
		"one by hand":              {func(w *siteWorld) manage.Opening { o := w.planned(); o.ByHand = true; return o }, 0, "0 scheduled", ""},
		"one that began meanwhile": {func(w *siteWorld) manage.Opening { return w.planned() }, 2, "0 scheduled, 2 in_progress, 3 completed", ""},
		"one that is over by now":  {func(w *siteWorld) manage.Opening { return w.planned() }, 4, "0 scheduled, 4 completed", ""},
		"one that is under way": {func(w *siteWorld) manage.Opening {
			o := w.planned()
			o.Stage, o.Starts = status.InProgress, h(w, -1)
			return o
		}, 0, "0 in_progress, 3 completed", ""},
		"one that is verified": {func(w *siteWorld) manage.Opening {
			o := w.planned()
			o.Stage = status.Verifying
			return o
		}, 0, "0 verifying, 3 completed", ""},
		"an announcement": {func(w *siteWorld) manage.Opening {
			return manage.Opening{Kind: status.Announcement, Facts: manage.Facts{Title: en("x"), Starts: h(w, 1), Ends: h(w, 2)}}
		}, 0, "0 planned, 1 published, 2 ended", ""},
		"an announcement without end": {func(w *siteWorld) manage.Opening {
			return manage.Opening{Kind: status.Announcement, Facts: manage.Facts{Title: en("x"), Starts: h(w, 1)}}
		}, 0, "0 planned, 1 published", ""},
		"an action until": {func(w *siteWorld) manage.Opening {
			return manage.Opening{Kind: status.Action, Facts: manage.Facts{Title: en("x"), Deadline: h(w, 1), Ends: h(w, 2)}}
		}, 0, "0 published, 2 ended", ""},
		"a bulletin that was never shown": {func(w *siteWorld) manage.Opening {
			return manage.Opening{Kind: status.Bulletin, Facts: manage.Facts{Title: en("x"), Starts: h(w, 1), Ends: h(w, 2)}}
		}, 3, "0 planned, 3 ended", ""},
		"an incident": {func(w *siteWorld) manage.Opening {
			return manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("x"), Expected: h(w, 1), NextUpdate: h(w, 1)}, Affected: says{w.search: status.Degraded}}
		}, 0, "0 investigating", "Search degraded_performance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			begun := w.now()
			n := w.open(c.opening(w))
			if c.away > 0 {
				w.Clock.Advance(time.Duration(c.away) * time.Hour)
			}
			w.keepTimes()
			stages := func() string {
				var list []string
				for _, u := range w.board().Notice(n.ID).Updates {
					list = append(list, fmt.Sprintf("%d %s", int(u.Created.Sub(begun).Hours()), u.Stage))
				}
				return strings.Join(list, ", ")
			}
			for range 6 {
				w.settled()
				w.Clock.Advance(time.Hour)
			}
			if w.settled(); stages() != c.want || w.states() != c.states {
				t.Errorf("%s; %s\nwant %s; %s", stages(), w.states(), c.want, c.states)
			}
		})
	}
}

// settled waits until nothing is due.
func (w *siteWorld) settled() {
	w.T.Helper()
	w.Until("nothing is due", func() bool { at := w.board().Due(); return at == 0 || at > w.now() })
}

// A maintenance does not hide that a component is out, and gives way to nothing that was said since.
func TestAMaintenanceAndAnIncidentMeet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		during func(*siteWorld) *status.Notice // before it begins, or once it has begun
		before bool
		states string // of the component: while both, when the incident is over, when the maintenance is
	}{
		"an outage before it": {func(w *siteWorld) *status.Notice { return w.outage(w.search, status.MajorOutage) }, true, "major_outage, under_maintenance, operational"},
		"an outage in it":     {func(w *siteWorld) *status.Notice { return w.outage(w.search, status.MajorOutage) }, false, "major_outage, under_maintenance, operational"},
		"degraded in it":      {func(w *siteWorld) *status.Notice { return w.outage(w.search, status.Degraded) }, false, "degraded_performance, under_maintenance, operational"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			m := w.open(w.planned())
			var n *status.Notice
			if c.before {
				n = c.during(w)
			}
			m = w.say(m, manage.Saying{Stage: status.InProgress})
			if !c.before {
				n = c.during(w)
			}
			state := func() string { return string(w.board().Component(w.search).State) }
			states := []string{state()}
			w.say(n, manage.Saying{Stage: status.Resolved})
			states = append(states, state())
			w.say(m, manage.Saying{Stage: status.Completed})
			if got := strings.Join(append(states, state()), ", "); got != c.states {
				t.Errorf("%s, want %s", got, c.states)
			}
		})
	}
}

// A maintenance that comes again has its next made when it begins, in the same commit; the clock on the wall stands over
// both changes of it, and what was missed is left out.
func TestD7AMaintenanceComesAgain(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	zone := w.board().Site.Location()
	w.Clock.Advance(time.Date(2026, 3, 27, 0, 0, 0, 0, zone).Sub(w.Clock.Now()))
	o := w.planned()
	o.Starts, o.Ends = status.At(time.Date(2026, 3, 27, 20, 0, 0, 0, zone)), status.At(time.Date(2026, 3, 27, 22, 0, 0, 0, zone))
	o.Repeat = &status.Repeat{Every: "day", From: 5, To: 6} // where it is counted from is not the client's to say
	first := w.open(o)
	w.keepTimes()
	w.heardOf()
	stages := func() string {
		var list []string
		for _, n := range w.board().Notices {
			list = append([]string{fmt.Sprintf("%s %s", n.Starts.In(zone).Format("2 15:04 MST"), n.Stage)}, list...)
		}
		return strings.Join(list, ", ")
	}
	w.Clock.Advance(first.Starts.Time().Sub(w.Clock.Now()))
	w.settled()
	if got := stages(); got != "27 20:00 CET in_progress, 28 20:00 CET scheduled" {
		t.Errorf("once it has begun: %s", got)
	}
	w.hears("maintenance updated in_progress", "Search operational→under_maintenance", "maintenance opened scheduled quietly")
	for range 2 {
		w.Clock.Advance(24 * time.Hour)
		w.settled()
	}
	if got := stages(); got != "27 20:00 CET completed, 28 20:00 CET completed, 29 20:00 CEST in_progress, 30 20:00 CEST scheduled" {
		t.Errorf("over the change of the clocks: %s", got)
	}
	next := w.board().Notices[0]
	if next.Series != first.ID || next.Repeat.From != first.Starts || next.Updates[0].Body["en"] != "We update." || next.Components[0] != w.search {
		t.Errorf("the next is %+v", next)
	}
	// Removing the one to come ends the series, and one that is put off takes those after it along.
	f := manage.FactsOf(next)
	f.Starts, f.Ends = f.Starts.Add(time.Hour), f.Ends.Add(time.Hour)
	_, err := w.Manager.EditNotice(ctx, "prod", next.ID, f, anyState())
	w.Must(err)
	w.Clock.Advance(25 * time.Hour)
	w.settled()
	last := w.board().Notices[0]
	if got := last.Starts.In(zone).Format("2 15:04"); got != "31 21:00" {
		t.Errorf("after one that was put off comes %s", got)
	}
	w.Must(w.Manager.RemoveNotice(ctx, "prod", last.ID, anyState()))
	w.Clock.Advance(100 * time.Hour)
	w.settled()
	if got := stages(); strings.Count(got, "completed") != 4 || strings.Contains(got, "scheduled") {
		t.Errorf("after the next was removed: %s", got)
	}
}

// What was missed while the hub was away is left out; a series may be begun while one is under way, and has one to come.
func TestOneOfASeriesIsToCome(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	o := w.planned()
	o.Repeat = &status.Repeat{Every: "day"}
	n := w.open(o)
	w.Clock.Advance(10 * 24 * time.Hour)
	stop := w.keepTimes()
	w.settled()
	if all := w.board().Notices; len(all) != 2 || all[0].Starts != n.Starts.Add(10*24*time.Hour) || all[1].Stage != status.Completed {
		t.Errorf("there are %d; %+v", len(all), all[0])
	}
	stop()
	w.say(n, manage.Saying{Stage: status.Scheduled, Body: en("Once more.")})
	n = w.say(n, manage.Saying{Stage: status.InProgress})
	if all := w.board().Notices; len(all) != 2 {
		t.Errorf("begun again there are %d", len(all))
	}

	other := w.open(manage.Opening{Kind: status.Planned, Stage: status.InProgress, Facts: manage.Facts{Title: en("x"), Starts: w.now(), Ends: w.in(time.Hour)}})
	f := manage.FactsOf(other)
	f.Repeat = &status.Repeat{Every: "week"}
	for range 2 {
		var err error
		other, err = w.Manager.EditNotice(ctx, "prod", other.ID, f, anyState())
		w.Must(err)
		f.Title = en("y")
	}
	if all := w.board().Notices; len(all) != 4 {
		t.Errorf("there are %d", len(all))
	}
}

// Several nodes keep the times of one hub, and what is done is done once.
func TestSeveralNodesKeepTheTimes(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	o := w.planned()
	o.Repeat = &status.Repeat{Every: "day"}
	const many = 20
	for range many {
		w.open(o)
	}
	w.keepTimes()
	end := w.Colleague().KeepTimes()
	defer end(ctx)
	w.heardOf()
	w.Clock.Advance(time.Hour)
	w.settled()
	w.Clock.Advance(2 * time.Hour)
	w.settled()
	told := map[string]int{}
	for _, what := range w.heardOf() {
		told[what]++
	}
	if told["maintenance updated in_progress"] != many || told["maintenance opened scheduled quietly"] != many || told["maintenance updated completed"] != many || len(told) != 5 {
		t.Errorf("%d are told as %v", many, told)
	}
	w.toldWhole()
}
