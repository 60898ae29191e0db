package eventlog

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// writer takes whatever waits, commits it as one group, tells everyone, and looks again. There is no timer: under load
// groups grow by themselves while the commit before them runs. A log that is one process's has one writer. One that is
// shared has two, so that outcomes do not wait for the end of the log, where other nodes append as well.
type writer struct {
	log      *Log
	requests bool // takes what is to be appended
	cuts     bool // takes outcomes

	wake    chan struct{} // capacity 1: there is something to commit
	stopped chan struct{}
	writing bool        // guarded by the log's lock
	healthy atomic.Bool // the last commit went through

	// The group and what it is made of, kept between commits so that their slices are used again.
	group  Commit
	dirty  []Cutter // whose cuts are in the group, in step with group.Cuts
	events []*event.Event
}

func newWriter(l *Log, requests, cuts bool) *writer {
	w := &writer{log: l, requests: requests, cuts: cuts, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	w.group.Chain = l.chain
	w.healthy.Store(true)
	return w
}

func (w *writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) write(ctx context.Context) {
	defer close(w.stopped)
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for w.collect() {
			if !w.commit(ctx) {
				return
			}
			// Those who were just answered are about to come again: let them, or two halves take turns for ever.
			runtime.Gosched()
		}
		if w.drained() {
			return
		}
	}
}

// waits reports whether there is something for this writer. The caller holds the log's lock.
func (w *writer) waits() bool {
	return w.requests && len(w.log.queue) > 0 || w.cuts && len(w.log.dirty) > 0
}

// drained reports whether the log is closed with nothing left to commit.
func (w *writer) drained() bool {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.closed && !w.waits()
}

// collect moves what waits into the group; false means that nothing did.
func (w *writer) collect() bool {
	l := w.log
	l.mu.Lock()
	w.writing = true
	w.collectRequests()
	w.dirty = w.dirty[:0]
	if w.cuts {
		w.dirty = append(w.dirty, l.dirty...)
		clear(l.dirty)
		l.dirty = l.dirty[:0]
	}
	l.mu.Unlock()

	w.group.Cuts = w.group.Cuts[:0]
	for _, c := range w.dirty {
		w.group.Cuts = append(w.group.Cuts, c.Cut())
	}
	if len(w.group.Requests) > 0 || len(w.group.Cuts) > 0 {
		return true
	}
	l.mu.Lock()
	w.writing = false
	l.mu.Unlock()
	return false
}

// collectRequests takes as many requests as one commit may hold. The caller holds the log's lock.
func (w *writer) collectRequests() {
	if !w.requests {
		return
	}
	l := w.log
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
			w.committed(ctx)
			return true
		}
		w.refused(err)
		if !rest(ctx, retryAfterFailure) {
			return false
		}
		w.log.mu.Lock()
		w.collectRequests()
		given := w.log.closed && w.log.shared != nil
		w.log.mu.Unlock()
		if given {
			w.giveUp()
			return true
		}
	}
}

// giveUp leaves outcomes that the store does not take to the node that takes over from this one, which is stopping: to
// it they are deliveries that were in flight.
func (w *writer) giveUp() {
	w.refused(fault.New(fault.ShuttingDown, "the hub is stopping"))
	w.dirty, w.group.Cuts = w.dirty[:0], w.group.Cuts[:0]
}

// committed publishes the group: configuration first, then the events, then the answers. The order makes a
// subscription answered "created" see every event that is answered after it.
func (w *writer) committed(ctx context.Context) {
	l := w.log
	news := !w.healthy.Swap(true) // it has recovered
	if w.requests {
		l.commits.Add(1)
		news = w.show(ctx) || news
	}
	if news {
		l.growth.Signal()
	}
	for i, c := range w.dirty {
		c.Committed(w.group.Cuts[i])
	}
	w.answer()
}

// show makes visible what was appended, and reports whether there was anything.
func (w *writer) show(ctx context.Context) (news bool) {
	l := w.log
	own := appended{events: w.events[:0]}
	for _, r := range w.group.Requests {
		news = news || r.Clues == nil // what is found by them was in the log before
		if r.Err != nil {
			continue
		}
		own.revisions = append(own.revisions, r.Revisions...)
		for i := range r.Entries {
			if entry := &r.Entries[i]; entry.Status == Appended {
				own.events = append(own.events, entry.Event)
			}
		}
	}
	w.events = own.events
	if err := l.come(ctx, &own); err != nil {
		w.untold(err)
	}
	return news
}

// untold is for what was appended and cannot be shown yet. Where others append too it is tried again, by what follows the
// log; a log of one's own shows all but the configuration that it cannot read.
func (w *writer) untold(err error) {
	if w.log.shared != nil {
		w.log.trouble("reading what other nodes have appended", err)
		return
	}
	for _, r := range w.group.Requests {
		if r.Err == nil && len(r.Revisions) > 0 {
			r.refuse(err)
		}
	}
}

func (w *writer) refused(err error) {
	if w.healthy.Swap(false) {
		if w.log.shared == nil {
			w.log.looked.Store(clock.Micros(w.log.clock.Now()))
		}
		w.log.trouble("committing; it is tried again until the store takes it", err)
	}
	if !fault.Known(err) {
		err = fault.Wrap(fault.StorageFull, err, "the commit failed; nothing of this request was accepted")
	}
	for _, r := range w.group.Requests {
		r.refuse(err)
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
