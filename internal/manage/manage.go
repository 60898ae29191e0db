// Package manage is every change of the hub's configuration by people and programs: a document comes in whole, is
// checked whole against what else there is, and goes into the log as revisions, all of them or none.
//
// Read change.go first: how a change is made although others change things too. Then one file for each thing that is
// changed: source.go, eventtype.go, system.go, set.go (a system's subscriptions), preview.go (what a filter would match), state.go, try.go (test messages),
// keys.go, sink.go (what a sink has taken). standing.go tells how a subscription stands. What is done to a status site is in
// site.go, component.go and notice.go; sitetold.go makes the events that tell it, timetable.go does what has its time.
package manage

import (
	"context"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// Log is where revisions go.
type Log interface {
	Append(ctx context.Context, r *eventlog.Request) error
	At(ctx context.Context, position int64) (*event.Event, error)
	Read(ctx context.Context, after int64, limit int) (events []*event.Event, upTo int64, err error)
	Book() *revision.Book
	Head() int64
}

// Deliveries is what a change asks of, and tells, the deliveries under way.
type Deliveries interface {
	// Reached waits until everything up to a position is counted.
	Reached(ctx context.Context, position int64) error
	// Pending is how many deliveries a consumer owes.
	Pending(ctx context.Context, consumer string) (int64, error)
	// Owed is how many of a shared consumer's are one subscription's.
	Owed(ctx context.Context, subscription string) (int64, error)
	// Passed says that an endpoint has accepted a test message.
	Passed(ctx context.Context, system, url string) error
	// Rejecting lists the endpoints, of a system or with "" of all, that take nothing until a test passes.
	Rejecting(ctx context.Context, system string) ([]revision.Scope, error)
}

// Keys keeps the keys that messages are signed with, outside the configuration.
type Keys interface {
	// Create makes and keeps a key of a kind ("v1" or "v1a") for a system. ref names it from now on; shown is told to
	// the caller once: the secret of v1, the public key of v1a.
	Create(ctx context.Context, system, kind string) (ref, shown string, err error)
	// Delete forgets a key; one that is not there is forgotten already.
	Delete(ctx context.Context, ref string) error
}

// Sinks keep what sinks have taken.
type Sinks interface {
	// Arrival returns one message with its body.
	Arrival(ctx context.Context, subscription string, number int64) (a channel.Arrival, found bool, err error)
	// Holds is how many messages a sink keeps.
	Holds(ctx context.Context, subscription string) (int, error)
	// Empty lets go of them.
	Empty(ctx context.Context, subscription string) error
}

// Passwords makes of a password what is kept of it.
type Passwords interface {
	Hash(ctx context.Context, text string) (string, error)
}

// Options say how a Manager meets the world; app fills them in. All but CheckURL and Sinks must be set.
type Options struct {
	Zone     *time.Location        // where the days of documents begin and end: the book's
	CheckURL subscription.URLCheck // the egress rules; nil: none
	// Connect and Render are those of the deliveries: a test message goes the way of every other.
	Connect func(system *subscription.System, url string) (channel.Sender, error)
	Render  func(e *event.Event, s *subscription.Subscription) *event.Rendering
	Keys    Keys
	// Passwords hashes those of people.
	Passwords Passwords
	Sinks     Sinks // nil: subscriptions may have none
	// Municipality is the outline of the municipality of a code, as WKT, for filters that name it; nil: none is known.
	Municipality func(code string) (wkt string, found bool)
	// Accept makes an event of a draft, as publishing does. from is its source where that is not in the book yet.
	// nil: the hub has no status sites.
	Accept func(from *event.Source, d event.Draft) (*event.Event, error)
	// SiteURL is where a site is served, without a slash at its end.
	SiteURL func(site *status.Site) string
	// Trouble reports what an operator should see in the log.
	Trouble func(doing string, err error)
}

// Manager makes changes. It is safe for concurrent use.
type Manager struct {
	log        Log
	book       *revision.Book
	deliveries Deliveries
	clock      clock.Clock
	opts       Options

	changing sync.Mutex // one change at a time; what other nodes and the engine change meanwhile is met by trying again

	life      sync.Mutex
	following bool        // between Start and Stop
	retiring  clock.Timer // for the next signing key to retire
}

// New makes a manager of the configuration in the log.
func New(log Log, deliveries Deliveries, clk clock.Clock, opts Options) *Manager {
	return &Manager{log: log, book: log.Book(), deliveries: deliveries, clock: clk, opts: opts}
}
