package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"math"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// appendAudit numbers and seals a request's audit entries and appends them. The one writer does it, so the chain has no
// forks; it follows what this writer appended last, whatever stands in the file meanwhile.
func (s *Store) appendAudit(r *eventlog.Request, chain *audit.Chain) error {
	for i := range r.Audit {
		e := &r.Audit[i]
		e.Number, e.At = s.audited.Number+1, s.recorded
		if n := len(r.Revisions); n > 0 {
			e.Position = r.Revisions[n-1].Position
		}
		chain.Seal(s.audited.MAC, e)
		err := s.run("INSERT INTO audit (number, at, actor, act, subject, detail, position, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", func(st *sqlite.Stmt) {
			st.BindInt64(1, e.Number)
			st.BindInt64(2, e.At)
			st.BindText(3, e.Actor)
			st.BindText(4, string(e.Act))
			st.BindText(5, e.Subject)
			st.BindText(6, string(e.Detail))
			st.BindInt64(7, e.Position)
			st.BindBytes(8, e.MAC[:])
		})
		if err != nil {
			return err
		}
		s.audited = audit.Head{Number: e.Number, MAC: e.MAC}
	}
	return nil
}

func auditEntry(row *sqlite.Stmt) *audit.Entry {
	e := &audit.Entry{
		Number: row.ColumnInt64(0), At: row.ColumnInt64(1), Actor: row.ColumnText(2), Act: audit.Act(row.ColumnText(3)),
		Subject: row.ColumnText(4), Position: row.ColumnInt64(6),
	}
	if row.ColumnLen(5) > 0 {
		e.Detail = json.RawMessage(row.ColumnText(5))
	}
	if row.ColumnLen(7) == len(e.MAC) { // of any other length it is no MAC, and stays zero
		row.ColumnBytes(7, e.MAC[:])
	}
	return e
}

func auditHead(c *sqlite.Conn) (head audit.Head, err error) {
	err = each(c, store.AuditHead, nil, func(row *sqlite.Stmt) error {
		e := auditEntry(row)
		head = audit.Head{Number: e.Number, MAC: e.MAC}
		return nil
	})
	return head, err
}

// AuditHead returns the end of the audit log as it stands in the file.
func (s *Store) AuditHead(ctx context.Context) (head audit.Head, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		head, err = auditHead(c)
		return err
	})
	return head, err
}

// Audit reads entries of the audit log.
func (s *Store) Audit(ctx context.Context, q audit.Query) (list []audit.Entry, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		list, err = auditEntries(c, q)
		return err
	})
	return list, err
}

func auditEntries(c *sqlite.Conn, q audit.Query) (list []audit.Entry, err error) {
	query := store.AuditOldest
	if q.Newest {
		query = store.AuditNewest
	}
	limit := int64(q.Limit)
	if limit == 0 {
		limit = math.MaxInt64
	}
	err = each(c, query, func(st *sqlite.Stmt) {
		st.BindText(1, q.Actor)
		st.BindText(2, string(q.Act))
		st.BindText(3, q.Subject)
		st.BindInt64(4, q.From)
		st.BindInt64(5, q.To)
		st.BindText(6, q.Site)
		st.BindInt64(7, q.After)
		st.BindInt64(8, limit)
	}, func(row *sqlite.Stmt) error {
		list = append(list, *auditEntry(row))
		return nil
	})
	return list, err
}

// AuditReader reads the audit log of a database that a hub may be writing at the same time. It changes nothing, and all
// that it reads is of one moment.
type AuditReader struct{ conn *sqlite.Conn }

// OpenAudit opens the audit log of a database file, which must be there.
func OpenAudit(file string) (*AuditReader, error) {
	c, err := sqlite.OpenConn(file, sqlite.OpenReadOnly|sqlite.OpenURI)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot read the database %s", file)
	}
	r := &AuditReader{c}
	steps, err := readSteps(migrations)
	if err == nil {
		err = sameSchema(c, int64(len(steps)))
	}
	if err == nil {
		err = sqlitex.ExecuteTransient(c, "BEGIN", nil)
	}
	if err != nil {
		return nil, errors.Join(fault.Wrap(fault.Internal, err, "cannot read the database %s", file), r.Close())
	}
	return r, nil
}

// sameSchema refuses a file that a reader, which changes nothing, would have to upgrade.
func sameSchema(c *sqlite.Conn, known int64) error {
	taken, err := number(c, "PRAGMA user_version")
	if err == nil && taken != known {
		err = fault.New(fault.StoreNewer, "it has schema %d, this varsel reads %d: start the hub once to upgrade it, or use the varsel that wrote it", taken, known)
	}
	return err
}

// Close ends the reading.
func (r *AuditReader) Close() error { return r.conn.Close() }

// errEnough ends a walk that its caller has had enough of.
var errEnough = errors.New("enough")

// Entries goes through the whole log, in order of number, as often as it is asked to.
func (r *AuditReader) Entries() audit.Entries {
	return func(yield func(*audit.Entry, error) bool) {
		err := each(r.conn, store.AuditEntries, nil, func(row *sqlite.Stmt) error {
			if !yield(auditEntry(row), nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, fault.Wrap(fault.Internal, err, "cannot read the audit log"))
		}
	}
}

// Audit reads entries.
func (r *AuditReader) Audit(q audit.Query) ([]audit.Entry, error) {
	list, err := auditEntries(r.conn, q)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot read the audit log")
	}
	return list, nil
}

// Head reads the end of the log.
func (r *AuditReader) Head() (audit.Head, error) {
	head, err := auditHead(r.conn)
	if err != nil {
		return head, fault.Wrap(fault.Internal, err, "cannot read the audit log")
	}
	return head, nil
}
