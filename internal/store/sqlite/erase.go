package sqlite

import (
	"context"
	"slices"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

func (s *Store) appendErasure(e *eventlog.Erasure) error {
	e.At = s.recorded
	return s.run("INSERT INTO erasures (n, at, author, reason, upto, events, positions, ended, rows) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)", func(st *sqlite.Stmt) {
		st.BindInt64(1, e.N)
		st.BindInt64(2, e.At)
		st.BindText(3, e.Author)
		st.BindText(4, e.Reason)
		st.BindInt64(5, e.UpTo)
		st.BindInt64(6, int64(len(e.Positions)))
		st.BindBytes(7, eventlog.AppendPositions(nil, e.Positions))
		st.BindText(8, eventlog.FormatRows(e.Rows))
	})
}

func readErasure(row *sqlite.Stmt) (e eventlog.Erasure, err error) {
	e = eventlog.Erasure{
		N: row.ColumnInt64(0), At: row.ColumnInt64(1), Author: row.ColumnText(2), Reason: row.ColumnText(3), UpTo: row.ColumnInt64(4),
		Ended: row.ColumnInt64(6),
	}
	positions := make([]byte, row.ColumnLen(5))
	row.ColumnBytes(5, positions)
	if e.Positions, err = eventlog.ParsePositions(positions); err == nil {
		e.Rows, err = eventlog.ParseRows(row.ColumnText(7))
	}
	return e, err
}

// Erasures reads erasures numbered below before (0: all), newest first, at most limit; with under way only those that go
// on.
func (s *Store) Erasures(ctx context.Context, before int64, underWay bool, limit int) (list []eventlog.Erasure, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Erasures, func(st *sqlite.Stmt) {
			st.BindInt64(1, before)
			st.BindBool(2, underWay)
			st.BindInt64(3, int64(limit))
		}, func(row *sqlite.Stmt) error {
			e, err := readErasure(row)
			list = append(list, e)
			return err
		})
	})
	return list, err
}

// Erasure reads one.
// Error: fault.NotFound.
func (s *Store) Erasure(ctx context.Context, n int64) (e eventlog.Erasure, err error) {
	list, err := s.Erasures(ctx, n+1, false, 1)
	if err == nil && (len(list) == 0 || list[0].N != n) {
		return e, fault.New(fault.NotFound, "there is no erasure %d", n)
	}
	if err != nil {
		return e, err
	}
	return list[0], nil
}

// EndErasure notes that nothing is left to do for an erasure. It is on disk when it returns.
func (s *Store) EndErasure(ctx context.Context, n, at int64) error {
	return s.forgetting(ctx, func(c *sqlite.Conn) error {
		return s.inTurn(c, func() error {
			return sqlitex.Execute(c, store.EndErasure, &sqlitex.ExecOptions{Args: []any{at, n}})
		})
	})
}

// erasedAtOnce is how many events are erased in one transaction.
const erasedAtOnce = 128

// Erase makes skeletons of events: their payloads, what receivers answered to them, the hashes they are found by and
// their lanes are overwritten in the file, and the WAL is emptied. Each step is a short transaction; made again, after a
// crash between two of them, it does what is left. tell hears how far it is.
// Error: fault.Conflict when somebody, such as a backup, reads for so long that the WAL cannot be emptied: it still holds
// what was erased, and Erase wants to be called again.
func (s *Store) Erase(ctx context.Context, positions []int64, tell func(done int)) error {
	return s.forgetting(ctx, func(c *sqlite.Conn) error {
		done := 0
		for some := range slices.Chunk(positions, erasedAtOnce) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.eraseSome(c, some); err != nil {
				return err
			}
			done += len(some)
			tell(done)
		}
		if err := s.emptyWAL(c); err != nil {
			return fault.Wrap(fault.Conflict, err, "the events are erased, but the WAL still holds what they were: somebody reads the database for long")
		}
		return nil
	})
}

// forgetting runs f with a connection that overwrites what it frees.
func (s *Store) forgetting(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := s.openForgetting(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := f(c); err != nil {
		if fault.Known(err) {
			return err
		}
		return fault.Wrap(fault.StorageFull, err, "cannot erase")
	}
	return nil
}

// inTurn runs a transaction between two of the log's writer.
func (s *Store) inTurn(c *sqlite.Conn, f func() error) (err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	return f()
}

// eraseSome erases a few events in one transaction. What they are found by is looked for before it, for that takes a walk
// through the day's clues, and once more after it: the follower of search may have added some meanwhile, and adds none
// of an event whose payload is gone.
func (s *Store) eraseSome(c *sqlite.Conn, positions []int64) error {
	clues, err := cluesOf(c, positions)
	if err != nil {
		return err
	}
	err = s.inTurn(c, func() error {
		if err := deleteClues(c, clues); err != nil {
			return err
		}
		return eraseRows(c, positions)
	})
	if err == nil {
		clues, err = cluesOf(c, positions)
	}
	if err != nil || len(clues) == 0 {
		return err
	}
	return s.inTurn(c, func() error { return deleteClues(c, clues) })
}

// eraseRows makes skeletons. The payload goes last: while it stands, the event counts as not erased.
func eraseRows(c *sqlite.Conn, positions []int64) error {
	for _, query := range []string{
		"UPDATE attempt_details SET key = NULL, sealed = NULL WHERE position = ? AND sealed IS NOT NULL",
		"UPDATE receipts SET key = NULL, sealed = NULL WHERE position = ?",
		"UPDATE events SET flags = flags | 2, lane = zeroblob(16) WHERE position = ?",
		"DELETE FROM payloads WHERE position = ?",
	} {
		for _, position := range positions {
			if err := sqlitex.Execute(c, query, &sqlitex.ExecOptions{Args: []any{position}}); err != nil {
				return err
			}
		}
	}
	return nil
}
