package status

// Indicator is the top-level word of the Statuspage API.
type Indicator string

// The indicators. The documentation lists four; maintenance is real (reference 2.1).
const (
	IndicatorNone        Indicator = "none"
	IndicatorMinor       Indicator = "minor"
	IndicatorMajor       Indicator = "major"
	IndicatorCritical    Indicator = "critical"
	IndicatorMaintenance Indicator = "maintenance"
)

// Headline is what a site, or a section of it, says first. Description is English and exact: clients of the Statuspage
// API match on its words. Pages say it in their language, by Description as the name of the message.
type Headline struct {
	Indicator   Indicator `json:"indicator"`
	Description string    `json:"description"`
	State       State     `json:"state"` // which state's colour and shape it wears
}

// The headlines (reference 2.2).
var (
	AllOperational    = Headline{IndicatorNone, "All Systems Operational", Operational}
	UnderMaintenance  = Headline{IndicatorMaintenance, "Service Under Maintenance", Maintenance}
	PartiallyDegraded = Headline{IndicatorMinor, "Partially Degraded Service", Degraded}
	DegradedService   = Headline{IndicatorMinor, "Degraded System Service", Degraded}
	MinorOutage       = Headline{IndicatorMinor, "Minor Service Outage", PartialOutage}
	PartialSystem     = Headline{IndicatorMajor, "Partial System Outage", PartialOutage}
	PartialOfMajor    = Headline{IndicatorMajor, "Partial System Outage", MajorOutage}
	MajorSystem       = Headline{IndicatorCritical, "Major System Outage", MajorOutage}

	// Disturbed is on pages only: an incident is open and no component says so (reference 2.2, the deviation).
	Disturbed = Headline{IndicatorMinor, "Open Incident", Degraded}
	// Unknown is on pages only: of no component it is known how it does.
	Unknown = Headline{IndicatorNone, "No Data", NoData}
	// NoneKnown is on pages only: nothing that is known is amiss, and of some component nothing is known. That all is well
	// would be more than anybody knows.
	NoneKnown = Headline{IndicatorNone, "No Known Problem", NoData}
)

// tally counts components by the severity of their state.
type tally struct {
	of  [6]int // NoData first
	all int
}

func (t *tally) add(s State, n int) {
	t.of[s.severity()] += n
	t.all += n
}

// HeadlineOf is the top-level status by the states of components, groups left out, and the open incidents. What is not
// known does not count.
func HeadlineOf(states []State, open []*Notice) Headline {
	var t tally
	for _, s := range states {
		t.add(s, 1)
	}
	return t.headline(open)
}

func (t *tally) headline(open []*Notice) Headline {
	if t.all == 0 {
		return headlineOfNone(open)
	}
	worst, known := t.worst(), t.all-t.of[0]
	all := t.of[worst.severity()] == known
	switch worst {
	case MajorOutage:
		if all {
			return MajorSystem
		}
		return PartialOfMajor
	case PartialOutage:
		if all {
			return PartialSystem
		}
		return MinorOutage
	case Degraded:
		if all && known > 1 {
			return DegradedService
		}
		return PartiallyDegraded
	case Maintenance:
		return UnderMaintenance
	}
	return AllOperational
}

// worst is the worst state that there is one of.
func (t *tally) worst() State {
	for i := len(States); i > 0; i-- {
		if t.of[i] > 0 {
			return States[i-1]
		}
	}
	return NoData
}

// headlineOfNone is that of a site without components: it is well unless an incident is open, which then says how bad it
// is (requirements 1b).
func headlineOfNone(open []*Notice) Headline {
	worst := ImpactNone
	for _, n := range open {
		if n.Open() && (n.Kind == Incident || n.Kind == Planned) && n.Impact.AtLeast(worst) {
			worst = n.Impact
		}
	}
	switch worst {
	case ImpactCritical:
		return MajorSystem
	case ImpactMajor:
		return PartialSystem
	case ImpactMinor:
		return MinorOutage
	case ImpactMaintenance:
		return UnderMaintenance
	}
	return AllOperational
}

// OnPage is the headline as pages show it: an open incident of some impact is never under "all operational", and what is
// not known is not promised to be well.
func (h Headline) OnPage(states []State, open []*Notice) Headline {
	var t tally
	for _, s := range states {
		t.add(s, 1)
	}
	return t.onPage(h, open)
}

func (t *tally) onPage(h Headline, open []*Notice) Headline {
	if h.Description != AllOperational.Description {
		return h
	}
	for _, n := range open {
		if n.Kind == Incident && n.Open() && n.Impact.AtLeast(ImpactMinor) {
			return Disturbed
		}
	}
	switch t.of[0] {
	case 0:
		return h
	case t.all:
		return Unknown
	}
	return NoneKnown
}
