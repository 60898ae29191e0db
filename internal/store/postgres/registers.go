package postgres

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// Registers keeps the rows of registers in the log's database: it implements deposit.Store, and what is said there is not said
// again. What several nodes do at a time for one delivery is decided by its row, which each update of it expects as it knows
// it.
type Registers struct{ store *Store }

// Registers is the same store, for who keeps rows of registers.
func (s *Store) Registers() *Registers { return &Registers{s} }

// writing runs a transaction. With last it is durable when it returns, and with it all that was committed before, for the WAL
// is written from its front. Without, the server may lose the last few transactions when it crashes, whole ones.
func (r *Registers) writing(ctx context.Context, last bool, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	return insist(ctx, couldNotWrite, r.store.again, func() error { return r.transaction(ctx, last, f) })
}

const couldNotWrite = "the register could not be written"

func (r *Registers) transaction(ctx context.Context, last bool, f func(context.Context, pgx.Tx) error) error {
	return r.store.inTransaction(ctx, func(tx pgx.Tx) error {
		if !last {
			if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
				return err
			}
		}
		return f(ctx, tx)
	})
}

// changed runs a statement of a transaction that is to change something.
// Error: fault.Conflict when it changes nothing: the delivery is not what it was known as.
func changed(ctx context.Context, tx pgx.Tx, query string, args ...any) error {
	done, err := tx.Exec(ctx, query, args...)
	if err == nil && done.RowsAffected() == 0 {
		err = store.ErrDeliveryMoved()
	}
	return err
}

// seen is what is seen of a register.
func seen(ctx context.Context, q querier, name string) (v store.RegisterView, err error) {
	err = each(ctx, q, store.RegisterSeen, []any{name}, func(row pgx.Rows) error { return row.Scan(&v.N, &v.Hidden, &v.Rows, &v.Outgoing) })
	return v, err
}

// moment runs f with what is seen of a register at one moment.
func (r *Registers) moment(ctx context.Context, name string, f func(context.Context, pgx.Tx, store.RegisterView) error) error {
	return r.store.moment(ctx, func(ctx context.Context, tx pgx.Tx) error {
		v, err := seen(ctx, tx, name)
		if err != nil || v.N == 0 {
			return err
		}
		return f(ctx, tx, v)
	})
}

func scanDelivery(row pgx.Rows, name string) (register.Delivery, error) {
	d, state := register.Delivery{Register: name}, ""
	err := row.Scan(&d.Number, &d.ID, &state, &d.Staged, &d.Digest, &d.Rows, &d.Closed, &d.Events, &d.Begun, &d.Ended, &d.Reason)
	d.State = register.State(state)
	return d, err
}

func readDelivery(ctx context.Context, q querier, n int64, name, id string) (d *register.Delivery, err error) {
	err = each(ctx, q, store.DeliveryNamed, []any{n, id}, func(row pgx.Rows) error {
		found, err := scanDelivery(row, name)
		d = &found
		return err
	})
	return d, err
}

// Begin implements deposit.Store. Whoever begins another delivery of the register waits: its row is locked.
func (r *Registers) Begin(ctx context.Context, d *register.Delivery) (known *register.Delivery, err error) {
	err = r.writing(ctx, false, func(ctx context.Context, tx pgx.Tx) error {
		const found = "INSERT INTO registers (name, last_delivery, last_row, last_outgoing) VALUES ($1, 0, 0, 0) ON CONFLICT (name) DO UPDATE SET name = excluded.name"
		if _, err := tx.Exec(ctx, found, d.Register); err != nil {
			return err
		}
		v, err := seen(ctx, tx, d.Register)
		if err == nil {
			known, err = readDelivery(ctx, tx, v.N, d.Register, d.ID)
		}
		if err != nil || known != nil && known.State != register.Refused {
			return err
		}
		if v.Hidden != 0 {
			return store.ErrStaging()
		}
		if _, err := tx.Exec(ctx, "UPDATE registers SET last_delivery = last_delivery + 1 WHERE n = $1", v.N); err != nil {
			return err
		}
		if known != nil {
			if _, err := tx.Exec(ctx, store.DeliveryForgotten, v.N, known.Number); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, store.DeliveryBegun, d.ID, []byte{}, d.Begun, v.N); err != nil {
			return err
		}
		known, err = readDelivery(ctx, tx, v.N, d.Register, d.ID)
		return err
	})
	return known, err
}

// Delivery implements deposit.Store.
func (r *Registers) Delivery(ctx context.Context, name, id string) (d *register.Delivery, err error) {
	err = r.moment(ctx, name, func(ctx context.Context, tx pgx.Tx, v store.RegisterView) (err error) {
		d, err = readDelivery(ctx, tx, v.N, name, id)
		return err
	})
	if err == nil && d == nil {
		err = fault.New(fault.NotFound, "the register has no delivery of this id")
	}
	return d, err
}

