package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Import is a hub on its way into an empty database. While it goes on the log has no end there: no hub, of this version or
// another, can append to it or start on it.
type Import struct {
	*Store
	end   store.MovedEnd
	gone  int32 // the segment of what cannot be read any more
	state moving
}

// moving is the row of hub that says how far a move is. Each batch writes it in its own transaction.
type moving struct {
	ID   string           `json:"id"`
	Rows map[string]int64 `json:"rows"`
}

// The rows of hub that tell of moves: one that is under way, as JSON, and the id of the one that filled the database.
const (
	moveRow  = "move"
	movedRow = "moved"
)

// OpenImport opens a database that a hub is to be moved into, and makes its tables.
// Errors: as Open, and fault.StoreNotEmpty.
func OpenImport(ctx context.Context, url string, o Options) (*Import, error) {
	s, err := dial(ctx, url, &o)
	if err != nil {
		return nil, err
	}
	m := &Import{Store: s}
	if err = s.checkDurable(ctx); err == nil {
		err = s.upgrade(ctx, migrations, &o)
	}
	if err == nil {
		err = s.checkKeys(ctx)
	}
	if err == nil {
		err = s.load(ctx)
	}
	if err != nil {
		s.pool.Close()
		return nil, err
	}
	return m, nil
}

// Begin takes the database for a move, or finds the one with this id as it was left. finished: there is nothing left
// to do for it.
// Error: fault.StoreNotEmpty when there is something else in it.
func (m *Import) Begin(ctx context.Context, id string, end store.MovedEnd) (finished bool, err error) {
	m.end = end
	err = pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", schemaLock); err != nil {
			return err
		}
		state, filled, err := readMove(ctx, tx)
		switch {
		case err != nil:
			return err
		case filled == id:
			finished = true
			return nil
		case state == "" && filled == "":
			return m.beginEmpty(ctx, tx, id)
		case filled != "":
			return fault.New(fault.StoreNotEmpty, "another hub was moved into the database")
		}
		if err := json.Unmarshal([]byte(state), &m.state); err != nil {
			return err
		}
		if m.state.ID != id {
			return fault.New(fault.StoreNotEmpty, "the database holds the unfinished move of another hub, or of an earlier beginning: empty it first")
		}
		return tx.QueryRow(ctx, "SELECT n FROM segments WHERE day = -1").Scan(&m.gone)
	})
	if err == nil && !finished {
		err = m.reach(ctx, end.Position)
	}
	return finished, trouble(err, "the move could not begin")
}

// readMove reads the rows that tell of moves.
func readMove(ctx context.Context, q querier) (state, filled string, err error) {
	err = each(ctx, q, "SELECT name, value FROM hub WHERE name = ANY ($1)", []any{[]string{moveRow, movedRow}}, func(row pgx.Rows) error {
		var name, value string
		err := row.Scan(&name, &value)
		if name == moveRow {
			state = value
		} else {
			filled = value
		}
		return err
	})
	return state, filled, err
}

// beginEmpty takes the end of the log away, and what a new database has by itself.
func (m *Import) beginEmpty(ctx context.Context, tx pgx.Tx, id string) error {
	empty := false
	const isEmpty = `SELECT position = 0 AND audited = 0 AND NOT EXISTS (SELECT 1 FROM consumers) AND NOT EXISTS (SELECT 1 FROM segments)
		AND NOT EXISTS (SELECT 1 FROM signing_keys) AND NOT EXISTS (SELECT 1 FROM registers) FROM log_end FOR UPDATE`
	if err := tx.QueryRow(ctx, isEmpty).Scan(&empty); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if !empty {
		return fault.New(fault.StoreNotEmpty, "the database is a hub's already; a hub is moved into one that is empty")
	}
	m.state = moving{ID: id, Rows: map[string]int64{}}
	state, _ := json.Marshal(m.state) // a name and numbers
	batch := &pgx.Batch{}
	for _, query := range []string{"DELETE FROM log_end", "DELETE FROM epochs", "DELETE FROM nodes"} {
		batch.Queue(query)
	}
	// What cannot be read any more is in no class that is known: a segment of its own that never had any partition.
	batch.Queue("INSERT INTO segments (class, day, forgotten) VALUES ('', -1, true) RETURNING n").QueryRow(func(row pgx.Row) error { return row.Scan(&m.gone) })
	batch.Queue("INSERT INTO hub (name, value) VALUES ($1, $2)", moveRow, string(state))
	return tx.SendBatch(ctx, batch).Close()
}

// Done is how many rows of a table are here.
func (m *Import) Done(t *store.Table) int64 { return m.state.Rows[t.Name] }

