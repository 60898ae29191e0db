package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store"
)

// Consumers implements eventlog.Store.
func (s *Store) Consumers(ctx context.Context, names ...string) (list []eventlog.Consumer, err error) {
	err = s.moment(ctx, func(ctx context.Context, tx pgx.Tx) error {
		list, err = readConsumers(ctx, tx, names...)
		return err
	})
	return list, err
}

// consumersAtOnce is how many consumers' state is read in one pipeline.
const consumersAtOnce = 128

// readConsumers reads the delivery state of the named consumers, of every one when none is named, in a transaction.
func readConsumers(ctx context.Context, tx pgx.Tx, names ...string) (list []eventlog.Consumer, err error) {
	scan := func(row pgx.Rows) error {
		k := eventlog.Consumer{Behind: map[eventlog.Lane]int{}, Settled: map[int64]bool{}}
		var ended int64
		err := row.Scan(&k.ID, &k.Name, &k.Low, &k.High, &ended, &k.Pending, &k.Counted)
		k.Ended = ended != 0
		list = append(list, k)
		return err
	}
	if len(names) == 0 {
		err = each(ctx, tx, store.AllConsumers, nil, scan)
	} else {
		p := pipeline{}
		for _, name := range names {
			p.queue(store.ConsumerNamed, scan, name)
		}
		err = p.run(ctx, tx)
	}
	for some := range slices.Chunk(list, consumersAtOnce) {
		if err != nil {
			break
		}
		p := pipeline{}
		for i := range some {
			if !some[i].Ended {
				loadConsumer(&p, &some[i])
			}
		}
		err = p.run(ctx, tx)
	}
	return list, err
}

// loadConsumer reads what a consumer has on disk. From Low to High it also collects what is settled: ended by an
// attempt, or standing in blocked or waiting. Reading the log again from Low skips exactly that.
func loadConsumer(p *pipeline, k *eventlog.Consumer) {
	p.queue(store.Blocked, func(row pgx.Rows) error {
		b, err := scanBlocked(row)
		k.Blocked = append(k.Blocked, b)
		if b.Position >= k.Low {
			k.Settled[b.Position] = true
		}
		if b.Pass != 0 {
			k.Replays++
		}
		return err
	}, k.ID)
	p.queue(store.Behind, func(row pgx.Rows) error {
		var lane eventlog.Lane
		var many, replayed int64
		err := row.Scan((*[16]byte)(&lane), &many, &replayed)
		k.Behind[lane] = int(many)
		k.Replays += replayed
		return err
	}, k.ID)
	p.queue(store.Furthest, func(row pgx.Rows) error { return row.Scan(&k.Served, &k.RestServed) }, k.ID)
	k.ByLine = map[string]int64{}
	p.queue(store.Pending, func(row pgx.Rows) error {
		var line string
		var many int64
		err := row.Scan(&line, &many)
		k.ByLine[line] = many
		return err
	}, int16(eventlog.Matched), k.ID, int16(eventlog.Served))
	settled := func(row pgx.Rows) error {
		var position int64
		err := row.Scan(&position)
		k.Settled[position] = true
		return err
	}
	p.queue(store.SettledWaiting, settled, k.ID, k.Low)
	p.queue(store.SettledAttempts, settled, k.Low, k.High, k.ID, int16(eventlog.Done))
}

func scanBlocked(row pgx.Rows) (b eventlog.Blocked, err error) {
	err = row.Scan((*[16]byte)(&b.Lane), &b.Position, &b.Line, &b.State, &b.Attempts, &b.Failures, &b.Since, &b.Due, &b.Spell, &b.Status, &b.Reason, &b.Pass)
	return b, err
}

// pipeline is a number of queries that go to the server together.
type pipeline struct{ batch pgx.Batch }

