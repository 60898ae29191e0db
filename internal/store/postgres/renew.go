package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Renewing says how a restored database is made a hub's again.
type Renewing struct {
	// Erasures are the journal of erasures, to be made again. Nil: there is none.
	Erasures []eventlog.Journaled
	// Erased is told how many events and rows of registers were erased again, and in how many erasures; nil: nobody is.
	Erased func(events, rows, erasures int)
}

// Renewed is what Renew did.
type Renewed struct {
	Epoch uint32 `json:"epoch"` // of the log, from now on
	Head  int64  `json:"head"`  // positions up to here were taken over from the epoch before
}

// Renew makes a database that lost the end of its log a hub's again: one that was restored, or a standby that took over
// without the last commits. It erases who was erased since, forgets which nodes there were, and begins a new epoch: positions
// beyond the end will be given to other events, and a cursor behind it must not be believed. No hub may run on it. Broken off, it is made
// again; what it does last makes it count.
// Errors: fault.NoDatabase, fault.StoreNewer, fault.DataInUse when a node is alive.
func Renew(ctx context.Context, url string, o Renewing) (r Renewed, err error) {
	c, err := connectToHub(ctx, url)
	if err != nil {
		return r, err
	}
	defer func() { _ = c.Close(ctx) }() // what counted was committed
	config, err := parse(url)
	if err != nil {
		return r, err
	}
	config.AfterConnect = knowTypes
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return r, trouble(err, "cannot reach the database")
	}
	defer pool.Close()
	s := &Store{pool: pool, keys: store.NewKeyring(nil), same: func(*event.Event, *event.Event) bool { return true }}
	if err := s.refuseAlive(ctx); err != nil {
		return r, err
	}
	if r.Head, _, err = s.Head(ctx); err != nil {
		return r, err
	}
	if err := s.eraseAgain(ctx, &o, r.Head); err != nil {
		return r, err
	}
	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) (err error) {
		for _, query := range []string{"UPDATE holdings SET node = NULL", "DELETE FROM nodes"} {
			if _, err := tx.Exec(ctx, query); err != nil {
				return err
			}
		}
		if now, err := s.askTimeline(ctx); err != nil {
			return err
		} else if _, err := tx.Exec(ctx, noteTimeline, now); err != nil {
			return err
		}
		id := int64(0)
		err = tx.QueryRow(ctx, beginEpoch, r.Head).Scan(&id)
		r.Epoch = uint32(id)
		return err
	})
	return r, trouble(err, "the new epoch could not begin")
}

func (s *Store) refuseAlive(ctx context.Context) error {
	var name string
	err := s.read(ctx, "SELECT name FROM nodes WHERE until >= micros() LIMIT 1", nil, func(row pgx.Rows) error { return row.Scan(&name) })
	if err == nil && name != "" {
		err = fault.New(fault.DataInUse, "the node %s runs on the database: stop every hub first", name)
	}
	return err
}

// eraseAgain makes the erasures of the journal in a restored database: those of events that it has from the same history.
// What stands at other positions are other events, and stays. An erasure that the database does not know is noted in it,
// so that its number is not given again.
func (s *Store) eraseAgain(ctx context.Context, o *Renewing, head int64) error {
	epochs, err := s.Epochs(ctx)
	if err != nil {
		return err
	}
	events, rows, erasures := 0, 0, 0
	for i := range o.Erasures {
		e := &o.Erasures[i]
		shared := e.UpTo(eventlog.SharedUpTo(epochs, head, e.Epochs))
		here, err := s.standing(ctx, shared)
		if err == nil && len(here) > 0 {
			err = s.Erase(ctx, here, func(int) {})
		}
		var rowsHere []eventlog.RowsOf
		gone := 0
		if err == nil {
			rowsHere, gone, err = s.eraseRowsAgain(ctx, e.Rows)
		}
		if err == nil {
			err = s.noteErasure(ctx, e, shared, rowsHere)
		}
		if err != nil {
			return err
		}
		if len(here)+gone > 0 {
			events, rows, erasures = events+len(here), rows+gone, erasures+1
		}
	}
	if o.Erased != nil && len(o.Erasures) > 0 {
		o.Erased(events, rows, erasures)
	}
	return nil
}

// standing is which of some positions can still be read.
func (s *Store) standing(ctx context.Context, positions []int64) (list []int64, err error) {
	const query = `SELECT e.position FROM events e JOIN segments g ON g.n = e.segment
		WHERE e.position = ANY ($1) AND e.flags & 2 = 0 AND NOT g.forgotten ORDER BY e.position`
	err = s.read(ctx, query, []any{positions}, func(row pgx.Rows) error { return scanInto(row, &list) })
	return list, err
}

// noteErasure keeps of an erasure what is of this history.
func (s *Store) noteErasure(ctx context.Context, e *eventlog.Journaled, positions []int64, rows []eventlog.RowsOf) error {
	_, err := s.pool.Exec(ctx, store.NoteErasure, e.N, e.At, len(positions), eventlog.AppendPositions([]byte{}, positions))
	if err == nil && len(rows) > 0 {
		_, err = s.pool.Exec(ctx, store.NoteErasedRows, eventlog.FormatRows(rows), e.N)
	}
	return trouble(err, "an erasure could not be noted")
}

// ErasuresEnded is the number of the last erasure in a database that had ended, 0 when there is none: a journal of erasures
// that ends before it is not the hub's newest.
func ErasuresEnded(ctx context.Context, url string) (n int64, err error) {
	c, err := connectToHub(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close(ctx) }() // nothing was written
	err = c.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM erasures WHERE ended <> 0").Scan(&n)
	return n, trouble(err, "cannot read the erasures")
}
