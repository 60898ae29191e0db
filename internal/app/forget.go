package app

import (
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/retention"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/erasurefile"
)

// newKeeper wires what forgets. The journal of erasures stands beside the heads of the audit log, and is sealed with its
// key.
func (h *Hub) newKeeper(book *revision.Book, hasher *event.Hasher, clk clock.Clock) (*retention.Keeper, error) {
	key, err := h.Vault.AuditKey(1)
	if err != nil {
		return nil, err
	}
	return retention.New(retention.Options{
		Store: h.Store, Log: h.Log, Engine: h.Engine, Journal: erasurefile.New(h.config.auditHeads(), key), Book: book, Clock: clk,
		Finder: retention.Scan{Log: h.Log, Version: book.Version, Hasher: hasher},
		Logger: h.logger, Counted: h.telemetry.Forgotten,
	}), nil
}