func (p *pipeline) queue(query string, visit func(pgx.Rows) error, args ...any) {
	p.batch.Queue(query, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := visit(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// run sends them and visits the rows of each.
func (p *pipeline) run(ctx context.Context, on interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) error {
	if p.batch.Len() == 0 {
		return nil
	}
	return on.SendBatch(ctx, &p.batch).Close()
}

// Owed implements eventlog.Store. One read transaction makes it a single moment: between its queries a cut could move
// the watermark past what the first had counted.
func (s *Store) Owed(ctx context.Context, consumer, line string) (owed eventlog.Owed, err error) {
	err = s.moment(ctx, func(ctx context.Context, tx pgx.Tx) error {
		list, err := readConsumers(ctx, tx, consumer)
		if err != nil || len(list) == 0 || list[0].Ended {
			return err
		}
		owed.Low, owed.Settled = list[0].Low, list[0].Settled
		return each(ctx, tx, store.OnDisk, []any{list[0].ID, line}, func(row pgx.Rows) error { return row.Scan(&owed.OnDisk) })
	})
	return owed, err
}

// Place implements eventlog.Store: a handful of look-ups by key, in one read transaction.
func (s *Store) Place(ctx context.Context, consumer string, lane eventlog.Lane, position int64) (place eventlog.Place, err error) {
	err = s.moment(ctx, func(ctx context.Context, tx pgx.Tx) error {
		err := each(ctx, tx, store.PlaceOf, []any{consumer}, func(row pgx.Rows) error { return row.Scan(&place.ID, &place.Low, &place.Ended) })
		if err != nil || place.ID == 0 {
			return err
		}
		p, of := pipeline{}, [16]byte(lane)
		p.queue(store.BlockedLane, func(row pgx.Rows) error {
			b, err := scanBlocked(row)
			place.Blocked = &b
			return err
		}, place.ID, of)
		p.queue(store.WaitingIn, func(row pgx.Rows) (err error) {
			place.First, err = scanWaiting(row, lane)
			return err
		}, place.ID, of, 0, 1)
		p.queue(store.WaitingAt, func(row pgx.Rows) (err error) {
			place.Waiting, err = scanWaiting(row, lane)
			return err
		}, place.ID, of, position)
		p.queue(store.HandedOut, func(row pgx.Rows) error { return row.Scan(&place.Served, &place.Confirmed) }, place.ID, position)
		return p.run(ctx, tx)
	})
	return place, err
}

func scanWaiting(row pgx.Rows, lane eventlog.Lane) (*eventlog.Waiting, error) {
	w := eventlog.Waiting{Lane: lane}
	err := row.Scan(&w.Position, &w.Line, &w.Pass, &w.Attempts)
	return &w, err
}

// WaitingIn implements eventlog.Store.
func (s *Store) WaitingIn(ctx context.Context, consumer int64, lane eventlog.Lane, after int64, limit int) (list []eventlog.Waiting, err error) {
	err = s.read(ctx, store.WaitingIn, []any{consumer, [16]byte(lane), after, limit}, func(row pgx.Rows) error {
		w, err := scanWaiting(row, lane)
		list = append(list, *w)
		return err
	})
	return list, err
}

// Rest implements eventlog.Store.
func (s *Store) Rest(ctx context.Context, consumer, after int64, limit int) (list []eventlog.Waiting, err error) {
	err = s.read(ctx, store.Rest, []any{consumer, after, limit}, func(row pgx.Rows) error {
		var w eventlog.Waiting
		err := row.Scan((*[16]byte)(&w.Lane), &w.Position, &w.Line, &w.Pass, &w.Attempts)
		list = append(list, w)
		return err
	})
	return list, err
}

// Tried implements eventlog.Store.
func (s *Store) Tried(ctx context.Context, consumer, after, upTo int64) (map[int64]int, error) {
	tried := map[int64]int{}
	err := s.read(ctx, store.Tried, []any{after, upTo, consumer}, func(row pgx.Rows) error {
		var position int64
		var number int
		err := row.Scan(&position, &number)
		tried[position] = number
		return err
	})
	return tried, err
}

// Tallies implements eventlog.Store.
func (s *Store) Tallies(ctx context.Context, consumer string, from int64) (list []eventlog.Tally, err error) {
	err = s.read(ctx, store.Tallies, []any{from, consumer}, func(row pgx.Rows) error {
		var t eventlog.Tally
		var replayed int16
		err := row.Scan(&t.Line, &t.Day, &t.Outcome, &replayed, &t.Count)
		t.Replayed = replayed != 0
		list = append(list, t)
		return err
	})
	return list, err
}
