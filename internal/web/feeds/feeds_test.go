package feeds_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/web/access"
	"github.com/varselhub/varsel/internal/web/feeds"
)

var update = flag.Bool("update", false, "write the golden files anew")

type world struct {
	*managetest.World
	handler http.Handler
	secrets map[string]string
}

var by = manage.By{Author: "test", Condition: manage.Condition{}}

func changed() manage.By {
	return manage.By{Author: "test", Condition: manage.Condition{Present: true}}
}

var dagi = register.Register{Name: "dagi", Title: "DAGI", Source: "dagi", Types: []register.EntityType{{
	Name: "Kommuneinddeling", Row: "objectid", Object: []string{"objectid"}, Columns: []register.Column{{Name: "objectid", Required: true}},
}}}

var kommuner = register.Extract{Name: "kommuner", Title: "Municipalities", System: "map", Register: "dagi", Type: "Kommuneinddeling", Selection: register.Delta, Format: register.CSV}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: managetest.New(t), secrets: map[string]string{}}
	gate, err := access.New(access.Options{Accounts: w.Book, Clock: w.Clock, URL: "https://hub.test", Key: make([]byte, 32)})
	w.Must(err)
	w.handler = feeds.New(feeds.Options{Book: w.Book, Kept: func(name string) []*register.Run { return w.Book.ExtractState(name).Files }, Who: gate.Reader, URL: "https://hub.test"})
	_, err = w.Manager.PutSource(t.Context(), event.Source{Name: "dagi", URI: "urn:dagi", Title: "DAGI", Types: []string{"*"}}, by)
	w.Must(err)
	_, err = w.Manager.PutRegister(t.Context(), dagi, by)
	w.Must(err)
	for _, name := range []string{"map", "other"} {
		system := managetest.Agreement(name, profile.Standard)
		system.Agreement.Sources = []string{"dagi"}
		_, err = w.Manager.PutSystem(t.Context(), system, by)
		w.Must(err)
		var s account.Secret
		s, w.secrets[name] = account.NewSecret()
		a := account.Account{Name: name, Roles: []account.Role{account.Subscriber}, Systems: []string{name}, Secrets: []account.Secret{s}}
		w.Must(w.Log.Append(t.Context(), &eventlog.Request{Revisions: []revision.Revision{revision.Of("test", revision.Account, name, a)}, Expect: w.Book.Last()}))
	}
	w.Clock.Advance(time.Hour)
	_, err = w.Manager.PutExtract(t.Context(), kommuner, by)
	w.Must(err)
	for n, upTo := range []int64{4, 7} {
		w.Clock.Advance(time.Hour)
		w.Must(w.Log.Append(t.Context(), &eventlog.Request{Expect: w.Book.Last(), Revisions: []revision.Revision{revision.Of("varsel", revision.ExtractRun, "kommuner", register.Run{
			Extract: "kommuner", Number: int64(n + 1), Since: int64(4 * n), UpTo: upTo, Ended: w.Clock.Now().UnixMicro(), File: "kommuner-" + string(rune('1'+n)) + ".csv.zip", Size: 4711, Rows: 98, SHA256: strings.Repeat("ab", 32),
		})}}))
	}
	return w
}

// get asks as an account; "" as nobody.
func (w *world) get(path, as string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if as != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(as+":"+w.secrets[as])))
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a := httptest.NewRecorder()
	w.handler.ServeHTTP(a, r)
	return a
}

// F43, F44: what feed readers get.
func TestF44TheFeedsAsTheyStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, path := range map[string]string{"extract": "/feeds/extracts/kommuner", "register": "/feeds/registers/dagi"} {
		a := w.get(path, "map")
		golden := "testdata/" + name + ".atom"
		if *update {
			w.Must(errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, a.Body.Bytes(), 0o644)))
		}
		want, err := os.ReadFile(golden)
		if err != nil || a.Body.String() != string(want) {
			t.Errorf("%d %v\n%s\nwant\n%s", a.Code, err, a.Body, want)
		}
		valid(t, a.Body.Bytes())
		if again := w.get(path, "map", "If-None-Match", a.Header().Get("ETag")); again.Code != 304 {
			t.Errorf("who has it gets %d", again.Code)
		}
	}
}

