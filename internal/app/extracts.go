package app

import (
	"context"
	"path/filepath"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/extractfile"
)

// newMaker makes the files of extracts, and tells of each by an event of the hub's own.
func (h *Hub) newMaker(book *revision.Book, accepter *publish.Accepter, handles register.Handler, clk clock.Clock) *extract.Maker {
	return extract.New(extract.Options{
		Rows: h.Deposits, Files: shelf{extractfile.New(h.config.extracts())}, Log: h.Log, Book: book, Clock: clk, Handles: handles, URL: h.config.URL, Trouble: h.report,
		Ready: func(id string, n *extract.Notice) (*event.Event, error) {
			return tell(accepter, notify.ExtractReady, id, n)
		},
		Failed: func(id string, f *extract.Failure) (*event.Event, error) {
			return tell(accepter, notify.ExtractFailed, id, f)
		},
	})
}

// tell makes an event of the hub's own.
func tell(accepter *publish.Accepter, kind, id string, data any) (*event.Event, error) {
	draft, err := notify.Draft(kind, id, data)
	if err != nil {
		return nil, err
	}
	e, found := accepter.Accept(draft)
	return e, fault.Invalid(fault.InvalidEvent, found)
}

// shelf is where the files of extracts are, as their maker needs it.
type shelf struct{ *extractfile.Shelf }

// Create implements extract.Files.
func (s shelf) Create(of, name string) (extract.Part, error) { return s.Shelf.Create(of, name) }

// Open implements extract.Files.
func (s shelf) Open(of, name string) (extract.File, error) { return s.Shelf.Open(of, name) }

// extracts is the directory of the files of extracts.
func (c *Config) extracts() string {
	if c.Extracts != "" {
		return c.Extracts
	}
	return filepath.Join(c.Data, "extracts")
}

// makeExtracts has one node of the hub make what is due.
func (h *Hub) makeExtracts() (stop func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.duties.during(ctx, dutyExtracts, h.extracts.Run)
	}()
	return func(context.Context) {
		cancel()
		<-done
	}
}
