package status_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/status"
)

const (
	op    = status.Operational
	maint = status.Maintenance
	deg   = status.Degraded
	part  = status.PartialOutage
	major = status.MajorOutage
	none  = status.NoData
)

// TestC16TopLevelState is the vector of requirements section 7 and the rows of the reference's table 2.2.
func TestC16TopLevelState(t *testing.T) {
	t.Parallel()
	many := func(n int, s status.State) []status.State { return slices.Repeat([]status.State{s}, n) }
	for name, c := range map[string]struct {
		states      []status.State
		description string
		indicator   status.Indicator
	}{
		"no components":                    {nil, "All Systems Operational", "none"},
		"all operational":                  {[]status.State{op, op}, "All Systems Operational", "none"},
		"one degraded of two":              {[]status.State{op, deg}, "Partially Degraded Service", "minor"},
		"all degraded":                     {[]status.State{deg, deg}, "Degraded System Service", "minor"},
		"one partial of two":               {[]status.State{op, part}, "Minor Service Outage", "minor"},
		"all partial":                      {[]status.State{part, part}, "Partial System Outage", "major"},
		"one major of two":                 {[]status.State{op, major}, "Partial System Outage", "major"},
		"all major":                        {[]status.State{major, major}, "Major System Outage", "critical"},
		"one in maintenance":               {[]status.State{op, maint}, "Service Under Maintenance", "maintenance"},
		"all in maintenance":               {[]status.State{maint, maint}, "Service Under Maintenance", "maintenance"},
		"the only one degraded":            {[]status.State{deg}, "Partially Degraded Service", "minor"},
		"the only one partially out":       {[]status.State{part}, "Partial System Outage", "major"},
		"the only one out":                 {[]status.State{major}, "Major System Outage", "critical"},
		"Instructure, 11 degraded of 24":   {append(many(11, deg), many(13, op)...), "Partially Degraded Service", "minor"},
		"Cloudflare, 36 partial, 4, 22":    {slices.Concat(many(36, part), many(4, deg), many(22, maint), many(400, op)), "Minor Service Outage", "minor"},
		"Snowflake, all out":               {many(30, major), "Major System Outage", "critical"},
		"partial and major":                {[]status.State{part, major}, "Partial System Outage", "major"},
		"degraded and maintenance":         {[]status.State{deg, maint}, "Partially Degraded Service", "minor"},
		"what is not known does not count": {[]status.State{none, deg, deg}, "Degraded System Service", "minor"},
		"nothing is known":                 {[]status.State{none}, "All Systems Operational", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := status.HeadlineOf(c.states, nil); got.Description != c.description || got.Indicator != c.indicator {
				t.Errorf("got %q, %q; want %q, %q", got.Description, got.Indicator, c.description, c.indicator)
			}
		})
	}
}

func incident(impact status.Impact, stage status.Stage) *status.Notice {
	return &status.Notice{Kind: status.Incident, Stage: stage, Impact: impact}
}

// TestASiteWithoutComponentsIsWellUnlessAnIncidentIsOpen (requirements 1b).
func TestASiteWithoutComponentsIsWellUnlessAnIncidentIsOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open *status.Notice
		want string
	}{
		"critical":        {incident(status.ImpactCritical, status.Investigating), "Major System Outage"},
		"major":           {incident(status.ImpactMajor, status.Identified), "Partial System Outage"},
		"minor":           {incident(status.ImpactMinor, status.Monitoring), "Minor Service Outage"},
		"without impact":  {incident(status.ImpactNone, status.Investigating), "All Systems Operational"},
		"resolved":        {incident(status.ImpactCritical, status.Resolved), "All Systems Operational"},
		"an announcement": {&status.Notice{Kind: status.Announcement, Stage: status.Published, Impact: status.ImpactCritical}, "All Systems Operational"},
	} {
		if got := status.HeadlineOf(nil, []*status.Notice{c.open}).Description; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestPagesNeverSayAllIsWellOverAnOpenIncident is the deviation of the reference's 2.2, on pages only.
func TestPagesNeverSayAllIsWellOverAnOpenIncident(t *testing.T) {
	t.Parallel()
	well := status.HeadlineOf([]status.State{op}, nil)
	for name, c := range map[string]struct {
		states []status.State
		open   []*status.Notice
		want   status.Headline
	}{
		"minor":          {[]status.State{op}, []*status.Notice{incident(status.ImpactMinor, status.Investigating)}, status.Disturbed},
		"without impact": {[]status.State{op}, []*status.Notice{incident(status.ImpactNone, status.Investigating)}, status.AllOperational},
		"resolved":       {[]status.State{op}, []*status.Notice{incident(status.ImpactMajor, status.Resolved)}, status.AllOperational},
		"nothing known":  {[]status.State{none}, nil, status.Unknown},
		"one unknown":    {[]status.State{op, none}, nil, status.NoneKnown},
	} {
		if got := well.OnPage(c.states, c.open); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got.Description, c.want.Description)
		}
	}
	worse := status.HeadlineOf([]status.State{op, major}, nil)
	if got := worse.OnPage([]status.State{op, major}, []*status.Notice{incident(status.ImpactMinor, status.Investigating)}); got != worse {
		t.Errorf("a worse headline gave way to %q", got.Description)
	}
}

// TestTheHeadlineFollowsTheWorst holds the rules to what must be true of any states.
func TestTheHeadlineFollowsTheWorst(t *testing.T) {
	t.Parallel()
	rank := map[status.Indicator]int{"none": 0, "maintenance": 1, "minor": 2, "major": 3, "critical": 4}
	rapid.Check(t, func(r *rapid.T) {
		states := rapid.SliceOfN(rapid.SampledFrom(status.States), 1, 30).Draw(r, "states")
		got := status.HeadlineOf(states, nil)
		shuffled := rapid.Permutation(states).Draw(r, "order")
		if other := status.HeadlineOf(shuffled, nil); other != got {
			r.Fatalf("the order matters: %v is %q, %v is %q", states, got.Description, shuffled, other.Description)
		}
		if with := status.HeadlineOf(append(slices.Clone(states), none), nil); with != got {
			r.Fatalf("what is not known counts")
		}
		// One component that gets worse never makes the headline better.
		at := rapid.IntRange(0, len(states)-1).Draw(r, "at")
		worse := slices.Clone(states)
		if i := slices.Index(status.States, states[at]); i+1 < len(status.States) {
			worse[at] = status.States[i+1]
		}
		if after := status.HeadlineOf(worse, nil); rank[after.Indicator] < rank[got.Indicator] {
			r.Fatalf("%v is %s, and %v only %s", states, got.Indicator, worse, after.Indicator)
		}
		if got.State != status.Worst(states...) {
			r.Fatalf("%v wears %s", states, got.State)
		}
	})
}