// Deliveries implements deposit.Store.
func (r *Registers) Deliveries(ctx context.Context, name string, below int64, limit int) (list []register.Delivery, err error) {
	err = r.moment(ctx, name, func(ctx context.Context, tx pgx.Tx, v store.RegisterView) error {
		return each(ctx, tx, store.DeliveriesBelow, []any{v.N, cmp.Or(below, register.Open), limit}, func(row pgx.Rows) error {
			d, err := scanDelivery(row, name)
			list = append(list, d)
			return err
		})
	})
	return list, err
}

// Commit implements deposit.Store. It is the one write of a delivery that waits for the disk.
func (r *Registers) Commit(ctx context.Context, d *register.Delivery) error {
	var known *register.Delivery
	err := r.writing(ctx, true, func(ctx context.Context, tx pgx.Tx) error {
		v, err := seen(ctx, tx, d.Register)
		if err == nil {
			err = changed(ctx, tx, store.DeliveryCommitted, d.Ended, v.N, d.Number, d.Staged)
		}
		if err == nil {
			known, err = readDelivery(ctx, tx, v.N, d.Register, d.ID)
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
	d.Reason = plainText(cmp.Or(d.Reason, "it was refused"))
	err := r.writing(ctx, false, func(ctx context.Context, tx pgx.Tx) (err error) {
		if v, err = seen(ctx, tx, d.Register); err == nil {
			err = changed(ctx, tx, store.DeliveryRefusing, d.Reason, v.N, d.Number)
		}
		if err == nil {
			kinds, err = kindsOf(ctx, tx, v.N)
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
	return r.writing(ctx, false, func(ctx context.Context, tx pgx.Tx) error {
		return changed(ctx, tx, store.DeliveryRefused, d.Ended, v.N, d.Number)
	})
}

// kindsOf are the entity types that a register has delivered.
func kindsOf(ctx context.Context, q querier, n int64) (kinds []store.RegisterKind, err error) {
	err = each(ctx, q, store.RegisterTypes, []any{n}, func(row pgx.Rows) error {
		var kind store.RegisterKind
		err := row.Scan(&kind.N, &kind.Name)
		kinds = append(kinds, kind)
		return err
	})
	return kinds, err
}

// drop deletes rows of a refused delivery, some in each transaction, until there are none; not after an error. Each looks
// whether the delivery is still being refused, and has it stay so: once another node has ended that, what stands behind its
// numbers is the next delivery's.
func (r *Registers) drop(ctx context.Context, before error, d *register.Delivery, v store.RegisterView, query string, of, behind int64) error {
	for err := before; ; {
		if err != nil {
			return err
		}
		dropped := int64(0)
		err = r.writing(ctx, false, func(ctx context.Context, tx pgx.Tx) error {
			if err := changed(ctx, tx, store.DeliveryRefusing, d.Reason, v.N, d.Number); err != nil {
				return err
			}
			done, err := tx.Exec(ctx, query, of, behind, droppedAtOnce)
			dropped = done.RowsAffected()
			return err
		})
		if err == nil && dropped == 0 {
			return nil
		}
	}
}

// Outgoing implements deposit.Store.
func (r *Registers) Outgoing(ctx context.Context, name string, after int64, limit int) (list []register.Outgoing, err error) {
	var n int64
	var keys []int64
	err = r.moment(ctx, name, func(ctx context.Context, tx pgx.Tx, v store.RegisterView) error {
		n = v.N
		return each(ctx, tx, store.Outgoing, []any{v.N, after, v.Outgoing, limit}, func(row pgx.Rows) error {
			next, key := register.Outgoing{}, int64(0)
			err := row.Scan(&next.Number, &next.Delivery, &key, &next.Draft)
			list, keys = append(list, next), append(keys, key)
			return err
		})
	})
	o := r.store.opener(ctx)
	for i := range list {
		if err == nil {
			list[i].Draft, err = o.Draft(keys[i], list[i].Draft, n, list[i].Number)
		}
	}
	if err != nil {
		return nil, trouble(err, "cannot read the register")
	}
	return list, nil
}

// Sent implements deposit.Store. The server may lose it when it crashes: it is known from the log what was sent.
func (r *Registers) Sent(ctx context.Context, name string, upTo int64) error {
	return r.writing(ctx, false, func(ctx context.Context, tx pgx.Tx) error {
		v, err := seen(ctx, tx, name)
		if err != nil || v.N == 0 {
			return err
		}
		upTo = min(upTo, v.Outgoing)
		if _, err := tx.Exec(ctx, store.OutgoingSent, v.N, upTo); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, store.SentPersons, store.OutgoingKind(v.N), upTo); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, store.DeliveriesPublished, v.N)
		return err
	})
}

// isUnique reports whether the database refused a second row of the same in an index.
func isUnique(err error, index string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "23505" && refused.ConstraintName == index
}
