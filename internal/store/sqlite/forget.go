package sqlite

import (
	"context"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Forget destroys the data keys of what was recorded on one day (UTC, days since 1970-01-01) under one retention, and
// returns how many there were. When it returns, no process can read these payloads or the answers to them any more, here
// or in a copy of the file made from now on; the skeletons stay, with their message ids. Nothing else finds them. Events that
// are accepted later, of that day even, are sealed under another key. Copies made before keep the wrapped keys: they
// forget when they are deleted.
//
// It runs beside the writer, whose commits wait for it. What is left of the rows, and the hashes that events are
// found by, are for Prune, and on its list from the same transaction on.
func (s *Store) Forget(ctx context.Context, retention event.Retention, day int64) (keys int, err error) {
	c, err := s.openForgetting(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if keys, err = s.destroy(c, eventlog.Class{Retention: retention, Day: day}); err != nil {
		return 0, fault.Wrap(fault.StorageFull, err, "cannot forget")
	}
	s.keys.Forget()
	if err := s.emptyWAL(c); err != nil {
		return keys, fault.Wrap(fault.Internal, err, "the keys are destroyed, but traces of them stay in the WAL until its next checkpoint")
	}
	return keys, nil
}

// openForgetting opens a connection that overwrites what it frees with zeros: it would stand in the file's empty space
// otherwise.
func (s *Store) openForgetting(ctx context.Context) (*sqlite.Conn, error) {
	c, err := openBeside(ctx, s.file)
	if err != nil {
		return nil, err
	}
	if err := sqlitex.ExecuteTransient(c, "PRAGMA secure_delete=ON", nil); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Internal, err, "cannot forget"), c.Close())
	}
	return c, nil
}

// emptyWAL moves the WAL into the file and makes it empty: it holds pages as they were before. The writer waits meanwhile,
// so a reader that takes long, such as a backup, is not waited for: that is an error.
func (s *Store) emptyWAL(c *sqlite.Conn) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	c.SetBusyTimeout(patience)
	busy := false
	err := sqlitex.ExecuteTransient(c, "PRAGMA wal_checkpoint(TRUNCATE)", &sqlitex.ExecOptions{ResultFunc: func(row *sqlite.Stmt) error {
		busy = row.ColumnInt64(0) != 0
		return nil
	}})
	if err == nil && busy {
		err = errBusy
	}
	return err
}

var errBusy = errors.New("somebody reads the database for long")

// Kept lists what has a retention and was not forgotten, oldest day first.
func (s *Store) Kept(ctx context.Context) (list []eventlog.Class, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, "SELECT DISTINCT class, day FROM data_keys WHERE wrapped IS NOT NULL AND class <> '' ORDER BY day, class", nil, func(row *sqlite.Stmt) error {
			list = append(list, eventlog.Class{Retention: event.Retention(row.ColumnText(0)), Day: row.ColumnInt64(1)})
			return nil
		})
	})
	return list, err
}

// patience is how long commits may wait for the readers of the WAL.
const patience = 500 * time.Millisecond

func (s *Store) destroy(c *sqlite.Conn, of eventlog.Class) (keys int, err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return 0, err
	}
	defer end(&err)
	err = sqlitex.Execute(c, "UPDATE data_keys SET wrapped = NULL WHERE class = ? AND day = ? AND wrapped IS NOT NULL", &sqlitex.ExecOptions{
		Args: []any{string(of.Retention), of.Day},
	})
	keys = c.Changes()
	// While this transaction is open the writer is between two of its own.
	s.keys.Renew()
	if err == nil && keys > 0 {
		err = errors.Join(toPrune(c, of), dropAside(c, of), dropReceipts(c, of))
	}
	return keys, err
}
