package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
)

const roads = `# The roads, as a person writes them.
name: roads
title: {en: Roads, da: Veje}
zone: Europe/Copenhagen
languages: [en, da]
sections:
  - name: citizens
    title: {en: Citizens}
    components:
      - title: {en: Map}
        startDate: 2026-01-31
      - title: {en: Search}
  - name: agencies
    title: {en: Agencies}
    groups:
      - title: {en: Data}
        components:
          - title: {en: Search}
          - title: {en: "No"}
`

// siteWorld is a hub with the site roads, and how to run varsel site against it.
func siteWorld(t *testing.T) func(args ...string) outcome {
	t.Helper()
	w := newWorld(t)
	site := func(args ...string) outcome {
		return varsel("", append(append([]string{"site"}, args...), "--url", w.url)...)
	}
	site("list").want(t, exitDone, "There is no status site")
	file := filepath.Join(t.TempDir(), "roads.yaml")
	if err := os.WriteFile(file, []byte(roads), 0o600); err != nil {
		t.Fatal(err)
	}
	site("put", file).want(t, exitDone, "The site roads is made, with 4 components", "People see it at ", "/roads")
	return site
}

// found takes what a pattern's group matches out of what was said.
func (o outcome) found(t *testing.T, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(o.out + o.err)
	if match == nil {
		t.Fatalf("no %s in:\n%s%s", pattern, o.out, o.err)
	}
	return match[1]
}

// An incident at three in the morning, by the command line alone: every answer says what happened, what it means and what
// comes next.
func TestAnIncidentByTheCommandLine(t *testing.T) {
	t.Parallel()
	site := siteWorld(t)
	site("list").want(t, exitDone, "roads", "All Systems Operational", "0 open notices", "0 planned")
	site("show", "roads").want(t, exitDone, "Roads: All Systems Operational", "4 components of 4 operational", "Nothing is open. To open an incident")

	opened := site("open", "roads", "--title", "The map is slow", "--title", "da=Kortet er langsomt", "--body", "We are looking into it.", "--component", "map=degraded", "--component", "Data/search", "--started", "20m", "--next-update", "30m")
	opened.want(t, exitDone, "Opened: incident \"The map is slow\"", "Map is degraded_performance; it was operational.", "on its way to those who follow it", "Not all of it is said in da",
		"The page says: Partially Degraded Service", "/roads/notices/", "you have promised more by 20")
	id := opened.found(t, `slow", ([a-z0-9]{12})\n`)
	site("show", "roads").want(t, exitDone, "Map", "degraded_performance", "3 components of 4 operational", "Open:", id, "incident", "minor", "more promised by")

	site("say", "roads").want(t, exitFail, "/body", "say something") // the one that is open needs no id
	site("say", "roads", "--stage", "identified", "--body", "en=An index.", "--body", "da=Et indeks.", "--component", "Map=down", "--quiet").
		want(t, exitDone, "Said of incident \"The map is slow\": identified", "Map is major_outage; it was degraded_performance.", "sent to nobody", "--next-update 30m tells people")
	site("say", "roads", id, "--stage", "resolved", "--body", "The map is fast again.").
		want(t, exitDone, "resolved", "Map is operational; it was major_outage.", "The page says: All Systems Operational", "tell of it afterwards", "/notices/"+id+"/postmortem")

	site("notices", "roads").want(t, exitDone, "Nothing is said now")
	site("notices", "roads", "--all").want(t, exitDone, id, "resolved", "critical", "over 20", "The map is slow")
	if got := site("notices", "roads", "--kind", "action", "--all"); strings.Contains(got.out, id) {
		t.Errorf("an incident is listed as an action:\n%s", got.out)
	}
	var n client.Notice
	got := site("notices", "roads", "--all", "--json")
	if err := json.Unmarshal([]byte(got.out), &n); err != nil || n.ID != id || len(n.Updates) != 3 || time.Since(n.Started) < 20*time.Minute {
		t.Errorf("%+v %v", n, err)
	}
}

