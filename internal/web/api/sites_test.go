package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/api"
)

// in reads a member of an answer: in(a, "components", 0, "state").
func in(a answer, path ...any) any {
	var at any = a.json
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := at.(map[string]any)
			at = object[step]
		case int:
			list, _ := at.([]any)
			if step >= len(list) {
				return nil
			}
			at = list[step]
		}
	}
	return at
}

// A site is made, read, changed and taken away as every document is; what was read may be put.
func TestASiteIsADocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RegisterSites()
	made := w.ok(201, w.call("PUT", "/sites/prod", aSite("Production")))
	id := in(made, "sections", 0, "components", 0, "id")
	if in(made, "name") != "prod" || id == nil {
		t.Error(made.text)
	}
	got := w.ok(200, w.call("GET", "/sites/prod", ""))
	again := w.ok(200, w.call("PUT", "/sites/prod", got.text, ifMatch, got.header.Get("ETag")))
	if again.header.Get("ETag") != got.header.Get("ETag") || again.text != got.text || made.header.Get("ETag") != got.header.Get("ETag") {
		t.Errorf("what was read is not what may be put: %s", again.text)
	}
	w.ok(200, w.call("PUT", "/sites/prod", strings.Replace(aSite("Live"), `{"title":{"en":"Search"}}`, `{"title":{"en":"Mail"}},{"title":{"en":"Search"}}`, 1), ifMatch, anySeen))
	if got := w.ok(200, w.call("GET", "/sites/prod", "")); in(got, "sections", 0, "components", 1, "id") != id {
		t.Errorf("its id is another: %s", got.text)
	}
	if list := w.ok(200, w.call("GET", "/sites", "")).items(); len(list) != 1 || list[0]["url"] != "https://status.test/prod" || list[0]["components"] != 2.0 {
		t.Errorf("%v", list)
	}
	for path, want := range map[string]string{
		"/sites/demo":  "invalid-document /name path",
		"/sites/admin": "invalid-document /name reserved",
	} {
		body := strings.Replace(aSite("x"), `{"title"`, `{"name":"`+map[string]string{"/sites/demo": "prod", "/sites/admin": "admin"}[path]+`","title"`, 1)
		if a := w.call("PUT", path, body); a.problem() != want {
			t.Errorf("%s: %s", path, a.problem())
		}
	}
	w.noContent(w.call("DELETE", "/sites/prod", "", ifMatch, anySeen))
	for _, path := range []string{"", "/board", "/notices", "/notices/x", "/notices/x/history", "/components/x/state", "/components/x/history"} {
		if a := w.call("GET", "/sites/prod"+path, ""); a.problem() != "not-found" {
			t.Errorf("%s: %s", path, a.text)
		}
	}
}

