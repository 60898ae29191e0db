package status_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// TestImpactIsThatOfTheWorstAffected (reference 2.3), and an override wins.
func TestImpactIsThatOfTheWorstAffected(t *testing.T) {
	t.Parallel()
	affects := func(stages []status.Stage, states ...status.State) []status.Update {
		var updates []status.Update
		for i, s := range states {
			updates = append(updates, status.Update{Stage: stages[min(i, len(stages)-1)], Created: status.Time(i + 1), Affected: []status.Affected{{To: s}}})
		}
		return updates
	}
	ongoing, over := []status.Stage{status.Investigating}, []status.Stage{status.Investigating, status.Resolved}
	for name, c := range map[string]struct {
		kind     status.Kind
		updates  []status.Update
		override status.Impact
		want     status.Impact
	}{
		"nothing is affected":             {status.Incident, []status.Update{{Stage: status.Investigating}}, "", "none"},
		"operational":                     {status.Incident, affects(ongoing, op), "", "none"},
		"degraded":                        {status.Incident, affects(ongoing, deg), "", "minor"},
		"a partial outage":                {status.Incident, affects(ongoing, part), "", "major"},
		"a major outage":                  {status.Incident, affects(ongoing, major), "", "critical"},
		"a resolved one keeps its impact": {status.Incident, affects(over, major, op), "", "critical"},
		"planned":                         {status.Planned, []status.Update{{Stage: status.Scheduled}}, "", "maintenance"},
		"an override":                     {status.Incident, affects(ongoing, major), "minor", "minor"},
		"a planned one overridden":        {status.Planned, affects([]status.Stage{status.InProgress}, maint), "critical", "critical"},
		"an announcement":                 {status.Announcement, []status.Update{{Stage: status.Published}}, "", "none"},
	} {
		n := &status.Notice{Kind: c.kind, Updates: c.updates, Override: c.override}
		if n.Settle(); n.Impact != c.want {
			t.Errorf("%s: %s, want %s", name, n.Impact, c.want)
		}
	}
}

// TestTheTimesOfANoticeFollowItsUpdates: when it was watched, when it was over, and that it may open again.
func TestTheTimesOfANoticeFollowItsUpdates(t *testing.T) {
	t.Parallel()
	n := &status.Notice{Kind: status.Incident}
	add := func(stage status.Stage, created status.Time) {
		n.Updates = append(n.Updates, status.Update{Stage: stage, Created: created})
		n.Settle()
	}
	add(status.Investigating, 10)
	if !n.Open() || n.Over != 0 || n.Watched != 0 {
		t.Errorf("investigating: %+v", n)
	}
	add(status.Monitoring, 20)
	add(status.Resolved, 30)
	if n.Open() || n.Over != 30 || n.Watched != 20 {
		t.Errorf("resolved: over %d, watched %d", n.Over, n.Watched)
	}
	add(status.Postmortem, 90)
	if n.Over != 30 {
		t.Errorf("what is told afterwards made it end at %d", n.Over)
	}
	add(status.Identified, 100)
	if !n.Open() || n.Over != 0 {
		t.Errorf("opened again: over %d", n.Over)
	}
}

// TestARepeatedMaintenanceKeepsItsClock over both changes of it, and at the ends of months.
func TestARepeatedMaintenanceKeepsItsClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		repeat       status.Repeat
		starts, next string
		none         bool
	}{
		"every day over the change in spring":  {status.Repeat{Every: "day"}, "2026-03-28 22:00:00", "2026-03-29 22:00:00", false},
		"every week over the change in autumn": {status.Repeat{Every: "week"}, "2026-10-20 02:30:00", "2026-10-27 02:30:00", false},
		"every second week":                    {status.Repeat{Every: "week", Step: 2}, "2026-05-04 20:00:00", "2026-05-18 20:00:00", false},
		"every month":                          {status.Repeat{Every: "month"}, "2026-01-15 20:00:00", "2026-02-15 20:00:00", false},
		"the 31st of every month":              {status.Repeat{Every: "month"}, "2026-01-31 20:00:00", "2026-02-28 20:00:00", false},
		"over the end of the year":             {status.Repeat{Every: "month", Step: 3}, "2026-11-30 20:00:00", "2027-02-28 20:00:00", false},
		"until then":                           {status.Repeat{Every: "day", Until: at("2026-03-02 00:00:00")}, "2026-03-01 20:00:00", "", true},
	} {
		starts := at(c.starts)
		from, to, ok := c.repeat.Next(starts, starts.Add(3*time.Hour), copenhagen)
		switch {
		case ok == c.none:
			t.Errorf("%s: there is a next: %v", name, ok)
		case ok && (from != at(c.next) || to != from.Add(3*time.Hour)):
			t.Errorf("%s: from %v to %v, want %s", name, from.In(copenhagen), to.In(copenhagen), c.next)
		}
	}
}

