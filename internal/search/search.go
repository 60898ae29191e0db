// Package search finds events in the log: by the id their source gave them, message id, key, person, type, source and
// time, and by where they stand with a receiver.
//
// Read search.go for what can be asked, find.go for how it is answered, and follow.go for how the index comes behind the
// log. Nobody's key and nobody's number is kept: the index holds keyed hashes (DESIGN section 2), and forgets them with
// what they were made of.
package search

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
)

// Log is what is searched, and whose writer writes the index.
type Log interface {
	Head() int64
	Commits() int64
	Grown() <-chan struct{}
	Read(ctx context.Context, after int64, limit int) ([]*event.Event, int64, error)
	At(ctx context.Context, position int64) (*event.Event, error)
	Append(ctx context.Context, r *eventlog.Request) error
}

// Store looks up what the log and its index hold.
type Store interface {
	// Indexed tells how far the index has been written, and what its clues were made by.
	Indexed(ctx context.Context) (upTo int64, maker event.Clue, err error)
	// Positions lists events that have any of one or two clues, newest first, below a position.
	Positions(ctx context.Context, clues []event.Clue, below int64, limit int) ([]int64, error)
	// Named lists the events that sources gave an id, by position.
	Named(ctx context.Context, id string) ([]int64, error)
	// Before is the last position recorded before a time, 0 for none.
	Before(ctx context.Context, recorded int64) (int64, error)
	// Skeletons reads events without head and data, newest first, forgotten ones too.
	Skeletons(ctx context.Context, w eventlog.Stretch, limit int) ([]*event.Event, error)
	// Skeleton reads one; fault.NotFound when there is none.
	Skeleton(ctx context.Context, position int64) (*event.Event, error)
}

// Place is where an event stands with one subscription.
type Place struct {
	System       string `json:"system"`
	Subscription string `json:"subscription"`
	State        string `json:"state"`
}

// Options are what else search stands on.
type Options struct {
	// Where tells where an event stands with everyone it is for, fault.NotFound when that is not known any more; nil: it
	// is not known here, and a search by state is refused.
	Where func(ctx context.Context, position int64) ([]Place, error)
	// Trouble hears of what keeps the index from being written.
	Trouble func(doing string, err error)
	// Writes reports whether this node writes the index; the others look how far it is. nil: it does.
	Writes func() bool
	// Pause waits between two batches of the index, for d or until ctx ends; nil: in real time.
	Pause func(ctx context.Context, d time.Duration)
}

// Searcher finds events. It is safe for concurrent use.
type Searcher struct {
	log    Log
	store  Store
	book   *revision.Book
	hasher *event.Hasher
	where  func(ctx context.Context, position int64) ([]Place, error)

	follower follower
	stop     context.CancelFunc
}

// New returns a searcher whose index is not followed yet.
func New(log Log, store Store, book *revision.Book, hasher *event.Hasher, o Options) *Searcher {
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Writes == nil {
		o.Writes = func() bool { return true }
	}
	return &Searcher{
		log: log, store: store, book: book, hasher: hasher, where: o.Where,
		follower: follower{
			log: log, store: store, book: book, hasher: hasher, trouble: o.Trouble, pause: o.Pause, writes: o.Writes, called: make(chan struct{}, 1),
			moved: eventlog.NewBroadcast(), maker: hasher.ClueMaker(), done: make(chan struct{}),
		},
	}
}

// Start takes up the index where it stood. One that was made with another secret is made anew.
func (s *Searcher) Start(ctx context.Context) error {
	f := &s.follower
	if err := f.look(ctx); err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go f.follow(following)
	return nil
}

// Look has the follower find out whether it is this node now that writes the index.
func (s *Searcher) Look() {
	select {
	case s.follower.called <- struct{}{}:
	default:
	}
}

// Stop ends the follower; what it has not written yet it writes after the next start. Call it once, after Start.
func (s *Searcher) Stop() {
	s.stop()
	<-s.follower.done
}

// UpTo is the position up to which the index has been written: what is above it is found by its source's id, type and time only.
func (s *Searcher) UpTo() int64 { return s.follower.upTo.Load() }

// Reach waits until the index has been written up to a position.
// Error: fault.ShuttingDown when ctx ends first, or Stop was called.
func (s *Searcher) Reach(ctx context.Context, position int64) error {
	return s.follower.reach(ctx, position)
}

// personsAtOnce is how many positions OfPerson reads at a time.
const personsAtOnce = 10_000

// OfPerson lists every event that names a person, by a value as it stands in the data, in order of position, and the
// position up to which it has looked: the log's head as it was. It writes no audit entry: who uses it does.
// Error: fault.ShuttingDown when ctx ends before the index has read that far.
func (s *Searcher) OfPerson(ctx context.Context, value string) (positions []int64, upTo int64, err error) {
	upTo = s.log.Head()
	if err := s.Reach(ctx, upTo); err != nil {
		return nil, 0, err
	}
	clue := []event.Clue{s.hasher.Clue(event.CluePerson, value)}
	for below := upTo + 1; ; {
		page, err := s.store.Positions(ctx, clue, below, personsAtOnce)
		if err != nil {
			return nil, 0, err
		}
		positions = append(positions, page...)
		if len(page) < personsAtOnce {
			break
		}
		below = page[len(page)-1]
	}
	slices.Reverse(positions)
	return positions, upTo, nil
}

// States are those an event can stand in with a subscription, in the words of docs/glossary.md.
func States() []string {
	return []string{"pending", "waiting", "sending", "retrying", "parked", "leased", "kept", "served", "delivered", "confirmed", "withheld", "dropped", "expired", "discarded"}
}

// OfMessage lists the positions, newest first, of the events that have a message id: of all that were accepted when it was
// asked, or as far as the index has come after a while.
func (s *Searcher) OfMessage(ctx context.Context, id ident.UUID) ([]int64, error) {
	soon, cancel := context.WithTimeout(ctx, patience)
	_ = s.Reach(soon, s.log.Head()) // what is not there yet is not found yet
	cancel()
	return s.store.Positions(ctx, []event.Clue{event.ClueOf(id)}, math.MaxInt64, mostSame)
}

// mostSame is how many events of one message id are told.
const mostSame = 10

// note writes the audit entry of a search by person or key, before anybody sees what it found.
func (s *Searcher) note(ctx context.Context, actor string, q *Query, found int) error {
	d := audit.Detail{Kind: "person", Found: &found}
	if q.Person == "" {
		d.Kind = "key"
	}
	return s.log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{audit.Of(actor, audit.SearchPerson, "events", d)}})
}

// refuse says what of a query cannot be, by its member.
func refuse(member, rule, message string) fault.Violation {
	return fault.Violation{Pointer: "/" + member, Rule: rule, Message: message}
}
