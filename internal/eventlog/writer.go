package eventlog

import (
	"context"
	"runtime"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// write is the log's one writer: it takes whatever waits, commits it as one group, tells everyone, and looks again.
// There is no timer: under load groups grow by themselves while the commit before them runs.
func (l *Log) write(ctx context.Context) {
	defer close(l.stopped)
	w := writer{log: l, group: Commit{Chain: l.chain}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		for w.collect() {
			if !w.commit(ctx) {
				return
			}
			// Those who were just answered are about to come again: let them, or two halves take turns for ever.
			runtime.Gosched()
		}
		if l.drained() {
			return
		}
	}
}

// drained reports whether the log is closed with nothing left to commit.
func (l *Log) drained() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed && len(l.queue) == 0 && len(l.dirty) == 0
}

// writer holds the group between its commits, so that its slices are used again.
type writer struct {
	log    *Log
	group  Commit
	dirty  []Cutter // whose cuts are in the group, in step with group.Cuts
	events []*event.Event
}

// collect moves what waits into the group; false means that nothing did.
func (w *writer) collect() bool {
	l := w.log
	w.collectRequests()
	l.mu.Lock()
	w.dirty = append(w.dirty[:0], l.dirty...)
	clear(l.dirty)
	l.dirty = l.dirty[:0]
	l.mu.Unlock()

	w.group.Cuts = w.group.Cuts[:0]
	for _, c := range w.dirty {
		w.group.Cuts = append(w.group.Cuts, c.Cut())
	}
	if len(w.group.Requests) > 0 || len(w.group.Cuts) > 0 {
		return true
	}
	l.mu.Lock()
	l.writing = false
	l.mu.Unlock()
	return false
}

func (w *writer) collectRequests() {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = true
	taken := 0
	for size := 0; taken < len(l.queue) && size < groupLimit; taken++ {
		size += max(1, len(l.queue[taken].Entries))
	}
	w.group.Requests = append(w.group.Requests[:0], l.queue[:taken]...)
	rest := copy(l.queue, l.queue[taken:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
}

// commit makes the group durable and tells everyone; false means that the log was abandoned. When the store refuses,
// the requests are answered so, and so are those that come while it goes on refusing; the cuts stay in the group until
// the store takes them: an outcome is never lost while the process lives. An empty group asks whether it would.
func (w *writer) commit(ctx context.Context) bool {
	for {
		w.group.Now = clock.Micros(w.log.clock.Now())
		err := w.log.store.Commit(ctx, &w.group)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			w.committed()
			return true
		}
		w.refused(err)
		if !rest(ctx, retryAfterFailure) {
			return false
		}
		w.collectRequests()
	}
}

// committed publishes the group: configuration first, then the events, then the answers. The order makes a
// subscription answered "created" see every event that is answered after it.
func (w *writer) committed() {
	l := w.log
	news := !l.healthy.Swap(true) // it has recovered
	l.commits.Add(1)
	head := l.head.Load()
	w.events = w.events[:0]
	for _, r := range w.group.Requests {
		news = news || r.Clues == nil // what is found by them was in the log before
		if r.Err != nil {
			continue
		}
		if len(r.Revisions) > 0 {
			if err := l.book.Apply(r.Revisions); err != nil {
				r.refuse(err)
			}
			head = max(head, r.Revisions[len(r.Revisions)-1].Position)
		}
		for i := range r.Entries {
			if entry := &r.Entries[i]; entry.Status == Appended {
				w.events = append(w.events, entry.Event)
				head = max(head, entry.Position)
			}
		}
	}
	if head > l.head.Load() {
		l.tail.append(w.events, head)
		l.head.Store(head)
	}
	if news {
		l.growth.Signal()
	}
	for i, c := range w.dirty {
		c.Committed(w.group.Cuts[i])
	}
	w.answer()
}

func (w *writer) refused(err error) {
	w.log.healthy.Store(false)
	for _, r := range w.group.Requests {
		r.refuse(fault.Wrap(fault.StorageFull, err, "the commit failed; nothing of this request was accepted"))
	}
	w.answer()
}

func (w *writer) answer() {
	for i, r := range w.group.Requests {
		close(r.done)
		w.group.Requests[i] = nil
	}
	w.group.Requests = w.group.Requests[:0]
}

// rest waits for real time, not the hub's clock: it paces attempts against a full disk, nothing that is promised.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
