package statuspage_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/envelope/statuspage"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

var update = flag.Bool("update", false, "write the golden files anew")

const url = "https://status.example/prod"

// happened is an event with some data, recorded at Now.
func happened(t testing.TB, kind string, told any) *event.Event {
	t.Helper()
	data, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	return &event.Event{Type: kind, Recorded: int64(statustest.Now), MediaType: "application/json", Data: data}
}

// notice is what is told of a notice of a story.
func notice(board *status.Board, n int, change string) status.NoticeTold {
	one := board.Notice(statustest.ID("notice", n))
	return status.NoticeTold{
		Page: board.Page(url), Change: change, Update: one.Last().ID, Notice: *one.Public(), Components: board.AffectedBy(one),
		URL: url + "/notices/" + one.ID,
	}
}

// component is what is told of a component of a story.
func component(board *status.Board, n int, from, known status.State) status.ComponentTold {
	s := board.Component(statustest.ID("comp", n))
	return status.ComponentTold{
		Page: board.Page(url), Component: board.As(s), From: from, To: s.State, LastKnown: known, At: s.Since, Change: statustest.ID("change", n), Cause: status.ByHand,
	}
}

func render(t testing.TB, e *event.Event) map[string]any {
	t.Helper()
	r := statuspage.Envelope{}.Render(e)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if r.ContentType != "application/json" || len(r.Headers) > 0 {
		t.Errorf("it is %s with %v", r.ContentType, r.Headers)
	}
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

// The keys of each object, typed from the reference (2.5): an incident has those of the API but started_at, and more.
var (
	metaKeys      = "documentation generated_at unsubscribe"
	pageKeys      = "id status_description status_indicator"
	changeKeys    = "component_id component_type created_at id new_status old_status"
	componentKeys = "created_at description group_id id name page_id position showcase status updated_at"
	incidentKeys  = "backfilled components created_at id impact impact_override incident_updates monitoring_at name page_id postmortem_body " +
		"postmortem_body_last_updated_at postmortem_ignored postmortem_notified_subscribers postmortem_notified_twitter postmortem_published_at " +
		"resolved_at scheduled_auto_completed scheduled_auto_in_progress scheduled_for scheduled_remind_prior scheduled_reminded_at scheduled_until " +
		"shortlink status updated_at"
	updateKeys = "affected_components body created_at custom_tweet deliver_notifications display_at id incident_id status tweet_id twitter_updated_at " +
		"updated_at wants_twitter_update"
	leafKeys = "created_at description group group_id id name only_show_if_degraded page_id position showcase start_date status updated_at"
)

func keys(t testing.TB, o any, want string) {
	t.Helper()
	if got := strings.Join(slices.Sorted(maps.Keys(o.(map[string]any))), " "); got != want {
		t.Errorf("keys\n%s, want\n%s", got, want)
	}
}

// TestC13WebhooksHaveStatuspagesShape is the reference's 2.5 over the stories.
func TestC13WebhooksHaveStatuspagesShape(t *testing.T) {
	t.Parallel()
	for _, story := range statustest.Stories() {
		board := story.World.Board()
		for _, n := range board.Notices {
			told := status.NoticeTold{Page: board.Page(url), Change: status.Said, Notice: *n.Public(), Components: board.AffectedBy(n), URL: url + "/notices/" + n.ID}
			body := render(t, happened(t, n.Type(), told))
			keys(t, body, "incident meta page")
			keys(t, body["meta"], metaKeys)
			keys(t, body["page"], pageKeys)
			keys(t, body["incident"], incidentKeys)
			incident := body["incident"].(map[string]any)
			updates := incident["incident_updates"].([]any)
			if len(updates) != len(n.Updates) || updates[0].(map[string]any)["id"] != n.Last().ID {
				t.Errorf("%s: %d updates, the first %v", n.ID, len(updates), updates[0])
			}
			for _, u := range updates {
				keys(t, u, updateKeys)
			}
			for _, c := range incident["components"].([]any) {
				keys(t, c, leafKeys)
			}
		}
		for _, s := range board.Components {
			body := render(t, happened(t, status.ComponentChanged, status.ComponentTold{Page: board.Page(url), Component: board.As(s), From: status.Operational, To: s.State}))
			keys(t, body, "component component_update meta page")
			keys(t, body["component_update"], changeKeys)
			keys(t, body["component"], componentKeys)
			if text, _ := json.Marshal(body); bytes.Contains(text, []byte("no_data")) {
				t.Errorf("%s: it tells what is not known", s.ID)
			}
		}
	}
}

// TestNothingIsEscapedForHTML: texts that would be code are what they are, in JSON.
func TestNothingIsEscapedForHTML(t *testing.T) {
	t.Parallel()
	r := statuspage.Envelope{}.Render(happened(t, status.NoticeChanged, notice(statustest.Hostile().Board(), 1, status.Said)))
	if !bytes.Contains(r.Body, []byte(`<script>`)) || bytes.Contains(r.Body, []byte(`\u003c`)) {
		t.Errorf("it is escaped: %s", r.Body)
	}
}

// TestGolden shows what receivers get of the busy story.
func TestGolden(t *testing.T) {
	t.Parallel()
	board := statustest.Busy().Board()
	for name, e := range map[string]*event.Event{
		"incident.json":    happened(t, status.NoticeChanged, notice(board, 3, status.Said)),
		"postmortem.json":  happened(t, status.NoticeChanged, notice(board, 1, status.AccountTold)),
		"maintenance.json": happened(t, status.NoticeChanged, notice(board, 4, status.Said)),
		"message.json":     happened(t, status.MessageChanged, notice(board, 6, status.Opened)),
		"component.json":   happened(t, status.ComponentChanged, component(board, 3, status.Operational, status.Operational)),
	} {
		r := statuspage.Envelope{}.Render(e)
		golden(t, name, r.Body)
		if again := (statuspage.Envelope{}).Render(e); !bytes.Equal(again.Body, r.Body) {
			t.Errorf("%s: made again it is another", name)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
}

// TestWhatIncidentsSay goes through what follows from the notice.
func TestWhatIncidentsSay(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Notices[2].Override = status.ImpactMinor
	w.Notices[3].ByHand = true
	w.Notices[4].Imported = "https://old.example/"
	add := func(n *status.Notice, stage status.Stage) {
		n.Title = status.Text{"en": "A"}
		n.Updates = []status.Update{{Stage: stage, Created: statustest.Ago(time.Hour), Quiet: true}}
		w.Add(n)
	}
	add(&status.Notice{Kind: status.Incident}, status.Resolved)                                                            // 9
	add(&status.Notice{Kind: status.Announcement, Starts: statustest.In(time.Hour), Override: "critical"}, status.Coming)  // 10
	add(&status.Notice{Kind: status.Bulletin}, status.Ended)                                                               // 11
	add(&status.Notice{Kind: status.Planned, Starts: statustest.Ago(9), Ends: statustest.In(time.Hour)}, status.Verifying) // 12
	add(&status.Notice{Kind: status.Action, Starts: statustest.Ago(9), Ends: statustest.In(time.Hour)}, status.Published)  // 13
	add(&status.Notice{Kind: status.Announcement, Started: statustest.Ago(day)}, status.Published)                         // 14
	board := w.Board()
	for _, c := range []struct {
		n      int
		change string
		want   string // of the keys below
	}{
		{1, status.AccountTold, "status=postmortem impact=critical resolved=yes override=null scheduled=null auto=false backfilled=false postmortem=yes"},
		{3, status.Said, "status=identified impact=major resolved=null override=minor scheduled=null auto=false backfilled=false postmortem=null"},
		{4, status.Said, "status=in_progress impact=maintenance resolved=null override=null scheduled=yes auto=false backfilled=false postmortem=null"},
		{5, status.Said, "status=scheduled impact=maintenance resolved=null override=null scheduled=yes auto=true backfilled=true postmortem=null"},
		{9, status.Opened, "status=resolved impact=none resolved=yes override=null scheduled=null auto=false backfilled=true postmortem=null"},
		{10, status.Opened, "status=scheduled impact=none resolved=null override=null scheduled=yes auto=true backfilled=false postmortem=null"},
		{11, status.Said, "status=resolved impact=none resolved=yes override=null scheduled=null auto=false backfilled=true postmortem=null"},
		{13, status.Acked, "status=monitoring impact=none resolved=null override=null scheduled=null auto=false backfilled=false postmortem=null"},

		// What was taken away while it was current has ended: a receiver would wait for ever.
		{3, status.Removed, "status=resolved impact=major resolved=yes override=minor scheduled=null auto=false backfilled=false postmortem=null"},
		{1, status.Removed, "status=postmortem impact=critical resolved=yes override=null scheduled=null auto=false backfilled=false postmortem=yes"},
		{12, status.Removed, "status=completed impact=maintenance resolved=yes override=null scheduled=yes auto=true backfilled=false postmortem=null"},
		{14, status.Removed, "status=resolved impact=none resolved=yes override=null scheduled=null auto=false backfilled=false postmortem=null"},
	} {
		told := notice(board, c.n, c.change)
		incident := render(t, happened(t, told.Notice.Type(), told))["incident"].(map[string]any)
		word := func(key string) string {
			switch value := incident[key].(type) {
			case nil:
				return "null"
			case string:
				if strings.HasSuffix(key, "_at") || key == "postmortem_body" || key == "scheduled_for" {
					return "yes"
				}
				return value
			case bool:
				if value {
					return "true"
				}
			}
			return "false"
		}
		got := "status=" + word("status") + " impact=" + word("impact") + " resolved=" + word("resolved_at") + " override=" + word("impact_override") +
			" scheduled=" + word("scheduled_for") + " auto=" + word("scheduled_auto_completed") + " backfilled=" + word("backfilled") + " postmortem=" + word("postmortem_body")
		if got != c.want {
			t.Errorf("%d, %s:\ngot  %s\nwant %s", c.n, c.change, got, c.want)
		}
	}
	quiet := render(t, happened(t, status.NoticeChanged, notice(board, 9, status.Opened)))["incident"].(map[string]any)["incident_updates"].([]any)[0].(map[string]any)
	if quiet["deliver_notifications"] != false || quiet["affected_components"] != nil {
		t.Errorf("a quiet update that affects nothing is %v", quiet)
	}
}

const day = 24 * time.Hour

// TestWhatIsNotKnownIsNeverTold (reference 2.8): the last that was known is.
func TestWhatIsNotKnownIsNeverTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		states      []status.State // of the component, the last one new
		from, known status.State
		old, now    string
	}{
		"worse":                     {[]status.State{"operational", "major_outage"}, "operational", "operational", "operational", "major_outage"},
		"not known any more":        {[]status.State{"operational", "partial_outage", "no_data"}, "partial_outage", "partial_outage", "partial_outage", "partial_outage"},
		"known again, and the same": {[]status.State{"partial_outage", "no_data", "partial_outage"}, "no_data", "partial_outage", "partial_outage", "partial_outage"},
		"known again, and better":   {[]status.State{"partial_outage", "no_data", "operational"}, "no_data", "partial_outage", "partial_outage", "operational"},
		"known for the first time":  {[]status.State{"degraded_performance"}, "no_data", "no_data", "degraded_performance", "degraded_performance"},
	} {
		w := statustest.New()
		delete(w.Changes, statustest.ID("comp", 1))
		for i, s := range c.states {
			w.Set(statustest.ID("comp", 1), s, statustest.Ago(time.Duration(9-i)*time.Hour), nil, status.ByMonitor, "")
		}
		told := component(w.Board(), 1, c.from, c.known)
		body := render(t, happened(t, status.ComponentChanged, told))
		change, one := body["component_update"].(map[string]any), body["component"].(map[string]any)
		if change["old_status"] != c.old || change["new_status"] != c.now || one["status"] != c.now {
			t.Errorf("%s: %v to %v, and it is %v; want %s to %s", name, change["old_status"], change["new_status"], one["status"], c.old, c.now)
		}
	}
}

// TestOtherEventsHaveNoWebhook: what cannot be rendered is not sent.
func TestOtherEventsHaveNoWebhook(t *testing.T) {
	t.Parallel()
	board := statustest.New().Board()
	good, _ := json.Marshal(component(board, 1, status.Operational, status.Operational))
	for name, e := range map[string]*event.Event{
		"a site":           happened(t, status.SiteChanged, status.SiteTold{Page: board.Page(url)}),
		"another type":     {Type: "cv", MediaType: "application/json", Data: good},
		"no data":          {Type: status.ComponentChanged},
		"not JSON":         {Type: status.ComponentChanged, MediaType: "text/plain", Data: good},
		"a list":           {Type: status.NoticeChanged, MediaType: "application/json", Data: []byte(`[]`)},
		"a number as id":   {Type: status.NoticeChanged, MediaType: "application/json", Data: []byte(`{"page":{"id":7}}`)},
		"nothing in it":    {Type: status.NoticeChanged, MediaType: "application/json", Data: []byte(`{}`)},
		"no zone there is": {Type: status.ComponentChanged, MediaType: "application/json", Data: bytes.Replace(good, []byte("Europe/Copenhagen"), []byte("Europe/Nowhere"), 1)},
	} {
		if r := (statuspage.Envelope{}).Render(e); !fault.Has(r.Err, fault.InvalidMessage) || r.Body != nil {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}

// TestTimesAreInThePagesZone: also when it was generated, which is when it was recorded.
func TestTimesAreInThePagesZone(t *testing.T) {
	t.Parallel()
	board := statustest.Busy().Board()
	told := notice(board, 3, status.Said)
	for zone, want := range map[string]string{
		"Europe/Copenhagen": "2026-03-04T14:30:00.000+01:00", "America/Los_Angeles": "2026-03-04T05:30:00.000-08:00", "Etc/UTC": "2026-03-04T13:30:00.000Z",
	} {
		told.Page.Zone = zone
		e := happened(t, status.NoticeChanged, told)
		if got := render(t, e)["meta"].(map[string]any)["generated_at"]; got != want {
			t.Errorf("%s: %v, want %s", zone, got, want)
		}
		e.Recorded, e.Time = 0, int64(statustest.Now) // a test message is not in the log
		if got := render(t, e)["meta"].(map[string]any)["generated_at"]; got != want {
			t.Errorf("%s, not recorded: %v, want %s", zone, got, want)
		}
	}
}
