package app

import (
	"io"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/grunddata"
	ingest "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

// mostDerived is how large, in bytes, an event of a delivery may be, where the hub takes no larger ones from everyone: the outline
// of a municipality with all its islands is larger than what is published by hand.
const mostDerived = grunddata.MaxSize

// newDepositor takes in what registers deliver, and publishes what follows as if it had been published.
func (h *Hub) newDepositor(book *revision.Book, hasher *event.Hasher, clk clock.Clock) *deposit.Depositor {
	accepter := publish.NewAccepter(directory{book: book}, hasher, clk, publish.Limits{MaxEvent: max(h.config.MaxEvent, mostDerived)})
	return deposit.New(deposit.Options{
		Store: h.rows, Log: h.Log, Past: h.Log, Index: h.Store, Places: h.Store, Directory: book, Accepter: accepter, Handles: hasher, Clock: clk, Trouble: h.report,
		Read: func(body io.Reader, r *register.Register) deposit.Reader {
			return ingest.NewReader(body, r, ingest.Limits{})
		},
	})
}
