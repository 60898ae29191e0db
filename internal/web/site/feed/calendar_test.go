package feed_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// readCalendar is a calendar as an independent implementation understands it.
type readCalendar struct {
	Name, Refresh string
	Components    int
	Events        []readEvent
}

type readEvent struct {
	UID, Summary, Description, URL, Status, Starts, Ends, Stamp, Modified string
	Sequence                                                              int
}

const calendarReader = `
const ICAL = require("ical.js").default ?? require("ical.js");
ICAL.design.strict = true;
const time = (v) => (v ? v.toJSDate().toISOString() : "");
const all = JSON.parse(require("fs").readFileSync(0, "utf8")).map(({ text }) => {
	const calendar = new ICAL.Component(ICAL.parse(text));
	return {
		name: calendar.getFirstPropertyValue("x-wr-calname"), refresh: String(calendar.getFirstPropertyValue("refresh-interval")),
		components: calendar.getAllSubcomponents().length,
		events: calendar.getAllSubcomponents("vevent").map((e) => {
			const get = (name) => e.getFirstPropertyValue(name);
			return { uid: get("uid"), summary: get("summary"), description: get("description"), url: get("url"), status: get("status"), sequence: get("sequence"),
				starts: time(get("dtstart")), ends: time(get("dtend")), stamp: time(get("dtstamp")), modified: time(get("last-modified")) };
		}),
	};
});
console.log(JSON.stringify(all));`

