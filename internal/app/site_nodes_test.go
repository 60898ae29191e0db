package app_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/manage"
	sites "github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// TestASiteIsOneOnEveryNode: editors at two nodes at the same moment lose nothing, both nodes show the same, and a
// maintenance whose time has come is begun once although both nodes look after it.
func TestASiteIsOneOnEveryNode(t *testing.T) {
	t.Parallel()
	url, first := pgtest.Database(t), secrets(t, "")
	one, _ := begun(t, nodeOf(url, first))
	if _, err := one.Manager.PutSite(t.Context(), statustest.New().Site, manage.By{Author: "test"}); err != nil {
		t.Fatal(err)
	}
	other, _ := begun(t, nodeOf(url, secrets(t, first)))
	hubs := []*app.Hub{one, other}

	const each = 8
	var editors sync.WaitGroup
	for n, hub := range hubs {
		editors.Go(func() {
			for i := range each {
				_, err := hub.Manager.OpenNotice(t.Context(), "prod", manage.Opening{
					Kind: sites.Incident, Facts: manage.Facts{Title: sites.Text{"en": fmt.Sprintf("%d of node %d", i, n)}}, Body: sites.Text{"en": "We look."},
				}, "eva")
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	editors.Wait()
	now := sites.At(time.Now())
	planned, err := one.Manager.OpenNotice(t.Context(), "prod", manage.Opening{
		Kind: sites.Planned, Body: sites.Text{"en": "A restart."},
		Facts: manage.Facts{Title: sites.Text{"en": "Restart"}, Components: []string{statustest.ID("comp", 1)}, Starts: now.Add(-time.Second), Ends: now.Add(time.Hour)},
	}, "eva")
	if err != nil {
		t.Fatal(err)
	}
	for _, hub := range hubs {
		for changed := hub.Log.Reconfigured(); hub.Log.Book().Board("prod").Notice(planned.ID) == nil || !hub.Log.Book().Board("prod").Notice(planned.ID).Open(); changed = hub.Log.Reconfigured() {
			select {
			case <-changed:
			case <-t.Context().Done():
				t.Fatal("the maintenance does not begin")
			}
		}
		if err := hub.Log.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for n, hub := range hubs {
		board := hub.Log.Book().Board("prod")
		if got := len(board.Open("", sites.Incident)); got != len(hubs)*each {
			t.Errorf("node %d shows %d incidents, want %d", n, got, len(hubs)*each)
		}
		begun := board.Notice(planned.ID)
		if len(begun.Updates) != 2 || begun.Stage != sites.InProgress || board.Components[0].State != sites.Maintenance {
			t.Errorf("node %d: the maintenance is %s after %d updates, its component %s", n, begun.Stage, len(begun.Updates), board.Components[0].State)
		}
	}
}
