package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/store"
)

// Head implements eventlog.Store. Where an epoch has begun since, this node learns anew first.
func (s *Store) Head(ctx context.Context) (position, recorded int64, err error) {
	position, recorded, epoch, err := s.readEnd(ctx)
	if known := s.names.history(); err == nil && known != 0 && known != epoch {
		err = s.learnHistory(ctx)
	}
	return position, recorded, err
}

// settle waits for who is appending: the row of the log's end is theirs until they commit.
const settle = `UPDATE log_end SET recorded = greatest(recorded, least($1::bigint, greatest(recorded, $2::bigint) + 1))
	RETURNING least($1::bigint, recorded)`

// Settle implements eventlog.Store, for every node: it is written where all of them draw their times. Where something is
// recorded at the time already, or later, nothing need be written.
func (s *Store) Settle(ctx context.Context, before, now int64) (end int64, err error) {
	_, recorded, err := s.Head(ctx)
	if err != nil || recorded >= before {
		return before, err
	}
	err = s.holding(ctx, "a time could not be settled", func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, settle, before, now).Scan(&end)
	})
	raise(&s.stamp, end)
	return end, err
}

func (s *Store) readEnd(ctx context.Context) (position, recorded, epoch int64, err error) {
	const end = "SELECT position, recorded, (SELECT id FROM epochs ORDER BY n DESC LIMIT 1) FROM log_end"
	err = s.read(ctx, end, nil, func(row pgx.Rows) error { return row.Scan(&position, &recorded, &epoch) })
	return position, recorded, epoch, err
}

// Range implements eventlog.Store. It takes two turns with the server: skeletons, then the payloads of every segment
// among them, in one pipeline. These are read from the segment's own partition by its name: a reader then has no lock
// on the parent, so that partitions are made and dropped beside readers, and nothing is planned over thousands of them.
func (s *Store) Range(ctx context.Context, after, upTo int64, _ int) ([]*event.Event, error) {
	list, err := s.skeletons(ctx, skeletonRange, after, upTo)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, list)
}

// At implements eventlog.Store.
func (s *Store) At(ctx context.Context, position int64) (*event.Event, error) {
	list, err := s.skeletons(ctx, skeletonAt, position)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.NotFound, "no event at position %d", position)
	}
	if err != nil {
		return nil, err
	}
	events, err := s.open(ctx, list)
	if err != nil {
		return nil, err
	}
	if e := events[0]; !e.Forgotten {
		e.SourceID = event.SourceIDIn(e.Head)
	}
	return events[0], nil
}

// payloadsOf are a segment's between two positions.
const payloadsOf = "SELECT position, lane, key, sealed FROM %s WHERE segment = $1 AND position BETWEEN $2 AND $3"

// open reads the payloads of skeletons, in order of position, and opens them. What was forgotten stays a skeleton.
func (s *Store) open(ctx context.Context, list []skeleton) ([]*event.Event, error) {
	type blob struct {
		key    int64
		sealed []byte
	}
	blobs := make(map[int64]blob, len(list))
	found, err := s.payloads(ctx, list, payloadsOf, func(row pgx.Rows, k *skeleton) error {
		var b blob
		err := row.Scan(nil, (*[16]byte)(&k.Lane), &b.key, &b.sealed)
		blobs[k.Position] = b
		return err
	})
	if err != nil {
		return nil, err
	}
	events, opener := make([]*event.Event, len(list)), s.opener(ctx)
	for i := range list {
		k := &list[i]
		if !found[i] && !k.gone {
			return nil, fault.New(fault.SealBroken, "the payload at position %d is missing, and was not forgotten", k.Position)
		}
		if found[i] {
			b := blobs[k.Position]
			err := opener.Event(b.key, b.sealed, k.Event)
			if k.gone = errors.Is(err, store.ErrForgotten); err != nil && !k.gone {
				return nil, trouble(err, "cannot read the log")
			}
		}
		if events[i] = k.Event; k.gone {
			events[i] = k.Event.Skeleton()
		}
	}
	return events, nil
}

