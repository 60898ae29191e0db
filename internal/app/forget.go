package app

import (
	"context"

	"github.com/varselhub/varsel/internal/channel/sink"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/retention"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store/erasurefile"
)

// newKeeper wires what forgets. The journal of erasures stands beside the heads of the audit log, and is sealed with its
// key.
func (h *Hub) newKeeper(book *revision.Book, clk clock.Clock) (*retention.Keeper, error) {
	key, err := h.Vault.AuditKey(1)
	if err != nil {
		return nil, err
	}
	return retention.New(retention.Options{
		Store: h.Store, Log: h.Log, Engine: h.forget, Journal: erasurefile.New(h.config.auditHeads(), key), Book: book, Clock: clk,
		Rows: h.Deposits, Files: h.extracts, Finder: h.Searcher, Aside: h.intake.OfPerson, Logger: h.logger, Counted: h.telemetry.Forgotten, Mine: h.duties.of(dutyForgets).mine.Load,
	}), nil
}

// forgetting is all that may hold what was read before it was forgotten: deliveries, and what sinks took.
type forgetting struct {
	*delivery.Engine
	sinks *sink.Sinks
}

// Forget implements retention.Engine.
func (f forgetting) Forget(ctx context.Context, positions []int64) error {
	err := f.Engine.Forget(ctx, positions)
	if f.sinks != nil {
		f.sinks.Forget(positions)
	}
	return err
}

// Prune takes out of the database what was forgotten. The hub does it by itself, every hour; benchmarks do not wait.
func (h *Hub) Prune(ctx context.Context) error { return h.keeper.Prune(ctx) }
