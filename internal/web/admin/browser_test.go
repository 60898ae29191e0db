package admin_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/browsertest"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// serve serves the pages to a real browser, as somebody who has signed in.
func (w *world) serve(name string) string {
	server := httptest.NewServer(w.handler(name))
	w.T.Cleanup(server.Close)
	return server.URL
}

// busy is a world in which all that the pages show is there: what is late, what is planned, what is over.
func busy(t *testing.T) (w *world, open, over *status.Notice) {
	t.Helper()
	w = newWorld(t)
	over = w.resolved(w.open("eva", manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Sign-in was refused", "da": "Login blev afvist"}}, Body: status.Text{"en": "Users are refused."},
		Affected: map[string]status.State{signIn: status.MajorOutage},
	}))
	w.Clock.Advance(time.Hour)
	open = w.slow()
	_, err := w.Manager.Say(ctx, "prod", open.ID, manage.Saying{
		Stage: status.Identified, Body: status.Text{"en": "An index is being built anew.\nUntil then, search by number.", "da": "Et indeks bliver bygget op på ny."},
		Affected: map[string]status.State{odata: status.PartialOutage}, NextUpdate: ptr(w.in(15 * time.Minute)),
	}, manage.By{Author: "ida"})
	w.Must(err)
	w.Clock.Advance(25 * time.Minute)
	w.open("ida", manage.Opening{
		Kind: status.Planned, Facts: manage.Facts{Title: status.Text{"en": "Database upgrade", "da": "Opgradering af database"}, Components: []string{databases}, Starts: w.in(72 * time.Hour), Ends: w.in(75 * time.Hour)},
		Body: status.Text{"en": "The CRM is read-only meanwhile."},
	})
	w.open("ida", manage.Opening{
		Kind: status.Action, Facts: manage.Facts{Title: status.Text{"en": "Change the address of the OData service"}, Components: []string{odata}, Deadline: w.in(300 * time.Hour)},
		Body: status.Text{"en": "The old address ends."},
	})
	w.Must(w.Manager.SetState(ctx, "prod", backOffice, manage.Setting{State: status.Degraded, Reason: status.Text{"en": "1 of 2 data centres"}}, "ida"))
	return w, w.board().Notice(open.ID), w.board().Notice(over.ID)
}

func ptr[T any](v T) *T { return &v }

// WCAG 2.1 A and AA, on every page, in both themes, on a desk and on a phone.
func TestThePagesAreForEveryone(t *testing.T) {
	t.Parallel()
	w, open, over := busy(t)
	address := w.serve("eva")
	browser := browsertest.Start(t)
	at := "/admin/prod"
	for name, path := range map[string]string{
		"sites": "/admin/", "new site": "/admin/new", "overview": at, "notices": at + "/notices", "kinds": at + "/notices/new",
		"incident": at + "/notices/new?kind=incident", "maintenance": at + "/notices/new?kind=maintenance", "action": at + "/notices/new?kind=action",
		"bulletin": at + "/notices/new?kind=bulletin", "notice": at + "/notices/" + open.ID, "notice over": at + "/notices/" + over.ID,
		"facts": at + "/notices/" + open.ID + "/facts", "update": at + "/notices/" + open.ID + "/updates/" + open.Updates[0].ID,
		"afterwards": at + "/notices/" + over.ID + "/afterwards", "remove notice": at + "/notices/" + open.ID + "/remove",
		"past of a notice": at + "/notices/" + open.ID + "/history", "state": at + "/states/" + search, "tree": at + "/components",
		"section": at + "/components/section/crm", "group": at + "/components/group/" + dataGroup, "new group": at + "/components/group/new?in=crm",
		"component": at + "/components/component/" + search, "remove component": at + "/components/component/" + search + "/remove",
		"looks": at + "/looks", "past": at + "/history",
	} {
		for _, view := range browsertest.Views {
			t.Run(fmt.Sprintf("%s, %s", name, view), func(t *testing.T) {
				t.Parallel()
				browser.Open(t, address+path, view).Accessible()
			})
		}
	}
}
