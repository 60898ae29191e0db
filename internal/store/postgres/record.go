package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varselhub/varsel/internal/eventlog"
)

// record writes cuts, all in one transaction: the watermark of each stands in the same as everything it vouches for.
// Losing the last of them only repeats deliveries (invariant I3), and the WAL keeps their order, so nobody waits for the
// disk.
//
// A cut is fenced: it goes in only under the token that the consumer was last taken up under, and right after the cut
// before it. One whose token is not that any more is Lost. One that is in already, since the end of an earlier try was
// not known, is not written twice. One that builds on a cut that a crash of the database, or a standby that took over,
// has lost is Lost too: what it vouches for is not all there, and the consumer is to be taken up anew.
func (s *Store) record(ctx context.Context, c *eventlog.Commit) error {
	if len(c.Cuts) == 0 {
		return nil
	}
	s.recording.Lock()
	defer s.recording.Unlock()
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	for rest := c.Cuts; len(rest) > 0; {
		var some []*eventlog.Cut
		some, rest = apart(rest)
		err := insist(ctx, "the outcomes could not be recorded", s.again, func() error {
			w := recording{store: s, now: max(c.Now, s.stamp.Load())}
			return w.write(ctx, some)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// apart takes the first cut of each consumer. There is another one where a node has taken a consumer up anew and what it
// knew before is still on its way: each goes in, or is lost, by itself.
func apart(cuts []*eventlog.Cut) (first, rest []*eventlog.Cut) {
	seen := make(map[int64]bool, len(cuts))
	for _, cut := range cuts {
		if seen[cut.Consumer] {
			rest = append(rest, cut)
			continue
		}
		seen[cut.Consumer] = true
		first = append(first, cut)
	}
	return first, rest
}

// recording is cuts on their way into the database.
type recording struct {
	store *Store
	now   int64
	cuts  []*eventlog.Cut // those that are written
	batch *pgx.Batch
}

// begin is the transaction's, in the same message as its first statement.
const begin = `SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', $1, true),
	set_config('idle_in_transaction_session_timeout', $1, true)`

// write takes two turns with the server: the fence, and then everything else with the commit.
func (w *recording) write(ctx context.Context, cuts []*eventlog.Cut) error {
	answers, err := w.store.sealAnswers(ctx, cuts)
	if err != nil {
		return err
	}
	// A connection that comes back within a transaction is closed by the pool, and the server rolls back.
	return w.store.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		if err := w.fence(ctx, c, cuts); err != nil {
			return err
		}
		w.batch = &pgx.Batch{}
		w.attempts()
		w.answers(answers)
		w.tallies()
		w.readings()
		w.lanes()
		w.endpoints()
		w.batch.Queue("COMMIT")
		return c.SendBatch(ctx, w.batch).Close()
	})
}

const fence = `UPDATE consumers c SET cut = u.number,
		low = CASE WHEN u.over THEN c.low ELSE u.low END, high = CASE WHEN u.over THEN c.high ELSE u.high END,
		pending = CASE WHEN u.over THEN 0 ELSE u.pending END, counted = CASE WHEN u.over THEN c.counted ELSE u.counted END,
		ended = CASE WHEN u.over THEN greatest(1, $1::bigint) ELSE c.ended END, dropped = CASE WHEN u.over THEN u.dropped ELSE c.dropped END
	FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::boolean[], $10::bigint[])
		AS u (id, token, number, low, high, pending, counted, over, dropped)
	WHERE c.id = u.id AND c.token = u.token AND c.cut = u.number - 1 RETURNING c.id`

// fence begins the transaction, moves the watermarks of the cuts that are to be written, and leaves out the others.
//
// A cut of another epoch is none: what it says of positions that are lost would be said of the events that got them since.
func (w *recording) fence(ctx context.Context, c *pgxpool.Conn, cuts []*eventlog.Cut) error {
	epoch, err := w.store.current()
	if err != nil {
		return err
	}
	n := len(cuts)
	ids, tokens, numbers, low, high := make([]int64, n), make([]int64, n), make([]int32, n), make([]int64, n), make([]int64, n)
	pending, counted, over, dropped := make([]int64, n), make([]int64, n), make([]bool, n), make([]int64, n)
	for i, cut := range cuts {
		ids[i], tokens[i], numbers[i], low[i], high[i] = cut.Consumer, cut.Token, int32(cut.Number), cut.Low, cut.High
		pending[i], counted[i], over[i], dropped[i] = cut.Pending, cut.Counted, cut.Ended, cut.Dropped
	}
	batch, mine := &pgx.Batch{}, map[int64]bool{}
	batch.Queue("BEGIN")
	batch.Queue(begin, milliseconds(freezeWithin))
	batch.Queue("SELECT same_epoch($1)", epoch)
	batch.Queue(fence, w.now, ids, tokens, numbers, low, high, pending, counted, over, dropped).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			mine[id] = true
		}
		return rows.Err()
	})
	if err := c.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	var others []*eventlog.Cut
	for _, cut := range cuts {
		if cut.Lost = false; mine[cut.Consumer] {
			w.cuts = append(w.cuts, cut)
		} else {
			others = append(others, cut)
		}
	}
	return judge(ctx, c, others)
}