// What a component does is said by its name, or by its id where several are called so.
func TestAStateByTheCommandLine(t *testing.T) {
	t.Parallel()
	site := siteWorld(t)
	site("state", "roads", "Map", "partial", "--reason", "1 of 2 data centres", "--reason", "da=1 af 2 datacentre", "--since", "20m").want(t, exitFail, "/at", "something else was set")
	site("state", "roads", "Map", "partial", "--reason", "1 of 2 data centres", "--reason", "da=1 af 2 datacentre").
		want(t, exitDone, "Map is partial_outage; it was operational.", "The page says: Minor Service Outage", "sent to no person", "varsel site open roads --kind incident")
	site("state", "roads", "MAP", "partial_outage", "--reason", "en=1 of 2 data centres", "--reason", "da=1 af 2 datacentre").want(t, exitDone, "Map is partial_outage already, since 20", "nothing was changed")
	site("state", "roads", "map", "partial-outage", "--reason", "a fire").want(t, exitDone, "as before", "what is said of it is changed")
	site("show", "roads").want(t, exitDone, "a fire")
	if got := site("state", "roads", "Map", "up"); strings.Contains(got.out, "sent to no person") {
		t.Errorf("there is nothing to tell:\n%s", got.out)
	}

	several := site("state", "roads", "search", "down")
	several.want(t, exitFail, `several components of the site roads are called "search"`, "(Citizens)", "(Agencies, Data)")
	id := several.found(t, `  ([a-z0-9]{12})  Search \(Agencies, Data\)`)
	for _, named := range []string{id, "data/search", "agencies/Search"} {
		var now client.ComponentStanding
		got := site("state", "roads", named, "down", "--json")
		if err := json.Unmarshal([]byte(got.out), &now); err != nil || now.State != client.MajorOutage {
			t.Errorf("%s: %+v %v %s", named, now, err, got.err)
		}
	}
	site("show", "roads").want(t, exitDone, "3 components of 4 operational", id)

	site("state", "roads", "none", "up").want(t, exitFail, `has no component "none"`, "Map (Citizens)", "No (Agencies, Data)")
	site("state", "roads", "Map", "broken").want(t, exitFail, `"broken" is no state`, "degraded")
	site("state", "roads", "Map", "up", "--reason", "fr=Bien").want(t, exitFail, `--reason is in "fr"`, "en, da")
	site("state", "roads", "Map", "up", "--reason", "a", "--reason", "b").want(t, exitFail, `twice in "en"`)
	site("state", "roads", "Map", "up", "--since", "noon").want(t, exitFail, `--since "noon" is no time`, "Europe/Copenhagen")
	site("state", "none", "Map", "up").want(t, exitFail, "not-found", "varsel site list")
}

