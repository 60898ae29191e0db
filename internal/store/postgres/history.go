package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/fault"
)

// A standby that takes over has everything up to some commit, and nothing behind it. Its server says so: the history of
// its WAL, the timeline, is another one from there on. The database notes which timeline it is written under, and nothing
// that has a position, and no outcome, is written under another (same_epoch in the schema). So the first node that meets a
// new timeline finds the log as it was taken over, and begins an epoch after its end, which is exact: all up to there is
// what it was, and all behind it is new. Nobody need compare anything (ADR 0014).

// timeline is the server's history: another one after a standby took over, or a restore to a point in time.
const timeline = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"

// known is what the database tells of its history: the epoch it is in, and the timeline that this began or goes on under.
const known = "SELECT coalesce((SELECT id FROM epochs ORDER BY n DESC LIMIT 1), 0), coalesce((SELECT value FROM hub WHERE name = 'timeline'), '')"

// meet finds out in which epoch the log is, and begins one where the server's timeline is new to the database.
func (s *Store) meet(ctx context.Context) (epoch int64, err error) {
	now, err := s.askTimeline(ctx)
	if err != nil {
		return 0, err
	}
	met := ""
	if err := s.pool.QueryRow(ctx, known).Scan(&epoch, &met); err != nil {
		return 0, trouble(err, "cannot reach the database")
	}
	if met == now {
		return epoch, nil
	}
	var w meeting
	err = s.holding(ctx, "a new epoch could not begin", func(ctx context.Context, tx pgx.Tx) error {
		w = meeting{}
		return w.hold(ctx, tx, now != "")
	})
	if err == nil && w.began {
		s.tell(fmt.Sprintf("the server has another history (timeline %s, was %s): a standby has taken over, or it was restored. A new epoch begins after position %d", w.now, w.met, w.position))
	}
	return w.epoch, err
}

// meeting is that of a node with a server whose timeline is new to the database.
type meeting struct {
	position, epoch int64
	now, met        string
	began           bool
}

// hold looks again, under the lock of the log's end: nobody appends meanwhile, and nobody else meets the server.
func (m *meeting) hold(ctx context.Context, tx pgx.Tx, asked bool) error {
	err := tx.QueryRow(ctx, "SELECT position FROM log_end FOR UPDATE").Scan(&m.position)
	if err == nil && asked {
		err = tx.QueryRow(ctx, timeline).Scan(&m.now)
	}
	if err == nil {
		err = tx.QueryRow(ctx, known).Scan(&m.epoch, &m.met)
	}
	if err != nil || m.met == m.now {
		return err
	}
	if m.began = m.met != ""; m.began { // where none is noted nothing is known of it: the database is new
		if err := tx.QueryRow(ctx, beginEpoch, m.position).Scan(&m.epoch); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, noteTimeline, m.now)
	return err
}

// beginEpoch begins an epoch after a position.
const beginEpoch = "INSERT INTO epochs (n, id, after) SELECT 1 + coalesce(max(n), 0), 1 + floor(random() * 1073741823)::bigint, $1 FROM epochs RETURNING id"

// BeginEpoch begins an epoch after a position, unless the log is in another one than a known one by now. It is for a
// database that went back under its server, which tells of no new history: one whose disk was put back to an earlier day.
func (s *Store) BeginEpoch(ctx context.Context, epoch uint32, after int64) error {
	if err := s.learnHistory(ctx); err != nil {
		return err
	}
	return s.holding(ctx, "a new epoch could not begin", func(ctx context.Context, tx pgx.Tx) error {
		var position, last int64
		err := tx.QueryRow(ctx, "SELECT position, (SELECT id FROM epochs ORDER BY n DESC LIMIT 1) FROM log_end FOR UPDATE").Scan(&position, &last)
		if err != nil || last != int64(epoch) {
			return err
		}
		return tx.QueryRow(ctx, beginEpoch, min(after, position)).Scan(&last)
	})
}

// Epoch is the one the log is in, as far as this node has heard.
func (s *Store) Epoch() uint32 { return uint32(s.names.history()) }

// Accept says that what this process knows of the log is true in an epoch. Under any other one nothing is written for it.
func (s *Store) Accept(epoch uint32) { s.accepted.Store(int64(epoch)) }

// current is the epoch to write under.
// Error: fault.StoreUnreachable while what this process knows may be of another history.
func (s *Store) current() (epoch int64, err error) {
	epoch = s.names.history()
	if accepted := s.accepted.Load(); accepted != 0 && accepted != epoch {
		return 0, fault.New(fault.StoreUnreachable, "a standby has taken over: this node looks whether what it knows is still true")
	}
	return epoch, nil
}

// sameEpoch has a transaction fail with VR003 when the log is in another epoch than this process writes under.
func (s *Store) sameEpoch(ctx context.Context, tx pgx.Tx) error {
	epoch, err := s.current()
	if err == nil {
		_, err = tx.Exec(ctx, "SELECT same_epoch($1)", epoch)
	}
	return err
}

// learnHistory meets the server, and learns anew what may be lost of what was known.
func (s *Store) learnHistory(ctx context.Context) error {
	s.learning.Lock()
	defer s.learning.Unlock()
	epoch, err := s.meet(ctx)
	if err != nil || epoch == s.names.history() {
		return err
	}
	s.keys.Forget()
	if err := s.learnNames(ctx, epoch); err != nil {
		return err
	}
	return s.learnAnew(ctx)
}

// askTimeline asks the server. Where it cannot be asked the timeline is empty: such a server keeps its copies on a storage
// of its own, and has no standbys that lag.
func (s *Store) askTimeline(ctx context.Context) (now string, err error) {
	var refused *pgconn.PgError
	err = s.pool.QueryRow(ctx, timeline).Scan(&now)
	if errors.As(err, &refused) && !unavailable(refused.Code) {
		return "", nil
	}
	return now, trouble(err, "cannot reach the database")
}

// noteTimeline has the log go on under a timeline.
const noteTimeline = "INSERT INTO hub (name, value) VALUES ('timeline', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
