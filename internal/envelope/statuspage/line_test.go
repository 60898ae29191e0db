package statuspage_test

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/envelope/statuspage"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// TestC13AnIncidentReachesAReceiverOfWebhooks is the whole line: someone opens an incident and resolves it, which is in
// the log as events, and each of these reaches the receiver as a webhook.
func TestC13AnIncidentReachesAReceiverOfWebhooks(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.RegisterSites()
	w.RenderBy(func(e *event.Event, _ *subscription.Subscription) *event.Rendering {
		return envelope.Of(statuspage.Envelope{}, e, w.Book.Last())
	})
	_, err := w.Manager.PutSite(t.Context(), status.Site{
		Name: "prod", Title: status.Text{"da": "Drift", "en": "Operations"}, Zone: "Europe/Copenhagen", Languages: []string{"da", "en"},
		Sections: []status.Section{{Name: "cpr", Title: status.Text{"da": "CPR"}, Groups: []status.Group{{
			Title: status.Text{"da": "Opslag"}, Components: []status.Component{{Title: status.Text{"da": "Webservice"}}, {Title: status.Text{"da": "Udtræk"}}},
		}}}},
	}, manage.By{Author: "eva"})
	w.Must(err)
	w.System("jobnet", profile.Statuspage)
	w.Subscribe("jobnet", subscription.Subscription{Name: "all", Types: status.Webhooked})

	site, _ := w.Book.Site("prod")
	id := site.Sections[0].Groups[0].Components[1].ID
	w.Clock.Advance(time.Minute)
	opened, err := w.Manager.OpenNotice(t.Context(), "prod", manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"da": "Udtræk fejler", "en": "Extracts fail"}},
		Body: status.Text{"en": "We are looking into it."}, Affected: map[string]status.State{id: status.MajorOutage},
	}, "eva")
	w.Must(err)
	w.Delivered(2)
	w.Clock.Advance(time.Hour)
	_, err = w.Manager.Say(t.Context(), "prod", opened.ID, manage.Saying{Stage: status.Resolved, Body: status.Text{"da": "Det er løst."}}, manage.By{Author: "eva"})
	w.Must(err)
	w.Delivered(4)

	// The first two and the last two are each in lanes of their own: they are put in the order of their kind.
	var text bytes.Buffer
	sent := w.Sent()
	for _, pair := range [][]managetest.Sent{sent[:2], sent[2:]} {
		if bytes.Contains(pair[0].Message.Body, []byte("component_update")) {
			pair[0], pair[1] = pair[1], pair[0]
		}
		for _, s := range pair {
			text.Write(s.Message.Body)
			text.WriteByte('\n')
		}
	}
	golden(t, "line.ndjson", numbered(text.Bytes()))
}

// numbered puts ids that are drawn at random in the order in which they come.
func numbered(text []byte) []byte {
	seen := map[string]string{}
	return regexp.MustCompile(`"[a-z0-9]{12}"|notices/[a-z0-9]{12}`).ReplaceAllFunc(text, func(found []byte) []byte {
		at := len(found) - 13
		if found[len(found)-1] != '"' {
			at = len(found) - 12
		}
		id := string(found[at : at+12])
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("id%010d", len(seen)+1)
		}
		return bytes.Replace(found, []byte(id), []byte(seen[id]), 1)
	})
}