// A maintenance, and what is not an incident: when it comes, and who has to do what.
func TestWhatIsPlannedByTheCommandLine(t *testing.T) {
	t.Parallel()
	site := siteWorld(t)
	planned := site("open", "roads", "--kind", "maintenance", "--title", "Update", "--title", "da=Opdatering", "--starts", "2h", "--ends", "3h", "--component", "Map", "--every", "week")
	planned.want(t, exitDone, "Opened: maintenance \"Update\"", "The page says: All Systems Operational", "nothing; it begins by itself at 20", "and ends at")
	site("show", "roads").want(t, exitDone, "Planned:", "scheduled", "from 20")
	site("say", "roads", planned.found(t, `Update", ([a-z0-9]{12})\n`), "--stage", "in_progress").
		want(t, exitDone, "Map is under_maintenance; it was operational.", "The page says: Service Under Maintenance", "it ends by itself at", "--stage completed")
	site("open", "roads", "--kind", "action", "--title", "Change the address", "--deadline", "240h", "--body", "Do.").want(t, exitDone, "Next: varsel site say roads", "--stage ended")
	site("open", "roads", "--kind", "announcement", "--title", "Version 9", "--starts", "24h").want(t, exitDone, "until then nobody is told")
	site("open", "roads", "--kind", "bulletin", "--title", "Closed", "--ends", "24h").want(t, exitDone, "taken down by itself")
	site("open", "roads", "--title", "Outage", "--component", "Map=down", "--stage", "scheduled").want(t, exitFail, "/stage", "no stage of this kind")
	site("open", "roads", "--kind", "maintenance", "--title", "x").want(t, exitFail, "/starts", "has a start and an end")
	site("open", "roads").want(t, exitUsage, "--title")
	site("open", "roads", "--kind", "outage", "--title", "x").want(t, exitUsage, "--kind")
	site("open", "roads", "--title", "Outage").want(t, exitDone)
	site("say", "roads", "--body", "x").want(t, exitFail, "several are open on the site roads", "Outage", "Update")
	site("say", "roads", "none", "--body", "x").want(t, exitFail, "not-found", "varsel site notices roads")
}

// A site goes out to a file and in again, and what of it came and went is told.
func TestASiteByTheCommandLine(t *testing.T) {
	t.Parallel()
	site := siteWorld(t)
	dir := t.TempDir()
	for name, flags := range map[string][]string{"roads.json": nil, "roads.yaml": {"--yaml"}} {
		got := site(append([]string{"get", "roads"}, flags...)...)
		got.want(t, exitDone)
		file := filepath.Join(dir, name)
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(got.out)
		site("put", file).want(t, exitDone, "is so already; nothing was changed")
		write(strings.Replace(got.out, "Agencies", "Agencies, "+name, 1))
		site("put", file, "--if-match", "r1").want(t, exitFail, "precondition-failed")
		site("put", file).want(t, exitDone, "The site roads is changed")
	}
	var was client.Site
	if err := json.Unmarshal([]byte(site("get", "roads").out), &was); err != nil || was.Sections[0].Components[0].StartDate != "2026-01-31" || was.Sections[1].Groups[0].Components[1].Title["en"] != "No" {
		t.Errorf("%+v %v", was, err)
	}
	gone := was.Sections[0].Components[1]
	was.Sections[0].Components = []client.SiteComponent{was.Sections[0].Components[0], {Title: client.Text{"en": "Routes"}}}
	text, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) outcome {
		file := filepath.Join(dir, "site")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return site("put", file)
	}
	put(string(text)).want(t, exitDone, "+ Routes is new", "- Search is gone", "with the id "+gone.ID)
	for in, want := range map[string]string{
		"":                                  "it is empty",
		"title: x":                          "is no site",
		"name: roads\ntitel: {en: x}":       `unknown field "titel"`,
		"name: roads\nname: cars":           "name is there twice",
		"a: &a [x]\nb: &b [*a,*a]\nname: b": "unknown field",
		"{\"name\":":                        "is no site",
		"title: {en: x}":                    "does not say which site it is",
		"name: admin\ntitle: {en: x}":       "is a path of the hub's own",
	} {
		put(in).want(t, exitFail, want)
	}
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += strings.ReplaceAll("aN: &aN [*aM,*aM,*aM,*aM,*aM,*aM,*aM,*aM,*aM,*aM]\n", "N", string(rune('1'+i)))
		bomb = strings.ReplaceAll(bomb, "aM", "a"+string(rune('0'+i)))
	}
	put(bomb).want(t, exitFail, "is no site")
	site("open", "roads", "--title", "Outage").want(t, exitDone)
	site("remove", "roads").want(t, exitDone, "The site roads is gone", "1 open notice went with it", "comes back when the site is put again")
	site("remove", "roads").want(t, exitFail, "not-found")
	put(string(text)).want(t, exitDone, "is made")
	site("show", "roads").want(t, exitDone, "Outage")
}
