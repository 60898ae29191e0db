package manage_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/status"
)

// changed is the site as it is, changed.
func (w *siteWorld) changed(change func(*status.Site)) status.Site {
	w.T.Helper()
	s, _ := w.Book.Site("prod")
	text, err := json.Marshal(s)
	w.Must(err)
	var next status.Site
	w.Must(json.Unmarshal(text, &next))
	change(&next)
	return next
}

// A site is made with its source, its components are operational, and all of it is one change that the log tells.
func TestASiteIsMade(t *testing.T) {
	t.Parallel()
	w := &siteWorld{World: managetest.New(t)}
	w.RegisterSites()
	put, err := w.Manager.PutSite(ctx, prod(), creating())
	w.Must(err)
	site, position := w.Book.Site("prod")
	if !put.Created || !put.Changed || put.Position != position || position == 0 {
		t.Errorf("%+v; the site is at %d", put, position)
	}
	ids := map[string]bool{site.ID: true}
	for _, s := range w.board().Components {
		ids[s.ID] = true
		if !status.IsID(s.ID) || s.State != status.Operational || s.Since != w.now() || s.Created != w.now() || s.Spans[0].Cause != status.ByHand {
			t.Errorf("%+v", s)
		}
	}
	ids[site.Sections[0].Groups[0].ID] = true
	if len(ids) != 5 || !status.IsID(site.ID) {
		t.Errorf("ids %v", ids)
	}
	if source, _ := w.Book.Source("varsel-site-prod"); source == nil || source.URI != "urn:varsel:site:prod" || source.Title != "Production" {
		t.Errorf("the source is %+v", source)
	}
	w.hears("site created")
	if got := w.acts(); !slices.Equal(got, []string{"test put-site site/prod"}) {
		t.Errorf("on record: %q", got)
	}
	if _, err := w.Manager.PutSource(ctx, *mustSource(w), creating()); tell(err) != "read-only" {
		t.Errorf("the site's source is anyone's to change: %v", err)
	}
}

// D13: ids, which people subscribe to and the past hangs on, are those that were, by name and place.
func TestASiteKeepsItsIDs(t *testing.T) {
	t.Parallel()
	rename := func(title status.Text) func(*status.Site) {
		return func(s *status.Site) { s.Sections[0].Components[0].Title = title }
	}
	for name, c := range map[string]struct {
		change func(*status.Site)
		kept   string // of Search, Mail and Files
		then   string // what is then called in one more language, and keeps its ids
	}{
		"put as it was first written":    {func(*status.Site) {}, "Search Mail Files", ""},
		"a name in one more language":    {rename(status.Text{"en": "Search", "da": "Søgning"}), "Search Mail Files", ""},
		"another name":                   {rename(en("Find")), "Mail Files", ""},
		"the same name, in another word": {rename(status.Text{"da": "Search"}), "Mail Files", ""},
		"moved out of its group": {func(s *status.Site) {
			s.Sections[0].Components, s.Sections[0].Groups = append(s.Sections[0].Components, s.Sections[0].Groups[0].Components[0]), nil
		}, "Search Mail Files", ""},
		"moved to another section": {func(s *status.Site) {
			s.Sections[1].Components, s.Sections[0].Components = append(s.Sections[1].Components, s.Sections[0].Components[0]), nil
		}, "Mail Files", ""},
		"two of one name": {func(s *status.Site) {
			s.Sections[0].Components = append(s.Sections[0].Components, s.Sections[0].Components[0])
		}, "Search Mail Files", ""},
		"two of one name in two places, in one more language": {func(s *status.Site) {
			s.Sections[0].Components = append(s.Sections[0].Components, status.Component{Title: en("Mail")})
		}, "Search Mail Files", "Mail"},
		"the sections the other way round": {func(s *status.Site) { slices.Reverse(s.Sections) }, "Search Mail Files", ""},
		"the group called otherwise":       {func(s *status.Site) { s.Sections[0].Groups[0].Title = en("Letters") }, "Search Mail Files", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			before := w.board()
			next := prod()
			c.change(&next)
			_, err := w.Manager.PutSite(ctx, next, anyState())
			w.Must(err)
			after := w.board()
			var kept []string
			for _, s := range before.Components {
				if now := after.Component(s.ID); now != nil {
					kept = append(kept, s.Title["en"])
					if now.Created != s.Created || len(now.Spans) != 1 {
						t.Errorf("%s was made at %s and is of %s", s.Title["en"], s.Created.Time(), now.Created.Time())
					}
				}
			}
			if got := strings.Join(kept, " "); got != c.kept || after.Site.ID != before.Site.ID {
				t.Errorf("kept %s, want %s", got, c.kept)
			}
			if c.then != "" {
				next.Sections[0].Components[1].Title = status.Text{"en": c.then, "da": "Brev"}
				next.Sections[0].Groups[0].Components[0].Title = status.Text{"en": c.then, "da": "Brev"}
				_, err := w.Manager.PutSite(ctx, next, anyState())
				w.Must(err)
				for i, s := range w.board().Components {
					if s.ID != after.Components[i].ID {
						t.Errorf("the %d. is another", i)
					}
				}
			}
			seen := map[string]bool{}
			for _, s := range after.Components {
				if seen[s.ID] || s.State != status.Operational {
					t.Errorf("%s twice, or %s", s.ID, s.State)
				}
				seen[s.ID] = true
			}
		})
	}
}

