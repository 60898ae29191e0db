package manage_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/status"
)

// siteWorld is a hub with a status site, prod, whose components are called Search, Mail and Files.
type siteWorld struct {
	*managetest.World
	search, mail, files string // ids
	heard               int64  // position up to which events were heard
}

// en is a text in English.
func en(text string) status.Text { return status.Text{"en": text} }

// prod is the site as a person writes it, without an id.
func prod() status.Site {
	return status.Site{
		Name: "prod", Title: en("Production"), Zone: "Europe/Copenhagen", Languages: []string{"en", "da"},
		Sections: []status.Section{
			{Name: "crm", Title: en("CRM"), Components: []status.Component{{Title: en("Search")}}, Groups: []status.Group{{Title: en("Post"), Components: []status.Component{{Title: en("Mail")}}}}},
			{Name: "erp", Title: en("ERP"), Components: []status.Component{{Title: en("Files")}}},
		},
	}
}

func newSiteWorld(t *testing.T) *siteWorld {
	t.Helper()
	w := &siteWorld{World: managetest.New(t)}
	w.RegisterSites()
	_, err := w.Manager.PutSite(ctx, prod(), creating())
	w.Must(err)
	w.search, w.mail, w.files = w.id("Search"), w.id("Mail"), w.id("Files")
	w.heard = w.Log.Head()
	w.Clock.Advance(time.Hour)
	return w
}

func (w *siteWorld) board() *status.Board { return w.Book.Board("prod") }

// id is that of a component, by its English title.
func (w *siteWorld) id(title string) string {
	w.T.Helper()
	for _, s := range w.board().Components {
		if s.Title["en"] == title {
			return s.ID
		}
	}
	w.T.Fatalf("there is no %s", title)
	return ""
}

func (w *siteWorld) title(id string) string {
	if s := w.board().Component(id); s != nil {
		return s.Title["en"]
	}
	return id
}

// states writes how the components are: "Search operational, …", those that are operational left out.
func (w *siteWorld) states() string {
	var list []string
	for _, s := range w.board().Components {
		if s.State != status.Operational {
			list = append(list, s.Title["en"]+" "+string(s.State))
		}
	}
	return strings.Join(list, ", ")
}

func (w *siteWorld) now() status.Time { return status.At(w.Clock.Now()) }

func (w *siteWorld) in(d time.Duration) status.Time { return w.now().Add(d) }

// open opens a notice, which must go well.
func (w *siteWorld) open(o manage.Opening) *status.Notice {
	w.T.Helper()
	n, err := w.Manager.OpenNotice(ctx, "prod", o, "eva")
	w.Must(err)
	return n
}

// say says something of a notice, which must go well.
func (w *siteWorld) say(n *status.Notice, s manage.Saying) *status.Notice {
	w.T.Helper()
	n, err := w.Manager.Say(ctx, "prod", n.ID, s, manage.By{Author: "eva"})
	w.Must(err)
	return n
}

// outage opens an incident that has a component in a state.
func (w *siteWorld) outage(component string, s status.State) *status.Notice {
	w.T.Helper()
	return w.open(manage.Opening{Kind: status.Incident, Facts: manage.Facts{Title: en("Outage")}, Body: en("It is out."), Affected: map[string]status.State{component: s}})
}

// heardOf lists what events have told since it was last asked: "site changed", "Search operational→major_outage",
// "incident opened investigating".
func (w *siteWorld) heardOf() []string {
	w.T.Helper()
	var list []string
	for _, e := range w.events() {
		list = append(list, w.outline(e))
	}
	return list
}

// events are those since it was last asked.
func (w *siteWorld) events() []*event.Event {
	w.T.Helper()
	events, upTo, err := w.Log.Read(ctx, w.heard, 10_000)
	w.Must(err)
	w.heard = upTo
	return slices.DeleteFunc(events, func(e *event.Event) bool { return !strings.HasPrefix(e.Type, "varsel.status.") })
}

func (w *siteWorld) outline(e *event.Event) string {
	w.T.Helper()
	read := func(into any) { w.Must(json.Unmarshal(e.Data, into)) }
	switch e.Type {
	case status.SiteChanged:
		var told status.SiteTold
		read(&told)
		return strings.TrimSpace("site " + told.Change + " " + w.title(told.Component))
	case status.ComponentChanged:
		var told status.ComponentTold
		read(&told)
		if told.Component.State != told.To || told.Component.ID == "" || e.Type == "" {
			w.T.Errorf("the component is %s, and is told to be %s", told.Component.State, told.To)
		}
		return fmt.Sprintf("%s %s→%s", told.Component.Name, told.From, told.To)
	}
	var told status.NoticeTold
	read(&told)
	quiet := ""
	if told.Quiet {
		quiet = " quietly"
	}
	if told.Notice.Site != "prod" || told.URL != "https://status.example/prod/notices/"+told.Notice.ID {
		w.T.Errorf("it is told of %s at %s", told.Notice.Site, told.URL)
	}
	return fmt.Sprintf("%s %s %s%s", told.Notice.Kind, told.Change, told.Notice.Stage, quiet)
}

// hears holds what was told since it was last asked to what is wanted.
func (w *siteWorld) hears(want ...string) {
	w.T.Helper()
	if got := w.heardOf(); !slices.Equal(got, want) {
		w.T.Errorf("it is told:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// acts lists what is in the audit log: "eva open-notice notice/prod/ID", ids of notices left out.
func (w *siteWorld) acts() []string {
	w.T.Helper()
	entries, err := w.Store.Audit(ctx, audit.Query{Limit: 1000})
	w.Must(err)
	var list []string
	for _, e := range entries {
		subject := e.Subject
		if strings.HasPrefix(subject, "notice/") {
			subject = subject[:strings.LastIndexByte(subject, '/')]
		}
		list = append(list, e.Actor+" "+string(e.Act)+" "+subject)
	}
	return list
}

// mustSource is the site's, as somebody would change it.
func mustSource(w *siteWorld) *event.Source {
	source, _ := w.Book.Source("varsel-site-prod")
	next := *source
	next.Title = "Mine"
	return &next
}
