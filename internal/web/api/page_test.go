package api_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// growing is a list with five entries more than a fresh hub has, and a way to put more into it.
type growing struct {
	path string
	name string          // the member that tells entries from each other
	grow func(at string) // makes an entry whose name ends in at
}

// lists are all those that grow, filled. Names are made so that "0" comes before all of them and "25" into their midst.
func (w *world) lists() []growing {
	w.T.Helper()
	ctx, by := context.Background(), manage.By{Author: "test", Condition: manage.Condition{}}
	put := func(_ any, err error) { w.T.Helper(); w.Must(err) }
	w.Subscribe("plain", subscription.Subscription{Name: "q", Channel: subscription.Queue, Types: []string{"cv"}})
	queue := w.Standings("plain")[0].ID
	w.Publish("cv", event.Organisation{}, 1)
	w.stage("prod")
	lists := []growing{
		{"/sources", "name", func(at string) {
			put(w.Manager.PutSource(ctx, event.Source{Name: "s-" + at, URI: "urn:page:" + at, Title: at, Types: []string{"*"}}, by))
		}},
		{"/event-types", "name", func(at string) {
			put(w.Manager.PutType(ctx, event.Type{Name: "t." + at, Title: at, Order: event.OrderNone}, by))
		}},
		{"/event-types/cv/versions", "version", func(at string) {
			put(w.Manager.PutVersion(ctx, event.Version{Type: "cv", Version: "w" + at, State: event.StateDraft, Sample: []byte(`{}`)}, by))
		}},
		{"/systems", "name", func(at string) {
			put(w.Manager.PutSystem(ctx, managetest.Agreement("y-"+at, profile.Standard), by))
		}},
		{"/accounts", "name", func(at string) {
			put(w.Manager.PutAccount(ctx, account.Account{Name: "a-" + at, Roles: []account.Role{account.Auditor}}, by))
		}},
		{"/pauses", "scope", func(at string) {
			put(w.Manager.PutSystem(ctx, managetest.Agreement("p-"+at, profile.Standard), by))
			w.Must(w.Manager.Pause(ctx, revision.OfSystem("p-"+at), "test", ""))
		}},
		{"/subscriptions?system=jobnet", "name", func(at string) {
			set, _ := w.Book.Subscriptions("jobnet")
			next := []subscription.Subscription{{Name: "n-" + at, Path: "/" + at, Organisations: []event.Organisation{{Type: "5", Code: at}}, Types: []string{"cv"}}}
			for _, s := range set {
				next = append(next, *s)
			}
			put(w.Manager.PutSubscriptions(ctx, "jobnet", next, manage.SetOptions{By: manage.By{Author: "test", Condition: manage.Condition{Present: true}}}))
		}},
		{"/sites", "name", func(at string) {
			put(w.Manager.PutSite(ctx, status.Site{
				Name: "s-" + at, Title: status.Text{"en": at}, Zone: "Etc/UTC", Languages: []string{"en"}, Sections: []status.Section{{Name: "all", Title: status.Text{"en": at}}},
			}, by))
		}},
		{"/sites/prod/notices", "id", func(at string) {
			put(w.Manager.OpenNotice(ctx, "prod", manage.Opening{Kind: status.Bulletin, Facts: manage.Facts{Title: status.Text{"en": at}}}, "test"))
		}},
		{"/sites/prod/notices/" + openID + "/history", "position", func(at string) {
			put(w.Manager.Say(ctx, "prod", openID, manage.Saying{Body: status.Text{"en": at}}, by))
		}},
		{"/sites/prod/components/" + mailID + "/history", "from", func(at string) {
			w.Clock.Advance(time.Millisecond)
			w.Must(w.Manager.SetState(ctx, "prod", mailID, manage.Setting{State: status.Degraded, Reason: status.Text{"en": at}}, "test"))
		}},
		{"/subscriptions/" + queue + "/replays", "pass", func(string) {
			put(w.Engine.Replay(ctx, queue, "test", eventlog.Filter{}, 0, 1))
		}},
	}
	for _, l := range lists {
		for _, at := range []string{"10", "20", "30", "40", "50"} {
			l.grow(at)
		}
	}
	return lists
}