// TestWhatIsRefusedOfANotice names the rule and where it is broken.
func TestWhatIsRefusedOfANotice(t *testing.T) {
	t.Parallel()
	site := &statustest.New().Site
	base := func() *status.Notice {
		return &status.Notice{
			Kind: status.Planned, Title: status.Text{"en": "Update"}, Starts: 1_000_000, Ends: 2_000_000,
			Updates: []status.Update{{Stage: status.Scheduled, Body: status.Text{"en": "We update."}}},
		}
	}
	if found := base().Check(site); len(found) > 0 {
		t.Fatalf("what is right is refused: %v", found)
	}
	for name, c := range map[string]struct {
		change  func(*status.Notice)
		pointer string
		rule    string
	}{
		"a kind that is none":         {func(n *status.Notice) { n.Kind = "outage" }, "/kind", "enum"},
		"no title":                    {func(n *status.Notice) { n.Title = nil }, "/title", "required"},
		"a language of another site":  {func(n *status.Notice) { n.Title = status.Text{"de": "Wartung"} }, "/title/de", "language"},
		"a component of another site": {func(n *status.Notice) { n.Components = []string{"nosuch000000"} }, "/components/0", "exists"},
		"a section of another site":   {func(n *status.Notice) { n.Sections = []string{"hr"} }, "/sections/0", "exists"},
		"no end":                      {func(n *status.Notice) { n.Ends = 0 }, "/starts", "required"},
		"an end before the start":     {func(n *status.Notice) { n.Ends = 1 }, "/ends", "order"},
		"two years":                   {func(n *status.Notice) { n.Ends = n.Starts.Add(2 * 366 * 24 * time.Hour) }, "/ends", "length"},
		"a stage of another kind":     {func(n *status.Notice) { n.Updates[0].Stage = status.Resolved }, "/updates/0/stage", "enum"},
		"a state that is none":        {func(n *status.Notice) { n.Updates[0].Affected = []status.Affected{{To: "down"}} }, "/updates/0/affected/0/to", "enum"},
		"no data is nobody's word":    {func(n *status.Notice) { n.Updates[0].Affected = []status.Affected{{To: none}} }, "/updates/0/affected/0/to", "enum"},
		"a deadline":                  {func(n *status.Notice) { n.Deadline = 5 }, "/deadline", "kind"},
		"a month of eight days":       {func(n *status.Notice) { n.Repeat = &status.Repeat{Every: "fortnight"} }, "/repeat/every", "enum"},
		"an incident that pauses": {func(n *status.Notice) {
			n.Kind, n.Updates[0].Stage, n.Pause = status.Incident, status.Resolved, []string{"x"}
		}, "/pause", "kind"},
		"text with control characters": {func(n *status.Notice) { n.Title = status.Text{"en": "a\x00b"} }, "/title/en", "control"},
	} {
		n := base()
		c.change(n)
		found := n.Check(site)
		matched := false
		for _, v := range found {
			matched = matched || v.Pointer == c.pointer && v.Rule == c.rule
		}
		if !matched {
			t.Errorf("%s: %v, want %s %s", name, found, c.pointer, c.rule)
		}
	}
}

// TestDocumentsReadWhatTheyWrite: a notice and a site come back from a revision as they went in.
func TestDocumentsReadWhatTheyWrite(t *testing.T) {
	t.Parallel()
	for _, story := range statustest.Stories() {
		for _, n := range story.World.Notices {
			text, err := json.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			var back status.Notice
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			again, _ := json.Marshal(&back)
			if string(again) != string(text) {
				t.Errorf("%s came back as %s", text, again)
			}
			clone, _ := json.Marshal(n.Clone())
			if string(clone) != string(text) {
				t.Errorf("a clone of %s is %s", text, clone)
			}
		}
	}
}

