package sqlite

import (
	"cmp"
	"context"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// Registers keeps the rows of registers in the log's file: it implements deposit.Store, and what is said there is not said
// again. It writes with the log's writer, between two commits.
type Registers struct{ store *Store }

// Registers is the same store, for who keeps rows of registers.
func (s *Store) Registers() *Registers { return &Registers{s} }

// writing runs a transaction of the writer. With last it is synced to disk before it returns, and with it all that was
// committed before: the WAL is one file, written from its front. Without, a crash of the process loses nothing, and a loss
// of power the last few transactions, whole ones.
func (r *Registers) writing(ctx context.Context, last bool, f func() error) error {
	s := r.store
	s.turn.Lock()
	defer s.turn.Unlock()
	err := ctx.Err()
	if err == nil {
		err = s.synchronous(last)
	}
	if err == nil {
		err = s.run("BEGIN IMMEDIATE", nil)
	}
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "the register cannot be written")
	}
	s.keys.Renewed()
	made := s.made
	if err = f(); err == nil {
		err = s.run("COMMIT", nil)
	}
	switch {
	case err == nil:
	case s.made > made: // its keys are taken back with it
		s.undo()
	case !s.writer.AutocommitEnabled():
		_ = s.run("ROLLBACK", nil) // the error that matters is the one that brought us here
	}
	if err != nil && !fault.Known(err) {
		return fault.Wrap(fault.StorageFull, err, "the register could not be written")
	}
	return err
}

// changed runs a statement of the writer and tells how many rows it has changed.
func (s *Store) changed(query string, args ...any) (int, error) {
	err := s.run(query, func(st *sqlite.Stmt) { bindAll(st, args) })
	return s.writer.Changes(), err
}

// move runs a statement of the writer that is to change a delivery.
// Error: fault.Conflict when it changes nothing: the delivery is not what it was known as.
func (s *Store) move(query string, args ...any) error {
	changed, err := s.changed(query, args...)
	if err == nil && changed == 0 {
		err = store.ErrDeliveryMoved()
	}
	return err
}

// bindAll binds arguments in the order of their parameters.
func bindAll(st *sqlite.Stmt, args []any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case int64:
			st.BindInt64(i+1, arg)
		case string:
			st.BindText(i+1, arg)
		case []byte:
			st.BindBytes(i+1, arg)
		case register.Handle:
			st.BindBytes(i+1, arg[:])
		}
	}
}

// all runs a query and visits its rows.
func all(c *sqlite.Conn, query string, args []any, visit func(*sqlite.Stmt) error) error {
	return each(c, query, func(st *sqlite.Stmt) { bindAll(st, args) }, visit)
}

// seen is what is seen of a register.
func seen(c *sqlite.Conn, name string) (v store.RegisterView, err error) {
	err = all(c, store.RegisterSeen, []any{name}, func(row *sqlite.Stmt) error {
		v = store.RegisterView{N: row.ColumnInt64(0), Hidden: row.ColumnInt64(1), Rows: row.ColumnInt64(2), Outgoing: row.ColumnInt64(3)}
		return nil
	})
	return v, err
}

// moment runs f with what is seen of a register at one moment.
func (r *Registers) moment(ctx context.Context, name string, f func(*sqlite.Conn, store.RegisterView) error) error {
	return r.store.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		v, err := seen(c, name)
		if err != nil || v.N == 0 {
			return err
		}
		return f(c, v)
	})
}

func scanDelivery(row *sqlite.Stmt, name string) register.Delivery {
	return register.Delivery{
		Register: name, Number: row.ColumnInt64(0), ID: row.ColumnText(1), State: register.State(row.ColumnText(2)), Staged: row.ColumnInt64(3),
		Digest: blob(row, 4), Rows: row.ColumnInt64(5), Closed: row.ColumnInt64(6), Events: row.ColumnInt64(7), Begun: row.ColumnInt64(8),
		Ended: row.ColumnInt64(9), Reason: row.ColumnText(10),
	}
}

func readDelivery(c *sqlite.Conn, n int64, name, id string) (d *register.Delivery, err error) {
	err = all(c, store.DeliveryNamed, []any{n, id}, func(row *sqlite.Stmt) error {
		found := scanDelivery(row, name)
		d = &found
		return nil
	})
	return d, err
}

// Begin implements deposit.Store.
func (r *Registers) Begin(ctx context.Context, d *register.Delivery) (known *register.Delivery, err error) {
	s := r.store
	err = r.writing(ctx, false, func() error {
		if _, err := s.changed("INSERT INTO registers (name, last_delivery, last_row, last_outgoing) VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING", d.Register); err != nil {
			return err
		}
		v, err := seen(s.writer, d.Register)
		if err == nil {
			known, err = readDelivery(s.writer, v.N, d.Register, d.ID)
		}
		if err != nil || known != nil && known.State != register.Refused {
			return err
		}
		if v.Hidden != 0 {
			return store.ErrStaging()
		}
		if _, err := s.changed("UPDATE registers SET last_delivery = last_delivery + 1 WHERE n = ?", v.N); err != nil {
			return err
		}
		if known != nil {
			if _, err := s.changed(store.DeliveryForgotten, v.N, known.Number); err != nil {
				return err
			}
		}
		if _, err := s.changed(store.DeliveryBegun, d.ID, []byte{}, d.Begun, v.N); err != nil {
			return err
		}
		known, err = readDelivery(s.writer, v.N, d.Register, d.ID)
		return err
	})
	return known, err
}

