package page

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// A notice is told from its beginning: every update, what it said before, how long it lasted, the account afterwards.
func TestANoticeWithEverythingThatWasSaid(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	page := v.page("/busy/notices/notice000003")
	says(t, page, "Search is slow", "Edited 4 March 2026, 13:40 CET – show what it said before", "Until 4 March 2026, 13:40 CET it said: Searches are slow.", "Searches take up to a minute.",
		"OData service became Operational→Partial outage")
	if strings.Index(page, "An index is being built anew.") > strings.Index(page, "Searches take up to a minute.") {
		t.Error("the newest update is not first")
	}
	past := v.page("/busy/notices/notice000001")
	says(t, past, "Account afterwards", "The certificate was not in the list", "Lasted 2 h", "Critical impact")
	if n := strings.Count(past, "The certificate was not in the list"); n != 2 { // it is the description in the head, too
		t.Errorf("the account is there %d times", n)
	}
}

// What is in another language than the page is marked so, and said to be (WCAG 3.1.2).
func TestTextsInAnotherLanguage(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	page := v.page("/busy/fr/notices/notice000003")
	if !strings.Contains(page, `<div class="body" lang="en"><p>An index is being built anew.<br>Until then, search by number.</p></div><p class="foreign">(affiché en anglais)</p>`) {
		t.Error("the English update is not marked")
	}
	if page := v.page("/busy/pl/history"); !strings.Contains(page, `<span lang="en">Monthly update</span>`) {
		t.Error("the English title is not marked")
	}
}

// A notice that is still to be shown is nowhere.
func TestAMessageToComeIsNotShown(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	n := w.Add(&status.Notice{
		Kind: status.Announcement, Title: status.Text{"en": "A secret until April"}, Components: []string{statustest.ID("comp", 1)}, Starts: statustest.In(1e15),
		Updates: []status.Update{{Stage: status.Coming, Body: status.Text{"en": "?"}, Created: statustest.Ago(1)}},
	})
	v := visit(t, siteOf(w))
	for _, path := range []string{"/site/", "/site/history", "/site/calendar", "/site/components/" + statustest.ID("comp", 1)} {
		saysNot(t, v.page(path), "A secret until April")
	}
	if got := v.ask("/site/notices/" + n.ID).Code; got != http.StatusNotFound {
		t.Errorf("its page: %d", got)
	}
}

// The history is by month, and goes as far back as there is something.
func TestHistoryByMonth(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	says(t, v.page("/busy/history"), "March 2026", "February 2026", "January 2026", "Nothing happened.", "Earlier: December 2025")
	says(t, v.page("/busy/history/2026-02"), "Monthly update", "Sign-in was refused", "Later: March 2026")
	saysNot(t, v.page("/busy/history/2026-02"), "Search is slow")
	for path, want := range map[string]int{"2026-03": 200, "2025-08": 200, "2025-07": 404, "2026-04": 404, "2026-3": 404, "x": 404, "2026-02-01": 404} {
		if got := v.ask("/busy/history/" + path).Code; got != want {
			t.Errorf("history of %s: %d, want %d", path, got, want)
		}
	}
}

func TestCalendarMonth(t *testing.T) {
	t.Parallel()
	v := visit(t, stories())
	page := v.page("/busy/calendar")
	for _, cell := range []string{
		`(?s)<td class=" today" aria-current="date"><time datetime="2026-03-04">4.*?Moving files to new storage.*?</td>`,
		`(?s)<time datetime="2026-03-07">7.{0,400}14:30.{0,200}Database upgrade`,
		`(?s)<time datetime="2026-03-16">16.{0,400}Change the address of the OData service`,
		`<td class="out"><time datetime="2026-02-23">23`, `<td class="out"><time datetime="2026-04-05">5`,
	} {
		if !regexp.MustCompile(cell).MatchString(page) {
			t.Errorf("no day such as %s", cell)
		}
	}
	says(t, page, "In this month", "every month")
	says(t, v.page("/busy/calendar/2026-02"), "Monthly update", "This month")
	for path, want := range map[string]int{"2027-03": 200, "2027-04": 404, "2026-01": 404, "2026-13": 404} {
		if got := v.ask("/busy/calendar/" + path).Code; got != want {
			t.Errorf("calendar of %s: %d, want %d", path, got, want)
		}
	}
}
