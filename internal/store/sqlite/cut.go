package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// writeCut writes one consumer's cut. The watermark stands in the same transaction as everything it vouches for.
func (s *Store) writeCut(c *eventlog.Cut) error {
	if err := s.insertAttempts(c.Consumer, c.Attempts); err != nil {
		return err
	}
	if err := s.addTallies(c.Consumer, c.Tallies); err != nil {
		return err
	}
	if err := s.writeReadings(c.Consumer, c.Readings); err != nil {
		return err
	}
	if c.Ended {
		return s.endConsumer(c)
	}
	for i := range c.Blocked {
		if err := s.upsertBlocked(c.Consumer, &c.Blocked[i]); err != nil {
			return err
		}
	}
	for i := range c.Waiting {
		w := &c.Waiting[i]
		err := s.run(`INSERT INTO waiting (consumer, lane, position, line, pass, attempts) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET attempts = max(attempts, excluded.attempts)`, func(st *sqlite.Stmt) {
			st.BindInt64(1, c.Consumer)
			st.BindBytes(2, w.Lane[:])
			st.BindInt64(3, w.Position)
			st.BindText(4, w.Line)
			st.BindInt64(5, w.Pass)
			st.BindInt64(6, int64(w.Attempts))
		})
		if err != nil {
			return err
		}
	}
	for i := range c.Passes {
		if err := s.writePass(&c.Passes[i]); err != nil {
			return err
		}
	}
	for i := range c.Served {
		w := &c.Served[i]
		err := s.run("DELETE FROM waiting WHERE consumer = ? AND lane = ? AND position = ?", func(st *sqlite.Stmt) {
			st.BindInt64(1, c.Consumer)
			st.BindBytes(2, w.Lane[:])
			st.BindInt64(3, w.Position)
		})
		if err != nil {
			return err
		}
	}
	for i := range c.Unblocked {
		lane := &c.Unblocked[i]
		err := s.run("DELETE FROM blocked WHERE consumer = ? AND lane = ?", func(st *sqlite.Stmt) {
			st.BindInt64(1, c.Consumer)
			st.BindBytes(2, lane[:])
		})
		if err != nil {
			return err
		}
	}
	if c.Confirmed > 0 {
		if err := s.confirm(c); err != nil {
			return err
		}
	}
	for i := range c.Endpoints {
		if err := s.writeEndpoint(&c.Endpoints[i]); err != nil {
			return err
		}
	}
	return s.run("UPDATE consumers SET low = ?, high = ?, pending = ?, counted = ? WHERE id = ?", func(st *sqlite.Stmt) {
		st.BindInt64(1, c.Low)
		st.BindInt64(2, c.High)
		st.BindInt64(3, c.Pending)
		st.BindInt64(4, c.Counted)
		st.BindInt64(5, c.Consumer)
	})
}