// D2, D3, D10: the board tells everything of a site at once, in all of its languages.
func TestTheBoardTellsHowASiteStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stage("prod")
	w.stale = 90 * time.Second
	begins, ends := w.Clock.Now().Add(time.Hour).Format(time.RFC3339), w.Clock.Now().Add(2*time.Hour).Format(time.RFC3339)
	w.ok(201, w.call("POST", "/sites/prod/notices", fmt.Sprintf(`{"kind":"maintenance","title":{"en":"Update","da":"Opdatering"},"starts":%q,"ends":%q}`, begins, ends)))
	w.ok(201, w.call("POST", "/sites/prod/notices", fmt.Sprintf(`{"kind":"announcement","title":{"en":"Secret"},"starts":%q}`, begins)))
	a := w.ok(200, w.call("GET", "/sites/prod/board", ""))
	for _, c := range []struct {
		want any
		path []any
	}{
		{"https://status.test/prod", []any{"url"}},
		{90.0, []any{"staleSeconds"}},
		{"Partially Degraded Service", []any{"headline", "description"}},
		{"Partially Degraded Service", []any{"sections", 0, "headline", "description"}},
		{"degraded_performance", []any{"components", 0, "state"}},
		{"notice", []any{"components", 0, "cause"}},
		{openID, []any{"components", 0, "notice"}},
		{"2026-03-01T10:00:00Z", []any{"components", 0, "since"}},
		{28 * 3600.0, []any{"components", 0, "uptime", "major"}},
		{1 - 28.0/1000, []any{"components", 0, "uptime", "part"}},
		{1000 * 3600.0, []any{"components", 0, "uptime", "known"}},
		{"operational", []any{"components", 1, "state"}},
		{"https://status.test/prod/notices/" + openID, []any{"openNotices", 0, "url"}},
		{"eva", []any{"openNotices", 0, "updates", 0, "author"}},
		{"action", []any{"openNotices", 1, "kind"}},
		{nil, []any{"openNotices", 3}},
		{"Opdatering", []any{"upcomingNotices", 0, "title", "da"}},
		{nil, []any{"upcomingNotices", 1}},
	} {
		if got := in(a, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if strings.Contains(a.text, "Secret") {
		t.Error("what is still to come is told")
	}
}

// What a component does is set and read back, with its past; who says which state it was seen in is held to that.
func TestAStateIsSetAndKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stage("prod")
	path := "/sites/prod/components/" + mailID
	first := w.ok(200, w.call("GET", path+"/state", ""))
	w.Clock.Advance(time.Hour)
	put := w.ok(200, w.call("PUT", path+"/state", `{"state":"partial_outage","reason":{"en":"1 of 2","da":"1 af 2"}}`))
	if in(put, "state") != "partial_outage" || in(put, "since") != "2026-03-01T13:00:00Z" || in(put, "reason", "da") != "1 af 2" || in(put, "cause") != "manual" {
		t.Error(put.text)
	}
	if a := w.call("PUT", path+"/state", `{"state":"operational"}`, ifMatch, first.header.Get("ETag")); a.problem() != "precondition-failed" {
		t.Error(a.text)
	}
	w.ok(304, w.call("GET", path+"/state", "", ifNone, put.header.Get("ETag")))
	w.ok(200, w.call("PUT", path+"/state", `{"state":"partial_outage","at":"2026-03-01T12:30:00+00:00","reason":{"en":"1 of 2","da":"1 af 2"}}`, ifMatch, put.header.Get("ETag")))
	var told []string
	for _, span := range w.ok(200, w.call("GET", path+"/history", "")).items() {
		told = append(told, fmt.Sprint(span["from"], " ", span["until"], " ", span["state"]))
	}
	want := "2026-03-01T13:00:00Z <nil> partial_outage, 2026-03-01T12:30:00Z 2026-03-01T13:00:00Z partial_outage, 2026-01-18T20:00:00Z 2026-03-01T12:30:00Z operational"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for body, want := range map[string]string{
		`{"state":"down"}`:                                                        "invalid-document /state enum",
		`{"state":"operational","cause":"hub"}`:                                   "invalid-document /cause unknown",
		`{"state":"operational","at":"tomorrow"}`:                                 "invalid-document /at type",
		`{"state":"operational","at":"2026-03-01T12:45:00Z","reason":{"pl":"x"}}`: "invalid-document /at order; /reason/pl language",
	} {
		if a := w.call("PUT", path+"/state", body); a.problem() != want {
			t.Errorf("%s: %s", body, a.problem())
		}
	}
	if a := w.call("PUT", "/sites/prod/components/none/state", `{"state":"operational"}`); a.problem() != "not-found" {
		t.Error(a.text)
	}
}

