package eventlog

// Holding is what one node of a hub has to itself until it lets go, or is not heard of: the consumers of a system, or a
// duty. Its token rises each time it changes hands, so what an earlier holder writes can be refused.
type Holding struct {
	Name  string // "system/NAME" or "duty/NAME"
	Token int64
	Since int64 // µs UTC
}

// Names of holdings.
const (
	SystemHolding = "system/" // and the system's name: all its consumers
	DutyHolding   = "duty/"   // and what is done by one node at a time
)

// Node is a process that shares the log with others. Its times are the database's clock.
type Node struct {
	N       int64 // rises: the eldest has the lowest
	Name    string
	URL     string // where the other nodes reach it; "": nowhere
	Version string
	Started int64 // µs UTC
	Seen    int64 // µs UTC when it was last heard of
	Until   int64 // µs UTC: what it holds is its own up to then
	Holds   []Holding
}
