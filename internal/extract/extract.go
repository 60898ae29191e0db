// Package extract makes the files of extract subscriptions: a subset of what a register keeps, at an interval, for one system
// (F43).
//
// Read make.go first: one run, from the delivery that it goes up to, to the commit that has it in the log. write.go is what
// a file is; extract.go says when one is made, and which are kept.
//
// What was made stands in the log as revisions, each in one commit with the event that tells of it. So what is due is known
// after a crash, on whichever node: a run that is not in the log has not been, and its file is removed; one that is has been
// told of exactly once.
package extract

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

// Rows are what registers keep.
type Rows interface {
	// Changes reads rows of a span, in order of number, at most its limit.
	Changes(ctx context.Context, s *register.Span) ([]register.Row, error)
	// Deliveries lists those of a register with a number below one (0: all), newest first.
	Deliveries(ctx context.Context, registerName string, below int64, limit int) ([]register.Delivery, error)
}

// Files are where the files of extracts are kept.
type Files interface {
	Create(extract, name string) (Part, error)
	Open(extract, name string) (File, error)
	Tidy(kept func(extract, name string) bool) error
	Remove(extract string, stays func(name string) bool) error
}

// Part is a file that is being written.
type Part interface {
	io.Writer
	Keep() error // from now on it is there
	Drop()       // it never was
}

// File is one to be read, from any place.
type File interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// Log is where runs go.
type Log interface {
	Append(ctx context.Context, r *eventlog.Request) error
}

// Book is the configuration.
type Book interface {
	Register(name string) (*register.Register, int64)
	Extracts() []*register.Extract
	ExtractState(name string) revision.ExtractState
	ErasedFiles(erasure int64) int
	Zone() *time.Location
	Last() int64
	Changed() <-chan struct{}
}

// Options are what a Maker stands on; all must be set.
type Options struct {
	Rows    Rows
	Files   Files
	Log     Log
	Book    Book
	Clock   clock.Clock
	Handles register.Handler
	// Ready makes the event that a file is ready; the id tells apart what is told once from what is told again.
	Ready func(id string, n *Notice) (*event.Event, error)
	// Failed makes the event that a file cannot be made.
	Failed func(id string, f *Failure) (*event.Event, error)
	URL    string // of the hub, from outside
	// Trouble reports what an operator should see in the log.
	Trouble func(doing string, err error)
}

// Maker makes extracts. It is safe for concurrent use; Run is for one at a time.
type Maker struct{ Options }

// New makes a maker, which makes nothing before Run.
func New(options Options) *Maker { return &Maker{options} }

// What went wrong is tried again after a while, and then more and more seldom.
const (
	firstAgain = time.Minute
	lastAgain  = time.Hour
)

// again is when an extract that could not be made is tried again.
type again struct {
	at    time.Time
	wait  time.Duration
	since time.Time // the first failure of those in a row
	tries int
}

// next is how it stands after one more failure.
func (a again) next(now time.Time) again {
	if a.tries++; a.tries == 1 {
		a.since = now
	}
	a.wait = min(max(2*a.wait, firstAgain), lastAgain)
	a.at = now.Add(a.wait)
	return a
}

// Run makes what is due until ctx ends. Of all nodes one does it.
func (m *Maker) Run(ctx context.Context) {
	waits := map[string]again{}
	for ctx.Err() == nil {
		changed := m.Book.Changed()
		m.tidy()
		next := m.round(ctx, waits)
		m.rest(ctx, changed, next)
	}
}

// rest waits until something is due, or is to be looked at anew.
func (m *Maker) rest(ctx context.Context, changed <-chan struct{}, next time.Time) {
	due := make(chan struct{})
	if !next.IsZero() {
		timer := m.Clock.AfterFunc(next.Sub(m.Clock.Now()), func() { close(due) })
		defer timer.Stop()
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-due:
	}
}

