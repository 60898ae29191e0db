package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// OfPerson implements deposit.Store.
func (r *Registers) OfPerson(ctx context.Context, clue event.Clue) ([]eventlog.RowsOf, error) {
	var found store.FoundPersons
	err := r.store.read(ctx, store.PersonsFound, []any{[16]byte(clue)}, func(row pgx.Rows) error {
		var registerName, typeName string
		var number, delivery, begun int64
		err := row.Scan(&registerName, &typeName, &number, &delivery, &begun)
		found.Add(registerName, typeName, number, delivery, begun)
		return err
	})
	return found.List, err
}

// withdraw deletes events to be that name a person who is erased, with the request that begins the erasure and under the
// lock of the log's end. The request is refused when one of them is in the log by now; whoever has read them to publish them
// finds that the stream has moved.
func (s *Store) withdraw(ctx context.Context, tx pgx.Tx, w *change) error {
	for i := range w.request.Withdrawn {
		of, reached := &w.request.Withdrawn[i], int64(0)
		err := each(ctx, tx, store.PlaceReached, []any{of.Source, of.Stream}, func(row pgx.Rows) error { return row.Scan(&reached) })
		if err != nil {
			return err
		}
		if of.Numbers[0] < reached {
			w.request.Err = fault.New(fault.StreamMoved, "events of the register %s have come into the log meanwhile", of.Register)
			return nil
		}
		v, err := seen(ctx, tx, of.Register)
		if err != nil {
			return err
		}
		dropOutgoing(&w.batch, v.N, of.Numbers)
		w.batch.Queue(store.DeliveriesPublished, v.N)
		w.batch.Queue(store.StreamTouched, of.Source)
	}
	return nil
}

// dropOutgoing deletes events to be of a register, and whom they name.
func dropOutgoing(batch *pgx.Batch, register int64, numbers []int64) {
	batch.Queue("DELETE FROM register_outgoing WHERE register = $1 AND number = ANY ($2)", register, numbers)
	batch.Queue("DELETE FROM register_persons WHERE type = $1 AND number = ANY ($2)", store.OutgoingKind(register), numbers)
}

// EraseRows makes skeletons of rows of registers: what they say is taken out of them, and whom they name, and the tables are
// vacuumed. What stays of a row is its number, what tells it apart, and both its times. Each step is a short transaction; made
// again it does what is left.
//
// PostgreSQL overwrites nothing at once: see docs/forgetting.md for what is left where.
func (s *Store) EraseRows(ctx context.Context, list []eventlog.RowsOf) error {
	if len(list) == 0 {
		return nil
	}
	for i := range list {
		kind, _, err := s.erasedKind(ctx, &list[i])
		if err != nil {
			return err
		}
		for some := range slices.Chunk(list[i].Rows, erasedAtOnce) {
			if err := s.eraseRowsOf(ctx, kind, some); err != nil {
				return err
			}
		}
	}
	err := s.alone(ctx, "VACUUM register_rows, register_persons, register_outgoing")
	return trouble(err, "the rows are erased, but the space they took is not free yet")
}

// erasedKind is the type of some rows, and their register; 0 where no delivery of this history is theirs.
func (s *Store) erasedKind(ctx context.Context, of *eventlog.RowsOf) (kind, register int64, err error) {
	err = s.read(ctx, store.ErasedKind, []any{of.Type, of.Register, of.Delivery, of.Begun}, func(row pgx.Rows) error { return row.Scan(&kind, &register) })
	return kind, register, err
}

// eraseRowsOf erases a few rows. Atomic. Where a personal value told their object apart nothing tells whose they are any more.
func (s *Store) eraseRowsOf(ctx context.Context, kind int64, numbers []int64) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	return insist(ctx, "cannot erase rows", s.again, func() error {
		epoch, err := s.current()
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue("SELECT same_epoch($1)", epoch) // these numbers may be of other rows
		batch.Queue(`UPDATE register_rows r SET key = NULL, sealed = NULL, object = CASE WHEN EXISTS
			(SELECT 1 FROM register_persons p WHERE p.type = r.type AND p.number = r.number AND p.object = 1) THEN gen_random_uuid() ELSE r.object END
			WHERE r.type = $1 AND r.number = ANY ($2) AND r.sealed IS NOT NULL`, kind, numbers)
		batch.Queue("DELETE FROM register_persons WHERE type = $1 AND number = ANY ($2)", kind, numbers)
		return s.pool.SendBatch(ctx, batch).Close()
	})
}

// eraseRowsAgain erases in a restored database what it has of the rows and the events to be of an erasure, and returns which
// these are. It has none of what a delivery of another history made, or when it is of before there were registers.
func (s *Store) eraseRowsAgain(ctx context.Context, list []eventlog.RowsOf) (here []eventlog.RowsOf, rows int, err error) {
	known := false
	err = s.read(ctx, "SELECT to_regclass('register_persons') IS NOT NULL", nil, func(row pgx.Rows) error { return row.Scan(&known) })
	if err != nil || !known {
		return nil, 0, err
	}
	if err := s.withdrawAgain(ctx, list); err != nil {
		return nil, 0, err
	}
	for i := range list {
		of := &list[i]
		kind, register, err := s.erasedKind(ctx, of)
		if err != nil {
			return nil, 0, err
		}
		if register == 0 {
			continue
		}
		const standing = "SELECT count(*) FROM register_rows WHERE type = $1 AND number = ANY ($2) AND sealed IS NOT NULL"
		still := 0
		if err := s.read(ctx, standing, []any{kind, of.Rows}, func(row pgx.Rows) error { return row.Scan(&still) }); err != nil {
			return nil, 0, err
		}
		batch := &pgx.Batch{}
		dropOutgoing(batch, register, of.Outgoing)
		if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
			return nil, 0, trouble(err, "cannot erase events to be")
		}
		here, rows = append(here, *of), rows+still
	}
	return here, rows, s.EraseRows(ctx, here)
}

// withdrawAgain deletes the events to be that name whom the rows of an erasure name: some were in the log by then, and are not
// in this one.
func (s *Store) withdrawAgain(ctx context.Context, list []eventlog.RowsOf) error {
	var common store.Common
	for i := range list {
		kind, register, err := s.erasedKind(ctx, &list[i])
		if err != nil {
			return err
		}
		for _, number := range list[i].Rows {
			var clues []event.Clue
			if register != 0 {
				err = s.read(ctx, store.CluesOfRow, []any{kind, number}, func(row pgx.Rows) error {
					var clue [16]byte
					err := row.Scan(&clue)
					clues = append(clues, clue)
					return err
				})
			}
			if err != nil {
				return err
			}
			common.Add(clues)
		}
	}
	for _, clue := range common.Clues() {
		batch := &pgx.Batch{}
		err := s.read(ctx, store.EventsToBeOf, []any{[16]byte(clue)}, func(row pgx.Rows) error {
			var register, number int64
			err := row.Scan(&register, &number)
			dropOutgoing(batch, register, []int64{number})
			return err
		})
		if err == nil && batch.Len() > 0 {
			err = trouble(s.pool.SendBatch(ctx, batch).Close(), "cannot erase events to be")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