// Delivery implements deposit.Store.
func (r *Registers) Delivery(ctx context.Context, name, id string) (d *register.Delivery, err error) {
	err = r.moment(ctx, name, func(c *sqlite.Conn, v store.RegisterView) (err error) {
		d, err = readDelivery(c, v.N, name, id)
		return err
	})
	if err == nil && d == nil {
		err = fault.New(fault.NotFound, "the register has no delivery of this id")
	}
	return d, err
}

// Deliveries implements deposit.Store.
func (r *Registers) Deliveries(ctx context.Context, name string, below int64, limit int) (list []register.Delivery, err error) {
	err = r.moment(ctx, name, func(c *sqlite.Conn, v store.RegisterView) error {
		return all(c, store.DeliveriesBelow, []any{v.N, cmp.Or(below, register.Open), int64(limit)}, func(row *sqlite.Stmt) error {
			list = append(list, scanDelivery(row, name))
			return nil
		})
	})
	return list, err
}

// Commit implements deposit.Store. It is the one write of a delivery that waits for the disk.
func (r *Registers) Commit(ctx context.Context, d *register.Delivery) error {
	var known *register.Delivery
	err := r.writing(ctx, true, func() error {
		v, err := seen(r.store.writer, d.Register)
		if err != nil {
			return err
		}
		if err = r.store.move(store.DeliveryCommitted, d.Ended, v.N, d.Number, d.Staged); err == nil {
			known, err = readDelivery(r.store.writer, v.N, d.Register, d.ID)
		}
		return err
	})
	if err == nil && known != nil {
		d.State = known.State
	}
	return err
}

// droppedAtOnce is how many rows of a refused delivery one transaction deletes.
const droppedAtOnce = 1000

// Refuse implements deposit.Store.
func (r *Registers) Refuse(ctx context.Context, d *register.Delivery) error {
	var v store.RegisterView
	var kinds []store.RegisterKind
	d.Reason = cmp.Or(d.Reason, "it was refused")
	err := r.writing(ctx, false, func() (err error) {
		if v, err = seen(r.store.writer, d.Register); err != nil {
			return err
		}
		if err = r.store.move(store.DeliveryRefusing, d.Reason, v.N, d.Number); err == nil {
			kinds, err = kindsOf(r.store.writer, v.N)
		}
		return err
	})
	for _, kind := range kinds {
		err = r.drop(ctx, err, d, v, store.DropRows, kind.N, v.Rows)
		err = r.drop(ctx, err, d, v, store.DropPersons, kind.N, v.Rows)
	}
	err = r.drop(ctx, err, d, v, store.DropPersons, store.OutgoingKind(v.N), v.Outgoing)
	err = r.drop(ctx, err, d, v, store.DropClosings, v.N, v.Hidden)
	err = r.drop(ctx, err, d, v, store.DropOutgoing, v.N, v.Outgoing)
	if err != nil {
		return err
	}
	d.State = register.Refused
	return r.writing(ctx, false, func() error {
		return r.store.move(store.DeliveryRefused, d.Ended, v.N, d.Number)
	})
}

// kindsOf are the entity types that a register has delivered.
func kindsOf(c *sqlite.Conn, n int64) (kinds []store.RegisterKind, err error) {
	err = all(c, store.RegisterTypes, []any{n}, func(row *sqlite.Stmt) error {
		kinds = append(kinds, store.RegisterKind{N: row.ColumnInt64(0), Name: row.ColumnText(1)})
		return nil
	})
	return kinds, err
}

// drop deletes rows of a refused delivery, some in each transaction, until there are none; not after an error. Each looks
// whether the delivery is still being refused: once another has ended that, what stands behind its numbers is the next
// delivery's.
func (r *Registers) drop(ctx context.Context, before error, d *register.Delivery, v store.RegisterView, query string, of, behind int64) error {
	for err := before; ; {
		if err != nil {
			return err
		}
		dropped := 0
		err = r.writing(ctx, false, func() (err error) {
			if err = r.store.move(store.DeliveryRefusing, d.Reason, v.N, d.Number); err == nil {
				dropped, err = r.store.changed(query, of, behind, int64(droppedAtOnce))
			}
			return err
		})
		if err == nil && dropped == 0 {
			return nil
		}
	}
}

// Outgoing implements deposit.Store.
func (r *Registers) Outgoing(ctx context.Context, name string, after int64, limit int) (list []register.Outgoing, err error) {
	err = r.moment(ctx, name, func(c *sqlite.Conn, v store.RegisterView) error {
		o := r.store.opener(c)
		return all(c, store.Outgoing, []any{v.N, after, v.Outgoing, int64(limit)}, func(row *sqlite.Stmt) (err error) {
			next := register.Outgoing{Number: row.ColumnInt64(0), Delivery: row.ColumnInt64(1)}
			next.Draft, err = o.Draft(row.ColumnInt64(2), blob(row, 3), v.N, next.Number)
			list = append(list, next)
			return err
		})
	})
	return list, err
}

// Sent implements deposit.Store. A loss of power may take it back: it is known from the log what was sent.
func (r *Registers) Sent(ctx context.Context, name string, upTo int64) error {
	return r.writing(ctx, false, func() error {
		v, err := seen(r.store.writer, name)
		if err != nil || v.N == 0 {
			return err
		}
		upTo = min(upTo, v.Outgoing)
		if _, err := r.store.changed(store.OutgoingSent, v.N, upTo); err != nil {
			return err
		}
		if _, err := r.store.changed(store.SentPersons, store.OutgoingKind(v.N), upTo); err != nil {
			return err
		}
		_, err = r.store.changed(store.DeliveriesPublished, v.N)
		return err
	})
}
