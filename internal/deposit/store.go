package deposit

import (
	"context"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/register"
)

// Store keeps the rows of registers. Each method that writes is one transaction, and holds up those who publish for no
// longer than its own few rows take.
type Store interface {
	// Begin notes a delivery, with the next number of its register, in state Staging; one that is known already is returned as
	// it stands, except that a refused one begins anew. fault.Conflict when another delivery of the register is being staged: their order is that of their events.
	Begin(ctx context.Context, d *register.Delivery) (*register.Delivery, error)
	// Delivery reads how a delivery stands. fault.NotFound.
	Delivery(ctx context.Context, registerName, id string) (*register.Delivery, error)
	// Deliveries reads those of a register with a number below one (0: the newest first), at most limit, newest first.
	Deliveries(ctx context.Context, registerName string, below int64, limit int) ([]register.Delivery, error)
	// Stage writes a batch. Atomic: the rows, the closings, the events to be, and how far the delivery is staged. It sets the
	// numbers of rows and of outgoing events. It need not survive a loss of power by itself: Commit makes it last.
	// fault.Conflict when the delivery does not stand at Before, or is not being staged.
	// fault.InvalidDocument with a violation whose pointer is "/rows/N" or "/closings/N" for a row whose ID is there already,
	// and a closing of a row that is not there, or that has ended already: by another closing, or as it was delivered, no later.
	Stage(ctx context.Context, b *register.Batch) error
	// RowsAt reads the rows of a type by their handles, as they stand with what the delivery has staged; those that are not
	// there are left out. In order of number.
	RowsAt(ctx context.Context, registerName, typeName string, handles []register.Handle, delivery int64) ([]register.Row, error)
	// Clashes finds the objects that a staged delivery would make say two things at once (4b): pairs of a row of the delivery,
	// and one that was there or came before it in the delivery; at most limit. A row that is only closed says less than
	// before, and clashes with nothing that it did not clash with already. fault.Conflict when it is not being staged.
	Clashes(ctx context.Context, registerName string, delivery int64, limit int) ([]register.Clash, error)
	// Commit makes a delivery seen, by one short transaction that is durable when it returns: its state, and when it ended.
	// It sets d.State: Committed, or with no events to be published Published at once. fault.Conflict when the delivery is not staged as far as
	// d says, or is not being staged any more.
	Commit(ctx context.Context, d *register.Delivery) error
	// Refuse ends a delivery with nothing kept of it but why. What was staged goes first, in bounded transactions; until all of
	// it is gone the delivery is still being staged, with a reason: nothing can be staged or committed of it any more, and
	// whoever finds it so calls Refuse again. fault.Conflict when it is not being staged.
	Refuse(ctx context.Context, d *register.Delivery) error
	// Outgoing reads events that follow from committed deliveries and are not in the log, with a number above one, in order.
	Outgoing(ctx context.Context, registerName string, after int64, limit int) ([]register.Outgoing, error)
	// Sent forgets what is outgoing up to a number, and has the deliveries of which nothing is outgoing any more Published.
	Sent(ctx context.Context, registerName string, upTo int64) error
	// Rows reads rows of committed deliveries, in order of number: see register.Query. However rare those are that are asked
	// for, a call looks at no more than some thousands, so it may return fewer than the limit, or none, before the end. next is
	// where the next call goes on, as its After; 0: that was all.
	Rows(ctx context.Context, q *register.Query) (rows []register.Row, next int64, err error)
	// Changes reads the rows of a type that committed deliveries of a span made or closed, in order of number, as they stood
	// after the last of them: what a later delivery closed is open still. See register.Span.
	Changes(ctx context.Context, s *register.Span) ([]register.Row, error)
	// OfPerson finds the rows and the events to be that name a person by a hash: of every time, and also what is only staged. What
	// was erased names nobody.
	OfPerson(ctx context.Context, clue event.Clue) ([]eventlog.RowsOf, error)
}
