package sqlite

import (
	"context"
	"errors"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// statements are the writer's prepared statements by text: prepared once, used for every commit.
type statements map[string]*sqlite.Stmt

// bind prepares a statement of the writer and binds its arguments in order.
func (s *Store) stmt(query string) (*sqlite.Stmt, error) {
	if st := s.cache[query]; st != nil {
		return st, nil
	}
	st, err := s.writer.Prepare(query)
	if err != nil {
		return nil, err
	}
	if s.cache == nil {
		s.cache = statements{}
	}
	s.cache[query] = st
	return st, nil
}

// run executes a statement that returns no rows.
func (s *Store) run(query string, bind func(*sqlite.Stmt)) error {
	st, err := s.stmt(query)
	if err != nil {
		return err
	}
	if bind != nil {
		bind(st)
	}
	return step(st)
}

func step(st *sqlite.Stmt) error {
	_, err := st.Step()
	if e := st.Reset(); err == nil {
		err = e
	}
	return err
}

// Commit implements eventlog.Store. Atomic: the events, revisions and audit entries of every request that is not
// refused, and every cut, in one SQLite transaction. With requests in it the commit is synced to disk before it returns
// (synchronous=FULL). Outcomes and clues alone need no sync: losing the last of them only repeats deliveries (invariant
// I3) and reading, and WAL keeps their order.
func (s *Store) Commit(_ context.Context, c *eventlog.Commit) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.synchronous(slices.ContainsFunc(c.Requests, mustLast)); err != nil {
		return err
	}
	if err := s.run("BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	s.keys.Renewed()
	end := endOfLog{s.position, s.recorded, s.revision, s.audited}
	err := s.write(c)
	written := time.Now()
	if err == nil {
		err = s.run("COMMIT", nil)
	}
	tookFor(c, time.Since(written))
	if err != nil {
		s.position, s.recorded, s.revision, s.audited = end.position, end.recorded, end.revision, end.audited
		s.undo()
	}
	return err
}

// mustLast reports whether a request is answered only when a crash cannot take it back.
func mustLast(r *eventlog.Request) bool { return r.Clues == nil }

type endOfLog struct {
	position, recorded, revision int64
	audited                      audit.Head
}

// undo rolls back and forgets the names and the keys that the transaction added. A failed COMMIT may have rolled back by
// itself.
func (s *Store) undo() {
	s.forgetWaiting()
	s.keys.DropSealing()
	s.keys.Forget()
	if !s.writer.AutocommitEnabled() {
		_ = s.run("ROLLBACK", nil) // the error that matters is the one that brought us here
	}
	_ = s.load()
}

func (s *Store) synchronous(full bool) error {
	if full == s.full {
		return nil
	}
	query := "PRAGMA synchronous=NORMAL"
	if full {
		query = "PRAGMA synchronous=FULL"
	}
	s.full = full
	return s.run(query, nil)
}

// write writes the requests, then the cuts. A change of configuration is refused before anything of its request is
// written when another one came first: the caller checked its documents against a state that is no more.
func (s *Store) write(c *eventlog.Commit) error {
	s.recorded = max(s.recorded, s.settled, c.Now)
	for _, r := range c.Requests {
		r.Err = nil
		var err error
		switch {
		case len(r.Audit) > 0 && c.Chain == nil:
			r.Err = fault.New(fault.Internal, "there is no key to seal the audit log with")
		case len(r.Revisions) > 0 && r.Expect != s.revision:
			r.Err = fault.New(fault.Precondition, "the configuration changed while this change was checked")
		case r.Clues != nil:
			err = s.writeClues(r.Clues)
		case r.Intake != nil:
			err = s.takeIn(r)
		default:
			if err = s.withdraw(r); err == nil && r.Err == nil {
				err = s.appendEvents(r)
			}
		}
		if err == nil && len(r.Revisions) > 0 && r.Err == nil {
			err = s.appendRevisions(r)
		}
		if err == nil && r.Err == nil {
			err = s.appendReceipts(r.Receipts)
		}
		if err == nil && r.Erasure != nil && r.Err == nil {
			err = errors.Join(s.appendErasure(r.Erasure), s.eraseAside(r.Erased))
		}
		if err == nil && len(r.Audit) > 0 && r.Err == nil {
			err = s.appendAudit(r, c.Chain)
		}
		if err != nil {
			return err
		}
	}
	if err := s.insertEvents(); err != nil {
		return err
	}
	for _, cut := range c.Cuts {
		if err := s.writeCut(cut); err != nil {
			return err
		}
	}
	if len(c.Requests) == 0 && len(c.Cuts) == 0 {
		return s.run("UPDATE hub SET value = '' WHERE name = 'probe'", nil)
	}
	return nil
}

// appendEvents appends a request's events. When one that goes in whole is refused, what was appended of it is taken back:
// a savepoint would cost every request a copy of each page it touches.
func (s *Store) appendEvents(r *eventlog.Request) error {
	before, refused := s.position, 0
	for i := range r.Entries {
		entry := &r.Entries[i]
		if refused > 0 && heldBack(r.Entries[:i], entry) {
			entry.Status = eventlog.Held
		} else if err := s.appendEvent(entry); err != nil {
			return err
		}
		if entry.Status > eventlog.Duplicate {
			refused++
		}
	}
	if refused == 0 || !r.Whole() {
		return nil
	}
	r.Err = refusal(r.Entries)
	return s.takeBack(r, before)
}

// takeBack removes what a refused request has appended after a position.
func (s *Store) takeBack(r *eventlog.Request, before int64) error {
	s.position = before
	s.waiting = slices.DeleteFunc(s.waiting, func(waiting row) bool { return waiting.event.Position > before })
	for _, query := range []string{"DELETE FROM events WHERE position > ?", "DELETE FROM payloads WHERE position > ?"} {
		if err := s.run(query, func(st *sqlite.Stmt) { st.BindInt64(1, before) }); err != nil {
			return err
		}
	}
	for i := range r.Entries {
		if r.Entries[i].Status != eventlog.Appended {
			continue
		}
		e := r.Entries[i].Event
		err := s.run("DELETE FROM event_ids WHERE source = ? AND id = ?", func(st *sqlite.Stmt) {
			st.BindInt64(1, s.names.sources[e.Source])
			st.BindText(2, e.SourceID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// heldBack reports whether an earlier entry of the same lane was refused.
func heldBack(earlier []eventlog.Entry, e *eventlog.Entry) bool {
	for i := range earlier {
		if earlier[i].Status > eventlog.Duplicate && earlier[i].Event.Lane == e.Event.Lane && !e.Event.Lane.IsZero() {
			return true
		}
	}
	return false
}

func refusal(entries []eventlog.Entry) error {
	for i := range entries {
		if err := entries[i].Refusal(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) appendEvent(entry *eventlog.Entry) error {
	e := entry.Event
	source, err := s.sourceNumber(e.Source)
	if err != nil {
		return err
	}
	position := s.position + 1
	err = s.run("INSERT OR IGNORE INTO event_ids (source, id, position) VALUES (?, ?, ?)", func(st *sqlite.Stmt) {
		st.BindInt64(1, source)
		st.BindText(2, e.SourceID)
		st.BindInt64(3, position)
	})
	if err != nil {
		return err
	}
	if s.writer.Changes() == 0 {
		return s.known(entry, source)
	}
	kind, err := s.typeNumber(typeVersion{e.Type, e.Version})
	if err != nil {
		return err
	}
	key, err := s.sealingKey(store.ClassOf(e.Retention, s.recorded))
	if err != nil {
		return err
	}
	s.position = position
	entry.Status, entry.Position = eventlog.Appended, position
	e.Position, e.Recorded = position, s.recorded
	if e.Time == 0 {
		e.Time = s.recorded
	}
	if e.Lane.IsZero() {
		e.Lane = event.Alone(position)
	}
	s.waiting = append(s.waiting, row{e, source, kind, key})
	return nil
}

// Bits of events.flags.
const (
	personal  = 1
	forgotten = 2
)

func flags(e *event.Event) int64 {
	if e.Personal {
		return personal
	}
	return 0
}

// known settles an entry whose source and id are in the log: the same content is a duplicate, other content clashes.
// An event whose payload was forgotten, or is damaged, counts as the same: nothing is left to compare, and one damaged
// row must not refuse the commit of everyone.
func (s *Store) known(entry *eventlog.Entry, source int64) error {
	err := each(s.writer, "SELECT position FROM event_ids WHERE source = ? AND id = ?", func(st *sqlite.Stmt) {
		st.BindInt64(1, source)
		st.BindText(2, entry.Event.SourceID)
	}, func(row *sqlite.Stmt) error {
		entry.Position = row.ColumnInt64(0)
		return nil
	})
	if err != nil {
		return err
	}
	entry.Status = eventlog.Duplicate
	if err := s.insertEvents(); err != nil { // it may be among them
		return err
	}
	stored, err := s.readAt(s.writer, entry.Position)
	if fault.Has(err, fault.SealBroken) {
		return nil
	}
	if err == nil && !stored.Forgotten && !s.same(stored, entry.Event) {
		entry.Status = eventlog.Clashes
	}
	return err
}

func (s *Store) sourceNumber(uri string) (int64, error) {
	if n, ok := s.names.sources[uri]; ok { // only the writer adds names, so its own reads need no lock
		return n, nil
	}
	err := s.run("INSERT INTO sources (uri) VALUES (?)", func(st *sqlite.Stmt) { st.BindText(1, uri) })
	n := s.writer.LastInsertRowID()
	if err == nil {
		s.names.addSource(n, uri)
	}
	return n, err
}

func (s *Store) typeNumber(t typeVersion) (int64, error) {
	if n, ok := s.names.types[t]; ok {
		return n, nil
	}
	err := s.run("INSERT INTO types (type, version) VALUES (?, ?)", func(st *sqlite.Stmt) {
		st.BindText(1, t.name)
		st.BindText(2, t.version)
	})
	n := s.writer.LastInsertRowID()
	if err == nil {
		s.names.addType(n, t)
	}
	return n, err
}

// appendRevisions appends a change of configuration, after the events of its request, and makes its consumers.
func (s *Store) appendRevisions(r *eventlog.Request) error {
	for i := range r.Revisions {
		rev := &r.Revisions[i]
		s.position++
		s.revision = s.position
		rev.Position, rev.Recorded = s.position, s.recorded
		var key *store.SealingKey
		if rev.Confidential() {
			var err error
			if key, err = s.sealingKey(store.ClassOf("", rev.Recorded)); err != nil {
				return err
			}
		}
		err := s.run("INSERT INTO revisions (position, recorded, author, kind, subject, document, key, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", func(st *sqlite.Stmt) {
			st.BindInt64(1, rev.Position)
			st.BindInt64(2, rev.Recorded)
			st.BindText(3, rev.Author)
			st.BindText(4, string(rev.Kind))
			st.BindText(5, rev.Subject)
			for _, column := range []int{6, 7, 8} {
				st.BindNull(column)
			}
			switch {
			case key != nil:
				st.BindInt64(7, key.N)
				st.BindBytes(8, s.sealer.Revision(key, rev.Position, rev.Recorded, rev.Document))
			case rev.Document != nil:
				st.BindText(6, string(rev.Document))
			}
		})
		if err != nil {
			return err
		}
	}
	for _, founding := range r.Consumers {
		err := s.run("INSERT OR IGNORE INTO consumers (name, low, high, counted) VALUES (?, ?, ?, ?)", func(st *sqlite.Stmt) {
			st.BindText(1, founding.Name)
			st.BindInt64(2, s.position+1)
			st.BindInt64(3, s.position)
			st.BindInt64(4, s.position)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
