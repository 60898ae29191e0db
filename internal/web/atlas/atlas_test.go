package atlas

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
)

// F39: who may look up what a register keeps sees its map, and nobody else; another's register cannot be told from none.
func TestF39WhoSeesAMap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	for who, want := range map[string][4]int{ // the map, the API behind it, the map of no register, the list
		"operator": {200, 200, 404, 200}, "auditor": {403, 403, 403, 200}, "source": {200, 200, 404, 200}, "rival": {404, 404, 404, 200},
		"subscriber": {200, 200, 404, 200}, "stranger": {404, 404, 404, 200}, "site-editor": {403, 403, 403, 403},
	} {
		pages := w.pages(who)
		var got [4]int
		for i, path := range []string{"/registers/land/map", "/registers/land/data/events", "/registers/none/map", "/registers"} {
			got[i] = get(pages, path).Code
		}
		if got != want {
			t.Errorf("%s: %v, want %v", who, got, want)
		}
		if nothing := get(pages, "/registers/none/map").Body.String(); got[0] == 404 && get(pages, "/registers/land/map").Body.String() != nothing {
			t.Errorf("%s can tell another's register from none", who)
		}
		listed := strings.Contains(get(pages, "/registers").Body.String(), "/registers/land/map")
		if sees := got[0] == 200; listed != sees {
			t.Errorf("%s: listed %v, seen %v", who, listed, sees)
		}
	}
}

// What a browser asks for below a map is the API's, by who has signed in.
func TestF39TheAPIBehindAMap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked []string
	w.asked = func(r *http.Request, p *account.Principal) { asked = append(asked, p.Name+" "+r.URL.RequestURI()) }
	pages := w.pages("subscriber")
	get(pages, "/registers/land/data/Parcel?object=1&history=true")
	get(pages, "/registers/land/data/events?since=7")
	want := []string{"s /api/v1/registers/land/Parcel?object=1&history=true", "s /api/v1/registers/land/events?since=7"}
	if !slices.Equal(asked, want) {
		t.Errorf("%q, want %q", asked, want)
	}
}

// Everything is in the page that comes without a script: the map, the list, and every way on.
func TestF39AMapIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	answer := get(w.pages("operator"), "/registers/land/map")
	text := answer.Body.String()
	for want, times := range map[string]int{
		`class="shape create`: 2, `class="shape update`: 2, `class="shape delete`: 1, `class="mark `: 5, // one lies nowhere, one too far away
		`<li id="item-`: 7, `&lt;b&gt;Sted&lt;/b&gt; &amp; løst`: 1, `<b>Sted`: 0, "(no place)": 1, "(its place cannot be drawn)": 1, "Events in view: 5 of 7.": 1, `id="move-`: 7,
		"style=": 0, "<script>": 0, "onclick": 0, "GeoNames (CC BY 4.0)": 1, "100 km": 0, "50 km": 1,
	} {
		if got := strings.Count(text, want); got != times {
			t.Errorf("%d times %s, want %d", got, want, times)
		}
	}
	if policy := answer.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; script-src 'self';") {
		t.Errorf("the policy is %q", policy)
	}
	if strings.Contains(text, "http://") || strings.Contains(text, "https://") {
		t.Error("the page names something elsewhere")
	}
}

func TestF39ADetailAndTheWaysFromIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	pages := w.pages("operator")
	position := regexp.MustCompile(`id="item-(\d+)"`).FindAllStringSubmatch(get(pages, "/registers/land/map").Body.String(), -1)[4][1] // Skov
	text := get(pages, "/registers/land/map?event="+position).Body.String()
	for _, want := range []string{
		`<dt>id</dt><dd>3</dd>`, "ParcelDelete", `href="data/Parcel?history=true&amp;object=3"`, `id="close" href="map"`, `data-e="520000" data-n="6220000"`, `data-zoom="2"`, "Selected: Removed Skov.", `aria-current="true"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	// it stays selected on the way, wherever the map goes
	if !strings.Contains(text, `id="move-east" href="map?at=560533,6220000&amp;event=`+position+`&amp;zoom=2"`) {
		t.Errorf("%v", regexp.MustCompile(`id="move-east" href="[^"]*"`).FindString(text))
	}
	if got := get(pages, "/registers/land/map?at=560533,6220000&zoom=3").Body.String(); !strings.Contains(got, `data-e="560533" data-n="6220000"`) {
		t.Error("the map is not where it is asked to be")
	}
}