// When a component was made stays; when its document last changed moves with it alone.
func TestWhenAComponentChanged(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	next := w.changed(func(s *status.Site) {
		s.Sections[0].Components[0].Description = en("Finds cases.")
		s.Sections[0].Components[0].Created, s.Sections[1].Components[0].Updated = 5, 5 // not the client's to say
	})
	_, err := w.Manager.PutSite(ctx, next, anyState())
	w.Must(err)
	search, files := w.board().Component(w.search), w.board().Component(w.files)
	made := w.in(-time.Hour)
	if search.Created != made || search.Updated != w.now() || files.Created != made || files.Updated != made {
		t.Errorf("search %s %s, files %s %s", search.Created.Time(), search.Updated.Time(), files.Created.Time(), files.Updated.Time())
	}
	w.hears("site changed")
}

// A site is changed by those who have seen it, and putting what is so already changes nothing.
func TestASiteIsPutOnCondition(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	_, position := w.Book.Site("prod")
	titled := w.changed(func(s *status.Site) { s.Title = en("Live") })
	put := func(s status.Site, by manage.By) string {
		t.Helper()
		put, err := w.Manager.PutSite(ctx, s, by)
		if _, now := w.Book.Site("prod"); err == nil && put.Position != now {
			t.Errorf("it is at %d, and said to be at %d", now, put.Position)
		}
		return tell(err)
	}
	if got := put(titled, creating()); got != "if-match-required" {
		t.Errorf("without a condition: %s", got)
	}
	if got := put(titled, seen(position-1)); got != "precondition-failed" {
		t.Errorf("of another state: %s", got)
	}
	if got := put(titled, manage.By{Author: "test", Condition: manage.Condition{Absent: true}}); got != "precondition-failed" {
		t.Errorf("though it is there: %s", got)
	}
	if got := put(prod(), creating()); got != "" {
		t.Errorf("what is so already: %s", got)
	}
	w.hears()
	w.say(w.outage(w.search, status.Degraded), manage.Saying{Body: en("More.")}) // a change of something else
	if got := put(titled, seen(position)); got != "" {
		t.Errorf("of the state it has: %s", got)
	}
	if source, _ := w.Book.Source("varsel-site-prod"); source.Title != "Live" {
		t.Errorf("its source is still called %s", source.Title)
	}
	other := prod()
	other.Name = "demo"
	if got := put(other, anyState()); got != "precondition-failed" {
		t.Errorf("a change of one that is not there: %s", got)
	}
}

// What is refused is told with where it stands, all of it at once, and changes nothing.
func TestWhatASiteMayNotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*siteWorld, *status.Site)
		want   string
	}{
		"a path of the hub's": {func(_ *siteWorld, s *status.Site) { s.Name = "api" }, "/name reserved"},
		"no slug":             {func(_ *siteWorld, s *status.Site) { s.Name = "Æ" }, "/name slug"},
		"another site's host": {func(_ *siteWorld, s *status.Site) { s.Hosts = []string{"free.example", "status.example"} }, "/hosts/1 unique"},
		"a host twice":        {func(_ *siteWorld, s *status.Site) { s.Hosts = []string{"a.example", "a.example"} }, "/hosts/1 unique"},
		"another site's ids":  {func(w *siteWorld, s *status.Site) { s.ID, s.Sections[0].Components[0].ID = w.board().Site.ID, w.search }, "/id unique; /sections/0/components/0/id unique"},
		"an id twice": {func(_ *siteWorld, s *status.Site) {
			s.ID = "abcdefghijkl"
			s.Sections[0].Components[0].ID = "abcdefghijkl"
		}, "/sections/0/components/0/id unique"},
		"a source that is none":    {func(_ *siteWorld, s *status.Site) { s.Sections[1].Components[0].Hub = "source/none" }, "/sections/1/components/0/hub exists"},
		"an endpoint that is none": {func(_ *siteWorld, s *status.Site) { s.Sections[0].Groups[0].Components[0].Hub = "endpoint/none" }, "/sections/0/groups/0/components/0/hub exists"},
		"a part that is none, and all": {func(_ *siteWorld, s *status.Site) {
			s.Zone, s.Languages, s.Sections[0].Components[0].Hub = "Moon", []string{"de"}, "moon"
		}, "/languages/0 enum; /sections/0/components/0/hub part; /sections/0/components/0/title/en language; /sections/0/groups/0/components/0/title/en language; /sections/0/groups/0/title/en language; /sections/0/title/en language; /sections/1/components/0/title/en language; /sections/1/title/en language; /title/en language; /zone zone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t)
			_, err := w.Manager.PutSite(ctx, w.changed(func(s *status.Site) { s.Hosts = []string{"status.example"} }), anyState())
			w.Must(err)
			head := w.Log.Head()
			next := prod()
			next.Name = "demo"
			c.change(w, &next)
			if _, err := w.Manager.PutSite(ctx, next, creating()); tell(err) != "invalid-document "+c.want {
				t.Errorf("%s\nwant invalid-document %s", tell(err), c.want)
			}
			if w.Log.Head() != head {
				t.Error("something was written")
			}
		})
	}
	w := newSiteWorld(t)
	if _, err := w.Manager.PutSite(ctx, w.changed(func(s *status.Site) { s.ID = "abcdefghijkl" }), anyState()); tell(err) != "invalid-document /id fixed" {
		t.Errorf("its own id is another: %v", err)
	}
}

