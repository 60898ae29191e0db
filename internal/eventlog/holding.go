package eventlog

// Node is one process of several that share the log. Times are of the clock they share: the store's.
type Node struct {
	N       int64
	Name    string
	URL     string // where the others reach it; empty: nowhere
	Version string
	Started int64    // µs UTC
	Seen    int64    // µs UTC, when it was last heard of
	Holds   []string // names of holdings
}

// Holding is what one node has to itself for as long as it is heard of: the consumers of a system, or a duty. Each time
// it changes hands its token grows, and what is recorded under an earlier one is refused.
type Holding struct {
	Name  string
	Token int64
}

// The names of holdings begin with what is held.
const (
	OfSystem = "system/" // and the name of a system: its consumers
	OfDuty   = "duty/"   // and the name of what one node does for all
)
