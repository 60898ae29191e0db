// Package eventlog is the event log: concurrent appends grouped into one durable commit, the tail in memory, ranges
// from the store. Delivery's outcomes ride in the same commits (DESIGN section 5, Append and Record).
package eventlog

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// Status is what became of one entry of an append.
type Status uint8

// The statuses.
const (
	Pending   Status = iota
	Appended         // it is in the log at Position
	Duplicate        // the same event is in the log already, at Position
	Clashes          // an event with this source and id, but other content, is in the log at Position
	Held             // refused because an earlier entry of its lane in the same request was (partial mode)
)

// Entry is one event on its way into the log.
type Entry struct {
	Event    *event.Event // Position, Recorded and an unordered event's Lane are set by the append
	Status   Status
	Position int64
}

// Request is what one caller wants appended, in this order: events, revisions, the consumers that those make, and what is
// to be in the audit log. It may hold both a change of configuration and the events that tell it: then all of it is in the
// log, or nothing. A request of events alone may be Partial: each of them succeeds or fails by itself.
type Request struct {
	Entries []Entry
	Partial bool

	Revisions []revision.Revision
	Expect    int64      // the newest revision the caller has seen; another one since then refuses the request
	Consumers []Founding // consumers the revisions make; they start reading after the revisions

	// Audit is what the request does, for the audit log: in the same commit as all else of the request, or by itself
	// where the act makes no revision. The append sets Number, At, Position and MAC.
	Audit []audit.Entry

	// Erasure is one that begins: it is in the log before anything of it is deleted. The append sets At.
	Erasure *Erasure
	Erased  []AsideOf // set aside, and naming the person: gone with the same commit
	// Withdrawn are events to be that name the person, gone with the same commit too. Where one of them has come into the log
	// since they were looked for the request is refused with fault.StreamMoved; who has read them and not appended them yet
	// is, from then on.
	Withdrawn []Withdrawn

	// Clues is what search has read on in the log; nil: nothing. A request with clues has nothing else.
	Clues *Clues

	// Receipts are what systems confirm. The append sets At; one that is there already becomes what it was.
	Receipts []Receipt

	// Intake is what the request has from a stream; nil: it comes from elsewhere.
	Intake *Intake

	Err  error // why the whole request was refused
	done chan struct{}
}

// Founding is a consumer that a change of configuration makes.
type Founding struct{ Name, System string }

// Clues are what the follower of search adds to its index, and where it stands then, in one transaction.
type Clues struct {
	Anew  bool       // every clue there is goes first: they were made by another secret, or in another way
	Maker event.Clue // of these clues
	After int64      // where the follower stood,
	UpTo  int64      // and where it stands now: the message ids of the events between are added from the log itself
	Rows  []Clue     // in order of position; those above UpTo are of an event that has more than go in at once

	Took time.Duration // of the writer's time, with the end of the commit; the append sets it
}

// Clue is one hash of one event. Where the event's payload has been forgotten it is left out.
type Clue struct {
	Position int64
	Hash     event.Clue
}

// Commit is one transaction: everything that waited when the writer was free.
type Commit struct {
	Requests []*Request
	Cuts     []*Cut
	Now      int64        // µs UTC; the store never lets recorded times go back
	Chain    *audit.Chain // seals audit entries; nil: a request that has some is refused
}

// Cut is a consistent cut of one consumer's delivery state: the changes since its last cut, and a watermark that is
// true once they are in the store. It goes in as one, in the order the cuts were made (engine invariant I2).
type Cut struct {
	Consumer  int64
	Token     int64 // of the holding it was made under; 0 where one process has the log to itself
	Number    int   // from 1 for each token: a cut that is made again, since its end was not known, goes in once
	Low       int64 // every position below is done, spilled or not for this consumer
	High      int64 // no position above has been touched
	Pending   int64 // matched and not ended, of all up to Counted
	Counted   int64
	Attempts  []Attempt
	Blocked   []Blocked  // upserts, by lane
	Unblocked []Lane     // deletes
	Waiting   []Waiting  // inserts; of one that is there already, the attempts if there are more
	Served    []Waiting  // deletes from waiting
	Endpoints []Endpoint // upserts
	Passes    []Pass     // upserts: replays that began, moved on or ended
	Tallies   []Tally    // how many deliveries ended, to be added; they are what Attempts, Confirmed and Dropped say
	Readings  []Reading  // what a cursor's reader was handed out, and came back with
	Confirmed int64      // a cursor's reader has all up to here: blocked and waiting rows up to it go; 0: none
	Ended     bool       // the consumer is removed: its blocked and waiting rows go, its attempts and tallies stay
	Dropped   int64      // with Ended: how many deliveries went with it

	// Lost is set by the store: another node holds the consumer by now, and nothing of the cut was written.
	Lost bool
}

