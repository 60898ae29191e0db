package atlas

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/browsertest"
)

// serve serves the pages of somebody on the wire, and returns the address of the map.
func (w *world) serve(who string) string {
	w.T.Helper()
	mux := http.NewServeMux()
	mux.Handle("/registers", w.pages(who))
	mux.Handle("/registers/", w.pages(who))
	server := httptest.NewServer(mux)
	w.T.(*testing.T).Cleanup(server.Close)
	return server.URL + "/registers/land/map"
}

const (
	shownZoom = `Number(document.getElementById("drawing").dataset.zoom)`
	shownE    = `Number(document.getElementById("drawing").dataset.e)`
	shownN    = `Number(document.getElementById("drawing").dataset.n)`
)

// F39: without JavaScript everything can be done by links and the form.
func TestF39TheMapWithoutJavaScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	for _, view := range []browsertest.View{{Width: 1280, NoScript: true}, {Width: 360, NoScript: true}} {
		page := browsertest.Start(t).Open(t, w.serve("operator"), view)
		is := func(what, expression string) {
			t.Helper()
			if !browsertest.Evaluate[bool](page, expression) {
				t.Errorf("%s: not %s: %s", view, what, expression)
			}
		}
		is("at the whole", shownZoom+` === 0`)
		is("without what needs a script", `document.getElementById("live").hidden && !document.getElementById("map").hasAttribute("tabindex")`)
		page.Follow("#move-in")
		page.Follow("#move-in")
		is("nearer", shownZoom+` === 2`)
		e := browsertest.Evaluate[int](page, shownE)
		page.Follow("#move-west")
		is("farther west", fmt.Sprintf(`%s < %d`, shownE, e))
		page.Follow("[data-part=list] li:nth-child(5) a")
		is("on the event", shownE+` === 520000 && document.querySelectorAll(".shape.selected").length === 1`)
		if got := page.Text("#detail-title"); got != "Removed Skov" {
			t.Errorf("the detail is of %q", got)
		}
		page.Accessible()
		page.Follow("#close")
		is("closed", `document.querySelector(".detail").hidden`)
		browsertest.Evaluate[bool](page, `document.getElementById("kind").value = "ParcelCreate", true`)
		page.Follow(".filter button")
		is("narrowed", `document.querySelectorAll("[data-part=list] li").length === 2`)
	}
}

// The keyboard alone: the map is one stop, and so is each event.
func TestF39TheMapByKeyboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	page := browsertest.Start(t).Open(t, w.serve("operator"), browsertest.Views[0])
	e, n := browsertest.Evaluate[int](page, shownE), browsertest.Evaluate[int](page, shownN)
	stops := 0
	for ; stops < 10 && browsertest.Evaluate[string](page, `document.activeElement.id`) != "map"; stops++ {
		page.Press("Tab")
	}
	if stops != 5 { // skip, registers, what, show, map
		t.Errorf("the map is stop %d", stops)
	}
	page.Press("+", "+")
	page.Await("nearer", shownZoom+` === 2`)
	page.Press("ArrowRight", "ArrowUp")
	page.Await("east and north", fmt.Sprintf(`%s > %d && %s > %d`, shownE, e, shownN, n))
	page.Press("-")
	page.Await("farther", shownZoom+` === 1`)
	page.Press("Home")
	page.Await("the whole", fmt.Sprintf(`%s === 0 && %s === %d && %s === %d`, shownZoom, shownE, e, shownN, n))
	if got := browsertest.Evaluate[string](page, `document.activeElement.id`); got != "map" {
		t.Errorf("the focus has gone to %q", got)
	}
	page.Press("Tab") // the next stop is no shape on the map
	if got := browsertest.Evaluate[string](page, `document.activeElement.id`); got != "move-in" {
		t.Errorf("behind the map comes %q", got)
	}
	browsertest.Evaluate[bool](page, `document.querySelector("[data-part=list] li:nth-child(5) a").focus() === undefined`)
	page.Await("its shape is lit", `document.querySelectorAll(".shape.lit, .mark.lit").length === 2`)
	chosen := browsertest.Evaluate[string](page, `document.activeElement.id`)
	page.Press("Enter")
	page.Await("it is chosen", shownE+` === 520000 && document.querySelector("#detail-title").innerText.includes("Skov")`)
	if got := browsertest.Evaluate[string](page, `document.activeElement.id`); got != chosen {
		t.Errorf("the focus has gone from %s to %q", chosen, got)
	}
	if !strings.Contains(browsertest.Evaluate[string](page, `location.search`), "event=") {
		t.Error("the address does not say what is chosen")
	}
}

