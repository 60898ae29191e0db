package statusapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site/statusapi"
)

// TestC15ReadersAreServedAsFromStatuspage is how the addresses are asked: GET and HEAD by anyone, from any origin.
func TestC15ReadersAreServedAsFromStatuspage(t *testing.T) {
	t.Parallel()
	s := serve(t, statustest.Busy().Board())
	for _, base := range []string{"/prod", ""} {
		for _, e := range endpoints {
			path := base + e.path
			full := s.ask(http.MethodGet, path, nil)
			want := map[string]string{
				"Content-Type": "application/json; charset=utf-8", "Access-Control-Allow-Origin": "*",
				"Cache-Control": "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400",
			}
			for name, value := range want {
				if got := full.Header.Get(name); got != value {
					t.Errorf("%s: %s is %q, want %q", path, name, got, value)
				}
			}
			head := s.ask(http.MethodHead, path, nil)
			if head.StatusCode != http.StatusOK || head.Header.Get("Content-Length") != full.Header.Get("Content-Length") || size(head) != 0 {
				t.Errorf("HEAD %s: %d, %s of %s bytes", path, head.StatusCode, head.Header.Get("Content-Length"), full.Header.Get("Content-Length"))
			}
			again := s.ask(http.MethodGet, path, http.Header{"If-None-Match": {full.Header.Get("Etag")}})
			if again.StatusCode != http.StatusNotModified || size(again) != 0 {
				t.Errorf("%s again: %d", path, again.StatusCode)
			}
			if post := s.ask(http.MethodPost, path, nil); post.StatusCode != http.StatusMethodNotAllowed || post.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("POST %s: %d, %q", path, post.StatusCode, post.Header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{
		"/prod/api/v2/nothing.json", "/prod/api/v2/incidents/nothing00000.json", "/api/v2/incidents/nothing00000.json", "/prod/uptime/nothing00000.json",
		"/prod/incidents/nothing00000.json", "/prod/api/v2/incidents/" + statustest.ID("notice", 7) + ".json", "/prod/da/api/v2/summary.json",
	} {
		if r := s.ask(http.MethodGet, path, nil); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// TestNothingIsEscapedForHTML: texts that would be code are what they are, in JSON.
func TestNothingIsEscapedForHTML(t *testing.T) {
	t.Parallel()
	w := statustest.Hostile()
	s := serve(t, w.Board())
	body := s.get("/prod/api/v2/summary.json")
	if strings.Contains(string(body), `\u003c`) || strings.ContainsAny(string(body), "\n\t") {
		t.Error("it is escaped for HTML, or is not compact")
	}
	want := w.Site.Sections[0].Components[0].Title["en"]
	if got := find(t, s.tree("/prod/api/v2/components.json").list("components"), statustest.ID("comp", 1)).text("name"); got != want {
		t.Errorf("it is called %q, want %q", got, want)
	}
}

// TestLists is which notice is in which list (reference 2.1).
func TestLists(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Add(&status.Notice{ // number 9
		Kind: status.Planned, Title: status.Text{"en": "Checking"}, Starts: statustest.Ago(3 * time.Hour), Ends: statustest.In(time.Hour),
		Updates: []status.Update{{Stage: status.Verifying, Created: statustest.Ago(time.Hour)}},
	})
	messages := statustest.Busy()
	messages.Site.V2.Messages = true
	messages.Add(&status.Notice{ // number 9
		Kind: status.Announcement, Title: status.Text{"en": "To come"}, Starts: statustest.In(time.Hour),
		Updates: []status.Update{{Stage: status.Coming, Created: statustest.Ago(time.Hour)}},
	})
	messages.Add(&status.Notice{ // number 10
		Kind: status.Bulletin, Title: status.Text{"en": "Over"}, Override: status.ImpactCritical, Starts: statustest.Ago(50 * time.Hour),
		Updates: []status.Update{{Stage: status.Ended, Created: statustest.Ago(30 * time.Hour)}},
	})
	for _, c := range []struct {
		world      *statustest.World
		path, list string
		want       []int
	}{
		{w, "summary.json", "incidents", []int{3}},
		{w, "summary.json", "scheduled_maintenances", []int{9, 5, 4}},
		{w, "incidents.json", "incidents", []int{3, 1}},
		{w, "incidents/unresolved.json", "incidents", []int{3}},
		{w, "scheduled-maintenances.json", "scheduled_maintenances", []int{9, 5, 4, 2}},
		{w, "scheduled-maintenances/upcoming.json", "scheduled_maintenances", []int{5}},
		{w, "scheduled-maintenances/active.json", "scheduled_maintenances", []int{9, 4}},
		{messages, "incidents.json", "incidents", []int{3, 8, 10, 6, 7, 1}},
		{messages, "incidents/unresolved.json", "incidents", []int{3, 8, 6, 7}},
		{messages, "scheduled-maintenances.json", "scheduled_maintenances", []int{5, 4, 2}},
	} {
		var got []string
		for _, o := range serve(t, c.world.Board()).tree("/prod/api/v2/" + c.path).list(c.list) {
			got = append(got, o.text("id"))
		}
		var want []string
		for _, n := range c.want {
			want = append(want, statustest.ID("notice", n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s of %s: %v, want %v", c.list, c.path, got, want)
		}
	}
	list := serve(t, messages.Board()).tree("/prod/api/v2/incidents.json").list("incidents")
	for n, want := range map[int]string{6: "none monitoring ", 8: "none monitoring ", 10: "none resolved resolved"} {
		o := find(t, list, statustest.ID("notice", n))
		resolved := ""
		if o.of["resolved_at"] != nil {
			resolved = "resolved"
		}
		if got := o.text("impact") + " " + o.text("status") + " " + resolved; got != want {
			t.Errorf("the message %d is %q, want %q", n, got, want)
		}
	}
}

// TestPages is how clients page: fifty each, per_page ignored, and an empty array at the end.
func TestPages(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	for i := range 120 {
		at := statustest.Ago(time.Duration(1000-i) * time.Hour)
		n := &status.Notice{
			ID: statustest.ID("inc", i), Site: "prod", Kind: status.Incident, Title: status.Text{"en": fmt.Sprint(i)}, Created: at, Updated: at, Started: at,
			Updates: []status.Update{{ID: statustest.ID("upd", i), Stage: status.Resolved, Created: at, Updated: at, Shown: at}},
		}
		n.Settle()
		w.Notices = append(w.Notices, n)
	}
	s := serve(t, w.Board())
	for _, c := range []struct {
		query       string
		count       int
		first, last string
	}{
		{"", 50, "119", "70"},
		{"?page=1", 50, "119", "70"},
		{"?page=2", 50, "69", "20"},
		{"?page=3", 20, "19", "0"},
		{"?page=4", 0, "", ""},
		{"?page=99999999999999999999", 50, "119", "70"},
		{"?page=999999999", 0, "", ""},
		{"?page=0", 50, "119", "70"},
		{"?page=-1", 50, "119", "70"},
		{"?page=two", 50, "119", "70"},
		{"?per_page=100", 50, "119", "70"},
		{"?page=2&per_page=10&limit=1", 50, "69", "20"},
	} {
		list := s.tree("/prod/api/v2/incidents.json" + c.query).list("incidents")
		if len(list) != c.count {
			t.Errorf("%s: %d incidents, want %d", c.query, len(list), c.count)
		} else if c.count > 0 && (list[0].text("name") != c.first || list[c.count-1].text("name") != c.last) {
			t.Errorf("%s: %s to %s, want %s to %s", c.query, list[0].text("name"), list[c.count-1].text("name"), c.first, c.last)
		}
	}
}

// TestTimesAreInThePagesZone (reference 2.1): three decimals, the zone's own offset, and Z for UTC alone.
func TestTimesAreInThePagesZone(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{
		"America/Los_Angeles": "2026-03-04T04:20:00.000-08:00",
		"Europe/Copenhagen":   "2026-03-04T13:20:00.000+01:00",
		"Asia/Kolkata":        "2026-03-04T17:50:00.000+05:30",
		"Europe/London":       "2026-03-04T12:20:00.000+00:00",
		"Etc/UTC":             "2026-03-04T12:20:00.000Z",
	} {
		w := statustest.Busy()
		w.Site = afresh(t, w.Site)
		w.Site.Zone = zone
		body := serve(t, w.Board()).tree("/prod/api/v2/summary.json")
		incident := find(t, body.list("incidents"), statustest.ID("notice", 3))
		if got := incident.text("started_at"); got != want || body.object("page").text("time_zone") != zone {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
	// The offset is that of the moment, not of today.
	w := statustest.New()
	w.Site.Sections[0].Components[0].Created = status.At(time.Date(2025, 7, 1, 12, 0, 0, 0, time.UTC))
	list := serve(t, w.Board()).tree("/prod/api/v2/components.json").list("components")
	if got := find(t, list, statustest.ID("comp", 1)).text("created_at"); got != "2025-07-01T14:00:00.000+02:00" {
		t.Errorf("in summer it is %s", got)
	}
}

// TestTwoLevels is how sections, groups and components become groups and components (reference 2.8).
func TestTwoLevels(t *testing.T) {
	t.Parallel()
	one := statustest.New()
	one.Site.Sections = one.Site.Sections[:1]
	crm, erp := status.SectionID(statustest.ID("page", 1), "crm"), status.SectionID(statustest.ID("page", 1), "erp")
	own := status.SiteID(statustest.ID("page", 1))
	for name, c := range map[string]struct {
		world *statustest.World
		path  string
		want  []string
	}{
		"several sections": {statustest.New(), "/prod/api/v2/components.json", []string{
			"1 CRM " + crm, "1 Back Office in " + crm, "1 Production databases in group0000001", "1 Sign-in in " + erp, "1 SOAP services in group0000002",
			"2 CRM – Data group0000001", "2 OData service in group0000001", "2 Scheduled jobs in " + erp, "2 File transfer in group0000002",
			"3 Global search in group0000001", "3 ERP " + erp, "4 ERP – Integrations group0000002",
		}},
		"one section": {one, "/prod/api/v2/components.json", []string{
			"1 Back Office", "1 Production databases in group0000001", "2 Data group0000001", "2 OData service in group0000001", "3 Global search in group0000001",
		}},
		"one section, and the root": {one, "/api/v2/components.json", []string{
			"1 Example services " + own, "1 Back Office in " + own, "1 Production databases in group0000001", "2 Example services – Data group0000001",
			"2 OData service in group0000001", "3 Global search in group0000001",
		}},
		"a group of which nothing is known": {func() *statustest.World {
			w := statustest.New()
			delete(w.Changes, statustest.ID("comp", 1)) // the only one of its section
			delete(w.Changes, statustest.ID("comp", 2)) // the first of its group
			delete(w.Changes, statustest.ID("comp", 7))
			delete(w.Changes, statustest.ID("comp", 8))
			return w
		}(), "/prod/api/v2/components.json", []string{
			"1 CRM – Data group0000001", "1 OData service in group0000001", "1 Sign-in in " + erp, "2 Global search in group0000001", "2 ERP " + erp, "2 Scheduled jobs in " + erp,
		}},
	} {
		var got []string
		for _, o := range serve(t, c.world.Board()).tree(c.path).list("components") {
			line := fmt.Sprint(o.of["position"], " ", o.text("name"))
			switch {
			case o.of["group"] == true:
				line += " " + o.text("id")
			case o.of["group_id"] != nil:
				line += " in " + o.text("group_id")
			}
			got = append(got, line)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

// TestWhatIsNotKnownIsNeverTold (reference 2.8): the last that was known is, and of what never was nothing.
func TestWhatIsNotKnownIsNeverTold(t *testing.T) {
	t.Parallel()
	w := statustest.Unknown()
	w.Set(statustest.ID("comp", 4), status.PartialOutage, statustest.Ago(3*time.Hour), nil, status.ByMonitor, "")
	w.Set(statustest.ID("comp", 4), status.NoData, statustest.Ago(2*time.Hour), nil, status.ByMonitor, "")
	w.Add(&status.Notice{
		Kind: status.Incident, Title: status.Text{"en": "Jobs are late"}, Components: []string{statustest.ID("comp", 6), statustest.ID("comp", 7)},
		Updates: []status.Update{{Stage: status.Investigating, Created: statustest.Ago(time.Hour), Affected: []status.Affected{{Component: statustest.ID("comp", 6), To: status.Degraded}}}},
	})
	w.Set(statustest.ID("comp", 6), status.NoData, statustest.Ago(time.Minute), nil, status.ByMonitor, "")
	s := serve(t, w.Board())
	body := s.get("/prod/api/v2/summary.json")
	if strings.Contains(string(body), "no_data") || strings.Contains(string(body), statustest.ID("comp", 7)) {
		t.Error("it tells what is not known")
	}
	list := s.tree("/prod/api/v2/components.json").list("components")
	for id, want := range map[string]string{
		statustest.ID("comp", 6): "degraded_performance", statustest.ID("comp", 4): "partial_outage", statustest.ID("group", 1): "partial_outage",
	} {
		if got := find(t, list, id).text("status"); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	incident := s.tree("/prod/api/v2/incidents.json").list("incidents")[0]
	if a := incident.list("incident_updates")[0].list("affected_components")[0]; a.text("old_status") != "degraded_performance" || len(incident.list("components")) != 1 {
		t.Errorf("it was %s before; %d components", a.text("old_status"), len(incident.list("components")))
	}
}

// TestAffectedComponentsAreCalledByTheirGroup (reference 2.1), and at the root by their site.
func TestAffectedComponentsAreCalledByTheirGroup(t *testing.T) {
	t.Parallel()
	one := statustest.New()
	one.Site.Sections = one.Site.Sections[:1]
	one.Add(&status.Notice{
		Kind: status.Incident, Title: status.Text{"en": "Two are out"},
		Updates: []status.Update{{Stage: status.Investigating, Created: statustest.Ago(time.Hour), Affected: []status.Affected{
			{Component: statustest.ID("comp", 1), To: status.Degraded}, {Component: statustest.ID("comp", 3), To: status.Degraded},
		}}},
	})
	s := serve(t, one.Board())
	for path, want := range map[string]string{
		"/prod/api/v2/incidents.json": "Back Office, Data - OData service",
		"/api/v2/incidents.json":      "Example services - Back Office, Example services – Data - OData service",
	} {
		var names []string
		for _, a := range s.tree(path).list("incidents")[0].list("incident_updates")[0].list("affected_components") {
			names = append(names, a.text("name"))
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestTheRootIsAllPublicSitesAsOnePage (reference 2.8).
func TestTheRootIsAllPublicSitesAsOnePage(t *testing.T) {
	t.Parallel()
	demo := statustest.Busy()
	demo.Site = afresh(t, demo.Site)
	demo.Site.Name, demo.Site.ID, demo.Site.Title, demo.Site.Zone = "demo", statustest.ID("page", 2), status.Text{"da": "Demo"}, "America/New_York"
	demo.Site.Languages = []string{"da", "en"}
	hidden := statustest.Out()
	hidden.Site.Name, hidden.Site.ID, hidden.Site.Private = "hidden", statustest.ID("page", 3), true
	prod := statustest.New()
	s := serve(t, demo.Board(), hidden.Board(), prod.Board())
	body := s.tree("/api/v2/summary.json")
	page := body.object("page")
	if page.text("id") != status.HubID("https://status.example") || page.text("url") != "https://status.example" || page.text("name") != "status.example" || page.text("time_zone") != "Etc/UTC" {
		t.Errorf("the page is %v", page.of)
	}
	if got := body.object("status").text("description"); got != "Minor Service Outage" {
		t.Errorf("the headline is %q", got)
	}
	var groups []string
	for _, o := range body.list("components") {
		if o.of["group"] == true {
			groups = append(groups, o.text("name"))
		}
	}
	want := []string{
		"Demo – CRM", "Demo – CRM – Data", "Demo – ERP", "Demo – ERP – Integrations",
		"Example services – CRM", "Example services – CRM – Data", "Example services – ERP", "Example services – ERP – Integrations",
	}
	if !slices.Equal(groups, want) {
		t.Errorf("groups %q", groups)
	}
	if got := body.list("incidents")[0].text("shortlink"); got != "https://status.example/demo/notices/"+statustest.ID("notice", 3) {
		t.Errorf("it links to %s", got)
	}
	if one := serve(t, prod.Board()).tree("/api/v2/status.json").object("page"); one.text("time_zone") != "Europe/Copenhagen" {
		t.Errorf("sites of one zone are in %s", one.text("time_zone"))
	}
	if none := serve(t).tree("/api/v2/summary.json"); none.object("status").text("indicator") != "none" || len(none.list("components")) != 0 {
		t.Error("a hub without sites is not well")
	}
}

// TestSizes: a client refuses more than 1 MiB (reference 2.1); a component takes some 600 bytes there.
func TestSizes(t *testing.T) {
	t.Parallel()
	for count, most := range map[int]int{500: 300 << 10, 2000: 1 << 20} {
		if size := len(serve(t, statustest.Large(count).Board()).get("/prod/api/v2/summary.json")); size > most {
			t.Errorf("%d components take %d bytes, want at most %d", count, size, most)
		}
	}
}

// TestC16StatusIsThatOfTheWorst holds random sites to the two rules: a group is as its worst component, and the headline
// is of the components alone.
func TestC16StatusIsThatOfTheWorst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := randomSite(r)
		board := w.Board()
		s := serve(t, board)
		body := s.tree("/prod/api/v2/summary.json")
		c := &shape{t: t, at: "a random site"}
		c.whole(body, endpoints[0].keys)
		list := body.list("components")
		var leaves []status.State
		for _, o := range list {
			if o.of["group"] != true {
				leaves = append(leaves, status.State(o.text("status")))
				continue
			}
			var states []status.State
			for _, id := range o.of["components"].([]any) {
				states = append(states, status.State(find(t, list, id.(string)).text("status")))
			}
			if got := status.State(o.text("status")); got != status.Worst(states...) {
				r.Fatalf("the group is %s of %v", got, states)
			}
		}
		want := status.HeadlineOf(leaves, board.Open(""))
		for _, path := range []string{"/prod/api/v2/status.json", "/api/v2/status.json"} {
			got := s.tree(path).object("status")
			if got.text("description") != want.Description || got.text("indicator") != string(want.Indicator) {
				r.Fatalf("%s: %q, %q of %v; want %q, %q", path, got.text("description"), got.text("indicator"), leaves, want.Description, want.Indicator)
			}
		}
		if t.Failed() {
			r.FailNow()
		}
	})
}

func randomSite(r *rapid.T) *statustest.World {
	w := statustest.New()
	w.Changes, w.Site.Sections = map[string][]*status.Change{}, nil
	n := 0
	components := func(least int) (list []status.Component) {
		for range rapid.IntRange(least, 3).Draw(r, "components") {
			n++
			id := statustest.ID("comp", n)
			list = append(list, status.Component{ID: id, Title: status.Text{"en": id}, Created: statustest.Ago(200 * day), Updated: statustest.Ago(100 * day)})
			for i := range rapid.IntRange(0, 3).Draw(r, "changes") {
				state := rapid.SampledFrom(append([]status.State{status.NoData}, status.States...)).Draw(r, "state")
				w.Set(id, state, statustest.Ago(day-time.Duration(i)*time.Hour), nil, status.ByHand, "")
			}
		}
		return list
	}
	for i := range rapid.IntRange(1, 3).Draw(r, "sections") {
		section := status.Section{Name: fmt.Sprint("s", i), Title: status.Text{"en": fmt.Sprint("S", i)}, Components: components(0)}
		for j := range rapid.IntRange(0, 2).Draw(r, "groups") {
			section.Groups = append(section.Groups, status.Group{ID: statustest.ID("group", 10*i+j), Title: status.Text{"en": fmt.Sprint("G", j)}, Components: components(1)})
		}
		w.Site.Sections = append(w.Site.Sections, section)
	}
	return w
}

// TestHistory is what Statuspage's own page and others read: three months a page, the newest first, until there are none.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := serve(t, statustest.Busy().Board())
	body := s.tree("/prod/history.json")
	if !slices.Equal(body.keys, strings.Fields("months components")) {
		t.Errorf("keys %v", body.keys)
	}
	var got []string
	for _, m := range body.list("months") {
		if !slices.Equal(m.keys, strings.Fields("name year starts_on days incidents")) {
			t.Errorf("keys of a month %v", m.keys)
		}
		line := fmt.Sprint(m.text("name"), " ", m.of["year"], " ", m.of["starts_on"], " ", m.of["days"])
		for _, i := range m.list("incidents") {
			if !slices.Equal(i.keys, strings.Fields("code name message impact timestamp")) {
				t.Errorf("keys of an incident %v", i.keys)
			}
			line += "; " + i.text("code") + " " + i.text("impact") + " " + tags.ReplaceAllString(i.text("timestamp"), "") + " " + i.text("message")
		}
		got = append(got, line)
	}
	want := []string{
		"March 2026 0 31; notice000003 major Mar 4, 13:20 CET An index is being built anew.<br />Until then, search by number.; notice000004 maintenance Mar 4, 14:00 CET It has begun.",
		"February 2026 0 28; notice000002 maintenance Feb 22, 14:30 - 16:30 CET It is done.; notice000001 critical Feb 12, 14:30 - 16:30 CET Everyone can sign in.",
		"January 2026 4 31",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, page := range []string{"2", "1000000000"} {
		if months := s.tree("/prod/history.json?page=" + page).list("months"); len(months) > 0 {
			t.Errorf("page %s has %d months", page, len(months))
		}
	}
	for path, want := range map[string]string{"history.json": "&lt;script&gt;", "api/v2/incidents.json": "<script>"} {
		if body := string(serve(t, statustest.Hostile().Board()).get("/prod/" + path)); !strings.Contains(body, want) {
			t.Errorf("%s does not say %s", path, want)
		}
	}
}

var tags = regexp.MustCompile(`<(var|/var)[^>]*>`)

// TestUptime is a component's bars by months, and what its percentage is of (reference 2.3).
func TestUptime(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	id := statustest.ID("comp", 1)
	w.Set(id, status.MajorOutage, statustest.Ago(8*day), nil, status.ByHand, "")
	w.Set(id, status.PartialOutage, statustest.Ago(8*day-time.Hour), nil, status.ByHand, "")
	w.Set(id, status.Operational, statustest.Ago(8*day-2*time.Hour), nil, status.ByHand, "")
	s := serve(t, w.Board())
	body := s.tree("/prod/uptime/" + id + ".json")
	if c := body.object("component"); !slices.Equal(body.keys, strings.Fields("component months")) || c.text("code") != id || c.text("name") != "Back Office" || c.of["startDate"] != nil {
		t.Errorf("%v %v", body.keys, body.of)
	}
	months := body.list("months")
	var names []string
	for _, m := range months {
		names = append(names, fmt.Sprint(m.text("name"), m.of["year"], " ", len(m.list("days")), " ", m.of["uptime_percentage"]))
	}
	// February has 28 days; an hour out and an hour out in part cost 1.3 hours of 672.
	if want := []string{"March2026 4 100", "February2026 28 99.807", "January2026 31 100"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if o := months[1].list("days")[23]; o.text("date") != "2026-02-24" || fmt.Sprint(o.object("outages").of) != "map[m:3600 p:3600]" {
		t.Errorf("%s: %v", o.text("date"), o.object("outages").of)
	}
	if second := s.tree("/prod/uptime/" + id + ".json?page=2").list("months"); len(second) != 2 || second[1].text("name") != "November" {
		t.Errorf("the second page has %d months", len(second)) // it was put up a hundred days ago, in November
	}
	// What was before the day that its clock starts counts for nothing.
	started := s.tree("/prod/uptime/" + statustest.ID("comp", 6) + ".json")
	if m := started.list("months"); started.object("component").text("startDate") != "2026-02-01" || m[1].of["uptime_percentage"] != 100.0 || m[2].of["uptime_percentage"] != nil {
		t.Errorf("a component that began in February: %v", m[2].of["uptime_percentage"])
	}
	if third := s.tree("/prod/uptime/" + id + ".json?page=3").list("months"); len(third) != 0 {
		t.Errorf("the third page has %d months", len(third))
	}
}

// TestUptimeData is window.uptimeData (reference 2.3), which stands in a script.
func TestUptimeData(t *testing.T) {
	t.Parallel()
	for _, w := range []*statustest.World{statustest.Busy(), statustest.Hostile(), statustest.Unknown()} {
		board := w.Board()
		text, err := statusapi.UptimeData(board, board.Components, statustest.Now)
		if err != nil || strings.ContainsAny(string(text), "<>&\u2028\u2029") {
			t.Errorf("%v; a script may end in %s", err, text)
		}
		var data map[string]struct {
			Component struct {
				Code      string  `json:"code"`
				Name      string  `json:"name"`
				StartDate *string `json:"startDate"`
			} `json:"component"`
			Days []struct {
				Date    string `json:"date"`
				Outages struct {
					P int `json:"p"`
					M int `json:"m"`
				} `json:"outages"`
				Related []struct{ Name, Code string } `json:"related_events"`
			} `json:"days"`
		}
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&data); err != nil {
			t.Fatal(err)
		}
		for id, one := range data {
			if one.Component.Code != id || len(one.Days) != 90 || one.Days[89].Date != "2026-03-04" || one.Days[0].Date != "2025-12-05" {
				t.Errorf("%s: %d days from %s", id, len(one.Days), one.Days[0].Date)
			}
		}
		if _, told := data[statustest.ID("comp", 7)]; told != (board.Component(statustest.ID("comp", 7)).Last != status.NoData) {
			t.Error("what is never known is told")
		}
	}
	busy := statustest.Busy().Board()
	text, _ := statusapi.UptimeData(busy, busy.Components[4:5], statustest.Now)
	if want := `{"date":"2026-02-12","outages":{"m":3600},"related_events":[{"name":"Sign-in was refused","code":"notice000001"}]}`; !strings.Contains(string(text), want) {
		t.Errorf("%s is not in %s", want, text)
	}
}
