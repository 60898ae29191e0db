package delivery

import (
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// Where a delivery can be. docs/where.md says what each means, and what to do about it.
const (
	StatePending  = "pending"  // not looked at yet, or ready: Why says what it waits for
	StateWaiting  = "waiting"  // behind an earlier event of its lane
	StateSending  = "sending"  // an attempt is in flight
	StateRetrying = "retrying" // the last attempt failed, and another is due
	StateParked   = "parked"   // it will not be tried again by itself
	StateLeased   = "leased"   // lent from a queue, and not acknowledged
	StateKept     = "kept"     // there to be asked for by window; nobody says that it has it
	StateServed   = "served"   // handed out to a cursor's reader, which has not come back with it

	StateDelivered = "delivered" // the receiver said that it has it
	StateConfirmed = "confirmed" // a cursor's reader came back with a later cursor
	StateWithheld  = "withheld"  // the agreement did not grant it when it was its turn
	StateDropped   = "dropped"   // its subscription was removed first
	StateExpired   = "expired"   // it was forgotten first, at the end of its retention or on a person's erasure; or given up
	StateDiscarded = "discarded" // a person gave it up
)

// States lists where a delivery can be, those that end it last.
func States() []string {
	return []string{
		StatePending, StateWaiting, StateSending, StateRetrying, StateParked, StateLeased, StateKept, StateServed,
		StateDelivered, StateConfirmed, StateWithheld, StateDropped, StateExpired, StateDiscarded,
	}
}

// Why a delivery that could go has not gone.
const (
	WhyPaused     = "paused"             // by the scopes of PausedBy
	WhyInactive   = "not-active"         // its subscription is a draft, untested or deactivated
	WhyDown       = "endpoint-down"      // one delivery tries; the others wait for what it finds
	WhyRejecting  = "endpoint-rejecting" // until a test message passes
	WhyBusy       = "endpoint-busy"      // as much is in flight as may be, or the receiver asked to be left alone
	WhyReplay     = "replay"             // a replay has more for its lane, which comes first
	WhyNotFetched = "not-fetched"        // the system has not come for it
	WhyNotGranted = "not-granted"        // as the agreement is now it ends as withheld when it is its turn
	WhyStore      = "cannot-store"       // the hub cannot write to its disk
	WhyCatchingUp = "catching-up"        // the hub has not come so far for this consumer
)

// Whereabouts is where one event is on its way to one subscription. Instants are µs UTC; 0: none, or not known.
type Whereabouts struct {
	System       string           `json:"system"`
	Consumer     string           `json:"consumer"`
	Subscription string           `json:"subscription"`
	Name         string           `json:"name"`    // of the subscription when the event came
	Channel      string           `json:"channel"` // as it is now: webhook, queue, cursor or window
	Endpoint     string           `json:"endpoint,omitempty"`
	Lane         string           `json:"lane"`
	State        string           `json:"state"`
	Why          string           `json:"why,omitempty"` // it has not gone yet
	PausedBy     []revision.Scope `json:"pausedBy,omitempty"`
	At           int64            `json:"at"`    // when it came to where it is: delivered, parked, lent, handed out, …
	Since        int64            `json:"since"` // of the first failure, while there is trouble
	Due          int64            `json:"due"`   // of the next attempt; when parked, of its expiry; when leased, of the lease's end; when kept, of the end of that
	Attempts     int              `json:"tried"` // how often
	Status       int              `json:"status,omitempty"`
	Reason       string           `json:"reason,omitempty"` // why the last attempt failed
	Behind       *Ahead           `json:"behind,omitempty"`
	Replays      []Replayed       `json:"replays,omitempty"`

	// Tries are the attempts, those of replays included, with what is not committed yet.
	Tries []eventlog.Attempt `json:"-"`
}

// Ahead is what stands at the head of a lane that an event waits in.
type Ahead struct {
	Position int64  `json:"position"`
	State    string `json:"state"`
	Why      string `json:"why,omitempty"`
	Since    int64  `json:"since"` // of its first failure
	Due      int64  `json:"due"`
	Attempts int    `json:"tried"`
	Status   int    `json:"status,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Replay   int64  `json:"replay,omitempty"` // the pass that brings it
}

// Replayed is where an event is on its way once more.
type Replayed struct {
	Pass     int64  `json:"pass"`
	State    string `json:"state"`
	At       int64  `json:"at"` // when that ended
	Attempts int    `json:"tried"`
}
