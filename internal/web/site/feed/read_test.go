package feed_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/feed"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

// paths are the addresses of every feed and calendar of a site, below it. Of a large one some components are enough.
func paths(board *status.Board) []string {
	return slices.DeleteFunc(site.Addresses(feed.Leaves(), board), func(path string) bool {
		at := strings.Index(path, "/components/many")
		if at < 0 {
			return false
		}
		n, err := strconv.Atoi(path[at+len("/components/many") : at+len("/components/")+12])
		return err != nil || n > 8
	})
}

// document is one feed or calendar as it is served.
type document struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

func documents(t *testing.T, world *statustest.World) []document {
	t.Helper()
	board := world.Board()
	server := sitetest.Server(feed.Leaves(), board)
	var list []document
	for _, path := range paths(board) {
		got := sitetest.Get(server, "/"+board.Site.Name+path)
		if got.Code == http.StatusNotFound && strings.HasSuffix(path, ".ics") && strings.Contains(path, "/notices/") {
			continue // what has no time of its own is in no calendar
		}
		if got.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, got.Code)
		}
		list = append(list, document{path, got.Body.String()})
	}
	return list
}

func ending(list []document, with string) []document {
	return slices.DeleteFunc(slices.Clone(list), func(d document) bool { return !strings.HasSuffix(d.Path, with) })
}

