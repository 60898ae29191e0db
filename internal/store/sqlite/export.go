package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Export reads a whole database as it is at one moment, opened, for a move to another engine. It is not safe for
// concurrent use.
type Export struct {
	store *Store
	conn  *sqlite.Conn
	end   func(*error)
}

// Export begins to read everything. The store stays open until after Close.
func (s *Store) Export(ctx context.Context) (*Export, error) {
	c, err := sqlite.OpenConn(s.file, sqlite.OpenReadOnly|sqlite.OpenURI)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot open the database %s", s.file)
	}
	c.SetInterrupt(ctx.Done())
	x := &Export{store: s, conn: c, end: sqlitex.Transaction(c)}
	if _, err := number(c, "SELECT count(*) FROM hub"); err != nil { // begins the transaction's reading
		return nil, fault.Wrap(fault.Internal, errors.Join(err, x.Close()), "cannot read the database")
	}
	return x, nil
}

// Close ends the reading.
func (x *Export) Close() error {
	err := error(nil)
	x.end(&err)
	return errors.Join(err, x.conn.Close())
}

// End is the end of the log, and how far its index of search is.
func (x *Export) End() (end store.MovedEnd, err error) {
	s := x.store
	end = store.MovedEnd{Position: s.position, Recorded: s.recorded, Revision: s.revision, Audited: s.audited.Number}
	err = each(x.conn, store.Indexed, nil, func(row *sqlite.Stmt) error {
		if row.ColumnText(0) == "clues" {
			end.Clues = row.ColumnText(1)
		} else {
			end.ClueMaker = row.ColumnText(1)
		}
		return nil
	})
	return end, err
}

// shownClues are those of segments that were not forgotten, in the order of the rows that are moved.
const shownClues = "FROM segments s CROSS JOIN clues c ON c.segment = s.n WHERE s.day >= 0"

// Count is how many rows of a table there are to move.
func (x *Export) Count(t *store.Table) (int64, error) {
	query := "SELECT count(*) FROM " + t.Name
	if t.Name == store.MovedClues {
		query = "SELECT count(*) " + shownClues
	}
	n, err := number(x.conn, query)
	if err != nil {
		err = fault.Wrap(fault.Internal, err, "cannot count the rows of %s", t.Name)
	}
	return n, err
}

// Rows reads the rows of a table in order, without the first few.
// Errors: fault.SealBroken, fault.KeyMissing for one that does not open.
func (x *Export) Rows(t *store.Table, skip int64) iter.Seq2[store.Row, error] {
	query, scan := x.reading(t)
	return func(yield func(store.Row, error) bool) {
		err := each(x.conn, query+" LIMIT -1 OFFSET ?", func(st *sqlite.Stmt) { st.BindInt64(1, skip) }, func(row *sqlite.Stmt) error {
			r, err := scan(row)
			if err == nil && !yield(r, nil) {
				err = errEnough
			}
			return err
		})
		switch {
		case err == nil || errors.Is(err, errEnough):
			return
		case !fault.Known(err):
			err = fault.Wrap(fault.Internal, err, "cannot read %s", t.Name)
		}
		yield(nil, err)
	}
}

// reading is how the rows of a table are read.
func (x *Export) reading(t *store.Table) (query string, scan func(*sqlite.Stmt) (store.Row, error)) {
	columns := t.Columns
	switch t.Name {
	case store.MovedEvents:
		o := x.store.opener(x.conn)
		return eventColumns + "ORDER BY e.position", func(row *sqlite.Stmt) (store.Row, error) {
			e, err := x.store.event(o, row)
			return store.Row{e}, err
		}
	case store.MovedAttempts:
		return movedAttempts, x.attempts()
	case store.MovedClues:
		return "SELECT s.class, s.day, c.clue, c.position " + shownClues + " ORDER BY s.day, s.class, c.clue, c.position", values(4)
	case store.MovedAside:
		return movedAside, x.aside()
	case store.MovedRows:
		return x.opened(t, (*store.Opener).RowData)
	case store.MovedOutgoing:
		return x.opened(t, (*store.Opener).Draft)
	case store.MovedRevisions:
		return x.opened(t, (*store.Opener).Revision)
	case store.MovedReceipts:
		return movedReceipts, x.receipts()
	case store.MovedConsumers:
		columns = strings.Replace(columns, "system", "''", 1)
	}
	order := strings.ReplaceAll(t.Order, ` COLLATE "C"`, "") // it is what SQLite does
	return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", columns, t.Name, order), values(1 + strings.Count(columns, ","))
}

// values reads rows as they stand.
func values(columns int) func(*sqlite.Stmt) (store.Row, error) {
	return func(row *sqlite.Stmt) (store.Row, error) {
		r := make(store.Row, columns)
		for i := range r {
			switch row.ColumnType(i) {
			case sqlite.TypeInteger:
				r[i] = row.ColumnInt64(i)
			case sqlite.TypeText:
				r[i] = row.ColumnText(i)
			case sqlite.TypeBlob:
				r[i] = blob(row, i)
			case sqlite.TypeNull:
			default:
				return r, fmt.Errorf("column %d is of the type %s", i, row.ColumnType(i))
			}
		}
		return r, nil
	}
}

