package admin_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// serve serves the pages to a real browser, as somebody who has signed in.
func (w *world) serve(name string) string {
	server := httptest.NewServer(w.handler(name))
	w.T.Cleanup(server.Close)
	return server.URL
}

// busy is a world in which all that the pages show is there: what is late, what is planned, what is over.
func busy(t *testing.T) (w *world, open, over *status.Notice) {
	t.Helper()
	w = newWorld(t)
	over = w.resolved(w.open("eva", manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Sign-in was refused", "da": "Login blev afvist"}}, Body: status.Text{"en": "Users are refused."},
		Affected: map[string]status.State{signIn: status.MajorOutage},
	}))
	w.Clock.Advance(time.Hour)
	open = w.slow()
	_, err := w.Manager.Say(ctx, "prod", open.ID, manage.Saying{
		Stage: status.Identified, Body: status.Text{"en": "An index is being built anew.\nUntil then, search by number.", "da": "Et indeks bliver bygget op på ny."},
		Affected: map[string]status.State{odata: status.PartialOutage}, NextUpdate: ptr(w.in(15 * time.Minute)),
	}, manage.By{Author: "ida"})
	w.Must(err)
	w.Clock.Advance(25 * time.Minute)
	w.open("ida", manage.Opening{
		Kind: status.Planned, Facts: manage.Facts{Title: status.Text{"en": "Database upgrade", "da": "Opgradering af database"}, Components: []string{databases}, Starts: w.in(72 * time.Hour), Ends: w.in(75 * time.Hour)},
		Body: status.Text{"en": "The CRM is read-only meanwhile."},
	})
	w.open("ida", manage.Opening{
		Kind: status.Action, Facts: manage.Facts{Title: status.Text{"en": "Change the address of the OData service"}, Components: []string{odata}, Deadline: w.in(300 * time.Hour)},
		Body: status.Text{"en": "The old address ends."},
	})
	w.Must(w.Manager.SetState(ctx, "prod", backOffice, manage.Setting{State: status.Degraded, Reason: status.Text{"en": "1 of 2 data centres"}}, "ida"))
	return w, w.board().Notice(open.ID), w.board().Notice(over.ID)
}

func ptr[T any](v T) *T { return &v }

// WCAG 2.1 A and AA, on every page, in both themes, on a desk and on a phone.
func TestThePagesAreForEveryone(t *testing.T) {
	t.Parallel()
	w, open, over := busy(t)
	address := w.serve("eva")
	browser := browsertest.Start(t)
	at := "/admin/prod"
	for name, path := range map[string]string{
		"sites": "/admin/", "new site": "/admin/new", "overview": at, "notices": at + "/notices", "kinds": at + "/notices/new",
		"incident": at + "/notices/new?kind=incident", "maintenance": at + "/notices/new?kind=maintenance", "action": at + "/notices/new?kind=action",
		"bulletin": at + "/notices/new?kind=bulletin", "notice": at + "/notices/" + open.ID, "notice over": at + "/notices/" + over.ID,
		"facts": at + "/notices/" + open.ID + "/facts", "update": at + "/notices/" + open.ID + "/updates/" + open.Updates[0].ID,
		"afterwards": at + "/notices/" + over.ID + "/afterwards", "remove notice": at + "/notices/" + open.ID + "/remove",
		"past of a notice": at + "/notices/" + open.ID + "/history", "state": at + "/states/" + search, "tree": at + "/components",
		"section": at + "/components/section/crm", "group": at + "/components/group/" + dataGroup, "new group": at + "/components/group/new?in=crm",
		"component": at + "/components/component/" + search, "remove component": at + "/components/component/" + search + "/remove",
		"looks": at + "/looks", "past": at + "/history",
	} {
		for _, view := range browsertest.Views {
			t.Run(fmt.Sprintf("%s, %s", name, view), func(t *testing.T) {
				t.Parallel()
				browser.Open(t, address+path, view).Accessible()
			})
		}
	}
}

// phone is how somebody reads the pages at three in the morning.
var phone = browsertest.View{Width: 360, Dark: true}

// typeIn writes into a field as somebody does: what listens is told.
func typeIn(p *browsertest.Page, id, text string) {
	browsertest.Evaluate[bool](p, fmt.Sprintf(`((e) => {
		for (let d = e; d; d = d.parentElement) if (d.tagName === "DETAILS") d.open = true;
		if (!e.checkVisibility()) throw new Error(e.id + " cannot be seen");
		e.value = %q;
		for (const kind of ["input", "change"]) e.dispatchEvent(new Event(kind, { bubbles: true }));
		return true;
	})(document.getElementById(%q))`, text, id))
}

// choose taps a radio button or a box by what it stands for.
func choose(p *browsertest.Page, name, value string) {
	browsertest.Evaluate[bool](p, fmt.Sprintf(`((e) => { e.click(); return e.checked; })(document.querySelector('input[name=%q][value=%q]'))`, name, value))
}

