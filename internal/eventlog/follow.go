package eventlog

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// Shared says that other nodes append to the same log, and how this one hears of it.
type Shared struct {
	// Hints says that something may have been appended. It is no more than a hint; nil: there are none.
	Hints <-chan struct{}
	// Every is how often it is looked for, hint or not.
	Every time.Duration
	// Appended is told the head after each append of this node, for the others to hear of; nil: nobody is.
	Appended func(head int64)
	// History is the database's, which may become another; nil: it does not.
	History History
}

// appended is what this node has put into the log with one commit.
type appended struct {
	events    []*event.Event
	revisions []revision.Revision
}

// span returns how many positions it takes above one, and the last of them.
func (a *appended) span(above int64) (count, last int64) {
	last = above
	for _, e := range a.events {
		if e.Position > above {
			count++
			last = max(last, e.Position)
		}
	}
	for i := range a.revisions {
		if position := a.revisions[i].Position; position > above {
			count++
			last = max(last, position)
		}
	}
	return count, last
}

// come makes visible what this node has appended. Between it and the head there may be what other nodes appended before:
// positions are shown in order, so that is read first.
func (l *Log) come(ctx context.Context, own *appended) error {
	l.coming.Lock()
	defer l.coming.Unlock()
	at := l.head.Load()
	count, last := own.span(at)
	if count == 0 {
		return nil
	}
	if l.shared != nil && l.shared.Appended != nil {
		l.shared.Appended(last)
	}
	if count < last-at {
		return l.bring(ctx, last)
	}
	err := l.apply(own.revisions)
	if err != nil && l.shared != nil {
		return err
	}
	l.tail.append(own.events, last)
	l.head.Store(last)
	return err
}

// bringAtOnce is how many positions are read at a time of what others appended.
const bringAtOnce = 2048

// apply has the book fold those of some revisions, in order, that it does not know yet. It may know what is behind the
// head: a change is in the book before the events that came with it are seen. The caller holds coming.
func (l *Log) apply(revisions []revision.Revision) error {
	l.revisionsUpTo(&revisions, l.book.Last())
	return l.book.Apply(revisions)
}

// bring reads what stands behind the head, up to the end of a request, and shows it: first the revisions, all of them, and
// then the events, some at a time, which may end in the middle of a request. A node that is far behind leaves the events
// to those who want them: they read them in ranges. The caller holds coming.
func (l *Log) bring(ctx context.Context, upTo int64) error {
	at := l.head.Load()
	revisions, err := l.store.Revisions(ctx, at)
	if err != nil {
		return err
	}
	revisions, _ = l.revisionsUpTo(&revisions, upTo)
	if err := l.apply(revisions); err != nil {
		return err
	}
	if upTo-at > int64(len(l.tail.slots)) {
		at = upTo - int64(len(l.tail.slots))/2
		l.revisionsUpTo(&revisions, at)
		l.tail.skip(at)
		l.head.Store(at)
	}
	for at < upTo {
		next := min(at+bringAtOnce, upTo)
		events, err := l.store.Range(ctx, at, next, bringAtOnce)
		if err != nil {
			return err
		}
		shown, _ := l.revisionsUpTo(&revisions, next)
		if int64(len(events)+len(shown)) != next-at {
			return fault.New(fault.Internal, "positions %d to %d hold %d events and %d revisions", at+1, next, len(events), len(shown))
		}
		for _, e := range events {
			e.SourceID = event.SourceIDIn(e.Head) // At is to have it, as of what this node appended
		}
		l.tail.append(events, next)
		l.head.Store(next)
		at = next
	}
	return nil
}

// revisionsUpTo takes those up to a position off the front.
func (l *Log) revisionsUpTo(list *[]revision.Revision, position int64) (taken []revision.Revision, more bool) {
	n := 0
	for n < len(*list) && (*list)[n].Position <= position {
		n++
	}
	taken, *list = (*list)[:n:n], (*list)[n:]
	return taken, len(*list) > 0
}

// follow shows what other nodes append. A hint makes it quick, looking makes it sure.
func (l *Log) follow(ctx context.Context) {
	defer close(l.followed)
	look := time.NewTicker(l.shared.Every)
	defer look.Stop()
	hints, told := l.shared.Hints, false
	for {
		select {
		case <-ctx.Done():
			return
		case _, more := <-hints:
			if !more {
				hints = nil
			}
		case <-look.C:
		}
		err := l.CatchUp(ctx)
		if err != nil && ctx.Err() == nil && (!told || fault.Has(err, fault.LogRewound)) {
			l.trouble("following the log; it is tried again", err) // once, until it has succeeded again
		}
		told = err != nil
	}
}

// known is the last position of which this node knows what stands there.
func (l *Log) known() int64 { return max(l.head.Load(), l.book.Last()) }

// CatchUp returns when everything that was in the log when it was called is visible here.
// Errors: fault.LogRewound when the database has lost what it had; what the store gives.
func (l *Log) CatchUp(ctx context.Context) error {
	known := l.known() // before the question: meanwhile this node may append
	head, _, err := l.store.Head(ctx)
	if err != nil {
		l.unsure.Store(true)
		return err
	}
	l.coming.Lock()
	defer l.coming.Unlock()
	at := l.head.Load()
	if err := l.sameEpoch(ctx, l.known()); err != nil {
		return err
	}
	if head < known {
		return l.rewound(ctx, at, head, fault.New(fault.LogRewound, "the database ends at position %d, and had position %d", head, known))
	}
	if err := l.sameLog(ctx, at, head); err != nil {
		return err
	}
	if head > at {
		if err := l.bring(ctx, head); err != nil {
			l.unsure.Store(true)
			return err
		}
		l.growth.Signal()
	}
	l.looked.Store(clock.Micros(l.clock.Now()))
	return nil
}