// TestAPublicNoticeNamesNobody: who wrote and who acknowledged is not everyone's business.
func TestAPublicNoticeNamesNobody(t *testing.T) {
	t.Parallel()
	n := &status.Notice{Pause: []string{"jobnet"}, Acknowledged: []status.Acknowledgement{{By: "jobnet"}}, Updates: []status.Update{{Author: "eva"}}}
	text, err := json.Marshal(n.Public())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(text, &members)
	if members["pause"] != nil || members["acknowledged"] != nil || n.Public().Updates[0].Author != "" {
		t.Errorf("it says %s", text)
	}
	if n.Updates[0].Author != "eva" {
		t.Error("the notice itself was changed")
	}
}

// TestABoardIsInOrder: notices newest first, components as on the page, and what concerns a section.
func TestABoardIsInOrder(t *testing.T) {
	t.Parallel()
	board := statustest.Busy().Board()
	if !slices.IsSortedFunc(board.Notices, func(x, y *status.Notice) int { return int(y.Created - x.Created) }) {
		t.Error("notices are not newest first")
	}
	kinds := func(list []*status.Notice) (kinds []status.Kind) {
		for _, n := range list {
			kinds = append(kinds, n.Kind)
		}
		return kinds
	}
	if got := kinds(board.Open("crm")); !slices.Equal(got, []status.Kind{status.Incident, status.Bulletin, status.Action, status.Announcement}) {
		t.Errorf("open in CRM: %v", got)
	}
	if got := kinds(board.Open("erp")); !slices.Equal(got, []status.Kind{status.Bulletin, status.Planned}) {
		t.Errorf("open in ERP: %v", got)
	}
	if got := board.Upcoming("erp"); len(got) != 0 {
		t.Errorf("upcoming in ERP: %d", len(got))
	}
	if got := board.Headline("crm").Description; got != "Minor Service Outage" {
		t.Errorf("CRM: %s", got)
	}
	if got := board.Headline("erp").Description; got != "Service Under Maintenance" {
		t.Errorf("ERP: %s", got)
	}
	group := &board.Site.Sections[0].Groups[0]
	if got := board.GroupState(group); got != part {
		t.Errorf("the group is %s, want that of its worst", got)
	}
}

// TestReserved: no site and no section takes an address of the hub's.
func TestReserved(t *testing.T) {
	t.Parallel()
	for _, name := range status.Reserved {
		site := statustest.New().Site
		site.Name = name
		if found := site.Check(); len(found) == 0 {
			t.Errorf("a site may be called %s", name)
		}
		site = statustest.New().Site
		site.Sections[0].Name = name
		if found := site.Check(); len(found) == 0 {
			t.Errorf("a section may be called %s", name)
		}
	}
}

// TestThemesAreReadable: the hub's own colours keep the contrast that themes are held to, in both themes.
func TestThemesAreReadable(t *testing.T) {
	t.Parallel()
	site := &statustest.New().Site
	shapes := map[string]status.State{}
	for _, s := range append([]status.State{none}, status.States...) {
		look := site.Look(s)
		for _, c := range []struct{ colour, page string }{{look.Light, status.LightPage}, {look.Dark, status.DarkPage}} {
			if got := status.Contrast(c.colour, c.page); got < 4.5 {
				t.Errorf("%s: %s on %s is %.2f:1", s, c.colour, c.page, got)
			}
		}
		if other, taken := shapes[look.Symbol]; taken {
			t.Errorf("%s and %s have the same shape", s, other)
		}
		shapes[look.Symbol] = s
		for _, language := range status.Languages {
			if look.Name[language] == "" {
				t.Errorf("%s has no name in %s", s, language)
			}
		}
	}
	site.Theme.States = map[status.State]status.Look{deg: {Light: "#ffffee"}}
	if found := site.Check(); len(found) != 1 || found[0].Rule != "contrast" {
		t.Errorf("a yellow that nobody sees: %v", found)
	}
	site.Theme = status.Theme{Accent: "#ffffee"}
	if found := site.Check(); len(found) != 1 || found[0].Pointer != "/theme/accent" || found[0].Rule != "contrast" {
		t.Errorf("an accent that nobody sees: %v", found)
	}
}

// TestIDs have the one form that receivers expect, and differ.
func TestIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := status.NewID()
		if !status.IsID(id) || seen[id] {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
}
