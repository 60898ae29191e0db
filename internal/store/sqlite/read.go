package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store"
)

// Head implements eventlog.Store.
func (s *Store) Head(context.Context) (position, recorded int64, err error) {
	s.turn.Lock() // while a commit runs it is not known yet
	defer s.turn.Unlock()
	return s.position, s.recorded, nil
}

// Settle implements eventlog.Store. It is this process's word: the next one draws its times from the clock and from what
// is in the log, so only a clock that was set back while nobody had the file could go below it.
func (s *Store) Settle(_ context.Context, before, now int64) (end int64, err error) {
	s.turn.Lock() // no commit is under way, and the next is recorded from here on
	defer s.turn.Unlock()
	end = min(before, max(s.recorded, s.settled, now)+1)
	s.settled = max(s.settled, end)
	return end, nil
}

const eventColumns = `SELECT e.position, e.recorded, e.id, e.source, e.type, e.time, e.organisation, e.lane, e.flags,
		p.key, p.sealed
	FROM events e LEFT JOIN payloads p USING (position) `

// Range implements eventlog.Store.
func (s *Store) Range(ctx context.Context, after, upTo int64, limit int) ([]*event.Event, error) {
	events := make([]*event.Event, 0, limit)
	err := s.reading(ctx, func(c *sqlite.Conn) error {
		o := s.opener(c)
		return each(c, eventColumns+"WHERE e.position > ? AND e.position <= ? ORDER BY e.position", func(st *sqlite.Stmt) {
			st.BindInt64(1, after)
			st.BindInt64(2, upTo)
		}, func(row *sqlite.Stmt) error {
			e, err := s.event(o, row)
			events = append(events, e)
			return err
		})
	})
	return events, err
}

// At implements eventlog.Store.
func (s *Store) At(ctx context.Context, position int64) (e *event.Event, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		e, err = s.readAt(c, position)
		return err
	})
	return e, err
}

func (s *Store) readAt(c *sqlite.Conn, position int64) (found *event.Event, err error) {
	o := s.opener(c)
	err = each(c, eventColumns+"WHERE e.position = ?", func(st *sqlite.Stmt) { st.BindInt64(1, position) }, func(row *sqlite.Stmt) error {
		if found, err = s.event(o, row); err == nil && !found.Forgotten {
			found.SourceID = event.SourceIDIn(found.Head)
		}
		return err
	})
	if err == nil && found == nil {
		err = fault.New(fault.NotFound, "no event at position %d", position)
	}
	return found, err
}

// event reads one row of eventColumns: a skeleton, when it was forgotten. That its rows are not pruned yet makes no
// difference.
func (s *Store) event(o *store.Opener, row *sqlite.Stmt) (*event.Event, error) {
	e := s.skeleton(row)
	if row.ColumnInt64(8)&forgotten != 0 {
		return e.Skeleton(), nil
	}
	if row.ColumnIsNull(9) {
		return nil, fault.New(fault.SealBroken, "the payload at position %d is missing, and was not forgotten", e.Position)
	}
	err := openEvent(o, row, 9, 10, e)
	if errors.Is(err, store.ErrForgotten) {
		return e.Skeleton(), nil
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Revisions implements eventlog.Store.
func (s *Store) Revisions(ctx context.Context, after int64) (list []revision.Revision, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		o := s.opener(c)
		return each(c, store.Revisions, func(st *sqlite.Stmt) {
			st.BindInt64(1, after)
		}, func(row *sqlite.Stmt) (err error) {
			r := revision.Revision{
				Position: row.ColumnInt64(0), Recorded: row.ColumnInt64(1), Author: row.ColumnText(2),
				Kind: revision.Kind(row.ColumnText(3)), Subject: row.ColumnText(4),
			}
			if !row.ColumnIsNull(5) {
				r.Document = json.RawMessage(row.ColumnText(5))
			}
			if !row.ColumnIsNull(7) {
				r.Document, err = o.Revision(row.ColumnInt64(6), blob(row, 7), r.Position, r.Recorded)
			}
			list = append(list, r)
			return err
		})
	})
	return list, err
}

// TakeUp implements eventlog.Store: there is one who delivers, and no token.
func (s *Store) TakeUp(ctx context.Context, _ int64, names ...string) ([]eventlog.Consumer, error) {
	return s.Consumers(ctx, names...)
}

