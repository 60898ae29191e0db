package eventlog

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// History is that of a database which standbys follow, and may take over. One that lagged lacks the last of what was
// acknowledged: then what a node knows is not true any more, and it ends, to be started anew. One that did not is another
// epoch of the same log, and the node goes on (ADR 0014).
type History interface {
	// Epoch is the one that the log was in when the store last looked.
	Epoch() uint32
	// Accept says that what this node knows of the log is true in an epoch: what it writes is written in that one alone.
	Accept(epoch uint32)
	// BeginEpoch begins an epoch after a position, unless the log is in another one than a known one by now.
	BeginEpoch(ctx context.Context, known uint32, after int64) error
}

func (l *Log) accept(epochs []Epoch) {
	l.epochs.Store(&epochs)
	if l.shared != nil && l.shared.History != nil {
		l.shared.History.Accept(l.epoch())
	}
}

// sameEpoch holds what this node knows, up to a position, against the epochs that have begun since. The caller holds coming.
// Error: fault.LogRewound when it knows what was lost.
func (l *Log) sameEpoch(ctx context.Context, at int64) error {
	if l.shared.History == nil || l.shared.History.Epoch() == l.epoch() {
		return nil
	}
	epochs, err := l.store.Epochs(ctx)
	if err != nil {
		return err
	}
	if common := SharedUpTo(l.Epochs(), at, epochs); common < at {
		return fault.New(fault.LogRewound, "another epoch of the log has begun after position %d, and this node knows it up to position %d", common, at)
	}
	l.accept(epochs)
	return nil
}

// sameLog finds out, after the database was out of reach, whether it is the one it was, where its server does not tell of
// another history.
// Error: fault.LogRewound.
func (l *Log) sameLog(ctx context.Context, at, head int64) error {
	if !l.unsure.Load() {
		return nil
	}
	for position := at; position > max(0, at-bringAtOnce); position-- {
		known := l.tail.at(position)
		if known == nil {
			continue
		}
		found, err := l.store.At(ctx, position)
		if err != nil && !fault.Has(err, fault.NotFound) {
			return err
		}
		if err != nil || !same(found, known) {
			return l.rewound(ctx, at, head, fault.New(fault.LogRewound, "the database has another event at position %d than it had", position))
		}
		break
	}
	l.unsure.Store(false)
	return nil
}

// same reports whether an event of the database is the one that is known. One that was lost and published again has its
// id, and may have its position, but was recorded at another time.
func same(found, known *event.Event) bool {
	return found.Position == known.Position && found.ID == known.ID && found.Recorded == known.Recorded
}

// rewound begins a new epoch, unless one has begun, and returns why: the database ends, at head, before what this node
// knows, up to a position, or has something else there.
func (l *Log) rewound(ctx context.Context, at, head int64, why error) error {
	if l.shared.History == nil {
		return why
	}
	common, err := l.common(ctx, min(at, head))
	if err != nil {
		return err
	}
	if err := l.shared.History.BeginEpoch(ctx, l.epoch(), common); err != nil {
		return err // it is tried again at the next look: no cursor of what was lost may be believed
	}
	return why
}

// common is the last position, at most upTo, that is certainly the database's and this node's: where an event stands that
// both have. What the database has is the beginning of what it had, so all before it is common too. 0: nothing is certain.
func (l *Log) common(ctx context.Context, upTo int64) (int64, error) {
	for upTo > 0 {
		from := max(0, upTo-bringAtOnce)
		found, err := l.store.Range(ctx, from, upTo, bringAtOnce)
		if err != nil {
			return 0, err
		}
		for _, e := range slices.Backward(found) {
			if known := l.tail.at(e.Position); known != nil && same(e, known) {
				return e.Position, nil
			}
		}
		if upTo = from; upTo < l.tail.oldest() {
			break
		}
	}
	return 0, nil
}
