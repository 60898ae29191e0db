package feed_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// jsonFeed is as much of a JSON Feed as these tests look at.
type jsonFeed struct {
	Items []struct {
		ID, Title, URL string
		HTML           string `json:"content_html"`
		Modified       string `json:"date_modified"`
		Tags           []string
	}
}

func entries(t *testing.T, w *statustest.World, path string) jsonFeed {
	t.Helper()
	got := sitetest.Get(sitetest.Server(feed.Leaves(), w.Board()), "/prod"+path)
	var f jsonFeed
	if err := json.Unmarshal(got.Body.Bytes(), &f); got.Code != http.StatusOK || err != nil {
		t.Fatalf("%s: %d, %v", path, got.Code, err)
	}
	return f
}

func titles(f jsonFeed) (list []string) {
	for _, item := range f.Items {
		list = append(list, item.Title)
	}
	return list
}

func notice(kind status.Kind, title string, more func(*status.Notice), updates ...status.Update) *status.Notice {
	n := &status.Notice{Kind: kind, Title: status.Text{"en": title}, Updates: updates}
	if more != nil {
		more(n)
	}
	return n
}

func saying(stage status.Stage, ago time.Duration, body string) status.Update {
	return status.Update{Stage: stage, Created: statustest.Ago(ago), Body: status.Text{"en": body}}
}

// TestD20EverythingThatIsSaidIsInTheFeed: all five kinds of notices (D5; C5, C6), one entry for each update.
func TestD20EverythingThatIsSaidIsInTheFeed(t *testing.T) {
	t.Parallel()
	f := entries(t, statustest.Busy(), "/updates.json")
	kinds := map[string]bool{}
	for _, item := range f.Items {
		kinds[item.Tags[0]] = true
	}
	for _, kind := range status.Kinds {
		if !kinds[kind.Words()["en"]] {
			t.Errorf("nothing of the kind %s", kind)
		}
	}
	if len(f.Items) != 16 || f.Items[0].Title != "[Identified] Search is slow" {
		t.Errorf("%d entries, the first of which is %q", len(f.Items), f.Items[0].Title)
	}
}

// TestD24GeneralMessagesAreWhatConcernsEveryone: bulletins, and every notice that names no part of the site (requirements
// 3c); of a section those that are about all of it.
func TestD24GeneralMessagesAreWhatConcernsEveryone(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Add(notice(status.Incident, "Everything is slow", nil, saying(status.Investigating, time.Minute, "We look into it.")))
	for path, want := range map[string][]string{
		"/bulletins.json":     {"[Investigating] Everything is slow", "[Current] Support is closed on Friday"},
		"/crm/bulletins.json": {"[Investigating] Everything is slow", "[Current] Support is closed on Friday", "[Current] Version 9 comes in April"},
		"/erp/bulletins.json": {"[Investigating] Everything is slow", "[Current] Support is closed on Friday"},
	} {
		if got := titles(entries(t, w, path)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestWhatIsToComeIsToldWhenItComes: what is written to be shown later is in no feed before, and then it says what was
// written.
func TestWhatIsToComeIsToldWhenItComes(t *testing.T) {
	t.Parallel()
	starts := func(n *status.Notice) { n.Starts = statustest.Ago(time.Hour) }
	for name, c := range map[string]struct {
		updates []status.Update
		want    []string
		says    string
	}{
		"still to come": {[]status.Update{saying(status.Coming, 9*time.Hour, "The price rises.")}, nil, ""},
		"put off":       {[]status.Update{saying(status.Published, 9*time.Hour, "The price rises."), saying(status.Coming, time.Hour, "Not yet.")}, nil, ""},
		"come": {
			[]status.Update{saying(status.Coming, 9*time.Hour, "The price rises."), saying(status.Published, time.Hour, "This applies from now on.")},
			[]string{"[Current] Prices"}, "<p>The price rises.</p><p>This applies from now on.</p>",
		},
	} {
		w := statustest.New()
		w.Add(notice(status.Announcement, "Prices", starts, c.updates...))
		f := entries(t, w, "/updates.json")
		if got := titles(f); !slices.Equal(got, c.want) || c.want != nil && f.Items[0].HTML != c.says {
			t.Errorf("%s: %+v, want %q: %s", name, f, c.want, c.says)
		}
		if got := sitetest.Get(sitetest.Server(feed.Leaves(), w.Board()), "/prod/notices/notice000001.json"); (got.Code == http.StatusOK) != (c.want != nil) {
			t.Errorf("%s: its own feed answers %d", name, got.Code)
		}
	}
}

// TestAnEntryStaysWhoItIs: an update that is put otherwise is the same entry, and a reader shows it anew.
func TestAnEntryStaysWhoItIs(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	before := entries(t, w, "/updates.json").Items[0]
	u := w.Notices[2].Last()
	u.Body, u.Updated, w.Notices[2].Title = status.Text{"en": "Otherwise"}, statustest.Now, status.Text{"en": "Search was slow"}
	after := entries(t, w, "/updates.json").Items[0]
	if before.ID != after.ID || before.Modified == after.Modified || before.HTML == after.HTML || after.Title != "[Identified] Search was slow" {
		t.Errorf("from %+v to %+v", before, after)
	}
	if danish := entries(t, w, "/da/updates.json").Items[0]; danish.ID != after.ID || !strings.Contains(danish.URL, "/da/notices/") {
		t.Errorf("in Danish it is %+v", danish)
	}
}

// TestAFeedHasFiftyEntries (requirements 3b).
func TestAFeedHasFiftyEntries(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	id := statustest.ID("comp", 1)
	for i := range 60 {
		states := []status.State{status.Degraded, status.Operational}
		w.Set(id, states[i%2], statustest.Ago(time.Duration(100-i)*time.Hour), nil, status.ByMonitor, "")
		w.Add(notice(status.Bulletin, fmt.Sprint("Message ", i), nil, saying(status.Published, time.Duration(100-i)*time.Hour, "x")))
	}
	for _, path := range []string{"/updates.json", "/bulletins.json", "/state.json", "/components/" + id + ".json"} {
		if f := entries(t, w, path); len(f.Items) != 50 {
			t.Errorf("%s has %d", path, len(f.Items))
		}
	}
}

// TestEveryTextSaysItsLanguage: what there is in no other language is marked (WCAG 3.1.2).
func TestEveryTextSaysItsLanguage(t *testing.T) {
	t.Parallel()
	item := entries(t, statustest.Busy(), "/fr/updates.json").Items[0]
	if item.Title != "[Identifié] La recherche est lente" || !strings.HasPrefix(item.HTML, `<p lang="en">An index is being built anew.<br />`) {
		t.Errorf("got %+v", item)
	}
}

// TestHistorySaysStatuspagesWordsInEveryLanguage: its readers look for them.
func TestHistorySaysStatuspagesWordsInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := statustest.Busy()
	w.Notices[2].Updates[1].Stage = status.Investigating // said without a new stage
	got := sitetest.Get(sitetest.Server(feed.Leaves(), w.Board()), "/prod/fr/history.rss").Body.String()
	for _, want := range []string{
		"<title>Services d’exemple Status - Incident History</title>", "<description>Statuspage</description>", "THIS IS A SCHEDULED EVENT Mar ",
		"strong&gt;Update&lt;/strong&gt; - An index", "strong&gt;Investigating&lt;/strong&gt; - Les recherches", "strong&gt;In progress&lt;/strong&gt; - Elle a commencé.",
		"strong&gt;Postmortem&lt;/strong&gt;", "strong&gt;Resolved&lt;/strong&gt; - Tout le monde",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
