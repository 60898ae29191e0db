// Package retention forgets: what a type's retention has ended for, by itself, and a person's events, on demand. It also
// shows a payload to whoever may see it, and has that on record first.
//
// Read retention.go for the job that runs every hour, erase.go for a person's erasure, and reveal.go.
package retention

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

const (
	every  = time.Hour
	again  = 10 * time.Minute // after a round that failed
	soon   = time.Minute      // after an erasure that is not whole yet
	atOnce = 64               // events pruned in one transaction
	// share is how much of the writer's time pruning leaves to others: it rests nineteen times as long as it worked.
	share = 19
)

// over reports whether the retention of all of a class has ended: that of the day's last moment.
func over(c eventlog.Class, now time.Time) bool {
	return c.Retention.Over(clock.FromMicros((c.Day+1)*event.MicrosPerDay-1), now)
}

// date is a class's day as people write it.
func date(c eventlog.Class) string {
	return clock.FromMicros(c.Day * event.MicrosPerDay).Format(time.DateOnly)
}

// Store is where payloads are kept and forgotten.
type Store interface {
	// Kept lists what has a retention and can be read.
	Kept(ctx context.Context) ([]eventlog.Class, error)
	// Forget destroys the keys of a class, and returns how many there were.
	Forget(ctx context.Context, retention event.Retention, day int64) (keys int, err error)
	// Prune takes the next few rows that nobody can read any more out of the file.
	Prune(ctx context.Context, most int) (eventlog.Pruned, error)
	// Erase overwrites events at positions. Made again it does what is left.
	Erase(ctx context.Context, positions []int64, tell func(done int)) error
	// EraseRows overwrites rows of registers. Made again it does what is left.
	EraseRows(ctx context.Context, rows []eventlog.RowsOf) error
	// EndErasure notes that an erasure is over.
	EndErasure(ctx context.Context, n, at int64) error
	// Erasures lists those before a number (0: all), newest first.
	Erasures(ctx context.Context, before int64, underWay bool, limit int) ([]eventlog.Erasure, error)
	Erasure(ctx context.Context, n int64) (eventlog.Erasure, error)
	// AttemptsAt reads what was tried with one event.
	AttemptsAt(ctx context.Context, position int64) ([]eventlog.AttemptRow, error)
	// Consumers reads where a consumer stands.
	Consumers(ctx context.Context, names ...string) ([]eventlog.Consumer, error)
}

// Log is the event log.
type Log interface {
	Append(ctx context.Context, r *eventlog.Request) error
	At(ctx context.Context, position int64) (*event.Event, error)
	// Forget drops what the memory holds of events.
	Forget(forgotten func(*event.Event) bool)
	Epochs() []eventlog.Epoch
}

// Finder finds a person's events.
type Finder interface {
	// OfPerson lists the positions, rising, of the events that name a person by this value, of all up to upTo, which is the
	// last that was accepted when it was asked.
	OfPerson(ctx context.Context, value string) (positions []int64, upTo int64, err error)
}

// Rows finds what registers keep of a person.
type Rows interface {
	// OfPerson lists the rows that name a person by this value, and the events that are still to follow from deliveries and do:
	// of these those that are not in the log, by their registers too.
	OfPerson(ctx context.Context, value string) ([]eventlog.RowsOf, []eventlog.Withdrawn, error)
}

// Files are the files that were made of registers before.
type Files interface {
	// Erase deletes what may hold one of these rows. Made again it does what is left.
	Erase(ctx context.Context, erasure int64, rows []eventlog.RowsOf) error
	// Erased is how many files an erasure has deleted.
	Erased(erasure int64) int
}

// Journal keeps erasures outside the database, for those who restore a backup from before.
type Journal interface {
	// Append has it on disk when it returns. One that is there already may be appended again.
	Append(e eventlog.Journaled) error
	// Read lists what is in it; fs.ErrNotExist, wrapped, when there is none yet.
	Read() (list []eventlog.Journaled, torn bool, err error)
}

// Book is the configuration.
type Book interface {
	Route(e *event.Event, visit func(*revision.Line))
	Consumers() []*revision.Consumer
}

// Engine delivers, and must stop delivering what was forgotten.
type Engine interface {
	Forget(ctx context.Context, positions []int64) error
	ForgetDay(ctx context.Context, retention event.Retention, day int64) error
}

