// Package intake reads the streams of sources into the log: what a broker kept for the hub becomes events as if it had
// been published, in the order of the stream, once (S42, S43).
//
// Read reader.go first: one source's way from connecting to the place that moves on. take.go makes a request of what was
// read; message.go an event of a message. What cannot be taken is set aside, in aside.go, and holds its key until somebody
// lets it go. status.go tells how it stands.
package intake

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// Message is one message of a stream, as its broker has it.
type Message struct {
	Offset int64
	Key    string // that the broker keeps in order; "" none
	Header http.Header
	Data   []byte
}

// Batch is what stands next in one partition of a stream.
type Batch struct {
	Partition int32
	Messages  []Message // in order of offset
	Next      int64     // the offset behind the last of them
}

// Ends are the bounds of a partition.
type Ends struct {
	First int64 // the oldest offset that can be read
	Next  int64 // that the next message will have
}

// Stream is an open stream at a broker. One goroutine uses it.
type Stream interface {
	// Ends tells the bounds of every partition.
	Ends(ctx context.Context) (map[int32]Ends, error)
	// From begins to read each partition at an offset. It is called once.
	From(ctx context.Context, places map[int32]int64) error
	// Read waits for what comes next in a partition; a batch without messages says that nothing came for a while. The batch
	// is the caller's, and no more is fetched than the bounds of memory allow before the next call.
	Read(ctx context.Context) (Batch, error)
	Close()
}

// Log is where events go.
type Log interface {
	Append(ctx context.Context, r *eventlog.Request) error
	Grown() <-chan struct{}
}

// Store tells how streams stand.
type Store interface {
	// Stream reads how a source's stream stands, as of one moment.
	Stream(ctx context.Context, source, stream string) (eventlog.StreamState, error)
	// Asides reads what is set aside of a source after a number, in order, at most limit; with messages, or all but those.
	Asides(ctx context.Context, source string, after int64, limit int, messages bool) ([]eventlog.Aside, error)
}

// Accepter decides what becomes an event, as for everything that is published.
type Accepter interface {
	Accept(d event.Draft) (*event.Event, []fault.Violation)
	// Lane reads the lane of a draft that was refused; known is false when its key cannot be read.
	Lane(d *event.Draft) (lane event.Lane, known bool)
}

// Options say how an Intake meets the world; all must be set but those that say otherwise.
type Options struct {
	Accepter Accepter
	Hasher   *event.Hasher
	// Decode reads the CloudEvents of a message, in the form of the HTTP binding.
	Decode func(header http.Header, body []byte, limit int) ([]event.Draft, error)
	// Open connects to the broker of a stream.
	Open  func(ctx context.Context, s *event.Stream) (Stream, error)
	Clock clock.Clock
	// Duty does some work for as long as this node is the one to do it. nil: it always is.
	Duty func(ctx context.Context, name string, work func(context.Context))
	// Trouble reports what an operator should see in the log.
	Trouble func(doing string, err error)
	// Counted hears what became of messages: accepted, duplicate, aside or missed; nil: nobody does.
	Counted func(source, result string, messages int)
}

// Intake reads the streams of all sources that have one. It is safe for concurrent use.
type Intake struct {
	Options
	log   Log
	store Store
	book  *revision.Book

	mu      sync.Mutex
	readers map[string]*running // by source
	halt    context.CancelFunc  // nil: not started
	over    sync.WaitGroup
}

// running is the reader of one source, with the document it reads by.
type running struct {
	*reader
	halt context.CancelFunc
	over chan struct{}
}

// New makes an intake that reads nothing yet.
func New(log Log, store Store, book *revision.Book, options Options) *Intake {
	if options.Duty == nil {
		options.Duty = func(ctx context.Context, _ string, work func(context.Context)) { work(ctx) }
	}
	if options.Counted == nil {
		options.Counted = func(string, string, int) {}
	}
	return &Intake{Options: options, log: log, store: store, book: book, readers: map[string]*running{}}
}

// Start begins to read, every source by itself, and follows the configuration from then on.
func (k *Intake) Start() {
	ctx, halt := context.WithCancel(context.Background())
	k.halt = halt
	k.over.Go(func() {
		for seen := int64(-1); ; {
			grown := k.log.Grown()
			if last := k.book.Last(); last != seen {
				k.arrange(ctx)
				seen = last
			}
			select {
			case <-grown:
			case <-ctx.Done():
				return
			}
		}
	})
}

// Stop ends reading. What is being appended is appended, or not; the place says which.
func (k *Intake) Stop() {
	if k.halt == nil {
		return
	}
	k.halt()
	k.over.Wait()
	for _, r := range k.takeReaders(func(string) bool { return true }) {
		r.halt()
		<-r.over
	}
}

// arrange ends the readers whose stream has changed or gone, and begins those that are missing.
func (k *Intake) arrange(ctx context.Context) {
	wanted := map[string]*event.Source{}
	for _, s := range k.book.Sources() {
		if s.Stream != nil && !s.Stream.Stopped {
			wanted[s.Name] = s
		}
	}
	for _, r := range k.takeReaders(func(name string) bool { return !sameStream(wanted[name], k.readers[name].source) }) {
		r.halt()
		<-r.over
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, source := range wanted {
		if k.readers[name] == nil && ctx.Err() == nil {
			k.begin(ctx, source)
		}
	}
}

// takeReaders removes some of the readers and returns them.
func (k *Intake) takeReaders(which func(name string) bool) (taken []*running) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, r := range k.readers {
		if which(name) {
			taken = append(taken, r)
			delete(k.readers, name)
		}
	}
	return taken
}

func sameStream(a, b *event.Source) bool {
	return a != nil && b != nil && a.URI == b.URI && slices.Equal(a.Types, b.Types) && equalStream(a.Stream, b.Stream)
}

// begin starts the reader of a source. k.mu is held.
func (k *Intake) begin(ctx context.Context, source *event.Source) {
	ctx, halt := context.WithCancel(ctx)
	r := &running{reader: newReader(k, source), halt: halt, over: make(chan struct{})}
	k.readers[source.Name] = r
	go func() {
		defer close(r.over)
		k.Duty(ctx, "stream/"+source.Name, r.run)
	}()
}

// readerOf returns the reader of a source, or nil.
func (k *Intake) readerOf(source string) *running {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.readers[source]
}
