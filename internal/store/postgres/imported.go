package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Rows reads the rows of a table as they stand here now, opened, in the form and the order of those that were put.
func (m *Import) Rows(ctx context.Context, t *store.Table) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		visit := func(r store.Row) error {
			if !yield(r, nil) {
				return errEnough
			}
			return nil
		}
		err := m.visit(ctx, t, visit)
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, trouble(err, "cannot read %s", t.Name))
		}
	}
}

func (m *Import) visit(ctx context.Context, t *store.Table, visit func(store.Row) error) error {
	switch t.Name {
	case store.MovedEvents:
		return m.visitEvents(ctx, visit)
	case store.MovedAttempts:
		return m.visitAttempts(ctx, t, visit)
	case store.MovedAside:
		return m.visitAside(ctx, t, visit)
	case store.MovedReceipts:
		return m.visitReceipts(ctx, t, visit)
	case store.MovedClues:
		return m.visitClues(ctx, visit)
	case store.MovedRows:
		return m.visitOpened(ctx, t, (*store.Opener).RowData, visit)
	case store.MovedRevisions:
		return m.visitOpened(ctx, t, (*store.Opener).Revision, visit)
	case store.MovedOutgoing:
		return m.visitOpened(ctx, t, (*store.Opener).Draft, visit)
	}
	return each(ctx, m.pool, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", t.Columns, t.Name, t.Order), nil, func(row pgx.Rows) error {
		r, err := plainRow(row)
		if err != nil {
			return err
		}
		return visit(r)
	})
}

// plainRow reads a row as it stands.
func plainRow(row pgx.Rows) (store.Row, error) {
	values, err := row.Values()
	for i, v := range values {
		switch n := v.(type) {
		case int16:
			values[i] = int64(n)
		case int32:
			values[i] = int64(n)
		}
	}
	return values, err
}

// eventsAtOnce bounds what is in memory: each may be as large as an event may be.
const eventsAtOnce = 256

func (m *Import) visitEvents(ctx context.Context, visit func(store.Row) error) error {
	for after := int64(0); after < m.end.Position; after += eventsAtOnce {
		events, err := m.Range(ctx, after, after+eventsAtOnce, eventsAtOnce)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := visit(store.Row{e}); err != nil {
				return err
			}
		}
	}
	// What stands behind the end is nothing that was put.
	return each(ctx, m.pool, "SELECT position FROM events WHERE position > $1 ORDER BY position LIMIT 1", []any{m.end.Position}, func(row pgx.Rows) error {
		r, err := plainRow(row)
		if err != nil {
			return err
		}
		return visit(r)
	})
}

// attemptsAtOnce is how many attempts are read before the answers to them are looked for.
const attemptsAtOnce = 1024

func (m *Import) visitAttempts(ctx context.Context, t *store.Table, visit func(store.Row) error) error {
	some := make([]store.Row, 0, attemptsAtOnce)
	pass := func() error {
		err := m.addAnswers(ctx, some)
		for _, r := range some {
			if err == nil {
				err = visit(r)
			}
		}
		some = some[:0]
		return err
	}
	err := each(ctx, m.pool, fmt.Sprintf("SELECT %s, reason FROM attempts ORDER BY %s", t.Columns, t.Order), nil, func(row pgx.Rows) error {
		r, err := plainRow(row)
		if some = append(some, append(r, nil)); err != nil || len(some) < attemptsAtOnce {
			return err
		}
		return pass()
	})
	if err != nil {
		return err
	}
	return pass()
}