// Consumers implements eventlog.Store.
func (s *Store) Consumers(ctx context.Context, names ...string) (list []eventlog.Consumer, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		read := func(row *sqlite.Stmt) error {
			list = append(list, eventlog.Consumer{
				ID: row.ColumnInt64(0), Name: row.ColumnText(1), Low: row.ColumnInt64(2), High: row.ColumnInt64(3),
				Ended: row.ColumnInt64(4) != 0, Pending: row.ColumnInt64(5), Counted: row.ColumnInt64(6), Behind: map[eventlog.Lane]int{}, Settled: map[int64]bool{},
			})
			return nil
		}
		if len(names) == 0 {
			err = each(c, store.AllConsumers, nil, read)
		}
		for _, name := range names {
			if err == nil {
				err = each(c, store.ConsumerNamed, func(st *sqlite.Stmt) { st.BindText(1, name) }, read)
			}
		}
		for i := range list {
			if err == nil && !list[i].Ended {
				err = loadConsumer(c, &list[i])
			}
		}
		return err
	})
	return list, err
}

// loadConsumer reads what a consumer has on disk. From Low to High it also collects what is settled: ended by an
// attempt, or standing in blocked or waiting. Reading the log again from Low skips exactly that.
func loadConsumer(c *sqlite.Conn, k *eventlog.Consumer) error {
	consumer := func(st *sqlite.Stmt) { st.BindInt64(1, k.ID) }
	err := each(c, store.Blocked, consumer, func(row *sqlite.Stmt) error {
		b := readBlocked(row)
		k.Blocked = append(k.Blocked, b)
		if b.Position >= k.Low {
			k.Settled[b.Position] = true
		}
		if b.Pass != 0 {
			k.Replays++
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = each(c, store.Behind, consumer, func(row *sqlite.Stmt) error {
		var lane eventlog.Lane
		row.ColumnBytes(0, lane[:])
		k.Behind[lane] = int(row.ColumnInt64(1))
		k.Replays += row.ColumnInt64(2)
		return nil
	})
	if err != nil {
		return err
	}
	if err := loadServed(c, k); err != nil {
		return err
	}
	if err := loadPending(c, k); err != nil {
		return err
	}
	err = each(c, store.SettledWaiting, func(st *sqlite.Stmt) {
		st.BindInt64(1, k.ID)
		st.BindInt64(2, k.Low)
	}, func(row *sqlite.Stmt) error {
		k.Settled[row.ColumnInt64(0)] = true
		return nil
	})
	if err != nil {
		return err
	}
	return each(c, store.SettledAttempts, func(st *sqlite.Stmt) {
		st.BindInt64(1, k.Low)
		st.BindInt64(2, k.High)
		st.BindInt64(3, k.ID)
		st.BindInt64(4, int64(eventlog.Done))
	}, func(row *sqlite.Stmt) error {
		k.Settled[row.ColumnInt64(0)] = true
		return nil
	})
}

// Owed implements eventlog.Store. One read transaction makes it a single moment: between its queries a cut could move
// the watermark past what the first had counted.
func (s *Store) Owed(ctx context.Context, consumer, line string) (owed eventlog.Owed, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		k := eventlog.Consumer{Behind: map[eventlog.Lane]int{}, Settled: map[int64]bool{}}
		err = each(c, "SELECT id, low, high FROM consumers WHERE name = ? AND ended = 0", func(st *sqlite.Stmt) { st.BindText(1, consumer) }, func(row *sqlite.Stmt) error {
			k.ID, k.Low, k.High = row.ColumnInt64(0), row.ColumnInt64(1), row.ColumnInt64(2)
			return nil
		})
		if err != nil || k.ID == 0 {
			return err
		}
		if err := loadConsumer(c, &k); err != nil {
			return err
		}
		owed.Low, owed.Settled = k.Low, k.Settled
		return each(c, store.OnDisk, func(st *sqlite.Stmt) {
			st.BindInt64(1, k.ID)
			st.BindText(2, line)
		}, func(row *sqlite.Stmt) error {
			owed.OnDisk = row.ColumnInt64(0)
			return nil
		})
	})
	return owed, err
}

func readBlocked(row *sqlite.Stmt) eventlog.Blocked {
	b := eventlog.Blocked{
		Position: row.ColumnInt64(1), Line: row.ColumnText(2), State: eventlog.BlockedState(row.ColumnInt64(3)),
		Attempts: int(row.ColumnInt64(4)), Failures: int(row.ColumnInt64(5)), Since: row.ColumnInt64(6),
		Due: row.ColumnInt64(7), Spell: row.ColumnInt64(8), Status: int(row.ColumnInt64(9)), Reason: row.ColumnText(10),
		Pass: row.ColumnInt64(11),
	}
	row.ColumnBytes(0, b.Lane[:])
	return b
}

// Endpoints implements eventlog.Store.
func (s *Store) Endpoints(ctx context.Context) (list []eventlog.Endpoint, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Endpoints, nil, func(row *sqlite.Stmt) error {
			list = append(list, eventlog.Endpoint{System: row.ColumnText(0), URL: row.ColumnText(1), Spell: row.ColumnInt64(2)})
			return nil
		})
	})
	return list, err
}