// confirm forgets what stood on disk for a consumer that a cursor reads, up to where its reader is. That is below the
// watermark.
func (s *Store) confirm(c *eventlog.Cut) error {
	for _, query := range []string{
		"DELETE FROM blocked WHERE consumer = ? AND position <= ?",
		"DELETE FROM waiting WHERE consumer = ? AND position <= ?",
	} {
		err := s.run(query, func(st *sqlite.Stmt) {
			st.BindInt64(1, c.Consumer)
			st.BindInt64(2, c.Confirmed)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insertAttempts(consumer int64, attempts []eventlog.Attempt) error {
	err := s.insert(&attemptRows, len(attempts), func(st *sqlite.Stmt, at, i int) {
		a := &attempts[i]
		st.BindInt64(at+1, a.Position)
		st.BindInt64(at+2, consumer)
		st.BindInt64(at+3, int64(a.Number))
		st.BindInt64(at+4, a.At)
		st.BindInt64(at+5, int64(a.Outcome))
		st.BindInt64(at+6, int64(a.Result.Status))
		st.BindInt64(at+7, a.Result.Duration.Microseconds())
		st.BindInt64(at+8, a.Pass)
	})
	for i := range attempts {
		if err == nil && attempts[i].Detailed {
			err = s.insertDetails(consumer, &attempts[i])
		}
	}
	return err
}

func (s *Store) insertDetails(consumer int64, a *eventlog.Attempt) error {
	key, err := s.answerKey(a.Position)
	if err != nil {
		return err
	}
	return s.run(`INSERT OR REPLACE INTO attempt_details (position, consumer, number, reason, key, sealed)
		VALUES (?, ?, ?, ?, ?, ?)`, func(st *sqlite.Stmt) {
		st.BindInt64(1, a.Position)
		st.BindInt64(2, consumer)
		st.BindInt64(3, int64(a.Number))
		st.BindText(4, a.Result.Reason)
		if key == nil {
			st.BindNull(5)
			st.BindNull(6)
			return
		}
		st.BindInt64(5, key.N)
		st.BindBytes(6, s.sealer.Attempt(key, consumer, a))
	})
}

// answerKey is the key for what a receiver answered to an event: of the event's class and day, for answers echo what was
// sent and must go when it goes. nil: it has gone already.
func (s *Store) answerKey(position int64) (*store.SealingKey, error) {
	var of eventlog.Class
	found := false
	err := each(s.writer, "SELECT k.class, k.day FROM payloads p JOIN data_keys k ON k.n = p.key WHERE p.position = ? AND k.wrapped IS NOT NULL", func(st *sqlite.Stmt) {
		st.BindInt64(1, position)
	}, func(row *sqlite.Stmt) error {
		of, found = eventlog.Class{Retention: event.Retention(row.ColumnText(0)), Day: row.ColumnInt64(1)}, true
		return nil
	})
	if err != nil || !found {
		return nil, err
	}
	return s.sealingKey(of)
}

func (s *Store) upsertBlocked(consumer int64, b *eventlog.Blocked) error {
	return s.run(`INSERT OR REPLACE INTO blocked
		(consumer, lane, position, line, state, attempts, failures, since, due, spell, status, reason, pass)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, func(st *sqlite.Stmt) {
		st.BindInt64(1, consumer)
		st.BindBytes(2, b.Lane[:])
		st.BindInt64(3, b.Position)
		st.BindText(4, b.Line)
		st.BindInt64(5, int64(b.State))
		st.BindInt64(6, int64(b.Attempts))
		st.BindInt64(7, int64(b.Failures))
		st.BindInt64(8, b.Since)
		st.BindInt64(9, b.Due)
		st.BindInt64(10, b.Spell)
		st.BindInt64(11, int64(b.Status))
		st.BindText(12, b.Reason)
		st.BindInt64(13, b.Pass)
	})
}

func (s *Store) writeEndpoint(e *eventlog.Endpoint) error {
	if e.Spell == 0 {
		return s.run("DELETE FROM endpoints WHERE system = ? AND url = ?", func(st *sqlite.Stmt) {
			st.BindText(1, e.System)
			st.BindText(2, e.URL)
		})
	}
	return s.run("INSERT OR REPLACE INTO endpoints (system, url, spell) VALUES (?, ?, ?)", func(st *sqlite.Stmt) {
		st.BindText(1, e.System)
		st.BindText(2, e.URL)
		st.BindInt64(3, e.Spell)
	})
}

// endConsumer forgets what a removed consumer had on disk and keeps the count of what was dropped.
func (s *Store) endConsumer(c *eventlog.Cut) error {
	for _, query := range []string{
		"DELETE FROM blocked WHERE consumer = ?",
		"DELETE FROM waiting WHERE consumer = ?",
	} {
		if err := s.run(query, func(st *sqlite.Stmt) { st.BindInt64(1, c.Consumer) }); err != nil {
			return err
		}
	}
	err := s.run("UPDATE passes SET ended = ?1 WHERE consumer = ?2 AND ended = 0", func(st *sqlite.Stmt) {
		st.BindInt64(1, s.recorded)
		st.BindInt64(2, c.Consumer)
	})
	if err != nil {
		return err
	}
	return s.run("UPDATE consumers SET ended = ?, dropped = ?, pending = 0 WHERE id = ?", func(st *sqlite.Stmt) {
		st.BindInt64(1, max(1, s.recorded))
		st.BindInt64(2, c.Dropped)
		st.BindInt64(3, c.Consumer)
	})
}
