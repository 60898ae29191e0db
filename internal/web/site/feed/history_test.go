package feed

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// TestEveryNoticeHasANumberOfItsOwn: an entry of Atom's history is told from others by a number, as Statuspage's are. It is
// the id's own, so it never changes.
func TestEveryNoticeHasANumberOfItsOwn(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"000000000000": "0", "00000000000z": "35", "notice000001": "3118043980500295681", "zzzzzzzzzzzz": "4738381338321616895"} {
		if got := historyNumber(id); got != want {
			t.Errorf("%s has %s, want %s", id, got, want)
		}
	}
	id := rapid.StringMatching(`[a-z0-9]{12}`)
	rapid.Check(t, func(r *rapid.T) {
		a, b := id.Draw(r, "a"), id.Draw(r, "b")
		if (a == b) != (historyNumber(a) == historyNumber(b)) {
			r.Fatalf("%s has %s, and %s has %s", a, historyNumber(a), b, historyNumber(b))
		}
	})
}

// TestHistoryWindows is how a maintenance's time is written: on one day the day stands once.
func TestHistoryWindows(t *testing.T) {
	t.Parallel()
	site := &statustest.New().Site
	site.Prepare()
	at := func(day, hour int) status.Time {
		return status.At(time.Date(2024, time.January, day, hour, 0, 0, 0, site.Location()))
	}
	for _, c := range []struct {
		starts, ends status.Time
		want         string
	}{
		{at(16, 12), at(16, 16), "Jan <var data-var='date'>16</var>, <var data-var='time'>12:00</var> - <var data-var='time'>16:00</var> CET"},
		{at(8, 22), at(9, 2), "Jan <var data-var='date'> 8</var>, <var data-var='time'>22:00</var> - Jan <var data-var='date'> 9</var>, <var data-var='time'>02:00</var> CET"},
	} {
		if got := historyWindow(site, &status.Notice{Starts: c.starts, Ends: c.ends}); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