// copied are rows of one table of the database.
type copied struct {
	table   string
	columns string
	rows    [][]any
}

// Put writes the next rows of a table, sealed under keys of this database. Atomic: all of them, and that they are here.
func (m *Import) Put(ctx context.Context, t *store.Table, rows []store.Row) error {
	parts, err := m.prepared(ctx, t, rows)
	if err != nil {
		return trouble(err, "cannot write %s", t.Name)
	}
	next := moving{ID: m.state.ID, Rows: map[string]int64{}}
	for name, n := range m.state.Rows {
		next.Rows[name] = n
	}
	next.Rows[t.Name] += int64(len(rows))
	state, _ := json.Marshal(next) // a name and numbers
	err = pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil { // the WAL keeps the order of batches
			return err
		}
		for i := range parts {
			p := &parts[i]
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{p.table}, strings.Split(p.columns, ", "), pgx.CopyFromRows(p.rows)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "UPDATE hub SET value = $2 WHERE name = $1", moveRow, string(state))
		return err
	})
	if err == nil {
		m.state = next
	}
	return trouble(err, "cannot write %s", t.Name)
}

// prepared makes rows ready to be copied. Names, segments, partitions and keys that they need are in the database then.
func (m *Import) prepared(ctx context.Context, t *store.Table, rows []store.Row) ([]copied, error) {
	switch t.Name {
	case store.MovedEvents:
		return m.events(ctx, rows)
	case store.MovedAttempts:
		return m.attempts(ctx, t, rows)
	case store.MovedAside:
		return m.aside(ctx, t, rows)
	case store.MovedReceipts:
		return m.receipts(ctx, t, rows)
	case store.MovedClues:
		return m.clues(ctx, rows)
	case store.MovedRows:
		return m.opened(ctx, t, rows, (*store.Sealer).Row)
	case store.MovedRevisions:
		return m.opened(ctx, t, rows, (*store.Sealer).Revision)
	case store.MovedOutgoing:
		return m.opened(ctx, t, rows, (*store.Sealer).Draft)
	}
	p := copied{table: t.Name, columns: t.Columns}
	for _, r := range rows {
		p.rows = append(p.rows, r)
	}
	return []copied{p}, nil
}

func (m *Import) events(ctx context.Context, rows []store.Row) ([]copied, error) {
	events := copied{table: "events", columns: "position, recorded, id, source, type, time, organisation, flags, segment"}
	payloads := copied{table: "payloads", columns: "segment, position, lane, key, sealed"}
	m.sealing.Lock()
	defer m.sealing.Unlock()
	for _, r := range rows {
		e, ok := r[0].(*event.Event)
		if !ok {
			return nil, fmt.Errorf("a row of events holds a %T", r[0])
		}
		source, err := m.sourceNumber(ctx, e.Source)
		if err != nil {
			return nil, err
		}
		kind, err := m.typeNumber(ctx, typeVersion{e.Type, e.Version})
		if err != nil {
			return nil, err
		}
		flags, segment := int16(0), m.gone
		if e.Personal {
			flags |= personal
		}
		if e.Forgotten {
			flags |= erased
		} else {
			var key *store.SealingKey
			if key, segment, err = m.sealingKey(ctx, store.ClassOf(e.Retention, e.Recorded)); err != nil {
				return nil, err
			}
			payloads.rows = append(payloads.rows, []any{segment, e.Position, [16]byte(e.Lane), key.N, slices.Clone(m.sealer.Event(key, e))})
		}
		events.rows = append(events.rows, []any{e.Position, e.Recorded, [16]byte(e.ID), source, kind, e.Time, e.Organisation.String(), flags, segment})
	}
	return []copied{events, payloads}, nil
}

func (m *Import) attempts(ctx context.Context, t *store.Table, rows []store.Row) ([]copied, error) {
	tries := copied{table: t.Name, columns: t.Columns + ", reason"}
	answers := copied{table: "answers", columns: "segment, position, consumer, number, key, sealed"}
	m.sealing.Lock()
	defer m.sealing.Unlock()
	for _, r := range rows {
		tries.rows = append(tries.rows, r[:9])
		answer, ok := r[9].(*store.Opened)
		if !ok {
			continue
		}
		key, segment, err := m.sealingKey(ctx, answer.Class)
		if err != nil {
			return nil, err
		}
		position, consumer, number := r[0].(int64), r[1].(int64), r[2].(int64)
		a := eventlog.Attempt{Position: position, Number: int(number)}
		a.Result.Detail, a.Result.Body = answer.Detail, answer.Body
		answers.rows = append(answers.rows, []any{segment, position, consumer, number, key.N, slices.Clone(m.sealer.Attempt(key, consumer, &a))})
	}
	return []copied{tries, answers}, nil
}

