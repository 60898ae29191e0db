package status

import "slices"

// State is how a component does. The words are Statuspage's, which receivers of its API know.
type State string

// The states, from best to worst, and what is not known. NoData is never shown as up, and never in the Statuspage API.
const (
	NoData        State = "no_data"
	Operational   State = "operational"
	Maintenance   State = "under_maintenance"
	Degraded      State = "degraded_performance"
	PartialOutage State = "partial_outage"
	MajorOutage   State = "major_outage"
)

// States lists the five from best to worst: the one ordered scale that every theme names (requirements 3c).
var States = []State{Operational, Maintenance, Degraded, PartialOutage, MajorOutage}

// Known reports whether the text is a state, NoData among them.
func (s State) Known() bool { return s == NoData || slices.Contains(States, s) }

// severity orders the states: NoData 0, Operational 1, up to MajorOutage 5.
func (s State) severity() int { return slices.Index(States, s) + 1 }

// Worse reports whether s is worse than u.
func (s State) Worse(u State) bool { return s.severity() > u.severity() }

// Worst is the worst of states that are known: a group's state (reference 2.3, "worst child"). Of none it is NoData.
func Worst(states ...State) State {
	worst := NoData
	for _, s := range states {
		if s.Worse(worst) {
			worst = s
		}
	}
	return worst
}

// Impact is how much a notice means.
type Impact string

// The impacts, from least to most.
const (
	ImpactNone        Impact = "none"
	ImpactMaintenance Impact = "maintenance"
	ImpactMinor       Impact = "minor"
	ImpactMajor       Impact = "major"
	ImpactCritical    Impact = "critical"
)

// Impacts lists them.
var Impacts = []Impact{ImpactNone, ImpactMaintenance, ImpactMinor, ImpactMajor, ImpactCritical}

// Impact is what a component in this state means for the notice that affects it (reference 2.3).
func (s State) Impact() Impact {
	switch s {
	case Degraded:
		return ImpactMinor
	case PartialOutage:
		return ImpactMajor
	case MajorOutage:
		return ImpactCritical
	case Maintenance:
		return ImpactMaintenance
	}
	return ImpactNone
}

// AtLeast reports whether an impact is as much as another.
func (i Impact) AtLeast(other Impact) bool {
	return slices.Index(Impacts, i) >= slices.Index(Impacts, other)
}

// Cause is what set a component's state: what a machine saw and what a person said are kept apart.
type Cause string

// The causes.
const (
	ByHand    Cause = "manual"
	ByNotice  Cause = "notice"
	ByMonitor Cause = "monitor"
	ByImport  Cause = "import"
	ByHub     Cause = "hub" // a component that stands for a part of this hub
)

// Change is one change of a component's state.
type Change struct {
	Component string `json:"component"` // its id
	State     State  `json:"state"`
	At        Time   `json:"at"`               // since when it is so
	Reason    Text   `json:"reason,omitempty"` // why, for people: "1 of 2 data centres"
	Cause     Cause  `json:"cause"`
	Notice    string `json:"notice,omitempty"` // the notice that said so

	Version int64 `json:"-"` // position of the revision; the book's
}