const published = `button[name=do][value=publish]`

// An incident is reported, a component set to partial outage and an update posted from a phone, with a script and without.
func TestOnAPhone(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	for name, noScript := range map[string]bool{"with JavaScript": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			usable := (*browsertest.Page).Accessible
			if noScript { // axe-core is a script, too
				usable = func(*browsertest.Page) {}
			}
			view := phone
			view.NoScript = noScript
			p := browser.Open(t, w.serve("ida")+"/admin/", view)

			p.Follow(`a[href="/admin/prod/notices/new?kind=incident"]`)
			typeIn(p, "f-body-en", "We look into it.")
			p.Follow(published) // without a title
			p.Forgive("422")    // what is refused
			if got := p.Text("#trouble"); !strings.Contains(got, "Title – English: Fill this in.") {
				t.Fatalf("it says %q", got)
			}
			focused(t, p, "trouble")
			usable(p)
			typeIn(p, "f-title-en", "Search is slow")
			typeIn(p, "f-affected-"+search, "degraded_performance")
			choose(p, "next", "15")
			p.Follow(`button[value=preview]`)
			if got := p.Text("#preview"); !strings.Contains(got, "All systems operational → Some services are degraded") || !strings.Contains(got, "We look into it.") {
				t.Fatalf("the preview reads %q", got)
			}
			focused(t, p, "preview")
			usable(p)
			p.Follow(`#preview ` + published)
			if got := p.Text(".done"); got != "It is published." {
				t.Fatalf("it says %q", got)
			}
			n := w.board().Notices[0]
			if n.Title["en"] != "Search is slow" || n.NextUpdate != w.in(15*time.Minute) || w.stateOf(search) != status.Degraded {
				t.Errorf("%+v", n)
			}

			p.Follow(`a.site`)
			p.Follow(`#c-` + odata + ` a`)
			choose(p, "state", "partial_outage")
			typeIn(p, "f-reason-da", "1 af 2 datacentre")
			p.Follow(`form.form button`)
			if got := p.Text("#c-" + odata); !strings.Contains(got, "Partial outage") || w.stateOf(odata) != status.PartialOutage || w.board().Component(odata).Reason["da"] == "" {
				t.Errorf("it reads %q, and is %s", got, w.stateOf(odata))
			}

			p.Follow(`a[href="/admin/prod/notices/` + n.ID + `#say"]`)
			choose(p, "stage", "identified")
			typeIn(p, "f-body-en", "An index is built anew.")
			p.Follow(published)
			if got := p.Text(".done"); got != "The update is published." {
				t.Fatalf("it says %q", got)
			}
			if u := w.board().Notice(n.ID).Last(); u.Stage != status.Identified || u.Body["en"] != "An index is built anew." || u.Author != "ida" {
				t.Errorf("%+v", u)
			}
			usable(p)
		})
	}
}

// Whatever is tapped on a phone is large enough for a thumb (WCAG 2.5.5): 44 pixels, but for links within a text.
func TestTargetsAreLargeEnough(t *testing.T) {
	t.Parallel()
	w, open, over := busy(t)
	address := w.serve("eva")
	browser := browsertest.Start(t)
	for _, path := range append(everywhere(open), "/admin/", "/admin/new", "/admin/prod/notices/"+over.ID) {
		if strings.HasSuffix(path, ".css") {
			continue
		}
		p := browser.Open(t, address+path, browsertest.View{Width: 360})
		small := browsertest.Evaluate[[]string](p, `[...document.querySelectorAll("a, button, summary, select, input, textarea")].filter((e) => {
			if (e.type === "hidden" || e.className === "skip" || !e.checkVisibility()) return false;
			const within = e.tagName === "A" && e.parentElement.matches("p, dd, .when") && e.parentElement.innerText.trim() !== e.innerText.trim() && !e.matches(".button, .link");
			const box = (e.closest("label.option") || e).getBoundingClientRect();
			return !within && (box.height < 43.5 || box.width < 43.5);
		}).map((e) => e.tagName + "." + e.className + " " + (e.innerText || e.name) + " " + e.getBoundingClientRect().height)`)
		if len(small) > 0 {
			t.Errorf("%s: %s", path, strings.Join(small, "\n\t"))
		}
	}
}

