package siteimport

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/statusapi"
)

var update = flag.Bool("update", false, "write the golden files anew")

const day = 24 * time.Hour

// reader reads from this machine, and waits for nothing.
func reader(t testing.TB) *Reader {
	t.Helper()
	guard, err := netguard.New(netguard.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(guard)
	r.wait = func(context.Context, time.Duration) error { return nil }
	return r
}

func serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// one is the boards of a hub with one site.
type one struct{ board *status.Board }

func (o one) Sites() []*status.Site           { return []*status.Site{o.board.Site} }
func (o one) Board(name string) *status.Board { return o.board }

// published is a story as a page that others read.
func published(t testing.TB, w *statustest.World) string {
	t.Helper()
	server := site.New(site.Options{
		Boards: one{w.Board()}, Clock: clock.NewFake(statustest.Now.Time()), Leaves: statusapi.Leaves(), Root: statusapi.RootLeaves(),
		URL: func(s *status.Site) string { return "https://status.example/" + s.Name },
	})
	return serve(t, server) + "/" + w.Site.Name
}

func read(t testing.TB, address string) *Found {
	t.Helper()
	found, err := reader(t).Read(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAPageIsTakenOver: a page is read as anyone reads it, imported into a hub, and stands there as it stood.
func TestAPageIsTakenOver(t *testing.T) {
	t.Parallel()
	story := statustest.Busy()
	story.Site.Sections = story.Site.Sections[:1] // of several sections a page tells only the groups
	for _, n := range story.Notices {
		n.Components = slices.DeleteFunc(n.Components, func(id string) bool { return story.Site.Component(id) == nil })
	}
	address := published(t, story)
	document := Make(read(t, address), Options{Name: "taken", Language: "en", Now: statustest.Now})
	if len(document.Left) > 0 {
		t.Errorf("left: %q", document.Left)
	}
	w := managetest.New(t)
	w.RegisterSites()
	w.Clock.Advance(statustest.Now.Time().Sub(w.Clock.Now()))
	take := func() manage.ImportReport {
		t.Helper()
		text, err := json.Marshal(document)
		w.Must(err)
		var in manage.Imported
		w.Must(json.Unmarshal(text, &in))
		report, err := w.Manager.ImportSite(t.Context(), "taken", in, manage.By{Author: "eva"})
		w.Must(err)
		return report
	}
	if first := take(); !first.Created || first.Notices != len(document.Notices) || first.Changes != len(document.Changes) {
		t.Errorf("%+v of %d notices and %d changes", first, len(document.Notices), len(document.Changes))
	}
	got, want := w.Book.Board("taken"), story.Board()
	if got.Headline("") != want.Headline("") || got.Site.ID != want.Site.ID {
		t.Errorf("the headline is %v, want %v", got.Headline(""), want.Headline(""))
	}
	for _, s := range want.Components {
		taken := got.Component(s.ID)
		if taken == nil || taken.State != s.State || taken.Title["en"] != s.Title["en"] || taken.OnlyIfDegraded != s.OnlyIfDegraded || got.FullName(taken) != want.FullName(s) {
			t.Errorf("%s is %+v", s.ID, taken)
			continue
		}
		for i, d := range taken.Days(90, statustest.Now, got.Site.Location()) {
			if was := s.Days(90, statustest.Now, got.Site.Location())[i]; d.Spell != was.Spell {
				t.Errorf("%s, %s: %+v, was %+v", s.ID, d.Date.Format(time.DateOnly), d.Spell, was.Spell)
			}
		}
	}
	for _, n := range want.About("", status.Incident, status.Planned) {
		taken := got.Notice(n.ID)
		if taken == nil || taken.Kind != n.Kind || taken.Stage != n.Stage || taken.Impact != n.Impact || taken.Created != n.Created || taken.Started != n.Started ||
			taken.Over != n.Over || taken.Starts != n.Starts || len(taken.Updates) != len(n.Updates) || taken.Last().ID != n.Last().ID || taken.Imported != "https://status.example/prod/notices/"+n.ID {
			t.Errorf("%s is %+v", n.ID, taken)
		}
	}
	if again := take(); again.Notices+again.Changes != 0 {
		t.Errorf("taken again it brings %+v", again)
	}
	// What is taken off the site here does not come back, and is no reason to refuse the rest.
	site, position := w.Book.Site("taken")
	less := *site
	less.Sections = []status.Section{{Name: "services", Title: site.Sections[0].Title, Components: site.Sections[0].Components}}
	_, err := w.Manager.PutSite(t.Context(), less, manage.By{Author: "eva", Condition: manage.Condition{Seen: []int64{position}}})
	w.Must(err)
	if again := take(); again.Notices+again.Changes != 0 {
		t.Errorf("taken once more it brings %+v", again)
	}
}

// foreign answers as a page that has been through a lot: the old form, ids of another form, markup, and what is missing.
const (
	foreignComponents = `{"page":{"id":"01JMDK9XYNY6RXSED6SDWW50WY","name":"Acme\u0007","url":"https://status.acme.example","time_zone":"Mars/Olympus","updated_at":"2026-03-04T12:00:00Z"},
"components":[
 {"id":"leaf00000002","name":"B","status":"operational","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-03-01T00:00:00.000Z","position":2,"description":null,"group_id":"01JGROUP","group":false,"x":1},
 {"id":"01JLEAF1","name":"A","status":"major_outage","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-03-02T00:00:00.000Z","position":1,"description":"one<br>two","group_id":"01JGROUP","group":false,"start_date":"2026-02-01"},
 {"id":"01JGROUP","name":"","status":"operational","created_at":null,"updated_at":null,"position":1,"group":true,"components":[]},
 {"id":"empty0000001","name":"Nothing in it","group":true,"position":9},
 {"id":"leaf00000003","name":"C","status":"who_knows","position":3,"group_id":"nosuchgroup0"},
 {"id":"leaf00000003","name":"C again","status":"operational","position":4},
 {"id":"leaf00000004","name":"D","status":"operational","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z","position":5},
 {"id":"leaf00000005","name":"E","status":"partial_outage","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2027-01-01T00:00:00.000Z","position":6}
]}`
	foreignIncidents = `{"incidents":[
 {"id":"01JINC1","name":"It broke","status":"resolved","created_at":"2026-02-01T10:00:00.000+01:00","updated_at":"2026-02-01T12:00:00.000+01:00","resolved_at":"2026-02-01T12:00:00.000+01:00","impact":"critical",
  "shortlink":"javascript://x.example/%0Aalert(1)","started_at":null,"components":[{"id":"leaf00000002"},{"id":"goneaway0000"}],
  "incident_updates":[
   {"id":"upd000000003","status":"postmortem","body":"Why","created_at":"2026-02-03T12:00:00.000+01:00","display_at":null,"affected_components":[],"deliver_notifications":false},
   {"id":"upd000000002","status":"resolved","body":"See <a class=\"x\" href=\"https://x.example/a\">this</a>, and <a href=\"https://x.example/\">https://x.example/</a>.<br /><br/>a < b & c","created_at":"2026-02-01T12:00:00.000+01:00","display_at":"2026-02-01T12:30:00.000+01:00","affected_components":[{"name":"No components were affected by this update."}]},
   {"id":"","status":"investigating","body":"","created_at":"2026-02-01T10:00:00.000+01:00","affected_components":[{"code":"leaf00000002","name":"Group - B","old_status":"operational","new_status":"partial_outage"}]},
   {"id":"upd000000000","status":"shrugging","body":"","created_at":"2026-02-01T10:00:00.000+01:00"},
   {"id":"upd00000000x","status":"identified","body":"","created_at":"some time"}
  ]},
 {"id":"inc000000002","name":"Nothing was said","status":"resolved","created_at":"2026-02-01T10:00:00Z","incident_updates":[]}
]}`
	foreignMaintenances = `{"scheduled_maintenances":[
 {"id":"mnt000000001","name":"Late","status":"scheduled","created_at":"2026-02-01T10:00:00Z","updated_at":"2026-02-01T10:00:00Z","impact":"none","scheduled_for":"2026-03-04T10:00:00Z","scheduled_until":"2026-03-05T10:00:00Z","incident_updates":[{"id":"upm000000001","status":"scheduled","body":"x","created_at":"2026-02-01T10:00:00Z"}]},
 {"id":"mnt000000002","name":"To come","status":"scheduled","created_at":"2026-02-01T10:00:00Z","updated_at":"2026-02-01T10:00:00Z","impact":"maintenance","scheduled_for":"2026-04-04T10:00:00Z","scheduled_until":"2026-04-05T10:00:00Z","incident_updates":[{"id":"upm000000002","status":"scheduled","body":"x","created_at":"2026-02-01T10:00:00Z"}]},
 {"id":"mnt000000003","name":"Never","status":"scheduled","created_at":"2026-02-01T10:00:00Z","scheduled_for":"2026-04-04T10:00:00Z","scheduled_until":"2026-04-04T10:00:00Z","incident_updates":[{"id":"upm000000003","status":"scheduled","body":"x","created_at":"2026-02-01T10:00:00Z"}]}
]}`
)

func foreign(w http.ResponseWriter, r *http.Request) {
	text := map[string]string{
		"/api/v2/components.json": foreignComponents, "/api/v2/incidents.json": foreignIncidents, "/api/v2/scheduled-maintenances.json": foreignMaintenances,
	}[r.URL.Path]
	if text == "" {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = w.Write([]byte(text)) // whatever ?page says
}

// TestWhatPagesHaveBeenThrough: what the hub has no place for is left out, and said so; the rest is a site that it takes.
func TestWhatPagesHaveBeenThrough(t *testing.T) {
	t.Parallel()
	found := read(t, serve(t, http.HandlerFunc(foreign))+"/")
	found.From = "https://status.acme.example"
	document := Make(found, Options{Name: "acme", Language: "da", Now: statustest.Now})
	if err := fault.Invalid(fault.InvalidDocument, document.Site.Check()); err != nil {
		t.Error(err)
	}
	for i := range document.Notices {
		if err := fault.Invalid(fault.InvalidDocument, document.Notices[i].Check(&document.Site)); err != nil {
			t.Error(err)
		}
	}
	text, err := json.MarshalIndent(struct {
		*Document
		Left []string
	}{document, document.Left}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "foreign.json", text)
	first, _ := json.Marshal(document)
	if again, _ := json.Marshal(Make(found, Options{Name: "acme", Language: "da", Now: statustest.Now})); string(again) != string(first) {
		t.Error("made again it is another")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
}

// TestThePastOfAComponent is what follows from the updates and from how it is now.
func TestThePastOfAComponent(t *testing.T) {
	t.Parallel()
	const op, part, major = status.Operational, status.PartialOutage, status.MajorOutage
	first := &status.Notice{ID: "first", Over: 30}
	second := &status.Notice{ID: "second"}
	for name, c := range map[string]struct {
		said           []said
		now            status.State
		began, changed status.Time
		want           string
	}{
		"nothing was ever said, and it is well":     {nil, op, 5, 70, "5 operational"},
		"nothing was ever said, and it is out":      {nil, major, 5, 70, "5 operational; 70 major_outage"},
		"nothing is known but how it is":            {nil, major, 0, 0, "90 major_outage"},
		"it went down and came up":                  {[]said{{10, op, part, first}, {20, part, op, first}}, op, 5, 70, "5 operational; 10 partial_outage first; 20 operational first"},
		"told in another order":                     {[]said{{20, part, op, first}, {10, op, part, first}}, op, 5, 70, "5 operational; 10 partial_outage first; 20 operational first"},
		"the same again is not a change":            {[]said{{10, op, part, first}, {15, part, part, first}}, part, 5, 70, "5 operational; 10 partial_outage first"},
		"it came up without a word, when all was":   {[]said{{10, op, part, first}, {50, op, major, second}}, major, 5, 70, "5 operational; 10 partial_outage first; 30 operational first; 50 major_outage second"},
		"another began before all was over":         {[]said{{10, op, part, first}, {20, op, major, second}}, major, 5, 70, "5 operational; 10 partial_outage first; 20 major_outage second"},
		"it got better when all was over":           {[]said{{10, op, part, first}}, op, 5, 70, "5 operational; 10 partial_outage first; 30 operational first"},
		"it got worse after all was over":           {[]said{{10, op, part, first}}, major, 5, 70, "5 operational; 10 partial_outage first; 30 operational first; 70 major_outage"},
		"it got better without a word since":        {[]said{{10, op, part, second}}, op, 5, 70, "5 operational; 10 partial_outage second; 70 operational"},
		"it got better, and nobody says when":       {[]said{{10, op, part, second}}, op, 5, 10, "5 operational; 10 partial_outage second; 90 operational"},
		"it is younger than what was said of it":    {[]said{{10, op, part, second}}, part, 50, 70, "10 partial_outage second"},
		"how it is now is no word there is":         {[]said{{10, op, part, second}}, "unknown", 5, 70, "5 operational; 10 partial_outage second"},
		"it was said to be well, and is not known":  {nil, "", 5, 70, ""},
		"the page is older than what it says of it": {[]said{{95, op, part, second}}, op, 5, 20, "5 operational; 95 partial_outage second; 96 operational"},
	} {
		l := &line{component: "c"}
		l.tell(c.said, c.began)
		l.end(c.now, c.changed, 90, c.began)
		var got []string
		for _, ch := range l.changes {
			got = append(got, strings.TrimSpace(fmt.Sprint(int64(ch.At), " ", ch.State, " ", ch.Notice)))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, text, c.want)
		}
	}
}

// TestPagesAreReadToTheirEnd, and no page twice.
func TestPagesAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	for i := range 120 {
		at := statustest.Ago(time.Duration(1000-i) * time.Hour)
		n := &status.Notice{
			ID: statustest.ID("inc", i), Site: "prod", Kind: status.Incident, Title: status.Text{"en": fmt.Sprint(i)}, Created: at, Updated: at, Started: at,
			Updates: []status.Update{{ID: statustest.ID("upd", i), Stage: status.Resolved, Created: at, Updated: at, Shown: at}},
		}
		n.Settle()
		w.Notices = append(w.Notices, n)
	}
	if found := read(t, published(t, w)); len(found.Incidents) != 120 || len(found.Maintenances) != 0 {
		t.Errorf("%d incidents, %d maintenances", len(found.Incidents), len(found.Maintenances))
	}
}

// TestWhatIsNotRead is what the other side may not do with us.
func TestWhatIsNotRead(t *testing.T) {
	t.Parallel()
	page := `{"page":{"id":"acme00000000","name":"Acme"},"components":[]}`
	count := 0
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   fault.Code
		says   string
	}{
		"a page of something else": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, fault.PageUnreadable, "is not Statuspage's"},
		"another API":              {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"components":[]}`)) }, fault.PageUnreadable, "names no page"},
		"nothing there":            {http.NotFound, fault.PageUnreadable, "404"},
		"it fails":                 {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, fault.PageUnreadable, "502"},
		"it sends us on and on":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, fault.ConnectFailed, "on and on"},
		"it sends us inside": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, fault.AddressRefused, "169.254"},
		"it sends us to another scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, fault.AddressRefused, "https"},
		"an answer without an end": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"x":"`))
			for chunk := []byte(strings.Repeat("x", 1<<20)); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, fault.PageUnreadable, "more than is read"},
		"pages without an end": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "components.json") {
				_, _ = w.Write([]byte(page))
				return
			}
			count++
			_, _ = fmt.Fprintf(w, `{"incidents":[{"id":"x%d"}]}`, count)
		}, fault.PageUnreadable, "more than 200 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader(t)
			r.client.Timeout = 0
			if found, err := r.Read(t.Context(), serve(t, c.answer)); !fault.Has(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %v; want %s: %s", found, err, c.code, c.says)
			}
		})
	}
	for _, address := range []string{"https://127.0.0.2.example/?a=b", "https://10.0.0.1/", "ftp://x.example", "https://user:pass@x.example", "nothing"} {
		if _, err := reader(t).Read(t.Context(), address); !fault.Has(err, fault.AddressRefused) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestItComesBackWhenAsked: a page that is asked too often, or fails for a moment, is asked again; one that goes on is not.
func TestItComesBackWhenAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked.Add(1) {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.Header().Set("Retry-After", "999999999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3, 4: // a client asks by itself once more
			panic(http.ErrAbortHandler)
		default:
			foreign(w, r)
		}
	}))
	var waits []time.Duration
	r := reader(t)
	r.wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	if _, err := r.Read(t.Context(), address); err != nil || !slices.Equal(waits, []time.Duration{7 * time.Second, time.Minute, 3 * time.Second}) {
		t.Errorf("waited %v: %v", waits, err)
	}
	waits = nil
	failing := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	if _, err := r.Read(t.Context(), failing); !fault.Has(err, fault.PageUnreadable) || len(waits) != maxTries-1 {
		t.Errorf("waited %d times: %v", len(waits), err)
	}
}