// The pointer drags and turns the wheel; what it is over is lit in the list.
func TestF39TheMapByPointer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	page := browsertest.Start(t).Open(t, w.serve("operator"), browsertest.Views[0])
	e := browsertest.Evaluate[int](page, shownE)
	browsertest.Evaluate[bool](page, `(() => {
		const map = document.getElementById("map"), at = (x, y) => ({ clientX: x, clientY: y, bubbles: true, isPrimary: true, button: 0 });
		map.dispatchEvent(new PointerEvent("pointerdown", at(400, 400)));
		window.dispatchEvent(new PointerEvent("pointermove", at(300, 400)));
		window.dispatchEvent(new PointerEvent("pointerup", at(300, 400)));
		return true;
	})()`)
	page.Await("farther east", fmt.Sprintf(`%s > %d`, shownE, e))
	browsertest.Evaluate[bool](page, `(() => {
		const map = document.getElementById("map"), r = map.getBoundingClientRect();
		map.focus();
		return !map.dispatchEvent(new WheelEvent("wheel", { deltaY: -100, clientX: r.left + r.width / 2, clientY: r.top + r.height / 2, bubbles: true, cancelable: true }));
	})()`)
	page.Await("nearer", shownZoom+` === 1`)
	browsertest.Evaluate[bool](page, `document.querySelector(".mark").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))`)
	page.Await("it is lit in the list", `document.querySelectorAll("li.lit").length === 1`)
}

// A new event comes by itself, is told once, and not while somebody wants quiet.
func TestF39NewEventsComeByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts[:2]...)
	page := browsertest.Start(t).Open(t, w.serve("subscriber"), browsertest.Views[0])
	browsertest.Evaluate[bool](page, `window.loadedOnce = true`)
	w.tell(facts[2])
	page.Await("it is in the list and on the map", `document.querySelectorAll("[data-part=list] li").length === 3 && document.querySelector("[data-part=list] li.new .who").textContent === "Skov" && document.querySelector(".shape.delete")`)
	page.Await("it is told", `document.getElementById("news").textContent === "New events: 1. Removed Skov"`)
	if !browsertest.Evaluate[bool](page, `window.loadedOnce === true`) {
		t.Error("the page was loaded again")
	}
	browsertest.Evaluate[bool](page, `document.getElementById("pause").click() === undefined`)
	if got := page.Text("#live"); got != "Paused Go on" {
		t.Errorf("it says %q", got)
	}
	w.tell(facts[3])
	browsertest.Evaluate[bool](page, `look().then(() => true)`) // as when the time has come
	if got := browsertest.Evaluate[int](page, `document.querySelectorAll("[data-part=list] li").length`); got != 3 {
		t.Errorf("%d events while nobody wants any", got)
	}
	browsertest.Evaluate[bool](page, `document.getElementById("pause").click() === undefined`)
	page.Await("what came meanwhile", `document.querySelectorAll("[data-part=list] li").length === 4`)
	page.Accessible()
}

// WCAG 2.1 A and AA, in every view and every language, with something chosen, with nothing there, and on the list of maps.
func TestF39TheMapIsForEveryone(t *testing.T) {
	t.Parallel()
	full, empty := newWorld(t), newWorld(t)
	full.tell(facts...)
	browser := browsertest.Start(t)
	address := full.serve("operator")
	chosen := fmt.Sprintf("%s?event=%d", address, full.newest())
	for state, url := range map[string]string{"full": address, "chosen": chosen, "empty": empty.serve("operator"), "list": strings.TrimSuffix(address, "/land/map")} {
		for _, language := range tongues {
			for _, view := range browsertest.Views {
				if language != "en" && (state == "empty" || view.Dark) {
					continue // the words are where they are, whatever the colours
				}
				t.Run(fmt.Sprintf("%s, %s, %s", state, language, view), func(t *testing.T) {
					t.Parallel()
					sign := "?"
					if strings.Contains(url, "?") {
						sign = "&"
					}
					page := browser.Open(t, url+sign+"lang="+language, view)
					if got := browsertest.Evaluate[string](page, `document.documentElement.lang`); got != language {
						t.Errorf("the page says that it is in %q", got)
					}
					page.Accessible()
				})
			}
		}
	}
}
