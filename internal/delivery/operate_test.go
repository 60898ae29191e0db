package delivery_test

import (
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/profile"
)

// parked makes a system whose lanes A and B stand parked, each with one event behind.
func parked(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.system("p", profile.Star)
	w.subscribe("p", "")
	w.publish("A#1", "B#1", "A#2", "B#2")
	for _, s := range w.expect("A#1", "B#1") {
		s.give(starAnswer(422))
	}
	w.quiet()
	return w
}

// DESIGN promise 12: what is audited is what happens. Lanes that come to stand in between are left alone, those that
// stand no more are passed over.
func TestOnlyWhatWasAuditedIsDiscarded(t *testing.T) {
	t.Parallel()
	w := parked(t)
	all := delivery.Selection{All: true}
	done := w.hub.DiscardAfter(all, func() {
		lane := w.hub.Lanes(all)[0]
		if lane.Position != 6 {
			t.Fatalf("%+v", lane)
		}
		_, err := w.hub.Discard(t.Context(), "eva", delivery.Selection{Lane: lane.Lane}, false)
		w.must(err)
		w.expect("A#2")["A#2"].give(starAnswer(422)) // a head that was not audited stands in its place
		w.quiet()
	})
	if len(done) != 1 || done[0].Position != 7 {
		t.Errorf("%+v", done)
	}
	w.expect("B#2")["B#2"].reply(200)
	w.quiet()
	if lanes := w.hub.Lanes(all); len(lanes) != 1 || lanes[0].Position != 8 || lanes[0].State != "parked" {
		t.Errorf("%+v", lanes)
	}
}

// Of what was asked for and not done nothing is in the audit log; of what was done, who, what and how many.
func TestReleaseAndDiscardAreAudited(t *testing.T) {
	t.Parallel()
	w := parked(t)
	lanes := w.hub.Lanes(delivery.Selection{All: true})
	_, err := w.hub.Discard(t.Context(), "eva", delivery.Selection{}, false)
	if err == nil {
		t.Error("nothing selects something")
	}
	for _, sel := range []delivery.Selection{{System: "none"}, {Lane: lanes[0].Lane, Subscription: "none"}} {
		_, err := w.hub.Release(t.Context(), "eva", sel, false)
		w.must(err)
	}
	_, err = w.hub.Discard(t.Context(), "eva", delivery.Selection{All: true}, true)
	w.must(err)
	_, err = w.hub.Discard(t.Context(), "eva", delivery.Selection{Lane: lanes[1].Lane, System: "p"}, false)
	w.must(err)
	behind := w.expect("B#2")["B#2"] // in flight: no release meets it
	_, err = w.hub.Release(t.Context(), "ole", delivery.Selection{All: true}, false)
	w.must(err)
	entries, err := w.store.Audit(t.Context(), audit.Query{})
	w.must(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Actor+" "+string(e.Act)+" "+e.Subject+" "+string(e.Detail))
	}
	want := []string{
		`eva discard system/p {"selected":{"system":"p","lane":true},"lanes":1,"positions":[7]}`,
		`ole release hub {"selected":{"all":true},"lanes":1,"positions":[6]}`,
	}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%q", got)
	}
	behind.reply(200)
	w.expect("A#1")["A#1"].reply(200)
	w.expect("A#2")["A#2"].reply(200)
}
