package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// The rules of holdings: a node is alive until a time that it renews with every beat, by the database's clock. What a
// node that is not alive holds is free. Nothing that a node believes of itself counts: what it records is held against
// the token in the same transaction (record.go).

// joinedFor is how long a node is alive that has joined and not been heard of since.
const joinedFor = 30 * time.Second

// holding runs f in a short transaction, once more where another node was in the way.
func (s *Store) holding(ctx context.Context, doing string, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	return insist(ctx, doing, s.again, func() error {
		return s.inTransaction(ctx, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}

// Join adds a node to those that share the log, and returns its number.
func (s *Store) Join(ctx context.Context, name, url, version string) (n int64, err error) {
	err = s.holding(ctx, "the node could not join", func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, "INSERT INTO nodes (name, url, version, started, seen, until) SELECT $1, $2, $3, t, t, t + $4 FROM micros() AS t RETURNING n",
			name, url, version, joinedFor.Microseconds()).Scan(&n)
	})
	return n, err
}

// Beat says that a node is alive, for as long as ttl from now on, and returns the nodes that are, with what each holds.
// Error: fault.NotFound when the node was taken for dead and is no more: it holds nothing, and may join again.
func (s *Store) Beat(ctx context.Context, node int64, ttl time.Duration) (nodes []eventlog.Node, err error) {
	err = s.holding(ctx, "the node could not be heard of", func(ctx context.Context, tx pgx.Tx) error {
		nodes = nil
		known, batch := false, &pgx.Batch{}
		batch.Queue("UPDATE nodes SET seen = t, until = greatest(until, t + $2) FROM micros() AS t WHERE n = $1", node, ttl.Microseconds())
		// After the update, which waits for whoever takes holdings of dead nodes: what it shows as held is.
		batch.Queue(`SELECT n.n, n.name, n.url, n.version, n.started, n.seen, array_remove(array_agg(h.name ORDER BY h.name), NULL)
			FROM nodes n LEFT JOIN holdings h ON h.node = n.n WHERE n.until >= micros() GROUP BY n.n ORDER BY n.n`).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var one eventlog.Node
				if err := rows.Scan(&one.N, &one.Name, &one.URL, &one.Version, &one.Started, &one.Seen, &one.Holds); err != nil {
					return err
				}
				known, nodes = known || one.N == node, append(nodes, one)
			}
			return rows.Err()
		})
		err := tx.SendBatch(ctx, batch).Close()
		if err == nil && !known {
			err = errForgotten()
		}
		return err
	})
	return nodes, err
}

// Claim has a node hold what of some names nobody holds who is alive, and returns that with its tokens. Holdings of
// systems are there since their consumers are; a duty's is made. ttl is that of the beats: a claim is one.
// Error: fault.NotFound as for Beat.
func (s *Store) Claim(ctx context.Context, node int64, ttl time.Duration, names []string) (claimed []eventlog.Holding, err error) {
	var duties []string
	for _, name := range names {
		if strings.HasPrefix(name, eventlog.OfDuty) {
			duties = append(duties, name)
		}
	}
	slices.Sort(duties)
	err = s.holding(ctx, "nothing could be claimed", func(ctx context.Context, tx pgx.Tx) error {
		dead, err := lockDead(ctx, tx, node, names, duties)
		if err == nil {
			claimed, err = takeOver(ctx, tx, node, ttl, names, dead)
		}
		return err
	})
	return claimed, err
}

// lockDead waits for its turn at some holdings, and returns the nodes that are not alive. These stay so until the end of
// the transaction; one that beats at this moment is waited for, and is alive then.
func lockDead(ctx context.Context, tx pgx.Tx, node int64, names, duties []string) (dead []int64, err error) {
	known, batch := false, &pgx.Batch{}
	batch.Queue("INSERT INTO holdings (name) SELECT name FROM unnest($1::text[]) AS u (name) ON CONFLICT DO NOTHING", duties)
	batch.Queue("SELECT 1 FROM holdings WHERE name = ANY ($1) ORDER BY name FOR UPDATE", names)
	batch.Queue("SELECT n FROM nodes WHERE n = $1 OR until < micros() ORDER BY n FOR UPDATE", node).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			n := int64(0)
			if err := rows.Scan(&n); err != nil {
				return err
			}
			if n == node {
				known = true
			} else {
				dead = append(dead, n)
			}
		}
		return rows.Err()
	})
	if err = tx.SendBatch(ctx, batch).Close(); err == nil && !known {
		err = errForgotten()
	}
	return dead, err
}