func (m *Import) aside(ctx context.Context, t *store.Table, rows []store.Row) ([]copied, error) {
	p := copied{table: t.Name, columns: t.Columns + ", key, sealed"}
	m.sealing.Lock()
	defer m.sealing.Unlock()
	for _, r := range rows {
		message := r[9].(*store.Opened)
		key, _, err := m.sealingKey(ctx, message.Class)
		if err != nil {
			return nil, err
		}
		a := eventlog.Aside{Number: r[1].(int64), Message: message.Body}
		p.rows = append(p.rows, append(slices.Clone(r[:9]), key.N, slices.Clone(m.sealer.Aside(key, r[0].(string), &a))))
	}
	return []copied{p}, nil
}

// opened seals the last column of rows, to which the two numbers that they begin with bind it.
func (m *Import) opened(ctx context.Context, t *store.Table, rows []store.Row, seal func(s *store.Sealer, key *store.SealingKey, in, number int64, data []byte) []byte) ([]copied, error) {
	p := copied{table: t.Name, columns: t.Columns + ", key, sealed"}
	m.sealing.Lock()
	defer m.sealing.Unlock()
	for _, r := range rows {
		last := len(r) - 1
		data, ok := r[last].(*store.Opened)
		if !ok { // erased, or never sealed
			p.rows = append(p.rows, append(slices.Clone(r[:last]), nil, nil))
			continue
		}
		key, _, err := m.sealingKey(ctx, data.Class)
		if err != nil {
			return nil, err
		}
		p.rows = append(p.rows, append(slices.Clone(r[:last]), key.N, slices.Clone(seal(&m.sealer, key, r[0].(int64), r[1].(int64), data.Body))))
	}
	return []copied{p}, nil
}

func (m *Import) clues(ctx context.Context, rows []store.Row) ([]copied, error) {
	p := copied{table: "clues", columns: "segment, clue, position"}
	for _, r := range rows {
		segment, err := m.segment(ctx, eventlog.Class{Retention: event.Retention(r[0].(string)), Day: r[1].(int64)})
		if err != nil {
			return nil, err
		}
		p.rows = append(p.rows, []any{segment, r[2], r[3]})
	}
	return []copied{p}, nil
}

// PutSigningKey keeps a key that messages are signed with under the reference it has.
func (m *Import) PutSigningKey(ctx context.Context, ref, key string) error {
	return m.Signing().put(ctx, ref, key)
}

// Finish gives the log its end, once all is here: from then on hubs can start. Atomic.
func (m *Import) Finish(ctx context.Context) error {
	if err := m.alone(ctx, "ANALYZE"); err != nil { // the first plans should not be guesses
		return trouble(err, "the move could not be finished")
	}
	batch := &pgx.Batch{}
	batch.Queue("INSERT INTO log_end (one, position, recorded, revision, audited) VALUES (true, $1, $2, $3, $4)", m.end.Position, m.end.Recorded, m.end.Revision, m.end.Audited)
	batch.Queue("UPDATE hub SET value = CASE name WHEN 'clues' THEN $1 ELSE $2 END WHERE name IN ('clues', 'clue maker')", m.end.Clues, m.end.ClueMaker)
	batch.Queue("INSERT INTO holdings (name) SELECT DISTINCT $1 || system FROM consumers ON CONFLICT DO NOTHING", eventlog.SystemHolding)
	for _, column := range [][2]string{{"sources", "n"}, {"types", "n"}, {"consumers", "id"}, {"registers", "n"}, {"register_types", "n"}} {
		batch.Queue(fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), (SELECT coalesce(max(%[2]s), 1) FROM %[1]s), EXISTS (SELECT 1 FROM %[1]s))", column[0], column[1]))
	}
	batch.Queue("DELETE FROM hub WHERE name = $1", moveRow)
	batch.Queue("INSERT INTO hub (name, value) VALUES ($1, $2)", movedRow, m.state.ID)
	err := pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	return trouble(err, "the move could not be finished")
}

// AuditEntries goes through the audit log, in order of number, as often as it is asked to.
func (m *Import) AuditEntries(ctx context.Context) audit.Entries { return auditEntries(ctx, m.pool) }

// refuseMoving refuses a database that a hub is still being moved into.
// Error: fault.MoveUnfinished.
func refuseMoving(ctx context.Context, q querier) error {
	state, _, err := readMove(ctx, q)
	if err == nil && state != "" {
		err = fault.New(fault.MoveUnfinished, "the database holds half of a hub that is being moved into it")
	}
	return err
}
