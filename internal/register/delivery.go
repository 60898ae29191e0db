package register

// State is where a delivery stands.
type State string

// The states. A delivery is all or nothing: its rows are seen from the moment it is committed, and only then.
const (
	Staging   State = "staging"   // some of it is here, seen by nobody; posting it again goes on where it stopped
	Committed State = "committed" // seen; its events follow, in order
	Published State = "published" // and its events are in the log
	Refused   State = "refused"   // nothing of it is kept but why
)

// Delivery is one DatafordelerDataDelivery of a register, by the id that the register gave it.
type Delivery struct {
	Register string
	ID       string // unique within the register
	Number   int64  // in the register, from 1: the order in which deliveries were begun. The store sets it
	State    State
	Staged   int64  // entities of it that are here
	Digest   []byte // SHA-256 over those, chained: an id that comes again with other content is told from one that goes on
	Rows     int64  // rows made
	Closed   int64  // rows de-registered
	Events   int64  // events derived
	Begun    int64  // µs UTC
	Ended    int64  // µs UTC: committed or refused; 0: staging
	Reason   string // why it was refused, or, while it is Staging, is being refused
}

// Batch is a part of a delivery, staged in one transaction: everything of it is in the store, and Staged and Digest say so,
// or nothing is.
type Batch struct {
	Delivery *Delivery // as it stands with the batch; the transaction is refused when the store has it at another place
	Before   int64     // Staged, before it
	Rows     []Row
	Closings []Closing
	Outgoing []Outgoing
}

// Outgoing is an event that is derived from a delivery and not yet in the log.
type Outgoing struct {
	Number   int64  // in its register, ascending in the order of the operations, over all deliveries; the store sets it
	Delivery int64  // its number
	Draft    []byte // the event as a CloudEvent in JSON, structured
	Persons  []Naming
}

// Clash is a pair of rows of one object that say two things at once.
type Clash struct{ Row, Other Row }

// Query selects rows of an entity type, as of what was committed when it is read.
type Query struct {
	Register, Type string
	Registered     int64  // known at; µs UTC
	Effective      int64  // about; µs UTC
	History        bool   // every row instead, whenever it was known and about whatever time
	Object         Handle // of one object; zero: of all
	After          int64  // rows after this number
	Limit          int
}