// A part of the hub that a component stands for may go: the site can be changed all the same.
func TestASiteOutlivesThePartsItStandsFor(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.System("jobnet", profile.Standard)
	_, err := w.Manager.PutSite(ctx, w.changed(func(s *status.Site) {
		s.Sections[0].Components = append(s.Sections[0].Components, status.Component{Title: en("Jobnet"), Hub: "endpoint/jobnet"})
	}), anyState())
	w.Must(err)
	if s := w.board().Component(w.id("Jobnet")); s.State != status.NoData || len(s.Spans) > 0 {
		t.Errorf("it stands for a part of the hub, and is %s before that was looked at", s.State)
	}
	_, err = w.Manager.RemoveSystem(ctx, "jobnet", anyState(), nil)
	w.Must(err)
	_, err = w.Manager.PutSite(ctx, w.changed(func(s *status.Site) { s.Title = en("Live") }), anyState())
	w.Must(err)
}

// A site that was removed is gone, with the pauses of its maintenances; put again it is what it was.
func TestARemovedSiteComesBackAsItWas(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	w.System("jobnet", profile.Standard)
	w.System("arkiv", profile.Standard)
	n := w.outage(w.search, status.MajorOutage)
	for _, systems := range [][]string{{"jobnet"}, {"jobnet", "arkiv"}} { // two, one of which would take over the pause of the other
		w.open(manage.Opening{Kind: status.Planned, Stage: status.InProgress, Facts: manage.Facts{Title: en("Update"), Starts: w.now(), Ends: w.in(time.Hour), Pause: systems}})
	}
	if got := len(w.Book.Pauses()); got != 2 {
		t.Fatalf("%d pauses", got)
	}
	before := w.board()
	w.heardOf()
	if err := w.Manager.RemoveSite(ctx, "prod", creating()); tell(err) != "if-match-required" {
		t.Errorf("without a condition: %v", err)
	}
	w.Must(w.Manager.RemoveSite(ctx, "prod", anyState()))
	if w.board() != nil || len(w.Book.Sites()) != 0 || len(w.Book.Pauses()) != 0 {
		t.Errorf("it is still there: %v, pauses %v", w.Book.Sites(), w.Book.Pauses())
	}
	if err := w.Manager.RemoveSite(ctx, "prod", anyState()); tell(err) != "not-found" {
		t.Errorf("what is not there: %v", err)
	}
	for what, err := range map[string]error{
		"say": second(w.Manager.Say(ctx, "prod", n.ID, manage.Saying{Body: en("More.")}, anyState())), "open": second(w.Manager.OpenNotice(ctx, "prod", manage.Opening{}, "eva")),
		"set": w.Manager.SetState(ctx, "prod", w.search, manage.Setting{State: status.Degraded}, "eva"),
	} {
		if tell(err) != "not-found" {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.Clock.Advance(24 * time.Hour)
	put, err := w.Manager.PutSite(ctx, prod(), creating())
	w.Must(err)
	after := w.board()
	if !put.Created || after.Site.ID != before.Site.ID || after.Created != before.Created || len(after.Notices) != 3 || after.Component(w.search).State != status.MajorOutage {
		t.Errorf("put again: %+v, %d notices, %s", put, len(after.Notices), w.states())
	}
	w.hears("site removed", "site created")
	if got := after.Component(w.mail).Spans; len(got) != 1 {
		t.Errorf("its past is %v", got)
	}
}

func second(_ *status.Notice, err error) error { return err }