// WaitingIn implements eventlog.Store.
func (s *Store) WaitingIn(ctx context.Context, consumer int64, lane eventlog.Lane, after int64, limit int) (list []eventlog.Waiting, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.WaitingIn, func(st *sqlite.Stmt) {
			st.BindInt64(1, consumer)
			st.BindBytes(2, lane[:])
			st.BindInt64(3, after)
			st.BindInt64(4, int64(limit))
		}, func(row *sqlite.Stmt) error {
			list = append(list, eventlog.Waiting{Lane: lane, Position: row.ColumnInt64(0), Line: row.ColumnText(1), Pass: row.ColumnInt64(2), Attempts: int(row.ColumnInt64(3))})
			return nil
		})
	})
	return list, err
}

// Rest implements eventlog.Store.
func (s *Store) Rest(ctx context.Context, consumer, after int64, limit int) (list []eventlog.Waiting, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Rest, func(st *sqlite.Stmt) {
			st.BindInt64(1, consumer)
			st.BindInt64(2, after)
			st.BindInt64(3, int64(limit))
		}, func(row *sqlite.Stmt) error {
			w := eventlog.Waiting{Position: row.ColumnInt64(1), Line: row.ColumnText(2), Pass: row.ColumnInt64(3), Attempts: int(row.ColumnInt64(4))}
			row.ColumnBytes(0, w.Lane[:])
			list = append(list, w)
			return nil
		})
	})
	return list, err
}

// Epochs implements eventlog.Store.
func (s *Store) Epochs(ctx context.Context) (list []eventlog.Epoch, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Epochs, nil, func(row *sqlite.Stmt) error {
			list = append(list, eventlog.Epoch{ID: uint32(row.ColumnInt64(0)), After: row.ColumnInt64(1)})
			return nil
		})
	})
	return list, err
}

// AttemptsAt implements eventlog.Store.
func (s *Store) AttemptsAt(ctx context.Context, position int64) (list []eventlog.AttemptRow, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		o := s.opener(c)
		return each(c, `SELECT c.name, a.number, a.at, a.outcome, a.status, a.duration, d.reason, d.key, d.sealed, c.id, a.pass
			FROM attempts a JOIN consumers c ON c.id = a.consumer
			LEFT JOIN attempt_details d ON d.position = a.position AND d.consumer = a.consumer AND d.number = a.number
			WHERE a.position = ? ORDER BY a.consumer, a.number`, func(st *sqlite.Stmt) {
			st.BindInt64(1, position)
		}, func(row *sqlite.Stmt) error {
			list = append(list, readAttempt(row, position))
			return openAttempt(o, row, 7, 8, row.ColumnInt64(9), &list[len(list)-1].Attempt)
		})
	})
	return list, err
}

func readAttempt(row *sqlite.Stmt, position int64) eventlog.AttemptRow {
	return eventlog.AttemptRow{
		Consumer: row.ColumnText(0),
		Attempt: eventlog.Attempt{
			Position: position, Number: int(row.ColumnInt64(1)), At: row.ColumnInt64(2),
			Outcome: eventlog.Outcome(row.ColumnInt64(3)), Detailed: !row.ColumnIsNull(6), Pass: row.ColumnInt64(10),
			Result: channel.Result{
				Status: int(row.ColumnInt64(4)), Duration: time.Duration(row.ColumnInt64(5)) * time.Microsecond,
				Reason: row.ColumnText(6),
			},
		},
	}
}

// Find implements eventlog.Store.
func (s *Store) Find(ctx context.Context, source, id string) (position int64, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) error {
		return each(c, store.Find, func(st *sqlite.Stmt) {
			st.BindText(1, source)
			st.BindText(2, id)
		}, func(row *sqlite.Stmt) error {
			position = row.ColumnInt64(0)
			return nil
		})
	})
	return position, err
}