// inSchema holds documents to a RELAX NG schema.
func inSchema(t *testing.T, schema string, list []document) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--noout", "--nonet", "--relaxng", schema}
	for i, d := range list {
		name := filepath.Join(dir, strconv.Itoa(i)+".xml")
		if err := os.WriteFile(name, []byte(d.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	if out, err := exec.Command(oracle.Program(t, "xmllint"), args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%.2000s", err, out)
	}
}

// TestC10FeedsAreWhatTheirStandardsSay holds every feed of every story, in every language, to the rules of its form.
func TestC10FeedsAreWhatTheirStandardsSay(t *testing.T) {
	t.Parallel()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	schema, err := compiler.Compile("testdata/jsonfeed.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, story := range statustest.Stories() {
		t.Run(story.Name, func(t *testing.T) {
			t.Parallel()
			list := documents(t, story.World)
			inSchema(t, "testdata/rss.rng", ending(list, ".rss"))
			inSchema(t, "testdata/atom.rng", ending(list, ".atom"))
			for _, d := range ending(list, ".json") {
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(d.Text))
				if err == nil {
					err = schema.Validate(value)
				}
				if err != nil {
					t.Errorf("%s: %v", d.Path, err)
				}
			}
		})
	}
}

// read is a feed as a reader understands it.
type read struct {
	Title, Home, Language string
	Items                 []readItem
}

type readItem struct {
	ID, Title, Link, HTML, Published, Ends string
}

// feedReader reads feeds by two implementations that know nothing of each other, and tells where they differ.
const feedReader = `
const { parseFeed } = require("feedsmith");
const Parser = require("rss-parser");
const text = (v) => (v && typeof v === "object" ? v.value : v) ?? "";
const time = (v) => (v ? new Date(v).toISOString() : "");
const shapes = {
	rss: (f) => ({ title: f.title, home: f.link, language: f.language, items: (f.items ?? []).map((i) => ({
		id: text(i.guid), title: i.title, link: i.link, html: i.description, published: time(i.pubDate) })) }),
	atom: (f) => ({ title: text(f.title), home: f.links.find((l) => l.rel === "alternate").href, language: f.xml?.lang ?? "", items: (f.entries ?? []).map((i) => ({
		id: i.id, title: text(i.title), link: i.links[0].href, html: text(i.content), published: time(i.published) })) }),
	json: (f) => ({ title: f.title, home: f.home_page_url, language: f.language, items: (f.items ?? []).map((i) => ({
		id: i.id, title: i.title, link: i.url, html: i.content_html, published: time(i.date_published) })) }),
};
const other = new Parser({ customFields: { item: [["maintenanceEndDate", "ends"]] } });
async function main() {
	const all = [];
	for (const { path, text: xml } of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
		const { format, feed } = parseFeed(xml);
		if (format !== path.split(".").pop()) throw new Error(path + " is taken for " + format);
		const got = shapes[format](feed);
		if (format !== "json") {
			const again = await other.parseString(xml);
			const second = again.items.map((i) => [i.guid ?? i.id, i.title, i.link, i.content, time(i.pubDate)].join("|"));
			const first = got.items.map((i) => [i.id, i.title, i.link, i.html, i.published].join("|"));
			if (first.join("\n") !== second.join("\n") || again.title !== got.title) throw new Error(path + " is read in two ways:\n" + first.join("\n") + "\n\n" + second.join("\n"));
			again.items.forEach((i, at) => { got.items[at].ends = time(i.ends); });
		}
		all.push(got);
	}
	console.log(JSON.stringify(all));
}
main().catch((e) => { console.error(e); process.exit(1); });`

func reading(t *testing.T, list []document) []read {
	t.Helper()
	stdin, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var all []read
	if err := json.Unmarshal(oracle.Node(t, feedReader, stdin), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestC9FormsOfAFeedSayTheSame has every feed of every story read by two independent readers: whatever form somebody
// follows a site by, he sees the same entries in the same order.
func TestC9FormsOfAFeedSayTheSame(t *testing.T) {
	t.Parallel()
	var forms []document
	for _, story := range statustest.Stories() {
		list := documents(t, story.World)
		for _, d := range slices.Concat(ending(list, ".rss"), ending(list, ".atom"), ending(list, ".json")) {
			if story.Name != "busy" && slices.Contains(status.Languages, d.Path[1:3]) && d.Path[3] == '/' {
				continue // one story in every language is enough
			}
			forms = append(forms, document{story.Name + d.Path, d.Text})
		}
	}
	first := map[string]read{}
	for i, got := range reading(t, forms) {
		path := forms[i].Path
		name := strings.TrimSuffix(path, filepath.Ext(path))
		ids := map[string]bool{}
		for j := range got.Items {
			item := &got.Items[j]
			if item.ID == "" || ids[item.ID] {
				t.Errorf("%s: the id %q is there twice", path, item.ID)
			}
			ids[item.ID] = true
			if j > 0 && got.Items[j-1].Published < item.Published {
				t.Errorf("%s: %q is newer than what is above it", path, item.Title)
			}
			item.Ends = ""
			if strings.HasSuffix(name, "/history") {
				item.ID = "" // Statuspage's are not the same in both forms
			}
		}
		want, found := first[name]
		if !found {
			first[name] = got
		} else if got.Title != want.Title || got.Home != want.Home || got.Language != want.Language || !slices.Equal(got.Items, want.Items) {
			t.Errorf("%s says\n%+v, and another form\n%+v", path, got, want)
		}
	}
}

// TestD25TheFirstItemIsTheCurrentState is the vector of requirements section 7: of a site, of its sections and of every
// component.
func TestD25TheFirstItemIsTheCurrentState(t *testing.T) {
	t.Parallel()
	var forms []document
	want := map[string]string{}
	for _, story := range statustest.Stories() {
		board := story.World.Board()
		want[story.Name+"/state.rss"] = board.PageHeadline("").Words()["en"]
		for _, section := range board.Site.Sections {
			want[story.Name+"/"+section.Name+"/state.rss"] = board.PageHeadline(section.Name).Words()["en"]
		}
		for _, s := range board.Components {
			title := board.Site.Look(s.State).Name["en"]
			if s.Reason["en"] != "" {
				title += " – " + s.Reason["en"]
			}
			want[story.Name+"/components/"+s.ID+".rss"] = title
		}
		for _, d := range documents(t, story.World) {
			if want[story.Name+d.Path] != "" {
				forms = append(forms, document{story.Name + d.Path, d.Text})
			}
		}
	}
	for i, got := range reading(t, forms) {
		if path := forms[i].Path; len(got.Items) == 0 || got.Items[0].Title != want[path] {
			t.Errorf("%s begins with %.1v, want %q", path, got.Items, want[path])
		}
	}
}

// TestStatuspageReadersFindWhatTheyLookFor does what the script of GOV.UK's own page does with Statuspage's feed
// (reference 2.6): it sorts maintenances by pubDate and maintenanceEndDate, and incidents by the word Resolved.
func TestStatuspageReadersFindWhatTheyLookFor(t *testing.T) {
	t.Parallel()
	now := statustest.Now.Time()
	want := map[string]string{
		"Database upgrade": "maintenance to come", "Moving files to new storage": "maintenance now", "Monthly update": "maintenance of the past",
		"Search is slow": "incident now", "Sign-in was refused": "incident of the past",
	}
	list := slices.DeleteFunc(documents(t, statustest.Busy()), func(d document) bool { return d.Path != "/history.rss" })
	got := reading(t, list)[0]
	if got.Title != "Example services Status - Incident History" || len(got.Items) != len(want) {
		t.Errorf("%q with %d items", got.Title, len(got.Items))
	}
	for _, item := range got.Items {
		begins, _ := time.Parse(time.RFC3339, item.Published)
		ends, err := time.Parse(time.RFC3339, item.Ends)
		is := "incident now"
		switch {
		case err == nil && begins.After(now):
			is = "maintenance to come"
		case err == nil && ends.After(now):
			is = "maintenance now"
		case err == nil:
			is = "maintenance of the past"
		case strings.Contains(item.HTML, "<strong>Resolved</strong>"):
			is = "incident of the past"
		}
		if is != want[item.Title] || item.Link != item.ID {
			t.Errorf("%q is taken for %s, want %s; guid %q, link %q", item.Title, is, want[item.Title], item.ID, item.Link)
		}
		if strings.HasPrefix(item.HTML, "<p><strong>THIS IS A SCHEDULED EVENT ") != (is == "maintenance to come") {
			t.Errorf("%q begins %.60s", item.Title, item.HTML)
		}
	}
}

// TestD23FeedsAreKeptForFiveMinutes: their caches and readers do as the source's guide advises, and what has not changed
// is the same bytes, whenever it is asked for.
func TestD23FeedsAreKeptForFiveMinutes(t *testing.T) {
	t.Parallel()
	board := statustest.Busy().Board()
	server, later := sitetest.Server(feed.Leaves(), board), sitetest.ServerAt(statustest.In(26*time.Hour), feed.Leaves(), board)
	for _, path := range paths(board) {
		first := sitetest.Get(server, "/prod"+path)
		if first.Code == http.StatusNotFound {
			continue
		}
		h := first.Header()
		if cache := h.Get("Cache-Control"); cache != "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400" {
			t.Errorf("%s: Cache-Control %q", path, cache)
		}
		if h.Get("Access-Control-Allow-Origin") != "*" || strings.Contains(h.Get("Vary"), "Cookie") {
			t.Errorf("%s: not for everyone: %v", path, h)
		}
		if again := sitetest.Get(later, "/prod"+path); !bytes.Equal(first.Body.Bytes(), again.Body.Bytes()) {
			t.Errorf("%s: is another a day later, though nothing has changed:\n%s\n%s", path, first.Body, again.Body)
		}
		if seen := sitetest.Get(later, "/prod"+path, "If-None-Match: "+h.Get("ETag")); seen.Code != http.StatusNotModified {
			t.Errorf("%s: %d for who has it", path, seen.Code)
		}
	}
}
