package now

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// watched is a hub that works, with its page. Its clock stands still but for what a test moves it.
type watched struct {
	*managetest.World
	url   string
	fails atomic.Bool // the page cannot be fetched
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{World: managetest.New(t)}
	w.Seed()
	w.System("jobcenter", profile.Standard)
	w.Subscribe("jobcenter", subscription.Subscription{Name: "all", Path: "/all"})
	page, err := New(Options{Deliveries: w.Whole(), Log: w.Log, History: w.Store, Book: w.Book, Clock: w.Clock, Zone: time.UTC, Environment: "T1"})
	w.Must(err)
	w.url = serve(t, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.fails.Load() {
			out.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		page.ServeHTTP(out, r)
	}))
	return w
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// publish brings events into the log, waits until so many messages in all are delivered, and lets the page look anew.
func (w *watched) publish(count int, delivered int64) {
	w.T.Helper()
	w.Publish("cv", event.Organisation{}, count)
	w.delivered(delivered)
}

func (w *watched) delivered(want int64) {
	w.T.Helper()
	w.Delivered(want)
	w.Clock.Advance(fresh)
}

const (
	delivers = `document.querySelector(".totals dd").textContent === "%d"`
	verdicts = `document.querySelector(".verdict").innerText.includes(%q)`
)

func newestIs(m Mark) string {
	return fmt.Sprintf(`document.querySelector(".events tbody tr .stop").innerText.includes(%q)`, m.Word)
}

// What the server knows stands on the page a moment later, although nobody loads it again.
func TestThePageFollowsTheHub(t *testing.T) {
	t.Parallel()
	w := watch(t)
	page := browsertest.Start(t).Open(t, w.url, browsertest.Views[0])
	browsertest.Evaluate[bool](page, `window.loadedOnce = true`)
	if got := page.Text("#live"); got != "live" {
		t.Errorf("it says %q", got)
	}
	page.Await("a page with nothing on it", fmt.Sprintf(delivers, 0)+` && document.getElementById("no-event")`)

	w.publish(3, 3)
	page.Await("three are delivered", fmt.Sprintf(delivers, 3))
	page.Await("three events", `document.querySelectorAll(".events tbody tr").length === 3`)

	w.Answer(http.StatusInternalServerError)
	w.Publish("cv", event.Organisation{}, 1)
	w.Until("a lane is blocked", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 1 })
	w.Clock.Advance(fresh) // not yet the lane's second attempt
	page.Await("a blocked lane", `document.querySelector(".lanes tbody tr")`)
	if row := page.Text(".lanes tbody tr"); !strings.Contains(row, "answered 500") || !strings.Contains(row, "retrying") {
		t.Errorf("the lane reads %q", row)
	}
	page.Await("the verdict on it", fmt.Sprintf(verdicts, careful.Word))
	page.Await("the newest event above the others, retrying", `document.querySelectorAll(".events tbody tr").length === 4 && `+newestIs(retrying))
	browsertest.Evaluate[bool](page, `(window.newest = document.querySelector(".events tbody tr")) !== null`)

	w.Answer(http.StatusNoContent)
	w.Clock.Advance(time.Minute)
	w.delivered(4)
	page.Await("no lane is blocked", `document.querySelector(".lanes") === null`)
	page.Await("the verdict on it", fmt.Sprintf(verdicts, calm.Word)+" && "+fmt.Sprintf(delivers, 4))

	page.Await("the same event, delivered", newestIs(delivered))
	if !browsertest.Evaluate[bool](page, `window.loadedOnce === true && window.newest === document.querySelector(".events tbody tr")`) {
		t.Error("the page was loaded again, or its rows were made anew")
	}
}

// A page that has lost its hub says so, and goes on when the hub is back.
func TestThePageSaysWhenItsHubIsGone(t *testing.T) {
	t.Parallel()
	w := watch(t)
	page := browsertest.Start(t).Open(t, w.url, browsertest.Views[0])
	w.fails.Store(true)
	page.Await("no contact", `document.getElementById("live").classList.contains("lost")`)
	if got := page.Text("#live"); !strings.Contains(got, "no contact") {
		t.Errorf("it says %q", got)
	}
	page.Accessible()
	w.fails.Store(false)
	w.publish(2, 2)
	page.Await("contact, and what happened meanwhile", `document.getElementById("live").className === "live" && `+fmt.Sprintf(delivers, 2))
	page.Forgive("503") // what the hub did not answer
}

// Without JavaScript the figures are the server's, and Reload brings them up to date.
func TestThePageWithJavaScriptOff(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.publish(3, 3)
	page := browsertest.Start(t).Open(t, w.url, browsertest.View{Width: 1280, NoScript: true})
	figures := func(want string) {
		t.Helper()
		if got := page.Text(".totals"); got != want {
			t.Errorf("it reads %q, want %q", got, want)
		}
	}
	figures("delivered 3 on their way 0 retried 0 lanes blocked 0")
	if page.Text("#live") != "" {
		t.Error("it says that it is live")
	}
	w.publish(2, 5)
	figures("delivered 3 on their way 0 retried 0 lanes blocked 0")
	page.Follow("#reload")
	figures("delivered 5 on their way 0 retried 0 lanes blocked 0")
}

// WCAG 2.1 A and AA, in every state of the page, every view and every language it has.
func TestThePageIsForEveryone(t *testing.T) {
	t.Parallel()
	languages := map[string]string{"en": "/"}
	full, idle, stopped := newFixture(t), watch(t), newFixture(t)
	stopped.unhealthy = true
	browser := browsertest.Start(t)
	for state, url := range map[string]string{"somebody is needed": serve(t, full.page(t)), "nothing yet": idle.url, "the hub is stopped": serve(t, stopped.page(t))} {
		for language, path := range languages {
			for _, view := range browsertest.Views {
				t.Run(fmt.Sprintf("%s, %s, %s", state, language, view), func(t *testing.T) {
					t.Parallel()
					page := browser.Open(t, url+path, view)
					if got := browsertest.Evaluate[string](page, `document.documentElement.lang`); got != language {
						t.Errorf("the page says that it is in %q", got)
					}
					page.Accessible()
				})
			}
		}
	}
}