// Reset empties the cut for its next use.
func (c *Cut) Reset() {
	*c = Cut{
		Consumer: c.Consumer, Token: c.Token, Attempts: c.Attempts[:0], Blocked: c.Blocked[:0], Unblocked: c.Unblocked[:0],
		Waiting: c.Waiting[:0], Served: c.Served[:0], Endpoints: c.Endpoints[:0], Passes: c.Passes[:0],
		Tallies: c.Tallies[:0], Readings: c.Readings[:0],
	}
}

// Empty reports whether the cut changes nothing but figures.
func (c *Cut) Empty() bool {
	return len(c.Attempts)+len(c.Blocked)+len(c.Unblocked)+len(c.Waiting)+len(c.Served)+len(c.Endpoints)+len(c.Passes)+len(c.Readings) == 0 && c.Confirmed == 0 && !c.Ended
}

// Outcome is how a delivery stands after an attempt, or how it ended without one.
type Outcome uint8

// The outcomes. Those from Done to Confirmed end the delivery: its lane goes on.
const (
	Failed    Outcome = iota + 1 // tried, to be tried again
	Deferred                     // the receiver asked us to wait
	Parked                       // will not be retried by itself; holds its lane
	Done                         // delivered
	Withheld                     // the agreement no longer grants it
	Dropped                      // its subscription was removed
	Expired                      // its type's retention ended first, or its subscription was given up
	Discarded                    // given up by a person
	Confirmed                    // a cursor's reader has it: it came back with a later cursor. There is no attempt
	Served                       // handed out to a cursor's reader, which may have it or not: counted, and no end
	Matched                      // it was for the subscription, or a replay brought it: counted, and what began it all
)

var outcomeNames = [...]string{"", "failed", "deferred", "parked", "delivered", "withheld", "dropped", "expired", "discarded", "confirmed", "served", "matched"}

// String returns the glossary's word.
func (o Outcome) String() string { return outcomeNames[o] }

// Ends reports whether the delivery is over.
func (o Outcome) Ends() bool { return o >= Done && o <= Confirmed }

// Attempt is one row of the attempts log.
type Attempt struct {
	Position int64
	Number   int   // 1 for the first; never used twice for a delivery
	At       int64 // µs UTC
	Outcome  Outcome
	Result   channel.Result // zero when nothing was sent
	Pass     int64          // the replay it belongs to; 0: none
	Detailed bool           // keep reason, detail and body: first, last and changed failures
}

// Lane is a consumer's lane, in the consumer's own cut.
type Lane = event.Lane

// BlockedState says why a lane is on disk.
type BlockedState uint8

// The states of a blocked lane.
const (
	Retrying BlockedState = iota + 1 // its head failed and is due again at Due
	Standing                         // its head waits for the endpoint, or is in flight longer than the window allows
	ParkedAt                         // its head is parked
)

var blockedNames = [...]string{"", "retrying", "standing", "parked"}

// String returns the word shown to people.
func (s BlockedState) String() string { return blockedNames[s] }

// Blocked is a lane on disk. Its head is at Position; later events of the lane are in waiting.
type Blocked struct {
	Lane     Lane
	Position int64
	Line     string // subscription id
	State    BlockedState
	Attempts int   // attempts made, ever
	Failures int   // failed attempts that count for the delay; a release starts anew
	Since    int64 // µs UTC of the first failure
	Due      int64 // µs UTC
	Spell    int64 // the rejecting spell that parked it; 0: none
	Status   int   // of the last answer
	Reason   string
	Pass     int64 // the replay it belongs to; 0: none
}

// Waiting is an event behind a blocked head, or one that is replayed.
type Waiting struct {
	Lane     Lane
	Position int64
	Line     string
	Pass     int64 // the replay it belongs to; 0: none
	Attempts int   // made before it began to wait here
}

// Endpoint is a breaker worth remembering: one that is rejecting.
type Endpoint struct {
	System string
	URL    string
	Spell  int64 // µs UTC when the spell began; 0: it takes messages again
}

// Consumer is what the store knows of a consumer at start.
type Consumer struct {
	ID      int64
	Name    string
	Low     int64
	High    int64
	Pending int64
	Counted int64
	Ended   bool
	Blocked []Blocked
	Behind  map[Lane]int     // how many wait in each lane
	Settled map[int64]bool   // positions from Low to High that are done or on disk already
	Replays int64            // rows in blocked and waiting that a replay brought
	ByLine  map[string]int64 // pending by subscription, as the tallies have it

	Served, RestServed int64 // a cursor's reader was handed out the log, and what was left over, up to here
}