const movedAttempts = `SELECT a.position, a.consumer, a.number, a.at, a.outcome, a.status, a.duration, a.pass, d.reason, d.key, d.sealed, p.position
	FROM attempts a LEFT JOIN attempt_details d USING (position, consumer, number) LEFT JOIN payloads p USING (position)
	ORDER BY a.position, a.consumer, a.number`

// attempts reads rows of movedAttempts. Of an event that was forgotten the answers are gone.
func (x *Export) attempts() func(*sqlite.Stmt) (store.Row, error) {
	o, keys, plain := x.store.opener(x.conn), map[int64]store.DataKey{}, values(9)
	return func(row *sqlite.Stmt) (store.Row, error) {
		r, err := plain(row)
		r = append(r, nil)
		if err != nil || row.ColumnIsNull(10) || row.ColumnIsNull(11) {
			return r, err
		}
		n := row.ColumnInt64(9)
		key, known := keys[n]
		if !known {
			if key, err = readDataKey(x.conn, n); err != nil {
				return r, err
			}
			keys[n] = key
		}
		if len(key.Wrapped) == 0 {
			return r, nil
		}
		a := eventlog.Attempt{Position: row.ColumnInt64(0), Number: int(row.ColumnInt64(2))}
		err = openAttempt(o, row, 9, 10, row.ColumnInt64(1), &a)
		r[9] = &store.Opened{Class: key.Class, Detail: a.Result.Detail, Body: a.Result.Body}
		return r, err
	}
}

const movedAside = `SELECT source, number, partition, place, at, lane, outer, code, reason, k.class, k.day, key, sealed
	FROM aside JOIN data_keys k ON k.n = key ORDER BY source, number`

// aside reads rows of movedAside. What is forgotten has no row.
func (x *Export) aside() func(*sqlite.Stmt) (store.Row, error) {
	o, plain := x.store.opener(x.conn), values(9)
	return func(row *sqlite.Stmt) (store.Row, error) {
		r, err := plain(row)
		if err != nil {
			return r, err
		}
		a := eventlog.Aside{Number: row.ColumnInt64(1)}
		err = o.Aside(row.ColumnInt64(11), blob(row, 12), row.ColumnText(0), &a)
		class := eventlog.Class{Retention: event.Retention(row.ColumnText(9)), Day: row.ColumnInt64(10)}
		return append(r, &store.Opened{Class: class, Body: a.Message}), err
	}
}

// opened is how rows are read that begin with the two numbers that what is sealed in them is bound to.
func (x *Export) opened(t *store.Table, open func(o *store.Opener, key int64, sealed []byte, in, number int64) ([]byte, error)) (string, func(*sqlite.Stmt) (store.Row, error)) {
	columns := 1 + strings.Count(t.Columns, ",")
	o, plain := x.store.opener(x.conn), values(columns)
	query := fmt.Sprintf("SELECT %s, k.class, k.day, key, sealed FROM %s LEFT JOIN data_keys k ON k.n = key ORDER BY %s", t.Columns, t.Name, t.Order)
	return query, func(row *sqlite.Stmt) (store.Row, error) {
		r, err := plain(row)
		if err != nil || row.ColumnIsNull(columns+3) {
			return append(r, nil), err
		}
		body, err := open(o, row.ColumnInt64(columns+2), blob(row, columns+3), row.ColumnInt64(0), row.ColumnInt64(1))
		class := eventlog.Class{Retention: event.Retention(row.ColumnText(columns)), Day: row.ColumnInt64(columns + 1)}
		return append(r, &store.Opened{Class: class, Body: body}), err
	}
}

const movedReceipts = `SELECT system, message, position, type, at, coalesce(k.class, ''), coalesce(k.day, 0), coalesce(key, 0), sealed
	FROM receipts LEFT JOIN data_keys k ON k.n = key ORDER BY message, system`

// receipts reads rows of movedReceipts.
func (x *Export) receipts() func(*sqlite.Stmt) (store.Row, error) {
	o, plain := x.store.opener(x.conn), values(5)
	return func(row *sqlite.Stmt) (store.Row, error) {
		r, err := plain(row)
		if err != nil || row.ColumnIsNull(8) {
			return append(r, nil), err
		}
		one := eventlog.Receipt{System: row.ColumnText(0)}
		row.ColumnBytes(1, one.Message[:])
		err = o.Receipt(row.ColumnInt64(7), blob(row, 8), &one)
		class := eventlog.Class{Retention: event.Retention(row.ColumnText(5)), Day: row.ColumnInt64(6)}
		return append(r, &store.Opened{Class: class, Body: one.Sealed()}), err
	}
}