// TestIDsMayBeReplaced: a page that is one site already can be another, and be read again there too.
func TestIDsMayBeReplaced(t *testing.T) {
	t.Parallel()
	found := read(t, published(t, statustest.Busy()))
	taken := func(name string, replaced bool) map[string]bool {
		document := Make(found, Options{Name: name, Language: "en", NewIDs: replaced, Now: statustest.Now})
		ids := map[string]bool{document.Site.ID: true}
		document.Site.Each(func(_ *status.Section, g *status.Group, c *status.Component) { ids[c.ID], ids[g.ID] = true, true })
		for _, n := range document.Notices {
			ids[n.ID], ids[n.Updates[0].ID] = true, true
			for _, id := range n.Components {
				if document.Site.Component(id) == nil {
					t.Errorf("%s is of a component that is not there", n.ID)
				}
			}
		}
		return ids
	}
	kept, one, other := taken("one", false), taken("one", true), taken("other", true)
	if len(one) != len(kept) || !maps.Equal(one, taken("one", true)) {
		t.Errorf("%d ids, of %d", len(one), len(kept))
	}
	for id := range one {
		if !status.IsID(id) || kept[id] || other[id] {
			t.Errorf("%q is there twice", id)
		}
	}
}

// TestPartsAreTheWhole: however small they are, together they are the document, and the first says how each component
// began.
func TestPartsAreTheWhole(t *testing.T) {
	t.Parallel()
	document := Make(read(t, published(t, statustest.Busy())), Options{Name: "taken", Language: "en", Now: statustest.Now})
	for _, most := range []int{1, 6000, 1 << 30} {
		parts, err := document.Parts(most)
		if err != nil {
			t.Fatal(err)
		}
		var notices []status.Notice
		changes := map[string][]status.Change{}
		for i, part := range parts {
			text, _ := json.Marshal(part)
			if i == 0 {
				begun := map[string]bool{}
				for _, ch := range part.Changes {
					begun[ch.Component] = true
				}
				if len(begun) != 8 || most == 1 && len(part.Changes) != 8 {
					t.Errorf("the first of %d parts begins %d components with %d changes", len(parts), len(begun), len(part.Changes))
				}
			} else if len(text) > most && len(part.Notices)+len(part.Changes) > 1 {
				t.Errorf("a part has %d bytes, want %d", len(text), most)
			}
			notices = append(notices, part.Notices...)
			for _, ch := range part.Changes {
				changes[ch.Component] = append(changes[ch.Component], ch)
			}
		}
		if len(notices) != len(document.Notices) {
			t.Errorf("%d of %d notices", len(notices), len(document.Notices))
		}
		want := map[string][]status.Change{}
		for _, ch := range document.Changes {
			want[ch.Component] = append(want[ch.Component], ch)
		}
		if fmt.Sprint(changes) != fmt.Sprint(want) {
			t.Errorf("the changes are others")
		}
		if most == 1<<30 && len(parts) != 1 || most == 6000 && len(parts) < 2 {
			t.Errorf("%d parts of %d bytes", len(parts), most)
		}
	}
}

// TestLongTextsAreCut: the hub takes no longer ones.
func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	w := statustest.New()
	long := strings.Repeat("ø", 30_000)
	w.Site.Sections[0].Components[0].Description = status.Text{"en": long}
	n := w.Add(&status.Notice{Kind: status.Incident, Title: status.Text{"en": "A"}, Updates: []status.Update{{Stage: status.Investigating, Created: statustest.Ago(day), Body: status.Text{"en": long}}}})
	n.Title = status.Text{"en": long}
	for i := range 250 {
		n.Updates = append(n.Updates, status.Update{ID: statustest.ID("more", i), Stage: status.Identified, Created: statustest.Ago(day - time.Duration(i)*time.Minute), Body: status.Text{"en": fmt.Sprint(i)}})
	}
	document := Make(read(t, published(t, w)), Options{Name: "taken", Language: "en", Now: statustest.Now})
	found := append(document.Site.Check(), document.Notices[0].Check(&document.Site)...)
	if len(found) > 0 || len(document.Notices[0].Updates) != 200 || document.Notices[0].Last().Body["en"] != "249" || len(document.Left) != 4 {
		t.Errorf("%v; %d updates; left %q", found, len(document.Notices[0].Updates), document.Left)
	}
}
