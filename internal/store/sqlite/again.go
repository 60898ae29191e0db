package sqlite

import (
	"errors"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// eraseAgain makes the erasures of the journal in a restored file, in one transaction: those of events that the file has
// from the same history. What stands at other positions are other events, and stays. An erasure that the file does not
// know is noted in it, so that its number is not given again.
func (o *Copying) eraseAgain(c *sqlite.Conn, head int64) (err error) {
	if len(o.Erasures) == 0 {
		return nil
	}
	if err := sqlitex.ExecuteTransient(c, "PRAGMA secure_delete=ON", nil); err != nil {
		return err
	}
	var epochs []eventlog.Epoch
	err = each(c, store.Epochs, nil, func(row *sqlite.Stmt) error {
		epochs = append(epochs, eventlog.Epoch{ID: uint32(row.ColumnInt64(0)), After: row.ColumnInt64(1)})
		return nil
	})
	if err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	events, rows, erasures := 0, 0, 0
	for i := range o.Erasures {
		e := &o.Erasures[i]
		shared := e.UpTo(eventlog.SharedUpTo(epochs, head, e.Epochs))
		n, err := eraseJournaled(c, shared)
		var here []eventlog.RowsOf
		gone := 0
		if err == nil {
			here, gone, err = eraseRowsAgain(c, e.Rows)
		}
		if err == nil {
			err = noteErasure(c, e, shared, here)
		}
		if err != nil {
			return err
		}
		if n+gone > 0 {
			events, rows, erasures = events+n, rows+gone, erasures+1
		}
	}
	if o.Erased != nil {
		o.Erased(events, rows, erasures)
	}
	return nil
}

// eraseJournaled erases what of these positions is there, and returns how many events that were.
func eraseJournaled(c *sqlite.Conn, positions []int64) (events int, err error) {
	var here []int64
	for _, position := range positions {
		err := each(c, "SELECT 1 FROM payloads WHERE position = ?", func(st *sqlite.Stmt) { st.BindInt64(1, position) }, func(*sqlite.Stmt) error {
			here = append(here, position)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	if len(here) == 0 {
		return 0, nil
	}
	clues, err := cluesOf(c, here)
	return len(here), errors.Join(err, deleteClues(c, clues), eraseRows(c, here))
}

// noteErasure keeps of an erasure what is of this history.
func noteErasure(c *sqlite.Conn, e *eventlog.Journaled, positions []int64, rows []eventlog.RowsOf) error {
	err := sqlitex.Execute(c, store.NoteErasure, &sqlitex.ExecOptions{Args: []any{e.N, e.At, len(positions), eventlog.AppendPositions(nil, positions)}})
	if err == nil && len(rows) > 0 {
		err = sqlitex.Execute(c, store.NoteErasedRows, &sqlitex.ExecOptions{Args: []any{eventlog.FormatRows(rows), e.N}})
	}
	return err
}