// A notice from its opening to what is told afterwards, by its addresses.
func TestANoticeOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stage("prod")
	opened := w.ok(201, w.call("POST", "/sites/prod/notices", `{"kind":"incident","title":{"en":"Mail is out"},"body":{"en":"We look."},"affected":{"`+mailID+`":"major_outage"},"expected":"2026-03-01T14:00:00Z"}`))
	id, _ := in(opened, "id").(string)
	path := "/sites/prod/notices/" + id
	if opened.header.Get("Location") != "/api/v1"+path || in(opened, "impact") != "critical" || in(opened, "updates", 0, "affected", 0, "from") != "operational" {
		t.Errorf("%s %s", opened.header.Get("Location"), opened.text)
	}
	got := w.ok(200, w.call("GET", path, ""))
	if got.text != opened.text || got.header.Get("ETag") != opened.header.Get("ETag") {
		t.Error(got.text)
	}
	w.ok(412, w.call("POST", path+"/updates", `{"body":{"en":"More."}}`, ifMatch, `"r1"`))
	said := w.ok(201, w.call("POST", path+"/updates", `{"stage":"monitoring","body":{"en":"Better."},"nextUpdate":"2026-03-01T13:00:00Z","quiet":true}`, ifMatch, opened.header.Get("ETag")))
	if in(said, "stage") != "monitoring" || in(said, "nextUpdate") != "2026-03-01T13:00:00Z" || in(said, "updates", 1, "author") != "eva" || in(said, "updates", 1, "quiet") != true {
		t.Error(said.text)
	}
	update := in(said, "updates", 0, "id").(string)
	edited := w.ok(200, w.call("PUT", path+"/updates/"+update, `{"body":{"en":"We are looking."},"shown":"2026-03-01T11:55:00Z"}`, ifMatch, said.header.Get("ETag")))
	if in(edited, "updates", 0, "earlier", 0, "text", "en") != "We look." || in(edited, "updates", 0, "shown") != "2026-03-01T11:55:00Z" {
		t.Error(edited.text)
	}
	if a := w.call("PUT", path+"/postmortem", `{"body":{"en":"Why."}}`, ifMatch, anySeen); a.problem() != "conflict" {
		t.Error(a.text)
	}
	w.ok(201, w.call("POST", path+"/updates", `{"stage":"resolved"}`))
	after := w.ok(200, w.call("PUT", path+"/postmortem", `{"body":{"en":"Why."}}`, ifMatch, anySeen))
	if in(after, "postmortem", "body", "en") != "Why." || in(after, "stage") != "postmortem" {
		t.Error(after.text)
	}
	changed := w.ok(200, w.call("PUT", path, `{"title":{"en":"Mail was out"},"override":"minor"}`, ifMatch, after.header.Get("ETag")))
	if in(changed, "impact") != "minor" || in(changed, "earlier", 0, "text", "en") != "Mail is out" {
		t.Error(changed.text)
	}
	w.noContent(w.call("DELETE", path, "", ifMatch, changed.header.Get("ETag")))
	w.ok(404, w.call("GET", path, ""))
	history := w.ok(200, w.call("GET", path+"/history?limit=100", "")).items()
	if len(history) != 7 || history[0]["author"] != "eva" || history[6]["notice"] != nil || in(answer{json: history[1]}, "notice", "stage") != "monitoring" {
		t.Errorf("%d forms: %v", len(history), history)
	}
}

// Lists are narrowed by kind, and to what is current.
func TestNoticesAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stage("prod")
	for query, want := range map[string]string{
		"":                          openID + " " + pastID + " " + actionID + " " + spareID,
		"?kind=action":              actionID,
		"?open=true":                openID + " " + actionID + " " + spareID,
		"?open=false":               pastID,
		"?kind=incident&open=true":  openID + " " + spareID,
		"?kind=maintenance":         "",
		"?limit=1":                  openID,
		"?kind=outage&open=perhaps": "bad-request query:kind enum; query:open enum",
		"?limit=201":                "bad-request query:limit range",
	} {
		a := w.call("GET", "/sites/prod/notices"+query, "")
		var ids []string
		for _, n := range a.items() {
			ids = append(ids, n["id"].(string))
		}
		if got := strings.TrimSpace(a.problem() + strings.Join(ids, " ")); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// What is refused is told by where it stands in the request.
func TestWhatIsRefusedOfANoticeIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stage("prod")
	head := w.Log.Head()
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "", `{"kind":"outage","title":{"fr":"x"}}`, "/kind enum; /title/fr language"},
		{"POST", "", `{"kind":"incident","title":{"en":"x"},"affected":{"nothing00000":"down"},"stage":"completed"}`, "/affected/nothing00000 exists; /affected/nothing00000 enum; /stage enum"},
		{"POST", "", `{"kind":"incident","title":{"en":"x"},"id":"mine"}`, "/id unknown"},
		{"POST", "", `{"kind":"maintenance","title":{"en":"x"},"starts":"2026-03-02T00:00:00Z","ends":"2026-03-01T00:00:00Z","pause":["none"]}`, "/ends order; /pause/0 exists"},
		{"POST", "/" + openID + "/updates", `{"body":{"pl":"x"}}`, "/body/pl language"},
		{"POST", "/" + openID + "/updates", `{"body":{"en":5}}`, "/body/en type"},
		{"PUT", "/" + openID, `{"title":{"en":"x"},"components":["none"],"deadline":"2026-03-02T00:00:00Z"}`, "/components/0 exists; /deadline kind"},
		{"PUT", "/" + openID + "/updates/" + updateID, `{"body":{}}`, "/body required"},
		{"PUT", "/" + pastID + "/postmortem", `{"body":{"pl":"x"}}`, "/body/pl language"},
		{"POST", "/" + actionID + "/acknowledgements", `{"system":"none"}`, "/system exists"},
	} {
		a := w.call(c.method, "/sites/prod/notices"+c.path, c.body, ifMatch, anySeen)
		if a.problem() != "invalid-document "+c.want {
			t.Errorf("%s %s: %s", c.path, c.body, a.problem())
		}
		a.whole(t)
	}
	for _, path := range []string{"/none", "/none/updates", "/" + openID + "/updates/none", "/none/postmortem"} {
		method, body := "PUT", `{"body":{"en":"x"}}`
		if path == "/none" {
			body = `{"title":{"en":"x"}}`
		} else if path == "/none/updates" {
			method = "POST"
		}
		if a := w.call(method, "/sites/prod/notices"+path, body, ifMatch, anySeen); a.problem() != "not-found" {
			t.Errorf("%s %s: %s", method, path, a.text)
		}
	}
	if a := w.call("POST", "/sites/prod/notices/"+openID+"/acknowledgements", `{"system":"plain"}`); a.problem() != "conflict" {
		t.Error(a.text)
	}
	if w.Log.Head() != head {
		t.Error("something was written")
	}
}