// Page by page, newest first, each once.
func TestF39OlderAndNewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		var list []fact
		for k := range 35 {
			list = append(list, fact{"UpdateEvent", fmt.Sprint(i*35 + k), "n", "POINT(700000 6170000)", "navn"})
		}
		w.tell(list...)
	}
	pages, seen, past := w.pages("operator"), []string{}, []string{}
	for path := "/registers/land/map"; path != ""; {
		text := get(pages, path).Body.String()
		for _, m := range regexp.MustCompile(`id="item-(\d+)"`).FindAllStringSubmatch(text, -1) {
			seen = append(seen, m[1])
		}
		if first := !strings.Contains(path, "before="); first == strings.Contains(text, `id="newest"`) {
			t.Errorf("%s: the way to the newest is wrong", path)
		}
		if newer := regexp.MustCompile(`id="newer" href="([^"]*)"`).FindStringSubmatch(text); len(past) > 1 && (newer == nil || "/registers/land/"+strings.ReplaceAll(newer[1], "&amp;", "&") != past[len(past)-1]) {
			t.Errorf("%s: the way back is %v, want %s", path, newer, past[len(past)-1])
		}
		past = append(past, path)
		path = ""
		if m := regexp.MustCompile(`id="older" href="([^"]*)"`).FindStringSubmatch(text); m != nil {
			path = "/registers/land/" + strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(seen))); len(seen) != 175 || len(unique) != 175 {
		t.Errorf("%d events, %d of them different", len(seen), len(unique))
	}
}

func TestF39WhatAnAddressMayAskFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(facts...)
	pages := w.pages("operator")
	for query, want := range map[string]string{
		"type=Parcel": "", "type=ParcelCreate": "", "type=&zoom=": "", "zoom=12": "", "at=1,2": "", "at=1e300,-1e300": "", "lang=da": "", "lang=xx": "",
		"type=Hall": "bad-request query:type enum", "zoom=13": "bad-request query:zoom range", "zoom=-1": "bad-request query:zoom range", "zoom=x": "bad-request query:zoom range",
		"at=NaN,1": "bad-request query:at type", "at=Inf,1": "bad-request query:at type", "at=1": "bad-request query:at type", "event=-1": "bad-request query:event type",
		"event=9223372036854775807": "bad-request query:event type", "before=x": "bad-request query:before type", "trail=1.x": "bad-request query:trail type", "before=3&trail=9.8": "", "event=1": "not-found", "tile=1": "bad-request query:* unknown",
	} {
		answer := get(pages, "/registers/land/map?"+query)
		if got := strings.TrimSpace(answer.Body.String()); want == "" && answer.Code != 200 || want != "" && got != want {
			t.Errorf("%s: %d %.60s, want %q", query, answer.Code, got, want)
		}
	}
	if text := get(pages, "/registers/land/map?type=ParcelCreate").Body.String(); strings.Count(text, `<li id="item-`) != 2 || !strings.Contains(text, `<option value="ParcelCreate" selected>`) {
		t.Error("the list is not narrowed")
	}
}

// Of what names personal values a map shows that it happened, and no more.
func TestF39NothingPersonalIsOnAMap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "/navn")
	w.tell(facts...)
	text := get(w.pages("operator"), "/registers/land/map").Body.String()
	if strings.Contains(text, "Havn") || strings.Contains(text, `class="mark`) || strings.Contains(text, "geometri") || strings.Count(text, "(not shown: its type names personal values)") != 7 {
		t.Error("more is told than that it happened")
	}
}

// Every language has every word, and the pages use no other.
func TestF39EveryWordInEveryLanguage(t *testing.T) {
	t.Parallel()
	for key, message := range words {
		for i, text := range message {
			if text == "" || strings.Count(text, "{") != strings.Count(message[0], "{") {
				t.Errorf("%s in %s: %q", key, tongues[i], text)
			}
		}
	}
	page, err := files.ReadFile("page.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\.Say "([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
		if _, known := words[m[1]]; !known {
			t.Errorf("there is no word %q", m[1])
		}
	}
	w := newWorld(t)
	pages := w.pages("operator")
	for path, want := range map[string]string{"?lang=da": "Seneste hændelser", "?lang=fr": "Événements récents", "?lang=pl": "Ostatnie zdarzenia", "": "Recent events"} {
		if !strings.Contains(get(pages, "/registers/land/map"+path).Body.String(), want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if !strings.Contains(get(pages, "/registers/land/map", "Accept-Language", "pl, en;q=0.5").Body.String(), `<html lang="pl">`) {
		t.Error("the browser's language is not spoken")
	}
	chosen := get(pages, "/registers/land/map?lang=da").Result().Cookies()[0]
	if !strings.Contains(get(pages, "/registers", "Cookie", chosen.Name+"="+chosen.Value, "Accept-Language", "fr").Body.String(), `<html lang="da">`) {
		t.Error("the language that was chosen is forgotten")
	}
}
