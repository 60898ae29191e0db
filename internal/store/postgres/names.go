package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// names interns sources and types, which stand as small numbers in every event row. They are made before the append that
// first needs them, each by itself: one that is left over from an append that failed does no harm.
type names struct {
	mu      sync.RWMutex
	epoch   int64 // of the log, that what is known here is of
	sources map[string]int32
	uris    map[int32]string
	types   map[typeVersion]int32
	kinds   map[int32]typeVersion
}

type typeVersion struct{ name, version string }

func (n *names) addSource(number int32, uri string) {
	n.mu.Lock()
	n.sources[uri], n.uris[number] = number, uri
	n.mu.Unlock()
}

func (n *names) addType(number int32, t typeVersion) {
	n.mu.Lock()
	n.types[t], n.kinds[number] = number, t
	n.mu.Unlock()
}

// load reads the interned names and the segments.
func (s *Store) load(ctx context.Context) error {
	epoch, err := s.meet(ctx)
	if err == nil {
		err = s.learnNames(ctx, epoch)
	}
	if err != nil {
		return err
	}
	return s.segments.reload(ctx, s)
}

// learnNames reads what is interned in an epoch, and forgets what was: of another history of the database, it may be lost.
func (s *Store) learnNames(ctx context.Context, epoch int64) error {
	fresh := names{epoch: epoch, sources: map[string]int32{}, uris: map[int32]string{}, types: map[typeVersion]int32{}, kinds: map[int32]typeVersion{}}
	err := s.read(ctx, "SELECT n, uri FROM sources", nil, func(rows pgx.Rows) error {
		var number int32
		var uri string
		err := rows.Scan(&number, &uri)
		fresh.addSource(number, uri)
		return err
	})
	if err != nil {
		return err
	}
	err = s.read(ctx, "SELECT n, type, version FROM types", nil, func(rows pgx.Rows) error {
		var number int32
		var t typeVersion
		err := rows.Scan(&number, &t.name, &t.version)
		fresh.addType(number, t)
		return err
	})
	if err == nil {
		s.names.become(&fresh)
	}
	return err
}

func (n *names) become(fresh *names) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.epoch, n.sources, n.uris, n.types, n.kinds = fresh.epoch, fresh.sources, fresh.uris, fresh.types, fresh.kinds
}

// history is the epoch that what is known here is of.
func (n *names) history() int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.epoch
}

// sourceNumber returns the number of a source's URI, made at first use.
func (s *Store) sourceNumber(ctx context.Context, uri string) (int32, error) {
	s.names.mu.RLock()
	n, ok := s.names.sources[uri]
	s.names.mu.RUnlock()
	if ok {
		return n, nil
	}
	// What another node makes at the same time is found by the second part, which looks again after the conflict.
	err := s.pool.QueryRow(ctx, "INSERT INTO sources (uri) VALUES ($1) ON CONFLICT (uri) DO UPDATE SET uri = excluded.uri RETURNING n", uri).Scan(&n)
	if err == nil {
		s.names.addSource(n, uri)
	}
	return n, err
}

// typeNumber returns the number of a type's version, made at first use.
func (s *Store) typeNumber(ctx context.Context, t typeVersion) (int32, error) {
	s.names.mu.RLock()
	n, ok := s.names.types[t]
	s.names.mu.RUnlock()
	if ok {
		return n, nil
	}
	err := s.pool.QueryRow(ctx, "INSERT INTO types (type, version) VALUES ($1, $2) ON CONFLICT (type, version) DO UPDATE SET type = excluded.type RETURNING n", t.name, t.version).Scan(&n)
	if err == nil {
		s.names.addType(n, t)
	}
	return n, err
}

// source is the URI of a number; one that another node made since is learned.
func (s *Store) source(ctx context.Context, number int32) (string, error) {
	s.names.mu.RLock()
	uri, ok := s.names.uris[number]
	s.names.mu.RUnlock()
	if ok {
		return uri, nil
	}
	err := s.pool.QueryRow(ctx, "SELECT uri FROM sources WHERE n = $1", number).Scan(&uri)
	if err == nil {
		s.names.addSource(number, uri)
	}
	return uri, err
}

// kind is the type and version of a number; one that another node made since is learned.
func (s *Store) kind(ctx context.Context, number int32) (typeVersion, error) {
	s.names.mu.RLock()
	t, ok := s.names.kinds[number]
	s.names.mu.RUnlock()
	if ok {
		return t, nil
	}
	err := s.pool.QueryRow(ctx, "SELECT type, version FROM types WHERE n = $1", number).Scan(&t.name, &t.version)
	if err == nil {
		s.names.addType(number, t)
	}
	return t, err
}
