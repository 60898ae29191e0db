// Package postgres keeps the event log in PostgreSQL, for a hub of several nodes (ADR 0010).
//
// Read append.go for how nodes append without waiting for each other's processes, record.go for how outcomes are
// fenced, hold.go for who delivers what, and partition.go for what stands where.
package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Store is the log in a PostgreSQL database, shared with the hub's other nodes.
type Store struct {
	pool *pgxpool.Pool
	same func(stored, offered *event.Event) bool
	keys *store.Keyring
	tell func(text string)

	appending sync.Mutex // one append of this node at a time: groups grow meanwhile
	recording sync.Mutex // one record of this node at a time: a consumer's cuts go in in the order they were made
	sealing   sync.Mutex // the sealing half of keys: appends and records both seal
	sealer    store.Sealer
	madeFor   map[int64]int32 // the segments of the keys that this process has made; with sealing

	names    names
	segments segments
	learning sync.Mutex   // of another history, one at a time
	accepted atomic.Int64 // the epoch that this process follows the log in; 0: it does not follow it

	end, stamp atomic.Int64 // the log's last position, and when that was recorded, as far as this node has heard
}

// Options are what a store needs besides its database.
type Options struct {
	// Keys stand outside the database and wrap the keys in it.
	Keys store.Keys
	// Same decides whether an event offered under a known source and id is the stored one again (DESIGN promise 1).
	Same func(stored, offered *event.Event) bool
	// Password is the user's, where the URL has none and the server asks for one.
	Password string
	// Version is this program's, kept in the database for whoever finds it newer than theirs; "" is "dev".
	Version string
	// Tell hears of upgrades, which may take long; nil: nobody does.
	Tell func(text string)
}

// The bounds of what the store waits for. A database that answers late is as good as none: the node's holdings run out
// (DESIGN section 5), and whoever asked asks again.
const (
	appendWithin = 15 * time.Second
	recordWithin = 10 * time.Second
	readWithin   = 30 * time.Second
	freezeWithin = 2 * time.Second // how long the others wait for one whose transaction stands still
)

// connections are what a node has open at most, unless the URL says otherwise: those who read for long must not keep
// appends and outcomes from getting one.
const connections = 16

// Open opens the hub's database by a connection URL (postgres://…, or key=value), makes its tables where there are none,
// and upgrades those of an earlier schema.
// Errors: fault.StoreUnreachable; fault.StoreNewer for a schema of a later varsel; fault.MoveUnfinished; fault.KeyMissing and
// fault.SealBroken when the vault cannot open what is in it; fault.Configuration for a URL that is none, and for a database
// that does not keep what it commits.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, err := dial(ctx, url, &o)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, &o); err != nil {
		s.pool.Close()
		return nil, err
	}
	return s, nil
}

// dial makes the connections.
func dial(ctx context.Context, url string, o *Options) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "varsel"
	}
	if o.Password != "" {
		config.ConnConfig.Password = o.Password
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = connections
	}
	config.AfterConnect = knowTypes
	var made atomic.Pointer[pgxpool.Pool]
	onlyWritable(&config.ConnConfig.Config, func() {
		if pool := made.Load(); pool != nil {
			pool.Reset()
		}
	})
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, trouble(err, "cannot reach the database")
	}
	made.Store(pool)
	s := &Store{pool: pool, same: o.Same, keys: store.NewKeyring(o.Keys), tell: o.Tell, sealer: store.Sealer{Binding: store.ToMessage}, madeFor: map[int64]int32{}}
	if s.tell == nil {
		s.tell = func(string) {}
	}
	return s, nil
}

// CheckURL finds what Open could not read of a database's URL, without asking anybody.
// Error: fault.Configuration.
func CheckURL(url string) error {
	_, err := parse(url)
	return err
}

func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fault.Wrap(fault.Configuration, err, "the store's URL cannot be read")
	}
	return config, nil
}

// onlyWritable has connections made to a server that takes writes, of the several that a URL may name, and closed when
// theirs takes none any more, or ends: the next one is made to the server that took over. over is called then: what else
// is connected to that server is of no more use, and would fail those who get it next.
func onlyWritable(config *pgconn.Config, over func()) {
	if config.ValidateConnect == nil {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	stays := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, refused *pgconn.PgError) bool {
		if refused.Code != readOnly && stays(c, refused) {
			return true
		}
		over()
		return false
	}
}

// readOnly is the answer of a server that is a standby (read_only_sql_transaction).
const readOnly = "25006"

// checkDurable refuses a database that answers before what is committed is on its disk: accepted would not be durable.
func (s *Store) checkDurable(ctx context.Context) error {
	waits := ""
	if err := s.pool.QueryRow(ctx, "SELECT current_setting('synchronous_commit')").Scan(&waits); err != nil {
		return trouble(err, "cannot reach the database")
	}
	if waits == "off" {
		return fault.New(fault.Configuration, "the database's synchronous_commit is off: what it accepts it may lose. Set it to on for the hub's database or role")
	}
	return nil
}

// knowTypes has a connection know what our values are where the server is not asked, as behind a pooler that keeps no
// prepared statements (default_query_exec_mode=exec).
func knowTypes(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterDefaultPgType([16]byte{}, "uuid")
	return nil
}

func (s *Store) prepare(ctx context.Context, o *Options) error {
	if err := s.checkDurable(ctx); err != nil {
		return err
	}
	if err := s.upgrade(ctx, migrations, o); err != nil {
		return err
	}
	if err := refuseMoving(ctx, s.pool); err != nil {
		return trouble(err, "cannot read the database")
	}
	if err := s.checkKeys(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.load(ctx), s.learnEnd(ctx)); err != nil {
		return err
	}
	return trouble(s.reach(ctx, s.end.Load()), "cannot make partitions")
}

// Close closes every connection, after what runs on them.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// trouble wraps what the database, or the way there, answered. What is known already passes.
func trouble(err error, doing string, args ...any) error {
	var refused *pgconn.PgError
	switch {
	case err == nil || fault.Known(err):
		return err
	case errors.As(err, &refused) && refused.Code == "53100": // disk_full
		return fault.Wrap(fault.StorageFull, err, doing, args...)
	case errors.As(err, &refused) && unavailable(refused.Code):
		return fault.Wrap(fault.StoreUnreachable, err, doing, args...)
	case errors.As(err, &refused):
		return fault.Wrap(fault.Internal, err, doing, args...)
	}
	return fault.Wrap(fault.StoreUnreachable, err, doing, args...)
}

// unavailable tells the answers of a server that will take it another time: classes 08 (connection), 53 (resources), 57
// (operator intervention, such as a shutdown), 25006 (read only: a standby), 40 (rolled back), 55P03 (lock not available).
func unavailable(code string) bool {
	switch code[:2] {
	case "08", "53", "57", "40":
		return true
	}
	return code == readOnly || code == "55P03"
}

// read runs a query and visits its rows.
func (s *Store) read(ctx context.Context, query string, args []any, visit func(pgx.Rows) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	return trouble(each(ctx, s.pool, query, args, visit), "cannot read the log")
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// each runs a query and visits its rows.
func each(ctx context.Context, q querier, query string, args []any, visit func(pgx.Rows) error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// moment runs f in a read transaction that sees one moment.
func (s *Store) moment(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return f(ctx, tx) })
	return trouble(err, "cannot read the log")
}
