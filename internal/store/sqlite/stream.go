package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// takeIn appends what was read of a stream: its events, how far it is read now, and what is set aside, where all is as
// the caller knew it.
func (s *Store) takeIn(r *eventlog.Request) error {
	in := r.Intake
	state, last, err := readStream(s.writer, in.Source, in.Stream)
	if err != nil {
		return err
	}
	if moved(in, &state) {
		r.Err = fault.New(fault.StreamMoved, "the stream of %s stands elsewhere by now", in.Source)
		return nil
	}
	if err := s.appendEvents(r); err != nil || r.Err != nil {
		return err
	}
	if err := s.writePlaces(in); err != nil {
		return err
	}
	return s.writeAside(in, state.Changes, last)
}

func moved(in *eventlog.Intake, state *eventlog.StreamState) bool {
	if in.Changes != state.Changes {
		return true
	}
	for _, p := range in.Places {
		if state.Next[p.Partition] != p.From {
			return true
		}
	}
	return false
}

func (s *Store) writePlaces(in *eventlog.Intake) error {
	for _, p := range in.Places {
		err := s.run("INSERT INTO stream_places (source, stream, partition, next) VALUES (?1, ?2, ?3, ?4) "+
			"ON CONFLICT (source, stream, partition) DO UPDATE SET next = ?4", func(st *sqlite.Stmt) {
			st.BindText(1, in.Source)
			st.BindText(2, in.Stream)
			st.BindInt64(3, int64(p.Partition))
			st.BindInt64(4, p.To)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) writeAside(in *eventlog.Intake, changes, last int64) error {
	if len(in.Aside)+len(in.Again)+len(in.Taken) == 0 {
		return nil
	}
	for i := range in.Aside {
		a := &in.Aside[i]
		last++
		a.Number, a.At = last, s.recorded
		if err := s.insertAside(in.Source, a); err != nil {
			return err
		}
	}
	for i := range in.Again {
		a := &in.Again[i]
		err := s.run("UPDATE aside SET code = ?3, reason = ?4, lane = ?5, outer = ?6 WHERE source = ?1 AND number = ?2", func(st *sqlite.Stmt) {
			st.BindText(1, in.Source)
			st.BindInt64(2, a.Number)
			st.BindText(3, string(a.Code))
			st.BindText(4, a.Reason)
			st.BindBytes(5, a.Lane[:])
			st.BindBytes(6, a.Outer[:])
		})
		if err != nil {
			return err
		}
	}
	for _, number := range in.Taken {
		err := s.run("DELETE FROM aside WHERE source = ? AND number = ?", func(st *sqlite.Stmt) {
			st.BindText(1, in.Source)
			st.BindInt64(2, number)
		})
		if err != nil {
			return err
		}
	}
	return s.run("INSERT INTO streams (source, changes, last) VALUES (?1, ?2, ?3) ON CONFLICT (source) DO UPDATE SET changes = ?2, last = ?3", func(st *sqlite.Stmt) {
		st.BindText(1, in.Source)
		st.BindInt64(2, changes+1)
		st.BindInt64(3, last)
	})
}

func (s *Store) insertAside(source string, a *eventlog.Aside) error {
	key, err := s.sealingKey(store.ClassOf(a.Retention, s.recorded))
	if err != nil {
		return err
	}
	sealed := s.sealer.Aside(key, source, a)
	return s.run("INSERT INTO aside (source, number, partition, place, at, lane, outer, code, reason, key, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", func(st *sqlite.Stmt) {
		st.BindText(1, source)
		st.BindInt64(2, a.Number)
		st.BindInt64(3, int64(a.Partition))
		st.BindInt64(4, a.Offset)
		st.BindInt64(5, a.At)
		st.BindBytes(6, a.Lane[:])
		st.BindBytes(7, a.Outer[:])
		st.BindText(8, string(a.Code))
		st.BindText(9, a.Reason)
		st.BindInt64(10, key.N)
		st.BindBytes(11, sealed)
	})
}

// Stream reads how a source's stream stands.
func (s *Store) Stream(ctx context.Context, source, stream string) (state eventlog.StreamState, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		state, _, err = readStream(c, source, stream)
		if err != nil {
			return err
		}
		return each(c, store.AsideCount, func(st *sqlite.Stmt) { st.BindText(1, source) }, func(row *sqlite.Stmt) error {
			state.Aside = int(row.ColumnInt64(0))
			return nil
		})
	})
	return state, err
}

func readStream(c *sqlite.Conn, source, stream string) (state eventlog.StreamState, last int64, err error) {
	state.Next = map[int32]int64{}
	err = each(c, store.StreamOf, func(st *sqlite.Stmt) { st.BindText(1, source) }, func(row *sqlite.Stmt) error {
		state.Changes, last = row.ColumnInt64(0), row.ColumnInt64(1)
		return nil
	})
	if err != nil {
		return state, 0, err
	}
	err = each(c, store.StreamPlaces, func(st *sqlite.Stmt) {
		st.BindText(1, source)
		st.BindText(2, stream)
	}, func(row *sqlite.Stmt) error {
		state.Next[int32(row.ColumnInt64(0))] = row.ColumnInt64(1)
		return nil
	})
	return state, last, err
}

// Asides reads what is set aside of a source after a number, in order, at most limit; with messages, or all but those.
func (s *Store) Asides(ctx context.Context, source string, after int64, limit int, messages bool) (list []eventlog.Aside, err error) {
	err = s.reading(ctx, func(c *sqlite.Conn) (err error) {
		o := s.opener(c)
		defer sqlitex.Transaction(c)(&err)
		return each(c, `SELECT number, partition, place, at, lane, outer, code, reason, k.class, key, sealed FROM aside JOIN data_keys k ON k.n = key
			WHERE source = ? AND number > ? ORDER BY number LIMIT ?`, func(st *sqlite.Stmt) {
			st.BindText(1, source)
			st.BindInt64(2, after)
			st.BindInt64(3, int64(limit))
		}, func(row *sqlite.Stmt) error {
			a := readAside(row)
			if messages {
				if err := o.Aside(row.ColumnInt64(9), blob(row, 10), source, &a); err != nil {
					return err
				}
			}
			list = append(list, a)
			return nil
		})
	})
	return list, err
}

func readAside(row *sqlite.Stmt) eventlog.Aside {
	a := eventlog.Aside{
		Number: row.ColumnInt64(0), Partition: int32(row.ColumnInt64(1)), Offset: row.ColumnInt64(2), At: row.ColumnInt64(3),
		Code: fault.Code(row.ColumnText(6)), Reason: row.ColumnText(7), Retention: event.Retention(row.ColumnText(8)),
	}
	row.ColumnBytes(4, a.Lane[:])
	row.ColumnBytes(5, a.Outer[:])
	return a
}

// dropAside deletes what is set aside of a class that was just forgotten: nobody can read it any more, and it is not to
// hold its key for ever.
func dropAside(c *sqlite.Conn, of eventlog.Class) error {
	const gone = "(SELECT n FROM data_keys WHERE class = ? AND day = ?)"
	args := &sqlitex.ExecOptions{Args: []any{string(of.Retention), of.Day}}
	err := sqlitex.Execute(c, "UPDATE streams SET changes = changes + 1 WHERE source IN (SELECT source FROM aside WHERE key IN "+gone+")", args)
	if err != nil {
		return err
	}
	return sqlitex.Execute(c, "DELETE FROM aside WHERE key IN "+gone, args)
}

// eraseAside deletes messages that are set aside and overwrites what it frees. That an erasure empties the WAL behind it is
// Erase's.
func (s *Store) eraseAside(list []eventlog.AsideOf) (err error) {
	if len(list) == 0 {
		return nil
	}
	if err := s.run("PRAGMA secure_delete=ON", nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.run("PRAGMA secure_delete=FAST", nil)) }()
	for _, of := range list {
		for _, number := range of.Numbers {
			err := s.run("DELETE FROM aside WHERE source = ? AND number = ?", func(st *sqlite.Stmt) {
				st.BindText(1, of.Source)
				st.BindInt64(2, number)
			})
			if err != nil {
				return err
			}
		}
		if err := s.run("UPDATE streams SET changes = changes + 1 WHERE source = ?", func(st *sqlite.Stmt) { st.BindText(1, of.Source) }); err != nil {
			return err
		}
	}
	return nil
}