// Promise 11: a file in which somebody stood who was erased has an entry that says so, and leads to nothing.
func TestAnErasedFileIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(w.Log.Append(t.Context(), &eventlog.Request{Expect: w.Book.Last(), Revisions: []revision.Revision{
		revision.Of("varsel", revision.ExtractErased, "kommuner", register.FilesErased{Erasure: 1, UpTo: 1, Files: 1}),
	}}))
	text := w.get("/feeds/extracts/kommuner", "map").Body.String()
	valid(t, []byte(text))
	if !strings.Contains(text, "kommuner-1.csv.zip (erased)") || strings.Contains(text, "files/kommuner-1.csv.zip") || !strings.Contains(text, "files/kommuner-2.csv.zip") {
		t.Errorf("the feed is %s", text)
	}
}

// F44: feed readers find the entries.
func TestF44FeedReadersReadThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, path := range map[string]string{"extract": "/feeds/extracts/kommuner", "register": "/feeds/registers/dagi"} {
		found := text(t, oracle.Node(t, reader, w.get(path, "map").Body.Bytes()))
		if strings.Count(found, "Z\n") != 2 || strings.Count(found, "urn:varsel:"+name+":") != 2 {
			t.Errorf("a feed reader finds %s", found)
		}
	}
}

const reader = `
const Parser = require("rss-parser");
new Parser().parseString(require("fs").readFileSync(0, "utf8")).then((f) => {
	process.stdout.write(JSON.stringify(f.items.map((i) => i.id + " " + i.isoDate + "\n").join("")));
});`

// valid holds a feed to what RFC 4287 section 4.1 asks for.
func valid(t *testing.T, text []byte) {
	t.Helper()
	type link struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	type common struct {
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Links   []link   `xml:"link"`
		Author  []string `xml:"author>name"`
	}
	var feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		common
		Entries []common `xml:"entry"`
	}
	if err := xml.Unmarshal(text, &feed); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, one := range append([]common{feed.common}, feed.Entries...) {
		if _, err := time.Parse(time.RFC3339, one.Updated); err != nil || one.ID == "" || one.Title == "" || ids[one.ID] || len(one.Links) == 0 {
			t.Errorf("%+v", one)
		}
		ids[one.ID] = true
	}
	if len(feed.Author) != 1 || feed.Links[0].Rel != "self" {
		t.Errorf("%+v", feed.common)
	}
}

// F44: an entry when what a register publishes changes, and at no other time.
func TestF44AnEntryForEachVersionOfTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	entries := func() int { return strings.Count(w.get("/feeds/registers/dagi", "map").Body.String(), "<entry>") }
	if n := entries(); n != 2 { // the register, and then its extract
		t.Fatalf("%d entries", n)
	}
	x := kommuner
	x.Keep, x.Email = 3, "a@b.test"
	_, err := w.Manager.PutExtract(t.Context(), x, changed())
	w.Must(err)
	if n := entries(); n != 2 {
		t.Errorf("%d entries when nothing that others see has changed", n)
	}
	reg := dagi
	reg.Types = append(reg.Types[:1:1], register.EntityType{Name: "Sogn", Row: "id", Object: []string{"id"}, Columns: []register.Column{{Name: "id", Required: true}}})
	_, err = w.Manager.PutRegister(t.Context(), reg, changed())
	w.Must(err)
	w.Must(w.Manager.RemoveExtract(t.Context(), "kommuner", changed()))
	if n := entries(); n != 4 {
		t.Errorf("%d entries", n)
	}
}

// Who reads which feed.
func TestF44WhoReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	check := func(path, as string, want int) {
		t.Helper()
		a := w.get(path, as)
		if a.Code != want || want == 401 && !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s as %q: %d, want %d", path, as, a.Code, want)
		}
	}
	check("/feeds/extracts/kommuner", "", 401)
	check("/feeds/extracts/kommuner", "nobody", 401)
	check("/feeds/extracts/kommuner", "map", 200)
	check("/feeds/extracts/kommuner", "other", 404)
	check("/feeds/extracts/none", "map", 404)
	check("/feeds/registers/dagi", "", 401)
	check("/feeds/registers/none", "", 401)
	check("/feeds/registers/dagi", "other", 200)
	check("/feeds/registers/none", "other", 404)
	public := dagi
	public.Public = true
	_, err := w.Manager.PutRegister(t.Context(), public, changed())
	w.Must(err)
	check("/feeds/registers/dagi", "", 200)
	check("/feeds/extracts/kommuner", "", 401)
}

func text(t *testing.T, json []byte) string {
	t.Helper()
	got, err := strconv.Unquote(string(json))
	if err != nil {
		t.Fatal(err)
	}
	return got
}
