package manage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// spans writes a component's states with the minutes since its first: "operational, 60 major_outage".
func spans(s *status.Standing) string {
	var list []string
	for i, span := range s.Spans {
		word := string(span.State)
		if i > 0 {
			word = fmt.Sprintf("%d %s", int(span.From.Sub(s.Spans[0].From).Minutes()), word)
		}
		if text := span.Reason["en"]; text != "" {
			word += " (" + text + ")"
		}
		list = append(list, word)
	}
	return strings.Join(list, ", ")
}

// A component's state is an event exactly when it changes; another reason, or that it is so for longer, is one of the site.
func TestSettingAState(t *testing.T) {
	t.Parallel()
	type set = manage.Setting
	major, degraded := status.MajorOutage, status.Degraded
	minutes := func(n int) func(*siteWorld) status.Time {
		return func(w *siteWorld) status.Time { return w.in(time.Duration(n) * time.Minute) }
	}
	type step struct {
		set   set
		at    func(*siteWorld) status.Time
		after int    // minutes that pass before it
		want  string // problem
	}
	for name, c := range map[string]struct {
		steps  []step
		spans  string // the component was made an hour before the first step
		reason string
		hears  string
	}{
		"another state":                 {[]step{{set: set{State: major}}}, "operational, 60 major_outage", "", "Search operational→major_outage"},
		"the same":                      {[]step{{set: set{State: "operational"}}}, "operational", "", ""},
		"the same with its time":        {[]step{{set: set{State: "operational"}, at: minutes(-60)}}, "operational", "", ""},
		"twice":                         {[]step{{set: set{State: major}}, {set: set{State: major}, after: 5}}, "operational, 60 major_outage", "", "Search operational→major_outage"},
		"and back":                      {[]step{{set: set{State: major}}, {set: set{State: "operational"}, after: 5}}, "operational, 60 major_outage, 65 operational", "", "Search operational→major_outage; Search major_outage→operational"},
		"back at once":                  {[]step{{set: set{State: major}}, {set: set{State: "operational"}}}, "operational, 60 operational", "", "Search operational→major_outage; Search major_outage→operational"},
		"with a reason":                 {[]step{{set: set{State: degraded, Reason: en("1 of 2")}}}, "operational, 60 degraded_performance (1 of 2)", "1 of 2", "Search operational→degraded_performance"},
		"another reason":                {[]step{{set: set{State: degraded, Reason: en("1 of 2")}}, {set: set{State: degraded, Reason: en("2 of 4")}, after: 5}}, "operational, 60 degraded_performance (1 of 2), 65 degraded_performance (2 of 4)", "2 of 4", "Search operational→degraded_performance; site reason Search"},
		"a reason no more":              {[]step{{set: set{State: degraded, Reason: en("1 of 2")}}, {set: set{State: degraded}, after: 5}}, "operational, 60 degraded_performance (1 of 2), 65 degraded_performance", "", "Search operational→degraded_performance; site reason Search"},
		"since a while":                 {[]step{{set: set{State: major}, at: minutes(-20)}}, "operational, 40 major_outage", "", "Search operational→major_outage"},
		"repeated, with its time":       {[]step{{set: set{State: major}, at: minutes(-20)}, {set: set{State: major}, at: minutes(-20)}}, "operational, 40 major_outage", "", "Search operational→major_outage"},
		"for longer than was known":     {[]step{{set: set{State: major}}, {set: set{State: major}, at: minutes(-30), after: 5}}, "operational, 35 major_outage, 60 major_outage", "", "Search operational→major_outage; site reason Search"},
		"for longer, and why":           {[]step{{set: set{State: major, Reason: en("?")}}, {set: set{State: major, Reason: en("fire")}, at: minutes(-30), after: 5}}, "operational, 35 major_outage (fire), 60 major_outage (fire)", "fire", "Search operational→major_outage; site reason Search"},
		"why, since later":              {[]step{{set: set{State: major}}, {set: set{State: major, Reason: en("fire")}, after: 10}, {set: set{State: major, Reason: en("flood")}, at: minutes(-5)}}, "operational, 60 major_outage, 70 major_outage (flood)", "flood", "Search operational→major_outage; site reason Search; site reason Search"},
		"no word on what was otherwise": {[]step{{set: set{State: major}}, {set: set{State: degraded}, at: minutes(-10), after: 5, want: "invalid-document /at order"}}, "operational, 60 major_outage", "", "Search operational→major_outage"},
		"nor on what is to come":        {[]step{{set: set{State: major}, at: minutes(1), want: "invalid-document /at future"}}, "operational", "", ""},
		"nobody knows":                  {[]step{{set: set{State: status.NoData}}}, "operational, 60 no_data", "", "Search operational→no_data"},
		"no state":                      {[]step{{set: set{State: "down", Reason: en(strings.Repeat("x", 301))}, want: "invalid-document /state enum; /reason/en length"}}, "operational", "", ""},
		"a language of another site":    {[]step{{set: set{State: major, Reason: status.Text{"fr": "feu"}}, want: "invalid-document /reason/fr language"}}, "operational", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			for i, step := range c.steps {
				w.Clock.Advance(time.Duration(step.after) * time.Minute)
				if step.at != nil {
					step.set.At = step.at(w)
				}
				before := len(w.acts())
				if err := w.Manager.SetState(ctx, "prod", w.search, step.set, "eva"); tell(err) != step.want {
					t.Errorf("step %d: %s, want %s", i, tell(err), step.want)
				}
				if acts := w.acts()[before:]; len(acts) > 0 && !slices.Equal(acts, []string{"eva set-state component/prod/" + w.search}) {
					t.Errorf("step %d: on record %q", i, acts)
				}
				if s := w.board().Component(w.search); step.want == "" && s.State != step.set.State {
					t.Errorf("step %d: set to %s, it is %s", i, step.set.State, s.State)
				}
			}
			s := w.board().Component(w.search)
			if got := spans(s); got != c.spans || s.Reason["en"] != c.reason {
				t.Errorf("%s: %q\nwant %s: %q", got, s.Reason["en"], c.spans, c.reason)
			}
			if got := strings.Join(w.heardOf(), "; "); got != c.hears {
				t.Errorf("it is told %s, want %s", got, c.hears)
			}
		})
	}
}

func TestSettingAStateOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	for _, at := range [][2]string{{"none", w.search}, {"prod", "none"}, {"prod", ""}} {
		if err := w.Manager.SetState(ctx, at[0], at[1], manage.Setting{State: status.Degraded}, "eva"); tell(err) != "not-found" {
			t.Errorf("%q: %v", at, err)
		}
	}
	w.hears()
}

// A state may be set for what was seen alone.
func TestAStateIsSetOnCondition(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	set := func(s status.State, seen int64) string {
		return tell(w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: s, Condition: manage.Condition{Seen: []int64{seen}}}, "eva"))
	}
	first := w.board().Component(w.search).Version
	if first == 0 {
		t.Error("its state has no position")
	}
	w.Must(w.Manager.SetState(ctx, "prod", w.mail, manage.Setting{State: status.Degraded}, "eva"))
	if got := set(status.Degraded, first); got != "" {
		t.Errorf("of the state it has: %s", got)
	}
	if got := set(status.MajorOutage, first); got != "precondition-failed" {
		t.Errorf("of another state: %s", got)
	}
	if s := w.board().Component(w.search); s.State != status.Degraded || s.Version <= first {
		t.Errorf("%s at %d after %d", s.State, s.Version, first)
	}
}

// A node whose clock is behind sets what counts all the same: what is said last is what is so.
func TestWhatIsSaidLastCountsWhateverTheClocks(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.Must(w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: status.MajorOutage}, "eva"))
	w.Clock.Advance(-time.Minute)
	w.Must(w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: status.Degraded}, "eva"))
	w.outage(w.search, status.PartialOutage)
	if got := spans(w.board().Component(w.search)); got != "operational, 60 partial_outage" {
		t.Errorf("its past is %s", got)
	}
	w.hears("Search operational→major_outage", "Search major_outage→degraded_performance", "incident opened investigating", "Search degraded_performance→partial_outage")
	if board := w.board(); board.Headline("").Description != "Minor Service Outage" {
		t.Errorf("the headline is %s", board.Headline("").Description)
	}
}

// A board is of one moment: what happens on the site afterwards is not in what is made of it.
func TestABoardNeverChanges(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	board := w.board()
	w.Must(w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: status.MajorOutage}, "eva"))
	if s := board.On(board.Site, w.now()).Component(w.search); s.State != status.Operational || len(s.Spans) != 1 {
		t.Errorf("made of the board before it is %s", s.State)
	}
	if w.board() == board || w.board() != w.board() {
		t.Error("there is a new board exactly when something has changed")
	}
}