// judge tells the cuts that were written before from those that are lost.
func judge(ctx context.Context, c *pgxpool.Conn, cuts []*eventlog.Cut) error {
	if len(cuts) == 0 {
		return nil
	}
	ids, of := make([]int64, len(cuts)), map[int64]*eventlog.Cut{}
	for i, cut := range cuts {
		ids[i], of[cut.Consumer], cut.Lost = cut.Consumer, cut, true
	}
	return each(ctx, c, "SELECT id, token, cut FROM consumers WHERE id = ANY ($1)", []any{ids}, func(row pgx.Rows) error {
		var id, token int64
		var number int
		err := row.Scan(&id, &token, &number)
		if cut := of[id]; err == nil && cut.Token == token && number >= cut.Number {
			cut.Lost = false
		}
		return err
	})
}

// going visits the cuts of consumers that go on: of one that ends only attempts and figures count.
func (w *recording) going(visit func(*eventlog.Cut)) {
	for _, cut := range w.cuts {
		if !cut.Ended {
			visit(cut)
		}
	}
}

// lanes writes what stands on disk, in the order in which one thing of a cut undoes another.
func (w *recording) lanes() {
	for _, cut := range w.cuts {
		if cut.Ended {
			w.end(cut)
		}
	}
	w.blocked()
	w.waiting()
	w.going(func(cut *eventlog.Cut) {
		for i := range cut.Passes {
			w.pass(&cut.Passes[i])
		}
	})
	w.served()
	w.unblocked()
	w.going(func(cut *eventlog.Cut) {
		if cut.Confirmed > 0 {
			w.confirm(cut)
		}
	})
}

// end forgets what a removed consumer had on disk. That it has ended, and the count of what was dropped, are in the fence.
func (w *recording) end(cut *eventlog.Cut) {
	w.batch.Queue("DELETE FROM blocked WHERE consumer = $1", cut.Consumer)
	w.batch.Queue("DELETE FROM waiting WHERE consumer = $1", cut.Consumer)
	w.batch.Queue("UPDATE passes SET ended = $1 WHERE consumer = $2 AND ended = 0", w.now, cut.Consumer)
}

// confirm forgets what stood on disk for a consumer that a cursor reads, up to where its reader is. That is below the
// watermark.
func (w *recording) confirm(cut *eventlog.Cut) {
	w.batch.Queue("DELETE FROM blocked WHERE consumer = $1 AND position <= $2", cut.Consumer, cut.Confirmed)
	w.batch.Queue("DELETE FROM waiting WHERE consumer = $1 AND position <= $2", cut.Consumer, cut.Confirmed)
}
