package status_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// TestD25HeadlinesThroughTime is what the feed of a site's state is made from.
func TestD25HeadlinesThroughTime(t *testing.T) {
	t.Parallel()
	type said struct {
		ago  time.Duration
		what string
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		world   *statustest.World
		section string
		want    []said
	}{
		"a site that is well": {statustest.New(), "", []said{{200 * day, "No Data"}, {100 * day, "All Systems Operational"}}},
		"a site on which everything happens": {statustest.Busy(), "", []said{
			{200 * day, "No Data"}, {100 * day, "All Systems Operational"}, {20 * day, "Partial System Outage"}, {20*day - time.Hour, "Open Incident"},
			{20*day - 2*time.Hour, "All Systems Operational"}, {10 * day, "Service Under Maintenance"}, {10*day - 2*time.Hour, "All Systems Operational"},
			{time.Hour, "Partially Degraded Service"}, {25 * time.Minute, "Minor Service Outage"},
		}},
		"a section of it": {statustest.Busy(), "erp", []said{
			{200 * day, "No Data"}, {100 * day, "All Systems Operational"}, {20 * day, "Partial System Outage"}, {20*day - time.Hour, "Open Incident"},
			{20*day - 2*time.Hour, "All Systems Operational"}, {10 * day, "Service Under Maintenance"}, {10*day - 2*time.Hour, "All Systems Operational"},
			{30 * time.Minute, "Service Under Maintenance"},
		}},
		"a site without components": {statustest.Empty(), "", []said{{200 * day, "All Systems Operational"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []said
			for _, span := range c.world.Board().Headlines(c.section) {
				got = append(got, said{statustest.Now.Sub(span.From), span.Headline.Description})
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%v, want\n%v", got, c.want)
			}
		})
	}
}

// TestHeadlinesAreThoseThatWere holds the past to what a page would have said then: at any moment, what is told of it now
// is what a board of that moment says.
func TestHeadlinesAreThoseThatWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := drawWorld(r)
		section := rapid.SampledFrom([]string{"", "one", "two"}).Draw(r, "section")
		board := w.board(lastMoment)
		spans := board.Headlines(section)
		for i := 1; i < len(spans); i++ {
			before, here := &spans[i-1], &spans[i]
			if before.From >= here.From || before.Headline == here.Headline || before.Changed >= here.From || here.Changed < here.From {
				r.Fatalf("%v is followed by %v", *before, *here)
			}
		}
		if got, want := spans[len(spans)-1].Headline, board.PageHeadline(section); got != want {
			r.Fatalf("the last is %q, and the page says %q", got.Description, want.Description)
		}
		at := status.Time(rapid.IntRange(int(spans[0].From), lastMoment).Draw(r, "at"))
		next, found := slices.BinarySearchFunc(spans, at, func(s status.HeadlineSpan, at status.Time) int { return int(s.From - at) })
		if !found {
			next--
		}
		if got, want := spans[next].Headline, w.board(at).PageHeadline(section); got != want {
			r.Fatalf("of %d it is told that it was %q, and then it was %q", at, got.Description, want.Description)
		}
	})
}

const lastMoment = 40

// drawnWorld is a site of two sections with whatever happened on it.
type drawnWorld struct {
	site    status.Site
	changes []*status.Change
	notices []*status.Notice
}

func drawWorld(r *rapid.T) *drawnWorld {
	w := &drawnWorld{site: status.Site{Languages: []string{"en"}, Sections: []status.Section{{Name: "one"}, {Name: "two"}}}}
	ids := []string{}
	for i := range w.site.Sections {
		for range rapid.IntRange(0, 3).Draw(r, "components") {
			ids = append(ids, statustest.ID("comp", len(ids)))
			w.site.Sections[i].Components = append(w.site.Sections[i].Components, status.Component{ID: ids[len(ids)-1]})
		}
	}
	moment := rapid.Custom(func(r *rapid.T) status.Time { return status.Time(rapid.IntRange(2, lastMoment).Draw(r, "moment")) })
	states := append(slices.Clone(status.States), status.NoData)
	if len(ids) > 0 {
		for range rapid.IntRange(0, 12).Draw(r, "changes") {
			w.changes = append(w.changes, &status.Change{
				Component: rapid.SampledFrom(ids).Draw(r, "which"), State: rapid.SampledFrom(states).Draw(r, "state"), At: moment.Draw(r, "at"),
			})
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(r, "notices") {
		n := &status.Notice{ID: fmt.Sprint(i), Kind: rapid.SampledFrom(status.Kinds).Draw(r, "kind")}
		if len(ids) > 0 && rapid.Bool().Draw(r, "affects") {
			n.Components = []string{rapid.SampledFrom(ids).Draw(r, "affected")}
		}
		times := rapid.SliceOfNDistinct(moment, 1, 4, rapid.ID).Draw(r, "times")
		slices.Sort(times)
		for _, at := range times {
			u := status.Update{Stage: rapid.SampledFrom(n.Kind.Stages()).Draw(r, "stage"), Created: at}
			if len(n.Components) > 0 {
				u.Affected = []status.Affected{{Component: n.Components[0], To: rapid.SampledFrom(status.States).Draw(r, "to")}}
			}
			n.Updates = append(n.Updates, u)
		}
		n.Settle()
		w.notices = append(w.notices, n)
	}
	return w
}

// board is the site as it stood at a moment.
func (w *drawnWorld) board(at status.Time) *status.Board {
	changes := map[string][]*status.Change{}
	for _, ch := range w.changes {
		if ch.At <= at {
			changes[ch.Component] = append(changes[ch.Component], ch)
		}
	}
	var notices []*status.Notice
	for _, n := range w.notices {
		then := n.Clone()
		then.Updates = slices.DeleteFunc(then.Updates, func(u status.Update) bool { return u.Created > at })
		if len(then.Updates) > 0 {
			then.Settle()
			notices = append(notices, then)
		}
	}
	return status.NewBoard(&w.site, 1, at, 1, changes, notices)
}

// TestEveryWordIsInEveryLanguage holds the hub's own words to the languages that sites may have.
func TestEveryWordIsInEveryLanguage(t *testing.T) {
	t.Parallel()
	words := map[string]status.Text{}
	for _, kind := range status.Kinds {
		words[string(kind)] = kind.Words()
		for _, stage := range kind.Stages() {
			words[string(stage)] = stage.Words()
		}
	}
	for _, h := range []status.Headline{
		status.AllOperational, status.UnderMaintenance, status.PartiallyDegraded, status.DegradedService, status.MinorOutage,
		status.PartialSystem, status.PartialOfMajor, status.MajorSystem, status.Disturbed, status.Unknown,
	} {
		words[h.Description] = h.Words()
	}
	for what, text := range words {
		for _, language := range status.Languages {
			if text[language] == "" {
				t.Errorf("%s has no word in %q", what, language)
			}
		}
	}
}