// Revisions implements eventlog.Store.
func (s *Store) Revisions(ctx context.Context, after int64) (list []revision.Revision, err error) {
	type sealed struct {
		at   int // in list
		key  int64
		blob []byte
	}
	var closed []sealed
	err = s.read(ctx, store.Revisions, []any{after}, func(row pgx.Rows) error {
		var r revision.Revision
		var document *string
		c := sealed{at: len(list)}
		err := row.Scan(&r.Position, &r.Recorded, &r.Author, &r.Kind, &r.Subject, &document, &c.key, &c.blob)
		if document != nil {
			r.Document = json.RawMessage(*document)
		}
		if c.blob != nil {
			closed = append(closed, c)
		}
		list = append(list, r)
		return err
	})
	o := s.opener(ctx)
	for i := range closed {
		if c := &closed[i]; err == nil {
			r := &list[c.at]
			r.Document, err = o.Revision(c.key, c.blob, r.Position, r.Recorded)
		}
	}
	return list, trouble(err, "cannot read the configuration")
}

// Endpoints implements eventlog.Store.
func (s *Store) Endpoints(ctx context.Context) (list []eventlog.Endpoint, err error) {
	err = s.read(ctx, store.Endpoints, nil, func(row pgx.Rows) error {
		var e eventlog.Endpoint
		err := row.Scan(&e.System, &e.URL, &e.Spell)
		list = append(list, e)
		return err
	})
	return list, err
}

// Epochs implements eventlog.Store.
func (s *Store) Epochs(ctx context.Context) (list []eventlog.Epoch, err error) {
	err = s.read(ctx, store.Epochs, nil, func(row pgx.Rows) error {
		var id int64
		var e eventlog.Epoch
		err := row.Scan(&id, &e.After)
		e.ID = uint32(id)
		list = append(list, e)
		return err
	})
	return list, err
}

// Find implements eventlog.Store.
func (s *Store) Find(ctx context.Context, source, id string) (position int64, err error) {
	err = s.read(ctx, store.Find, []any{source, id}, func(row pgx.Rows) error { return row.Scan(&position) })
	return position, err
}

// attemptsAt has the attempts of one event. An attempt of which more is kept has a reason.
const attemptsAt = `SELECT c.id, c.name, a.number, a.at, a.outcome, a.status, a.duration, a.reason, a.pass
	FROM attempts a JOIN consumers c ON c.id = a.consumer WHERE a.position = $1 ORDER BY a.consumer, a.number`

// answersAt has what was answered to it, from the segment's own partition.
const answersAt = "SELECT consumer, number, key, sealed FROM answers_%d WHERE position = $1"

// AttemptsAt implements eventlog.Store.
func (s *Store) AttemptsAt(ctx context.Context, position int64) (list []eventlog.AttemptRow, err error) {
	at := map[[2]int64]int{} // of consumer and number, in list
	err = s.read(ctx, attemptsAt, []any{position}, func(row pgx.Rows) error {
		a := eventlog.AttemptRow{Attempt: eventlog.Attempt{Position: position}}
		var consumer, duration int64
		var reason *string
		err := row.Scan(&consumer, &a.Consumer, &a.Number, &a.At, &a.Outcome, &a.Result.Status, &duration, &reason, &a.Pass)
		a.Result.Duration = time.Duration(duration) * time.Microsecond
		if a.Detailed = reason != nil; a.Detailed {
			a.Result.Reason = *reason
		}
		at[[2]int64{consumer, int64(a.Number)}] = len(list)
		list = append(list, a)
		return err
	})
	if err != nil || !slices.ContainsFunc(list, func(a eventlog.AttemptRow) bool { return a.Detailed }) {
		return list, err
	}
	answers, err := s.answers(ctx, position)
	opener := s.opener(ctx)
	for _, a := range answers {
		if i, ok := at[[2]int64{a.consumer, a.number}]; ok && err == nil {
			err = opener.Attempt(a.key, a.sealed, a.consumer, &list[i].Attempt)
		}
	}
	return list, trouble(err, "cannot read what was answered")
}

type answer struct {
	consumer, number, key int64
	sealed                []byte
}

// answers reads what was answered to an event; nothing of one that is forgotten.
func (s *Store) answers(ctx context.Context, position int64) (list []answer, err error) {
	var segment int32
	err = s.read(ctx, `SELECT g.n FROM events e JOIN segments g ON g.n = e.segment
		WHERE e.position = $1 AND e.flags & 2 = 0 AND NOT g.forgotten`, []any{position}, func(row pgx.Rows) error { return row.Scan(&segment) })
	if err != nil || segment == 0 {
		return nil, err
	}
	err = s.read(ctx, fmt.Sprintf(answersAt, segment), []any{position}, func(row pgx.Rows) error {
		var a answer
		err := row.Scan(&a.consumer, &a.number, &a.key, &a.sealed)
		list = append(list, a)
		return err
	})
	if isUndefinedTable(err) { // forgotten since
		return nil, nil
	}
	return list, err
}
