package receive

import (
	"context"
	"sync"
)

// Store remembers which messages have been handled, so that a repeat has no second effect.
//
// When the effect of a message is a change in a database, the key belongs into that database and into the same
// transaction, so that no crash leaves one without the other:
//
//	func (a archive) Once(ctx context.Context, key receive.Key, handle func(context.Context) error) error {
//		tx, err := a.db.BeginTx(ctx, nil)
//		if err != nil {
//			return err
//		}
//		defer tx.Rollback() // does nothing after the commit
//		inserted, err := tx.ExecContext(ctx, `INSERT INTO received (id, pass) VALUES ($1, $2) ON CONFLICT DO NOTHING`, key.ID, key.Pass)
//		if err != nil {
//			return err
//		}
//		if rows, err := inserted.RowsAffected(); err != nil || rows == 0 {
//			return err // nil: it has been handled before
//		}
//		if err := handle(context.WithValue(ctx, theTransaction, tx)); err != nil {
//			return err
//		}
//		return tx.Commit()
//	}
//
// A Store apart from the effect, durable or not, repeats the effect when the process ends between the two: right for
// effects that are the same when repeated.
//
// How long must a key be kept? A retry follows within hours of the first attempt and, where a message fails on, until
// it is parked or its retention ends; the same message may come once more after a crash of the hub. A week is
// plenty for profile standard; in star, as long as the type's retention (6 months).
type Store interface {
	// Once calls handle unless a call for the same key has returned nil before, and returns handle's error; of a
	// repeat, nil. Two calls for one key at the same time must not both call handle: the second waits for the first,
	// or returns an error, and the hub comes back. It must be safe for concurrent use.
	Once(ctx context.Context, key Key, handle func(context.Context) error) error
}

// Memory is a Store that forgets: the oldest keys when there are more than its size, all of them when the process
// ends. Use it where a repeated effect does no harm, or where the order of the hub suffices: after a crash of either
// side at most the last message of each key comes again.
type Memory struct {
	mu   sync.Mutex
	seen map[Key]*handling
	ring []Key // handled, as a ring: the next to be written is the oldest
	next int
}

// handling is a key that is being handled or has been.
type handling struct {
	over chan struct{} // closed when it is
	done bool          // with success; written before over is closed
}

// DefaultMemory is how many keys NewMemory keeps when it is not told, about 20 MiB.
const DefaultMemory = 100_000

// NewMemory returns a Store for the last size keys; 0 or less: DefaultMemory.
func NewMemory(size int) *Memory {
	if size <= 0 {
		size = DefaultMemory
	}
	return &Memory{seen: map[Key]*handling{}, ring: make([]Key, 0, size)}
}

// Once implements Store. A second call for a key that is being handled waits for the first one's end; when that
// failed, it tries itself.
//
// Errors: handle's, and ctx's while it waits.
func (s *Memory) Once(ctx context.Context, key Key, handle func(context.Context) error) error {
	for {
		h, mine := s.claim(key)
		if mine {
			return s.run(ctx, key, h, handle)
		}
		select {
		case <-h.over:
			if h.done {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Memory) claim(key Key) (h *handling, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.seen[key]; h != nil {
		return h, false
	}
	h = &handling{over: make(chan struct{})}
	s.seen[key] = h
	return h, true
}

// run settles the key also when handle panics: net/http goes on after that, and so must the next attempt.
func (s *Memory) run(ctx context.Context, key Key, h *handling, handle func(context.Context) error) (err error) {
	done := false
	defer func() { s.settle(key, h, done) }()
	err = handle(ctx)
	done = err == nil
	return err
}

func (s *Memory) settle(key Key, h *handling, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.done = done; done {
		s.keep(key)
	} else {
		delete(s.seen, key)
	}
	close(h.over)
}

// keep makes room by forgetting the oldest.
func (s *Memory) keep(key Key) {
	if len(s.ring) < cap(s.ring) {
		s.ring = append(s.ring, key)
		return
	}
	delete(s.seen, s.ring[s.next])
	s.ring[s.next] = key
	s.next = (s.next + 1) % len(s.ring)
}