// A subscriber reads what everyone may, acknowledges for its own systems, and sees no other's.
func TestASubscriberReadsBoardsAndAcknowledges(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["subscriber"]))
	_, err := w.Manager.AcknowledgeNotice(w.T.Context(), "my-site", actionID, "rival-system", "r")
	w.Must(err)
	path := "/sites/my-site/notices/" + actionID + "/acknowledgements"
	for range 2 {
		a := w.ok(200, w.call("POST", path, `{"system":"my-system"}`))
		if in(a, "acknowledged", 0, "by") != "my-system" || in(a, "acknowledged", 1) != nil || strings.Contains(a.text, "author") {
			t.Error(a.text)
		}
	}
	if a := w.call("POST", path, `{"system":"rival-system"}`); a.problem() != "invalid-document /system exists" {
		t.Error(a.text)
	}
	if n := w.Book.Board("my-site").Notice(actionID); len(n.Acknowledged) != 2 || n.Acknowledged[1].By != "my-system" {
		t.Errorf("%+v", n.Acknowledged)
	}
	board := w.ok(200, w.call("GET", "/sites/my-site/board", ""))
	if !strings.Contains(board.text, `"by":"my-system"`) || strings.Contains(board.text, "rival") || strings.Contains(board.text, "author") || in(board, "components", 0, "version") != nil {
		t.Errorf("it is told what is not everyone's: %s", board.text)
	}
}

