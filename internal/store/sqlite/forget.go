package sqlite

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Forget destroys the data keys of what was recorded on one day (UTC, days since 1970-01-01) under one retention, and
// returns how many there were. When it returns, no process can read these payloads or the answers to them any more, here
// or in a copy of the file made from now on, and the hashes of what was in them are gone; the skeletons stay, with their
// message ids. Events that are accepted later, of that day even, are sealed under another key. Copies made before keep
// the wrapped keys: they forget when they are deleted.
//
// It runs beside the writer, whose commits wait for it.
func (s *Store) Forget(ctx context.Context, retention event.Retention, day int64) (keys int, err error) {
	c, err := openBeside(ctx, s.file)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	// What was freed is overwritten with zeros, or the wrapped keys would stand in the file's empty space.
	if err := sqlitex.ExecuteTransient(c, "PRAGMA secure_delete=ON", nil); err != nil {
		return 0, fault.Wrap(fault.Internal, err, "cannot forget")
	}
	if keys, err = s.destroy(c, class{retention, day}); err != nil {
		return 0, fault.Wrap(fault.StorageFull, err, "cannot forget")
	}
	s.keys.forget()
	// The WAL holds the pages as they were until it is emptied. The writer waits meanwhile, so a reader that takes long,
	// such as a backup, is not waited for: then the wrapped keys stand there until a later checkpoint.
	c.SetBusyTimeout(patience)
	if err := sqlitex.ExecuteTransient(c, "PRAGMA wal_checkpoint(TRUNCATE)", nil); err != nil {
		return keys, fault.Wrap(fault.Internal, err, "the keys are destroyed, but traces of them stay in the WAL until its next checkpoint")
	}
	return keys, nil
}

// patience is how long commits may wait for the readers of the WAL.
const patience = 500 * time.Millisecond

func (s *Store) destroy(c *sqlite.Conn, of class) (keys int, err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return 0, err
	}
	defer end(&err)
	err = sqlitex.Execute(c, "UPDATE data_keys SET wrapped = NULL WHERE class = ? AND day = ? AND wrapped IS NOT NULL", &sqlitex.ExecOptions{
		Args: []any{string(of.retention), of.day},
	})
	keys = c.Changes()
	// While this transaction is open the writer is between two of its own.
	s.keys.renew.Store(true)
	if err == nil {
		err = dropClues(c, of)
	}
	return keys, err
}