// errForgotten is for a node that was removed.
func errForgotten() error {
	return fault.New(fault.NotFound, "the node was not heard of for so long that the others took it for dead")
}

func takeOver(ctx context.Context, tx pgx.Tx, node int64, ttl time.Duration, names []string, dead []int64) (claimed []eventlog.Holding, err error) {
	batch := &pgx.Batch{}
	batch.Queue("UPDATE nodes SET seen = t, until = greatest(until, t + $2) FROM micros() AS t WHERE n = $1", node, ttl.Microseconds())
	batch.Queue(`UPDATE holdings h SET node = $1, token = token + 1, since = micros()
		WHERE name = ANY ($2) AND (h.node IS NULL OR h.node = ANY ($3) OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.n = h.node))
		RETURNING name, token`, node, names, dead).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var h eventlog.Holding
			if err := rows.Scan(&h.Name, &h.Token); err != nil {
				return err
			}
			claimed = append(claimed, h)
		}
		return rows.Err()
	})
	batch.Queue("DELETE FROM nodes n WHERE n = ANY ($1) AND NOT EXISTS (SELECT 1 FROM holdings h WHERE h.node = n.n)", dead)
	err = tx.SendBatch(ctx, batch).Close()
	slices.SortFunc(claimed, func(a, b eventlog.Holding) int { return strings.Compare(a.Name, b.Name) })
	return claimed, err
}

// Yield frees what of some holdings a node still holds under their tokens.
func (s *Store) Yield(ctx context.Context, node int64, holdings []eventlog.Holding) error {
	names, tokens := make([]string, len(holdings)), make([]int64, len(holdings))
	for i, h := range holdings {
		names[i], tokens[i] = h.Name, h.Token
	}
	return s.holding(ctx, "nothing could be yielded", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE holdings h SET node = NULL FROM unnest($2::text[], $3::bigint[]) AS u (name, token)
			WHERE h.name = u.name AND h.token = u.token AND h.node = $1`, node, names, tokens)
		return err
	})
}

// Leave frees all that a node holds, and removes it from those that share the log.
func (s *Store) Leave(ctx context.Context, node int64) error {
	return s.holding(ctx, "the node could not leave", func(ctx context.Context, tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue("UPDATE holdings SET node = NULL WHERE node = $1", node)
		batch.Queue("DELETE FROM nodes WHERE n = $1", node)
		return tx.SendBatch(ctx, batch).Close()
	})
}

// takeUp stamps consumers with the token that their system is held under, and no earlier one than they have.
const takeUp = `UPDATE consumers c SET token = $1, cut = 0
	WHERE (name = ANY ($2) OR cardinality($2) = 0)
		AND ($1 = 0 OR c.token <= $1 AND EXISTS (SELECT 1 FROM holdings h WHERE h.name = '` + eventlog.OfSystem + `' || c.system AND h.token = $1))
	RETURNING name`

// TakeUp implements eventlog.Store. Of the consumers it leaves out those whose system is not held under the token, or not
// any more. Token 0 is for who has the log to itself.
func (s *Store) TakeUp(ctx context.Context, token int64, names ...string) (list []eventlog.Consumer, err error) {
	if names == nil {
		names = []string{}
	}
	err = s.holding(ctx, "the consumers could not be taken up", func(ctx context.Context, tx pgx.Tx) error {
		taken := map[string]bool{}
		err := each(ctx, tx, takeUp, []any{token, names}, func(row pgx.Rows) error {
			name := ""
			err := row.Scan(&name)
			taken[name] = true
			return err
		})
		// What is read comes after the locks of the rows: who had them before has written by now.
		if err == nil {
			list, err = readConsumers(ctx, tx, names...)
		}
		list = slices.DeleteFunc(list, func(c eventlog.Consumer) bool { return !taken[c.Name] })
		return err
	})
	return list, err
}
