package monitor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/monitor"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// TestWhatAPartsFiguresMean is each state that a part of the hub may be in.
func TestWhatAPartsFiguresMean(t *testing.T) {
	t.Parallel()
	well := func() *monitor.Parts {
		return &monitor.Parts{Takes: true, Systems: map[string]monitor.System{"jobnet": {Endpoints: 2}}, Sources: map[string]monitor.Source{"cv": {}}}
	}
	system := func(s monitor.System) *monitor.Parts {
		p := well()
		p.Systems["jobnet"] = s
		return p
	}
	source := func(s monitor.Source) *monitor.Parts {
		p := well()
		p.Sources["cv"] = s
		return p
	}
	for name, c := range map[string]struct {
		part   string
		parts  *monitor.Parts
		want   status.State
		reason string
	}{
		"the hub is well":                 {"hub", well(), status.Operational, ""},
		"it takes nothing":                {"hub", &monitor.Parts{}, status.MajorOutage, "Events are not taken in at the moment"},
		"it cannot be told":               {"hub", &monitor.Parts{Unknown: true}, status.NoData, ""},
		"no lag":                          {"lag", well(), status.Operational, ""},
		"some lag":                        {"lag", &monitor.Parts{Behind: 10_001}, status.Degraded, "10001 events behind"},
		"much lag":                        {"lag", &monitor.Parts{Behind: 1_000_001}, status.PartialOutage, "1000001 events behind"},
		"a receiver is well":              {"endpoint/jobnet", well(), status.Operational, ""},
		"one endpoint of two is down":     {"endpoint/jobnet", system(monitor.System{Endpoints: 2, Down: 1}), status.PartialOutage, "1 of 2 endpoints do not answer"},
		"all are down":                    {"endpoint/jobnet", system(monitor.System{Endpoints: 2, Down: 2}), status.MajorOutage, "It does not answer"},
		"a lane is parked":                {"endpoint/jobnet", system(monitor.System{Endpoints: 2, Parked: 3}), status.Degraded, "3 keys are parked"},
		"a lane is tried again":           {"endpoint/jobnet", system(monitor.System{Endpoints: 2, Retrying: 3}), status.Degraded, "Some messages are tried again"},
		"it is paused":                    {"endpoint/jobnet", system(monitor.System{Endpoints: 2, Down: 2, Paused: true}), status.Maintenance, "Paused"},
		"a receiver that is not":          {"endpoint/nobody", well(), status.NoData, ""},
		"a source is well":                {"source/cv", well(), status.Operational, ""},
		"a stream is read":                {"source/cv", source(monitor.Source{Stream: true, Reading: true}), status.Operational, ""},
		"a stream cannot be read":         {"source/cv", source(monitor.Source{Stream: true}), status.MajorOutage, "It cannot be read"},
		"a stream is stopped":             {"source/cv", source(monitor.Source{Stream: true, Stopped: true}), status.Maintenance, "It is not read for now"},
		"messages are set aside":          {"source/cv", source(monitor.Source{Stream: true, Reading: true, Aside: 2}), status.Degraded, "2 messages are set aside"},
		"a source is not there":           {"source/none", well(), status.NoData, ""},
		"a part that nobody has heard of": {"moon", well(), status.NoData, ""},
	} {
		got, reason := c.parts.Judge(c.part)
		if got != c.want || reason["en"] != c.reason {
			t.Errorf("%s: %s, %q; want %s, %q", name, got, reason["en"], c.want, c.reason)
		}
		for _, language := range status.Languages {
			if c.reason != "" && reason[language] == "" {
				t.Errorf("%s: there is no reason in %s", name, language)
			}
		}
	}
}

// world is a site with one component that stands for the hub, and one that stands for nothing.
type world struct {
	*statustest.World
	parts *monitor.Parts
	err   error
	asked int
	said  []string
	told  int
	m     *monitor.Monitor
}

func newWorld(t *testing.T, hub string) *world {
	t.Helper()
	w := &world{World: statustest.New(), parts: &monitor.Parts{Takes: true}}
	w.World.Site.Sections[0].Components[0].Hub = hub
	w.m = monitor.New(monitor.Options{
		Sites: w, Clock: clock.NewFake(statustest.Now.Time()),
		Look: func(context.Context) (*monitor.Parts, error) {
			w.asked++
			return w.parts, w.err
		},
		Say: func(_ context.Context, site, component string, s status.State, reason status.Text) error {
			w.said = append(w.said, fmt.Sprintf("%s/%s %s", site, component, s))
			w.Set(component, s, statustest.Now, reason, status.ByHub, "")
			return nil
		},
		Trouble: func(string, error) { w.told++ },
	})
	return w
}

func (w *world) Sites() []*status.Site      { return []*status.Site{&w.World.Site} }
func (w *world) Board(string) *status.Board { return w.World.Board() }
func (w *world) is(takes bool) *world       { w.parts = &monitor.Parts{Takes: takes}; return w }
func (w *world) look(n int) *world {
	for range n {
		w.m.Look(context.Background())
	}
	return w
}

// TestOneLookIsNotBelieved: a state is said when two looks in a row say so, and one in between begins anew.
func TestOneLookIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hub")
	w.is(true).look(3).is(false).look(1).is(true).look(1).is(false).look(1)
	if len(w.said) > 0 {
		t.Fatalf("it said %v", w.said)
	}
	w.look(1).is(true).look(2)
	component := statustest.ID("comp", 1)
	want := []string{"prod/" + component + " major_outage", "prod/" + component + " operational"}
	if !slices.Equal(w.said, want) {
		t.Errorf("it said %v, want %v", w.said, want)
	}
}

// TestTwoLooksMustSayTheSame: what is out in one look and not known in the next is neither.
func TestTwoLooksMustSayTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hub")
	w.is(false).look(1)
	w.err = errors.New("no answer")
	w.look(1)
	if len(w.said) > 0 {
		t.Errorf("it said %v", w.said)
	}
}

// TestWhatIsNotKnownIsSaidSo and told to the operator.
func TestWhatIsNotKnownIsSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hub")
	w.err = errors.New("no answer")
	w.look(2)
	if want := []string{"prod/" + statustest.ID("comp", 1) + " no_data"}; !slices.Equal(w.said, want) || w.told != 2 {
		t.Errorf("it said %v and told %d; want %v and 2", w.said, w.told, want)
	}
}

// TestNothingIsAskedForNobody: where no component stands for the hub, it is left in peace.
func TestNothingIsAskedForNobody(t *testing.T) {
	t.Parallel()
	if w := newWorld(t, "").look(3); w.asked != 0 || len(w.said) > 0 {
		t.Errorf("asked %d times, said %v", w.asked, w.said)
	}
}
