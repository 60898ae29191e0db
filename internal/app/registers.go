package app

import (
	"io"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	ingest "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

// newDepositor takes in what registers deliver, and publishes what follows as if it had been published.
func (h *Hub) newDepositor(book *revision.Book, accepter *publish.Accepter, hasher *event.Hasher, clk clock.Clock) *deposit.Depositor {
	return deposit.New(deposit.Options{
		Store: h.rows, Log: h.Log, Places: h.Store, Directory: book, Accepter: accepter, Handles: hasher, Clock: clk, Trouble: h.report,
		Read: func(body io.Reader, r *register.Register) deposit.Reader {
			return ingest.NewReader(body, r, ingest.Limits{})
		},
	})
}