// What the script adds: a time that is typed is chosen, an end follows its beginning, contrast is told as a colour is typed,
// and who leaves with something typed is asked.
func TestTheScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serve("eva")
	browser := browsertest.Start(t)
	asks := `(() => { const e = new Event("beforeunload", { cancelable: true }); dispatchEvent(e); return e.defaultPrevented; })()`

	p := browser.Open(t, address+"/admin/prod/notices/new?kind=incident", browsertest.Views[0])
	if browsertest.Evaluate[bool](p, asks) {
		t.Error("who has typed nothing is asked")
	}
	if p.Text("#f-next-at") != "" || browsertest.Evaluate[bool](p, `document.getElementById("f-next-at").checkVisibility()`) {
		t.Error("a time can be typed that is not chosen")
	}
	choose(p, "next", "at")
	typeIn(p, "f-next-at", "2026-03-04T18:00")
	choose(p, "next", "30")
	if got := browsertest.Evaluate[string](p, `document.getElementById("f-next-at").value`); got != "" {
		t.Errorf("another is chosen, and %s is typed still", got)
	}
	if !browsertest.Evaluate[bool](p, asks) {
		t.Error("who has typed something is not asked")
	}
	typeIn(p, "f-title-en", "T")
	if twice := browsertest.Evaluate[bool](p, `(() => {
		const form = document.getElementById("write"), sends = [];
		form.addEventListener("submit", (e) => { sends.push(e.defaultPrevented); e.preventDefault(); });
		form.requestSubmit(); form.requestSubmit();
		return sends.length === 2 && !sends[0] && sends[1];
	})()`); !twice {
		t.Error("two taps send it twice")
	}
	if browsertest.Evaluate[bool](p, asks) {
		t.Error("who sends it is asked")
	}

	p = browser.Open(t, address+"/admin/prod/notices/new?kind=maintenance", browsertest.Views[0])
	ends := func(want string) {
		t.Helper()
		if got := browsertest.Evaluate[string](p, `document.getElementById("f-ends").value`); got != want {
			t.Errorf("it ends %s, want %s", got, want)
		}
	}
	typeIn(p, "f-starts", "2026-03-07T23:30")
	ends("2026-03-08T00:30")
	typeIn(p, "f-ends", "2026-03-08T02:30")
	typeIn(p, "f-starts", "2026-03-09T23:30")
	ends("2026-03-10T02:30")

	p = browser.Open(t, address+"/admin/prod/looks", browsertest.Views[0])
	typeIn(p, "f-theme-states-operational-light", "#ffff00")
	tile := `.look:has(#f-theme-states-operational-light) .swatch`
	if got := p.Text(tile + ` .contrast`); got != "Contrast (3 : 1 at least): 1.0 : 1" {
		t.Errorf("it says %q", got)
	}
	if !browsertest.Evaluate[bool](p, fmt.Sprintf(`document.querySelector(%q).classList.contains("late") && document.querySelector(%q).getAttribute("fill") === "#ffff00"`, tile+" .contrast", tile+" .sample")) {
		t.Error("it does not show")
	}
	typeIn(p, "f-theme-states-operational-light", "#006600")
	if browsertest.Evaluate[bool](p, fmt.Sprintf(`document.querySelector(%q).classList.contains("late")`, tile+" .contrast")) {
		t.Error("what can be told is told not to be")
	}
}

// What comes back of a form is for everyone too: its preview, what is wrong about it, and what another has written.
func TestWhatComesBackIsForEveryone(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	for _, view := range browsertest.Views {
		t.Run(view.String(), func(t *testing.T) {
			t.Parallel()
			w, open, _ := busy(t)
			address := w.serve("ida")
			t.Run("preview", func(t *testing.T) {
				p := browser.Open(t, address+"/admin/prod/notices/new?kind=incident", view)
				typeIn(p, "f-title-en", "Sign-in is refused")
				typeIn(p, "f-title-da", "Login bliver afvist")
				typeIn(p, "f-body-en", "Users cannot sign in.\nWe look into it.")
				typeIn(p, "f-affected-"+signIn, "major_outage")
				choose(p, "next", "15")
				p.Follow(`button[value=preview]`)
				p.Accessible()
			})
			t.Run("wrong", func(t *testing.T) {
				p := browser.Open(t, address+"/admin/prod/notices/new?kind=maintenance", view)
				typeIn(p, "f-starts", "2026-03-29T02:30")
				p.Follow(`button[value=publish]`)
				p.Forgive("422") // what is refused
				p.Accessible()
			})
			t.Run("another was faster", func(t *testing.T) {
				p := browser.Open(t, address+"/admin/prod/notices/"+open.ID+"/facts", view)
				_, err := w.Manager.EditNotice(ctx, "prod", open.ID, manage.Facts{Title: status.Text{"en": "Search crawls", "da": "Søgning er langsom"}}, manage.By{Author: "eva", Condition: manage.Condition{Present: true}})
				w.Must(err)
				typeIn(p, "f-title-en", "Search is very slow")
				p.Follow(`button[value=publish]`)
				p.Forgive("409") // what is refused
				p.Accessible()
			})
		})
	}
}

// focused waits until something has the focus: a browser gives it to what has autofocus when it first draws the page (HTML,
// "flush autofocus candidates"), which is after the page is loaded.
func focused(t *testing.T, p *browsertest.Page, id string) {
	t.Helper()
	got := ""
	for range 2000 {
		if got = browsertest.Evaluate[string](p, `document.activeElement.id`); got == id {
			return
		}
	}
	t.Errorf("the focus is on %q, want %q", got, id)
}
