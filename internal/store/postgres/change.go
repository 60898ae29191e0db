package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store"
)

// change is a request that is more than events, on its way into the log: under the lock of the log's end, for it is
// numbered by what stands there.
type change struct {
	request  *eventlog.Request
	position int64 // the end of the log,
	recorded int64
	revision int64
	audited  audit.Head
	batch    pgx.Batch
}

// appendWith appends a request that is more than events. Atomic: its events, then its revisions with the consumers that
// they make, and all else of it, in a transaction of its own. This process is in the middle of it: one that freezes there
// is ended by its own idle_in_transaction_session_timeout, or by who waits.
func (s *Store) appendWith(ctx context.Context, g *group, r *eventlog.Request, c *eventlog.Commit) error {
	w := change{request: r}
	var first, stamp int64
	err := s.inTransaction(ctx, func(tx pgx.Tx) (err error) {
		if err := w.lockEnd(ctx, tx, c.Now); err != nil {
			return err
		}
		if err := s.sameEpoch(ctx, tx); err != nil {
			return err
		}
		if err := s.takeIn(ctx, tx, &w); err != nil || r.Err != nil {
			return err
		}
		if err := s.withdraw(ctx, tx, &w); err != nil || r.Err != nil {
			return err
		}
		if w.refused() {
			return nil // and nothing was written
		}
		if len(g.rows) > 0 {
			if first, stamp, err = g.call(ctx, tx); err != nil {
				return err
			}
			w.position, w.recorded = first+int64(len(g.rows))-1, stamp
		}
		if err := s.receive(ctx, tx, &w); err != nil {
			return err
		}
		if err := s.revise(ctx, &w); err != nil {
			return err
		}
		w.found()
		w.erase()
		w.eraseAside()
		w.audit(c.Chain)
		w.batch.Queue("UPDATE log_end SET position = $1, recorded = $2, revision = $3, audited = $4", w.position, w.recorded, w.revision, w.audited.Number)
		return tx.SendBatch(ctx, &w.batch).Close()
	})
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == "23505" && refused.ConstraintName == "erasures_pkey":
		r.Err = fault.New(fault.Conflict, "another erasure began at the same time, and has this number")
		return nil
	case err == nil && r.Err == nil && len(g.rows) > 0:
		g.appended(first, stamp)
	}
	if err == nil && r.Err == nil {
		s.moved(w.position, w.recorded)
	}
	return err
}

// lockEnd waits for the end of the log, and reads it.
func (w *change) lockEnd(ctx context.Context, tx pgx.Tx, now int64) error {
	err := tx.QueryRow(ctx, "SELECT position, recorded, revision, audited FROM log_end FOR UPDATE").Scan(&w.position, &w.recorded, &w.revision, &w.audited.Number)
	if err != nil {
		return err
	}
	w.recorded = max(w.recorded, now)
	if len(w.request.Audit) == 0 || w.audited.Number == 0 {
		return nil
	}
	var mac []byte
	err = tx.QueryRow(ctx, "SELECT mac FROM audit WHERE number = $1", w.audited.Number).Scan(&mac)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // somebody deleted it: the chain goes on from what is not there, and the audit log's proof fails
	}
	copy(w.audited.MAC[:], mac)
	return err
}

// refused reports whether the request cannot be appended as things stand under the lock. A change of configuration is
// refused when another one came first: the caller checked its documents against a state that is no more.
func (w *change) refused() bool {
	r := w.request
	if len(r.Revisions) > 0 && r.Expect != w.revision {
		r.Err = fault.New(fault.Precondition, "the configuration changed while this change was checked")
		return true
	}
	return r.Whole() && refusal(r.Entries) != nil
}

// revise appends the changes of configuration, with those documents sealed that are confidential.
func (s *Store) revise(ctx context.Context, w *change) error {
	for i := range w.request.Revisions {
		r := &w.request.Revisions[i]
		w.position++
		w.revision = w.position
		r.Position, r.Recorded = w.position, w.recorded
		var document *string
		var key *int64
		var sealed []byte
		switch {
		case r.Confidential():
			n, err := int64(0), error(nil)
			if n, sealed, err = s.sealRevision(ctx, r); err != nil {
				return err
			}
			key = &n
		case r.Document != nil:
			text := string(r.Document)
			document = &text
		}
		w.batch.Queue("INSERT INTO revisions (position, recorded, author, kind, subject, document, key, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			r.Position, r.Recorded, plainText(r.Author), string(r.Kind), r.Subject, document, key, sealed)
	}
	return nil
}

// sealRevision seals the document of a change that has its position.
func (s *Store) sealRevision(ctx context.Context, r *revision.Revision) (key int64, sealed []byte, err error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.keys.Renewed()
	k, _, err := s.sealingKey(ctx, store.ClassOf("", r.Recorded))
	if err != nil {
		return 0, nil, err
	}
	return k.N, slices.Clone(s.sealer.Revision(k, r.Position, r.Recorded, r.Document)), nil
}

// found makes the consumers of a change of configuration, and what a node holds to deliver to them.
func (w *change) found() {
	if len(w.request.Revisions) == 0 {
		return
	}
	for _, f := range w.request.Consumers {
		w.batch.Queue("INSERT INTO consumers (name, system, low, high, counted) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING",
			f.Name, f.System, w.position+1, w.position)
		w.batch.Queue("INSERT INTO holdings (name) VALUES ($1) ON CONFLICT DO NOTHING", eventlog.SystemHolding+f.System)
	}
}

func (w *change) erase() {
	e := w.request.Erasure
	if e == nil {
		return
	}
	e.At = w.recorded
	w.batch.Queue("INSERT INTO erasures (n, at, author, reason, upto, events, positions, ended, rows) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)",
		e.N, e.At, plainText(e.Author), plainText(e.Reason), e.UpTo, len(e.Positions), eventlog.AppendPositions([]byte{}, e.Positions), eventlog.FormatRows(e.Rows))
}

// audit numbers and seals a request's audit entries. The lock of the log's end keeps the chain of all nodes without forks.
func (w *change) audit(chain *audit.Chain) {
	r := w.request
	for i := range r.Audit {
		e := &r.Audit[i]
		e.Number, e.At = w.audited.Number+1, w.recorded
		if n := len(r.Revisions); n > 0 {
			e.Position = r.Revisions[n-1].Position
		}
		e.Actor, e.Subject = plainText(e.Actor), plainText(e.Subject) // it is sealed as it is kept
		chain.Seal(w.audited.MAC, e)
		w.batch.Queue("INSERT INTO audit (number, at, actor, act, subject, detail, position, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			e.Number, e.At, e.Actor, string(e.Act), e.Subject, string(e.Detail), e.Position, e.MAC[:])
		w.audited = audit.Head{Number: e.Number, MAC: e.MAC}
	}
}