// Options are what forgetting stands on; app fills them in.
type Options struct {
	Store  Store
	Log    Log
	Engine Engine
	Finder Finder
	// Aside finds the messages of streams that are set aside and name a person; nil: there are none.
	Aside   func(ctx context.Context, value string) ([]eventlog.AsideOf, error)
	Rows    Rows  // nil: there are no registers
	Files   Files // nil: nothing is made of them
	Journal Journal
	Book    Book
	Clock   clock.Clock
	Logger  *slog.Logger
	// Mine reports whether this node forgets what is due; nil: it does. Whoever is asked to erase somebody does that.
	Mine func() bool
	// Counted is told how many events were forgotten, and why: "retention" or "erasure". nil: nobody is.
	Counted func(cause string, events int64)
}

// Keeper forgets. There is one in a process.
type Keeper struct {
	Options

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // capacity 1: it is time for a round
	rounds *eventlog.Broadcast
	done   chan struct{} // closed when the job has ended; nil: it was not started

	complete bool // the journal holds what the database knows; the job's

	erasing sync.Mutex // one erasure at a time: it draws its number
	under   sync.WaitGroup
	mu      sync.Mutex
	places  map[int64]int // how far the erasures under way are
}

// New makes one that is not started.
func New(o Options) *Keeper {
	if o.Mine == nil {
		o.Mine = func() bool { return true }
	}
	if o.Counted == nil {
		o.Counted = func(string, int64) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Keeper{Options: o, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1), rounds: eventlog.NewBroadcast(), places: map[int64]int{}}
}

// Start takes up what was left undone, and forgets from now on what is due, at once and every hour.
func (k *Keeper) Start() {
	k.done = make(chan struct{})
	k.poke()
	go k.run()
}

// Stop ends between two steps; the rest is done after the next start.
func (k *Keeper) Stop() {
	k.cancel()
	if k.done != nil {
		<-k.done
	}
	k.under.Wait()
}

// Wake has the keeper look now for what is due.
func (k *Keeper) Wake() { k.poke() }

func (k *Keeper) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *Keeper) run() {
	defer close(k.done)
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.wake:
		}
		wait := every
		if !k.Mine() {
			continue // it is woken when it is
		}
		if err := k.round(k.ctx); err != nil && k.ctx.Err() == nil {
			k.Logger.Error("forgetting what is due", "error", err)
			wait = again
		}
		k.Clock.AfterFunc(wait, k.poke)
		k.rounds.Signal()
	}
}

// round does all there is to do now.
func (k *Keeper) round(ctx context.Context) error {
	if err := k.completeJournal(ctx); err != nil {
		return err
	}
	if err := k.resume(ctx); err != nil {
		return err
	}
	if err := k.forgetDue(ctx); err != nil {
		return err
	}
	return k.Prune(ctx)
}

// forgetDue destroys the keys of every class whose retention is over, and ends what of it is under way.
func (k *Keeper) forgetDue(ctx context.Context) error {
	kept, err := k.Store.Kept(ctx)
	if err != nil {
		return err
	}
	now := k.Clock.Now()
	for _, c := range kept {
		if !over(c, now) {
			continue
		}
		keys, err := k.Store.Forget(ctx, c.Retention, c.Day)
		if keys == 0 && err != nil {
			return err
		}
		k.Log.Forget(func(e *event.Event) bool { return e.Retention == c.Retention && event.Day(e.Recorded) == c.Day })
		k.Logger.Info("forgotten: its retention is over", "day", date(c), "retention", c.Retention, "keys", keys)
		if err != nil { // the keys are gone, and stand in the WAL for a while yet
			k.Logger.Warn("forgetting", "day", date(c), "error", err)
		}
		if err := k.Engine.ForgetDay(ctx, c.Retention, c.Day); err != nil {
			return err
		}
	}
	return nil
}

// Prune takes out of the file what was forgotten, until nothing is left, resting in proportion to what each step took.
// The job does it by itself.
func (k *Keeper) Prune(ctx context.Context) error {
	for more := true; more; {
		began := k.Clock.Now()
		p, err := k.Store.Prune(ctx, atOnce)
		if err != nil {
			return err
		}
		k.Counted("retention", p.Events)
		more = p.More
		if !clock.Wait(ctx, k.Clock, share*k.Clock.Now().Sub(began)) {
			return ctx.Err()
		}
	}
	return nil
}
