package statustest_test

import (
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// TestStoriesAreSitesThatMayBe holds every story to what the hub would take.
func TestStoriesAreSitesThatMayBe(t *testing.T) {
	t.Parallel()
	for _, story := range statustest.Stories() {
		w := story.World
		if err := fault.Invalid(fault.InvalidDocument, w.Site.Check()); err != nil {
			t.Errorf("%s: %v", story.Name, err)
		}
		for _, n := range w.Notices {
			if err := fault.Invalid(fault.InvalidDocument, n.Check(&w.Site)); err != nil {
				t.Errorf("%s: %s: %v", story.Name, n.ID, err)
			}
			if !status.IsID(n.ID) {
				t.Errorf("%s: %q is no id", story.Name, n.ID)
			}
		}
	}
}

// TestStoriesSayWhatTheyAreCalled keeps the stories from becoming other ones.
func TestStoriesSayWhatTheyAreCalled(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"well": "All Systems Operational", "busy": "Minor Service Outage", "out": "Major System Outage", "degraded": "Partially Degraded Service",
		"unknown": "All Systems Operational", "empty": "All Systems Operational", "large": "Minor Service Outage", "hostile": "Partially Degraded Service",
	}
	for _, story := range statustest.Stories() {
		if got := story.World.Board().Headline("").Description; got != want[story.Name] {
			t.Errorf("%s: %q, want %q", story.Name, got, want[story.Name])
		}
	}
}