func readingCalendars(t *testing.T, list []document) []readCalendar {
	t.Helper()
	stdin, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var all []readCalendar
	if err := json.Unmarshal(oracle.Node(t, calendarReader, stdin), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCalendarsAreReadByOthers has every calendar of every story, in every language, read by an independent reader, which
// finds what the site says (RFC 5545).
func TestCalendarsAreReadByOthers(t *testing.T) {
	t.Parallel()
	var list []document
	boards := map[string]*status.Board{}
	for _, story := range statustest.Stories() {
		boards[story.Name] = story.World.Board()
		for _, d := range ending(documents(t, story.World), ".ics") {
			checkLines(t, story.Name+d.Path, d.Text)
			list = append(list, document{story.Name + d.Path, d.Text})
		}
	}
	for i, got := range readingCalendars(t, list) {
		path := list[i].Path
		if got.Name == "" || got.Refresh != "PT5M" || got.Components == 0 {
			t.Errorf("%s is called %q, refreshed every %q, of %d components", path, got.Name, got.Refresh, got.Components)
		}
		story, _, _ := strings.Cut(path, "/")
		for _, e := range got.Events {
			checkEvent(t, path, boards[story], &e)
		}
	}
}

func checkEvent(t *testing.T, path string, board *status.Board, e *readEvent) {
	t.Helper()
	id, _, _ := strings.Cut(strings.ReplaceAll(e.UID, "-deadline", ""), "@")
	n := board.Notice(id)
	if n == nil {
		t.Fatalf("%s: no notice for %q", path, e.UID)
	}
	rfc3339 := func(at status.Time) string { return at.Time().Format("2006-01-02T15:04:05.000Z") }
	starts, ends := rfc3339(n.Starts), rfc3339(n.Ends)
	if n.Kind == status.Action {
		starts, ends = rfc3339(n.Deadline), ""
	}
	language := board.Site.Languages[0]
	if _, rest, _ := strings.Cut(path, "/"); slices.Contains(board.Site.Languages, rest[:2]) && rest[2] == '/' {
		language = rest[:2]
	}
	title, _ := board.Site.Say(n.Title, language)
	if want := n.Kind.Words()[language] + ": " + title; e.Summary != want {
		t.Errorf("%s: %q, want %q", path, e.Summary, want)
	}
	if e.Starts != starts || e.Ends != ends || e.Stamp != rfc3339(n.Updated) || e.Modified != e.Stamp || e.Status != "CONFIRMED" {
		t.Errorf("%s: %+v, want it from %s to %s", path, *e, starts, ends)
	}
	body, _ := board.Site.Say(n.Last().Body, language)
	if !strings.HasSuffix(e.URL, "/notices/"+n.ID) || !strings.Contains(e.Description, strings.TrimSpace(body)) || !strings.HasSuffix(e.Description, e.URL) {
		t.Errorf("%s: %q is described as %q", path, e.URL, e.Description)
	}
}

// checkLines holds the lines to RFC 5545 section 3.1: at most 75 octets, ended by CRLF, no character cut in two.
func checkLines(t *testing.T, what, text string) {
	t.Helper()
	rest, ended := strings.CutSuffix(text, "\r\n")
	if !ended {
		t.Errorf("%s: the last line has no end", what)
	}
	for line := range strings.SplitSeq(rest, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
			t.Errorf("%s: a line of %d octets: %q", what, len(line), line)
		}
	}
}

// TestCalendarsFollowWhatChanges: whoever has an appointment already takes the new one in its place (RFC 5545 section
// 3.8.7.4), and sees that it is called off.
func TestCalendarsFollowWhatChanges(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	planned := func(updates ...status.Update) *status.Notice {
		w := statustest.New()
		return w.Add(&status.Notice{
			Kind: status.Planned, Title: status.Text{"en": "Upgrade"}, Starts: statustest.In(day), Ends: statustest.In(day + time.Hour), Updates: updates,
		})
	}
	said := func(stage status.Stage, ago time.Duration) status.Update {
		return status.Update{Stage: stage, Created: statustest.Ago(ago), Body: status.Text{"en": "x"}}
	}
	first := planned(said(status.Scheduled, 3*time.Hour))
	moved := first.Clone()
	moved.Starts, moved.Ends, moved.Updated = statustest.In(2*day), statustest.In(2*day+time.Hour), statustest.Ago(2*time.Hour)
	spoken := planned(said(status.Scheduled, 3*time.Hour), said(status.Scheduled, 3*time.Hour))
	cancelled := planned(said(status.Scheduled, 3*time.Hour), said(status.Completed, time.Hour))
	done := planned(said(status.Scheduled, 5*day), said(status.InProgress, 4*day), said(status.Completed, 3*day))

	var list []document
	for _, n := range []*status.Notice{first, spoken, moved, cancelled, done} {
		w := statustest.New()
		w.Notices = []*status.Notice{n}
		list = append(list, document{"", sitetest.Get(sitetest.Server(feed.Leaves(), w.Board()), "/prod/calendar.ics").Body.String()})
	}
	sequence := -1
	for i, got := range readingCalendars(t, list)[:4] {
		e := got.Events[0]
		if e.UID != "notice000001@page00000001.varsel" || e.Sequence <= sequence {
			t.Errorf("version %d of %q has SEQUENCE %d, after %d", i, e.UID, e.Sequence, sequence)
		}
		sequence = e.Sequence
	}
	for i, want := range []string{"CONFIRMED", "CONFIRMED", "CONFIRMED", "CANCELLED", "CONFIRMED"} {
		if !strings.Contains(list[i].Text, "\r\nSTATUS:"+want+"\r\n") {
			t.Errorf("version %d is not %s:\n%s", i, want, list[i].Text)
		}
	}
}

// TestNoticesWithoutATimeAreInNoCalendar: an incident has a past and no appointment.
func TestNoticesWithoutATimeAreInNoCalendar(t *testing.T) {
	t.Parallel()
	server := sitetest.Server(feed.Leaves(), statustest.Busy().Board())
	for path, want := range map[string]int{
		"/notices/notice000003.ics": http.StatusNotFound, "/notices/notice000006.ics": http.StatusOK, "/notices/none.ics": http.StatusNotFound,
		"/nowhere/calendar.ics": http.StatusNotFound, "/components/none.ics": http.StatusNotFound, "/components/none.rss": http.StatusNotFound,
		"/notices/none.rss": http.StatusNotFound, "/nowhere/state.rss": http.StatusNotFound, "/nowhere/updates.json": http.StatusNotFound, "/nowhere/bulletins.atom": http.StatusNotFound,
	} {
		if got := sitetest.Get(server, "/prod"+path); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
}