// addAnswers reads what was answered to some attempts, from the partitions of their events' segments, and opens it.
func (m *Import) addAnswers(ctx context.Context, attempts []store.Row) error {
	type key struct{ position, consumer, number int64 }
	detailed, positions := map[key]store.Row{}, []int64(nil)
	for _, r := range attempts {
		if r[8] != nil {
			k := key{r[0].(int64), r[1].(int64), r[2].(int64)}
			detailed[k], positions = r, append(positions, k.position)
		}
	}
	if positions == nil {
		return nil
	}
	of, err := m.readable(ctx, positions)
	if err != nil {
		return err
	}
	bySegment := map[int32][]int64{}
	for position, segment := range of {
		bySegment[segment] = append(bySegment[segment], position)
	}
	o := m.opener(ctx)
	p := pipeline{}
	for segment, positions := range bySegment {
		class, known := m.segments.class(segment)
		if !known {
			return fault.New(fault.Internal, "the segment %d is not known", segment)
		}
		query := fmt.Sprintf("SELECT position, consumer, number, key, sealed FROM %s WHERE position = ANY ($1)", partition("answers", segment))
		p.queue(query, func(row pgx.Rows) error {
			var k key
			var n int64
			var sealed []byte
			if err := row.Scan(&k.position, &k.consumer, &k.number, &n, &sealed); err != nil {
				return err
			}
			r := detailed[k]
			if r == nil {
				return nil
			}
			a := eventlog.Attempt{Position: k.position, Number: int(k.number)}
			err := o.Attempt(n, sealed, k.consumer, &a)
			r[9] = &store.Opened{Class: class, Detail: a.Result.Detail, Body: a.Result.Body}
			return err
		}, positions)
	}
	return p.run(ctx, m.pool)
}

func (m *Import) visitClues(ctx context.Context, visit func(store.Row) error) error {
	type segment struct {
		n     int32
		class string
		day   int64
	}
	var list []segment
	err := each(ctx, m.pool, `SELECT n, class, day FROM segments WHERE NOT forgotten ORDER BY day, class COLLATE "C"`, nil, func(row pgx.Rows) error {
		var g segment
		err := row.Scan(&g.n, &g.class, &g.day)
		list = append(list, g)
		return err
	})
	for _, g := range list {
		if err == nil {
			query := fmt.Sprintf("SELECT clue, position FROM %s ORDER BY clue, position", partition("clues", g.n))
			err = each(ctx, m.pool, query, nil, func(row pgx.Rows) error {
				r, err := plainRow(row)
				if err != nil {
					return err
				}
				return visit(append(store.Row{g.class, g.day}, r...))
			})
		}
	}
	return err
}

// visitAside reads and opens what is set aside of streams: few messages, or somebody would have looked after them.
func (m *Import) visitAside(ctx context.Context, t *store.Table, visit func(store.Row) error) error {
	query := fmt.Sprintf("SELECT %s, g.class, g.day, key, sealed FROM aside JOIN data_keys k ON k.n = key JOIN segments g ON g.n = k.segment ORDER BY %s", t.Columns, t.Order)
	o := m.opener(ctx)
	return each(ctx, m.pool, query, nil, func(row pgx.Rows) error {
		r, err := plainRow(row)
		if err != nil {
			return err
		}
		a := eventlog.Aside{Number: r[1].(int64)}
		class := eventlog.Class{Retention: event.Retention(r[9].(string)), Day: r[10].(int64)}
		if err := o.Aside(r[11].(int64), r[12].([]byte), r[0].(string), &a); err != nil {
			return err
		}
		return visit(append(r[:9:9], &store.Opened{Class: class, Body: a.Message}))
	})
}

// visitOpened reads rows with what is sealed in them, to which the two numbers that they begin with bind it.
func (m *Import) visitOpened(ctx context.Context, t *store.Table, open func(o *store.Opener, key int64, sealed []byte, in, number int64) ([]byte, error), visit func(store.Row) error) error {
	query := fmt.Sprintf("SELECT %s, g.class, g.day, key, sealed FROM %s LEFT JOIN data_keys k ON k.n = key LEFT JOIN segments g ON g.n = k.segment ORDER BY %s", t.Columns, t.Name, t.Order)
	o, columns := m.opener(ctx), 1+strings.Count(t.Columns, ",")
	return each(ctx, m.pool, query, nil, func(row pgx.Rows) error {
		r, err := plainRow(row)
		if err != nil {
			return err
		}
		if r[columns+3] == nil { // erased, or never sealed
			return visit(append(r[:columns:columns], nil))
		}
		class := eventlog.Class{Retention: event.Retention(r[columns].(string)), Day: r[columns+1].(int64)}
		body, err := open(o, r[columns+2].(int64), r[columns+3].([]byte), r[0].(int64), r[1].(int64))
		if err != nil {
			return err
		}
		return visit(append(r[:columns:columns], &store.Opened{Class: class, Body: body}))
	})
}
