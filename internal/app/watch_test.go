package app_test

import (
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/manage"
	sites "github.com/varselhub/varsel/internal/status"
)

// TestTheHubIsAComponentOfASite: what stands for the hub says by itself how it does, and its events are in the log.
func TestTheHubIsAComponentOfASite(t *testing.T) {
	t.Parallel()
	s := serve(t, app.Config{Data: t.TempDir(), NoAccess: true})
	site := sites.Site{
		Name: "own", Title: sites.Text{"en": "This hub"}, Zone: "Etc/UTC", Languages: []string{"en"}, Private: true,
		Sections: []sites.Section{{Name: "hub", Title: sites.Text{"en": "Hub"}, Components: []sites.Component{
			{Title: sites.Text{"en": "Taking events"}, Hub: "hub"}, {Title: sites.Text{"en": "Delay"}, Hub: "lag"},
			{Title: sites.Text{"en": "Its own events"}, Hub: "source/varsel"},
		}}},
	}
	changed := s.hub.Log.Reconfigured()
	if _, err := s.hub.Manager.PutSite(t.Context(), site, manage.By{Author: "test"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.hub.Log.Book().Board("own").Components {
		if c.State != sites.NoData {
			t.Fatalf("%s is %s before anyone has looked", c.Title["en"], c.State)
		}
	}
	<-changed
	s.hub.LookAtParts(t.Context())
	want := map[string]sites.State{"Taking events": sites.Operational, "Delay": sites.Operational, "Its own events": sites.Operational}
	for _, c := range s.hub.Log.Book().Board("own").Components {
		if c.State != want[c.Title["en"]] {
			t.Errorf("%s is %s, want %s", c.Title["en"], c.State, want[c.Title["en"]])
		}
	}
}