// round makes whatever is due, and says when something will be; zero: never.
func (m *Maker) round(ctx context.Context, waits map[string]again) (next time.Time) {
	for _, x := range m.Book.Extracts() {
		state := m.Book.ExtractState(x.Name)
		due := m.due(&state)
		if !due.IsZero() && due.Before(waits[x.Name].at) {
			due = waits[x.Name].at
		}
		if due.IsZero() {
			continue
		}
		if now := m.Clock.Now(); !due.After(now) {
			if err := m.make(ctx, &state); err != nil {
				if ctx.Err() != nil {
					return next
				}
				m.Trouble("making the extract "+x.Name, err)
				waits[x.Name] = waits[x.Name].next(m.Clock.Now())
				due = waits[x.Name].at
				m.complain(ctx, &state, waits[x.Name], err)
			} else {
				delete(waits, x.Name)
				state = m.Book.ExtractState(x.Name)
				due = m.due(&state)
			}
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return earlier(next, m.ending())
}

// complain tells the operator of an extract that failed twice in a row: once of as many failures as there are.
func (m *Maker) complain(ctx context.Context, state *revision.ExtractState, a again, failed error) {
	if a.tries != 2 {
		return
	}
	x := state.Extract
	told, err := m.Failed(fmt.Sprintf("extract/%s/%d/failed/%d", x.Name, state.Number+1, clock.Micros(a.since)), &Failure{
		System: x.System, Extract: x.Name, Reason: string(fault.Of(failed).Code), Since: a.since.UTC().Format(time.RFC3339),
	})
	if err == nil {
		err = m.Log.Append(ctx, &eventlog.Request{Entries: []eventlog.Entry{{Event: told}}})
	}
	if err != nil && ctx.Err() == nil {
		m.Trouble("telling of the extract "+x.Name, err)
	}
}

// Failure is what the event that a file cannot be made says.
type Failure struct {
	System  string `json:"system"`
	Extract string `json:"extract"`
	Reason  string `json:"reason"`       // a code of the hub's
	Since   string `json:"failingSince"` // RFC 3339
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due is when an extract is to be made next; zero: never. What was missed while no hub ran is made up for by one run.
func (m *Maker) due(state *revision.ExtractState) time.Time {
	x := state.Extract
	if x == nil {
		return time.Time{}
	}
	if state.Pending() {
		return clock.FromMicros(state.Since)
	}
	schedule, err := register.ParseSchedule(x.Schedule)
	if x.Schedule == "" || err != nil {
		return time.Time{}
	}
	last := state.Since
	if state.Last != nil {
		last = max(last, state.Last.Begun)
	}
	return schedule.Next(clock.FromMicros(last), m.Book.Zone())
}

// Kept lists the runs whose files are kept, newest first, with those whose files were deleted for a person who was erased.
func (m *Maker) Kept(name string) []*register.Run {
	state := m.Book.ExtractState(name)
	if state.Extract == nil {
		return nil
	}
	now := m.Clock.Now()
	return slices.DeleteFunc(state.Files, func(r *register.Run) bool {
		end := ends(state.Extract, r)
		return !end.IsZero() && !now.Before(end)
	})
}

// ends is when a file's time is over; zero: never.
func ends(x *register.Extract, r *register.Run) time.Time {
	if x.KeepDays == 0 {
		return time.Time{}
	}
	return clock.FromMicros(r.Ended).AddDate(0, 0, x.KeepDays)
}

// ending is when the next file's time is over; zero: never.
func (m *Maker) ending() (next time.Time) {
	for _, x := range m.Book.Extracts() {
		for _, r := range m.Kept(x.Name) {
			next = earlier(next, ends(x, r))
		}
	}
	return next
}

func (m *Maker) tidy() {
	err := m.Files.Tidy(m.stands)
	if err != nil {
		m.Trouble("removing old files of extracts", err)
	}
}

// stands reports whether a file is kept, and was not deleted for a person who was erased.
func (m *Maker) stands(extract, name string) bool {
	run := m.run(extract, name)
	return run != nil && run.Erased == 0
}

// run finds the run that made a file which is kept.
func (m *Maker) run(extract, name string) *register.Run {
	kept := m.Kept(extract)
	at := slices.IndexFunc(kept, func(r *register.Run) bool { return r.File == name })
	if at < 0 {
		return nil
	}
	return kept[at]
}

// ChecksumEnding ends the name of the file that holds another's checksum.
const ChecksumEnding = ".sha256"

// Opened is a file of an extract as it is fetched.
type Opened struct {
	File
	Run  *register.Run
	Name string
	Size int64
}

// Open opens a file that is kept, or the checksum of one.
// Error: fault.NotFound.
func (m *Maker) Open(extract, name string) (*Opened, error) {
	of, sum := strings.CutSuffix(name, ChecksumEnding)
	run := m.run(extract, of)
	if run == nil {
		return nil, fault.New(fault.NotFound, "there is no file of that name")
	}
	if run.Erased != 0 {
		return nil, fault.New(fault.Forgotten, "the file was deleted, for somebody was erased who may stand in it; the next run of the extract makes another")
	}
	if sum {
		text := Checksum(run)
		return &Opened{checksum{strings.NewReader(text)}, run, name, int64(len(text))}, nil
	}
	file, err := m.Files.Open(extract, name)
	if err != nil {
		return nil, err
	}
	return &Opened{file, run, name, run.Size}, nil
}

// Checksum is what the checksum file of a run says, in the form that sha256sum --check reads.
func Checksum(r *register.Run) string { return r.SHA256 + "  " + r.File + "\n" }

// checksum is a file that stands nowhere: what is in it is in the log.
type checksum struct{ *strings.Reader }

// Close implements io.Closer.
func (checksum) Close() error { return nil }
