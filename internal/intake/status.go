package intake

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// State is what is done about a stream now.
type State string

// The states.
const (
	Stopped    State = "stopped"    // its document says so
	Waiting    State = "waiting"    // another node reads it, or this one is about to
	Connecting State = "connecting" // it is being connected to
	Reading    State = "reading"    // connected: what comes is read
	Failing    State = "failing"    // it cannot be read, and is tried again
	Full       State = "full"       // too much is set aside: it is not read until some of it is let go
)

// States lists them.
func States() []string {
	return []string{string(Stopped), string(Waiting), string(Connecting), string(Reading), string(Failing), string(Full)}
}

// Status is how a source's stream stands.
type Status struct {
	Source     string
	Kind       string
	Stream     string
	State      State
	Since      int64      // µs UTC, of the state
	Code       fault.Code // of what went wrong last; it may be over
	Detail     string
	FailedAt   int64 // µs UTC
	Aside      int
	Partitions []Partition
}

// Partition is how far one is read.
type Partition struct {
	Partition int32
	Next      int64 // the offset to read next
	End       int64 // that the next message will have, when it was last asked; 0: it was not
}

// Lag is how many messages are still to be read, at most.
func (p Partition) Lag() int64 { return max(0, p.End-p.Next) }

// standing is what a reader tells of itself.
type standing struct {
	mu       sync.Mutex
	clock    clock.Clock
	state    State
	since    int64
	last     *fault.Fault
	failedAt int64
	known    map[int32]int64 // next
	end      map[int32]int64
	aside    int
	messages int64 // read so far
}

func (s *standing) now() int64 {
	if s.clock == nil {
		return 0
	}
	return clock.Micros(s.clock.Now())
}

// is says what is done now and whether that is news: another state, or a failure of another kind.
func (s *standing) is(state State, err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != state {
		s.state, s.since = state, s.now()
	}
	if err == nil {
		if state == Reading {
			s.last = nil
		}
		return false
	}
	f := fault.Of(err)
	news = s.last == nil || s.last.Code != f.Code
	s.last, s.failedAt = f, s.now()
	return news
}

func (s *standing) moved() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages
}

func (s *standing) stands(state *eventlog.StreamState) { s.took(state, 0) }

func (s *standing) took(state *eventlog.StreamState, messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = map[int32]int64{}
	for partition, next := range state.Next {
		s.known[partition] = next
	}
	s.aside = state.Aside
	s.messages += int64(messages)
}

// ends notes how far the partitions reach, and reports whether there are others than before.
func (s *standing) ends(ends map[int32]Ends) (others bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	others = len(s.end) != len(ends)
	s.end = map[int32]int64{}
	for partition, end := range ends {
		s.end[partition] = end.Next
	}
	return others
}

// Statuses tells how every stream stands, or that of one source; those that another node reads as far as the log knows.
// Error: fault.NotFound when there is no such source, or it has no stream.
func (k *Intake) Statuses(ctx context.Context, source string) ([]Status, error) {
	list := []Status{}
	for _, s := range k.book.Sources() {
		if s.Stream == nil || source != "" && s.Name != source {
			continue
		}
		status, err := k.statusOf(ctx, s)
		if err != nil {
			return nil, err
		}
		list = append(list, status)
	}
	if source != "" && len(list) == 0 {
		return nil, noStream(source)
	}
	return list, nil
}

func noStream(source string) error {
	return fault.New(fault.NotFound, "there is no source %s that is read from a stream", source)
}

func (k *Intake) statusOf(ctx context.Context, s *event.Source) (Status, error) {
	status := Status{Source: s.Name, Kind: s.Stream.Kind, Stream: s.Stream.Name, State: Stopped}
	state, err := k.store.Stream(ctx, s.Name, s.Stream.ID())
	if err != nil {
		return status, err
	}
	status.Aside = state.Aside
	end := map[int32]int64{}
	if r := k.readerOf(s.Name); r != nil {
		r.status.tell(&status, end)
	}
	for partition := range state.Next {
		if _, ok := end[partition]; !ok {
			end[partition] = 0
		}
	}
	for partition, e := range end {
		status.Partitions = append(status.Partitions, Partition{partition, state.Next[partition], e})
	}
	slices.SortFunc(status.Partitions, func(a, b Partition) int { return int(a.Partition) - int(b.Partition) })
	return status, nil
}

func (s *standing) tell(status *Status, end map[int32]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status.State, status.Since = s.state, s.since
	if s.last != nil {
		status.Code, status.Detail, status.FailedAt = s.last.Code, s.last.Detail, s.failedAt
	}
	for partition, e := range s.end {
		end[partition] = e
	}
}

// Figures are what a stream is watched by, as its reader here knows them: nothing is asked for.
type Figures struct {
	Source string
	State  State
	Lag    int64
	Aside  int
}

// Figures lists them for the streams that this node has a reader of.
func (k *Intake) Figures() []Figures {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make([]Figures, 0, len(k.readers))
	for name, r := range k.readers {
		list = append(list, r.status.figures(name))
	}
	slices.SortFunc(list, func(a, b Figures) int { return cmp.Compare(a.Source, b.Source) })
	return list
}

func (s *standing) figures(source string) Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := Figures{Source: source, State: s.state, Aside: s.aside}
	for partition, end := range s.end {
		f.Lag += max(0, end-s.known[partition])
	}
	return f
}