// Store is where the log is kept. Its methods are safe for concurrent use, except Commit: the log's one writer calls it,
// and where the log is shared with other nodes two do, one with requests and the other with cuts.
type Store interface {
	// Commit writes one transaction, durable when it returns: every request's events, then its revisions, with its audit
	// entries, numbered and sealed in the order of the requests, then every cut.
	// Either all of it is in the store or nothing; a refused request is not written and has its Err set. An empty
	// commit writes something small all the same: it asks whether the store takes writes.
	Commit(ctx context.Context, c *Commit) error
	// Head returns the last position and its recorded time.
	Head(ctx context.Context) (position, recorded int64, err error)
	// Range reads the events after a position and not above another, at most limit positions far, in order. Of what was
	// forgotten it reads the skeleton.
	Range(ctx context.Context, after, upTo int64, limit int) ([]*event.Event, error)
	// At reads one event, or its skeleton; fault.NotFound when there never was one.
	At(ctx context.Context, position int64) (*event.Event, error)
	// Revisions reads every revision after a position, in order.
	Revisions(ctx context.Context, after int64) ([]revision.Revision, error)
	// Consumers reads the delivery state of the named consumers, of every one when none is named.
	Consumers(ctx context.Context, names ...string) ([]Consumer, error)
	// TakeUp is Consumers for whoever delivers them from now on: a cut that is made under another token is refused from
	// here on, and what was written under it before is in what is read.
	TakeUp(ctx context.Context, token int64, names ...string) ([]Consumer, error)
	// Owed reads, as of one moment, what a consumer has settled and what of it is on disk for one subscription.
	Owed(ctx context.Context, consumer, line string) (Owed, error)
	// Receipts reads what systems have confirmed.
	Receipts(ctx context.Context, q ReceiptQuery) ([]Receipt, error)
	// Endpoints reads the breakers that are not closed.
	Endpoints(ctx context.Context) ([]Endpoint, error)
	// WaitingIn reads what waits in a lane after a position, in order, at most limit.
	WaitingIn(ctx context.Context, consumer int64, lane Lane, after int64, limit int) ([]Waiting, error)
	// Passes reads replays: those that go on, or with ended those that have ended too; newest first, at most limit.
	Passes(ctx context.Context, ended bool, limit int) ([]Pass, error)
	// Tried reads how many attempts a consumer has made at each position after one and up to another.
	Tried(ctx context.Context, consumer, after, upTo int64) (map[int64]int, error)
	// Rest reads what a consumer has on disk after a position, in order of position, at most limit: blocked heads and
	// what waits.
	Rest(ctx context.Context, consumer, after int64, limit int) ([]Waiting, error)
	// Forgotten lists positions, from one up to another, at most limit, that stand in lanes on disk and were forgotten.
	Forgotten(ctx context.Context, from, upTo int64, limit int) ([]int64, error)
	// AttemptsAt reads the attempts log of one event, with details, in order of consumer and number.
	AttemptsAt(ctx context.Context, position int64) ([]AttemptRow, error)
	// Place reads what is on disk of one event, in its lane, at a consumer.
	Place(ctx context.Context, consumer string, lane Lane, position int64) (Place, error)
	// Tallies reads how a consumer's deliveries ended, from a day on; what ended before that day is summed up in the day
	// before it.
	Tallies(ctx context.Context, consumer string, from int64) ([]Tally, error)
	// Epochs reads how often the log began anew, oldest first. There is always one.
	Epochs(ctx context.Context) ([]Epoch, error)
	// Skeletons reads events without head and data, newest first: at most limit of those that a stretch holds.
	Skeletons(ctx context.Context, w Stretch, limit int) ([]*event.Event, error)
	// Before is the position of the last event recorded before a time in µs UTC, 0 when there is none.
	Before(ctx context.Context, recorded int64) (position int64, err error)
	// Settle has nothing more recorded before a time, nor anything that is on its way into the log now: it waits for that,
	// and draws later times from then on. A time that lies ahead is cut to just after now, and after what is recorded
	// already. It returns the time from which on there may be more (DESIGN promise 7).
	Settle(ctx context.Context, before, now int64) (end int64, err error)
	// Find returns the position of an event by the id its source gave it, or 0.
	Find(ctx context.Context, source, id string) (int64, error)
	Close() error
}

// Epoch is a stretch of the log in which no position was ever given twice. A restore, or a lost tail, begins another.
type Epoch struct {
	ID    uint32 // random: tells a cursor of another log, or of what was lost, from one of this
	After int64  // positions up to here were taken over from the epoch before
}

// Owed is where a consumer stands with one of its subscriptions. What it owes that one is what is on disk for it, and
// what of the log from Low on is for it and not in Settled.
type Owed struct {
	Low     int64          // 0: there is no such consumer, or it has ended
	OnDisk  int64          // blocked and waiting rows of the subscription
	Settled map[int64]bool // positions from Low on that are over or on disk, whichever subscription's
}

// AttemptRow is an attempt as it is read back.
type AttemptRow struct {
	Consumer string
	Attempt
}

// Whole reports whether the request's events go in together or not at all: with revisions or an intake they always do.
func (r *Request) Whole() bool { return !r.Partial || len(r.Revisions) > 0 || r.Intake != nil }

// refuse marks the whole request as refused.
func (r *Request) refuse(err error) { r.Err = err }

// Refusal turns an entry's status into the fault its publisher sees, or nil.
func (e *Entry) Refusal() error {
	switch e.Status {
	case Clashes:
		return fault.New(fault.EventConflict, "source and id are those of the event at position %d, which has other content", e.Position)
	case Held:
		return fault.New(fault.AfterRefused, "an earlier entry of the same key was refused")
	}
	return nil
}
