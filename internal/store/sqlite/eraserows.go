package sqlite

import (
	"context"
	"errors"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// OfPerson implements deposit.Store.
func (r *Registers) OfPerson(ctx context.Context, clue event.Clue) ([]eventlog.RowsOf, error) {
	var found store.FoundPersons
	err := r.store.reading(ctx, func(c *sqlite.Conn) error {
		return all(c, store.PersonsFound, []any{clue}, func(row *sqlite.Stmt) error {
			found.Add(row.ColumnText(0), row.ColumnText(1), row.ColumnInt64(2), row.ColumnInt64(3), row.ColumnInt64(4))
			return nil
		})
	})
	return found.List, err
}

// withdraw deletes events to be that name a person who is erased, and overwrites what it frees. The request is refused when
// one of them is in the log by now; whoever has read them to publish them finds that the stream has moved.
func (s *Store) withdraw(r *eventlog.Request) (err error) {
	for i := range r.Withdrawn {
		w, reached := &r.Withdrawn[i], int64(0)
		err := all(s.writer, store.PlaceReached, []any{w.Source, w.Stream}, func(row *sqlite.Stmt) error {
			reached = row.ColumnInt64(0)
			return nil
		})
		if err != nil {
			return err
		}
		if w.Numbers[0] < reached {
			r.Err = fault.New(fault.StreamMoved, "events of the register %s have come into the log meanwhile", w.Register)
			return nil
		}
	}
	if len(r.Withdrawn) == 0 {
		return nil
	}
	if err := s.run("PRAGMA secure_delete=ON", nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.run("PRAGMA secure_delete=FAST", nil)) }()
	for i := range r.Withdrawn {
		w := &r.Withdrawn[i]
		v, err := seen(s.writer, w.Register)
		if err != nil {
			return err
		}
		if err := dropOutgoing(s.writer, v.N, w.Numbers); err != nil {
			return err
		}
		for _, statement := range []struct {
			query string
			arg   any
		}{{store.DeliveriesPublished, v.N}, {store.StreamTouched, w.Source}} {
			if _, err := s.changed(statement.query, statement.arg); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropOutgoing deletes events to be of a register, and whom they name.
func dropOutgoing(c *sqlite.Conn, register int64, numbers []int64) error {
	for _, number := range numbers {
		for _, statement := range []struct {
			query string
			of    int64
		}{
			{"DELETE FROM register_outgoing WHERE register = $1 AND number = $2", register},
			{"DELETE FROM register_persons WHERE type = $1 AND number = $2", store.OutgoingKind(register)},
		} {
			if err := all(c, statement.query, []any{statement.of, number}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// EraseRows overwrites what rows of registers say, and the hashes of whom they name, and empties the WAL. What stays of a row
// is its number, what tells it apart, and both its times. Each step is a short transaction; made again it does what is left.
// Error: fault.Conflict as Erase.
func (s *Store) EraseRows(ctx context.Context, list []eventlog.RowsOf) error {
	return s.forgetting(ctx, func(c *sqlite.Conn) error {
		for i := range list {
			kind, _, err := erasedKind(c, &list[i])
			if err != nil {
				return err
			}
			for some := range slices.Chunk(list[i].Rows, erasedAtOnce) {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := s.inTurn(c, func() error { return eraseRowsOf(c, kind, some) }); err != nil {
					return err
				}
			}
		}
		if err := s.emptyWAL(c); err != nil {
			return fault.Wrap(fault.Conflict, err, "the rows are erased, but the WAL still holds what they were: somebody reads the database for long")
		}
		return nil
	})
}

// erasedKind is the type of some rows, and their register; 0 where no delivery of this history is theirs.
func erasedKind(c *sqlite.Conn, of *eventlog.RowsOf) (kind, register int64, err error) {
	err = all(c, store.ErasedKind, []any{of.Type, of.Register, of.Delivery, of.Begun}, func(row *sqlite.Stmt) error {
		kind, register = row.ColumnInt64(0), row.ColumnInt64(1)
		return nil
	})
	return kind, register, err
}

// eraseRowsOf makes skeletons of rows. Where a personal value told their object apart nothing tells whose they are any more.
func eraseRowsOf(c *sqlite.Conn, kind int64, numbers []int64) error {
	for _, number := range numbers {
		for _, query := range []string{
			`UPDATE register_rows SET key = NULL, sealed = NULL, object = CASE WHEN EXISTS
				(SELECT 1 FROM register_persons p WHERE p.type = $1 AND p.number = $2 AND p.object = 1) THEN randomblob(16) ELSE object END
				WHERE type = $1 AND number = $2`,
			"DELETE FROM register_persons WHERE type = $1 AND number = $2",
		} {
			if err := all(c, query, []any{kind, number}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseRowsAgain erases in a restored file what it has of the rows and the events to be of an erasure, and returns which
// these are. It has none of what a delivery of another history made, or when it is of before there were registers.
func eraseRowsAgain(c *sqlite.Conn, list []eventlog.RowsOf) (here []eventlog.RowsOf, rows int, err error) {
	if known, err := number(c, "SELECT count(*) FROM sqlite_schema WHERE name = 'register_persons'"); err != nil || known == 0 {
		return nil, 0, err
	}
	if err := withdrawAgain(c, list); err != nil {
		return nil, 0, err
	}
	for i := range list {
		of := &list[i]
		kind, register, err := erasedKind(c, of)
		if err != nil {
			return nil, 0, err
		}
		if register == 0 {
			continue
		}
		still, err := standingRows(c, kind, of.Rows)
		if err == nil {
			err = errors.Join(eraseRowsOf(c, kind, of.Rows), dropOutgoing(c, register, of.Outgoing))
		}
		if err != nil {
			return nil, 0, err
		}
		here, rows = append(here, *of), rows+still
	}
	return here, rows, nil
}

// withdrawAgain deletes the events to be that name whom the rows of an erasure name: some were in the log by then, and are not
// in this one.
func withdrawAgain(c *sqlite.Conn, list []eventlog.RowsOf) error {
	var common store.Common
	for i := range list {
		kind, register, err := erasedKind(c, &list[i])
		if err != nil {
			return err
		}
		for _, number := range list[i].Rows {
			var clues []event.Clue
			if register != 0 {
				err = all(c, store.CluesOfRow, []any{kind, number}, func(row *sqlite.Stmt) error {
					var clue event.Clue
					row.ColumnBytes(0, clue[:])
					clues = append(clues, clue)
					return nil
				})
			}
			if err != nil {
				return err
			}
			common.Add(clues)
		}
	}
	for _, clue := range common.Clues() {
		gone := map[int64][]int64{}
		err := all(c, store.EventsToBeOf, []any{clue}, func(row *sqlite.Stmt) error {
			gone[row.ColumnInt64(0)] = append(gone[row.ColumnInt64(0)], row.ColumnInt64(1))
			return nil
		})
		for register, numbers := range gone {
			err = errors.Join(err, dropOutgoing(c, register, numbers))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// standingRows is how many of some rows can still be read.
func standingRows(c *sqlite.Conn, kind int64, numbers []int64) (count int, err error) {
	for _, number := range numbers {
		err = errors.Join(err, all(c, "SELECT 1 FROM register_rows WHERE type = $1 AND number = $2 AND sealed IS NOT NULL", []any{kind, number}, func(*sqlite.Stmt) error {
			count++
			return nil
		}))
	}
	return count, err
}