// A site's editors write on it, and change nothing that reaches beyond it: host names, parts of the hub, pauses of systems.
func TestASiteEditorStaysOnItsSite(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(&account.Principal{Name: "e", Roles: []account.Role{account.SiteEditor}, Sites: []string{"my-site", "new-site"}}))
	ctx := context.Background()
	site, _ := w.Book.Site("my-site")
	with := func(change func(*status.Site)) string {
		text, err := json.Marshal(site)
		w.Must(err)
		var next status.Site
		w.Must(json.Unmarshal(text, &next))
		change(&next)
		text, err = json.Marshal(next)
		w.Must(err)
		return string(text)
	}
	hosted := with(func(s *status.Site) { s.Hosts = []string{"status.example"} })
	standing := with(func(s *status.Site) { s.Sections[0].Components[1].Hub = "endpoint/rival-system" })
	window := `"title":{"en":"x"},"starts":"2026-03-02T00:00:00Z","ends":"2026-03-03T00:00:00Z"`
	for _, c := range []struct{ method, path, body, want string }{
		{"PUT", "/sites/my-site", hosted, "forbidden /hosts/0 role"},
		{"PUT", "/sites/my-site", standing, "forbidden /sections role"},
		{"PUT", "/sites/new-site", strings.Replace(aSite("x"), `{"title"`, `{"hosts":["a.example"],"title"`, 1), "forbidden /hosts/0 role"},
		{"POST", "/sites/my-site/import", `{"site":` + hosted + `}`, "forbidden /site/hosts/0 role"},
		{"POST", "/sites/my-site/import", `{"site":` + aSite("x") + `,"notices":[{"pause":["rival-system"]}]}`, "forbidden /notices/0/pause role"},
		{"POST", "/sites/my-site/notices", `{"kind":"maintenance",` + window + `,"pause":["rival-system"]}`, "forbidden /pause role"},
		{"PUT", "/sites/my-site/notices/" + openID, `{"title":{"en":"x"},"pause":["rival-system"]}`, "forbidden /pause role"},
	} {
		a := w.call(c.method, c.path, c.body, ifMatch, anySeen)
		if a.status != http.StatusForbidden || a.problem() != c.want {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.path, a.status, a.problem(), c.want)
		}
	}
	w.ok(201, w.call("PUT", "/sites/new-site", aSite("Mine")))
	w.ok(200, w.call("PUT", "/sites/my-site", with(func(s *status.Site) { s.Title = status.Text{"en": "Mine"} }), ifMatch, anySeen))
	// What an operator has said stays where it is.
	by := manage.By{Author: "o", Condition: manage.Condition{Present: true}}
	next := *site
	next.Hosts = []string{"status.example"}
	_, err := w.Manager.PutSite(ctx, next, by)
	w.Must(err)
	w.ok(200, w.call("PUT", "/sites/my-site", hosted, ifMatch, anySeen))
	n, err := w.Manager.OpenNotice(ctx, "my-site", manage.Opening{Kind: status.Planned, Facts: manage.Facts{
		Title: status.Text{"en": "x"}, Starts: status.At(w.Clock.Now()).Add(time.Hour), Ends: status.At(w.Clock.Now()).Add(2 * time.Hour), Pause: []string{"my-system"},
	}}, "o")
	w.Must(err)
	w.ok(200, w.call("PUT", "/sites/my-site/notices/"+n.ID, `{`+window+`,"pause":["my-system"]}`, ifMatch, anySeen))
	if a := w.call("PUT", "/sites/my-site/notices/"+n.ID, `{`+window+`}`, ifMatch, anySeen); a.problem() != "forbidden /pause role" {
		t.Error(a.text)
	}
}

// An import may be larger than any other document, and brings what is past without telling anyone.
func TestAnImportOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RegisterSites()
	site := strings.Replace(aSite("Old"), `[{"title":{"en":"Search"}}]`, `[{"id":"`+searchID+`","title":{"en":"Search"}}]`, 1)
	var changes []string
	for i := range 500 {
		changes = append(changes, fmt.Sprintf(`{"component":%q,"state":%q,"at":%q,"cause":"import"}`, searchID, status.States[i%5], w.Clock.Now().Add(time.Duration(i-600)*time.Minute).Format(time.RFC3339)))
	}
	body := `{"site":` + site + `,"notices":[{"id":"` + pastID + `","site":"old","kind":"incident","title":{"en":"Out"},"stage":"resolved","impact":"none","created":"2026-02-01T00:00:00Z","updated":"2026-02-01T00:00:00Z",` +
		`"started":"2026-02-01T00:00:00Z","updates":[{"id":"` + updateID + `","stage":"resolved","body":{"en":"Good."},"created":"2026-02-01T00:00:00Z","updated":"2026-02-01T00:00:00Z","shown":"2026-02-01T00:00:00Z"}]}],` +
		`"changes":[` + strings.Join(changes, ",") + `]}`
	w.set(func(o *api.Options) { o.Limits = api.Limits{Document: 1000} })
	if got := w.ok(201, w.call("POST", "/sites/old/import", body)); got.text != `{"created":true,"notices":1,"changes":500,"skipped":0}` {
		t.Error(got.text)
	}
	if got := w.ok(200, w.call("POST", "/sites/old/import", body)); got.text != `{"created":false,"notices":0,"changes":0,"skipped":501}` {
		t.Error(got.text)
	}
	if got := w.ok(200, w.call("GET", "/sites/old/components/"+searchID+"/history?limit=1000", "")).items(); len(got) != 500 {
		t.Errorf("%d states", len(got))
	}
	w.set(func(o *api.Options) { o.Limits = api.Limits{Batch: 1000} })
	if a := w.call("POST", "/sites/old/import", body); a.problem() != "body-too-large" {
		t.Error(a.text)
	}
	if a := w.call("POST", "/sites/new/import", `{"site":`+strings.Replace(aSite("x"), `{"title"`, `{"name":"old","title"`, 1)+`}`); a.problem() != "invalid-document /site/name path" {
		t.Error(a.text)
	}
}
