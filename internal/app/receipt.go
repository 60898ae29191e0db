package app

import (
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/receipt"
)

// newDesk wires what takes receipts.
func (h *Hub) newDesk() *receipt.Desk {
	return receipt.New(receipt.Options{
		Log: h.Log, Store: h.Store, Book: h.Log.Book(), Clock: clock.System{}, Positions: h.Searcher.OfMessage,
		Patience: time.Duration(h.config.ReceiptHours) * time.Hour,
	})
}
