package retention

import (
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Nobody notes who asks for windows. So the report of an erasure says of such a system that it may have the events: it is
// to be told.
func TestWhoAsksForWindowsMayHaveWhatIsErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := subscription.Subscription{ID: ident.New().String(), System: "kommune", Name: "w", Channel: subscription.Window, State: subscription.Active}
	w.Must(w.Log.Append(t.Context(), &eventlog.Request{Expect: w.Book.Last(), Revisions: []revision.Revision{
		revision.Of("test", revision.Source, "windowed", event.Source{Name: "windowed", URI: "urn:s", Types: []string{"*"}}),
		revision.Of("test", revision.System, "kommune", subscription.System{Name: "kommune", Agreement: subscription.Agreement{
			Profile: profile.Datafordeler, BaseURL: "https://kommune.test", Sources: []string{"*"},
		}}),
		revision.Of("test", revision.Subscription, s.ID, s),
	}}))
	w.found = w.accept("P6M", "P6M")
	_, err := w.keeper.Erase(t.Context(), "eva", person, "case 7", 2)
	w.Must(err)
	w.keeper.Stop()
	report, err := w.keeper.Report(t.Context(), 1)
	w.Must(err)
	if len(report.Systems) != 1 || report.Systems[0] != (Recipient{System: "kommune", Tried: 2}) {
		t.Errorf("%+v", report.Systems)
	}
}
