package postgres

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Commit implements eventlog.Store. Where the log is shared one caller commits requests and another commits cuts, and
// neither waits for the other; where one commit has both, requests go first, in transactions of their own.
//
// Requests that hold nothing but events go in together, in one transaction; every other has one to itself. So when the
// database fails midway some requests are in the log and some are not: then each that is not has its Err, and Commit
// returns nil. It returns the error when no request was settled, and when the cuts failed: then the requests that came with
// them may be in the log all the same, as after any end that is not known.
// Errors: fault.StoreUnreachable, when what was committed may be in the database or not.
func (s *Store) Commit(ctx context.Context, c *eventlog.Commit) error {
	if len(c.Requests) == 0 && len(c.Cuts) == 0 {
		return s.probe(ctx)
	}
	if err := s.append(ctx, c); err != nil {
		return err
	}
	return s.record(ctx, c)
}

// probe asks whether the database takes writes.
func (s *Store) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	_, err := s.pool.Exec(ctx, "UPDATE hub SET value = '' WHERE name = 'probe'")
	return trouble(err, "the database takes no writes")
}

// replicated returns when what is in the log is at the standbys that commits wait for, if there are any. What is known
// already need not be: the commit before it may have been given up by its node while it waited, and is seen since. Who is
// told that his event is a duplicate takes it for accepted.
func (s *Store) replicated(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "UPDATE hub SET value = '' WHERE name = 'probe' AND current_setting('synchronous_standby_names') <> ''")
	return err
}

// append settles requests, some at a time.
func (s *Store) append(ctx context.Context, c *eventlog.Commit) error {
	if len(c.Requests) == 0 {
		return nil
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	var failed []*eventlog.Request
	var errs []error
	fail := func(some []*eventlog.Request, err error) {
		for _, r := range some {
			failed, errs = append(failed, r), append(errs, err)
		}
	}
	single := 0 // how many of the next go in by themselves
	for rest := c.Requests; len(rest) > 0; {
		some := rest[:alike(rest)]
		if single > 0 {
			some, single = rest[:1], single-1
		}
		err := s.settle(ctx, c, some)
		if len(some) > 1 && fault.Has(err, fault.Internal) {
			single = len(some) // it may be for one of them that the database refuses all
			continue
		}
		if rest = rest[len(some):]; err != nil {
			fail(some, err)
		}
		if err != nil && !fault.Has(err, fault.Internal) {
			fail(rest, err) // the others would wait as long, for the same
			break
		}
	}
	if len(failed) == len(c.Requests) {
		return errs[0]
	}
	for i, r := range failed {
		r.Err = errs[i]
	}
	return nil
}

// alike is how many of the first requests go in together.
func alike(requests []*eventlog.Request) int {
	if n := slices.IndexFunc(requests, func(r *eventlog.Request) bool { return !plain(r) }); n >= 0 {
		return max(1, n)
	}
	return len(requests)
}

// plain reports whether a request holds nothing but events.
func plain(r *eventlog.Request) bool {
	return len(r.Revisions) == 0 && len(r.Consumers) == 0 && len(r.Audit) == 0 && r.Erasure == nil && r.Clues == nil && r.Intake == nil && len(r.Erased) == 0 && len(r.Withdrawn) == 0 && len(r.Receipts) == 0
}

// settle settles requests that go in together.
func (s *Store) settle(ctx context.Context, c *eventlog.Commit, requests []*eventlog.Request) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	r := requests[0]
	switch {
	case len(r.Audit) > 0 && c.Chain == nil:
		r.Err = fault.New(fault.Internal, "there is no key to seal the audit log with")
		return nil
	case r.Clues != nil:
		r.Err = nil
		return s.writeClues(ctx, r)
	case plain(r):
		g := group{store: s, requests: requests, now: max(c.Now, s.stamp.Load())}
		return g.write(ctx, g.alone)
	}
	g := group{store: s, requests: requests, now: max(c.Now, s.stamp.Load())}
	return g.write(ctx, func(ctx context.Context) error { return s.appendWith(ctx, &g, r, c) })
}

// attempts bounds how often a write is made anew. Each time something else has happened in the database since what it
// was made of was read.
const attempts = 20

// again says what to do after the database refused a write that assumed something about what others do: nil means to
// make it anew, from what is known now.
func (s *Store) again(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case !errors.As(err, &refused):
		if pgconn.SafeToRetry(err) {
			return nil
		}
		return err
	}
	switch refused.Code {
	case "VR002", "23514", undefinedTable: // a segment is forgotten; there is no partition, or not any more
		return s.learnAnew(ctx)
	case "VR003": // a standby has taken over
		return s.learnHistory(ctx)
	case "55P03": // lock_not_available
		return s.evict(ctx)
	case "40001", "40P01", "25P03", "0A000": // serialization_failure, deadlock_detected, idle_in_transaction_session_timeout, a plan of before an upgrade
		return nil
	}
	return err
}

// insist makes a write, and makes it anew as long as again says so.
func insist(ctx context.Context, doing string, again func(context.Context, error) error, write func() error) error {
	var last error
	for range attempts {
		if last = write(); last == nil {
			return nil
		}
		if err := again(ctx, last); err != nil {
			return trouble(err, "%s", doing)
		}
	}
	return fault.Wrap(fault.StoreUnreachable, last, "%s: the database was in another state each of %d times", doing, attempts)
}

// learnAnew reads what this node knows of the log again: segments, partitions, and where it ends. No key that it has
// sealed with is used again, for it may be of a segment that was forgotten.
func (s *Store) learnAnew(ctx context.Context) error {
	s.keys.Renew()
	s.segments.reached.Store(0)
	if err := errors.Join(s.segments.reload(ctx, s), s.learnEnd(ctx)); err != nil {
		return err
	}
	return s.reach(ctx, s.end.Load())
}

// learnEnd reads where the log ends.
func (s *Store) learnEnd(ctx context.Context) error {
	position, recorded, _, err := s.readEnd(ctx)
	if err == nil {
		s.moved(position, recorded)
	}
	return err
}

// moved notes that the log reaches to a position.
func (s *Store) moved(position, recorded int64) {
	raise(&s.end, position)
	raise(&s.stamp, recorded)
}

func raise(n *atomic.Int64, to int64) {
	for old := n.Load(); old < to && !n.CompareAndSwap(old, to); old = n.Load() {
	}
}

// plainText is text that PostgreSQL can keep.
func plainText(text string) string { return store.PlainText(text) }
