package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// The ids on the site that stage makes.
const (
	searchID, mailID = "search000001", "mail00000001"
	openID           = "openinciden1" // an incident
	pastID           = "pastinciden1" // one that is over
	actionID         = "action000001"
	spareID          = "spareincid01"
	updateID         = "update000001" // of the open incident
)

// stage makes a status site with something of everything, all under ids that are known. Those of another site differ.
func (w *world) stage(name string) {
	w.T.Helper()
	if !manage.SitesRegistered(w.Book) {
		w.RegisterSites()
	}
	now := status.At(w.Clock.Now())
	ago := func(hours int) status.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	en := func(text string) status.Text { return status.Text{"en": text} }
	notice := func(id string, kind status.Kind, title string, updates ...status.Update) status.Notice {
		for i := range updates {
			u := &updates[i]
			u.Updated, u.Shown, u.Author = u.Created, u.Created, "eva"
		}
		return status.Notice{ID: id, Kind: kind, Title: en(title), Created: updates[0].Created, Started: updates[0].Created, Updated: updates[len(updates)-1].Created, Updates: updates}
	}
	degraded := []status.Affected{{Component: searchID, Name: "Search", From: status.Operational, To: status.Degraded}}
	in := manage.Imported{
		Site: status.Site{
			ID: "page00000001", Title: en(name), Zone: "Europe/Copenhagen", Languages: []string{"en", "da"},
			Sections: []status.Section{{Name: "all", Title: en("All"), Components: []status.Component{{ID: searchID, Title: en("Search")}, {ID: mailID, Title: en("Mail")}}}},
		},
		Notices: []status.Notice{
			notice(openID, status.Incident, "Search is slow", status.Update{ID: updateID, Stage: status.Investigating, Body: en("We look."), Created: ago(2), Affected: degraded}),
			notice(pastID, status.Incident, "Search was out", status.Update{ID: "update000002", Stage: status.Resolved, Body: en("Good."), Created: ago(20)}),
			notice(actionID, status.Action, "Change the address", status.Update{ID: "update000003", Stage: status.Published, Body: en("Do."), Created: ago(30)}),
			notice(spareID, status.Incident, "Mail is slow", status.Update{ID: "update000004", Stage: status.Monitoring, Body: en("Better."), Created: ago(40)}),
		},
		Changes: []status.Change{
			{Component: searchID, State: status.Operational, At: ago(1000), Cause: status.ByHand},
			{Component: searchID, State: status.MajorOutage, At: ago(30), Cause: status.ByMonitor, Reason: en("Fire")},
			{Component: searchID, State: status.Degraded, At: ago(2), Cause: status.ByNotice, Notice: openID},
			{Component: mailID, State: status.Operational, At: ago(1000), Cause: status.ByHand},
		},
	}
	in.Notices[0].Components = []string{searchID}
	text, err := json.Marshal(in)
	w.Must(err)
	if strings.HasPrefix(name, "rival") {
		text = []byte(rivals.Replace(string(text)))
	}
	in = manage.Imported{}
	w.Must(json.Unmarshal(text, &in))
	_, err = w.Manager.ImportSite(w.T.Context(), name, in, manage.By{Author: "test"})
	w.Must(err)
}

// rivals gives what is on one site the ids that it has on another.
var rivals = strings.NewReplacer("page00", "rival0", searchID, "search0rival", mailID, "mail00rival1", openID, "openrival001", pastID, "pastrival001", actionID, "actionrival1",
	spareID, "sparerival01", "update0", "rivalu0")

// siteURL is where tests have their sites.
func siteURL(site *status.Site) string { return "https://status.test/" + site.Name }

// noContent fails the test unless an answer has none.
func (w *world) noContent(a answer) {
	w.T.Helper()
	if a.status != http.StatusNoContent || a.text != "" {
		w.T.Errorf("%d %s", a.status, a.text)
	}
}

// onSite is something that is done on a status site; again says that it changes nothing when it is done once more.
func onSite(act audit.Act, subject, detail, path, refused, changes string, again bool) administrative {
	a := administrative{
		act: act, subject: subject, detail: detail, makes: true, prepare: func(w *world) string { w.stage("prod"); return "" },
		refused: request{path: path, body: refused}, changes: request{path: path, body: changes, headers: anyState},
	}
	if act == audit.ImportSite || detail == `{"created":true}` { // what is not there is not changed in any state
		a.changes.headers = nil
	}
	if again {
		a.nothing = []request{a.changes}
	}
	return a
}
