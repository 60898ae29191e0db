// Package sqlite keeps the event log in one SQLite file: the default store, for a hub on one machine.
package sqlite

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Store is the log in one SQLite file. One connection writes, a pool reads.
type Store struct {
	writer *sqlite.Conn
	full   bool // the writer's synchronous mode is FULL
	pool   *sqlitex.Pool
	file   string
	turn   sync.Mutex // whoever writes: SQLite would let the second sleep, and wake late
	same   func(stored, offered *event.Event) bool
	keys   *store.Keyring
	sealer store.Sealer
	cache  statements

	// The writer's own view of the end of the log; only Commit touches it.
	position, recorded, revision int64
	settled                      int64      // nothing more is recorded before: what was read of a time window stays all of it
	audited                      audit.Head // the end of the audit log
	waiting                      []row      // events of this commit whose rows are not inserted yet
	made                         int        // data keys, so far

	names   names
	closing sync.Once
}

var _ eventlog.Store = (*Store)(nil)

// names interns sources and types, which stand as small numbers in every event row. Only the writer adds to them; who reads
// what they stand for has a copy that nothing is added to any more.
type names struct {
	sources map[string]int64
	types   map[typeVersion]int64
	uris    atomic.Pointer[map[int64]string]
	kinds   atomic.Pointer[map[int64]typeVersion]
}

type typeVersion struct{ name, version string }

// Options are what a store needs besides its file.
type Options struct {
	// Keys stand outside the database and wrap the keys in it.
	Keys store.Keys
	// Same decides whether an event offered under a known source and id is the stored one again (DESIGN promise 1).
	Same func(stored, offered *event.Event) bool
	// Version is this program's, kept in the file for whoever finds it newer than theirs; "" is "dev".
	Version string
	// Tell hears of upgrades, which may take long; nil: nobody does.
	Tell func(text string)
}

// Open opens or creates the file, and upgrades one of an earlier schema.
// Errors: fault.StoreNewer for a file of a later one; fault.KeyMissing and fault.SealBroken when the vault cannot open
// what is in it.
func Open(file string, o Options) (*Store, error) {
	writer, err := sqlite.OpenConn(file, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenURI)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot open the database %s", file)
	}
	s := &Store{writer: writer, file: file, same: o.Same, keys: store.NewKeyring(o.Keys), full: true}
	if err := s.prepare(&o); err != nil {
		writer.Close()
		if fault.Known(err) {
			return nil, err
		}
		return nil, fault.Wrap(fault.Internal, err, "cannot use the database %s", file)
	}
	s.pool, err = sqlitex.NewPool(file, sqlitex.PoolOptions{
		Flags:    sqlite.OpenReadOnly | sqlite.OpenURI,
		PoolSize: 2 + runtime.GOMAXPROCS(0),
		PrepareConn: func(c *sqlite.Conn) error {
			return sqlitex.ExecuteTransient(c, "PRAGMA cache_size=-8192", nil)
		},
	})
	if err != nil {
		writer.Close()
		return nil, fault.Wrap(fault.Internal, err, "cannot read the database %s", file)
	}
	return s, nil
}

// pragmas: WAL with FULL makes a commit durable before it is answered (promise 1). What is freed within a page is
// overwritten with zeros, so that what was erased stands nowhere in the file (promise 11).
var pragmas = []string{
	"PRAGMA page_size=8192",
	"PRAGMA journal_mode=WAL",
	"PRAGMA synchronous=FULL",
	"PRAGMA wal_autocheckpoint=2000",
	"PRAGMA cache_size=-16384",
	"PRAGMA temp_store=MEMORY",
	"PRAGMA secure_delete=FAST",
}

func (s *Store) prepare(o *Options) error {
	for _, p := range pragmas {
		if err := sqlitex.ExecuteTransient(s.writer, p, nil); err != nil {
			return err
		}
	}
	if err := upgrade(s.writer, migrations, o); err != nil {
		return err
	}
	if err := s.checkKeys(); err != nil {
		return err
	}
	return s.load()
}

// load reads the end of the log and the interned names.
func (s *Store) load() error {
	var err error
	read := func(query string) int64 {
		n, e := number(s.writer, query)
		if e != nil {
			err = e
		}
		return n
	}
	s.revision = read("SELECT coalesce(max(position), 0) FROM revisions")
	s.position = max(s.revision, read("SELECT coalesce(max(position), 0) FROM events"))
	s.recorded = max(
		read("SELECT coalesce((SELECT recorded FROM events ORDER BY position DESC LIMIT 1), 0)"),
		read("SELECT coalesce((SELECT recorded FROM revisions ORDER BY position DESC LIMIT 1), 0)"))
	if err == nil {
		s.audited, err = auditHead(s.writer)
	}
	if err != nil {
		return err
	}
	return s.names.load(s.writer)
}

func (n *names) load(c *sqlite.Conn) error {
	n.sources, n.types = map[string]int64{}, map[typeVersion]int64{}
	uris, kinds := map[int64]string{}, map[int64]typeVersion{}
	err := each(c, store.Sources, nil, func(row *sqlite.Stmt) error {
		uris[row.ColumnInt64(0)] = row.ColumnText(1)
		return nil
	})
	if err == nil {
		err = each(c, store.Types, nil, func(row *sqlite.Stmt) error {
			kinds[row.ColumnInt64(0)] = typeVersion{row.ColumnText(1), row.ColumnText(2)}
			return nil
		})
	}
	for number, uri := range uris {
		n.sources[uri] = number
	}
	for number, kind := range kinds {
		n.types[kind] = number
	}
	n.uris.Store(&uris)
	n.kinds.Store(&kinds)
	return err
}

func (n *names) addSource(number int64, uri string) {
	n.sources[uri] = number
	addCopied(&n.uris, number, uri)
}

func (n *names) addType(number int64, t typeVersion) {
	n.types[t] = number
	addCopied(&n.kinds, number, t)
}

func addCopied[V any](to *atomic.Pointer[map[int64]V], number int64, value V) {
	more := maps.Clone(*to.Load())
	more[number] = value
	to.Store(&more)
}

func (n *names) source(number int64) string    { return (*n.uris.Load())[number] }
func (n *names) kind(number int64) typeVersion { return (*n.kinds.Load())[number] }

// Close closes every connection; reads that run are interrupted. Closing again does nothing.
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		err = s.pool.Close()
		s.cache = nil
		if e := s.writer.Close(); err == nil {
			err = e
		}
	})
	return err
}

// reading runs f with a connection of the pool.
func (s *Store) reading(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := s.pool.Take(ctx)
	if err != nil {
		return fault.Wrap(fault.ShuttingDown, err, "no connection to read with")
	}
	defer s.pool.Put(c)
	if err := f(c); err != nil {
		if fault.Known(err) {
			return err
		}
		return fault.Wrap(fault.Internal, err, "cannot read the log")
	}
	return nil
}

func number(c *sqlite.Conn, query string) (n int64, err error) {
	err = each(c, query, nil, func(row *sqlite.Stmt) error {
		n = row.ColumnInt64(0)
		return nil
	})
	return n, err
}

// each runs a cached query and visits its rows.
func each(c *sqlite.Conn, query string, bind func(*sqlite.Stmt), visit func(*sqlite.Stmt) error) error {
	stmt, err := c.Prepare(query)
	if err != nil {
		return err
	}
	defer stmt.Reset()
	if bind != nil {
		bind(stmt)
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if err := visit(stmt); err != nil {
			return err
		}
	}
}