func (w *world) names(l growing, a answer) []string {
	w.T.Helper()
	var names []string
	for _, item := range w.ok(200, a).items() {
		names = append(names, fmt.Sprint(item[l.name]))
	}
	return names
}

// page asks for a page of a list behind a cursor.
func (w *world) page(l growing, limit int, after string) answer {
	separator := "?"
	if strings.Contains(l.path, "?") {
		separator = "&"
	}
	return w.call("GET", l.path+separator+fmt.Sprintf("limit=%d&after=%s", limit, url.QueryEscape(after)), "")
}

// Every list that grows is told in pages, each entry once, in the order of the whole; what comes in between two pages makes
// nothing come twice and nothing stay out.
func TestListsAreToldInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, l := range w.lists() {
		before := w.names(l, w.call("GET", l.path, ""))
		if len(before) < 5 {
			t.Fatalf("%s has only %v", l.path, before)
		}
		var told []string
		for after, pages := "", 0; ; pages++ {
			a := w.page(l, 2, after)
			told = append(told, w.names(l, a)...)
			if next, _ := a.json["next"].(string); next != "" {
				after = next
			} else {
				break
			}
			switch pages { // behind the first page: before it, and after it
			case 0:
				l.grow("0")
			case 1:
				l.grow("60")
			}
		}
		for _, name := range before {
			if n := count(told, name); n != 1 {
				t.Errorf("%s tells %s %d times: %v", l.path, name, n, told)
			}
		}
		whole := w.names(l, w.call("GET", l.path, ""))
		if !isPart(told, whole) {
			t.Errorf("%s tells in pages %v, in one %v", l.path, told, whole)
		}
		if a := w.page(l, len(whole), ""); a.json["next"] != nil {
			t.Errorf("%s: a page that holds all has a next: %s", l.path, a.text)
		}
		for query, want := range map[string]string{
			"limit=0": "query:limit range", "limit=1001": "query:limit range", "after=AAAA": "query:after cursor", "after=kAB": "query:after cursor", "x=1": "query:* unknown",
		} {
			separator := "?"
			if strings.Contains(l.path, "?") {
				separator = "&"
			}
			if got := w.call("GET", l.path+separator+query, "").problem(); got != "bad-request "+want {
				t.Errorf("%s?%s: %s", l.path, query, got)
			}
		}
	}
}

func count(list []string, name string) (n int) {
	for _, one := range list {
		if one == name {
			n++
		}
	}
	return n
}

// isPart reports whether part is whole with entries left out, in the same order.
func isPart(part, whole []string) bool {
	for _, name := range part {
		at := slices.Index(whole, name)
		if at < 0 {
			return false
		}
		whole = whole[at+1:]
	}
	return true
}

// Lanes and endpoints are told in pages too, with the count of all.
func TestWhatStandsIsToldInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AnswerBy(func(s managetest.Sent) int { return 500 })
	for i := range 5 {
		system := fmt.Sprintf("down-%d", i)
		w.System(system, profile.Standard)
		w.Subscribe(system, subscription.Subscription{Name: "a", Path: "/a"})
	}
	w.Publish("cv", event.Organisation{}, 1)
	w.Until("five lanes stand", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 5 })
	for _, l := range []growing{{path: "/lanes", name: "system"}, {path: "/endpoints", name: "system"}} {
		whole := w.names(l, w.call("GET", l.path, ""))
		var told []string
		for after := ""; ; {
			a := w.page(l, 2, after)
			told = append(told, w.names(l, a)...)
			if l.path == "/lanes" && a.json["total"] != 5.0 {
				t.Errorf("%s counts %v", l.path, a.json["total"])
			}
			if after, _ = a.json["next"].(string); after == "" {
				break
			}
		}
		if len(whole) != 5 || !slices.Equal(told, whole) {
			t.Errorf("%s: %v, in one %v", l.path, told, whole)
		}
	}
}
