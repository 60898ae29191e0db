package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

func scanAudit(row pgx.Rows) (*audit.Entry, error) {
	e := &audit.Entry{}
	var detail string
	var mac []byte
	err := row.Scan(&e.Number, &e.At, &e.Actor, &e.Act, &e.Subject, &detail, &e.Position, &mac)
	if detail != "" {
		e.Detail = json.RawMessage(detail)
	}
	if len(mac) == len(e.MAC) { // of any other length it is no MAC, and stays zero
		copy(e.MAC[:], mac)
	}
	return e, err
}

// readAuditHead reads the end of the audit log.
func readAuditHead(ctx context.Context, q querier) (head audit.Head, err error) {
	err = each(ctx, q, store.AuditHead, nil, func(row pgx.Rows) error {
		e, err := scanAudit(row)
		head = audit.Head{Number: e.Number, MAC: e.MAC}
		return err
	})
	return head, err
}

func readAudit(ctx context.Context, on querier, q audit.Query) (list []audit.Entry, err error) {
	query, limit := store.AuditOldest, int64(q.Limit)
	if q.Newest {
		query = store.AuditNewest
	}
	if limit == 0 {
		limit = math.MaxInt64
	}
	err = each(ctx, on, query, []any{q.Actor, string(q.Act), q.Subject, q.From, q.To, q.Site, q.After, limit}, func(row pgx.Rows) error {
		e, err := scanAudit(row)
		list = append(list, *e)
		return err
	})
	return list, err
}

// AuditHead returns the end of the audit log as it stands in the database.
func (s *Store) AuditHead(ctx context.Context) (audit.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	head, err := readAuditHead(ctx, s.pool)
	return head, trouble(err, "cannot read the audit log")
}

// Audit reads entries of the audit log.
func (s *Store) Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	list, err := readAudit(ctx, s.pool, q)
	return list, trouble(err, "cannot read the audit log")
}

// AuditReader reads the audit log of a database that hubs may be writing at the same time. It changes nothing, and all
// that it reads is of one moment.
type AuditReader struct {
	ctx  context.Context // of the reading: it has one caller, who waits for it
	conn *pgx.Conn
	tx   pgx.Tx
}

// OpenAudit opens the audit log of a database, which must be a hub's.
func OpenAudit(ctx context.Context, url string) (*AuditReader, error) {
	c, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	r := &AuditReader{ctx: ctx, conn: c}
	steps, err := readSteps(migrations)
	if err == nil {
		err = sameSchema(ctx, c, len(steps))
	}
	if err == nil {
		err = refuseMoving(ctx, c)
	}
	if err == nil {
		r.tx, err = c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	}
	if err != nil {
		return nil, errors.Join(trouble(err, "cannot read the audit log"), r.Close())
	}
	return r, nil
}

// sameSchema refuses a database that a reader, which changes nothing, would have to upgrade.
func sameSchema(ctx context.Context, c *pgx.Conn, known int) error {
	taken, err := schemaOf(ctx, c)
	if err == nil && taken == 0 {
		return fault.New(fault.NoDatabase, "it is the database of no hub")
	}
	if err == nil && taken != known {
		err = fault.New(fault.StoreNewer, "it has schema %d, this varsel reads %d: start the hub once to upgrade it, or use the varsel that wrote it", taken, known)
	}
	return err
}

// Close ends the reading.
func (r *AuditReader) Close() error { return r.conn.Close(context.Background()) }

// errEnough ends a walk that its caller has had enough of.
var errEnough = errors.New("enough")

// Entries goes through the whole log, in order of number, as often as it is asked to.
func (r *AuditReader) Entries() audit.Entries { return auditEntries(r.ctx, r.tx) }

func auditEntries(ctx context.Context, q querier) audit.Entries {
	return func(yield func(*audit.Entry, error) bool) {
		err := each(ctx, q, store.AuditEntries, nil, func(row pgx.Rows) error {
			e, err := scanAudit(row)
			if err == nil && !yield(e, nil) {
				err = errEnough
			}
			return err
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, trouble(err, "cannot read the audit log"))
		}
	}
}

// Audit reads entries.
func (r *AuditReader) Audit(q audit.Query) ([]audit.Entry, error) {
	list, err := readAudit(r.ctx, r.tx, q)
	return list, trouble(err, "cannot read the audit log")
}

// Head reads the end of the log.
func (r *AuditReader) Head() (audit.Head, error) {
	head, err := readAuditHead(r.ctx, r.tx)
	return head, trouble(err, "cannot read the audit log")
}
